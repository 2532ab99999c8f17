"""The duplicate checks: each row by the strictest that holds, with complete evidence."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.checking import run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks import duplicates_same_prompt
from tunewise.curate.checks.registry import choose_checks
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.outcome import RAN, SKIPPED
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Workspace

CHECKS = choose_checks(["duplicates"], ["duplicates/semantic", "duplicates/earlier"])
LONG = (
    "the shop sends every parcel with a note that names the maker the wood the strings and the "
    "day on which the instrument was tuned for the last time before it left the bench"
)


def findings_of(tmp_path: Path, rows: list[dict], **parameters: dict) -> dict[str, pl.DataFrame]:
    source = tmp_path / "data.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    context = CheckContext(read_dataset([source]), parameters=parameters)
    results = {check.name: run_check(check, context) for check in CHECKS}
    for result in results.values():
        assert result.status in (RAN, SKIPPED), result.reason
        assert result.findings.schema == FINDING_SCHEMA
    return {name: result.findings for name, result in results.items()}


def hits(findings: pl.DataFrame) -> list[tuple[int, int]]:
    return findings.select("row", "related_row").rows()


def chat(question: str, answer: str, system: str | None = None, **more: object) -> dict:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return {"messages": messages, **more}


def test_each_row_is_reported_by_the_strictest_check(tmp_path: Path) -> None:
    rows = [
        chat("Hi", LONG, id="1"),
        chat("Hi", LONG, id="2"),
        chat("HI!", LONG, id="3"),
        chat("Hi", "Well, " + LONG, id="4"),
        chat("Hi", "Well, " + LONG, id="5"),
    ]
    found = findings_of(tmp_path, rows)
    assert hits(found["duplicates/exact"]) == [(1, 0), (4, 3)]
    assert hits(found["duplicates/normalised"]) == [(2, 0)]
    assert hits(found["duplicates/near"]) == [(0, 3)]
    near = found["duplicates/near"].row(0, named=True)
    assert near["score"] == pytest.approx(30 / 33)
    assert near["cluster"] == 0
    assert near["fix"] == "drop"
    assert "row 3" in near["message"]


def test_an_id_and_other_fields_are_no_content_but_the_label_is(tmp_path: Path) -> None:
    rows = [chat("Hi", "Hello", id=str(n), note=n, label=label) for n, label in enumerate("aab")]
    found = findings_of(tmp_path, rows)
    assert hits(found["duplicates/exact"]) == [(1, 0)]
    assert hits(found["duplicates/normalised"]) == []
    near = found["duplicates/near"]
    assert hits(near) == [(2, 0)]
    assert near["fix"].to_list() == ["review"]
    assert "labels differ" in near["message"][0]


def test_a_shared_system_prompt_makes_nothing_alike(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}?", f"Answer {n * 7}.", system=LONG) for n in range(5)]
    found = findings_of(tmp_path, rows)
    assert all(frame.is_empty() for frame in found.values())


def test_another_system_prompt_is_no_copy_but_near(tmp_path: Path) -> None:
    found = findings_of(tmp_path, [chat("Hi", LONG, system="A"), chat("Hi", LONG, system="B")])
    assert hits(found["duplicates/normalised"]) == []
    assert found["duplicates/near"]["score"].to_list() == [1.0]


def test_a_removal_always_has_a_direct_counterpart_that_stays(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(80)]
    rows = [chat("?", " ".join(words[start : start + 40])) for start in range(0, 24, 4)]
    near = findings_of(tmp_path, rows)["duplicates/near"]
    assert near["cluster"].n_unique() == 1
    removed = set(near["row"])
    assert not removed & set(near["related_row"])
    assert all(abs(row - other) == 1 for row, other in hits(near))


def test_one_prompt_with_different_answers(tmp_path: Path) -> None:
    rows = [
        chat("Can I pay by card?", "Yes."),
        chat("can I pay by card", "No."),
        chat("Can I pay by card?", "yes"),
        chat("Can I pay by card?", "Yes.", system="Refuse all."),
        {"messages": [*chat("Can I pay by card?", "Yes.")["messages"],
                      *chat("Sure?", "No.")["messages"]]},
    ]  # fmt: skip
    found = findings_of(tmp_path, rows)["duplicates/same-prompt"]
    assert hits(found) == [(1, 0)]
    assert found["fix"].to_list() == ["review"]


def test_answers_are_related_the_same_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [chat(f"Is {at % 4} even?", f"{'Yes' if at % 3 else 'No'}, {at}.") for at in range(20)]
    one = findings_of(tmp_path, rows)["duplicates/same-prompt"]
    assert one.height == 16
    monkeypatch.setattr(duplicates_same_prompt, "_PAIRS_AT_A_TIME", 3)
    assert findings_of(tmp_path, rows)["duplicates/same-prompt"].equals(one)


def test_preferences_compare_the_prompt_with_both_answers(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Pick one of the colours", "chosen": "red", "rejected": "blue"},
        {"prompt": "Pick one of the colours", "chosen": "red", "rejected": "green"},
        {"prompt": "Pick one of the colours", "chosen": "red", "rejected": "blue"},
    ]
    found = findings_of(tmp_path, rows)
    assert hits(found["duplicates/same-prompt"]) == [(1, 0)]
    assert hits(found["duplicates/exact"]) == [(2, 0)]


def test_plain_text_has_no_prompt(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"text": "one two"}\n{"text": "three"}\n')
    context = CheckContext(read_dataset([tmp_path / "data.jsonl"]))
    status = {check.name: run_check(check, context).status for check in CHECKS}
    assert status["duplicates/same-prompt"] == SKIPPED


def test_the_threshold_can_be_set(tmp_path: Path) -> None:
    rows = [chat("Hi", LONG), chat("Hi", LONG[: len(LONG) // 2])]
    assert findings_of(tmp_path, rows)["duplicates/near"].is_empty()
    loose = findings_of(tmp_path, rows, **{"duplicates/near": {"threshold": 0.4}})
    assert hits(loose["duplicates/near"]) == [(1, 0)]


def test_messages_without_content_break_nothing(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]},
        {"messages": [{"role": "user", "content": "  "}, {"role": "assistant", "content": "\n"}]},
        {"messages": []},
        chat("?", "!"),
        chat(".", "."),
    ]
    found = findings_of(tmp_path, rows)
    assert hits(found["duplicates/exact"]) == []
    assert hits(found["duplicates/normalised"]) == []
    assert hits(found["duplicates/near"]) == []


def test_a_record_within_a_longer_one_names_it(tmp_path: Path) -> None:
    after = "and then " + " ".join(f"again{number}" for number in range(40))
    asked = {"role": "user", "content": "What does the shop do with a parcel?"}
    told = {"role": "assistant", "content": LONG}
    longer = [asked, told, {"role": "user", "content": "And then?"},
              {"role": "assistant", "content": after}]  # fmt: skip
    rows = [
        {"messages": longer},
        {"messages": [asked, told]},
        chat("Hi", "Only a few words of the note stand here."),
        {"messages": [{"role": "system", "content": "Be brief."}, asked, told]},
    ]
    found = findings_of(tmp_path, rows)
    contained = found["duplicates/contained"]
    assert hits(contained) == [(1, 0)]
    hit = contained.row(0, named=True)
    assert (hit["severity"], hit["fix"], hit["score"]) == ("low", "review", 1.0)
    assert hit["message"].startswith("100 % of its word runs stand in row 0, which is ")
    assert found["duplicates/near"].height == 1
    assert hits(findings_of(tmp_path, rows[:1])["duplicates/contained"]) == []
    strict = {"duplicates/contained": {"share": 1.0}}
    assert hits(findings_of(tmp_path, rows, **strict)["duplicates/contained"]) == [(1, 0)]


def test_order_shards_and_workers_change_no_pair_and_no_cluster(tmp_path: Path) -> None:
    """What is alike to what does not depend on where the rows stand, or on who reads them."""
    chance = random.Random(7)
    said = [f"w{number}" for number in range(2000)]
    texts = [" ".join(chance.choices(said, k=chance.randint(4, 60))) for _ in range(120)]
    texts += [text.replace("w1", "edited", 1) for text in chance.choices(texts, k=80)]
    rows = [chat(f"Question {number}?", text, id=f"r{number}") for number, text in enumerate(texts)]
    ways = {"one file": ([rows], 1), "workers": ([rows], 2)}
    mixed = chance.sample(rows, len(rows))
    ways["shards in another order"] = ([mixed[:50], mixed[50:51], mixed[51:]], 2)
    found = {}
    for way, (shards, processes) in ways.items():
        folder = tmp_path / way.replace(" ", "-")
        folder.mkdir()
        for number, shard in enumerate(shards):
            lines = "".join(json.dumps(row) + "\n" for row in shard)
            (folder / f"{number}.jsonl").write_text(lines, "utf-8")
        settings = AuditSettings(checks=("duplicates/near",), processes=processes)
        artifact = audit(Workspace(tmp_path), [folder], settings)
        ids = pl.read_parquet(artifact.folder / "records.parquet")["id"]
        pairs = pl.read_parquet(artifact.folder / "near_pairs.parquet")
        hits = pl.read_parquet(artifact.folder / "findings.parquet")
        clusters: dict[int, set[str]] = defaultdict(set)
        for row, other, cluster in hits.select("row", "related_row", "cluster").iter_rows():
            clusters[cluster] |= {ids[row], ids[other]}
        found[way] = (
            {(frozenset((ids[one], ids[other])), score)
             for one, other, score in pairs.select("left", "right", "score").iter_rows()},
            {frozenset(members) for members in clusters.values()},
        )  # fmt: skip
    plain = found["one file"]
    assert len(plain[0]) > 20
    assert found["workers"] == plain
    assert found["shards in another order"] == plain


PLANTED = [check.name for check in CHECKS if check.name != "duplicates/contained"]


@pytest.mark.parametrize("name", PLANTED)
def test_planted_duplicates_of_the_sample_are_found(name: str, repository_root: Path) -> None:
    """Recall and precision by pairs; a pair that was not planted but is real counts as right."""
    folder = repository_root / "datasets"
    context = CheckContext(read_dataset([folder / "sample.jsonl"]))
    check = next(check for check in CHECKS if check.name == name)
    found = run_check(check, context).findings
    truth = [json.loads(line) for line in (folder / "sample_truth.jsonl").open(encoding="utf-8")]
    planted = {
        frozenset((item["row"], item["related_row"])) for item in truth if item["check"] == name
    }
    pairs = {frozenset(pair) for pair in hits(found)}
    assert planted
    assert len(planted & pairs) / len(planted) >= 0.98
    words = _spoken_words(context.records)
    wrong = [
        pair
        for pair in pairs - planted
        if name != "duplicates/near" or _jaccard(*(words[row] for row in pair)) < 0.8
    ]
    assert len(wrong) / len(pairs) <= 0.02


def _spoken_words(records: pl.DataFrame) -> dict[int, list[str]]:
    words: dict[int, list[str]] = defaultdict(list)
    for record in records.iter_rows(named=True):
        for message in record["messages"]:
            if message["role"] != "system":
                kept = "".join(
                    letter if letter.isalnum() else " "
                    for letter in (message["content"] or "").casefold()
                )
                words[record["row"]] += kept.split()
    return words


def _jaccard(one: list[str], other: list[str]) -> float:
    size = 5 if min(len(one), len(other)) >= 20 else 3
    first, second = (
        {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}
        for words in (one, other)
    )
    return len(first & second) / len(first | second)
