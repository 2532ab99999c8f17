"""Pre-training of the tiny base model, step by step and from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .base_tokenizer import CONTEXT_LENGTH
from .chat_format import END_OF_TEXT, END_OF_TURN, PADDING
from .make_corpus import corpus, rendered


@dataclass(frozen=True)
class Stage:
    """One stage of the training, with its own part of the corpus and fresh optimizers.

    Attributes:
        steps: Optimizer steps.
        matrix_rate: Peak learning rate of Muon, which trains the matrices of the layers.
        other_rate: Peak learning rate of AdamW, which trains embeddings and norms.
        warmup_steps: Steps of linear warm-up.
        decay_share: Share of the steps, at the end, over which the rate falls to zero.
    """

    steps: int
    matrix_rate: float
    other_rate: float
    warmup_steps: int
    decay_share: float

    def rate_factor(self, step: int) -> float:
        """Return the share of the peak learning rate that a step uses."""
        warmup = min(1.0, (step + 1) / self.warmup_steps)
        return warmup * min(1.0, (self.steps - step) / (self.decay_share * self.steps))


@dataclass(frozen=True)
class BaseRecipe:
    """Everything that decides what the base model becomes.

    Attributes:
        hidden_size: Width of the model.
        layers: Number of its layers.
        heads: Number of its attention heads.
        intermediate_size: Width inside its feed-forward layers.
        stages: The stages of the training, one for each part of the corpus.
        tokens_per_step: Tokens in one step.
        short_window: Length of most training windows.
        long_window_every: Every so many steps the windows are as long as the context.
        weight_decay: Weight decay of both optimizers.
        gradient_limit: Largest norm of the gradient.
        seed: Seed of the weights.
        corpus_seed: Seed of the corpus.
        low_precision: Whether the forward pass runs in bfloat16.
    """

    hidden_size: int = 160
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 448
    stages: tuple[Stage, ...] = (
        Stage(3_500, 0.02, 0.005, warmup_steps=60, decay_share=0.5),
        Stage(700, 0.02, 0.005, warmup_steps=20, decay_share=0.6),
    )
    tokens_per_step: int = 4_096
    short_window: int = 128
    long_window_every: int = 8
    weight_decay: float = 0.05
    gradient_limit: float = 1.0
    seed: int = 11
    corpus_seed: int = 7
    low_precision: bool = True

    def window(self, step: int) -> int:
        """Return the length of the windows of a step."""
        is_long = step % self.long_window_every == self.long_window_every - 1
        return CONTEXT_LENGTH if is_long else self.short_window


def build_model(recipe: BaseRecipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Build the model with fresh weights."""
    torch.manual_seed(recipe.seed)
    ids = tokenizer.get_vocab()
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            intermediate_size=recipe.intermediate_size,
            max_position_embeddings=CONTEXT_LENGTH,
            tie_word_embeddings=True,
            bos_token_id=ids[END_OF_TEXT],
            eos_token_id=ids[END_OF_TURN],
            pad_token_id=ids[PADDING],
            initializer_range=0.02,
        )
    )


class TokenStream:
    """Turns the corpus into windows of tokens and keeps count of what it read.

    Every window starts with the start of a document, so that the model learns to read a text
    without anything before it. What does not fit at the end of a window is left out.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, seed: int, stage: int, skip: int = 0
    ) -> None:
        """Open the stream.

        Args:
            tokenizer: The tokenizer of the model.
            seed: The seed of the corpus.
            stage: The stage of the corpus.
            skip: Documents that an interrupted run has read already.
        """
        self._tokenizer = tokenizer
        self._separator = tokenizer.get_vocab()[END_OF_TEXT]
        self._documents = corpus(seed, stage)
        self._digest = hashlib.sha256()
        self.documents_read = 0
        for _ in range(skip):
            self._next_text()

    @property
    def digest(self) -> str:
        """SHA-256 of the documents that were read, in their order."""
        return self._digest.hexdigest()

    def _next_text(self) -> str:
        text = rendered(next(self._documents))
        self._digest.update(text.encode() + b"\0")
        self.documents_read += 1
        return text

    def _window(self, length: int) -> list[int]:
        tokens: list[int] = []
        while len(tokens) < length:
            tokens += self._tokenizer.encode(self._next_text(), add_special_tokens=False)
            tokens.append(self._separator)
        return tokens[:length]

    def batch(self, windows: int, length: int) -> torch.Tensor:
        """Read the next windows of a length."""
        return torch.tensor([self._window(length) for _ in range(windows)])


def build_optimizers(
    model: LlamaForCausalLM, stage: Stage, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Build Muon for the matrices of the layers and AdamW for everything else."""
    matrices = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    chosen = {id(parameter) for parameter in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    return [
        torch.optim.Muon(
            matrices,
            lr=stage.matrix_rate,
            weight_decay=weight_decay,
            adjust_lr_fn="original",
        ),
        torch.optim.AdamW(
            others, lr=stage.other_rate, betas=(0.9, 0.98), weight_decay=weight_decay
        ),
    ]


def loss_of(model: LlamaForCausalLM, tokens: torch.Tensor, low_precision: bool) -> torch.Tensor:
    """Return the mean loss of predicting each token from those before it."""
    with torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
        logits = model(tokens, use_cache=False).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())


def validation_batches(
    tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe, stage: int, batches: int = 4
) -> list[torch.Tensor]:
    """Read batches from a corpus of another seed, to measure the loss on."""
    stream = TokenStream(tokenizer, recipe.corpus_seed + 1_000, stage)
    return [stream.batch(32, recipe.short_window) for _ in range(batches)]


@torch.no_grad()
def validation_loss(model: LlamaForCausalLM, batches: list[torch.Tensor]) -> float:
    """Return the mean loss on batches that are not trained on."""
    model.eval()
    losses = [loss_of(model, tokens, low_precision=False).item() for tokens in batches]
    model.train()
    return sum(losses) / len(losses)


def training_steps(
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    stream: TokenStream,
    recipe: BaseRecipe,
    stage: Stage,
    first_step: int = 0,
) -> Iterator[tuple[int, float]]:
    """Train and yield the number and the loss of each finished step."""
    for step in islice(range(stage.steps), first_step, None):
        length = recipe.window(step)
        tokens = stream.batch(recipe.tokens_per_step // length, length)
        loss = loss_of(model, tokens, recipe.low_precision)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_limit)
        rates = (stage.matrix_rate, stage.other_rate)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * stage.rate_factor(step)
            optimizer.step()
            optimizer.zero_grad()
        yield step, loss.item()
