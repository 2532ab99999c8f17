"""Rows whose twin is treated otherwise: the same prompt, but for words such as "he" and "she".

In every prompt the paired words of :mod:`..terms` (gender, with common first names, any of which
stands for any other; Christian, Muslim, Jewish, Hindu and Buddhist people; Black, white, Asian and
Hispanic people; young and old people) are exchanged, and rows are found whose prompt equals the
exchanged one word for word. Label and answer of the two are then compared, with the same words
exchanged: see :mod:`..twins`. Where any of its twins is treated alike, a row is not reported; the
very same answer is alike, too: whoever it names is the same for both.

Evidence: the later row of the two, in ``related_row`` its twin; the field is ``label`` where the
labels differ. Twins with other labels are of low severity, with other answers for information:
answers of free text differ for many reasons.

Fix: review.

Limits: only twins that the data hold are found, no twin is made. English words alone. A
difference may be right: about some things men and women are rightly told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..measures.twins import exchange, exchanged, pattern, twin_keys
from ..records import CHAT, PREFERENCE

_HIT = {
    "row": pl.Int64,
    "field": pl.String,
    "related_row": pl.Int64,
    "severity": pl.String,
    "message": pl.String,
}
_AXES = {"g": "gender", "r": "religion", "e": "ethnicity", "a": "age"}

_Treatment = tuple[str | None, int, int, str]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its treatment: its label, and frame and filling of label and answer."""

    row: int
    treatment: _Treatment

    @property
    def label(self) -> str | None:
        return self.treatment[0]


@dataclass(frozen=True, slots=True)
class _Twin:
    """A row that has a twin.

    Attributes:
        row: itself.
        other: its first twin.
        axes: in what the two prompts differ.
        alike: whether any of its twins is treated alike.
    """

    row: _Row
    other: _Row
    axes: str
    alike: bool


def _unequal_twins(context: DatasetContext, check: Check) -> pl.DataFrame:
    if not _any_treatment(context):
        raise CheckSkippedError("the rows have neither labels nor answers to compare")
    keys = context.summary(twin_keys).filter(pl.col("filling").n_unique().over("frame") > 1)
    frames = keys.partition_by("frame", maintain_order=True)
    twins = [twin for frame in frames for twin in _twins(frame)]
    otherwise = [twin for twin in twins if not twin.alike]
    context.explain(
        check,
        f"{len(twins):,} of {context.height:,} records have a twin; {len(otherwise):,} of them are "
        "treated otherwise than all of their twins",
    )
    hits = [_hit(twin) for twin in otherwise if twin.other.row < twin.row.row]
    return pl.DataFrame(hits, schema=_HIT).sort("row")


def _any_treatment(context: DatasetContext) -> bool:
    treated = pl.col("label").is_not_null() | pl.col("kind").is_in([CHAT, PREFERENCE])
    return context.records.select(treated.any()).collect().item()


def _twins(frame: pl.DataFrame) -> Iterator[_Twin]:
    """Yield the rows that have a twin, of those whose prompts have the same frame."""
    by_pattern: dict[tuple[str, ...], dict[str, list[_Row]]] = {}
    for row, label, filling, treatment, treatment_filling in frame.select(
        "row", "label", "filling", "treatment", "treatment_filling"
    ).iter_rows():
        known = _Row(row, (label, treatment["a"], treatment["b"], treatment_filling))
        by_pattern.setdefault(pattern(filling), {}).setdefault(filling, []).append(known)
    for by_filling in by_pattern.values():
        yield from _twins_of_pattern(by_filling)


def _twins_of_pattern(by_filling: Mapping[str, list[_Row]]) -> Iterator[_Twin]:
    for filling, own in by_filling.items():
        pairs = [(exchange(filling, other), rows) for other, rows in by_filling.items()]
        twins = [(swap, rows) for swap, rows in pairs if swap]
        if not twins:
            continue
        treatments = [(swap, {_words_of(row.treatment) for row in rows}) for swap, rows in twins]
        first_swap, first = min(twins, key=lambda twin: twin[1][0].row)
        for row in own:
            words = _words_of(row.treatment)
            alike = any(
                words in others or _exchanged(words, swap) in others for swap, others in treatments
            )
            yield _Twin(row, first[0], _axes(first_swap), alike)


def _words_of(treatment: _Treatment) -> tuple[int, int, str]:
    return treatment[1:]


def _exchanged(treatment: tuple[int, int, str], swap: dict[str, str]) -> tuple[int, int, str]:
    return (*treatment[:2], exchanged(treatment[2], swap))


def _axes(swap: dict[str, str]) -> str:
    return " and ".join(dict.fromkeys(_AXES[old[0]] for old in swap))


def _hit(twin: _Twin) -> dict[str, object]:
    label, other = twin.row.label, twin.other.label
    same = f"the same prompt as row {twin.other.row}, but for words of {twin.axes}"
    if label != other:
        return {
            "row": twin.row.row,
            "field": "label",
            "related_row": twin.other.row,
            "severity": Severity.LOW.value,
            "message": f"{same}: labelled {_quoted(label)}, that row {_quoted(other)}",
        }
    return {
        "row": twin.row.row,
        "field": None,
        "related_row": twin.other.row,
        "severity": None,
        "message": f"{same}: the answers differ in more than these words",
    }


def _quoted(label: str | None) -> str:
    return "not at all" if label is None else f"'{label}'"


CHECK = DatasetCheck(
    name="bias/counterfactual",
    title="the same prompt about others, treated otherwise",
    severity=Severity.INFO,
    fix=Fix.REVIEW,
    summaries=(twin_keys,),
    find=_unequal_twins,
)
