"""Shapes of secrets: those of detect-secrets' plugins, and those that they lack.

The plugins know many services, but cut some tokens short (after the first signs of a GitHub token,
before the signature of a web token) and read line by line; those shapes are our own here. Their
detectors of mere entropy and of words between quotes are not used: on prose and code they find
hashes and captions. Addresses with credentials have a check of their own, and so have IP addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:(?P<body>[\s\S]{6,8000}?)-----END (?P=kind)-----|(?:\s+[A-Za-z0-9+/=]{16,200})+)"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a secret of some kind looks like.

    Attributes:
        meaning: what it is, in words.
        pattern: where it may stand.
        group: number or name of the group that is the secret; 0 for all of the pattern.
        telling: nothing else has this shape; otherwise its letters must look random, too.
    """

    meaning: str
    pattern: re.Pattern[str]
    group: int | str = 0
    telling: bool = True


# Module, class, meaning, group, telling.
_PLUGINS = (
    ("artifactory", "ArtifactoryDetector", "an Artifactory token", 0, False),
    ("aws", "AWSKeyDetector", "an AWS key", -1, True),
    ("cloudant", "CloudantDetector", "a Cloudant key", 1, False),
    ("discord", "DiscordBotTokenDetector", "a Discord token", 0, False),
    ("gitlab_token", "GitLabTokenDetector", "a GitLab token", 0, True),
    ("ibm_cloud_iam", "IbmCloudIamDetector", "an IBM Cloud key", 1, False),
    ("ibm_cos_hmac", "IbmCosHmacDetector", "an IBM storage key", 1, False),
    ("mailchimp", "MailchimpDetector", "a Mailchimp key", 0, False),
    ("openai", "OpenAIDetector", "an API key of a model provider", 0, True),
    ("pypi_token", "PypiTokenDetector", "a PyPI token", 0, True),
    ("sendgrid", "SendGridDetector", "a SendGrid key", 0, True),
    ("slack", "SlackDetector", "a Slack token", 0, True),
    ("softlayer", "SoftlayerDetector", "a SoftLayer key", 1, False),
    ("square_oauth", "SquareOAuthDetector", "a Square token", 0, True),
    ("stripe", "StripeDetector", "a Stripe key", 0, True),
    ("telegram_token", "TelegramBotTokenDetector", "a Telegram token", 0, False),
    ("twilio", "TwilioKeyDetector", "a Twilio key", 0, False),
)
_OWN = (
    Shape("an AWS access key", re.compile(r"\b(?:AROA|AIDA)[A-Z2-7]{16}\b")),
    Shape(
        "a GitHub token",
        re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{36,255}\b"),
    ),
    Shape("an Azure storage key", re.compile(r"AccountKey=([A-Za-z0-9+/]{86}==)"), group=1),
    Shape("a Slack token", re.compile(r"\bxox[abeposr]-[A-Za-z0-9\-]{10,}")),
    Shape("a Stripe key", re.compile(r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}\b")),
    Shape("a Google key", re.compile(r"\bAIza[\w\-]{35}(?![\w\-])")),
    Shape(
        "an API key of a model provider",
        re.compile(r"\bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_\-]{20,}"),
        telling=False,
    ),
    Shape("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    Shape("a DigitalOcean token", re.compile(r"\bdo[opr]_v1_[a-f0-9]{64}\b")),
    Shape("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    Shape("a SendGrid key", re.compile(r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}"), telling=False),
    Shape(
        "a signed web token",
        re.compile(r"\beyJ[\w\-]{10,}={0,2}\.eyJ[\w\-]{10,}={0,2}\.[\w\-]{10,}"),
    ),
)
_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|"
    r"(?:api|access|auth|service|account|client|private|encryption|signing|master)[_\- ]?key"
)
ASSIGNED = Shape(
    "a secret by its name",
    re.compile(
        rf"(?i:{_NAMES})(?:[_\-](?i:key|value|string))?\b"
        r"[\"'\]]{0,2}[ \t]{0,2}(?:(?P<colon>:)|=>|:=|={1,3}|\((?=[\"'`]))[ \t]{0,2}"
        r"(?P<quote>[\"'`]?)"
        r"(?P<value>[^\s\"'`,;<>()\[\]{}]{8,128})(?P<call>\()?"
    ),
    group="value",
    telling=False,
)
# "The password for the router is …": of what is said so, only what looks random is a password.
SAID = Shape(
    "a password in prose",
    re.compile(
        r"(?i:\bpass(?:word|code|phrase))\b[^\n.!?:=]{0,40}?\s(?i:is|was|will be)(?:\snow)?:?\s"
        r"[\"'`“‘*]{0,2}(?P<value>[^\s\"`”]{6,64})"
    ),
    group="value",
    telling=False,
)
# Every line that the shapes above can match has a match of one of these, which polars understands.
# They are kept apart, and short where shapes are long: its automata grow with alternatives and
# with counted repetitions.
MAY_BE_SECRET = (
    r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|A3T)[A-Z0-9]{12}|gh[pousr]_[A-Za-z0-9]{8}|github_pat_|"
    r"gl[a-z]{2,5}-[A-Za-z0-9_-]{20}|GR1348941|xox[a-z]-|[rs]k_(?:live|test)_|AIza|"
    r"sk-[A-Za-z0-9_-]{20}|hf_[A-Za-z0-9]{8}|do[opr]_v1_|npm_[A-Za-z0-9]{8}|SG\.[A-Za-z0-9_-]{16}|eyJ|"
    r"pypi-Ag|sq0csp|AKC[A-Za-z0-9]{10}|AP[0-9A-F][A-Za-z0-9]{8}|AccountKey=|"
    r"hooks\.slack\.com|softlayer\.com/soap|(?:AC|SK)[a-z0-9]{16}|[0-9a-z]{8}-us[0-9]|"
    r"[0-9]{8}:[0-9A-Za-z_-]{20}|\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{20}",
    r"(?i:aws.{0,20}(?:key|pw|pass|token))",
    r"(?i:key|pwd|pw|pass|word|token)[\"']?\]? {0,4}[=: ]>? {0,4}[\"']?[A-Za-z0-9_-]{20}",
    rf"(?i:{_NAMES})[A-Za-z_-]{{0,8}}[\"'\]]{{0,2}}[ \t]{{0,2}}"
    r"(?:=>|:=|={1,3}|:|\()[ \t]{0,2}[\"'`]?[!-~]{8}",
    r"(?i:pass(?:word|code|phrase))[^\n.!?:=]{0,44}(?i:is|was|be|now):? ",
)


@cache
def shapes() -> tuple[Shape, ...]:
    """Return all shapes but that of a private key, the most telling first."""
    return (*_OWN, *_shapes_of_plugins(), ASSIGNED, SAID)


def _shapes_of_plugins() -> Iterator[Shape]:
    from importlib import import_module

    for module, name, meaning, group, telling in _PLUGINS:
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        for pattern in plugin.denylist:
            # -1: the group where the pattern has one (a key by its name), else all of it.
            which = pattern.groups if group < 0 else group
            yield Shape(meaning, pattern, which, telling)
