"""What the settings ask for: one way to choose the test part, and which rows are held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import polars as pl

from ...workspace.errors import UsageError
from ..settings import SplitSettings

MOST_VALUES = 100
"""Values of a column that may be left out one after the other, each in a split of its own."""

_WAYS = ("by_time", "folds", "leave_out", "keep_test", "against")


@dataclass(frozen=True, slots=True)
class HeldValues:
    """Values of a column; none where only the column was named."""

    column: str
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> HeldValues:
        """Read ``COLUMN=VALUE``, several of one column, or ``COLUMN``.

        Example:
            >>> HeldValues.parse(["topic=billing", "topic=returns"])
            HeldValues(column='topic', values=('billing', 'returns'))
        """
        pairs = [text.partition("=") for text in texts]
        values = tuple(value for _, sign, value in pairs if sign)
        return cls(pairs[0][0], values)


def check_settings(settings: SplitSettings) -> None:
    """Refuse settings that contradict each other.

    Raises:
        UsageError: they do.
    """
    given = [name for name in _WAYS if getattr(settings, name) is not None]
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(given)} exclude each other: each of them says what the test part is",
            where="[split]",
            fix="give one of them",
        )
    if settings.by_time is not None and settings.stratify:
        raise UsageError(
            "by_time and stratify exclude each other: where time decides, nothing can be balanced",
            where="[split]",
            fix="give one of them",
        )
    if settings.fold is not None and (settings.folds is None or settings.fold > settings.folds):
        raise UsageError(
            f"there is no fold {settings.fold}: "
            + (f"folds is {settings.folds}" if settings.folds else "folds is not given"),
            where="[split] fold",
            fix="give folds, and as fold a number from 1 to folds",
        )
    if len({name.partition("=")[0] for name in settings.out_of_domain}) > 1:
        raise UsageError(
            "out_of_domain takes values of one column",
            where=f"[split] out_of_domain = {', '.join(settings.out_of_domain)}",
            fix="name values of one column, such as topic=billing and topic=returns",
        )


def is_one_split(settings: SplitSettings) -> bool:
    """Tell whether the settings stand for one split, not one for each fold or value."""
    every_fold = settings.folds is not None and settings.fold is None
    every_value = settings.leave_out is not None and "=" not in settings.leave_out
    return not (every_fold or every_value)


def single_settings(settings: SplitSettings, values: pl.Series | None) -> Iterator[SplitSettings]:
    """Yield the settings of each split: of every fold, or of every value that is left out.

    Args:
        settings: of all of them.
        values: of the column that ``leave_out`` names.

    Raises:
        UsageError: too many values, or a single one.
    """
    if settings.folds is not None:
        for fold in range(1, settings.folds + 1):
            yield settings.model_copy(update={"fold": fold})
        return
    if values is None:
        yield settings
        return
    distinct = values.drop_nulls().unique().sort()
    if not 2 <= len(distinct) <= MOST_VALUES:
        raise UsageError(
            f"{settings.leave_out} has {len(distinct):,} different values; 2 to {MOST_VALUES} can "
            "be left out one after the other",
            where="[split] leave_out",
            fix=f"name one, as {settings.leave_out}=VALUE, or use folds with "
            f"{settings.leave_out} as group",
        )
    for value in distinct:
        yield settings.model_copy(update={"leave_out": f"{settings.leave_out}={value}"})


def out_of_domain_values(
    held: HeldValues, values: pl.Series, settings: SplitSettings
) -> tuple[str, ...]:
    """Return the values that are held out: those named, or a choice by the seed.

    The choice goes through the values in an order that the seed decides, and takes each that
    still fits into the wanted share of the rows; where none fits, the rarest.

    Args:
        held: the column and the values that were named.
        values: of the rows in question; null where a row has none.
        settings: the share and the seed.

    Raises:
        UsageError: no row has such a value, or all have.
    """
    counts = values.drop_nulls().value_counts(sort=False)
    known = dict(counts.iter_rows())
    missing = [value for value in held.values if value not in known]
    if missing:
        raise UsageError(
            f"no row has {held.column}={missing[0]}",
            where="[split] out_of_domain",
            fix=f"it is one of: {', '.join(sorted(known, key=known.__getitem__)[-5:])}",
        )
    if len(known) < 2:
        raise UsageError(
            f"{held.column} has {len(known)} value: nothing can be held out",
            where="[split] out_of_domain",
            fix="name a column with several values, such as a topic or a source",
        )
    if held.values:
        return held.values
    room = settings.out_of_domain_share * len(values)
    salt = blake2b(str(settings.seed).encode(), digest_size=16).digest()
    chosen: list[str] = []
    for value in sorted(known, key=lambda value: blake2b(value.encode(), salt=salt).digest()):
        if known[value] <= room and len(chosen) < len(known) - 1:
            chosen.append(value)
            room -= known[value]
    return tuple(sorted(chosen)) or (min(known, key=lambda value: (known[value], value)),)
