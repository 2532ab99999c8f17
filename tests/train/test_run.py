"""Training runs from a split to an artifact, on a tiny model."""

from __future__ import annotations

import json
import math
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.curate.reading.read import read_dataset
from tunewise.train.loop.loss import row_losses
from tunewise.train.loop.watch import LOG_SCHEMA
from tunewise.train.recipe import Recipe
from tunewise.train.rows.supervision import prepare_part
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace, list_artifacts
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.events import Event, Measured, Note, Progress
from tunewise.workspace.files import read_json, sha256_of_file

MakeRows = Callable[[int, int], list[dict[str, Any]]]


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: MakeRows) -> Artifact:
    return make_split(chat_rows(0, 40), chat_rows(40, 50))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, eval_every=3, threads=1,
        samples=0,
    )  # fmt: skip


def document_of(artifact: Artifact) -> dict[str, Any]:
    return read_json(artifact.folder / "train.json")


def log_of(artifact: Artifact) -> pl.DataFrame:
    return pl.read_parquet(artifact.folder / "log.parquet")


def losses_of(model: Any, split: Artifact, part: str) -> float:
    """The mean loss of a model on a part, by way of the split's own files."""
    tokenizer = AutoTokenizer.from_pretrained(model.name_or_path)
    dataset = read_dataset(split.folder / f"{part}.jsonl", shape="chat")
    return row_losses(model, prepare_part(part, dataset, tokenizer).rows).mean


def test_a_run_leaves_all_that_it_promises(
    workspace: Workspace, split: Artifact, recipe: Recipe, capfd: pytest.CaptureFixture[str]
) -> None:
    events: list[Event] = []
    artifact = train(workspace, split, recipe, emit=events.append)
    assert capfd.readouterr() == ("", "")
    assert {path.name for path in artifact.folder.iterdir()} == {
        "adapter",
        "log.parquet",
        "samples.parquet",
        "tensorboard",
        "supervision.parquet",
        "preflight.json",
        "recipe.json",
        "train.json",
        "manifest.json",
    }
    manifest = artifact.manifest
    assert [item.name for item in manifest.inputs] == ["split", "model"]
    assert manifest.inputs[0].artifact == split.id
    assert manifest.seeds == {"train": 17}
    assert manifest.counts["train_used"] + manifest.counts["train_refused"] == 40

    document = document_of(artifact)
    assert Path(document["adapter"]) == artifact.folder / "adapter"
    assert document["steps"] == 10
    supervision = pl.read_parquet(artifact.folder / "supervision.parquet")
    train_part = supervision.filter(part="train")
    assert document["supervised_tokens"] == 2 * train_part["supervised"].sum()
    assert document["tokens"] == 2 * train_part["tokens"].sum()
    assert document["losses"]["kept"]["val"] < document["losses"]["base"]["val"]
    assert document["dtype"] == "float32"
    assert document["threads"] == 1
    assert 0 < document["training_seconds"] < document["seconds"]
    assert len(document["examples"]) == 3

    stored = read_json(artifact.folder / "recipe.json")
    assert stored["alpha"] == 8
    assert stored["max_length"] == 128
    assert Recipe.model_validate(stored).learning_rate == 1e-2

    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("are learned" in text for text in notes)
    assert sum("⟦" in text for text in notes) == 3
    progress = [event for event in events if isinstance(event, Progress) and event.unit == "steps"]
    assert (progress[-1].done, progress[-1].total) == (10, 10)
    measured = [event for event in events if isinstance(event, Measured)]
    assert measured[0].step == 0
    assert {"train_loss", "val_loss", "learning_rate", "gradient_norm"} <= set(measured[-1].values)
    assert measured[-1].values["supervised_tokens_per_second"] > 0


def test_the_architecture_notes_name_every_key_of_a_run(
    workspace: Workspace, split: Artifact, recipe: Recipe, repository_root: Path
) -> None:
    document = document_of(train(workspace, split, recipe))
    notes = (repository_root / "docs" / "architecture.md").read_text(encoding="utf-8")
    (said,) = [part for part in notes.split("\n\n") if part.startswith("`train.json`:")]
    promised = {"adapter", "steps", "tokens", "supervised_tokens", "seconds", "best", "final"}
    keys = {*document, *document["losses"], *document["rows"]["train"], *document["template"]}
    assert keys >= promised
    assert not keys - promised - set(re.findall(r"\w+", said))


def test_the_log_has_a_row_for_every_step(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    log = log_of(train(workspace, split, recipe))
    assert log.schema == LOG_SCHEMA
    assert log["step"].to_list() == list(range(11))
    assert log["train_loss"].null_count() == 1
    measured = [0, 3, 6, 9, 10]
    for name in ("val_loss", "train_eval_loss"):
        assert log.filter(pl.col(name).is_not_null())["step"].to_list() == measured
    assert log["epoch"].to_list() == pytest.approx([step / 5 for step in range(11)])
    assert log["learning_rate"][1] == pytest.approx(1e-2)
    assert log["learning_rate"][10] < 1e-3
    assert log["supervised_tokens"].is_sorted()
    assert log["seconds"].is_sorted()


def test_the_same_run_gives_the_same_adapter(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    first = train(workspace, split, recipe)
    weights = sha256_of_file(first.folder / "adapter" / "adapter_model.safetensors")
    assert train(workspace, split, recipe).reused
    torch.manual_seed(12345)
    again = train(workspace, split, recipe, force=True)
    assert not again.reused
    assert sha256_of_file(again.folder / "adapter" / "adapter_model.safetensors") == weights
    other = train(workspace, split, recipe.model_copy(update={"seed": 18}))
    assert other.id != first.id
    assert sha256_of_file(other.folder / "adapter" / "adapter_model.safetensors") != weights


def test_the_adapter_works_in_plain_peft(
    workspace: Workspace, split: Artifact, recipe: Recipe, tiny_model: Path
) -> None:
    artifact = train(workspace, split, recipe)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tuned = PeftModel.from_pretrained(base, str(artifact.folder / "adapter"))
    losses = document_of(artifact)["losses"]
    assert losses_of(tuned, split, "val") == pytest.approx(losses["kept"]["val"], rel=1e-5)
    assert losses_of(tuned, split, "train") == pytest.approx(losses["kept"]["train"], rel=1e-5)
    with tuned.disable_adapter():
        assert losses_of(tuned, split, "val") == pytest.approx(losses["base"]["val"], rel=1e-5)
    saved = AutoTokenizer.from_pretrained(artifact.folder / "adapter")
    assert saved.chat_template == AutoTokenizer.from_pretrained(tiny_model).chat_template


def test_the_best_checkpoint_is_the_best(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
    tiny_model: Path,
) -> None:
    """A run that memorises few rows gets worse on quite different ones after a while."""
    others = chat_rows(100, 110)
    for row in others:
        row["messages"][1]["content"] = "0123 QXZ"
    split = make_split(chat_rows(0, 8), others)
    brutal = recipe.model_copy(update={"learning_rate": 5e-2, "epochs": 12, "eval_every": 1})
    artifact = train(workspace, split, brutal)
    log = log_of(artifact).filter(pl.col("step") > 0)
    best = log.sort("val_loss").row(0, named=True)
    assert best["step"] < log["step"].max()
    document = document_of(artifact)
    assert document["best"] == {"step": best["step"], "val_loss": best["val_loss"]}
    assert document["kept_step"] == best["step"]
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tuned = PeftModel.from_pretrained(base, str(artifact.folder / "adapter"))
    assert losses_of(tuned, split, "val") == pytest.approx(best["val_loss"], rel=1e-5)

    last = train(workspace, split, brutal.model_copy(update={"keep": "last"}))
    assert document_of(last)["kept_step"] == 12
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tuned = PeftModel.from_pretrained(base, str(last.folder / "adapter"))
    assert losses_of(tuned, split, "val") == pytest.approx(log["val_loss"][-1], rel=1e-5)

    patient = brutal.model_copy(update={"early_stopping_patience": 2})
    stopped = document_of(train(workspace, split, patient))
    assert stopped["stopped_early"]
    assert stopped["steps"] == stopped["best"]["step"] + 2 < 12


def test_full_fine_tuning_writes_a_whole_model(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    full = recipe.model_copy(update={"method": "full", "learning_rate": 1e-3})
    artifact = train(workspace, split, full)
    document = document_of(artifact)
    assert document["adapter"] is None
    assert Path(document["full_model"]) == artifact.folder / "model"
    assert not (artifact.folder / "adapter").exists()
    model = AutoModelForCausalLM.from_pretrained(artifact.folder / "model", dtype=torch.float32)
    kept = document["losses"]["kept"]["val"]
    assert losses_of(model, split, "val") == pytest.approx(kept, rel=1e-5)
    assert kept < document["losses"]["base"]["val"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_accumulating_is_one_big_batch(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
    method: str,
) -> None:
    """Eight rows of very different lengths: one step of eight, or of two by four."""
    split = make_split(chat_rows(0, 8), chat_rows(8, 12))
    common = {"method": method, "epochs": 2, "dropout": 0.0, "learning_rate": 1e-3, "warmup": 0.0}
    one = recipe.model_copy(update={**common, "batch_size": 8})
    many = recipe.model_copy(update={**common, "batch_size": 2, "gradient_accumulation": 4})
    logs = [log_of(train(workspace, split, chosen)) for chosen in (one, many)]
    for name in ("train_loss", "val_loss", "gradient_norm"):
        expected = logs[0][name].to_list()
        assert logs[1][name].to_list() == pytest.approx(expected, rel=1e-5, nan_ok=True)
    assert logs[0]["supervised_tokens"].to_list() == logs[1]["supervised_tokens"].to_list()


def test_bfloat16_learns_too(workspace: Workspace, split: Artifact, recipe: Recipe) -> None:
    rough = train(workspace, split, recipe.model_copy(update={"dtype": "bfloat16"}))
    exact = train(workspace, split, recipe)
    losses = [document_of(artifact)["losses"]["kept"]["val"] for artifact in (rough, exact)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert document_of(rough)["dtype"] == "bfloat16"


def test_rows_with_nothing_to_learn_are_refused_and_listed(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
) -> None:
    mute = {"messages": [{"role": "user", "content": "nobody answers"}]}
    split = make_split([*chat_rows(0, 20), mute], [*chat_rows(20, 25), mute])
    events: list[Event] = []
    artifact = train(workspace, split, recipe, emit=events.append)
    document = document_of(artifact)
    assert document["refused"] == 2
    assert document["rows"]["train"]["used"] == 20
    assert document["rows"]["train"]["rows"] == 21
    assert document["refusals"] == [{"reason": "it has no answer to learn", "rows": 2}]
    refused = pl.read_parquet(artifact.folder / "supervision.parquet").drop_nulls("refused")
    assert refused.select("part", "row").rows() == [("train", 20), ("val", 5)]
    texts = [event.text for event in events if isinstance(event, Note) and event.level == "warning"]
    assert any("1 row of train is not used" in text for text in texts)


def test_refusals_are_counted_by_reason(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
) -> None:
    mute = {"messages": [{"role": "user", "content": "nobody answers"}]}
    late = chat_rows(0, 1)[0]
    late["messages"][0]["content"] = "the sea " * 30
    split = make_split([*chat_rows(0, 20), mute, late, mute], chat_rows(20, 25))
    short = recipe.model_copy(update={"max_length": 24})
    assert document_of(train(workspace, split, short))["refusals"] == [
        {"reason": "it has no answer to learn", "rows": 2},
        {"reason": "its answer begins after the maximum length of 24 tokens", "rows": 1},
    ]


def test_a_part_with_nothing_to_learn_is_an_error(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
) -> None:
    mute = {"messages": [{"role": "user", "content": "nobody answers"}]}
    with pytest.raises(UsageError, match="none of the 3 rows of train"):
        train(workspace, make_split([mute] * 3, chat_rows(0, 3)), recipe)
    mute_val = make_split(chat_rows(0, 20), [mute])
    with pytest.raises(UsageError, match="none of the 1 rows of val") as caught:
        train(workspace, mute_val, recipe)
    assert "keep = 'last'" in caught.value.fix
    with pytest.raises(UsageError, match="no rows for train"):
        train(workspace, make_split([], chat_rows(0, 3)), recipe)


@pytest.mark.parametrize("wanted", [{}, {"keep": "last"}, {"early_stopping_patience": 1}])
def test_without_rows_for_val_there_is_no_validation_and_that_is_told(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
    wanted: dict[str, Any],
) -> None:
    events: list[Event] = []
    split = make_split(chat_rows(0, 20), [])
    artifact = train(workspace, split, recipe.model_copy(update=wanted), emit=events.append)
    document = document_of(artifact)
    assert document["best"] == {"step": 0, "val_loss": None}
    assert document["final"]["val_loss"] is None
    assert document["kept_step"] == document["steps"] == 6
    assert (artifact.folder / "adapter" / "adapter_model.safetensors").is_file()
    warnings = "\n".join(document["warnings"])
    assert "no rows for val: there is no validation, and the last state is kept" in warnings
    assert ("early_stopping_patience has no effect" in warnings) == (
        "early_stopping_patience" in wanted
    )
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("are learned; no validation; 6 steps" in text for text in notes)


def test_preferences_are_trained_on_what_was_chosen(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe
) -> None:
    rows = [{"prompt": f"bird {n}", "chosen": "sings", "rejected": "swims"} for n in range(20)]
    events: list[Event] = []
    split = make_split(rows[:15], rows[15:], shape="preference", kind="preference")
    artifact = train(workspace, split, recipe, emit=events.append)
    assert all("⟦sings<|end|>⟧" in example for example in document_of(artifact)["examples"])
    assert any("chosen answers" in event.text for event in events if isinstance(event, Note))


def test_numbers_that_are_none_end_the_run(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    mad = recipe.model_copy(
        update={"method": "full", "learning_rate": 1e30, "max_gradient_norm": 0.0, "warmup": 0.0}
    )
    with pytest.raises(JobError, match=r"became (nan|inf) at step") as caught:
        train(workspace, split, mad)
    assert "lower learning rate" in caught.value.fix
    assert list_artifacts(workspace, "train") == []
    (left,) = (workspace.store / "train").glob(".*.partial/log.parquet")
    assert len(pl.read_parquet(left)) > 0


def interrupt_at(step: int, events: list[Event]) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, Measured) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return emit


def test_ctrl_c_finishes_the_step_and_keeps_the_log(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    events: list[Event] = []
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(workspace, split, recipe, emit=interrupt_at(3, events))
    assert signal.getsignal(signal.SIGINT) is handler
    assert list_artifacts(workspace, "train") == []
    (partial,) = (workspace.store / "train").glob(".*.partial")
    how_far, where = caught.value.__notes__
    assert how_far == "stopped after step 3 of 10; the same command goes on after step 3"
    assert str(partial) in where
    log = pl.read_parquet(partial / "log.parquet")
    assert log["step"].to_list() == [0, 1, 2, 3]
    assert (partial / "adapter" / "adapter_model.safetensors").is_file()
    (partial / "stray.txt").write_text("left by the killed run")

    artifact = train(workspace, split, recipe)
    assert document_of(artifact)["steps"] == 10
    assert not (artifact.folder / "stray.txt").exists()
    assert not partial.exists()


@pytest.mark.parametrize(
    ("step", "then"),
    [
        (0, "there is no checkpoint yet: the same command begins anew"),
        (6, "the same command goes on after step 3"),
    ],
)
def test_a_run_that_is_broken_off_keeps_its_log(
    workspace: Workspace, split: Artifact, recipe: Recipe, step: int, then: str
) -> None:
    def break_off(event: Event) -> None:
        if isinstance(event, Measured) and event.step == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        train(workspace, split, recipe, emit=break_off)
    assert caught.value.__notes__[0] == f"stopped after step {step} of 10; {then}"
    (left,) = (workspace.store / "train").glob(".*.partial/log.parquet")
    assert pl.read_parquet(left)["step"].max() == step


def test_a_state_that_is_half_saved_does_not_count(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunewise.train.run._Run._save", stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(workspace, split, recipe)
    assert "no checkpoint yet" in caught.value.__notes__[0]


def test_a_model_must_be_named(workspace: Workspace, split: Artifact) -> None:
    with pytest.raises(UsageError, match="no base model") as caught:
        train(workspace, split, Recipe())
    assert "--model" in caught.value.fix


def test_a_length_beyond_the_context_is_refused(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    with pytest.raises(UsageError, match="the model sees 128 tokens"):
        train(workspace, split, recipe.model_copy(update={"max_length": 256}))


def test_doubts_are_told(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
) -> None:
    odd = {
        "messages": [
            {"role": "user", "content": "x <|end|> y"},
            {"role": "assistant", "content": "z"},
        ]
    }
    split = make_split([*chat_rows(0, 10), odd], chat_rows(10, 15))
    doubtful = recipe.model_copy(
        update={"learning_rate": 0.5, "epochs": 6, "max_length": 24, "keep": "last"}
    )
    events: list[Event] = []
    document = document_of(train(workspace, split, doubtful, emit=events.append))
    text = "\n".join(document["warnings"])
    told = [event.text for event in events if isinstance(event, Note) and event.level == "warning"]
    assert told == document["warnings"]
    for part in (
        "only 11 rows",
        "only 12 steps",
        "6 epochs over 11 rows",
        "learning rate of 0.5 is unusual",
        "longer than 24 tokens cut off",
        "1 row has special tokens",
    ):
        assert part in text, part
    assert math.isfinite(document["final"]["val_loss"])


def test_a_run_that_taught_nothing_says_so_once(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: MakeRows,
    recipe: Recipe,
) -> None:
    others = chat_rows(100, 110)
    for row in others:
        row["messages"][1]["content"] = "0123 QXZ " * 8
    brutal = recipe.model_copy(
        update={"method": "full", "learning_rate": 1e-2, "epochs": 40, "eval_every": 40}
    )
    events: list[Event] = []
    split = make_split(chat_rows(0, 8), others)
    document = document_of(train(workspace, split, brutal, emit=events.append))
    assert document["best"]["val_loss"] > document["losses"]["base"]["val"]
    assert "never fell below" in document["warnings"][-1]
    told = [event.text for event in events if isinstance(event, Note)]
    assert told.count(document["warnings"][-1]) == 1


def test_a_base_without_template_brings_the_plain_one_to_its_adapter(
    workspace: Workspace, split: Artifact, recipe: Recipe, tiny_model: Path, tmp_path: Path
) -> None:
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "chat_template.jinja").unlink()
    artifact = train(workspace, split, recipe.model_copy(update={"model": str(bare)}))
    document = document_of(artifact)
    assert document["template"]["origin"] == "built-in"
    assert any("no chat template" in text for text in document["warnings"])
    saved = AutoTokenizer.from_pretrained(artifact.folder / "adapter")
    assert "Assistant:" in saved.chat_template


def test_the_bundled_base_learns_real_rows(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    bundled_base: Path,
    recipe: Recipe,
) -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What is the code of box {number}?"},
                {"role": "assistant", "content": f"The code of box {number} is blue."},
            ]
        }
        for number in range(40)
    ]
    short = {"model": str(bundled_base), "epochs": 2, "rank": 8, "eval_every": 5}
    artifact = train(workspace, make_split(rows[:32], rows[32:]), recipe.model_copy(update=short))
    document = document_of(artifact)
    assert document["losses"]["kept"]["val"] < document["losses"]["base"]["val"] / 2
    assert document["template"]["origin"] == "tokenizer"
    config = json.loads((artifact.folder / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(bundled_base)


def test_a_preflight_says_what_the_run_will_do_and_writes_nothing(
    workspace: Workspace, make_split: Callable[..., Artifact], chat_rows: MakeRows, recipe: Recipe
) -> None:
    rows = [*chat_rows(0, 40), {"messages": [{"role": "user", "content": "alone"}]}]
    split = make_split(rows, chat_rows(40, 50))
    events: list[Event] = []
    facts = preflight(workspace, split, recipe, emit=events.append)
    assert not (workspace.store / "train").exists()
    assert any(isinstance(event, Note) and "are learned" in event.text for event in events)
    artifact = train(workspace, split, recipe)
    document = document_of(artifact)
    assert facts["schedule"]["steps"] == document["steps"]
    assert facts["recipe"] == read_json(artifact.folder / "recipe.json")
    for name in ("rows", "refused", "refusals", "examples", "template", "model_sha256", "dtype"):
        assert facts[name] == document[name]
    assert facts["refused"] == 1
    assert document["warnings"][: len(facts["warnings"])] == facts["warnings"]


def test_a_dry_run_on_the_command_line(
    workspace: Workspace, split: Artifact, tiny_model: Path
) -> None:
    from click.testing import CliRunner

    from tunewise.cli.main import tunewise

    command = ["train", split.id, "--model", str(tiny_model), "--dry-run"]
    command += ["--workspace", str(workspace.root)]
    shown = CliRunner().invoke(tunewise, command)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("nothing was trained; this would be done:")
    assert "train     40 rows of 40" in shown.stdout
    document = json.loads(CliRunner().invoke(tunewise, [*command, "--json"]).stdout)
    assert document["dry_run"]
    assert document["schedule"]["steps"] == 15
    assert not (workspace.store / "train").exists()
