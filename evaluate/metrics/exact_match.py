"""Exact match: the share of answers that equal the reference but for case, marks and spacing."""

from __future__ import annotations

from .paired_texts import PairedTexts
from .words import words


class ExactMatch(PairedTexts):
    """``compute`` returns ``exact_match`` (the mean) and ``items`` (0 or 1 for each pair)."""

    key = "exact_match"
    about = "Share of answers that have the words of their reference, in the same order."
    source = "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text"

    def compare(self, answer: str, reference: str) -> float:
        """Tell whether both have the same words."""
        return float(words(answer) == words(reference))
