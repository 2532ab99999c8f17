"""Models of transformers from a folder that the user names.

Weights must be safetensors; code that comes with a model is never run, and nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MOST_TOKENS = 512


def load_local_model(folder: str, task: str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load a model with its tokenizer, ready to answer.

    Args:
        folder: into which ``save_pretrained`` wrote both.
        task: what the model does, as transformers names its classes: ``TokenClassification``.

    Raises:
        UsageError: the folder holds no such model that can be read.
    """
    place = Path(folder).expanduser()
    if not (place / "config.json").is_file() or not [*place.glob("*.safetensors")]:
        raise UsageError(
            "this is no folder of a model with weights as safetensors",
            where=folder,
            fix="name a local folder into which save_pretrained() wrote a model and its tokenizer",
        )
    import transformers

    loader: Any = getattr(transformers, f"AutoModelFor{task}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            place, trust_remote_code=False, local_files_only=True
        )
        model = loader.from_pretrained(
            place, trust_remote_code=False, local_files_only=True, use_safetensors=True
        )
    except Exception as error:
        # Whatever the library raises says what is wrong with the files.
        raise UsageError(f"the model cannot be read: {error}", where=folder) from error
    return tokenizer, model.eval()


def labels_of(model: PreTrainedModel) -> dict[int, str]:
    """Return the names of a model's classes by their number."""
    names: Any = model.config.id2label or {}
    return {int(number): str(name) for number, name in names.items()}


def longest_input(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> int:
    """Return how many tokens a model reads at once, at most 512."""
    positions = getattr(model.config, "max_position_embeddings", None) or _MOST_TOKENS
    return min(_MOST_TOKENS, tokenizer.model_max_length, positions)
