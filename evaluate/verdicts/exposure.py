"""Which of the items that the models are asked stand in the rows that the tuned one learned from.

The rows themselves are searched, as they were trained on: the split's training part, and the
general rows that were mixed in. So nothing depends on what an audit was told to look for.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.contamination import BenchmarkItem
from ...curate.contamination.found import Contamination, find_contamination
from ...curate.contamination.items import CONTAMINATED
from ...curate.reading.read import open_source, read_pieces
from ...curate.records import message_rows
from ...train.rows.general import REPLAY
from ...workspace.artifact import Artifact
from ...workspace.events import Emit, Note
from ...workspace.files import read_json, sha256_of_file
from ..comparison import Comparison
from ..tasks.benchmark_rows import said, spelled_out, without_choices
from ..tasks.local import ID_FIELDS
from ..tasks.suites import Benchmark

TRAIN = "train"
_OTHER_FILE = 1 << 40
"""Rows of the second file are numbered from here on, so that one search sees both."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a search of the training rows found.

    Attributes:
        found: the search's outcome; None where no benchmark is asked or no row was searched.
        rows: how many rows were searched, by the part they belong to.
        not_searched: what could not be searched, in words.
    """

    found: Contamination | None
    rows: Mapping[str, int]
    not_searched: tuple[str, ...] = ()

    def statuses(self, task: str) -> dict[str, str]:
        """Return the status of each item of a task by its name."""
        if self.found is None:
            return {}
        of_task = self.found.items.filter(pl.col("task") == task)
        return dict(of_task.select("item", "status").iter_rows())

    def items(self) -> pl.DataFrame:
        """Return the items with their status, and the row in which each stands, by part."""
        if self.found is None:
            return pl.DataFrame()
        return self.found.items.with_columns(
            part=pl.when(pl.col("row") >= _OTHER_FILE)
            .then(pl.lit(REPLAY))
            .when(pl.col("row").is_not_null())
            .then(pl.lit(TRAIN)),
            row=pl.col("row") % _OTHER_FILE,
        )


def search_training_rows(
    comparison: Comparison, benchmarks: Sequence[Benchmark], emit: Emit
) -> Exposure:
    """Look for the items of benchmarks among the rows that the tuned model learned from.

    Args:
        comparison: both models; without a run all training rows of the split are searched, and
            without a split none.
        benchmarks: what the models are asked.
        emit: told how many items were found.

    Raises:
        DataError: a file of training rows cannot be read.
    """
    items = tuple(item for benchmark in benchmarks for item in items_of(benchmark))
    rows: dict[str, int] = {}
    not_searched: list[str] = []
    if not items or comparison.split is None:
        return Exposure(None, rows)
    found = find_contamination(_texts(comparison, comparison.split, rows, not_searched), items)
    for problem in not_searched:
        emit(Note(text=f"contamination: {problem}", level="warning"))
    if not found.rows:
        return Exposure(None, rows, tuple(not_searched))
    count = found.count(CONTAMINATED)
    if count:
        emit(Note(
            text=f"contamination: {count:,} of {len(items):,} benchmark items stand in the "
            "training rows; the report gives the scores with and without them",
            level="warning",
        ))  # fmt: skip
    return Exposure(found, rows, tuple(not_searched))


def items_of(
    benchmark: Benchmark, numbers: Container[int] | None = None
) -> Iterator[BenchmarkItem]:
    """Return the items of a task, named as the evaluation names them.

    Args:
        benchmark: the task.
        numbers: only these, counted from 0; None takes all that are asked.
    """
    task = benchmark.task
    for number, doc in enumerate(task.eval_docs):
        if number == benchmark.limit:
            return
        if numbers is not None and number not in numbers:
            continue
        name = next((str(doc[key]) for key in ID_FIELDS if doc.get(key) is not None), str(number))
        try:
            item = without_choices(spelled_out(_said(task, doc), doc))
        except Exception:
            # Templates are programs of others; an item that they cannot say is uncheckable.
            yield BenchmarkItem(name, benchmark.name, "")
            continue
        yield BenchmarkItem(name, benchmark.name, item.question, item.answer, item.choices)


def _said(task: Any, doc: Mapping[str, Any]) -> Any:
    choices = task.doc_to_choice(doc) if task.get_config("doc_to_choice") is not None else None
    asked, target = task.doc_to_text(doc), task.doc_to_target(doc)
    query = task.get_config("doc_to_decontamination_query")
    if isinstance(query, str) and query in doc:
        asked = doc[query]
    elif isinstance(asked, int) and choices:
        # The choices are beginnings, of which the right one is asked (as in WinoGrande).
        return said(choices[asked], None, target)
    return said(asked, choices, target)


def _texts(
    comparison: Comparison, split: Artifact, rows: dict[str, int], not_searched: list[str]
) -> Iterator[pl.DataFrame]:
    """Yield the texts of all rows that were trained on; note how many, and what is missing."""
    run = comparison.run
    used = _used_rows(run.folder / "supervision.parquet") if run else None
    how = read_json(split.folder / "split.json")
    train = split.folder / "train.jsonl"
    if train.is_file() and train.stat().st_size:
        yield from _of_file(
            train, TRAIN, used, rows, 0, shape=how.get("shape"), mapping=how.get("mapping")
        )
    else:
        not_searched.append("the split's training rows are gone, so they were not searched")
    mixed_in = run.manifest.input(REPLAY) if run else None
    if mixed_in is None:
        return
    path = Path(mixed_in.path)
    if not path.is_file() or sha256_of_file(path) != mixed_in.sha256:
        not_searched.append("the general rows that were mixed in are gone or others by now")
        return
    yield from _of_file(path, REPLAY, used, rows, _OTHER_FILE)


def _of_file(
    path: Path, part: str, used: pl.DataFrame | None, rows: dict[str, int], first: int, **how: Any
) -> Iterator[pl.DataFrame]:
    wanted = None if used is None else used.filter(pl.col("part") == part).select("row")
    for piece in read_pieces(open_source([path], **how)):
        records = piece.records
        if wanted is not None:
            records = records.join(wanted, on="row", how="semi", maintain_order="left")
        rows[part] = rows.get(part, 0) + records.height
        texts = message_rows(records).select(pl.col("row") + first, "field", "content")
        yield texts


def _used_rows(supervision: Path) -> pl.DataFrame:
    """Return which rows of which part were learned from."""
    frame = pl.read_parquet(supervision, columns=["part", "row", "refused"])
    return frame.filter(pl.col("refused").is_null()).select("part", "row")
