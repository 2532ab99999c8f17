"""How fast and how even is the assignment of components, beside StratifiedGroupKFold?

    python perf/split_speed.py                        # everything, some minutes
    python perf/split_speed.py --sklearn-rows 30000   # the other tool on fewer rows only

Three quarters of the rows stand alone; the others lie in groups whose sizes have a heavy tail, up
to a fifteenth of all rows. Each row has one of three or of twelve classes; nine of ten rows of a
group have the group's own, so that a large group can hold most rows of a rare class. Both tools
keep groups whole and classes in balance:

* **parts**: train, val and test of 70, 15 and 15 %. StratifiedGroupKFold makes folds of equal size;
  14, 3 and 3 of twenty folds are put together, which is how one gets these shares from it;
* **folds**: five folds.

*Drift* is the largest distance, in points, of a class's share in a part from its share in all
rows, *off* that of a part's share of the rows from the wanted one. ``least_drift`` is a bound that
no tool can pass while parts have their size: by the largest group, which must lie in one of them.
Times are processor seconds, each run in a process of its own; the compiled loop is loaded before
the clock starts, as scikit-learn is. Where scikit-learn is run on fewer rows than asked for, the
result says so: nothing is extrapolated.

Then a million rows are divided into train, val and test with one column and with three, and a
whole split is made of a file: reading, tying together, writing and certificate.

The results are written to ``perf/results/split_speed.json``.
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
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "split_speed.json"
ROWS = (10_000, 30_000, 100_000)
CLASSES = (3, 12)
SHARES = {"parts": (0.70, 0.15, 0.15), "folds": (0.2,) * 5}
JOINED = {"parts": (14, 3, 3), "folds": (1,) * 5}
"""How many folds of StratifiedGroupKFold make each part."""
WHOLE_ROWS = 200_000


def heavy_tailed_rows(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the group and the class of each row."""
    chance = np.random.default_rng(seed)
    sizes = [np.ones(int(rows * 0.73), dtype=np.int64)]
    while (held := sum(some.sum() for some in sizes)) < rows:
        tail = np.minimum(chance.pareto(0.8, 100) * 2 + 2, rows // 15).astype(np.int64)
        sizes.append(tail[: 1 + int(np.searchsorted(np.cumsum(tail), rows - held))])
    each = np.concatenate(sizes)
    groups = np.repeat(np.arange(len(each)), each)[:rows]
    weights = 1 / np.arange(1, classes + 1) ** 2
    of_group = chance.choice(classes, len(each), p=weights / weights.sum())[groups]
    own = chance.choice(classes, rows, p=weights / weights.sum())
    found = np.where(chance.random(rows) < 0.9, of_group, own)
    order = chance.permutation(rows)
    return groups[order], found[order]


def unevenness(parts: np.ndarray, classes: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Return how far shares of classes and of parts are off, in points."""
    whole = np.bincount(classes) / len(classes)
    drift = max(
        float(np.abs(np.bincount(classes[parts == part], minlength=len(whole))
                     / max(1, (parts == part).sum()) - whole).max())
        for part in range(len(shares))
    )  # fmt: skip
    reached = np.bincount(parts, minlength=len(shares)) / len(parts)
    return {"drift": 100 * drift, "off": 100 * float(np.abs(reached - shares).max())}


def least_drift(groups: np.ndarray, classes: np.ndarray, shares: np.ndarray) -> float:
    """Return a drift in points that groups enforce, each by itself, if parts have their size.

    A group's rows of a class are in one part; there the class has at least their share.
    """
    whole = np.bincount(classes) / len(classes)
    counts = np.zeros((groups.max() + 1, len(whole)), dtype=np.int64)
    np.add.at(counts, (groups, classes), 1)
    bound = 0.0
    for group in np.flatnonzero(counts.sum(axis=1) > 1):
        sizes = shares * len(groups)
        best = min(float((counts[group] / size - whole).max()) for size in sizes)
        bound = max(bound, best)
    return 100 * bound


def by_tunewise(groups: np.ndarray, classes: np.ndarray, way: str) -> tuple[np.ndarray, float]:
    """Return the part of each row, and the processor seconds."""
    from tunewise.curate.splitting.assign import assign_parts

    keys = np.random.default_rng(1).integers(0, 2**63, len(groups)).astype(np.uint64)
    few = np.arange(10)
    assign_parts(few, few % 2, keys[:10], SHARES[way])
    begin = time.process_time()
    parts = assign_parts(groups, classes, keys, SHARES[way])
    return parts, time.process_time() - begin


def by_sklearn(groups: np.ndarray, classes: np.ndarray, way: str) -> tuple[np.ndarray, float]:
    """Return the part of each row, and the processor seconds."""
    from sklearn.model_selection import StratifiedGroupKFold

    begin = time.process_time()
    folds = np.empty(len(groups), dtype=np.int64)
    chosen = StratifiedGroupKFold(n_splits=sum(JOINED[way]), shuffle=True, random_state=1)
    for fold, (_, test) in enumerate(chosen.split(classes, classes, groups)):
        folds[test] = fold
    parts = np.repeat(np.arange(len(JOINED[way])), JOINED[way])[folds]
    return parts, time.process_time() - begin


def divided(tool: str, way: str, rows: int, classes: int) -> dict[str, Any]:
    """Divide the same rows with one tool."""
    groups, labels = heavy_tailed_rows(rows, classes)
    by = {"tunewise": by_tunewise, "sklearn": by_sklearn}[tool]
    parts, seconds = by(groups, labels, way)
    pairs = len(np.unique(groups * len(SHARES[way]) + parts))
    shares = np.array(SHARES[way])
    return {
        "tool": tool,
        "groups": len(np.unique(groups)),
        "largest_group": int(np.bincount(groups).max()),
        "divided_groups": pairs - len(np.unique(groups)),
        "seconds": seconds,
        **unevenness(parts, labels, shares),
        "least_drift": least_drift(groups, labels, shares),
    }


def million(columns: int, rows: int = 1_000_000) -> dict[str, Any]:
    """Divide a million rows into three parts, with components given."""
    from tunewise.curate.splitting.assign import assign_parts

    groups, classes = heavy_tailed_rows(rows, CLASSES[0])
    chance = np.random.default_rng(2)
    strata = np.column_stack([classes, chance.integers(0, 5, rows), chance.integers(0, 30, rows)])
    keys = chance.integers(0, 2**63, rows).astype(np.uint64)
    shares = np.array([0.7, 0.15, 0.15])
    begin = time.process_time()
    parts = assign_parts(groups, strata[:, :columns], keys, shares.tolist())
    seconds = time.process_time() - begin
    drifts = [unevenness(parts, strata[:, column], shares) for column in range(columns)]
    worst = {name: max(found[name] for found in drifts) for name in ("drift", "off")}
    return {"rows": rows, "columns": columns, "seconds": seconds, **worst, "peak_mb": _peak_mb()}


def whole_split(rows: int = WHOLE_ROWS) -> dict[str, Any]:
    """Split a file of made-up chats, with reading, search, writing and certificate."""
    from tunewise.curate.reading.read import open_source
    from tunewise.curate.settings import SplitSettings
    from tunewise.curate.splitting.split import split
    from tunewise.workspace.artifact import Workspace
    from tunewise.workspace.files import read_json

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.jsonl"
        _write_chats(path, rows)
        size = path.stat().st_size
        before, begin = _peak_mb(), time.process_time()
        settings = SplitSettings(stratify=("topic", "length"))
        done = split(Workspace(Path(folder)), open_source(path), settings)
        seconds = time.process_time() - begin
        document = read_json(done.folder / "split.json")
    return {
        "rows": rows,
        "bytes": size,
        "seconds": seconds,
        "peak_mb": _peak_mb(),
        "peak_mb_before": before,
        "drift": 100 * document["stratification"]["max_drift"],
        "components": document["components"],
    }


def _write_chats(path: Path, rows: int) -> None:
    chance = np.random.default_rng(3)
    words = np.array([f"word{number}" for number in range(5000)])
    lengths = np.minimum(chance.geometric(1 / 90, rows) + 5, 1500)
    with path.open("w", encoding="utf-8") as stream:
        for row in range(rows):
            said = words[(chance.random(lengths[row]) ** 2 * len(words)).astype(int)]
            asked, answered = " ".join(said[:10]), " ".join(said[10:]) or "yes"
            messages = [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answered},
            ]
            topic = f"topic {int(chance.integers(0, 20))}"
            stream.write(json.dumps({"messages": messages, "topic": topic}) + "\n")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _alone(call: str) -> dict[str, Any]:
    """Run a function of this file in a process of its own."""
    code = f"import json, split_speed as s; print(json.dumps(s.{call}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def compare(way: str, rows: int, classes: int, sklearn_rows: int) -> dict[str, Any]:
    """Divide the same rows with both tools."""
    what = f"'{way}', {rows}, {classes}"
    found: dict[str, Any] = {"way": way, "rows": rows, "classes": classes}
    found["tunewise"] = _alone(f"divided('tunewise', {what})")
    if rows > sklearn_rows:
        return {**found, "sklearn": f"not run on more than {sklearn_rows} rows"}
    found["sklearn"] = _alone(f"divided('sklearn', {what})")
    return {**found, "faster": found["sklearn"]["seconds"] / found["tunewise"]["seconds"]}


def main() -> None:
    """Run all comparisons and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sklearn-rows", type=int, default=ROWS[-1])
    arguments = parser.parse_args()
    compared = []
    for way, rows, classes in product(SHARES, ROWS, CLASSES):
        compared.append(compare(way, rows, classes, arguments.sklearn_rows))
        print(json.dumps(compared[-1]), flush=True)
    results = {
        "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in ("numpy", "numba", "polars", "scikit-learn")},
        "compared": compared,
        "components_given": [_alone(f"million({columns})") for columns in (1, 3)],
        "whole_split": [_alone(f"whole_split({rows})") for rows in (WHOLE_ROWS // 4, WHOLE_ROWS)],
    }
    print(json.dumps({name: results[name] for name in ("components_given", "whole_split")}))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
