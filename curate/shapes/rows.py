"""Source rows to records and back: which field plays which part, and what is left over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..formats.json_values import json_text
from ..records import Detection
from .catalogue import shape_of
from .inside import lift, put_inside
from .leftover import leftover, put_back
from .shape import ASSISTANT, COLUMN_PARTS, ROLE_TAG, TAG_PARTS, Content, Fields, Shape
from .tags import CHAT_TAGS, SHAREGPT_TAGS, Message, Tags
from .unfit import UnfitError

RESERVED = "_tunewise"
"""The key of ``extra`` that holds what a record's columns cannot express about its source row."""

_NOTES, _NAMELESS, _INSIDE = "notes", "nameless", "inside"
_CALL = "call"
_KTO_TAG = "kto_tag"
# The names of parts in the place of a fault: `messages` in `messages[1].role`.
_PART = re.compile(r"(?:^|(?<= or ))\w+")


@dataclass(frozen=True, slots=True)
class Layout:
    """A shape with the field names of one source.

    Attributes:
        shape: the shape.
        tags: the names within messages.
        fields: parts, the columns' included, to source fields.
        parts: the inverse.
    """

    shape: Shape
    tags: Tags
    fields: Mapping[str, str]
    parts: Mapping[str, str]


@dataclass(slots=True)
class Record:
    """A record as Python values; the columns of a records frame but ``row`` and ``kind``.

    Attributes:
        id: the source's own id; None where it has none.
        extra: fields that no column holds, and under :data:`RESERVED` what is needed to write
            the row as it was.
    """

    messages: list[Message]
    chosen: list[Message] | None
    rejected: list[Message] | None
    id: str | None
    label: str | None
    group: str | None
    source: str | None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> tuple[Any, ...]:
        """Everything but ``extra``."""
        answers = (self.messages, self.chosen, self.rejected)
        return (*answers, self.id, self.label, self.group, self.source)


def layout_of(shape: Shape, mapping: Mapping[str, str]) -> Layout:
    """Combine a shape with field names; a part that is mapped to ``""`` has no field.

    Raises:
        UsageError: a part that the shape does not have, or a field with two parts.
    """
    known = [*(part.name for part in shape.parts), *COLUMN_PARTS, *TAG_PARTS]
    for part in mapping:
        if part not in known:
            raise UsageError(
                f"the shape {shape.name!r} has no part {part!r}",
                where=f"map {part}={mapping[part]}",
                fix=nearest(part, known),
            )
    fields = {part: name for part, name in mapping.items() if name and part not in TAG_PARTS}
    parts = {name: part for part, name in fields.items()}
    if len(parts) < len(fields):
        twice = next(name for part, name in fields.items() if parts[name] != part)
        raise UsageError(f"the field {twice!r} cannot play two parts", where=f"map {dict(mapping)}")
    return Layout(shape, _tags(shape, mapping), fields, parts)


def layout_of_detection(detection: Detection) -> Layout:
    """Return the layout that a dataset was read with."""
    return layout_of(shape_of(detection.shape), detection.mapping)


def to_record(row: dict[str, Any], layout: Layout) -> Record:
    """Understand a source row.

    Raises:
        UnfitError: a field has the wrong type, or the row has none of the shape's fields.
    """
    inside = layout.shape.inside
    if not inside:
        return _flat_to_record(row, layout)
    flat, note = lift(row, inside)
    try:
        record = _flat_to_record(flat, layout)
    except UnfitError as error:
        is_inner = re.split(r"\W", error.place)[0] in row[inside]
        place = f"{inside}.{error.place}" if is_inner else error.place
        raise UnfitError(place, error.expected, error.found) from error
    left = record.extra.get(RESERVED, {})
    record.extra = {**record.extra, RESERVED: {**left, _INSIDE: note}}
    return record


def to_row(record: Record, layout: Layout) -> dict[str, Any]:
    """Write a record as its source row; the inverse of :func:`to_record`.

    Raises:
        UnfitError: the record was edited so that its shape cannot express it.
    """
    left = record.extra.get(RESERVED, {})
    bare = replace(record, extra={k: v for k, v in record.extra.items() if k != RESERVED})
    content = Content(
        {}, record.messages, record.chosen, record.rejected, notes=left.get(_NOTES, {})
    )
    written = _written(bare, layout.shape.write(content, layout.tags), layout)

    def still_means(row: dict[str, Any]) -> bool:
        try:
            return _flat_to_record(row, layout).said == record.said
        except UnfitError:
            return False

    row = put_back(written, left, still_means)
    return put_inside(row, left[_INSIDE], layout.shape.inside) if _INSIDE in left else row


def has_own_id(extra: Mapping[str, Any], layout: Layout) -> bool:
    """Tell whether the id of a records frame's row comes from the source."""
    return "id" in layout.fields and _NAMELESS not in extra.get(RESERVED, ())


def _flat_to_record(row: dict[str, Any], layout: Layout) -> Record:
    fields: Fields = {}
    columns: dict[str, str | None] = {}
    extra: dict[str, Any] = {}
    parts = layout.parts
    for name, value in row.items():
        part = parts.get(name)
        if part is None:
            if name != RESERVED:
                extra[name] = value
        elif part not in COLUMN_PARTS:
            fields[part] = value
        elif type(value) in (dict, list):
            extra[name] = value
        else:
            columns[part] = _judgement(value) if name == _KTO_TAG else _scalar_text(value)
    try:
        content = layout.shape.read(fields, layout.tags)
    except UnfitError as error:
        place = _PART.sub(lambda part: layout.fields.get(part[0], part[0]), error.place)
        raise UnfitError(place, error.expected, error.found) from error
    record = Record(
        content.messages,
        content.chosen,
        content.rejected,
        columns.get("id"),
        columns.get("label"),
        columns.get("group"),
        columns.get("source"),
        extra,
    )
    written = _written(record, content.fields, layout)
    left = {} if written == row and list(written) == list(row) else leftover(row, written)
    if content.notes:
        left[_NOTES] = content.notes
    if record.id is None and "id" in layout.fields:
        left[_NAMELESS] = True
    if left:
        record.extra = {**extra, RESERVED: left}
    return record


def _written(record: Record, fields: Fields, layout: Layout) -> dict[str, Any]:
    """Put a row together: id, the shape's fields, the other columns, and the rest."""
    names = layout.fields
    row: dict[str, Any] = {}
    if record.id is not None:
        row[names.get("id", "id")] = record.id
    for part, value in fields.items():
        row[names.get(part, part)] = value
    if record.label is not None:
        row[names.get("label", "label")] = record.label
    if record.group is not None:
        row[names.get("group", "group")] = record.group
    if record.source is not None:
        row[names.get("source", "source")] = record.source
    row |= record.extra
    return row


def _judgement(value: Any) -> str | None:
    """Return a judgement of an answer as text: 1 and 0 say what true and false do."""
    return _scalar_text(bool(value) if type(value) is int and value in (0, 1) else value)


def _scalar_text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    return json_text(value)


def _tags(shape: Shape, mapping: Mapping[str, str]) -> Tags:
    """Return the shape's tags with the names that the mapping has for keys and speakers."""
    usual = shape.tags
    role = mapping.get("role") or usual.role
    if usual is CHAT_TAGS and role != usual.role:
        usual = SHAREGPT_TAGS
    named = {
        part.removeprefix(ROLE_TAG): speaker
        for part, speaker in mapping.items()
        if part.startswith(ROLE_TAG) and speaker
    }
    calling = named.pop(_CALL, usual.calling)
    roles = {**usual.roles, **{speaker: role for role, speaker in named.items()}}
    if calling is not None:
        roles[calling] = ASSISTANT
    return replace(
        usual,
        role=role,
        content=mapping.get("content") or usual.content,
        roles=roles,
        speakers={**usual.speakers, **named},
        calling=calling,
    )
