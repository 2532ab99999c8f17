"""Base and tuned model in conversation: asked as in training, each with its own answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.evaluate.chat import Chat, Manner, load_speakers
from tunewise.train.rows.render import render_prompt
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError

MakeRun = Callable[..., Artifact]
LIMIT = 6


def plain_models(run: Artifact, base: Path) -> dict[str, Any]:
    def whole() -> Any:
        return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)

    tuned = PeftModel.from_pretrained(whole(), str(run.folder / "adapter"))
    return {"base": whole(), "tuned": tuned}


def most_probable(model: Any, tokenizer: Any, prompt: list[int]) -> str:
    """Answer token by token without a cache, as plainly as that can be done."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + LIMIT:
        with torch.inference_mode():
            token = int(model(input_ids=torch.tensor([tokens])).logits[0, -1].argmax())
        if token == tokenizer.eos_token_id:
            break
        tokens.append(token)
    return tokenizer.decode(tokens[len(prompt) :], skip_special_tokens=True)


def silent(side: str, piece: str) -> None:
    """Listen to nothing."""


def test_each_model_goes_on_with_its_own_answers(
    run_workspace: Workspace, make_run: MakeRun, tiny_model: Path
) -> None:
    run = make_run()
    told: dict[str, list[str]] = {"base": [], "tuned": []}
    talk = Chat(load_speakers(run_workspace, run), Manner(max_tokens=LIMIT))
    for text in ("sky?", "and?"):
        talk.say(text, lambda side, piece: told[side].append(piece))
    tokenizer = AutoTokenizer.from_pretrained(run.folder / "adapter")
    for side, model in plain_models(run, tiny_model).items():
        messages: list[dict[str, str]] = []
        for turn in talk.turns:
            messages.append({"role": "user", "content": turn.prompt})
            answer = most_probable(model, tokenizer, render_prompt(tokenizer, messages))
            assert turn.answers[side] == answer
            messages.append({"role": "assistant", "content": answer})
        assert "".join(told[side]) == "".join(turn.answers[side] for turn in talk.turns)
    assert talk.turns[0].answers["base"] != talk.turns[0].answers["tuned"]


def test_the_same_seed_draws_the_same_answers(run_workspace: Workspace, make_run: MakeRun) -> None:
    speakers = load_speakers(run_workspace, make_run())

    def answers(seed: int) -> dict[str, str]:
        manner = Manner(max_tokens=LIMIT, temperature=1.5, seed=seed)
        return Chat(speakers, manner).say("sky?", silent).answers

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


def test_after_a_reset_nothing_is_left_of_the_turns_before(
    run_workspace: Workspace, make_run: MakeRun
) -> None:
    talk = Chat(load_speakers(run_workspace, make_run(), ["tuned"]), Manner(LIMIT), sides=["tuned"])
    first = talk.say("sky?", silent)
    assert set(first.answers) == {"tuned"}
    talk.say("and?", silent)
    talk.reset()
    assert talk.say("sky?", silent) == first
    talk.reset()
    talk.system = "Tom."
    assert talk.say("sky?", silent) != first


def test_a_conversation_beyond_the_context_is_told(
    run_workspace: Workspace, make_run: MakeRun
) -> None:
    talk = Chat(load_speakers(run_workspace, make_run()), Manner(LIMIT))
    with pytest.raises(UsageError, match="sees 64") as caught:
        talk.say("the quick brown fox " * 20, silent)
    assert "/reset" in caught.value.fix
    assert not talk.turns


def test_a_prefix_speaks_too(run_workspace: Workspace, make_run: MakeRun) -> None:
    talk = Chat(load_speakers(run_workspace, make_run(method="prefix")), Manner(LIMIT))
    plain = Chat(load_speakers(run_workspace, make_run()), Manner(LIMIT)).say("sky?", silent)
    turn = talk.say("sky?", silent)
    assert turn.answers["base"] == plain.answers["base"]
    assert turn.answers["tuned"] != turn.answers["base"]


def test_a_turn_that_is_broken_off_is_forgotten(
    run_workspace: Workspace, make_run: MakeRun
) -> None:
    talk = Chat(load_speakers(run_workspace, make_run()), Manner(LIMIT))

    def interrupt(side: str, piece: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        talk.say("sky?", interrupt)
    assert not talk.turns
    assert talk.say("sky?", silent).answers["base"]
