"""Secrets and credentials: real ones found to the character, placeholders and code left alone."""

from __future__ import annotations

import random
import string

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tunewise.curate.checks.privacy_secret import secrets_in
from tunewise.curate.checks.privacy_url_credentials import credentials_in_urls
from tunewise.curate.checks.secret_shapes import MAY_BE_SECRET, shapes
from tunewise.curate.checks.secret_values import entropy, is_placeholder, is_reference, looks_random

# Put together here, so that no scanner takes this file for a leak.
LETTERS = "Zk3VqW8rT1yBx6NcJ0pLs5HdGf2MaE9uQiRo"
HEX = "a9f4e5b761ad7c101de3aa46bceadfbd"

SHAPED = {
    "AWS": "AKIA" + "QRZ7TWXKL2MNVB4C",
    "AWS, older": "ASIA" + "QRZ7TWXKL2MNVB4C",
    "GitHub": "ghp_" + LETTERS,
    "GitHub, fine": "github_pat_" + "11AB" + LETTERS + LETTERS[:20],
    "GitLab": "glpat-" + LETTERS[:20],
    "OpenAI": "sk-" + "proj-" + LETTERS,
    "Anthropic": "sk-" + "ant-api03-" + LETTERS,
    "Hugging Face": "hf_" + LETTERS[:34],
    "DigitalOcean": "do" + "p_v1_" + HEX + HEX[::-1],
    "Slack": "xoxb-" + "2345678901-" + LETTERS[:20],
    "Slack hook": "https://" + "hooks.slack.com/services/T02AB34CD/B05EF67GH/" + LETTERS[:24],
    "Stripe": "sk_live_" + LETTERS[:24],
    "Google": "AIza" + LETTERS[:35],
    "npm": "npm_" + LETTERS,
    "PyPI": "pypi-AgEIcHlwaS5vcmc" + LETTERS * 2,
    "SendGrid": "SG." + LETTERS[:22] + "." + (LETTERS * 2)[:43],
    "Telegram": "8412" + "59037:" + "AA" + LETTERS[:33],
    "Discord": "M" + LETTERS[:24] + "." + LETTERS[5:11] + "." + LETTERS[:27],
    "Twilio": "AC" + HEX,
    "Mailchimp": HEX + "-us12",
    "JWT": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjMifQ." + LETTERS,
    "Azure": "AccountKey=" + (LETTERS * 3)[:86] + "==",
    "Square": "sq0csp-" + (LETTERS * 2)[:43],
}


def found(text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in secrets_in(text, 2.8)]


def in_urls(text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in credentials_in_urls(text)]


@pytest.mark.parametrize("value", SHAPED.values(), ids=SHAPED)
def test_keys_of_known_shape(find_in_answers, value: str) -> None:
    text = f"😀\nHere it is: {value}, as I said. 😀"
    checks = ("privacy/secret", "privacy/url-credentials")
    hits = pl.concat([find_in_answers(check, [text]) for check in checks]).to_dicts()
    spans = [text[hit["start"] : hit["end"]] for hit in hits]
    expected = value.removeprefix("https://" + "hooks.slack.com/services/")
    assert spans == [expected.removeprefix("AccountKey=")]
    assert all(value not in hit["message"] for hit in hits)
    assert {(hit["severity"], hit["fix"]) for hit in hits} == {("high", "mask")}


def test_every_shape_lies_in_a_line_that_is_looked_at() -> None:
    may_be = pl.any_horizontal(pl.col("text").str.contains(part) for part in MAY_BE_SECRET)
    named = {
        "cloudant_key = '" + HEX * 2 + "'",
        "ibm_cloud_api_key: " + (LETTERS * 2)[:44],
        "secret_access_key=" + (HEX * 2)[:48],
        "softlayer_api_key " + HEX * 2,
        'aws_secret = "' + (LETTERS * 2)[:40] + '" # token',
        "aws token '" + (LETTERS * 2)[:40] + "'",
        "A token: AKC" + LETTERS[:12] + " there",
    }
    lines = [*SHAPED.values(), *named]
    frame = pl.DataFrame({"text": lines})
    matched = [any(shape.pattern.search(line) for shape in shapes()) for line in lines]
    kept = frame.select(may_be)["text"].to_list()
    assert [
        line for line, hit, seen in zip(lines, matched, kept, strict=True) if hit and not seen
    ] == []
    assert sum(matched) >= len(SHAPED)


@pytest.mark.parametrize(
    "value", ["Fret7015!x", "aB3#fG7!kL9@", "689ddce424ab7d7f40d21c78860bc47e"]
)
@pytest.mark.parametrize("before", ["password: ", "api_key=", '"token": "', "secret = '",
                                    "client-secret => ", 'auth_token("', "PASSWORD='"])  # fmt: skip
def test_secrets_by_their_name(before: str, value: str) -> None:
    assert found(f"In case you need it, {before}{value} is mine.") == [value]
    assert found(f"In case you need it, {before}{value}\"') is mine.") == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The password is yG2{x8g1 now.", "yG2{x8g1"),
        ("My password for the router was: #1K*7%c8+.", "#1K*7%c8+"),
        ("the new passcode will be “a9B7$#fG3”, keep it", "a9B7$#fG3"),
        ("- Password: SandyBeachesPlz!", "SandyBeachesPlz!"),
    ],
)
def test_passwords_in_prose(find_in_answers, text: str, value: str) -> None:
    (hit,) = find_in_answers("privacy/secret", [text]).to_dicts()
    assert text[hit["start"] : hit["end"]] == value


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK",
                                  "PRIVATE KEY"])  # fmt: skip
def test_a_whole_private_key_is_one_secret(find_in_answers, kind: str) -> None:
    frame = "-----{} {}-----"
    key = f"{frame.format('BEGIN', kind)}\nMIIEow{LETTERS}\nIBAAKC\n{frame.format('END', kind)}"
    text = f"Mine:\n{key}\nKeep it."
    (hit,) = find_in_answers("privacy/secret", [text]).to_dicts()
    assert text[hit["start"] : hit["end"]] == key


def test_a_private_key_that_is_cut_off(find_in_answers) -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{LETTERS}\n" * 3 + "and no more"
    (hit,) = find_in_answers("privacy/secret", [text]).to_dicts()
    assert text[hit["start"] : hit["end"]].endswith(LETTERS)


@pytest.mark.parametrize(
    "text",
    [
        "password: your_password", "api_key = os.environ['KEY']", "token=<TOKEN>",
        "Password: ********", "the secret: patience is all", "api_key=${API_KEY}",
        "password=hunter", "token: string_value", "password_reset_token: None",
        "sk-your-api-key-goes-here-please", "AKIAIOSFODNN7EXAMPLE", "max_tokens: 4096tokens",
        "Is the secret in the wood?", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "token = base64.b64encode(digest)", "secret_key=hashlib.sha256(x)",
        "private_key = ed25519.Ed25519PrivateKey.generate()", "class BadToken(Route53ClientError):",
        "private_key: PKCS7PrivateKeyTypes,", '"AWS::IAM::AccessKey": "62d91b17309e76c8"',
        "token = Sha256Hash1", "api_key=abcdefghijklmnop", "token: 0123456789abcdef",
        "The password is commonly used.", "A password is SHA-256 hashed.", "Password: Required!",
        "The password is 12345678.", "a password is [redacted].", "The password was reset2 times.",
        "a risk-based-approach-to-something-4-you", "PuTTY-User-Key-File-2",
    ],
)  # fmt: skip
def test_no_secret(find_in_answers, text: str) -> None:
    assert find_in_answers("privacy/secret", [text]).is_empty(), text


def test_a_long_line_is_searched_to_its_end() -> None:
    filler = "word " * 5000
    assert found(filler + SHAPED["GitHub"] + " " + filler) == [SHAPED["GitHub"]]
    for before in range(7900, 8010, 7):
        token = SHAPED["JWT"] + LETTERS * 40
        assert found("." * before + " " + token) == [token]


def test_lines_keep_their_place(find_in_answers) -> None:
    text = f"😀\n\nkey\napi_key={HEX}\r\n\npassword: Fret7015!x\n"
    hits = find_in_answers("privacy/secret", [text])
    spans = [text[start:end] for start, end in hits.select("start", "end").iter_rows()]
    assert spans == [HEX, "Fret7015!x"]


def test_hostile_lines_end() -> None:
    for hostile in ("key" + " " * 20_000 + "x", "password=" * 5_000, "eyJ" * 20_000, "-" * 50_000,
                    "://a:" * 10_000, "AKIA" * 10_000, "https://" + "a:" * 10_000):  # fmt: skip
        found(hostile)
        in_urls(hostile)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.text(max_size=40), st.text(max_size=40))
def test_random_values_after_a_name_are_found_in_any_text(seed, before: str, after: str) -> None:
    generator = random.Random(seed)
    value = "".join(generator.choices(string.ascii_letters + string.digits, k=32))
    assume(not is_placeholder(value, 2.8) and not is_reference(value) and looks_random(value))
    text = f"{before}\napi_key='{value}'\n{after}"
    line = next(line for line in text.split("\n") if "api_key=" in line)
    assert found(line) == [value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://admin:tr0ub4dor@db.tunewise.dev/x", ["admin:tr0ub4dor"]),
        ("see https://bob:p4ss%20w0rd@[::1]:80/, please", ["bob:p4ss%20w0rd"]),
        ("redis://:s3cr7tPw@cache:6379/0", [":s3cr7tPw"]),
        (f"https://x.org/a?user=bob&access_token={HEX}&b=1", [HEX]),
        (f"https://x.org/a#id_token={HEX}.", [HEX]),
        (f"(https://x.org/?X-Amz-Signature={HEX}{HEX})", [HEX + HEX]),
        (f"https://x.org/?a=1&amp;api_key={HEX}", [HEX]),
        (f"https://u:passw0rt9@x.org/?token={HEX}", ["u:passw0rt9", HEX]),
        ("https://discord.com/api/webhooks/" + "1" * 18 + "/" + LETTERS * 2,
         ["1" * 18 + "/" + LETTERS * 2]),
    ],
)  # fmt: skip
def test_credentials_in_urls(text: str, expected: list[str]) -> None:
    assert in_urls(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://host.org:8080/a@b", "http://user:password@host.org", "https://user:pass@host.org",
        "https://{user}:{password}@host.org", "https://x.org/?token=YOUR_TOKEN_HERE_PLEASE",
        "https://x.org/?key=some-plain-words-only", "https://x.org/?api_key=<key>",
        "https://x.org/?page=2&sort=name", "https://x.org/?q=access_token", "mailto:a:b@c.org",
        "https://x.org/?keyboard=a9f4e5b761ad7c101de3", "std::map<int>::at@x", "12:30@home",
        "https://x.org/?access_token=${ACCESS_TOKEN}",
    ],
)  # fmt: skip
def test_no_credentials_in_urls(text: str) -> None:
    assert in_urls(text) == []


def test_what_lies_in_a_url_is_no_secret_besides(find_in_answers) -> None:
    text = f"See https://x.org/?api_key={HEX} and postgres://root:{LETTERS}@x.org"
    assert find_in_answers("privacy/secret", [text]).is_empty()
    assert find_in_answers("privacy/url-credentials", [text]).height == 2


def test_entropy_of_equal_letters_is_their_number() -> None:
    assert entropy("abcdefgh") == 3.0
    assert entropy("aaaaaaab") < 1
