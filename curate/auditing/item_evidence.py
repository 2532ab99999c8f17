"""The benchmark's half of a finding's evidence: the item that stands in a row, as it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..contamination import BenchmarkItem
from .benchmark_search import BENCHMARK, HITS_FILE, ITEMS_FILE


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """An item beside the row in which it stands.

    Attributes:
        item: the item.
        part: which part of it stands in the row.
        text: that part as it reads.
        start: the first character of what stands in the row.
        end: the character after the last.
        question_score: the share of the question that stands there; None where not looked for.
        answer_score: the share of the answer.
    """

    item: BenchmarkItem
    part: str
    text: str
    start: int
    end: int
    question_score: float | None
    answer_score: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "item": self.item.name,
            "part": self.part,
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "question_score": self.question_score,
            "answer_score": self.answer_score,
            "answer": self.item.answer,
            "choices": list(self.item.choices),
        }


def item_evidence(
    folder: Path, findings: Iterable[Mapping[str, Any]]
) -> dict[tuple[int, str], ItemEvidence]:
    """Find the items that findings of ``contamination/benchmark`` name.

    Args:
        folder: of the audit.
        findings: rows of ``findings.parquet``; those of other checks are passed over.

    Returns:
        The evidence by row and name of the item (``related``).
    """
    wanted = [finding for finding in findings if finding["check"] == BENCHMARK]
    if not wanted or not (folder / HITS_FILE).is_file():
        return {}
    rows = pl.Series(sorted({finding["row"] for finding in wanted}), dtype=pl.Int64)
    items = pl.scan_parquet(folder / ITEMS_FILE).select(
        "task", "item", "question", "answer", "choices"
    )
    hits = (
        pl.scan_parquet(folder / HITS_FILE)
        .filter(pl.col("row").is_in(rows.implode()))
        .join(items.unique(["task", "item"], keep="first"), on=["task", "item"], how="left")
        .collect()
    )
    named = {(finding["row"], finding["related"]) for finding in wanted}
    found = ((hit["row"], _evidence(hit)) for hit in hits.iter_rows(named=True))
    return {(row, one.item.name): one for row, one in found if (row, one.item.name) in named}


def _evidence(hit: Mapping[str, Any]) -> ItemEvidence:
    item = BenchmarkItem(
        hit["item"], hit["task"], hit["question"] or "", hit["answer"], tuple(hit["choices"] or ())
    )
    return ItemEvidence(
        item=item,
        part=hit["part"],
        text=item.text_of(hit["part"]),
        start=hit["item_start"],
        end=hit["item_end"],
        question_score=hit["question_score"],
        answer_score=hit["answer_score"],
    )
