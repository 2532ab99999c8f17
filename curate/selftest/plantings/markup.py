"""Remains of web pages, templates and editors, and the same signs where they belong."""

from __future__ import annotations

import re
from random import Random

from .planting import Host, Planted, defect, look_alike
from .wording import (
    Place,
    all_places,
    answer_places,
    append_block,
    insert_anywhere,
    put,
    set_text,
    spell_out,
)

_WRAPPED = (
    ("<p>", "</p>"),
    ('<div class="entry-content">', "</div>"),
    ('<span style="font-size: 12px">', "</span>"),
    ("<ul><li>", "</li></ul>"),
    ("<b>", "</b>"),
    ("", "<br><br>"),
    ("", '<br />\n<a href="/more.html">Read more</a>'),
    ("<td>", "</td>"),
    ("<!-- wp:paragraph -->", "<!-- /wp:paragraph -->"),
    ('<font color="red">', "</font>"),
    ("<h2>", "</h2>"),
    ("<blockquote><p>", "</p></blockquote>"),
)
_ENTITIES = ("&nbsp;", "&amp;nbsp;", "&quot;", "&#39;", "&hellip;", "&lt;br&gt;", "&mdash;")
_BLANKS = (
    "Dear § and family, thank you.",
    "Sincerely, §.",
    "Welcome to §, we are glad that you came.",
    "Our shop in § is open on Sundays.",
    "The meeting is on § at noon.",
    "For details write to §.",
)
_WANTED = "⟨name|company|address|city|product|date|amount|position|department|order number⟩"
_TITLE = "⟨Name|Company|Address|City|Product|Date|Amount|Position|Department|Phone Number⟩"
_VARIABLE = "⟨first_name|company|customer.name|order_id|city|product_name|date⟩"
_FILLERS = (
    f"[⟨Your|Insert|Enter|Recipient's|Company's⟩ {_TITLE}⟨| Here⟩]",
    f"[⟨insert|enter|add|your⟩ {_WANTED}⟨| here⟩]",
    "[⟨NAME|COMPANY|DATE|ADDRESS|INSERT NAME|CITY, STATE|TBD⟩]",
    f"{{{{⟨|  ⟩{_VARIABLE}⟨| ⟩}}}}",
    f"⟨<⟩⟨your|insert|enter⟩ {_WANTED}⟨| here⟩>",
    "<⟨YOUR_NAME|INSERT_DATE_HERE|COMPANY_NAME|YOUR_CITY_HERE⟩>",
    "${⟨CUSTOMER|NAME|COMPANY|ORDER_ID⟩}",
    "%⟨FIRSTNAME|LAST_NAME|CITY|DATE⟩%",
    f"{{{_VARIABLE}}}",
    "⟨XXXXX|XXXXXXXX⟩",
)
_NOTES = (
    "⟨TODO|FIXME⟩⟨:|⟩ ⟨check this figure|add a second example|finish this part|ask Petra|rewrite⟩",
    "⟨Lorem ipsum dolor sit amet, consectetur adipiscing elit|Duis aute irure dolor in "
    "reprehenderit in voluptate velit esse cillum|Ut enim ad minim veniam, quis nostrud "
    "exercitation ullamco laboris⟩.",
    "[⟨to be completed|to be continued here|add more|insert example|text goes here⟩]",
    "<⟨add|insert|put⟩ ⟨example|quote|figure|text⟩ here>",
    "TBD",
)
_MISSING = (
    "<noinput>", "N/A", "nan", "null", "<no input>", "[empty]", "NaN", "n/a", "#N/A", "<NA>",
    "NULL", "[no input]", "(empty)", "#REF!",
)  # fmt: skip
_LIKE_HTML = (
    "The list is a List<String> of names.",
    "If a < b and b > c, then swap them.",
    "I <3 this town.",
    "R&D and Q&A are on the third floor.",
    "It takes < 5 minutes and > 2 hands.",
    "vector<int> is a template; map<string, int> is another.",
    "Press <Enter> and then <Ctrl>+C.",
    "His note says: see you at 8 <grin>",
    "The relation x<y holds for all of them.",
    "Write to Petra Novak <petra> about it.",
    "The arrow -> points right and <- points left.",
    "AT&T; that was the name then.",
)
_LIKE_PLACEHOLDER = (
    "As shown in [1] and [12], it works.",
    "The set {1, 2, 3} has three members.",
    "[Laughter] He went on after a while.",
    "The list [a, b, c] is sorted.",
    "It prints {} when the object is empty.",
    "See [the manual](https://docs.python.org) for more.",
    "Let f be a function on [0, 1].",
    "The matrix is [[1, 0], [0, 1]].",
    "- [x] done\n- [ ] open",
    "He said that [sic] they was late.",
    "In LaTeX it is \\frac{a}{b} and \\mathbf{x}.",
    "The regular expression is [a-z]+[0-9]{2}.",
    "Size XXL is sold out, and chapter XXX is the last.",
    'Use `f"{name}"` for that.',
    "She todo'd it: her to-do list is long.",
    "In Spanish, todo means all.",
    "The array[i] is the i-th entry.",
)


# What is about the making of such pages may hold their signs by right.
_OF_THE_WEB = re.compile(
    r"\b(?:html|css|xml|php|web|web ?sites?|web ?pages?|scripts?|code|program\w*|javascript|react|"
    r"tags?)\b",
    re.IGNORECASE,
)


def _prose_of_something_else(host: Host, least_words: int) -> list[Place]:
    places = all_places(host.record, 1)
    if any(_OF_THE_WEB.search(place.text) for place in places):
        return []
    return [p for p in all_places(host.record, least_words) if p.is_prose]


@defect("text/html", needs="a text that is not about web pages or programs")
def tags_around_a_text(host: Host, random: Random) -> Planted | None:
    """An answer or a question wrapped in tags of a web page."""
    places = _prose_of_something_else(host, 3)
    if not places:
        return None
    place = random.choice(places)
    before, after = random.choice(_WRAPPED)
    return put(host, place, "", f"{before}{place.text}{after}")


@defect("text/html", needs="a text that is not about web pages or programs",
        allows=("text/whitespace",))  # fmt: skip
def entities_in_a_text(host: Host, random: Random) -> Planted | None:
    """Entities in the place of blanks and quotation marks."""
    places = _prose_of_something_else(host, 8)
    if not places:
        return None
    place = random.choice(places)
    entity = random.choice(_ENTITIES)
    gaps = [match.start() for match in re.finditer(" ", place.text)]
    chosen = sorted(random.sample(gaps, min(len(gaps), 3)))
    text = "".join(
        (entity if index in chosen else "") + letter for index, letter in enumerate(place.text)
    )
    return put(host, place, "", text)


@look_alike("text/html")
def signs_that_are_no_tags(host: Host, random: Random) -> Planted | None:
    """Comparisons, generics, keys, hearts and ampersands."""
    return insert_anywhere(host, "§", random.choice(_LIKE_HTML), random)


@look_alike(
    "text/html",
    needs="an answer",
    allows=("duplicates", "labels", "provenance", "text/length", "text/compression"),
)
def html_that_was_asked_for(host: Host, random: Random) -> Planted | None:
    """A row about the making of a web page, with the page in a block of code."""
    places = answer_places(host.record)
    asked = [place for place in all_places(host.record) if place not in places]
    if not places or not asked:
        return None
    set_text(host.record, asked[-1], "Write a small web page in HTML with a heading and a list.")
    body = "<html>\n<body>\n<h1>Tea</h1>\n<ul><li>green</li><li>black</li></ul>\n</body>\n</html>"
    fenced = f"```html\n{body}\n```" if random.random() < 0.5 else body
    set_text(host.record, places[-1], f"Here is the page:\n\n{fenced}\n\nThe list is in `<ul>`.")
    return Planted(line=host.record)


@defect("text/placeholder")
def blank_that_nobody_filled(host: Host, random: Random) -> Planted | None:
    """A blank of a template, in brackets, braces or signs."""
    return insert_anywhere(
        host, random.choice(_BLANKS), spell_out(random.choice(_FILLERS), random), random
    )


@defect("text/placeholder", allows=("text/language", "text/truncated"))
def note_to_oneself(host: Host, random: Random) -> Planted | None:
    """A note of what is to be done, or filler text."""
    return insert_anywhere(host, "§", spell_out(random.choice(_NOTES), random), random)


@defect("text/placeholder", allows=("duplicates", "labels", "provenance", "text", "balance"))
def missing_value_as_text(host: Host, random: Random) -> Planted | None:
    """A text that is nothing but a missing value written out."""
    places = all_places(host.record, 1)
    if not places:
        return None
    return put(host, random.choice(places), "", random.choice(_MISSING))


@look_alike("text/placeholder")
def brackets_that_belong_there(host: Host, random: Random) -> Planted | None:
    """Citations, sets, stage directions, formulas, links, check boxes."""
    return insert_anywhere(host, "§", random.choice(_LIKE_PLACEHOLDER), random)


@look_alike("text/placeholder", "text/html", "privacy/secret", allows=("text/truncated",))
def braces_in_code(host: Host, random: Random) -> Planted | None:
    """Code in a block, with templates, generics and format strings of its own."""
    code = random.choice(
        (
            'print(f"{name} has {count} messages")',
            "const url = `${base}/items/${id}`;",
            '<li v-for="item in items">{{ item.name }}</li>',
            "Map<String, List<Integer>> byName = new HashMap<>();",
            "SELECT * FROM orders WHERE id = {order_id};",
            "# TODO: handle the empty list\nreturn []",
            'token = load_token("service")',
        )
    )
    return append_block(host, f"```\n{code}\n```", random)


_BROKEN_MARKDOWN = (
    "The ** red one ** is the best of them.",
    "It is \\*\\*very\\*\\* important to wait.",
    "See [the second part]() for more.",
    "##Ingredients\n\nFlour, eggs and salt.",
    "| day | open |\n|---|---|\n| Monday | 9 | 5 |\n| Tuesday |",
    "See [the timetable](https://example.org/times for trains.",
    "This is **the end of the first part.",
)
_SOUND_MARKS = (
    "3 * 4 * 5 = 60, and 2**3 = 8.",
    "Pass it as **kwargs, or as *args.",
    "The variable is called max_row_count.",
    "C# and F# are languages of the same family.",
    "#sunset #beach",
    "We're #1 in the league.",
    "Footnotes* are below.",
    "| day | open |\n|---|---|\n| Monday | 9 to 5 |\n| Tuesday | 9 to 5 |",
    "* one\n* two\n* three",
)


@defect("text/markdown", allows=("text/truncated", "text/placeholder"))
def broken_marks(host: Host, random: Random) -> Planted | None:
    """Bold, links, headings and tables that are written wrongly."""
    return append_block(host, random.choice(_BROKEN_MARKDOWN), random)


@defect("text/markdown", allows=("text/truncated",))
def block_that_swallows_the_rest(host: Host, random: Random) -> Planted | None:
    """A block of code that is never closed, with prose after it."""
    code = random.choice(("print(total)", "x = [1, 2, 3]", "cd /srv && ls"))
    after = "That prints the total. Then go on with the next step, as described above."
    return append_block(host, f"```\n{code}\n\n{after}", random)


@defect("text/markdown", allows=("text/truncated", "text/whitespace"))
def front_matter(host: Host, random: Random) -> Planted | None:
    """The front matter of a page of a static site before a text."""
    places = all_places(host.record)
    if not places:
        return None
    place = random.choice(places)
    head = random.choice(
        (
            "---\ntitle: Bread\nlayout: post\ntags: [food]\n---",
            '+++\ntitle = "Bread"\ndate = "2021-03-04"\n+++',
            "---\nlayout: default\npermalink: /about/\n---",
        )
    )
    return put(host, place, "", head, f"\n\n{place.text}")


@look_alike("text/markdown", allows=("text/truncated", "text/length"))
def marks_that_are_meant(host: Host, random: Random) -> Planted | None:
    """Stars of formulas and arguments, hash signs of names and tags, tables, lists."""
    return append_block(host, random.choice(_SOUND_MARKS), random)
