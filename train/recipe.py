"""The recipe of a training run: every key, its default, and the reason for it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from ..workspace.config import Section
from ..workspace.errors import UsageError
from ..workspace.nearest import nearest

ALL_LINEAR = "all-linear"

_BUDGET = re.compile(r"\s*general_loss_increase\s*>\s*(\d+(?:\.\d+)?|\.\d+)\s*")

# Adapters start at zero and need large steps; whole weights are easily broken by them.
DEFAULT_LEARNING_RATES = {"lora": 2e-4, "full": 2e-5}


class Recipe(Section):
    """`[train]`: what is tuned, how, and for how long.

    A key left at ``None`` is chosen when the run starts; the run's ``recipe.json`` tells what
    was chosen.
    """

    model: str | None = Field(
        default=None,
        description="The base model: a folder or a name, with weights as safetensors. No "
        "default, because nothing else decides the result as much.",
    )
    method: Literal["lora", "full"] = Field(
        default="lora",
        description="lora tunes a small adapter beside frozen weights (the default: it needs a "
        "fraction of the memory and forgets less); full tunes every weight.",
    )
    rank: int = Field(
        default=16,
        ge=1,
        description="LoRA rank. 8 to 64 is common; 16 on all linear layers comes close to full "
        "fine-tuning on small data.",
    )
    alpha: int | None = Field(
        default=None,
        ge=1,
        description="LoRA scale; the adapter's output is multiplied by alpha / rank. None: twice "
        "the rank, so that the scale stays 2 whatever the rank.",
    )
    dropout: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="LoRA dropout. A little of it delays memorising small data.",
    )
    target_modules: tuple[str, ...] = Field(
        default=(ALL_LINEAR,),
        min_length=1,
        description="Layers that get an adapter: all-linear, or names such as q_proj. All of "
        "them learn more per parameter than the attention alone.",
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Peak learning rate. None: 2e-4 for lora, 2e-5 for full, the usual values "
        "for models of billions of weights; small models bear more.",
    )
    epochs: float = Field(
        default=3.0,
        gt=0,
        allow_inf_nan=False,
        description="Passes over the training rows, parts allowed. Beyond 3 to 5, small data is "
        "memorised.",
    )
    batch_size: int = Field(
        default=8, ge=1, description="Rows a forward pass. 8 fits most machines."
    )
    gradient_accumulation: int = Field(
        default=1,
        ge=1,
        description="Forward passes a step: the effective batch is batch_size times this, at the "
        "memory of one; the loss is that of one big batch.",
    )
    max_length: int | None = Field(
        default=None,
        ge=8,
        description="Tokens a row may have; the rest is cut off and reported. None: the model's "
        "context.",
    )
    warmup: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of the steps over which the learning rate rises from zero, so that "
        "the optimizer's first estimates do no harm.",
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up."
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="AdamW's decay. Zero: an adapter decays towards the base by itself when its "
        "gradients cease to agree.",
    )
    max_gradient_norm: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Longer gradients are cut to this norm, so that one odd batch does not throw "
        "the run off. 0: never.",
    )
    eval_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps between validations. None: about ten over the run.",
    )
    eval_rows: int | None = Field(
        default=None,
        ge=1,
        description="Validation rows measured each time, a fixed random sample where there are "
        "more. None: 64 to 1,000, so that all validations together cost about a quarter of the "
        "training.",
    )
    replay: str | None = Field(
        default=None,
        description="A file of general texts or chats that are trained on beside the split's rows, "
        "so that the model forgets less. It should look like what must not be lost. None: nothing.",
    )
    replay_share: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of an epoch's rows that come from replay, others each time. A tenth to "
        "a quarter is mostly enough; more slows the learning of the split's own rows.",
    )
    checkpoint_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps between checkpoints, from which the same command goes on after the run "
        "was stopped or killed. None: one at every validation. Changes nothing in the result.",
    )
    probe: str | None = Field(
        default=None,
        description="A file of general texts or chats that are never trained on; their loss is "
        "measured at every validation and shows what is being forgotten. None: nothing.",
    )
    stop_if: str | None = Field(
        default=None,
        description="A forgetting budget, such as 'general_loss_increase > 0.05': the run ends at "
        "the first validation where the probe's loss is that share above the base's, and what is "
        "kept is a state within the budget. Needs a probe. None: no budget.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Which state becomes the result: that of the lowest validation loss, or the "
        "last one.",
    )
    early_stopping_patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many validations without a new best. None: run to the end, "
        "so that the learning rate's schedule is completed.",
    )
    seed: int = Field(
        default=17,
        ge=0,
        lt=2**32,
        description="Seed of the order of rows, the dropout and the adapter's first weights.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Processor threads. None: OMP_NUM_THREADS if set, else the cores this "
        "process may use.",
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Number format of the computation. auto: bfloat16 on a GPU that supports "
        "it, else float32.",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="Run Python code that lies beside the model. Off: a model should be data.",
    )

    @field_validator("target_modules", mode="before")
    @classmethod
    def _read_target_modules(cls, value: Any) -> Any:
        """Accept a single name for a list of one."""
        return (value,) if isinstance(value, str) else value

    @field_validator("stop_if")
    @classmethod
    def _check_stop_if(cls, value: str | None) -> str | None:
        if value is not None and _BUDGET.fullmatch(value) is None:
            raise ValueError("write it as 'general_loss_increase > 0.05'")
        return value

    @property
    def forgetting_budget(self) -> float | None:
        """By which share the probe's loss may rise above the base's; None where any may."""
        match = _BUDGET.fullmatch(self.stop_if or "")
        return float(match[1]) if match else None

    @property
    def adapter_alpha(self) -> int:
        """The LoRA scale in use."""
        return 2 * self.rank if self.alpha is None else self.alpha

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate in use."""
        if self.learning_rate is None:
            return DEFAULT_LEARNING_RATES[self.method]
        return self.learning_rate


def read_recipe_file(path: Path) -> dict[str, Any]:
    """Read a recipe's keys from TOML, at the top level or under ``[train]``.

    Args:
        path: the file.

    Returns:
        The keys that the file sets; their values are checked when the settings are put together.

    Raises:
        UsageError: the file cannot be read, is no TOML, or has a key that no recipe has.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the recipe: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this is no valid TOML: {error}", where=str(path)) from error
    keys = document.get("train", document)
    if not isinstance(keys, dict) or (keys is not document and len(document) > 1):
        raise UsageError(
            "a recipe holds the keys of [train] and nothing else",
            where=str(path),
            fix="put other sections into tunewise.toml",
        )
    for key in keys:
        if key not in Recipe.model_fields:
            raise UsageError(
                f"unknown key {key!r} in the recipe",
                where=str(path),
                fix=nearest(key, Recipe.model_fields),
            )
    return keys
