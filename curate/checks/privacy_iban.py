"""Account numbers (IBAN).

A country code, two check digits and groups of four, bare or with spaces, of the country's length
and form and with check digits that are right by ISO 7064, MOD 97-10 (``stdnum.iban``).

Evidence: ``field`` with ``start`` and ``end`` of the number. The message does not repeat it.

Fix: mask, as ``[IBAN]``.

Limits: small letters and other separators are not taken for an IBAN. Numbers of accounts without
check digits are not found. A valid number need not be anybody's. Fields of a row besides its
messages are not searched.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, find_spans

_NUMBER = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
# Without the country, which would cost polars four times as long.
_MAY_BE_NUMBER = r"[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}"
_SHORTEST = 15


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_NUMBER)
    return find_private(context, lambda texts: find_spans(texts, _NUMBER, _judge, where=where))


def _judge(match: re.Match[str]) -> Hit | None:
    from stdnum import iban

    # What follows in capitals may look like another group; the country's length decides.
    text = match[0]
    while len(text) >= _SHORTEST:
        if iban.is_valid(text.replace(" ", "")):
            return Hit(
                "an account number (IBAN): country, length and check digits are right",
                end=match.start() + len(text),
            )
        text = text[:-1].rstrip()
    return None


CHECK = RowCheck(
    name="privacy/iban",
    title="account numbers",
    severity=Severity.HIGH,
    fix=Fix.MASK,
    find=_find,
)
