"""Hostile text made harmless to look at: what cannot be seen becomes a visible glyph.

Every text that comes from data passes through :func:`safe_text` where it leaves for a terminal,
a page or an app. Afterwards it holds no character that moves a cursor, retitles a window, turns
the direction of reading or hides. It is still plain text: the HTML page escapes it besides, and
the app never reads it as markup.
"""

from __future__ import annotations

import re

_NAMED = {
    0x0A: "↵",
    0x09: "⇥",
    0x7F: "␡",
    0x00AD: "⟨SHY⟩",
    0x061C: "⟨ALM⟩",
    0x200B: "⟨ZWSP⟩",
    0x200C: "⟨ZWNJ⟩",
    0x200D: "⟨ZWJ⟩",
    0x200E: "⟨LRM⟩",
    0x200F: "⟨RLM⟩",
    0x2028: "⟨LS⟩",
    0x2029: "⟨PS⟩",
    0x202A: "⟨LRE⟩",
    0x202B: "⟨RLE⟩",
    0x202C: "⟨PDF⟩",
    0x202D: "⟨LRO⟩",
    0x202E: "⟨RLO⟩",
    0x2060: "⟨WJ⟩",
    0x2066: "⟨LRI⟩",
    0x2067: "⟨RLI⟩",
    0x2068: "⟨FSI⟩",
    0x2069: "⟨PDI⟩",
    0xFEFF: "⟨BOM⟩",
}

# Control, format and separator characters, lone surrogates (which no file can hold as UTF-8) and
# the letters and marks that Unicode calls default-ignorable. The presentation selectors FE0E and
# FE0F, which follow ordinary emoji, stay.
_UNSEEN_RANGES = (
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFE00, 0xFE0D),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_UNSEEN = re.compile(
    "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _UNSEEN_RANGES) + "]"
)


def safe_text(text: str, *, keep_line_breaks: bool = False) -> str:
    r"""Show control, bidirectional and zero-width characters as visible glyphs.

    Args:
        text: anything, trusted or not.
        keep_line_breaks: leave line breaks and tabs as they are, for places that show several
            lines; otherwise the result is a single line.

    Returns:
        The text with every unseen character replaced; applying it again changes nothing.

    Example:
        >>> print(safe_text("\x1b]0;title\x07 a\nb \u202e"))
        ␛]0;title␇ a↵b ⟨RLO⟩
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(_keep_lines if keep_line_breaks else _glyph, text)


def excerpt(text: object, limit: int, *, keep_line_breaks: bool = True) -> str:
    """Return the beginning of a text from data, harmless, at most ``limit`` letters and a mark.

    Example:
        >>> excerpt("a rather long text", 8), excerpt(None, 8)
        ('a rather […]', '')
    """
    if text is None:
        return ""
    whole = str(text)
    safe = safe_text(whole[:limit], keep_line_breaks=keep_line_breaks)
    return safe[:limit].rstrip() + (" […]" if max(len(whole), len(safe)) > limit else "")


def name_of(text: object) -> str:
    """Return a name from data on one line of bearable length."""
    return excerpt(text, 80, keep_line_breaks=False)


def _keep_lines(match: re.Match[str]) -> str:
    return match[0] if match[0] in "\n\t" else _glyph(match)


def _glyph(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in _NAMED:
        return _NAMED[code]
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"
