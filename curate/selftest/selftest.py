"""A self-test: defects planted into sound rows of the user's own data, and what the checks find."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, produce
from ...workspace.events import Emit, Note, counting, ignore
from ...workspace.files import write_json
from ...workspace.manifest import Input
from ..auditing.audit import inputs_of
from ..checks.registry import choose_checks, known_checks
from ..contamination import BenchmarkItem
from ..outcome import FAILED, RAN
from ..reading.read import open_source
from ..reading.source_files import find_files
from ..settings import AuditSettings, DataSettings
from ..shapes.record_frame import records_of
from ..shapes.rows import Record, layout_of_detection
from .auditor import LEAST_SPOTLESS, Auditor, known_findings, sound_records
from .document import CheckRecord, describe_selftest, write_tables
from .plantings.planting import Ground, Planting, TrialKind
from .plantings.registry import ALL_PLANTINGS, ALL_TRIALS
from .rounds import Round, line_bytes, plant_rounds
from .sampling import Sample, sample_records
from .score import FalseAlarm, Outcome, score_round, score_trial

SPARE_SHARE = 0.15
"""Share of the rows that only lend their texts: what borrows from them is like no other row."""

# Findings of these say something of two rows: neither of them is a place for another defect.
_OF_TWO_ROWS = ("duplicates", "labels")


@dataclass(frozen=True, slots=True)
class SelftestSettings:
    """How much is planted.

    Attributes:
        rows: at most so many rows of the source are used.
        per_check: defects for each check, and as many look-alikes.
        trials: datasets out of balance, and as many that are not, for each check of the whole.
        seed: decides which rows, and what is planted where.
    """

    rows: int = 2000
    per_check: int = 20
    trials: int = 5
    seed: int = 17


def selftest(
    workspace: Workspace,
    paths: Sequence[str | Path],
    settings: SelftestSettings,
    auditing: AuditSettings,
    data: DataSettings | None = None,
    *,
    benchmarks: Sequence[BenchmarkItem] = (),
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Plant defects into a sample of a source and measure which of them the audit finds.

    Args:
        workspace: where to write.
        paths: files, folders and globs that make up the source.
        settings: how much is planted.
        auditing: which checks are tested, and how they are tuned.
        data: how the rows are to be understood; detected by default.
        benchmarks: items to plant for ``contamination/benchmark``.
        force: do it again even if it is done.
        emit: told about progress.

    Returns:
        An artifact of kind ``selftest`` with ``selftest.json``, ``outcomes.parquet``,
        ``false_alarms.parquet`` and the rows of every round in ``rounds/``.

    Raises:
        UsageError: an unknown check, parameter or shape.
        DataError: the source cannot be read, or holds no row that can be understood.
    """
    data = data or DataSettings()
    checks = choose_checks(auditing.checks, auditing.skip, known_checks(auditing.rules))
    inputs = inputs_of(find_files(paths), checks, auditing, benchmarks)

    def build(draft: Draft) -> None:
        opened = open_source(
            paths, shape=data.shape, mapping=data.mapping or None, encoding=data.encoding
        )
        emit(Note(text=f"read as {opened.detection.shape}: {opened.detection.reason}"))
        layout = layout_of_detection(opened.detection)
        drawn = int(settings.rows / (1 - SPARE_SHARE))
        sample = sample_records(opened, drawn, settings.seed, emit)
        records, spare = _with_spare(tuple(records_of(sample.records, layout)), settings.seed)
        names = tuple(check.name for check in checks)
        auditor = Auditor(
            draft.folder,
            auditing.model_copy(update={"skip": (), "fail_on": "never", "processes": 1}),
            DataSettings(shape=layout.shape.name, mapping=opened.detection.mapping),
            benchmarks,
        )
        ground = Ground(
            kind=layout.shape.kind,
            layout=layout,
            records=records,
            spare=sound_records(spare, layout, auditor, names),
            benchmarks=benchmarks,
            context_length=auditing.context_length,
            has_tokenizer=auditing.tokenizer is not None,
        )
        tested = _Selftest(ground, settings, names, auditor, emit).run()
        auditor.tidy_up()
        draft.seeds["selftest"] = settings.seed
        _write(draft, inputs[0], opened.format, layout.shape.name, sample, len(records),
               settings, tested)  # fmt: skip

    return produce(
        workspace,
        "selftest",
        build,
        inputs=inputs,
        parameters={
            "settings": asdict(settings),
            "version": version("tunewise"),
            "checks": sorted(check.name for check in checks),
            "rules": [rule.model_dump() for rule in auditing.rules],
            "parameters": {name: dict(values) for name, values in auditing.parameters.items()},
            "context_length": auditing.context_length,
            "shape": data.shape,
            "encoding": data.encoding,
            "mapping": dict(data.mapping),
        },
        force=force,
        emit=emit,
    )


@dataclass(slots=True)
class Tested:
    """What a self-test measured.

    Attributes:
        rounds: number of rounds.
        trials: number of trials.
        planted: kinds that were planted, with how many.
        impossible: kinds for which no row had what they need.
        outcomes: of every defect and check.
        false_alarms: of every check.
        records: how each check fared, by name.
    """

    rounds: int = 0
    trials: int = 0
    planted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    impossible: list[Planting | TrialKind] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    false_alarms: list[FalseAlarm] = field(default_factory=list)
    records: dict[str, CheckRecord] = field(default_factory=dict)


@dataclass(slots=True)
class _Selftest:
    """A self-test at work.

    Attributes:
        ground: the sound rows.
        settings: how much is planted.
        checks: names of the checks that are tested.
        auditor: audits what was planted.
        emit: told about progress.
    """

    ground: Ground
    settings: SelftestSettings
    checks: tuple[str, ...]
    auditor: Auditor
    emit: Emit
    _tested: Tested = field(default_factory=Tested)

    def run(self) -> Tested:
        """Audit the sound rows, then round after round with defects, then whole datasets."""
        tested = self._tested
        tested.records = {name: CheckRecord(name) for name in self.checks}
        clean = [line_bytes(record, self.ground.layout) for record in self.ground.records]
        before = self.auditor.look("sound", clean, self.checks)
        self._note_status(before.checks)
        known = known_findings(
            self.auditor, clean, self.checks, before.findings, self.settings.seed
        )
        self._run_rounds(before.findings, known)
        self._run_trials(before.findings)
        return tested

    def _run_rounds(self, before: pl.DataFrame, known: set[tuple[str, int]]) -> None:
        wanted = wanted_plantings(self.checks, self.ground.kind, self.settings.per_check)
        pairs = before.filter(
            pl.col("check").str.extract(r"^(\w+)/").is_in(_OF_TWO_ROWS)
            | pl.col("related_row").is_not_null()
        )
        taken = {*pairs["row"].drop_nulls(), *pairs["related_row"].drop_nulls()}
        rows = len(self.ground.records)
        spotless = set(range(rows)) - taken - {row for _, row in known}
        are_enough = len(spotless) >= rows * LEAST_SPOTLESS

        counted = set(known)

        def is_sound(row: int, planting: Planting) -> bool:
            if are_enough:
                return row in spotless
            return row not in taken and not any((name, row) in known for name in planting.checks)

        with counting(self.emit, "testing", unit="rounds") as counter:
            rounds = plant_rounds(self.ground, wanted, is_sound, self.settings.seed)
            for number, planted in enumerate(rounds, start=1):
                self._run_round(number, planted, counted)
                counter.advance()
        self._tested.impossible += [
            planting for planting in wanted if planting.name not in self._tested.planted
        ]

    def _run_round(self, number: int, planted: Round, known: set[tuple[str, int]]) -> None:
        tested = self._tested
        seen = self.auditor.look(f"{number:02}", planted.lines, self.checks)
        self._note_status(seen.checks)
        ran = [item["check"] for item in seen.checks if item["status"] == RAN]
        score = score_round(number, planted, seen.findings, seen.records, known, ran)
        tested.rounds = number
        tested.outcomes += score.outcomes
        tested.false_alarms += score.false_alarms
        # The rows come again in every round: what is said of one as it was counts once.
        grounds = {place: row for row, place in enumerate(planted.places)}
        known |= {
            (alarm.check, grounds[alarm.row])
            for alarm in score.false_alarms
            if alarm.kind is None and alarm.row in grounds
        }
        for check, count in score.alike.items():
            tested.records[check].alike += count
        for item in planted.placed:
            tested.planted[item.planting.name] += 1

    def _run_trials(self, before: pl.DataFrame) -> None:
        kinds = [kind for kind in ALL_TRIALS if kind.check in self.checks]
        random = Random(self.settings.seed)
        with counting(self.emit, "whole datasets", total=len(kinds), unit="kinds") as counter:
            for kind in kinds:
                named = set(before.filter(check=kind.check)["related"].drop_nulls())
                if not self._run_trials_of(kind, named, random):
                    self._tested.impossible.append(kind)
                counter.advance()

    def _run_trials_of(self, kind: TrialKind, before: set[str], random: Random) -> bool:
        tested = self._tested
        if self.ground.kind not in kind.kinds:
            return False
        for _ in range(self.settings.trials):
            made = kind.make(self.ground, random)
            if made is None:
                return False
            lines = [line_bytes(line, self.ground.layout) for line in made.lines]
            tested.trials += 1
            name = f"trial-{tested.trials:02}"
            seen = self.auditor.look(name, lines, [kind.check])
            self._note_status(seen.checks)
            outcomes, alarms = score_trial(tested.trials, kind, made.named, seen.findings, before)
            tested.outcomes += outcomes
            tested.false_alarms += alarms
            tested.planted[kind.name] += 1
            tested.records[kind.check].alike += made.named is None
        return True

    def _note_status(self, ended: Iterable[Mapping[str, Any]]) -> None:
        """Keep the best that can be said of each check: failed, else ran, else skipped."""
        for item in ended:
            record = self._tested.records[item["check"]]
            if record.status != FAILED and (item["status"] in (FAILED, RAN) or not record.status):
                record.status, record.reason = item["status"], item["reason"]


def _with_spare(
    records: tuple[Record, ...], seed: int
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Part the rows that are planted into from those that lend texts."""
    drawn = Random(seed).sample(range(len(records)), max(1, int(len(records) * SPARE_SHARE)))
    spare = set(drawn)
    kept = tuple(record for number, record in enumerate(records) if number not in spare)
    return kept or records, tuple(records[number] for number in drawn)


def wanted_plantings(checks: Sequence[str], kind: str, per_check: int) -> dict[Planting, int]:
    """Share the number of defects and look-alikes of each check out among their kinds.

    Args:
        checks: names of the checks that are tested.
        kind: of the records.
        per_check: how many defects, and how many look-alikes, each check gets.

    Returns:
        The plantings that measure any of the checks in this kind of records, with how many.
    """
    chosen = set(checks)
    fitting = [item for item in ALL_PLANTINGS if kind in item.kinds and chosen & {*item.checks}]
    kinds_of: dict[str, int] = defaultdict(int)
    for planting in fitting:
        for check in planting.finds:
            kinds_of[f"+{check}"] += 1
        for check in planting.resembles:
            kinds_of[f"-{check}"] += 1

    def share(planting: Planting) -> int:
        signed = [f"+{check}" for check in planting.finds if check in chosen]
        signed += [f"-{check}" for check in planting.resembles if check in chosen]
        return max(-(-per_check // kinds_of[name]) for name in signed)

    return {planting: share(planting) for planting in fitting}


def _write(
    draft: Draft,
    source: Input,
    file_format: str,
    shape: str,
    sample: Sample,
    used: int,
    settings: SelftestSettings,
    tested: Tested,
) -> None:
    dataset = {
        "paths": source.path.split("\n"),
        "format": file_format,
        "shape": shape,
        "sha256": source.sha256,
        "rows": sample.rows,
        "set_aside": sample.set_aside,
        "used": used,
    }
    draft.counts |= {
        "rows": sample.rows,
        "used": used,
        "rounds": tested.rounds,
        "trials": tested.trials,
        "planted": sum(tested.planted.values()),
        "false_alarms": len(tested.false_alarms),
    }
    write_tables(draft.folder, tested.outcomes, tested.false_alarms)
    document = describe_selftest(
        dataset,
        asdict(settings),
        tested.records,
        tested.outcomes,
        tested.false_alarms,
        tested.planted,
        tested.impossible,
    )
    document |= {"rounds": tested.rounds, "trials": tested.trials}
    write_json(draft.folder / "selftest.json", document)
