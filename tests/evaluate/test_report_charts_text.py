from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.evaluate.reporting.charts_text import forest_plot
from tunewise.workspace.encodable import encodable


def verdict(
    name: str, delta: float | None, half: float = 0.02, word: str = "held", **more: Any
) -> dict[str, Any]:
    known = delta is not None
    return {
        "task": name,
        "group": "general",
        "kind": "share",
        "base": 0.6,
        "delta": delta,
        "ci": [delta - half, delta + half] if known else None,
        "verdict": word,
        "margin": 0.02,
        "needs": None,
        "decides": True,
        **more,
    }


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


EXAMPLE = [
    verdict("our-domain", 0.145, 0.032, "improved", group="domain"),
    verdict("hellaswag", 0.003, 0.009),
    verdict("ifeval", -0.031, 0.027, "undecided", needs=410),
    verdict("gsm8k", -0.062, 0.027, "forgot"),
]


def test_the_plot_shows_change_interval_and_verdict() -> None:
    lines = forest_plot(EXAMPLE, width=100)
    gsm8k = next(line for line in lines if line.startswith("gsm8k"))
    assert gsm8k.endswith(["−6.2", "[−8.9, −3.5]    ▼ forgot"][1].strip())
    assert "├" in gsm8k
    assert gsm8k.index("├") < gsm8k.index("●") < gsm8k.index("┤") < gsm8k.index("┊")
    ifeval = next(line for line in lines if line.startswith("ifeval"))
    assert ifeval.endswith("? undecided, needs 410 more")
    assert lines[0].startswith("domain")


def test_zero_stands_in_one_column_within_a_suite() -> None:
    lines = forest_plot(EXAMPLE, width=100)
    suite = lines[lines.index("") + 2 :]
    zero = {line.index("│") for line in suite if "│" in line}
    assert len(zero) == 1
    assert suite[-1][zero.pop()] == "0"


@pytest.mark.parametrize("width", [60, 77, 80, 100, 140])
@pytest.mark.parametrize("kinds", ["share", "loss", "both"])
def test_lines_fit_the_width(width: int, kinds: str) -> None:
    tasks = [*EXAMPLE, verdict("日本語の課題" * 9, -0.01), verdict("a" * 300, 0.5, 0.3, "improved")]
    if kinds == "loss":
        tasks = [{**task, "kind": "loss", "base": 2.5} for task in tasks]
    if kinds == "both":
        tasks += [{**task, "kind": "loss", "base": 2.5} for task in tasks]
    for line in forest_plot(tasks, width=width):
        assert columns(line) <= width
        assert line == line.rstrip()


def test_the_plot_in_ascii_keeps_its_columns() -> None:
    tasks = [*EXAMPLE, verdict("日本語の課題", -0.01, 0.005), verdict("été", 0.2, 0.1, "improved")]
    lines = forest_plot(tasks, width=100)
    shown = [encodable(line, "ascii") for line in lines]
    assert all(line.isascii() for line in shown)
    assert [len(line) for line in shown] == [columns(line) for line in lines]
    gsm8k = next(line for line in shown if line.startswith("gsm8k"))
    assert gsm8k.index("[") < gsm8k.index("o") < gsm8k.index("]") < gsm8k.index(":")
    assert gsm8k.endswith("-6.2  [-8.9, -3.5]    v forgot")


def test_the_heading_names_the_units_at_any_width() -> None:
    long = "a-task-with-a-rather-long-name"
    tasks = [verdict(long, 0.1), verdict("text", 0.1, kind="loss")]
    for width in (60, 77, 80, 140):
        assert "(points, losses in %)" in forest_plot(tasks, width=width)[0]
    assert forest_plot(tasks, width=140)[0].endswith(
        "change, tuned − base (points, losses in %), 95 % paired CI"
    )
    assert forest_plot(tasks, width=80)[0].endswith(
        "  change (points, losses in %), 95 % paired CI"
    )


def test_losses_are_shown_in_percent_of_the_base() -> None:
    lines = forest_plot([verdict("prose", -0.05, 0.01, kind="loss", base=2.5, margin=0.05)])
    assert "% of the loss" in lines[0]
    assert "−2.0% [−2.4, −1.6]" in lines[1]


def test_what_is_missing_is_shown_as_missing() -> None:
    assert forest_plot([]) == ["no tasks were scored"]
    lines = forest_plot([verdict("empty", None, word="undecided"), verdict("gsm8k", 0.0)])
    assert "●" not in lines[1]
    assert lines[1].endswith("? undecided")


def test_hostile_names_stay_on_one_line_and_harmless() -> None:
    lines = forest_plot([verdict("a\x1b]0;owned\x07\nb\u202e", 0.0)])
    assert len(lines) == 3
    assert not any(
        unicodedata.category(letter) in {"Cc", "Cf"} for line in lines for letter in line
    )


NUMBERS = st.floats(-1, 1, allow_nan=False)


@given(
    st.lists(st.tuples(st.text(max_size=12), NUMBERS, st.floats(0, 1)), min_size=1, max_size=5),
    st.integers(40, 130),
)
@settings(max_examples=60, deadline=None)
def test_any_tasks_give_one_line_each(tasks: list[tuple[str, float, float]], width: int) -> None:
    lines = forest_plot([verdict(name, delta, half) for name, delta, half in tasks], width=width)
    assert len(lines) == len(tasks) + 2
    assert all("●" in line for line in lines[1:-1])
