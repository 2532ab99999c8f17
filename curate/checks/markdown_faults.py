"""Markdown that does not mean what it was written for: what is broken in one text, and where.

Fences, emphasis, headings and links are read as CommonMark 0.31 has them, tables as GitHub Flavored
Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..finding import Fix, Severity
from .spans import Hit, inside

_FENCE_LINE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)[^`\n]+\1(?!`)")
_MATH = re.compile(
    r"\$\$(?:(?!\$\$).)+\$\$|\$[^$\n]+\$|\\\((?:(?!\\\().)+?\\\)|\\\[(?:(?!\\\[).)+?\\\]",
    re.DOTALL,
)

# An opening mark stands before a letter and after none; a closing one the other way round. Code
# has stars before names: "f(**options)", "char **names;".
_STRONG = re.compile(
    r"(?<![\w*\\/])\*\*(?=[^\s*/.,])(?!kwargs\b|\w+\s*[,;)=\[](?!\*))"
    r"|(?<=[^\s*\\])\*\*(?![\w*/])"
)
_BLANK_INSIDE = re.compile(r"(?<![\w*])\*\* \w[^*\n]{0,80}\w:? \*\*(?![\w*])")
_PARAGRAPH = re.compile(r"(?:[^\n]+\n?)+")

_ESCAPED = re.compile(
    r"\\\*\\\*[^*\n]{1,200}?\\\*\\\*|^(?:\\#)+(?= )|^\\[-*+](?= \w)|^\d+\\\.(?= )"
    r"|(?<=[a-z0-9])\\_(?=[a-z0-9])|\\`\\`\\`",
    re.MULTILINE,
)
_LATEX = re.compile(r"\\(?:begin|frac|text|math\w+|sqrt|sum|int|left|cdot|times)\b")
_FRONT_MATTER = re.compile(
    r"^---\n(?:[ \t]*-[^\n]*\n|\w[\w-]*[ \t]*:[^\n]*\n)+---[ \t]*(?:\n|\Z)"
    r"|^\+\+\+\n(?:\w[\w-]*[ \t]*=[^\n]*\n)+\+\+\+[ \t]*(?:\n|\Z)",
    re.MULTILINE,
)
_TITLE = re.compile(r"^(?:title|layout|slug|permalink|tags)\s*[:=]", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{2,6}(?=[A-Za-z])(?![A-Za-z#]+#)", re.MULTILINE)
_LINK = re.compile(
    r"!?\[[^\[\]\n]{1,200}\]\((?:\s*\)|(?=https?:|www\.|#|/|\.\.?/)[^()\s]*(?:\([^()\s]*\)[^()\s]*)*"
    r"(?=\s|\Z)(?!\s+[\"'(][^\n]{0,200}\)))"
    r"|(?<!\])\[[^\[\]\n]{1,200}\] \(https?://[^()\s]+\)"
)
# What the windows of chat assistants put for their sources; outside of them it means nothing.
_CITATION = re.compile(
    r":?contentReference\[oaicite:\d+\]\{[^{}\n]{0,40}\}|\[?oaicite:\d+\]?|【\d+(?::\d+)?†[^】\n]{0,80}】"
    r"|\bcite(?:turn\d+\w+?\d+)+|\bturn\d+(?:search|view|news|image)\d+\b|\[\^\d+\^\](?!:)"
)
_DELIMITERS = re.compile(
    r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$", re.MULTILINE
)
_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$")
_BOX = re.compile(r"\+[-=+]+\+[ \t]*\n\Z")
_NEAR = 300
_PIPE = re.compile(r"(?<!\\)\|")
_LEAST_ROWS = 3


def broken_markdown(text: str) -> Iterator[Hit]:
    """Yield what is broken in a text, of each kind the first place."""
    fences, fenced = _fences(text)
    yield from fences
    inline = (match.span() for match in _INLINE_CODE.finditer(text))
    code = sorted([*fenced, *(span for span in inline if not inside(span[0], fenced))])
    yield from _emphasis(text, code)
    yield from _escapes(text, code)
    yield from _front_matter(text, code)
    yield from _first(text, _HEADING, code, "a heading without a blank after its marks", " ")
    yield from _first(text, _LINK, code, "a link that leads nowhere")
    yield from _first(
        text, _CITATION, code, "a mark of a chat assistant's sources", "", remove=True
    )
    yield from _tables(text, code)


def _fences(text: str) -> tuple[list[Hit], list[tuple[int, int]]]:
    """Return the fences that are not closed, and where code blocks lie."""
    hits, blocks = [], []
    opened: re.Match[str] | None = None
    for fence in _FENCE_LINE.finditer(text):
        marks, info = fence[1], fence[2].strip()
        if opened is None:
            if "`" not in info:
                opened = fence
            continue
        is_same = marks[0] == opened[1][0]
        if is_same and len(marks) >= len(opened[1]) and not info:
            blocks.append((opened.start(), fence.end()))
            opened = None
        elif is_same and len(marks) == len(opened[1]) and re.fullmatch(r"[\w+#.-]+", info):
            hits.append(Hit("a code block that the next one begins within", *opened.span()))
            blocks.append((opened.start(), fence.start()))
            opened = fence
    if opened is not None:
        hits.append(Hit("a code block is opened and never closed", *opened.span()))
        blocks.append((opened.start(), len(text)))
    return hits[:1], blocks


def _emphasis(text: str, code: list[tuple[int, int]]) -> Iterator[Hit]:
    if "**" not in text:
        return
    for match in _BLANK_INSIDE.finditer(text):
        if not inside(match.start(), code):
            message = "bold that does not work: blanks stand inside its marks"
            related = f"**{match[0][2:-2].strip()}**"
            yield Hit(message, *match.span(), related=related, fix=Fix.REPAIR)
            return
    for paragraph in _PARAGRAPH.finditer(text):
        marks = [
            mark
            for mark in _STRONG.finditer(text, *paragraph.span())
            if not inside(mark.start(), code)
        ]
        if len(marks) % 2 and paragraph[0].count("**") == len(marks):
            yield Hit("bold that is never closed", *marks[-1].span())
            return


def _escapes(text: str, code: list[tuple[int, int]]) -> Iterator[Hit]:
    if "\\" not in text or _LATEX.search(text):
        return
    math = [match.span() for match in _MATH.finditer(text)]
    found = [
        match
        for match in _ESCAPED.finditer(text)
        if not inside(match.start(), code) and not inside(match.start(), math)
    ]
    if not found:
        return
    start, end = found[0].start(), found[-1].end()
    times = f"{len(found)} times" if found[1:] else "once"
    pieces, position = [], start
    for match in found:
        pieces += [text[position : match.start()], match[0].replace("\\", "")]
        position = match.end()
    yield Hit(
        f"Markdown behind backslashes, {times}",
        start,
        end,
        related="".join(pieces),
        fix=Fix.REPAIR,
    )


def _front_matter(text: str, code: list[tuple[int, int]]) -> Iterator[Hit]:
    for match in _FRONT_MATTER.finditer(text):
        if _TITLE.search(match[0]) and not inside(match.start(), code):
            yield Hit("front matter of a web page", *match.span())
            return


def _first(
    text: str,
    pattern: re.Pattern[str],
    code: list[tuple[int, int]],
    message: str,
    added: str | None = None,
    *,
    remove: bool = False,
) -> Iterator[Hit]:
    """Yield the first match outside code; repaired by what is added to it, or put in its place."""
    for match in pattern.finditer(text):
        if inside(match.start(), code):
            continue
        if added is None:
            yield Hit(message, *match.span())
        else:
            related = added if remove else match[0] + added
            yield Hit(message, *match.span(), related=related, fix=Fix.REPAIR)
        return


def _tables(text: str, code: list[tuple[int, int]]) -> Iterator[Hit]:
    """Find tables whose rows do not fit, or that have no line below their head."""
    if text.count("|") < _LEAST_ROWS:
        return
    for start, lines in _row_groups(text):
        # Lines of "+---+" make a drawing of a table, which is whole as it is.
        if inside(start, code) or _BOX.search(text, max(0, start - _NEAR), start):
            continue
        end = start + len("\n".join(lines))
        widths = [_cells(line) for line in lines]
        rule = next((n for n, line in enumerate(lines) if _DELIMITERS.fullmatch(line)), None)
        if rule is None:
            if len(lines) >= _LEAST_ROWS and len(set(widths)) == 1 and widths[0] > 1:
                message = "a table without a line below its head"
                yield Hit(message, start, end, severity=Severity.INFO)
                return
        elif rule == 1 and widths[0] != widths[1]:
            message = f"a table with {widths[0]} columns in its head and {widths[1]} below"
            yield Hit(message, start, end)
            return
        elif rule == 1 and max(widths[2:], default=0) > widths[0]:
            yield Hit("a table with more cells in a row than in its head", start, end)
            return


def _row_groups(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines in a row that begin and end with a bar, and where they begin."""
    position, start, group = 0, 0, []
    for line in text.split("\n"):
        if _ROW.match(line):
            start = start if group else position
            group.append(line)
        else:
            if len(group) > 1:
                yield start, group
            group = []
        position += len(line) + 1
    if len(group) > 1:
        yield start, group


def _cells(line: str) -> int:
    return len(_PIPE.findall(line.strip())) - 1
