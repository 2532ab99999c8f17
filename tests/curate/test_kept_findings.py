"""Findings kept by piece come out by row, in the order of the checks, and none is lost."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.kept_findings import KeptFindings
from tunewise.curate.finding import FINDING_SCHEMA

sizes_of_pieces = st.lists(st.integers(0, 6), min_size=1, max_size=5)


def found(*rows: int | None, check: str) -> pl.DataFrame:
    hits = [{"row": row, "check": check, "message": f"{check} {at}"} for at, row in enumerate(rows)]
    return pl.DataFrame(hits, schema=FINDING_SCHEMA)


@pytest.mark.parametrize("on_disk", [False, True])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sizes=sizes_of_pieces)
def test_by_row_is_a_stable_sort_of_all(
    on_disk: bool, tmp_path: Path, data: st.DataObject, sizes: list[int]
) -> None:
    kept = KeptFindings(tmp_path if on_disk else None)
    edges = [0, *accumulate(sizes)]
    by_check: dict[int, list[pl.DataFrame]] = {0: [], 1: [], 2: [], 3: []}
    for piece, (start, end) in enumerate(pairwise(edges)):
        rows = st.lists(st.integers(start, end - 1), max_size=4) if end > start else st.just([])
        hits = {place: found(*data.draw(rows), check=f"row/{place}") for place in (0, 2)}
        kept.keep_piece(piece, hits)
        for place, frame in hits.items():
            by_check[place].append(frame)
    anywhere = st.lists(st.none() | st.integers(0, max(edges[-1] - 1, 0)), max_size=9)
    for place in (1, 3):
        by_check[place].append(found(*data.draw(anywhere), check=f"whole/{place}"))
        kept.keep_whole(place, by_check[place][0])

    counted = [0, 1, 3]
    expected = pl.concat([frame for place in counted for frame in by_check[place]])
    expected = expected.sort("row", maintain_order=True)
    assert pl.concat(list(kept.by_row(edges[:-1], counted))).equals(expected)
    for place, frames in by_check.items():
        everything = pl.concat(frames).sort("row", maintain_order=True)
        assert kept.of(place).sort("row", maintain_order=True).equals(everything)


def test_pieces_looked_at_elsewhere_are_taken_over(tmp_path: Path) -> None:
    kept, other = KeptFindings(tmp_path), KeptFindings(tmp_path)
    kept.keep_piece(0, {0: found(1, check="a")})
    other.keep_piece(1, {0: found(5, 4, check="a")})
    kept.merge(other)
    assert kept.of(0)["row"].to_list() == [1, 5, 4]
