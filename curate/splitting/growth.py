"""A dataset that has grown: old rows keep their part, new ones join it or are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from .direct_ties import numbered
from .ties import EXACT, Ties

CONFLICT_SCHEMA = pl.Schema({"position": pl.Int64, "one": pl.Int64, "other": pl.Int64})
_FREE = -1
_WORDS = -1
_Node = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of the records of a dataset that has grown.

    Attributes:
        parts: the part of each record; -1 where no tie decides it, or where it is left out.
        old: which records were in the earlier split.
        left_out: new records that would tie two parts together (``position``), and a record of
            each of them (``one``, ``other``): frame of :data:`CONFLICT_SCHEMA`.
    """

    parts: np.ndarray
    old: np.ndarray
    left_out: pl.DataFrame


def grow(ties: Ties, earlier: np.ndarray) -> Growth:
    """Give the records that are tied to an earlier split the part that they belong to.

    Args:
        ties: the records as they are now, together with those of the earlier split.
        earlier: of each record its part in the earlier split; -1 for those of now.
    """
    parts = _old_parts(ties, earlier)
    old = parts >= 0
    component = ties.components()
    held = pl.DataFrame({"component": component, "part": parts}).filter(pl.col("part") >= 0)
    reach = held.group_by("component").agg(
        low=pl.col("part").min(), several=pl.col("part").n_unique() > 1
    )
    found = pl.DataFrame({"component": component}).join(
        reach, on="component", how="left", maintain_order="left"
    )
    several = found["several"].fill_null(value=False).to_numpy()
    single = ~old & ~several & found["low"].is_not_null().to_numpy()
    joined = np.where(single, found["low"].fill_null(_FREE).to_numpy(), parts)
    return _divide(ties, joined, old, several)


def _old_parts(ties: Ties, earlier: np.ndarray) -> np.ndarray:
    """A record with the same content as one of the earlier split is that one."""
    first = numbered(ties.keys[EXACT])
    by_content = np.full(ties.height, _FREE, dtype=np.int64)
    known = np.flatnonzero(earlier >= 0)[::-1]
    by_content[first[known]] = earlier[known]
    return np.where(earlier >= 0, earlier, by_content[first])


def _divide(ties: Ties, parts: np.ndarray, old: np.ndarray, several: np.ndarray) -> Growth:
    """Go through the new records of components that reach several parts, one after the other."""
    conflicted = np.flatnonzero(several)
    if not len(conflicted):
        return Growth(parts, old, pl.DataFrame(schema=CONFLICT_SCHEMA))
    bonds = _Bonds(ties, conflicted)
    for position in conflicted[old[conflicted]]:
        bonds.hold(int(position), int(parts[position]))
    new = conflicted[~old[conflicted]]
    order = ties.rows["order"].to_numpy()[new]
    left_out = []
    for position in new[np.lexsort((new, order))]:
        reached = bonds.join(int(position))
        if len(reached) > 1:
            one, other = sorted(reached.items())[:2]
            left_out.append((int(position), one[1], other[1]))
    gone = {entry[0] for entry in left_out}
    parts = parts.copy()
    for position in new:
        if int(position) not in gone:
            parts[position] = bonds.part_of(int(position))
    conflicts = pl.DataFrame(sorted(left_out), schema=CONFLICT_SCHEMA, orient="row")
    return Growth(parts, old, conflicts)


@dataclass(slots=True)
class _Bonds:
    """Keys and words as nodes of a forest; each tree reaches at most the parts of fixed records."""

    ties: Ties
    positions: np.ndarray
    parents: dict[_Node, _Node] = field(default_factory=dict)
    reached: dict[_Node, dict[int, int]] = field(default_factory=dict)
    numbers: list[np.ndarray] = field(init=False)
    words: np.ndarray = field(init=False)
    neighbours: dict[int, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Number keys and words, and note whose words are nearly alike."""
        self.numbers = [numbered(self.ties.keys[name]) for name in self.ties.keys.columns]
        self.words = numbered(self.ties.spoken)
        looked_at = np.zeros(self.ties.height, dtype=bool)
        looked_at[self.positions] = True
        self.neighbours = defaultdict(set)
        for left, right in self.ties.pairs.select("left", "right").iter_rows():
            if looked_at[left]:
                one, other = int(self.words[left]), int(self.words[right])
                self.neighbours[one].add(other)
                self.neighbours[other].add(one)

    def hold(self, position: int, part: int) -> None:
        """Note what a record of a part has."""
        for node in self._own(position):
            self.parents.setdefault(node, node)
            self.reached.setdefault(node, {}).setdefault(part, position)

    def join(self, position: int) -> dict[int, int]:
        """Tie a record to what has its keys or words, unless that would tie parts together.

        Returns:
            The parts that it reaches, with a record of each.
        """
        own = list(self._own(position))
        around = {self._root(node) for node in own if node in self.parents}
        for words in self.neighbours.get(int(self.words[position]), ()):
            if (_WORDS, words) in self.parents:
                around.add(self._root((_WORDS, words)))
        reached: dict[int, int] = {}
        for root in sorted(around):
            for part, holder in self.reached.get(root, {}).items():
                reached[part] = min(holder, reached.get(part, holder))
        if len(reached) <= 1:
            for node in own:
                self.parents.setdefault(node, node)
            roots = sorted(around | {self._root(node) for node in own})
            for root in roots:
                self.parents[root] = roots[0]
                self.reached.pop(root, None)
            self.reached[roots[0]] = reached
        return reached

    def part_of(self, position: int) -> int:
        """Return the part that a joined record reaches; -1 for none."""
        reached = self.reached.get(self._root(next(self._own(position))), {})
        return next(iter(reached), _FREE)

    def _own(self, position: int) -> Iterator[_Node]:
        for number, values in enumerate(self.numbers):
            if values[position] >= 0:
                yield number, int(values[position])
        if self.words[position] >= 0:
            yield _WORDS, int(self.words[position])

    def _root(self, node: _Node) -> _Node:
        while (parent := self.parents[node]) != node:
            self.parents[node] = self.parents[parent]
            node = parent
        return node
