"""Base models: found, fingerprinted, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from ...workspace.files import MODEL_FILES, read_json, sha256_of_model
from .hardware import Hardware
from .quantized import keep_one_arithmetic, let_go_of_the_file, quantization_config

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base model on disk: its folder, and a fingerprint of the files that decide its output."""

    folder: Path
    sha256: str


def find_base_model(name: str) -> BaseModel:
    """Find a model's folder, in the cache of the Hugging Face hub where it is no path.

    Args:
        name: a folder, or a name on the hub, which is downloaded unless that is switched off.

    Raises:
        UsageError: there is no such model, or its weights are not safetensors.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _folder_of_name(name)
    if not (folder / "config.json").is_file():
        raise UsageError(
            "the folder holds no model: it has no config.json",
            where=str(folder),
            fix="name the folder that has config.json and the weights in it",
        )
    if not any(folder.glob("*.safetensors")):
        raise UsageError(
            "the model has no weights as safetensors; other formats can hold code and are not read",
            where=str(folder),
            fix="save the model again with save_pretrained, which writes model.safetensors",
        )
    return BaseModel(folder.resolve(), sha256_of_model(folder))


def load_config(base: BaseModel, *, trust_remote_code: bool = False) -> PretrainedConfig:
    """Read a model's configuration and check that it is a causal language model.

    Raises:
        UsageError: it is another kind of model, or needs code of its own.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

    try:
        config = AutoConfig.from_pretrained(base.folder, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"the model's configuration cannot be read: {first_line(error)}",
            where=str(base.folder / "config.json"),
            fix="set trust_remote_code if you trust code that lies beside the model"
            if "trust_remote_code" in str(error)
            else "check that the folder is a whole Hugging Face model",
        ) from error
    known = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    remote = "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    architectures = getattr(config, "architectures", None) or []
    causal = not architectures or any(
        name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"))
        for name in architectures
    )
    if not ((known and causal) or (remote and trust_remote_code)):
        kind = architectures[0] if architectures else config.model_type
        raise UsageError(
            f"this is no causal language model but {kind}",
            where=str(base.folder),
            fix="name a model that generates text, such as a Llama, Qwen or Gemma",
        )
    return config


def context_length(config: PretrainedConfig) -> int:
    """Return how many tokens a model can see, or a large number where it sets no bound."""
    return getattr(config.get_text_config(), "max_position_embeddings", None) or 1 << 20


def load_tokenizer(base: BaseModel, *, trust_remote_code: bool = False) -> PreTrainedTokenizerBase:
    """Load a model's tokenizer.

    Raises:
        UsageError: it has none, or one that cannot be read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base.folder, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UsageError(
            f"the model's tokenizer cannot be loaded: {first_line(error)}",
            where=str(base.folder),
            fix="put tokenizer.json and tokenizer_config.json beside the weights",
        ) from error


def stop_tokens(base: BaseModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the token ids at which the model's generation stops."""
    found: set[int] = set()
    if isinstance(tokenizer.eos_token_id, int):
        found.add(tokenizer.eos_token_id)
    path = base.folder / "generation_config.json"
    if path.is_file():
        named = read_json(path).get("eos_token_id")
        found.update(named if isinstance(named, list) else [named] if named is not None else [])
    return frozenset(found)


def load_weights(
    base: BaseModel,
    hardware: Hardware,
    *,
    trust_remote_code: bool = False,
    train_all: bool = False,
    quantize: str | None = None,
) -> PreTrainedModel:
    """Load a model onto the hardware.

    Args:
        base: which model.
        hardware: device and number format.
        trust_remote_code: run code that lies beside the model.
        train_all: every weight will be tuned; they are kept in float32 then, because steps of a
            usual learning rate vanish in bfloat16.
        quantize: ``4bit`` or ``8bit`` for a frozen model; None loads the numbers as they are.

    Raises:
        UsageError: the weights do not fit the configuration or are damaged.
    """
    from transformers import AutoModelForCausalLM

    model = load_model(
        AutoModelForCausalLM,
        base,
        hardware,
        trust_remote_code=trust_remote_code,
        train_all=train_all,
        quantize=quantize,
    )
    if model.get_output_embeddings() is None:
        raise UsageError("the model has no output layer to learn through", where=str(base.folder))
    return model


def load_model(
    kind: Any,
    base: BaseModel,
    hardware: Hardware,
    *,
    trust_remote_code: bool = False,
    train_all: bool = False,
    quantize: str | None = None,
    **settings: Any,
) -> PreTrainedModel:
    """Load a model of one of transformers' kinds; see :func:`load_weights`.

    Args:
        kind: ``AutoModelForCausalLM`` or another class of that sort.
        base: which model.
        hardware: device and number format.
        trust_remote_code: run code that lies beside the model.
        train_all: every weight will be tuned.
        quantize: ``4bit``, ``8bit`` or None.
        settings: of the configuration.

    Raises:
        UsageError: the weights do not fit the configuration or are damaged.
    """
    import torch
    from safetensors import SafetensorError

    dtype = torch.float32 if train_all else hardware.torch_dtype
    device: Any = torch.device(hardware.device)
    if quantize:
        settings["quantization_config"] = quantization_config(quantize, dtype)
        settings["device_map"] = {"": device}
    try:
        model = kind.from_pretrained(
            base.folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            **settings,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UsageError(
            f"the model's weights cannot be loaded: {first_line(error)}",
            where=str(base.folder),
            fix="check that the files are whole (compare their sizes or digests with the source)",
        ) from error
    if quantize:
        keep_one_arithmetic(model)
        let_go_of_the_file(model)
        return model
    return model.to(device)


def extend_vocabulary(model: PreTrainedModel, tokens: int) -> int:
    """Give a model embeddings for tokens that were added to its tokenizer.

    A new token's embedding, and its row of the output layer, begin at the mean of all others:
    its probability is then of the order of theirs (Hewitt 2021, *Initializing New Word
    Embeddings for Pretrained Language Models*). Rows that the model has beyond its vocabulary
    are used first.

    Args:
        model: changed in place.
        tokens: of the tokenizer, the added ones included.

    Returns:
        How many rows were added.
    """
    import torch

    embeddings: Any = model.get_input_embeddings()
    known = embeddings.weight.shape[0]
    if tokens <= known:
        return 0
    model.resize_token_embeddings(tokens, mean_resizing=False)
    layers: list[Any] = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for layer in layers:
            if layer is None:
                continue
            weight = layer.weight
            weight[known:] = weight[:known].float().mean(dim=0).to(weight.dtype)
            if getattr(layer, "bias", None) is not None:
                layer.bias[known:] = layer.bias[:known].mean()
    return tokens - known


def check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that the model has an embedding for every token of the tokenizer.

    Raises:
        UsageError: it has not; the tokenizer belongs to another model.
    """
    embeddings: Any = model.get_input_embeddings()
    rows = embeddings.weight.shape[0]
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise UsageError(
            f"the tokenizer has tokens up to id {highest:,}, the model knows only {rows:,}",
            where=str(tokenizer.name_or_path),
            fix="use the tokenizer that came with the model",
        )


def padding_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return a token id to pad with: the tokenizer's, or another one where that ends answers.

    Padding is masked by position, so the choice changes no result; it only keeps the end token
    out of places where a reader could take it for learned.
    """
    end = tokenizer.eos_token_id
    for candidate in (tokenizer.pad_token_id, tokenizer.unk_token_id):
        if isinstance(candidate, int) and candidate != end:
            return candidate
    return 0


def _folder_of_name(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(MODEL_FILES)))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UsageError(
            f"there is no model {name!r}: no such folder, and the hub does not give it "
            f"({first_line(error)})",
            where="model",
            fix="name the folder of a model (config.json, *.safetensors, tokenizer.json)",
        ) from error


def first_line(error: BaseException) -> str:
    """Return the first line of a library's error, for a sentence of our own."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
