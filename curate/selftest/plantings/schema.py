"""Rows that are broken, incomplete, or in the wrong order."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from ...records import CHAT, CLASSIFICATION, PREFERENCE
from ...shapes.rows import to_row
from ...shapes.shape import ASSISTANT, SYSTEM, USER
from ...shapes.tags import Message
from .planting import Host, Planted, defect, look_alike
from .wording import all_places, set_text

_IS_CHAT = frozenset({CHAT})
_IS_PREFERENCE = frozenset({PREFERENCE})
_TURNS = "several messages with roles"
_CALL_NAME = "look_up_opening_hours"


def _row(host: Host) -> dict[str, Any]:
    return to_row(host.record, host.ground.layout)


@defect("schema/malformed-row")
def broken_line(host: Host, random: Random) -> Planted | None:
    """A line that is no JSON: cut off, misquoted, without a comma or a brace, or of prose."""
    line = json.dumps(_row(host), ensure_ascii=False)
    broken = random.choice(
        (
            line[: len(line) * 2 // 3],
            line[:-1],
            line[1:],
            line.replace('":', '"', 1),
            "see the other sheet, row 12",
            line + line,
            line.replace("{", "{,", 1),
            "\ufeffnull, " + line,
        )
    )
    return Planted(line=broken)


@defect("schema/malformed-row")
def row_of_another_form(host: Host, random: Random) -> Planted | None:
    """A row that is JSON, but of another form: a list, a number, a field of the wrong type."""
    row = _row(host)
    layout = host.ground.layout
    part = next(part for part in layout.shape.parts if part.required)
    if layout.shape.inside:
        return Planted(line=json.dumps([row]))
    row[layout.fields[part.name]] = random.choice((17, [3, 4], True, 0.5))
    return Planted(line=random.choice((json.dumps([row]), json.dumps(row), "12", '"text"')))


@defect(
    "schema/missing-field",
    # Two rows of which the same is left may be equal.
    allows=("schema/no-assistant", "schema/role-order", "duplicates", "balance"),
)
def part_left_out(host: Host, random: Random) -> Planted | None:
    """A row without one of the fields that all others have, or with null in it."""
    layout = host.ground.layout
    row = _row(host)
    parts = [part.name for part in layout.shape.parts if part.required]
    if host.ground.kind == CLASSIFICATION:
        parts.append("label")
    inner = row.get(layout.shape.inside, row) if layout.shape.inside else row
    fields = [layout.fields[part] for part in parts if layout.fields.get(part) in inner]
    if not fields:
        return None
    name = random.choice(fields)
    if random.random() < 0.5:
        del inner[name]
    else:
        inner[name] = None
    return Planted(line=row, value=name)


@defect(
    "schema/missing-field",
    needs="messages with a role and a text each",
    kinds=_IS_CHAT,
    allows=("schema/no-assistant", "schema/role-order", "schema/tool-calls"),
)
def key_of_a_message_left_out(host: Host, random: Random) -> Planted | None:
    """A message without its role or its text."""
    layout = host.ground.layout
    row = _row(host)
    messages = row.get(layout.fields.get("messages", ""))
    key = random.choice((layout.tags.role, layout.tags.content))
    if not isinstance(messages, list):
        return None
    having = [
        message
        for message in messages
        if isinstance(message, dict)
        and isinstance(message.get(key), str)
        and set(message) == {layout.tags.role, layout.tags.content}
    ]
    if not having:
        return None
    del random.choice(having)[key]
    return Planted(line=row, value=key)


@defect(
    "schema/empty-message",
    allows=("text", "schema/equal-pair", "duplicates", "labels", "provenance"),
)
def nothing_said(host: Host, random: Random) -> Planted | None:
    """A message that is empty, or of white space and unseen characters alone."""
    places = all_places(host.record, least_words=1)
    if not places:
        return None
    place = random.choice(places)
    set_text(host.record, place, random.choice(("", "", " ", "\n\n", "\t ", "\u200b", "\u00a0")))
    return Planted(line=host.record, field=place.field)


@look_alike(
    "schema/empty-message",
    "schema/missing-field",
    allows=("text", "duplicates", "labels", "provenance"),
)
def hardly_anything_said(host: Host, random: Random) -> Planted | None:
    """A message of one sign or one short word."""
    places = all_places(host.record, least_words=1)
    if not places:
        return None
    said = random.choice(("OK", "7", "B", "👍", "?", "…", "no", "0"))
    set_text(host.record, random.choice(places), said)
    return Planted(line=host.record, value=said)


@defect("schema/role-order", needs=_TURNS, kinds=_IS_CHAT,
        allows=("schema/no-assistant", "duplicates"))  # fmt: skip
def turns_in_the_wrong_order(host: Host, random: Random) -> Planted | None:
    """A turn left out or said twice, a system prompt in the middle, an unknown speaker."""
    messages = host.record.messages
    roles = [message.role for message in messages]
    if roles[-2:] != [USER, ASSISTANT] or any(message.tool_calls for message in messages):
        return None
    first = roles.index(USER)
    kind = random.randrange(5)
    if kind == 0:
        del messages[first]
    elif kind == 1:
        messages.insert(first, Message(USER, "One more thing before that."))
    elif kind == 2:
        messages.insert(first + 1, Message(SYSTEM, "From here on, be brief."))
    elif kind == 3:
        messages[first] = messages[first]._replace(role=random.choice(("moderator", "narrator")))
    else:
        messages.append(Message(ASSISTANT, "And that is all there is to it."))
    return Planted(line=host.record)


@look_alike("schema/role-order", "schema/no-assistant", needs=_TURNS, kinds=_IS_CHAT)
def turns_of_another_kind(host: Host, random: Random) -> Planted | None:
    """A system prompt first, a tool that is called and answers, a second question and answer."""
    messages = host.record.messages
    if [message.role for message in messages][-2:] != [USER, ASSISTANT]:
        return None
    kind = random.randrange(2 if "tools" in host.record.extra else 3)
    if kind == 0 and messages[0].role != SYSTEM:
        messages.insert(0, Message(SYSTEM, "You work at the front desk of a town library."))
    elif kind == 1:
        messages += [
            Message(USER, "And on the other days of the week?"),
            Message(ASSISTANT, "On the others it is just the same."),
        ]
    else:
        arguments = json.dumps({"day": random.choice(("Monday", "Sunday"))})
        call = {
            "id": "call_0417",
            "type": "function",
            "function": {"name": _CALL_NAME, "arguments": arguments},
        }
        answered = messages.pop()
        messages += [
            Message(ASSISTANT, None, tool_calls=json.dumps([call], separators=(",", ":"))),
            Message("tool", '{"open": "9 to 5"}', tool_call_id="call_0417"),
            answered,
        ]
    return Planted(line=host.record)


@defect("schema/no-assistant", needs=_TURNS, kinds=_IS_CHAT,
        allows=("schema/role-order", "duplicates"))  # fmt: skip
def nobody_answers(host: Host, random: Random) -> Planted | None:
    """A conversation of which only the questions are left."""
    left = [message for message in host.record.messages if message.role in (USER, SYSTEM)]
    if len(left) == len(host.record.messages) or not left:
        return None
    host.record.messages[:] = left
    return Planted(line=host.record)


@defect("schema/equal-pair", needs="two answers", kinds=_IS_PREFERENCE,
        allows=("text/whitespace",))  # fmt: skip
def answers_that_are_equal(host: Host, random: Random) -> Planted | None:
    """A preference whose two answers are the same, or differ in a blank alone."""
    record = host.record
    if not record.chosen or not record.rejected:
        return None
    record.rejected = list(record.chosen)
    if random.random() < 0.3:
        last = record.rejected[-1]
        record.rejected[-1] = last._replace(content=(last.content or "") + "  ")
    return Planted(line=record)


@look_alike("schema/equal-pair", needs="two answers", kinds=_IS_PREFERENCE)
def answers_that_differ_in_a_word(host: Host, random: Random) -> Planted | None:
    """A preference whose two answers differ in one word or one digit."""
    record = host.record
    if not record.chosen or not record.rejected or not record.chosen[-1].content:
        return None
    last = record.chosen[-1]
    record.rejected = [
        *record.chosen[:-1],
        last._replace(content=f"{last.content} {random.choice(('Perhaps.', '2', 'Not.'))}"),
    ]
    return Planted(line=record)
