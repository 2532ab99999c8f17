"""The other tools' way from texts to removed rows, each in a process and an environment of its own.

    python near_duplicate_tools.py TOOL CORPUS.arrow OUT.npy

Imports nothing of tunewise. Every tool is given the same canonical texts, splits them at their
spaces into sets of word 5-grams, and removes each row that it takes for a near-duplicate of an
earlier row that it kept (where a tool only says that a row has a counterpart: all of those rows
but the ones that come before any of them).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SIZE = 5
THRESHOLD = 0.8
PERMUTATIONS = 128
ROWS_AT_ONCE = 20_000


def token_sets(texts: pl.Series) -> Iterator[list[list[str]]]:
    """Cut texts into lists of distinct 5-grams, some rows at a time."""
    for first in range(0, len(texts), ROWS_AT_ONCE):
        block: list[list[str]] = []
        for text in texts.slice(first, ROWS_AT_ONCE).to_list():
            words = text.split(" ")
            last = max(1, len(words) - SIZE + 1)
            block.append(list({" ".join(words[at : at + SIZE]) for at in range(last)}))
        yield block


def keep_first(candidates: Iterator[Sequence[Any]], rows: int) -> np.ndarray:
    """Remove each row with a candidate that was kept."""
    removed = np.zeros(rows, dtype=bool)
    for row, others in enumerate(candidates):
        removed[row] = any(other < row and not removed[other] for other in others)
    return removed


def datasketch(texts: pl.Series) -> np.ndarray:
    """``MinHash.bulk`` with xxhash32 and ``MinHashLSH`` with its own choice of bands."""
    import xxhash
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)

    def candidates() -> Iterator[Sequence[Any]]:
        row = 0
        for block in token_sets(texts):
            encoded = [[token.encode() for token in tokens] for tokens in block]
            for sketch in MinHash.bulk(
                encoded, num_perm=PERMUTATIONS, hashfunc=xxhash.xxh32_intdigest
            ):
                yield [int(row) for row in index.query(sketch)]  # pyright: ignore[reportArgumentType]
                index.insert(row, sketch, check_duplication=False)
                row += 1

    return keep_first(candidates(), len(texts))


def rensa(texts: pl.Series) -> np.ndarray:
    """``RMinHash`` of 5-grams and ``RMinHashLSH`` with 16 bands, asked for every row."""
    from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportMissingImports]

    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=16)

    def candidates() -> Iterator[Sequence[Any]]:
        row = 0
        for block in token_sets(texts):
            sketches = RMinHash.from_token_sets(block, num_perm=PERMUTATIONS, seed=42)
            index.insert_many(sketches, start_key=row)
            row += len(block)
            yield from index.query_all(sketches)

    return keep_first(candidates(), len(texts))


def rensa_flags(texts: pl.Series) -> np.ndarray:
    """The quickest way through rensa: hashes from polars and numpy, only flags, no pairs."""
    from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportMissingImports]

    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=16)
    flags: list[bool] = []
    for first in range(0, len(texts), ROWS_AT_ONCE):
        words = texts.slice(first, ROWS_AT_ONCE).str.split(" ")
        lengths = words.list.len().to_numpy().astype(np.int64)
        hashes = words.explode().hash(7).to_numpy()
        runs = np.zeros(len(hashes), dtype=np.uint64)
        for step in range(SIZE):
            following = np.zeros_like(hashes)
            following[: max(0, len(hashes) - step)] = hashes[step:]
            runs = runs * np.uint64(0x9E3779B97F4A7C15) + following
        counts = np.maximum(1, lengths - SIZE + 1)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        places = np.arange(len(hashes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            np.ascontiguousarray(runs[places < counts[owners]]),
            np.r_[0, np.cumsum(counts)].astype(np.uint64),
            PERMUTATIONS,
            42,
        )
        flags += index.insert_matrix_and_query_duplicate_flags(matrix, start_key=first)
    return np.array(flags)


def text_dedup(texts: pl.Series) -> np.ndarray:
    """text-dedup's MinHash as its command line runs it, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        rows = pl.DataFrame({"text": texts, "row": np.arange(len(texts))})
        rows.write_parquet(f"{folder}/rows.parquet")
        options = {
            "path": "parquet",
            "data_files": f"{folder}/rows.parquet",
            "split": "train",
            "cache_dir": f"{folder}/cache",
            "output": f"{folder}/out",
            "column": "text",
            "num_proc": 1,
            "ngram": SIZE,
            "num_perm": PERMUTATIONS,
            "threshold": THRESHOLD,
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        environment = {**os.environ, "HF_HOME": folder, "HF_HUB_OFFLINE": "1"}
        subprocess.run(
            [sys.executable, "-m", "text_dedup.minhash", *arguments], check=True, env=environment
        )
        from datasets import load_from_disk

        removed = np.ones(len(texts), dtype=bool)
        kept: Any = load_from_disk(f"{folder}/out")
        removed[kept["row"][:]] = False
    return removed


def datatrove(texts: pl.Series) -> np.ndarray:
    """The three MinHash steps of datatrove with its own configuration (14 buckets of 8)."""
    from datatrove.data import Document  # pyright: ignore[reportMissingImports]
    from datatrove.pipeline.dedup.minhash import (  # pyright: ignore[reportMissingImports]
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )

    config = MinhashConfig(n_grams=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        documents = (Document(text=text, id=str(row)) for row, text in enumerate(texts.to_list()))
        MinhashDedupSignature(f"{folder}/signatures", config).run(documents)
        buckets = MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)
        for bucket in range(config.num_buckets):
            buckets.run(None, bucket, config.num_buckets)
        MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config=config).run()
        removed = np.zeros(len(texts), dtype=bool)
        for path in Path(f"{folder}/removed").glob("*.remove"):
            removed[np.fromfile(path, dtype=np.uint32)] = True
    return removed


TOOLS = {
    "datasketch": datasketch,
    "rensa": rensa,
    "rensa flags": rensa_flags,
    "text-dedup": text_dedup,
    "datatrove": datatrove,
}


def main(tool: str, corpus: str, out: str) -> None:
    """Run one tool and print what it took as JSON; the loading of the corpus is not counted."""
    texts = pl.read_ipc(corpus)["text"]
    before = peak_mb()
    cpu_before = _cpu_seconds()
    began = time.perf_counter()
    removed = TOOLS[tool](texts)
    seconds = time.perf_counter() - began
    cpu = _cpu_seconds() - cpu_before
    np.save(out, removed)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    took = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": max(peak_mb(), children),
        "texts_mb": before,
    }
    print(json.dumps(took))


def peak_mb() -> float:
    """Return the most memory this process had; ``ru_maxrss`` would count its parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
