"""Secrets: keys, tokens and passwords.

Keys of known services have shapes that nothing else has; most are those of the plugins of
``detect-secrets`` (see :mod:`.secret_shapes`). Values after words such as ``api_key=`` or
``password:``, and after "the password is", are told from placeholders, references and prose by
their letters: Shannon's entropy, digits or signs among them, no plain words. A cheap expression
over whole columns picks the few lines that are looked at closely.

Evidence: ``field`` with ``start`` and ``end`` of the secret alone, without its name. ``score`` is 1
for known shapes, and for values after a word their entropy over 4 bits a letter. The message says
what kind of secret it is and does not repeat it.

Fix: mask, as ``[SECRET]``. A real key that was in a data set should be withdrawn as well.

Limits: a secret of unknown shape without such a word before it is not found, nor is a password of
plain words; keys in examples of documentation look like real ones unless they say
so ("EXAMPLE", "xxxx"). Credentials inside URLs are for ``privacy/url-credentials``. Fields of a row
besides its messages are not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .privacy_url_credentials import credentials_in_urls
from .private_texts import find_private
from .secret_shapes import ASSIGNED, MAY_BE_SECRET, PRIVATE_KEY, SAID, shapes
from .secret_values import (
    entropy,
    is_name_in_code,
    is_name_of_class,
    is_placeholder,
    is_reference,
    looks_random,
)
from .spans import Hit, lines_of, search_texts

# Lines are looked at in parts, since some of the plugins' patterns take quadratic time, and cubic
# for long runs of spaces. A part overlaps the next one by more than the longest secret has.
_PART, _OVERLAP = 8000, 3000
_GAP = re.compile(r"\s{9,}")
_NOT_AT_ITS_START = " \t\r=:\"'`"
_NOT_AT_ITS_END = " \t\r:\"'`.?"
_IN_NAMESPACE = re.compile(r"::[\w\-]{0,30}\Z")
_IN_A_KEY = re.compile(r"[A-Za-z0-9+/]{6}")


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    least_entropy = context.parameter(check, "least_entropy")
    content = pl.col("content")
    may_be_secret = pl.any_horizontal(content.str.contains(part) for part in MAY_BE_SECRET)

    def find(texts: pl.DataFrame) -> pl.DataFrame:
        has_key = content.str.contains("PRIVATE KEY", literal=True)
        keys = search_texts(texts, _private_keys, where=has_key)
        lines = lines_of(texts.filter(may_be_secret))
        others = search_texts(
            lines, lambda line: secrets_in(line, least_entropy), where=may_be_secret
        )
        return pl.concat([keys, others]).sort("row", "field", "start")

    return find_private(context, find)


def _private_keys(text: str) -> Iterator[Hit]:
    for match in PRIVATE_KEY.finditer(text):
        body = match["body"] or match[0]
        if _IN_A_KEY.search(body) and "..." not in body and "…" not in body and "<" not in body:
            yield Hit("a private key", *match.span(), score=1.0)


def secrets_in(line: str, least_entropy: float) -> list[Hit]:
    """Return the secrets of a line; where two shapes overlap, the longer one.

    Args:
        line: a text without line breaks.
        least_entropy: bits a letter; words and placeholders have less.
    """
    found = [*_shaped(line, least_entropy)]
    elsewhere = [*credentials_in_urls(line)] if found and "://" in line else []
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda hit: _start(hit) - _end(hit)):
        if not any(_overlap(hit, other) for other in [*kept, *elsewhere]):
            kept.append(hit)
    return sorted(kept, key=_start)


def _shaped(line: str, least_entropy: float) -> Iterator[Hit]:
    for start, end in _parts(line):
        part = line[start:end]
        for shape in shapes():
            for match in shape.pattern.finditer(part):
                first, last = _trimmed(part, *match.span(shape.group))
                value = part[first:last]
                if not value or is_placeholder(value, least_entropy):
                    continue
                if shape in (ASSIGNED, SAID):
                    is_code = shape is ASSIGNED and _is_code(match, value)
                    if looks_random(value) and not is_code:
                        score = min(1.0, entropy(value) / 4)
                        yield Hit(shape.meaning, start + first, start + last, score=score)
                elif shape.telling or looks_random(value):
                    yield Hit(shape.meaning, start + first, start + last, score=1.0)


def _is_code(match: re.Match[str], value: str) -> bool:
    """Tell whether what stands after a name and an equals sign is code rather than a value."""
    if is_reference(value) or match["call"] or _IN_NAMESPACE.search(match.string, 0, match.start()):
        return True
    if match["quote"]:
        return False
    return is_name_of_class(value) or (not match["colon"] and is_name_in_code(value))


def _parts(line: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _GAP.finditer(line):
        yield from _pieces(start, gap.start())
        start = gap.end()
    yield from _pieces(start, len(line))


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _PART:
        yield start, start + _PART
        start += _PART - _OVERLAP
    if start < end:
        yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out what only surrounds a secret: quotes, and marks at the end of a sentence."""
    while start < end and text[start] in _NOT_AT_ITS_START:
        start += 1
    while start < end and text[end - 1] in _NOT_AT_ITS_END:
        end -= 1
    return start, end


def _start(hit: Hit) -> int:
    assert hit.start is not None
    return hit.start


def _end(hit: Hit) -> int:
    assert hit.end is not None
    return hit.end


def _overlap(hit: Hit, other: Hit) -> bool:
    return _start(hit) < _end(other) and _start(other) < _end(hit)


CHECK = RowCheck(
    name="privacy/secret",
    title="keys, tokens and passwords",
    severity=Severity.HIGH,
    fix=Fix.MASK,
    find=_find,
    parameters={"least_entropy": Parameter(2.8, "bits a letter; words and placeholders have less")},
)
