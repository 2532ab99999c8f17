"""Tools that are called without an answer, that answer without a call, or are called wrongly."""

from __future__ import annotations

import json
from random import Random

from ..records import CHAT
from ..shape import ASSISTANT, USER
from ..shape_messages import Message
from .planting import Host, Planted, defect, look_alike

_IS_CHAT = frozenset({CHAT})
_NEEDS = "messages that may call tools"
_TOOL = "tool"
_NAMES = ("get_weather", "find_route", "convert_units", "list_books")


def _call(random: Random, number: int, arguments: str | None = None) -> tuple[str, Message]:
    """Return a call's id and the message that makes it."""
    call_id = f"call_{random.randrange(10_000):04}{number}"
    function = {
        "name": random.choice(_NAMES),
        "arguments": json.dumps({"place": "York"}) if arguments is None else arguments,
    }
    call = {"id": call_id, "type": "function", "function": function}
    return call_id, Message(ASSISTANT, None, tool_calls=json.dumps([call], separators=(",", ":")))


def _answered(host: Host) -> Message | None:
    """Return the last answer of a conversation without tools."""
    messages = host.record.messages
    if [message.role for message in messages[-2:]] != [USER, ASSISTANT] or "tools" in (
        host.record.extra
    ):
        return None
    return None if any(message.tool_calls for message in messages) else messages[-1]


def _result(call_id: str) -> Message:
    return Message(_TOOL, '{"result": "nothing found"}', tool_call_id=call_id)


@defect("schema/tool-calls", needs=_NEEDS, kinds=_IS_CHAT, allows=("schema/role-order",))
def call_without_result(host: Host, random: Random) -> Planted | None:
    """Two calls of tools, of which one gets a result."""
    last = _answered(host)
    if last is None:
        return None
    (first_id, first), (_, second) = _call(random, 1), _call(random, 2)
    both = json.loads(first.tool_calls or "") + json.loads(second.tool_calls or "")
    calls = first._replace(tool_calls=json.dumps(both, separators=(",", ":")))
    host.record.messages[-1:] = [calls, _result(first_id), last]
    return Planted(line=host.record)


@defect("schema/tool-calls", needs=_NEEDS, kinds=_IS_CHAT, allows=("schema/role-order",))
def result_of_another_call(host: Host, random: Random) -> Planted | None:
    """A result with the id of a call that was never made."""
    last = _answered(host)
    if last is None:
        return None
    _, call = _call(random, 1)
    host.record.messages[-1:] = [call, _result("call_99999"), last]
    return Planted(line=host.record)


@defect("schema/tool-calls", needs=_NEEDS, kinds=_IS_CHAT)
def arguments_that_are_no_json(host: Host, random: Random) -> Planted | None:
    """A call whose arguments cannot be read."""
    last = _answered(host)
    if last is None:
        return None
    call_id, call = _call(random, 1, random.choice(('{"place": ', "York", "{place: York}", "[]")))
    host.record.messages[-1:] = [call, _result(call_id), last]
    return Planted(line=host.record)


@look_alike("schema/tool-calls", "schema/role-order", needs=_NEEDS, kinds=_IS_CHAT)
def calls_with_results(host: Host, random: Random) -> Planted | None:
    """Two calls at once whose results come in the other order, and a call after them."""
    last = _answered(host)
    if last is None:
        return None
    (first_id, first), (second_id, second) = _call(random, 1), _call(random, 2)
    third_id, third = _call(random, 3)
    both = json.loads(first.tool_calls or "") + json.loads(second.tool_calls or "")
    calls = first._replace(tool_calls=json.dumps(both, separators=(",", ":")))
    host.record.messages[-1:] = [
        calls,
        _result(second_id),
        _result(first_id),
        third,
        _result(third_id),
        last,
    ]
    return Planted(line=host.record)
