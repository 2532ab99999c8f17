"""One model out of base and adapter, written only if it says what both said together."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...train.card.markdown import model_card
from ...train.models.base_model import load_config
from ...train.models.hardware import choose_hardware
from ...train.models.quantized import EIGHT_BITS
from ...train.rows.tasks import HEAD
from ...workspace.artifact import Artifact, Workspace
from ...workspace.errors import GateError, JobError, UsageError
from ...workspace.events import Emit, Note, counting, ignore
from ...workspace.files import read_json, sync_folder, write_json, writing_whole
from ...workspace.manifest import (
    MANIFEST_NAME,
    Input,
    Manifest,
    artifact_id,
    git_commit,
    library_versions,
    list_files,
)
from ..comparison import Comparison, LocalModel, compare_run
from ..scoring.pair import load
from ..scoring.quiet import quiet
from .agreement import TOLERANCES, Agreement, Rows, agreement, describe, rows_to_compare
from .card import run_card
from .gguf import Converter
from .weights import check_mergeable, load_written, one_model, stop_at

MERGE = "merge"
DOCUMENT_NAME = "merge.json"


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """How a model is merged.

    Attributes:
        dtype: ``float32``, ``float16``, ``bfloat16``; ``auto`` is that of the base's own weights.
        tolerance: mean difference of a token's log-probability that is accepted, in nats; None
            takes that of the number format.
        rows: real rows that merged and unmerged model are compared on.
        converter: writes a GGUF file besides.
        gguf_type: its number format.
    """

    dtype: str = "auto"
    tolerance: float | None = None
    rows: int = 32
    converter: Converter | None = None
    gguf_type: str = "auto"


def merge(
    workspace: Workspace,
    run: Artifact,
    output: Path,
    settings: MergeSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> dict[str, Any]:
    """Merge a run's adapter into its base, or copy a fully tuned model, into a folder of its own.

    The merged weights are computed in float32, rounded once to the wanted format, written, read
    again and compared with the unmerged model on real rows of the split. The folder appears whole
    or not at all.

    Args:
        workspace: where the run's split may lie.
        run: the training run.
        output: the folder to write; it must not exist, but for ``force`` over an earlier merge.
        settings: how.
        force: replace an earlier merge.
        emit: told of the steps.

    Returns:
        The document, as it is written to ``merge.json``: ``run, model, dtype, agreement, gguf, …``.

    Raises:
        UsageError: the adapter cannot be merged, or the folder is in use.
        GateError: merged and unmerged model do not agree; nothing is left.
        JobError: the disk is full, or the GGUF converter failed (the merged model stays).
    """
    _check_output(output, force=force)
    trained = read_json(run.folder / "train.json")
    if trained.get("task") == HEAD:
        raise UsageError(
            "this run puts out labels instead of text; only models that generate are merged here",
            where=str(run.folder),
            fix="load it with peft's AutoPeftModelForSequenceClassification and merge_and_unload",
        )
    comparison = compare_run(workspace, run)
    base, tuned = _local(comparison)
    check_mergeable(tuned)
    dtype = _wanted_dtype(settings.dtype, base)
    rows = rows_to_compare(
        _split(comparison), tuned.tokenizer, count=settings.rows, context=comparison.context
    )
    if not rows.asked:
        raise UsageError(
            "the split has no row to compare merged and unmerged model on",
            where=str(_split(comparison).folder),
        )
    end_token = (trained.get("template") or {}).get("end_token")
    partial = output.with_name(f".{output.name}.partial-{os.getpid()}")
    started = _now()
    try:
        partial.mkdir(parents=True)
        found = _write(partial, tuned, dtype, rows, end_token, settings, emit)
        problem = _convert(partial, output.name, settings, emit)
        document = _document(run, comparison, dtype, found, settings, partial)
        write_json(partial / DOCUMENT_NAME, document)
        with writing_whole(partial / "README.md") as stream:
            stream.write(model_card(run_card(workspace, run, merged=document)))
        _write_manifest(workspace, partial, run, base, dtype, found, started)
        _move_into_place(partial, output)
    except OSError as error:
        raise JobError(
            f"cannot write the merged model: {error.strerror or error}",
            where=str(error.filename or output),
            fix="free some space or check the folder's permissions, then run the command again",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if problem is not None:
        raise JobError(
            f"{problem.what}; the merged model itself is written",
            where=str(output),
            fix=problem.fix,
        ) from problem
    return {"output": str(output), **document}


def _write(
    folder: Path,
    tuned: LocalModel,
    dtype: str,
    rows: Rows,
    end_token: str | None,
    settings: MergeSettings,
    emit: Emit,
) -> Agreement:
    """Write the merged model and return how it agrees with the unmerged one."""
    exact = replace(choose_hardware(dtype="float32"), dtype="float32")
    tolerance = TOLERANCES[dtype] if settings.tolerance is None else settings.tolerance
    with counting(emit, "merging", total=4, unit="steps") as counter:
        with quiet():
            model = load(tuned, exact)
        unmerged = rows.score(model)
        switches_off = tuned.adapter is not None and tuned.adapter.switches_off
        with model.disable_adapter() if switches_off else nullcontext():
            before = rows.score(model) if switches_off else None
        counter.advance()
        with quiet():
            whole = one_model(model, tuned, exact).to(_torch_dtype(dtype))
            stop_at(end_token, whole, tuned.tokenizer)
            whole.save_pretrained(folder)
            tuned.tokenizer.save_pretrained(folder)
            _make_readable(folder)
        counter.advance()
        del model, whole
        gc.collect()
        merged = rows.score(load_written(folder, tuned, exact))
        counter.advance()
        found = agreement(rows, unmerged, merged, before, tolerance=tolerance)
        counter.advance()
    for line in describe(found, dtype):
        emit(Note(text=line))
    if not found.holds:
        raise _disagreement(found, dtype, tuned.quantize)
    return found


def _local(comparison: Comparison) -> tuple[LocalModel, LocalModel]:
    """Return base and tuned model of a run, which are always on this machine."""
    base, tuned = comparison.base, comparison.tuned
    assert isinstance(base, LocalModel)
    assert isinstance(tuned, LocalModel)
    return base, tuned


def _split(comparison: Comparison) -> Artifact:
    assert comparison.split is not None
    return comparison.split


def _check_output(output: Path, *, force: bool) -> None:
    """Refuse a folder that holds something, unless it is an earlier merge to be replaced."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not force:
        raise UsageError("there is something already", where=str(output), fix="name another folder")
    try:
        kind = read_json(output / MANIFEST_NAME).get("kind")
    except (OSError, ValueError, AttributeError):
        kind = None
    if kind != MERGE:
        raise UsageError(
            "the folder was not written by `tunewise merge`, and is not replaced",
            where=str(output),
            fix="name another folder",
        )


def _wanted_dtype(name: str, base: LocalModel) -> str:
    """Return the number format to write: the one that is asked for, or the base's own."""
    if name != "auto":
        return name
    config = load_config(base.weights, trust_remote_code=base.trust_remote_code)
    stored = str(getattr(config, "dtype", None) or "").removeprefix("torch.")
    return stored if stored in TOLERANCES else "float32"


def _torch_dtype(name: str) -> Any:
    import torch

    return getattr(torch, name)


def _make_readable(folder: Path) -> None:
    """Give all files the permissions of an ordinary one; safetensors writes for its owner only."""
    ordinary = (folder / "config.json").stat().st_mode
    for path in folder.iterdir():
        path.chmod(ordinary)


def _disagreement(found: Agreement, dtype: str, quantize: str | None) -> GateError:
    if found.lost is not None and found.difference <= found.tolerance:
        what = (
            f"written as {dtype}, the merged model loses {found.lost:.0%} of what was learned: "
            "the changes are smaller than the format's steps"
        )
    else:
        what = (
            f"the merged model is not the unmerged one: a token's log-probability differs by "
            f"{found.difference:.2g} nats on average, more than {found.tolerance:.2g}"
        )
    fix = "use the adapter as it is, with peft; --tolerance accepts more"
    if quantize == EIGHT_BITS:
        fix += " (a base in 8 bits rounds what goes into its layers, too, which no merged one does)"
    elif dtype != "float32":
        fix = f"write it with --dtype float32, or {fix}"
    return GateError(
        f"{what}; nothing was written", where=f"{found.rows:,} rows of {found.part}", fix=fix
    )


def _convert(folder: Path, name: str, settings: MergeSettings, emit: Emit) -> JobError | None:
    """Write the GGUF file; a failure is returned, because the merged model is good."""
    if settings.converter is None:
        return None
    with counting(emit, "converting to GGUF", total=1, unit="files") as counter:
        try:
            target = folder / f"{name}-{settings.gguf_type}.gguf"
            settings.converter.convert(folder, target, settings.gguf_type)
        except JobError as error:
            return error
        counter.advance()
    return None


def _document(
    run: Artifact,
    comparison: Comparison,
    dtype: str,
    found: Agreement,
    settings: MergeSettings,
    folder: Path,
) -> dict[str, Any]:
    base, tuned = _local(comparison)
    gguf = [path.name for path in folder.glob("*.gguf")]
    return {
        "run": run.id,
        "model": base.weights.folder.name,
        "model_sha256": base.weights.sha256,
        "adapter": tuned.adapter.kind if tuned.adapter else None,
        "adapter_sha256": tuned.adapter.sha256 if tuned.adapter else None,
        "quantized_in_training": read_json(run.folder / "recipe.json").get("quantize"),
        "kept_step": comparison.kept_step,
        "dtype": dtype,
        "agreement": found.to_json(),
        "gguf": gguf[0] if gguf else None,
        "gguf_type": settings.gguf_type if gguf else None,
    }


def _write_manifest(
    workspace: Workspace,
    folder: Path,
    run: Artifact,
    base: LocalModel,
    dtype: str,
    found: Agreement,
    started: str,
) -> None:
    inputs = (
        run.as_input("run"),
        Input(name="model", sha256=base.weights.sha256, path=str(base.weights.folder)),
    )
    parameters: Mapping[str, Any] = {"dtype": dtype, "tolerance": found.tolerance}
    manifest = Manifest(
        kind=MERGE,
        id=artifact_id(MERGE, inputs, parameters),
        inputs=inputs,
        parameters=parameters,
        started=started,
        finished=_now(),
        counts={"rows_compared": found.rows, "tokens_compared": found.tokens},
        files=list_files(folder),
        versions=library_versions(),
        git_commit=git_commit(workspace.root),
    )
    write_json(folder / MANIFEST_NAME, manifest.to_json())


def _move_into_place(partial: Path, output: Path) -> None:
    """Rename the finished folder; an earlier merge steps aside first."""
    aside: Path | None = None
    if output.exists():
        aside = output.with_name(f".{output.name}.replaced-{os.getpid()}")
        output.rename(aside)
    partial.rename(output)
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(output.parent)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
