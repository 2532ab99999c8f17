"""Rows that hold their fields within one of their fields, as ``{"input": {"messages": …}}``.

The inner fields are lifted to the row, so that it is read as any other; a note tells which they
were and in what order, so that they go back to their place.
"""

from __future__ import annotations

from typing import Any

from ..formats.json_values import type_name
from .unfit import UnfitError

Row = dict[str, Any]

_OUTER, _INNER, _KEPT = "outer", "inner", "kept"


def lift(row: Row, inside: str) -> tuple[Row, Row]:
    """Put the fields of a field in its place.

    Returns:
        The flat row, and a note for :func:`put_inside`. An outer field that is called like an
        inner one stays in the note.

    Raises:
        UnfitError: the field is missing or no object.

    Example:
        >>> lift({"input": {"messages": []}, "rating": 5}, "input")[0]
        {'messages': [], 'rating': 5}
    """
    inner = row.get(inside)
    if type(inner) is not dict:
        found = type_name(inner) if inside in row else "no such field"
        raise UnfitError(inside, "an object", found)
    flat: Row = {}
    kept: Row = {}
    for name, value in row.items():
        if name == inside:
            flat |= inner
        elif name in inner:
            kept[name] = value
        else:
            flat[name] = value
    note = {_OUTER: list(row), _INNER: list(inner)}
    return flat, note | {_KEPT: kept} if kept else note


def put_inside(flat: Row, note: Row, inside: str) -> Row:
    """Put lifted fields back; the inverse of :func:`lift`.

    A field that an edit has added stays outside.
    """
    kept: Row = note.get(_KEPT, {})
    inner = {name: flat[name] for name in note[_INNER] if name in flat}
    outer = {name: value for name, value in flat.items() if name not in inner} | kept
    added = [name for name in outer if name not in note[_OUTER]]
    return {
        name: inner if name == inside else outer[name]
        for name in (*note[_OUTER], *added)
        if name == inside or name in outer
    }
