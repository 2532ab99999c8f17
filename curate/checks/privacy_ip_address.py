"""Public IP addresses, of version 4 and 6.

Addresses of private, reserved and multicast ranges and those of the great resolvers (``8.8.8.8``)
say nothing about anybody and are left out; so are version numbers, which a word before them gives
away. Addresses of the ranges kept for documentation (RFC 5737, RFC 3849) count as low.

Evidence: ``field`` with ``start`` and ``end`` of the address. The message does not repeat it.

Fix: mask, as ``[IP_ADDRESS]``.

Limits: a version number of four parts without a word before it looks like an address. Networks
(``10.1.0.0/16``) count by their first address. Fields of a row besides its messages are not
searched.
"""

from __future__ import annotations

import ipaddress
import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, find_spans

_VERSION_4 = r"(?<![\w.\-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w\-]|\.\d)"
_VERSION_6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:])"
_ADDRESS = re.compile(f"{_VERSION_4}|{_VERSION_6}")
_MAY_BE_ADDRESS = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|:[0-9A-Fa-f]{0,4}:"
_VERSION_BEFORE = re.compile(
    r"(?:\bv|versions?|release|build|firmware|driver|update|section|chapter|figure|clause)"
    r"(?:\s+(?:is|was|number|no\.?|to|from))?[\s:=#]*$",
    re.IGNORECASE,
)
# "Chrome/104.0.5112.101", a product with its version (RFC 9110).
_PRODUCT_BEFORE = re.compile(r"\b[A-Z]\w{2,30}/\Z")
_RESOLVERS = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222"}
_DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains(_MAY_BE_ADDRESS)
    return find_private(context, lambda texts: find_spans(texts, _ADDRESS, _judge, where=where))


def _judge(match: re.Match[str]) -> Hit | None:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return None
    if any(address in network for network in _DOCUMENTATION):
        return Hit("an IP address of a range kept for documentation", severity=Severity.LOW)
    is_everybodys = not address.is_global or address.is_multicast or str(address) in _RESOLVERS
    before = match.string[max(0, match.start() - 30) : match.start()]
    if is_everybodys or _VERSION_BEFORE.search(before) or _PRODUCT_BEFORE.search(before):
        return None
    return Hit("a public IP address")


CHECK = RowCheck(
    name="privacy/ip-address",
    title="IP addresses",
    severity=Severity.MEDIUM,
    fix=Fix.MASK,
    find=_find,
)
