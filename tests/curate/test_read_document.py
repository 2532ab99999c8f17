"""JSON documents: bounded memory, whatever a broken one pretends to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunewise.curate.formats import rows_json
from tunewise.curate.formats.rows_json import document_rows
from tunewise.curate.reading.read import read_dataset


def blocks(content: bytes, size: int = 1000) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_json, "_LONGEST_VALUE", 5000)
    monkeypatch.setattr(rows_json, "_FORGET_AFTER", 1000)
    monkeypatch.setattr(rows_json, "_REST_AT_ONCE", 2000)
    monkeypatch.setattr(rows_json, "_MOST_BRACKETS", 300)


def items(count: int) -> list[bytes]:
    return [json.dumps({"text": f"row {number} {'x' * 100}"}).encode() for number in range(count)]


@pytest.mark.parametrize("fault", [b'{"text": "open', b'{"text": [', b"[" * 9, b'"'])
def test_an_open_end_in_a_long_list_costs_its_line(fault: bytes) -> None:
    lines = items(400)
    lines[50] = fault
    content = b"[\n" + b",\n".join(lines) + b"\n]"
    rows = list(document_rows(0, blocks(content)))
    assert [number for number, row in enumerate(rows) if row.value is None] == [50]
    assert len(rows) == 400
    assert max(len(row.raw) for row in rows) < 7000


def test_without_a_line_to_go_on_at_the_rest_is_unreadable_in_parts() -> None:
    content = b"[" + b",".join(items(100)) + b',{"text": "open' + b" y" * 20_000
    rows = list(document_rows(0, blocks(content)))
    assert all(row.value for row in rows[:100])
    lost = rows[100:]
    assert all(row.value is None for row in lost)
    assert "follows a row in which a bracket or quote is never closed" in lost[2].reason
    # What is read on for a value is at most as much again as there is.
    assert max(len(row.raw) for row in lost) < 15_000
    # Nothing is left out but white space between the parts.
    kept = b"".join(row.raw for row in lost).replace(b" ", b"")
    assert kept == content[content.index(b'{"text": "open') :].replace(b" ", b"")
    offsets = [row.offset or 0 for row in rows[:-1]]
    assert offsets == sorted(offsets)


def test_what_follows_a_list_is_kept_in_parts() -> None:
    content = b"[" + b",".join(items(5)) + b"]" + b"z" * 9000
    rows = list(document_rows(0, blocks(content)))
    assert sum(len(row.raw) for row in rows[5:]) == 9000
    assert max(len(row.raw) for row in rows[5:]) <= 2000
    assert {row.reason for row in rows[5:]} == {"text after the end of the list"}


@pytest.mark.parametrize("opened", [b"[", b"{", b"[]", b'[{"a":'])
def test_brackets_without_end_are_given_up(opened: bytes) -> None:
    rows = list(document_rows(0, blocks(b"[" + opened * 3000)))
    assert all(row.value is None for row in rows)
    assert sum(len(row.raw) for row in rows) >= len(opened) * 3000 - len(rows)


def test_a_row_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_json, "_LONGEST_VALUE", 1 << 20)
    content = json.dumps([{"text": "y" * 900_000}, {"text": "z"}]).encode()
    assert [bool(row.value) for row in document_rows(0, blocks(content))] == [True, True]


def test_nesting_without_end_is_quickly_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"text": "fine"},\n' + b"[" * 3_000_000)
    dataset = read_dataset(path)
    assert (len(dataset.records), dataset.rows > 1) == (1, True)
