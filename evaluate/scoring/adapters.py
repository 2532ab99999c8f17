"""Adapters on disk, whoever trained them: what they are, checked before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...train.models.base_model import first_line
from ...workspace.errors import UsageError
from ...workspace.files import read_json, sha256_of_file, sha256_of_json

CONFIG_NAME = "adapter_config.json"
_WEIGHTS_NAME = "adapter_model.safetensors"
# What puts virtual tokens before the text; prefixes lie in the cache and not among the outputs.
_PROMPTS = frozenset({"PROMPT_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CPT"})
PREFIXES = frozenset({"PREFIX_TUNING", "CARTRIDGE"})


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter in PEFT's format.

    Attributes:
        folder: where it lies.
        sha256: fingerprint of its configuration and weights.
        kind: PEFT's name of the method, such as ``LORA`` or ``PREFIX_TUNING``.
        base: the model that it was trained on, as its trainer called it; empty if it does not say.
        virtual_tokens: how many tokens of the context it takes for itself.
        switches_off: the model without it is the base again, to the bit.
        rows: rows of the embeddings that it brings along; None where it leaves them alone.
    """

    folder: Path
    sha256: str
    kind: str
    base: str
    virtual_tokens: int
    switches_off: bool
    rows: int | None

    @property
    def learns_a_prompt(self) -> bool:
        """Whether it puts something before the text instead of changing layers."""
        return self.kind in _PROMPTS | PREFIXES


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder holds an adapter and not a whole model."""
    return (folder / CONFIG_NAME).is_file()


def read_adapter(folder: Path) -> Adapter:
    """Read what an adapter is.

    Raises:
        UsageError: it cannot be read, or its weights are not safetensors.
    """
    path, weights = folder / CONFIG_NAME, folder / _WEIGHTS_NAME
    try:
        config = read_json(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the adapter's configuration cannot be read: {first_line(error)}",
            where=str(path),
            fix="copy the folder again from where it was made; of a checkpoint that was kept on "
            "the way, remove the folder to go without it",
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("peft_type"), str):
        raise UsageError("this is no adapter in PEFT's format: no peft_type", where=str(path))
    if not weights.is_file():
        raise UsageError(
            "the adapter has no weights as safetensors; other formats can hold code and are not "
            "read",
            where=str(folder),
            fix=f"save it again with save_pretrained, which writes {_WEIGHTS_NAME}",
        )
    kind = config["peft_type"]
    learns_a_prompt = kind in _PROMPTS | PREFIXES
    rows = _embedding_rows(weights)
    return Adapter(
        folder=folder.resolve(),
        sha256=sha256_of_json([_deciding(config), sha256_of_file(weights)]),
        kind=kind,
        base=str(config.get("base_model_name_or_path") or ""),
        virtual_tokens=int(config.get("num_virtual_tokens") or 0) if learns_a_prompt else 0,
        # Biases that were trained stay when PEFT switches an adapter off.
        # Rows for tokens that were added stay, too.
        switches_off=not learns_a_prompt
        and config.get("bias", "none") == "none"
        and rows is None
        and not config.get("trainable_token_indices"),
        rows=rows,
    )


def put_on(model: Any, adapter: Adapter) -> Any:
    """Return a model with an adapter on it.

    Args:
        model: the loaded base.
        adapter: what to put on it.

    Raises:
        UsageError: it does not belong to this model.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    if adapter.rows is not None and adapter.rows != model.get_input_embeddings().weight.shape[0]:
        # Its trainer added tokens; its own rows take the place of these new ones.
        model.resize_token_embeddings(adapter.rows, mean_resizing=False)
    try:
        tuned = PeftModel.from_pretrained(model, adapter.folder, is_trainable=False)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
        raise UsageError(
            f"the adapter cannot be loaded onto the base: {first_line(error)}",
            where=str(adapter.folder),
            fix=f"evaluate with the model that the adapter was trained on{_named(adapter)}",
        ) from error
    _check_taken(tuned, adapter)
    return tuned


def _check_taken(tuned: Any, adapter: Adapter) -> None:
    """Refuse an adapter whose weights the model has no place for; PEFT would leave them out."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(adapter.folder / _WEIGHTS_NAME, framework="pt") as stream:
        brought = set(stream.keys())
    taken = set(get_peft_model_state_dict(tuned, save_embedding_layers=adapter.rows is not None))
    left = sorted(brought - taken)
    if not left:
        return
    raise UsageError(
        f"{len(left):,} of the adapter's {len(brought):,} tensors have no place in the base, "
        f"such as {left[0]}",
        where=str(adapter.folder),
        fix=f"evaluate with the model that the adapter was trained on{_named(adapter)}",
    )


def _named(adapter: Adapter) -> str:
    return f" ({adapter.base})" if adapter.base else ""


def _deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration decides the outputs: not where the base once lay."""
    aside = ("base_model_name_or_path", "revision", "inference_mode", "peft_version")
    return {key: value for key, value in config.items() if key not in aside}


def _embedding_rows(weights: Path) -> int | None:
    """Return the rows of whole embedding or output layers among the weights."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="pt") as stream:
            names = [
                name
                for name in stream.keys()  # noqa: SIM118 - safe_open is no mapping
                if name.endswith(("embed_tokens.weight", "lm_head.weight", "wte.weight"))
            ]
            shapes = [stream.get_slice(name).get_shape() for name in names]
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise UsageError(
            f"the adapter's weights cannot be read: {first_line(error)}",
            where=str(weights),
            fix="check that the file is whole (compare its size or digest with the source)",
        ) from error
    return max((int(shape[0]) for shape in shapes), default=None)
