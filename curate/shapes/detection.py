"""Which shape a source's rows have, told from some of them, or from what the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...workspace.errors import DataError, UsageError
from ...workspace.nearest import nearest
from ..formats.json_values import type_name
from ..records import TEXT, Detection
from .catalogue import CHAT_SHAPE, LABEL_FIELDS, SHAPES, shape_of
from .inside import lift
from .rows import Layout, layout_of, to_record
from .shape import COLUMN_PARTS, ROLE_TAG, SYSTEM, TAG_PARTS, Part, Shape
from .tags import CHAT_TAGS, SHAREGPT_TAGS
from .unfit import UnfitError

Rows = Sequence[dict[str, Any]]

ENOUGH = 0.5
_ANOTHER = 0.2
_FEW = 8
_MOSTLY_DISTINCT = 0.9
_LONGEST_FIELD_LIST = 12
_WORDS_OF_PROSE = 4
_LONGEST_LABEL = 60

_COLUMN_FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("id", "uid", "uuid", "_id", "row_id", "example_id", "prompt_id"),
    "label": ("kto_tag", *LABEL_FIELDS),
    "group": (
        "group",
        "group_id",
        "region",
        "conversation_id",
        "thread_id",
        "session_id",
        "document_id",
        "user_id",
        "customer_id",
        "author",
    ),
    "source": ("source", "dataset", "origin", "data_source"),
}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A shape that the rows might have."""

    shape: Shape
    mapping: dict[str, str]
    layout: Layout
    share: float
    used: tuple[str, ...]
    guess: str = ""


def detect_shape(
    rows: Rows, where: str, shape: str | None = None, mapping: Mapping[str, str] | None = None
) -> Detection:
    """Find out what rows mean.

    Args:
        rows: some rows of the source.
        where: the source, for messages.
        shape: the name of the shape, where the user says it.
        mapping: parts to source fields, where the user says it; ``""`` for a part that no field
            plays. Parts that are not named are looked for.

    Returns:
        The shape with a field, or ``""``, for each part it may have, so that the same shape and
        mapping read the source again in just the same way.

    Raises:
        UsageError: an unknown shape or part.
        DataError: the rows fit no shape, or several; the fields seen and the shapes known are
            named.
    """
    given = dict(mapping or {})
    wanted = [_shape_with(shape, given)] if shape else _shapes_with(given)
    candidates = [found for item in wanted if (found := _candidate(item, rows, given))]
    if not candidates and not shape and not given:
        candidates = [found for found in [_by_repetition(rows)] if found]
    fitting = [found for found in candidates if found.share >= ENOUGH or shape]
    if not fitting:
        raise _no_shape(rows, where, wanted if shape else list(SHAPES.values()), shape)
    best = fitting[0]
    if not shape:
        _refuse_mixture(rows, where, best, candidates)
    return Detection(
        shape=best.shape.name,
        confidence=best.share,
        mapping=best.mapping,
        reason=_reason(best, fitting[1:], len(rows)),
        chosen_by="given" if shape else "detected",
    )


def _shape_with(name: str, given: Mapping[str, str]) -> Shape:
    """The shape that the user named; raises where it lacks a part that the user named."""
    return layout_of(shape_of(name), given).shape


def _shapes_with(given: Mapping[str, str]) -> list[Shape]:
    """Shapes that have all the parts that the user named."""
    parts = set(given) - set(COLUMN_PARTS) - set(TAG_PARTS)
    having = [shape for shape in SHAPES.values() if parts <= {part.name for part in shape.parts}]
    if not having:
        known = {part.name for shape in SHAPES.values() for part in shape.parts}
        unknown = next((part for part in sorted(parts) if part not in known), None)
        raise UsageError(
            f"no shape has all of the parts {', '.join(sorted(parts))}",
            where="map",
            fix=nearest(unknown, known | {*COLUMN_PARTS, *TAG_PARTS})
            if unknown
            else "name the shape as well",
        )
    return having


def _candidate(shape: Shape, rows: Rows, given: Mapping[str, str]) -> _Candidate | None:
    """Find the fields for a shape's parts; None where one that it needs is missing."""
    whole, rows = rows, _flat_rows(rows, shape)
    seen = Counter(name for row in rows for name in row)
    mapping: dict[str, str] = {}
    taken = {name for part, name in given.items() if name and part not in TAG_PARTS}
    for part in shape.parts:
        if part.name in COLUMN_PARTS:
            continue
        name = given.get(part.name)
        if name is None:
            name = _usual_field(part, seen, taken)
            name = name or _message_field(shape, part, rows, taken, given)
        if name is None and part.required:
            return None
        if name is None:
            # A later row may have it.
            name = "" if part.fields[0] in taken else part.fields[0]
        mapping[part.name] = name
        taken.add(name)
    mapping |= _tag_mapping(shape, rows, mapping, given)
    if shape is CHAT_SHAPE and mapping["role"] == SHAREGPT_TAGS.role:
        return None
    mapping |= _column_mapping(rows, seen, taken, given)
    needed = [mapping[part.name] for part in shape.parts if part.required]
    if not all(needed):
        return None
    layout = layout_of(shape, mapping)
    fitting = sum(_fits(row, needed, layout) for row in whole)
    used = [name for part, name in mapping.items() if part not in TAG_PARTS and seen[name]]
    return _Candidate(shape, mapping, layout, fitting / max(1, len(whole)), tuple(used))


def _flat_rows(rows: Rows, shape: Shape) -> Rows:
    """Return the rows with the inner fields lifted, where the shape has its fields inside."""
    if not shape.inside:
        return rows
    return [lift(row, shape.inside)[0] for row in rows if isinstance(row.get(shape.inside), dict)]


def _usual_field(part: Part, seen: Counter[str], taken: set[str]) -> str | None:
    """Return the field among a part's usual ones that most rows have."""
    present = [name for name in part.fields if seen[name] and name not in taken]
    return max(present, key=lambda name: seen[name], default=None)


def _message_field(
    shape: Shape, part: Part, rows: Rows, taken: set[str], given: Mapping[str, str]
) -> str | None:
    """Return the only field that holds lists of messages, whatever it is called."""
    if part.name != "messages":
        return None
    keys = {given.get("role") or shape.tags.role, given.get("content") or shape.tags.content}
    holding = {
        name
        for row in rows
        for name, value in row.items()
        if name not in taken and _message_keys(value) >= keys
    }
    return holding.pop() if len(holding) == 1 else None


def _message_keys(value: Any) -> set[str]:
    """Return the keys of a message, or of the first one of a list."""
    first = value[0] if isinstance(value, list) and value else value
    return set(first) if isinstance(first, dict) else set()


def _tag_mapping(
    shape: Shape, rows: Rows, mapping: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Name the keys of role and content, where the rows have messages at all."""
    chosen = {part: given[part] for part in TAG_PARTS if given.get(part)}
    if "messages" in mapping:
        return {"role": shape.tags.role, "content": shape.tags.content} | chosen
    keys = Counter(
        key for row in rows for name in mapping.values() for key in _message_keys(row.get(name))
    )
    tags = SHAREGPT_TAGS if keys[SHAREGPT_TAGS.role] > keys[CHAT_TAGS.role] else CHAT_TAGS
    return {"role": tags.role, "content": tags.content} | chosen if keys else chosen


def _column_mapping(
    rows: Rows, seen: Counter[str], taken: set[str], given: Mapping[str, str]
) -> dict[str, str]:
    """Find fields for id, label, group and source; ``""`` for those that there are none for."""
    mapping: dict[str, str] = {}
    for column, usual in _COLUMN_FIELDS.items():
        name = given.get(column)
        if name is None:
            free = [item for item in usual if seen[item] and item not in taken]
            name = next((item for item in free if _is_plausible(column, rows, item)), "")
        mapping[column] = name
        taken.add(name)
    return mapping


def _is_plausible(column: str, rows: Rows, name: str) -> bool:
    """Tell whether a field's values look like ids (distinct) or like labels (repeated)."""
    values = [row[name] for row in rows if row.get(name) is not None]
    if not values or any(isinstance(value, list | dict) for value in values):
        return False
    distinct = len({str(value) for value in values})
    if column == "id":
        return distinct >= _MOSTLY_DISTINCT * len(values)
    if len(values) < _FEW:
        return True
    return distinct < len(values) if column == "group" else distinct <= len(values) / 2


def _fits(row: dict[str, Any], needed: Iterable[str], layout: Layout) -> bool:
    """Tell whether a row has all that its shape needs, and says something."""
    inside = layout.shape.inside
    try:
        flat = lift(row, inside)[0] if inside else row
        if not all(name in flat for name in needed):
            return False
        record = to_record(row, layout)
    except UnfitError:
        return False
    messages = [*record.messages, *(record.chosen or ()), *(record.rejected or ())]
    return any(
        message.role and message.role != SYSTEM and (message.content or message.tool_calls)
        for message in messages
    )


def _by_repetition(rows: Rows) -> _Candidate | None:
    """Take a column of text and one that repeats itself for text and label.

    Of two columns the one that repeats itself is the label and the other one the text. Among
    more, exactly one must look like a label and exactly one like prose.
    """
    names = list(rows[0])
    uniform = all(list(row) == names for row in rows)
    if len(names) < 2 or len(rows) < _FEW or not uniform:
        return None
    labels = [name for name in names if _is_plausible("label", rows, name)]
    if len(names) == 2:
        label, text = sorted(names, key=lambda name: len({str(row[name]) for row in rows}))
        labels, texts = [label] if label in labels else [], [text]
    else:
        labels = [name for name in labels if _is_short(rows, name)]
        texts = [name for name in names if _is_prose(rows, name)]
    if len(labels) != 1 or len(texts) != 1:
        return None
    (label,), (text,) = labels, texts
    found = _candidate(SHAPES["classification"], rows, {"text": text, "label": label})
    values = len({str(row[label]) for row in rows})
    guess = f"; taken by their values: `{label[:40]}` has {values}, `{text[:40]}` is text"
    return found and replace(found, guess=guess)


def _is_short(rows: Rows, name: str) -> bool:
    """Tell whether a field has several values, all of a label's length."""
    values = {str(row[name]) for row in rows if row[name] is not None}
    return len(values) > 1 and max(map(len, values)) <= _LONGEST_LABEL


def _is_prose(rows: Rows, name: str) -> bool:
    """Tell whether a field's values are texts of several words, hardly ever the same twice."""
    values = [row[name] for row in rows if row[name] is not None]
    if not values or not all(isinstance(value, str) for value in values):
        return False
    words = sum(len(value.split()) for value in values)
    return words >= _WORDS_OF_PROSE * len(values) and _is_plausible("id", rows, name)


def _refuse_mixture(
    rows: Rows, where: str, best: _Candidate, candidates: Sequence[_Candidate]
) -> None:
    """Refuse rows of two shapes: one of them would be set aside without a real fault."""
    others = [row for row in rows if not _is_readable(row, best.layout)]
    for candidate in candidates:
        needed = [candidate.mapping[part.name] for part in candidate.shape.parts if part.required]
        count = sum(_fits(row, needed, candidate.layout) for row in others)
        if candidate is not best and count >= _ANOTHER * len(rows):
            raise DataError(
                f"the rows have two shapes: {best.share:.0%} of those looked at are "
                f"{best.shape.name!r}, {count / len(rows):.0%} are {candidate.shape.name!r}",
                where=where,
                fix="split the file, or say which one is meant (--shape); the other rows are "
                "then set aside",
            )


def _is_readable(row: dict[str, Any], layout: Layout) -> bool:
    try:
        to_record(row, layout)
    except UnfitError:
        return False
    return True


def _reason(best: _Candidate, others: Sequence[_Candidate], looked_at: int) -> str:
    """Say what was seen, in one sentence."""
    tags, mapping = best.layout.tags, best.mapping
    own = [part for part in mapping if part not in (*COLUMN_PARTS, *TAG_PARTS)]
    fields = ", ".join(f"`{mapping[part][:40]}`" for part in own if mapping[part] in best.used)
    within = f" with `{tags.role[:40]}` and `{tags.content[:40]}`" if "role" in mapping else ""
    inside = f" within `{best.shape.inside}`" if best.shape.inside else ""
    named = [
        f"{part} from `{mapping[part][:40]}`"
        for part in COLUMN_PARTS
        if mapping.get(part) in best.used
    ]
    named += [
        f"`{mapping[part][:40]}` speaks as {part.removeprefix(ROLE_TAG)}"
        for part in TAG_PARTS
        if part.startswith(ROLE_TAG) and mapping.get(part)
    ]
    taken = f"; {', '.join(named)}" if named else ""
    # Plain text fits whatever has a text.
    also = [item.shape.name for item in others if item.shape.kind != TEXT]
    possible = f"; would fit too: {', '.join(also)}" if also else ""
    share = "all" if best.share == 1 else f"{best.share:.1%}"
    return (
        f"{looked_at:,} {'row' if looked_at == 1 else 'rows'} looked at, {share} fit: "
        f"{fields}{within}{inside}{taken}{best.guess}{possible}"
    )


def _no_shape(rows: Rows, where: str, tried: Sequence[Shape], shape: str | None) -> DataError:
    types: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None or name not in types:
                types.setdefault(name, type_name(value))
    seen = [f"{name[:40]} ({kind})" for name, kind in types.items()]
    more = f" and {len(seen) - _LONGEST_FIELD_LIST} more" if len(seen) > _LONGEST_FIELD_LIST else ""
    known = "; ".join(f"{item.name}: {item.about}" for item in tried)
    what = f"the rows do not fit the shape {shape!r}" if shape else "the rows fit no known shape"
    return DataError(
        f"{what}; their fields are {', '.join(seen[:_LONGEST_FIELD_LIST])}{more}",
        where=where,
        fix="say what they mean with --shape NAME and --map PART=FIELD, such as --shape "
        f"classification --map text=body,label=topic. Known shapes: {known}",
    )
