from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, MambaConfig

from tunewise.train.loop.loss import token_losses
from tunewise.train.recipe import Recipe
from tunewise.train.rows.batches import Collator
from tunewise.train.rows.packing import arrange, check_separation, join, lay_end_to_end, pack
from tunewise.train.rows.render import Rendered
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.files import read_json


@pytest.fixture
def model(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()


def some_rows(count: int, seed: int = 0) -> list[Rendered]:
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        prompt, answer = (int(number) for number in random.integers(1, 12, 2))
        tokens = random.integers(5, 250, prompt + answer).tolist()
        rows.append(Rendered(tokens, [False] * prompt + [True] * answer))
    return rows


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(1, 300), max_size=200), capacity=st.integers(1, 256))
def test_every_row_is_packed_once_and_within_bounds(lengths: list[int], capacity: int) -> None:
    groups = pack(lengths, capacity)
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or sum(lengths[row] for row in group) <= capacity
    fitting = [length for length in lengths if length <= capacity]
    fewest = -(-sum(fitting) // capacity) + len(lengths) - len(fitting)
    assert len(groups) <= 2 * fewest + 1


def test_next_to_nothing_is_wasted() -> None:
    lengths = (np.random.default_rng(0).lognormal(4.5, 0.8, 2000).astype(int) + 5).tolist()
    groups = pack([min(length, 2048) for length in lengths], 2048)
    assert sum(lengths) / (len(groups) * 2048) > 0.98


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_row_learns_the_same_packed_as_alone(model: Any, attention: str) -> None:
    model.set_attn_implementation(attention)
    rows = some_rows(12)
    packed = [lay_end_to_end(rows[:5]), lay_end_to_end(rows[5:6]), lay_end_to_end(rows[6:])]
    together = token_losses(model, Collator(0)(packed))
    alone = torch.cat([token_losses(model, Collator(0)([row])) for row in rows])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)
    together.sum().backward()
    ours = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    torch.cat([token_losses(model, Collator(0)([row])) for row in rows]).sum().backward()
    for name, weight in model.named_parameters():
        torch.testing.assert_close(ours[name], weight.grad, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_whatever_stands_beside_a_row_changes_nothing(model: Any, attention: str) -> None:
    model.set_attn_implementation(attention)
    before, row, after = some_rows(3, seed=1)
    first = sum(before.supervised)
    here = slice(first, first + sum(row.supervised))
    others = some_rows(20, seed=2)
    seen = []
    for other in others:
        # Another neighbour of the same length on both sides.
        tokens = (other.tokens * 20)[: len(before.tokens)]
        behind = (other.tokens * 20)[: len(after.tokens)]
        packed = lay_end_to_end(
            [Rendered(tokens, before.supervised), row, Rendered(behind, after.supervised)]
        )
        with torch.no_grad():
            seen.append(token_losses(model, Collator(0)([packed]))[here])
    for losses in seen[1:]:
        assert torch.equal(losses, seen[0])


def test_a_model_that_looks_across_rows_is_refused() -> None:
    """A recurrent state runs on over the borders, whatever the positions say."""
    torch.manual_seed(0)
    recurrent = AutoModelForCausalLM.from_config(
        MambaConfig(vocab_size=250, hidden_size=32, num_hidden_layers=2, state_size=8)
    )
    with torch.no_grad():
        for weight in recurrent.parameters():
            weight.mul_(3)
    with pytest.raises(UsageError, match="see each other"):
        check_separation(recurrent, some_rows(8), 0)


def test_a_model_that_keeps_rows_apart_passes(model: Any) -> None:
    model.train()
    check_separation(model, some_rows(8), 0)
    check_separation(model, some_rows(1), 0)
    assert model.training


def test_general_rows_take_turns_as_packed_sequences() -> None:
    own, general = some_rows(10), some_rows(40, seed=3)
    lessons = arrange(own, general, 10, capacity=40)
    packed_general = join(general, 40)
    assert lessons.general == len(packed_general)
    assert lessons.per_epoch == round(len(packed_general) / 4)
    assert lessons.an_epoch == len(join(own, 40)) + lessons.per_epoch
    assert arrange(own, general, 10).an_epoch == 20


def test_a_run_with_packed_rows(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    split = make_split(chat_rows(0, 40), chat_rows(40, 50))
    recipe = Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=4, batch_size=2, packing=True,
        max_length=64, threads=1, eval_every=10,
    )  # fmt: skip
    document = read_json(train(workspace, split, recipe).folder / "train.json")
    assert document["tokens"] == 4 * document["rows"]["train"]["tokens"]
    assert document["supervised_tokens"] == 4 * document["rows"]["train"]["supervised"]
    # Twenty batches of two rows each would be eighty steps.
    assert document["steps"] < 40
    assert document["losses"]["kept"]["val"] < document["losses"]["base"]["val"]
