"""Rows beside the split's: of other tasks, general ones as replay, and those measured as a probe.

Rehearsing a share of older material while learning something new is the oldest and still the
surest remedy against forgetting (Robins 1995, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal"; for language models Scialom et al. 2022, "Fine-tuned Language Models are
Continual Learners"). The rows should look like what must not be lost; they need not be many. A
probe is never learned from: its loss shows at every validation what is being lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from ...curate.reading.read import read_dataset
from ...workspace.errors import UsageError
from ...workspace.events import Emit
from ..recipe import Recipe
from .render import Rendered
from .supervision import Part, empty_part, prepare_part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLAY, PROBE, ANCHOR = "replay", "probe", "kl_texts"
GENERATED, BUNDLED = "generated", "bundled"
_BUNDLED_PATH = Path(__file__).resolve().parents[2] / "datasets" / "replay.jsonl"
MIXED = "mix:"
# The model is held to its base on so many rows at most, a few at each step.
MOST_ANCHORED = 4096
# So many times the wanted rows are looked at for some that are not trained on.
_LOOKED_AT_FOR_A_PROBE = 4


class Draw(Protocol):
    """Draws rows from a file: :func:`draw_general` for one tokenizer."""

    def __call__(self, part: str, path: Path, *, rows: int, seed: int) -> Part:
        """Return the part."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """The rows that are learned beside the split's.

    Attributes:
        mixed: parts of other tasks.
        replay: the general rows.
        rows: all of them, some several times where a file has too few for its share.
        per_epoch: how many of these an epoch uses; the next one goes on with others.
        replay_per_epoch: how many of these are general ones.
        warnings: of shares that were not reached.
    """

    mixed: tuple[Part, ...]
    replay: Part
    rows: tuple[Rendered, ...]
    per_epoch: int
    replay_per_epoch: int
    warnings: tuple[str, ...] = ()


def general_files(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Find the files of further rows that a recipe names, by what they are for.

    Raises:
        UsageError: there is no such file.
    """
    named = {REPLAY: recipe.replay, PROBE: recipe.probe, ANCHOR: recipe.kl_texts}
    files = {
        key: general_path(key, name, root)
        for key, name in named.items()
        if name and not (key == REPLAY and name == GENERATED)
    }
    return files | {f"{MIXED}{name}": general_path("mix", name, root) for name in recipe.mix}


def general_path(key: str, name: str, root: Path) -> Path:
    """Find a file of further rows; a relative path starts at the workspace.

    Args:
        key: of the recipe, such as ``replay`` or ``probe``.
        name: as the recipe has it; ``bundled`` is the set that comes with the project.
        root: of the workspace.

    Raises:
        UsageError: there is no such file.
    """
    path = _BUNDLED_PATH if name == BUNDLED else root / Path(name).expanduser()
    if not path.is_file():
        raise UsageError(
            f"there is no such file of {key} rows",
            where=f"[train] {key}: {path}",
            fix=f"name a file of texts or chats, or leave {key} out",
        )
    return path


def replay_rows(train_rows: int, share: float, others: float = 0.0) -> int:
    """Return how many rows an epoch needs for a share of all rows it trains on.

    Args:
        train_rows: of the split.
        share: wanted.
        others: shares of further files.

    Example:
        >>> replay_rows(900, 0.1)
        100
    """
    return round(train_rows * share / (1 - share - others))


def draw_beside(train_rows: int, recipe: Recipe, files: Mapping[str, Path], draw: Draw) -> Beside:
    """Draw the rows that are learned beside the split's.

    Args:
        train_rows: of the split.
        recipe: tells the shares.
        files: by :func:`general_files`.
        draw: for the run's tokenizer.

    Raises:
        UsageError: a file of other tasks has nothing to learn.
    """
    epochs, seed = ceil(recipe.epochs), recipe.seed
    replay_share = recipe.replay_share if REPLAY in files else 0.0
    shares = sum(recipe.mix.values())
    mixed: list[Part] = []
    rows: list[Rendered] = []
    per_epoch = 0
    for name, share in recipe.mix.items():
        wanted = replay_rows(train_rows, share, shares - share + replay_share)
        key = f"{MIXED}{name}"
        part = draw(key, files[key], rows=wanted * epochs, seed=seed)
        if not part.rows:
            raise UsageError(
                "no row of the file has anything to learn",
                where=f"[train] mix: {files[key]}",
                fix="name a file of texts, chats or labelled rows",
            )
        mixed.append(part)
        rows += islice(cycle(part.rows), wanted * epochs)
        per_epoch += wanted
    if REPLAY not in files:
        return Beside(tuple(mixed), empty_part(REPLAY), tuple(rows), per_epoch, 0)
    wanted = replay_rows(train_rows, replay_share, shares)
    replay = draw(REPLAY, files[REPLAY], rows=wanted * epochs, seed=seed)
    replayed = min(wanted, len(replay.rows))
    # Among other rows, too few of replay would lose their share of the turns.
    rows += islice(cycle(replay.rows), replayed * epochs) if mixed else replay.rows
    all_rows = train_rows + per_epoch + replayed
    short = (
        f"the replay file gives {replayed:,} rows of {wanted:,} wanted for each epoch: the share "
        f"of replay is {replayed / all_rows:.0%}"
    )
    return Beside(
        tuple(mixed),
        replay,
        tuple(rows),
        per_epoch + replayed,
        replayed,
        (short,) if replayed < wanted else (),
    )


def draw_general(
    part: str,
    path: Path,
    *,
    tokenizer: PreTrainedTokenizerBase,
    rows: int,
    max_length: int,
    seed: int,
    emit: Emit,
) -> Part:
    """Draw rows and render them; of texts everything is learned, of chats the answers.

    Args:
        part: its name.
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
    path: Path, learned: Iterable[Rendered], *, rows: int, seed: int, draw: Draw
) -> Part:
    """Draw general rows to measure, none of which is trained on.

    Args:
        path: of texts or chats; the file of replay may serve for both.
        learned: the rows that are trained on.
        rows: how many to draw.
        seed: of the draw.
        draw: for the run's tokenizer.

    Raises:
        UsageError: nothing is left to measure.
        DataError: the file cannot be read.
    """
    drawn = draw(PROBE, path, rows=_LOOKED_AT_FOR_A_PROBE * rows, seed=seed + 1)
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


def check_anchor(part: Part, path: Path) -> None:
    """Check that there is something to hold a model to its base on.

    Raises:
        UsageError: no row can be used.
    """
    if not part.rows:
        raise UsageError(
            "none of these rows has a token to compare the model with its base on",
            where=f"[train] {ANCHOR}: {path}",
            fix="name a file of general texts or chats",
        )
