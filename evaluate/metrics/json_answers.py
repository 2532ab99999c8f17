"""Answers that are meant to be JSON: whether they are, and which keys they have."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"\A\s*```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)


def read_json(answer: str, like: str = "") -> Any:
    """Return the object or list that an answer is.

    Args:
        answer: the whole answer. A fence of Markdown around it is forgiven only where the
            reference has one, because a program that reads answers would stumble over it.
        like: the reference.

    Raises:
        ValueError: it does not parse, or it is a single number or text.
    """
    fenced = _FENCE.match(answer) if _FENCE.match(like) else None
    try:
        found = json.loads(fenced[1] if fenced else answer, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict | list):
        raise ValueError("neither an object nor a list")
    return found


def parses(answer: str, like: str = "") -> bool:
    """Tell whether an answer is a JSON object or list."""
    try:
        read_json(answer, like)
    except ValueError:
        return False
    return True


def key_paths(value: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the paths of all keys; elements of a list share one.

    Example:
        >>> sorted(key_paths({"a": 1, "b": [{"c": 2}, {"c": 3}]}))
        [('a',), ('b',), ('b', '[]', 'c')]
    """
    if isinstance(value, dict):
        own = {(*above, str(key)) for key in value}
        return own.union(*(key_paths(part, (*above, str(key))) for key, part in value.items()))
    if isinstance(value, list):
        return set().union(*(key_paths(part, (*above, "[]")) for part in value))
    return set()


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
