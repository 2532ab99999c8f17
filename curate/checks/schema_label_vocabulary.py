"""Labels that are probably meant to be another one.

Without a vocabulary labels are compared with each other. One that differs from a more frequent one
in case, white space or separators alone (``Refund`` and ``refund``, ``card-arrival`` and
``card_arrival``) is a variant of it. One that is a single letter away (added, left out, replaced,
or two of them swapped) is a typo, if both have at least five letters and the other is at least
fifty times as frequent. Digits and signs tell labels apart: ``-1`` and ``1``, ``4 stars`` and
``5 stars``, ``C`` and ``C++`` are different. With ``labels`` every other label is a fault.

Evidence: ``field`` is ``label``; ``related`` is the label that is meant, where one is close.

Fix: review: accept it by relabelling, once you have looked at the pairs.

Limits: words with another meaning can be one letter apart (``moral`` and ``amoral``); that is why
the rare one must be very rare. Typos of more than a letter are found only with ``labels``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

import polars as pl

from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    Parameter,
)
from ..finding import Fix, Severity

_SEPARATORS = re.compile(r"[\s_\-./:,;!?'\"()]+")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*%?")
_FEWEST_LETTERS = 5


def label_rows(context: CheckContext) -> pl.DataFrame:
    """Return the labels: a summary, ``row`` and ``label`` of the records that have one."""
    return context.records.select("row", "label").filter(pl.col("label").str.contains(r"\S"))


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    labelled = context.summary(label_rows)
    if labelled.is_empty():
        raise CheckSkippedError("no record has a label")
    counted = labelled["label"].value_counts().sort("count", "label", descending=[True, False])
    counts: dict[str, int] = dict(counted.iter_rows())
    vocabulary: Sequence[str] = context.parameter(check, "labels")
    if vocabulary:
        meant = _outside(counts, vocabulary)
    else:
        meant = _typos(counts, context.parameter(check, "times"))
        meant |= _variants(counts, context.parameter(check, "least_support"))
    found = pl.DataFrame(
        [(label, *other) for label, other in meant.items()],
        schema={"label": pl.String, "related": pl.String, "message": pl.String},
        orient="row",
    )
    return labelled.join(found, on="label", maintain_order="left").select(
        "row", "related", "message", field=pl.lit("label")
    )


Meant = dict[str, tuple[str | None, str]]


def _outside(counts: Mapping[str, int], vocabulary: Sequence[str]) -> Meant:
    by_form = {_form(label): label for label in vocabulary}
    meant: Meant = {}
    for label in counts.keys() - set(vocabulary):
        near = by_form.get(_form(label)) or next(
            iter(get_close_matches(label, vocabulary, 1)), None
        )
        hint = f", perhaps {near!r}" if near is not None else ""
        meant[label] = (near, f"{label!r} is not among the labels{hint}")
    return meant


def _variants(counts: Mapping[str, int], least_support: int) -> Meant:
    by_form: dict[str, list[str]] = {}
    for label in counts:
        by_form.setdefault(_form(label), []).append(label)
    meant: Meant = {}
    for labels in by_form.values():
        # They come the most frequent first.
        usual = labels[0]
        if counts[usual] < least_support:
            continue
        for label in labels[1:]:
            how = f"is how {counts[usual]:,} rows write it, {counts[label]:,} write {label!r}"
            meant[label] = (usual, f"{usual!r} {how}")
    return meant


def _typos(counts: Mapping[str, int], times: int) -> Meant:
    """Match rare labels with frequent ones by what is left when a letter is taken away."""
    rare = [label for label, count in counts.items() if _letters(label) >= _FEWEST_LETTERS]
    shortened: dict[str, list[str]] = {}
    for label in rare:
        for rest in _one_less(label):
            shortened.setdefault(rest, []).append(label)
    meant: Meant = {}
    for near in shortened.values():
        # They come the most frequent first.
        usual = near[0]
        for label in near[1:]:
            if counts[usual] >= times * counts[label] and is_one_letter_away(label, usual):
                seen = f"{counts[usual]:,} rows have {usual!r}, {counts[label]:,} have {label!r}"
                meant.setdefault(label, (usual, f"one letter apart: {seen}"))
    return meant


def _form(label: str) -> str:
    """Return what is left of a label without case, white space and separators."""
    text = label.strip()
    if _NUMBER.fullmatch(text):
        return text
    return _SEPARATORS.sub(" ", text.casefold()).strip() or text


def _letters(label: str) -> int:
    return sum(letter.isalpha() for letter in label)


def _one_less(label: str) -> Iterator[str]:
    yield label
    yield from {label[:place] + label[place + 1 :] for place in range(len(label))}


def is_one_letter_away(label: str, other: str) -> bool:
    """Tell whether one letter was added, left out or replaced, or two were swapped."""
    start = next((i for i, (a, b) in enumerate(zip(label, other, strict=False)) if a != b), None)
    if start is None:
        start = min(len(label), len(other))
    rest, other_rest = label[start:], other[start:]
    changed = {
        (rest[1:], other_rest): rest[:1],
        (rest, other_rest[1:]): other_rest[:1],
        (rest[1:], other_rest[1:]): rest[:1] + other_rest[:1],
        (rest[1:2] + rest[:1] + rest[2:], other_rest): rest[:2],
    }
    return any(
        mine == theirs and all(letter.isalpha() for letter in letters) and letters != ""
        for (mine, theirs), letters in changed.items()
    )


CHECK = DatasetCheck(
    name="schema/label-vocabulary",
    title="labels that are probably meant to be another one",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    summaries=(label_rows,),
    find=_find,
    parameters={
        "labels": Parameter((), "all labels there are; where empty, they are compared"),
        "times": Parameter(50, "a typo is rare: one in fifty lets few real pairs of labels pass"),
        "least_support": Parameter(5, "rows that make one way to write a label the usual one"),
    },
)
