"""E-mail addresses.

A text with an ``@`` is searched for local part, ``@`` and a domain with a top-level domain of
letters. Addresses that belong to nobody are told apart by RFC 2606 and RFC 6761 (``example.com``,
``.test``, …) and by the names that examples use (``john.doe``, ``you@yourdomain.com``); they count
as low. Where a program logs in (``git@host:team/project``, ``https://user:password@host``) nobody
gets mail.

Evidence: ``field`` with ``start`` and ``end`` of the address. The message does not repeat it.

Fix: mask, as ``[EMAIL]``: what the model is to say is that there is an address, not which.

Limits: addresses in words ("john at example dot com"), with quoted local parts, in other scripts or
inside a URL are not found. An address need not be anybody's: generated rows hold made-up ones.
Fields of a row besides its messages are not searched.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .spans import Hit, find_spans

_ADDRESS = re.compile(
    r"(?<![\w.+\-/])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w\-])"
)
# "git@host:team/project", as programs that copy over SSH write it.
_REMOTE_PATH = re.compile(r":~?[\w./-]*/")
# "https://user:password@host": the password is no local part.
_LOGIN = re.compile(r"://[^\s/@]{0,80}:\Z")
_LOGIN_WITHIN = 90
_EXAMPLE_DOMAIN = re.compile(
    r"(?:^|\.)(?:example[\w\-]*\.\w+|example|test|invalid|localhost|(?:your|my)[\w\-]*\.\w+|"
    r"(?:domain|email|company)\.com)$",
    re.IGNORECASE,
)
_EXAMPLE_NAME = re.compile(
    r"(?:example|(?:your|my)[\w.\-]*(?:mail|name|address)|user(?:name)?|someone|name|recipient|sender|"
    r"j(?:ohn|ane)?[._\-]?doe)\d*$",
    re.IGNORECASE,
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    where = pl.col("content").str.contains("@", literal=True)
    return find_private(context, lambda texts: find_spans(texts, _ADDRESS, _judge, where=where))


def _judge(match: re.Match[str]) -> Hit | None:
    local, _, domain = match[0].rpartition("@")
    if ".." in match[0] or local.endswith("."):
        return None
    text, (start, end) = match.string, match.span()
    if _REMOTE_PATH.match(text, end) or _LOGIN.search(text, max(0, start - _LOGIN_WITHIN), start):
        return None
    if _EXAMPLE_DOMAIN.search(domain) or _EXAMPLE_NAME.match(local):
        return Hit("an e-mail address as examples have it", severity=Severity.LOW)
    return Hit("an e-mail address")


CHECK = RowCheck(
    name="privacy/email",
    title="e-mail addresses",
    severity=Severity.MEDIUM,
    fix=Fix.MASK,
    find=_find,
)
