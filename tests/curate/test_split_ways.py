"""Ways to choose the test part: time, folds, groups, a given file, other domains, growth."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.curate.reading.read import open_source, read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.certificate import PartFile, check_files
from tunewise.curate.splitting.split import split, split_each
from tunewise.curate.splitting.ties import TakenPiece, tie_records
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.files import read_json

WORDS = [f"w{number}" for number in range(4000)]


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.sample(WORDS, count))


def rows_of(count: int, seed: int = 0) -> list[dict]:
    """Rows that have nothing in common."""
    chance = random.Random(seed)
    return [
        {"prompt": words(chance, 9), "completion": words(chance, 60), "n": seed * 10_000 + number}
        for number in range(count)
    ]


def nearly(row: dict, **more: object) -> dict:
    return {**row, "completion": row["completion"] + " more", **more}


def write(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def split_rows(folder: Path, rows: list[dict], **wanted: object) -> Artifact:
    source = open_source(write(folder / "data.jsonl", rows))
    return split(Workspace(folder), source, SplitSettings(**wanted))  # type: ignore[arg-type]


def lines(artifact: Artifact, name: str) -> list[dict]:
    path = artifact.folder / f"{name}.jsonl"
    return [json.loads(line) for line in path.open("rb")] if path.exists() else []


def document_of(artifact: Artifact) -> dict:
    return read_json(artifact.folder / "split.json")


def accounted(artifact: Artifact, rows: list[dict], *others: dict) -> None:
    """Every row is in exactly one file, and the manifest counts them all."""
    names = ("train", "val", "test", "ood", "left_out")
    written = [json.dumps(row) for name in names for row in lines(artifact, name)]
    assert Counter(written) == Counter(json.dumps(row) for row in [*rows, *others])
    counts = artifact.manifest.counts
    assert sum(counts.get(name, 0) for name in (*names, "set_aside")) == counts["input"]


# --- several columns ---------------------------------------------------------------------------


def test_several_columns_are_balanced_at_once(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [
        {**row, "completion": words(chance, chance.randint(3, 200)), "topic": f"t{n % 7}",
         "source": chance.choice("abc"), "stars": chance.random()}
        for n, row in enumerate(rows_of(600))
    ]  # fmt: skip
    done = split_rows(tmp_path, rows, stratify=("topic", "source", "length", "stars"))
    found = document_of(done)["stratification"]
    assert found["column"] == "topic, source, length, stars"
    columns = {column["column"]: column for column in found["columns"]}
    assert {name: column["values"] for name, column in columns.items()} == {
        "topic": 7, "source": 3, "length": 5, "stars": 5,
    }  # fmt: skip
    assert found["max_drift"] < 0.02
    assert document_of(done)["by_column"].keys() == {"source", "length", "stars"}
    assert all(row["value"].endswith(" words") for row in document_of(done)["by_column"]["length"])


def test_a_field_called_length_is_taken_for_itself(tmp_path: Path) -> None:
    rows = [{**row, "length": "short" if n % 2 else "long"} for n, row in enumerate(rows_of(60))]
    found = document_of(split_rows(tmp_path, rows, stratify="length"))
    assert {row["value"] for row in found["by_label"]} == {"short", "long"}


def test_a_part_may_have_no_rows_if_its_share_is_0(tmp_path: Path) -> None:
    done = split_rows(tmp_path, rows_of(50), ratios="80/0/20")
    assert document_of(done)["counts"] == {"train": 40, "val": 0, "test": 10}
    assert (done.folder / "val.jsonl").read_bytes() == b""


# --- time --------------------------------------------------------------------------------------


def test_train_is_older_than_test_and_straddlers_are_told(tmp_path: Path) -> None:
    rows = [{**row, "at": f"2024-01-{1 + n // 10:02d}"} for n, row in enumerate(rows_of(200))]
    rows += [nearly(rows[3], at="2024-01-20"), {**rows_of(1, seed=1)[0], "at": "soon"}]
    mixed = random.Random(1).sample(rows, len(rows))
    done = split_rows(tmp_path, mixed, by_time="at")
    document = document_of(done)
    assert document["by_time"]["column"] == "at"
    borders = document["by_time"]["from"]
    assert max(row["at"] for row in lines(done, "train")) < borders["val"] < borders["test"]
    assert max(row["at"] for row in lines(done, "val")) < borders["test"]
    assert document["by_time"]["straddling"] == 1
    assert document["by_time"]["older"] == {"val": 0, "test": 1}
    assert rows[3] in lines(done, "test")
    assert any("straddle" in note for note in document["notes"])
    assert [row["at"] for row in lines(done, "left_out")] == ["soon"]
    assert pl.read_parquet(done.folder / "left_out.parquet")["by"].to_list() == ["no time"]
    accounted(done, rows)


def test_one_time_for_all_rows_cannot_be_divided(tmp_path: Path) -> None:
    rows = [{**row, "at": "2024-01-01"} for row in rows_of(30)]
    with pytest.raises(UsageError, match="would be empty"):
        split_rows(tmp_path, rows, by_time="at")
    with pytest.raises(UsageError, match="no value of 'n' can be read") as caught:
        split_rows(tmp_path, [{**row, "n": "never"} for row in rows], by_time="n")
    assert "ISO 8601" in caught.value.fix


# --- folds and groups --------------------------------------------------------------------------


def test_every_row_is_in_the_test_of_one_fold(tmp_path: Path) -> None:
    rows = [{**row, "topic": f"t{n % 3}", "owner": f"o{n // 3}"} for n, row in
            enumerate(rows_of(120))]  # fmt: skip
    source = open_source(write(tmp_path / "data.jsonl", rows))
    wanted = SplitSettings(folds=4, group=("owner",), stratify=("topic",))
    made = split_each(Workspace(tmp_path), source, wanted)
    assert len({artifact.id for artifact in made}) == 4
    tested = Counter(json.dumps(row) for artifact in made for row in lines(artifact, "test"))
    assert tested == Counter(map(json.dumps, rows))
    for number, artifact in enumerate(made, 1):
        document = document_of(artifact)
        assert document["fold"] == {"number": number, "of": 4, "rows": [30] * 4}
        assert document["stratification"]["max_drift"] < 0.03
        assert document["ratios"]["test"] == {"wanted": 0.25, "reached": 0.25}
        assert document["certificate"]["group_across"] == 0
        assert lines(artifact, "val")
        accounted(artifact, rows)
    again = split(Workspace(tmp_path), source, wanted.model_copy(update={"fold": 3}))
    assert again.reused
    assert again.id == made[2].id


def test_settings_for_several_splits_are_no_split(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="several splits") as caught:
        split_rows(tmp_path, rows_of(30), folds=3)
    assert "fold = 1" in caught.value.fix
    with pytest.raises(UsageError, match="cannot fill 40 folds"):
        split_rows(tmp_path, rows_of(30), folds=40, fold=1)
    with pytest.raises(UsageError, match="no fold 4"):
        split_rows(tmp_path, rows_of(30), folds=3, fold=4)


def test_a_group_is_left_out_with_what_leaks_into_it(tmp_path: Path) -> None:
    rows = [{**row, "region": "abc"[n % 3]} for n, row in enumerate(rows_of(90))]
    rows += [nearly(rows[0], region="b"), {**rows_of(1, seed=2)[0]}]
    source = open_source(write(tmp_path / "data.jsonl", rows))
    made = split_each(Workspace(tmp_path), source, SplitSettings(leave_out="region"))
    assert [document_of(done)["leave_out"]["value"] for done in made] == ["a", "b", "c"]
    for done, value in zip(made, "abc", strict=True):
        assert {row["region"] for row in lines(done, "test")} == {value}
        assert value not in {row.get("region") for row in lines(done, "train")}
        assert document_of(done)["ratios"]["test"]["wanted"] is None
        accounted(done, rows)
    left_out = pl.read_parquet(made[0].folder / "left_out.parquet")
    assert left_out.select("row", "by", "related_part", "related_row").rows() == [
        (90, "near", "test", 0)
    ]
    assert not (made[2].folder / "left_out.parquet").exists()


def test_too_many_groups_are_not_left_out_one_by_one(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "data.jsonl", rows_of(150)))
    with pytest.raises(UsageError, match="150 different values") as caught:
        split_each(Workspace(tmp_path), source, SplitSettings(leave_out="n"))
    assert "n=VALUE" in caught.value.fix


# --- a kept test set ---------------------------------------------------------------------------


def test_only_what_leaks_into_the_kept_test_is_left_out(tmp_path: Path) -> None:
    rows, test = rows_of(100), rows_of(12, seed=3)
    copy = dict(test[0])
    same_words = {**test[1], "completion": test[1]["completion"].upper() + "!"}
    near = {**test[2], "completion": test[2]["completion"] + " a b c d e f g"}
    # Nearly the same as `near`, but no longer as the test row: it may stay.
    chain = {**near, "prompt": near["prompt"] + " x", "completion": near["completion"] + " h" * 6}
    same_prompt = {"prompt": test[3]["prompt"], "completion": rows_of(1, seed=4)[0]["completion"]}
    data = [*rows, copy, same_words, near, chain, same_prompt]
    given_file = write(tmp_path / "gold.jsonl", test)
    done = split_rows(tmp_path, data, keep_test=str(given_file))
    assert lines(done, "test") == test
    left_out = pl.read_parquet(done.folder / "left_out.parquet")
    assert left_out.select("row", "by", "related_part", "related_row").rows() == [
        (100, "exact", "test", 0),
        (101, "normalised", "test", 1),
        (102, "near", "test", 2),
        (104, "prompt", "test", 3),
    ]
    assert left_out["jaccard"][2] > 0.8
    assert lines(done, "left_out") == [copy, same_words, near, same_prompt]
    document = document_of(done)
    assert document["left_out"]["by"] == {"exact": 1, "normalised": 1, "near": 1, "prompt": 1}
    assert document["ratios"]["test"]["wanted"] is None
    certificate = document["certificate"]
    assert all(certificate[f"{kind}_across"] == 0 for kind in ("exact", "near", "prompt"))
    accounted(done, data, *test)
    assignments = pl.read_parquet(done.folder / "assignments.parquet")
    of_test = assignments.filter(pl.col("part") == "test")
    assert of_test["row"].to_list() == list(range(12))
    assert of_test["component"].to_list() == [-1 - row for row in range(12)]
    assert assignments.filter(pl.col("part") == "left_out")["row"].to_list() == [100, 101, 102, 104]
    assert [item.name for item in done.manifest.inputs] == ["source", "keep_test"]


def test_a_prompt_that_ties_only_after_rows_were_left_out(tmp_path: Path) -> None:
    """A form while 54 of 1,020 rows share it, and a question for the 50 that are written."""
    test = rows_of(20, seed=3)
    others = rows_of(1000)
    form = [{**row, "prompt": test[0]["prompt"]} for row in others[:49]]
    copies = [{**test[0], "n": n} for n in range(4)]
    data = [*form, *copies, *others[53:]]
    given_file = write(tmp_path / "gold.jsonl", test)
    done = split_rows(tmp_path, data, keep_test=str(given_file))
    assert document_of(done)["left_out"]["by"] == {"exact": 4, "prompt": 49}
    assert document_of(done)["certificate"]["prompt_across"] == 0
    accounted(done, data, *test)


def test_a_test_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    given_file = write(tmp_path / "gold.jsonl", [{"question": "a", "reply": "b"}] * 3)
    with pytest.raises(DataError, match="shape of the data"):
        split_rows(tmp_path, rows_of(30), keep_test=str(given_file))


def test_the_kept_test_may_be_part_of_the_data(tmp_path: Path) -> None:
    rows = rows_of(60)
    given_file = write(tmp_path / "gold.jsonl", rows[:10])
    done = split_rows(tmp_path, rows, keep_test=str(given_file), ratios="80/0/20")
    assert document_of(done)["counts"] == {"train": 50, "val": 0, "test": 10}
    assert document_of(done)["left_out"]["by"] == {"exact": 10}


# --- out of domain -----------------------------------------------------------------------------


def test_named_topics_are_held_out(tmp_path: Path) -> None:
    rows = [{**row, "topic": f"t{n % 6}"} for n, row in enumerate(rows_of(180))]
    rows.append(nearly(rows[5], topic="t0"))
    done = split_rows(tmp_path, rows, out_of_domain=("topic=t5", "topic=t4"))
    assert {row["topic"] for row in lines(done, "ood")} == {"t4", "t5"}
    document = document_of(done)
    assert document["counts"] == {"train": 84, "val": 18, "test": 18, "ood": 60}
    assert document["ratios"]["train"]["reached"] == pytest.approx(0.7)
    assert document["left_out"]["by"] == {"near": 1}
    accounted(done, rows)
    with pytest.raises(UsageError, match="no row has topic=t9"):
        split_rows(tmp_path, rows, out_of_domain="topic=t9")


def test_the_seed_chooses_topics_where_none_is_named(tmp_path: Path) -> None:
    rows = [{**row, "topic": f"t{n % 20}"} for n, row in enumerate(rows_of(200))]
    chosen = []
    for seed in range(4):
        done = split_rows(tmp_path, rows, out_of_domain="topic", seed=seed)
        assert len(lines(done, "ood")) == 20
        chosen.append(tuple(document_of(done)["out_of_domain"]["values"]))
    assert len(set(chosen)) > 1
    with pytest.raises(UsageError, match="nothing can be held out"):
        split_rows(tmp_path, [{**row, "topic": "a"} for row in rows], out_of_domain="topic")


def test_nothing_leaks_from_out_of_domain_into_the_test(tmp_path: Path) -> None:
    rows = [{**row, "region": "ab"[n % 2], "topic": f"t{n % 3}"} for n, row in
            enumerate(rows_of(90))]  # fmt: skip
    leak = nearly(rows[0], region="b", topic="t2")
    wanted = {"leave_out": "region=a", "out_of_domain": ("topic=t2",)}
    done = split_rows(tmp_path, [*rows, leak], **wanted)
    assert rows[0] in lines(done, "test")
    assert lines(done, "left_out") == [leak]
    assert {row["region"] for row in lines(done, "ood")} == {"b"}
    accounted(done, [*rows, leak])


# --- growth ------------------------------------------------------------------------------------


def part_of(artifact: Artifact) -> dict[str, str]:
    return {
        json.dumps(row): name
        for name in ("train", "val", "test", "ood", "left_out")
        for row in lines(artifact, name)
    }


def test_old_rows_stay_and_new_ones_join_their_component(tmp_path: Path) -> None:
    rows = rows_of(100)
    before = split_rows(tmp_path, rows)
    old = part_of(before)
    test_row = next(row for row in rows if old[json.dumps(row)] == "test")
    train_row = next(row for row in rows if old[json.dumps(row)] == "train")
    joins = nearly(test_row)
    ties_both = {"prompt": train_row["prompt"], "completion": " ".join(
        [test_row["prompt"], test_row["completion"]])}  # fmt: skip
    fresh = rows_of(100, seed=7)
    grown = random.Random(2).sample([*rows[5:], joins, *fresh], 196)
    done = split_rows(tmp_path, grown, against=before.id)
    now = part_of(done)
    assert all(now[json.dumps(row)] == old[json.dumps(row)] for row in rows[5:])
    assert now[json.dumps(joins)] == "test"
    found = document_of(done)["against"]
    assert found == {"old": 95, "joined": 1, "new": 100, "left_out": 0, "not_in_data": 5}
    reached = document_of(done)["ratios"]
    assert all(abs(share["reached"] - share["wanted"]) < 0.01 for share in reached.values())
    accounted(done, grown)
    both = split_rows(tmp_path, [*grown, ties_both], against=before.id)
    found = document_of(both)["against"]
    assert found["left_out"] == 1
    left_out = pl.read_parquet(both.folder / "left_out.parquet")
    assert left_out["by"].to_list() == ["ties two parts"]
    assert "(train" in left_out["reason"][0]
    assert "(test" in left_out["reason"][0]
    assert lines(both, "left_out") == [ties_both]
    kept = part_of(both)
    assert all(kept[row] == part for row, part in now.items())


def test_what_is_tied_to_a_row_left_out_alone_is_free(tmp_path: Path) -> None:
    rows = [{**row, "owner": f"o{n}"} for n, row in enumerate(rows_of(60))]
    before = split_rows(tmp_path, rows)
    one, other = lines(before, "train")[0], lines(before, "test")[0]
    first, second = rows_of(2, seed=8)
    bridge = {**first, "prompt": one["prompt"], "owner": other["owner"], "team": "new"}
    friend = {**second, "owner": "mine", "team": "new"}
    grown = [*rows, bridge, friend]
    done = split_rows(tmp_path, grown, against=before.id, group=("owner", "team"))
    assert lines(done, "left_out") == [bridge]
    assert document_of(done)["against"]["new"] == 1
    accounted(done, grown)


def test_rows_of_the_earlier_split_do_not_make_a_question_a_form(tmp_path: Path) -> None:
    rows = rows_of(200)
    asked = [{**row, "prompt": rows[0]["prompt"]} for row in rows_of(35, seed=6)]
    before = split_rows(tmp_path, [*rows, *asked[:30]])
    done = split_rows(tmp_path, [*rows, *asked], against=before.id)
    now = part_of(done)
    assert len({now[json.dumps(row)] for row in asked}) == 1
    assert document_of(done)["certificate"]["prompt_across"] == 0


def test_only_the_added_rows_may_be_given(tmp_path: Path) -> None:
    before = split_rows(tmp_path, rows_of(100))
    test_rows = lines(before, "test")
    added = [*rows_of(20, seed=9), nearly(test_rows[0])]
    done = split_rows(tmp_path, added, against=str(before.folder))
    assert part_of(done)[json.dumps(added[-1])] == "test"
    assert document_of(done)["against"]["not_in_data"] == 100
    files = {
        "old test": PartFile(before.folder / "test.jsonl"),
        "new train": PartFile(done.folder / "train.jsonl"),
    }
    assert not check_files(files).leaks


def test_what_was_out_of_domain_stays_so(tmp_path: Path) -> None:
    rows = [{**row, "topic": f"t{n % 6}"} for n, row in enumerate(rows_of(120))]
    before = split_rows(tmp_path, rows, out_of_domain="topic=t3")
    added = [{**row, "topic": f"t{n % 6}"} for n, row in enumerate(rows_of(60, seed=4))]
    done = split_rows(tmp_path, [*rows, *added], against=before.id)
    assert {row["topic"] for row in lines(done, "ood")} == {"t3"}
    assert len(lines(done, "ood")) == 30


def test_other_groups_than_before_are_told(tmp_path: Path) -> None:
    rows = [{**row, "owner": f"o{n // 2}"} for n, row in enumerate(rows_of(60))]
    before = split_rows(tmp_path, rows, group=("owner",))
    done = split_rows(tmp_path, rows, against=before.id)
    assert any("made with group ['owner']" in note for note in document_of(done)["notes"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), share=st.floats(0.3, 0.9))
def test_growth_moves_nothing_and_leaks_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    """Rows with many ties, added at random to some of them."""
    folder = tmp_path_factory.mktemp("growth")
    chance = random.Random(seed)
    rows = tangled_rows(chance, 80)
    first = rows[: max(8, int(share * len(rows)))]
    before = split_rows(folder, first, group=("owner",), ratios=(0.5, 0.25, 0.25))
    old = part_of(before)
    grown = chance.sample(rows, len(rows))
    done = split_rows(folder, grown, group=("owner",), ratios=(0.5, 0.25, 0.25), against=before.id)
    now = part_of(done)
    assert all(now[row] == part for row, part in old.items())
    certificate = document_of(done)["certificate"]
    assert sum(number for key, number in certificate.items() if key.endswith("_across")) == 0
    accounted(done, grown)


# --- the same for the same contents ------------------------------------------------------------


def tangled_rows(chance: random.Random, count: int) -> list[dict]:
    """Rows that copy, repeat and group each other, each of them once."""
    rows: list[dict] = []
    for number in range(count):
        row = {"prompt": words(chance, 8), "completion": words(chance, 40), "n": number,
               "label_": chance.choice("xyz"), "owner": f"o{number}"}  # fmt: skip
        if rows and chance.random() < 0.4:
            other = chance.choice(rows)
            kind = chance.randrange(4)
            if kind == 0:
                row |= {"prompt": other["prompt"], "completion": other["completion"]}
            elif kind == 1:
                row["prompt"] = other["prompt"].upper()
            elif kind == 2:
                row |= {"prompt": other["prompt"], "completion": other["completion"] + " then"}
            else:
                row["owner"] = other["owner"]
        rows.append(row)
    return rows


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    shards=st.integers(1, 5),
    wanted=st.sampled_from(
        [{}, {"stratify": ("label_", "length")}, {"folds": 3, "fold": 2}, {"by_time": "n"},
         {"leave_out": "label_=x"}, {"out_of_domain": ("label_",)}]
    ),
)  # fmt: skip
def test_order_and_shards_make_no_difference(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shards: int, wanted: dict
) -> None:
    folder = tmp_path_factory.mktemp("order")
    chance = random.Random(seed)
    rows = tangled_rows(chance, 60)
    plain = split_rows(folder / "plain", rows, group=("owner",), **wanted)
    mixed = chance.sample(rows, len(rows))
    edges = sorted(chance.sample(range(1, len(rows)), shards - 1))
    for number, (begin, end) in enumerate(zip([0, *edges], [*edges, len(rows)], strict=True)):
        write(folder / "shards" / f"{number}.jsonl", mixed[begin:end])
    source = open_source(folder / "shards")
    again = split(Workspace(folder), source, SplitSettings(group=("owner",), **wanted))
    assert part_of(again) == part_of(plain)


def test_a_whole_dataset_and_its_files_give_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", rows_of(80))
    one = split(Workspace(tmp_path / "a"), read_dataset(path), SplitSettings())
    other = split(Workspace(tmp_path / "b"), open_source(path), SplitSettings())
    assert one.manifest.files == other.manifest.files
    assert one.manifest.inputs == other.manifest.inputs


def test_what_does_not_count_ties_nothing(tmp_path: Path) -> None:
    rows = [{**row, "owner": f"o{n}", "team": f"t{n}"} for n, row in enumerate(rows_of(3))]
    rows[1]["owner"] = rows[0]["owner"]
    rows[2]["team"] = rows[1]["team"]
    dataset = read_dataset(write(tmp_path / "a.jsonl", rows))
    ties = tie_records(
        [TakenPiece(dataset.records, dataset.detection)], threshold=0.8, groups=("owner", "team")
    )
    assert ties.components().tolist() == [0, 0, 0]
    assert ties.components(np.array([True, False, True])).tolist() == [0, 1, 2]
    assert ties.components(np.array([False, True, True])).tolist() == [0, 1, 1]


# --- out of core -------------------------------------------------------------------------------


def test_pieces_are_let_go_one_after_the_other(tmp_path: Path) -> None:
    import weakref

    dataset = read_dataset(write(tmp_path / "data.jsonl", rows_of(600)))
    seen: list[weakref.ref] = []
    alive: list[int] = []

    def pieces():
        for first in range(0, 600, 50):
            piece = dataset.records.slice(first, 50).clone()
            seen.append(weakref.ref(piece))
            alive.append(sum(frame() is not None for frame in seen))
            yield TakenPiece(piece, dataset.detection)

    ties = tie_records(pieces(), threshold=0.8)
    assert ties.height == 600
    assert max(alive) <= 3, alive
    assert np.array_equal(ties.rows["row"], np.arange(600))


def test_a_source_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    from tunewise.curate.splitting.plan import make_plan
    from tunewise.curate.splitting.source import source_of_files
    from tunewise.curate.splitting.written import write_parts

    path = write(tmp_path / "data.jsonl", rows_of(40))
    source = source_of_files(open_source(path), "source")
    pieces = [
        TakenPiece(piece.records, source.detection) for piece in source.pieces(lambda _: None)
    ]
    plan = make_plan(tie_records(pieces, threshold=0.8), SplitSettings(), "label")
    path.write_text("{oops\n" + path.read_text())
    with pytest.raises(DataError, match="has changed"):
        write_parts(tmp_path, source, None, plan, lambda _: None)


@pytest.mark.parametrize(
    "wanted",
    [
        {"by_time": "n", "folds": 3},
        {"by_time": "n", "stratify": ("n",)},
        {"keep_test": "a", "against": "b"},
        {"out_of_domain": ("a=1", "b=2")},
        {"fold": 2},
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, wanted: dict) -> None:
    with pytest.raises(UsageError) as caught:
        split_rows(tmp_path, rows_of(20), **wanted)
    assert caught.value.fix
