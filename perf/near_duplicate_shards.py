"""What the search over shards costs: bytes between machines and processor seconds, step by step.

    python perf/near_duplicate_shards.py --rows 500000 --shards 8

Every step runs in this process, one after the other; what it returns is pickled, as Ray would do,
and counted. Beside it stands the search in one place, and an index of nine tenths of the rows that
answers for the rest (`tunewise audit --against`). Results go to
``perf/results/near_duplicate_shards.json``; docs/near_duplicates.md reckons with them.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from near_duplicate_corpus import write_corpus

from tunewise.curate.near_duplicates.known_texts import nearest_known, save_known
from tunewise.curate.near_duplicates.pairs import near_duplicate_pairs
from tunewise.curate.near_duplicates.sharded_pairs import sharded_near_duplicates

RESULTS = Path(__file__).resolve().parent / "results" / "near_duplicate_shards.json"
KEPT = 0.9
STAYS = {"read_shard": (1, 2), "order_shard": (0,), "wanted_sets": (0,)}
"""Which of the values that steps return are needed again only where they were made."""


class Counting:
    """Runs every step here, and adds up by step what it took and what it returned."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.steps: dict[str, dict[str, float]] = {}
        self.elsewhere = 0.0

    def call(
        self, function: Callable[..., Any], *arguments: Any, returns: int | None = None
    ) -> list[Any]:
        """Run a step; see ``Runner``."""
        began = time.process_time()
        value = function(*arguments)
        took = time.process_time() - began
        values = [value] if returns is None else value
        name = getattr(function, "__name__", "step")
        step = self.steps.setdefault(name, {"seconds": 0.0, "stays": 0, "sent": 0, "calls": 0})
        sizes = [len(pickle.dumps(one, protocol=5)) for one in values]
        stays = sum(sizes[part] for part in STAYS.get(name, ()))
        step["seconds"] += took
        step["stays"] += stays
        step["sent"] += sum(sizes) - stays
        step["calls"] += 1
        self.elsewhere += time.process_time() - began
        return values

    def share(self, value: Any) -> Any:
        """Return the value itself."""
        return value

    def fetch(self, handles: Sequence[Any]) -> list[Any]:
        """Return the values themselves."""
        return list(handles)


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds that a function took, and what it returned."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def measure(texts: pl.Series, shards: int) -> dict[str, Any]:
    """Search texts in shards, in one place, and against an index; return all figures."""
    near_duplicate_pairs(texts.head(20_000))
    counting = Counting()
    size = -(-len(texts) // shards)
    parts = [partial(pl.Series.slice, texts, first, size) for first in range(0, len(texts), size)]
    sharded_near_duplicates(parts[:1], Counting())
    in_shards, found = cpu_seconds(lambda: sharded_near_duplicates(parts, counting))
    in_one_place, plain = cpu_seconds(lambda: near_duplicate_pairs(texts, threads=1))
    return {
        "rows": len(texts),
        "text_bytes": int(texts.str.len_bytes().sum()),
        "shards": shards,
        "seconds_in_steps": sum(step["seconds"] for step in counting.steps.values()),
        "seconds_of_the_lead": in_shards - counting.elsewhere,
        "seconds_in_one_place": in_one_place,
        "equal_pairs": found.pairs.equals(plain.pairs),
        "pairs": plain.pairs.height,
        "steps": counting.steps,
        "index": measure_index(texts),
    }


def measure_index(texts: pl.Series) -> dict[str, float]:
    """Index the first rows and ask for the others."""
    known = int(KEPT * len(texts))
    settings: dict[str, Any] = {"threshold": 0.8, "shingle_size": 5, "threads": 1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        made, _ = cpu_seconds(lambda: save_known([texts.head(known)], path, **settings))
        size = sum(file.stat().st_size for file in path.iterdir())
        asked, found = cpu_seconds(lambda: nearest_known(texts.slice(known), path, **settings))
    return {
        "known_rows": known,
        "known_text_bytes": int(texts.head(known).str.len_bytes().sum()),
        "bytes": size,
        "seconds_to_make": made,
        "new_rows": len(texts) - known,
        "seconds_to_answer": asked,
        "found": found.pairs.height,
    }


def main() -> None:
    """Measure, write the results and print them by row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    corpus = options.folder / f"corpus_{options.rows}.arrow"
    if not corpus.exists():
        write_corpus(corpus, options.rows)
    results = measure(pl.read_ipc(corpus)["text"], options.shards)
    results["cores"] = os.cpu_count()
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    rows = results["rows"]
    print(f"{rows:,} rows of {results['text_bytes'] / rows:.0f} bytes in {options.shards} shards")
    print(f"{'step':<16}{'µs a row':>12}{'bytes kept':>14}{'bytes sent':>14}")
    for name, step in results["steps"].items():
        per_row = (1e6 * step["seconds"] / rows, step["stays"] / rows, step["sent"] / rows)
        print(f"{name:<16}{per_row[0]:>12.2f}{per_row[1]:>14.1f}{per_row[2]:>14.1f}")
    print(f"in shards {results['seconds_in_steps']:.2f} s, and who leads "
          f"{results['seconds_of_the_lead']:.2f} s; in one place "
          f"{results['seconds_in_one_place']:.2f} s; "
          f"the same pairs: {results['equal_pairs']}")  # fmt: skip
    index = results["index"]
    print(f"index: {index['bytes'] / index['known_rows']:.0f} bytes a row, made in "
          f"{index['seconds_to_make']:.2f} s; {index['new_rows']:,} new rows answered in "
          f"{index['seconds_to_answer']:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
