from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tunewise.cli.learning_rate_text import chart
from tunewise.cli.main import tunewise
from tunewise.train.preflight.find_learning_rate import ramp, read_curve, smooth
from tunewise.workspace.artifact import Artifact, Workspace


def curve(rates: list[float], *, falls_at: float, explodes_at: float) -> list[float]:
    """A loss that falls about one rate and grows without bounds from another."""
    return [2 + 2 / (1 + (rate / falls_at) ** 3) + (rate / explodes_at) ** 4 for rate in rates]


@pytest.mark.parametrize("falls_at", [1e-4, 1e-3, 1e-2])
def test_the_steepest_fall_is_found(falls_at: float) -> None:
    rates = ramp(1e-6, 1.0, 200)
    found = read_curve(rates, curve(rates, falls_at=falls_at, explodes_at=30 * falls_at))
    assert found.suggestion is not None
    # The smoothed loss lags behind by some steps, a seventh of a decade each.
    assert falls_at / 1.5 < found.suggestion < 6 * falls_at
    assert found.exploded
    assert found.a_tenth_of_lowest is not None
    assert found.a_tenth_of_lowest < found.suggestion * 10


def test_nothing_is_suggested_where_nothing_falls() -> None:
    rates = ramp(1e-6, 1.0, 50)
    assert read_curve(rates, [3.0 + number * 0.01 for number in range(50)]).suggestion is None
    assert read_curve(rates[:5], [3.0, 2.0, 1.0, 0.5, 0.2]).suggestion is None
    assert read_curve([], []).suggestion is None


def test_a_loss_that_is_no_number_ends_the_curve() -> None:
    rates = ramp(1e-6, 1.0, 40)
    losses = curve(rates, falls_at=1e-4, explodes_at=1.0)
    found = read_curve(rates, [*losses[:30], math.nan, *losses[31:]])
    assert found.exploded
    assert len(found.losses) == 30


@given(losses=st.lists(st.floats(0.1, 20), min_size=1, max_size=50))
def test_smoothing_stays_within_the_losses(losses: list[float]) -> None:
    smoothed = smooth(losses)
    assert smoothed[0] == pytest.approx(losses[0])
    assert min(losses) - 1e-9 <= min(smoothed) <= max(smoothed) <= max(losses) + 1e-9


def test_the_chart_stays_within_its_width_and_marks_the_rate() -> None:
    rates = ramp(1e-6, 1.0, 60)
    drawn = chart(rates, smooth(curve(rates, falls_at=1e-3, explodes_at=0.05)), 1e-3)
    lines = drawn.splitlines()
    assert len({len(line) for line in lines[:12]}) == 1
    assert lines[12].strip() in ("▲", "^")
    assert "1e-06" in lines[-1]
    assert "1e+00" in lines[-1]
    assert chart(rates[:1], [1.0], None)


def test_on_the_command_line(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    split = make_split(chat_rows(0, 40), chat_rows(40, 50))
    command = ["train", split.id, "--model", str(tiny_model), "--find-lr", "--steps", "40"]
    command += ["--workspace", str(workspace.root), "--json"]
    result = CliRunner().invoke(tunewise, command)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["rates"] == sorted(found["rates"])
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"])
    # A tiny random model learns these rows at large rates only.
    assert 1e-4 < found["suggestion"] < 1
    assert not (workspace.store / "train").exists()
