"""How similar the texts of the sample are, by the runs of words that they share."""

from __future__ import annotations

from collections import Counter

from ..curate.selftest.plantings.similarity import Runs, jaccard, shingles


class SeenTexts:
    """Remembers texts and finds the similarity of a new one to the most similar of them."""

    def __init__(self) -> None:
        """Start without any text."""
        self._seen: list[Runs] = []
        self._holders: dict[tuple[str, ...], list[int]] = {}

    def add(self, text: str) -> None:
        """Remember a text."""
        runs = shingles(text)
        for run in runs:
            self._holders.setdefault(run, []).append(len(self._seen))
        self._seen.append(runs)

    def closest(self, text: str) -> float:
        """Return the similarity to the most similar text so far."""
        runs = shingles(text)
        shared = Counter(number for run in runs for number in self._holders.get(run, ()))
        return max((jaccard(runs, self._seen[number]) for number in shared), default=0.0)
