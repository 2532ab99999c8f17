"""Splitting: train, val and test without leaks, with a certificate from the written files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, produce
from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import write_json
from ..reading.read import Source
from ..records import Dataset
from ..settings import SplitSettings
from .certificate import Certificate, PartFile, check_files
from .document import split_document
from .intake import Intake, Taken, open_intake, take
from .parts import ALL_PARTS, LEFT_OUT, PARTS
from .plan import Plan, make_plan
from .ways import check_settings, is_one_split, single_settings
from .written import WrittenParts, write_parts

_ROUNDS = 4
"""What is a near-duplicate, or a prompt that is but a form, depends a little on which other rows
there are: where rows are left out, the files may hold a tie that was none before. It is then taken
into account, at most so often."""


def split(
    workspace: Workspace,
    source: Artifact | Dataset | Source,
    settings: SplitSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Write train, val and test, and prove on the written files that nothing leaks.

    Args:
        workspace: where to write.
        source: a ``clean`` artifact, files that were looked at, or a dataset as it was read.
        settings: of one split; ``folds`` needs ``fold``, and ``leave_out`` a value.
        force: do it again even if it was done.
        emit: told about progress.

    Returns:
        The ``split`` artifact.

    Raises:
        UsageError: the settings contradict each other or stand for several splits, what they name
            is not there, or a part would stay empty.
        DataError: a file cannot be read.
        JobError: the written files leak into each other.
    """
    if not is_one_split(settings):
        raise UsageError(
            "these settings stand for several splits, and one is wanted here",
            where=f"[split] {'folds' if settings.folds else 'leave_out'}",
            fix="name the fold, too, such as fold = 1"
            if settings.folds
            else f"name a value, as {settings.leave_out}=VALUE",
        )
    return split_each(workspace, source, settings, force=force, emit=emit)[0]


def split_each(
    workspace: Workspace,
    source: Artifact | Dataset | Source,
    settings: SplitSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> list[Artifact]:
    """Write every split that the settings stand for: each fold, or each value that is left out.

    The records are read and tied together once. Arguments and errors are those of :func:`split`.
    """
    check_settings(settings)
    intake, settings = open_intake(workspace, source, settings)
    taken = _TakenOnce(intake, settings, emit)
    made = []
    for single in _each(settings, taken, emit):

        def build(draft: Draft, single: SplitSettings = single) -> None:
            _build(draft, intake, taken(), single, emit)

        made.append(
            produce(
                workspace,
                "split",
                build,
                inputs=intake.inputs,
                parameters=_parameters(intake, single),
                force=force,
                emit=emit,
            )
        )
    return made


def preview_each(
    workspace: Workspace,
    source: Artifact | Dataset | Source,
    settings: SplitSettings,
    *,
    emit: Emit = ignore,
) -> list[dict[str, Any]]:
    """Work out every split that the settings stand for, and write none of them.

    Arguments and errors are those of :func:`split`.

    Returns:
        What ``split.json`` would say of each; ``certificate`` is None, since it is a search of
        written files.
    """
    check_settings(settings)
    intake, settings = open_intake(workspace, source, settings)
    taken = _TakenOnce(intake, settings, emit)
    documents = []
    for single in _each(settings, taken, emit):
        plan = make_plan(taken().ties, single, _usual_label(intake))
        documents.append(split_document(intake, taken(), plan, plan.counts(), single, None))
    return documents


@dataclass(slots=True)
class _TakenOnce:
    """Reads the records and ties them together when that is asked for first."""

    intake: Intake
    settings: SplitSettings
    emit: Emit
    taken: Taken | None = None

    def __call__(self) -> Taken:
        if self.taken is None:
            self.emit(Note(text="reading, and tying together what belongs together"))
            self.taken = take(self.intake, self.settings, self.emit)
        return self.taken


def _each(settings: SplitSettings, taken: _TakenOnce, emit: Emit) -> Iterator[SplitSettings]:
    """Yield the settings of every split that is wanted, and tell which comes."""
    if is_one_split(settings):
        yield settings
        return
    column = settings.leave_out
    values = taken().ties.values[column] if column is not None else None
    singles = [*single_settings(settings, values)]
    for number, single in enumerate(singles, 1):
        emit(Note(text=f"[{number}/{len(singles)}] {single.leave_out or f'fold {number}'}"))
        yield single


def _usual_label(intake: Intake) -> str:
    return intake.source.detection.mapping.get("label") or "label"


def _parameters(intake: Intake, settings: SplitSettings) -> dict[str, object]:
    detection = intake.source.detection
    return {
        **settings.model_dump(mode="json", exclude={"keep_test", "against"}),
        "shape": detection.shape,
        "mapping": detection.mapping,
        "encoding": intake.source.encoding,
    }


def _build(draft: Draft, intake: Intake, taken: Taken, settings: SplitSettings, emit: Emit) -> None:
    usual = _usual_label(intake)
    ties = taken.ties
    for round_ in range(_ROUNDS):
        plan = make_plan(ties, settings, usual)
        written = write_parts(draft.folder, intake.source, intake.kept_test, plan, emit)
        emit(Note(text="searching the written files for leaks"))
        certificate = _certify(draft, intake, settings, written, emit)
        leaks = _own_leaks(plan, written, certificate)
        if not leaks.height:
            break
        if round_ == _ROUNDS - 1 or ties.height == int((plan.parts >= 0).sum()):
            raise _leaks_error(leaks)
        emit(Note(text=f"{leaks.height:,} pairs leak by what was left out; dividing once more"))
        ties = ties.tied_further(leaks)
    _account(draft, taken, plan, written, settings)
    if taken.set_aside.height:
        taken.set_aside.write_parquet(draft.folder / "set_aside.parquet")
    document = split_document(intake, taken, plan, written.counts, settings, certificate)
    write_json(draft.folder / "split.json", document)


def _certify(
    draft: Draft, intake: Intake, settings: SplitSettings, written: WrittenParts, emit: Emit
) -> Certificate:
    detection = intake.source.detection
    files = {
        name: PartFile(draft.folder / f"{name}.jsonl", detection.shape, detection.mapping)
        for name in ALL_PARTS
        if written.counts[name]
    }
    return check_files(files, threshold=settings.threshold, groups=settings.group, emit=emit)


def _own_leaks(plan: Plan, written: WrittenParts, certificate: Certificate) -> pl.DataFrame:
    """Return the crossings but those among rows that an earlier split had put there."""
    found = certificate.crossings
    if not found.height:
        return found.with_columns(left=pl.lit(0), right=pl.lit(0))
    left, right = (
        written.of_lines(found[f"{side}_part"], found[f"{side}_row"]) for side in ("left", "right")
    )
    ends = {"left": np.minimum(left, right), "right": np.maximum(left, right)}
    own = ~(plan.old[left] & plan.old[right])
    return found.with_columns(pl.Series(name, values) for name, values in ends.items()).filter(own)


def _leaks_error(leaks: pl.DataFrame) -> JobError:
    first = leaks.row(0, named=True)
    return JobError(
        f"the written files leak: {leaks.height:,} pairs cross parts",
        where=f"by {first['by']}: line {first['left_row'] + 1} of {first['left_part']}.jsonl "
        f"and line {first['right_row'] + 1} of {first['right_part']}.jsonl",
        fix="this is a fault in tunewise; please report it with these two rows",
    )


def _account(
    draft: Draft, taken: Taken, plan: Plan, written: WrittenParts, settings: SplitSettings
) -> None:
    given = int((~plan.is_data & (plan.parts >= 0)).sum())
    looked_at = int(plan.is_data.sum()) + given
    counts = {name: written.counts[name] for name in (*ALL_PARTS, LEFT_OUT)}
    if sum(counts.values()) != looked_at or counts[LEFT_OUT] != plan.left_out.height:
        raise JobError(f"rows were lost while splitting: {counts} of {looked_at:,}")
    set_aside = taken.set_aside.height + (taken.test_set_aside if given else 0)
    draft.counts.update({name: counts[name] for name in PARTS})
    draft.counts.update({name: count for name, count in counts.items() if count})
    draft.counts["input"] = looked_at + set_aside
    draft.counts["set_aside"] = set_aside
    draft.counts["components"] = len(np.unique(plan.components[plan.parts >= 0]))
    draft.seeds["split"] = settings.seed
