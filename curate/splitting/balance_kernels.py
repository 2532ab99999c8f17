"""Placing components one by one where they are lacked most: the loop, compiled."""

from __future__ import annotations

import numpy as np

from ..near_duplicates.compiled import compiled


@compiled
def place_components(
    rows: np.ndarray,
    begins: np.ndarray,
    order: np.ndarray,
    features: np.ndarray,
    weights: np.ndarray,
    shares: np.ndarray,
    counts: np.ndarray,
    totals: np.ndarray,
    places: np.ndarray,
    passes: int,
) -> None:
    """Place every component, then move single ones for as long as that helps.

    What is made small is the sum over parts p and features f of ``w (n - r N)² / r``: n rows of
    the feature in the part, N in all, r the part's share. All but the division by r is done in
    whole numbers, so that the result does not depend on the order of a component's rows.

    Args:
        rows: rows of all components, one component after the other.
        begins: where each component begins in ``rows``, and the end of the last.
        order: the components in the order in which they are placed.
        features: for each row its features, numbered through; rows by columns.
        weights: of each column of ``features``, whole numbers.
        shares: the wanted share of each part, above 0.
        counts: rows by part and feature that are there already; updated.
        totals: rows by feature in all.
        places: the part of each component; -1 to begin with, updated.
        passes: how often all components are looked at again at most.
    """
    met = np.zeros(len(totals), dtype=np.int64)
    linear = np.zeros(len(shares), dtype=np.int64)
    for number in range(passes + 1):
        moved = False
        for component in order:
            members = rows[begins[component] : begins[component + 1]]
            before = int(places[component])
            if before >= 0:
                _add(members, features, counts[before], -1)
            best = _best_part(
                members, features, weights, shares, counts, totals, met, linear, before
            )
            _add(members, features, counts[best], 1)
            moved = moved or best != before
            places[component] = best
        if not moved and number > 0:
            return


@compiled
def _add(members: np.ndarray, features: np.ndarray, counts: np.ndarray, sign: int) -> None:
    for row in members:
        for column in range(features.shape[1]):
            counts[features[row, column]] += sign


@compiled
def _best_part(
    members: np.ndarray,
    features: np.ndarray,
    weights: np.ndarray,
    shares: np.ndarray,
    counts: np.ndarray,
    totals: np.ndarray,
    met: np.ndarray,
    linear: np.ndarray,
    before: int,
) -> int:
    """Choose the part whose balance gains most, the one it was in where that is as good."""
    square = np.int64(0)
    whole = np.int64(0)
    linear[:] = 0
    for row in members:
        for column in range(features.shape[1]):
            feature, weight = features[row, column], weights[column]
            # The squares of 1, 2, 3, … differ by the odd numbers.
            square += weight * (2 * met[feature] + 1)
            met[feature] += 1
            whole += weight * totals[feature]
            for part in range(len(shares)):
                linear[part] += weight * counts[part, feature]
    for row in members:
        for column in range(features.shape[1]):
            met[features[row, column]] = 0
    best, least = -1, np.inf
    for part in range(len(shares)):
        cost = (2 * (linear[part] - shares[part] * whole) + square) / shares[part]
        if cost < least or (cost == least and part == before):
            best, least = part, cost
    return best
