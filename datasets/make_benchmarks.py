"""Make the bundled benchmarks, prove that they are held out, and measure the base model.

Each benchmark is a JSONL file of items and an lm-eval task over it. The path of the data in a
task is relative to the task's own file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import yaml

from . import benchmark_items as items
from .corpus_document import Document, stable_hash
from .make_corpus import corpus

BENCHMARK_FOLDER = Path(__file__).resolve().parent / "benchmarks"
RECIPE = Path(__file__).resolve().parent / "base" / "recipe.json"
_CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_text": "{{query}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{gold}}",
    "target_delimiter": " ",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
_GENERATION = {
    "output_type": "generate_until",
    "doc_to_text": "{{prompt}}",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 4, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
_ROLLING = {
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "{{text}}",
    "metric_list": [
        {"metric": "word_perplexity"},
        {"metric": "byte_perplexity"},
        {"metric": "bits_per_byte"},
    ],
}


@dataclass(frozen=True)
class Benchmark:
    """One bundled benchmark.

    Attributes:
        name: Its name and that of its files.
        description: What it asks for.
        chance: The share that guessing gets right; none for a perplexity.
        count: The number of its items.
        draw: What yields its items.
        task: The part of the lm-eval task that its form decides.
    """

    name: str
    description: str
    chance: float | None
    count: int
    draw: Callable[[Random], Iterator[items.Item]]
    task: dict[str, object]

    @property
    def data_path(self) -> Path:
        """The file of its items."""
        return BENCHMARK_FOLDER / f"{self.name}.jsonl"

    @property
    def task_path(self) -> Path:
        """The file of its lm-eval task."""
        return BENCHMARK_FOLDER / f"{self.name}.yaml"


_COUNT = items.ITEMS_PER_TASK
BENCHMARKS = (
    Benchmark(
        "grammar",
        "Which of two endings makes the sentence grammatical?",
        0.5,
        _COUNT,
        items.grammar_items,
        _CHOICE,
    ),
    Benchmark(
        "facts",
        "Facts of an invented world, asked in a phrasing that was never taught.",
        0.25,
        items.FACT_ITEMS,
        items.fact_items,
        _CHOICE,
    ),
    Benchmark(
        "arithmetic",
        "Sums and differences of small numbers, written out.",
        0.0,
        _COUNT,
        items.arithmetic_items,
        _GENERATION,
    ),
    Benchmark(
        "patterns",
        "What comes next in a list that is copied, turned round or counted?",
        0.25,
        _COUNT,
        items.pattern_items,
        _CHOICE,
    ),
    Benchmark(
        "stories",
        "Which of three endings fits the story?",
        1 / 3,
        _COUNT,
        items.story_items,
        _CHOICE,
    ),
    Benchmark("text", "Perplexity on running text.", None, items.TEXTS, items.text_items, _ROLLING),
)


def candidates(benchmark: Benchmark) -> list[items.Item]:
    """Draw more distinct items than a benchmark needs."""
    random = Random(stable_hash(items.BENCHMARK_SEED, benchmark.name))
    wanted = round(benchmark.count * (1 + items.SPARE_SHARE))
    drawn: dict[str, items.Item] = {}
    for item in islice(benchmark.draw(random), wanted * 20):
        drawn.setdefault(item.proof, item)
        if len(drawn) == wanted:
            break
    return list(drawn.values())


def _rows(benchmark: Benchmark, chosen: list[items.Item]) -> list[dict[str, object]]:
    """Number the items and spread the right choices evenly over the places."""
    rows = []
    for number, item in enumerate(chosen):
        row = {"id": f"{benchmark.name}-{number:04d}", **item.row}
        choices = row.get("choices")
        if isinstance(choices, list) and isinstance(row["gold"], int):
            gold = choices[row["gold"]]
            others = [choice for choice in choices if choice != gold]
            place = number % len(choices)
            row["choices"] = [*others[:place], gold, *others[place:]]
            row["gold"] = place
        rows.append(row)
    return rows


def _task(benchmark: Benchmark) -> dict[str, object]:
    metadata: dict[str, object] = {
        "version": 1.0,
        "description": benchmark.description,
        "licence": "Apache-2.0",
    }
    if benchmark.chance is not None:
        metadata["chance"] = round(benchmark.chance, 4)
    return {
        "task": f"tunewise_{benchmark.name}",
        "tag": "tunewise",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{benchmark.name}.jsonl"}},
        "test_split": "test",
        **benchmark.task,
        "num_fewshot": 0,
        "metadata": metadata,
    }


def corpus_documents(limit: int | None = None) -> Iterator[Document]:
    """Yield all documents that the base model was trained on.

    Args:
        limit: The largest number of documents of each stage; all by default.
    """
    for number, stage in enumerate(json.loads(RECIPE.read_text(encoding="utf-8"))["corpus"]):
        yield from islice(corpus(stage=number), limit or stage["documents"])


def make_benchmarks(limit: int | None = None) -> None:
    """Write all benchmarks, without any item that the corpus holds.

    Args:
        limit: The largest number of documents of each stage to look through.
    """
    drawn = {benchmark.name: candidates(benchmark) for benchmark in BENCHMARKS}
    proofs = [item.proof for group in drawn.values() for item in group]
    found = items.found_in(corpus_documents(limit), proofs)
    BENCHMARK_FOLDER.mkdir(exist_ok=True)
    for benchmark in BENCHMARKS:
        held_out = [item for item in drawn[benchmark.name] if item.proof not in found]
        if len(held_out) < benchmark.count:
            raise SystemExit(f"{benchmark.name}: only {len(held_out)} items are held out")
        rows = _rows(benchmark, held_out[: benchmark.count])
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        benchmark.data_path.write_text(lines, encoding="utf-8")
        text = yaml.safe_dump(_task(benchmark), sort_keys=False, allow_unicode=True)
        benchmark.task_path.write_text(text, encoding="utf-8")
        dropped = len(drawn[benchmark.name]) - len(held_out)
        print(f"{benchmark.name}: {len(rows)} items; {dropped} candidates were in the corpus")


def proof_of_row(benchmark: Benchmark, row: dict) -> str:
    """Return the text of a written item that must not be in the corpus."""
    if benchmark.name == "arithmetic":
        return row["prompt"].rstrip("=")
    if benchmark.name in ("stories", "text"):
        return row.get("query") or row["text"]
    return f"{row['query']} {row['choices'][row['gold']]}"


def written_proofs() -> list[str]:
    """Return the texts of all written items that must be in no corpus."""
    return [
        proof_of_row(benchmark, json.loads(line))
        for benchmark in BENCHMARKS
        for line in benchmark.data_path.read_text(encoding="utf-8").splitlines()
    ]


def check_held_out(limit: int | None = None) -> None:
    """Fail if any item of the files is in the corpus."""
    proofs = written_proofs()
    found = items.found_in(corpus_documents(limit), proofs)
    if found:
        raise SystemExit(f"{len(found)} items are in the corpus, such as {min(found)!r}")
    print(f"None of {len(proofs)} items is in the corpus.")


def main() -> None:
    """Parse the command line, then make, check or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--documents", type=int, help="documents of each stage to search (default: all)"
    )
    parser.add_argument("--check", action="store_true", help="only prove that items are held out")
    parser.add_argument("--measure", action="store_true", help="only measure the base model")
    arguments = parser.parse_args()
    if arguments.measure:
        from .measure_base import measure  # imports torch and lm-eval

        measure()
    elif arguments.check:
        check_held_out(arguments.documents)
    else:
        make_benchmarks(arguments.documents)


if __name__ == "__main__":
    main()
