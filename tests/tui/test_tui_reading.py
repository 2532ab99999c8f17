"""Records as text to read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.finding import FINDING_SCHEMA, Severity
from tunewise.curate.reading.read import read_dataset
from tunewise.tui.records.arranging import list_path, make_list, read_listed
from tunewise.tui.records.file import (
    LABEL,
    LONGEST,
    ROW,
    SHORTEST,
    arranged,
    count_records,
    hits_of_row,
    position_of_row,
    read_hits,
    read_page,
    read_record,
    read_set_aside,
)
from tunewise.tui.records.hit_rows import HitRows
from tunewise.tui.records.item_rows import ORDERS as ITEM_ORDERS
from tunewise.tui.records.item_rows import read_flips, read_item
from tunewise.tui.screens.answers import AnswersScreen
from tunewise.tui.texts.reading import (
    SHOWN_CHARACTERS,
    Mark,
    marked_text,
    other_fields,
    record_text,
    set_aside_text,
)
from tunewise.tui.texts.run_curves import curve_text, read_log
from tunewise.tui.widgets.listing import RecordPages
from tunewise.tui.widgets.pane import first_mark
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.safe_text import safe_text


@pytest.fixture
def audit_folder(workspace: Workspace) -> Path:
    return next((workspace.store / "audit").iterdir())


def reversed_parts(text) -> list[str]:
    return [text.plain[s.start : s.end] for s in text.spans if "reverse" in str(s.style)]


def test_other_fields_are_the_sources_own(tmp_path: Path) -> None:
    """Keys in an unusual order make the reader note how the row was written."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"messages": [{"content": "a", "role": "user"}], "price": 123456789012345678901234}\n'
        '{"messages": [{"content": "b", "role": "user"}]}\n'
    )
    records = read_dataset([path], shape="chat").records
    none = pl.DataFrame(schema=FINDING_SCHEMA)
    assert all("_tunewise" in extra for extra in records["extra"])
    first, second = (record_text(record, none).plain for record in records.iter_rows(named=True))
    assert first.endswith('other fields\n{"price":123456789012345678901234}')
    assert "_tunewise" not in first + second
    assert "other fields" not in second
    assert other_fields(None) == other_fields("{}") == ""
    assert other_fields("{no JSON") == "{no JSON"


def test_evidence_is_marked_at_its_very_characters() -> None:
    content = "漢字 \u202e write to ana@example.com, please"
    start = content.index("ana@")
    text = marked_text(content, [Mark(start, start + 15, Severity.HIGH)])
    assert reversed_parts(text) == ["ana@example.com"]
    assert text.plain == safe_text(content)


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=5),
)
def test_marks_never_change_or_lose_text(content: str, stretches: list) -> None:
    marks = [Mark(start, end, Severity.LOW) for start, end in stretches]
    assert marked_text(content, marks).plain == safe_text(content, keep_line_breaks=True)


def test_a_very_long_text_shows_a_window_around_the_evidence() -> None:
    content = "a" * 500_000 + "EVIDENCE" + "b" * 500_000
    text = marked_text(content, [Mark(500_000, 500_008, Severity.HIGH)])
    assert reversed_parts(text) == ["EVIDENCE"]
    assert len(text) < SHOWN_CHARACTERS + 200
    assert "498,000 characters before" in text.plain
    assert "characters more" in text.plain


def test_a_record_shows_facts_findings_and_messages(audit_folder: Path) -> None:
    record = read_record(audit_folder / "records.parquet", 3)
    assert record is not None
    text = record_text(record, hits_of_row(audit_folder / "findings.parquet", 3))
    assert "row 3  chat  label order  id r3" in text.plain
    assert "HIGH privacy/email  an e-mail address" in text.plain
    assert reversed_parts(text) == ["ana@example.com"]
    assert first_mark(text) == text.plain.index("ana@example.com")


def test_a_row_set_aside_shows_why_and_its_bytes(audit_folder: Path) -> None:
    assert read_record(audit_folder / "records.parquet", 7) is None
    item = read_set_aside(audit_folder / "set_aside.parquet", 7)
    assert item is not None
    text = set_aside_text(item, hits_of_row(audit_folder / "findings.parquet", 7))
    assert "line 8, byte 812" in text.plain
    assert "␛]0;x␇{oops �" in text.plain


def test_pages_of_records(audit_folder: Path) -> None:
    path = audit_folder / "records.parquet"
    assert count_records(path) == 119
    assert read_page(path, 5, 4)["row"].to_list() == [5, 6, 8, 9]
    assert position_of_row(path, 8) == 7
    assert position_of_row(path, 7) == 6
    assert len(read_page(path, 21, 1)["text"][0]) <= 300


def test_records_are_arranged_by_length_label_and_text(audit_folder: Path) -> None:
    path = audit_folder / "records.parquet"

    def rows_of(order: str, text: str = "") -> list[int]:
        return arranged(path, order, text).collect()["row"].to_list()

    longest, shortest = rows_of(LONGEST), rows_of(SHORTEST)
    assert longest[0] == 21
    assert shortest[-1] == 21
    assert sorted(longest) == sorted(shortest) == rows_of(ROW)
    assert len(rows_of(LABEL)) == 119
    for text, rows in (
        ("ANA@EXAMPLE", [3]),
        ("[/bold] [red", [20]),
        ("漢字かな", [20]),
        (".*", []),
    ):
        assert rows_of(ROW, text) == rows


def test_a_page_that_is_missing_is_asked_for(audit_folder: Path) -> None:
    wanted: list[int] = []
    pages = RecordPages(119, partial(read_page, audit_folder / "records.parquet"))
    pages.request = wanted.append
    assert [cell.plain for cell in pages.cells(0)] == ["…", "…", "…"]
    assert pages.row_at(0) is None
    assert wanted == [0]
    pages.load(0)
    assert pages.cells(0)[1].plain == "0"
    assert pages.row_at(118) == 119


def test_a_list_is_written_by_another_process_and_read_by_the_page(
    audit_folder: Path, workspace: Workspace
) -> None:
    records = audit_folder / "records.parquet"
    path = list_path(workspace, "audit", LONGEST, "tuning")
    assert make_list(records, LONGEST, "tuning", path, lambda: False) == ""
    expected = arranged(records, LONGEST, "tuning").collect()
    assert read_listed(path, 3, 4).equals(expected.slice(3, 4))
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    records.unlink()
    assert make_list(records, LONGEST, "tuning", path, lambda: False) == "", "it was kept"
    other = list_path(workspace, "audit", LONGEST, "strings")
    assert "records.parquet" in make_list(records, LONGEST, "strings", other, lambda: False)
    assert make_list(records, ROW, "x", other, lambda: True) in ("cancelled",)


def test_hits_of_a_cluster_stand_together(audit_folder: Path) -> None:
    hits = read_hits(audit_folder / "findings.parquet", "duplicates/near")
    rows = HitRows("duplicates/near", hits)
    assert rows.heading(0) == "cluster 1/2 · pair 1/1 · Jaccard 0.86 · rows 10 and 11"
    assert rows.heading(2) == "cluster 2/2 · pair 2/2 · Jaccard 0.80 · rows 14 and 13"
    assert rows.summary() == "3 hits in 3 rows, 2 clusters"


def test_a_finding_about_the_dataset_has_no_row(audit_folder: Path) -> None:
    rows = HitRows("balance/label", read_hits(audit_folder / "findings.parquet", "balance/label"))
    assert rows.cells(0)[1].plain == "all"
    assert rows.heading(0) == "hit 1/1"


def test_lost_items_come_first(workspace: Workspace) -> None:
    path = next((workspace.store / "evaluate").glob("*/items.parquet"))
    truth = pl.read_parquet(path)
    lost = truth.filter(pl.col("tuned_score") < pl.col("base_score"))
    gained = truth.filter(pl.col("tuned_score") > pl.col("base_score"))
    arithmetic, facts = (
        {"task": name, "metric": "acc", "kind": "share"} for name in ("arithmetic", "facts")
    )
    rows = read_flips(path, [arithmetic, facts], ITEM_ORDERS[0])
    assert (
        rows.summary()
        == f"{len(lost) + len(gained)} items changed: lost {len(lost)}, gained " + str(len(gained))
    )
    assert rows.flips["change"].to_list() == ["lost"] * len(lost) + ["gained"] * len(gained)
    assert read_flips(path, [arithmetic]).flips["task"].unique().to_list() == ["arithmetic"]
    assert len(read_flips(path, [facts], text="[/bold] [red")) == 1
    item = read_item(path, "facts", "4")
    assert item is not None
    assert len(item["tuned_output"]) == 1_000_000


def test_of_a_loss_the_largest_changes_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pl.DataFrame(
        {
            "task": ["right"] * 2 + ["prose"] * 40,
            "metric": ["acc"] * 2 + ["loss"] * 40,
            "item": [str(number) for number in range(42)],
            "base_score": [1.0, 0.0] + [1.0] * 40,
            "tuned_score": [0.0, 1.0] + [1.0 + change / 100 for change in range(-20, 21) if change],
            "prompt": ["a prompt"] * 42,
        }
    ).write_parquet(path)
    tasks = [
        {"task": "right", "metric": "acc", "kind": "share"},
        {"task": "prose", "metric": "loss", "kind": "loss", "higher_is_better": False},
    ]
    rows = read_flips(path, tasks)
    assert rows.summary() == "2 items changed: lost 1, gained 1; 18 whose loss changed most"
    listed = rows.flips.filter(task="prose")
    worse = listed.filter(change="lost")["tuned_score"].to_list()
    better = listed.filter(change="gained")["tuned_score"].to_list()
    assert worse == pytest.approx([1 + change / 100 for change in range(20, 8, -1)])
    assert better == pytest.approx([1 - change / 100 for change in range(20, 14, -1)])
    assert rows.flips["task"][0] == "right"
    assert [cell.plain for cell in rows.cells(1)][2:4] == ["1.000", "1.200"]


async def test_an_item_of_a_loss_has_no_answers(make_app: Callable, see: Callable) -> None:
    item = {
        "task": "prose", "item": "7", "prompt": "Once upon a time", "expected": None,
        "base_score": 1.0, "tuned_score": 1.25, "base_output": None, "tuned_output": None,
    }  # fmt: skip
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        app.push_screen(AnswersScreen(item))
        shown = await see(pilot, "Once upon a time", "base 1.000", "tuned 1.250")
        assert shown.count("the loss was measured") == 2
        assert "right" not in shown


def test_a_loss_log_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    losses = [float("nan"), *(float(n % 2) for n in range(99))]
    frame = pl.DataFrame({"step": range(100), "train_loss": losses})
    path = tmp_path / "log.parquet"
    frame.with_columns(val_loss=pl.lit(None, dtype=pl.Float64)).write_parquet(path)
    log = read_log(path)
    assert log.val == ()
    assert log.window == 9
    assert len(log.train) == 99
    assert log.train[-1] == (99, pytest.approx(4 / 9))
    assert "train, mean of 9 steps" in curve_text(log, 40, 6).plain
    frame.head(1).with_columns(val_loss=pl.lit(None, dtype=pl.Float64)).write_parquet(path)
    assert curve_text(read_log(path), 40, 6).plain == "no loss was measured"


def test_the_fixture_is_what_a_contract_says(audit_folder: Path, add_audit: Callable) -> None:
    from tunewise.curate.finding import FINDING_SCHEMA
    from tunewise.curate.records import RECORD_SCHEMA

    assert pl.read_parquet_schema(audit_folder / "records.parquet") == RECORD_SCHEMA
    assert pl.read_parquet_schema(audit_folder / "findings.parquet") == FINDING_SCHEMA
