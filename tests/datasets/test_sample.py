"""The bundled sample: made again to the byte, with a truth that is true."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tunewise.datasets.corpus_document import words_in
from tunewise.datasets.make_sample import FOLDER, SAMPLE_SEED, drafts, make_sample
from tunewise.datasets.sample_defects import (
    conversation_text,
    normalised,
    similarity,
)
from tunewise.datasets.sample_rows import RARE_REGION, SKEWED_TOPIC, Draft
from tunewise.datasets.sample_similarity import shingles

LINES = (FOLDER / "sample.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
TRUTH = [
    json.loads(line)
    for line in (FOLDER / "sample_truth.jsonl").read_text(encoding="utf-8").splitlines()
]
ROW_CHECKS = words_in(
    "schema/malformed-row schema/missing-field schema/empty-message schema/role-order "
    "schema/no-assistant duplicates/exact duplicates/normalised duplicates/near "
    "duplicates/same-prompt contamination/benchmark tokens/over-context text/mojibake "
    "text/control-characters text/html text/repetition text/refusal text/truncated "
    "text/placeholder text/language privacy/email privacy/phone privacy/credit-card privacy/iban "
    "privacy/ip-address privacy/secret safety/toxic labels/conflict"
)


@pytest.fixture(scope="module")
def clean() -> list[Draft]:
    return drafts(SAMPLE_SEED)[0]


def planted(check: str) -> list[dict[str, Any]]:
    return [line for line in TRUTH if line["check"] == check]


def row_at(number: int) -> dict[str, Any]:
    return json.loads(LINES[number])


def texts_of(row: dict[str, Any]) -> list[str]:
    return [message["content"] for message in row["messages"]]


def test_same_seed_gives_the_same_bytes():
    sample = make_sample()
    assert "\n".join((*sample.rows, "")) == (FOLDER / "sample.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in sample.truth] == TRUTH


def test_another_seed_gives_another_sample():
    assert make_sample(SAMPLE_SEED + 1).rows != tuple(LINES)


def test_a_line_of_the_file_is_a_line_for_everybody():
    raw = (FOLDER / "sample.jsonl").read_bytes()
    assert raw.count(b"\n") == len(LINES)
    assert not set("".join(LINES)) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")


def test_every_kind_of_defect_is_planted_often():
    counts = Counter(line["check"] for line in TRUTH)
    assert set(counts) == {*ROW_CHECKS, "balance/label", "bias/representation"}
    assert all(counts[check] >= 12 for check in ROW_CHECKS)


def test_rows_that_should_not_parse_do_not_and_all_others_do():
    broken = {line["row"] for line in planted("schema/malformed-row")}
    for number, line in enumerate(LINES):
        if number in broken:
            with pytest.raises(json.JSONDecodeError):
                json.loads(line)
        else:
            assert isinstance(json.loads(line), dict)


def test_spans_hold_the_planted_value():
    spans = [line for line in TRUTH if line["start"] is not None]
    assert len(spans) > 150
    for line in spans:
        place = int(line["field"].split("[")[1].split("]")[0])
        content = texts_of(row_at(line["row"]))[place]
        assert content[line["start"] : line["end"]] == line["value"]


def test_duplicates_are_what_they_are_called():
    for line in planted("duplicates/exact"):
        assert row_at(line["row"])["messages"] == row_at(line["related_row"])["messages"]
    for line in planted("duplicates/normalised"):
        left, right = (" ".join(texts_of(row_at(line[key]))) for key in ("row", "related_row"))
        assert left != right
        assert normalised(left) == normalised(right)
    for line in planted("duplicates/near"):
        left, right = (
            shingles(" ".join(texts_of(row_at(line[key])))) for key in ("row", "related_row")
        )
        assert 0.82 <= len(left & right) / len(left | right) < 1


def test_same_prompts_have_other_answers_and_conflicts_other_topics():
    for line in planted("duplicates/same-prompt"):
        left, right = row_at(line["row"]), row_at(line["related_row"])
        assert texts_of(left)[0] == texts_of(right)[0]
        assert texts_of(left)[1] != texts_of(right)[1]
    for line in planted("labels/conflict"):
        assert row_at(line["row"])["topic"] != row_at(line["related_row"])["topic"]


def test_contaminated_rows_name_their_item():
    items = {
        row["id"]
        for name in ("stories", "text")
        for row in map(
            json.loads, (FOLDER / "benchmarks" / f"{name}.jsonl").read_text().splitlines()
        )
    }
    assert all(line["related"] in items for line in planted("contamination/benchmark"))


def test_private_data_is_well_formed():
    phonenumbers = pytest.importorskip("phonenumbers")
    iban = pytest.importorskip("stdnum.iban")
    luhn = pytest.importorskip("stdnum.luhn")
    for line in planted("privacy/phone"):
        assert phonenumbers.is_valid_number(phonenumbers.parse(line["value"], _region(line)))
    assert all(iban.is_valid(line["value"]) for line in planted("privacy/iban"))
    cards = [line["value"].replace(" ", "").replace("-", "") for line in planted(_CARD)]
    assert all(luhn.is_valid(card) for card in cards)
    for line in planted("privacy/ip-address"):
        assert ipaddress.ip_address(line["value"])


_CARD = "privacy/credit-card"


def _region(line: dict[str, Any]) -> str:
    return "US" if line["value"].startswith("(") else "GB"


def test_clean_rows_ask_in_different_words(clean: list[Draft]):
    prompts = Counter(normalised(row.prompt) for row in clean)
    assert max(prompts.values()) == 1


def test_clean_rows_have_no_near_duplicates(clean: list[Draft]):
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(clean):
        for shingle in shingles(conversation_text(row)):
            holders[shingle].append(number)
    shared = Counter(
        (left, right)
        for numbers in holders.values()
        for place, left in enumerate(numbers)
        for right in numbers[place + 1 :]
    )
    close = [pair for pair, count in shared.items() if count >= 8]
    assert all(similarity(clean[left], clean[right]) < 0.75 for left, right in close)


def test_one_topic_and_one_region_are_out_of_balance(clean: list[Draft]):
    topics = Counter(row.topic for row in clean)
    regions = Counter(row.region for row in clean)
    assert topics.most_common(1)[0][0] == SKEWED_TOPIC
    assert topics[SKEWED_TOPIC] > 3 * sorted(topics.values())[len(topics) // 2]
    assert regions[RARE_REGION] < 0.04 * len(clean)


def test_sample_is_small():
    files = ("sample.jsonl", "sample_truth.jsonl")
    assert sum(Path(FOLDER / name).stat().st_size for name in files) < 2_000_000
