"""What the steps before the evaluation tell: the data, the training, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ..curate.finding import SEVERITY_ORDER
from .lineage import Lineage, Step
from .wording import NOT_TOLD, name_of

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
        # A run's folder ends in `adapter` or `model`, which names nothing.
        tuned = _last_part(judged.get("run") or judged.get("adapter") or judged.get("full_model"))
    else:
        recipe = run.json("recipe.json")
        method = str(recipe.get("method") or "")
        rank = f"-r{recipe['rank']}" if method == "lora" and recipe.get("rank") else ""
        tuned = f"{method}{rank} {run.artifact.id}".strip()
    return {"base": _last_part(judged.get("model")), "tuned": tuned}


def _last_part(path: object) -> str:
    return name_of(str(path or NOT_TOLD).rstrip("/").rsplit("/", 1)[-1])


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


def commands(lineage: Lineage) -> list[str]:
    """Return the commands that do it all again, as far as the steps are known."""
    makers = {
        "audit": _audit_command,
        "clean": _clean_command,
        "split": _split_command,
        "train": _train_command,
        "evaluate": _evaluate_command,
    }
    lines = [makers[step.kind](step) for step in lineage.steps if step.kind in makers]
    evaluation = lineage.get("evaluate")
    return [*lines, f"tunewise report {evaluation.artifact.id}"] if evaluation else lines


def _audit_command(step: Step) -> str:
    return _line("audit", *_paths(step))


def _clean_command(step: Step) -> str:
    decisions = step.artifact.manifest.parameters.get("decisions") or ()
    accepted = [entry for entry in decisions if entry.get("action") == "accept"]
    whole = dict.fromkeys(str(entry["check"]) for entry in accepted if entry.get("rows") is None)
    options = [part for check in whole for part in ("--accept", check)]
    line = _line("clean", _input_id(step, "audit"), *options, "--yes")
    others = len(decisions) - len(whole)
    return f"{line}  # and {others} more decisions of the journal" if others else line


def _split_command(step: Step) -> str:
    facts = step.document
    ratios = facts.get("ratios")
    given = [
        _wanted(ratio) for ratio in (ratios.values() if isinstance(ratios, dict) else ratios or ())
    ]
    shares = "/".join(f"{100 * share:g}" for share in given if share is not None)
    stratify = (facts.get("stratification") or {}).get("column")
    return _line(
        "split",
        _input_id(step, "clean"),
        *_option("--ratios", shares),
        *_option("--stratify", stratify),
        *_option("--seed", facts.get("seed")),
    )


def _wanted(ratio: Any) -> float | None:
    value = ratio.get("wanted") if isinstance(ratio, dict) else ratio
    return float(value) if isinstance(value, int | float) else None


def _train_command(step: Step) -> str:
    recipe = step.json("recipe.json")
    flags = ("model", "method", "rank", "learning_rate", "epochs", "batch_size", "seed")
    options = [
        part
        for name in flags
        if not (name == "rank" and recipe.get("method") == "full")
        for part in _option(f"--{name.replace('_', '-')}", recipe.get(name))
    ]
    return _line("train", _input_id(step, "split"), *options)


def _evaluate_command(step: Step) -> str:
    parameters = step.artifact.manifest.parameters
    suites = parameters.get("suites") or ()
    return _line(
        "evaluate",
        _input_id(step, "run"),
        *_option("--suite", ",".join(map(str, suites))),
        *_option("--limit", parameters.get("limit")),
    )


def _paths(step: Step) -> Sequence[str]:
    dataset = step.document.get("dataset") or {}
    return [str(path) for path in dataset.get("paths") or ()]


def _input_id(step: Step, name: str) -> str:
    """Return the artifact that a step was made from: the one of that name, else any."""
    inputs = step.artifact.manifest.inputs
    named = next((item for item in inputs if item.name == name and item.artifact), None)
    found = named or next((item for item in inputs if item.artifact), None)
    return found.artifact if found else "latest"


def _option(name: str, value: object) -> list[str]:
    return [] if value in (None, "") else [name, f"{value}"]


def _line(*parts: str) -> str:
    return shlex.join(["tunewise", *parts])
