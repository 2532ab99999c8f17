"""Personal data: e-mail addresses, phone, card and account numbers, IP addresses.

Every pattern is followed by a test that chance digits fail: check digits, number plans, address
ranges. No message repeats what was found.

Limits: a valid number need not be anybody's (generated rows hold made-up ones). Phone numbers
without a country code are known for the countries of ``regions`` alone. Addresses and numbers in
words ("john at example dot com") are not found.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

# RFC 2606 and 6761 keep names that belong to nobody; the others stand for one in many texts.
_EXAMPLE_DOMAIN = re.compile(
    r"(?:^|\.)(?:example[\w\-]*\.\w+|example|test|invalid|localhost|(?:your|my)[\w\-]*\.\w+|"
    r"(?:domain|email|company)\.com)$",
    re.IGNORECASE,
)
_EXAMPLE_NAME = re.compile(
    r"(?:example|your[._\-]?(?:e?mail|name|address)|user(?:name)?|someone|name|recipient|sender|"
    r"j(?:ohn|ane)?[._\-]?doe)\d*$",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"(?<![\w.+\-/:])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w\-])"
)

_PHONE = re.compile(
    r"(?<![\w.,:/$€£#+\-−=*^])"
    r"(?P<number>(?:\+\d{1,3}[ .\-]?)?(?:\(0?\d{1,5}\)[ .\-]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,5})"
    r"(?![\w%°/=*^]|[.,\-]\d|\s?[x×*/+=^%°]\s?\d)"
)
_MAY_BE_PHONE = r"\d(?:[ .()/-]{0,2}\d){6}"
_NANP = re.compile(r"(?:1[ .\-])?(?:\(\d{3}\) ?|\d{3}[ .\-])\d{3}[ .\-]\d{4}")
_TRUNK = re.compile(r"\(?0\d{1,5}\)?(?:[ \-/]\d{2,5}){1,4}|0\d{2,4}/\d{4,9}")
_DATE = re.compile(r"\d{1,2}([./\-])\d{1,2}\1\d{2,4}|\d{4}([./\-])\d{1,2}\2\d{1,2}")
_CALLED = re.compile(
    r"(?:\bphones?|\btel|telephone|\bcall(?:ed|ing)?|mobile|\bcell|\bfax|hotline|whatsapp|\bsms|"
    r"\bring|\bdial|\bcontact|\breach)\b[^.!?\n\d]{0,25}$",
    re.IGNORECASE,
)

_CARD = re.compile(r"(?<![\w.,\-])\d(?:[ \-]?\d){13,18}(?![\w\-]|\.\d)")
_MAY_BE_CARD = r"\d(?:[ -]?\d){13}"
_CARD_WORD = re.compile(
    r"\b(?:cards?|visa|mastercard|amex|credit|debit|cvv|cvc|expir\w+|pay\w*|paid)\b", re.IGNORECASE
)
_CARD_GROUPS = re.compile(r"\d{14,19}|\d{4}([ \-])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ \-])\d{6}\2\d{4,5}")
# First digits and lengths by issuer: Visa, Mastercard, American Express, Diners, Discover, JCB,
# UnionPay, Maestro.
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|"
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|"
    r"62\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)

_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_MAY_BE_IBAN = r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}"

_IPV4 = r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)"
_IPV6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"
_IP = re.compile(f"{_IPV4}|{_IPV6}")
_MAY_BE_IP = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]*:"
_VERSION_BEFORE = re.compile(
    r"(?:\bv|versions?|release|build|firmware|driver|update|section|chapter|figure|clause)"
    r"(?:\s+(?:is|was|number|no\.?|to|from))?[\s:=#]*$",
    re.IGNORECASE,
)
_RESOLVERS = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222"}
_DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _judge_email(match: re.Match[str]) -> Hit | None:
    local, _, domain = match[0].rpartition("@")
    if ".." in match[0] or local.endswith("."):
        return None
    if _EXAMPLE_DOMAIN.search(domain) or _EXAMPLE_NAME.match(local):
        return Hit("an e-mail address as examples have it", severity=Severity.LOW)
    return Hit("an e-mail address")


def _phone_judge(regions: Sequence[str]) -> Callable[[re.Match[str]], Hit | None]:
    import phonenumbers
    from phonenumbers import NumberParseException

    def valid(number: str, region: str | None, test: Callable[..., bool]) -> bool:
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
            if digits >= 8 and valid(number, None, phonenumbers.is_possible_number):
                return Hit("a phone number with its country code")
            return None
        if _DATE.fullmatch(number):
            return None
        if _NANP.fullmatch(number):
            if valid(number, "US", phonenumbers.is_valid_number):
                return Hit("a phone number as written in North America")
            return Hit("written like a phone number, but none that exists", severity=Severity.LOW)
        called = _CALLED.search(match.string, max(0, match.start() - 60), match.start())
        if not (_TRUNK.fullmatch(number) or (called and digits >= 9)):
            return None
        test = phonenumbers.is_valid_number
        home = next((region for region in regions if valid(number, region, test)), None)
        return None if home is None else Hit(f"a phone number as written in {home}")

    return judge


def luhn(digits: str) -> bool:
    """Tell whether the last digit of a card number checks the others (ISO/IEC 7812-1, annex B).

    Example:
        >>> luhn("4111111111111111"), luhn("4111111111111112")
        (True, False)
    """
    total = 0
    for place, letter in enumerate(reversed(digits)):
        digit = int(letter) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _judge_card(match: re.Match[str]) -> Hit | None:
    digits = re.sub(r"\D", "", match[0])
    if not (_CARD_GROUPS.fullmatch(match[0]) and _ISSUERS.fullmatch(digits) and luhn(digits)):
        return None
    if digits == match[0] and not _CARD_WORD.search(match.string):
        # One in ten numbers of this length has the right check digit; no word speaks for a card.
        return Hit("perhaps a card number: its check digit is right", severity=Severity.LOW)
    return Hit("a card number: issuer and check digit are right")


def _judge_iban(match: re.Match[str]) -> Hit | None:
    from stdnum import iban

    # What follows in capitals may look like another group; the country's length decides.
    text = match[0]
    while len(text) >= 15:
        if iban.is_valid(text.replace(" ", "")):
            return Hit(
                "an account number (IBAN): country, length and check digits are right",
                end=match.start() + len(text),
            )
        text = text[:-1].rstrip()
    return None


def _judge_ip(match: re.Match[str]) -> Hit | None:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return None
    if any(address in network for network in _DOCUMENTATION):
        return Hit("an IP address of a range kept for documentation", severity=Severity.LOW)
    is_everybodys = not address.is_global or address.is_multicast or str(address) in _RESOLVERS
    before = match.string[max(0, match.start() - 30) : match.start()]
    if is_everybodys or _VERSION_BEFORE.search(before):
        return None
    return Hit("a public IP address")


def _emails(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains("@", literal=True)
    return find_spans(context.messages, _EMAIL, _judge_email, where=where)


def _phones(context: CheckContext, check: Check) -> pl.DataFrame:
    judge = _phone_judge(context.parameter(check, "regions"))
    where = pl.col("content").str.contains(_MAY_BE_PHONE)
    return find_spans(context.messages, _PHONE, judge, where=where)


def _cards(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_CARD)
    return find_spans(context.messages, _CARD, _judge_card, where=where)


def _ibans(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_IBAN)
    return find_spans(context.messages, _IBAN, _judge_iban, where=where)


def _ip_addresses(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_IP)
    return find_spans(context.messages, _IP, _judge_ip, where=where)


CHECKS = (
    RowCheck(
        name="privacy/email",
        title="e-mail addresses",
        severity=Severity.MEDIUM,
        fix=Fix.MASK,
        find=_emails,
    ),
    RowCheck(
        name="privacy/phone",
        title="phone numbers",
        severity=Severity.MEDIUM,
        fix=Fix.MASK,
        find=_phones,
        parameters={
            "regions": Parameter(
                ("US", "GB", "DE", "FR", "AU"),
                "countries whose numbers are known without their code; each one more lets more "
                "chance numbers pass",
            )
        },
    ),
    RowCheck(
        name="privacy/credit-card",
        title="card numbers",
        severity=Severity.HIGH,
        fix=Fix.MASK,
        find=_cards,
    ),
    RowCheck(
        name="privacy/iban",
        title="account numbers",
        severity=Severity.HIGH,
        fix=Fix.MASK,
        find=_ibans,
    ),
    RowCheck(
        name="privacy/ip-address",
        title="IP addresses",
        severity=Severity.MEDIUM,
        fix=Fix.MASK,
        find=_ip_addresses,
    ),
)
