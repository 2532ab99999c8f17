"""Plantings: what they plant is there, is valid, leaves the rest alone, and knows no check."""

from __future__ import annotations

import ast
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from tunewise.curate.checks.registry import ALL_CHECKS
from tunewise.curate.contamination import BenchmarkItem
from tunewise.curate.formats.json_values import parse_json
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.selftest.plantings import privacy_values as values
from tunewise.curate.selftest.plantings.planting import (
    Ground,
    Host,
    Planted,
    Planting,
    TrialKind,
    copied,
)
from tunewise.curate.selftest.plantings.registry import ALL_PLANTINGS, ALL_TRIALS, NOT_PLANTED
from tunewise.curate.selftest.plantings.similarity import jaccard, shingles
from tunewise.curate.selftest.rounds import line_bytes
from tunewise.curate.shapes.record_frame import records_of
from tunewise.curate.shapes.rows import Record, layout_of_detection, to_record

SUBJECTS = ("bread", "boats", "clocks", "bees", "maps", "rivers", "violins", "snow", "salt", "ink")
PLACES = ("Leeds", "Ghent", "Porto", "Turku", "Brno", "Cork", "Graz", "Lugo", "Split", "Oulu")


def question(number: int) -> str:
    return (
        f"What is the usual way to look after {SUBJECTS[number % 10]} in the town of "
        f"{PLACES[number // 10 % 10]} when it is number {number} of the year?"
    )


def answer(number: int) -> str:
    subject, place = SUBJECTS[number % 10], PLACES[number // 10 % 10]
    return (
        f"People there keep {subject} in a cool room for {number} days. They turn it over every "
        f"morning, and they write down what they see. In {place} the oldest family does it at "
        f"night. Nobody remembers why “{subject}” came to be so dear to them. The market opens at "
        f"{number % 12 + 1} and closes when the bells of {place} ring."
    )


def chats(count: int) -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "user", "content": question(number)},
                {"role": "assistant", "content": answer(number)},
            ],
            "topic": SUBJECTS[number % 4],
            "source": PLACES[number % 3],
        }
        for number in range(count)
    ]


def preferences(count: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": question(number),
            "chosen": answer(number),
            "rejected": f"It is kept somewhere, number {number}.",
        }
        for number in range(count)
    ]


def classifications(count: int) -> list[dict[str, Any]]:
    return [
        {
            "text": f"{question(number)} {answer(number)}",
            "label": f"about_{SUBJECTS[number % 4 == 0]}",
        }
        for number in range(count)
    ]


def judged_chats(count: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"What is the usual way to keep {SUBJECTS[number % 10]} on day {number}?",
            "completion": answer(number),
            "label": number % 2 == 0,
        }
        for number in range(count)
    ]


def texts(count: int) -> list[dict[str, Any]]:
    return [{"text": f"{question(number)} {answer(number)}"} for number in range(count)]


def calling_chats(count: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(count):
        call = {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": "look_up", "arguments": '{"n": 1}'},
        }
        rows.append(
            {
                "messages": [
                    {"role": "user", "content": question(number)},
                    {"role": "assistant", "content": None, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": f"c{number}", "content": '{"found": 3}'},
                    {"role": "assistant", "content": answer(number)},
                ],
                "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {}}}],
            }
        )
    return rows


BENCHMARKS = tuple(
    BenchmarkItem(
        id=f"i{number}",
        task="suite",
        question=f"Item {number}: a baker has {number + 3} loaves and sells two of them every hour "
        "until noon; how many of them are left when the shop closes for the day at five?",
    )
    for number in range(6)
)
MAKERS = {
    "chat": chats,
    "preference": preferences,
    "classification": classifications,
    "judged": judged_chats,
    "text": texts,
    "calling": calling_chats,
}


def ground_of(rows: list[dict[str, Any]], folder: Path) -> Ground:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    dataset = read_dataset([path])
    layout = layout_of_detection(dataset.detection)
    records = tuple(records_of(dataset.records, layout))
    return Ground(
        kind=layout.shape.kind,
        layout=layout,
        records=records[:-20],
        spare=records[-20:],
        benchmarks=BENCHMARKS,
        context_length=1024,
        has_tokenizer=True,
    )


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ground]:
    folder = tmp_path_factory.mktemp("grounds")
    return {name: ground_of(make(220), folder) for name, make in MAKERS.items()}


def plant_often(planting: Planting, ground: Ground) -> Iterator[tuple[Record, Planted]]:
    for seed in range(40):
        record = ground.records[seed % len(ground.records)]
        planted = planting.plant(Host(copied(record), ground), Random(seed))
        if planted is not None:
            yield record, planted


def fitting(planting: Planting, grounds: dict[str, Ground]) -> list[Ground]:
    return [ground for ground in grounds.values() if ground.kind in planting.kinds]


@pytest.mark.parametrize("planting", ALL_PLANTINGS, ids=lambda planting: planting.name)
def test_a_planting_is_where_it_says_and_changes_nothing_else(
    planting: Planting, grounds: dict[str, Ground]
) -> None:
    planted_anywhere = 0
    for ground in fitting(planting, grounds):
        before = [line_bytes(record, ground.layout) for record in (*ground.records, *ground.spare)]
        for _, planted in plant_often(planting, ground):
            planted_anywhere += 1
            assert planted.line is not None or planted.added
            assert_evidence(planted)
        after = [line_bytes(record, ground.layout) for record in (*ground.records, *ground.spare)]
        assert before == after
    assert planted_anywhere, planting.needs


def assert_evidence(planted: Planted) -> None:
    if planted.start is None:
        return
    assert isinstance(planted.line, Record)
    assert planted.field is not None
    part, _, rest = planted.field.partition("[")
    text = getattr(planted.line, part)[int(rest.partition("]")[0])].content
    assert text[planted.start : planted.end] == planted.value


@pytest.mark.parametrize("planting", ALL_PLANTINGS, ids=lambda planting: planting.name)
def test_the_same_chance_plants_the_same(planting: Planting, grounds: dict[str, Ground]) -> None:
    for ground in fitting(planting, grounds):
        host = ground.records[7]
        first, again = (planting.plant(Host(copied(host), ground), Random(5)) for _ in range(2))
        assert first == again


@pytest.mark.parametrize("kind", ALL_TRIALS, ids=lambda kind: kind.name)
def test_a_trial_can_be_made_and_written(kind: TrialKind, tmp_path: Path) -> None:
    rows = chats(700)
    if kind.check == "balance/group":
        rows = [{**row, "group": row.pop("source")} for row in rows]
    ground = ground_of(rows, tmp_path)
    before = [line_bytes(record, ground.layout) for record in ground.records]
    made = kind.make(ground, Random(3))
    assert made is not None, kind.needs
    assert len(made.lines) >= 40
    for line in made.lines:
        to_record(parse_json(line_bytes(line, ground.layout)), ground.layout)
    assert before == [line_bytes(record, ground.layout) for record in ground.records]


def test_every_check_that_is_named_exists() -> None:
    known = {check.name for check in ALL_CHECKS}
    named = {name for item in ALL_PLANTINGS for name in item.checks}
    assert named | {kind.check for kind in ALL_TRIALS} <= known
    dimensions = {name.partition("/")[0] for name in known}
    assert {name for item in ALL_PLANTINGS for name in item.allows} <= known | dimensions


def test_every_check_has_a_planting() -> None:
    found = {name for item in ALL_PLANTINGS for name in item.finds}
    found |= {kind.check for kind in ALL_TRIALS}
    assert {check.name for check in ALL_CHECKS} - found == set(NOT_PLANTED)


def test_names_are_not_given_twice() -> None:
    names = [item.name for item in (*ALL_PLANTINGS, *ALL_TRIALS)]
    assert len(names) == len(set(names))
    assert all(item.title and item.needs for item in (*ALL_PLANTINGS, *ALL_TRIALS))


def test_plantings_know_no_check(repository_root: Path) -> None:
    """What measures the checks must not share their patterns or word lists."""
    allowed = {
        "contamination", "contamination.items", "records", "shapes.rows", "shapes.shape",
        "shapes.tags", "planting", "wording", "similarity", "privacy_values",
    }  # fmt: skip
    paths = [*(repository_root / "curate" / "selftest" / "plantings").glob("*.py")]
    assert len(paths) > 20
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                modules = {node.module} if node.module else {name.name for name in node.names}
                assert modules <= allowed, f"{path.name} imports {modules - allowed}"


@given(st.integers(0, 2**32))
def test_numbers_are_valid_and_broken_ones_are_not(seed: int) -> None:
    random = Random(seed)
    card = values.card(random)
    digits = card.replace(" ", "").replace("-", "")
    assert luhn.is_valid(digits)
    assert not luhn.is_valid(values.broken_card(random).replace(" ", "").replace("-", ""))
    assert iban.is_valid(values.iban(random))
    assert not iban.is_valid(values.broken_iban(random))
    assert ipaddress.ip_address(values.public_address(random)).is_global
    assert ipaddress.ip_address(values.public_address_6(random)).is_global


@given(st.integers(0, 2**32))
def test_phone_numbers_exist(seed: int) -> None:
    random = Random(seed)
    number = values.phone(random, values.PHONE_REGIONS, "INTERNATIONAL")
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    home = values.phone(random, ("GB",), "NATIONAL")
    assert phonenumbers.is_valid_number(phonenumbers.parse(home, "GB"))


@pytest.mark.parametrize("kind", values.NATIONAL_IDS, ids=lambda kind: kind.module)
def test_national_numbers_are_accepted(kind: values.NationalId) -> None:
    from importlib import import_module

    module = import_module(f"stdnum.{kind.module}")
    for seed in range(20):
        assert module.is_valid(values.national_id(kind, Random(seed)))


def test_near_duplicates_are_near(grounds: dict[str, Ground]) -> None:
    near = [item for item in ALL_PLANTINGS if item.finds == ("duplicates/near",)]
    assert len(near) >= 3
    for planting in near:
        for record, planted in plant_often(planting, grounds["chat"]):
            (twin,) = planted.added
            assert isinstance(twin, Record)
            left, right = (
                shingles(" ".join(message.content or "" for message in row.messages))
                for row in (record, twin)
            )
            assert 0.85 <= jaccard(left, right) < 1


def test_similarity_of_known_texts() -> None:
    left = shingles("a b c d e f", 5)
    assert len(left) == 2
    assert jaccard(left, shingles("A b c d e x", 5)) == pytest.approx(1 / 3)
    assert jaccard(left, left) == 1
    assert jaccard(frozenset(), frozenset()) == 0
