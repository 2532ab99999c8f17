"""Occupations and qualities that stand with one group more than chance would have it.

For each dimension of :mod:`..terms` only records that mention exactly one of its groups are looked
at, and of equal records one. Of every group and word with support, normalised pointwise mutual
information (Bouma 2009), its 95 % bootstrap interval over records, and Fisher's exact test with
p values after Benjamini and Hochberg (1995) over all pairs looked at: see :mod:`..associations`.
Told are pairs that meet in enough records, whose interval lies above 0, and whose adjusted p is
below 5 %. Qualities are families of words: competence, warmth, criminality and others.

Evidence: findings are about the dataset, without a row; ``related_row`` is a record in which both
stand, ``related`` is ``group × word``, ``score`` the nPMI. Associations with qualities that degrade
(incompetence, coldness, criminality) are of low severity.

Fix: none; more rows of the other groups, or fewer of this one, change the figure.

Limits: that two words stand in one record does not say that one speaks of the other. English words
alone. Nearly equal records count several times: clean near-duplicates first; the figures after
cleaning are in ``clean.json``.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.associations import Association, example_rows, measure_associations
from ..measures.bias import LEAST_GROUP, LEAST_TOGETHER, LEAST_WORD, is_told
from ..measures.mentions import mention_flags
from ..measures.terms import SLIGHTS


def _associations(context: DatasetContext, check: Check) -> pl.DataFrame:
    flags = context.summary(mention_flags)
    measured = measure_associations(
        flags,
        least_group=context.parameter(check, "least_group"),
        least_word=context.parameter(check, "least_word"),
    )
    if not measured:
        raise CheckSkippedError("no group and word stand in enough records to be measured")
    context.explain(check, f"{len(measured):,} pairs of group and word were looked at")
    least_together = context.parameter(check, "least_together")
    told = [item for item in measured if is_told(item, least_together)]
    return pl.DataFrame(
        [_hit(item, int(example_rows(flags, item)[0])) for item in told],
        schema={"severity": pl.String, "score": pl.Float64, "related_row": pl.Int64,
                "related": pl.String, "message": pl.String},
    )  # fmt: skip


def _hit(item: Association, example: int) -> dict[str, object]:
    others = item.total - item.with_group
    without = item.with_word - item.both
    what = f"'{item.word}'" if item.family == "occupations" else f"words of {item.word}"
    return {
        "severity": Severity.LOW.value if item.word in SLIGHTS else None,
        "score": item.npmi,
        "related_row": example,
        "related": f"{item.group} × {item.word}",
        "message": f"{what} stand{'s' if item.family == 'occupations' else ''} in {item.both:,} of "
        f"{item.with_group:,} records that mention {item.group} alone, and in {without:,} of "
        f"{others:,} that mention another group of {item.dimension} alone: nPMI {item.npmi:.2f} "
        f"({item.low:.2f}–{item.high:.2f})",
    }


CHECK = DatasetCheck(
    name="bias/association",
    title="words that stand with one group more than chance has it",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(mention_flags,),
    find=_associations,
    parameters={
        "least_group": Parameter(LEAST_GROUP, "records that mention the group alone"),
        "least_word": Parameter(LEAST_WORD, "records that mention the word and one group alone"),
        "least_together": Parameter(
            LEAST_TOGETHER, "records with both; fewer make no association worth telling"
        ),
    },
)
