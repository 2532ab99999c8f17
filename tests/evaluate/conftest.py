"""A tiny random Llama with a tokenizer of its own, for tests that ask a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.manifest import Input

TEXT = (
    "The quick brown fox jumps over the lazy dog. Anna sold those kites in the old town.\n"
    "What colour is the sky? The sky is blue. Who has the red book? Tom has the red book.\n"
    "Seven birds sang, and nobody listened; then the rain came: 1 2 3 4 5 6 7 8 9 0!\n"
)
CONTEXT = 64
QUESTIONS = ("What colour is the sky?", "Who has the red book?", "What sang then?")
ANSWERS = ("The sky is blue.", "Tom has it.", "Seven birds.")
MakeRun = Callable[..., Artifact]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose choices differ plainly, so that no two ways of rounding do."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [TEXT],
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=["<pad>", "<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    folder = tmp_path_factory.mktemp("tiny") / "base"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_model: Path) -> tuple[Any, Any]:
    """The tiny model in float32 and its tokenizer."""
    return load(tiny_model)


def windowed_model(window: int) -> Any:
    """Return a random Mistral that sees so many tokens back."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(1)
    config = MistralConfig(
        vocab_size=300,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=window,
        initializer_range=0.3,
    )
    return MistralForCausalLM(config).eval()


def load(folder: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


def chat_rows(first: int, last: int) -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"{QUESTIONS[number % 3]} {number}"},
                {"role": "assistant", "content": ANSWERS[number % 3]},
            ]
        }
        for number in range(first, last)
    ]


@pytest.fixture(scope="session")
def run_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def make_run(run_workspace: Workspace, tiny_model: Path) -> MakeRun:
    """Train two steps on a few chats; the same recipe is trained once."""
    from tunewise.train.recipe import Recipe
    from tunewise.train.run import train

    def build(draft: Draft) -> None:
        for name, rows in (("train", chat_rows(0, 8)), ("val", chat_rows(8, 14)), ("test", [])):
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (draft.folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
        facts = {"shape": "chat", "kind": "chat", "mapping": None}
        (draft.folder / "split.json").write_text(json.dumps(facts))

    source = [Input(name="source", sha256="ab" * 32)]
    split = produce(run_workspace, "split", build, inputs=source, parameters={})

    def make(**keys: Any) -> Artifact:
        usual = {"rank": 4, "learning_rate": 3e-2, "epochs": 1, "batch_size": 4, "warmup": 0.0}
        fixed = {"model": str(tiny_model), "threads": 1, "samples": 0, "keep": "last"}
        return train(run_workspace, split, Recipe.model_validate(usual | keys | fixed))

    return make
