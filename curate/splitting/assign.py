"""Components to parts: near the wanted shares in every stratum, the same whatever the row order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def assign_parts(
    components: np.ndarray, strata: np.ndarray, keys: np.ndarray, ratios: Sequence[float]
) -> np.ndarray:
    """Assign every record a part, so that no component is divided.

    Components of several records are placed one by one, the largest first, into the part where
    they fit and which lacks the largest share of its records in their strata. Single records
    then fill what is lacking, in the order of their keys, all at once. Rounding of small strata
    is carried over to the next one, so that many of them together still come near the ratios.

    Args:
        components: the component of each record, any integers.
        strata: the stratum of each record, 0 to the number of strata - 1.
        keys: uint64, a hash of each record's content and the seed; it decides what the sizes
            leave open.
        ratios: the wanted share of each part; they sum up to 1.

    Returns:
        The part of each record, an index into ``ratios``.
    """
    _, component, sizes = np.unique(components, return_inverse=True, return_counts=True)
    shares = np.asarray(ratios, dtype=float)
    lacking = np.outer(shares, np.bincount(strata)).astype(float)
    parts = np.full(len(components), -1, dtype=np.int64)
    _place_components(parts, component, sizes, strata, keys, lacking)
    _place_singles(parts, strata, keys, lacking)
    return parts


def _place_components(
    parts: np.ndarray,
    component: np.ndarray,
    sizes: np.ndarray,
    strata: np.ndarray,
    keys: np.ndarray,
    lacking: np.ndarray,
) -> None:
    """Place the components of several records; ``parts`` and ``lacking`` are updated."""
    members = np.flatnonzero(sizes[component] > 1)
    if not len(members):
        return
    smallest_key = np.full(len(sizes), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(smallest_key, component, keys)
    of = component[members]
    order = np.lexsort((keys[members], of, smallest_key[of], -sizes[of]))
    members = members[order]
    borders = np.flatnonzero(np.diff(component[members])) + 1
    wanted = np.maximum(lacking, 1e-9)
    place_of = np.full(len(sizes), -1, dtype=np.int64)
    for group in np.split(members, borders):
        touched, counts = np.unique(strata[group], return_counts=True)
        room = lacking[:, touched]
        overflow = np.maximum(counts - np.maximum(room, 0), 0).sum(axis=1)
        need = (counts * room / wanted[:, touched]).sum(axis=1)
        # Parts that overflow by less than one record are as good as those that do not.
        best = min(
            range(len(lacking)),
            key=lambda part: (np.floor(overflow[part]), -round(need[part], 9), part),
        )
        lacking[best, touched] -= counts
        place_of[component[group[0]]] = best
    parts[members] = place_of[component[members]]


def _place_singles(
    parts: np.ndarray, strata: np.ndarray, keys: np.ndarray, lacking: np.ndarray
) -> None:
    """Fill what is lacking in each stratum with the records left."""
    singles = np.flatnonzero(parts < 0)
    singles = singles[np.lexsort((keys[singles], strata[singles]))]
    available = np.bincount(strata[singles], minlength=lacking.shape[1])
    quotas = np.zeros(lacking.shape, dtype=np.int64)
    carried = np.zeros(len(lacking))
    for stratum in np.argsort(-available, kind="stable"):
        number = int(available[stratum])
        if number:
            quotas[:, stratum], carried = _round_shares(lacking[:, stratum], number, carried)
    flat = np.repeat(np.tile(np.arange(len(lacking)), lacking.shape[1]), quotas.T.ravel())
    parts[singles] = flat


def _round_shares(
    lacking: np.ndarray, number: int, carried: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a number of records by what the parts lack; return the rounding left to carry."""
    wanted = np.maximum(lacking, 0)
    total = wanted.sum()
    exact = wanted * (number / total) if total > 0 else np.full(len(wanted), number / len(wanted))
    aimed = np.maximum(exact + carried, 0)
    floors = np.minimum(np.floor(aimed + 1e-9).astype(np.int64), number)
    while floors.sum() > number:
        floors[int(np.argmax(floors - aimed))] -= 1
    while floors.sum() < number:
        floors[int(np.argmax(np.round(aimed - floors, 9)))] += 1
    return floors, exact + carried - floors
