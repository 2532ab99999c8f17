"""Records that say the same in other words, by the vectors of an encoder that the user names.

Every record's words (without system prompts and role markers, as for ``duplicates/near``) become
one vector; pairs with a cosine of at least ``threshold`` are found by comparing all with all, block
by block, so that none is missed. As with near-duplicates the longest record stays, and a row is
proposed for removal only where it is directly tied to one that stays.

Evidence: the row, in ``related_row`` the row that stays, in ``score`` the cosine of their vectors.
Exact and normalised copies are not reported again; near ones may be.

Fix: review. What an encoder takes for the same may differ in what matters (a number, a name).

Limits: the encoder decides. The right threshold depends on it: look at pairs before trusting one.
The time grows with the square of the records, therefore the bound ``most_records``.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ..auditing.copies import comparison_keys, longest_first, without_copies
from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    Parameter,
)
from ..finding import Fix, Severity
from ..models.encoder import load_encoder
from ..near_duplicates.components import keep_best

_BLOCK = 2048


def sentence_vectors(context: CheckContext) -> pl.DataFrame:
    """Return each record's vector: a summary, ``row`` and ``vector``; empty without a model."""
    model = context.parameter(CHECK, "model")
    said = context.comparison.select("row", "spoken").filter(pl.col("spoken") != "")
    if not model:
        return pl.DataFrame(schema={"row": pl.Int64, "vector": pl.List(pl.Float32)})
    texts = said["spoken"].unique(maintain_order=True)
    vectors = load_encoder(model)(texts.to_list())
    encoded = pl.DataFrame({"spoken": texts}).with_columns(
        vector=pl.Series(list(vectors), dtype=pl.List(pl.Float32))
    )
    return said.join(encoded, on="spoken", how="left", maintain_order="left").select(
        "row", "vector"
    )


def _semantic(context: DatasetContext, check: Check) -> pl.DataFrame:
    if not context.parameter(check, "model"):
        raise CheckSkippedError(
            'needs an encoder: name its folder under [audit.parameters."duplicates/semantic"], '
            'model = "…"'
        )
    columns = without_copies(context.summary(comparison_keys), "exact", "normalised")
    columns = columns.select("row", "characters").join(
        context.summary(sentence_vectors), on="row", maintain_order="left"
    )
    most = context.parameter(check, "most_records")
    if columns.height > most:
        raise CheckSkippedError(
            f"{columns.height:,} records are more than most_records ({most:,}): the time grows "
            "with their square"
        )
    vectors = np.stack(columns["vector"].to_list()) if columns.height else np.zeros((0, 1))
    left, right, cosine = similar_pairs(vectors, context.parameter(check, "threshold"))
    removals = keep_best(longest_first(columns["characters"]), left, right, cosine)
    rows = columns["row"]
    return pl.DataFrame(
        {
            "row": rows.gather(removals.removed),
            "related_row": rows.gather(removals.kept),
            "score": removals.score,
        }
    ).with_columns(
        message=pl.format(
            "says nearly what row {} says (cosine {})", "related_row", pl.col("score").round(3)
        )
    )


def similar_pairs(
    vectors: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all pairs of unit vectors with at least the given cosine.

    Args:
        vectors: float32 of shape (vectors, dimensions), each of length 1 (or 0).
        threshold: the least cosine.

    Returns:
        Positions of both ends (the left one smaller) and the cosines.
    """
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        for other_start in range(start, len(vectors), _BLOCK):
            cosines = block @ vectors[other_start : other_start + _BLOCK].T
            left, right = np.nonzero(cosines >= threshold)
            keep = left + start < right + other_start
            left, right = left[keep], right[keep]
            found.append((left + start, right + other_start, cosines[left, right]))
    if not found:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, np.empty(0)
    ends = [np.concatenate(part) for part in zip(*found, strict=True)]
    return ends[0], ends[1], ends[2].astype(np.float64)


CHECK = DatasetCheck(
    name="duplicates/semantic",
    title="the same in other words",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(comparison_keys, sentence_vectors),
    find=_semantic,
    parameters={
        "model": Parameter(
            "", "folder of an encoder (model2vec, or transformers); none is bundled"
        ),
        "threshold": Parameter(0.9, "cosine; what means the same depends on the encoder"),
        "most_records": Parameter(200_000, "all pairs are compared; more is a long wait"),
    },
)
