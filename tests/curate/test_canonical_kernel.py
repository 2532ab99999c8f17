"""The compiled way to canonical texts says what the regular expressions say."""

from __future__ import annotations

import json
import random

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunewise.curate.near_duplicates.comparison_text import (
    _COMPILED_FROM_BYTES,
    canonical_by_expressions,
    canonical_by_kernel,
    canonical_texts,
)

SURROGATES = range(0xD800, 0xE000)
# What words, numbers, marks and foldings are made of, and what melts into its neighbours.
TELLING = (
    "aZ09_ \t\n.,:;/-'\"{}<$%ßİΣςﬁ，。你ん한ᅡᆨก๓é\u0301\u00ad\u200b\ufeff٣²Ａ😀𝐀\x00\x1e\U000e0041"
)


def assert_equal(texts: list[str]) -> None:
    series = pl.Series("said", texts, dtype=pl.String)
    expected, result = canonical_by_expressions(series), canonical_by_kernel(series)
    assert result.name == "said"
    assert result.to_list() == expected.to_list()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from(TELLING) | st.characters(codec="utf-8"), max_size=12)))
@example(["", " ", "?!", "3.5.", "1/2/x", "a" * 5000, "ὈΔΥΣΣΕΎΣ", "x\u0301y", "f(x)=3.5;"])
def test_the_kernel_equals_the_expressions(texts: list[str]) -> None:
    assert_equal(texts)


def test_every_code_point_alone_and_between_others() -> None:
    points = [chr(point) for point in range(0x20000) if point not in SURROGATES]
    assert_equal(points + [chr(point) for point in range(0x20000, 0x110000, 7)])
    assert_equal([f"a{point}b" for point in points])
    assert_equal([f"3{point}4 = {point}" for point in points])


def test_pairs_of_code_points_that_could_melt() -> None:
    chance = random.Random(3)
    points = [chr(point) for point in range(0x20000) if point not in SURROGATES]
    letters = [point for point in points if point.isalpha() or not point.isprintable()]
    pairs = ["".join(chance.choices(points, k=3)) for _ in range(60_000)]
    assert_equal(pairs + ["".join(chance.choices(letters, k=3)) for _ in range(60_000)])


def test_every_string_of_three_telling_ascii_characters() -> None:
    telling = "a0_.:/- {$\n"
    assert_equal([a + b + c for a in telling for b in telling for c in telling])


def test_real_rows(shared_data) -> None:
    for name in ("alpaca_17k", "dolly_3k"):
        rows = json.loads((shared_data / "instructions" / f"{name}.json").read_text())
        assert_equal(["\n".join(row.values()) for row in rows])


def test_many_texts_are_compiled_and_null_is_empty() -> None:
    texts = pl.Series(["It costs\u00a03.5 Euro!", None, "Σίσυφος"] * (_COMPILED_FROM_BYTES // 30))
    result = canonical_texts(texts)
    assert result.head(3).to_list() == ["it costs 3.5 euro", "", "σίσυφος"]
    assert result.n_unique() == 3
