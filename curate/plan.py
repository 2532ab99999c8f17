"""What a set of decisions does to records: which rows go, which texts change, what stays open.

Everything here is a function of the audit's findings and of the decisions, so that the clean data
can be made again at any time and come out equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from .components import keep_best
from .copies import EXACT, NEAR, NORMALISED, longest_first
from .finding import SEVERITY_ORDER, Fix, Severity
from .journal import ACCEPT, Decision

ALL = "all"
IGNORED = "ignored"
DONE_BY_HAND = (Fix.REVIEW, Fix.NONE)

REMOVED_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "check": pl.String,
        "reason": pl.String,
        "related_row": pl.Int64,
        "score": pl.Float64,
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done.

    Attributes:
        removed: frame of :data:`REMOVED_SCHEMA`, one line a row that goes.
        edits: the findings whose characters are masked or repaired, in rows that stay; the
            columns of findings and ``action``.
        findings: all findings with ``action``: ``drop``, ``mask``, ``repair``, ``ignored``, or
            null where nobody decided or the decision leaves it to a person.
    """

    removed: pl.DataFrame
    edits: pl.DataFrame
    findings: pl.DataFrame


def make_plan(
    findings: pl.DataFrame,
    set_aside: pl.Series,
    near_pairs: pl.DataFrame,
    decisions: Sequence[Decision],
) -> Plan:
    """Work out what the decisions do.

    The last decision about a finding counts. Rows go in a fixed order: first for what is wrong
    with the row itself, then exact, normalised and near-duplicates. So a duplicate whose kept
    counterpart goes for another reason is not removed with it: the best row that is left of the
    cluster stays.

    Args:
        findings: the audit's findings.
        set_aside: the rows that were set aside; there is nothing left to do with them.
        near_pairs: of the audit, frame of ``NEAR_PAIR_SCHEMA``.
        decisions: those that hold (see ``effective_decisions``).
    """
    decided = apply_decisions(findings, decisions)
    of_records = decided.filter(~pl.col("row").is_in(set_aside.implode()))
    faulty = _faulty_rows(of_records.filter(pl.col("action") == Fix.DROP))
    gone = faulty["row"]
    heirs = _Heirs({}, frozenset())
    removed = [faulty]
    for check in (EXACT, NORMALISED):
        copies, heirs = _remove_copies(decided, check, gone, heirs)
        removed.append(copies)
        gone = pl.concat([gone, copies["row"]])
    removed.append(_remove_near(decided, near_pairs, gone, heirs))
    removed = pl.concat(removed).sort("row")
    edits = of_records.filter(
        pl.col("action").is_in([Fix.MASK, Fix.REPAIR])
        & ~pl.col("row").is_in(removed["row"].implode())
    )
    return Plan(removed, edits, decided)


def matches(check: str) -> pl.Expr:
    """Tell which findings a check's name, a dimension or ``all`` names."""
    if check == ALL:
        return pl.lit(True)
    return (pl.col("check") == check) | pl.col("check").str.starts_with(check + "/")


def apply_decisions(findings: pl.DataFrame, decisions: Sequence[Decision]) -> pl.DataFrame:
    """Add to each finding the ``action`` of the last decision about it, null where there is none.

    An accepted finding whose fix is to look at it stays undecided, unless the decision says what
    to do.
    """
    action = pl.lit(None, dtype=pl.String)
    for decision in decisions:
        concerned = matches(decision.check)
        if decision.rows is not None:
            concerned &= pl.col("row").is_in(list(decision.rows))
        if decision.action == ACCEPT:
            wanted = decision.parameters.get("action")
            chosen = pl.col("fix") if wanted is None else pl.lit(str(wanted))
        else:
            chosen = pl.lit(IGNORED)
        action = pl.when(concerned).then(chosen).otherwise(action)
    return findings.with_columns(action=action).with_columns(
        pl.when(~pl.col("action").is_in(DONE_BY_HAND)).then("action").alias("action")
    )


def open_rows(findings: pl.DataFrame) -> pl.Series:
    """Return the rows with findings of high or medium severity that nobody has decided about.

    Args:
        findings: as in :class:`Plan`.
    """
    grave = pl.col("severity").is_in([Severity.HIGH, Severity.MEDIUM])
    return findings.filter(grave & pl.col("action").is_null())["row"].drop_nulls().unique()


def _as_removed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in REMOVED_SCHEMA.items())


def _faulty_rows(drops: pl.DataFrame) -> pl.DataFrame:
    """Rows that go for a fault of their own, each with its gravest finding."""
    order = {severity: number for number, severity in enumerate(SEVERITY_ORDER)}
    return _as_removed(
        drops.filter(~pl.col("check").is_in([EXACT, NORMALISED, NEAR]))
        .sort(pl.col("severity").replace_strict(order, default=len(order)), "check", "field")
        .unique("row", keep="first", maintain_order=True)
        .with_columns(reason="message")
    )


@dataclass(frozen=True, slots=True)
class _Heirs:
    """For rows that went for a fault of their own, the copies that stand in for them."""

    of: dict[int, int]
    protected: frozenset[int]

    def stand_in(self, column: str) -> pl.Expr:
        """Put the heir of each row in its place."""
        rows = pl.col(column)
        return rows.replace(list(self.of), list(self.of.values())) if self.of else rows

    def may_go(self) -> pl.Expr:
        """Tell which findings propose to drop a row (after ``stand_in``) that may be dropped."""
        accepted = (pl.col("action") == Fix.DROP).fill_null(False)
        return accepted & ~self.stand_in("row").is_in(list(self.protected))


def _remove_copies(
    decided: pl.DataFrame, check: str, gone: pl.Series, heirs: _Heirs
) -> tuple[pl.DataFrame, _Heirs]:
    """Keep one row of each group of copies: the first of those that are to stay, if any is left."""
    found = decided.filter(pl.col("check") == check).select(
        heirs.stand_in("row"), group="related_row", score="score", may_go=heirs.may_go()
    )
    roots = found.select(
        heirs.stand_in("group").alias("row"),
        "group",
        score=pl.lit(1.0),
        may_go=pl.lit(False),
    ).unique("group")
    members = pl.concat([found, roots])
    left_over = (
        members.filter(~pl.col("row").is_in(gone.implode()))
        .sort("may_go", "row")
        .with_columns(
            keeper=pl.col("row").first().over("group"),
            spared=~pl.col("may_go").first().over("group"),
        )
    )
    copies = left_over.filter(pl.col("may_go") & (pl.col("row") != pl.col("keeper")))
    # polars 2.1 panics in pl.format over several chunks of which one is empty.
    removed = copies.rechunk().select(
        "row",
        check=pl.lit(check),
        reason=pl.format("a copy of row {}, which stays", "keeper"),
        related_row="keeper",
        score="score",
    )
    # Only the first row of a group has findings of the weaker checks, which need an heir.
    inherited = roots.filter(pl.col("row").is_in(gone.implode())).join(
        left_over.select("group", "keeper", "spared").unique(), on="group"
    )
    # Who was not to be dropped as a copy is not dropped in the place of another either.
    protected = inherited.filter("spared")["keeper"].to_list()
    return _as_removed(removed), _Heirs(
        heirs.of | dict(inherited.select("row", "keeper").rows()),
        heirs.protected | frozenset(protected),
    )


def _remove_near(
    decided: pl.DataFrame, near_pairs: pl.DataFrame, gone: pl.Series, heirs: _Heirs
) -> pl.DataFrame:
    """Remove near-duplicates of rows that stay, the longest row of each neighbourhood first.

    Only what a finding proposed and a decision accepted is removed; where the row that was to
    stay has gone for another reason, the longest of those that are left takes its place.
    """
    found = decided.filter(pl.col("check") == NEAR)
    may_go = found.filter(heirs.may_go()).select(heirs.stand_in("row"))["row"]
    dropped_anyway = found.filter(pl.col("fix") != Fix.DROP)
    pairs = near_pairs.with_columns(heirs.stand_in("left"), heirs.stand_in("right")).filter(
        ~pl.col("left").is_in(gone.implode()),
        ~pl.col("right").is_in(gone.implode()),
        pl.col("left") != pl.col("right"),
    )
    chosen = dropped_anyway.filter(pl.col("action") == Fix.DROP)["row"]
    pairs = pairs.filter(
        pl.col("same_label")
        | pl.col("left").is_in(chosen.implode())
        | pl.col("right").is_in(chosen.implode())
    )
    rows, left, right, characters = _positions(pairs)
    removable = rows.is_in(may_go.implode()).to_numpy()
    longest = longest_first(characters)
    removals = keep_best(
        np.r_[longest[~removable[longest]], longest[removable[longest]]],
        left,
        right,
        pairs["score"].to_numpy(),
        removable,
    )
    removed = pl.DataFrame(
        {
            "row": rows.gather(removals.removed),
            "related_row": rows.gather(removals.kept),
            "score": removals.score,
        },
        schema={name: REMOVED_SCHEMA[name] for name in ("row", "related_row", "score")},
    )
    return _as_removed(
        removed.with_columns(
            check=pl.lit(NEAR),
            reason=pl.format(
                "{} % of its word runs and those of row {} are shared; row {} stays",
                (pl.col("score") * 100).floor().cast(pl.Int64),
                "related_row",
                "related_row",
            ),
        )
    )


def _positions(pairs: pl.DataFrame) -> tuple[pl.Series, np.ndarray, np.ndarray, pl.Series]:
    """Return the rows of pairs in order, the pairs by position in them, and the rows' lengths."""
    ends = pl.concat(
        [pairs.select(row=side, characters=f"{side}_characters") for side in ("left", "right")]
    )
    lengths = ends.group_by("row").agg(pl.col("characters").max()).sort("row")
    rows = lengths["row"]
    return (
        rows,
        rows.search_sorted(pairs["left"]).to_numpy(),
        rows.search_sorted(pairs["right"]).to_numpy(),
        lengths["characters"],
    )
