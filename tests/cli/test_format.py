from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.cli.evaluate import summary
from tunewise.cli.format import bar, count, glyph, percent, table


@given(st.floats(0, 1))
def test_percent_never_rounds_to_all_or_nothing(share: float) -> None:
    shown = percent(share)
    assert (shown == "0.0 %") == (share == 0)
    assert (shown == "100.0 %") == (share == 1)


@given(st.floats(0, 1), st.integers(1, 60))
def test_bars_keep_their_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


def test_ascii_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWISE_ASCII", "1")
    assert bar(0.5, 10).isascii()
    assert click.unstyle(glyph("high")).isascii()


def test_plots_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    task = {
        "task": "a-task-with-a-rather-long-name", "group": "general", "kind": "share",
        "base": 0.6, "delta": -0.031, "ci": [-0.058, -0.004], "verdict": "undecided",
        "margin": 0.02, "needs": 1410, "decides": True,
    }  # fmt: skip
    tasks = [task, {**task, "task": "text", "kind": "loss"}]
    document = {
        "overall": "held", "domain_gain": "improved", "tasks": tasks,
        "overfitting": {"verdict": "none", "signals": []}, "id": "0" * 12, "artifact": "/w",
    }  # fmt: skip
    for terminal, widest in ((80, 80), (300, 100)):
        monkeypatch.setenv("COLUMNS", str(terminal))
        plot = summary(document).split("\n\n")[1].splitlines()
        assert len(plot) == len(tasks) + 2
        assert max(map(len, plot)) <= widest


def test_no_colour_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" in glyph("high")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in glyph("high")


def test_hostile_cells_lose_their_teeth() -> None:
    lines = table(["name", "n"], [["\x1b]0;owned\x07", "1"], ["\u202etxt", "22"]], right=(1,))
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len({len(line) for line in lines}) <= 2


def test_columns_line_up_with_colours() -> None:
    lines = table(["s", "x"], [[glyph("high"), "a"], [glyph("info"), "b"]])
    plain = [click.unstyle(line) for line in lines]
    assert plain[1].index("a") == plain[2].index("b")


def test_counts_agree_with_their_noun() -> None:
    assert [count(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_codes_that_data_bring_into_a_table_are_made_visible() -> None:
    hostile = ["\x1b[2Jgone", "\x1b[31mred\x1b[0m", "\x1b[31m✖ high\x1b[0m \x1b[2J"]
    (_, *lines) = table(["what"], [[cell] for cell in [*hostile, glyph("high")]])
    assert [line.count("\x1b") for line in lines] == [0, 0, 0, glyph("high").count("\x1b")]
