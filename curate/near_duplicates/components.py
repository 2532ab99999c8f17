"""Components of rows tied by pairs, and which row of a component to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components


def component_labels(count: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Label rows by component; a component is named after its smallest member.

    Args:
        count: number of rows.
        left: one end of each pair, 0 to ``count - 1``.
        right: the other end.

    Example:
        >>> component_labels(5, np.array([4, 1]), np.array([1, 2])).tolist()
        [0, 1, 1, 3, 1]
    """
    ones = np.ones(len(left), dtype=np.int8)
    graph = coo_array((ones, (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    smallest = np.full(labels.max(initial=-1) + 1, count, dtype=np.int64)
    np.minimum.at(smallest, labels, np.arange(count))
    return smallest[labels]


@dataclass(frozen=True, slots=True)
class Removals:
    """Rows to remove, each with the kept row that it is directly tied to."""

    removed: np.ndarray
    kept: np.ndarray
    score: np.ndarray


def keep_best(
    order: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    score: np.ndarray,
    removable: np.ndarray | None = None,
) -> Removals:
    """Keep the best row of each neighbourhood and remove what is directly tied to it.

    The rows are gone through in the given order; one that has not been removed yet is kept, and
    the removable rows that a pair ties to it are removed. So no row goes because of a chain of
    others in between.

    Args:
        order: positions of all rows, the best first.
        left: one end of each pair.
        right: the other end.
        score: the pairs' scores.
        removable: for each row whether it may be removed; all may by default.

    Returns:
        The removals, in the order of the removed rows.

    Example:
        >>> chain = keep_best(np.arange(3), np.array([0, 1]), np.array([1, 2]), np.ones(2))
        >>> chain.removed.tolist(), chain.kept.tolist()
        ([1], [0])
    """
    count = len(order)
    may_go = np.ones(count, dtype=bool) if removable is None else removable
    both = (np.r_[score, score], (np.r_[left, right], np.r_[right, left]))
    graph = csr_array(coo_array(both, shape=(count, count)))
    kept_by = np.full(count, -1, dtype=np.int64)
    scores = np.zeros(count)
    has_pairs = np.diff(graph.indptr) > 0
    visited = np.zeros(count, dtype=bool)
    for row in order[has_pairs[order]]:
        visited[row] = True
        if kept_by[row] >= 0:
            continue
        some = slice(graph.indptr[row], graph.indptr[row + 1])
        others = graph.indices[some]
        goes = (kept_by[others] < 0) & ~visited[others] & may_go[others]
        kept_by[others[goes]] = row
        scores[others[goes]] = graph.data[some][goes]
    removed = np.flatnonzero(kept_by >= 0)
    return Removals(removed, kept_by[removed], scores[removed])
