"""What the columns of a record cannot express about a source object, kept so that it comes back.

An object is understood (``"from": "chatgpt"`` becomes the role ``assistant``) and later written
from what was understood (``"from": "gpt"``). The leftover is the difference between the object
and what would be written: fields that nothing holds, originals that were written differently, and
the order of the keys. Put back, it gives the very object, by construction. After an edit each
original gives way if, read again, it no longer means what the record says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..formats.json_values import json_bytes

ORDER, KEPT, WITHIN = "order", "kept", "within"

Object = dict[str, Any]
_Path = tuple[str, ...]


def leftover(source: Object, written: Object) -> Object:
    """Return what is needed to turn the object that would be written into its source.

    Args:
        source: the object as it came.
        written: the object as it would be written without knowing the source.

    Example:
        >>> leftover({"value": "Hi", "from": "chatgpt"}, {"from": "gpt", "value": "Hi"})
        {'kept': {'from': 'chatgpt'}, 'order': ['value', 'from']}
    """
    kept: Object = {}
    within: Object = {}
    for key, value in source.items():
        if key not in written:
            kept[key] = value
        elif not _same(value, written[key]):
            if type(value) is dict and type(written[key]) is dict:
                within[key] = leftover(value, written[key])
            else:
                kept[key] = value
    found: Object = {KEPT: kept} if kept else {}
    if within:
        found[WITHIN] = within
    if list(source) != list(written | kept):
        found[ORDER] = list(source)
    return found


def put_back(written: Object, left: Object, still_means: Callable[[Object], bool]) -> Object:
    """Turn a written object back into its source, with the edits that were made since.

    Args:
        written: the object as it would be written without knowing the source.
        left: what :func:`leftover` returned.
        still_means: tells whether an object, read again, gives the record that is being written.
    """
    if left.keys().isdisjoint((KEPT, ORDER, WITHIN)):
        return written
    paths = set(_paths(left))
    unedited = _merged(written, left, paths, edited=False)
    if still_means(unedited):
        return unedited
    valid = {path for path in paths if still_means(_merged(written, left, {path}, edited=True))}
    return _merged(written, left, valid, edited=True)


def _paths(left: Object, outer: _Path = ()) -> Iterator[_Path]:
    """Yield where originals were kept."""
    for key in left.get(KEPT, ()):
        yield (*outer, key)
    for key, inner in left.get(WITHIN, {}).items():
        yield from _paths(inner, (*outer, key))


def _merged(
    written: Object, left: Object, paths: set[_Path], *, edited: bool, outer: _Path = ()
) -> Object:
    """Put the originals at some paths into a written object, in the order of the source.

    Keys that the source had not are left out, but for an edited object, which may need them.
    """
    kept = {key: value for key, value in left.get(KEPT, {}).items() if (*outer, key) in paths}
    merged = written | kept
    for key, inner in left.get(WITHIN, {}).items():
        if type(merged.get(key)) is dict:
            within = _merged(merged[key], inner, paths, edited=edited, outer=(*outer, key))
            merged[key] = within
    order: list[str] = left[ORDER] if ORDER in left else list(merged)
    ordered = [key for key in order if key in merged]
    if edited:
        known = set(ordered)
        ordered += [key for key in merged if key not in known]
    return {key: merged[key] for key in ordered}


def _same(value: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: types and the order of inner keys too."""
    if value is other:
        return True
    if type(value) is not type(other) or value != other:
        return False
    return type(value) not in (dict, list) or json_bytes(value) == json_bytes(other)
