"""Rows that come again: as they were, in another form, with a few words changed, answered anew."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

from ...records import CHAT, CLASSIFICATION, TEXT
from ...shapes.rows import Record
from ...shapes.shape import ASSISTANT, SYSTEM
from .planting import CONVERSATIONS, Host, Planted, defect, look_alike
from .similarity import jaccard, shingles
from .wording import (
    Place,
    all_places,
    answer_places,
    asked_places,
    borrowed_answer,
    last_answer,
    set_text,
)

_SENTENCES = re.compile(r"(?<=[.!?]) +")
_NEAR = 0.85
"""Share of runs of words in common from which on everybody calls two rows nearly the same."""

_NEAR_NEEDS = "a text that a change leaves nearly the same"
_MAY_BE_ANSWERED_OTHERWISE = ("duplicates/same-prompt", "bias/counterfactual", "text/whitespace")
_LEAST_RUNS = 4
_NOT_NEAR = 0.75
_WORDS_OF_CONTAINED = 30
_TRIES = 20

_CODE_SIGNS = re.compile(r"[{}\[\]<>=\\|~^`#*_]")
_OTHER_WORDS = (
    "really", "today", "perhaps", "often", "somewhere", "quickly", "almost", "usually", "blue",
    "seven", "garden", "simply",
)  # fmt: skip
_CLOSING = (
    "That is all.",
    "I wanted to add that.",
    "Anyway, so it goes.",
    "There you have it.",
    "And so on.",
    "Thanks.",
    "So:",
    "Well, now.",
)
_BORROWED = ("duplicates", "text", "privacy", "safety")
"""What a borrowed text may bring along."""

_GREETINGS = (
    ("Hello!", "Hello! What can I do for you today?"),
    ("Good morning.", "Good morning! How may I help?"),
    ("Thanks!", "You are welcome!"),
)


def _words_of(record: Record) -> int:
    return sum(len(place.text.split()) for place in all_places(record, 1))


@defect("duplicates/exact")
def row_again(host: Host, random: Random) -> Planted | None:
    """The same row a second time."""
    return Planted(added=(host.twin(),))


@defect("duplicates/normalised", allows=("text/whitespace", "text/truncated"))
def row_in_another_form(host: Host, random: Random) -> Planted | None:
    """A row again that differs in case, white space, Unicode form or sentence punctuation."""
    twin = host.twin()
    places = [place for place in all_places(twin, 1) if not _CODE_SIGNS.search(place.text)]
    if not places or _words_of(twin) < 3:
        return None
    change = random.choice(_OTHER_FORMS)
    changed = False
    for place in places:
        text = change(place.text)
        changed = changed or text != place.text
        set_text(twin, place, text)
    return Planted(added=(twin,)) if changed else None


def _upper(text: str) -> str:
    return text if "ı" in text else text.upper()


def _spaced(text: str) -> str:
    return " " + re.sub(r"(?<=[a-z,]) (?=[a-z])", "  ", text) + "\n"


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _full_width(text: str) -> str:
    return "".join(
        chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalpha() else letter
        for letter in text
    )


def _other_marks(text: str) -> str:
    """Take sentence punctuation off: after words, before a blank or at the end."""
    return re.sub(r"(?<=[a-z])[.,!?](?= |$)", "", text)


_OTHER_FORMS: tuple[Callable[[str], str], ...] = (
    _upper,
    _spaced,
    _decomposed,
    _full_width,
    _other_marks,
)


def _similarity(left: Record, right: Record) -> float:
    """Return how similar two rows are in all that is said: by runs of five words, or of three.

    Which of them is fair to short texts is a matter of taste: there they must be alike by both.
    """
    texts = [_all_that_is_said(row) for row in (left, right)]
    words = min(len(text.split()) for text in texts)
    sizes = [size for size in (3, 5) if words >= _LEAST_RUNS + size]
    return min((_shared(texts, size) for size in sizes), default=0.0)


def _shared(texts: list[str], size: int) -> float:
    first, second = (shingles(text, size) for text in texts)
    return jaccard(first, second)


def _all_that_is_said(record: Record) -> str:
    """Return a row's texts but the system prompt; of two answers both."""
    said = [*record.messages, *(record.chosen or ()), *(record.rejected or ())]
    return " ".join(message.content or "" for message in said if message.role != SYSTEM)


def _nearly_the_same(host: Host, twin: Record) -> Planted | None:
    """Plant a twin if it is what everybody would call nearly the same, and no copy."""
    return Planted(added=(twin,)) if _NEAR <= _similarity(host.record, twin) < 1 else None


def _longest(record: Record) -> Place | None:
    """Return the longest text of a record that is one paragraph."""
    places = [place for place in all_places(record, 6) if "\n" not in place.text]
    return max(places, key=lambda place: len(place.text), default=None)


@defect("duplicates/near", needs=_NEAR_NEEDS, allows=_MAY_BE_ANSWERED_OTHERWISE)
def words_changed(host: Host, random: Random) -> Planted | None:
    """A row again with a few words replaced, left out or added."""
    for _ in range(_TRIES):
        twin = host.twin()
        place = _longest(twin)
        if place is None:
            return None
        words = place.text.split(" ")
        for _ in range(random.randint(1, 4)):
            at = random.randrange(1, len(words) - 1)
            kind = random.randrange(3)
            if kind == 0:
                words[at] = random.choice(_OTHER_WORDS)
            elif kind == 1:
                del words[at]
            else:
                words.insert(at, random.choice(_OTHER_WORDS))
        set_text(twin, place, " ".join(words))
        planted = _nearly_the_same(host, twin)
        if planted is not None:
            return planted
    return None


@defect("duplicates/near", needs=_NEAR_NEEDS, allows=_MAY_BE_ANSWERED_OTHERWISE)
def sentence_moved(host: Host, random: Random) -> Planted | None:
    """A row again with one sentence in another place."""
    twin = host.twin()
    place = _longest(twin)
    sentences = _SENTENCES.split(place.text) if place else []
    if place is None or len(sentences) < 3:
        return None
    moved = sentences.pop(random.randrange(len(sentences)))
    sentences.insert(random.randrange(len(sentences) + 1), moved)
    set_text(twin, place, " ".join(sentences))
    return _nearly_the_same(host, twin)


@defect("duplicates/near", needs=_NEAR_NEEDS, allows=_MAY_BE_ANSWERED_OTHERWISE)
def words_added(host: Host, random: Random) -> Planted | None:
    """A row again with a few words more before or after its text."""
    twin = host.twin()
    place = _longest(twin)
    if place is None:
        return None
    more = random.choice(_CLOSING)
    text = f"{place.text} {more}" if random.random() < 0.5 else f"{more} {place.text}"
    set_text(twin, place, text)
    return _nearly_the_same(host, twin)


@defect(
    "duplicates/contained",
    needs="a row of thirty words and more",
    allows=(*_BORROWED, "labels", "bias", "balance"),
)
def row_that_goes_on(host: Host, random: Random) -> Planted | None:
    """A row again that goes on with as much of something else."""
    twin, more = host.twin(), borrowed_answer(host, 3, random)
    places = all_places(twin, 1)
    if more is None or not places or _words_of(twin) < _WORDS_OF_CONTAINED:
        return None
    set_text(twin, places[-1], f"{places[-1].text} {more}")
    much = _words_of(twin) > 1.6 * _words_of(host.record)
    alike = _similarity(host.record, twin)
    return Planted(added=(twin,)) if much and alike < _NOT_NEAR else None


@look_alike("duplicates/near", "duplicates/normalised", "duplicates/exact", needs="several turns",
            kinds=frozenset({CHAT}), allows=("text/length",))  # fmt: skip
def greeting_again(host: Host, random: Random) -> Planted | None:
    """The same short greeting before conversations that go on differently."""
    messages = host.record.messages
    at = next((i for i, message in enumerate(messages) if message.role == "user"), None)
    if at is None or messages[-1].role != ASSISTANT:
        return None
    asked, answered = random.choice(_GREETINGS)
    messages[at:at] = [
        messages[at]._replace(content=asked),
        messages[-1]._replace(content=answered, weight=None),
    ]
    return Planted(line=host.record, value=asked)


@look_alike(
    "duplicates/near",
    needs="a row with as many words",
    allows=("duplicates/same-prompt", "text", "labels"),
)
def half_of_another_row(host: Host, random: Random) -> Planted | None:
    """A text of which the first half is taken from another row."""
    other = last_answer(host.neighbour(random), 40)
    place = last_answer(host.record, 40)
    if other is None or place is None or other.text == place.text:
        return None
    words, borrowed = place.text.split(" "), other.text.split(" ")
    if not len(words) / 2 < len(borrowed) < len(words) * 2:
        return None
    half = " ".join([*borrowed[: len(borrowed) // 2], *words[len(words) // 2 :]])
    set_text(host.record, place, half)
    return Planted(line=host.record)


@look_alike(
    "duplicates/exact", "duplicates/normalised", "duplicates/near", needs="a question",
    kinds=CONVERSATIONS,
)  # fmt: skip
def same_scene(host: Host, random: Random) -> Planted | None:
    """The same long system prompt before many conversations."""
    messages = host.record.messages
    if not messages or messages[0].role == "system":
        return None
    messages.insert(0, messages[0]._replace(role="system", content=_SCENE))
    return Planted(line=host.record)


_SCENE = (
    "You are the clerk of a small town's archive. Answer in full sentences, name the shelf where "
    "something is kept, never guess a year, and say so when a record is lost. Visitors may be "
    "children, scholars or people who look for their family; be patient with all of them, and "
    "remind them that the reading room closes at five."
)


@look_alike(
    "duplicates/normalised",
    kinds=frozenset({TEXT, CLASSIFICATION, CHAT}),
    allows=("duplicates/near",),
)
def sign_that_matters(host: Host, random: Random) -> Planted | None:
    """A row again that differs in an operator, a bracket or a number alone."""
    twin = host.twin()
    place = (asked_places(twin) or [None])[0]
    if place is None:
        return None
    left, right = random.choice(
        (("3 + 4", "3 × 4"), ("f(x)", "f[x]"), ("1.5", "15"), ("a<b", "a>b"))
    )
    set_text(twin, place, f"{place.text} ({left})")
    set_text(host.record, place, f"{place.text} ({right})")
    return Planted(line=host.record, added=(twin,))


@defect("duplicates/same-prompt", needs="a question with an answer", kinds=CONVERSATIONS,
        allows=(*_BORROWED, "labels"))  # fmt: skip
def answered_otherwise(host: Host, random: Random) -> Planted | None:
    """A question again with an answer to something else."""
    twin = host.twin()
    place, answer = last_answer(twin), borrowed_answer(host, 3, random)
    if place is None or answer is None or not asked_places(twin, 2):
        return None
    set_text(twin, place, answer)
    return Planted(added=(twin,))


@defect("duplicates/same-prompt", needs="a question with an answer", kinds=CONVERSATIONS,
        allows=("duplicates", "text", "schema/equal-pair"))  # fmt: skip
def answered_in_other_words(host: Host, random: Random) -> Planted | None:
    """A question again with the same answer, its sentences in another order or some left out."""
    twin = host.twin()
    place = last_answer(twin)
    sentences = _SENTENCES.split(place.text) if place else []
    if place is None or len(sentences) < 2 or not asked_places(twin, 2):
        return None
    left = [sentence for sentence in sentences if random.random() < 0.6] or sentences[:1]
    text = " ".join(left)
    if list(filter(str.isalnum, text)) == list(filter(str.isalnum, place.text)):
        return None
    set_text(twin, place, text)
    return Planted(added=(twin,))


@look_alike("duplicates/same-prompt", needs="a question with an answer", kinds=CONVERSATIONS,
            allows=_BORROWED)  # fmt: skip
def nearly_the_same_question(host: Host, random: Random) -> Planted | None:
    """A question again with one word more, and another answer."""
    twin = host.twin()
    place, answer = last_answer(twin), borrowed_answer(host, 8, random)
    asked = asked_places(twin, 4)
    if place is None or answer is None or not asked or len(answer_places(twin)) > 1:
        return None
    set_text(twin, asked[-1], f"{random.choice(_OTHER_WORDS).title()} {asked[-1].text}")
    set_text(twin, place, answer)
    return Planted(added=(twin,))
