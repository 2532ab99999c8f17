"""What should have been replaced or removed: HTML in prose, and placeholders.

Limits: HTML that a row is about (code, the making of web pages) is no residue; it is told by code
blocks, by words such as "HTML" in the conversation, and by whole documents. Residue in such a row
goes unreported.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, code_blocks, find_spans, inside

_TAG_NAMES = (
    "a|abbr|article|aside|b|blockquote|body|br|button|center|cite|code|dd|del|div|dl|dt|em|"
    "figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|"
    "li|link|main|meta|nav|noscript|ol|option|p|pre|q|script|section|select|small|span|strike|"
    "strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video"
)
_TAG = rf"</?(?:{_TAG_NAMES})(?:\s[^<>=]{{1,200}}=[^<>]{{1,500}})?\s*/?>"
_ENTITY = (
    r"&(?:nbsp|amp|lt|gt|quot|apos|hellip|mdash|ndash|[lr][sd]quo|bull|copy|#\d{2,5}|"
    r"#x[0-9a-f]{2,5});"
)
_MARKUP = re.compile(f"{_TAG}|{_ENTITY}", re.IGNORECASE)
_MAY_BE_MARKUP = f"(?i){_TAG}|{_ENTITY}"
_ABOUT_MARKUP = (
    r"(?i)(?-u:\b)(?:x?html5?|xml|svg|css|php|jsx|javascript|jquery|react|angular|vue|django|jinja|"
    r"markup|markdown|xss|dom|selenium|beautifulsoup|source code|code snippets?)(?-u:\b)|"
    r"(?-u:\b)(?:creat|writ|design|build|generat|develop|edit|fix)\w*[^.?!\n]{1,80}"
    r"(?-u:\b)(?:web ?pages?|web ?sites?|code|scripts?|programs?|hyperlinks?|tags?)(?-u:\b)|"
    r"<!doctype|<\?xml"
)

_FILL_IN = (
    r"\[\s*(?:insert|(?:enter|add) (?:your|the|a|an|name|date|here)|your|my|name|first name|"
    r"last name|full name|company|customer|"
    r"recipient|sender|date|time|address|city|state|country|phone|email|e-mail|product|order|"
    r"number|amount|price|title|position|job title|link|url|location|school|university|"
    r"hiring manager)\b[^\[\]\n]{0,60}\](?!\()"
)
_CAPITALS = r"\[[A-Z]{3,}(?:[ _/-][A-Z0-9]+)+\](?!\()|<[A-Z]{3,}(?:[ _/-][A-Z0-9]+)+>"
_ANGLE = (
    r"<\s*(?:no ?input|no ?output|placeholder|blank|(?:your|insert|enter)[ _-][^<>\n]{1,60}|"
    r"(?:first|last|full|company|customer)[ _-]?name)\s*>"
)
_BRACES = r"(?<!\$)\{\{\s*[A-Za-z_][\w .-]{0,60}\}\}"
_NOTE = r"\b(?:TODO|FIXME|TBD):[^\n.]{0,80}|\b(?:FIXME|TBD)(?=\s*(?:[.\n]|\Z))"
_COMMENT = re.compile(r"(?:#|//|/\*|\*|--|%|;)\s*\Z")
_LATIN = r"\blorem ipsum(?: dolor sit amet)?\b"
_KINDS = (
    ("braces", _BRACES, "a template's variable that was not filled in"),
    ("angle", _ANGLE, "a placeholder"),
    ("capitals", _CAPITALS, "a placeholder"),
    ("note", _NOTE, "a note to do something later"),
    ("latin", _LATIN, "filler text"),
    ("fill_in", _FILL_IN, "a blank to be filled in"),
)
_CASELESS = {"angle", "latin", "fill_in"}
_PLACEHOLDER = re.compile(
    "|".join(
        f"(?P<{name}>{f'(?i:{pattern})' if name in _CASELESS else pattern})"
        for name, pattern, _ in _KINDS
    )
)
_MEANING = {name: meaning for name, _, meaning in _KINDS}
_MAY_BE_PLACEHOLDER = (
    r"(?i)\[\s*[a-z]{2}|<\s*[a-z]{2,}[^>\n]{1,70}>|\{\{|\b(?:todo|fixme|tbd|lorem)\b"
)


def _html(context: CheckContext, check: Check) -> pl.DataFrame:
    """One finding a message, from its first tag to its last: residue comes in numbers."""
    tagged = context.messages.filter(pl.col("content").str.contains(_MAY_BE_MARKUP))
    about = (
        context.messages.join(tagged.select("row").unique(), on="row", how="semi")
        .filter(pl.col("content").str.contains(_ABOUT_MARKUP))
        .select("row")
        .unique()
    )
    found = []
    for row, field, content in (
        tagged.join(about, on="row", how="anti", maintain_order="left")
        .select("row", "field", "content")
        .iter_rows()
    ):
        code = code_blocks(content)
        matches = [m for m in _MARKUP.finditer(content) if not inside(m.start(), code)]
        if matches:
            names = ", ".join(dict.fromkeys(match[0][:20] for match in matches[:5]))
            message = f"{len(matches)} pieces of HTML: {names}" if matches[1:] else f"HTML: {names}"
            found.append((row, field, matches[0].start(), matches[-1].end(), message))
    return pl.DataFrame(
        found,
        schema={
            "row": pl.Int64,
            "field": pl.String,
            "start": pl.Int64,
            "end": pl.Int64,
            "message": pl.String,
        },
        orient="row",
    )


def _judge_placeholder(match: re.Match[str]) -> Hit | None:
    kind = match.lastgroup or ""
    if inside(match.start(), code_blocks(match.string)):
        return None
    if kind == "note" and _COMMENT.search(match.string, 0, match.start()):
        return None
    # Letters with blanks are often what was asked for; the other kinds hardly ever are.
    severity = Severity.LOW if kind == "fill_in" and match[0].lower()[1:7] != "insert" else None
    if match[0] == match.string.strip():
        return Hit(f"nothing but {_MEANING[kind]}", fix=Fix.DROP)
    return Hit(_MEANING[kind], severity=severity)


def _placeholders(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_PLACEHOLDER)
    return find_spans(context.messages, _PLACEHOLDER, _judge_placeholder, where=where)


CHECKS = (
    RowCheck(
        name="text/html",
        title="HTML tags and entities in prose",
        severity=Severity.LOW,
        fix=Fix.REVIEW,
        find=_html,
    ),
    RowCheck(
        name="text/placeholder",
        title="placeholders that nobody filled in",
        severity=Severity.MEDIUM,
        fix=Fix.REVIEW,
        find=_placeholders,
    ),
)
