"""Rows that break a schema of your own: ``--schema FILE``, or ``[audit] schema``.

The file is a Python file with a ``DataFrameSchema`` or ``DataFrameModel`` of ``pandera.polars``
named ``schema`` or ``Schema``, or pandera's YAML (:mod:`tunewise.curate.schemas.user_schema`). Its
columns are those of the flattened record (``row``, ``id``, ``kind``, ``label``, ``group``,
``source``, ``messages``, their number, ``system``, ``prompt``, ``answer``, ``chosen``,
``rejected``, ``characters``, ``words``) and the fields of the source that no column of a record
holds; one that does, such as ``category`` for ``label``, may be named as the source names it.

For each row: ``required`` (the field is there), ``nullable``, ``dtype`` (with ``coerce``, and in
CSV, numbers and booleans are read out of text), the column's checks, those of the whole schema,
and with ``strict`` that there is no other field. Uniqueness, of a column or of several together,
is judged over the whole source; null is no value that could come twice.

Evidence: ``field`` is the column. The message says what was expected and what was found. Of values
that must be unique, ``related_row`` is the first row that has them.

Fix: drop: what your schema forbids cannot be mended by guessing.

Limits: a check must judge each row by itself, since rows are looked at piece by piece; one that
judges a column as a whole (a mean, a share) makes this check fail with its name. Defaults are not
filled in, and columns cannot be named by patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from ...workspace.errors import UsageError
from ..check import Check, CheckContext, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..schemas.json_columns import shown
from ..schemas.schema_columns import SchemaColumns, schema_columns
from ..schemas.user_schema import UserColumn, UserSchema, load_user_schema

if TYPE_CHECKING:
    import pandera.polars as pa

_FAULTS = {"row": pl.Int64, "field": pl.String, "message": pl.String}
_KEYS = {"row": pl.Int64, "set": pl.Int64, "key": pl.UInt64}

Fault = tuple[int, str | None, str]
"""The position of a record, the field at fault, and what was expected and found."""


def user_schema_faults(context: CheckContext) -> pl.DataFrame:
    """Return the faults of single rows: a summary, ``row``, ``field`` and ``message``."""
    if context.schema is None:
        return pl.DataFrame(schema=_FAULTS)
    schema = load_user_schema(context.schema)
    columns = schema_columns(context.dataset, schema)
    rows = columns.frame["row"].to_list()
    found = [
        (rows[position], field, message) for position, field, message in _faults(columns, schema)
    ]
    return pl.DataFrame(found, schema=_FAULTS, orient="row").sort("row", maintain_order=True)


def user_schema_keys(context: CheckContext) -> pl.DataFrame:
    """Return hashes of values that must be unique: a summary, ``row``, ``set`` and ``key``."""
    schema = load_user_schema(context.schema) if context.schema else None
    if schema is None or not schema.unique:
        return pl.DataFrame(schema=_KEYS)
    frame = schema_columns(context.dataset, schema).frame
    return pl.concat(
        frame.select("row", *names)
        .drop_nulls()
        .select(
            "row",
            set=pl.lit(number, dtype=pl.Int64),
            key=pl.struct(names).struct.json_encode().hash(),
        )
        for number, names in enumerate(schema.unique)
    )


def _faults(columns: SchemaColumns, schema: UserSchema) -> Iterator[Fault]:
    for column in schema.columns.values():
        yield from _faults_of_values(columns, column)
        for check in column.checks:
            yield from _faults_of_column_check(columns, column.name, check)
    for check in schema.checks:
        for position in _failed(columns.frame, check, None):
            yield position, None, f"expected {_name(check)} of the row, found otherwise"
    if schema.strict:
        for position, names in enumerate(columns.others):
            for name in names:
                yield position, name, f"expected no field but the schema's, found {name!r}"


def _faults_of_values(columns: SchemaColumns, column: UserColumn) -> Iterator[Fault]:
    """Values that are missing, null, or of another type."""
    name = column.name
    for position in columns.frame[name].is_null().arg_true():
        field = columns.field(name, position)
        if position in columns.unfit[name]:
            found = columns.unfit[name][position]
            yield position, field, f"expected {column.dtype}, found {found}"
        elif position in columns.absent[name]:
            if column.required:
                yield position, field, f"expected a field {name!r}, found none"
        elif not column.nullable:
            yield position, field, f"expected a value of {name!r}, found null"


def _faults_of_column_check(columns: SchemaColumns, name: str, check: pa.Check) -> Iterator[Fault]:
    values = columns.frame[name]
    for position in _failed(columns.frame, check, name):
        value = values[position]
        has_value = position not in columns.absent[name] and position not in columns.unfit[name]
        if value is not None or (has_value and not check.ignore_na):
            expected = f"{_name(check)} of {name!r}"
            field = columns.field(name, position)
            yield position, field, f"expected {expected}, found {shown(value)}"


def _failed(frame: pl.DataFrame, check: pa.Check, name: str | None) -> list[int]:
    """Return the positions of the rows that fail a check."""
    what = f"the check {_name(check)}" + (f" of column {name!r}" if name else "")
    try:
        output = check(frame.lazy(), name).check_output.collect().to_series()
    except Exception as error:
        # The user's own program; whatever it raises is what is wrong with it.
        raise UsageError(f"{what} fails: {type(error).__name__}: {error}") from error
    if len(output) != frame.height:
        raise UsageError(
            f"{what} judges all rows together, which cannot be done piece by piece",
            fix="let it return a column that is true or false for each row",
        )
    return (~output).arg_true().to_list()


def _name(check: pa.Check) -> str:
    return check.error or check.name or "a check without a name"


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    if context.schema is None:
        raise CheckSkippedError("needs a schema: name a Python or YAML file with --schema")
    faults = context.summary(user_schema_faults)
    keys = context.summary(user_schema_keys)
    unique = load_user_schema(context.schema).unique
    sets = pl.DataFrame(
        [
            (number, columns[0], ", ".join(map(repr, columns)))
            for number, columns in enumerate(unique)
        ],
        schema={"set": pl.Int64, "field": pl.String, "columns": pl.String},
        orient="row",
    )
    first = keys.unique(["set", "key"], keep="first", maintain_order=True)
    repeated = (
        keys.join(first.rename({"row": "related_row"}), on=["set", "key"], maintain_order="left")
        .filter(pl.col("row") != pl.col("related_row"))
        .join(sets, on="set", maintain_order="left")
        .rechunk()
        .select(
            "row",
            "related_row",
            "field",
            message=pl.format(
                "expected values of {} that no other row has, found those of row {}",
                "columns",
                "related_row",
            ),
        )
    )
    return pl.concat([faults, repeated], how="diagonal").sort("row", maintain_order=True)


CHECK = DatasetCheck(
    name="schema/user-schema",
    title="rows that break your own schema",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    summaries=(user_schema_faults, user_schema_keys),
    find=_find,
)
