r"""White space that nobody wants: around texts, at the ends of lines, in runs, and of odd kinds.

Looked for are blanks and line breaks around a text, blanks at the ends of lines (two, which break
a line in Markdown, are left), runs of blanks and tabs between words, more blank lines in a row than
``most_blank_lines``, line breaks with ``\r``, and spaces other than the plain one (no-break, thin,
ideographic …) where neither French punctuation, digits nor Chinese text asks for them.

Code is left alone: blocks, words in backticks, and lines that look like code. So are indentation,
two blanks after a full stop, and texts laid out in columns.

Evidence: ``start`` and ``end`` hold the white space. A message with more than ``most_findings``
such places gets one finding from the first to the last of them, whose message counts them by kind.

Fix: the repair puts ``related`` in the place: the same characters with plain white space.

Limits: verse and drawings made of characters may want their blanks. In rows of prompt and
completion a blank before the completion may be meant for the tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .joined_hits import joined
from .prefilter import contains_one_of
from .spans import Hit, code_blocks, inside, search_texts

_ODD = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SPACE = rf"[ \t\r\n{_ODD}]"
_PATTERNS = {
    "before": rf"\A{_SPACE}+",
    "after": rf"(?<!{_SPACE}){_SPACE}+\Z",
    "blank_lines": rf"(?<=[\r\n])(?:[ \t{_ODD}]*(?:\r\n?|\n))+",
    # Two blanks break a line in Markdown.
    "line_end": rf"(?<=\S)(?! {{2}}[\r\n])[ \t{_ODD}]+(?=[\r\n])",
    "return": r"\r\n?",
    "tab": rf"(?<=\S)[ {_ODD}]*\t[ \t{_ODD}]*(?=\S)",
    "odd": rf"(?<! ) *[{_ODD}][ {_ODD}]*",
    "run": r"(?<=\S) {2,}(?=\S)",
}
_RUN = re.compile(rf"\A{_SPACE}+|{_SPACE}{{2,}}|[\t\r{_ODD}]|{_SPACE}\Z")
_LINE_BREAK = re.compile(r"\r\n?|\n")
_SPOT = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()))
_NAMES = {
    "before": "white space before the text",
    "after": "white space after the text",
    "return": "line break with a carriage return",
    "blank_lines": "blank lines with blanks or in a row",
    "line_end": "line that ends in blanks",
    "odd": "unusual space",
    "tab": "tab between words",
    "run": "run of blanks",
}
_REPLACEMENTS = {"line_end": "", "return": "\n", "odd": " ", "tab": " ", "run": " "}
_CODE_LINE = re.compile(
    r"[={}<>\\|#`]|;\s*$|//|^\s*(?:def|class|import|from|return|for|if|while)\b|--+"
)
_LIST_MARK = re.compile(r"^\s*(?:[-*•+]|\(?\w{1,3}[.)])\s*$")
_WIDE = re.compile(rf"\S(?: {{3}}| {{0,2}}\t)(?![ \t{_ODD}]*(?:[\r\n]|\Z))")
_LEAST_COLUMNS = 3
# Characters of a line on each side of a place; lines can be as long as a file.
_LOOKED_AT = 200
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]")
_FRENCH = re.compile(r"[;:!?»%€]")
_MAY_HOLD = contains_one_of(
    r"\A\s",
    r"\s\z",
    r"\r",
    r"[^ \n][ \t]\n",
    r"[ \t]{3}\n",
    r"\n[ \t]+\n",
    r"\n[ \t]*\n[ \t]*\n[ \t]*\n",
    r"[^.!?:\s] {2,}\S",
    r"\S\t",
    f"[{_ODD}]",
)


def plain_white_space(text: str, most_blank_lines: int) -> list[Hit]:
    """Return where white space should be other than it is, in order, with what should be there.

    Args:
        text: of a message.
        most_blank_lines: how many may stand in a row.
    """
    if not text.strip():
        return []
    code = code_blocks(text)
    may_be_layout = "   " in text or "\t" in text
    is_layout = may_be_layout and len(_WIDE.findall(text)) >= _LEAST_COLUMNS
    return [
        Hit(_NAMES[match.lastgroup or ""], *match.span(), related=replacement)
        for match in _matches(text)
        if not inside(match.start(), code)
        and (replacement := _replacement(match, most_blank_lines, is_layout)) is not None
    ]


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of :data:`_SPOT`, which is tried only where more than one blank stands."""
    for run in _RUN.finditer(text):
        position = run.start()
        while position < run.end():
            match = _SPOT.match(text, position)
            if match is None:
                position += 1
            else:
                yield match
                position = match.end()


def _replacement(match: re.Match[str], most_blank_lines: int, is_layout: bool) -> str | None:
    """Return what should stand in the place of white space; None where it may stay."""
    kind, text = match.lastgroup or "", match.string
    if kind == "after":
        return ""
    if kind == "before":
        kept = match[0].rpartition("\n")[2] if _is_indented(text) else ""
        return None if kept == match[0] else kept
    if kind == "blank_lines":
        lines = len(_LINE_BREAK.findall(match[0]))
        plain = "\n" * (lines if lines <= most_blank_lines else 1)
        return None if plain == match[0] else plain
    if kind == "odd" and _is_odd_space_wanted(match):
        return None
    if kind in ("tab", "run") and (is_layout or _is_wide_by_right(match)):
        return None
    return _REPLACEMENTS[kind]


def _is_indented(text: str) -> bool:
    """Tell whether lines after the first are indented too, as in a piece of code."""
    return re.search(r"\n[ \t]+\S", text.lstrip()) is not None


def _is_odd_space_wanted(match: re.Match[str]) -> bool:
    text = match.string
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() :][:1]
    if before.isdigit() or before == "«" or _FRENCH.match(after):
        return True
    return "\u3000" in match[0] and (not before.strip() or bool(_CJK.match(before + after)))


def _is_wide_by_right(match: re.Match[str]) -> bool:
    """Tell whether a line's blanks follow a full stop or a mark, or are those of code."""
    text, kind = match.string, match.lastgroup
    before = text[max(0, match.start() - _LOOKED_AT) : match.start()]
    before = _LINE_BREAK.split(before)[-1]
    after = _LINE_BREAK.split(text[match.end() : match.end() + _LOOKED_AT], maxsplit=1)[0]
    if kind == "run" and (before[-1:] in '.!?:…”")' or _LIST_MARK.match(before)):
        return True
    return _CODE_LINE.search(f"{before} {after}") is not None


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    most_blank_lines = context.parameter(check, "most_blank_lines")
    most_findings = context.parameter(check, "most_findings")

    def search(text: str) -> Sequence[Hit]:
        return joined(text, plain_white_space(text, most_blank_lines), most_findings)

    return search_texts(context.messages, search, where=_MAY_HOLD)


CHECK = RowCheck(
    name="text/whitespace",
    title="white space that nobody wants",
    severity=Severity.LOW,
    fix=Fix.REPAIR,
    find=_find,
    parameters={
        "most_blank_lines": Parameter(2, "in a row; code parts functions by two"),
        "most_findings": Parameter(3, "of a message; more are shown and repaired as one"),
    },
)
