"""Records go back to the rows they came from, on made-up and on real files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.export import source_rows, write_jsonl
from tunewise.curate.reading.read import read_dataset
from tunewise.workspace.errors import DataError

REAL_FILES = [
    "dolly_3k.json",
    "sft_1100.json",
    "preference_1100.json",
    "banking77/test.csv",
    "gsm8k/test.jsonl",
    "sharegpt_and_others/alpaca_en_demo.json",
    "sharegpt_and_others/dpo_en_demo.json",
    "sharegpt_and_others/glaive_toolcall_en_demo.json",
    "sharegpt_and_others/identity.json",
    "sharegpt_and_others/kto_en_demo.json",
    "sharegpt_and_others/v1_dpo_demo.jsonl",
    "sharegpt_and_others/v1_sft_demo.jsonl",
]


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines(keepends=True)))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_files_come_back_row_for_row(shared_data: Path, tmp_path: Path, name: str) -> None:
    path = shared_data / "instructions" / name
    dataset = read_dataset(path)
    assert dataset.rows == len(dataset.records)
    written = list(source_rows(dataset.records, dataset.detection))
    assert json.dumps(written) == json.dumps(rows_of(path))
    copy = tmp_path / "copy.jsonl"
    assert write_jsonl(copy, written) == dataset.rows
    detection = dataset.detection
    again = read_dataset(copy, shape=detection.shape, mapping=detection.mapping)
    assert again.records.equals(dataset.records)


def test_a_part_of_the_records_reads_again_as_it_was(tmp_path: Path) -> None:
    rows = [
        {"id": n, "text": f"t{n}", "label": n % 2 == 0, "user_id": f"u{n}", "source": None}
        for n in range(20)
    ]
    path = tmp_path / "all.jsonl"
    write_jsonl(path, rows)
    dataset = read_dataset(path)
    for size in (1, 2, 9):
        part = dataset.records.sample(size, seed=size)
        write_jsonl(tmp_path / "part.jsonl", source_rows(part, dataset.detection))
        again = read_dataset(
            tmp_path / "part.jsonl",
            shape=dataset.detection.shape,
            mapping=dataset.detection.mapping,
        )
        assert again.records.drop("row").equals(part.drop("row"))


def test_an_edit_of_role_and_label_is_carried(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "label": 5, "messages": [{"role": "usr", "content": "Hi", "note": 1}]},
        {"id": 2, "label": 6, "messages": [{"content": "Hi", "role": "user"}]},
    ]
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, rows)
    dataset = read_dataset(path)
    repaired = dataset.records.with_columns(
        messages=pl.col("messages").list.eval(
            pl.element().struct.with_fields(pl.lit("user").alias("role"))
        ),
        label=pl.lit("6"),
    )
    assert list(source_rows(repaired, dataset.detection)) == [
        {"id": 1, "label": "6", "messages": [{"role": "user", "content": "Hi", "note": 1}]},
        rows[1],
    ]


def test_a_masked_tool_call_and_input_are_carried(tmp_path: Path) -> None:
    call = '{"name": "mail", "arguments": {"to": "a@b.co"}}'
    sources = {
        "share.jsonl": {"conversations": [{"from": "function_call", "value": call}]},
        "alpaca.jsonl": {"instruction": "Mail\n\nthis.", "input": "a@b.co", "output": "Done"},
        "parts.jsonl": {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "to a@b.co"}]}]
        },
    }
    for name, row in sources.items():
        path = tmp_path / name
        write_jsonl(path, [row] * 2)
        dataset = read_dataset(path)
        fields = [pl.element().struct.field(part) for part in ("content", "tool_calls")]
        masked = dataset.records.with_columns(
            messages=pl.col("messages").list.eval(
                pl.element().struct.with_fields(
                    *(field.str.replace_all("a@b.co", "[EMAIL]", literal=True) for field in fields)
                )
            )
        )
        written = list(source_rows(masked, dataset.detection))
        assert written == [json.loads(json.dumps(row).replace("a@b.co", "[EMAIL]"))] * 2
        assert "a@b.co" not in json.dumps(masked.to_dicts())


def test_an_edit_that_the_shape_cannot_express_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"instruction": "a", "input": "", "output": "b"}])
    dataset = read_dataset(path)
    cut = dataset.records.with_columns(messages=pl.col("messages").list.head(1))
    with pytest.raises(DataError, match="no longer fits the shape 'alpaca'"):
        list(source_rows(cut, dataset.detection))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1, "big": 2**70, "text": "ü\u2028"}])
    before = path.read_bytes()
    assert json.loads(before) == {"a": 1, "big": 2**70, "text": "ü\u2028"}
    with pytest.raises(ZeroDivisionError):
        write_jsonl(path, ({"a": 1 // number} for number in (1, 0)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
