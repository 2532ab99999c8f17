"""What comes out of every method and task of training can be evaluated, and reported on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.split import split
from tunewise.evaluate.reporting.report import report
from tunewise.evaluate.run import evaluate
from tunewise.evaluate.settings import EvaluateSettings, ReportSettings
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import read_json

LABELS = ("blue", "red", "white")


def labelled(number: int) -> dict[str, str]:
    label = LABELS[(number * 7 // 3) % 3]
    return {"text": f"The {label} bird no {number} sang", "label": label}


def chat(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"Who has book {number}?"},
            {"role": "assistant", "content": f"Tom has {number * 37 % 101} red."},
        ]
    }


def run_of(root: Path, base: Path, rows: list[Any], **recipe: Any) -> tuple[Workspace, Artifact]:
    workspace = Workspace(root)
    data = root / "data.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows))
    parts = split(workspace, read_dataset([data]), SplitSettings(ratios=(0.5, 0.2, 0.3)))
    settings = {"learning_rate": 0.02, "batch_size": 16, "rank": 4, "samples": 0, **recipe}
    return workspace, train(workspace, parts, Recipe(model=str(base), **settings))


SETTINGS = EvaluateSettings(suites=(), answer_tokens=6)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_head_is_compared_with_the_most_frequent_label(
    tmp_path: Path, tiny_model: Path, method: str
) -> None:
    rate = {"lora": 0.02, "full": 0.003}[method]
    workspace, run = run_of(
        tmp_path, tiny_model, [labelled(number) for number in range(150)],
        task="classification-head", method=method, learning_rate=rate, epochs=8,
    )  # fmt: skip
    events: list[Event] = []
    artifact = evaluate(workspace, run, SETTINGS, emit=events.append)
    found = read_json(artifact.folder / "evaluate.json")
    (task,) = found["tasks"]
    items = pl.read_parquet(artifact.folder / "items.parquet")
    assert task["task"] == "domain/label"
    assert items["base_output"].n_unique() == 1
    train_labels = pl.read_ndjson(read_split(run) / "train.jsonl")["label"].value_counts()
    most = train_labels.sort("count", descending=True)["count"]
    chosen = train_labels.filter(label=items["base_output"][0])["count"][0]
    assert chosen == most[0]
    assert task["tuned"] > 0.9
    assert task["verdict"] == "improved"
    assert (items["tuned_output"] == items["expected"]).mean() == pytest.approx(task["tuned"])
    assert found["domain"]["tuned"]["macro_f1"] > 0.9
    assert found["overfitting"]["verdict"]
    told = [event.text for event in events if isinstance(event, Note)]
    assert any("a head has no base" in text for text in told)
    assert {one["what"] for one in found["not_asked"]} == {
        "base", "suites", "divergence, prompted base",
    }  # fmt: skip
    assert [one["topic"] for one in found["observations"]][:1] == ["labels"]
    # The model that was saved is the one that was validated.
    losses = pl.read_parquet(artifact.folder / "losses.parquet").filter(part="val")
    kept = read_json(run.folder / "train.json")["losses"]["kept"]["val"]
    assert losses["tuned_loss"].mean() == pytest.approx(kept, abs=1e-4)
    page = report(workspace, artifact, ReportSettings()).folder / "report.md"
    assert "domain/label" in page.read_text()


def read_split(run: Artifact) -> Path:
    made_from = run.manifest.input("split")
    assert made_from is not None
    return Path(made_from.path)


@pytest.mark.parametrize(
    "recipe",
    [
        {"quantize": "4bit"},
        {"method": "prefix", "virtual_tokens": 4, "max_length": 60},
        {"method": "ia3"},
        {"initialisation": "pissa"},
        {"add_tokens": ("<|mark|>",)},
        {"add_tokens": ("<|mark|>",), "method": "full", "learning_rate": 1e-3},
    ],
    ids=str,
)
def test_every_method_is_evaluated_as_it_was_validated(
    tmp_path: Path, tiny_model: Path, recipe: dict[str, Any]
) -> None:
    rows = [chat(number) for number in range(60)]
    workspace, run = run_of(tmp_path, tiny_model, rows, epochs=2, **recipe)
    artifact = evaluate(workspace, run, SETTINGS)
    losses = pl.read_parquet(artifact.folder / "losses.parquet").filter(part="val")
    supervised = pl.read_parquet(run.folder / "supervision.parquet").filter(part="val")
    weights = losses.join(supervised, on="row")["supervised"]
    expected = read_json(run.folder / "train.json")["losses"]
    for column, state in (("base_loss", "base"), ("tuned_loss", "kept")):
        mean = float((losses[column] * weights).sum()) / float(weights.sum())
        assert mean == pytest.approx(expected[state]["val"], abs=2e-4), state
    assert read_json(artifact.folder / "evaluate.json")["quantize"] == recipe.get("quantize")
