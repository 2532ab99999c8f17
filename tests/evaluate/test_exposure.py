"""The search for asked items in the rows that a run learned from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from tunewise.evaluate.verdicts.exposure import search_training_rows
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import sha256_of_file
from tunewise.workspace.manifest import Input

QUESTIONS = [
    "Which of the two old harbour bells rings first when the fog comes in from the north?",
    "How many of the painted boats were left on the sand after the long storm of that spring?",
    "Why did the clockmaker of the little town by the river never wind the largest clock?",
    "What did the gardener find under the seventh stone of the path behind the empty house?",
]


@dataclass
class Task:
    """As much of an lm-eval task as is asked for its items."""

    eval_docs: list[dict[str, Any]]
    config: dict[str, Any] = field(default_factory=dict)

    def get_config(self, key: str) -> Any:
        return self.config.get(key)

    def doc_to_text(self, doc: dict[str, Any]) -> Any:
        return doc["asked"]

    def doc_to_target(self, doc: dict[str, Any]) -> Any:
        return doc["target"]

    def doc_to_choice(self, doc: dict[str, Any]) -> Any:
        return doc["options"]


def benchmark(docs: list[dict[str, Any]], limit: int | None = None, **config: Any) -> Any:
    return SimpleNamespace(name="bells", task=Task(docs, config), limit=limit)


def asked(*numbers: int) -> list[dict[str, Any]]:
    return [{"asked": QUESTIONS[number], "target": "none"} for number in numbers]


def chat(question: str) -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "I see."}]
    return json.dumps({"messages": turns})


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A run: question 0 was learned, 1 was refused, 2 was drawn from the replay file, 3 not."""
    split, folder, replay = tmp_path / "split", tmp_path / "run", tmp_path / "replay.jsonl"
    split.mkdir()
    folder.mkdir()
    (split / "train.jsonl").write_text("\n".join(map(chat, ("Hello.", *QUESTIONS[:2]))))
    (split / "split.json").write_text(json.dumps({"shape": None, "mapping": None}))
    replay.write_text("\n".join(json.dumps({"text": text}) for text in QUESTIONS[2:]))
    pl.DataFrame(
        [("train", 0, None), ("train", 1, None), ("train", 2, "too long"), ("replay", 0, None)],
        schema={"part": pl.String, "row": pl.Int64, "refused": pl.String},
        orient="row",
    ).write_parquet(folder / "supervision.parquet")
    given = {"replay": Input("replay", sha256_of_file(replay), path=str(replay))}
    return SimpleNamespace(
        split=SimpleNamespace(folder=split),
        run=SimpleNamespace(folder=folder, manifest=SimpleNamespace(input=given.get)),
    )


def test_only_rows_that_were_learned_from_count(run: Any) -> None:
    found = search_training_rows(run, [benchmark(asked(0, 1, 2, 3))], lambda event: None)
    assert found.rows == {"train": 2, "replay": 1}
    assert found.statuses("bells") == {
        "0": "contaminated", "1": "clean", "2": "contaminated", "3": "clean",
    }  # fmt: skip
    assert found.items().select("part", "row").rows() == [
        ("train", 1), (None, None), ("replay", 0), (None, None),
    ]  # fmt: skip
    assert found.statuses("other") == {}


def test_what_cannot_be_searched_is_told(run: Any, tmp_path: Path) -> None:
    (tmp_path / "replay.jsonl").write_text('{"text": "other"}')
    events: list[Event] = []
    found = search_training_rows(run, [benchmark(asked(0, 2))], events.append)
    assert found.statuses("bells") == {"0": "contaminated", "1": "clean"}
    assert any("mixed in are gone" in problem for problem in found.not_searched)
    (run.split.folder / "train.jsonl").unlink()
    found = search_training_rows(run, [benchmark(asked(0, 2))], events.append)
    assert found.found is None
    assert len(found.not_searched) == 2
    assert all(isinstance(event, Note) for event in events)


def test_without_benchmarks_nothing_is_searched(run: Any) -> None:
    found = search_training_rows(run, [], lambda event: None)
    assert (found.found, dict(found.rows), found.not_searched) == (None, {}, ())
    assert found.items().is_empty()


def test_items_are_named_as_they_are_asked_and_limited(run: Any) -> None:
    docs = [{**doc, "id": f"q{number}"} for number, doc in enumerate(asked(0, 3, 2))]
    found = search_training_rows(run, [benchmark(docs, limit=2)], lambda event: None)
    assert found.statuses("bells") == {"q0": "contaminated", "q1": "clean"}


def test_forms_of_items(run: Any) -> None:
    docs: list[dict[str, Any]] = [
        # Listed choices are cut off, and the field that is to be looked for comes first.
        {"asked": f"{QUESTIONS[0]}\nA. yes\nB. no", "target": 1, "options": ["yes", "no"]},
        {"asked": "Read this.", "looked": QUESTIONS[0], "target": 0, "options": ["a b", "c d"]},
        # The choices are beginnings, of which the right one is asked.
        {"asked": 1, "target": "so it is", "options": ["No.", QUESTIONS[0]]},
        # A template fails.
        {"target": 0, "options": ["a b", "c d"]},
    ]
    config: dict[str, Any] = {
        "doc_to_choice": "options",
        "doc_to_decontamination_query": "looked",
    }
    found = search_training_rows(run, [benchmark(docs, **config)], lambda event: None)
    assert list(found.statuses("bells").values()) == ["contaminated"] * 3 + ["uncheckable"]
