"""Strict JSON: exact values or a reason, never a silent loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.formats.json_values import NotJsonError, json_text, parse_json

keys = st.sampled_from(["a", "b", "a:", 'a"', "a\\", 'a": ', "", ":", "é", "\n"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**63 - 3, 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    keys,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
spaces = st.sampled_from(["", "", " ", "\t", "\n ", "  "])


class Pairs(list):
    """An object as a list of pairs, so that it may repeat a key."""


objects = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=3).map(Pairs)
    ),
    max_leaves=8,
)


def written(value: Any, draw: Any, escape: bool) -> str:
    def text(item: str) -> str:
        return json.dumps(item, ensure_ascii=escape)

    if isinstance(value, Pairs):
        items = [
            f"{draw(spaces)}{text(key)}{draw(spaces)}:{draw(spaces)}{written(item, draw, escape)}"
            for key, item in value
        ]
        return "{" + ",".join(items) + draw(spaces) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(item, draw, escape) for item in value) + "]"
    return text(value) if isinstance(value, str) else json.dumps(value)


def repeats(value: Any) -> bool:
    if isinstance(value, Pairs):
        names = [key for key, _ in value]
        return len(set(names)) < len(names) or any(repeats(item) for _, item in value)
    return isinstance(value, list) and any(repeats(item) for item in value)


@given(value=objects, data=st.data(), escape=st.booleans())
@settings(max_examples=300, deadline=None)
def test_values_are_exact_and_repeated_keys_always_found(
    value: Any, data: Any, escape: bool
) -> None:
    raw = written(value, data.draw, escape).encode()
    if repeats(value):
        with pytest.raises(NotJsonError, match="repeated"):
            parse_json(raw)
    else:
        parsed = parse_json(raw)
        assert json.dumps(parsed) == json.dumps(json.loads(raw))
        assert json.dumps(parse_json(json_text(parsed).encode())) == json.dumps(parsed)


@given(st.binary(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_value_or_no_json(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except NotJsonError:
        return
    assert json.dumps(value) == json.dumps(json.loads(raw))
