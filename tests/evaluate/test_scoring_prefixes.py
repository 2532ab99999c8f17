"""What many sequences begin with is read once, and changes no score and no answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaForCausalLM

from tests.evaluate.conftest import windowed_model
from tunewise.evaluate.scoring import prefixes, tokens
from tunewise.evaluate.scoring.generation import generate
from tunewise.evaluate.scoring.prefixes import Group, group_by_prefix
from tunewise.evaluate.scoring.tokens import TokenScorer

RANDOM = np.random.default_rng(5)


def draw(count: int) -> list[int]:
    return RANDOM.integers(3, 300, count).tolist()


EXAMPLES = draw(30)
OTHERS = draw(25)
# Two sets of examples, questions of several lengths with three choices each, and strangers.
SEQUENCES, STARTS = [], []
for shared, questions in ((EXAMPLES, 20), (OTHERS, 24)):
    for number in range(questions):
        question = [*shared, *draw(3 + number % 7)]
        for size in (1, 2, 4):
            SEQUENCES.append([*question, *draw(size)])
            STARTS.append(len(question))
for size in (9, 40):
    SEQUENCES.append(draw(size))
    STARTS.append(1)


def plain(model: Any, sequence: list[int], start: int) -> np.ndarray:
    with torch.no_grad():
        logits = model(torch.tensor([sequence])).logits[0, start - 1 : -1].double()
    wanted = torch.tensor(sequence[start:])
    return torch.log_softmax(logits, -1).gather(1, wanted[:, None])[:, 0].numpy()


def assert_equal_to_plain(model: Any, scorer: TokenScorer) -> None:
    scores = scorer.score(SEQUENCES, STARTS, moments=True)
    expected = np.concatenate([plain(model, *one) for one in zip(SEQUENCES, STARTS, strict=True)])
    np.testing.assert_allclose(scores.log_probabilities, expected, atol=3e-5)


def test_each_set_of_examples_is_a_group() -> None:
    groups = group_by_prefix(SEQUENCES, STARTS, range(len(SEQUENCES)), together=8)
    assert [(one.length, len(one.members)) for one in groups] in (
        [(30, 60), (25, 72), (0, 2)],
        [(25, 72), (30, 60), (0, 2)],
    )


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=9), min_size=1, max_size=20),
    st.integers(1, 4),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_groups_share_what_they_say_and_lose_nothing(sequences, together, data) -> None:
    starts = [data.draw(st.integers(1, len(sequence) - 1)) for sequence in sequences]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefixes, "_WORTH_TOKENS", 1)
        groups = group_by_prefix(sequences, starts, range(len(sequences)), together=together)
    assert sorted(n for group in groups for n in group.members) == [*range(len(sequences))]
    for group in groups:
        assert len({tuple(sequences[n][: group.length]) for n in group.members}) == 1
        assert all(group.length < starts[n] for n in group.members)
        assert group.length == 0 or len(group.members) > 1


def test_of_nested_beginnings_those_are_taken_that_save_most() -> None:
    """A short beginning of all, or longer ones of its halves."""
    halves = [[*EXAMPLES[:2], *OTHERS[:n], *OTHERS[:20]] for n in (1, 3)]
    sequences = [[*half, *draw(5)] for half in halves for _ in range(40)]
    starts = [len(sequence) - 1 for sequence in sequences]
    groups = group_by_prefix(sequences, starts, range(80), together=1)
    assert {one.length: len(one.members) for one in groups} == {23: 40, 25: 40}
    long_head = [[*EXAMPLES, *sequence] for sequence in sequences[:4]]
    few = group_by_prefix(long_head, [len(one) - 1 for one in long_head], range(4), together=1)
    assert few == [Group(0, [0, 1, 2, 3])]


@pytest.mark.parametrize("batch_tokens", [1, 60, 4096])
def test_scores_equal_a_plain_pass(
    tiny: tuple[Any, Any], batch_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = tokens.read_prefix
    monkeypatch.setattr(
        tokens, "read_prefix", lambda *given: (read.append(len(given[1])), original(*given))[1]
    )
    scorer = TokenScorer(tiny[0], batch_tokens=batch_tokens)
    assert scorer.keeps
    read.clear()
    monkeypatch.setattr(prefixes, "_WORTH_TOKENS", 1)
    assert_equal_to_plain(tiny[0], scorer)
    assert sorted(read) == [25, 30]


def test_answers_after_common_examples_are_the_same(tiny: tuple[Any, Any]) -> None:
    model = tiny[0]
    prompts = [[*EXAMPLES, *draw(1 + number % 5)] for number in range(22)] + [draw(9), draw(4)]
    limits = [4 + number % 3 for number in range(24)]
    apart = generate(model, prompts, limits, ends=frozenset({7}), batch_tokens=64)
    for kept_within in (None, 64, 10):
        found = generate(
            model, prompts, limits, ends=frozenset({7}), batch_tokens=64, kept_within=kept_within
        )
        assert found == apart


def test_what_is_longer_than_a_window_is_read_plainly() -> None:
    """Short sequences do not show that a mask of our own lets a model see too far back."""
    model = windowed_model(33)
    scorer = TokenScorer(model)
    assert scorer.shares
    assert scorer.keeps
    assert_equal_to_plain(model, scorer)


class Forgetful(LlamaForCausalLM):
    """Takes keys and values and does not attend to them."""

    def forward(
        self,
        input_ids: Any = None,
        past_key_values=None,
        attention_mask=None,
        position_ids=None,
        **others,
    ):
        if past_key_values is not None and attention_mask is not None:
            attention_mask = attention_mask[..., -input_ids.shape[1] :]
            past_key_values = None
        return super().forward(
            input_ids=input_ids,
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            position_ids=position_ids,
            **others,
        )


def test_a_model_that_takes_no_keys_reads_its_examples_again(tiny_model: Any) -> None:
    model = Forgetful.from_pretrained(tiny_model, dtype=torch.float32).eval()
    scorer = TokenScorer(model)
    assert scorer.shares
    assert not scorer.keeps
    assert "examples" in scorer.why_not
    assert_equal_to_plain(model, scorer)
