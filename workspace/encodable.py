"""Text for a terminal that does not have every sign: stand-ins that keep charts in their columns.

What tunewise draws itself has a stand-in that means the same; of other texts what the terminal
does not have becomes question marks, one a column.
"""

from __future__ import annotations

import unicodedata

ASCII = "ascii"

_STAND_INS = {
    "│": "|",
    "┊": ":",
    "─": "-",
    "├": "[",
    "┤": "]",
    "●": "o",
    "▲": "^",
    "▼": "v",
    "○": ".",
    "✔": "+",
    "✖": "x",
    "−": "-",
    "–": "-",
    "…": ".",
    "→": ">",
    "·": "-",
    "×": "x",
    "≥": ">=",
    "⟦": "[",
    "⟧": "]",
    "⟨": "<",
    "⟩": ">",
}


def encodable(text: str, encoding: str) -> str:
    """Return a text in which an encoding has every character.

    Args:
        text: already safe to show.
        encoding: the terminal's, or ``ascii``.

    Returns:
        The text itself where the encoding has it all; else as wide as before, except for signs
        that only stand in sentences.

    Example:
        >>> encodable("├─●─┤ −3.1 ▼ forgot 漢", "ascii"), encodable("Zoë ≥ 3", "latin-1")
        ('[-o-] -3.1 v forgot ??', 'Zoë >= 3')
    """
    if _has(encoding, text):
        return text
    return "".join(letter if _has(encoding, letter) else _stand_in(letter) for letter in text)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _stand_in(letter: str) -> str:
    if letter in _STAND_INS:
        return _STAND_INS[letter]
    if unicodedata.combining(letter):
        return ""
    return "??" if unicodedata.east_asian_width(letter) in "WF" else "?"
