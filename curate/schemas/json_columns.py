"""JSON values as a typed column: what fits the type stays, what does not is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from polars.datatypes import IntegerType

from ..formats.json_values import json_text, type_name

_WORDS = {"true": True, "false": False}
_MOST_SHOWN = 60
_TIMES = (pl.Date, pl.Datetime, pl.Time)


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column of one type.

    Attributes:
        values: null where a value does not fit the type.
        unfit: for each of those, its position and what was found.
    """

    values: pl.Series
    unfit: Mapping[int, str]


def typed_column(values: Sequence[Any], dtype: pl.DataType, *, from_text: bool) -> TypedColumn:
    """Turn JSON values into a column of a type.

    JSON has no dates: texts stand for them. Whole numbers do for floats.

    Args:
        values: JSON values; null stays null.
        dtype: any that JSON values can be read as.
        from_text: read numbers and booleans out of texts, and write others as text, as sources
            without types (CSV) need it.

    Raises:
        TypeError: no JSON value can be of this type.

    Example:
        >>> column = typed_column([1, "2", None], pl.Int64(), from_text=False)
        >>> column.values.to_list(), dict(column.unfit)
        ([1, None, None], {1: "text '2'"})
    """
    if isinstance(dtype, _TIMES):
        return _times(values, dtype)
    read = _reader(dtype, from_text)
    read_values: list[Any] = []
    unfit: dict[int, str] = {}
    for position, value in enumerate(values):
        try:
            read_values.append(None if value is None else read(value))
        except ValueError:
            read_values.append(None)
            unfit[position] = shown(value)
    return TypedColumn(pl.Series(read_values, dtype=dtype, strict=False), unfit)


def check_readable(dtype: pl.DataType) -> None:
    """Make sure that JSON values can be of a type.

    Raises:
        TypeError: they cannot.
    """
    if not isinstance(dtype, _TIMES):
        _reader(dtype, from_text=False)


def shown(value: Any) -> str:
    """Name a JSON value for a reader, and show its beginning.

    Example:
        >>> shown("seven"), shown(7), shown(None)
        ("text 'seven'", 'a number 7', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return f"{type_name(value)} {text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + '…'}"


def _times(values: Sequence[Any], dtype: pl.Date | pl.Datetime | pl.Time) -> TypedColumn:
    given = [value if isinstance(value, str) else None for value in values]
    texts = pl.Series(given, dtype=pl.String)
    try:
        parsed = _parsed_times(texts, dtype)
    except pl.exceptions.ComputeError:
        # The form is guessed from the first text, which may be no time though others are.
        parsed = pl.concat([_parsed_or_null(text, dtype) for text in given])
    unfit = {
        position: shown(value)
        for position, value in enumerate(values)
        if value is not None and parsed[position] is None
    }
    return TypedColumn(parsed, unfit)


def _parsed_times(texts: pl.Series, dtype: pl.Date | pl.Datetime | pl.Time) -> pl.Series:
    if isinstance(dtype, pl.Datetime):
        unit, zone = dtype.time_unit, dtype.time_zone
        return texts.str.to_datetime(time_unit=unit, time_zone=zone, strict=False)
    return texts.str.strptime(type(dtype), strict=False)


def _parsed_or_null(text: str | None, dtype: pl.Date | pl.Datetime | pl.Time) -> pl.Series:
    try:
        return _parsed_times(pl.Series([text], dtype=pl.String), dtype)
    except pl.exceptions.ComputeError:
        return pl.Series([None], dtype=dtype)


def _reader(dtype: pl.DataType, from_text: bool) -> Callable[[Any], Any]:
    """Return a function that reads a value as a type, and raises ValueError where it is none."""
    if isinstance(dtype, IntegerType):
        low, high = pl.select(dtype.min(), high=dtype.max()).row(0)
        return lambda value: _whole(value, low, high, from_text)
    if dtype.is_float():
        return lambda value: _number(value, from_text)
    if dtype == pl.Boolean:
        return lambda value: _boolean(value, from_text)
    if isinstance(dtype, pl.Enum):
        known = frozenset(dtype.categories)
        return lambda value: _fitting(value, isinstance(value, str) and value in known)
    if dtype == pl.String or isinstance(dtype, pl.Categorical):
        return lambda value: _text(value, from_text)
    if isinstance(dtype, pl.List):
        inner = _reader(_instance(dtype.inner), from_text)
        return lambda value: [None if item is None else inner(item) for item in _list(value)]
    if isinstance(dtype, pl.Struct):
        fields = {field.name: _reader(_instance(field.dtype), from_text) for field in dtype.fields}
        return lambda value: {
            name: None if _object(value).get(name) is None else read(value[name])
            for name, read in fields.items()
        }
    raise TypeError(f"no JSON value can be read as {dtype}")


def _instance(dtype: Any) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _fitting(value: Any, fits: bool) -> Any:
    if not fits:
        raise ValueError(value)
    return value


def _whole(value: Any, low: int, high: int, from_text: bool) -> int:
    if from_text and isinstance(value, str):
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return _fitting(value, is_whole and low <= value <= high)


def _number(value: Any, from_text: bool) -> Any:
    if from_text and isinstance(value, str):
        value = float(value)
    return _fitting(value, isinstance(value, int | float) and not isinstance(value, bool))


def _boolean(value: Any, from_text: bool) -> bool:
    if from_text and isinstance(value, str):
        value = _WORDS.get(value.strip().lower())
    return _fitting(value, isinstance(value, bool))


def _text(value: Any, from_text: bool) -> str:
    if from_text and not isinstance(value, str):
        return json_text(value)
    return _fitting(value, isinstance(value, str))


def _list(value: Any) -> list[Any]:
    return _fitting(value, isinstance(value, list))


def _object(value: Any) -> dict[str, Any]:
    return _fitting(value, isinstance(value, dict))
