"""Prefix trees hold every sequence, and only along its own path."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.evaluate.scoring.trees import batches, build_trees

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=9), min_size=1, max_size=12)


def ancestors(tree, node: int) -> list[int]:
    return [other for other in range(node + 1) if node < tree.ends[other]]


@given(SEQUENCES, st.booleans(), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_each_sequence_lies_on_a_path(sequences, share, nodes) -> None:
    trees = build_trees(sequences, [1] * len(sequences), share=share, nodes=nodes)
    seen: list[int] = []
    for tree in trees:
        for number, path in zip(tree.members, tree.paths, strict=True):
            seen.append(number)
            assert [tree.tokens[node] for node in path] == sequences[number][:-1]
            assert ancestors(tree, path[-1]) == path
            assert [tree.depths[node] for node in path] == list(range(len(path)))
        used = {node for path in tree.paths for node in path}
        assert used == set(range(len(tree)))
    assert sorted(seen) == list(range(len(sequences)))


@given(SEQUENCES)
@settings(max_examples=60, deadline=None)
def test_without_sharing_no_tree_branches(sequences) -> None:
    trees = build_trees(sequences, [1] * len(sequences), share=False)
    assert not any(tree.branches for tree in trees)


def test_what_is_shared_is_there_once() -> None:
    question = list(range(20))
    sequences = [[*question, 30, 1], [*question, 31, 32, 1], [*question, 30, 33]]
    (tree,) = build_trees(sequences, [20, 20, 20])
    assert len(tree) == 20 + 3
    assert tree.branches
    # The last token is only predicted: equal up to it means the very same nodes.
    assert tree.paths[tree.members.index(0)] == tree.paths[tree.members.index(2)]


def test_sequences_that_share_little_stay_apart() -> None:
    assert len(build_trees([[1, 2, 3, 4, 5, 6], [1, 9, 8, 7, 6, 5]], [1, 1])) == 2


def test_a_tree_does_not_outgrow_its_bound() -> None:
    question = list(range(10))
    sequences = [[*question, 20 + number, 21, 22, 23, 24, 1] for number in range(50)]
    trees = build_trees(sequences, [10] * 50, nodes=60)
    assert max(len(tree) for tree in trees) <= 60
    assert len(trees) > 1


def test_batches_keep_within_the_budget_and_lose_nothing() -> None:
    trees = build_trees([[index] * (2 + index % 7) + [1] for index in range(40)], [1] * 40)
    groups = list(batches(trees, 24))
    assert all(len(group) * len(group[0]) <= 24 or len(group) == 1 for group in groups)
    assert sorted(m for group in groups for tree in group for m in tree.members) == [*range(40)]
