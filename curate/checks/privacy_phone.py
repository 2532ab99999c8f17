"""Phone numbers.

Runs of digits in groups are handed to the number plans of ``phonenumbers`` (Google's
libphonenumber): with a country code a number must be possible there; as North Americans write it
it must exist there; with a leading zero, or after a word such as "call", it must exist in one of
the chosen regions. Dates, amounts, formulas, parts of longer numbers and numbers that are called
something else ("the order number is", "IMEI:") are left out before.

Evidence: ``field`` with ``start`` and ``end`` of the number. The message does not repeat it.

Fix: mask, as ``[PHONE]``.

Limits: without a country code, numbers are known for the countries of ``regions`` alone. Numbers in
words are not found. A valid number need not be anybody's; one in North American form that cannot
exist (area ``123``) counts as low. Fields of a row besides its messages are not searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, find_spans

_NUMBER = re.compile(
    r"(?<![\w.,:/$€£#+\-−=*^])"
    r"(?P<number>(?:\+\d{1,3}[ .\-]?)?(?:\(0?\d{1,5}\)[ .\-]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,5})"
    r"(?![\w%°/=*^]|[.,\-]\d|\s?[x×*/+=^%°]\s?\d)"
)
_MAY_BE_NUMBER = r"[0-9](?:[ .()/-]{0,2}[0-9]){6}"
_NORTH_AMERICAN = re.compile(r"(?:1[ .\-])?(?:\(\d{3}\) ?|\d{3}[ .\-])\d{3}[ .\-]\d{4}")
_WITH_LEADING_ZERO = re.compile(r"\(?0\d{1,5}\)?(?:[ \-/]\d{2,8}){1,4}|0\d{2,4}/\d{4,9}")
_DATE = re.compile(r"\d{1,2}([./\-])\d{1,2}\1\d{2,4}|\d{4}([./\-])\d{1,2}\2\d{1,2}")
_CALLED = re.compile(
    r"(?:\bphones?|\btel|telephone|\bcall(?:ed|ing)?|mobile|\bcell|\bfax|hotline|whatsapp|\bsms|"
    r"\bring|\bdial|\bcontact|\breach)\b[^.!?\n\d]{0,25}$",
    re.IGNORECASE,
)
_CALLED_WITHIN = 60
# What else a number may be, said just before it, perhaps with "number" or "is" between.
_OTHERWISE_CALLED = re.compile(
    r"\b(?:imei|imsi|iccid|meid|isbn|issn|iban|bic|swift|ssn|nhs|nino|ein|vat|tin|sku|upc|ean|asin|"
    r"doi|pmid|orcid|serial|order|invoice|receipt|tracking|parcel|shipment|policy|claim|case|ticket|"
    r"reference|ref|confirmation|booking|reservation|account|acct|routing|card|passport|licen[cs]e|"
    r"registration|chassis|vin|model|part|item|product|batch|lot|patent|barcode|"
    r"(?:customer|member(?:ship)?|student|employee|user|patient|medicare|medicaid|social security|"
    r"(?:national |social |health )?insurance|tax(?:payer)?|transaction|identity|identification)"
    r"(?= (?:id|no|nr|number)))"
    r"(?: (?:id|no|nr|number|code|identifier))?\b[.']?s?"
    r"(?: (?:is|was|reads|of))?[ ]?[:#=]?[ ]?(?:[A-Z]{2}\d{2} )?\Z",
    re.IGNORECASE,
)
_OTHERWISE_WITHIN = 50
# The first characters of an account number whose digits follow: "BE68 5390 0754 7034".
_ACCOUNT_BEFORE = re.compile(r"\b[A-Z]{2}\d{2} (?:[A-Z]{4} )?\Z")


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    judge = _judge_for(context.parameter(check, "regions"))
    where = pl.col("content").str.contains(_MAY_BE_NUMBER)
    return find_private(context, lambda texts: find_spans(texts, _NUMBER, judge, where=where))


def _judge_for(regions: Sequence[str]) -> Callable[[re.Match[str]], Hit | None]:
    import phonenumbers
    from phonenumbers import NumberParseException

    def passes(number: str, region: str | None, test: Callable[..., bool]) -> bool:
        try:
            return test(phonenumbers.parse(number, region))
        except NumberParseException:
            return False

    def judge(match: re.Match[str]) -> Hit | None:
        number = match["number"]
        digits = sum(letter.isdigit() for letter in number)
        if not 7 <= digits <= 15:
            return None
        if number.startswith("+"):
            if digits >= 8 and passes(number, None, phonenumbers.is_possible_number):
                return Hit("a phone number with its country code")
            return None
        if _DATE.fullmatch(number) or _is_called_otherwise(match):
            return None
        if _NORTH_AMERICAN.fullmatch(number):
            if passes(number, "US", phonenumbers.is_valid_number):
                return Hit("a phone number as written in North America")
            return Hit("written like a phone number, but none that exists", severity=Severity.LOW)
        begin = max(0, match.start() - _CALLED_WITHIN)
        called = digits >= 9 and _CALLED.search(match.string, begin, match.start())
        if not (_WITH_LEADING_ZERO.fullmatch(number) or called):
            return None
        exists = phonenumbers.is_valid_number
        home = next((region for region in regions if passes(number, region, exists)), None)
        return None if home is None else Hit(f"a phone number as written in {home}")

    return judge


def _is_called_otherwise(match: re.Match[str]) -> bool:
    text, start = match.string, match.start()
    return any(
        pattern.search(text, max(0, start - _OTHERWISE_WITHIN), start)
        for pattern in (_OTHERWISE_CALLED, _ACCOUNT_BEFORE)
    )


CHECK = RowCheck(
    name="privacy/phone",
    title="phone numbers",
    severity=Severity.MEDIUM,
    fix=Fix.MASK,
    find=_find,
    parameters={
        "regions": Parameter(
            ("US", "GB", "DE", "FR", "AU"),
            "countries whose numbers are known without their code; each one more lets more "
            "chance numbers pass",
        )
    },
)
