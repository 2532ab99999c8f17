from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.records import Dataset
from tunewise.train.rows.supervision import (
    SUPERVISION_SCHEMA,
    conversation,
    count_refusals,
    prepare_part,
    proof,
)

HOSTILE = "\x1b]0;owned\x07 [/bold] \u202e⟦fake⟧"


def read(tmp_path: Path, rows: list[Any], shape: str, tail: str = "") -> Dataset:
    path = tmp_path / "part.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail, encoding="utf-8")
    return read_dataset(path, shape=shape)


def chat(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


def test_every_row_is_used_or_refused_with_its_reason(tmp_path: Path, tokenizer) -> None:
    rows = [
        chat(("user", "one"), ("assistant", "two")),
        chat(("user", "nobody answers")),
        chat(("user", "long " * 60), ("assistant", "never seen")),
        chat(("user", "one"), ("robot", "beep"), ("assistant", "two")),
        chat(("user", "one"), ("assistant", "long " * 60)),
    ]
    dataset = read(tmp_path, rows, "chat", tail="{no json\n")
    part = prepare_part("train", dataset, tokenizer, max_length=50)
    frame = part.supervision
    assert frame.schema == SUPERVISION_SCHEMA
    assert frame["row"].to_list() == [0, 1, 2, 3, 4, 5]
    assert part.numbers == (0, 4)
    assert len(part.rows) + len(part.refused) == dataset.rows == len(frame)
    reasons = dict(part.refused.select("row", "refused").iter_rows())
    assert "no answer" in reasons[1]
    assert "maximum length of 50" in reasons[2]
    assert "robot" in reasons[3]
    assert "cannot be read" in reasons[5]
    assert frame["truncated"].to_list() == [False, False, True, False, True, False]
    assert frame.row(4, named=True)["lost_supervised"] > 0
    for number, row in zip(part.numbers, part.rows, strict=True):
        counted = frame.row(number, named=True)
        assert counted["tokens"] == len(row.tokens)
        assert counted["supervised"] == sum(row.supervised)
    assert part.total("supervised") == sum(sum(row.supervised) for row in part.rows)


KINDS = {
    "classification": (
        "classification",
        {"text": "where is my card", "label": "card_arrival"},
        "card_arrival<|end|>",
    ),
    "preference": (
        "preference",
        {"prompt": "one", "chosen": "good", "rejected": "bad"},
        "good<|end|>",
    ),
    "text": ("text", {"text": "the bird sings"}, "the bird sings<|end|>"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_trained_on_what_it_teaches(tmp_path: Path, tokenizer, kind: str) -> None:
    shape, row, expected = KINDS[kind]
    dataset = read(tmp_path, [row] * 3, shape)
    assert dataset.kind == kind
    part = prepare_part("train", dataset, tokenizer)
    first = part.rows[0]
    answer = [
        token for token, learned in zip(first.tokens, first.supervised, strict=True) if learned
    ]
    assert expected.endswith(tokenizer.decode(answer))
    assert len(tokenizer.decode(answer)) > len(expected) / 2


def test_an_answer_that_its_label_rejects_is_refused(tmp_path: Path, tokenizer) -> None:
    rows = [
        {"prompt": "one", "completion": f"two {number}", "label": number != 1}
        for number in range(3)
    ]
    dataset = read(tmp_path, rows, "prompt-completion")
    part = prepare_part("train", dataset, tokenizer)
    assert part.numbers == (0, 2)
    assert count_refusals(part) == [("its label is false, which rejects the answer", 1)]
    said = [conversation(record) for record in dataset.records.iter_rows(named=True)]
    assert [bool(messages) for messages in said] == [True, False, True]
    unlabelled = read_dataset(dataset.paths[0], shape="prompt-completion", mapping={"label": ""})
    assert prepare_part("train", unlabelled, tokenizer).numbers == (0, 1, 2)


def test_the_proof_marks_what_is_learned_and_is_safe(tmp_path: Path, tokenizer) -> None:
    rows = [
        chat(("user", HOSTILE), ("assistant", HOSTILE)),
        chat(("user", "x" * 2000), ("assistant", "short")),
        *[chat(("user", "one"), ("assistant", "two " * count)) for count in range(1, 9)],
    ]
    part = prepare_part("train", read(tmp_path, rows, "chat"), tokenizer)
    lines = proof(part, tokenizer, count=10)
    assert len(lines) == 10
    hostile = next(line for line in lines if line.startswith("row 0,"))
    assert hostile.count("⟦") == hostile.count("⟧") == 1
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile
    assert "\n" not in hostile
    assert "<|start|>assistant↵⟦" in hostile
    assert hostile.split("⟦")[1].split("⟧")[0].endswith("<|end|>")
    long = next(line for line in lines if line.startswith("row 1,"))
    assert len(long) < 1000
    assert "⟦short<|end|>⟧" in long
    assert len(proof(part, tokenizer)) == 3


def test_the_proof_of_few_rows_shows_them_all(tmp_path: Path, tokenizer) -> None:
    dataset = read(tmp_path, [chat(("user", "one"), ("assistant", "two"))], "chat")
    assert len(proof(prepare_part("train", dataset, tokenizer), tokenizer)) == 1


def test_real_rows_are_all_accounted_for(shared_data: Path, bundled_base: Path) -> None:
    from transformers import AutoTokenizer

    base = AutoTokenizer.from_pretrained(bundled_base)
    dataset = read_dataset(shared_data / "instructions" / "sft_1100.json")
    part = prepare_part("train", dataset, base, max_length=512)
    assert len(part.rows) + len(part.refused) == dataset.rows == 1100
    used = part.supervision.filter(pl.col("refused").is_null())
    assert used["supervised"].min() > 0  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert used["tokens"].max() <= 512  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    ends = [row.tokens[max(i for i, learned in enumerate(row.supervised) if learned)]
            for row in part.rows if not row.truncated]  # fmt: skip
    assert set(ends) == {base.eos_token_id}
