"""What a corpus document is, and how items are kept out of the corpus."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

Turn = tuple[str, str]
"""One chat message: its role and its content."""


@dataclass(frozen=True)
class Document:
    """One document of the general corpus: plain text, or the turns of a chat.

    Attributes:
        kind: The generator it came from, such as `story` or `chat-facts`.
        text: The text of a plain document; empty for a chat.
        turns: The messages of a chat; empty for plain text.
    """

    kind: str
    text: str = ""
    turns: tuple[Turn, ...] = ()

    @property
    def words(self) -> list[str]:
        """All words of the document, split at white space."""
        if self.turns:
            return " ".join(content for _, content in self.turns).split()
        return self.text.split()


def words_in(listing: str) -> tuple[str, ...]:
    """Read a list of words from one string.

    Example:
        >>> words_in("red green")
        ('red', 'green')
    """
    return tuple(listing.split())


def stable_hash(*parts: object) -> int:
    """Hash parts to the same number in every process and on every machine.

    Example:
        >>> stable_hash("cat", 3) == stable_hash("cat", 3)
        True
    """
    return zlib.crc32("\x1f".join(str(part) for part in parts).encode())


def is_held_out(*parts: object, share: float = 0.1) -> bool:
    """Tell whether what the parts name is kept for the benchmarks.

    The corpus uses only what is not held out and the benchmarks only what is, so both sides
    agree without a list that has to be carried between them.

    Args:
        *parts: What names the thing, such as the two numbers of a sum.
        share: The share of all things that is held out.
    """
    return stable_hash("held-out", *parts) % 10_000 < share * 10_000
