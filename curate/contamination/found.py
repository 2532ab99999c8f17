"""The result of a search, and the search of texts that come piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from .hits import HIT_SCHEMA, locate
from .index import Index, index_of
from .items import ANSWER, CLEAN, CONTAMINATED, UNCHECKABLE, BenchmarkItem
from .matches import THRESHOLD, find_matches
from .probes import LEAST_WORDS
from .search import FREQUENCY_SCHEMA, PLACE_SCHEMA, Searched, search

ITEM_SCHEMA = pl.Schema(
    {
        "task": pl.String,
        "item": pl.String,
        "status": pl.String,
        "reason": pl.String,
        "rows": pl.Int64,
        "row": pl.Int64,
        "question_score": pl.Float64,
        "answer_score": pl.Float64,
        "question": pl.String,
        "answer": pl.String,
        "choices": pl.List(pl.String),
    }
)
"""One item of a benchmark: its status, why it is uncheckable, in how many rows it stands, the row
in which most of it does, the highest share of the question (or of what it was looked for with) and
of the answer by itself, and what the item says."""

_ROWS_AT_ONCE = 20_000

TextsOf = Callable[[pl.Series], pl.DataFrame]
"""Returns ``row``, ``field`` and ``content`` of some rows, as they were searched."""


@dataclass(frozen=True, slots=True)
class Contamination:
    """What a search for benchmark items found.

    Attributes:
        rows: how many rows were searched.
        hits: frame of ``HIT_SCHEMA``, by row.
        items: frame of :data:`ITEM_SCHEMA`, in the order of the items.
    """

    rows: int
    hits: pl.DataFrame
    items: pl.DataFrame

    def count(self, status: str) -> int:
        """Count the items of a status."""
        return self.items.filter(pl.col("status") == status).height


def find_contamination(
    pieces: Iterable[pl.DataFrame],
    items: Sequence[BenchmarkItem],
    *,
    threshold: float = THRESHOLD,
    least_words: int = LEAST_WORDS,
) -> Contamination:
    """Find the items of benchmarks that stand in texts.

    Args:
        pieces: ``row``, ``field`` and ``content``. The texts of a row stand together and are read
            as one. Rows in which an item may stand are kept until the end, the others are not.
        items: what to look for.
        threshold: the least score of a long item, above 0 and at most 1.
        least_words: items of fewer words are not judged.

    Example:
        >>> item = BenchmarkItem("7", "quiz", "Which river of the north flows through two lakes?")
        >>> texts = pl.DataFrame({"row": [0], "field": ["messages[0].content"],
        ...     "content": ["Q: WHICH river of the north flows through two lakes"]})
        >>> found = find_contamination([texts], [item])
        >>> found.hits.select("row", "item", "start", "end", "score").rows()
        [(0, '7', 3, 51, 1.0)]
        >>> found.items.select("item", "status", "rows").rows()
        [('7', 'contaminated', 1)]
    """
    index = index_of(tuple(items), least_words)
    found: list[Searched] = []
    kept: list[pl.DataFrame] = []
    for piece in pieces:
        found.append(search(index, piece))
        kept.append(_of_rows(piece, found[-1].places["row"]))
    searched = together(found)
    matches = find_matches(index, searched, threshold=threshold, least_words=least_words)
    return contamination_of(
        index,
        searched.texts,
        matches,
        lambda rows: pl.concat([_of_rows(piece, rows) for piece in kept]),
    )


def together(found: Sequence[Searched]) -> Searched:
    """Put what was found in all pieces together."""
    places = [pl.DataFrame(schema=PLACE_SCHEMA), *(one.places for one in found)]
    frequency = [pl.DataFrame(schema=FREQUENCY_SCHEMA), *(one.frequency for one in found)]
    return Searched(
        sum(one.texts for one in found),
        pl.concat(places),
        pl.concat(frequency).group_by("gram").agg(pl.col("texts").sum()),
    )


def contamination_of(
    index: Index, rows: int, matches: pl.DataFrame, texts_of: TextsOf
) -> Contamination:
    """Say of matches where exactly they stand, and what they make of the items.

    Args:
        index: what was looked for.
        rows: how many rows were searched.
        matches: of ``find_matches``.
        texts_of: reads texts again, those of not too many rows at once.
    """
    hits = [locate(index, some, texts_of(some["row"])) for some in _by_rows(matches)]
    return Contamination(
        rows,
        pl.concat([pl.DataFrame(schema=HIT_SCHEMA), *hits]),
        item_statuses(index, matches),
    )


def item_statuses(index: Index, matches: pl.DataFrame) -> pl.DataFrame:
    """Say of every item what was found, frame of :data:`ITEM_SCHEMA`.

    Args:
        index: what was looked for.
        matches: of ``find_matches``.
    """
    probes = pl.DataFrame(
        {
            "probe": range(len(index.probes)),
            "number": [list(probe.items) for probe in index.probes],
            "is_answer": [probe.part == ANSWER for probe in index.probes],
        },
        schema={"probe": pl.Int64, "number": pl.List(pl.Int64), "is_answer": pl.Boolean},
    )
    found = (
        matches.join(probes, on="probe")
        .explode("number")
        .group_by("number")
        .agg(
            rows=pl.col("row").n_unique().cast(pl.Int64),
            row=pl.col("row").sort_by(-pl.col("score"), "row").first(),
            question_score=pl.col("score").filter(~pl.col("is_answer")).max(),
            answer_score=pl.col("score").filter("is_answer").max(),
        )
    )
    items = pl.DataFrame(
        {
            "number": np.arange(len(index.items)),
            **{
                name: pl.Series([value(item) for item in index.items], dtype=ITEM_SCHEMA[name])
                for name, value in _FIELDS.items()
            },
            "reason": pl.Series(
                [index.uncheckable.get(number) for number in range(len(index.items))],
                dtype=pl.String,
            ),
        }
    )
    return (
        items.join(found, on="number", how="left", maintain_order="left")
        .with_columns(
            pl.col("rows").fill_null(0),
            status=pl.when(pl.col("reason").is_not_null())
            .then(pl.lit(UNCHECKABLE))
            .when(pl.col("rows").is_not_null())
            .then(pl.lit(CONTAMINATED))
            .otherwise(pl.lit(CLEAN)),
        )
        .select(ITEM_SCHEMA.names())
    )


_FIELDS: dict[str, Callable[[BenchmarkItem], object]] = {
    "task": lambda item: item.task,
    "item": lambda item: item.id,
    "question": lambda item: item.question,
    "answer": lambda item: item.answer,
    "choices": lambda item: list(item.choices),
}


def _by_rows(matches: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut matches so that each part is about not too many rows."""
    rows = matches["row"].unique(maintain_order=True)
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows.slice(begin, _ROWS_AT_ONCE)
        yield matches.filter(pl.col("row").is_between(some[0], some[-1]))


def _of_rows(texts: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    return texts.filter(pl.col("row").is_in(rows.unique().implode()))
