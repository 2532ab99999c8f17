"""Records that an earlier audit has already: the same content, words, or most runs of words.

Each row is compared with all rows of the audits named with ``--against``, by the rules of
``duplicates/exact``, ``duplicates/normalised`` and ``duplicates/near`` (whose settings hold). The
earlier data are not read again: an index of them answers, which is made the first time. What is
told is the strictest equality that holds, and of similar rows the most similar.

Evidence: the row; in ``related`` the earlier audit and its row as ``AUDIT/ROW``, while
``related_row`` is empty, since it names rows of this source; ``score`` is 1, or the similarity.

Fix: drop the new row; the earlier data stay as they are. Where a similar row has another label,
review.

Limits: the earlier audit's rows count as they were when it was made, also those that were removed
from them in cleaning. Near-duplicates of earlier rows that merely resemble each other are not
followed from one to the next.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import comparison_keys, spoken_words
from ..auditing.earlier import EARLIER, EarlierAudit
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity

_SAID = {
    "exact": "the same content as row {} of {}",
    "normalised": "the same words as row {} of {}; only case, white space, Unicode form or "
    "sentence punctuation differ",
}


def _earlier(context: DatasetContext, check: Check) -> pl.DataFrame:
    if not context.earlier:
        raise CheckSkippedError("no earlier audit was named (--against AUDIT)")
    keys = context.summary(comparison_keys, "row", "label", "exact", "normalised")
    said: list[str] = []
    found: list[pl.DataFrame] = []
    for earlier in context.earlier:
        open_keys = keys
        for place, key in enumerate(("exact", "normalised")):
            equal = earlier.first_with(key, open_keys)
            open_keys = open_keys.join(equal, on="row", how="anti", maintain_order="left")
            found.append(_equal(equal, place, key, earlier))
        near, method = _near(context, open_keys, earlier)
        found.append(near)
        said.append(f"{earlier.rows:,} records of audit {earlier.id}, {earlier.name}: {method}")
    context.explain(check, "compared with " + "; with ".join(said))
    return (
        pl.concat(found)
        .sort(["row", "place", "score"], descending=[False, False, True], maintain_order=True)
        .unique("row", keep="first", maintain_order=True)
        .drop("place")
    )


def _equal(equal: pl.DataFrame, place: int, key: str, earlier: EarlierAudit) -> pl.DataFrame:
    exact = key == "exact"
    return _named(equal, earlier).select(
        "row",
        "related",
        place=pl.lit(place),
        score=1.0,
        message=pl.format(_SAID[key], "earlier", pl.lit(_where(earlier))),
        severity=pl.lit((Severity.HIGH if exact else Severity.MEDIUM).value),
        fix=pl.lit(Fix.DROP.value),
    )


def _near(
    context: DatasetContext, keys: pl.DataFrame, earlier: EarlierAudit
) -> tuple[pl.DataFrame, str]:
    spoken = (
        context.summaries.scan(spoken_words)
        .join(keys.lazy().select("row"), on="row", how="semi", maintain_order="left")
        .collect()
    )
    nearest = earlier.nearest(spoken["spoken"])
    labels = dict(keys.select("row", "label").iter_rows())
    hits = nearest.pairs.with_columns(row=spoken["row"].gather(nearest.pairs["text"])).join(
        earlier.rows_with(nearest.pairs["known"]), on="known"
    )
    own = pl.Series("own", [labels[row] for row in hits["row"]], dtype=pl.String)
    best = (
        hits.with_columns(same_label=hits["label"].eq_missing(own))
        # Of several rows with the text, one with the same label, then the first.
        .sort(["row", "same_label", "earlier"], descending=[False, True, False])
        .unique("row", keep="first", maintain_order=True)
    )
    alike = pl.format(
        "{} % of its word runs and those of row {} of {} are shared",
        (pl.col("jaccard") * 100).floor().cast(pl.Int64),
        "earlier",
        pl.lit(_where(earlier)),
    )
    named = _named(best, earlier).select(
        "row",
        "related",
        place=pl.lit(2),
        score="jaccard",
        message=pl.when("same_label")
        .then(alike)
        .otherwise(pl.format("{}, but the labels differ", alike)),
        severity=pl.lit(Severity.MEDIUM.value),
        fix=pl.when("same_label").then(pl.lit(Fix.DROP)).otherwise(pl.lit(Fix.REVIEW)),
    )
    return named, nearest.method


def _named(hits: pl.DataFrame, earlier: EarlierAudit) -> pl.DataFrame:
    # polars 2.1 panics in pl.format over several chunks of which one is empty.
    return hits.rechunk().with_columns(related=pl.format("{}/{}", pl.lit(earlier.id), "earlier"))


def _where(earlier: EarlierAudit) -> str:
    return f"audit {earlier.id} ({earlier.name})"


CHECK = DatasetCheck(
    name=EARLIER,
    title="already in earlier data",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(comparison_keys, spoken_words),
    find=_earlier,
)
