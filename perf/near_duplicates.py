"""How fast, how exact and how small is the search for near-duplicates, against other tools?

    python perf/near_duplicates.py                                    # everything
    python perf/near_duplicates.py --only middle                      # 500,000 rows
    python perf/near_duplicates.py --only large                       # 5,000,000 rows
    python perf/near_duplicates.py --table                            # what was measured last
    python perf/near_duplicates.py --python rensa=/venv/bin/python    # who lives elsewhere

Three corpora (``near_duplicate_corpus``) of real rows, variations and planted near-duplicates:

* **small**: all tools, also the slow ones;
* **middle**: tunewise, rensa and datasketch, on 500,000 rows;
* **large**: tunewise alone on 5,000,000 rows that come piece by piece from a file.

Every run is a process of its own. Before and after each of the others tunewise runs as well, and
the ratio is that of the processor seconds side by side, since machines are shared. What is true
comes from ``near_duplicate_truth``: *missed* is the share of true pairs of which both rows were
kept, *false* the share of removed rows that have no true partner. On the large corpus only pairs
of sampled rows are counted. The results are written to ``perf/results/near_duplicates.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import polars as pl
from near_duplicate_corpus import write_corpus
from near_duplicate_tools import peak_mb
from near_duplicate_truth import LEAST_WORDS, THRESHOLD, sampled_rows, true_pairs

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "near_duplicates.json"
OURS = "tunewise"
SMALL, MIDDLE, LARGE = "small", "middle", "large"
ROWS = {SMALL: 50_000, MIDDLE: 500_000, LARGE: 5_000_000}
TOOLS = {
    SMALL: ("rensa", "rensa flags", "datasketch", "text-dedup", "datatrove"),
    MIDDLE: ("rensa", "rensa flags", "datasketch"),
    LARGE: (),
}
SAMPLED = {SMALL: None, MIDDLE: None, LARGE: 20_000}
STAGES = (
    ("read_texts", "read, cut and hash"),
    ("template_shingles", "find templates"),
    ("keep_candidates", "rule out by counters"),
    ("shingle_sets", "sort what is left"),
    ("similar_pairs", "join and verify"),
    ("component_labels", "components"),
)
ONE_THREAD = ("--threads", "1")
"""The others use one, except where rensa computes digests."""
_ROWS_A_PIECE = 50_000


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took, after the corpus had been loaded, and what it removed."""

    tool: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    texts_mb: float
    removed: int
    missed: float
    false: float | None
    pairs_missed: int | None = None
    pairs_false: int | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows on the disk, and what is true about them."""

    path: Path
    truth: pl.DataFrame
    words: np.ndarray
    sampled: int | None

    @property
    def comparable(self) -> np.ndarray:
        """For each row whether its pairs are counted in the truth."""
        return self.words >= LEAST_WORDS

    @property
    def long_enough(self) -> np.ndarray:
        """For each row whether all of its partners are counted in the truth, too."""
        return self.words > LEAST_WORDS / THRESHOLD


def corpus_of(folder: Path, rows: int) -> Path:
    """Make a corpus, unless it is there."""
    path = folder / f"corpus_{rows}.arrow"
    if not path.exists():
        write_corpus(path, rows)
    return path


def prepare(folder: Path, rows: int, sampled: int | None) -> Corpus:
    """Make a corpus and its truth, unless they are there."""
    path, truth = corpus_of(folder, rows), folder / f"truth_{rows}_{sampled}.arrow"
    if not truth.exists():
        true_pairs(path, sampled).write_ipc(truth)
    words = pl.scan_ipc(path).select(pl.col("text").str.count_matches(" ", literal=True) + 1)
    return Corpus(path, pl.read_ipc(truth), words.collect()["text"].to_numpy(), sampled)


def run(tool: str, corpus: Corpus, pythons: Mapping[str, str], *options: str) -> Run:
    """Run one tool in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/removed.npy"
        script = [__file__, "--child"] if tool == OURS else [str(HERE / "near_duplicate_tools.py")]
        python = sys.executable if tool == OURS else pythons[tool]
        arguments = [python, *script, *([] if tool == OURS else [tool]), str(corpus.path), out]
        process = subprocess.run(
            [*arguments, *options], stdout=subprocess.PIPE, text=True, check=True
        )
        removed = np.load(out)
        took = json.loads(process.stdout.strip().splitlines()[-1])
        if tool == OURS:
            took |= _pairs_against_truth(pl.read_ipc(f"{out}.pairs"), corpus)
    left, right = corpus.truth["left"].to_numpy(), corpus.truth["right"].to_numpy()
    partnered = np.zeros(len(removed), dtype=bool)
    partnered[left] = partnered[right] = True
    # The partner of a row of that many words has enough words to be among the truth.
    judged = removed & corpus.long_enough
    false = judged & ~partnered
    missed = ~removed[left] & ~removed[right]
    return Run(
        tool=tool,
        removed=int(removed.sum()),
        missed=float(missed.mean()),
        false=float(false.sum() / max(1, judged.sum())) if corpus.sampled is None else None,
        **took,
    )


def _pairs_against_truth(pairs: pl.DataFrame, corpus: Corpus) -> dict[str, int]:
    """Count the pairs that are in one of both only, where both are defined."""
    sampled = sampled_rows(len(corpus.words), corpus.sampled)
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    asked = sampled[left] | sampled[right]
    found = pairs.filter(asked & corpus.comparable[left] & corpus.comparable[right])
    keys = ["left", "right"]
    return {
        "pairs_missed": corpus.truth.join(found, on=keys, how="anti").height,
        "pairs_false": found.join(corpus.truth, on=keys, how="anti").height,
    }


def compare(corpus: Corpus, tools: Sequence[str], pythons: Mapping[str, str]) -> dict[str, Any]:
    """Run the tools, tunewise before and after each, and say how many times faster it was."""
    ours = [run(OURS, corpus, pythons, *ONE_THREAD)]
    others: list[dict[str, Any]] = []
    for tool in tools:
        other = run(tool, corpus, pythons)
        ours.append(run(OURS, corpus, pythons, *ONE_THREAD))
        beside = mean((ours[-2].cpu_seconds, ours[-1].cpu_seconds))
        others.append({**asdict(other), "times_our_cpu": other.cpu_seconds / beside})
        print(json.dumps(others[-1]), file=sys.stderr)
    best = min(ours, key=lambda one: one.cpu_seconds)
    return {
        "rows": len(corpus.words),
        "true_pairs": corpus.truth.height,
        "ours": asdict(best),
        "our_cpu_seconds": [one.cpu_seconds for one in ours],
        "ours_all_threads": asdict(run(OURS, corpus, pythons)),
        "others": others,
    }


def our_way(path: str, out: str, pieces: bool, threads: int | None) -> None:
    """Search one corpus with tunewise and print what it took."""
    from tunewise.curate.near_duplicates.components import keep_best
    from tunewise.curate.near_duplicates.pairs import near_duplicate_pairs

    texts: Any = (
        (
            piece["text"]
            for piece in pl.scan_ipc(path).collect_batches(
                chunk_size=_ROWS_A_PIECE, maintain_order=True
            )
        )
        if pieces
        else pl.read_ipc(path)["text"]
    )
    texts_mb = peak_mb()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = near_duplicate_pairs(texts, threads=threads)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    pairs = found.pairs
    removals = keep_best(
        np.arange(len(found.components)),
        pairs["left"].to_numpy(),
        pairs["right"].to_numpy(),
        pairs["jaccard"].to_numpy(),
    )
    removed = np.zeros(len(found.components), dtype=bool)
    removed[removals.removed] = True
    np.save(out, removed)
    pairs.write_ipc(f"{out}.pairs")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": peak_mb(),
        "texts_mb": texts_mb,
    }
    print(json.dumps({**took, "method": found.method}))


def our_stages(path: str) -> dict[str, float]:
    """Measure the processor seconds of each stage of a search by one thread."""
    from tunewise.curate.near_duplicates import pairs as near_duplicates
    from tunewise.curate.near_duplicates import search

    seconds: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            result = function(*arguments, **options)
            seconds[name] = seconds.get(name, 0) + time.process_time() - began
            return result

        return call

    texts = pl.read_ipc(path)["text"]
    near_duplicates.near_duplicate_pairs(texts.head(20_000))
    for function, name in STAGES:
        module = search if hasattr(search, function) else near_duplicates
        setattr(module, function, timed(name, getattr(module, function)))
    began = time.process_time()
    near_duplicates.near_duplicate_pairs(texts, threads=1)
    return {**seconds, "all": time.process_time() - began}


def memory_speed() -> dict[str, float]:
    """Measure what this machine can do at most: reading bytes in order, and numbers anywhere."""
    numbers = np.arange(1 << 25, dtype=np.uint64)
    places = np.random.default_rng(1).integers(0, len(numbers), 1 << 24)
    speeds = {}
    for name, work, size in (
        ("sequential_gb_per_second", lambda: numbers.sum(), numbers.nbytes / 1e9),
        ("random_million_per_second", lambda: numbers[places].sum(), len(places) / 1e6),
    ):
        took = []
        for _ in range(3):
            began = time.process_time()
            work()
            took.append(time.process_time() - began)
        speeds[name] = size / min(took)
    return speeds


def table(results: Mapping[str, Any]) -> str:
    """Write the results as tables of Markdown, one a corpus, and what bounds the search."""
    lines: list[str] = []
    for part in (SMALL, MIDDLE, LARGE):
        if part in results:
            found = results[part]
            of_part = found if part == LARGE else found["ours"]
            rows = ROWS[part]
            true = f", {found['true_pairs']:,} true pairs" if part != LARGE else ""
            lines += [f"{rows:,} rows{true}", "", *_HEAD, _line(of_part, rows, 1.0)]
            lines += [
                _line(other, rows, other["times_our_cpu"]) for other in found.get("others", [])
            ]
            lines.append("")
    if "stages" in results:
        stages = results["stages"]
        lines += ["| stage | processor s | share |", "|---|---|---|"]
        lines += [
            f"| {name} | {stages[name]:.2f} | {stages[name] / stages['all']:.0%} |"
            for _, name in STAGES
            if name in stages
        ]
        lines += [
            "",
            f"memory: {stages['sequential_gb_per_second']:.1f} GB/s in order, "
            f"{stages['random_million_per_second']:.0f} million numbers/s anywhere",
        ]
    return "\n".join(lines)


_HEAD = (
    "| tool | wall s | processor s | × ours | rows/s | memory MB | missed | false |",
    "|---|---|---|---|---|---|---|---|",
)


def _line(one: Mapping[str, Any], rows: int, times: float) -> str:
    false = "not counted" if one["false"] is None else f"{one['false']:.2%}"
    return (
        f"| {one['tool']} | {one['seconds']:.1f} | {one['cpu_seconds']:.1f} | {times:.2f} "
        f"| {rows / one['seconds']:,.0f} | {one['peak_mb']:,.0f} | {one['missed']:.2%} | {false} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for and bring the results up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=[*ROWS, "stages"], action="append")
    parser.add_argument("--python", action="append", default=[], metavar="TOOL=PATH")
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--child", nargs=2, metavar=("CORPUS", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--pieces", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        corpus_path, out = options.child
        our_way(corpus_path, out, options.pieces, options.threads)
        return
    if options.table:
        print(table(json.loads(RESULTS.read_text())))
        return
    pythons = dict.fromkeys(TOOLS[SMALL], sys.executable)
    pythons |= dict(pair.split("=", 1) for pair in options.python)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results["machine"] = {"processor": platform.processor(), "cores": os.cpu_count()}
    results["versions"] = {name: version(name) for name in ("numba", "numpy", "polars")}
    for part in options.only or [*ROWS, "stages"]:
        if part == "stages":
            path = corpus_of(options.folder, ROWS[MIDDLE])
            results[part] = our_stages(str(path)) | memory_speed()
        elif part == LARGE:
            corpus = prepare(options.folder, ROWS[LARGE], SAMPLED[LARGE])
            results[part] = asdict(run(OURS, corpus, pythons, "--pieces"))
        else:
            corpus = prepare(options.folder, ROWS[part], SAMPLED[part])
            results[part] = compare(corpus, TOOLS[part], pythons)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
