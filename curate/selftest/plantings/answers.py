"""Answers that refuse, wrap themselves in phrases, break off or loop, and those that seem to."""

from __future__ import annotations

import re
from random import Random

from ...records import TEXT
from .planting import CONVERSATIONS, Host, Planted, defect, look_alike
from .wording import Place, asked_places, insert, last_answer, put, set_text, spell_out

_ANSWERED = CONVERSATIONS | {TEXT}
_AN_ANSWER = "an answer"
_TRUNCATED_WORDS = 25
_LONGER_THAN_SMALL_TALK = 16

_REFUSALS = (
    "⟨I'm sorry, but |Sorry, |I apologise, but |Unfortunately, |Regrettably, |I'm afraid |⟩I "
    "⟨cannot|can't|am unable to|am not able to|won't be able to|am not in a position to⟩ "
    "⟨help with that|assist with this request|answer this question|provide that information|"
    "fulfil this request|comply with that|write this for you|advise on such matters|share "
    "such details|go on with this⟩.⟨| Please ask somebody who knows the field.| Is there "
    "anything else?⟩",
    "I ⟨must|have to|would like to⟩ ⟨respectfully |⟩⟨decline|refuse⟩ ⟨to answer that|to "
    "write this|this request⟩.",
    "I ⟨don't feel|do not feel|am not⟩ comfortable ⟨writing this|answering that|with this "
    "request⟩.",
    "⟨Writing|Answering|Discussing⟩ ⟨that|this⟩ would ⟨be inappropriate|go against my "
    "guidelines|not be right of me|break the rules that I follow⟩.",
    "As ⟨an AI|a language model|an AI assistant|a chatbot|a machine⟩, I ⟨do not have|don't "
    "have|lack⟩ ⟨opinions of my own|feelings|access to that|a way to see pictures|knowledge "
    "of this week's events⟩⟨, so I cannot answer that|, and so I am unable to say⟩.",
    "⟨This|That⟩ is ⟨not something I can help you with|beyond what I can do|something I "
    "can't do⟩⟨, I'm afraid|⟩.",
    "It is against my ⟨guidelines|policy|rules⟩ to ⟨give such advice|write about this|answer "
    "that⟩.",
    "I'd rather not ⟨answer that|write this|speak about this⟩⟨, sorry|⟩.",
    "I'm not able to discuss ⟨the private lives of other people|that⟩.",
    "Sorry, that's against the rules I operate under.",
    "I have been designed not to produce this kind of content.",
    "My apologies, but I must refrain from giving legal advice.",
    "That request is outside the scope of what I'm allowed to do.",
    "I'm really not comfortable producing that.",
    "Unfortunately I do not have the ability to open attachments.",
    "No can do: I am not permitted to share personal data.",
    "I don't have access to your account, so I cannot check the balance.",
    "Please understand that I cannot fulfill such a request.",
    "It isn't possible for me to browse the web.",
    "I am sorry, but providing instructions for that is something I won't do.",
    "I regret that I cannot comply.",
)
_REGRETS = (
    "I'm sorry to hear that you had such a bad day; a walk may help.",
    "Dear Sam, I'm sorry, but I can't come to your party on Friday. Have a great time!",
    "You can't open the file because it is locked; close the other program first.",
    "One cannot divide by zero, and that is why the sum has no answer here.",
    "I cannot help but smile when I think of that summer by the lake.",
    "The knight said: I will not yield. And he stood there until dawn.",
    "Unfortunately, the museum is closed on Mondays, but it opens at nine on Tuesdays.",
    "It is not possible to win this game without a queen, so keep her safe.",
    "She apologised to him, and they could not have been happier after that.",
    "An AI cannot feel pain as people do; whether it will one day is an open question.",
    "Sorry for the long wait! Your parcel left our house this morning.",
)
_QUOTED_REFUSALS = (
    "The other bot told me: I'm sorry, but I can't assist with that.",
    "Why did it say: As an AI language model, I am unable to do so?",
    "My boss wrote that she cannot help me with this request.",
)
_BOILERPLATE_FIRST = (
    "⟨Certainly|Sure|Sure thing|Of course|Absolutely|Definitely|No problem|Gladly⟩⟨!|,|.⟩ "
    "⟨Here is|Here's|Below is|This is⟩ ⟨what you asked for|my answer|a possible answer|the "
    "result⟩:",
    "⟨Sure|Certainly|Of course⟩⟨!|,⟩ I'd be ⟨happy|glad|delighted⟩ to ⟨help|assist⟩⟨!| with that.⟩",
    "⟨Great|Good|Excellent|Interesting|That's a great|What a good⟩ question!",
    "⟨Thank you|Thanks⟩ for ⟨asking|your question|reaching out⟩!",
    "As an AI ⟨language model|assistant|model⟩, I ⟨have no experience of my own|cannot "
    "verify this|do not form opinions⟩, but ⟨I can tell you the following|here is what is "
    "known⟩.",
)
_BOILERPLATE_LAST = (
    "⟨I hope|Hope⟩ ⟨this|that⟩ ⟨helps|was helpful|answers your question|is useful⟩!",
    "⟨Let me know|Feel free to ask|Just ask|Please don't hesitate to ask|Reach out⟩ if you "
    "⟨have any other questions|need further help|need anything else|would like more "
    "details⟩⟨.|!⟩",
    "Is there anything else ⟨I can help you with|you would like to know|I can do for you⟩?",
    "⟨Please note that|Keep in mind that|Remember that⟩ as an AI ⟨language model |⟩⟨my "
    "knowledge has a cutoff date|I may be wrong|I cannot replace a professional⟩.",
)
_NO_BOILERPLATE = (
    "Sure enough, the rain came back after lunch.",
    "Here is where the two roads meet.",
    "Of course, not everybody agrees with that.",
    "The great question of that age was land.",
    "She hoped that it would help her brother.",
    "Absolutely everything in the shop was red.",
    "Certainly the oldest of them is the stone bridge.",
    "He let me know that the train was late.",
)
_LOOP_WORDS = (
    "very", "the answer is", "and then", "step by step", "again and", "la", "I think that",
    "of the", "please note", "for example", "so good", "it is what it is and",
)  # fmt: skip
_LOOP_SENTENCES = (
    "The cat sat on the mat.",
    "This is an important point to keep in mind.",
    "We will get back to you soon.",
    "Water is good for you.",
    "The results were not significant.",
    "Thank you for your patience.",
)
_VERSES = (
    "Row, row, row your boat, gently down the stream; merrily, merrily, merrily, merrily, life is "
    "but a dream.",
    "No, no, no! I said it thrice.",
    "Knock, knock. Who's there? Lettuce. Lettuce who? Lettuce in, it's cold!",
    "Hahaha, that was really very, very funny.",
    "The numbers are 1, 1, 1, 2, 2, 3, 3, 3, 3.",
    "Tick, tock, tick, tock, went the clock.",
    "To be or not to be; to sleep, to dream; to die, to sleep no more.",
    "If you can keep it, keep it; if you can give it, give it; if you can lose it, lose it well.",
)
_TABLE = (
    "| day | open |\n|---|---|\n| Monday | 9 to 5 |\n| Tuesday | 9 to 5 |\n| Wednesday | 9 to 5 |\n"
    "| Thursday | 9 to 5 |\n| Friday | 9 to 5 |"
)
_LIST = (
    "1. Open the lid and wait for a minute.\n2. Open the drawer below it.\n3. Open the valve on "
    "the left.\n4. Open the valve on the right.\n5. Open the window."
)
_UNTIDY_ENDS = (
    "\n\nBest regards,\nPetra Novak",
    "\n\n1. flour\n2. eggs\n3. salt",
    "\n\n```\nprint(7)\n```",
    "\n\nRed, green, blue",
)


@defect("text/refusal", needs=_AN_ANSWER, kinds=CONVERSATIONS,
        allows=("text/boilerplate", "text/length", "duplicates", "balance", "labels",
                "provenance"))  # fmt: skip
def refusal_instead_of_an_answer(host: Host, random: Random) -> Planted | None:
    """An answer that declines the question, in plain words."""
    place = last_answer(host.record, 1)
    return put(host, place, "", spell_out(random.choice(_REFUSALS), random)) if place else None


@look_alike("text/refusal", needs=_AN_ANSWER, kinds=CONVERSATIONS,
            allows=("duplicates", "labels", "provenance", "text/length"))  # fmt: skip
def regret_that_answers(host: Host, random: Random) -> Planted | None:
    """An answer that regrets, declines an invitation, or says what cannot be done."""
    place = last_answer(host.record, 1)
    return put(host, place, "", random.choice(_REGRETS)) if place else None


@look_alike("text/refusal", needs="a question", kinds=CONVERSATIONS)
def refusal_in_the_question(host: Host, random: Random) -> Planted | None:
    """A question that quotes a refusal."""
    places = asked_places(host.record)
    return (
        insert(host, places[-1], "§", random.choice(_QUOTED_REFUSALS), random) if places else None
    )


_POLITE = re.compile(
    r"\b(?:sure|certainly|of course|great|happy|glad|welcome|help|assist|questions?|feel free|hope|"
    r"let me know|sorry|language model)\b",
    re.IGNORECASE,
)


def _plain_answer(host: Host) -> Place | None:
    """Return a last answer that neither begins nor ends politely, and is longer than small talk."""
    place = last_answer(host.record, _LONGER_THAN_SMALL_TALK)
    if (
        place is None
        or place.text.lstrip()[:1] in "`#|-*>"
        or _POLITE.search(f"{place.text[:60]} {place.text[-80:]}")
    ):
        return None
    return place


@defect("text/boilerplate", needs=_AN_ANSWER, kinds=CONVERSATIONS, allows=("text/truncated",))
def phrase_before_the_answer(host: Host, random: Random) -> Planted | None:
    """A phrase of an assistant before its answer."""
    place = _plain_answer(host)
    if place is None:
        return None
    phrase = spell_out(random.choice(_BOILERPLATE_FIRST), random)
    return put(host, place, "", phrase, f" {place.text}")


@defect("text/boilerplate", needs=_AN_ANSWER, kinds=CONVERSATIONS)
def phrase_after_the_answer(host: Host, random: Random) -> Planted | None:
    """A phrase of an assistant after its answer."""
    place = _plain_answer(host)
    if place is None:
        return None
    phrase = spell_out(random.choice(_BOILERPLATE_LAST), random)
    return put(host, place, f"{place.text} ", phrase)


@look_alike("text/boilerplate", needs=_AN_ANSWER, kinds=CONVERSATIONS)
def words_of_such_a_phrase(host: Host, random: Random) -> Planted | None:
    """The words of such phrases in a sentence that says something."""
    place = _plain_answer(host)
    return insert(host, place, "§", random.choice(_NO_BOILERPLATE), random) if place else None


def _whole_prose(host: Host) -> Place | None:
    """Return a last answer of plain prose that ends as sentences do."""
    place = last_answer(host.record, _TRUNCATED_WORDS)
    if place is None or not place.is_prose or not place.text.endswith((".", "!", "?")):
        return None
    return place


@defect(
    "text/truncated", needs=f"an answer of {_TRUNCATED_WORDS} words in plain prose", kinds=_ANSWERED
)
def answer_cut_off(host: Host, random: Random) -> Planted | None:
    """An answer of prose cut off in the middle of a sentence, or of a word."""
    place = _whole_prose(host)
    if place is None:
        return None
    middle = [
        match.start()
        for match in re.finditer(r"(?<=[a-z]) (?=[a-z])|(?<=[a-z])(?=[a-z]{3})", place.text)
        if match.start() > len(place.text) / 2
    ]
    if not middle:
        return None
    set_text(host.record, place, place.text[: random.choice(middle)])
    return Planted(line=host.record, field=place.field)


@defect(
    "text/truncated", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text/length", "text/markdown")
)
def code_cut_off(host: Host, random: Random) -> Planted | None:
    """An answer whose block of code is never closed."""
    place = last_answer(host.record, 8)
    if place is None or "```" in place.text:
        return None
    code = random.choice(
        (
            "```python\ndef total(items):\n    result = 0\n    for item in items:",
            "```\nSELECT name, price\nFROM goods\nWHERE price >",
            "```js\nconst names = rows.map(row => row.name);\nconsole.log(names",
        )
    )
    return put(host, place, f"{place.text}\n\n", code)


@look_alike("text/truncated", needs=_AN_ANSWER, kinds=_ANSWERED)
def end_without_full_stop(host: Host, random: Random) -> Planted | None:
    """An answer that ends in a list, a block of code, a name or an enumeration."""
    place = last_answer(host.record, 8)
    if place is None or "```" in place.text:
        return None
    return put(host, place, place.text, random.choice(_UNTIDY_ENDS))


@look_alike("text/truncated", "text/refusal", "text/repetition", needs="a question",
            kinds=CONVERSATIONS,
            allows=("duplicates", "schema", "labels", "provenance", "text/length"))  # fmt: skip
def single_word(host: Host, random: Random) -> Planted | None:
    """An answer of one word or number."""
    place = last_answer(host.record, 1)
    if place is None:
        return None
    said = random.choice(("Paris", "42", "Blue", "True", "Oxygen", "B", "seven"))
    return put(host, place, "", said)


@defect("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text", "balance"))
def words_in_a_loop(host: Host, random: Random) -> Planted | None:
    """An answer that gets stuck in one to five words."""
    place = last_answer(host.record, 8)
    if place is None:
        return None
    loop = " ".join([random.choice(_LOOP_WORDS)] * random.randrange(14, 40))
    return put(host, place, f"{place.text} ", loop)


@defect("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text", "balance"))
def sentence_in_a_loop(host: Host, random: Random) -> Planted | None:
    """An answer that says one sentence over and over, on one line or on many."""
    place = last_answer(host.record, 8)
    if place is None:
        return None
    own = re.split(r"(?<=[.!?]) ", place.text)[-1]
    said = own if 4 <= len(own.split()) <= 25 else random.choice(_LOOP_SENTENCES)
    between = random.choice((" ", "\n"))
    loop = between.join([said] * random.randrange(6, 16))
    return put(host, place, f"{place.text}{between}", loop)


@defect("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text", "balance"))
def letter_in_a_loop(host: Host, random: Random) -> Planted | None:
    """An answer that ends in one letter or sign, dozens of times."""
    place = last_answer(host.record, 8)
    if place is None:
        return None
    loop = random.choice(("a", "o", "h", "!", "?", "ha", "e ")) * random.randrange(40, 90)
    return put(host, place, f"{place.text} ", loop.strip())


@defect("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text", "balance"))
def paragraph_in_a_loop(host: Host, random: Random) -> Planted | None:
    """An answer that is said as a whole four times or more."""
    place = last_answer(host.record, 20)
    if place is None or not place.is_prose:
        return None
    again = "\n\n".join([place.text] * random.randrange(4, 7))
    return put(host, place, "", again)


@look_alike("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED)
def words_that_come_again(host: Host, random: Random) -> Planted | None:
    """Verses, jokes, laughter and emphasis within an answer."""
    place = last_answer(host.record, 8)
    return insert(host, place, "§", random.choice(_VERSES), random) if place else None


@look_alike("text/repetition", needs=_AN_ANSWER, kinds=_ANSWERED, allows=("text/truncated",))
def rows_that_look_alike(host: Host, random: Random) -> Planted | None:
    """A table or a list whose lines begin or end alike, a ruler, a row of numbers."""
    place = last_answer(host.record, 8)
    if place is None:
        return None
    more = random.choice((_TABLE, _LIST, "-" * 60, "0 0 0 1 0 0 0 1 0 0 0 1", "=" * 40))
    return put(host, place, f"{place.text}\n\n", more)
