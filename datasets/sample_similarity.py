"""How similar the texts of the sample are, by the runs of words that they share."""

from __future__ import annotations

from collections import Counter


def shingles(text: str, size: int = 5) -> frozenset[tuple[str, ...]]:
    """Return all runs of words of a length, in lower case.

    Example:
        >>> len(shingles("one two three four five six"))
        2
    """
    read = text.casefold().split()
    return frozenset(tuple(read[start : start + size]) for start in range(len(read) - size + 1))


def jaccard(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> float:
    """Return the share of runs of words that two texts have in common."""
    return len(left & right) / max(1, len(left | right))


class SeenTexts:
    """Remembers texts and finds the similarity of a new one to the most similar of them."""

    def __init__(self) -> None:
        """Start without any text."""
        self._seen: list[frozenset[tuple[str, ...]]] = []
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
