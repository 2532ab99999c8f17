"""Precise places: pairs of latitude and longitude, and links to a point on a map.

Decimal degrees count from four places behind the point on (about 11 m), degrees and minutes only
with seconds or decimals of a minute. A pair of plain decimals looks like any two numbers: it counts
only where a word, a sign of degrees, a letter of the compass or the address of a map says what it
is.

Evidence: ``field`` with ``start`` and ``end`` of both numbers; of a map's address only the numbers
in it, or its code where it hides them.

Fix: mask, as ``[COORDINATES]``.

Limits: the place of a home cannot be told from that of a monument, hence a low severity. Grid
references and codes of places (``8FVC9G8F+6W``) are not found. Fields of a row besides its messages
are not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, search_texts

_NUMBER = r"[+\-−]?[0-9]{{1,{digits}}}\.[0-9]{{4,15}}"
_DECIMAL = re.compile(
    r"(?<![\w.,+\-−])(?<![0-9][,;]\s)(?P<before>[NS]\s?)?"
    rf"(?P<latitude>{_NUMBER.format(digits=2)})(?P<north>\s?°?\s?[NS]\b)?(?P<degrees>\s?°)?"
    r"(?P<between>\s?(?:[,;/|]|%2C|\s)\s?|"
    r"[\s,;&\"'}]{0,6}(?:and\s)?(?:a\s)?(?P<key>lon|lng|long|longitude)\b"
    r"\.?[\"']?\s?(?:[:=]|of|is)?\s{0,3}[\"']?)"
    rf"(?:[EW]\s?)?(?P<longitude>{_NUMBER.format(digits=3)})(?P<east>\s?°?\s?[EW]\b|\s?°)?"
    r"(?!\w|\.[0-9]|[,;]?\s?[+\-−]?[0-9](?![0-9.]*z))",
    re.IGNORECASE,
)
_MINUTES = r"[0-9]{1,2}\s?[′'’]\s?"
_SEXAGESIMAL = re.compile(
    rf"(?<![\w.])[0-9]{{1,2}}\s?°\s?(?:{_MINUTES}[0-9]{{1,2}}(?:\.[0-9]+)?\s?(?:″|\"|''|”)|"
    r"[0-9]{1,2}\.[0-9]{2,}\s?[′'’])\s?[NS][,;]?\s{0,2}"
    rf"[0-9]{{1,3}}\s?°\s?(?:{_MINUTES}[0-9]{{1,2}}(?:\.[0-9]+)?\s?(?:″|\"|''|”)|"
    r"[0-9]{1,2}\.[0-9]{2,}\s?[′'’])\s?[EW](?!\w)"
)
_SHORT_LINK = re.compile(r"\b(?:goo\.gl/maps/|maps\.app\.goo\.gl/)(?P<code>[A-Za-z0-9]{8,})")
_NAMED = re.compile(
    r"coordinates|latitude|\blat\b|longitude|\blng\b|\bgps\b|geo ?location|\bgeo:|"
    r"\blocat(?:ed|ion)[\"']?\s?(?:is|at|:|=)|"
    r"\b(?:her|his|their|my|your|our) position (?:is|was)\b|"
    r"\b(?:live[sd]?|living|house|home|meet|parked|pinned)(?: \w+){0,3}? (?:at|is)\s\Z|"
    r"google\.\w+/maps|openstreetmap|maps?\.(?:google|apple)",
    re.IGNORECASE,
)
_NAMED_WITHIN = 80
# Points of a drawing, weights and shares lie between -1 and 1; where both numbers do, few people
# live, but many do at the degree of longitude of London.
_LEAST_WITHOUT_SIGN, _LEAST_BESIDE_SMALL = 1, 5
_IN_DECIMALS = "a precise place, in decimal degrees"


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    content = pl.col("content")
    where = (
        content.str.contains(r"[0-9]\.[0-9]{4}")
        | content.str.contains("°", literal=True)
        | content.str.contains("goo.gl/", literal=True)
    )
    return find_private(context, lambda texts: search_texts(texts, places_in, where=where))


def places_in(text: str) -> Iterator[Hit]:
    """Yield the precise places of a text."""
    for match in _SEXAGESIMAL.finditer(text):
        yield Hit("a precise place, in degrees and minutes", *match.span(), score=1.0)
    for match in _SHORT_LINK.finditer(text):
        yield Hit("a link to a point on a map", *match.span("code"), score=1.0)
    for match in _DECIMAL.finditer(text):
        yield from _judge_decimals(match)


def _judge_decimals(match: re.Match[str]) -> Iterator[Hit]:
    latitude, longitude = (
        float(match[part].replace("−", "-")) for part in ("latitude", "longitude")
    )
    if abs(latitude) > 90 or abs(longitude) > 180:
        return
    if match["key"]:
        # What names the second number stays, as the keys of JSON do.
        for part in ("latitude", "longitude"):
            yield Hit(_IN_DECIMALS, *match.span(part), score=1.0)
        return
    signed = match["before"] or match["north"] or (match["degrees"] and match["east"])
    smaller, larger = sorted((abs(latitude), abs(longitude)))
    large = smaller >= _LEAST_WITHOUT_SIGN or larger >= _LEAST_BESIDE_SMALL
    if signed or (large and _is_named(match)):
        yield Hit(_IN_DECIMALS, *match.span(), score=1.0)


def _is_named(match: re.Match[str]) -> bool:
    before = max(0, match.start() - _NAMED_WITHIN)
    return _NAMED.search(match.string, before, match.start()) is not None


CHECK = RowCheck(
    name="privacy/coordinates",
    title="precise coordinates and links to places",
    severity=Severity.LOW,
    fix=Fix.MASK,
    find=_find,
)
