"""Measure every check on several datasets: ``python docs/make_selftest.py``.

Runs ``tunewise selftest … --json`` on the bundled sample and on the public data beside the
repository (``../shared/data``, or where ``TUNEWISE_SHARED_DATA`` says), and writes the tables of
``docs/selftest.md`` between their marks. What is absent is left out and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise.curate.measures.shares import Share

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).resolve().parent / "selftest.md"
_MARKS = re.compile(r"(<!-- measured: start -->\n).*(<!-- measured: end -->)", re.DOTALL)
_SAMPLE = "the sample's clean rows"
_INSTRUCTIONS = "instructions"
_OPTIONS = ("--tokenizer", str(ROOT / "datasets" / "base"), "--benchmarks", "general")
_SHOWN = 3
# Name of the dataset, its file below the folder of instructions, and how many rows are used.
DATASETS = (
    ("alpaca", "alpaca_17k.json", 5000),
    ("alpaca demo", "sharegpt_and_others/alpaca_en_demo.json", 2000),
    ("dolly", "dolly_3k.json", 2500),
    ("sft", "sft_1100.json", 2000),
    ("preference", "preference_1100.json", 2000),
    ("tool calls", "sharegpt_and_others/glaive_toolcall_en_demo.json", 2000),
    ("dpo", "sharegpt_and_others/dpo_en_demo.json", 2000),
    ("kto", "sharegpt_and_others/kto_en_demo.json", 2000),
    ("blocks", "sharegpt_and_others/v1_sft_demo.jsonl", 2000),
    ("blocks, dpo", "sharegpt_and_others/v1_dpo_demo.jsonl", 2000),
    ("identity", "sharegpt_and_others/identity.json", 2000),
    ("banking77", "banking77/train.csv", 8000),
    ("gsm8k", "gsm8k/train.jsonl", 3000),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A dataset and the document of its self-test."""

    name: str
    document: Mapping[str, Any]

    @property
    def checks(self) -> dict[str, Mapping[str, Any]]:
        """What was measured, by check."""
        return {item["check"]: item for item in self.document["checks"]}


def clean_rows_of_sample(target: Path) -> Path:
    """Write the rows of the bundled sample in which nothing was planted when it was made."""
    folder = ROOT / "datasets"
    truth = [json.loads(line) for line in (folder / "sample_truth.jsonl").open(encoding="utf-8")]
    planted = {item["row"] for item in truth}
    lines = (folder / "sample.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(line for row, line in enumerate(lines) if row not in planted))
    return target


def measure(name: str, path: Path, rows: int, per_check: int, workspace: Path) -> Measured:
    """Run the command on one dataset."""
    command = [
        sys.executable, "-m", "tunewise.cli", "selftest", str(path), "--json", "--quiet",
        "--workspace", str(workspace), "--rows", str(rows), "--per-check", str(per_check),
        *_OPTIONS,
    ]  # fmt: skip
    print(f"{name}: {path}", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=workspace)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return Measured(name, json.loads(done.stdout))


def tables(measured: Sequence[Measured], per_check: int) -> str:
    """Return everything between the marks."""
    parts = [
        _datasets(measured, per_check),
        "### All datasets together",
        _together(measured),
        "### Each dataset: recall / precision",
        _matrix(measured),
        "### What was missed, and what was taken for a defect",
        "Kinds of which some were missed or, as look-alikes, reported; over all datasets.",
        _kinds(measured),
        _others(measured),
    ]
    return "\n\n".join(parts) + "\n"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _table(head: Sequence[str], align: str, rows: Iterable[Sequence[object]]) -> str:
    marks = {"l": "---", "r": "--:"}
    return "\n".join([_row(head), "|" + "|".join(marks[a] for a in align) + "|", *map(_row, rows)])


def _datasets(measured: Sequence[Measured], per_check: int) -> str:
    rows = [
        (item.name, item.document["dataset"]["shape"], f"{item.document['dataset']['rows']:,}",
         f"{item.document['dataset']['used']:,}", item.document["rounds"], item.document["trials"])
        for item in measured
    ]  # fmt: skip
    head = ("dataset", "shape", "rows", "used", "rounds", "whole datasets")
    return (
        f"Measured with `python docs/make_selftest.py`: {per_check} defects and look-alikes "
        f"for each check and dataset.\n\n{_table(head, 'llrrrr', rows)}"
    )


def _names(measured: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(name for item in measured for name in item.checks))


def _together(measured: Sequence[Measured]) -> str:
    rows = []
    for name in _names(measured):
        found = [item.checks[name] for item in measured if name in item.checks]
        planted = sum(item["planted"] for item in found)
        if not planted:
            continue
        hits, false = (sum(item[key] for item in found) for key in ("found", "false"))
        alike, reported = (sum(item[key] for item in found) for key in ("alike", "alike_reported"))
        recall = Share(hits, planted)
        precision = Share(hits, hits + false) if hits + false else None
        wanted = found[0]["target"]
        reached = recall.value >= wanted and precision is not None and precision.value >= wanted
        rows.append(
            (f"`{name}`", planted, hits, _shown(recall), false, f"{reported} of {alike}",
             _shown(precision), f"{wanted:.2f}", "" if reached else "below")
        )  # fmt: skip
    head = (
        "check",
        "planted",
        "found",
        "recall",
        "false",
        "look-alikes",
        "precision",
        "target",
        "",
    )
    return _table(head, "lrrrrrrrl", rows)


def _shown(share: Share | None) -> str:
    if share is None:
        return "–"
    low, high = share.interval
    return f"{share.value:.3f} [{low:.2f}–{min(high, 1):.2f}]"


def _matrix(measured: Sequence[Measured]) -> str:
    def cell(item: Measured, name: str) -> str:
        check = item.checks.get(name)
        if check is None or check["status"] != "tested":
            return ""
        values = (check["recall"], check["precision"])
        return " / ".join("–" if value is None else f"{value['value']:.2f}" for value in values)

    names = [name for name in _names(measured) if any(cell(item, name) for item in measured)]
    rows = [(f"`{name}`", *(cell(item, name) for item in measured)) for name in names]
    return _table(("check", *(item.name for item in measured)), "l" * (1 + len(measured)), rows)


def _kinds(measured: Sequence[Measured]) -> str:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    titles: dict[str, str] = {}
    is_defect: dict[tuple[str, str], bool] = {}
    for item in measured:
        for name, check in item.checks.items():
            for kind in check["kinds"]:
                key = (name, kind["kind"])
                titles[kind["kind"]] = kind["title"]
                is_defect[key] = "planted" in kind
                total, part = ("planted", "found") if is_defect[key] else ("alike", "reported")
                counts[key][0] += kind[total]
                counts[key][1] += kind[part]
    rows = [
        (f"`{name}`", titles[kind], f"{part} of {total} {'found' if defect else 'reported'}",
         _examples(measured, name, kind, "misses" if defect else "false_alarms"))
        for (name, kind), (total, part) in counts.items()
        if ((defect := is_defect[name, kind]) and part < total) or (not defect and part)
    ]  # fmt: skip
    return _table(("check", "kind", "", "examples"), "llrl", rows)


def _examples(measured: Sequence[Measured], check: str, kind: str, key: str) -> str:
    texts = (
        example["text"]
        for item in measured
        if check in item.checks
        for example in item.checks[check][key]
        if example["kind"] == kind
    )
    return ", ".join(_code(text) for text in list(dict.fromkeys(texts))[:_SHOWN])


def _code(text: str) -> str:
    short = text if len(text) <= 70 else text[:70] + "…"
    return f"`` {short.replace('`', 'ˋ')} ``"


def _others(measured: Sequence[Measured]) -> str:
    """Tell which checks no dataset tested, and why."""

    def reasons(name: str) -> Iterator[str]:
        for item in measured:
            check = item.checks.get(name)
            if check is not None:
                yield (
                    f"{check['status']}: {check['reason']}" if check["reason"] else check["status"]
                )

    untested = [
        name
        for name in _names(measured)
        if not any(item.checks.get(name, {}).get("planted") for item in measured)
    ]
    if not untested:
        return "Every check was tested on some dataset."
    lines = [f"* `{name}`: {'; '.join(dict.fromkeys(reasons(name)))}" for name in untested]
    return "\n".join(["Not tested on any of these datasets:", "", *lines])


def main() -> None:
    """Measure, and write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-check", type=int, default=40)
    parser.add_argument("--only", nargs="*", help="names of datasets", default=None)
    parser.add_argument("--keep", type=Path, help="workspace to keep the self-tests in")
    arguments = parser.parse_args()
    data = Path(os.environ.get("TUNEWISE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    with tempfile.TemporaryDirectory() as temporary:
        workspace = arguments.keep or Path(temporary)
        workspace.mkdir(parents=True, exist_ok=True)
        wanted = [(_SAMPLE, clean_rows_of_sample(workspace / "sample_clean.jsonl"), 2000)]
        wanted += [(name, data / _INSTRUCTIONS / file, rows) for name, file, rows in DATASETS]
        if arguments.only is not None:
            wanted = [item for item in wanted if item[0] in arguments.only]
        absent = [name for name, path, _ in wanted if not path.is_file()]
        measured = [
            measure(name, path, rows, arguments.per_check, workspace)
            for name, path, rows in wanted
            if path.is_file()
        ]
    said = tables(measured, arguments.per_check)
    if absent:
        said += f"\nAbsent, and so left out: {', '.join(absent)}.\n"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKS.sub(lambda marks: marks[1] + said + marks[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
