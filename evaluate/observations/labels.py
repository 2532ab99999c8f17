"""Labels: macro-F1 of base and tuned with its interval, and what was taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..domain.kinds import label_names
from ..items import Answers
from ..metrics.words import words
from ..verdicts.judgement import IMPROVED, UNDECIDED, WORSE
from ..verdicts.statistics import Floats, Integers
from .observation import NO_CHANGE, Observation, codes_of, paired_bootstrap

OTHER = "(no label)"
_NO_LABEL = -1
_MOST_SHOWN = 12


def label_observation(base: Answers, tuned: Answers, margin: float) -> Observation:
    """Compare the macro-F1 of two models on the same rows.

    Macro-F1 is the plain mean of the F1 of each label that is expected or said (Sokolova and
    Lapalme 2009; scikit-learn's ``average="macro"``); its interval is the bootstrap by cluster of
    the paired change.

    Args:
        base: rows with ``output`` and ``expected``.
        tuned: the same rows.
        margin: a change of less than this is none.
    """
    labels = labels_of(base)
    count = len(labels)
    meant = _numbered(base.frame["expected"].to_list(), labels)
    said = [_numbered(one.frame["output"].to_list(), labels) for one in (base, tuned)]
    columns = np.hstack([_one_hot(meant, count), *(_columns(one, meant, count) for one in said)])
    codes = codes_of(base)
    # Less than half a row of a label: it is there by the two items of the interval alone.
    least = 0.5 / len(base.frame)

    def scores(means: Floats) -> tuple[Floats, Floats]:
        wanted, said, right, said_now, right_now = np.split(means, 5, axis=1)
        before = _macro_f1(wanted, said, right, least)
        return before, _macro_f1(wanted, said_now, right_now, least)

    first, second = (float(one[0]) for one in scores(columns.mean(axis=0)[None]))
    low, high = paired_bootstrap(
        columns, codes, lambda means: scores(means)[1] - scores(means)[0], _worst(columns)
    )
    verdict = UNDECIDED
    if low > 0 or high < 0:
        verdict = IMPROVED if low > 0 else WORSE
    elif -margin < low and high < margin:
        verdict = NO_CHANGE
    return Observation(
        topic="labels",
        name=f"{base.info.group}/macro-F1",
        unit="share",
        n=len(base.frame),
        base=first,
        tuned=second,
        delta=second - first,
        ci=(low, high),
        verdict=verdict,
        text=f"the mean of the F1 of {count} labels, each weighing the same",
    )


def confusion(answers: Answers, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Count what was taken for what.

    Args:
        answers: rows with ``output`` and ``expected``.
        labels: all labels; an output that is none of them counts as *no label*.

    Returns:
        ``expected``, ``said`` and ``items`` of each pair that occurs, the most frequent first.
    """
    meant = _numbered(answers.frame["expected"].to_list(), labels)
    said = _numbered(answers.frame["output"].to_list(), labels)
    names = [*labels, OTHER]
    counts = Counter(zip(meant.tolist(), said.tolist(), strict=True))
    return [
        {"expected": names[one], "said": names[other], "items": items}
        for (one, other), items in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def labels_of(answers: Answers) -> list[str]:
    """Return the labels that rows choose among, or else those that they expect."""
    choices = answers.frame["choices"].to_list()
    if choices and choices[0] is not None:
        return list(choices[0])
    return sorted(label_names(answers.frame["expected"].to_list()).values())


def confusion_table(
    pairs: Sequence[dict[str, Any]], most: int = _MOST_SHOWN
) -> tuple[list[str], list[list[int]]]:
    """Return a square of counts for readers.

    Args:
        pairs: as :func:`confusion` returns them.
        most: labels that are shown by name, those with the most rows; the others are one.

    Returns:
        The names of rows (and columns), and the counts, expected down and said across.
    """
    rows = Counter[str]()
    for pair in pairs:
        rows[pair["expected"]] += pair["items"]
    shown = sorted(name for name, _ in rows.most_common(most))
    others = "(others)"
    extra = others if len(rows) > most else None
    said = {pair["said"] for pair in pairs}
    no_label = [OTHER] if OTHER in said and OTHER not in shown else []
    names = [*shown, *([extra] if extra else []), *no_label]
    place = {name: number for number, name in enumerate(names)}
    counts = [[0] * len(names) for _ in names]
    for pair in pairs:
        row = place.get(pair["expected"], place.get(others))
        column = place.get(pair["said"], place.get(others))
        if row is None or column is None:
            # A label that nobody expected, said by a model.
            continue
        counts[row][column] += pair["items"]
    return names, counts


def _numbered(texts: Sequence[str | None], labels: Sequence[str]) -> Integers:
    """Number texts by the labels that they are, whatever case, marks and spacing."""
    exact = {label: number for number, label in enumerate(labels)}
    alike = {" ".join(words(label)): number for number, label in enumerate(labels)}
    found = [
        exact.get(text or "", alike.get(" ".join(words(text or "")), _NO_LABEL)) for text in texts
    ]
    return np.array(found, dtype=np.int64)


def _one_hot(numbers: Integers, count: int) -> Floats:
    """Return a column for each label, shape (n, labels); what is none has zeros."""
    return (numbers[:, None] == np.arange(count)[None, :]).astype(np.float64)


def _columns(said: Integers, meant: Integers, count: int) -> Floats:
    chosen = _one_hot(said, count)
    return np.hstack([chosen, chosen * _one_hot(meant, count)])


def _worst(columns: Floats) -> Floats:
    """Return an average item that only the base gets right, and one that only the tuned does."""
    wanted = np.split(columns, 5, axis=1)[0].mean(axis=0)
    wrong = np.zeros_like(wanted)
    return np.stack(
        [
            np.concatenate([wanted, wanted, wanted, wrong, wrong]),
            np.concatenate([wanted, wrong, wrong, wanted, wanted]),
        ]
    )


def _macro_f1(meant: Floats, said: Floats, right: Floats, least: float) -> Floats:
    """Return macro-F1 from shares of rows, each of shape (resamples, labels)."""
    total = meant + said
    # A label that a resample lacks altogether does not count in it.
    present = total >= least
    f1 = np.divide(2 * right, total, out=np.zeros_like(right), where=present)
    return f1.sum(axis=1) / np.maximum(1, present.sum(axis=1))
