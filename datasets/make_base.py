"""Pre-train the tiny base model from a seed.

The run is deterministic on one machine with one set of library versions; another processor or
another version of torch may give other last bits. An interrupted run goes on from its last
checkpoint in the work folder.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import tokenizers
import torch
import transformers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from . import corpus_glossary
from .base_tokenizer import train_tokenizer
from .base_training import (
    BaseRecipe,
    TokenStream,
    build_model,
    build_optimizers,
    training_steps,
    validation_batches,
    validation_loss,
)
from .corpus_document import Document
from .make_corpus import PREFIX_DOCUMENTS, corpus, corpus_digest, rendered

BASE_FOLDER = Path(__file__).resolve().parent / "base"
TOKENIZER_DOCUMENTS = 20_000
CHECKPOINT_EVERY = 100
LOG_EVERY = 25


def make_tokenizer(recipe: BaseRecipe) -> PreTrainedTokenizerFast:
    """Train the tokenizer on the start of the corpus and on the glossary."""
    start = islice(corpus(recipe.corpus_seed), TOKENIZER_DOCUMENTS)
    # The words of the glossary are rare in the corpus, yet they are what chats are made of.
    meanings = (
        Document("glossary", f"The {word} is {meaning}. A {word}, the {word}.")
        for word, meaning in corpus_glossary.MEANINGS.items()
        for _ in range(40)
    )
    return train_tokenizer(rendered(document) for group in (start, meanings) for document in group)


def _save_checkpoint(
    path: Path,
    step: int,
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    stream: TokenStream,
) -> None:
    state = {
        "step": step + 1,
        "documents": stream.documents_read,
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _load_checkpoint(
    path: Path, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer]
) -> tuple[int, int]:
    """Restore a checkpoint, if there is one; return its step and its count of documents."""
    if not path.exists():
        return 0, 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return state["step"], state["documents"]


def _kept_lines(curve: Path, first_step: int) -> list[str]:
    """Read the loss curve of an interrupted run up to its last checkpoint."""
    if not first_step:
        return []
    lines = curve.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if json.loads(line)["step"] <= first_step]


def _train_stage(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    recipe: BaseRecipe,
    number: int,
    work: Path,
) -> dict[str, object]:
    """Train one stage from its last checkpoint on and describe what it has read."""
    stage, checkpoint = recipe.stages[number], work / f"stage-{number}.pt"
    optimizers = build_optimizers(model, stage, recipe.weight_decay)
    first_step, documents = _load_checkpoint(checkpoint, model, optimizers)
    stream = TokenStream(tokenizer, recipe.corpus_seed, number, skip=documents)
    held_out = validation_batches(tokenizer, recipe, number)
    curve = work / f"stage-{number}.jsonl"
    lines = _kept_lines(curve, first_step)
    curve.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    started, recent = time.monotonic(), []
    for step, loss in training_steps(model, optimizers, stream, recipe, stage, first_step):
        recent.append(loss)
        is_last = step + 1 == stage.steps
        if (step + 1) % LOG_EVERY and not is_last:
            continue
        point: dict[str, float] = {
            "stage": number,
            "step": step + 1,
            "train_loss": round(sum(recent) / len(recent), 4),
        }
        if (step + 1) % CHECKPOINT_EVERY == 0 or is_last:
            point["validation_loss"] = round(validation_loss(model, held_out), 4)
            _save_checkpoint(checkpoint, step, model, optimizers, stream)
        with curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps(point) + "\n")
        print(f"{time.monotonic() - started:7.0f} s  {point}", flush=True)
        recent = []
    return {
        "documents": stream.documents_read,
        "sha256": stream.digest,
        "prefix_documents": PREFIX_DOCUMENTS,
        "prefix_sha256": corpus_digest(PREFIX_DOCUMENTS, recipe.corpus_seed, number),
    }


def _write_result(
    output: Path,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    recipe: BaseRecipe,
    corpus_stages: list[dict[str, object]],
) -> None:
    output.mkdir(parents=True, exist_ok=True)
    # A plain document ends with the one token, an assistant's message with the other.
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, tokenizer.bos_token_id]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    steps = sum(stage.steps for stage in recipe.stages)
    description = {
        "schema_version": 1,
        "recipe": asdict(recipe),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": steps * recipe.tokens_per_step,
        "corpus": corpus_stages,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "licence": "Apache-2.0",
    }
    text = json.dumps(description, indent=2) + "\n"
    (output / "recipe.json").write_text(text, encoding="utf-8")


def make_base(recipe: BaseRecipe, output: Path, work: Path) -> None:
    """Train the base model and write it with its recipe and loss curve.

    Args:
        recipe: What to train.
        output: The folder of the finished model.
        work: The folder of checkpoints and of the loss curves while the run goes on.
    """
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(recipe)
    model = build_model(recipe, tokenizer)
    stages = [
        _train_stage(model, tokenizer, recipe, number, work) for number in range(len(recipe.stages))
    ]
    _write_result(output, model, tokenizer, recipe, stages)
    curves = [work / f"stage-{number}.jsonl" for number in range(len(stages))]
    text = "".join(curve.read_text(encoding="utf-8") for curve in curves)
    (output / "loss_curve.jsonl").write_text(text, encoding="utf-8")


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=BASE_FOLDER, help="folder of the model")
    parser.add_argument("--work", type=Path, default=Path("base-work"), help="checkpoint folder")
    parser.add_argument("--seed", type=int, default=BaseRecipe.seed)
    parser.add_argument("--steps", type=int, help="steps of each stage, for a trial run")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = replace(BaseRecipe(), seed=arguments.seed)
    if arguments.steps:
        stages = tuple(replace(stage, steps=arguments.steps) for stage in recipe.stages)
        recipe = replace(recipe, stages=stages)
    make_base(recipe, arguments.output, arguments.work)


if __name__ == "__main__":
    main()
