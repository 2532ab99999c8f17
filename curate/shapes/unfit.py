"""A row that does not fit: where, what should be there, and what is there."""

from __future__ import annotations


class UnfitError(ValueError):
    """A row does not fit the shape it is read as.

    Args:
        place: the field, such as ``messages[1].role``.
        expected: what should be there.
        found: what is there.
    """

    def __init__(self, place: str, expected: str, found: str) -> None:
        """Say all three in one sentence."""
        super().__init__(f"{place}: expected {expected}, found {found}")
        self.place = place
        self.expected = expected
        self.found = found
