"""Sources and licences: present, missing, contradictory, unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.licences import KNOWN_TO_THE_HUB, find_licence


def rows_of(count: int, **fields: object) -> list[dict[str, object]]:
    return [{"text": f"text {number} {fields}", **fields} for number in range(count)]


@pytest.mark.parametrize("text", KNOWN_TO_THE_HUB)
def test_the_hubs_identifiers_are_known(text: str) -> None:
    licence = find_licence(text.upper())
    assert licence is not None
    assert licence.forbids_commerce == ("-nc" in text or text in {
        "apple-amlr", "deepfloyd-if-license", "fair-noncommercial-research-license", "h-research",
        "intel-research",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("text", "forbids"),
    [
        ("CC BY-NC-SA 4.0", True),
        ("https://creativecommons.org/licenses/by-nc/4.0/legalcode", True),
        ("https://creativecommons.org/licenses/by/4.0/", False),
        ("Apache License 2.0", None),
        ("MIT OR CC-BY-NC-4.0", False),
        ("MIT AND CC-BY-NC-4.0", True),
        ("PolyForm-Noncommercial-1.0.0", True),
        ("free", None),
        ("", None),
        ("(" * 500, None),
    ],
)
def test_which_licences_forbid_commercial_use(text: str, forbids: bool | None) -> None:
    licence = find_licence(text)
    assert (licence and licence.forbids_commerce) == forbids


@given(st.text(max_size=200))
def test_any_text_may_be_a_licence(text: str) -> None:
    licence = find_licence(text)
    assert licence is None or licence.identifier == licence.identifier.lower()


@pytest.mark.parametrize("check", ["provenance/source", "provenance/licence"])
def test_nothing_is_known(check_rows, check: str) -> None:
    (hit,) = check_rows(check, rows_of(5), shape="text").findings.to_dicts()
    assert (hit["row"], hit["severity"]) == (None, "info")
    assert hit["message"].startswith("no row ")


@pytest.mark.parametrize(
    ("check", "field", "value"),
    [("provenance/source", "source", "web"), ("provenance/licence", "license", "mit")],
)
def test_rows_without_what_most_have(check_rows, check: str, field: str, value: str) -> None:
    rows = [*rows_of(3, **{field: value}), *rows_of(1), *rows_of(1, **{field: "  "})]
    result = check_rows(check, rows, shape="text")
    assert result.findings.select("row", "severity").rows() == [(3, "low"), (4, "low")]
    assert result.findings["message"][0].endswith("as 60% of the rows do")
    assert result.reason.startswith("3 of 5 rows name")


@pytest.mark.parametrize(
    ("check", "field", "value"),
    [("provenance/source", "source", "web"), ("provenance/licence", "license", "mit")],
)
def test_few_that_say_it_are_told_once(check_rows, check: str, field: str, value: str) -> None:
    rows = [*rows_of(1, **{field: value}), *rows_of(5)]
    (hit,) = check_rows(check, rows, shape="text").findings.to_dicts()
    assert (hit["row"], hit["severity"]) == (None, "low")
    assert hit["message"].startswith("only 1 of 6 rows name a")


def test_where_all_name_a_source_there_is_no_finding(check_rows) -> None:
    rows = [
        {"text": "a", "dataset": "web"},
        {"text": "b", "meta": {"url": "https://example.org/b"}},
        {"text": "c", "metadata": {"source": ["books", "web"]}},
    ]
    result = check_rows("provenance/source", rows, shape="text")
    assert result.findings.is_empty()
    assert result.reason == "3 of 3 rows name a source, 3 in all"


def test_the_same_content_from_two_sources(check_rows) -> None:
    rows = [
        {"text": "the same", "source": "web"},
        {"text": "another", "source": "books"},
        {"text": "the same", "source": "books"},
        {"text": "the same", "source": "web"},
    ]
    (hit,) = check_rows("provenance/source", rows, shape="text").findings.to_dicts()
    assert (hit["row"], hit["related_row"], hit["related"]) == (2, 0, "web")


def test_licences_that_cannot_be_relied_on(check_rows) -> None:
    rows = [
        *rows_of(3, license="apache-2.0"),
        *rows_of(2, license="cc-by-nc-4.0"),
        *rows_of(1, license="apche-2.0"),
        *rows_of(1, license="other"),
    ]
    hits = check_rows("provenance/licence", rows, shape="text").findings
    told = dict(hits.select("related", "message").rows())
    assert told == {
        "cc-by-nc-4.0": "'cc-by-nc-4.0' (2 rows) forbids commercial use",
        "apche-2.0": "'apche-2.0' (1 row) is no licence known to SPDX or the Hugging Face Hub; "
        "did they mean 'apache-2.0'?",
        "other": "the licence of 1 row is 'other': it says nothing",
    }
    assert hits["related_row"].to_list() == [3, 5, 6]


def test_a_source_under_two_licences(check_rows) -> None:
    rows = [
        *rows_of(2, source="a", license="mit"),
        *rows_of(1, source="a", license="isc"),
        *rows_of(2, source="b", license="isc"),
    ]
    (hit,) = check_rows("provenance/licence", rows, shape="text").findings.to_dicts()
    assert (hit["row"], hit["related_row"], hit["related"]) == (2, 0, "mit")
    assert hit["message"] == "'a' is under 'isc' in 1 row, but under 'mit' in 2"


def test_hostile_values_are_no_licence(check_rows) -> None:
    values = ['\\ud800"', 7, None, {"a": 1}, [["deep"]], [None], "x" * 10_000, "\x1b]0;title\x07"]
    rows = [{"text": f"text {n}", "license": value} for n, value in enumerate(values)]
    raw = '{"text": "half", "license": "\\ud800"}'
    result = check_rows("provenance/licence", [*rows, raw], shape="text")
    assert result.status == "ran", result.reason
