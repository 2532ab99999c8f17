"""Signs and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.finding import Severity
from tunewise.tui.texts.marks import (
    counted,
    duration,
    percent,
    plain,
    severity_label,
    size,
    verdict_label,
)
from tunewise.tui.widgets.charts import bar, columns
from tunewise.tui.widgets.curves import Curve, draw_curves


@given(st.floats(0, 1), st.integers(0, 2))
def test_a_percentage_is_0_or_100_only_where_the_share_is(share: float, digits: int) -> None:
    number = percent(share, digits).removesuffix(" %")
    whole = f"{100:.{digits}f}"
    nothing = f"{0:.{digits}f}"
    assert (number == whole) == (share == 1)
    assert (number == nothing) == (share == 0)


def test_sizes_times_and_counts() -> None:
    assert [size(n) for n in (0, 999, 1000, 81_234, 812_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "81 kB",
        "812 MB",
    ]
    assert [duration(s) for s in (0, 59.6, 3599, 3600)] == ["0:00", "1:00", "59:59", "1 h 0 m"]
    assert counted(0, "row") == "0 rows"


@pytest.mark.parametrize("severity", list(Severity))
def test_a_severity_is_sign_and_word(severity: Severity) -> None:
    sign, word = severity_label(severity).plain.split(" ")
    assert len(sign) == 1
    assert word == severity.upper()


def test_signs_are_ascii_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWISE_ASCII", "1")
    drawn = [
        *(severity_label(severity).plain for severity in Severity),
        *(verdict_label(v).plain for v in ("improved", "held", "forgot", "undecided", "none")),
        bar(0.37, 9),
        *columns([1, 5, 2], 3, 2),
        draw_curves([Curve("val", [(0, 1), (9, 0)], "", dashed=True)], 10, 4).plain,
        percent(None),
    ]
    assert all(text.isascii() for text in drawn)


def test_text_from_data_is_one_harmless_line(hostile: str) -> None:
    text = plain(hostile)
    assert not any(ord(c) < 32 or c in "\x9b\u202e\u200b" for c in text.plain)
    assert not text.spans
    assert "[/bold] [red [link=x]y[/]" in text.plain


@given(st.floats(-1, 2), st.integers(1, 40))
def test_a_bar_keeps_its_width_and_grows(share: float, width: int) -> None:
    assert len(bar(share, width)) == width
    assert len(bar(share, width).rstrip()) <= len(bar(min(2.0, share + 0.1), width).rstrip())
    assert bar(0, width).strip() == "" == bar(None, width).strip()


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1000), max_size=90), st.integers(0, 40), st.integers(1, 6))
def test_columns_fill_their_box_and_hide_nothing(values: list, width: int, height: int) -> None:
    lines = columns(values, width, height)
    assert len(lines) == height
    assert {len(line) for line in lines} == {min(width, len(values))}
    if len(values) <= width:
        drawn = [line != " " for line in lines[-1]]
        assert drawn == [value > 0 for value in values]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e3, 1e3)), min_size=1, max_size=30),
    st.integers(12, 60),
    st.integers(1, 12),
)
def test_a_curve_stays_inside_its_box(points: list, width: int, height: int) -> None:
    text = draw_curves([Curve("loss", sorted(points), "red")], width, height)
    lines = text.plain.split("\n")
    assert len(lines) == height + 2
    assert {len(line) for line in lines[:height]} == {8 + width}
