r"""Characters that went wrong or cannot be seen: mojibake, control, bidi and zero-width characters.

Limits: mojibake is found where UTF-8 was read as Windows-1252 or Latin-1, by far the most usual
way; other pairs of encodings (such as Cyrillic ones) are not. What a lost character was cannot be
told, so ``\ufffd`` is reported without a repair.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

# How the bytes 80 to BF, which continue a UTF-8 sequence, look in Windows-1252 and Latin-1.
_CONTINUATION = "\u0080-\u00bf" + "".join(
    sorted(bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in
           (0x81, 0x8D, 0x8F, 0x90, 0x9D))
)  # fmt: skip
# Only what really follows: Latin-1 and Latin Extended-A letters, Greek and Cyrillic, general
# punctuation, symbols and CJK, emoji.
_BROKEN = (
    f"[ÂÃÄÅ][{_CONTINUATION}]"
    f"|[\u00ce\u00cf\u00d0\u00d1][{_CONTINUATION}](?:[\u00ce\u00cf\u00d0\u00d1][{_CONTINUATION}])+"
    f"|[\u00e2\u00e3-\u00e9\u00ef][{_CONTINUATION}]{{2}}"
    f"|\u00f0[{_CONTINUATION}]{{3}}"
)
# What is left of a quotation mark whose last byte has no character in Windows-1252.
_REST = "\u00e2\u20ac"
_MOJIBAKE = re.compile(f"(?:{_BROKEN})+|{_REST}|\ufffd+")
_MAY_BE_MOJIBAKE = f"{_BROKEN}|{_REST}|\ufffd"
# After a capital, these end a word in capitals or stand beside it: “AMANHÔ is no mojibake.
_PUNCTUATION = "\u00a0«»“”‘’–—…™®©°ºª"

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u061c\u200e\u200f"
_JOINERS = "\u200c\u200d"
_ZERO_WIDTH = "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_TAGS = "\U000e0000-\U000e007f"
_UNSEEN = re.compile(
    # A terminal's escape sequence goes as a whole: its visible rest means nothing.
    rf"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b\n]{{0,200}}(?:\x07|\x1b\\))"
    rf"|[{_CONTROL}]+|[{_BIDI}]+|[{_MARKS}]+|[{_JOINERS}]+|[{_ZERO_WIDTH}]+"
    rf"|(?<![\U0001f3f4{_TAGS}])[{_TAGS}]+"
)
_MAY_BE_UNSEEN = f"[{_CONTROL}{_BIDI}{_MARKS}{_JOINERS}{_ZERO_WIDTH}{_TAGS}]"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_NEEDS_NO_JOINER = re.compile(r"[\x00-\u02ff\u1e00-\u1eff\s]?")
# Where a LaTeX command was read as an escape: its letter and what follows it.
_EATEN = {
    "\x07": ("\\a", re.compile("lpha|ngle|pprox|lign|rray")),
    "\x08": ("\\b", re.compile("egin|eta|ar\\b|inom|ig|oxed|oldsymbol|ullet")),
    "\x0b": ("\\v", re.compile("ec|dots|ert|arphi")),
    "\x0c": ("\\f", re.compile("rac|orall|box|lat")),
}
_NAMES = (
    (_CONTROL, "a control character"),
    (_BIDI, "a character that turns the direction of reading"),
    (_MARKS, "a mark of direction in a text that needs none"),
    (_JOINERS, "a joiner where nothing is joined"),
    (_ZERO_WIDTH, "an unseen character"),
    (_TAGS, "unseen tag characters, which can carry hidden text"),
)


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


def _judge_mojibake(match: re.Match[str]) -> Hit | None:
    text = match[0]
    if text.startswith("\ufffd"):
        return Hit("a character was lost: replacement character", score=1.0, fix=Fix.REVIEW)
    if text == _REST:
        return Hit("part of a character in the wrong encoding", score=1.0, fix=Fix.REVIEW)
    before = match.string[max(0, match.start() - 1) : match.start()]
    if len(text) == 2 and before.isupper() and text[1] in _PUNCTUATION:
        return None
    repaired = unbroken(text)
    if repaired is None:
        return None
    return Hit(f"UTF-8 read as Windows-1252; meant is {repaired!r}", score=1.0, related=repaired)


def _judge_unseen(match: re.Match[str]) -> Hit | None:
    first = match[0][0]
    before = match.string[max(0, match.start() - 1) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if re.match(f"[{_JOINERS}]", first) and not (
        _NEEDS_NO_JOINER.fullmatch(before) and _NEEDS_NO_JOINER.fullmatch(after)
    ):
        return None
    if re.match(f"[{_MARKS}]", first) and _RIGHT_TO_LEFT.search(
        match.string, max(0, match.start() - 200), match.end() + 200
    ):
        return None
    if "\x80" <= first <= "\x9f" and _is_part_of_mojibake(match):
        return None
    name = next(name for letters, name in _NAMES if re.match(f"[{letters}]", first))
    codes = " ".join(dict.fromkeys(f"U+{ord(letter):04X}" for letter in match[0][:8]))
    return Hit(f"{name} ({codes})", score=1.0, related=_replacement(match))


def _is_part_of_mojibake(match: re.Match[str]) -> bool:
    """Tell whether the other check repairs these characters together with those before them."""
    around = match.string[max(0, match.start() - 3) : match.end() + 3]
    return any(match[0] in found[0] and _judge_mojibake(found) for found in
               _MOJIBAKE.finditer(around))  # fmt: skip


def _replacement(match: re.Match[str]) -> str:
    """Separators become line breaks, eaten LaTeX commands come back, all else goes."""
    if re.search("[\u2028\u2029]", match[0]):
        return "\n"
    command, rest = _EATEN.get(match[0], ("", None))
    return command if rest is not None and rest.match(match.string, match.end()) else ""


def _mojibake(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_MOJIBAKE)
    return find_spans(context.messages, _MOJIBAKE, _judge_mojibake, where=where)


def _control_characters(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_UNSEEN)
    return find_spans(context.messages, _UNSEEN, _judge_unseen, where=where)


CHECKS = (
    RowCheck(
        name="text/mojibake",
        title="characters read in the wrong encoding",
        severity=Severity.MEDIUM,
        fix=Fix.REPAIR,
        find=_mojibake,
    ),
    RowCheck(
        name="text/control-characters",
        title="control, bidi and zero-width characters",
        severity=Severity.MEDIUM,
        fix=Fix.REPAIR,
        find=_control_characters,
    ),
)
