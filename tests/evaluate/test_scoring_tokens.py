"""Token scores equal a plain forward pass; models that heed no tree are found out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM

from tests.evaluate.conftest import windowed_model
from tunewise.evaluate.scoring.generation import generate, stop_texts
from tunewise.evaluate.scoring.tokens import TokenScorer

RANDOM = np.random.default_rng(3)
QUESTION = RANDOM.integers(3, 300, 12).tolist()
SEQUENCES = [
    [*QUESTION, 5, 6, 7],
    [*QUESTION, 5, 6, 8, 9],
    [*QUESTION, 4],
    RANDOM.integers(3, 300, 20).tolist(),
    [*QUESTION, 5, 6, 7],
]
STARTS = [12, 12, 12, 3, 1]


def plain(model: Any, tokens: list[int], start: int) -> tuple[np.ndarray, ...]:
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, start - 1 : -1].double()
    every = torch.log_softmax(logits, -1)
    wanted = torch.tensor(tokens[start:])
    values = every.gather(1, wanted[:, None])[:, 0]
    mean = (every.exp() * every).sum(-1)
    deviation = ((every.exp() * every**2).sum(-1) - mean**2).clamp(min=0).sqrt()
    return values.numpy(), (every.argmax(-1) == wanted).numpy(), mean.numpy(), deviation.numpy()


def assert_equal_to_plain(model: Any, scorer: TokenScorer) -> None:
    scores = scorer.score(SEQUENCES, STARTS, moments=True)
    for number, (tokens, start) in enumerate(zip(SEQUENCES, STARTS, strict=True)):
        span = slice(scores.offsets[number], scores.offsets[number + 1])
        values, greedy, means, deviations = plain(model, tokens, start)
        np.testing.assert_allclose(scores.log_probabilities[span], values, atol=2e-5)
        np.testing.assert_array_equal(scores.greedy[span], greedy)
        np.testing.assert_allclose(scores.means[span], means, atol=1e-4)
        np.testing.assert_allclose(scores.deviations[span], deviations, atol=1e-3)
        assert scores.sums()[number] == pytest.approx(values.sum(), abs=1e-4)
        assert scores.all_greedy()[number] == greedy.all()


@pytest.mark.parametrize("batch_tokens", [1, 40, 4096])
def test_scores_equal_a_plain_pass(tiny: tuple[Any, Any], batch_tokens: int) -> None:
    scorer = TokenScorer(tiny[0], batch_tokens=batch_tokens)
    assert scorer.shares
    assert_equal_to_plain(tiny[0], scorer)


def test_a_model_without_positions_is_asked_plainly() -> None:
    torch.manual_seed(1)
    config = BloomConfig(vocab_size=300, hidden_size=16, n_layer=2, n_head=2, initializer_range=0.3)
    model = BloomForCausalLM(config).eval()
    scorer = TokenScorer(model)
    assert not scorer.shares
    assert_equal_to_plain(model, scorer)


def test_a_model_with_a_sliding_window_is_asked_plainly() -> None:
    """A mask of our own would let it see further back than it does."""
    model = windowed_model(4)
    scorer = TokenScorer(model)
    assert not scorer.shares
    assert_equal_to_plain(model, scorer)


def test_the_model_is_left_as_it_was(tiny: tuple[Any, Any]) -> None:
    tokens = torch.tensor([SEQUENCES[0]])
    with torch.no_grad():
        before = tiny[0](tokens).logits
        TokenScorer(tiny[0]).score(SEQUENCES, STARTS)
        after = tiny[0](tokens).logits
    assert torch.equal(before, after)


def greedy(model: Any, prompt: list[int], limit: int, ends: frozenset[int]) -> list[int]:
    tokens = list(prompt)
    for _ in range(limit):
        with torch.no_grad():
            token = int(model(torch.tensor([tokens])).logits[0, -1].argmax())
        if token in ends:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


@pytest.mark.parametrize("batch_tokens", [1, 8, 4096])
def test_batched_answers_equal_single_ones(tiny: tuple[Any, Any], batch_tokens: int) -> None:
    model = tiny[0]
    prompts = [RANDOM.integers(3, 300, size).tolist() for size in (1, 9, 4, 17, 4, 2)]
    limits = [12, 5, 0, 20, 12, 1]
    single = [greedy(model, prompt, 20, frozenset()) for prompt in prompts]
    # Ends that do occur, so that rows leave the batch at different times.
    ends = frozenset({single[0][3], single[3][7]})
    expected = [
        greedy(model, prompt, limit, ends) for prompt, limit in zip(prompts, limits, strict=True)
    ]
    found = generate(model, prompts, limits, ends=ends, batch_tokens=batch_tokens)
    assert found == expected
    assert len({len(answer) for answer in found}) > 2


def test_an_answer_ends_at_a_stop_text(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    prompts = [RANDOM.integers(3, 300, 6).tolist() for _ in range(4)]
    free = generate(model, prompts, [24] * 4, ends=frozenset())
    texts = tokenizer.batch_decode(free)
    stop = texts[0][5:7]
    stopped = generate(
        model, prompts, [24] * 4, ends=frozenset(), stops=stop_texts(tokenizer, ["", stop])
    )
    for whole, part in zip(free, stopped, strict=True):
        assert whole[: len(part)] == part
        if stop in tokenizer.decode(whole):
            assert stop in tokenizer.decode(part)
    assert len(stopped[0]) < 24
