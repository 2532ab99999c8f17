"""Answers reviewed blind: the order says nothing, what was preferred is kept and counted."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from scipy import stats

from tunewise.cli.main import tunewise
from tunewise.evaluate.review import (
    BASE,
    TIE,
    TUNED,
    Preference,
    first_shown,
    items_to_review,
    keep_preference,
    read_preferences,
    review_path,
    tally,
)
from tunewise.workspace.artifact import Draft, Workspace, produce
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input


def items(path: Path, number: int = 40) -> Path:
    rows = [
        {"task": "domain", "item": str(n), "prompt": f"Q{n}", "base_output": f"b{n}",
         "tuned_output": f"b{n}" if n % 4 == 0 else f"t{n}", "choices": None}
        for n in range(number)
    ]  # fmt: skip
    rows += [{**row, "task": "domain/other-metric"} for row in rows]
    rows.append({**rows[1], "item": "chosen", "prompt": "C", "choices": ["a", "b"]})
    pl.DataFrame(rows, schema_overrides={"choices": pl.List(pl.String)}).write_parquet(path)
    return path


def test_only_free_answers_that_differ_are_shown_once(tmp_path: Path) -> None:
    found = items_to_review(items(tmp_path / "items.parquet"), "e1")
    assert sorted(found["item"].to_list(), key=int) == [str(n) for n in range(40) if n % 4]
    assert found["item"].to_list() != sorted(found["item"].to_list(), key=int)
    again = items_to_review(tmp_path / "items.parquet", "e1")
    assert again.equals(found)
    assert not items_to_review(tmp_path / "items.parquet", "e2").equals(found)


def test_neither_model_comes_first_more_often_than_by_chance() -> None:
    first = [first_shown("evaluation", "task", str(n)) for n in range(2000)]
    assert stats.binomtest(first.count(BASE), 2000, 0.5).pvalue > 0.001
    assert first == [first_shown("evaluation", "task", str(n)) for n in range(2000)]


def test_the_last_preference_about_an_item_counts(tmp_path: Path) -> None:
    path = review_path(Workspace(tmp_path), "e1")
    assert read_preferences(path) == {}
    keep_preference(path, Preference("t", "1", BASE, BASE))
    keep_preference(path, Preference("t", "1", TUNED, BASE))
    keep_preference(path, Preference("t", "[x]\u202e", TIE, TUNED))
    with path.open("a") as stream:
        stream.write('{"task": "t", "item"\n')
    found = read_preferences(path)
    assert found["t", "1"].preferred == TUNED
    assert found["t", "1"].who
    assert len(found) == 2


@pytest.mark.parametrize(
    ("tuned", "base", "verdict"), [(30, 10, TUNED), (10, 30, BASE), (3, 2, "undecided")]
)
def test_the_interval_decides(tuned: int, base: int, verdict: str) -> None:
    chosen = [TUNED] * tuned + [BASE] * base + [TIE] * 5
    counted = tally(Preference("t", str(n), what, BASE) for n, what in enumerate(chosen))
    assert (counted.tuned, counted.base, counted.ties) == (tuned, base, 5)
    exact = stats.binomtest(tuned, tuned + base).proportion_ci(0.95, method="wilson")
    assert counted.interval == pytest.approx((exact.low, exact.high))
    assert counted.verdict == verdict


def test_without_a_preference_nothing_is_claimed() -> None:
    counted = tally([Preference("t", "1", TIE, BASE)])
    assert (counted.share, counted.interval, counted.verdict) == (None, None, "undecided")


def test_the_command_tells_what_was_preferred(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)

    def build(draft: Draft) -> None:
        write_json(draft.folder / "evaluate.json", {"tasks": []})
        items(draft.folder / "items.parquet")

    made = produce(
        workspace, "evaluate", build, inputs=[Input(name="x", sha256="0" * 64)], parameters={}
    )
    keep_preference(review_path(workspace, made.id), Preference("domain", "1", TUNED, BASE))
    command = ["review", "latest", "--workspace", str(tmp_path)]
    document = json.loads(CliRunner().invoke(tunewise, [*command, "--json"]).stdout)
    assert (document["reviewed"], document["items"], document["tuned"]) == (1, 30, 1)
    assert "1 pair of 30 reviewed: tuned 1" in CliRunner().invoke(tunewise, command).output
