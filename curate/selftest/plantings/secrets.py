"""Keys, tokens and passwords drawn by chance, and what only looks like them.

Shapes of keys are put together from their documented parts, so that no key stands in this file.
"""

from __future__ import annotations

import base64
import json
import string
from random import Random

from .planting import Host, Planted, defect, look_alike
from .privacy_values import FIRST_NAMES, digits, host_name
from .wording import insert_anywhere

_OPEN_END = ("text/truncated",)
"""What may be said of a text that ends in a key or an address, without a full stop."""

_LETTERS_DIGITS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_URL_SAFE = _LETTERS_DIGITS + "-_"

# What services put before their random part, how long that is, and its letters.
_TOKENS = (
    ("AKIA", 16, string.ascii_uppercase + "234567"),
    ("gh" + "p_", 36, _LETTERS_DIGITS),
    ("gl" + "pat-", 20, _URL_SAFE),
    ("xo" + "xb-", 0, ""),
    ("sk_" + "live_", 24, _LETTERS_DIGITS),
    ("AI" + "za", 35, _URL_SAFE),
    ("np" + "m_", 36, _LETTERS_DIGITS),
    ("h" + "f_", 34, string.ascii_letters),
    ("SG" + ".", 0, ""),
    ("sk-" + "ant-api03-", 93, _URL_SAFE),
    ("github_" + "pat_", 0, ""),
    ("do" + "p_v1_", 64, _HEX),
)
_TOKEN_SENTENCES = (
    "The bot uses § and nobody has changed it since.",
    "export TOKEN=§",
    "I set Authorization: Bearer § and it still fails.",
    "key: §",
    'client = Client("§")',
    "It works with §, so I left it in.",
)
_PASSWORD_SENTENCES = (
    "password = '§'",
    "DB_PASSWORD=§",
    'api_key: "§"',
    "secret_key = §",
    "client_secret=§",
    "passwd: §",
    '{"password": "§"}',
    "ACCESS_TOKEN = '§'",
)


def _letters(random: Random, letters: str, count: int) -> str:
    return "".join(random.choices(letters, k=count))


def _token(random: Random) -> str:
    prefix, count, letters = random.choice(_TOKENS)
    if count:
        # A run of letters that happens to be a word or all digits is no likely key.
        return prefix + _letters(random, letters, count)
    if prefix.startswith("xo"):
        parts = (digits(random, 12), digits(random, 12), _letters(random, _LETTERS_DIGITS, 24))
        return prefix + "-".join(parts)
    if prefix.startswith("SG"):
        return f"{prefix}{_letters(random, _URL_SAFE, 22)}.{_letters(random, _URL_SAFE, 43)}"
    return (
        f"{prefix}{_letters(random, _LETTERS_DIGITS, 22)}_{_letters(random, _LETTERS_DIGITS, 59)}"
    )


def _web_token(random: Random) -> str:
    """Return a JSON web token (RFC 7519) with a random signature."""
    parts = (
        json.dumps({"alg": "HS256", "typ": "JWT"}),
        json.dumps({"sub": digits(random, 10), "name": random.choice(FIRST_NAMES), "iat": 1516239}),
    )
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    signature = base64.urlsafe_b64encode(random.randbytes(32)).decode().rstrip("=")
    return ".".join([*encoded, signature])


def _private_key(random: Random) -> str:
    name = random.choice(
        ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY")
    )
    body = base64.b64encode(random.randbytes(240)).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    dashes = "-" * 5
    return "\n".join([f"{dashes}BEGIN {name}{dashes}", *lines, f"{dashes}END {name}{dashes}"])


def _password(random: Random) -> str:
    kind = random.randrange(3)
    if kind == 0:
        return _letters(random, _HEX, 32)
    if kind == 1:
        body = _letters(random, _LETTERS_DIGITS, 12)
        return f"{body[:5]}{random.choice('!$%&')}{body[5:]}{random.randrange(10, 99)}"
    return _letters(random, _LETTERS_DIGITS, 24) + digits(random, 2)


@defect("privacy/secret", allows=(*_OPEN_END, "text/compression", "text/length"))
def key_of_a_service(host: Host, random: Random) -> Planted | None:
    """A key in the documented shape of one of twelve services."""
    return insert_anywhere(host, random.choice(_TOKEN_SENTENCES), _token(random), random)


@defect("privacy/secret", allows=(*_OPEN_END, "text/compression", "text/length"))
def web_token(host: Host, random: Random) -> Planted | None:
    """A JSON web token."""
    return insert_anywhere(host, random.choice(_TOKEN_SENTENCES), _web_token(random), random)


@defect("privacy/secret", allows=(*_OPEN_END, "text/compression", "text/length"))
def private_key(host: Host, random: Random) -> Planted | None:
    """A private key in PEM armour."""
    return insert_anywhere(host, "This is the file:\n§", _private_key(random), random)


@defect("privacy/secret", allows=_OPEN_END)
def value_that_is_called_secret(host: Host, random: Random) -> Planted | None:
    """A random value after a name such as password or api_key."""
    return insert_anywhere(host, random.choice(_PASSWORD_SENTENCES), _password(random), random)


@look_alike("privacy/secret", allows=(*_OPEN_END, "text/placeholder"))
def value_that_is_no_secret(host: Host, random: Random) -> Planted | None:
    """Digests, identifiers, stand-ins for keys, references, and the words in prose."""
    digest = _letters(random, _HEX, 40)
    uuid = "-".join(_letters(random, _HEX, size) for size in (8, 4, 4, 4, 12))
    sentence = random.choice(
        (
            f"It was fixed in commit {digest}.",
            f"The request id is {uuid}.",
            f"MD5 of the download: {digest[:32]}.",
            "password: ********",
            "Set api_key = YOUR_API_KEY before you run it.",
            'token = os.environ["SERVICE_TOKEN"]',
            "The key to success is patience, and the secret of it is sleep.",
            "Password: choose one with eight letters or more.",
            "secret_key: <your secret key>",
            "api_key=${API_KEY}",
            "client_secret = get_secret(name)",
            f"sha256:{_letters(random, _HEX, 64)} is the image.",
            "The password must not be the same as the user name.",
            "auth_token = request.headers.get('X-Token')",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/url-credentials", allows=(*_OPEN_END, "privacy/secret"))
def password_in_an_address(host: Host, random: Random) -> Planted | None:
    """User name and password before the host of a URL."""
    scheme = random.choice(("https", "postgresql", "ftp", "mongodb+srv", "redis", "amqp"))
    user = random.choice(FIRST_NAMES)
    password = _letters(random, _LETTERS_DIGITS, random.randrange(9, 16)) + digits(random, 2)
    sentence = random.choice(
        ("The link is §", "DATABASE_URL=§", "git clone §", "We connect to § from there.")
    )
    address = f"{scheme}://{user}:§@{host_name(random)}/data"
    return insert_anywhere(host, sentence.replace("§", address), password, random)


@defect("privacy/url-credentials", allows=(*_OPEN_END, "privacy/secret"))
def token_in_an_address(host: Host, random: Random) -> Planted | None:
    """A token among the parameters of a URL."""
    name = random.choice(("access_token", "api_key", "token", "apikey", "client_secret"))
    value = _letters(random, _LETTERS_DIGITS, 32) + digits(random, 2)
    return insert_anywhere(
        host, f"The call was https://{host_name(random)}/v1/items?page=2&{name}=§", value, random
    )


@look_alike("privacy/url-credentials", "privacy/email", allows=(*_OPEN_END, "text/placeholder"))
def address_without_credentials(host: Host, random: Random) -> Planted | None:
    """Links with colons, at signs and parameters that are no secret."""
    name = host_name(random)
    sentence = random.choice(
        (
            f"See https://{name}:8443/login for the form.",
            f"Clone git@{name}:team/project.git over SSH.",
            f"The profile is https://{name}/@{random.choice(FIRST_NAMES)} there.",
            f"Open https://{name}/search?q=red+shoes&page=3&sort=price now.",
            f"Use https://{name}/items?api_key=YOUR_KEY in the address.",
            f"Sign in at https://user:password@{name}/ is what the manual has.",
            f"The picture is https://{name}/image.png?width=640&v={digits(random, 10)} here.",
            f"Replace the token in https://{name}/?token=<token> by yours.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)
