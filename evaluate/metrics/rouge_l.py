"""ROUGE-L: how many words an answer and its reference have in common, in the same order."""

from __future__ import annotations

from bisect import bisect_left

from .paired_texts import PairedTexts
from .words import words


class RougeL(PairedTexts):
    """``compute`` returns ``rouge_l`` (the mean) and ``items`` (0 to 1 for each pair).

    Words are compared as they are, without stemming, which is for English alone.
    """

    key = "rouge_l"
    about = "F1 of the longest common subsequence of words of the answer and the reference."
    source = "Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries"

    def compare(self, answer: str, reference: str) -> float:
        """Return the F1 of the words in the same order."""
        return rouge_l(words(answer), words(reference))


def rouge_l(answer: list[str], reference: list[str]) -> float:
    """Return the F1 of the longest common subsequence; two empty texts are equal."""
    if not answer or not reference:
        return float(answer == reference)
    return 2 * common_subsequence(answer, reference) / (len(answer) + len(reference))


def common_subsequence(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence.

    The positions of equal words, read backwards for each word of ``one``, form a sequence whose
    longest increasing subsequence is the answer (Hunt and Szymanski 1977).
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(other):
        places.setdefault(word, []).append(place)
    ends: list[int] = []
    for word in one:
        for place in reversed(places.get(word, ())):
            index = bisect_left(ends, place)
            ends[index : index + 1] = [place]
    return len(ends)
