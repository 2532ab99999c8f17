"""Any row at all: it is understood and comes back, or it is refused with a reason."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.curate.shapes.catalogue import SHAPES
from tunewise.curate.shapes.detection import detect_shape
from tunewise.curate.shapes.rows import (
    Layout,
    Record,
    layout_of,
    layout_of_detection,
    to_record,
    to_row,
)
from tunewise.curate.shapes.unfit import UnfitError
from tunewise.workspace.errors import DataError

quick = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = re.findall(
    r"\w+",
    """
    role content from value name text type parts input output messages conversations contents
    chosen rejected prompt completion tool_calls function_call function arguments id weight
    loss_weight refusal tool_use tool_use_id tool_result toolUse toolUseId toolResult json
    functionCall functionResponse function_response response args result system history
    instruction preferred_output non_preferred_output label user assistant tool model human gpt
    observation tools _tunewise notes kept order
    """,
)
names = st.sampled_from(["", *WORDS])
texts = names | st.sampled_from(
    [
        '{"name": "f"}',
        "[]",
        "{}",
        "null",
        "\n\nHuman: a\n\nAssistant: b",
        "\n\nHuman:",
        "\U0001f600\x00",
    ]
)
leaves = st.one_of(
    st.none(), texts, st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)
rows = st.dictionaries(names, values, max_size=5)


def usual_layout(name: str) -> Layout:
    return layout_of(SHAPES[name], {part.name: part.fields[0] for part in SHAPES[name].parts})


def understood(row: dict[str, Any], layout: Layout) -> Record | UnfitError:
    try:
        return to_record(row, layout)
    except UnfitError as error:
        return error


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@quick
def test_any_row_comes_back_or_is_refused(name: str, data: Any) -> None:
    layout = usual_layout(name)
    fields = st.sampled_from([part.fields[0] for part in SHAPES[name].parts])
    row = data.draw(rows) | data.draw(st.dictionaries(fields, values, max_size=3))
    if SHAPES[name].inside:
        row[SHAPES[name].inside] = data.draw(st.dictionaries(fields | names, values, max_size=3))
    record = understood(row, layout)
    if isinstance(record, UnfitError):
        assert record.place
        assert record.found
        return
    assert json.dumps(to_row(record, layout)) == json.dumps(row)
    # What is put into columns is text or null, whatever the row has.
    messages = [*record.messages, *(record.chosen or ()), *(record.rejected or ())]
    for role, content, called, calls, identity, weight in messages:
        columns = (role, content, called, calls, identity)
        assert all(value is None or type(value) is str for value in columns)
        assert weight is None or type(weight) is int


@given(st.lists(rows, min_size=1, max_size=4))
@quick
def test_detection_finds_a_shape_that_reads_or_says_that_there_is_none(some: list[Any]) -> None:
    try:
        detection = detect_shape(some, "rows")
    except DataError:
        return
    layout = layout_of_detection(detection)
    read = [record for row in some if isinstance(record := understood(row, layout), Record)]
    assert len(read) >= len(some) / 2
    assert detection.reason.startswith(f"{len(some)} rows looked at")
