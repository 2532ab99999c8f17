"""Records in columns: Python values to a frame of ``RECORD_SCHEMA``, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, cast

import polars as pl
import pyarrow as pa

from ..formats.json_values import json_bytes, json_text, parse_json
from ..records import MESSAGE, RECORD_SCHEMA
from .rows import Layout, Record, has_own_id
from .tags import Message

_ROWS_AT_ONCE = 4096
_ID_BYTES = 8


def content_id(row: dict[str, Any]) -> str:
    """Return an id for a row that has none: equal rows have equal ids."""
    return digest_of(json_bytes(row))


def digest_of(text: bytes) -> str:
    """Return the id of a row that is written as compact JSON."""
    return hashlib.blake2b(text, digest_size=_ID_BYTES).hexdigest()


class RecordColumns:
    """Takes records one by one and puts them into the columns of a frame."""

    def __init__(self, kind: str) -> None:
        """Begin a frame of records of one kind."""
        self._kind = kind
        self._begin()

    def __len__(self) -> int:
        """Number of records taken since the last frame."""
        return len(self._rows)

    def add(self, row: int, record: Record) -> None:
        """Take a record with its position in the source."""
        self._rows.append(row)
        self._ids.append(record.id)
        self._labels.append(record.label)
        self._groups.append(record.group)
        self._sources.append(record.source)
        self._extras.append(json_text(record.extra) if record.extra else None)
        self._messages.add(record.messages)
        self._chosen.add(record.chosen)
        self._rejected.add(record.rejected)

    def take_frame(self) -> pl.DataFrame:
        """Return the records taken so far as a frame of ``RECORD_SCHEMA``, and begin another."""
        frame = pl.DataFrame(
            {
                "row": self._rows,
                "id": self._ids,
                "kind": pl.repeat(self._kind, len(self._rows), eager=True),
                "messages": self._messages.column(),
                "chosen": self._chosen.column(),
                "rejected": self._rejected.column(),
                "label": self._labels,
                "group": self._groups,
                "source": self._sources,
                "extra": self._extras,
            },
            schema=RECORD_SCHEMA,
        )
        self._begin()
        return frame

    def _begin(self) -> None:
        self._rows: list[int] = []
        self._ids: list[str | None] = []
        self._labels: list[str | None] = []
        self._groups: list[str | None] = []
        self._sources: list[str | None] = []
        self._extras: list[str | None] = []
        self._messages, self._chosen, self._rejected = (_MessageLists() for _ in range(3))


class _MessageLists:
    """A column of lists of messages while it grows."""

    def __init__(self) -> None:
        self._flat: list[Message] = []
        self._ends: list[int] = [0]
        self._missing: list[bool] = []

    def add(self, messages: list[Message] | None) -> None:
        if messages:
            self._flat += messages
        self._ends.append(len(self._flat))
        self._missing.append(messages is None)

    def column(self) -> pl.Series:
        fields = list(zip(*self._flat, strict=True)) or [()] * len(Message._fields)
        types = cast(pl.Struct, MESSAGE).to_schema()
        # Not `pa.array`, which imports pandas.
        arrays = [
            pl.Series(values, dtype=types[name]).to_arrow()
            for name, values in zip(Message._fields, fields, strict=True)
        ]
        lists = pa.LargeListArray.from_arrays(
            pl.Series(self._ends, dtype=pl.Int64).to_arrow(),
            pa.StructArray.from_arrays(arrays, names=list(Message._fields)),
            mask=pl.Series(self._missing, dtype=pl.Boolean).to_arrow(),
        )
        return pl.Series(lists, dtype=pl.List(MESSAGE))


def records_of(frame: pl.DataFrame, layout: Layout) -> Iterator[Record]:
    """Yield the records of a frame in its order; an id that was made up here is left out."""
    for part in frame.iter_slices(_ROWS_AT_ONCE):
        for values in part.iter_rows(named=True):
            extra = parse_json(values["extra"].encode()) if values["extra"] else {}
            yield Record(
                messages=_messages(values["messages"]) or [],
                chosen=_messages(values["chosen"]),
                rejected=_messages(values["rejected"]),
                id=values["id"] if has_own_id(extra, layout) else None,
                label=values["label"],
                group=values["group"],
                source=values["source"],
                extra=extra,
            )


def _messages(values: list[dict[str, Any]] | None) -> list[Message] | None:
    return None if values is None else [Message(**value) for value in values]
