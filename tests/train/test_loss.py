from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, CohereConfig, Gemma2Config, GPT2Config

from tunewise.train.loop import cross_entropy
from tunewise.train.loop.loss import row_losses, token_losses
from tunewise.train.rows.batches import Collator
from tunewise.train.rows.render import Rendered


@pytest.fixture
def model(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


def some_rows(count: int, vocabulary: int = 250) -> list[Rendered]:
    """Rows of differing lengths, each with a prompt and an answer."""
    random = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        prompt, answer = (int(number) for number in random.integers(1, 20, 2))
        tokens = random.integers(5, vocabulary, prompt + answer).tolist()
        rows.append(Rendered(tokens, [False] * prompt + [True] * answer))
    return rows


def plain_loss(model: Any, rows: list[Rendered]) -> torch.Tensor:
    """The library's own loss: padded, masked, all logits."""
    length = max(len(row.tokens) for row in rows)
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full_like(tokens, -100)
    mask = torch.zeros_like(tokens)
    for index, row in enumerate(rows):
        size = len(row.tokens)
        tokens[index, :size] = torch.tensor(row.tokens)
        mask[index, :size] = 1
        for place, learned in enumerate(row.supervised):
            if learned:
                labels[index, place] = row.tokens[place]
    return model(input_ids=tokens, attention_mask=mask, labels=labels).loss


SMALL: dict[str, Any] = {
    "vocab_size": 250,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}
ARCHITECTURES = {
    "logits capped": lambda: Gemma2Config(
        **SMALL, head_dim=8, final_logit_softcapping=3.0, sliding_window=8
    ),
    "logits scaled": lambda: CohereConfig(**SMALL, logit_scale=0.3),
    "absolute positions": lambda: GPT2Config(
        vocab_size=250, n_embd=32, n_layer=2, n_head=4, n_positions=64
    ),
}


def test_the_loss_is_the_plain_one(model: Any) -> None:
    rows = some_rows(16)
    with torch.no_grad():
        ours = token_losses(model, Collator(0)(rows)).mean()
        assert float(ours) == pytest.approx(float(plain_loss(model, rows)), abs=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_whatever_an_architecture_does_to_its_logits(name: str) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(ARCHITECTURES[name]()).eval()
    rows = some_rows(8)
    with torch.no_grad():
        ours = token_losses(model, Collator(0)(rows)).mean()
        assert float(ours) == pytest.approx(float(plain_loss(model, rows)), abs=1e-5)


def test_the_gradients_are_the_plain_ones(model: Any) -> None:
    rows = some_rows(8)
    token_losses(model, Collator(0)(rows)).mean().backward()
    ours = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    plain_loss(model, rows).backward()
    for name, weight in model.named_parameters():
        torch.testing.assert_close(ours[name], weight.grad, atol=1e-6, rtol=1e-4)


@given(
    rows=st.integers(0, 5), choices=st.integers(1, 400), at_a_time=st.integers(1, 900),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_losses_and_gradients_are_the_librarys_bit_for_bit(
    rows: int, choices: int, at_a_time: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    logits = 9 * torch.randn(rows, choices, generator=random)
    targets = torch.randint(choices, (rows,), generator=random)
    share = torch.randn(rows, generator=random)

    def learned(losses: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        weights = logits.clone().requires_grad_()
        found = losses(weights, targets)
        found.backward(share)
        return found.detach(), weights.grad

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_entropy, "_AT_A_TIME", at_a_time)
        ours = learned(cross_entropy.cross_entropies)
    plain = learned(partial(torch.nn.functional.cross_entropy, reduction="none"))
    for one, other in zip(ours, plain, strict=True):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


def test_a_gradient_that_was_given_away_is_not_given_again() -> None:
    losses = cross_entropy.cross_entropies(
        torch.randn(3, 7, requires_grad=True), torch.tensor([0, 6, 2])
    )
    losses.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="inplace"):
        losses.sum().backward()


def test_no_trace_is_left_on_the_model(model: Any) -> None:
    token_losses(model, Collator(0)(some_rows(2)))
    assert model(input_ids=torch.ones(1, 5, dtype=torch.long)).logits.shape[1] == 5


def test_rows_are_measured_each_for_itself_in_their_order(model: Any) -> None:
    rows = some_rows(40)
    measured = row_losses(model.train(), rows)
    assert model.training
    model.eval()
    with torch.no_grad():
        alone = [float(plain_loss(model, [row])) * sum(row.supervised) for row in rows]
    np.testing.assert_allclose(measured.summed, alone, rtol=1e-4)
    assert measured.tokens.tolist() == [sum(row.supervised) for row in rows]
    assert measured.mean == pytest.approx(sum(alone) / sum(measured.tokens), rel=1e-5)


def test_the_padding_token_changes_nothing(model: Any) -> None:
    rows = some_rows(12)
    np.testing.assert_allclose(
        row_losses(model, rows, padding=0).summed,
        row_losses(model, rows, padding=7).summed,
        rtol=1e-6,
    )
