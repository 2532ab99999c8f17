"""The log of a run as TensorBoard, MLflow and W&B have it."""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace, list_artifacts
from tunewise.workspace.errors import MissingExtraError
from tunewise.workspace.events import Event, Measured, Note

HOSTILE = "<script>alert(1)</script> [x](http://a.b) \x1b[31m"


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 12), chat_rows(40, 44))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    """Three steps; validated after the second and the third."""
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, eval_every=2, threads=1,
        batch_size=4, samples=1, sample_tokens=3,
    )  # fmt: skip


def tensorboard_events(folder: Path) -> Iterator[Any]:
    """Read the records of TensorBoard's format: length, its check, data, their check."""
    from tensorboardX.proto import event_pb2

    content = (folder / "tensorboard" / "events.out.tfevents.run").read_bytes()
    place = 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        messages: Any = event_pb2
        event = messages.Event()
        event.ParseFromString(content[place + 12 : place + 12 + length])
        yield event
        place += 16 + length


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in tensorboard_events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def logged(artifact: Artifact, column: str) -> list[tuple[int, Any]]:
    log = pl.read_parquet(artifact.folder / "log.parquet", columns=["step", column])
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in log.drop_nulls().iter_rows()]


def test_tensorboard_has_every_step_also_of_a_run_that_went_on(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    def stop_after_one_step(event: Event) -> None:
        if isinstance(event, Measured) and event.step == 0:
            os.kill(os.getpid(), signal.SIGINT)

    own = recipe.model_copy(update={"sample_prompts": (HOSTILE,)})
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, own, emit=stop_after_one_step)
    artifact = train(workspace, split, own)
    found = scalars(artifact.folder)
    for tag, column in (
        ("loss/train", "train_loss"),
        ("loss/val", "val_loss"),
        ("loss/train_eval", "train_eval_loss"),
        ("optimisation/learning_rate", "learning_rate"),
        ("optimisation/gradient_norm", "gradient_norm"),
        ("speed/memory_bytes", "memory_bytes"),
    ):
        assert found[tag] == logged(artifact, column), tag
    assert {step for step, _ in found["speed/supervised_tokens_per_second"]} == {2, 3}
    texts = [
        (event.step, value.tensor.string_val[0].decode())
        for event in tensorboard_events(artifact.folder)
        for value in event.summary.value
        if value.tag == "samples/2/text_summary"
    ]
    assert [step for step, _ in texts] == [0, 2, 3]
    assert all(text.startswith("```text\n") and "\x1b" not in text for _, text in texts)
    times = [event.wall_time for event in tensorboard_events(artifact.folder)][1:]
    assert times == sorted(times)


def test_what_follows_a_run_changes_nothing_that_depends_on_it(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    """Neither times nor trackers: whatever is made from a run stays valid."""
    first = train(workspace, split, recipe)
    again = train(workspace, split, recipe, force=True)
    assert first.manifest.sha256 == again.manifest.sha256
    followed = recipe.model_copy(update={"report_to": ("wandb",)})
    heard: list[Event] = []
    assert train(workspace, split, followed, emit=heard.append).reused
    assert any("nothing is sent to wandb" in str(event) for event in heard)


def test_mlflow_gets_the_log_in_a_database_of_the_workspace(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    artifact = train(workspace, split, recipe.model_copy(update={"report_to": ("mlflow",)}))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    store = workspace.store / "mlflow"
    client = MlflowClient(tracking_uri=f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tunewise")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["rank"] == "4"
    history = client.get_metric_history(run.info.run_id, "train_loss")
    assert [(one.step, one.value) for one in history] == logged(artifact, "train_loss")
    assert list((store / "artifacts").rglob("step_3.json"))


def test_wandb_gets_the_log_offline(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    events: list[Event] = []
    chosen = recipe.model_copy(update={"report_to": ("wandb",)})
    train(workspace, split, chosen, emit=events.append)
    assert not [one.text for one in events if isinstance(one, Note) and "wandb" in one.text]
    (written,) = (workspace.store / "wandb").glob("wandb/offline-run-*/*.wandb")
    content = written.read_bytes()
    assert b"gradient_norm" in content
    assert b"learning_rate" in content


def test_a_service_that_fails_ends_nothing_but_itself(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def record(self, *arguments: Any) -> None:
            raise ConnectionError("no route to host\nand more")

    def opener(name: str) -> Any:
        return lambda folder, run, parameters: Broken()

    monkeypatch.setattr("tunewise.train.tracking.tracker._opener", opener)
    events: list[Event] = []
    chosen = recipe.model_copy(update={"report_to": ("mlflow",)})
    artifact = train(workspace, split, chosen, emit=events.append)
    assert len(scalars(artifact.folder)["loss/train"]) == 3
    told = [event.text for event in events if isinstance(event, Note) and "mlflow" in event.text]
    assert told == ["mlflow failed and gets nothing more of this run: no route to host"]


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_what_is_not_installed_is_told_before_anything_is_trained(
    workspace: Workspace,
    split: Artifact,
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy" if name == "mlflow" else name, None)
    with pytest.raises(MissingExtraError) as caught:
        train(workspace, split, recipe.model_copy(update={"report_to": (name,)}))
    assert caught.value.fix == f"pip install 'tunewise[{name}]'"
    assert not list_artifacts(workspace, "train")
