"""What a person may choose: theme, keys, the tour, text instead of drawings, fields by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome

from tunewise.tui.app import TunewiseApp
from tunewise.tui.keys import key_name, names_of, unknown_keys
from tunewise.tui.own_state import read_state, state_path
from tunewise.tui.places.all_places import PLACES, place_class
from tunewise.tui.screens.jobs import JobsScreen
from tunewise.tui.screens.map import Mapping
from tunewise.tui.screens.tour import STEPS, step_text
from tunewise.tui.snapshot import Snapshot
from tunewise.tui.texts.marks import VERMILLION
from tunewise.tui.texts.plain import plain_place, summary
from tunewise.tui.theme import DARK, LIGHT, Recolour
from tunewise.workspace.app_settings import AppSettings
from tunewise.workspace.artifact import Workspace

WIDE = (120, 36)


async def test_keys_of_ones_own_take_the_place_of_the_usual_ones(
    make_app: Callable, see: Callable
) -> None:
    settings = AppSettings(keys={"severity": "ctrl+t", "help": "f5", "acept": "x"})
    async with make_app("findings", settings=settings).run_test(
        size=WIDE, notifications=True
    ) as pilot:
        await see(pilot, "5 findings", "did you mean 'accept'")
        await pilot.press("s")
        await see(pilot, "5 findings")
        await pilot.press("ctrl+t")
        await see(pilot, "2 findings of severity")
        await pilot.press("f5")
        await see(pilot, "Help: Findings")
        await pilot.press("G")
        await see(pilot, "changed by you", "ctrl+t", "severity")


def test_every_key_has_a_name_and_no_name_two_meanings() -> None:
    known = names_of([TunewiseApp, *map(place_class, PLACES), JobsScreen])
    assert {"audit", "accept", "keep_left", "form", "export", "place_report"} <= {*known}
    assert key_name("keep('left')") == "keep_left"
    assert unknown_keys({"accept": "x"}, known) == []
    assert "accept" in unknown_keys({"acept": "x"}, known)[0]


@pytest.mark.parametrize("theme", ["light", "ansi", "dracula"])
async def test_themes_are_drawn(make_app: Callable, see: Callable, theme: str) -> None:
    app = make_app("findings", settings=AppSettings(theme=theme))
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        for number in "14567":
            await pilot.press(number)
            await pilot.pause()
        assert list(pilot.app.screen._compositor.render_strips())


def test_texts_keep_their_meaning_in_the_colours_of_the_theme() -> None:
    from textual.theme import BUILTIN_THEMES

    segment = Segment("HIGH", Style(color=VERMILLION, bold=True))
    ground = Color.parse("#ffffff")

    def colour(theme) -> str:
        (found,) = Recolour(theme).apply([segment], ground)
        assert found.text == "HIGH"
        assert found.style is not None
        assert found.style.color is not None
        assert found.style.bold
        return found.style.color.name

    assert not Recolour(DARK).enabled
    assert colour(LIGHT) == "#a84300"
    assert colour(BUILTIN_THEMES["ansi-dark"]) == "red"
    assert Recolour(LIGHT).apply([Segment("x")], ground) == [Segment("x")]


async def test_the_theme_that_was_chosen_is_remembered(make_app: Callable, see: Callable) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        await see(pilot, "Quality")
        pilot.app.theme = "tunewise-light"
        await pilot.pause()
    assert read_state(state_path())["theme"] == "tunewise-light"
    assert make_app().theme == "tunewise-light"
    assert make_app(settings=AppSettings(theme="dark")).theme == "tunewise"
    state_path().write_text("{broken")
    assert make_app().theme == "tunewise"


async def test_an_unknown_theme_is_told(make_app: Callable, see: Callable) -> None:
    app = make_app(settings=AppSettings(theme="[red]pink"))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "there is no theme '[red]pink'", "Quality")


async def test_no_colour_where_none_is_wanted(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "✖ HIGH")
        (filter_,) = [one for one in pilot.app.get_line_filters() if isinstance(one, Monochrome)]
        red = Segment("HIGH", Style(color=VERMILLION))
        (grey,) = filter_.apply([red], Color.parse("#000000"))
        assert grey.style is not None
        assert grey.style.color is not None
        assert grey.style.color.triplet is not None
        assert len({*grey.style.color.triplet}) == 1


async def test_the_tour_leads_through_every_place(make_app: Callable, see: Callable) -> None:
    async with make_app(tour=True).run_test(size=(80, 24)) as pilot:
        await see(pilot, "Tour 1/7", "This is how good the dataset is")
        for number, step in enumerate(STEPS[1:], start=2):
            await pilot.press("ctrl+n")
            await see(pilot, f"Tour {number}/7")
            assert pilot.app.current_place_name == step.place
        await pilot.press("ctrl+b")
        await see(pilot, "Tour 6/7")
        await pilot.press("f1")
        await see(pilot, gone="Tour")


def test_the_tour_says_what_to_do_where_there_is_nothing_yet() -> None:
    for number in range(3):
        assert "enter" in step_text(number, Snapshot()).plain
    assert "tunewise demo" in step_text(6, Snapshot()).plain


def test_every_place_is_text_without_drawings(workspace: Workspace) -> None:
    signs = {
        "data": "Clean 96 %", "findings": "privacy/email: 1 row", "records": "row 3 label order",
        "splits": "train  71 %", "train": "best val loss", "bench": "base 0.600, tuned 0.745",
        "report": "arithmetic  -6.2",
    }  # fmt: skip
    for place, sign in signs.items():
        text = plain_place(workspace, place).replace("−", "-")
        assert sign in text, text
        assert not {*"█▏│├┤─⣀"} & {*text}, text
        assert "\x1b" not in text
    assert "It forgot (arithmetic)" in summary(workspace)


def test_an_empty_workspace_as_text_says_what_to_run(empty_workspace: Workspace) -> None:
    assert plain_place(empty_workspace, "report") == "nothing yet: tunewise audit DATA"
    assert summary(empty_workspace) == "nothing yet: tunewise audit DATA"


def test_a_mapping_is_what_the_command_takes() -> None:
    said = Mapping("sharegpt", "role=from, content=value")
    assert said.parts == {"role": "from", "content": "value"}
    assert said.options == ["--shape", "sharegpt", "--map", "role=from, content=value"]
    assert Mapping().options == []
    with pytest.raises(ValueError, match="no PART=FIELD"):
        _ = Mapping("", "role").parts


async def test_fields_are_mapped_with_three_rows_to_check_it_by(
    make_app: Callable, see: Callable, empty_workspace: Workspace, started: list[list[str]]
) -> None:
    path: Path = empty_workspace.root / "notes.jsonl"
    rows = [{"body": f"text {n}", "queue": "a", "text": f"other {n}"} for n in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with make_app(workspace=empty_workspace).run_test(size=WIDE) as pilot:
        await see(pilot, "notes.jsonl")
        await pilot.press("m")
        await pilot.press("enter")
        await see(pilot, "other 0", "m maps its fields")
        await pilot.press("m")
        await see(pilot, "How the rows are read", "other 1")
        await pilot.press("down", *"text=body,label=queue")
        await see(pilot, "text 1", "label a")
        await pilot.press("ctrl+s")
        await see(pilot, "text 2", gone="How the rows are read")
        await pilot.press("enter")
        await pilot.pause()
    assert started == [["audit", str(path), "--map", "text=body,label=queue"]]
