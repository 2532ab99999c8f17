"""Token sequences as prefix trees, so that what several of them share is computed once.

The choices of a question share the question; the questions of a suite may share their examples;
two sentences of a minimal pair share a beginning. In a tree each shared token is one node. Nodes
lie in depth-first order, so that all descendants of a node follow it directly: node ``j`` is node
``i`` or comes before it on its path exactly where ``j <= i < ends[j]``, which is the attention
mask. (Tree attention as in Cai et al. 2024, *Medusa*, here over given texts.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# A tree may have this many nodes, or twice its longest sequence: attention grows with the square.
TREE_NODES = 192
# How many times its own nodes a batch may attend to: their keys lie in memory for one layer.
_ATTENDED = 8


@dataclass(slots=True)
class PrefixTree:
    """Sequences merged by their common beginnings.

    Attributes:
        tokens: the token of each node.
        depths: the position of each node in its sequences, from 0.
        ends: for each node, one past its last descendant.
        members: which sequences (their numbers) are in the tree.
        paths: for each member, the nodes of its tokens from its ``start - 1`` on; the model's
            output at these nodes predicts its scored tokens.
    """

    tokens: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.tokens)

    @property
    def branches(self) -> bool:
        """Whether it is more than a single chain of nodes."""
        return self.depths[-1] != len(self.tokens) - 1


def build_trees(
    sequences: Sequence[Sequence[int]],
    starts: Sequence[int],
    *,
    share: bool = True,
    nodes: int = TREE_NODES,
    chosen: Sequence[int] | None = None,
    skip: int = 0,
) -> list[PrefixTree]:
    """Merge sequences into trees.

    The last token of a sequence is only predicted, never read, and so is no node. Nor are tokens
    that are skipped; depths and paths begin after them.

    Args:
        sequences: token ids, at least two each.
        starts: for each sequence, the index (at least 1) of its first scored token.
        share: False gives every distinct sequence a tree of its own, for models that cannot
            attend along a tree.
        nodes: the size up to which a tree grows.
        chosen: numbers of the sequences to merge; None merges all.
        skip: so many first tokens are the same in all of them, come before each scored token's
            predecessor, and were read already.

    Example:
        >>> tree, = build_trees([[5, 6, 7, 1], [5, 6, 8, 9, 1]], [2, 2])
        >>> tree.tokens, tree.depths, tree.ends
        ([5, 6, 7, 8, 9], [0, 1, 2, 2, 3], [5, 5, 3, 5, 5])
        >>> tree.paths
        [[1, 2], [1, 3, 4]]
    """
    numbers = range(len(sequences)) if chosen is None else chosen
    order = sorted(numbers, key=lambda number: list(sequences[number][skip:-1]))
    trees: list[PrefixTree] = []
    path: list[int] = []
    previous: Sequence[int] = ()
    longest = 0
    for number in order:
        read = sequences[number][skip:-1]
        shared = common_length(previous, read)
        new = len(read) - shared
        limit = max(nodes, 2 * max(longest, len(read)))
        same = new == 0 and len(previous) == len(read)
        if not trees or not (same or (share and _joins(shared, new, len(trees[-1]), limit))):
            _close(trees[-1] if trees else None, path, 0)
            trees.append(PrefixTree())
            path, shared, longest = [], 0, 0
        tree = trees[-1]
        _close(tree, path, shared)
        del path[shared:]
        path.extend(range(len(tree), len(tree) + len(read) - shared))
        tree.tokens.extend(read[shared:])
        tree.depths.extend(range(shared, len(read)))
        tree.ends.extend([0] * (len(read) - shared))
        tree.members.append(number)
        tree.paths.append(path[starts[number] - 1 - skip :])
        previous, longest = read, max(longest, len(read))
    _close(trees[-1] if trees else None, path, 0)
    return trees


def batches(
    trees: Sequence[PrefixTree], tokens: int, skipped: int = 0
) -> Iterator[list[PrefixTree]]:
    """Yield trees of like size together, the largest first, within a budget of nodes.

    Args:
        trees: in any order.
        tokens: nodes in a batch at most, padding included; a larger tree comes alone.
        skipped: tokens that were read before the trees and that each of them attends to.
    """
    batch: list[PrefixTree] = []
    for tree in sorted(trees, key=len, reverse=True):
        rows, width = len(batch) + 1, len(batch[0] if batch else tree)
        if batch and (rows * width > tokens or rows * (width + skipped) > _ATTENDED * tokens):
            yield batch
            batch = []
        batch.append(tree)
    if batch:
        yield batch


def _joins(shared: int, new: int, size: int, limit: int) -> bool:
    return shared >= new and size + new <= limit


def _close(tree: PrefixTree | None, path: list[int], keep: int) -> None:
    """Note that the nodes of a path beyond its first ``keep`` get no more descendants."""
    if tree is not None:
        for node in path[keep:]:
            tree.ends[node] = len(tree.tokens)


def common_length(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many first elements are the same, by halving: comparing slices is quick."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
