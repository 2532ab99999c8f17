"""Base and tuned model as a pair: loaded once where that is possible, asked one after the other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ...train.models.base_model import extend_vocabulary, load_weights
from ...train.models.hardware import Hardware
from ...workspace.events import Emit, Note, ignore
from ..comparison import LocalModel
from .adapters import put_on
from .crew import current_crew
from .quiet import quiet

if TYPE_CHECKING:
    from .tokens import TokenScorer
    from .vllm_engine import VllmEngine

BASE, TUNED = "base", "tuned"
ModelName = Literal["base", "tuned"]

# What a layer computes for so many tokens stays in a processor's caches.
TOKENS_ON_A_PROCESSOR = 1024
_TOKENS_ON_A_GPU = 16384


class PairedModel:
    """The two models of a pair.

    An adapter lies beside the base's weights in one loaded model, and the base is that model
    with the adapter switched off. Where that would not be the base again, and for two whole
    models, one is held at a time: ask one everything before the other.

    Args:
        base: the model that was tuned.
        tuned: what became of it.
        hardware: where they compute.
        batch_tokens: tokens in a forward pass; None chooses by the hardware.
        emit: told where a model cannot be asked in the quick way.
        engine: makes the free answers of both; None where this program does.

    Attributes:
        encoded: token ids of texts that were asked, for each model; models with one tokenizer
            share them.
    """

    def __init__(
        self,
        base: LocalModel,
        tuned: LocalModel,
        hardware: Hardware,
        *,
        batch_tokens: int | None = None,
        emit: Emit = ignore,
        engine: VllmEngine | None = None,
    ) -> None:
        """Load nothing yet."""
        self.emit = emit
        self.engine = engine
        self.models: dict[str, LocalModel] = {BASE: base, TUNED: tuned}
        self.hardware = hardware
        chosen = TOKENS_ON_A_PROCESSOR if hardware.device == "cpu" else _TOKENS_ON_A_GPU
        self.batch_tokens = batch_tokens or chosen
        shared: dict[str, list[int]] = {}
        self.encoded = {BASE: shared, TUNED: shared if base.tokenizer is tuned.tokenizer else {}}
        self._crew = current_crew(hardware)
        self._loaded: TokenScorer | None = None
        self._loaded_name = ""

    @property
    def one_loaded(self) -> bool:
        """Whether the base is the tuned model with its adapter switched off."""
        base, tuned = self.models[BASE], self.models[TUNED]
        lies_on_it = base.adapter is None and base.weights == tuned.weights
        return lies_on_it and tuned.adapter is not None and tuned.adapter.switches_off

    @contextmanager
    def scorer(self, name: ModelName) -> Iterator[TokenScorer]:
        """Return the scorer of one of the models, for the length of a block.

        Raises:
            UsageError: the weights cannot be loaded, or the adapter is not one for them.
        """
        if self._crew is not None and self._crew.rank == 0:
            pair = self.models[BASE], self.models[TUNED]
            self._crew.tell(("lend", (*pair, self.batch_tokens, name)))
        scorer = self._load(name)
        scorer.engine = self.engine.of(name) if self.engine else None
        if self.one_loaded and name == BASE:
            model: Any = scorer.model
            with model.disable_adapter():
                yield scorer
        else:
            yield scorer

    def _load(self, name: ModelName) -> TokenScorer:
        from .tokens import TokenScorer

        wanted = BASE + TUNED if self.one_loaded else name
        if self._loaded is None or self._loaded_name != wanted:
            # Freed before the next is loaded: two whole models may not fit.
            self._loaded = None
            gc.collect()
            with quiet():
                model = load(self.models[TUNED if self.one_loaded else name], self.hardware)
            self._loaded = TokenScorer(model, batch_tokens=self.batch_tokens, crew=self._crew)
            self._loaded_name = wanted
            if self._loaded.why_not:
                self.emit(Note(text=f"{name}: {self._loaded.why_not}"))
        return self._loaded


def load(model: LocalModel, hardware: Hardware) -> Any:
    """Load a model for asking, its adapter on it.

    Raises:
        UsageError: the weights cannot be loaded, or the adapter is not one for them.
    """
    loaded = load_weights(
        model.weights,
        hardware,
        trust_remote_code=model.trust_remote_code,
        quantize=model.quantize,
    )
    # For tokens that a training added the base has no room; an adapter brings their rows.
    extend_vocabulary(loaded, len(model.tokenizer))
    return (put_on(loaded, model.adapter) if model.adapter else loaded).eval()
