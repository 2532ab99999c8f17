"""The figures of bias and balance of a dataset: measured here, judged by the checks.

They are taken twice, of the audited records and of the clean ones, so that what a cleaning does to
them can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from ..records import message_rows
from .associations import Association, measure_associations
from .mentions import GROUP_BITS, SIDES, flag_mentions
from .shares import Share, effective_number
from .terms import GROUPS, VERSION

LEAST_SUPPORT = 50
"""Records that mention anybody of a dimension; shares of fewer tell nothing."""

LEAST_GROUP = 100
LEAST_WORD = 20
LEAST_TOGETHER = 10
"""Support of an association: records with the group, with the word, and with both."""

MOST_FALSE = 0.05
"""Share of false discoveries among the associations that are told."""

_COLUMNS = ("label", "source", "group")
_MOST_VALUES = 20


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom one side speaks of, in one dimension.

    Attributes:
        side: ``user``, ``assistant`` or ``text``.
        dimension: such as ``gender``.
        anybody: records that mention any group of it.
        groups: the share of the records in which the side speaks that mention each group.
    """

    side: str
    dimension: str
    anybody: int
    groups: dict[str, Share]

    @property
    def most(self) -> str:
        """The group mentioned most."""
        return max(self.groups, key=lambda name: self.groups[name].count)


def measure_mentions(flags: pl.DataFrame) -> list[Mentions]:
    """Count whom each side speaks of.

    Args:
        flags: as :func:`.mentions.flag_mentions` returns them, of all records.

    Returns:
        One entry for each side that speaks and each dimension that it mentions at all.
    """
    measured: list[Mentions] = []
    for side in SIDES:
        values = flags[side].drop_nulls()
        if values.is_empty():
            continue
        for dimension, groups in GROUPS.items():
            bits = {group: 1 << GROUP_BITS[dimension, group] for group in groups}
            anybody = _having(values, sum(bits.values()))
            if anybody:
                shares = {name: Share(_having(values, bit), len(values))
                          for name, bit in bits.items()}  # fmt: skip
                measured.append(Mentions(side, dimension, anybody, shares))
    return measured


def is_told(association: Association, least_together: int = LEAST_TOGETHER) -> bool:
    """Tell whether an association has the support and the certainty to be spoken of."""
    return (
        association.both >= least_together
        and association.low > 0
        and association.p_adjusted < MOST_FALSE
    )


def bias_summary(records: pl.DataFrame) -> pl.DataFrame:
    """Return what the figures need to know of each record, in one small line.

    Args:
        records: frame of ``RECORD_SCHEMA``, all of the data or a piece.
    """
    messages = message_rows(records)
    words = messages.group_by("row").agg(
        words=pl.col("content").str.count_matches(r"\S+").fill_null(0).sum()
    )
    values = records.select("row", *_COLUMNS)
    return values.join(flag_mentions(messages), on="row", how="left", maintain_order="left").join(
        words, on="row", how="left", maintain_order="left"
    )


def bias_figures(pieces: Iterable[pl.DataFrame]) -> dict[str, Any]:
    """Measure bias and balance of records that come in pieces.

    Args:
        pieces: frames of ``RECORD_SCHEMA``.

    Returns:
        See :func:`describe_bias`.
    """
    return describe_bias(pl.concat([bias_summary(piece) for piece in pieces]))


def describe_bias(summary: pl.DataFrame) -> dict[str, Any]:
    """Describe bias and balance in plain values.

    Args:
        summary: what :func:`bias_summary` says of all records.

    Returns:
        ``terms`` (version of the word lists), ``records``, ``mentions: [{side, dimension, anybody,
        groups: [{group, records, of, share, low, high}]}]`` where the support suffices,
        ``associations: {tested, told: [...]}`` (see :class:`.associations.Association`), and
        ``balance: {label, source, group: {values, records, effective, largest: [{value, records,
        share}]}, words: {p50, p95, max}}``, null where no record has such a value.
    """
    flags = summary.filter(pl.col("occupations").is_not_null())
    associations = measure_associations(flags, least_group=LEAST_GROUP, least_word=LEAST_WORD)
    return {
        "terms": VERSION,
        "records": summary.height,
        "mentions": [
            {
                "side": item.side,
                "dimension": item.dimension,
                "anybody": item.anybody,
                "groups": [_describe_share(name, share) for name, share in item.groups.items()],
            }
            for item in measure_mentions(flags)
            if item.anybody >= LEAST_SUPPORT
        ],
        "associations": {
            "tested": len(associations),
            "told": [asdict(item) for item in associations if is_told(item)],
        },
        "balance": {
            **{name: _describe_values(summary[name]) for name in _COLUMNS},
            "words": _describe_words(summary["words"]),
        },
    }


def _having(values: pl.Series, bits: int) -> int:
    return int((values & pl.Series([bits], dtype=values.dtype) != 0).sum())


def _describe_share(name: str, share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"group": name, "records": share.count, "of": share.total, "share": share.value,
            "low": low, "high": high}  # fmt: skip


def _describe_values(values: pl.Series) -> dict[str, Any] | None:
    given = values.filter(values.str.contains(r"\S"))
    if given.is_empty():
        return None
    counts = given.value_counts().sort("count", given.name, descending=[True, False])
    return {
        "values": counts.height,
        "records": len(given),
        "effective": effective_number(counts["count"].to_list()),
        "largest": [
            {"value": value, "records": count, "share": count / len(given)}
            for value, count in counts.head(_MOST_VALUES).iter_rows()
        ],
    }


def _describe_words(words: pl.Series) -> dict[str, int] | None:
    if words.drop_nulls().is_empty():
        return None
    return {
        name: int(words.quantile(share, interpolation="lower") or 0)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
    }
