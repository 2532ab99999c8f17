"""The self-test: sound rounds, right scores, and what a broken check looks like."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from tunewise.curate.check import Check, CheckContext, RowCheck
from tunewise.curate.checks import registry
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.reading.read import open_source, read_dataset
from tunewise.curate.selftest.auditor import Auditor, known_findings, sound_records
from tunewise.curate.selftest.plantings.planting import (
    ALL_KINDS,
    Ground,
    Host,
    Planted,
    Planting,
    TrialKind,
    copied,
)
from tunewise.curate.selftest.plantings.registry import ALL_PLANTINGS, ALL_TRIALS
from tunewise.curate.selftest.rounds import Placed, Round, plant_rounds
from tunewise.curate.selftest.sampling import sample_records
from tunewise.curate.selftest.score import score_round, score_trial
from tunewise.curate.selftest.selftest import SelftestSettings, selftest, wanted_plantings
from tunewise.curate.settings import AuditSettings, DataSettings
from tunewise.curate.shapes.record_frame import records_of
from tunewise.curate.shapes.rows import Record, layout_of_detection
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.files import read_json, sha256_of_file

WORDS = [
    "amber",
    "brook",
    "candle",
    "drift",
    "ember",
    "fern",
    "grove",
    "harbor",
    "inlet",
    "jetty",
    "kettle",
    "lantern",
    "meadow",
    "nettle",
    "orchard",
    "pebble",
    "quarry",
    "ribbon",
    "saddle",
    "timber",
    "umbrella",
    "valley",
    "willow",
    "yarrow",
]
EMAIL = "privacy/email"


def write_chats(path: Path, count: int = 120) -> Path:
    random = Random(4)
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Tell me about {' '.join(random.sample(WORDS, 8))}."},
                {
                    "role": "assistant",
                    "content": f"The {' '.join(random.sample(WORDS, 9))} stands by the "
                    f"{' '.join(random.sample(WORDS, 9))}. It is number {number}.",
                },
            ]
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_chats(tmp_path / "chats.jsonl")


def ground_of(path: Path) -> Ground:
    dataset = read_dataset([path])
    layout = layout_of_detection(dataset.detection)
    records = tuple(records_of(dataset.records, layout))
    return Ground(layout.shape.kind, layout, records[10:], records[:10])


def planting_named(name: str) -> Planting:
    return next(item for item in ALL_PLANTINGS if item.name == name)


def run(
    tmp_path: Path, source: Path, *checks: str, per_check: int = 6, **more: Any
) -> dict[str, Any]:
    made = selftest(
        Workspace(tmp_path / "project"),
        [source],
        SelftestSettings(per_check=per_check, trials=1),
        AuditSettings(checks=checks, **more),
        force=True,
    )
    document = read_json(made.folder / "selftest.json")
    return {item["check"]: item for item in document["checks"]} | {"folder": made.folder}


# Rounds


def test_a_round_plants_one_defect_a_row_and_few_of_each(source: Path) -> None:
    ground = ground_of(source)
    wanted = wanted_plantings(["privacy/email", "privacy/phone", "text/html"], ground.kind, 30)
    rounds = list(plant_rounds(ground, wanted, lambda row, planting: True, seed=1))
    planted = Counter(item.planting.name for one in rounds for item in one.placed)
    assert planted == {planting.name: count for planting, count in wanted.items()}
    for one in rounds:
        rows = [row for item in one.placed for row in item.rows]
        assert len(rows) == len(set(rows))
        assert len(one.placed) <= 0.2 * len(ground.records)
        assert max(Counter(item.planting.name for item in one.placed).values()) <= 1
        assert len(one.lines) == len(ground.records) + sum(
            len(item.planted.added) for item in one.placed
        )


def test_rows_of_a_round_stand_where_it_says(source: Path) -> None:
    ground = ground_of(source)
    wanted = {planting_named("email_address"): 5, planting_named("row_again"): 5}
    clean = source.read_text().splitlines()[10:]
    for one in plant_rounds(ground, wanted, lambda row, planting: True, seed=2):
        touched = {item.rows[0] for item in one.placed if item.planted.line is not None}
        for row, place in enumerate(one.places):
            assert (json.loads(one.lines[place]) == json.loads(clean[row])) is (
                place not in touched
            )
        for item in one.placed:
            if item.planting.name == "row_again":
                host, copy = item.rows
                assert one.lines[host] == one.lines[copy]
            else:
                assert item.planted.value.encode() in one.lines[item.rows[0]]


def test_the_seed_decides(source: Path) -> None:
    ground = ground_of(source)
    wanted = {planting_named("email_address"): 8}

    def lines(seed: int) -> list[tuple[bytes, ...]]:
        return [one.lines for one in plant_rounds(ground, wanted, lambda r, p: True, seed)]

    assert lines(1) == lines(1)
    assert lines(1) != lines(2)


def test_rows_that_are_not_sound_take_up_nothing(source: Path) -> None:
    ground = ground_of(source)
    wanted = {planting_named("email_address"): 8}
    rounds = list(plant_rounds(ground, wanted, lambda row, planting: row >= 100, seed=1))
    hosts = {one.places.index(item.rows[0]) for one in rounds for item in one.placed}
    assert hosts
    assert min(hosts) >= 100
    assert not list(plant_rounds(ground, wanted, lambda row, planting: False, seed=1))


def test_a_planting_that_the_shape_cannot_hold_is_not_planted(tmp_path: Path) -> None:
    path = tmp_path / "alpaca.jsonl"
    rows = [{"instruction": f"Name {word}.", "input": "", "output": word} for word in WORDS]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    wanted = {planting_named("turns_in_the_wrong_order"): 3, planting_named("row_again"): 1}
    rounds = plant_rounds(ground_of(path), wanted, lambda row, planting: True, seed=1)
    assert {item.planting.name for one in rounds for item in one.placed} == {"row_again"}


# Scores


def planting(
    name: str, *, finds: str = "", resembles: str = "", allows: tuple[str, ...] = ()
) -> Planting:
    def nothing(host: Host, random: Random) -> Planted | None:
        return None

    return Planting(
        name, name, (finds,) if finds else (), (resembles,) if resembles else (), allows, "text",
        ALL_KINDS, nothing,
    )  # fmt: skip


def finding(check: str, row: int | None, **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FINDING_SCHEMA.names()), "check": check, "row": row,
            "message": "found", **more}  # fmt: skip


def findings(*found: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(found), schema=FINDING_SCHEMA)


@pytest.fixture
def audited(source: Path) -> tuple[pl.DataFrame, tuple[bytes, ...]]:
    return read_dataset([source]).records, tuple(source.read_bytes().splitlines())


def test_a_defect_is_found_by_a_finding_about_its_characters(audited: Any) -> None:
    records, lines = audited
    place = {"field": "messages[0].content", "start": 10, "end": 20}
    placed = tuple(
        Placed(planting(f"p{row}", finds=EMAIL), Planted(value="x", **place), (row,))
        for row in range(4)
    )
    score = score_round(
        1,
        Round(lines, placed, tuple(range(len(lines)))),
        findings(
            finding(EMAIL, 0, **{**place, "start": 19, "end": 25}),
            finding(EMAIL, 1, **{**place, "start": 20, "end": 25}),
            finding(EMAIL, 2, **{**place, "field": "messages[1].content"}),
        ),
        records,
        set(),
        [EMAIL],
    )
    assert [outcome.found for outcome in score.outcomes] == [True, False, False, False]
    assert [(alarm.check, alarm.row) for alarm in score.false_alarms] == [(EMAIL, 1), (EMAIL, 2)]


def test_findings_that_were_there_before_or_are_allowed_are_not_false(audited: Any) -> None:
    records, lines = audited
    rows = tuple(range(len(lines)))
    copy = len(lines) - 1
    placed = (
        Placed(planting("twin", finds="duplicates/exact", allows=("text/html",)),
               Planted(added=("{}",)), (5, copy)),
        Placed(planting("alike", resembles=EMAIL, allows=("privacy",)), Planted(), (6,)),
    )  # fmt: skip
    score = score_round(
        3,
        Round(lines, placed, rows),
        findings(
            finding("duplicates/exact", copy, related_row=5),
            finding("text/html", copy),
            finding("text/html", 5),
            finding("text/refusal", copy),
            finding("privacy/phone", 6),
            finding(EMAIL, 7),
            finding(EMAIL, 8),
        ),
        records,
        {("text/refusal", 5), (EMAIL, 7)},
        ["duplicates/exact", "text/html", "text/refusal", "privacy/phone", EMAIL],
    )
    assert [outcome.found for outcome in score.outcomes] == [True]
    assert score.alike == {EMAIL: 1}
    assert [(alarm.check, alarm.row, alarm.kind) for alarm in score.false_alarms] == [
        (EMAIL, 8, None)
    ]


def test_a_look_alike_that_is_reported_is_false_once(audited: Any) -> None:
    records, lines = audited
    kind = planting("alike", resembles=EMAIL)
    place = {"field": "messages[0].content", "start": 0, "end": 4}
    score = score_round(
        1,
        Round(lines, (Placed(kind, Planted(value="Tell", **place), (2,)),), tuple(range(120))),
        findings(finding(EMAIL, 2, **place), finding(EMAIL, 2, **place)),
        records,
        set(),
        [EMAIL],
    )
    (alarm,) = score.false_alarms
    assert alarm.kind is kind
    assert alarm.text.startswith("⟦Tell⟧ me about")


def test_checks_that_did_not_run_are_not_scored(audited: Any) -> None:
    records, lines = audited
    placed = (Placed(planting("mail", finds=EMAIL), Planted(), (1,)),)
    score = score_round(1, Round(lines, placed, tuple(range(120))), findings(), records, set(), [])
    assert not score.outcomes


def trial_kind() -> TrialKind:
    return next(kind for kind in ALL_TRIALS if kind.check == "balance/label")


def test_a_trial_is_found_where_the_finding_names_it() -> None:
    def outcome(named: tuple[str, ...], **found: Any) -> bool:
        outcomes, alarms = score_trial(
            1, trial_kind(), named, findings(finding("balance/label", None, **found)), set()
        )
        assert not alarms
        return outcomes[0].found

    assert outcome(("refund",), related="refund")
    assert outcome(("women", "nurse"), related="women × nurse")
    assert outcome(("wiki",), message="the source wiki is under two licences")
    assert outcome((), related=None)
    assert not outcome(("refund",), related="shipping")


def test_a_sound_trial_counts_what_is_new() -> None:
    found = findings(
        finding("balance/label", None, related="refund"),
        finding("balance/label", None, related="shipping"),
    )
    outcomes, alarms = score_trial(1, trial_kind(), None, found, {"refund"})
    assert not outcomes
    assert [alarm.text for alarm in alarms] == ["shipping"]


# What is known before anything is planted


def auditor_of(path: Path, folder: Path) -> Auditor:
    folder.mkdir()
    detection = read_dataset([path]).detection
    data = DataSettings(shape=detection.shape, mapping=detection.mapping)
    return Auditor(folder, AuditSettings(), data, ())


def test_both_halves_of_a_pair_are_known(tmp_path: Path, source: Path) -> None:
    lines = source.read_bytes().splitlines()
    lines[40] = lines[7]
    auditor = auditor_of(source, tmp_path / "auditor")
    checks = ["duplicates/exact"]
    before = auditor.look("sound", lines, checks).findings
    assert before["row"].to_list() == [40]
    known = known_findings(auditor, lines, checks, before, seed=1)
    assert known == {("duplicates/exact", 7), ("duplicates/exact", 40)}


def test_what_parts_of_the_rows_show_is_known(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_few_rows(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        few = pl.lit(context.records.height < 120)
        odd = context.messages.filter(few, pl.col("content").str.contains("number 33[.]"))
        return odd.select("row", "field", message=pl.lit("odd"))

    _replace_check(monkeypatch, EMAIL, of_few_rows)
    lines = source.read_bytes().splitlines()
    auditor = auditor_of(source, tmp_path / "auditor")
    before = auditor.look("sound", lines, [EMAIL]).findings
    assert before.is_empty()
    assert known_findings(auditor, lines, [EMAIL], before, seed=1) == {(EMAIL, 33)}


def test_spare_rows_bring_no_defects_of_their_own(tmp_path: Path, source: Path) -> None:
    ground = ground_of(source)
    auditor = auditor_of(source, tmp_path / "auditor")

    def with_addresses(count: int) -> tuple[Record, ...]:
        records = [copied(record) for record in ground.records[:10]]
        for record in records[:count]:
            last = record.messages[-1]
            record.messages[-1] = last._replace(content=f"{last.content} Write to a.b@brook.org.")
        return tuple(records)

    few, many = with_addresses(3), with_addresses(8)
    assert sound_records(few, ground.layout, auditor, [EMAIL]) == few[3:]
    assert sound_records(many, ground.layout, auditor, [EMAIL]) == many


def test_what_is_said_of_an_untouched_row_counts_once(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upset(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        planted = context.messages["content"].str.contains("@").any()
        odd = context.messages.filter(planted, pl.col("content").str.contains("number 3[0-4][.]"))
        return odd.select("row", "field", message=pl.lit("odd"))

    _replace_check(monkeypatch, EMAIL, upset)
    found = run(tmp_path, source, EMAIL, per_check=20)
    alarms = pl.read_parquet(found["folder"] / "false_alarms.parquet")
    untouched = alarms.filter(pl.col("kind").is_null())
    assert untouched["text"].n_unique() == untouched.height
    assert 1 <= untouched.height <= 5


# Sampling


@pytest.mark.parametrize("most", [1, 7, 120, 500])
def test_a_sample_is_in_order_and_of_the_wanted_size(source: Path, most: int) -> None:
    sample = sample_records(open_source([source]), most, seed=3)
    rows = sample.records["row"].to_list()
    assert rows == sorted(set(rows))
    assert len(rows) == min(most, 120)
    assert (sample.rows, sample.set_aside) == (120, 0)


def test_samples_of_many_seeds_draw_every_row_alike(source: Path) -> None:
    opened = open_source([source])
    drawn = Counter(
        row
        for seed in range(200)
        for row in sample_records(opened, 30, seed).records["row"].to_list()
    )
    # 200 draws of a quarter of the rows: 50 each, with a standard deviation of 6.
    assert len(drawn) == 120
    assert min(drawn.values()) >= 20
    assert max(drawn.values()) <= 80


# The whole


def test_what_is_exact_is_found_and_the_source_stays_as_it_was(
    tmp_path: Path, source: Path
) -> None:
    before = sha256_of_file(source)
    checks = run(
        tmp_path, source, EMAIL, "privacy/iban", "duplicates/exact", "schema/malformed-row",
        "schema/role-order",
    )  # fmt: skip
    assert sha256_of_file(source) == before
    for name in (EMAIL, "privacy/iban", "duplicates/exact", "schema/malformed-row",
                 "schema/role-order"):  # fmt: skip
        assert checks[name]["status"] == "tested"
        assert checks[name]["planted"] >= 6
    for name in ("privacy/iban", "duplicates/exact", "schema/malformed-row", "schema/role-order"):
        assert checks[name]["recall"]["value"] == 1, checks[name]["misses"]
    outcomes = pl.read_parquet(checks["folder"] / "outcomes.parquet")
    assert outcomes.group_by("check").len().height == 5
    assert sorted(path.name for path in (checks["folder"] / "rounds").glob("0*.jsonl"))[0] == (
        "01.jsonl"
    )
    assert not list(checks["folder"].glob(".*"))


def _replace_check(monkeypatch: pytest.MonkeyPatch, name: str, find: Any) -> None:
    def changed(check: Check) -> Check:
        return replace(check, find=find) if check.name == name else check

    monkeypatch.setattr(registry, "ALL_CHECKS", tuple(map(changed, registry.ALL_CHECKS)))
    monkeypatch.setattr(
        registry, "known_checks", lambda rules=(): registry.ALL_CHECKS, raising=True
    )
    for module in ("tunewise.curate.selftest.selftest", "tunewise.curate.auditing.audit"):
        monkeypatch.setattr(f"{module}.known_checks", lambda rules=(): registry.ALL_CHECKS)


def test_a_blind_check_has_no_recall(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        return pl.DataFrame(schema=FINDING_SCHEMA)

    _replace_check(monkeypatch, EMAIL, blind)
    found = run(tmp_path, source, EMAIL)[EMAIL]
    assert (found["found"], found["recall"]["value"], found["precision"]) == (0, 0.0, None)
    assert found["met"] is False
    assert len(found["misses"]) == 3, "a few of each kind"
    assert "@" in found["misses"][0]["text"]


def test_a_check_that_takes_every_sign_for_an_address_has_false_alarms(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eager(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        return context.messages.filter(pl.col("content").str.contains("@")).select(
            "row", "field", message=pl.lit("an at sign")
        )

    _replace_check(monkeypatch, EMAIL, eager)
    found = run(tmp_path, source, EMAIL, per_check=10)[EMAIL]
    assert found["recall"]["value"] == 1
    assert found["alike_reported"] >= 6
    assert found["false"] >= found["alike_reported"]
    assert found["precision"]["value"] < 0.7
    low, high = found["precision"]["interval"]
    assert low < found["precision"]["value"] < high


def test_a_check_that_fails_is_said_to_fail(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        if context.messages["content"].str.contains("@").any():
            raise ValueError("no such word")
        return pl.DataFrame(schema=FINDING_SCHEMA)

    _replace_check(monkeypatch, EMAIL, broken)
    found = run(tmp_path, source, EMAIL)[EMAIL]
    assert found["status"] == "failed"
    assert "no such word" in found["reason"]


def test_what_does_not_apply_says_why(tmp_path: Path, source: Path) -> None:
    checks = run(
        tmp_path, source, "labels/conflict", "schema/equal-pair", "schema/user-schema",
        "contamination/benchmark", "labels/rejected-answer",
    )  # fmt: skip
    checks.pop("folder")
    assert {item["status"] for item in checks.values()} <= {"skipped", "not applicable"}
    assert all(item["reason"] for item in checks.values())
    assert all(item["recall"] is None and item["met"] is None for item in checks.values())


def test_rules_of_the_user_are_run_but_not_tested(tmp_path: Path, source: Path) -> None:
    rule = {"name": "at-sign", "where": "false", "message": "an at sign"}
    checks = run(tmp_path, source, "custom/at-sign", EMAIL, rules=(rule,))
    assert checks["custom/at-sign"]["status"] == "not tested"
    assert checks[EMAIL]["status"] == "tested"


def test_few_rows_are_enough_and_none_are_not(tmp_path: Path) -> None:
    few = write_chats(tmp_path / "few.jsonl", 12)
    found = run(tmp_path, few, EMAIL)[EMAIL]
    assert found["status"] == "tested"
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(DataError):
        run(tmp_path, empty, EMAIL)
    with pytest.raises(UsageError, match="no check is called"):
        run(tmp_path, few, "privacy/emial")


def test_a_mapping_that_was_given_is_used_in_every_round(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{' '.join(WORDS[n % 9 : n % 9 + 9])} {n},{'ab'[n % 2]}" for n in range(60)]
    path.write_text("\n".join(["wordsaid,kindofit", *lines]) + "\n")
    made = selftest(
        Workspace(tmp_path / "project"),
        [path],
        SelftestSettings(per_check=4, trials=1),
        AuditSettings(checks=(EMAIL, "labels/conflict")),
        DataSettings(shape="classification", mapping={"text": "wordsaid", "label": "kindofit"}),
    )
    document = read_json(made.folder / "selftest.json")
    assert document["dataset"]["shape"] == "classification"
    assert {item["status"] for item in document["checks"]} == {"tested"}
    first = (made.folder / "rounds" / "01.jsonl").read_text().splitlines()[0]
    assert set(json.loads(first)) == {"wordsaid", "kindofit"}


def test_done_is_done(tmp_path: Path, source: Path) -> None:
    workspace = Workspace(tmp_path / "project")
    settings = SelftestSettings(per_check=2, trials=1)
    auditing = AuditSettings(checks=(EMAIL,))
    first = selftest(workspace, [source], settings, auditing)
    again = selftest(workspace, [source], settings, auditing)
    other = selftest(workspace, [source], replace(settings, seed=5), auditing)
    assert (first.id, again.reused) == (again.id, True)
    assert other.id != first.id
    assert not list((workspace.store).glob("audit/*"))
