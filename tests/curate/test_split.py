"""Splits: components whole, shares reached, the same for the same contents, nothing lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.export import source_rows
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.records import Dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting import written as written_module
from tunewise.curate.splitting.parts import PARTS
from tunewise.curate.splitting.split import split
from tunewise.workspace.artifact import Artifact, Workspace, produce
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.files import read_json, write_json

LONG = (
    "the shop sends every parcel with a note that names the maker the wood the strings and the "
    "day on which the instrument was tuned for the last time before it left the bench"
)


def dataset_of(folder: Path, rows: list, name: str = "data.jsonl") -> Dataset:
    path = folder / name
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, "utf-8")
    return read_dataset([path])


def chat(question: str, answer: str, **more: object) -> dict:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def distinct_rows(count: int, seed: int = 0, **more: object) -> list[dict]:
    chance = random.Random(seed)
    words = [f"w{number}" for number in range(4000)]
    return [
        chat(" ".join(chance.sample(words, 9)), " ".join(chance.sample(words, 12)), n=n, **more)
        for n in range(count)
    ]


def parts_of(artifact: Artifact) -> dict[str, list[dict]]:
    return {
        name: [json.loads(line) for line in (artifact.folder / f"{name}.jsonl").open("rb")]
        for name in PARTS
    }


def part_by_content(artifact: Artifact) -> dict[str, str]:
    return {
        json.dumps(row, sort_keys=True): name
        for name, rows in parts_of(artifact).items()
        for row in rows
    }


def test_every_row_is_in_one_part_in_the_sources_shape(tmp_path: Path) -> None:
    rows = [*distinct_rows(57), "{broken", *distinct_rows(43, seed=1)]
    done = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings())
    written = [row for part in parts_of(done).values() for row in part]
    wanted = [row for row in rows if isinstance(row, dict)]
    assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, wanted))
    counts = done.manifest.counts
    assert (counts["train"], counts["val"], counts["test"]) == (70, 15, 15)
    assert counts["train"] + counts["val"] + counts["test"] + counts["set_aside"] == counts["input"]
    assert counts["input"] == 101
    assignments = pl.read_parquet(done.folder / "assignments.parquet")
    assert assignments.columns == ["row", "part", "component"]
    assert assignments["row"].to_list() == [n for n in range(101) if n != 57]
    assert dict(Counter(assignments["part"])) == {"train": 70, "val": 15, "test": 15}
    assert done.manifest.seeds == {"split": 17}


def test_the_document_has_what_others_read(tmp_path: Path) -> None:
    rows = distinct_rows(60, label="a") + distinct_rows(40, seed=1, label="b")
    done = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings())
    document = read_json(done.folder / "split.json")
    assert document["counts"] == {"train": 70, "val": 15, "test": 15}
    assert document["stratification"]["column"] == "label"
    assert document["stratification"]["max_drift"] == pytest.approx(0)
    assert document["ratios"]["val"] == {"wanted": 0.15, "reached": 0.15}
    assert document["by_label"][0] == {"value": "a", "train": 0.6, "val": 0.6, "test": 0.6}
    assert {"shape", "kind", "seed"} <= document.keys()
    certificate = document["certificate"]
    assert certificate["method"]
    assert certificate["not_searched"]
    assert [certificate[f"{kind}_across"] for kind in ("exact", "normalised", "near", "group")] == [
        0, 0, 0, 0,
    ]  # fmt: skip
    again = read_dataset(done.folder / "val.jsonl", shape=document["shape"])
    assert again.records.height == 15


def test_what_belongs_together_stays_together(tmp_path: Path) -> None:
    rows = distinct_rows(60)
    tied = {
        "exact": [rows[0], rows[0]],
        "words": [rows[1], chat(rows[1]["messages"][0]["content"].upper() + "!",
                                rows[1]["messages"][1]["content"])],
        "near": [chat("a b c", LONG), chat("a b c", LONG + " and more")],
        "prompt": [chat("Is the shop open today?", "yes"), chat("is the shop open today", "no")],
        "group": [chat("zz", "yy", owner="me"), chat("uu", "vv", owner="me")],
    }  # fmt: skip
    rows += [row for pair in tied.values() for row in pair]
    dataset = dataset_of(tmp_path, rows)
    for seed in range(6):
        done = split(Workspace(tmp_path), dataset, SplitSettings(group=("owner",), seed=seed))
        found = part_by_content(done)
        for name, pair in tied.items():
            assert len({found[json.dumps(row, sort_keys=True)] for row in pair}) == 1, name


def test_a_column_can_be_named_as_the_source_names_it(tmp_path: Path) -> None:
    rows = [dict(row, topic=f"t{n % 3}", team={"a": n % 5}) for n, row in
            enumerate(distinct_rows(200))]  # fmt: skip
    dataset = dataset_of(tmp_path, rows)
    by_label = split(Workspace(tmp_path), dataset, SplitSettings(stratify=("topic",)))
    document = read_json(by_label.folder / "split.json")
    assert document["stratification"]["column"] == "topic"
    assert document["stratification"]["max_drift"] < 0.02
    teams = split(
        Workspace(tmp_path), dataset, SplitSettings(group=("team",), ratios=(0.4, 0.3, 0.3))
    )
    held = {name: {row["team"]["a"] for row in part} for name, part in parts_of(teams).items()}
    assert sum(len(values) for values in held.values()) == 5
    with pytest.raises(UsageError) as caught:
        split(Workspace(tmp_path), dataset, SplitSettings(group=("teem",)))
    assert "team" in caught.value.fix


def test_the_same_seed_gives_the_same_split_in_any_order(tmp_path: Path) -> None:
    rows = distinct_rows(90, label="a") + distinct_rows(30, seed=1, label="b")
    rows += [chat("same?", f"{LONG} {end}", label="a") for end in ("x", "y", "z u")]
    mixed = random.Random(3).sample(rows, len(rows))
    plain = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings())
    other = split(Workspace(tmp_path), dataset_of(tmp_path, mixed, "b.jsonl"), SplitSettings())
    assert plain.id != other.id
    assert part_by_content(plain) == part_by_content(other)
    seeded = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings(seed=18))
    assert part_by_content(seeded) != part_by_content(plain)
    again = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings(), force=True)
    assert again.manifest.files == plain.manifest.files


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_rows_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match="would be empty") as caught:
        split(Workspace(tmp_path), dataset_of(tmp_path, distinct_rows(count)), SplitSettings())
    assert "more rows" in caught.value.fix
    assert not list((tmp_path / ".tunewise" / "split").glob("[!.]*"))


def test_one_component_cannot_be_split(tmp_path: Path) -> None:
    rows = distinct_rows(20, owner="me")
    with pytest.raises(UsageError, match="1 components"):
        split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings(group=("owner",)))


def test_a_few_rows_are_enough_for_three_parts(tmp_path: Path) -> None:
    done = split(Workspace(tmp_path), dataset_of(tmp_path, distinct_rows(5)), SplitSettings())
    assert read_json(done.folder / "split.json")["counts"] == {"train": 3, "val": 1, "test": 1}


def test_a_prompt_that_is_a_form_ties_nothing_and_is_noted(tmp_path: Path) -> None:
    answers = distinct_rows(300)
    rows = [chat("Write the next support answer", row["messages"][1]["content"]) for row in answers]
    done = split(Workspace(tmp_path), dataset_of(tmp_path, rows), SplitSettings())
    document = read_json(done.folder / "split.json")
    assert document["counts"]["val"] == 45
    assert any("tie nothing" in note for note in document["notes"])


def test_a_large_component_is_told_as_the_reason(tmp_path: Path) -> None:
    rows = [dict(row, owner="big" if n < 60 else str(n)) for n, row in
            enumerate(distinct_rows(100))]  # fmt: skip
    settings_ = SplitSettings(group=("owner",), ratios=(0.4, 0.3, 0.3))
    done = split(Workspace(tmp_path), dataset_of(tmp_path, rows), settings_)
    document = read_json(done.folder / "split.json")
    assert document["counts"]["train"] == 60
    assert document["components"] == {"number": 41, "of_several_rows": 1, "largest": 60}
    assert "largest component has 60 of 100 rows" in document["notes"][0]


def test_a_clean_artifact_is_split_as_it_was_written(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, distinct_rows(40))
    workspace = Workspace(tmp_path)

    def build(draft) -> None:
        dataset.records.head(30).write_parquet(draft.folder / "records.parquet")
        facts = {name: getattr(dataset.detection, name) for name in ("shape", "confidence", "mapping")}  # fmt: skip # noqa: E501
        document = {"dataset": {"kind": dataset.kind, "detection": facts}}
        write_json(draft.folder / "clean.json", document)

    cleaned = produce(workspace, "clean", build, inputs=[], parameters={})
    done = split(workspace, cleaned, SplitSettings())
    assert sum(len(part) for part in parts_of(done).values()) == 30
    assert done.manifest.inputs[0].artifact == cleaned.id
    assert split(workspace, cleaned, SplitSettings()).reused
    with pytest.raises(UsageError, match="cannot be split"):
        split(workspace, done, SplitSettings())


def test_a_leak_in_the_written_files_fails_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if writing had gone wrong: every part begins with the same row."""
    first = distinct_rows(1, seed=9)

    def faulty(records: pl.DataFrame, detection: object) -> list[dict]:
        return [*first, *source_rows(records, detection)][: records.height]  # type: ignore[arg-type]

    monkeypatch.setattr(written_module, "source_rows", faulty)
    with pytest.raises(JobError, match="leak"):
        split(Workspace(tmp_path), dataset_of(tmp_path, distinct_rows(30)), SplitSettings())
    assert not list((tmp_path / ".tunewise" / "split").glob("[!.]*"))
