"""Records that share most of their runs of words with another one.

Compared is what was said without system prompts and role markers: Jaccard similarity of the sets
of word 5-grams (3-grams in short texts), every pair verified exactly; runs of words that very many
records share weigh little, so that a common template makes nobody alike (see
:mod:`..near_duplicates`). The longest record of a neighbourhood stays, and a row is proposed for
removal only where it is directly alike to one that stays: chains of similar records are never
collapsed into one.

Evidence: the row, in ``related_row`` the row that stays, in ``score`` their similarity, in
``cluster`` the first row of those that chains of pairs tie together. Exact and normalised copies
are not reported again.

Fix: drop; where the two have different labels, review.

Limits: a word that is exchanged breaks five runs, so that in the middle of a text of fewer than
some fifty words one such word is enough to fall below the threshold. Rewording that changes one
word in four or more is not seen (``duplicates/semantic``).
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import (
    NEAR,
    NearCopies,
    comparison_keys,
    longest_first,
    near_copies,
    spoken_words,
)
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..near_duplicates.components import keep_best
from ..near_duplicates.pairs import SHINGLE_SIZE, THRESHOLD


def _near(context: DatasetContext, check: Check) -> pl.DataFrame:
    compared = context.shared(near_copies)
    columns, found = compared.columns, compared.found
    context.explain(check, _method(compared))
    pairs = found.pairs
    removals = keep_best(
        longest_first(columns["characters"]),
        pairs["left"].to_numpy(),
        pairs["right"].to_numpy(),
        pairs["jaccard"].to_numpy(),
    )
    rows, labels = columns["row"], columns["label"]
    removed, kept = removals.removed, removals.kept
    hits = pl.DataFrame(
        {
            "row": rows.gather(removed),
            "related_row": rows.gather(kept),
            "score": removals.score,
            "cluster": rows.gather(found.components[removed]),
            "same_label": labels.gather(removed).eq_missing(labels.gather(kept)),
        }
    )
    percent = (pl.col("score") * 100).floor().cast(pl.Int64)
    alike = pl.format(
        "{} % of its word runs and those of row {} are shared", percent, "related_row"
    )
    return hits.with_columns(
        message=pl.when("same_label")
        .then(pl.format("{}; the longer row stays", alike))
        .otherwise(pl.format("{}, but the labels differ", alike)),
        fix=pl.when("same_label").then(pl.lit(Fix.DROP)).otherwise(pl.lit(Fix.REVIEW)),
    ).drop("same_label")


def _method(compared: NearCopies) -> str:
    """Say what the reader must know: where was searched elsewhere, or not everywhere."""
    found, said = compared.found, [compared.where] if compared.where else []
    if found.bounded_buckets:
        swarms = f"{found.bounded_buckets:,} swarms of alike texts were not compared whole"
        said += [found.method, swarms]
    return "; ".join(said)


CHECK = DatasetCheck(
    name=NEAR,
    title="almost the same words again",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(comparison_keys, spoken_words),
    find=_near,
    parameters={
        "threshold": Parameter(
            THRESHOLD, "lower finds more rewording, but also what merely shares a form"
        ),
        "shingle_size": Parameter(SHINGLE_SIZE, "runs of five words are rarely shared by chance"),
    },
)
