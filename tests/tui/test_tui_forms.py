"""The forms of split, training and evaluation: what they start, and what they show beforehand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from tunewise.evaluate.tasks import quick
from tunewise.tui.jobs.asking import Answer, ask
from tunewise.tui.jobs.suites import suites, suites_argument
from tunewise.tui.places.form_place import FormPlace
from tunewise.tui.texts.run import dry_text
from tunewise.tui.texts.split import parts_text, preview_text
from tunewise.tui.widgets.fields import FormField, command_arguments
from tunewise.workspace.artifact import Workspace

WIDE, NARROW = (120, 36), (80, 24)
FALL = {
    "counts": {"train": 70, "val": 15, "test": 14, "ood": 20},
    "stratification": {"column": "label", "max_drift": 0.004}, "seed": 3,
    "left_out": {"rows": 2, "by": {"prompt": 2}}, "set_aside": 1,
    "out_of_domain": {"column": "topic", "values": ["a", "b"]},
    "by_label": [{"value": "refund", "train": 0.2, "val": 0.2, "test": None}],
    "certificate": None, "notes": ["too few rows for so many values"],
}  # fmt: skip
PREFLIGHT = {
    "schedule": {"steps": 430, "steps_per_epoch": 86, "eval_every": 43}, "supervised_share": 0.52,
    "method": "lora", "device": "cpu", "dtype": "float32",
    "template": {"origin": "tokenizer", "sha256": "ab" * 32, "end_token": "<|end|>"},
    "rows": {"train": {"rows": 84, "used": 82, "refused": 2, "truncated": 1}},
    "refusals": [{"reason": "nothing to learn", "rows": 2}], "warnings": ["few rows"],
    "estimates": {"memory_bytes": 43_100_000_000, "seconds": 1550, "cost": 2.5},
    "examples": ["row 3, learns 2 of 9 tokens: ⟦We will.⟧"],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Questions to commands, answered at once."""
    questions: list[list[str]] = []

    def answer(workspace: Workspace, arguments: list[str], cancelled: Any = None) -> Answer:
        questions.append(arguments)
        if "--seed" in arguments and "wrong" in arguments:
            return Answer(problem="invalid seed\ngive a number")
        document = PREFLIGHT if arguments[0] == "train" else {"splits": [FALL]}
        return Answer(document)

    monkeypatch.setattr("tunewise.tui.places.form_place.ask", answer)
    monkeypatch.setattr(
        "tunewise.tui.places.form_place.effective_settings",
        lambda workspace: {"split.seed": 17, "split.ratios": [0.7, 0.15, 0.15], "train.rank": 16},
    )
    monkeypatch.setattr(FormPlace, "ask_after_seconds", 0.001)
    return questions


def test_a_form_is_a_command_line() -> None:
    fields = (
        FormField("data", "", "what"),
        FormField("group", "--group", "columns", many=True),
        FormField("restart", "--restart", "begin anew", switch=True),
    )
    values = {"data": " a b ", "group": "x, y,", "restart": "yes"}
    expected = ["split", "a b", "--group", "x", "--group", "y", "--restart"]
    assert command_arguments("split", fields, values) == expected
    assert command_arguments("split", fields, {"restart": "no"}) == ["split"]


def test_chosen_suites_are_options() -> None:
    listed = suites()
    assert [suite.name for suite in listed[:4]] == ["domain", "general", "quick", "bias"]
    assert all(suite.items for suite in listed[1:])
    assert listed[2].items == quick.QUICK_ITEMS * (len(listed) - 4)
    assert suites_argument({"quick", "bias"}, "", listed) == "quick,bias"
    assert suites_argument({"general", "facts"}, "piqa", listed) == "general,piqa"
    (facts,) = [suite for suite in listed if suite.name == "facts"]
    assert suites_argument({"facts"}, "", listed) == facts.argument
    assert suites_argument(set(), "", listed) == ""


def test_a_command_that_is_asked_answers_or_says_why(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_with(code: str) -> None:
        monkeypatch.setattr(
            "tunewise.tui.jobs.asking.command_line", lambda arguments: [sys.executable, "-c", code]
        )

    answer_with("print('{\"a\": 1}')")
    assert ask(workspace, ["x"]).document == {"a": 1}
    answer_with("import sys; sys.exit('no such thing')")
    assert ask(workspace, ["x"]).problem == "no such thing"
    answer_with("import time; time.sleep(60)")
    assert ask(workspace, ["x"], lambda: True).problem == "cancelled"
    monkeypatch.setattr(
        "tunewise.tui.jobs.asking.command_line", lambda arguments: ["/nowhere/python"]
    )
    assert "cannot run tunewise x" in ask(workspace, ["x"]).problem


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_split_is_previewed_and_started(
    make_app: Callable, see: Callable, started: list, asked: list, size
) -> None:
    async with make_app("splits").run_test(size=size) as pilot:
        await see(pilot, "Certificate")
        await pilot.press("f")
        await see(pilot, "tunewise split", "70/15/15", "train", "ctrl+s starts it")
        await pilot.press("down", "down", "down", "down", "3")
        await see(pilot, "tunewise split --seed 3")
        assert asked[-1] == ["split", "--seed", "3", "--preview"]
        assert started == []
        await pilot.press("ctrl+s")
        await see(pilot, "Certificate")
        assert started == [["split", "--seed", "3"]]


async def test_a_preview_that_fails_says_what_to_do(
    make_app: Callable, see: Callable, asked: list
) -> None:
    async with make_app("splits").run_test(size=WIDE) as pilot:
        await see(pilot, "Certificate")
        await pilot.press("f", "down", "down", "down", "down", *"wrong")
        await see(pilot, "invalid seed", "give a number")
        await pilot.press("escape")
        await see(pilot, "Certificate", gone="invalid seed")


async def test_a_training_is_worked_out_before_it_starts(
    make_app: Callable, see: Callable, started: list, asked: list
) -> None:
    async with make_app("train").run_test(size=WIDE) as pilot:
        await see(pilot, "best val loss")
        await pilot.press("f")
        await see(pilot, "430 steps", "52 % of the tokens", "memory  43 GB", "25:50", "few rows")
        await pilot.press("down", *"base/model", "enter")
        assert isinstance(pilot.app.focused, Input)
        await pilot.press("c")
        assert pilot.app.focused.value == "c", "in a field, letters are text"
        await pilot.press("backspace", "ctrl+s")
        assert started == [["train", "--model", "base/model"]]
        assert ["train", "--model", "base/model", "--dry-run"] in asked


async def test_suites_are_marked_and_measured(
    make_app: Callable, see: Callable, started: list, asked: list
) -> None:
    async with make_app("bench").run_test(size=WIDE) as pilot:
        await see(pilot, "4 tasks")
        await pilot.press("f", "tab", "tab", "tab", "3", "tab", "y", "e", "s", "tab")
        await see(pilot, "all 6 bundled tasks")
        await pilot.press("j", "j", "space")
        await see(pilot, "◆", "quick: the same, 200 items of each")
        await pilot.press("ctrl+s")
        expected = ["evaluate", "--suite", "quick", "--prompted-base", "3", "--checkpoints"]
        assert started == [expected]


def test_previews_read_as_text(hostile: str) -> None:
    told = json.loads(json.dumps(FALL))
    told["out_of_domain"]["values"] = [hostile]
    text = preview_text({"splits": [told, {**FALL, "fold": {"number": 2, "of": 5}}]}).plain
    assert "fold 2 of 5" in text
    assert "2 rows in no part (prompt 2)" in text
    assert "\x1b" not in text
    assert "ood" in parts_text(FALL).plain
    assert "ood" not in parts_text({"counts": {"train": 1}}).plain
    dry = dry_text(PREFLIGHT).plain
    assert "2 rows refused: nothing to learn" in dry
    assert "cost  2.5" in dry
    assert dry_text({"rows": {}}).plain


async def test_rows_in_no_part_and_other_splits_are_shown(
    make_app: Callable, see: Callable, workspace: Workspace, write_artifact: Callable
) -> None:
    import polars as pl

    left = pl.DataFrame({"row": [4, 9], "reason": ["the same prompt as row 1", "[red]x"]})
    certificate = {"exact_across": 0, "near_across": 1, "prompt_across": 0}
    for fold in (1, 2):
        document = {**FALL, "fold": {"number": fold, "of": 2}, "certificate": certificate}
        write_artifact(workspace, "split", document, {"left_out": left}, version=fold + 1)
    async with make_app("splits").run_test(size=WIDE) as pilot:
        await see(pilot, "fold 2 of 2", "row 4  the same prompt as row 1", "1 near-duplicates")
        await pilot.press("p")
        await see(pilot, "fold 1 of 2", "2 of 3")


def test_the_form_is_drawn_from_options_that_the_commands_have() -> None:
    from click.testing import CliRunner

    from tunewise.cli.main import tunewise
    from tunewise.tui.places.bench_place import BenchPlace
    from tunewise.tui.places.splits_place import SplitsPlace
    from tunewise.tui.places.train_place import TrainPlace

    for place in (SplitsPlace, TrainPlace, BenchPlace):
        told = CliRunner().invoke(tunewise, [place.step, "--help"]).output
        for field in place.fields:
            assert field.option in told, field


def test_bundled_suites_lie_where_the_evaluation_looks() -> None:
    from tunewise.evaluate.items import DOMAIN, GENERAL
    from tunewise.evaluate.tasks.files import BUNDLED
    from tunewise.tui.jobs import suites as of_app

    assert (of_app.DOMAIN, of_app.GENERAL) == (DOMAIN, GENERAL)
    assert Path(of_app.BUNDLED) == BUNDLED
