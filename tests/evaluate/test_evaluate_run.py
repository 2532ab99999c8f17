"""The evaluation step from a trained run to its artifact, and what it refuses."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.split import split
from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.items import ITEMS_SCHEMA
from tunewise.evaluate.reporting.report import report
from tunewise.evaluate.run import evaluate
from tunewise.evaluate.scoring.cache import cached_frame
from tunewise.evaluate.scoring.journal import Journal
from tunewise.evaluate.scoring.pair import BASE, TUNED, PairedModel
from tunewise.evaluate.settings import EvaluateSettings, ReportSettings
from tunewise.train.models.hardware import Hardware
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Note, TaskScored
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input

ANIMALS = ["fox", "dog", "bird", "cat", "hen", "owl", "bee", "cow", "elk", "ant", "ape", "yak"]
COLOURS = ["blue", "red", "green", "black", "white", "brown", "grey", "pink", "gold", "tan"]
CPU = Hardware("cpu", "float32", 1)


def chat(number: int) -> dict[str, Any]:
    animal, colour = ANIMALS[number % 12], COLOURS[number * 7 % 10]
    return {
        "messages": [
            {"role": "user", "content": f"What of the {colour} {animal} no {number}?"},
            {"role": "assistant", "content": f"It {number * 37 % 101} runs {colour} {number}."},
        ]
    }


def label(number: int) -> dict[str, Any]:
    return {"text": f"The {ANIMALS[number % 12]} no {number}", "label": COLOURS[number % 3]}


def prepared(root: Path, base: Path, rows: list[Any], **recipe: Any) -> tuple[Workspace, Artifact]:
    workspace = Workspace(root)
    root.mkdir(parents=True)
    data = root / "data.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows))
    parts = split(workspace, read_dataset([data]), SplitSettings(ratios=(0.5, 0.2, 0.3)))
    settings = {"epochs": 4, "learning_rate": 0.02, "batch_size": 16, "rank": 4, **recipe}
    return workspace, train(workspace, parts, Recipe(model=str(base), **settings))


def write_suite(folder: Path) -> str:
    rows = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red"], "gold": n % 2}
        for n in range(12)
    ]
    (folder / "who.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return "who.jsonl"


@pytest.fixture(scope="module")
def trained(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, Artifact]:
    rows = [chat(number) for number in range(80)]
    workspace, run = prepared(tmp_path_factory.mktemp("chat") / "ws", tiny_model, rows)
    write_suite(workspace.root)
    return workspace, run


def document(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.folder / "evaluate.json").read_text())


SETTINGS = EvaluateSettings(suites=("who.jsonl",), answer_tokens=6, margins={"who": 0.5})


@pytest.fixture(scope="module")
def evaluated(trained: tuple[Workspace, Artifact]) -> tuple[Artifact, list[Event]]:
    events: list[Event] = []
    return evaluate(*trained, SETTINGS, emit=events.append), events


def test_the_artifact_tells_everything(
    trained: tuple[Workspace, Artifact], evaluated: tuple[Artifact, list[Event]]
) -> None:
    artifact, events = evaluated
    found = document(artifact)
    tasks = {task["task"]: task for task in found["tasks"]}
    assert list(tasks) == [
        "who",
        "domain/answer-choice",
        "domain/exact-match",
        "domain/token-f1",
        "domain/rouge-l",
        "domain/loss",
    ]
    assert [name for name, task in tasks.items() if task["decides"]] == [
        "who",
        "domain/answer-choice",
    ]
    assert tasks["who"]["margin"] == 0.5
    assert tasks["domain/loss"]["delta"] > 0
    assert found["overall"] in {"held", "forgot", "undecided"}
    assert found["overfitting"]["verdict"] in {"none", "overfit", "undecided"}
    signals = {signal["name"]: signal for signal in found["overfitting"]["signals"]}
    assert signals["loss gap"]["value"] is not None
    assert found["items"]["who"] == 12
    assert (found["dtype"], found["device"]) == ("float32", "cpu")
    assert found["adapter"].endswith("/adapter")
    assert artifact.manifest.input("run").artifact == trained[1].id  # pyright: ignore
    assert artifact.manifest.input("suite who.jsonl") is not None
    assert artifact.manifest.counts["items"] == sum(found["items"].values())
    scored = [event for event in events if isinstance(event, TaskScored)]
    assert [(event.model, event.task) for event in scored] == [
        (model, task) for model in ("base", "tuned") for task in tasks
    ]


def test_every_item_is_kept_with_both_answers(evaluated: tuple[Artifact, list[Event]]) -> None:
    artifact, _ = evaluated
    items = pl.read_parquet(artifact.folder / "items.parquet")
    assert items.schema == ITEMS_SCHEMA
    for task in document(artifact)["tasks"]:
        rows = items.filter(pl.col("task") == task["task"])
        assert len(rows) == task["n"]
        assert rows["base_score"].mean() == pytest.approx(task["base"])
        assert rows["tuned_score"].mean() == pytest.approx(task["tuned"])
    who = items.filter(pl.col("task") == "who")
    assert who["item"].to_list() == [f"q{n}" for n in range(12)]
    assert who["base_output"].is_in(["blue", "red"]).all()
    assert set(who["contamination"]) == {"uncheckable"}
    losses = pl.read_parquet(artifact.folder / "losses.parquet")
    assert losses["part"].unique().sort().to_list() == ["test", "train", "val"]
    for column in ("base_loss", "tuned_loss", "base_membership", "tuned_membership"):
        assert losses[column].is_finite().all()


def test_items_that_stand_in_the_training_rows_are_told(
    trained: tuple[Workspace, Artifact],
) -> None:
    """A suite of all rows: contaminated are those of the training part, and no others."""
    workspace, run = trained
    turns = [[message["content"] for message in chat(number)["messages"]] for number in range(80)]
    rows = [
        {"id": str(number), "query": asked, "choices": [said, "It runs away."], "gold": 0}
        for number, (asked, said) in enumerate(turns)
    ]
    rows += [{"id": "short", "query": "And you?", "choices": ["yes", "no"], "gold": 0}]
    (workspace.root / "seen.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    events: list[Event] = []
    settings = SETTINGS.model_copy(update={"suites": ("seen.jsonl",)})
    artifact = evaluate(workspace, run, settings, emit=events.append)

    split_folder = Path(run.manifest.input("split").path)  # pyright: ignore
    train_rows = (split_folder / "train.jsonl").read_text().splitlines()
    learned = {json.loads(row)["messages"][0]["content"] for row in train_rows}
    items = pl.read_parquet(artifact.folder / "items.parquet").filter(pl.col("task") == "seen")
    expected = ["contaminated" if asked in learned else "clean" for asked, _ in turns]
    assert items["contamination"].to_list() == [*expected, "uncheckable"]
    others = pl.read_parquet(artifact.folder / "items.parquet").filter(pl.col("group") == "domain")
    assert others["contamination"].null_count() == len(others)

    kept = pl.read_parquet(artifact.folder / "contamination.parquet")
    found = kept.filter(pl.col("status") == "contaminated")
    for item, part, row in found.select("item", "part", "row").iter_rows():
        assert part == "train"
        assert json.loads(train_rows[row])["messages"][0]["content"] == turns[int(item)][0]

    told = document(artifact)["contamination"]
    assert told["rows"] == {"train": len(train_rows)}
    assert (told["contaminated"], told["uncheckable"]) == (len(learned), 1)
    (task,) = told["tasks"]
    by_kind = {line["items"]: line for line in task["scores"]}
    assert list(by_kind) == ["all", "clean", "contaminated", "uncheckable"]
    for kind, line in by_kind.items():
        some = items if kind == "all" else items.filter(pl.col("contamination") == kind)
        assert line["n"] == len(some)
        assert line["base"] == pytest.approx(some["base_score"].mean())
        assert line["tuned"] == pytest.approx(some["tuned_score"].mean())
        assert line["delta"] == pytest.approx(line["tuned"] - line["base"])
        assert line["base_ci"][0] <= line["base"] <= line["base_ci"][1]
        assert line["ci"][0] <= line["delta"] <= line["ci"][1]
    signals = {one["name"]: one for one in document(artifact)["overfitting"]["signals"]}
    gap = by_kind["contaminated"]["delta"] - by_kind["clean"]["delta"]
    assert signals["contamination"]["value"] == pytest.approx(gap)
    assert not signals["contamination"]["decides"]
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any(f"{len(learned)} of 81 benchmark items" in note for note in notes)


def test_nothing_is_asked_twice(
    trained: tuple[Workspace, Artifact],
    evaluated: tuple[Artifact, list[Event]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With another margin the same answers are judged again; no model is loaded for it."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(PairedModel, "_load", refuse)
    assert evaluate(*trained, SETTINGS).reused
    again = evaluate(*trained, SETTINGS.model_copy(update={"margin_share": 0.1}))
    assert not again.reused
    first = pl.read_parquet(evaluated[0].folder / "items.parquet")
    assert pl.read_parquet(again.folder / "items.parquet").equals(first)
    with pytest.raises(AssertionError, match="loaded"):
        evaluate(*trained, SETTINGS, force=True)
    with pytest.raises(AssertionError, match="loaded"):
        evaluate(*trained, SETTINGS.model_copy(update={"limit": 3}))


def test_measuring_again_gives_the_same(
    trained: tuple[Workspace, Artifact], evaluated: tuple[Artifact, list[Event]]
) -> None:
    first = pl.read_parquet(evaluated[0].folder / "items.parquet")
    other = evaluate(*trained, SETTINGS.model_copy(update={"margin_loss": 0.1}), force=True)
    assert pl.read_parquet(other.folder / "items.parquet").equals(first)


def test_the_base_is_the_untouched_base(
    trained: tuple[Workspace, Artifact], tiny_model: Path
) -> None:
    _, run = trained
    name, adapter = str(tiny_model), str(run.folder / "adapter")
    plain, tuned = compare_models(name, name), compare_models(name, adapter)
    alone = PairedModel(plain.base, plain.tuned, CPU)  # pyright: ignore[reportArgumentType]
    pair = PairedModel(tuned.base, tuned.tuned, CPU)  # pyright: ignore[reportArgumentType]
    assert pair.one_loaded
    assert not alone.one_loaded
    sequences, starts = [list(range(5, 25))] * 2, [1, 1]

    def sums(models: PairedModel, name: Any) -> Any:
        with models.scorer(name) as scorer:
            return scorer.score(sequences, starts).sums()

    expected = sums(alone, BASE)
    assert torch.equal(torch.tensor(sums(pair, BASE)), torch.tensor(expected))
    assert abs(sums(pair, TUNED) - expected).min() > 0.01
    # The adapter is on again afterwards, and off again for the base.
    assert torch.equal(torch.tensor(sums(pair, BASE)), torch.tensor(expected))


def test_a_whole_tuned_model_is_compared_too(tiny_model: Path, tmp_path: Path) -> None:
    rows = [label(number) for number in range(60)]
    workspace, run = prepared(tmp_path / "ws", tiny_model, rows, method="full")
    settings = EvaluateSettings(suites=("domain",), answer_tokens=4)
    found = document(evaluate(workspace, run, settings))
    assert found["adapter"] is None
    assert found["full_model"].endswith("/model")
    assert found["overall"] == "undecided"
    tasks = {task["task"]: task for task in found["tasks"]}
    assert tasks["domain/label"]["chance"] == pytest.approx(1 / 3)
    assert {entry["label"] for entry in found["domain"]["tuned"]["by_label"]} <= set(COLOURS[:3])


@pytest.fixture
def copied(
    trained: tuple[Workspace, Artifact], tmp_path: Path
) -> Callable[[str], tuple[Workspace, Artifact]]:
    """A copy of the run, to spoil."""
    workspace, run = trained

    def copy(name: str) -> tuple[Workspace, Artifact]:
        root = tmp_path / name
        shutil.copytree(workspace.root, root)
        return Workspace(root), Artifact(root / ".tunewise" / "train" / run.id, run.manifest)

    return copy


def test_another_template_is_refused(copied: Callable[[str], tuple[Workspace, Artifact]]) -> None:
    workspace, run = copied("ws")
    template = run.folder / "adapter" / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    before = set(workspace.store.glob("evaluate/*/*"))
    with pytest.raises(UsageError, match="chat template"):
        evaluate(workspace, run, SETTINGS.model_copy(update={"seed": 5}))
    assert set(workspace.store.glob("evaluate/*/*")) == before


def test_another_base_is_refused(
    copied: Callable[[str], tuple[Workspace, Artifact]], tiny_model: Path
) -> None:
    workspace, run = copied("ws")
    other = workspace.root / "base"
    shutil.copytree(tiny_model, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))
    facts = run.folder / "train.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "model": str(other)}))
    with pytest.raises(UsageError, match="changed since"):
        evaluate(workspace, run, SETTINGS.model_copy(update={"seed": 5}))


def test_of_two_that_want_the_same_one_measures(tmp_path: Path) -> None:
    workspace, measured = Workspace(tmp_path), []
    started = threading.Event()

    def measure(journal: Journal) -> pl.DataFrame:
        measured.append(1)
        started.set()
        return pl.DataFrame({"value": [1.5]})

    def want() -> None:
        results.append(cached_frame(workspace, {"what": "it"}, measure))

    results: list[pl.DataFrame] = []
    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(measured) == 1
    assert all(frame["value"].to_list() == [1.5] for frame in results)
    assert len(results) == 4


def test_a_damaged_measurement_is_made_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)

    def want() -> pl.DataFrame:
        return cached_frame(workspace, {"what": "it"}, lambda journal: pl.DataFrame({"value": [1]}))

    want()
    (path,) = (workspace.store / "cache").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:20])
    assert want()["value"].to_list() == [1]
    assert pl.read_parquet(path)["value"].to_list() == [1]


def test_a_split_without_rows_for_val_is_evaluated_and_reported_without_validation(
    tiny_model: Path, tmp_path: Path
) -> None:
    parts = {"train": range(30), "val": range(0), "test": range(30, 50)}

    def build(draft: Draft) -> None:
        for name, numbers in parts.items():
            text = "".join(json.dumps(chat(number)) + "\n" for number in numbers)
            (draft.folder / f"{name}.jsonl").write_text(text)
        write_json(draft.folder / "split.json", {"shape": "chat", "kind": "chat", "mapping": None})

    workspace = Workspace(tmp_path)
    source = Input(name="source", sha256="ab" * 32)
    split = produce(workspace, "split", build, inputs=[source], parameters={})
    recipe = Recipe(model=str(tiny_model), epochs=2, learning_rate=0.02, batch_size=16, rank=4)
    run = train(workspace, split, recipe)
    events: list[Event] = []
    settings = EvaluateSettings(suites=(), answer_tokens=6)
    made = evaluate(workspace, run, settings, emit=events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any(text.startswith("no validation:") for text in notes)
    signals = {item["name"]: item for item in document(made)["overfitting"]["signals"]}
    assert signals["validation rise"]["verdict"] == "not measured"
    assert set(pl.read_parquet(made.folder / "losses.parquet")["part"]) == {"train", "test"}
    folder = report(workspace, made, ReportSettings()).folder
    page = (folder / "report.html").read_text("utf-8")
    assert "<dt>best validation loss</dt><dd>no validation</dd>" in page
    assert json.loads((folder / "report.json").read_text())["training"]["kept_step"] == 4


def test_an_interrupted_evaluation_keeps_the_tasks_that_were_asked(
    trained: tuple[Workspace, Artifact],
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, TaskScored):
            raise KeyboardInterrupt

    settings = SETTINGS.model_copy(update={"choice_items": 7})
    with pytest.raises(KeyboardInterrupt) as caught:
        evaluate(*trained, settings, emit=stop)
    kept, removed = caught.value.__notes__
    assert "kept" in kept
    assert removed == "the unfinished evaluate was removed"
    assert list((trained[0].store / "cache").glob("*.parquet"))
