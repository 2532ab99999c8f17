"""A tiny model with a chat template, made from nothing, and splits to train it on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.manifest import Input

CHAT_TEMPLATE = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant', 'tool'] -%}"
    "{{- raise_exception('unknown role ' + message['role']) -}}"
    "{%- endif -%}"
    "{{- '<|start|>' + message['role'] + '\\n' + message['content'] -}}"
    "{%- for call in message['tool_calls'] or [] -%}{{- call['function']['name'] -}}{%- endfor -%}"
    "{{- '<|end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|start|>assistant\\n' -}}{%- endif -%}"
)
WORDS = [
    "the",
    "red",
    "blue",
    "bird",
    "fish",
    "tree",
    "sings",
    "swims",
    "grows",
    "in",
    "near",
    "sea",
]


def sentence(number: int, length: int) -> str:
    return " ".join(WORDS[(number * 7 + step * step) % len(WORDS)] for step in range(length))


def chat_row(number: int) -> dict[str, Any]:
    prompt, answer = sentence(number, 2 + number % 7), sentence(number + 1, 1 + number % 4)
    return {
        "messages": [
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": answer},
        ]
    }


@pytest.fixture
def chat_rows() -> Callable[[int, int], list[dict[str, Any]]]:
    """Make rows of differing lengths whose answers can be learned: the numbers from, to."""
    return lambda first, last: [chat_row(number) for number in range(first, last)]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 50,000 weights with a byte-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    special = ["<|pad|>", "<|begin|>", "<|end|>", "<|start|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [" ".join(WORDS), "user\nassistant\nsystem\n\n\n"] * 50,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin|>",
        eos_token="<|end|>",
        pad_token="<|pad|>",
        extra_special_tokens=["<|start|>"],
        model_max_length=128,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    ids: Any = wrapped
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(wrapped),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            bos_token_id=ids.bos_token_id,
            eos_token_id=ids.eos_token_id,
            pad_token_id=ids.pad_token_id,
        )
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


@pytest.fixture
def tokenizer(tiny_model: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


MakeSplit = Callable[..., Artifact]


@pytest.fixture
def make_split(workspace: Workspace) -> MakeSplit:
    """Write a split artifact as curate does."""

    def make(
        train: Sequence[dict[str, Any]],
        val: Sequence[dict[str, Any]],
        shape: str = "chat",
        kind: str = "chat",
        mapping: dict[str, str] | None = None,
    ) -> Artifact:
        def build(draft: Draft) -> None:
            for name, rows in (("train", train), ("val", val), ("test", val)):
                text = "".join(json.dumps(row) + "\n" for row in rows)
                (draft.folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            facts = {"shape": shape, "kind": kind, "mapping": mapping}
            (draft.folder / "split.json").write_text(json.dumps(facts))

        source = Input(name="source", sha256="ab" * 32)
        return produce(workspace, "split", build, inputs=[source], parameters={}, force=True)

    return make


@pytest.fixture
def bundled_base(repository_root: Path) -> Path:
    """The tiny base model that comes with the project."""
    folder = repository_root / "datasets" / "base"
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"no bundled base model at {folder} (make it with datasets/make_base.py)")
    return folder
