"""The bundled benchmarks: well-formed, balanced and held out from the corpus."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
import yaml

from tunewise.datasets.benchmark_items import found_in, words_of
from tunewise.datasets.corpus_document import Document
from tunewise.datasets.corpus_world import facts
from tunewise.datasets.make_benchmarks import (
    BENCHMARKS,
    Benchmark,
    corpus_documents,
    proof_of_row,
    written_proofs,
)
from tunewise.datasets.make_corpus import rendered
from tunewise.datasets.make_replay import REPLAY_FILE, replay_documents
from tunewise.datasets.measure_base import task_config

each_benchmark = pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda one: one.name)


def rows_of(benchmark: Benchmark) -> list[dict]:
    lines = benchmark.data_path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@each_benchmark
def test_items_are_as_many_as_promised_and_distinct(benchmark: Benchmark):
    rows = rows_of(benchmark)
    assert len(rows) == benchmark.count >= 1_000
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({proof_of_row(benchmark, row) for row in rows}) == len(rows)


@each_benchmark
def test_gold_is_in_range_and_its_places_are_balanced(benchmark: Benchmark):
    rows = [row for row in rows_of(benchmark) if "choices" in row]
    if not rows:
        pytest.skip("has no choices")
    places = Counter(row["gold"] for row in rows)
    sizes = {len(row["choices"]) for row in rows}
    assert len(sizes) == 1
    [size] = sizes
    assert set(places) == set(range(size))
    assert max(places.values()) - min(places.values()) <= 1
    assert all(len(set(row["choices"])) == size for row in rows)
    assert benchmark.chance == pytest.approx(1 / size)


@each_benchmark
def test_rows_hold_plain_text(benchmark: Benchmark):
    for row in rows_of(benchmark):
        assert row.get("query") or row.get("prompt") or row.get("text")
        assert "<|" not in json.dumps(row)


@each_benchmark
def test_task_names_its_data_relative_to_itself(benchmark: Benchmark):
    task = yaml.safe_load(benchmark.task_path.read_text(encoding="utf-8"))
    assert task["task"] == f"tunewise_{benchmark.name}"
    assert task["dataset_kwargs"]["data_files"] == {"test": benchmark.data_path.name}
    assert task["metadata"]["licence"]
    assert task_config(benchmark)["dataset_kwargs"]["data_files"]["test"] == str(
        benchmark.data_path
    )


def test_no_item_is_in_a_slice_of_the_corpus():
    proofs = [proof_of_row(one, row) for one in BENCHMARKS for row in rows_of(one)]
    assert found_in(corpus_documents(limit=15_000), proofs) == set()


def test_search_finds_what_the_corpus_does_hold():
    document = Document("chat", turns=(("user", "How much is 12+30?"), ("assistant", "12+30=42")))
    assert found_in([document], ["12+30", "12+31", "much is 12"]) == {"12+30", "much is 12"}
    assert words_of("a, b") == ("a", ",", "b")


def test_each_fact_is_taught_in_five_phrasings_and_asked_in_the_sixth():
    random = Random(0)
    for fact in random.sample(facts(), 50):
        assert len(fact.taught_phrasings) == 5
        held_out = fact.held_out_phrasing.format(fact.entity)
        assert all(not fact.sentence(random).startswith(f"{held_out} ") for _ in range(20))


def test_replay_is_made_by_its_script_and_holds_no_item():
    written = [json.loads(line)["text"] for line in REPLAY_FILE.read_text("utf-8").splitlines()]
    assert written == [rendered(document) for document in replay_documents()]
    documents = [Document("replay", text) for text in written]
    assert not found_in(documents, written_proofs())
