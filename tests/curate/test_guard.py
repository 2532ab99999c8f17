"""The guard: too much of a label, a source or the whole does not go without a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.auditing.audited import read_audited
from tunewise.curate.cleaning.clean import approval, clean
from tunewise.curate.cleaning.decide import acceptance, audit_journal, decide, dismissal, undo
from tunewise.curate.cleaning.guard import Share, as_confirmed, refuse, shares_of, too_much
from tunewise.curate.cleaning.journal import new_decision
from tunewise.curate.settings import CleanSettings
from tunewise.workspace.errors import GateError


def values(labels: Sequence[str | None], sources: list[str | None] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"row": range(len(labels)), "label": labels, "source": sources or [None] * len(labels)},
        schema={"row": pl.Int64, "label": pl.String, "source": pl.String},
    )


def beyond(frame: pl.DataFrame, removed: list[int], limit: float = 0.5) -> list[str]:
    rows = pl.Series("row", removed, dtype=pl.Int64)
    return [str(share) for share in too_much(shares_of(frame, rows), limit)]


def test_more_than_the_stated_share_is_too_much() -> None:
    frame = values(["a"] * 20 + ["b"] * 10)
    assert beyond(frame, list(range(20, 25))) == []
    assert beyond(frame, list(range(20, 26))) == ["6 of 10 rows of label 'b'"]
    assert beyond(frame, list(range(20, 26)), 0.6) == []
    assert beyond(frame, list(range(20, 21)), 0.0) == []
    assert beyond(frame, list(range(20, 25)), 0.0) == [
        "5 of 30 rows of the dataset",
        "5 of 10 rows of label 'b'",
    ]


def test_a_small_label_does_not_vanish_but_a_value_of_its_own_may() -> None:
    assert beyond(values(["a"] * 20 + ["b"] * 2), [20, 21]) == ["2 of 2 rows of label 'b'"]
    assert beyond(values(["a"] * 20 + ["b"] * 2), [20]) == []
    assert beyond(values([None] * 20, [f"page {n}" for n in range(20)]), [3, 4]) == []


def test_a_source_counts_like_a_label_and_no_value_counts_not() -> None:
    frame = values([None] * 20, ["web"] * 12 + [None] * 8)
    assert beyond(frame, list(range(7))) == ["7 of 12 rows of source 'web'"]
    assert beyond(frame, list(range(12, 20))) == []


def test_what_was_confirmed_may_go_and_no_more() -> None:
    part = Share("label", "b", 10, 6)
    confirmed = new_decision("accept", parameters={"confirmed": as_confirmed([part])})
    shares = {"label": [part, Share("label", "c", 10, 6)]}
    assert too_much(shares, 0.5, [confirmed]) == [Share("label", "c", 10, 6)]
    more = {"label": [Share("label", "b", 10, 7)]}
    assert too_much(more, 0.5, [confirmed]) == more["label"]
    with pytest.raises(GateError, match="6 of 10 rows of label 'b'"):
        refuse([part])


def test_a_refused_decision_is_not_written_and_a_confirmed_one_stays_confirmed(
    tmp_path: Path, make_audit
) -> None:
    rows = [{"text": "same", "label": "small"}] * 8
    rows += [{"text": f"other {n}", "label": "big"} for n in range(30)]
    workspace, audit = make_audit(tmp_path, rows)
    strict, settled = CleanSettings(), CleanSettings(yes=True)
    wanted = acceptance(audit, ["duplicates"])
    audited = read_audited(audit)
    with pytest.raises(GateError, match="7 of 8 rows of label 'small'"):
        decide(workspace, audit, wanted, approval(audited, strict))
    assert audit_journal(workspace, audit).entries == ()
    decide(workspace, audit, wanted, approval(audited, settled))
    # Later commands need not be told again, unless more would go.
    assert clean(workspace, audit, strict).manifest.counts["removed"] == 7
    decide(workspace, audit, dismissal(audit, ["duplicates"], rows=[1]), approval(audited, strict))
    undo(workspace, audit, approve=approval(audited, strict))
    assert clean(workspace, audit, strict).manifest.counts["removed"] == 7
    # To take a dismissal back lets rows go again; undone is the confirmed decision, too.
    decide(workspace, audit, dismissal(audit, ["duplicates"]), approval(audited, strict))
    (first, *_) = audit_journal(workspace, audit).entries
    undo(workspace, audit, decision=first.id, approve=approval(audited, strict))
    assert clean(workspace, audit, strict).manifest.counts["removed"] == 0
