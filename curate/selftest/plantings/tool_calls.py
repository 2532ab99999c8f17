"""Tools that are called without an answer, that answer without a call, or are called wrongly."""

from __future__ import annotations

import json
from random import Random

from ...records import CHAT
from ...shapes.shape import ASSISTANT, USER
from ...shapes.tags import Message
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


def _own_calls(host: Host) -> list[tuple[int, str, str]]:
    """Return place, name and arguments of the row's own calls that get a result at once."""
    messages = host.record.messages
    found = []
    for place, message in enumerate(messages[:-1]):
        calls = json.loads(message.tool_calls) if message.tool_calls else []
        if len(calls) == 1 and messages[place + 1].role == _TOOL:
            called = calls[0].get("function", calls[0])
            found.append((place, called.get("name", ""), called.get("arguments", "")))
    return found


@defect("schema/tool-calls", needs="a call of a tool, with its result", kinds=_IS_CHAT,
        allows=("schema/role-order",))  # fmt: skip
def own_result_left_out(host: Host, random: Random) -> Planted | None:
    """A call of the row's own whose result is gone, while the conversation goes on."""
    calls = [place for place, _, _ in _own_calls(host) if place + 2 < len(host.record.messages)]
    if not calls:
        return None
    del host.record.messages[random.choice(calls) + 1]
    return Planted(line=host.record)


@defect("schema/tool-calls", needs="a call of a tool that the row offers", kinds=_IS_CHAT)
def tool_that_is_not_offered(host: Host, random: Random) -> Planted | None:
    """A call of a tool that the row offers under another name."""
    calls = [(place, name) for place, name, _ in _own_calls(host) if name]
    offered = json.dumps(host.record.extra.get("tools", ""))
    if not calls:
        return None
    place, name = random.choice(calls)
    if name not in offered:
        return None
    message = host.record.messages[place]
    changed = (message.tool_calls or "").replace(f'"{name}"', f'"{name}_v2"')
    host.record.messages[place] = message._replace(tool_calls=changed)
    return Planted(line=host.record, value=f"{name}_v2")
