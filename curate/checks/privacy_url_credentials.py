"""Credentials inside URLs.

Three kinds: user name and password before the host (``https://user:password@host``, RFC 3986,
section 3.2.1), keys and tokens among the parameters (``?access_token=…``), and addresses whose
path is the secret (webhooks). Of a password every value that is no placeholder counts; a parameter
must be called like a secret and its value look random.

Evidence: ``field`` with ``start`` and ``end`` of the credentials alone, not of the address. The
message does not repeat them.

Fix: mask, as ``[URL_CREDENTIALS]``; the address around them stays.

Limits: parameters called ``key``, ``code`` or ``sig`` count only where their value looks random,
which some keys of maps and some signatures of public images do, too. Values in words are missed.
Fields of a row besides its messages are not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .private_texts import find_private
from .secret_values import entropy, is_placeholder, looks_random
from .spans import Hit, search_texts

_MAY_HAVE_CREDENTIALS = (
    r"://[^\s/@:?#]{1,64}:[^\s/@]{1,128}@|[?&#;][A-Za-z_.-]{1,40}=[!-~]{8}|/webhooks?[/-]|"
    r"hooks\.|webhook\."
)
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s<>\"'`\\^{}|]{3,4000}")
_USER = re.compile(r"[^\s/@:?#]{0,64}:(?P<password>[^\s/@]{3,128})@(?=[\w\-\[])")
_PARAMETER = re.compile(
    r"(?i:(?:^|[?&#;])(?:[a-z]{1,12}[_.\-]){0,3}(?:token|key|api_?key|apikey|passw(?:or)?d|pwd|secret|"
    r"sig|signature|jwt|sas|auth|authorization|session_?id|sessionid|sid|phpsessid|credential|"
    r"code|accesskey|access_?key|(?:access|auth|refresh|id|bearer|security|csrf)[_\-]?token|"
    r"client_?secret|app_?secret)=)(?P<value>[^\s&#;]{8,2000})"
)
_WEBHOOK = re.compile(
    r"//(?:(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/(?P<discord>\d{15,20}/[\w\-]{40,})"
    r"|hooks\.slack\.com/(?:services|workflows)/(?P<slack>[A-Z0-9]{6,}/[A-Z0-9]{6,}/[\w/]{16,})"
    r"|[\w.\-]+\.webhook\.office\.com/webhookb2/(?P<office>[\w\-@/]{40,}))"
)
_LEAST_ENTROPY = 2.3
_LEAST_LENGTH_OF_RANDOM = 12
_PLAIN_PASSWORD = re.compile(r"pass(?:w(?:or)?d?)?|pwd|secret|token|key|port", re.IGNORECASE)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    has_url = pl.col("content").str.contains("://", literal=True)
    where = pl.col("content").str.contains(_MAY_HAVE_CREDENTIALS)
    return find_private(
        context,
        lambda texts: search_texts(texts.filter(has_url), credentials_in_urls, where=where),
    )


def credentials_in_urls(text: str) -> Iterator[Hit]:
    """Yield the credentials inside the URLs of a text, in their order, without overlaps."""
    for url in _URL.finditer(text):
        address = url[0].rstrip(".,;:!?)]")
        begin = url.start()
        host = address.index("//") + 2
        if user := _USER.match(address, host):
            if not _stands_for_a_password(user["password"]):
                yield _hit("a user name and a password in a URL", begin, host, user.end() - 1)
            host = user.end()
        if webhook := _WEBHOOK.search(address):
            kind = webhook.lastgroup or ""
            yield _hit("the address of a webhook", begin, *webhook.span(kind))
            continue
        for parameter in _PARAMETER.finditer(address, host):
            value = parameter["value"]
            if len(value) >= _LEAST_LENGTH_OF_RANDOM and _is_secret(value):
                yield _hit("a key or token in a URL", begin, *parameter.span("value"))


def _hit(message: str, begin: int, start: int, end: int) -> Hit:
    return Hit(message, start=begin + start, end=begin + end, score=1.0)


def _stands_for_a_password(value: str) -> bool:
    return _PLAIN_PASSWORD.fullmatch(value) is not None or is_placeholder(value, 0.0)


def _is_secret(value: str) -> bool:
    return (
        entropy(value) >= _LEAST_ENTROPY
        and looks_random(value)
        and not is_placeholder(value, _LEAST_ENTROPY)
    )


CHECK = RowCheck(
    name="privacy/url-credentials",
    title="passwords, keys and tokens inside URLs",
    severity=Severity.HIGH,
    fix=Fix.MASK,
    find=_find,
)
