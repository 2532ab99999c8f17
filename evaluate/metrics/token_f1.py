"""Token F1: how many words an answer and its reference have in common, whatever their order."""

from __future__ import annotations

from collections import Counter

from .paired_texts import PairedTexts
from .words import words


class TokenF1(PairedTexts):
    """``compute`` returns ``token_f1`` (the mean) and ``items`` (0 to 1 for each pair)."""

    key = "token_f1"
    about = "Harmonic mean of the shares of common words in the answer and in the reference."
    source = "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text"

    def compare(self, answer: str, reference: str) -> float:
        """Return the F1 of the words, whatever their order."""
        return token_f1(words(answer), words(reference))


def token_f1(answer: list[str], reference: list[str]) -> float:
    """Return the F1 of two bags of words; two empty ones are equal."""
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2 * common / (len(answer) + len(reference))
