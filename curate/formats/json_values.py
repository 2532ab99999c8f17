"""Strict JSON: what is accepted comes back exactly; what is refused is explained.

orjson does the work. It is silent about repeated keys and rounds whole numbers beyond 64 bits, so
those are looked for, and the standard library reads the few texts where they may occur.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from .text_encoding import unreadable_byte

MAX_DEPTH = 200

_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_LARGEST_EXACT = 2.0**63
_TYPE_NAMES: dict[type, str] = {
    type(None): "null",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class NotJsonError(ValueError):
    """A text is no JSON that can be kept without loss; the message says why."""


def type_name(value: Any) -> str:
    """Name the type of a JSON value for a reader: ``text``, ``a number``, ``a list``…."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def parse_json(raw: bytes) -> Any:
    r"""Parse one JSON value.

    Raises:
        NotJsonError: it is not UTF-8 or not JSON, it repeats a key (one of the values would be
            lost), holds a number that no float can (``NaN``, ``1e999``) or half a surrogate pair,
            or nests deeper than ``MAX_DEPTH``.

    Example:
        >>> parse_json(b'{"id": 123456789012345678901234567890}')
        {'id': 123456789012345678901234567890}
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parse_exactly(raw)
    kind = type(value)
    if kind is dict or kind is list:
        keys, rounded = _measure(value)
        # As many colons as keys prove that no key was repeated.
        if rounded or (raw.count(b":") != keys and _may_repeat_keys(raw, keys)):
            return _parse_exactly(raw)
    elif kind is float and abs(value) >= _LARGEST_EXACT:
        return _parse_exactly(raw)
    return value


def json_text(value: Any) -> str:
    """Serialise a JSON value compactly, whole numbers of any size included."""
    return json_bytes(value).decode()


def json_bytes(value: Any) -> bytes:
    """Serialise a JSON value compactly as UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # orjson refuses integers beyond 64 bits.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _measure(value: dict[str, Any] | list[Any]) -> tuple[int, bool]:
    """Count the keys of all objects, and tell whether a number may have been rounded."""
    keys = 0
    rounded = False
    depth = 0
    level: list[Any] = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels")
        deeper: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += len(item)
                item = item.values()
            for child in item:
                kind = type(child)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    deeper.append(child)
                elif kind is float and abs(child) >= _LARGEST_EXACT:
                    rounded = True
        level = deeper
    return keys, rounded


def _may_repeat_keys(raw: bytes, keys: int) -> bool:
    r"""Tell whether there may be more keys in the text than came out of it.

    Every key is followed by a colon. Where texts hold colons too, those behind a quote are
    counted: ``":``. Text that itself begins with a colon only adds to the count, so that it proves
    as much, provided no key was missed: a space before the colon, or a backslash at the end of a
    key (which looks like the ``\":`` of quoted JSON within a text) sends the row to the careful
    parser.
    """
    behind_quotes = raw.count(b'":')
    if b"\\" in raw:
        if behind_quotes - raw.count(b'\\":') != keys or b'\\\\"' in raw:
            return True
    elif behind_quotes != keys:
        return True
    spaced = b" :" in raw or b"\t:" in raw or b"\r:" in raw or b"\n:" in raw
    return spaced and _SPACED_COLON.search(raw) is not None


def _parse_exactly(raw: bytes) -> Any:
    """Parse with the standard library, which tells everything and takes its time."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJsonError(unreadable_byte(raw)) from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_float=_finite_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise NotJsonError(f"not JSON: {reason} (at character {error.pos + 1})") from error
    except RecursionError as error:
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels") from error
    except NotJsonError:
        raise
    except ValueError as error:
        # Python refuses to convert whole numbers of more than a few thousand digits.
        raise NotJsonError("a whole number has too many digits") from error
    if isinstance(value, dict | list):
        _measure(value)
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise NotJsonError(f"the key {json.dumps(repeated[:40])} is repeated")
    return made


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise NotJsonError(f"the number {digits[:40]} is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(f"not JSON: {name} is no JSON number")


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        unit = ord(error.object[error.start])
        raise NotJsonError(f"half a surrogate pair (\\u{unit:04x}) in a text") from error
