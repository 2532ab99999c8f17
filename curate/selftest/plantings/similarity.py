"""How similar two texts are, by the runs of words that they share: plain code, made to be read."""

from __future__ import annotations

Runs = frozenset[tuple[str, ...]]


def shingles(text: str, size: int = 5) -> Runs:
    """Return all runs of words of a length, in lower case.

    Example:
        >>> len(shingles("one two three four five six"))
        2
    """
    read = text.casefold().split()
    return frozenset(tuple(read[start : start + size]) for start in range(len(read) - size + 1))


def jaccard(left: Runs, right: Runs) -> float:
    """Return the share of runs of words that two texts have in common."""
    return len(left & right) / max(1, len(left | right))
