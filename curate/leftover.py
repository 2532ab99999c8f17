"""What the columns of a record cannot express about a source object, kept so that it comes back.

An object is understood (``"from": "chatgpt"`` becomes the role ``assistant``) and later written
from what was understood (``"from": "gpt"``). The leftover is the difference between the object
and what would be written: fields that nothing holds, originals that were written differently, and
the order of the keys. Put back, it gives the very object, by construction. After an edit each
original gives way if, read again, it no longer means what the record says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .json_values import json_bytes

ORDER, KEPT = "order", "kept"


def leftover(source: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """Return what is needed to turn the object that would be written into its source.

    Args:
        source: the object as it came.
        written: the object as it would be written without knowing the source.

    Example:
        >>> leftover({"value": "Hi", "from": "chatgpt"}, {"from": "gpt", "value": "Hi"})
        {'kept': {'from': 'chatgpt'}, 'order': ['value', 'from']}
    """
    kept = {
        key: value
        for key, value in source.items()
        if key not in written or not _same(value, written[key])
    }
    found: dict[str, Any] = {KEPT: kept} if kept else {}
    if list(source) != list(written | kept):
        found[ORDER] = list(source)
    return found


def put_back(
    written: dict[str, Any],
    left: dict[str, Any],
    still_means: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    """Turn a written object back into its source, with the edits that were made since.

    Args:
        written: the object as it would be written without knowing the source.
        left: what :func:`leftover` returned.
        still_means: tells whether an object, read again, gives the record that is being written.
    """
    if KEPT not in left and ORDER not in left:
        return written
    kept: dict[str, Any] = left.get(KEPT, {})
    order: list[str] = left[ORDER] if ORDER in left else list(written | kept)
    merged = written | kept
    unedited = {key: merged[key] for key in order if key in merged}
    if still_means(unedited):
        return unedited
    valid = {key: value for key, value in kept.items() if still_means(written | {key: value})}
    merged = written | valid
    ordered = [key for key in order if key in merged]
    return {key: merged[key] for key in (*ordered, *(merged.keys() - set(ordered)))}


def _same(value: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: types and the order of inner keys too."""
    if value is other:
        return True
    if type(value) is not type(other) or value != other:
        return False
    return type(value) not in (dict, list) or json_bytes(value) == json_bytes(other)
