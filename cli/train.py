"""`tunewise train`: tune a model on a split."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import LATEST, Artifact, resolve_artifact
from ..workspace.safe_text import safe_text
from .audit import listed
from .format import count, percent
from .learning_rate_text import range_test_text
from .preflight_text import preflight_text
from .session import Session, command

if TYPE_CHECKING:
    from ..train.recipe import Recipe


@command(
    "train",
    examples="""\
  tunewise train latest --model ./my-model
  tunewise train latest --model ./my-model --rank 32 --learning-rate 1e-4 --epochs 2
  tunewise train latest --task pretraining      go on with pre-training on texts
  tunewise train latest --replay general.jsonl
  tunewise train latest --probe general.jsonl --stop-if 'general_loss_increase > 0.05'
  tunewise train latest --dry-run               rows as the model sees them, memory, time, doubts
  tunewise train latest --dry-run --price-per-hour 2.50
  tunewise train latest --processes 2           the same run, on two GPUs
  tunewise train latest --write-launch launch --processes 4     FSDP: files, and the command to give
  tunewise train latest --find-lr               which learning rate learns fastest here
  tunewise train latest --recipe recipe.toml --events
  tunewise train latest --samples 4 --sample-prompt 'What is the capital of France?'
  tunewise train latest --report-to mlflow,wandb     both on this machine, unless told of a server
""",
    is_job=True,
)
@click.argument("split", default=LATEST)
@click.option("--model", help="The base model: a folder or a name (safetensors).")
@click.option("--recipe", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="TOML with the keys of [train]; flags still win.")  # fmt: skip
@click.option("--method", type=click.Choice(["lora", "prefix", "ia3", "full"]),
              help="A small adapter, or all weights (docs/training.md).")  # fmt: skip
@click.option("--task",
              type=click.Choice(["supervised", "pretraining", "classification-head", "preference"]),
              help="What the rows teach; supervised by default.")  # fmt: skip
@click.option("--rank", type=click.IntRange(min=1), help="LoRA rank.")
@click.option("--learning-rate", type=float, help="Peak learning rate.")
@click.option("--epochs", type=float, help="Passes over the training rows.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Rows a step.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="General rows to mix in, so that less is forgotten.")  # fmt: skip
@click.option("--probe", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="General rows to measure, never to learn.")  # fmt: skip
@click.option("--stop-if", help="Forgetting budget, as 'general_loss_increase > 0.05'.")
@click.option("--samples", type=click.IntRange(min=0, max=64),
              help="Prompts from the validation rows to answer at every validation.")  # fmt: skip
@click.option("--sample-prompt", "sample_prompts", multiple=True,
              help="A prompt of your own to answer besides; may be repeated.")  # fmt: skip
@click.option("--report-to", help="mlflow, wandb (extras), by commas; TensorBoard files always.")
@click.option("--seed", type=int, help="Seed of order, dropout and adapter.")
@click.option("--dry-run", is_flag=True,
              help="Only show what would be done: rows, steps, memory, time, doubts.")  # fmt: skip
@click.option("--warm-up/--no-warm-up", default=True, show_default=True,
              help="With --dry-run: time a few steps that are thrown away.")  # fmt: skip
@click.option("--price-per-hour", type=click.FloatRange(min=0),
              help="With --dry-run: what this machine costs, to tell the cost.")  # fmt: skip
@click.option("--find-lr", is_flag=True,
              help="Only look for a learning rate: a range test, thrown away.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=10, max=2000), default=100, show_default=True,
              help="Of the range test.")  # fmt: skip
@click.option("--processes", type=click.IntRange(min=1), default=1,
              help="Processes, one a GPU or on the processor, that share every batch.")  # fmt: skip
@click.option("--write-launch", type=click.Path(path_type=Path, file_okay=False),
              help="Only write files for `accelerate launch` into this folder, for --processes "
              "that share out the model, and print the command.")  # fmt: skip
@click.option("--strategy", type=click.Choice(["fsdp", "deepspeed-2"]), default="fsdp",
              show_default=True,
              help="With --write-launch: what is shared out. fsdp: weights, gradients, optimizer; "
              "deepspeed-2: gradients and optimizer, by the extra `deepspeed`. Both learn what one "
              "process does, tested on processors.")  # fmt: skip
@click.option("--restart", is_flag=True,
              help="Begin anew where an unfinished run left a checkpoint.")  # fmt: skip
def train(
    session: Session,
    split: str,
    model: str | None,
    recipe: Path | None,
    method: str | None,
    task: str | None,
    rank: int | None,
    learning_rate: float | None,
    epochs: float | None,
    batch_size: int | None,
    replay: Path | None,
    probe: Path | None,
    stop_if: str | None,
    samples: int | None,
    sample_prompts: tuple[str, ...],
    report_to: str | None,
    seed: int | None,
    dry_run: bool,
    warm_up: bool,
    price_per_hour: float | None,
    find_lr: bool,
    steps: int,
    processes: int,
    write_launch: Path | None,
    strategy: str,
    restart: bool,
) -> None:
    """Tune a model on SPLIT (a path, an id, or `latest`); only answers are learned from.

    What each row contributes is counted first; a row that cannot be learned from is refused,
    and the reason is told. A run that was stopped (Ctrl-C) or killed goes on from its last
    checkpoint when the same command is given again.
    """
    flags = {
        "model": model,
        "method": method,
        "task": task,
        "rank": rank,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "batch_size": batch_size,
        # Names in the settings start at the workspace, those on a command line where one stands.
        "replay": str(replay.absolute()) if replay else None,
        "probe": str(probe.absolute()) if probe else None,
        "stop_if": stop_if,
        "samples": samples,
        "sample_prompts": sample_prompts or None,
        "report_to": listed(report_to),
        "seed": seed,
    }
    if price_per_hour is not None and not (dry_run and warm_up):
        raise click.UsageError("--price-per-hour needs --dry-run with its warm-up")
    settings = resolve_recipe(session, recipe, flags)
    split_artifact = resolve_artifact(session.workspace, "split", split)
    if write_launch is not None:
        _write_launch(session, write_launch, settings, strategy, processes)
    if dry_run:
        session.is_job = False
        from ..train.run import preflight
        from ..workspace.events import Event, Note

        def emit(event: Event) -> None:
            # What notes say stands in the summary, too.
            if session.as_events or not isinstance(event, Note):
                session.emit(event)

        facts = preflight(
            session.workspace,
            split_artifact,
            settings,
            warm_up=warm_up,
            price_per_hour=price_per_hour,
            emit=emit,
        )
        planned = {"command": "train", "dry_run": True, **facts}
        session.finish(planned, lambda: preflight_text(planned, _refusal_lines(planned)))
    if find_lr:
        from ..train.preflight.find_learning_rate import find_learning_rate

        found = find_learning_rate(
            session.workspace, split_artifact, settings, steps=steps, emit=session.emit
        )
        document = {"command": "train", "find_lr": True, **found}
        session.finish(document, lambda: range_test_text(document))
    if processes > 1 or "RANK" in os.environ:
        _train_together(session, split_artifact, settings, processes, restart=restart)
    from ..train.run import train as run_train

    artifact = run_train(
        session.workspace,
        split_artifact,
        settings,
        force=session.force,
        restart=restart,
        emit=session.emit,
    )
    if artifact.reused and "RANK" in os.environ:
        from ..train.loop.processes import dismiss

        dismiss(settings)
    document = session.document(artifact)
    session.finish(document, lambda: summary(document))


def _write_launch(
    session: Session, folder: Path, recipe: Recipe, strategy: str, processes: int
) -> None:
    """Write what `accelerate launch` reads, and print the command."""
    from importlib.util import find_spec

    from ..train.loop.launch_configuration import DEEPSPEED, write_launch
    from ..train.loop.sharding import INSTALL_DEEPSPEED, check_sharded
    from ..train.loop.team import check_team
    from ..workspace.events import Note

    session.is_job = False
    if processes < 2:
        raise click.UsageError("--write-launch needs --processes, two or more")
    check_team(recipe, processes)
    check_sharded(recipe)
    options = ("--write-launch", "--strategy", "--processes")
    line = write_launch(folder, recipe, strategy, processes, without_options(sys.argv[1:], options))
    document = {"command": "train", "folder": str(folder.absolute()), "launch": line}
    if strategy == DEEPSPEED and find_spec("deepspeed") is None:
        # accelerate would end with an ImportError before a run of ours begins.
        text = f"deepspeed is not installed here; where the run is to be: {INSTALL_DEEPSPEED}"
        session.emit(Note(text=text, level="warning"))
    session.finish(document, lambda: line)


def without_options(arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """Return a command line without some options and their values."""
    left: list[str] = []
    is_value = False
    for argument in arguments:
        if not is_value and argument.partition("=")[0] not in options:
            left.append(argument)
        is_value = not is_value and argument in options
    return left


def _train_together(
    session: Session, split: Artifact, recipe: Recipe, processes: int, *, restart: bool
) -> None:
    """Start the processes of a run, or take part in it as one of them; the first one returns."""
    from ..train.loop.team import check_team, current_team

    team = current_team()
    if "RANK" not in os.environ:
        from ..train.loop.launch import launch
        from ..train.models.hardware import usable_threads

        check_team(recipe, processes)
        threads = recipe.threads or max(1, usable_threads() // processes)
        raise SystemExit(launch(sys.argv[1:], processes, threads))
    check_team(recipe, team.size)
    if team.rank:
        from ..train.loop.processes import follow

        follow(session.workspace, split, recipe)
        raise SystemExit(0)


def resolve_recipe(session: Session, path: Path | None, flags: Mapping[str, Any]) -> Recipe:
    """Merge the recipe file's keys under the flags and over everything else."""
    from_file: dict[str, Any] = {}
    if path is not None:
        from ..train.recipe import read_recipe_file

        from_file = read_recipe_file(path)
    given = {key: value for key, value in flags.items() if value is not None}
    return session.settings({"train": {**from_file, **given}}).train


def summary(document: Mapping[str, Any]) -> str:
    """Return the training's result as text for a terminal."""
    lines = [
        f"{count(document['steps'], 'step')}, {count(document['tokens'], 'token')}, "
        f"{document['supervised_tokens']:,} supervised "
        f"({percent(document['supervised_tokens'] / max(1, document['tokens']))}), "
        f"{document['seconds']:.1f} s",
        *_loss_lines(document),
        *_general_lines(document),
        *_refusal_lines(document),
    ]
    if document.get("reused"):
        # While a run is under way its warnings are shown as they arise.
        lines += [f"warning: {safe_text(text)}" for text in document["warnings"]]
    lines += ["", f"run {document['id']}: {document['artifact']}", "next: tunewise evaluate latest"]
    return "\n".join(lines)


def _loss_lines(document: Mapping[str, Any]) -> list[str]:
    best, final = document["best"], document["final"]
    last = f"final  train loss {final['train_loss']:.4f}"
    if best["val_loss"] is None:
        return [f"no validation; kept is the state after step {document['kept_step']:,}", last]
    if final["val_loss"] is not None:
        last += f", val loss {final['val_loss']:.4f}"
    return [f"best   val loss {best['val_loss']:.4f} at step {best['step']:,}", last]


def _general_lines(document: Mapping[str, Any]) -> list[str]:
    """Say what became of the probe's loss, where there is a probe."""
    losses = document.get("losses") or {"base": {}, "kept": {}}
    base, kept = losses["base"].get("general"), losses["kept"].get("general")
    if base is None:
        return []
    now = "" if kept is None else f", {kept:.4f} ({kept / base - 1:+.1%}) in the state kept"
    lines = [f"general rows: loss {base:.4f} before{now}"]
    if (over := document["over_budget"]) is not None:
        lines.append(f"the forgetting budget ended the run, at {over:+.1%}")
    return lines


def _refusal_lines(document: Mapping[str, Any]) -> list[str]:
    """Say how many rows were not used, and why."""
    refused, reasons = document["refused"], document.get("refusals", [])
    if not refused:
        return []
    lines = [f"{count(refused, 'row')} refused:"]
    lines += [f"  {reason['rows']:,}: {safe_text(reason['reason'])}" for reason in reasons]
    if others := refused - sum(reason["rows"] for reason in reasons):
        lines.append(f"  {others:,}: other reasons (see supervision.parquet)")
    return lines
