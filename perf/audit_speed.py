"""How fast the audit is, and how fast Data-Juicer's analyzer is on the same rows.

    python perf/audit_speed.py --rows 1000000                       # the default audit, profiled
    python perf/audit_speed.py --rows 50000 --data-juicer BIN       # beside it, Data-Juicer

``BIN`` is the ``bin`` folder of an environment with ``py-data-juicer``. Its analyzer runs filters
that need no download, on the same texts, with as many processes: numbers of characters and words,
repetition of characters and of words, special characters, lengths of lines. Beside the default
audit stands one with the checks that measure the same. Times are wall-clock and processor seconds
of all processes, memory is the largest sum over the tree of processes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from chat_corpus import chat_rows

RESULTS = Path(__file__).parent / "results" / "audit_speed.json"
COMPARABLE = (
    "text/length",
    "text/repetition",
    "text/compression",
    "text/control-characters",
    "balance/length",
)
_FILTERS = """
  - text_length_filter:
  - words_num_filter:
  - character_repetition_filter:
  - word_repetition_filter:
  - special_characters_filter:
  - average_line_length_filter:
  - maximum_line_length_filter:
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took.

    Attributes:
        name: which one.
        wall: seconds by the clock.
        processor: seconds of all its processes.
        memory: megabytes, the largest sum of resident sets.
    """

    name: str
    wall: float
    processor: float
    memory: float


def measure(name: str, command: list[str], **options: Any) -> tuple[Run, str]:
    """Run a command to its end; returns what it took and its standard output."""
    before = os.times()
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, **options
        )
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
        watcher.start()
        output, _ = process.communicate()
        watcher.join()
        wall = time.perf_counter() - begin
        after = os.times()
        if process.returncode:
            errors.seek(0)
            sys.exit(
                f"{' '.join(command)} ended with {process.returncode}:\n{errors.read()[-3000:]}"
            )
    spent = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return Run(name, wall, spent, peak[0] / 2**20), output


def _watch(pid: int, peak: list[int]) -> None:
    """Note the largest memory of a process and its children, shared pages counted once each."""
    while psutil.pid_exists(pid):
        total = 0
        try:
            root = psutil.Process(pid)
            if root.status() == psutil.STATUS_ZOMBIE:
                return
            for process in (root, *root.children(recursive=True)):
                memory = process.memory_info()
                total += memory.rss - getattr(memory, "shared", 0)
        except psutil.Error:
            pass
        peak[0] = max(peak[0], total)
        time.sleep(0.2)


def audit(source: Path, folder: Path, *options: str) -> tuple[Run, dict[str, Any]]:
    """Audit a file by the command line."""
    command = [sys.executable, "-m", "tunewise.cli", "audit", str(source), "--json", "--force"]
    name = " ".join(["tunewise audit", *options])
    run, output = measure(name, [*command, "--workspace", str(folder), *options])
    return run, json.loads(output)


def data_juicer(binaries: Path, source: Path, folder: Path, processes: int) -> Run:
    """Analyse the same texts with Data-Juicer."""
    texts = folder / "texts.jsonl"
    with source.open() as rows, texts.open("w") as stream:
        for row in rows:
            said = "\n".join(message["content"] for message in json.loads(row)["messages"])
            stream.write(json.dumps({"text": said}) + "\n")
    recipe = folder / "analyze.yaml"
    recipe.write_text(
        f"project_name: speed\ndataset_path: {texts}\nexport_path: {folder / 'out.jsonl'}\n"
        f"np: {processes}\nsave_stats_in_one_file: true\nprocess:{_FILTERS}"
    )
    command = [str(binaries / "dj-analyze"), "--config", str(recipe)]
    home = {**os.environ, "HOME": str(folder), "HF_HOME": str(folder / "hf")}
    return measure("Data-Juicer analyzer, 7 filters", command, cwd=folder, env=home)[0]


def main() -> None:
    """Measure and print; ``--write`` keeps the figures beside this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data-juicer", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    processes = f"--processes={given.processes}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "rows.jsonl"
        with source.open("wb") as stream:
            stream.writelines(chat_rows(given.rows))
        megabytes = source.stat().st_size / 2**20
        whole, document = audit(source, folder, processes)
        runs = [whole]
        if given.data_juicer:
            runs.append(audit(source, folder, processes, "--checks", ",".join(COMPARABLE))[0])
            runs.append(data_juicer(given.data_juicer, source, folder, given.processes))
    print(f"{given.rows:,} chat rows, {megabytes:,.0f} MB, {given.processes} processes")
    for run in runs:
        print(
            f"{run.name[:60]:60} {run.wall:7.1f} s  {run.processor:7.1f} s of processor  "
            f"{given.rows / run.wall:9,.0f} rows/s  {megabytes / run.wall:6.1f} MB/s  "
            f"{run.memory:7,.0f} MB"
        )
    checks = sorted(document["checks"], key=lambda check: -check["seconds"])
    for check in checks[:20]:
        print(f"  {check['check']:32} {check['seconds']:8.1f} s  {check['findings']:9,} findings")
    if given.write:
        figures = {
            "rows": given.rows,
            "megabytes": megabytes,
            "processes": given.processes,
            "runs": [asdict(run) for run in runs],
            "checks": {check["check"]: check["seconds"] for check in checks},
        }
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**known, str(given.rows): figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
