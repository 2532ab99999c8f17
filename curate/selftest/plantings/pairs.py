"""Preference pairs that stand the other way round elsewhere, or whose answers differ in shape."""

from __future__ import annotations

from random import Random

from ...records import PREFERENCE
from ...shapes.rows import to_row
from ...shapes.shape import ASSISTANT, USER
from ...shapes.tags import Message
from .planting import Host, Planted, defect, look_alike

_IS_PREFERENCE = frozenset({PREFERENCE})
_NEEDS = "two answers that differ"


def _has_two_answers(host: Host) -> bool:
    record = host.record
    return bool(record.chosen and record.rejected and record.chosen != record.rejected)


@defect("schema/swapped-pair", needs=_NEEDS, kinds=_IS_PREFERENCE,
        allows=("duplicates", "text", "privacy", "safety"))  # fmt: skip
def pair_the_other_way_round(host: Host, random: Random) -> Planted | None:
    """A pair again, with what was preferred as what was rejected."""
    if not _has_two_answers(host):
        return None
    twin = host.twin()
    twin.chosen, twin.rejected = twin.rejected, twin.chosen
    return Planted(added=(twin,))


@look_alike("schema/swapped-pair", needs=_NEEDS, kinds=_IS_PREFERENCE, allows=("duplicates",))
def pair_with_another_rejected(host: Host, random: Random) -> Planted | None:
    """A pair again that prefers the same answer to a third one."""
    if not _has_two_answers(host):
        return None
    twin = host.twin()
    assert twin.rejected
    last = twin.rejected[-1]
    twin.rejected[-1] = last._replace(content=f"{last.content} Or not, who knows.")
    return Planted(added=(twin,))


@defect("schema/pair-shape", needs=_NEEDS, kinds=_IS_PREFERENCE,
        allows=("schema/role-order", "text/length"))  # fmt: skip
def answer_with_more_turns(host: Host, random: Random) -> Planted | None:
    """A pair whose rejected answer goes on for two more turns."""
    if not _has_two_answers(host):
        return None
    assert host.record.rejected
    host.record.rejected += [Message(USER, "Are you sure?"), Message(ASSISTANT, "Quite sure.")]
    return Planted(line=host.record)


@defect("schema/pair-shape", needs="two answers that are plain texts", kinds=_IS_PREFERENCE)
def answer_in_another_form(host: Host, random: Random) -> Planted | None:
    """A pair of which one answer is a text and the other a list of messages."""
    layout = host.ground.layout
    row = to_row(host.record, layout)
    field = layout.fields[random.choice(("chosen", "rejected"))]
    if not _has_two_answers(host) or not isinstance(row.get(field), str):
        return None
    tags = layout.tags
    speaker = tags.speakers.get(ASSISTANT, ASSISTANT)
    row[field] = [{tags.role: speaker, tags.content: row[field]}]
    return Planted(line=row)


@look_alike("schema/pair-shape", needs=_NEEDS, kinds=_IS_PREFERENCE, allows=("text", "balance"))
def answer_that_is_much_longer(host: Host, random: Random) -> Planted | None:
    """A pair whose rejected answer is three times as long."""
    if not _has_two_answers(host):
        return None
    assert host.record.rejected
    last = host.record.rejected[-1]
    more = "It went on for a while, and nobody could tell whether it was meant to. "
    long = f"{last.content} {more}" + (last.content or "")
    host.record.rejected[-1] = last._replace(content=long)
    return Planted(line=host.record)
