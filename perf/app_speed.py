"""How quickly the app opens and answers keys on very many rows, and what memory it takes.

    python perf/app_speed.py DIR [--rows 1000000]

Makes chat rows as JSONL and Parquet in DIR, audits the JSONL once, and then drives the real app in
a pseudo-terminal as a person would: every key is written to the terminal, and its answer is the
next thing that the app draws. Other programs on the machine lengthen the times by the clock; so
beside them stands the processor time that the app's main thread took until then (the first number
of Linux's ``/proc/PID/schedstat``): it alone answers keys, so on an idle machine the answer comes
after about that.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psutil
from chat_corpus import chat_rows

WIDTH, HEIGHT = 120, 36
_QUIET = 0.15
_TO_GET_GOING = 8.0
_DATASETS = Path(__file__).resolve().parents[1] / "datasets"
_SAMPLE, _BASE = _DATASETS / "sample.jsonl", _DATASETS / "base"
_LONGEST = 120.0
_LONGEST_ANSWER = 5.0
READING = ("j", "j", "j", "k", "\x04", "j", "\x15", "G", "k", "k", "g", "j") * 4
FINDINGS = ("j", "j", "k", "j", "j", "j", "k", "k") * 4
PLACES = ("1", "2", "3", "4", "5", "6", "7") * 4


class Terminal:
    """The app in a pseudo-terminal.

    Args:
        arguments: of ``tunewise``.
        folder: where its own state is kept, apart from the person's.
    """

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        """Start the app."""
        self._screen, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(folder)}
        self.began = time.perf_counter()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tunewise.cli", *arguments],
            stdin=inner, stdout=inner, stderr=inner, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        self.process = psutil.Process(self.child.pid)
        self.most_memory = 0
        self.seen = b""

    def wait_for(self, sign: str) -> tuple[float, float]:
        """Return the seconds until a text was drawn, by the clock and of the main thread."""
        while sign.encode() not in self.seen:
            if time.perf_counter() - self.began > _LONGEST:
                raise TimeoutError(f"never saw {sign!r} in {self.seen[-2000:]!r}")
            self._read(1.0)
        wall = time.perf_counter() - self.began
        return wall, self._ran()

    def press(self, key: str) -> tuple[float, float]:
        """Return the seconds until a key was answered, by the clock and of the main thread."""
        self.settle()
        before, begin = self._ran(), time.perf_counter()
        os.write(self._screen, key.encode())
        while time.perf_counter() - begin < _LONGEST_ANSWER:
            if self._read(0.05):
                wall = time.perf_counter() - begin
                return wall, self._ran() - before
        return float("nan"), float("nan")

    def settle(self) -> None:
        """Wait until nothing more is drawn."""
        while self._read(_QUIET):
            pass

    def close(self) -> None:
        """Quit the app."""
        os.write(self._screen, b"q")
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
        os.close(self._screen)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._screen], [], [], seconds)
        if not ready:
            return False
        try:
            self.seen = (self.seen + os.read(self._screen, 65536))[-200_000:]
        except OSError as error:
            raise RuntimeError(f"the app ended: {self.seen[-2000:]!r}") from error
        self.most_memory = max(self.most_memory, self.process.memory_info().rss)
        return True

    def _ran(self) -> float:
        """Return the processor time of the main thread so far."""
        told = Path(f"/proc/{self.child.pid}/schedstat").read_text("ascii")
        return int(told.split()[0]) / 1e9


@dataclass(frozen=True, slots=True)
class Keys:
    """What keys cost: milliseconds at the median and the 95th percentile."""

    what: str
    keys: int
    wall: tuple[float, float]
    main_thread: tuple[float, float]


def measure_keys(terminal: Terminal, what: str, keys: Sequence[str]) -> Keys:
    """Press keys one after another, each once the answer to the last one has been drawn."""
    found = [terminal.press(key) for key in keys]
    walls = [1000 * wall for wall, _ in found if wall == wall]
    alone = [1000 * seconds for _, seconds in found if seconds == seconds]
    return Keys(what, len(walls), _percentiles(walls), _percentiles(alone))


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def prepare(folder: Path, rows: int) -> tuple[Path, Path, Path]:
    """Make the rows in both formats, and a workspace with their audit; returns all three."""
    lines, columns, workspace = folder / "rows.jsonl", folder / "rows.parquet", folder / "audited"
    if not lines.is_file():
        with lines.open("wb") as stream:
            stream.writelines(chat_rows(rows))
    if not columns.is_file():
        pl.scan_ndjson(lines).sink_parquet(columns)
    if not (workspace / ".tunewise" / "audit").is_dir():
        workspace.mkdir(exist_ok=True)
        _tunewise("audit", str(lines), "--workspace", str(workspace), "--quiet")
    return lines, columns, workspace


def _tunewise(*arguments: str) -> None:
    command = [sys.executable, "-m", "tunewise.cli", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def opening(arguments: Sequence[str], sign: str, state: Path) -> dict[str, float]:
    """Open the app and return how long it took until a text was drawn, and its memory."""
    terminal = Terminal(arguments, state)
    wall, alone = terminal.wait_for(sign)
    terminal.settle()
    terminal.close()
    return {"wall": wall, "main_thread": alone, "megabytes": terminal.most_memory / 1e6}


def main() -> None:
    """Measure everything, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lines, columns, workspace = prepare(folder, arguments.rows)
    state = folder / "state"
    figures: dict[str, object] = {"rows": arguments.rows}
    opened = {}
    for name, words, sign in (
        ("audited, Data", ["open", "data", "--workspace", str(workspace)], "Clean "),
        ("audited, Records", ["open", "records", "--workspace", str(workspace)], "records"),
        ("JSONL, never read", ["open", "data", str(lines), "--workspace", str(folder / "empty")],
         "of shape"),
        ("Parquet, never read",
         ["open", "data", str(columns), "--workspace", str(folder / "empty")], "of shape"),
    ):  # fmt: skip
        opened[name] = opening(words, sign, state)
        told = opened[name]
        print(f"open {name:22} {told['wall']:5.2f} s, main thread {told['main_thread']:.2f} s, "
              f"{told['megabytes']:.0f} MB")  # fmt: skip
    figures["open"] = opened
    beside = folder / "beside"
    beside.mkdir(exist_ok=True)
    _tunewise("split", str(_SAMPLE), "--workspace", str(beside), "--quiet")
    training = ["train", "latest", "--model", str(_BASE), "--epochs", "100"]
    figures["keys"] = [
        one
        for what, job in (
            ("", ()),
            (" beside an audit", ("audit", str(lines))),
            (" beside a training", training),
        )
        for one in keys_of(
            workspace, state, what, [*job, "--workspace", str(beside)] if job else ()
        )
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def keys_of(
    workspace: Path, state: Path, beside: str, words: Sequence[str]
) -> list[dict[str, object]]:
    """Measure keys in the places; with a command beside them where there is one."""
    job = None
    if words:
        command = [sys.executable, "-m", "tunewise.cli", *words, "--force", "--quiet"]
        job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(_TO_GET_GOING)
    terminal = Terminal(["open", "records", "--workspace", str(workspace)], state)
    found = []
    try:
        terminal.wait_for("records")
        found.append(measure_keys(terminal, f"Records{beside}", READING))
        terminal.press("2")
        found.append(measure_keys(terminal, f"Findings{beside}", FINDINGS))
        found.append(measure_keys(terminal, f"places{beside}", PLACES))
        terminal.press("3")
        terminal.press("o")
        terminal.wait_for("longest first")
        found.append(measure_keys(terminal, f"Records, sorted{beside}", READING))
    finally:
        terminal.close()
        if job is not None:
            if job.poll() is not None:
                raise RuntimeError(f"{words[0]} ended before the keys were measured")
            job.terminate()
            job.wait()
    memory = terminal.most_memory / 1e6
    for one in found:
        wall, alone = one.wall, one.main_thread
        print(f"keys {one.what:34} {one.keys:3}: p50 {wall[0]:5.1f} p95 {wall[1]:6.1f} ms, main "
              f"thread p50 {alone[0]:5.1f} p95 {alone[1]:5.1f} ms, {memory:.0f} MB")  # fmt: skip
    return [
        {"what": one.what, "keys": one.keys, "wall_ms": one.wall,
         "main_thread_ms": one.main_thread, "megabytes": memory}
        for one in found
    ]  # fmt: skip


if __name__ == "__main__":
    main()
