"""Which copy stays: the longest, the best or the first; and none goes without a tie to it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.copy_removals import REMOVED_SCHEMA
from tunewise.curate.cleaning.decide import accept, acceptance, decide, dismissal
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.settings import CleanSettings
from tunewise.workspace.artifact import Artifact
from tunewise.workspace.errors import UsageError

OPEN_GUARD = CleanSettings(max_removed_share=1.0)
WORDS = [f"word{number}" for number in range(60)]


def chat(question: str, answer: str, **more: object) -> dict:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def fault(row: int, severity: str) -> dict:
    values = dict.fromkeys(FINDING_SCHEMA.names())
    return {**values, "row": row, "check": "text/html", "fix": "review", "severity": severity,
            "message": "here"}  # fmt: skip


def removed_of(artifact: Artifact) -> dict[int, tuple[str, int]]:
    frame = pl.read_parquet(artifact.folder / "removed.parquet")
    assert set(REMOVED_SCHEMA) <= set(frame.columns)
    return {row: (reason, kept) for row, reason, kept in frame.select("row", "reason", "related_row").rows()}  # fmt: skip # noqa: E501


def alike(*lengths: int) -> list[dict]:
    return [chat("?", " ".join(WORDS[:length])) for length in lengths]


@pytest.mark.parametrize(
    ("keep", "kept", "why"),
    [
        (None, 1, "as the longest"),
        ("longest", 1, "as the longest"),
        ("first", 0, "as the first"),
        ("best", 2, "as the best"),
    ],
)
def test_of_near_copies_the_chosen_one_stays(
    tmp_path: Path, make_audit, keep: str | None, kept: int, why: str
) -> None:
    rows = [*alike(52, 56, 54), chat("Else?", "Yes.")]
    faults = [fault(0, "low"), fault(1, "medium"), fault(2, "info")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["duplicates/near"], keep=keep)
    removed = removed_of(clean(workspace, audit, OPEN_GUARD))
    assert set(removed) == {0, 1, 2} - {kept}
    assert {other for _, other in removed.values()} == {kept}
    assert all(why in reason for reason, _ in removed.values())


def test_the_best_has_the_fewest_open_findings_by_gravity_then_the_longest(
    tmp_path: Path, make_audit
) -> None:
    rows = alike(50, 51, 52, 53)
    # One grave fault weighs more than two lesser ones; what is accepted is not open.
    faults = [fault(0, "low"), fault(0, "low"), fault(1, "high"), fault(2, "low"), fault(2, "low"),
              fault(3, "medium")]  # fmt: skip
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["duplicates"], keep="best")
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {0, 1, 3}
    decide(workspace, audit, dismissal(audit, ["text/html"], rows=[1, 3]))
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {0, 1, 2}


def test_of_equal_words_the_longest_text_stays(tmp_path: Path, make_audit) -> None:
    rows = [
        chat("where is it", "here"),
        chat("Where is it?!", "Here."),
        chat("Where is it", "Here"),
    ]
    workspace, audit = make_audit(tmp_path, rows)
    accept(workspace, audit, ["duplicates"])
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {1, 2}
    accept(workspace, audit, ["duplicates/normalised"], keep="longest")
    removed = removed_of(clean(workspace, audit, OPEN_GUARD))
    assert set(removed) == {0, 2}
    assert removed[0] == ("a copy of row 1, which stays as the longest", 1)


def test_of_exact_copies_the_best_stays(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B.", n=n) for n in range(3)] + [chat("a?", "b")]
    workspace, audit = make_audit(tmp_path, rows, [fault(0, "high"), fault(1, "high")])
    accept(workspace, audit, ["duplicates"], keep="best")
    removed = removed_of(clean(workspace, audit, OPEN_GUARD))
    assert (set(removed), removed[0][1]) == ({0, 1, 3}, 2)
    # The first of them had another copy, which is one of its heir now.
    assert removed[3][1] == 2


def test_only_what_was_accepted_goes(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.", n=n) for n in range(4)])
    accept(workspace, audit, ["duplicates/exact"], rows=[1], keep="first")
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {1}
    rows = alike(50, 52, 54)
    (tmp_path / "near").mkdir()
    workspace, audit = make_audit(tmp_path / "near", rows)
    accept(workspace, audit, ["duplicates/near"], rows=[1], keep="first")
    # Row 2 was to stay by the findings; who says that the first stays lets go of it. About row 0
    # nobody decided.
    removed = removed_of(clean(workspace, audit, OPEN_GUARD))
    assert {row: kept for row, (_, kept) in removed.items()} == {2: 1}
    # One that is no fault stays, and those that are tied to it go.
    decide(workspace, audit, dismissal(audit, ["duplicates"], rows=[0]))
    removed = removed_of(clean(workspace, audit, OPEN_GUARD))
    assert {row: kept for row, (_, kept) in removed.items()} == {1: 0, 2: 0}


def test_a_relative_stays_where_the_other_row_goes(tmp_path: Path, make_audit) -> None:
    rows = [chat(f"Question {n}?", f"Answer {n}.") for n in range(5)]
    pairs = [(1, 0), (3, 2), (4, 3)]
    found = [
        {**fault(row, "medium"), "check": "duplicates/semantic", "related_row": other}
        for row, other in pairs
    ]
    found.append({**fault(0, "high"), "check": "safety/toxic", "fix": "drop"})
    workspace, audit = make_audit(tmp_path, rows, found)
    accept(workspace, audit, ["duplicates/semantic"], action="drop")
    # Row 4 is like row 3, which goes itself.
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {1, 3}
    accept(workspace, audit, ["safety"])
    assert set(removed_of(clean(workspace, audit, OPEN_GUARD))) == {0, 3}


@pytest.mark.parametrize(
    ("checks", "how"),
    [(["text/html"], {}), (["all"], {}), (["duplicates/near"], {"action": "mask"})],
)
def test_keeping_is_about_copies(tmp_path: Path, make_audit, checks: list, how: dict) -> None:
    _, audit = make_audit(tmp_path, [chat("A?", "B.")] * 2, [fault(0, "low")])
    with pytest.raises(UsageError):
        acceptance(audit, checks, keep="best", **how)
    with pytest.raises(UsageError, match="longest"):
        acceptance(audit, ["duplicates"], keep="longes")


@settings(max_examples=25, deadline=None)
@given(
    starts=st.lists(st.integers(0, 12), min_size=2, max_size=10),
    faults=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["high", "medium", "low"]))),
    keep=st.sampled_from([None, "longest", "best", "first"]),
    dropped=st.sets(st.integers(0, 9), max_size=3),
    spared=st.sets(st.integers(0, 9), max_size=3),
)
def test_a_row_goes_only_where_a_verified_pair_ties_it_to_one_that_stays(
    tmp_path_factory: pytest.TempPathFactory,
    make_audit,
    starts: list[int],
    faults: list[tuple[int, str]],
    keep: str | None,
    dropped: set[int],
    spared: set[int],
) -> None:
    rows = [chat("?", " ".join(WORDS[start : start + 40])) for start in starts]
    found = [fault(row, severity) for row, severity in faults if row < len(rows)]
    found += [{**fault(row, "high"), "check": "safety/toxic"} for row in dropped if row < len(rows)]
    workspace, audit = make_audit(tmp_path_factory.mktemp("keep"), rows, found)
    accept(workspace, audit, ["duplicates"], keep=keep)
    if spared:
        decide(workspace, audit, dismissal(audit, ["duplicates"], rows=sorted(spared)))
    if any(row < len(rows) for row in dropped):
        accept(workspace, audit, ["safety/toxic"], action="drop")
    cleaned = clean(workspace, audit, OPEN_GUARD)
    removed = pl.read_parquet(cleaned.folder / "removed.parquet")
    copies = removed.filter(pl.col("check").str.starts_with("duplicates"))
    gone = set(removed["row"])
    near = pl.read_parquet(audit.folder / "near_pairs.parquet")
    tied = {frozenset(pair) for pair in near.select("left", "right").rows()}
    for row, check, kept in copies.select("row", "check", "related_row").iter_rows():
        assert row not in dropped
        same = starts[row] == starts[kept]
        if check == "duplicates/near":
            assert kept not in gone
            assert same or any(
                frozenset((one, other)) in tied
                for one in range(len(starts))
                for other in range(len(starts))
                if starts[one] == starts[row] and starts[other] == starts[kept]
            )
        else:
            assert same
        assert row not in spared
