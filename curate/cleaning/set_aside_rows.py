"""Rows that could not be understood, for a reader: where each lay, why, and what stood there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import polars as pl

from ..formats.json_values import json_bytes


def as_lines(set_aside: pl.DataFrame) -> Iterator[bytes]:
    """Write rows that were set aside as JSON lines.

    Each has ``row, path, line, offset, reason`` and its bytes: as ``text`` where they are UTF-8,
    else as ``base64``.

    Args:
        set_aside: frame of ``SET_ASIDE_SCHEMA``.
    """
    for row in set_aside.iter_rows(named=True):
        raw = row.pop("raw")
        yield json_bytes(row | _readable(raw)) + b"\n"


def _readable(raw: bytes) -> dict[str, Any]:
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}
