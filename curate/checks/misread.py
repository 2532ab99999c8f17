"""Text whose bytes were read in the wrong encoding: what it looks like, and what was meant."""

from __future__ import annotations

import re

# How the bytes 80 to BF, which continue a UTF-8 sequence, look in Windows-1252 and Latin-1.
_CONTINUATION = "\u0080-\u00bf" + "".join(
    sorted(bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in
           (0x81, 0x8D, 0x8F, 0x90, 0x9D))
)  # fmt: skip
# Signs among them that hardly ever follow a capital letter, as quotation marks and dots do.
_SIGNS = "€ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ"
# Single letters of Latin-1, Latin Extended-A, phonetic script and Greek; two and more of any
# alphabet of two bytes; general punctuation, symbols and CJK; two and more of the scripts of India
# and their neighbours ("à" before a hard blank and a quotation mark is French); emoji.
_BROKEN = (
    f"[ÂÃÄÅ][{_CONTINUATION}]"
    f"|[ÉÊËÎÏ][\u00a1-\u00aa\u00ac-\u00b9\u00bc-\u00bf{_SIGNS}]"
    f"|[\u00c3-\u00df][{_CONTINUATION}](?:[\u00c2-\u00df][{_CONTINUATION}])+"
    f"|[\u00e2\u00e3-\u00e9\u00ef][{_CONTINUATION}]{{2}}"
    f"|(?:[\u00e0\u00e1][{_CONTINUATION}]{{2}}){{2,}}"
    f"|\u00f0[{_CONTINUATION}]{{3}}"
)
# What is left of a quotation mark whose last byte has no character in Windows-1252.
REST_OF_QUOTATION_MARK = "\u00e2\u20ac"
MISREAD = re.compile(f"(?:{_BROKEN})+|{REST_OF_QUOTATION_MARK}")
MAY_BE_MISREAD = f"{_BROKEN}|{REST_OF_QUOTATION_MARK}"
# After a capital, these end a word in capitals or stand beside it: “AMANHÔ is not misread.
_PUNCTUATION = "\u00a0«»“”‘’–—…™®©°ºª"
_MOST_TIMES = 3


def unbroken(text: str) -> str | None:
    r"""Undo UTF-8 read as Windows-1252; None where that is not what happened.

    Example:
        >>> unbroken("Ã©"), unbroken("â€™"), unbroken("Ex")
        ('é', '’', None)
    """
    codes = bytearray()
    for letter in text:
        try:
            codes += letter.encode("cp1252")
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return None
            codes.append(ord(letter))
    try:
        repaired = codes.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if repaired == text else repaired


def what_was_meant(match: re.Match[str]) -> str | None:
    """Return the text that a match of :data:`MISREAD` stands for; None where it may be meant so.

    Files that went through the wrong hands more than once are read back as often.
    """
    text = match[0]
    before = match.string[max(0, match.start() - 1) : match.start()]
    if len(text) == 2 and before.isupper() and text[1] in _PUNCTUATION:
        return None
    meant = unbroken(text)
    for _ in range(_MOST_TIMES - 1):
        again = meant and unbroken(meant)
        if not again:
            break
        meant = again
    return meant
