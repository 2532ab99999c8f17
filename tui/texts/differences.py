"""Word differences between two texts, marked so that they need no colour."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.text import Text

from ...workspace.safe_text import safe_text
from .marks import BAD, GOOD

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
# SequenceMatcher is quadratic in the worst case; two middles this long are done in a moment.
_MOST_WORDS = 1500
# Below this, word by word is a jumble of marks around stray commas: show two different texts.
_LEAST_ALIKE = 0.3


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts to compare, ready to be shown."""

    left_title: str
    left: Text
    right_title: str
    right: Text


def mark_differences(left: str, right: str) -> tuple[Text, Text]:
    """Return both texts with what only the one has in ``[-…-]`` and only the other in ``{+…+}``.

    Args:
        left: the first text.
        right: the second text.

    Example:
        >>> [text.plain for text in mark_differences("how do I pay", "how can I pay")]
        ['how [-do-] I pay', 'how {+can+} I pay']
    """
    left_words, right_words = _WORDS.findall(left), _WORDS.findall(right)
    begin = _common(left_words, right_words)
    end = _common(left_words[begin:][::-1], right_words[begin:][::-1])
    left_text = Text(_safe("".join(left_words[:begin])))
    right_text = left_text.copy()
    left_middle = left_words[begin : len(left_words) - end]
    right_middle = right_words[begin : len(right_words) - end]
    for left_part, right_part, equal in _compare(left_middle, right_middle):
        if equal:
            left_text.append(_safe(left_part))
            right_text.append(_safe(right_part))
        else:
            _append_marked(left_text, left_part, "[-", "-]", BAD)
            _append_marked(right_text, right_part, "{+", "+}", GOOD)
    tail = _safe("".join(left_words[len(left_words) - end :]))
    return left_text.append(tail), right_text.append(tail)


def _common(left: Iterable[str], right: Iterable[str]) -> int:
    """Return how many words two lists begin with in common."""
    number = 0
    for left_word, right_word in zip(left, right, strict=False):
        if left_word != right_word:
            break
        number += 1
    return number


def _compare(left: list[str], right: list[str]) -> list[tuple[str, str, bool]]:
    """Cut two word lists into pieces, equal or not; long or unlike ones differ as a whole."""
    if max(len(left), len(right)) > _MOST_WORDS:
        return [("".join(left), "".join(right), False)]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    pieces = [
        ("".join(left[start:end]), "".join(right[other_start:other_end]), operation == "equal")
        for operation, start, end, other_start, other_end in matcher.get_opcodes()
    ]
    alike = sum(len(piece.split()) for piece, _, equal in pieces if equal)
    words = max(len("".join(left).split()), len("".join(right).split()))
    if alike < _LEAST_ALIKE * words:
        return [("".join(left), "".join(right), False)]
    return pieces


def _append_marked(text: Text, part: str, opening: str, closing: str, style: str) -> None:
    """Append a piece with its marks close around the words, white space outside."""
    core = part.strip()
    if not core:
        text.append(_safe(part))
        return
    start = part.index(core)
    text.append(_safe(part[:start]))
    text.append(f"{opening}{_safe(core)}{closing}", style=f"reverse {style}")
    text.append(_safe(part[start + len(core) :]))


def _safe(text: str) -> str:
    return safe_text(text, keep_line_breaks=True)
