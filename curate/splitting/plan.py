"""Which part each row goes to, and which rows are left out, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ...workspace.errors import UsageError
from ..settings import SplitSettings
from .assign import assign_parts
from .direct_ties import direct_ties
from .growth import grow
from .parts import ALL_PARTS, OUT_OF_DOMAIN, PARTS, TEST, TRAIN, VAL
from .strata import Strata, choose_strata
from .ties import EXACT, NEAR, NORMALISED, PROMPT, Ties
from .time_order import read_times, time_parts
from .ways import HeldValues, out_of_domain_values

NOWHERE = -1
LEFT_OUT_SCHEMA = pl.Schema(
    {
        "position": pl.Int64,
        "by": pl.String,
        "related": pl.Int64,
        "jaccard": pl.Float64,
        "reason": pl.String,
    }
)
_SAID = {
    EXACT: "the same content",
    NORMALISED: "the same words",
    NEAR: "nearly the same words",
    PROMPT: "the same prompt",
}
_NO_TIME, _CONFLICT = "no time", "ties two parts"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which part each record goes to. Positions are those of the ties.

    Attributes:
        ties: the records, and what ties them together.
        is_data: which of them are the data; the others are of the kept test file or of the
            earlier split.
        parts: of each record the part that it is written to, -1 for none.
        shares: the wanted share of train, val and test; None for a part that was given.
        components: of each record the first of those that it stays together with.
        strata: the columns whose shares are told.
        balanced: whether these were kept in balance.
        left_out: the records of the data that are in no part: frame of :data:`LEFT_OUT_SCHEMA`.
        old: which records of the data were in the earlier split.
        facts: what the document tells of the way that the parts were chosen.
        notes: sentences for the reader.
    """

    ties: Ties
    is_data: np.ndarray
    parts: np.ndarray
    shares: tuple[float | None, ...]
    components: np.ndarray
    strata: Strata
    balanced: bool
    left_out: pl.DataFrame
    old: np.ndarray
    facts: dict[str, Any]
    notes: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return how many rows each part gets."""
        numbers = np.bincount(self.parts[self.parts >= 0], minlength=len(ALL_PARTS))
        counted = zip(ALL_PARTS, numbers.tolist(), strict=True)
        return {part: number for part, number in counted if number}


def wanted_columns(settings: SplitSettings) -> tuple[str, ...]:
    """Return the columns whose values decide anything."""
    names = [*settings.stratify]
    if settings.by_time is not None:
        names.append(settings.by_time)
    if settings.leave_out is not None:
        names.append(HeldValues.parse([settings.leave_out]).column)
    if settings.out_of_domain:
        names.append(HeldValues.parse(settings.out_of_domain).column)
    return tuple(dict.fromkeys(names))


def make_plan(ties: Ties, settings: SplitSettings, usual_label: str) -> Plan:
    """Decide about every record.

    Args:
        ties: the records; those with a part are of the kept test file or the earlier split.
        settings: what is wanted, of one split.
        usual_label: what the source calls the label.

    Raises:
        UsageError: a part would stay empty, or what was named is not there.
    """
    draft = _Draft(ties, settings)
    times = _take_times(draft)
    if settings.against is not None:
        _join_earlier(draft)
    _hold_out(draft)
    _take_fold(draft)
    counted = draft.is_data & ~draft.gone
    strata = choose_strata(ties, settings.stratify, counted, usual_label)
    shares = _open_shares(settings)
    if times is None:
        _divide(draft, strata, shares)
    else:
        _divide_by_time(draft, times, shares)
    is_written = counted | (~draft.is_data & (settings.keep_test is not None))
    components = ties.components(is_written)
    _refuse_empty(draft, components, shares)
    return Plan(
        ties=ties,
        is_data=draft.is_data,
        parts=np.where(is_written, draft.parts, NOWHERE),
        shares=_wanted_shares(draft, shares, is_written),
        components=components,
        strata=strata,
        balanced=times is None,
        left_out=pl.concat([pl.DataFrame(schema=LEFT_OUT_SCHEMA), *draft.left_out]).sort(
            "position"
        ),
        old=draft.old & draft.is_data,
        facts=draft.facts,
        notes=tuple(draft.notes),
    )


@dataclass(slots=True)
class _Draft:
    """A plan while it is made: the part of each record, -1 for none yet."""

    ties: Ties
    settings: SplitSettings
    is_data: np.ndarray = field(init=False)
    parts: np.ndarray = field(init=False)
    old: np.ndarray = field(init=False)
    gone: np.ndarray = field(init=False)
    left_out: list[pl.DataFrame] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the parts that are given."""
        given = self.ties.rows["part"]
        self.is_data = given.is_null().to_numpy()
        numbers = {name: number for number, name in enumerate(ALL_PARTS)}
        parts = given.replace_strict(numbers, default=NOWHERE, return_dtype=pl.Int64)
        self.parts = parts.to_numpy().copy()
        self.old = np.zeros(self.ties.height, dtype=bool)
        self.gone = np.zeros(self.ties.height, dtype=bool)

    @property
    def free(self) -> np.ndarray:
        """Which records of the data have no part yet."""
        return self.is_data & ~self.gone & (self.parts == NOWHERE)

    def leave_out(self, hits: pl.DataFrame) -> None:
        """Take records out of the split, for good."""
        gone = hits["position"].to_numpy()
        self.gone[gone] = True
        self.parts[gone] = NOWHERE
        self.left_out.append(hits.select(*LEFT_OUT_SCHEMA))


def _take_times(draft: _Draft) -> np.ndarray | None:
    """Read the times, and leave out the records without one."""
    column = draft.settings.by_time
    if column is None:
        return None
    times = read_times(draft.ties.values[column])
    missing = np.flatnonzero(np.isnan(times) & draft.is_data)
    if len(missing) == draft.is_data.sum():
        raise UsageError(
            f"no value of {column!r} can be read as a time",
            where="[split] by_time",
            fix="name a column of ISO 8601 times, or of seconds or milliseconds since 1970",
        )
    hits = pl.DataFrame({"position": missing}).select(
        "position",
        by=pl.lit(_NO_TIME),
        related=pl.lit(None, dtype=pl.Int64),
        jaccard=pl.lit(None, dtype=pl.Float64),
        reason=pl.lit(f"{column} is no time, so it cannot be told which side it belongs to"),
    )
    draft.leave_out(hits)
    return times


def _join_earlier(draft: _Draft) -> None:
    """Keep what was split before where it was, and what is tied to it with it."""
    earlier = np.where(draft.is_data, NOWHERE, draft.parts)
    growth = grow(draft.ties, earlier)
    draft.parts, draft.old = growth.parts, growth.old
    hits = growth.left_out.select(
        "position",
        by=pl.lit(_CONFLICT),
        related="one",
        jaccard=pl.lit(None, dtype=pl.Float64),
    )
    draft.leave_out(hits.with_columns(_both_named(draft, growth.left_out)))
    data = draft.is_data & ~draft.gone
    content = draft.ties.keys[EXACT]
    kept = content.filter(pl.Series(draft.is_data)).unique()
    missing = content.filter(pl.Series(~draft.is_data)).is_in(kept.implode())
    draft.facts["against"] = {
        "old": int((data & draft.old).sum()),
        "joined": int((data & ~draft.old & (draft.parts != NOWHERE)).sum()),
        "new": int((data & (draft.parts == NOWHERE)).sum()),
        "left_out": growth.left_out.height,
        "not_in_data": int((~missing).sum()),
    }


def _both_named(draft: _Draft, conflicts: pl.DataFrame) -> pl.Series:
    """Say which two records of different parts would come together."""
    return pl.Series(
        "reason",
        [
            f"it would tie {_place(draft, one)} and {_place(draft, other)} together"
            for one, other in conflicts.select("one", "other").iter_rows()
        ],
        dtype=pl.String,
    )


def _place(draft: _Draft, position: int) -> str:
    row = draft.ties.rows["row"][position]
    of = "" if draft.is_data[position] else " of the earlier split"
    return f"row {row} ({ALL_PARTS[draft.parts[position]]}{of})"


def _hold_out(draft: _Draft) -> None:
    """Fix the test part or the part out of domain, and leave out what leaks into them."""
    settings, ties = draft.settings, draft.ties
    if settings.leave_out is not None:
        held = HeldValues.parse([settings.leave_out])
        chosen = _has_value(ties, held.column, held.values) & draft.free
        if not chosen.any():
            raise UsageError(
                f"no row has {settings.leave_out}",
                where="[split] leave_out",
                fix=f"give {held.column}=VALUE with a value that rows have",
            )
        draft.parts[chosen] = TEST
        draft.facts["leave_out"] = {"column": held.column, "value": held.values[0]}
    if settings.out_of_domain:
        held = HeldValues.parse(settings.out_of_domain)
        inside = ties.values[held.column].filter(pl.Series(draft.is_data & ~draft.gone))
        values = out_of_domain_values(held, inside, settings)
        draft.parts[_has_value(ties, held.column, values) & draft.free] = OUT_OF_DOMAIN
        draft.facts["out_of_domain"] = {"column": held.column, "values": list(values)}
    if settings.leave_out is not None or settings.keep_test is not None:
        _leave_out_leaks(draft, TEST)
    if settings.out_of_domain:
        _leave_out_leaks(draft, OUT_OF_DOMAIN)


def _has_value(ties: Ties, column: str, values: Sequence[str]) -> np.ndarray:
    return ties.values[column].is_in(list(values)).fill_null(value=False).to_numpy()


def _leave_out_leaks(draft: _Draft, part: int) -> None:
    fixed = (draft.parts == part) & ~draft.gone
    others = draft.free
    if part == TEST:
        others = others | (draft.is_data & (draft.parts == OUT_OF_DOMAIN))
    tied = direct_ties(draft.ties, fixed, others)
    what = pl.col("by").replace_strict(_SAID, default="the same " + pl.col("by").str.slice(6))
    draft.leave_out(tied.with_columns(reason=what + f" as a row of {ALL_PARTS[part]}"))


def _take_fold(draft: _Draft) -> None:
    """Put the rows of one fold into the test part."""
    folds, fold = draft.settings.folds, draft.settings.fold
    if folds is None or fold is None:
        return
    free = np.flatnonzero(draft.free)
    strata = choose_strata(draft.ties, draft.settings.stratify, draft.free, "")
    numbers = _assign(draft, free, strata, [1 / folds] * folds)
    sizes = np.bincount(numbers, minlength=folds)
    if not sizes.all():
        components = len(np.unique(draft.ties.components(draft.free)[free]))
        raise UsageError(
            f"{len(free):,} rows in {components:,} components cannot fill {folds} folds",
            where="[split] folds",
            fix="ask for fewer folds, or give more rows",
        )
    draft.parts[free[numbers == fold - 1]] = TEST
    draft.facts["fold"] = {"number": fold, "of": folds, "rows": sizes.tolist()}


def _assign(
    draft: _Draft,
    positions: np.ndarray,
    strata: Strata,
    shares: Sequence[float],
    fixed: np.ndarray | None = None,
) -> np.ndarray:
    components = draft.ties.components(draft.free)[positions]
    order = draft.ties.rows["order"].to_numpy()[positions]
    return assign_parts(components, strata.codes()[positions], order, shares, fixed)


def _test_is_given(settings: SplitSettings) -> bool:
    return bool(settings.leave_out or settings.keep_test or settings.folds)


def _open_shares(settings: SplitSettings) -> tuple[float, ...]:
    """Return the shares of the parts that rows are still divided among."""
    train, val, test = settings.ratios
    if _test_is_given(settings):
        return train / (train + val), val / (train + val), 0.0
    return train, val, test


def _divide(draft: _Draft, strata: Strata, shares: Sequence[float]) -> None:
    """Assign what is free; what has one of these parts already counts for their shares."""
    open_parts = [part for part, share in enumerate(shares) if share > 0]
    held = draft.is_data & np.isin(draft.parts, open_parts)
    positions = np.flatnonzero(draft.free | held)
    fixed = draft.parts[positions]
    draft.parts[positions] = _assign(draft, positions, strata, shares, fixed)


def _divide_by_time(draft: _Draft, times: np.ndarray, shares: Sequence[float]) -> None:
    free = np.flatnonzero(draft.free)
    components = draft.ties.components(draft.free)[free]
    ordered = time_parts(components, times[free], shares)
    draft.parts[free] = ordered.parts
    column = draft.settings.by_time or ""
    texts = draft.ties.values[column]
    borders = {
        PARTS[part]: texts.filter(pl.Series(times == border)).min()
        for part, border in ordered.borders.items()
    }
    draft.facts["by_time"] = {
        "column": column,
        "from": borders,
        "straddling": ordered.straddling,
        "older": {PARTS[part]: count for part, count in ordered.older.items()},
    }
    if ordered.straddling:
        older = " and ".join(f"{rows:,} in {PARTS[part]}" for part, rows in ordered.older.items())
        draft.notes.append(
            f"{ordered.straddling:,} components straddle a border in time; they went to its later "
            f"side, which brought older rows there: {older}"
        )


def _refuse_empty(draft: _Draft, components: np.ndarray, shares: Sequence[float]) -> None:
    written = draft.is_data & ~draft.gone
    empty = [
        PARTS[part]
        for part, share in enumerate(shares)
        if share > 0 and not (written & (draft.parts == part)).any()
    ]
    if not empty:
        return
    if draft.settings.against is not None:
        draft.notes.append(f"no row of the data is in {' or '.join(empty)}")
        return
    names = [PARTS[part] for part, share in enumerate(shares) if share > 0]
    rows = int(written.sum())
    time = " and their times" if draft.settings.by_time is not None else ""
    raise UsageError(
        f"{' and '.join(empty)} would be empty: {rows:,} rows in "
        f"{len(np.unique(components[written])):,} components{time} cannot fill "
        f"{', '.join(names)}",
        where="[split] ratios",
        fix="give more rows, or raise the share of that part, or set it to 0; rows of one "
        "component (copies, near-duplicates, one prompt, one group) stay together",
    )


def _wanted_shares(
    draft: _Draft, shares: Sequence[float], is_written: np.ndarray
) -> tuple[float | None, ...]:
    """Return the shares of all rows in train, val and test that were wanted."""
    settings = draft.settings
    if not _test_is_given(settings):
        return tuple(shares)
    if settings.folds:
        rest, test = 1 - 1 / settings.folds, 1 / settings.folds
    else:
        inside = draft.parts[is_written & (draft.parts >= TRAIN) & (draft.parts <= TEST)]
        rest, test = float((inside != TEST).mean()), None
    return rest * shares[TRAIN], rest * shares[VAL], test
