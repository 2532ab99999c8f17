"""HTML in prose: tags, comments and entities that were left when text was taken from web pages.

Tags are known by name, so that ``List<String>`` and ``a < b`` are none. HTML that a row is about
is no residue: code blocks are left out, and so are rows whose conversation speaks of HTML or the
making of web pages or holds a whole document, and tags in messages about code.

Evidence: one finding a message, with ``start`` and ``end`` from its first piece of HTML to its
last; the message counts and names them. ``related`` is the same characters without HTML where the
tags only shape text (paragraphs, lines, lists, bold).

Fix: the repair puts ``related`` in the place. Where a tag carries something (a link, a picture, a
table, a script) somebody must look (``review``).

Limits: residue in a row that is about code goes unreported.
"""

from __future__ import annotations

import html
import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .prefilter import contains_one_of
from .spans import SPAN_SCHEMA, code_blocks, inside

_TAG_NAMES = (
    "a|abbr|article|aside|audio|b|blockquote|body|br|button|center|cite|code|dd|del|div|dl|dt|em|"
    "figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|"
    "label|li|link|main|meta|nav|noscript|ol|option|p|picture|pre|q|script|section|select|small|"
    "span|strike|strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video"
)
_TAG = rf"</?(?:{_TAG_NAMES})(?:\s[^<>=]{{1,200}}=[^<>]{{1,500}})?\s*/?>"
_ENTITY = (
    r"&(?:nbsp|amp|lt|gt|quot|apos|hellip|mdash|ndash|[lr][sd]quo|bull|copy|#\d{2,5}|"
    r"#x[0-9a-f]{2,5});"
)
_COMMENT = r"<!--[^<>]{0,500}-->"
_MARKUP = re.compile(f"{_TAG}|{_ENTITY}|{_COMMENT}", re.IGNORECASE)
_MAY_BE_MARKUP = contains_one_of(f"(?i){_TAG}", f"(?i){_ENTITY}", _COMMENT)
# A conversation about markup holds it by right; so does a message about code.
_ABOUT_MARKUP = (
    r"(?i)(?-u:\b)(?:x?html5?|xml|svg|css|php|jsx|javascript|jquery|(?:react|angular|vue)[. ]?js|"
    # Small letters are another matter: acids react, and selenium is an element.
    r"(?-i:React|Vue|Django|Jinja|DOM)|react (?:app|component|native|router|hook)s?|"
    r"angular (?:app|component)s?|selenium (?:webdriver|driver|test|script|ide)s?|"
    r"markup|markdown|xss|beautifulsoup)(?-u:\b)|"
    r"(?-u:\b)(?:creat|writ|design|build|generat|develop|edit|fix)\w*[^.?!\n]{1,80}"
    r"(?-u:\b)(?:web ?pages?|web ?sites?|hyperlinks?|tags?)(?-u:\b)"
)
_DOCUMENT = r"(?i)<(?:!doctype|\?xml|(?:html|head|body|form|script|style)(?-u:\b))"
_ABOUT_CODE = (
    r"(?i)source code|code snippets?|"
    r"(?-u:\b)(?:creat|writ|design|build|generat|develop|edit|fix)\w*[^.?!\n]{1,80}"
    r"(?-u:\b)(?:code|scripts?|programs?)(?-u:\b)"
)
# "Write the script of a play": no code.
_SCRIPT_TO_PLAY = (
    r"(?i)(?-u:\b)scripts? (?:of|for) (?:an? |the )?(?:\w+ ){0,2}(?:plays?|films?|movies?|videos?|"
    r"shows?|scenes?|commercials?|podcasts?|conversations?|sketch(?:es)?)"
)
# A message that stands in tags as a whole was cut out of a page, whatever it is about.
_WRAPPED = r"(?is)\A\s*<(?:p|div|ul|ol|blockquote|section|article)\b[^<>]*>.*</\w+>\s*\z"
# Tags that only shape text, and what stands for them in plain text.
_SHAPES = (
    (re.compile(r"(?<!\s)\s*<li(?:\s[^<>]*)?>\s*", re.IGNORECASE), "\n- "),
    (re.compile(r"(?<![ \t])[ \t]*<(?:br|hr)\b[^<>]*>[ \t]*\n?", re.IGNORECASE), "\n"),
    (
        re.compile(r"(?<!\s)\s*</?(?:p|div|ul|ol|h[1-6]|center|section)(?:\s[^<>]*)?>\s*", re.I),
        "\n\n",
    ),
    (re.compile(r"(?<!\s)\s*</li>", re.IGNORECASE), ""),
    (
        re.compile(
            r"</?(?:b|i|em|strong|u|span|font|small|tt|abbr|cite|ins)(?:\s[^<>]*)?>|<!--[^<>]*-->",
            re.IGNORECASE,
        ),
        "",
    ),
)


def plain_text(markup: str) -> str | None:
    """Return what HTML says without its tags; None where they carry more than the look of text.

    Example:
        >>> plain_text("<b>Fish</b> &amp; chips"), plain_text('<a href="x">here</a>')
        ('Fish & chips', None)
    """
    text = markup
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    if _MARKUP.search(re.sub(_ENTITY, "", text, flags=re.IGNORECASE)):
        return None
    return re.sub(r"\n{3,}", "\n\n", html.unescape(text).replace("\xa0", " "))


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    tagged = context.messages.filter(_MAY_BE_MARKUP)
    content = pl.col("content")
    # What a tag holds is not what the conversation is about: "<a href='more.html'>".
    spoken = context.messages.join(tagged.select("row").unique(), on="row", how="semi").select(
        "row", "role", "content", words=content.str.replace_all(f"(?i){_TAG}", " ")
    )
    words = pl.col("words")
    is_about = words.str.contains(_ABOUT_MARKUP) | content.str.contains(_DOCUMENT)
    about = spoken.filter(is_about).select("row").unique()
    is_code = words.str.replace_all(_SCRIPT_TO_PLAY, " ").str.contains(_ABOUT_CODE)
    code = spoken.filter(pl.col("role") != "assistant", is_code).select("row").unique()
    rows = (
        tagged.join(about, on="row", how="anti", maintain_order="left")
        .join(code.with_columns(asked=pl.lit(True)), on="row", how="left", maintain_order="left")
        .with_columns(words=content.str.replace_all(f"(?i){_TAG}", " "))
        .filter(
            (~is_code & (pl.col("asked").is_null() | ~content.str.contains("<")))
            | content.str.contains(_WRAPPED)
        )
    )
    found = [
        finding
        for row, field, text in rows.select("row", "field", "content").iter_rows()
        if (finding := _judge(row, field, text)) is not None
    ]
    return pl.DataFrame(found, schema=SPAN_SCHEMA, orient="row")


def _judge(row: int, field: str, content: str) -> tuple[object, ...] | None:
    code = code_blocks(content)
    matches = [match for match in _MARKUP.finditer(content) if not inside(match.start(), code)]
    if not matches:
        return None
    start, end = matches[0].start(), matches[-1].end()
    names = ", ".join(dict.fromkeys(match[0][:20] for match in matches[:5]))
    message = f"{len(matches)} pieces of HTML: {names}" if matches[1:] else f"HTML: {names}"
    has_code = any(start < first < end for first, _ in code)
    plain = None if has_code else plain_text(content[start:end])
    if plain is not None:
        plain = _without_double_breaks(content[:start], plain, content[end:])
        if not (content[:start] + plain + content[end:]).strip():
            return row, field, start, end, None, None, "nothing but HTML", None, Fix.DROP
    fix = Fix.REVIEW if plain is None else Fix.REPAIR
    return row, field, start, end, None, plain, message, None, fix


def _without_double_breaks(before: str, text: str, after: str) -> str:
    """Take away line breaks at the ends of a text where there is one already, or no text."""
    if not before.strip() or before.endswith("\n"):
        text = text.lstrip("\n")
    if not after.strip() or after.startswith("\n"):
        text = text.rstrip("\n")
    return text


CHECK = RowCheck(
    name="text/html",
    title="HTML tags and entities in prose",
    severity=Severity.LOW,
    fix=Fix.REPAIR,
    find=_find,
)
