"""The files of a split, written piece by piece as a plan says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from ...workspace.errors import DataError
from ...workspace.events import Emit, counting, ignore
from ...workspace.files import writing_whole
from ..export import source_rows, write_rows
from ..records import Detection
from .parts import ALL_PARTS, LEFT_OUT, PARTS
from .plan import NOWHERE, Plan
from .source import SplitSource


@dataclass(slots=True)
class WrittenParts:
    """What was written.

    Attributes:
        counts: rows by file (without the ending).
        positions: of every line of a part's file the position of its record.
    """

    counts: Counter[str] = field(default_factory=Counter)
    positions: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def of_lines(self, parts: pl.Series, lines: pl.Series) -> np.ndarray:
        """Return the positions of the records that lines (from 0 on) of parts' files hold."""
        files = {name: np.concatenate(found) for name, found in self.positions.items()}
        return np.array(
            [files[part][line] for part, line in zip(parts, lines, strict=True)], dtype=np.int64
        )


def write_parts(
    folder: Path, source: SplitSource, kept_test: SplitSource | None, plan: Plan, emit: Emit
) -> WrittenParts:
    """Write the parts, the rows that were left out, and where each row went.

    Args:
        folder: of the artifact.
        source: the data, read again.
        kept_test: the file that is the test part, if there is one.
        plan: the part of each record: first those of the data, then the others.
        emit: told about progress.

    Raises:
        DataError: the source has changed meanwhile.
    """
    written = WrittenParts()
    with ExitStack() as stack, counting(emit, "writing", total=plan.ties.height) as counter:
        names = [*PARTS, *ALL_PARTS[len(PARTS) : int(plan.parts.max()) + 1]]
        if plan.left_out.height:
            names.append(LEFT_OUT)
        files = {
            name: stack.enter_context(writing_whole(folder / f"{name}.jsonl", "wb"))
            for name in names
        }
        first = 0
        for origin in (source, kept_test):
            if origin is None:
                continue
            # They were read before: progress is told by what is written.
            for piece in origin.pieces(ignore):
                _write_piece(files, piece.records, origin.detection, plan, first, written)
                first += piece.records.height
                counter.advance(piece.records.height)
    _write_assignments(folder, plan)
    if plan.left_out.height:
        left_out_rows(plan).write_parquet(folder / f"{LEFT_OUT}.parquet")
    return written


def _write_piece(
    files: dict[str, IO[Any]],
    records: pl.DataFrame,
    detection: Detection,
    plan: Plan,
    first: int,
    written: WrittenParts,
) -> None:
    if not plan.ties.rows["row"].slice(first, records.height).equals(records["row"]):
        raise DataError(
            "the source has changed while it was split",
            fix="run the command again when nobody writes to it",
        )
    parts = plan.parts[first : first + records.height]
    for number, name in _numbered_names(files):
        chosen = np.flatnonzero(parts == number)
        if len(chosen):
            write_rows(files[name], source_rows(records[chosen], detection))
            written.counts[name] += len(chosen)
            written.positions.setdefault(name, []).append(chosen + first)


def _numbered_names(files: dict[str, IO[Any]]) -> Iterator[tuple[int, str]]:
    for number, name in enumerate(ALL_PARTS):
        if name in files:
            yield number, name
    if LEFT_OUT in files:
        yield NOWHERE, LEFT_OUT


def _write_assignments(folder: Path, plan: Plan) -> None:
    """Write part and component of every row; a component is named after its first row."""
    rows = plan.ties.rows["row"].to_numpy()
    # Rows of a kept test file are counted on their own; their components get numbers below 0.
    named = np.where(plan.is_data, rows, -1 - rows)[plan.components]
    shown = plan.is_data | (plan.parts != NOWHERE)
    names = pl.Series([*ALL_PARTS, LEFT_OUT])
    pl.DataFrame(
        {
            "row": rows[shown],
            "part": names.gather(np.where(plan.parts < 0, len(ALL_PARTS), plan.parts)[shown]),
            "component": named[shown],
        }
    ).write_parquet(folder / "assignments.parquet")


def left_out_rows(plan: Plan) -> pl.DataFrame:
    """Return the rows that are in no part, each with the reason and the row it is tied to."""
    left_out, rows = plan.left_out, plan.ties.rows["row"]
    related = left_out["related"]
    parts = np.append(plan.parts, NOWHERE)[related.fill_null(plan.ties.height).to_numpy()]
    names = pl.Series([*ALL_PARTS, None], dtype=pl.String)
    given = plan.ties.rows["part"].gather(related)
    return pl.DataFrame(
        {
            "row": rows.gather(left_out["position"]),
            "reason": left_out["reason"],
            "by": left_out["by"],
            "related_part": given.fill_null(
                names.gather(np.where(parts < 0, len(ALL_PARTS), parts))
            ),
            "related_row": rows.gather(related),
            "jaccard": left_out["jaccard"],
        }
    )
