"""Base and tuned model as a pair: loaded once where that is possible, asked one after the other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..train.hardware import Hardware
from ..train.model import BaseModel, first_line, load_weights
from ..workspace.errors import UsageError
from ..workspace.events import Emit, Note, ignore
from .quiet import quiet

if TYPE_CHECKING:
    from .scoring_tokens import TokenScorer

BASE, TUNED = "base", "tuned"
ModelName = Literal["base", "tuned"]

_TOKENS_ON_A_PROCESSOR = 2048
_TOKENS_ON_A_GPU = 16384


@dataclass(frozen=True, slots=True)
class ModelPair:
    """Which two models are compared.

    Attributes:
        base: the model that was tuned.
        tuned: the folder of the adapter, or of the whole tuned model.
        is_adapter: which of the two ``tuned`` is.
    """

    base: BaseModel
    tuned: Path
    is_adapter: bool


class PairedModel:
    """The two models of a pair.

    An adapter lies beside the base's weights in one loaded model, and the base is that model
    with the adapter switched off. Two whole models are held one at a time: ask one everything
    before the other.

    Args:
        pair: which models.
        hardware: where they compute.
        batch_tokens: tokens in a forward pass; None chooses by the hardware.
        trust_remote_code: run code that lies beside the model, as its training did.
        emit: told where a model cannot be asked in the quick way.

    Attributes:
        encoded: token ids of texts that were asked; both models have one tokenizer.
    """

    def __init__(
        self,
        pair: ModelPair,
        hardware: Hardware,
        *,
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
        emit: Emit = ignore,
    ) -> None:
        """Load nothing yet."""
        self.emit = emit
        self.pair = pair
        self.hardware = hardware
        self.trust_remote_code = trust_remote_code
        chosen = _TOKENS_ON_A_PROCESSOR if hardware.device == "cpu" else _TOKENS_ON_A_GPU
        self.batch_tokens = batch_tokens or chosen
        self.encoded: dict[str, list[int]] = {}
        self._loaded: TokenScorer | None = None
        self._loaded_name = ""

    @contextmanager
    def scorer(self, name: ModelName) -> Iterator[TokenScorer]:
        """Return the scorer of one of the models, for the length of a block.

        Raises:
            UsageError: the weights cannot be loaded, or the adapter is not one for them.
        """
        scorer = self._load(name)
        if self.pair.is_adapter and name == BASE:
            model: Any = scorer.model
            with model.disable_adapter():
                yield scorer
        else:
            yield scorer

    def _load(self, name: ModelName) -> TokenScorer:
        from .scoring_tokens import TokenScorer

        wanted = BASE + TUNED if self.pair.is_adapter else name
        if self._loaded is None or self._loaded_name != wanted:
            # Freed before the next is loaded: two whole models may not fit.
            self._loaded = None
            gc.collect()
            with quiet():
                model = self._model(name).eval()
            self._loaded = TokenScorer(model, batch_tokens=self.batch_tokens)
            self._loaded_name = wanted
            if not self._loaded.shares:
                self.emit(Note(text="this model reads every choice with its whole question again"))
        return self._loaded

    def _model(self, name: ModelName) -> Any:
        if self.pair.is_adapter:
            return _with_adapter(self._weights(self.pair.base), self.pair.tuned)
        whole = BaseModel(self.pair.tuned, sha256="")
        return self._weights(self.pair.base if name == BASE else whole)

    def _weights(self, model: BaseModel) -> Any:
        return load_weights(model, self.hardware, trust_remote_code=self.trust_remote_code)


def _with_adapter(model: Any, folder: Path) -> Any:
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        return PeftModel.from_pretrained(model, folder, is_trainable=False)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UsageError(
            f"the adapter cannot be loaded onto the base: {first_line(error)}",
            where=str(folder),
            fix="evaluate with the model that the adapter was trained on",
        ) from error
