"""Checks that a user writes: rules in the settings, and packages that bring checks along.

A rule is an expression of polars' SQL over the columns of :mod:`.flat_records`; every row for
which it is true is a finding::

    [[audit.rules]]
    name = "short-answer"
    where = "LENGTH(answer) < 20 AND label = 'billing'"
    message = "billing is answered in under 20 characters"
    field = "answer"
    severity = "medium"
    fix = "drop"

A package brings checks along by the entry point group ``tunewise.checks``, whose entries name a
:class:`~.check.RowCheck` or a :class:`~.check.DatasetCheck`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import entry_points

import polars as pl

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..check import Check, CheckContext, DatasetCheck, RowCheck
from ..finding import Fix, Severity
from ..schemas.flat_records import FLAT_COLUMNS, TEXT_COLUMNS, flat_records
from ..settings import RULE_DIMENSION, RuleSettings

ENTRY_POINTS = "tunewise.checks"


def rule_checks(rules: Sequence[RuleSettings]) -> tuple[RowCheck, ...]:
    """Turn rules into checks.

    Raises:
        UsageError: two rules have one name, or an expression is no SQL.
    """
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two rules are called {name!r}", where="[[audit.rules]]")
    return tuple(_rule_check(rule) for rule in rules)


def plugin_checks() -> tuple[RowCheck | DatasetCheck, ...]:
    """Return the checks that installed packages bring along.

    Raises:
        UsageError: an entry point cannot be loaded, or names no check.
    """
    found: list[RowCheck | DatasetCheck] = []
    for entry in entry_points(group=ENTRY_POINTS):
        where = f"entry point {entry.name!r} of {entry.dist.name if entry.dist else 'a package'}"
        try:
            check = entry.load()
        except Exception as error:
            # A foreign package may fail in any way; without its checks the audit would lie.
            raise UsageError(
                f"a check cannot be loaded: {type(error).__name__}: {error}",
                where=where,
                fix="mend or uninstall the package",
            ) from error
        if not isinstance(check, RowCheck | DatasetCheck):
            raise UsageError(f"{entry.value} is no check but {type(check).__name__}", where=where)
        found.append(check)
    return tuple(found)


def _rule_check(rule: RuleSettings) -> RowCheck:
    where = f"[[audit.rules]] {rule.name}"
    try:
        pl.sql_expr(rule.where)
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"this is no SQL expression: {error}",
            where=where,
            fix="write what is true of a row at fault, such as LENGTH(answer) < 20",
        ) from error
    if rule.field is not None and rule.field not in FLAT_COLUMNS:
        raise UsageError(
            f"there is no column {rule.field!r}",
            where=f"{where}, field",
            fix=nearest(rule.field, FLAT_COLUMNS),
        )
    return RowCheck(
        name=f"{RULE_DIMENSION}/{rule.name}",
        title=rule.message,
        severity=Severity(rule.severity),
        fix=Fix(rule.fix),
        find=partial(_rows_at_fault, rule),
    )


def _rows_at_fault(rule: RuleSettings, context: CheckContext, check: Check) -> pl.DataFrame:
    expression = pl.sql_expr(rule.where)
    named = expression.meta.root_names()
    flat = flat_records(context.records, [name for name in named if name not in FLAT_COLUMNS])
    faulty = flat.filter(expression.cast(pl.Boolean).fill_null(False)).rechunk()
    field = pl.lit(rule.field, dtype=pl.String)
    if rule.field in TEXT_COLUMNS:
        field = pl.col(f"field_of_{rule.field}")
    return faulty.select("row", field=field, message=pl.lit(rule.message))
