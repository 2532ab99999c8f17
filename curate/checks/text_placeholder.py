"""What should have been filled in: blanks in brackets, variables of templates, filler text.

Each kind has its own pattern, strict enough to leave citations (``[1]``), links, types of
programming languages and formulas alone. Code is left out: blocks and words in backticks, and for
the fields of format strings and notes every line that looks like code.

Evidence: ``start`` and ``end`` hold the placeholder; the message names its kind.

Fix: a placeholder in a text is for somebody to look at (``review``). A message that is nothing
but a placeholder or a missing value written out (``nan``) should go (``drop``).

Limits: a template that was asked for ("write an email template") holds blanks by right; blanks in
square brackets, crosses and fields in single braces are therefore of low severity. Single empty
braces and underscores are not looked for: sets, and exercises with gaps, are written so.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .prefilter import contains_one_of
from .spans import Hit, code_blocks, find_spans, inside

_BLANK = (
    r"(?:name|first name|last name|full name|company|customer|recipient|sender|date|time|address|"
    r"city|state|country|phone|email|e-mail|product|order|number|amount|price|title|position|"
    r"department|job title|link|url|location|school|university|hiring manager)"
)
_FILL_IN = (
    rf"\[\s*(?:insert|(?:enter|add) (?:your|the|a|an|here|more|text|{_BLANK})|your|my|{_BLANK})\b"
    r"(?!: ?http)[^\[\]\n]{0,60}\](?!\()"
    r"|\[[A-Z][\w’' ]{0,40} (?:name|title|address|number|date)\](?!\()"
    r"|\[(?:to be [a-z]+(?: (?:in|here|later))?|empty|no ?input|no ?output|missing|placeholder|"
    r"left blank|content|fill in|(?:text|content|answer|example|image) (?:goes )?here)\](?!\()"
)
_CAPITALS = r"\[[A-Z]{3,}(?:[ _/-][A-Z0-9]+)+\](?!\()|<[A-Z]{3,}(?:[ _/-][A-Z0-9]+)+>"
_ANGLE = (
    r"<\s*(?:no ?input|no ?output|placeholder|blank|tbd|"
    r"(?:your|insert|enter|add|put|type|write|describe|replace|fill in)[ _-][^<>\n]{1,60}|"
    r"[a-z][^<>\n]{1,60}[ _-]here|"
    r"(?:first|last|full|company|customer)[ _-]?name)\s*>"
)
_BRACES = r"(?<!\$)\{\{\s*[A-Za-z_][\w .-]{0,60}\}\}"
_THING = (
    r"(?:[a-z]+[_.])*(?:name|role|topic|title|company|product|customer|user|username|date|city|country|"
    r"question|answer|context|instruction|input|output|prompt|query|text|language|subject|email|"
    r"order|amount|price)(?:_[a-z]+)*"
)
# Variables that Windows has, and that paths begin with.
_ENVIRONMENT = "PATH|TEMP|TMP|USER|HOME|APPDATA|LOCALAPPDATA|PROGRAM|SYSTEM|WINDIR|COMPUTER|OS%"
_FIELD = (
    rf"(?<![\w\\$^{{}}#@])\{{(?:{_THING}|[A-Z][a-z]+(?: [A-Z][a-z]+)+)\}}(?!\}})"
    rf"|\$\{{(?:{_THING}|[A-Z][A-Z_]+)\}}|%\({_THING}\)[sd]\b"
    rf"|(?<![\w%])%(?!{_ENVIRONMENT})[A-Z][A-Z_]{{2,}}%(?![\w\\/])"
)
_NOTE = (
    r"\b(?:TODO|TBD):[^\n.\]]{0,80}|\bTODO\b [a-z][^\n.:]{2,80}(?=[.\n]|\Z)"
    r"|\[(?:TODO|FIXME|TBD|TBC|TK)\]|\bFIXME\b(?::?[^\n.\]]{0,80})?|\bTBD\b"
)
_COMMENT = re.compile(r"(?:#|//|/\*|\*|--|%|;)\s*\Z")
# Typesetters' filler, from its first well-known words to its last.
_FILLER = (
    r"(?:lorem ipsum|dolor sit amet|consectetur adipisc?ing|eiusmod tempor|ut enim ad minim|"
    r"nostrud exercitation|duis aute irure|excepteur sint occaecat|deserunt mollit anim)"
)
_LATIN = rf"\b{_FILLER}\b(?:[^\n]{{0,600}}\b{_FILLER}\b)?"
_HERE = (
    r"\b(?:your|the) (?:answer|response|reply|text|input|output|completion|content) "
    r"(?:goes |comes )?here\b(?= *[\])>.!:\n]| *\Z)"
)
_CROSSES = r"(?<![\w-])(?:[$€£]?X{2,}(?:[-/.,]X{2,})+|[$€£]X{2,}|X{4,})(?![\w-])"
_MISSING = (
    r"\A\s*(?:nan|NaN|null|NULL|undefined|[nN]/[aA]\.?|<NA>|#N/A|[(\[](?:empty|null|nan)[)\]])\s*\Z"
    r"|\A\s*#(?:REF!|VALUE!|NAME\?|NUM!|NULL!|DIV/0!)\s*\Z|\[object Object\]"
)
_KINDS = (
    ("braces", _BRACES, "a template's variable that was not filled in"),
    ("field", _FIELD, "a format string's field that was not filled in"),
    ("angle", _ANGLE, "a placeholder"),
    ("capitals", _CAPITALS, "a placeholder"),
    ("note", _NOTE, "a note to do something later"),
    ("latin", _LATIN, "filler text"),
    ("here", _HERE, "the place of a text that was not written"),
    ("missing", _MISSING, "a missing value written out"),
    ("crosses", _CROSSES, "crosses in the place of characters"),
    ("fill_in", _FILL_IN, "a blank to be filled in"),
)
_CASELESS = {"angle", "latin", "here", "fill_in"}
# Lines of code without a block around them; "{name}" is at home there.
_CODE_LINE = re.compile(
    r"[;={}(]\s*$|\w\(|[\"'`]\s*[+,)]|[+=]\s*[\"'`]|=>|\bf[\"']"
    r"|^\s*(?:#|//|def |return |import )|</?\w"
)
# Characters of a line on each side of a field; lines can be as long as a file.
_LOOKED_AT = 200
_OUTSIDE_CODE = {"field"}
# Kinds that are often what was asked for.
_OFTEN_WANTED = {"crosses", "field"}
_PATTERN = re.compile(
    "|".join(
        f"(?P<{name}>{f'(?i:{pattern})' if name in _CASELESS else pattern})"
        for name, pattern, _ in _KINDS
    )
)
_MEANING = {name: meaning for name, _, meaning in _KINDS}
_MAY_HOLD = contains_one_of(
    r"\[\s*[A-Za-z]{2}",
    r"<\s*[A-Za-z]{2,}[^>\n]{1,70}>",
    r"\{\{",
    r"\{[A-Za-z_. ]+\}",
    r"%\(",
    r"%[A-Z]",
    r"\$\{",
    "XX",
    r"(?i)(?:your|the) \w+ (?:goes |comes )?here",
    "TODO",
    "FIXME",
    "TBD",
    rf"(?i){_FILLER}",
    r"\[object",
    r"(?i)\A\s*(?:[(\[]?(?:nan|null|undefined|empty|n/a\.?)[)\]]?|<na>|#[a-z0-9/]{2,6}[!?]?)\s*\z",
)


def _judge(match: re.Match[str]) -> Hit | None:
    kind, text = match.lastgroup or "", match.string
    if inside(match.start(), code_blocks(text)):
        return None
    if kind in _OUTSIDE_CODE and _is_in_code_line(match):
        return None
    if kind == "note" and _COMMENT.search(text, 0, match.start()):
        return None
    # Letters with blanks are often what was asked for; the other kinds hardly ever are.
    wanted = kind in _OFTEN_WANTED or (kind == "fill_in" and match[0].lower()[1:7] != "insert")
    if match[0].strip() == text.strip():
        return Hit(f"nothing but {_MEANING[kind]}", fix=Fix.DROP)
    return Hit(_MEANING[kind], severity=Severity.LOW if wanted else None)


def _is_in_code_line(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _LOOKED_AT) : match.start()]
    after = match.string[match.end() : match.end() + _LOOKED_AT]
    line = before.rpartition("\n")[2] + after.partition("\n")[0]
    return _CODE_LINE.search(line) is not None


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    return find_spans(context.messages, _PATTERN, _judge, where=_MAY_HOLD)


CHECK = RowCheck(
    name="text/placeholder",
    title="placeholders that nobody filled in",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_find,
)
