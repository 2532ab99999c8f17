"""The table: what it draws of very many rows, and how its cursor moves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import App, ComposeResult

from tunewise.tui.texts.marks import plain
from tunewise.tui.widgets.listing import Column, Rows
from tunewise.tui.widgets.table import Table

MANY = 1_000_000


class Counted:
    """A listing of very many rows that remembers which it was asked for."""

    columns = (Column("row", 9, right=True), Column("text", 30))

    def __init__(self, rows: int = MANY) -> None:
        self.rows = rows
        self.asked: set[int] = set()

    def __len__(self) -> int:
        return self.rows

    def cells(self, position: int) -> Sequence[Text]:
        self.asked.add(position)
        return [plain(f"{position:,}"), plain(f"text of {position}", "dim")]


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield Table()

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def on_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        self.told.append(("highlighted", event.cursor_row))

    def on_table_row_selected(self, event: Table.RowSelected) -> None:
        self.told.append(("selected", event.cursor_row))


def lines(app: App) -> list[str]:
    return [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]


async def test_only_the_rows_in_sight_are_asked_for() -> None:
    async with (app := Shown()).run_test(size=(60, 10)) as pilot:
        listing = Counted()
        app.table.show(listing)
        await pilot.pause()
        assert lines(app)[0].startswith("       row  text ")
        assert lines(app)[9].startswith("         8  text of 8 ")
        await pilot.press("G")
        await pilot.pause()
        assert lines(app)[0].startswith("       row  text ")
        assert lines(app)[9].startswith("   999,999  text of 999999 ")
        await pilot.press("ctrl+u", "k", "g", "ctrl+d")
        await pilot.pause()
        assert app.table.cursor_row == 8
        assert len(listing.asked) < 60


async def test_the_cursor_stays_within_and_is_told() -> None:
    async with (app := Shown()).run_test(size=(60, 10)) as pilot:
        app.table.focus()
        await pilot.press("enter", "j", "G")
        assert app.told == []
        app.table.show(Counted(3), cursor=7)
        await pilot.pause()
        assert app.told == [("highlighted", 2)]
        await pilot.press("j", "k", "enter", "g", "k")
        assert app.told[1:] == [("highlighted", 1), ("selected", 1), ("highlighted", 0)]
        # Another row under a cursor that stays where it is.
        app.table.show(Counted(2), cursor=0)
        await pilot.pause()
        assert app.told[4:] == [("highlighted", 0)]


async def test_a_click_goes_to_a_row_and_another_opens_it() -> None:
    async with (app := Shown()).run_test(size=(60, 10)) as pilot:
        app.table.show(Counted(5))
        await pilot.pause()
        await pilot.click(Table, offset=(3, 0))
        await pilot.click(Table, offset=(3, 8))
        await pilot.click(Table, offset=(3, 4))
        await pilot.click(Table, offset=(3, 4))
        await pilot.pause()
        assert app.told == [("highlighted", 0), ("highlighted", 3), ("selected", 3)]


async def test_cells_are_cut_to_their_columns_whatever_they_hold() -> None:
    hostile = "[red]x[/]\x1b[2J\n" + "字" * 40
    rows = Rows((Column("a", 12), Column("b", 4, right=True)), [[plain(hostile), plain("é́7")]])
    async with (app := Shown()).run_test(size=(40, 4)) as pilot:
        app.table.show(rows)
        await pilot.pause()
        shown = lines(app)[1]
        assert shown.startswith(" [red]x[/]␛[…  ")
        assert Text(shown).cell_len == 40
        assert Text(shown[: shown.index("7") + 1]).cell_len == 1 + 12 + 2 + 4


async def test_changed_cells_are_drawn_anew() -> None:
    async with (app := Shown()).run_test(size=(40, 4)) as pilot:
        cells = [[plain("before")]]
        app.table.show(Rows((Column("a", 12),), cells))
        await pilot.pause()
        cells[0] = [plain("after")]
        app.table.redraw()
        await pilot.pause()
        assert "after" in lines(app)[1]
        app.table.show(Rows((Column("a", 12),), []))
        await pilot.pause()
        assert not lines(app)[1].strip()
