"""chrF: how many runs of letters an answer and its reference have in common."""

from __future__ import annotations

from .paired_texts import PairedTexts


class ChrF(PairedTexts):
    """``compute`` returns ``chrf`` (the mean) and ``items`` (0 to 1 for each pair).

    By sacrebleu, whose scale of 0 to 100 becomes 0 to 1; the mean is over pairs, not over a corpus.
    """

    key = "chrf"
    about = "F-score of character n-grams up to six letters, recall weighing twice (chrF2)."
    source = "Popovic 2015, chrF: character n-gram F-score for automatic MT evaluation"

    def compare(self, answer: str, reference: str) -> float:
        """Return chrF2."""
        from sacrebleu.metrics.chrf import CHRF

        return min(1.0, CHRF().sentence_score(answer, [reference]).score / 100)
