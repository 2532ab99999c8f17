"""Where exactly matches stand: the field and characters in the row, and those of the item.

Matches of one item's question and answer in the same row become one *hit*. An answer too short to
be looked for by itself is looked for among the words after its question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from .index import Index
from .items import ANSWER, TEXT, BenchmarkItem
from .probes import Probe
from .words import word_spans, words_of

HIT_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "task": pl.String,
        "item": pl.String,
        "part": pl.String,
        "score": pl.Float64,
        "question_score": pl.Float64,
        "answer_score": pl.Float64,
        "alike": pl.Int64,
        "field": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
        "item_start": pl.Int64,
        "item_end": pl.Int64,
    }
)
"""One item in one row. ``part`` is what stands at ``field``, from ``start`` to ``end``, with
``score``; of the part's own text it is what lies between ``item_start`` and ``item_end``.
``question_score`` and ``answer_score`` are the shares of the question and of the answer; null
where there is none, or where it was looked for together with the other. ``alike`` counts the other
items with the same words."""

_ANSWER_WITHIN = 200
"""A short answer belongs to the question if it comes within so many words."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's texts, where each begins among the row's words, and the hashes of these.

    The places of a text's words are worked out once, at the first hit in it.
    """

    fields: list[str]
    contents: list[str]
    starts: list[int]
    hashes: np.ndarray
    _spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def spans(self, at: int) -> list[tuple[int, int]]:
        """Return the characters between which the words of a text stand."""
        if at not in self._spans:
            self._spans[at] = word_spans(self.contents[at])
        return self._spans[at]


def locate(index: Index, matches: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Return the hits that matches make, frame of :data:`HIT_SCHEMA`, by row.

    Args:
        index: what was looked for.
        matches: of ``find_matches``.
        texts: ``row``, ``field`` and ``content`` of their rows, as they were searched.
    """
    rows = _rows(texts)
    by_item: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for match in matches.iter_rows(named=True):
        item = index.probes[match["probe"]].items[0]
        by_item.setdefault((match["row"], item), []).append(match)
    hits = [_hit(index, item, found, rows[row]) for (row, item), found in by_item.items()]
    return pl.DataFrame(hits, schema=HIT_SCHEMA, orient="row")


def _rows(texts: pl.DataFrame) -> dict[int, _Row]:
    words = words_of(texts["content"])
    owners = texts["row"].to_numpy()
    edges = np.flatnonzero(np.concatenate([[True], owners[1:] != owners[:-1], [True]])).tolist()
    rows: dict[int, _Row] = {}
    for begin, end in zip(edges[:-1] if len(owners) else [], edges[1:], strict=True):
        starts = words.starts[begin : end + 1]
        rows[int(owners[begin])] = _Row(
            texts["field"][begin:end].to_list(),
            texts["content"][begin:end].fill_null("").to_list(),
            (starts - starts[0]).tolist(),
            words.hashes[starts[0] : starts[-1]],
        )
    return rows


def _hit(index: Index, number: int, matches: Sequence[dict[str, Any]], row: _Row) -> dict[str, Any]:
    """Make one hit of what stands of an item in a row."""
    item = index.items[number]
    asked = [match for match in matches if index.probes[match["probe"]].part != ANSWER]
    answered = [match for match in matches if index.probes[match["probe"]].part == ANSWER]
    told = max(asked or answered, key=lambda match: match["score"])
    probe = index.probes[told["probe"]]
    place, start, end = _place(row, told["first"], told["last"])
    item_start, item_end = _item_span(item, probe, told)
    question_score, answer_score = _scores(item, probe, told, answered, row)
    return {
        "row": told["row"],
        "task": item.task,
        "item": item.id,
        "part": probe.part,
        "score": told["score"],
        "question_score": question_score,
        "answer_score": answer_score,
        "alike": len(probe.items) - 1,
        "field": place,
        "start": start,
        "end": end,
        "item_start": item_start,
        "item_end": item_end,
    }


def _scores(
    item: BenchmarkItem,
    probe: Probe,
    told: dict[str, Any],
    answered: Sequence[dict[str, Any]],
    row: _Row,
) -> tuple[float | None, float | None]:
    """Return the shares of question and answer that stand in the row."""
    if probe.part == TEXT:
        return None, told["score"]
    if probe.part == ANSWER:
        return (0.0 if item.question else None), told["score"]
    if answered:
        return told["score"], answered[0]["score"]
    if not item.answer or not probe.asks_alone:
        return (told["score"] if probe.asks_alone else None), None
    return told["score"], float(_follows(item.answer, row.hashes[told["last"] + 1 :]))


def _place(row: _Row, first: int, last: int) -> tuple[str, int, int]:
    """Return the field and the characters between which words stand; the field with the most."""
    shares = [
        min(last + 1, end) - max(first, start)
        for start, end in zip(row.starts[:-1], row.starts[1:], strict=True)
    ]
    at = int(np.argmax(shares))
    spans = row.spans(at)
    begin = max(0, first - row.starts[at])
    end = min(len(spans) - 1, last - row.starts[at])
    return row.fields[at], spans[begin][0], spans[end][1]


def _item_span(item: BenchmarkItem, probe: Probe, match: dict[str, Any]) -> tuple[int, int]:
    """Return the characters of the item's part that stand in the row."""
    text = item.text_of(probe.part)
    if probe.part not in (TEXT, ANSWER) and not probe.asks_alone:
        # Between question and answer words may have been left out that frame the question.
        return 0, len(text)
    spans = word_spans(text)
    first, last = (probe.skipped + match[name] for name in ("probe_first", "probe_last"))
    return spans[first][0], spans[last][1]


def _follows(answer: str, hashes: np.ndarray) -> bool:
    """Tell whether an answer is among the words that follow."""
    wanted = words_of(pl.Series([answer])).hashes
    following = hashes[: _ANSWER_WITHIN + len(wanted)]
    if not 0 < len(wanted) <= len(following):
        return False
    windows = np.lib.stride_tricks.sliding_window_view(following, len(wanted))
    return bool((windows == wanted).all(axis=1).any())
