"""What is wrong with the tool calls of a conversation: calls, results, and the tools on offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..formats.json_values import NotJsonError, parse_json, type_name

Message = Mapping[str, Any]

_OFFERS = ("tools", "functions")
# Tools of Google's and Amazon's own, which nobody has to declare.
_BUILT_IN = frozenset(
    {
        "googleSearch",
        "google_search",
        "googleSearchRetrieval",
        "google_search_retrieval",
        "codeExecution",
        "code_execution",
        "urlContext",
        "url_context",
        "retrieval",
        "cachePoint",
    }
)
_NAMELESS = "a function without a name"


@dataclass(frozen=True, slots=True)
class ToolFault:
    """A fault of one message.

    Attributes:
        field: where it shows, such as ``messages[2].tool_calls``; ``extra`` for the tools.
        message: what was expected and what was found.
        grave: what is called does not exist, or nobody can read the call.
    """

    field: str
    message: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer.

    Attributes:
        required: arguments that a call must give.
        known: all arguments that it takes; None where it does not say.
    """

    required: frozenset[str]
    known: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Calls that wait for their results: where they stand, and the id and name of each."""

    place: str = ""
    calls: tuple[tuple[str | None, str], ...] = ()


class _CallError(ValueError):
    """A call that nobody can read."""


def tool_faults(record: Mapping[str, Any]) -> list[ToolFault]:
    """Return the faults of a record's tool calls.

    Each answer of a preference goes on from the prompt.

    Args:
        record: ``messages``, ``chosen``, ``rejected`` and ``extra`` of a row of the records.
    """
    faults: list[ToolFault] = []
    tools: Mapping[str, Tool] | None = None
    try:
        tools = offered_tools(record["extra"])
    except ValueError as error:
        faults.append(ToolFault("extra", str(error), grave=True))
    waiting = _read(faults, "messages", record["messages"] or (), tools, _Waiting())
    for part in ("chosen", "rejected"):
        _read(faults, part, record[part] or (), tools, waiting)
    return faults


@lru_cache(maxsize=4096)
def offered_tools(extra: str | None) -> Mapping[str, Tool] | None:
    """Return the tools that a record's other fields offer, by name; None where they offer none.

    Args:
        extra: a JSON object; its ``tools`` or ``functions`` is a list, or a list as JSON text. Of
            Bedrock it is the ``tools`` of ``toolConfig``.

    Raises:
        ValueError: it is no list of functions with names; the text says what it is.
    """
    fields = parse_json(extra.encode()) if extra else {}
    if isinstance(fields.get("toolConfig"), dict):
        fields = fields["toolConfig"] | fields
    key = next((key for key in _OFFERS if fields.get(key) not in (None, "")), None)
    if key is None:
        return None
    offered = fields[key]
    if isinstance(offered, str):
        try:
            offered = parse_json(offered.encode())
        except NotJsonError as error:
            raise ValueError(f"expected {key} as JSON, found other text: {error}") from error
    if not isinstance(offered, list):
        raise ValueError(f"expected a list of {key}, found {type_name(offered)}")
    return dict(_tool(function, key) for item in offered for function in _functions(item))


def _functions(item: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the functions of an item on offer, each with ``name`` and ``parameters``."""
    item = item if isinstance(item, dict) else {}
    declared = item.get("functionDeclarations", item.get("function_declarations"))
    if isinstance(declared, list):
        yield from (_function(function) for function in declared)
        return
    if item.keys() & _BUILT_IN:
        return
    if isinstance(item.get("toolSpec"), dict):
        schema = item["toolSpec"].get("inputSchema")
        parameters = schema.get("json") if isinstance(schema, dict) else None
        yield {"name": item["toolSpec"].get("name"), "parameters": parameters}
        return
    function = _function(item)
    yield {"parameters": function.get("input_schema"), **function}


def _tool(function: Mapping[str, Any], key: str) -> tuple[str, Tool]:
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected {key} with names, found one without")
    parameters = function.get("parameters")
    if not isinstance(parameters, dict):
        return name, Tool(frozenset(), None)
    required, properties = parameters.get("required"), parameters.get("properties")
    takes_others = parameters.get("additionalProperties") not in (None, False)
    return name, Tool(
        frozenset(item for item in required if isinstance(item, str))
        if isinstance(required, list)
        else frozenset(),
        frozenset(properties) if isinstance(properties, dict) and not takes_others else None,
    )


def _read(
    faults: list[ToolFault],
    part: str,
    messages: Sequence[Message],
    tools: Mapping[str, Tool] | None,
    waiting: _Waiting,
) -> _Waiting:
    """Go through messages, note their faults, and return the calls that still wait at the end."""
    for index, message in enumerate(messages):
        place = f"{part}[{index}]"
        if message["role"] == "tool":
            waiting, wrong = _take_result(place, message, waiting)
            faults += wrong
            continue
        faults += _unanswered(waiting)
        waiting = _Waiting()
        if message["tool_calls"] is not None:
            waiting, wrong = _take_calls(f"{place}.tool_calls", message["tool_calls"], tools)
            faults += wrong
    if messages and messages[-1]["role"] == "tool":
        faults += _unanswered(waiting)
    return waiting


def _unanswered(waiting: _Waiting) -> list[ToolFault]:
    if not waiting.calls:
        return []
    called = ", ".join(repr(name) for _, name in waiting.calls)
    found = f"expected a result of every call, found none of {called}"
    return [ToolFault(waiting.place, found)]


def _take_result(
    place: str, message: Message, waiting: _Waiting
) -> tuple[_Waiting, list[ToolFault]]:
    """Match a result with the call that it answers: by its id, else in the order of the calls."""
    if not waiting.calls:
        found = "expected a call before its result, found none"
        return waiting, [ToolFault(f"{place}.content", found)]
    identity = message["tool_call_id"]
    ids = [known for known, _ in waiting.calls]
    answered = ids.index(identity) if identity in ids else 0
    called = waiting.calls[answered][1]
    others = waiting.calls[:answered] + waiting.calls[answered + 1 :]
    faults: list[ToolFault] = []
    if identity is not None and identity not in ids and any(ids):
        wanted = ", ".join(repr(known) for known in ids if known is not None)
        found = f"expected the id of a call that waits ({wanted}), found {identity!r}"
        faults.append(ToolFault(f"{place}.tool_call_id", found))
    elif called != _NAMELESS and message["name"] not in (None, called):
        found = f"expected the result of {called!r}, found one of {message['name']!r}"
        faults.append(ToolFault(f"{place}.name", found))
    return _Waiting(waiting.place, others), faults


def _take_calls(
    place: str, text: str, tools: Mapping[str, Tool] | None
) -> tuple[_Waiting, list[ToolFault]]:
    try:
        calls = parse_json(text.encode())
    except NotJsonError as error:
        return _Waiting(), [ToolFault(place, f"expected calls as JSON: {error}", grave=True)]
    if not isinstance(calls, list) or not calls:
        return _Waiting(), [ToolFault(place, "expected a list of calls, found none", grave=True)]
    waiting: list[tuple[str | None, str]] = []
    faults: list[ToolFault] = []
    for call in calls:
        function = _function(call)
        name = function.get("name")
        if not isinstance(name, str) or not name:
            faults.append(ToolFault(place, "expected a function's name, found none", grave=True))
            name = _NAMELESS
        else:
            faults += _faults_of_call(place, name, function, tools)
        given = call.get("id") if isinstance(call, dict) else None
        identity = None if given is None else str(given)
        if identity is not None and any(identity == known for known, _ in waiting):
            found = f"expected an id for each call, found {identity!r} twice"
            faults.append(ToolFault(place, found))
        waiting.append((identity, name))
    return _Waiting(place, tuple(waiting)), faults


def _faults_of_call(
    place: str, name: str, function: Mapping[str, Any], tools: Mapping[str, Tool] | None
) -> Iterator[ToolFault]:
    try:
        arguments = _arguments(name, function)
    except _CallError as error:
        yield ToolFault(place, str(error), grave=True)
        arguments = None
    if tools is None:
        return
    if name not in tools:
        offered = ", ".join(map(repr, tools)) or "none"
        yield ToolFault(place, f"expected a tool on offer ({offered}), found {name!r}", grave=True)
        return
    if arguments is None:
        return
    tool = tools[name]
    if missing := sorted(tool.required - arguments):
        wanted = ", ".join(map(repr, missing))
        yield ToolFault(place, f"expected the arguments that {name!r} needs, {wanted} missing")
    if tool.known is not None and (unknown := sorted(arguments - tool.known)):
        found = ", ".join(map(repr, unknown))
        yield ToolFault(place, f"expected arguments that {name!r} takes, found {found}")


def _arguments(name: str, function: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the arguments of a call."""
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments.encode())
        except NotJsonError as error:
            raise _CallError(f"expected the arguments of {name!r} as JSON: {error}") from error
    if not isinstance(arguments, dict):
        found = type_name(arguments)
        raise _CallError(f"expected an object as arguments of {name!r}, found {found}")
    return frozenset(arguments)


def _function(item: Any) -> Mapping[str, Any]:
    """Return the function of a tool or a call, bare or wrapped."""
    function = item.get("function", item) if isinstance(item, dict) else None
    return function if isinstance(function, dict) else {}
