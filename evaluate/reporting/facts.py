"""What the steps before the evaluation tell: the data, the training, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, get_origin

import polars as pl

from ...curate.finding import SEVERITY_ORDER
from ...curate.settings import AuditSettings, DataSettings, SplitSettings
from ...train.recipe import Recipe
from ...workspace.config import Section
from ...workspace.lineage import Lineage, Step
from ...workspace.safe_text import name_of
from ..settings import EvaluateSettings, ReportSettings
from .wording import NOT_TOLD

SETTINGS_FILE = "settings.toml"
_REPEATED = ("audit", "clean", "split", "train", "evaluate")
_DECISIONS_NAMED = 6
_NAMELESS = ("adapter", "model", "final", "merged")
_MOST_POINTS = 400
_SMOOTHED_OVER = 40


def data_facts(lineage: Lineage) -> dict[str, Any]:
    """Tell what was read, found, removed and split.

    Returns:
        ``dataset``, ``findings``, ``checks``, ``removed`` and ``changed`` (by check),
        ``cleaning`` (rows by fate), ``split``; a part that is not available is None or empty.
    """
    audit, clean, split = (lineage.get(kind) for kind in ("audit", "clean", "split"))
    found: Mapping[str, Any] = audit.document if audit else {}
    findings = sorted(found.get("findings") or (), key=_severity)
    checks = found.get("checks") or ()
    return {
        "dataset": found.get("dataset"),
        "quality": (found.get("quality") or {}).get("overall"),
        "findings": [dict(finding) for finding in findings if finding.get("rows")],
        "checks": {
            status: [str(check["check"]) for check in checks if check.get("status") == status]
            for status in ("ran", "skipped", "failed")
        },
        "removed": _rows_by_check(clean, "removed.parquet"),
        "changed": _rows_by_check(clean, "changed.parquet"),
        "cleaning": _cleaning(clean),
        "split": _split_facts(split) if split else None,
    }


def _severity(finding: Mapping[str, Any]) -> tuple[int, int]:
    names = [str(severity) for severity in SEVERITY_ORDER]
    severity = str(finding.get("severity"))
    place = names.index(severity) if severity in names else len(names)
    return place, -int(finding.get("rows") or 0)


def _rows_by_check(clean: Step | None, name: str) -> list[dict[str, Any]]:
    frame = clean.frame(name) if clean else None
    if frame is None:
        return []
    try:
        counted = frame.group_by("check").agg(rows=pl.col("row").n_unique())
        return counted.sort("rows", "check", descending=[True, False]).collect().to_dicts()
    except pl.exceptions.PolarsError:
        return []


def _cleaning(clean: Step | None) -> dict[str, int]:
    """Return how many rows were kept, removed and changed."""
    counts = clean.artifact.manifest.counts if clean else {}
    return {fate: counts[fate] for fate in ("kept", "removed", "changed") if fate in counts}


def _split_facts(split: Step) -> dict[str, Any]:
    document = split.document
    names = ("counts", "ratios", "stratification", "certificate", "seed")
    return {name: document.get(name) for name in names}


def model_names(judged: Mapping[str, Any], lineage: Lineage) -> dict[str, str]:
    """Return short names of base and tuned: the model's folder, and method and run."""
    run = lineage.get("train")
    if run is None:
        tuned = _last_part(judged.get("run") or judged.get("adapter") or judged.get("full_model"))
    else:
        recipe = run.json("recipe.json")
        method = str(recipe.get("method") or "")
        rank = f"-r{recipe['rank']}" if method == "lora" and recipe.get("rank") else ""
        tuned = f"{method}{rank} {run.artifact.id}".strip()
    base = _last_part(judged.get("base_adapter") or judged.get("model"))
    return {"base": base, "tuned": tuned}


def _last_part(path: object) -> str:
    """Return what a path ends with; `adapter` and `model` name nothing by themselves."""
    parts = str(path or NOT_TOLD).rstrip("/").rsplit("/", 2)
    return name_of("/".join(parts[-2:]) if parts[-1] in _NAMELESS else parts[-1])


def training_facts(lineage: Lineage) -> dict[str, Any] | None:
    """Tell how the model was tuned; None where the run is not available."""
    run = lineage.get("train")
    if run is None:
        return None
    recipe = run.json("recipe.json")
    names = ("model", "method", "rank", "learning_rate", "epochs", "batch_size", "keep", "seed")
    counts = ("steps", "tokens", "supervised_tokens", "seconds", "best", "final", "kept_step")
    return {
        "recipe": {name: recipe[name] for name in names if name in recipe},
        **{name: run.document.get(name) for name in counts},
    }


def loss_curve(lineage: Lineage) -> list[dict[str, Any]]:
    """Return the losses over the training, at most 400 steps of it.

    Where the run measured a fixed sample of training rows beside the validation rows, that is the
    training loss; otherwise it is that of the batches, which jumps, as a mean over the steps
    around, a fortieth of the run.

    Returns:
        Rows ``{step, train_loss, val_loss}``, with None where a loss was not measured. Steps with
        a validation are always among them.
    """
    run = lineage.get("train")
    frame = run.frame("log.parquet") if run else None
    if frame is None:
        return []
    try:
        log = frame.sort("step").collect()
        losses = log.select("step", pl.col("train_loss", "val_loss").fill_nan(None))
    except pl.exceptions.PolarsError:
        return []
    sampled = log.get_column("train_eval_loss", default=None)
    if sampled is not None and len(sampled.drop_nulls()) > 1:
        losses = losses.with_columns(train_loss=sampled.fill_nan(None))
    else:
        window = max(1, len(log) // _SMOOTHED_OVER)
        mean = pl.col("train_loss").rolling_mean(window, min_samples=1, center=True)
        losses = losses.with_columns(mean)
    every = max(1, -(-len(losses) // _MOST_POINTS))
    shown = (pl.int_range(pl.len()) % every == 0) | pl.col("val_loss").is_not_null()
    return losses.filter(shown).to_dicts()


def lineage_facts(lineage: Lineage) -> list[dict[str, Any]]:
    """Return the manifests of all steps, the first step first, without their lists of files."""
    return [
        {
            "kind": step.kind,
            "id": step.artifact.id,
            "sha256": step.artifact.manifest.sha256,
            "started": step.artifact.manifest.started,
            "finished": step.artifact.manifest.finished,
            "inputs": [
                {"name": made_from.name, "sha256": made_from.sha256, "path": made_from.path}
                for made_from in step.artifact.manifest.inputs
            ],
            "parameters": dict(step.artifact.manifest.parameters),
            "counts": dict(step.artifact.manifest.counts),
            "seeds": dict(step.artifact.manifest.seeds),
            "versions": dict(step.artifact.manifest.versions),
            "git_commit": step.artifact.manifest.git_commit,
        }
        for step in lineage.steps
    ]


def recorded_settings(lineage: Lineage, report: ReportSettings) -> dict[str, dict[str, Any]]:
    """Return the settings that the steps were given, by section, as they stand in the manifests.

    What a step chose by itself is not among them: it would choose so again, and a setting that
    is given makes another artifact than one that is left open.
    """
    audit, split, train, evaluate = (
        lineage.get(kind) for kind in ("audit", "split", "train", "evaluate")
    )
    # A file that was split as it is was read as the split says.
    read = audit or split
    sections = {
        "data": _recorded(read, DataSettings),
        "audit": _recorded(audit, AuditSettings),
        "split": _recorded(split, SplitSettings),
        "train": _recorded(train, Recipe),
        "evaluate": _recorded(evaluate, EvaluateSettings),
        "report": report.recorded(),
    }
    return {name: values for name, values in sections.items() if values}


def _recorded(step: Step | None, section: type[Section]) -> dict[str, Any]:
    """Return the settings of a section that are among a step's parameters, or name its inputs."""
    if step is None:
        return {}
    manifest = step.artifact.manifest
    found: dict[str, Any] = {}
    for name, about in section.model_fields.items():
        value, made_from = manifest.parameters.get(name), manifest.input(name)
        if value is None and made_from is not None and made_from.path:
            several = get_origin(about.annotation) is tuple
            value = made_from.path.splitlines() if several else made_from.path
        if value is not None:
            found[name] = value
    return found


def commands(lineage: Lineage, settings_file: str) -> list[str]:
    """Return the commands that do it all again, as far as the steps are known.

    Run in the workspace they give the artifacts that are there. Decisions are not made again:
    they are in the journal, which cleaning replays.

    Args:
        lineage: the steps.
        settings_file: a file with :func:`recorded_settings`. It takes the place of the
            workspace's own settings, which may have changed since.
    """
    lines = [_command(step, settings_file) for step in lineage.steps if step.kind in _REPEATED]
    evaluation = lineage.get("evaluate")
    if evaluation is not None:
        lines.append(_line("report", evaluation.artifact.id, settings_file=settings_file))
    return lines


def _command(step: Step, settings_file: str) -> str:
    if step.kind == "audit":
        paths = (step.document.get("dataset") or {}).get("paths") or ()
        return _line("audit", *map(str, paths), settings_file=settings_file)
    if step.kind == "evaluate" and step.artifact.manifest.input("tuned") is not None:
        return _line("evaluate", *_named_models(step), settings_file=settings_file)
    if step.kind != "clean":
        return _line(step.kind, *_made_from(step), settings_file=settings_file)
    line = _line("clean", *_made_from(step), "--yes", settings_file=settings_file)
    decisions = [_decision(entry) for entry in step.artifact.manifest.parameters["decisions"]]
    others = len(decisions) - _DECISIONS_NAMED
    more = [f"{others} more"] if others > 0 else []
    named = ", ".join([*decisions[:_DECISIONS_NAMED], *more])
    return f"{line}  # replays the journal: {named or 'no decisions'}"


def _decision(entry: Mapping[str, Any]) -> str:
    text = name_of(f"{entry.get('action')} {entry.get('check')}".rstrip())
    rows = entry.get("rows")
    if rows is None:
        return text
    return f"{text} on {len(rows)} row{'' if len(rows) == 1 else 's'}"


def _made_from(step: Step) -> list[str]:
    """Return the artifact that a step was made from, or else the files."""
    inputs = step.artifact.manifest.inputs
    found = next((item for item in inputs if item.artifact), None) or inputs[0]
    return [found.artifact] if found.artifact else found.path.splitlines()


def _named_models(step: Step) -> list[str]:
    """Return how models without a run are named."""
    manifest = step.artifact.manifest
    found = [(name, manifest.input(name)) for name in ("base", "tuned", "split")]
    return [
        part
        for name, made_from in found
        if made_from is not None
        for part in (f"--{name}", made_from.artifact or made_from.path)
    ]


def _line(*parts: str, settings_file: str) -> str:
    return shlex.join(["tunewise", *parts, "--config", settings_file])
