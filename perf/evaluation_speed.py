"""How fast are base and tuned scored, against lm-eval's own model, at equal answers?

    python perf/evaluation_speed.py                          # the bundled base and tasks
    python perf/evaluation_speed.py --model DIR --suite a.jsonl,b.yaml --limit 400

Both score the same tasks in the same process, one after the other, on one thread; the ratio of
processor seconds is what counts, because other work on the machine does not change it much. Both
run through the same adapter to lm-eval, which reads a task's templates once. *lm-eval as it is*
reads them anew for every item, and is what `lm_eval` itself costs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.evaluate.items import Answers
from tunewise.evaluate.scoring.harness import CausalScorer
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.tasks import suites as tasks
from tunewise.evaluate.tasks.asking import ask

BASE = Path(__file__).resolve().parents[1] / "datasets" / "base"
HFLM_BATCH = 64


def compare(model_path: Path, suites: list[str], limit: int | None) -> list[dict[str, Any]]:
    """Score every task by each way and return seconds, ratios and the largest difference."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
    peer: Any = HFLM
    theirs = peer(pretrained=model, tokenizer=tokenizer, batch_size=HFLM_BATCH)
    compiled = tasks.load_benchmarks(suites, Path(), limit=limit)
    plain = _as_lm_eval_reads_them(suites, limit)
    rows = []
    for benchmark, as_it_is in zip(compiled, plain, strict=True):
        ours = CausalScorer(
            TokenScorer(model, batch_tokens=2048),
            tokenizer,
            context=model.config.max_position_embeddings,
        )
        seconds, found = _timed(lambda b=benchmark, m=ours: ask(b, m))
        peer_seconds, expected = _timed(lambda b=benchmark: ask(b, theirs))
        whole_seconds, _ = _timed(lambda b=as_it_is: ask(b, theirs))
        rows.append(
            {
                "task": benchmark.name,
                "items": len(found.frame),
                "seconds": seconds,
                "hflm": peer_seconds / seconds,
                "lm_eval": whole_seconds / seconds,
                "largest_difference": _difference(found, expected),
                "equal_outputs": found.frame["output"].equals(expected.frame["output"]),
            }
        )
    return rows


def _as_lm_eval_reads_them(suites: list[str], limit: int | None) -> list[tasks.Benchmark]:
    """Load the tasks again with their templates left as they are."""
    original = tasks.compile_templates
    tasks.compile_templates = lambda task: None
    try:
        return tasks.load_benchmarks(suites, Path(), limit=limit)
    finally:
        tasks.compile_templates = original


def _timed(action: Callable[[], Answers]) -> tuple[float, Answers]:
    with contextlib.redirect_stderr(io.StringIO()):
        begin = time.process_time()
        found = action()
        return time.process_time() - begin, found


def _difference(found: Answers, expected: Answers) -> float:
    ours, theirs = (
        np.array([value for row in one.frame["log_likelihoods"].to_list() for value in row or ()])
        for one in (found, expected)
    )
    return float(np.abs(ours - theirs).max()) if len(ours) else 0.0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="Scoring speed against lm-eval")
    parser.add_argument("--model", type=Path, default=BASE)
    parser.add_argument("--suite", default="general")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = compare(given.model, given.suite.split(","), given.limit)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    print("task            items  seconds  × HFLM  × lm-eval  difference  same outputs")
    for row in rows:
        print(
            f"{row['task']:<14}{row['items']:>7}{row['seconds']:>9.2f}{row['hflm']:>8.1f}"
            f"{row['lm_eval']:>11.1f}{row['largest_difference']:>12.0e}  {row['equal_outputs']}"
        )
    ours = sum(row["seconds"] for row in rows)
    for name in ("hflm", "lm_eval"):
        theirs = sum(row["seconds"] * row[name] for row in rows)
        print(f"all tasks: {theirs / ours:.2f} times {name}")


if __name__ == "__main__":
    main()
