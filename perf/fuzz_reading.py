"""Does reading survive any file? Valid files of every format, damaged in every way, are read.

    python perf/fuzz_reading.py 100000                  # as many inputs; a folder for what breaks
    python perf/fuzz_reading.py 1000 --first 7000 --only arrow --save found

Each input comes from its number alone, so that one that broke can be made again. A file must come
out as a dataset in which every row is a record or set aside, or be refused with an error that a
person can act on; anything else is a crash, and so is a death of the process or a minute without
an answer. What broke is saved, with its traceback.
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import json
import lzma
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import zstandard

from tunewise.curate.export import source_rows
from tunewise.curate.reading.read import read_dataset
from tunewise.workspace.errors import TunewiseError

SECONDS_FOR_AN_INPUT = 60
TOKENS = [
    b"", b"\0", b"\n", b"\r\n", b"\r", b'"', b"'", b"\\", b"\\\\\"", b"[", b"]", b"{", b"}", b",",
    b":", b"\t", b";", b"|", b" " * 70, b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3",
    b"\x85", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"NaN", b"-Infinity", b"1e999", b"null", b"true",
    b"[]", b"{}", b"9" * 400, b"-0.0", b"\\ud800", b"\\u0000", b'"text"', b'"messages"',
    b'"role": 5', b"[" * 300, b'{"a":' * 300, b"PAR1", b"ARROW1", b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80",
    b"\1\0\0\0\0\0\0\0",
]  # fmt: skip


def chats(count: int) -> list[dict[str, Any]]:
    """Make conversations with everything in them that a row may have."""
    return [
        {
            "id": number,
            "messages": [
                {"role": "user", "content": f"Question {number}: 'ä', \"ö\"\n— 😀?"},
                {"role": "assistant", "content": f"Answer {number}", "weight": number % 2},
            ],
            "tags": [None, number / 3],
            "more": {"deep": [[number], []], "flag": number > 3, "day": None},
        }
        for number in range(count)
    ]


def pairs(count: int) -> list[dict[str, str]]:
    """Make rows of two texts."""
    return [
        {"text": f"Text {n}, ä; 'b' \"c\"\n{'x' * n}", "label": "ab"[n % 2]} for n in range(count)
    ]


def seeds() -> dict[str, bytes]:
    """Make valid files of every format, compression and encoding, by name."""
    table, flat = pa.Table.from_pylist(chats(12)), pa.Table.from_pylist(pairs(12))
    lines = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in chats(8))
    ascii_lines = b"".join(json.dumps(row).encode() + b"\n" for row in pairs(8))
    rows = [("text", "label"), *((f'"say ""{n}"", ä;\nb"', "x") for n in range(8))]
    table_text = {mark: "".join(mark.join(row) + "\n" for row in rows) for mark in ",;\t"}
    texts = {
        "chat.jsonl": lines,
        "pairs.jsonl": ascii_lines,
        "crlf.jsonl": ascii_lines.replace(b"\n", b"\r\n"),
        "list.json": json.dumps(chats(4), ensure_ascii=False).encode(),
        "indented.json": json.dumps(chats(4), indent=2).encode(),
        "objects.json": "\n".join(json.dumps(row, indent=1) for row in chats(3)).encode(),
        "comma.csv": table_text[","].encode(),
        "semicolon.csv": table_text[";"].encode(),
        "tab.tsv": table_text["\t"].encode(),
        "latin.csv": table_text[","].encode("cp1252") * 4,
        "wide.csv": table_text[","].encode("utf-16-le"),
        "marked.jsonl": lines.decode().encode("utf-16"),
        "nameless": lines,
    }
    packed = {
        "chat.jsonl.gz": gzip.compress(lines, mtime=0),
        "comma.csv.zst": zstandard.compress(texts["comma.csv"]),
        "list.json.xz": lzma.compress(texts["list.json"]),
        "pairs.jsonl.gz": gzip.compress(ascii_lines, 0, mtime=0),
    }
    binary = {
        "chat.parquet": _written(lambda path: pq.write_table(table, path, row_group_size=5)),
        "flat.parquet": _written(
            lambda path: pq.write_table(flat, path, compression="zstd", use_dictionary=False)
        ),
        "plain.parquet": _written(
            lambda path: pq.write_table(flat, path, compression="none", write_statistics=False)
        ),
        "chat.arrow": _written(lambda path: _write_ipc(table, path, pa.ipc.new_file)),
        "stream.arrow": _written(lambda path: _write_ipc(table, path, pa.ipc.new_stream)),
        "flat.arrow": _written(lambda path: _write_ipc(flat, path, pa.ipc.new_stream)),
        "flat.feather": _written(
            lambda path: pyarrow.feather.write_feather(flat, path, compression="lz4")
        ),
    }
    return texts | packed | binary


def _written(write: Callable[[str], None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed"
        write(str(path))
        return path.read_bytes()


def _write_ipc(table: pa.Table, path: str, new: Callable[..., Any]) -> None:
    with pa.OSFile(path, "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


def damaged(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change a file in one to six ways.

    Args:
        content: the file.
        other: another one, for parts of it.
        chance: decides how.
    """
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        place = chance.randrange(len(made) + 1)
        end = min(len(made), place + chance.choice((1, 2, 4, 8, 40, 400)))
        kind = chance.randrange(8)
        if kind == 0:
            for spot in range(place, min(len(made), place + chance.choice((1, 1, 3)))):
                made[spot] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del made[place:]
        elif kind == 2:
            made[place:place] = chance.randbytes(chance.choice((1, 2, 5, 50)))
        elif kind == 3:
            made[place:place] = chance.choice(TOKENS)
        elif kind == 4:
            token = chance.choice(TOKENS)
            made[place : place + len(token)] = token
        elif kind == 5:
            del made[place:end]
        elif kind == 6:
            made[place:place] = made[place:end] * chance.choice((1, 1, 2, 50))
        else:
            made[place:] = other[chance.randrange(len(other) + 1) :]
    return bytes(made)


def input_of(number: int, valid: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the name and content of an input."""
    chance = random.Random(number)
    names = sorted(valid)
    name = chance.choice(names)
    content, other = valid[name], valid[chance.choice(names)]
    if name.endswith(".gz") and chance.random() < 0.5:
        return name, gzip.compress(damaged(gzip.decompress(content), other, chance), mtime=0)
    # Now and then under a name that promises something else.
    shown = chance.choice(names) if chance.random() < 0.1 else name
    return shown, damaged(content, other, chance)


def outcome(path: Path) -> str:
    """Read a file; return ``read`` or the kind of the refusal.

    Raises:
        Exception: whatever should never come out, such as rows that are lost.
    """
    try:
        dataset = read_dataset(path)
    except TunewiseError as error:
        return type(error).__name__
    numbers = sorted([*dataset.records["row"], *dataset.set_aside["row"]])
    assert numbers == list(range(dataset.rows)), "rows are missing or counted twice"
    assert dataset.set_aside["reason"].str.len_chars().min() != 0, "a row without a reason"
    written = list(source_rows(dataset.records, dataset.detection))
    assert len(written) == len(dataset.records), "records that are not written again"
    return "read"


def work(first: int, last: int, only: str, folder: str, found: str) -> None:
    """Read the inputs from one number to another; note what comes of each."""
    faulthandler.enable()
    signal.signal(signal.SIGALRM, _too_slow)
    valid = {name: content for name, content in seeds().items() if only in name}
    outcomes: Counter[str] = Counter()
    log = Path(folder) / "log.json"
    for number in range(first, last):
        name, content = input_of(number, valid)
        path = Path(folder) / f"{number}-{name}"
        path.write_bytes(content)
        signal.alarm(SECONDS_FOR_AN_INPUT)
        try:
            outcomes[outcome(path)] += 1
        except Exception:
            outcomes["crash"] += 1
            shutil.copy(path, found)
            (Path(found) / f"{path.name}.txt").write_text(traceback.format_exc())
        signal.alarm(0)
        path.unlink()
        if number % 500 == 499 or number == last - 1:
            log.write_text(json.dumps({"next": number + 1, "outcomes": outcomes}))


def _too_slow(number: int, frame: object) -> None:
    raise TimeoutError(f"no answer after {SECONDS_FOR_AN_INPUT} seconds")


def run_range(first: int, last: int, only: str, found: Path) -> Counter[str]:
    """Let a process of its own read inputs; one that dies is a crash, and another goes on."""
    total: Counter[str] = Counter()
    while first < last:
        with tempfile.TemporaryDirectory() as folder:
            process = multiprocessing.get_context("spawn").Process(
                target=work, args=(first, last, only, folder, str(found))
            )
            process.start()
            process.join()
            log = Path(folder) / "log.json"
            noted = json.loads(log.read_text()) if log.exists() else {"next": first, "outcomes": {}}
            total.update(noted["outcomes"])
            if process.exitcode == 0:
                return total
            culprits = [path for path in Path(folder).iterdir() if path.name != "log.json"]
            if not culprits:
                raise RuntimeError(f"the process ended with {process.exitcode} before any input")
            shutil.copy(culprits[0], found)
            (found / f"{culprits[0].name}.txt").write_text(f"exit code {process.exitcode}\n")
            total["crash"] += 1
            # Inputs since the last note are not in the count; all but the culprit were harmless.
            died_at = int(culprits[0].name.split("-")[0])
            total["not noted"] += died_at - noted["next"]
            first = died_at + 1
    return total


def main() -> int:
    """Read as many inputs as asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("inputs", type=int)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", default="", help="files whose names hold this, such as parquet")
    parser.add_argument("--save", type=Path, default=Path("fuzz-found"), help="for what breaks")
    arguments = parser.parse_args()
    arguments.save.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    last = arguments.first + arguments.inputs
    total = run_range(arguments.first, last, arguments.only, arguments.save)
    seconds = time.monotonic() - begin
    print(f"{total.total():,} inputs in {seconds:,.0f} s: {dict(total.most_common())}")
    print(f"crashes: {total['crash']:,}" + (f", see {arguments.save}" if total["crash"] else ""))
    return 1 if total["crash"] else 0


if __name__ == "__main__":
    sys.exit(main())
