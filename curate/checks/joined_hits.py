"""Many hits of one message, told and repaired as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .spans import Hit

_NAMED = 4


def joined(text: str, hits: Sequence[Hit], most: int) -> Sequence[Hit]:
    """Return the hits, or one from the first to the last that stands for them, if they are many.

    Args:
        text: the message.
        hits: in order and apart, each with its place; only those that offer a repair are joined.
        most: how many of these a message may have.
    """
    repairs = [hit for hit in hits if hit.related is not None and hit.fix is None]
    if len(repairs) <= most:
        return hits
    start, end = repairs[0].start or 0, repairs[-1].end or 0
    pieces, position = [], start
    for hit in repairs:
        pieces += [text[position : hit.start], hit.related or ""]
        position = hit.end
    counts = Counter(hit.message for hit in repairs).most_common()
    named = ", ".join(f"{message} ({times})" for message, times in counts[:_NAMED])
    others = ", …" if counts[_NAMED:] else ""
    scores = [hit.score for hit in repairs if hit.score is not None]
    one = Hit(
        f"{len(repairs)} places: {named}{others}",
        start,
        end,
        score=min(scores, default=None),
        related="".join(pieces),
    )
    return [one, *(hit for hit in hits if hit.related is None or hit.fix is not None)]
