"""Telling secrets from placeholders, references and words by their letters."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

# Long enough that chance letters of a real key hardly spell one of them.
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|dummy|changeme|insert|redacted|foobar|your|here$|x{4,}|\*{3}|"
    r"\.{3}|…|1234567|abcdef|qwerty|<|>|^\$\w|\$[{(]|%\w+%|\{\{",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?:^|[^a-z0-9])my[_\-A-Z]|passw|secret|none|null|true|false|process\.|environ|getenv|config|\bos\.|"
    r"self\.|this\.|[_\-]key$|token$|^0x|^\w{1,20}=",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
_BETWEEN_WORDS = "_-./"
_MOST_CHANGES_IN_NAME = 4
# A letter; two words of three letters each have three: "AbcDef".
_MOST_CHANGES_OF_CASE = 0.34
_NAME_OF_CLASS = re.compile(r"\w*(?:[A-Z][a-z]{2,}\d*){3,}")
# Signatures and keys that manuals print.
_PUBLISHED = ("SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",)


def entropy(text: str) -> float:
    """Return the Shannon entropy of a text's letters, in bits a letter.

    Example:
        >>> entropy("aaaa"), entropy("abab")
        (0.0, 1.0)
    """
    counts = Counter(text).values()
    return sum(count / len(text) * math.log2(len(text) / count) for count in counts)


def is_placeholder(value: str, least_entropy: float) -> bool:
    """Tell whether a value stands for a secret rather than being one.

    Args:
        value: not empty.
        least_entropy: bits a letter; words and placeholders have less.

    Example:
        >>> is_placeholder("your-api-key", 2.8), is_placeholder("a9F3kQ07xLm2", 2.8)
        (True, False)
    """
    from detect_secrets.filters.heuristic import (
        is_not_alphanumeric_string,
        is_sequential_string,
        is_templated_secret,
    )

    return (
        entropy(value) < least_entropy
        or _PLACEHOLDER.search(value) is not None
        or value.endswith(_PUBLISHED)
        or is_sequential_string(value)
        or is_templated_secret(value)
        or is_not_alphanumeric_string(value)
    )


def is_reference(value: str) -> bool:
    """Tell whether a value is code or a word that stands where a secret would.

    Example:
        >>> is_reference("os.environ"), is_reference("a9F3kQ07xLm2")
        (True, False)
    """
    return _REFERENCE.search(value) is not None or _DOTTED.fullmatch(value) is not None


def looks_random(value: str) -> bool:
    """Tell a secret from a word or a name in code: letters and digits, well mixed.

    Example:
        >>> looks_random("Maple2762!x"), looks_random("max_tokens_v2"), looks_random("step2")
        (True, False, False)
    """
    kinds = [_kind(letter) for letter in value if letter not in _BETWEEN_WORDS]
    changes = sum(first != second for first, second in pairwise(kinds))
    has_letters = bool({"lower", "upper"} & set(kinds))
    has_digits = "digit" in kinds
    # Without digits a sign and capitals within a word must do: "SandyBeaches!".
    is_mixed = len(set(kinds)) >= 3 and (has_digits or "upper" in kinds[1:])
    return has_letters and (is_mixed or (has_digits and changes >= 4))


def is_name_in_code(value: str) -> bool:
    """Tell whether a value could be the name of a class or a variable, such as ``Sha256Hash``.

    Letters and digits of keys change places more often, and so do small and capital letters.

    Example:
        >>> is_name_in_code("Route53ClientError"), is_name_in_code("a9f4e5b761ad7c10")
        (True, False)
        >>> is_name_in_code("aHJPZnGJfgFPiBywEKBZMh39")
        False
    """
    digits = [letter.isdigit() for letter in value]
    changes = sum(first != second for first, second in pairwise(digits))
    capitals = [letter.isupper() for letter in value if letter.isalpha()]
    changes_of_case = sum(first != second for first, second in pairwise(capitals))
    return (
        value.isidentifier()
        and changes <= _MOST_CHANGES_IN_NAME
        and changes_of_case <= len(value) * _MOST_CHANGES_OF_CASE
    )


def is_name_of_class(value: str) -> bool:
    """Tell whether a value reads like several words written as one.

    Example:
        >>> is_name_of_class("PKCS7PrivateKeyTypes"), is_name_of_class("Maple2762x")
        (True, False)
    """
    return _NAME_OF_CLASS.fullmatch(value) is not None


def _kind(letter: str) -> str:
    if letter.isdigit():
        return "digit"
    if letter.isalpha():
        return "upper" if letter.isupper() else "lower"
    return "other"
