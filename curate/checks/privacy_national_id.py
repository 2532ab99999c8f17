"""National identity, social security and tax numbers of persons.

Numbers of some forty kinds (see :mod:`.national_ids`) are checked by ``python-stdnum``: form,
ranges, dates of birth and check digits. A number in a way of writing that nothing else has
(``756.1234.5678.97``) counts by itself; bare digits, and all kinds whose check digits a chance
number easily passes, only beside a word that names them ("BSN", "social insurance").

Evidence: ``field`` with ``start`` and ``end`` of the number. ``score`` is 1 where check digits
prove it and 0.9 where its form alone does. The message names the kind and does not repeat it.

Fix: mask, as ``[NATIONAL_ID]``.

Limits: a bare number without its word is not found, nor is one of another country. US social
security numbers and British insurance numbers have no check digits: their form must do. Numbers
that examples use (``123-45-6789``) count as low. Fields of a row besides its messages are not
searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .national_ids import COUNTRIES, NATIONAL_IDS, NEVER, NationalId, is_example, naming_any
from .private_texts import find_private
from .spans import Hit, search_texts

# All ways of writing have six digits in a row of digits and marks; Italians put letters between.
_MAY_BE_NUMBER = r"[0-9](?:[ ./+-]?[0-9]){5}|[0-9]{2}[A-EHLMPRST][0-9]{2} ?[A-Z][0-9]{3}"
_BEFORE = r"(?<![\w.,/+\-−=*^$€£#@])"
_AFTER = r"(?![\w/+=*^%@]|[.,\-:][0-9])"
_WORD_BEFORE, _WORD_AFTER = 80, 40


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    kinds = _kinds_of(context.parameter(check, "countries"))
    content = pl.col("content")
    telling = "|".join(kind.telling for kind in kinds if kind.telling) or NEVER
    is_named = content.str.contains(naming_any(kinds))

    def find(texts: pl.DataFrame) -> pl.DataFrame:
        return search_texts(
            texts.filter(content.str.contains(_MAY_BE_NUMBER)),
            lambda text: _numbers_in(text, kinds),
            where=content.str.contains(telling) | is_named,
        )

    return find_private(context, find)


def _kinds_of(countries: Sequence[str]) -> list[NationalId]:
    wanted = {country.upper() for country in countries}
    if unknown := sorted(wanted - {*COUNTRIES}):
        known = ", ".join(COUNTRIES)
        raise ValueError(f"no numbers are known for {', '.join(unknown)}; known are {known}")
    return [kind for kind in NATIONAL_IDS if kind.country in wanted]


def _numbers_in(text: str, kinds: Iterable[NationalId]) -> list[Hit]:
    """Find the numbers of a text; one that may be two countries' is the first one's."""
    found: dict[int, Hit] = {}
    for kind in kinds:
        for match in _ways(kind)[0].finditer(text):
            if match.start() not in found and kind.is_valid(match[0]):
                found[match.start()] = _hit(kind, match)
        if not kind.named.search(text):
            continue
        for match in _ways(kind)[1].finditer(text):
            if match.start() not in found and _is_named(match, kind) and kind.is_valid(match[0]):
                found[match.start()] = _hit(kind, match)
    return [found[start] for start in sorted(found)]


@cache
def _ways(kind: NationalId) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The telling ways of writing, and those that need a word; never, where there are none."""
    telling, worded = (
        re.compile(f"{_BEFORE}(?:{way}){_AFTER}" if way else NEVER)
        for way in (kind.telling, kind.worded)
    )
    return telling, worded


def _is_named(match: re.Match[str], kind: NationalId) -> bool:
    start, end = match.span()
    return any(
        kind.named.search(match.string, *place) is not None
        for place in ((max(0, start - _WORD_BEFORE), start), (end, end + _WORD_AFTER))
    )


def _hit(kind: NationalId, match: re.Match[str]) -> Hit:
    start, end = match.span()
    if is_example(match[0]):
        return Hit(f"{kind.name} as examples have it", start, end, severity=Severity.LOW)
    if kind.checked:
        return Hit(f"{kind.name}: form and check digits are right", start, end, score=1.0)
    return Hit(f"written like {kind.name}", start, end, score=0.9)


CHECK = RowCheck(
    name="privacy/national-id",
    title="national identity, social security and tax numbers",
    severity=Severity.HIGH,
    fix=Fix.MASK,
    find=_find,
    parameters={
        "countries": Parameter(
            COUNTRIES,
            "ISO codes of the countries whose numbers are looked for; all that are known, since "
            "weak kinds need a word beside them anyway",
        )
    },
)
