"""The two models of a comparison, ready to be asked one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from ...train.models.hardware import Hardware
from ...workspace.events import Emit, Note
from ..comparison import Comparison, LocalModel, Model
from ..hosted.endpoint import HostedModel
from ..settings import OWN, EvaluateSettings
from .engines import engine_name
from .interview import Respondent
from .pair import BASE, TUNED, ModelName, PairedModel

if TYPE_CHECKING:
    from .scorer import Scorer


def respondents(
    comparison: Comparison, hardware: Hardware, settings: EvaluateSettings, emit: Emit
) -> tuple[Respondent, Respondent]:
    """Return base and tuned; nothing is loaded or sent before they are asked.

    Args:
        comparison: which models.
        hardware: where those on this machine compute.
        settings: how they are asked.
        emit: told where a model cannot be asked in the quick way.
    """
    local = [
        model for model in (comparison.base, comparison.tuned) if isinstance(model, LocalModel)
    ]
    models: PairedModel | None = None
    engine, named = None, ""
    if settings.engine != OWN:
        from .vllm_engine import VllmEngine

        engine = VllmEngine(dict(zip((BASE, TUNED), local, strict=True)), hardware, emit)
        named = engine_name(settings, comparison)
        emit(Note(text=f"free answers by {named}, probabilities by this program"))
    if local:
        models = PairedModel(
            local[0],
            local[-1],
            hardware,
            batch_tokens=settings.batch_tokens,
            emit=emit,
            engine=engine,
        )

    def respondent(name: ModelName, model: Model) -> Respondent:
        if isinstance(model, HostedModel) or models is None:
            return Respondent(name, model, _hosted(model), {})
        computed = {"device": hardware.device, "dtype": hardware.dtype}
        lend = partial(models.scorer, name)
        return Respondent(name, model, lend, computed, models.encoded[name], named)

    return respondent(BASE, comparison.base), respondent(TUNED, comparison.tuned)


def _hosted(model: Any) -> Callable[[], AbstractContextManager[Scorer]]:
    def lend() -> AbstractContextManager[Any]:
        from ..hosted.scoring import HostedScorer

        return nullcontext(HostedScorer(model))

    return lend
