"""Free answers beside their words: whether they refuse, and how long they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...curate.checks.refusals import find_refusal
from ..items import Answers
from ..metrics.words import words
from ..verdicts.statistics import Floats
from .observation import Observation, Paired, codes_of, direction, observe


def refusal_observation(base: Answers, tuned: Answers, margin: float) -> Observation:
    """Compare how often two models refuse, by the rules of the check ``text/refusal``.

    Args:
        base: free answers, with ``output`` and ``expected``.
        tuned: those of the same rows.
        margin: a change of less than this is none.
    """
    first, second = (_refused(one, "output") for one in (base, tuned))
    meant = float(_refused(base, "expected").mean())
    found, _ = observe(
        "refusals",
        f"{base.info.group}/refusals",
        "share",
        Paired(first, second, codes_of(base)),
        text=f"answers that refuse; of the expected ones {100 * meant:.1f} % do",
    )
    return replace(found, verdict=direction(found, "refuses more", "refuses less", margin))


def length_observation(base: Answers, tuned: Answers, margin: float) -> Observation:
    """Compare how long answers are, as multiples of their references' words.

    Args:
        base: free answers, with ``output`` and ``expected``.
        tuned: those of the same rows.
        margin: a change of less than this is none.
    """
    first, second = (_length_ratios(one) for one in (base, tuned))
    found, _ = observe(
        "answers",
        f"{base.info.group}/length",
        "number",
        Paired(first, second, codes_of(base), bounded=False),
        text="words of an answer for each word of the expected one; answers are cut off at twice "
        "its tokens",
    )
    return replace(found, verdict=direction(found, "longer", "shorter", margin))


def _refused(answers: Answers, column: str) -> Floats:
    texts = answers.frame[column].to_list()
    return np.array([float(find_refusal(text or "") is not None) for text in texts])


def _length_ratios(answers: Answers) -> Floats:
    pairs = answers.frame.select("output", "expected").iter_rows()
    return np.array([len(words(said or "")) / max(1, len(words(meant))) for said, meant in pairs])
