"""What a dataset looks like: lengths, roles, and the values of its labels, sources and groups."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from .lengths import TOKENS, Lengths

_PIECES = 24
_MOST_VALUES = 500


def profile_dataset(
    records: pl.DataFrame,
    lengths: Lengths,
    context_length: int,
    wrong_roles: pl.Series | None,
) -> dict[str, Any]:
    """Describe a dataset in plain values.

    Args:
        records: frame of ``RECORD_SCHEMA``; at least one.
        lengths: of the records.
        context_length: tokens the model can see.
        wrong_roles: rows whose roles come in no sound order; None where that was not checked.

    Returns:
        ``length``, ``roles_ok``, ``labels``, ``sources`` and ``groups``; the values of the last
        three most frequent first, at most 500 of each.
    """
    roles_ok = None if wrong_roles is None else 1 - wrong_roles.n_unique() / records.height
    return {
        "length": _describe_lengths(lengths, context_length),
        "roles_ok": roles_ok,
        "labels": _value_shares(records["label"]),
        "sources": _value_shares(records["source"]),
        "groups": _value_shares(records["group"]),
    }


def _describe_lengths(lengths: Lengths, context_length: int) -> dict[str, Any]:
    values = lengths.frame["length"]
    in_tokens = lengths.unit == TOKENS
    return {
        "unit": lengths.unit,
        "method": lengths.method,
        "histogram": length_histogram(values),
        "p50": _quantile(values, 0.50),
        "p95": _quantile(values, 0.95),
        "max": _quantile(values, 1.0),
        "context": context_length if in_tokens else None,
        "over_context": int((values > context_length).sum()) if in_tokens else 0,
    }


def length_histogram(values: pl.Series) -> list[dict[str, int]]:
    """Count lengths in pieces of equal width; the last one takes what is far longer than most.

    Args:
        values: whole numbers, at least one.

    Returns:
        ``from`` (included), ``to`` (not included, but in the last piece) and ``records``, from
        short to long and without gaps.

    Example:
        >>> length_histogram(pl.Series([1, 2, 2]))[1:]
        [{'from': 1, 'to': 2, 'records': 1}, {'from': 2, 'to': 2, 'records': 2}]
    """
    longest = _quantile(values, 1.0)
    usual = _quantile(values, 0.99)
    width = max(1, math.ceil((usual + 1) / _PIECES))
    last = min(usual, longest) // width
    counts = dict((values // width).clip(upper_bound=last).value_counts().iter_rows())
    pieces = [
        {"from": piece * width, "to": (piece + 1) * width, "records": counts.get(piece, 0)}
        for piece in range(last + 1)
    ]
    pieces[-1]["to"] = longest
    return pieces


def _quantile(values: pl.Series, share: float) -> int:
    return int(values.quantile(share, interpolation="lower") or 0)


def _value_shares(values: pl.Series) -> list[dict[str, Any]]:
    given = values.filter(values.str.contains(r"\S"))
    counts = given.value_counts().sort("count", given.name, descending=[True, False])
    return [
        {"value": value, "records": count, "share": count / len(given)}
        for value, count in counts.head(_MOST_VALUES).iter_rows()
    ]
