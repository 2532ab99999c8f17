"""What was decided about each finding: the last decision counts, and an edit settles its fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from ..auditing.copies import EXACT, NEAR, NORMALISED
from ..evidence import field_lies_in
from ..finding import Fix, Severity
from .journal import ACCEPT, EDIT, IGNORE, RELABEL, Decision

ALL = "all"
IGNORED, EDITED = "ignored", "edited"
DONE_BY_HAND = (Fix.REVIEW, Fix.NONE)
COPY_CHECKS = (EXACT, NORMALISED, NEAR)
KEPT_ROWS = ("longest", "best", "first")

_DECISION_SCHEMA = pl.Schema(
    {
        "check": pl.String,
        "row": pl.Int64,
        "order": pl.Int64,
        "ignores": pl.Boolean,
        "wanted": pl.String,
        "keep": pl.String,
    }
)
_GENERAL = ("order", "ignores", "wanted", "keep")
_SINGLE = tuple(f"single_{name}" for name in _GENERAL)


def matches(check: str) -> pl.Expr:
    """Tell which findings a check's name, a dimension or ``all`` names."""
    if check == ALL:
        return pl.lit(True)
    return (pl.col("check") == check) | pl.col("check").str.starts_with(check + "/")


def apply_decisions(
    findings: pl.DataFrame, decisions: Sequence[Decision], changed: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Add to each finding what the last decision about it does.

    A finding is left open where the decision does not say what to do (an accepted finding whose
    fix is to look at it), or says what cannot be done: only what tells a field can be masked, only
    what offers a replacement repaired.

    A finding about a field that was changed by hand is settled: what was or will be accepted of
    its check does not concern it any more, though a later decision that names the row may still
    drop it. Where the very characters that it shows still stand in the new text, it is not settled;
    but its place is one in the old text, so that nothing can be masked or repaired there.

    Args:
        findings: of an audit.
        decisions: those that hold.
        changed: the fields changed by hand, frame of ``CHANGED_SCHEMA``.

    Returns:
        The findings with ``action`` (``drop``, ``mask``, ``repair``, ``ignored``, ``edited`` or
        null), ``keep`` (which copy is to stay; null for the usual one), ``order`` (the decision's
        place among them) and ``in_place`` (whether its text is still as it was).
    """
    about = _decisions_about(findings["check"].unique().to_list(), decisions)
    general = about.filter(pl.col("row").is_null()).drop("row")
    single = about.filter(pl.col("row").is_not_null()).rename(
        dict(zip(_GENERAL, _SINGLE, strict=True))
    )
    judged = findings.join(general, on="check", how="left", maintain_order="left").join(
        single, on=["check", "row"], how="left", maintain_order="left"
    )
    is_single = (pl.col("single_order") > pl.col("order").fill_null(-1)).fill_null(False)
    judged = (
        judged.with_columns(is_single=is_single)
        .with_columns(
            pl.when("is_single").then(f"single_{name}").otherwise(name).alias(name)
            for name in _GENERAL
        )
        .with_columns(action=_action())
    )
    columns = [*findings.columns, "action", "keep", "order", "in_place"]
    if changed is None or changed.is_empty():
        return judged.with_columns(in_place=True).select(columns)
    settled, standing = _about_changed(judged, changed)
    return judged.with_columns(
        action=pl.when(settled & ~_dropped_later(_orders_of_edits(decisions)))
        .then(pl.lit(EDITED))
        .otherwise("action"),
        in_place=~standing,
    ).select(columns)


def open_rows(findings: pl.DataFrame) -> pl.Series:
    """Return the rows with findings of high or medium severity that nobody has decided about.

    Args:
        findings: with ``action``, see :func:`apply_decisions`.
    """
    grave = pl.col("severity").is_in([Severity.HIGH, Severity.MEDIUM])
    return findings.filter(grave & pl.col("action").is_null())["row"].drop_nulls().unique()


def dismissed_rows(check: str, decisions: Sequence[Decision]) -> list[int]:
    """Return the rows that a decision names whose findings of a check are no fault.

    It holds for rows, too, of which the check found nothing itself, such as one that others are
    copies of.
    """
    dismissed: set[int] = set()
    for decision in decisions:
        if decision.action not in (ACCEPT, IGNORE) or not _names(decision.check, check):
            continue
        if decision.action == IGNORE:
            dismissed |= set(decision.rows or ())
        else:
            dismissed -= dismissed if decision.rows is None else set(decision.rows)
    return sorted(dismissed)


def can_be(action: str) -> pl.Expr:
    """Tell which findings an action can be done about."""
    if action == Fix.MASK:
        return pl.col("field").is_not_null()
    if action == Fix.REPAIR:
        offers = (pl.col("fix") == Fix.REPAIR) | (pl.col("field") == "label").fill_null(False)
        return offers & pl.col("related").is_not_null() & pl.col("field").is_not_null()
    return pl.col("row").is_not_null()


def _action() -> pl.Expr:
    wanted = pl.coalesce("wanted", "fix")
    possible = pl.lit(False)
    for action in (Fix.DROP, Fix.MASK, Fix.REPAIR):
        possible |= (wanted == action) & can_be(action)
    return (
        pl.when(pl.col("ignores"))
        .then(pl.lit(IGNORED))
        .when(pl.col("ignores").is_not_null() & possible)
        .then(wanted)
    )


def _decisions_about(checks: Iterable[str], decisions: Sequence[Decision]) -> pl.DataFrame:
    """Return for each check, and for each row that is named with it, the last decision."""
    told: list[tuple[Any, ...]] = []
    names = [name for name in checks if name is not None]
    for order, decision in enumerate(decisions):
        if decision.action not in (ACCEPT, IGNORE):
            continue
        does = (
            order,
            decision.action == IGNORE,
            decision.parameters.get("action"),
            decision.parameters.get("keep"),
        )
        concerned = [name for name in names if _names(decision.check, name)]
        rows = (None,) if decision.rows is None else decision.rows
        told += ((name, row, *does) for name in concerned for row in rows)
    return pl.DataFrame(told, schema=_DECISION_SCHEMA, orient="row").unique(
        ["check", "row"], keep="last", maintain_order=True
    )


def _names(wanted: str, check: str) -> bool:
    return wanted in (ALL, check) or check.startswith(wanted + "/")


def _orders_of_edits(decisions: Sequence[Decision]) -> dict[int, int]:
    """Return when each row was last changed by hand."""
    return {
        row: order
        for order, decision in enumerate(decisions)
        if decision.action in (EDIT, RELABEL)
        for row in decision.rows or ()
    }


def _dropped_later(edits: dict[int, int]) -> pl.Expr:
    """Tell which rows a decision drops that names them and came after they were edited.

    As a copy a row is not dropped any more, since it is none.
    """
    edited = pl.col("row").replace_strict(
        list(edits), list(edits.values()), default=None, return_dtype=pl.Int64
    )
    return (
        pl.col("is_single")
        & (pl.col("action") == Fix.DROP).fill_null(False)
        & (pl.col("order") > edited).fill_null(False)
        & ~pl.col("check").is_in(COPY_CHECKS)
    )


def _about_changed(findings: pl.DataFrame, changed: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Tell which findings are about text that is gone, and which about text that still stands."""
    rows = changed["row"].unique()
    texts: dict[int, dict[str, tuple[str | None, str | None]]] = {}
    for row, field, before, after in changed.select("row", "field", "before", "after").iter_rows():
        texts.setdefault(row, {})[field] = before, after
    concerned = findings.select(
        "row", "check", "field", "start", "end", number=pl.int_range(pl.len())
    ).filter(pl.col("row").is_in(rows.implode()))
    settled: list[int] = []
    standing: list[int] = []
    for row, check, field, start, end, number in concerned.iter_rows():
        fields = texts[row]
        if field is None:
            # Of a record as a whole only the next audit can tell; but it is no copy any more.
            if check in COPY_CHECKS and says_something_else(fields):
                settled.append(number)
        elif field in fields and _still_there(*fields[field], start, end):
            standing.append(number)
        elif any(field_lies_in(name, field) for name in fields):
            settled.append(number)
    places = pl.int_range(findings.height, eager=True)
    found, left = (pl.Series(numbers, dtype=pl.Int64) for numbers in (settled, standing))
    return places.is_in(found.implode()), places.is_in(left.implode())


def _still_there(before: str | None, after: str | None, start: int | None, end: int | None) -> bool:
    if start is None or end is None or not before or not after:
        return False
    shown = before[start:end]
    return shown != "" and shown in after


def says_something_else(fields: Iterable[str]) -> bool:
    """Tell whether changed fields are of what a record says, not only of its label and the like."""
    return any(
        field_lies_in(name, part) for name in fields for part in ("messages", "chosen", "rejected")
    )
