"""General rows: mixed into training as replay, or measured beside it as a probe.

Rehearsing a share of older material while learning something new is the oldest and still the
surest remedy against forgetting (Robins 1995, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal"; for language models Scialom et al. 2022, "Fine-tuned Language Models are
Continual Learners"). The rows should look like what must not be lost; they need not be many. A
probe is never learned from: its loss shows at every validation what is being lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ..curate.reading.read import read_dataset
from ..workspace.errors import UsageError
from ..workspace.events import Emit
from .render import Rendered
from .supervision import Part, prepare_part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLAY, PROBE = "replay", "probe"
# So many times the wanted rows are looked at for some that are not trained on.
_LOOKED_AT_FOR_A_PROBE = 4


def general_path(key: str, name: str, root: Path) -> Path:
    """Find a file of general rows; a relative path starts at the workspace.

    Args:
        key: of the recipe, ``replay`` or ``probe``.
        name: as the recipe has it.
        root: of the workspace.

    Raises:
        UsageError: there is no such file.
    """
    path = root / Path(name).expanduser()
    if not path.is_file():
        raise UsageError(
            f"there is no such file of {key} rows",
            where=f"[train] {key}: {path}",
            fix=f"name a file of texts or chats, or leave {key} out",
        )
    return path


def replay_rows(train_rows: int, share: float) -> int:
    """Return how many general rows an epoch needs for a share of all rows it trains on.

    Example:
        >>> replay_rows(900, 0.1)
        100
    """
    return round(train_rows * share / (1 - share))


def draw_general(
    part: str,
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
        part: ``replay`` or ``probe``.
        path: texts or chats in any format that an audit reads.
        tokenizer: the base model's.
        rows: how many to draw; all where the file has no more.
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
    return prepare_part(part, replace(dataset, records=records), tokenizer, max_length=max_length)


def draw_probe(
    path: Path,
    tokenizer: PreTrainedTokenizerBase,
    learned: Iterable[Rendered],
    *,
    rows: int,
    max_length: int,
    seed: int,
    emit: Emit,
) -> Part:
    """Draw general rows to measure, none of which is trained on.

    Args:
        path: as in :func:`draw_general`; the file of replay may serve for both.
        tokenizer: the base model's.
        learned: the rows that are trained on.
        rows: how many to draw.
        max_length: tokens a row may have.
        seed: of the draw.
        emit: told of the reading.

    Raises:
        UsageError: nothing is left to measure.
        DataError: the file cannot be read.
    """
    drawn = draw_general(
        PROBE,
        path,
        tokenizer,
        rows=_LOOKED_AT_FOR_A_PROBE * rows,
        max_length=max_length,
        seed=seed + 1,
        emit=emit,
    )
    known = {tuple(row.tokens) for row in learned}
    unknown = [
        (row, number)
        for row, number in zip(drawn.rows, drawn.numbers, strict=True)
        if tuple(row.tokens) not in known
    ][:rows]
    if not unknown:
        raise UsageError(
            "no row of the probe can be measured: each is trained on, or has nothing to learn",
            where=f"[train] probe: {path}",
            fix="name a file of other general texts or chats",
        )
    numbers = tuple(number for _, number in unknown)
    supervision = drawn.supervision.filter(pl.col("row").is_in(numbers))
    return Part(PROBE, tuple(row for row, _ in unknown), numbers, supervision)
