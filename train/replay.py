"""General rows that are mixed into training, so that the model goes on doing what it could do.

Rehearsing a share of older material while learning something new is the oldest and still the
surest remedy against forgetting (Robins 1995, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal"; for language models Scialom et al. 2022, "Fine-tuned Language Models are
Continual Learners"). The rows should look like what must not be lost; they need not be many.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..curate.reading.read import read_dataset
from ..workspace.errors import UsageError
from ..workspace.events import Emit
from .supervision import Part, prepare_part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLAY = "replay"


def replay_path(name: str, root: Path) -> Path:
    """Find the file of general rows; a relative path starts at the workspace.

    Raises:
        UsageError: there is no such file.
    """
    path = root / Path(name).expanduser()
    if not path.is_file():
        raise UsageError(
            "there is no such file of replay rows",
            where=f"[train] replay: {path}",
            fix="name a file of texts or chats, or leave replay out",
        )
    return path


def replay_rows(train_rows: int, share: float) -> int:
    """Return how many general rows an epoch needs for a share of all rows it trains on.

    Example:
        >>> replay_rows(900, 0.1)
        100
    """
    return round(train_rows * share / (1 - share))


def prepare_replay(
    path: Path,
    tokenizer: PreTrainedTokenizerBase,
    *,
    rows: int,
    max_length: int,
    seed: int,
    emit: Emit,
) -> Part:
    """Draw general rows and render them; of texts everything is learned, of chats the answers.

    Args:
        path: texts or chats in any format that an audit reads.
        tokenizer: the base model's.
        rows: how many to draw, for all epochs together; all where the file has no more.
        max_length: tokens a row may have.
        seed: of the draw.
        emit: told of the reading.

    Raises:
        DataError: the file cannot be read.
    """
    dataset = read_dataset(path, emit=emit)
    records = dataset.records
    if len(records) > rows:
        records = records.sample(rows, seed=seed).sort("row")
    return prepare_part(REPLAY, replace(dataset, records=records), tokenizer, max_length=max_length)
