"""What a set of decisions does to records: which rows go, which texts change, what stays open.

Everything here is a function of the audit and of the decisions, so that the clean data can be made
again at any time and come out equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..auditing.audited import Audited
from ..auditing.earlier import EARLIER
from ..finding import SEVERITY_ORDER, Fix
from .actions import apply_decisions, matches, says_something_else
from .by_hand import HandChanges, hand_changes
from .copy_removals import DUPLICATES, as_removed, remove_copies
from .journal import DROP, Decision


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done.

    Attributes:
        removed: frame of ``REMOVED_SCHEMA``, one line a row that goes, in the order of the rows.
        edits: the findings whose characters are masked or repaired, in rows that stay, in the
            order of the rows; the columns of findings and ``action``.
        by_hand: the rows that were edited or relabelled, as far as they stay.
        findings: all findings with ``action``: ``drop``, ``mask``, ``repair``, ``ignored``,
            ``edited``, or null where nobody decided or the decision leaves it to a person.
    """

    removed: pl.DataFrame
    edits: pl.DataFrame
    by_hand: HandChanges
    findings: pl.DataFrame


def make_plan(audited: Audited, decisions: Sequence[Decision]) -> Plan:
    """Work out what decisions do to audited data.

    The last decision about a finding counts. Rows go in a fixed order: first those that a person
    dropped, then for what is wrong
    with the row itself, then exact, normalised and near-duplicates. So a duplicate whose kept
    counterpart goes for another reason, or was edited and is its copy no more, is not removed with
    it: the best row that is left of the cluster stays.

    Args:
        audited: the audited data.
        decisions: those that hold (see ``effective_decisions``).

    Raises:
        UsageError: a decision about a row does not fit the audited data.
    """
    by_hand = hand_changes(audited, decisions)
    decided = apply_decisions(audited.findings, decisions, by_hand.changed)
    of_records = decided.filter(~pl.col("row").is_in(audited.set_aside["row"].implode()))
    dropped = _dropped_rows(decisions)
    faulty = _faulty_rows(of_records.filter(pl.col("action") == Fix.DROP))
    faulty = pl.concat([dropped, faulty]).unique("row", keep="first", maintain_order=True)
    no_copies = pl.concat([faulty["row"], _rewritten(by_hand.changed)])
    copies = remove_copies(decided, decisions, audited.near_pairs, no_copies, audited.text_lengths)
    removed = pl.concat([faulty, copies]).sort("row")
    edits = of_records.filter(
        pl.col("action").is_in([Fix.MASK, Fix.REPAIR])
        & ~pl.col("row").is_in(removed["row"].implode())
    ).sort("row", maintain_order=True)
    return Plan(removed, edits, by_hand.without(removed["row"]), decided)


def _dropped_rows(decisions: Sequence[Decision]) -> pl.DataFrame:
    """Rows that a person said should go, whatever was found about them."""
    reasons = {
        row: decision.reason or "by hand"
        for decision in decisions
        if decision.action == DROP
        for row in decision.rows or ()
    }
    told = {"row": [*reasons], "check": [DROP] * len(reasons), "reason": [*reasons.values()]}
    return as_removed(
        pl.DataFrame(told, schema={"row": pl.Int64, "check": pl.String, "reason": pl.String})
    )


def _faulty_rows(drops: pl.DataFrame) -> pl.DataFrame:
    """Rows that go for a fault of their own or are in earlier data, with the gravest finding."""
    order = {severity: number for number, severity in enumerate(SEVERITY_ORDER)}
    return as_removed(
        drops.filter(~matches(DUPLICATES) | (pl.col("check") == EARLIER))
        .sort(pl.col("severity").replace_strict(order, default=len(order)), "check", "field")
        .unique("row", keep="first", maintain_order=True)
        .with_columns(reason="message")
    )


def _rewritten(changed: pl.DataFrame) -> pl.Series:
    """Return the rows that say something else since they were edited."""
    fields: dict[int, list[str]] = {}
    for row, field in changed.select("row", "field").iter_rows():
        fields.setdefault(row, []).append(field)
    rows = [row for row, names in fields.items() if says_something_else(names)]
    return pl.Series("row", rows, dtype=pl.Int64)
