"""Components to parts: near the wanted shares in every column, the same whatever the row order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_PASSES = 8
"""Each pass looks at every component once more; usually three change nothing any more."""
_ROWS, _VALUE, _COMBINATION = 4, 8, 1
"""What a row out of place weighs: for the size of its part, for each of its values, and for the
combination of its values."""


def assign_parts(
    components: np.ndarray,
    strata: np.ndarray,
    keys: np.ndarray,
    ratios: Sequence[float],
    fixed: np.ndarray | None = None,
) -> np.ndarray:
    """Assign every record a part, so that no component is divided.

    The largest components are placed first, each where it brings the parts nearest to their
    shares: of all records, of the records with each value of each column, and of those with each
    combination of values. Then single components move for as long as that helps. All this is done
    by the values first and then with the parts' sizes: a large component that lies where its values
    belong can make a part too large, which the many small ones make up for; the other way round it
    could not leave again.

    Args:
        components: the component of each record, any integers.
        strata: the value of each record in the columns to keep in balance, integers from 0 on;
            records by columns, or one column.
        keys: uint64, a hash of each record's content and the seed; it decides what the sizes
            leave open.
        ratios: the wanted share of each part; those above 0 sum up to 1.
        fixed: the part of each record that has one already, else -1; these stay, and count.

    Returns:
        The part of each record, an index into ``ratios``.

    Example:
        >>> components, one_value = np.array([7, 7, 8, 9]), np.zeros(4, int)
        >>> assign_parts(components, one_value, np.arange(4), (0.5, 0.5)).tolist()
        [0, 0, 1, 1]
    """
    from .balance_kernels import place_components

    parts = np.full(len(components), -1, dtype=np.int64) if fixed is None else fixed.copy()
    free = np.flatnonzero(parts < 0)
    wanted = np.flatnonzero(np.asarray(ratios) > 0)
    if not len(free):
        return parts
    columns = strata.reshape(len(components), -1)
    features, weights = _features(columns)
    totals = np.bincount(features.ravel(), minlength=int(features.max()) + 1)
    counts = np.zeros((len(wanted), len(totals)), dtype=np.int64)
    for number, part in enumerate(wanted):
        np.add.at(counts[number], features[parts == part].ravel(), 1)
    rows, begins, order = _order(components[free], keys[free])
    places = np.full(len(begins) - 1, -1, dtype=np.int64)
    shares = np.asarray(ratios, dtype=float)[wanted]
    values_only = weights * (np.arange(len(weights)) > 0)
    for weight in (values_only, weights) if len(weights) > 1 else (weights,):
        place_components(
            free[rows], begins, order, features, weight, shares, counts, totals, places, _PASSES
        )
    _fill_empty(places, np.diff(begins), order, counts[:, 0])
    parts[free[rows]] = wanted[np.repeat(places, np.diff(begins))]
    return parts


def _features(strata: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number what each record counts for: itself, its values, their combination; with weights.

    A column of one value only tells nothing and is left out.
    """
    telling = [column for column in strata.T if len(column) and (column != column[0]).any()]
    columns = [np.zeros(len(strata), dtype=np.int64), *telling]
    weights = [_ROWS * max(1, len(telling)), *(_VALUE for _ in telling)]
    if len(telling) > 1:
        _, combination = np.unique(np.column_stack(telling), axis=0, return_inverse=True)
        columns.append(combination.reshape(-1))
        weights.append(_COMBINATION)
    first = 0
    for number, column in enumerate(columns):
        columns[number] = column + first
        first += int(column.max()) + 1
    return np.column_stack(columns), np.array(weights, dtype=np.int64)


def _order(components: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gather the records of each component, and order components by size and smallest key."""
    _, component, sizes = np.unique(components, return_inverse=True, return_counts=True)
    rows = np.lexsort((keys, component))
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    order = np.lexsort((keys[rows[begins[:-1]]], -sizes))
    return rows, begins, order


def _fill_empty(
    places: np.ndarray, sizes: np.ndarray, order: np.ndarray, counts: np.ndarray
) -> None:
    """Give a part without records the smallest component of the part that has most of them."""
    for part in np.flatnonzero(counts == 0):
        held = np.bincount(places, minlength=len(counts))
        richest = int(np.argmax(held))
        if held[richest] > 1:
            chosen = order[places[order] == richest][-1]
            counts[richest] -= sizes[chosen]
            counts[part] += sizes[chosen]
            places[chosen] = part
