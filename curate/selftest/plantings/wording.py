"""Where in a row a text can take up a planting, and putting it there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ...records import TEXT_ROLE
from ...shapes.rows import Record
from ...shapes.shape import ASSISTANT, USER
from .planting import Host, Planted

_BETWEEN_SENTENCES = re.compile(r"(?<=[a-z)][.!?]) (?=[A-Z])")
_ENDS_SENTENCE = tuple(".!?:)\"'”’")
SLOT = "§"
"""Where the value comes in the templates of sentences."""


_CHOICE = re.compile(r"⟨([^⟨⟩]*)⟩")


def spell_out(pattern: str, random: Random) -> str:
    """Return one of the sentences that a pattern stands for.

    Args:
        pattern: ``⟨this|that|⟩`` stands for ``this``, ``that`` or nothing, and may be nested.
        random: chooses.

    Example:
        >>> spell_out("⟨Sure|Sure⟩, ⟨here ⟨it|it⟩ is⟩.", Random(1))
        'Sure, here it is.'
    """
    while _CHOICE.search(pattern):
        pattern = _CHOICE.sub(lambda match: random.choice(match[1].split("|")), pattern)
    return pattern


@dataclass(frozen=True, slots=True)
class Place:
    """A text of a record.

    Attributes:
        part: ``messages``, ``chosen`` or ``rejected``.
        index: of the message within it.
        text: what it says.
    """

    part: str
    index: int
    text: str

    @property
    def field(self) -> str:
        """The name of the text, as findings have it."""
        return f"{self.part}[{self.index}].content"

    @property
    def is_prose(self) -> bool:
        """Whether the text is plain prose in one paragraph."""
        return not re.search(r"[\n`{}<>|\\\[\]]", self.text)


def asked_places(record: Record, least_words: int = 3) -> list[Place]:
    """Return what users say, and plain texts."""
    return _places(record, (USER, TEXT_ROLE), ("messages",), least_words)


def answer_places(record: Record, least_words: int = 3) -> list[Place]:
    """Return what a model would learn to say: answers, and plain texts."""
    return _places(record, (ASSISTANT, TEXT_ROLE), ("messages", "chosen"), least_words)


def all_places(record: Record, least_words: int = 3) -> list[Place]:
    """Return what users and the assistant say, and plain texts."""
    found = asked_places(record, least_words)
    return found + [p for p in answer_places(record, least_words) if p not in found]


def last_answer(record: Record, least_words: int = 3) -> Place | None:
    """Return the last answer, or the text; None where there is none of so many words."""
    found = answer_places(record, least_words)
    return found[-1] if found else None


def borrowed_answer(host: Host, least_words: int, random: Random) -> str | None:
    """Return an answer that nobody gave: the beginning of one, and the end of another.

    Neither of the two is in the ground, so that what borrows from them is like no other row.
    """
    drawn = [_longest_text(host.stranger(random)) for _ in range(2)]
    first, second = (text.split(" ") for text in drawn)
    if min(len(first), len(second)) < least_words:
        return None
    return " ".join([*first[: -(-len(first) // 2)], *second[len(second) // 2 :]])


def _longest_text(record: Record) -> str:
    answers = answer_places(record, 1) or all_places(record, 1)
    return max((place.text for place in answers), key=len, default="")


def _places(
    record: Record, roles: tuple[str, ...], parts: tuple[str, ...], least_words: int
) -> list[Place]:
    found = []
    for part in parts:
        for index, message in enumerate(getattr(record, part) or ()):
            text = message.content
            if (
                message.role in roles
                and text is not None
                and message.tool_calls is None
                and message.weight != 0
                and len(text.split()) >= least_words
                and text.lstrip()[:1] not in ("{", "[")
                # After code that is never closed everything would be code.
                and text.count("```") % 2 == 0
            ):
                found.append(Place(part, index, text))
    return found


def set_text(record: Record, place: Place, text: str) -> None:
    """Let a message say another text."""
    messages = getattr(record, place.part)
    messages[place.index] = messages[place.index]._replace(content=text)


def put(host: Host, place: Place, before: str, value: str, after: str = "") -> Planted:
    """Let a text be ``before``, the value and ``after``; note where the value stands."""
    set_text(host.record, place, before + value + after)
    return Planted(
        line=host.record,
        field=place.field,
        start=len(before),
        end=len(before) + len(value),
        value=value,
    )


def insert(host: Host, place: Place, sentence: str, value: str, random: Random) -> Planted:
    """Add a sentence to a text, between two of its sentences or at its end.

    Args:
        host: the row.
        place: the text.
        sentence: with one :data:`SLOT`, where the value comes.
        value: what is planted.
        random: chooses where.
    """
    before, _, after = sentence.partition(SLOT)
    text = place.text
    if place.is_prose:
        gaps = [match.start() for match in _BETWEEN_SENTENCES.finditer(text)]
        if gaps and random.random() < 0.5:
            gap = random.choice(gaps)
            return put(host, place, f"{text[:gap]} {before}", value, after + text[gap:])
        joint = " " if text.rstrip().endswith(_ENDS_SENTENCE) else ". "
        return put(host, place, text.rstrip() + joint + before, value, after)
    return put(host, place, f"{text.rstrip()}\n\n{before}", value, after)


def different(records: Sequence[Record]) -> list[Record]:
    """Return records of which no two say the same words."""
    by_words = {
        "".join(filter(str.isalnum, "".join(place.text for place in all_places(record, 1)))): record
        for record in records
    }
    return list(by_words.values())


def append_block(host: Host, block: str, random: Random) -> Planted | None:
    """Add a block of lines to the end of a text, after a blank line."""
    places = all_places(host.record)
    if not places:
        return None
    place = random.choice(places)
    return put(host, place, f"{place.text.rstrip()}\n\n", block)


def insert_anywhere(host: Host, sentence: str, value: str, random: Random) -> Planted | None:
    """Add a sentence to what a user or the assistant says; None where nothing can take it."""
    places = all_places(host.record)
    return insert(host, random.choice(places), sentence, value, random) if places else None
