"""What a dataset looks like: lengths, roles, and the values of its labels, sources and groups."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from ..check import CheckContext
from ..tokens.lengths import TOKENS, describe_counting

_PIECES = 24
_MOST_VALUES = 500


def profile_summary(context: CheckContext) -> pl.DataFrame:
    """Return what the profile needs to know of each record: a summary (see :mod:`.check`).

    Returns:
        ``row, length, label, source, group``.
    """
    values = context.records.select("row", "label", "source", "group")
    return values.join(context.lengths.frame, on="row", how="left", maintain_order="left").select(
        "row", "length", "label", "source", "group"
    )


def counting_summary(context: CheckContext) -> pl.DataFrame:
    """Return how a piece's lengths were counted, in one line: a summary.

    Returns:
        ``unit, counting, refused, refusal`` (see :class:`.lengths.Lengths`).
    """
    lengths = context.lengths
    return pl.DataFrame(
        {
            "unit": [lengths.unit],
            "counting": [lengths.counting],
            "refused": [lengths.refused],
            "refusal": [lengths.refusal],
        }
    )


def profile_dataset(
    values: pl.DataFrame,
    counting: pl.DataFrame,
    context_length: int,
    wrong_roles: pl.Series | None,
) -> dict[str, Any]:
    """Describe a dataset in plain values.

    Args:
        values: the :func:`profile_summary` of all pieces; at least one record.
        counting: the :func:`counting_summary` of all pieces.
        context_length: tokens the model can see.
        wrong_roles: rows whose roles come in no sound order; None where that was not checked.

    Returns:
        ``length``, ``roles_ok``, ``labels``, ``sources`` and ``groups``; the values of the last
        three most frequent first, at most 500 of each.
    """
    roles_ok = None if wrong_roles is None else 1 - wrong_roles.n_unique() / values.height
    return {
        "length": _describe_lengths(values["length"], counting, context_length),
        "roles_ok": roles_ok,
        "labels": _value_shares(values["label"]),
        "sources": _value_shares(values["source"]),
        "groups": _value_shares(values["group"]),
    }


def _describe_lengths(
    values: pl.Series, counting: pl.DataFrame, context_length: int
) -> dict[str, Any]:
    unit = counting["unit"][0]
    in_tokens = unit == TOKENS
    refusals = counting["refusal"].filter(counting["refused"] > 0)
    return {
        "unit": unit,
        "method": describe_counting(
            counting["counting"][0],
            int(counting["refused"].sum()),
            refusals[0] if len(refusals) else "",
        ),
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
