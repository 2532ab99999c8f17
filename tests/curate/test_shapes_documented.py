"""The page on shapes is true: every example is detected, read and written back as it says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tunewise.curate.settings import DataSettings
from tunewise.curate.shapes.catalogue import SHAPES, shape_of
from tunewise.curate.shapes.detection import detect_shape
from tunewise.curate.shapes.rows import layout_of, layout_of_detection, to_record, to_row

PAGE = (Path(__file__).parents[2] / "docs" / "shapes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("shape", "text"), EXAMPLES)
def test_an_example_is_what_it_is_called_and_comes_back(shape: str, text: str) -> None:
    row = json.loads(text)
    detection = detect_shape([row] * 3, "docs/shapes.md")
    assert (detection.shape, detection.confidence) == (shape, 1)
    layout = layout_of_detection(detection)
    record = to_record(row, layout)
    said = [*record.messages, *(record.chosen or ()), *(record.rejected or ())]
    assert all(message.role and (message.content or message.tool_calls) for message in said)
    assert {message.role for message in said} <= {
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        "text",
    }
    assert json.dumps(to_row(record, layout)) == json.dumps(row)


def test_every_shape_has_a_section_and_an_example() -> None:
    sections = re.findall(r"^## (\S+)$", PAGE, re.MULTILINE)
    assert [name for name in sections if name in SHAPES] == list(SHAPES)
    assert {shape for shape, _ in EXAMPLES} == set(SHAPES)


def test_the_settings_shown_are_valid() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    data = DataSettings(**tomllib.loads(text)["data"])
    assert data.shape
    layout = layout_of(shape_of(data.shape), data.mapping)
    row = {"talk": [{"who": "customer", "says": "Hi"}, {"who": "agent", "says": "Hello"}]}
    assert [message.role for message in to_record(row, layout).messages] == ["user", "assistant"]
