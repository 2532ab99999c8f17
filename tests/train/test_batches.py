from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.train.rows.batches import Collator, LengthBatches, measuring_batches
from tunewise.train.rows.render import Rendered

lengths_lists = st.lists(st.integers(1, 500), min_size=1, max_size=300)
quick = settings(max_examples=50, deadline=None)


def batches_of(lengths: list[int], size: int, seed: int = 1, epoch: int = 0) -> list[list[int]]:
    order = LengthBatches(lengths, size, seed)
    order.set_epoch(epoch)
    return list(order)


@quick
@given(lengths=lengths_lists, size=st.integers(1, 16), epoch=st.integers(0, 5))
def test_an_epoch_uses_every_row_once(lengths: list[int], size: int, epoch: int) -> None:
    batches = batches_of(lengths, size, epoch=epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert len(batches) == len(LengthBatches(lengths, size, 1))
    assert max(map(len, batches)) <= size


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 500).tolist()
    assert batches_of(lengths, 8, 3, 2) == batches_of(lengths, 8, 3, 2)
    assert batches_of(lengths, 8, 3, 2) != batches_of(lengths, 8, 3, 1)
    assert batches_of(lengths, 8, 3, 2) != batches_of(lengths, 8, 4, 2)


@quick
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 16))
def test_epochs_take_turns_with_the_general_rows(
    own: int, general: int, per_epoch: int, size: int
) -> None:
    order = LengthBatches([5] * (own + general), size, 3, general=general, per_epoch=per_epoch)
    taken: list[int] = []
    for epoch in range(4):
        order.set_epoch(epoch)
        batches = list(order)
        rows = sorted(row for batch in batches for row in batch)
        assert len(batches) == len(order)
        assert rows[:own] == list(range(own))
        assert len(rows) == own + min(per_epoch, general)
        taken += rows[own:]
    counts = [taken.count(row) for row in range(own, own + general)]
    assert max(counts) - min(counts) <= 1


def padded_share(lengths: list[int], batches: list[list[int]]) -> float:
    computed = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    return 1 - sum(lengths) / computed


def test_little_is_padding() -> None:
    lengths = (np.random.default_rng(0).lognormal(4.5, 0.8, 2000).astype(int) + 5).tolist()
    rows = np.random.default_rng(1).permutation(2000)
    random = [rows[start : start + 8].tolist() for start in range(0, 2000, 8)]
    assert padded_share(lengths, random) > 0.5
    assert padded_share(lengths, batches_of(lengths, 8)) < 0.1


@quick
@given(lengths=lengths_lists, vocabulary=st.sampled_from([300, 32_000, 250_000]))
def test_measuring_takes_every_row_within_bounds(lengths: list[int], vocabulary: int) -> None:
    batches = measuring_batches(lengths, vocabulary)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= 2048


def test_a_batch_holds_what_is_to_be_learned() -> None:
    rows = [
        Rendered([5, 6, 7, 8], [False, False, True, True]),
        Rendered([9, 4], [False, True]),
    ]
    batch = {name: tensor.tolist() for name, tensor in Collator(0)(rows).items()}
    assert batch == {
        "input_ids": [[5, 6, 7, 8], [9, 4, 0, 0]],
        "positions": [1, 2, 4],
        "targets": [7, 8, 4],
        "tokens": 6,
    }


@pytest.mark.parametrize("padding", [0, 4])
def test_padding_is_never_a_target(padding: int) -> None:
    rows = [Rendered([1, 4], [False, True]), Rendered([1, 2, 4], [False, False, True])]
    assert Collator(padding)(rows)["targets"].tolist() == [4, 4]
