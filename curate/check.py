"""What a check is: a name, what it proposes, and a function from records to hits.

A **row check** judges every record by itself; it is given the records piece by piece. A **dataset
check** needs all of them together: it names *summaries*, small frames that are computed of each
piece and kept on the disk, and looks at the whole through them. So neither ever needs all records
in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from .finding import Fix, Severity
from .near_duplicates.comparison_text import comparison_columns
from .records import TEXT_ROLE, Dataset, message_rows
from .tokens.lengths import Lengths, measure_lengths
from .tokens.renderings import Rendering, render_records
from .tokens.tokenizer import ChatTokenizer, load_tokenizer

if TYPE_CHECKING:
    from .auditing.earlier import EarlierAudit
    from .contamination import BenchmarkItem

Result = TypeVar("Result")


class CheckSkippedError(Exception):
    """Raised by a check that cannot apply here; its text says why."""


@dataclass(slots=True, kw_only=True)
class Context:
    """What every check may ask for, besides the data.

    Attributes:
        context_length: tokens the model can see.
        tokenizer: folder of the user's tokenizer; None where none was given.
        schema: file of the user's own schema; None where none was given.
        parameters: the user's settings for single checks: ``{"duplicates/near": {...}}``.
        benchmarks: the items that must not be among the data.
        earlier: audits of earlier data, whose rows must not come again.
        ray: address of the Ray cluster that searches for near-duplicates; None for this machine.
        reasons: what checks said about how they went, by check name.
    """

    context_length: int = 2048
    tokenizer: str | None = None
    schema: str | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    benchmarks: Sequence[BenchmarkItem] = ()
    earlier: Sequence[EarlierAudit] = ()
    ray: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    def parameter(self, check: Check, name: str) -> Any:
        """Return the user's value of a check's parameter, or its default."""
        given = self.parameters.get(check.name, {})
        return given.get(name, check.parameters[name].default)

    def explain(self, check: Check, reason: str) -> None:
        """Say how a check went about its work, where the reader must know that."""
        self.reasons[check.name] = reason


@dataclass(slots=True)
class CheckContext(Context):
    """A piece of the data, as row checks and summaries see it; derived frames are made once.

    Attributes:
        dataset: the source as read, or a piece of it.
    """

    dataset: Dataset
    _messages: pl.DataFrame | None = None
    _answers: pl.DataFrame | None = None
    _comparison: pl.DataFrame | None = None
    _rendered: list[Rendering] | None = None
    _lengths: Lengths | None = None

    def __post_init__(self) -> None:
        """Put each column into one piece of memory.

        Sources are read in pieces, and polars 2.1 panics in ``pl.format`` over a column of several
        pieces of which a filter has left one empty. Checks that format what they have joined and
        filtered call ``rechunk`` for the same reason.
        """
        dataset = self.dataset
        self.dataset = replace(
            dataset, records=dataset.records.rechunk(), set_aside=dataset.set_aside.rechunk()
        )

    @property
    def records(self) -> pl.DataFrame:
        """The dataset's records."""
        return self.dataset.records

    @property
    def messages(self) -> pl.DataFrame:
        """The records' messages, one row each (see :func:`message_rows`)."""
        if self._messages is None:
            self._messages = message_rows(self.records).rechunk()
        return self._messages

    @property
    def answers(self) -> pl.DataFrame:
        """The messages that a model would learn to say.

        What the assistant says, except rejected answers and those with weight 0; of records of
        plain text, the text.
        """
        if self._answers is None:
            self._answers = self.messages.filter(
                pl.col("role").is_in(["assistant", TEXT_ROLE]),
                pl.col("part") != "rejected",
                pl.col("weight").fill_null(1) != 0,
                pl.col("content").is_not_null(),
            )
        return self._answers

    @property
    def comparison(self) -> pl.DataFrame:
        """What records are compared by (see :func:`comparison_columns`)."""
        if self._comparison is None:
            self._comparison = comparison_columns(self.records).rechunk()
        return self._comparison

    @property
    def chat_tokenizer(self) -> ChatTokenizer | None:
        """The user's tokenizer with its chat template, where one was given."""
        return None if self.tokenizer is None else load_tokenizer(self.tokenizer)

    @property
    def rendered(self) -> list[Rendering]:
        """The records as the chat template writes them; none without a template."""
        if self._rendered is None:
            tokenizer = self.chat_tokenizer
            if tokenizer is None or tokenizer.template is None:
                self._rendered = []
            else:
                self._rendered = render_records(self.records, tokenizer)
        return self._rendered

    @property
    def lengths(self) -> Lengths:
        """The records' lengths, in tokens where a tokenizer was given, else in words."""
        if self._lengths is None:
            self._lengths = measure_lengths(
                self.records, self.messages, self.chat_tokenizer, self.rendered
            )
        return self._lengths

    def as_whole(self, summaries: Summaries) -> DatasetContext:
        """Return the context of dataset checks, where this piece is all there is."""
        return DatasetContext(
            context_length=self.context_length,
            tokenizer=self.tokenizer,
            schema=self.schema,
            parameters=self.parameters,
            benchmarks=self.benchmarks,
            earlier=self.earlier,
            ray=self.ray,
            reasons=self.reasons,
            records=self.records.lazy(),
            summaries=summaries,
            rows=self.dataset.rows,
            height=self.records.height,
        )


# The parameter by which the user names the folder of a model; the model is an input of the audit.
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or word that a check can be tuned with, its default, and why that default."""

    default: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional package, and the extra of tunewise that brings it."""

    package: str
    name: str

    @property
    def is_installed(self) -> bool:
        """Whether the package can be imported."""
        return find_spec(self.package) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check as data; a :class:`RowCheck` or a :class:`DatasetCheck`.

    Attributes:
        name: ``dimension/name``; stable.
        title: a few words for lists.
        severity: of its findings, unless settings say otherwise.
        fix: what it proposes.
        parameters: what can be tuned.
        extra: an optional package, without which the check is skipped.
    """

    name: str
    title: str
    severity: Severity
    fix: Fix
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    extra: Extra | None = None

    @property
    def dimension(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheck(Check):
    """A check that judges each record by itself.

    Attributes:
        find: returns the hits among a piece's records (any columns of ``FINDING_SCHEMA``; see
            ``as_findings``), in their order; raises :class:`CheckSkippedError` where it does not
            apply. It may not depend on which records share a piece.
    """

    find: Callable[[CheckContext, Check], pl.DataFrame]


Summary = Callable[[CheckContext], pl.DataFrame]
"""What a dataset check needs to know of each piece; its name is the function's, and the frames of
all pieces have the same columns. Checks that name the same function share what it returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCheck(Check):
    """A check that needs all records together.

    Attributes:
        summaries: what it needs to know of each piece.
        find: returns the hits, as that of a row check does, from the summaries.
    """

    summaries: tuple[Summary, ...]
    find: Callable[[DatasetContext, Check], pl.DataFrame]


class Summaries:
    """The summaries of all pieces, kept in a folder, or in memory where none is given.

    Attributes:
        folder: for these and whatever else does not fit in memory; None where all does.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Begin without any piece."""
        self.folder = folder
        self._kept: dict[Summary, dict[int, Path | pl.DataFrame]] = {}

    def keep(self, summary: Summary, piece: int, frame: pl.DataFrame) -> None:
        """Keep what a summary says of a piece."""
        kept: Path | pl.DataFrame = frame
        if self.folder is not None:
            kept = self.folder / f"{summary.__module__}.{summary.__name__}.{piece:06}.arrow"
            frame.write_ipc(kept)
        self._kept.setdefault(summary, {})[piece] = kept

    def merge(self, others: Summaries) -> None:
        """Take over what was kept of other pieces, in the same folder."""
        for summary, pieces in others._kept.items():
            self._kept.setdefault(summary, {}).update(pieces)

    def knows(self, summary: Summary, piece: int) -> bool:
        """Tell whether a summary of a piece is there."""
        return piece in self._kept.get(summary, ())

    def scan(self, summary: Summary) -> pl.LazyFrame:
        """Return a summary of all pieces, in their order."""
        return pl.concat(self.scan_pieces(summary))

    def scan_pieces(self, summary: Summary) -> list[pl.LazyFrame]:
        """Return a summary of each piece, in their order."""
        kept = [frame for _, frame in sorted(self._kept[summary].items(), key=lambda item: item[0])]
        return [
            item.lazy() if isinstance(item, pl.DataFrame) else pl.scan_ipc(item) for item in kept
        ]


@dataclass(slots=True)
class DatasetContext(Context):
    """The whole dataset, as dataset checks see it.

    Attributes:
        records: all of them, frame of ``RECORD_SCHEMA``; take only the rows and columns needed.
        summaries: of all pieces.
        rows: number of rows in the source.
        height: number of records.
    """

    records: pl.LazyFrame
    summaries: Summaries
    rows: int
    height: int
    _shared: dict[Callable[..., Any], Any] = field(default_factory=dict)

    def summary(self, of: Summary, *columns: str) -> pl.DataFrame:
        """Return a summary of all records, in their order, each column in one piece.

        Args:
            of: the summary.
            columns: those that are needed; all by default.
        """
        kept = self.summaries.scan(of)
        return (kept.select(columns) if columns else kept).collect().rechunk()

    def shared(self, compute: Callable[[DatasetContext], Result]) -> Result:
        """Return what a function makes of the whole, computed once for all checks that ask."""
        if compute not in self._shared:
            self._shared[compute] = compute(self)
        return self._shared[compute]

    def records_of(self, rows: pl.Series) -> pl.DataFrame:
        """Return single records, in their order."""
        return self.records.filter(pl.col("row").is_in(rows.unique().implode())).collect()
