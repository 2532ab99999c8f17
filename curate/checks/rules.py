"""Rules that rows must keep, checked by pandera; the rows that break them come back with reasons.

pandera says for every rule and row whether it holds. Which rows fail is read from that, not from
its report of failure cases, which cannot carry our row numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true of every row of a frame.

    Attributes:
        column: the column that is at fault where it is not.
        expected: what should be there, in words.
        found: what is there, in words.
        holds: true where the row keeps the rule; null where the rule does not concern the row.
    """

    column: str
    expected: str
    found: pl.Expr
    holds: pl.Expr


def broken_rules(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Validate a frame and return the rows that break a rule.

    Args:
        frame: plain columns, none of them nested; ``row`` among them.
        rules: all are checked, on every row.

    Returns:
        The frame's columns with ``column`` and ``message``; a row comes once for every rule that
        it breaks.
    """
    import pandera.polars as pa
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors

    checks: dict[str, list[pa.Check]] = {}
    for number, rule in enumerate(rules):
        check = pa.Check(_evaluate(rule), name=str(number), error=rule.expected)
        checks.setdefault(rule.column, []).append(check)
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(checks=column_checks, nullable=True)
            for name, column_checks in checks.items()
        }
    )
    frame = frame.rechunk()
    failed: dict[int, pl.Series] = {}
    # The user's environment may have turned validation off or down to dtypes.
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as report:
            for error in report.schema_errors:
                if error.check_output is None or not isinstance(error.check, pa.Check):
                    raise
                failed[int(error.check.name)] = error.check_output.to_series()
    parts = [
        frame.filter(~failed[number].rechunk()).with_columns(
            column=pl.lit(rule.column),
            message=pl.format("expected {}, found {}", pl.lit(rule.expected), rule.found),
        )
        for number, rule in enumerate(rules)
        if number in failed
    ]
    empty = frame.clear().with_columns(
        column=pl.lit(None, dtype=pl.String), message=pl.lit(None, dtype=pl.String)
    )
    return pl.concat([empty, *parts], rechunk=True)


def field_of_message() -> pl.Expr:
    """Name the field of a flattened message whose ``column`` breaks a rule."""
    return pl.format("{}[{}].{}", pl.col("part"), pl.col("index"), pl.col("column"))


def _evaluate(rule: Rule):  # noqa: ANN202
    """Return what pandera calls with its own holder of the frame."""
    return lambda data: data.lazyframe.select(rule.holds.alias(rule.column))
