r"""Characters that cannot be seen: control, bidi, zero-width and tag characters.

They reach data from terminals, PDFs and web pages, and they can carry text that a reader does not
see ("ASCII smuggling" by tag characters and variation selectors, "Trojan Source" by bidi
controls: Boucher and Anderson 2021, CVE-2021-42574). What a script needs is left alone: joiners
beside letters that join, marks of direction near right-to-left text, joined emoji, flags.

Evidence: ``start`` and ``end`` hold one run of such characters, or a terminal's whole escape
sequence; the message names them by code point; ``score`` is 1. A message with more than
``most_findings`` of them gets one finding from the first to the last.

Fix: the repair takes them out; line and paragraph separators become line breaks, and a LaTeX
command whose backslash was read as an escape (``\f`` of ``\frac``) comes back.

Limits: whether a soft hyphen or a joiner is wanted for the look of a page cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .joined_hits import joined
from .misread import MISREAD, REST_OF_QUOTATION_MARK, what_was_meant
from .spans import Hit, search_texts

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u061c\u200e\u200f"
_JOINERS = "\u200c\u200d"
_ZERO_WIDTH = "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_PATTERN = re.compile(
    # A terminal's escape sequence goes as a whole: its visible rest means nothing.
    rf"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b\n]{{0,200}}(?:\x07|\x1b\\))"
    rf"|[{_CONTROL}]+|[{_BIDI}]+|[{_MARKS}{_JOINERS}{_ZERO_WIDTH}]{{4,}}"
    rf"|[{_MARKS}]+|[{_JOINERS}]+|[{_ZERO_WIDTH}]+|[{_TAGS}]+"
    # One selects how the character before it looks; more of them only hide something.
    rf"|(?<=[{_SELECTORS}])[{_SELECTORS}]+"
)
_MAY_HOLD = (
    f"[{_CONTROL}{_BIDI}{_MARKS}{_JOINERS}{_ZERO_WIDTH}{_TAGS}]|[{_SELECTORS}][{_SELECTORS}]"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_NEEDS_NO_JOINER = re.compile(r"[\x00-\u02ff\u1e00-\u1eff\s]?")
_ROW = re.compile(f"[{_MARKS}{_JOINERS}{_ZERO_WIDTH}]{{4,}}")
_BLACK_FLAG = "\U0001f3f4"
_REGION = re.compile(f"[{_TAGS}]{{1,6}}\U000e007f")
# Where a LaTeX command was read as an escape: its letter and what follows it.
_EATEN = {
    "\x07": ("\\a", re.compile("lpha|ngle|pprox|lign|rray")),
    "\x08": ("\\b", re.compile("egin|eta|ar\\b|inom|ig|oxed|oldsymbol|ullet")),
    "\x0b": ("\\v", re.compile("ec|dots|ert|arphi")),
    "\x0c": ("\\f", re.compile("rac|orall|box|lat")),
}
_MEANINGS = (
    (_CONTROL, "a control character"),
    (_BIDI, "a character that turns the direction of reading"),
    (_MARKS, "a mark of direction in a text that needs none"),
    (_JOINERS, "a joiner where nothing is joined"),
    (_ZERO_WIDTH, "an unseen character"),
    (_TAGS, "unseen tag characters, which can carry hidden text"),
    (_SELECTORS, "unseen variation selectors in a row, which can carry hidden text"),
)


def _judge(match: re.Match[str]) -> Hit | None:
    meaning = _meaning(match)
    if meaning is None:
        return None
    codes = " ".join(dict.fromkeys(f"U+{ord(letter):04X}" for letter in match[0][:8]))
    return Hit(f"{meaning} ({codes})", *match.span(), score=1.0, related=_replacement(match))


def _meaning(match: re.Match[str]) -> str | None:
    """Say what the characters are; None where the text needs them."""
    first = match[0][0]
    before = match.string[max(0, match.start() - 1) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if _ROW.fullmatch(match[0]):
        return "unseen characters in a row, which can carry hidden text"
    if re.match(f"[{_JOINERS}]", first) and not (
        _NEEDS_NO_JOINER.fullmatch(before) and _NEEDS_NO_JOINER.fullmatch(after)
    ):
        return None
    if re.match(f"[{_MARKS}]", first) and _RIGHT_TO_LEFT.search(
        match.string, max(0, match.start() - 200), match.end() + 200
    ):
        return None
    if before == _BLACK_FLAG and _REGION.fullmatch(match[0]):
        return None
    if "\x80" <= first <= "\x9f" and _is_part_of_mojibake(match):
        return None
    return next(meaning for letters, meaning in _MEANINGS if re.match(f"[{letters}]", first))


def _is_part_of_mojibake(match: re.Match[str]) -> bool:
    """Tell whether text/mojibake repairs these characters together with those before them."""
    around = match.string[max(0, match.start() - 3) : match.end() + 3]
    return any(
        match[0] in found[0]
        and (found[0] == REST_OF_QUOTATION_MARK or what_was_meant(found) is not None)
        for found in MISREAD.finditer(around)
    )


def _replacement(match: re.Match[str]) -> str:
    """Separators become line breaks, eaten LaTeX commands come back, all else goes."""
    if re.search("[\u2028\u2029]", match[0]):
        return "\n"
    command, rest = _EATEN.get(match[0], ("", None))
    return command if rest is not None and rest.match(match.string, match.end()) else ""


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    most = context.parameter(check, "most_findings")

    def search(text: str) -> Sequence[Hit]:
        hits = (_judge(match) for match in _PATTERN.finditer(text))
        return joined(text, [hit for hit in hits if hit is not None], most)

    return search_texts(context.messages, search, where=pl.col("content").str.contains(_MAY_HOLD))


CHECK = RowCheck(
    name="text/control-characters",
    title="control, bidi and zero-width characters",
    severity=Severity.MEDIUM,
    fix=Fix.REPAIR,
    find=_find,
    parameters={"most_findings": Parameter(20, "of a message; more are shown and repaired as one")},
)
