"""Card numbers.

Fourteen to nineteen digits, bare or in the groups that cards print, whose first digits and length
are an issuer's (Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro) and
whose last digit is Luhn's check digit (ISO/IEC 7812-1, annex B).

Evidence: ``field`` with ``start`` and ``end`` of the number. The message does not repeat it.

Fix: mask, as ``[CREDIT_CARD]``.

Limits: one in ten numbers of this length has the right check digit. Bare digits in a text without a
word such as "card" or "pay" therefore count as low. A valid number need not be anybody's: those
that issuers publish for tests are found as well. Fields of a row besides its messages are not
searched.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, find_spans

_NUMBER = re.compile(r"(?<![\w.,\-])[0-9](?:[ \-]?[0-9]){13,18}(?![\w\-]|\.\d)")
# The first characters of an account number (IBAN) whose digits follow.
_ACCOUNT_BEFORE = re.compile(r"\b[A-Z]{2}\d{2} \Z")
_MAY_BE_NUMBER = r"[0-9](?:[ -]?[0-9]){13}"
_WORD = re.compile(
    r"\b(?:cards?|visa|mastercard|amex|credit|debit|cvv|cvc|expir\w+|pay\w*|paid)\b", re.IGNORECASE
)
_GROUPS = re.compile(r"\d{14,19}|\d{4}([ \-])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ \-])\d{6}\2\d{4,5}")
# First digits and lengths by issuer: Visa, Mastercard, American Express, Diners, Discover, JCB,
# UnionPay, Maestro.
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|"
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|"
    r"62\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_NUMBER)
    return find_private(context, lambda texts: find_spans(texts, _NUMBER, _judge, where=where))


def _judge(match: re.Match[str]) -> Hit | None:
    from stdnum import luhn

    digits = re.sub(r"[ \-]", "", match[0])
    grouped = _GROUPS.fullmatch(match[0]) and _ISSUERS.fullmatch(digits)
    start = match.start()
    if _ACCOUNT_BEFORE.search(match.string, max(0, start - 5), start):
        return None
    if not (grouped and luhn.is_valid(digits)):
        return None
    if digits == match[0] and not _WORD.search(match.string):
        return Hit("perhaps a card number: its check digit is right", severity=Severity.LOW)
    return Hit("a card number: issuer and check digit are right")


CHECK = RowCheck(
    name="privacy/credit-card",
    title="card numbers",
    severity=Severity.HIGH,
    fix=Fix.MASK,
    find=_find,
)
