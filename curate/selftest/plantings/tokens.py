"""Rows that are too long for the context, or that teach nothing."""

from __future__ import annotations

import json
from random import Random

from ...records import CHAT
from ...shapes.rows import to_row
from ...shapes.shape import ASSISTANT, SYSTEM, USER
from .planting import Host, Planted, defect, look_alike
from .wording import all_places, asked_places, last_answer, set_text

_NEEDS = "a tokenizer, to count tokens with"
_ALLOWED = ("duplicates", "text", "privacy", "balance", "safety", "labels")


def _is_plain(host: Host) -> bool:
    """Whether there is a tokenizer, and a conversation that every template can write."""
    return host.ground.has_tokenizer and all(
        message.role in (SYSTEM, USER, ASSISTANT) and message.tool_calls is None
        for message in host.record.messages
    )


def _long_text(host: Host, words: int, random: Random) -> str:
    """Return so many words of other rows: at least as many tokens."""
    said: list[str] = []
    while len(said) < words:
        places = all_places(host.stranger(random), 1)
        said += (places[0].text if places else "one more word").split()
    return " ".join(said[:words])


@defect("tokens/over-context", needs=_NEEDS, allows=_ALLOWED)
def text_longer_than_the_context(host: Host, random: Random) -> Planted | None:
    """A row whose last text has more words than the context has tokens."""
    places = all_places(host.record, 1)
    if not host.ground.has_tokenizer or not places:
        return None
    more = _long_text(host, int(host.ground.context_length * 1.1), random)
    set_text(host.record, places[-1], f"{places[-1].text} {more}")
    return Planted(line=host.record, field=places[-1].field)


@defect("tokens/over-context", "tokens/truncated-answer", needs=f"{_NEEDS}, and a short question",
        kinds=frozenset({CHAT}), allows=_ALLOWED)  # fmt: skip
def answer_longer_than_the_context(host: Host, random: Random) -> Planted | None:
    """A short question whose answer begins within the context and ends beyond it."""
    messages = host.record.messages
    place = last_answer(host.record, 1)
    before = sum(len((message.content or "").split()) for message in messages[:-1])
    if not _is_plain(host) or place is None or place.index != len(messages) - 1:
        return None
    # A word has rarely more than five tokens.
    if before * 5 > host.ground.context_length / 2:
        return None
    set_text(host.record, place, _long_text(host, int(host.ground.context_length * 1.1), random))
    return Planted(line=host.record, field=place.field)


@look_alike("tokens/over-context", "tokens/no-supervision", "tokens/truncated-answer",
            needs=_NEEDS, allows=_ALLOWED)  # fmt: skip
def row_that_just_fits(host: Host, random: Random) -> Planted | None:
    """A row with three bytes for every four tokens of the context."""
    place = last_answer(host.record, 1)
    if not host.ground.has_tokenizer or place is None:
        return None
    # No token has less than a byte; a quarter is left for what the template puts around.
    row = json.dumps(to_row(host.record, host.ground.layout), ensure_ascii=False)
    own = len(place.text.encode())
    room = host.ground.context_length * 3 // 4 - len(row.encode()) + own
    if room < own:
        return None
    text = _long_text(host, room, random).encode()[:room].decode(errors="ignore")
    set_text(host.record, place, text)
    return Planted(line=host.record)


@defect("tokens/no-supervision", needs=f"{_NEEDS}, and a question", kinds=frozenset({CHAT}),
        allows=_ALLOWED)  # fmt: skip
def question_that_fills_the_context(host: Host, random: Random) -> Planted | None:
    """A conversation whose first question is so long that every answer is cut off."""
    places = asked_places(host.record, 1)
    if not _is_plain(host) or not places:
        return None
    more = _long_text(host, int(host.ground.context_length * 1.1), random)
    set_text(host.record, places[0], f"{places[0].text} {more}")
    return Planted(line=host.record, field=places[0].field)


@defect("tokens/no-supervision", needs=f"{_NEEDS}, and messages that may have weights",
        kinds=frozenset({CHAT}), allows=("tokens",))  # fmt: skip
def answers_without_weight(host: Host, random: Random) -> Planted | None:
    """A conversation of which no answer counts."""
    if not host.ground.has_tokenizer:
        return None
    messages = host.record.messages
    messages[:] = [m._replace(weight=0) if m.role == ASSISTANT else m for m in messages]
    return Planted(line=host.record)
