"""The user's own schema for the columns of a source, as a Python file or as YAML.

Both describe a schema of ``pandera.polars``. A Python file holds a ``DataFrameSchema`` or a
``DataFrameModel`` named ``schema`` or ``Schema``; it is a program that the user names, and is run.
YAML is pandera's own form::

    columns:
      year: {dtype: Int64, nullable: true, required: false, ge: 1900}
      topic: {dtype: String, isin: [billing, cards]}
    unique: [topic, year]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from ...workspace.errors import UsageError
from ...workspace.files import sha256_of_files
from ...workspace.nearest import nearest
from .json_columns import check_readable

if TYPE_CHECKING:
    import pandera.polars as pa

_NAMES = ("schema", "Schema")
_YAML_ENDINGS = (".yaml", ".yml")
_PYTHON_NAMES = {"str": "String", "int": "Int64", "float": "Float64", "bool": "Boolean"}
_OF_SCHEMA = (
    *("schema_type", "api", "version", "columns", "checks", "unique", "strict", "coerce", "dtype"),
    *("name", "title", "description", "ordered"),
)
_OF_COLUMN = (
    *("dtype", "nullable", "required", "unique", "coerce", "checks", "default"),
    *("name", "title", "description"),
)
# Those of pandera's that judge each value by itself.
_CHECKS = (
    *("in_range", "between", "isin", "notin", "gt", "ge", "lt", "le", "eq", "ne"),
    *("greater_than", "greater_than_or_equal_to", "less_than", "less_than_or_equal_to"),
    *("equal_to", "not_equal_to", "str_matches", "str_contains", "str_startswith"),
    *("str_endswith", "str_length"),
)


@dataclass(frozen=True, slots=True)
class UserColumn:
    """What is wanted of a column.

    Attributes:
        name: of the column.
        dtype: None for any.
        nullable: null is allowed.
        required: every row must have it.
        from_text: values may be converted into the type.
        checks: of its values.
    """

    name: str
    dtype: pl.DataType | None
    nullable: bool
    required: bool
    from_text: bool
    checks: Sequence[pa.Check]


@dataclass(frozen=True, slots=True)
class UserSchema:
    """What is wanted of a source's columns.

    Attributes:
        columns: by name.
        checks: that look at several columns.
        unique: sets of columns whose values together come once.
        strict: other columns are not allowed.
    """

    columns: Mapping[str, UserColumn]
    checks: Sequence[pa.Check]
    unique: Sequence[tuple[str, ...]]
    strict: bool


def schema_fingerprint(path: str) -> str:
    """Return the SHA-256 of a schema's file; see :func:`load_user_schema` for what it raises."""
    load_user_schema(path)
    return sha256_of_files([Path(path).expanduser()])


@lru_cache(maxsize=2)
def load_user_schema(path: str) -> UserSchema:
    """Read a schema from a Python or YAML file.

    Raises:
        UsageError: it cannot be read, holds no schema, or one that single rows cannot be held to;
            the error says which column is at fault.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        raise UsageError("there is no such schema file", where=str(place),
                         fix="name a Python or YAML file with a pandera schema")  # fmt: skip
    if place.suffix in _YAML_ENDINGS:
        schema = _from_yaml(place)
    elif place.suffix == ".py":
        schema = _from_python(place)
    else:
        raise UsageError("a schema is a .py, .yaml or .yml file", where=str(place))
    return _understood(schema, str(place))


def _from_python(place: Path) -> pa.DataFrameSchema:
    import pandera.polars as pa

    # A module of its own, which annotations of models are looked up in. It is not imported, since
    # that would leave a compiled file beside the user's.
    module = ModuleType(f"{__name__}.of_the_user")
    module.__file__ = str(place)
    sys.modules[module.__name__] = module
    try:
        exec(compile(place.read_bytes(), str(place), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        # The user's own program; whatever it raises is what is wrong with it.
        raise UsageError(
            f"the schema file fails: {type(error).__name__}: {error}",
            where=_line_of(error, place),
            fix="run it with python to see more",
        ) from error
    for name in _NAMES:
        found = getattr(module, name, None)
        if isinstance(found, pa.DataFrameSchema):
            return found
        if isinstance(found, type) and issubclass(found, pa.DataFrameModel):
            return _schema_of_model(found, place)
    raise UsageError(
        "no DataFrameSchema or DataFrameModel of pandera.polars is named schema or Schema",
        where=str(place),
        fix="write: import pandera.polars as pa; schema = pa.DataFrameSchema({…})",
    )


def _schema_of_model(model: Any, place: Path) -> pa.DataFrameSchema:
    try:
        return model.to_schema()
    except Exception as error:
        raise UsageError(f"the model is no schema: {error}", where=str(place)) from error


def _line_of(error: BaseException, place: Path) -> str:
    """Name the file and the last line of it that was running, or that could not be read."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(place):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{place}, line {line}" if line else str(place)


def _from_yaml(place: Path) -> pa.DataFrameSchema:
    import yaml
    from pandera.io.polars_io import deserialize_schema

    try:
        document = yaml.safe_load(place.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"this is no YAML: {error}", where=str(place)) from error
    columns = document.get("columns") if isinstance(document, dict) else None
    if not isinstance(columns, dict) or not columns:
        raise UsageError("the schema names no columns", where=str(place),
                         fix="write: columns: {year: {dtype: Int64}}")  # fmt: skip
    _reject_unknown(document, _OF_SCHEMA, str(place))
    read: dict[str, Any] = {}
    for name, wanted in columns.items():
        where = f"{place}, column {name!r}"
        if not isinstance(wanted, dict):
            raise UsageError("a column is a table of what is wanted of it", where=where)
        _reject_unknown(wanted, (*_OF_COLUMN, *_CHECKS), where)
        dtype = wanted.get("dtype")
        wanted = {**wanted, "dtype": _PYTHON_NAMES.get(str(dtype), dtype)}
        try:
            read[name] = deserialize_schema({"columns": {name: wanted}}).columns[name]
        except Exception as error:
            raise UsageError(f"this column cannot be read: {error}", where=where) from error
    try:
        schema = deserialize_schema({key: document[key] for key in document if key != "columns"})
    except Exception as error:
        raise UsageError(f"this is no schema: {error}", where=str(place)) from error
    schema.columns = read
    return schema


def _reject_unknown(table: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"unknown key {key!r}", where=where, fix=nearest(str(key), known))


def _understood(schema: pa.DataFrameSchema, where: str) -> UserSchema:
    columns: dict[str, UserColumn] = {}
    for name, column in schema.columns.items():
        place = f"{where}, column {name!r}"
        if column.regex:
            raise UsageError("columns cannot be named by a pattern here", where=place,
                             fix="name each column")  # fmt: skip
        columns[name] = UserColumn(
            name,
            _dtype(column.dtype if column.dtype is not None else schema.dtype, place),
            bool(column.nullable),
            bool(column.required) and column.default is None,
            bool(column.coerce or schema.coerce),
            tuple(column.checks or ()),
        )
    together = [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or ())
    unique: list[tuple[str, ...]] = [
        (name,) for name, column in schema.columns.items() if column.unique
    ]
    if together:
        unique.append(tuple(together))
    for name in together:
        if name not in columns:
            raise UsageError(f"unique names no column {name!r}", where=where,
                             fix=nearest(name, [*columns]))  # fmt: skip
    return UserSchema(columns, tuple(schema.checks or ()), tuple(unique), schema.strict is True)


def _dtype(dtype: Any, where: str) -> pl.DataType | None:
    if dtype is None:
        return None
    kind = dtype.type
    kind = kind() if isinstance(kind, type) else kind
    try:
        check_readable(kind)
    except (TypeError, AttributeError) as error:
        raise UsageError(f"no value of a source can be of the type {dtype}", where=where) from error
    return kind
