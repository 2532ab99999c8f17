"""Rows of a split's part as questions and answers, rendered exactly as in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...curate.reading.read import read_dataset
from ...curate.records import CLASSIFICATION, TEXT
from ...train.rows.render import ASSISTANT, Rendered, render_all
from ...train.rows.supervision import conversation
from ...workspace.artifact import Artifact
from ...workspace.events import Emit, ignore
from ...workspace.files import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A row of the split that ends with an answer, or is a text.

    Attributes:
        row: its 0-based row in the part's file.
        messages: the conversation, the final answer included.
        label: of a classification row.
        cluster: rows of the same near-duplicate component have the same; None where unknown.
    """

    row: int
    messages: tuple[dict[str, Any], ...]
    label: str | None = None
    cluster: str | None = None

    @property
    def prompt(self) -> str:
        """What the user said last, or nothing."""
        said = [m["content"] or "" for m in self.messages[:-1] if m["role"] != ASSISTANT]
        return said[-1] if said else ""

    @property
    def answer(self) -> str:
        """The text of the final answer."""
        return self.messages[-1]["content"] or ""


@dataclass(frozen=True, slots=True)
class PartRows:
    """A part of the split.

    Attributes:
        name: ``train``, ``val`` or ``test``.
        kind: the records' kind.
        rows: all usable rows, in the order of the file.
        skipped: how many rows have no answer to ask for.
    """

    name: str
    kind: str
    rows: tuple[DomainRow, ...]
    skipped: int

    def sample(self, count: int, seed: int) -> list[DomainRow]:
        """Return a fixed random sample of rows, in their order; all if there are no more."""
        if len(self.rows) <= count:
            return list(self.rows)
        chosen = np.random.default_rng(seed).choice(len(self.rows), count, replace=False)
        return [self.rows[index] for index in sorted(chosen.tolist())]


def read_part(split: Artifact, name: str, *, emit: Emit = ignore) -> PartRows:
    """Read a part of a split; an empty or missing file is a part without rows.

    Raises:
        DataError: the file cannot be read.
    """
    path = split.folder / f"{name}.jsonl"
    how = read_json(split.folder / "split.json")
    kind = str(how.get("kind", ""))
    if not path.is_file() or not path.stat().st_size:
        return PartRows(name, kind, (), 0)
    dataset = read_dataset(path, shape=how.get("shape"), mapping=how.get("mapping"), emit=emit)
    clusters = _components(split, name, dataset.rows)
    rows = [
        DomainRow(
            record["row"],
            tuple(dict(message) for message in messages),
            record["label"] if record["kind"] == CLASSIFICATION else None,
            None if clusters is None else clusters[record["row"]],
        )
        for record in dataset.records.iter_rows(named=True)
        if (messages := conversation(record))
        and (messages[-1]["role"] == ASSISTANT or record["kind"] == TEXT)
    ]
    return PartRows(name, dataset.kind, tuple(rows), dataset.rows - len(rows))


def _components(split: Artifact, name: str, count: int) -> list[str] | None:
    """Return each row's component; None unless the file has a line for each assigned row."""
    import polars as pl

    path = split.folder / "assignments.parquet"
    if not path.is_file():
        return None
    part = pl.read_parquet(path).filter(pl.col("part") == name).sort("row")
    return part["component"].cast(pl.String).to_list() if len(part) == count else None


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation as tokens, up to the end of its final answer.

    Attributes:
        tokens: token ids.
        start: where the final answer begins.
    """

    tokens: list[int]
    start: int

    @property
    def prompt(self) -> list[int]:
        """What the model is given."""
        return self.tokens[: self.start]

    @property
    def answer(self) -> list[int]:
        """What it should say, the token that ends it included."""
        return self.tokens[self.start :]


def render_answers(
    tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Sequence[dict[str, Any]]]
) -> list[Asked | None]:
    """Render conversations for their final answer; None where a row has none.

    Args:
        tokenizer: with the template that was trained with.
        conversations: each with the answer as its last message, or a text.
    """
    last_only = [
        [{**message, "weight": 0} for message in messages[:-1]] + [{**messages[-1], "weight": 1}]
        for messages in conversations
    ]
    found: list[Asked | None] = []
    for rendered in render_all(tokenizer, last_only):
        if isinstance(rendered, Rendered) and any(rendered.supervised):
            start = rendered.supervised.index(True)
            end = len(rendered.supervised) - rendered.supervised[::-1].index(True)
            found.append(Asked(rendered.tokens[:end], start))
        else:
            found.append(None)
    return found
