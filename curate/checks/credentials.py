"""Secrets: keys, tokens and passwords.

Keys of known services have shapes that nothing else has. Values after words such as ``api_key=``
or ``password:`` are told from placeholders and prose by their letters: how many different ones
(entropy), digits among them, no plain words.

Limits: a secret of unknown shape without such a word before it is not found; keys in examples of
documentation look like real ones unless they say so ("EXAMPLE", "xxxx").
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

_SHAPES = (
    ("private_key", "a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
     r"(?:[\s\S]{0,8000}?-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----)?"),
    ("aws", "an AWS access key", r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z2-7]{16}\b"),
    ("github", "a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{36,255}\b"),
    ("gitlab", "a GitLab token", r"\bglpat-[\w\-]{20,}"),
    ("slack", "a Slack token", r"\bxox[abposr]-[A-Za-z0-9\-]{10,}"),
    ("stripe", "a Stripe key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}\b"),
    ("google", "a Google key", r"\bAIza[\w\-]{35}(?![\w\-])"),
    ("openai", "an API key of a model provider", r"\bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_\-]{20,}"),
    ("hugging_face", "a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("npm", "an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("sendgrid", "a SendGrid key", r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}"),
    ("jwt", "a signed web token", r"\beyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.[\w\-]{10,}"),
    ("url", "a password in an address", r"\b[a-z][a-z0-9+.\-]{1,20}://[^\s/:@]{1,64}:"
     r"[^\s/:@{}<>$]{3,64}@[\w.\-]+"),
    ("assigned", "a secret by its name", r"(?i:\b(?P<name>[\w\-]{0,30}"
     r"(?:passw(?:or)?d|passphrase|pwd|secret|(?:api|access)[_\- ]?key|"
     r"(?:(?:auth|access)[_\- ]?)?token))\b"
     r"[\"']?\s{0,2}(?:=|:|:=|=>)\s{0,2}[\"'`]?)(?P<value>[^\s\"'`,;<>()\[\]{}]{8,128})"),
)  # fmt: skip
_SECRET = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, _, pattern in _SHAPES))
_MEANING = {kind: meaning for kind, meaning, _ in _SHAPES}
_PREFIXES = [
    *("AKIA", "ASIA", "AROA", "AIDA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "AIza", "sk-", "hf_"),
    *("npm_", "SG.", "eyJ", "PRIVATE KEY"),
]
_NAMES = [
    *("passw", "passphrase", "pwd", "secret", "token", "api_key", "api-key", "api key", "apikey"),
    *("access_key", "access-key", "access key", "accesskey"),
]
_MAY_BE_SECRET = (
    pl.col("content").str.contains_any(_PREFIXES)
    | pl.col("content").str.contains_any(_NAMES, ascii_case_insensitive=True)
    | pl.col("content").str.contains(r"://[^\s/@:]+:[^\s/@]+@")
)
_IS_EXAMPLE = re.compile(
    r"example|sample|placeholder|dummy|your|my[_\-]?|changeme|insert|xxx|\*\*\*|\.\.\.|…|1234567|"
    r"abcdef|password|passwd|secret|redacted|foobar|<|\$[A-Z{(_]|%[A-Z{(]|none|null|true|false|process\.|environ|"
    r"getenv|config|\bos\.|self\.|[_\-]key$|token$",
    re.IGNORECASE,
)


def entropy(text: str) -> float:
    """Return the Shannon entropy of a text's letters, in bits a letter.

    Example:
        >>> entropy("aaaa"), entropy("abab")
        (0.0, 1.0)
    """
    counts = Counter(text).values()
    return sum(count / len(text) * math.log2(len(text) / count) for count in counts)


def _secrets(context: CheckContext, check: Check) -> pl.DataFrame:
    least = context.parameter(check, "least_entropy")

    def judge(match: re.Match[str]) -> Hit | None:
        kind = next(kind for kind, _, _ in _SHAPES if match[kind] is not None)
        if kind == "private_key":
            return Hit(_MEANING[kind], score=1.0)
        if kind != "assigned":
            return None if _is_example(match[0], least) else Hit(_MEANING[kind], score=1.0)
        value = match["value"].rstrip(".!?:")
        if _is_example(value, least) or not _looks_random(value):
            return None
        start = match.start("value")
        score = min(1.0, entropy(value) / 4)
        return Hit(_MEANING[kind], start=start, end=start + len(value), score=score)

    return find_spans(context.messages, _SECRET, judge, where=_MAY_BE_SECRET)


def _is_example(value: str, least_entropy: float) -> bool:
    return entropy(value) < least_entropy or _IS_EXAMPLE.search(value) is not None


def _looks_random(value: str) -> bool:
    """Tell a secret from a word or a name in code: letters and digits, well mixed."""
    kinds = [_kind(letter) for letter in value]
    changes = sum(first != second for first, second in pairwise(kinds))
    has_both = "digit" in kinds and bool({"lower", "upper"} & set(kinds))
    return has_both and (len(value) >= 20 or len(set(kinds)) >= 3 or changes >= 4)


def _kind(letter: str) -> str:
    if letter.isdigit():
        return "digit"
    if letter.isalpha():
        return "upper" if letter.isupper() else "lower"
    return "other"


CHECKS = (
    RowCheck(
        name="privacy/secret",
        title="keys, tokens and passwords",
        severity=Severity.HIGH,
        fix=Fix.MASK,
        find=_secrets,
        parameters={
            "least_entropy": Parameter(2.8, "bits a letter; words and placeholders have less")
        },
    ),
)
