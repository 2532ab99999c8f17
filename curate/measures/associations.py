"""Which occupations and qualities stand with which groups more than chance would have it.

For every dimension only records that mention exactly one of its groups are looked at: where two
are mentioned it cannot be told whom a word belongs to, and long records, which mention more of
everything, do not make all words look associated with all groups. Of records with the same text
only the first counts.

Of a group and a word, *normalised pointwise mutual information* (Bouma 2009, "Normalized
(pointwise) mutual information in collocation extraction") is

    nPMI = ln(p(g, w) / (p(g) p(w))) / -ln p(g, w)

over these records: 1 where they always stand together, 0 where they are independent, -1 where they
never meet. Its 95 % interval is the percentile interval of a bootstrap over records. To draw
records with replacement is to draw the four cells of their table from a multinomial distribution,
so that no record need be touched again. Whether a pair is more than chance is tested by Fisher's
exact test, one-sided, with the p values adjusted for all pairs looked at (Benjamini and Hochberg
1995, "Controlling the false discovery rate").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .mentions import GROUP_BITS, OCCUPATION_BITS, REGARD_BITS, SIDES
from .terms import GROUPS

_DRAWS = 2000
_SEED = 20_090_930
_WORDS = {"occupations": OCCUPATION_BITS, "regard": REGARD_BITS}


@dataclass(frozen=True, slots=True)
class Association:
    """How a word and a group stand together.

    Attributes:
        dimension: such as ``gender``.
        group: such as ``women``.
        family: ``occupations`` or ``regard``.
        word: an occupation, or a quality.
        both: records that mention this group alone, and the word.
        with_group: records that mention this group alone.
        with_word: records that mention any one group of the dimension alone, and the word.
        total: records that mention any one group of the dimension alone.
        npmi: normalised pointwise mutual information.
        low: lower end of its 95 % interval.
        high: upper end.
        p: of Fisher's exact test that they stand together no more than chance would have it.
        p_adjusted: after Benjamini and Hochberg, over all pairs looked at.
    """

    dimension: str
    group: str
    family: str
    word: str
    both: int
    with_group: int
    with_word: int
    total: int
    npmi: float
    low: float
    high: float
    p: float
    p_adjusted: float


def measure_associations(
    flags: pl.DataFrame, *, least_group: int, least_word: int, draws: int = _DRAWS
) -> list[Association]:
    """Measure every pair of group and word that has the support to be measured.

    Args:
        flags: as :func:`.mentions.flag_mentions` returns them, of all records.
        least_group: records with the group that a pair must have to be looked at.
        least_word: records with the word that a pair must have to be looked at. Which pairs are
            looked at does not depend on how often the two meet, so that the correction holds.
        draws: of the bootstrap.
    """
    pairs = [
        (dimension, group, family, word, counts)
        for dimension in GROUPS
        for group, family, word, counts in _tables(flags, dimension)
        if counts.with_group >= least_group and counts.with_word >= least_word
    ]
    if not pairs:
        return []
    from scipy.stats import false_discovery_control, hypergeom

    tables = [counts for *_, counts in pairs]
    p = np.array(
        [
            hypergeom.sf(table.both - 1, table.total, table.with_group, table.with_word)
            for table in tables
        ]
    )
    adjusted = false_discovery_control(p, method="bh")
    generator = np.random.default_rng(_SEED)
    return [
        Association(
            dimension, group, family, word,
            table.both, table.with_group, table.with_word, table.total,
            float(_npmi(table.cells[None, :])[0]),
            *_interval(table.cells, generator, draws),
            float(raw),
            float(corrected),
        )
        for (dimension, group, family, word, table), raw, corrected in zip(
            pairs, p, adjusted, strict=True
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """How often a group and a word meet."""

    both: int
    with_group: int
    with_word: int
    total: int

    @property
    def cells(self) -> NDArray[np.int64]:
        """Both, the group alone, the word alone, neither."""
        group_alone, word_alone = self.with_group - self.both, self.with_word - self.both
        return np.array(
            [self.both, group_alone, word_alone, self.total - self.both - group_alone - word_alone]
        )


def _tables(flags: pl.DataFrame, dimension: str) -> Iterator[tuple[str, str, str, _Table]]:
    """Yield group, family, word and their table for all pairs of a dimension."""
    of_group = {group: GROUP_BITS[dimension, group] for group in GROUPS[dimension]}
    together = (
        _of_one_group(flags, dimension)
        .group_by("groups", *_WORDS)
        .agg(records=pl.len().cast(pl.Int64))
        .sort("groups", *_WORDS)
    )
    total = int(together["records"].sum())
    if not total:
        return
    records = together["records"].to_numpy()
    mentioned = together["groups"].to_numpy()
    for family, bits in _WORDS.items():
        words = together[family].to_numpy()
        for word, position in bits.items():
            has_word = (words >> np.uint64(position)) & np.uint64(1) == 1
            with_word = int(records[has_word].sum())
            for group, bit in of_group.items():
                has_group = mentioned == 1 << bit
                yield (
                    group,
                    family,
                    word,
                    _Table(
                        both=int(records[has_word & has_group].sum()),
                        with_group=int(records[has_group].sum()),
                        with_word=with_word,
                        total=total,
                    ),
                )


def example_rows(flags: pl.DataFrame, association: Association) -> pl.Series:
    """Return the rows that mention an association's group alone, and its word."""
    own = GROUP_BITS[association.dimension, association.group]
    word = _WORDS[association.family][association.word]
    return _of_one_group(flags, association.dimension).filter(
        pl.col("groups") == 1 << own,
        (pl.col(association.family) & pl.lit(1 << word, dtype=pl.UInt64)) != 0,
    )["row"]


def _of_one_group(flags: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Return the records that mention one group of a dimension alone; of equal records the first.

    Equal records are no independent evidence.
    """
    mask = sum(1 << GROUP_BITS[dimension, group] for group in GROUPS[dimension])
    anybody = pl.lit(0, dtype=pl.UInt32)
    for side in SIDES:
        anybody = anybody | pl.col(side).fill_null(0)
    return (
        flags.select(
            "row",
            "content",
            groups=anybody & pl.lit(mask, dtype=pl.UInt32),
            occupations=pl.col("occupations").cast(pl.UInt64),
            regard=pl.col("regard").cast(pl.UInt64),
        )
        .filter(pl.col("groups").bitwise_count_ones() == 1)
        .unique("content", keep="first", maintain_order=True)
    )


def _npmi(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the nPMI of tables, one a line; of a pair that never meets, or cannot, -1."""
    counts = cells.astype(np.float64)
    total = counts.sum(axis=1)
    both = counts[:, 0] / total
    with_group = (counts[:, 0] + counts[:, 1]) / total
    with_word = (counts[:, 0] + counts[:, 2]) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(both / (with_group * with_word)) / -np.log(both)
    value = np.where(both == 1, 1.0, value)
    return np.where(both == 0, -1.0, value)


def _interval(
    cells: NDArray[np.int64], generator: np.random.Generator, draws: int
) -> tuple[float, float]:
    total = int(cells.sum())
    drawn = _npmi(generator.multinomial(total, cells / total, size=draws))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
