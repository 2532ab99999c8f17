"""What leaks, side by side: the texts of rows that cross parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ..near_duplicates.comparison_text import INSTRUCTING_ROLES
from ..reading.read import open_source, read_pieces
from ..records import message_rows
from .certificate import PartFile

_MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class LeakText:
    """A pair of rows in different parts, and the beginning of what each says.

    Attributes:
        by: what they have in common.
        jaccard: their similarity; None where a key is equal.
        left_part: with ``left_row`` where the one lies, and so on.
    """

    by: str
    jaccard: float | None
    left_part: str
    left_row: int
    left_text: str
    right_part: str
    right_row: int
    right_text: str


def leak_texts(files: Mapping[str, PartFile], crossings: pl.DataFrame, most: int) -> list[LeakText]:
    """Read some crossings again for their texts: of each kind about as many.

    Args:
        files: the parts that were searched.
        crossings: of a certificate.
        most: how many are wanted.
    """
    each = max(1, most // max(1, crossings["by"].n_unique()))
    some = crossings.group_by("by", maintain_order=True).head(each).head(most)
    texts = {
        (name, row): text
        for name, file in files.items()
        for row, text in _texts(file, _rows(some, name)).items()
    }
    return [
        LeakText(
            by=pair["by"],
            jaccard=pair["jaccard"],
            left_part=pair["left_part"],
            left_row=pair["left_row"],
            left_text=texts[pair["left_part"], pair["left_row"]],
            right_part=pair["right_part"],
            right_row=pair["right_row"],
            right_text=texts[pair["right_part"], pair["right_row"]],
        )
        for pair in some.iter_rows(named=True)
    ]


def _rows(crossings: pl.DataFrame, part: str) -> set[int]:
    return {
        row
        for side in ("left", "right")
        for row in crossings.filter(pl.col(f"{side}_part") == part)[f"{side}_row"]
    }


def _texts(file: PartFile, rows: set[int]) -> dict[int, str]:
    if not rows:
        return {}
    found: dict[int, str] = {}
    source = open_source(
        file.path, shape=file.shape, mapping=file.mapping or None, encoding=file.encoding
    )
    for piece in read_pieces(source):
        chosen = piece.records.filter(pl.col("row").is_in(list(rows)))
        said = message_rows(chosen).filter(~pl.col("role").is_in(INSTRUCTING_ROLES))
        joined = said.group_by("row").agg(pl.col("content").fill_null("").str.join(" ⏎ "))
        for row, text in joined.iter_rows():
            found[row] = text[:_MOST_CHARACTERS] + ("…" if len(text) > _MOST_CHARACTERS else "")
        found |= {row: "" for row in chosen["row"] if row not in found}
        if len(found) == len(rows):
            break
    return found
