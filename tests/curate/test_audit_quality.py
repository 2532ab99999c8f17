"""Quality is a share of records, and nothing else."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.auditing.quality import measure_quality
from tunewise.curate.finding import FINDING_SCHEMA

Hit = tuple[str, str, int | None, str]


def findings(*hits: Hit) -> pl.LazyFrame:
    rows = [dict(zip(("check", "severity", "row", "fix"), hit, strict=True)) for hit in hits]
    return pl.LazyFrame(rows, schema=FINDING_SCHEMA)


TEN = pl.Series(range(10), dtype=pl.Int64)


def test_only_grave_findings_of_records_count() -> None:
    found = findings(
        ("text/a", "high", 1, "review"),
        ("text/b", "medium", 1, "drop"),
        ("privacy/a", "medium", 2, "mask"),
        ("text/c", "low", 3, "drop"),
        ("balance/label", "medium", None, "none"),
        ("schema/malformed-row", "high", 99, "none"),
    )
    dimensions = [("text", True), ("privacy", True), ("tokens", False)]
    quality = measure_quality(TEN, found, dimensions)
    assert quality.overall == pytest.approx(0.8)
    assert quality.by_dimension == {
        "text": pytest.approx(0.9), "privacy": pytest.approx(0.9), "tokens": None
    }  # fmt: skip
    # Row 1 goes, row 2 is mended.
    assert quality.if_fixed == 1


def test_what_needs_a_person_stays_open() -> None:
    found = findings(
        ("text/a", "high", 1, "drop"),
        ("text/a", "high", 2, "review"),
        ("text/a", "high", 3, "repair"),
        ("text/b", "high", 3, "none"),
    )
    assert measure_quality(TEN, found, []).if_fixed == pytest.approx(1 - 2 / 9)


def test_where_every_record_would_go_there_is_no_share() -> None:
    rows = pl.Series([0, 1], dtype=pl.Int64)
    found = findings(("text/a", "high", 0, "drop"), ("text/a", "high", 1, "drop"))
    quality = measure_quality(rows, found, [("text", True)])
    assert (quality.overall, quality.if_fixed) == (0, None)


HITS = st.tuples(
    st.sampled_from(["text/a", "privacy/b", "schema/c"]),
    st.sampled_from(["high", "medium", "low", "info"]),
    st.one_of(st.none(), st.integers(0, 12)),
    st.sampled_from(["drop", "mask", "repair", "review", "none"]),
)


@given(st.lists(HITS, max_size=12))
def test_fixing_never_makes_it_worse(hits: list[Hit]) -> None:
    quality = measure_quality(TEN, findings(*hits), [(n, True) for n in ("text", "privacy")])
    assert 0 <= quality.overall <= 1
    assert quality.if_fixed is None or quality.overall - 1e-12 <= quality.if_fixed <= 1
    assert all(share is not None and quality.overall <= share + 1e-12
               for share in quality.by_dimension.values())  # fmt: skip
