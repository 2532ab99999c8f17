"""Splitting: train, val and test without leaks, with a certificate from the written files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, produce
from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import read_json, write_json
from ...workspace.manifest import Input
from ..export import source_rows, write_jsonl
from ..records import Dataset, Detection
from ..settings import SplitSettings
from .assign import assign_parts
from .certificate import Certificate, check_files
from .columns import column_values
from .ties import Ties, tie_records

PARTS = ("train", "val", "test")
_NOTABLE_DRIFT = 0.01


@dataclass(frozen=True, slots=True)
class _Source:
    """What is split: records, how they were understood, and where they come from."""

    records: pl.DataFrame
    detection: Detection
    kind: str
    set_aside: int
    input: Input


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which part each record goes to.

    Attributes:
        parts: for every record an index into :data:`PARTS`.
        ties: the components.
        column: the column whose shares were kept, or None.
        strata: its value for every record; empty strings without a column.
    """

    parts: np.ndarray
    ties: Ties
    column: str | None
    strata: pl.Series


def split(
    workspace: Workspace,
    source: Artifact | Dataset,
    settings: SplitSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Write train, val and test, and prove on the written files that nothing leaks.

    Args:
        workspace: where to write.
        source: a ``clean`` artifact, or a dataset as it was read.
        settings: ratios, columns, seed, threshold.
        force: do it again even if it was done.
        emit: told about progress.

    Returns:
        The ``split`` artifact.

    Raises:
        UsageError: too few rows for three parts, or no such column.
        JobError: the written files leak into each other.
    """
    taken = _take(source)

    def build(draft: Draft) -> None:
        emit(Note(text="tying together what belongs together"))
        assignment = assign(taken.records, taken.detection, settings)
        _write(draft, taken, assignment)
        emit(Note(text="searching the written files for leaks"))
        certificate = _certify(draft.folder, taken, settings)
        _account(draft, taken, assignment, settings)
        document = _document(taken, assignment, settings, certificate)
        write_json(draft.folder / "split.json", document)

    return produce(
        workspace,
        "split",
        build,
        inputs=[taken.input],
        parameters={
            **settings.model_dump(mode="json"),
            "shape": taken.detection.shape,
            "mapping": taken.detection.mapping,
        },
        force=force,
        emit=emit,
    )


def assign(records: pl.DataFrame, detection: Detection, settings: SplitSettings) -> Assignment:
    """Choose a part for every record; the same for the same contents in any order.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        detection: how the source was understood.
        settings: ratios, columns, seed, threshold.

    Raises:
        UsageError: a part would stay empty, or no such column.
    """
    ties = tie_records(records, detection, threshold=settings.threshold, groups=settings.group)
    column, strata = _strata(records, detection, settings.stratify)
    _, numbers = np.unique(strata.to_numpy().astype(str), return_inverse=True)
    keys = _content_keys(ties.keys["exact"], settings.seed)
    parts = assign_parts(ties.components, numbers, keys, settings.ratios)
    empty = [name for number, name in enumerate(PARTS) if not (parts == number).any()]
    if empty:
        components = len(np.unique(ties.components))
        raise UsageError(
            f"{' and '.join(empty)} would be empty: {records.height} rows in {components} "
            "components cannot fill three parts",
            where="[split] ratios",
            fix="give more rows, or raise the share of that part; rows of one component (copies, "
            "near-duplicates, one prompt, one group) stay together",
        )
    return Assignment(parts, ties, column, strata)


def _take(source: Artifact | Dataset) -> _Source:
    if isinstance(source, Dataset):
        path = ", ".join(str(path) for path in source.paths)
        described = Input(name="source", sha256=source.sha256, path=path)
        return _Source(
            source.records, source.detection, source.kind, source.set_aside.height, described
        )
    if source.kind != "clean":
        raise UsageError(
            f"an artifact of kind {source.kind!r} cannot be split",
            where=str(source.folder),
            fix="run `tunewise clean` first, and split what it wrote",
        )
    dataset = read_json(source.folder / "clean.json")["dataset"]
    return _Source(
        pl.read_parquet(source.folder / "records.parquet"),
        Detection(**dataset["detection"]),
        dataset["kind"],
        0,
        source.as_input("clean"),
    )


def _strata(
    records: pl.DataFrame, detection: Detection, wanted: str | None
) -> tuple[str | None, pl.Series]:
    """Return the column to keep in balance and its values; by default the label, if it has few."""
    if wanted is not None:
        return wanted, column_values(records, detection, wanted).fill_null("")
    labels = records["label"]
    if 2 <= labels.drop_nulls().n_unique() <= records.height / 2:
        return detection.mapping.get("label") or "label", labels.fill_null("")
    return None, pl.Series("stratum", [""] * records.height, dtype=pl.String)


def _content_keys(contents: pl.Series, seed: int) -> np.ndarray:
    """Hash every content with the seed; stable across machines and library versions."""
    salt = str(seed).encode()
    digests = (
        hashlib.blake2b(content.encode(), digest_size=8, salt=salt[:16]).digest()
        for content in contents
    )
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


def _write(draft: Draft, source: _Source, assignment: Assignment) -> None:
    rows = source.records["row"]
    for number, name in enumerate(PARTS):
        chosen = source.records.filter(pl.Series(assignment.parts == number))
        write_jsonl(draft.folder / f"{name}.jsonl", source_rows(chosen, source.detection))
        draft.counts[name] = chosen.height
    pl.DataFrame(
        {
            "row": rows,
            "part": pl.Series(PARTS).gather(assignment.parts),
            "component": rows.gather(assignment.ties.components),
        }
    ).write_parquet(draft.folder / "assignments.parquet")


def _certify(folder: Path, source: _Source, settings: SplitSettings) -> Certificate:
    certificate = check_files(
        {name: folder / f"{name}.jsonl" for name in PARTS},
        threshold=settings.threshold,
        groups=settings.group,
        shape=source.detection.shape,
        mapping=source.detection.mapping,
    )
    if certificate.leaks:
        first = certificate.crossings.row(0, named=True)
        raise JobError(
            f"the written files leak: {certificate.crossings.height} pairs cross parts",
            where=f"by {first['by']}: line {first['left_row'] + 1} of {first['left_part']}.jsonl "
            f"and line {first['right_row'] + 1} of {first['right_part']}.jsonl",
            fix="this is a fault in tunewise; please report it with these two rows",
        )
    return certificate


def _account(
    draft: Draft, source: _Source, assignment: Assignment, settings: SplitSettings
) -> None:
    if sum(draft.counts.values()) != source.records.height:
        raise JobError(f"rows were lost while splitting: {draft.counts}")
    draft.counts["input"] = source.records.height + source.set_aside
    draft.counts["set_aside"] = source.set_aside
    draft.counts["components"] = len(np.unique(assignment.ties.components))
    draft.seeds["split"] = settings.seed


def _document(
    source: _Source, assignment: Assignment, settings: SplitSettings, certificate: Certificate
) -> dict[str, Any]:
    counts = np.bincount(assignment.parts, minlength=len(PARTS))
    by_label, max_drift = _balance(assignment)
    ratios = {
        name: {"wanted": wanted, "reached": int(number) / len(assignment.parts)}
        for name, wanted, number in zip(PARTS, settings.ratios, counts, strict=True)
    }
    return {
        "counts": {name: int(number) for name, number in zip(PARTS, counts, strict=True)},
        "ratios": ratios,
        "stratification": {"column": assignment.column, "max_drift": max_drift},
        "certificate": certificate.to_json(),
        "shape": source.detection.shape,
        "mapping": source.detection.mapping,
        "detection": asdict(source.detection),
        "kind": source.kind,
        "seed": settings.seed,
        "groups": list(settings.group),
        "set_aside": source.set_aside,
        "components": _component_facts(assignment),
        "by_label": by_label,
        "notes": [*assignment.ties.notes, *_reasons(assignment, ratios, max_drift)],
    }


def _balance(assignment: Assignment) -> tuple[list[dict[str, Any]], float | None]:
    """Return the share of every value in each part, and its largest distance from the whole."""
    if assignment.column is None:
        return [], None
    parts = pl.Series("part", assignment.parts)
    frame = assignment.strata.alias("value").to_frame().with_columns(parts)
    counts = (
        frame.group_by("value")
        .agg(
            records=pl.len(),
            **{name: (pl.col("part") == number).sum() for number, name in enumerate(PARTS)},
        )
        .sort("records", "value", descending=[True, False])
    )
    shares = counts.with_columns(pl.col("records", *PARTS) / pl.col("records", *PARTS).sum())
    drift = max(
        float((shares[name] - shares["records"]).abs().max())  # type: ignore[arg-type]
        for name in PARTS
    )
    return shares.drop("records").to_dicts(), drift


def _component_facts(assignment: Assignment) -> dict[str, int]:
    _, sizes = np.unique(assignment.ties.components, return_counts=True)
    return {
        "number": len(sizes),
        "of_several_rows": int((sizes > 1).sum()),
        "largest": int(sizes.max()),
    }


def _reasons(
    assignment: Assignment, ratios: Mapping[str, Mapping[str, float]], drift: float | None
) -> Sequence[str]:
    """Say why ratios or shares are off, where they are."""
    off = [
        name
        for name, ratio in ratios.items()
        if abs(ratio["reached"] - ratio["wanted"]) > _NOTABLE_DRIFT
    ]
    if not off and (drift is None or drift <= _NOTABLE_DRIFT):
        return []
    facts = _component_facts(assignment)
    rows = len(assignment.parts)
    what = "the share of " + " and ".join(off) if off else f"the balance of {assignment.column}"
    if facts["largest"] > max(1, _NOTABLE_DRIFT * rows):
        why = f"the largest component has {facts['largest']:,} of {rows:,} rows and stays whole"
    elif assignment.column is not None:
        values = assignment.strata.n_unique()
        why = f"{values:,} values among {rows:,} rows cannot be divided more evenly"
    else:
        why = f"{rows:,} rows cannot be divided more evenly"
    return [f"{what} is off by more than a point: {why}"]
