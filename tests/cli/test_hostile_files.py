"""Hostile files through the front door: findings or exit 3, every row accounted for."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise

CHAT = {
    "messages": [
        {"role": "user", "content": "What does the brass part cost?"},
        {"role": "assistant", "content": "It costs nine pounds, and the shipping is free."},
    ]
}
GOOD = json.dumps(CHAT).encode() + b"\n"


def audit(path: Path, workspace: Path) -> Result:
    command = ["audit", str(path), "--workspace", str(workspace), "--checks", "schema", "--json"]
    return CliRunner().invoke(tunewise, command)


def broken(*lines: bytes) -> bytes:
    return GOOD * 3 + b"".join(line + b"\n" for line in lines)


READ: dict[str, tuple[bytes, int, int]] = {
    "marked.jsonl": (b"\xef\xbb\xbf" + GOOD * 3, 3, 0),
    "utf16.jsonl": ((GOOD * 3).decode().encode("utf-16"), 3, 0),
    "utf16_without_mark.jsonl": ((GOOD * 3).decode().encode("utf-16-be"), 3, 0),
    "line_ends.jsonl": (GOOD.replace(b"\n", b"\r\n") * 3, 3, 0),
    "invalid_utf8.jsonl": (broken(b'{"messages": [{"role": "user", "content": "\xff"}]}'), 3, 1),
    "nul.jsonl": (broken(b'{"messages": "\0"}', b"\0\0\0"), 3, 2),
    "long.jsonl": (broken(b'{"messages": "' + b"y" * 20_000_000), 3, 1),
    "nested.jsonl": (broken(b'{"messages": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"), 3, 1),
    "nested_objects.jsonl": (broken(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), 3, 1),
    "repeated_key.jsonl": (broken(b'{"messages": [], "messages": []}'), 3, 1),
    "numbers.jsonl": (
        broken(*(b'{"messages": [], "x": %b}' % n for n in (b"NaN", b"1e999", b"-Infinity"))), 3, 3
    ),
    "surrogate.jsonl": (broken(b'{"messages": [{"role": "user", "content": "\\ud83d"}]}'), 3, 1),
    "mixed.jsonl": (broken(b'{"messages": "a"}', b'{"messages": 5}', b"[1]", b'"x"'), 3, 4),
    "cut.json": (json.dumps([CHAT] * 4, indent=1).encode()[:-60], 3, 2),
    "nested.json": (b"[" + b"[" * 10_000 + b"]" * 10_000 + b"," + GOOD + b"]", 1, 1),
    "ragged.csv": (b'text,label\na,b\nc\nd,e,f\n"g\n', 1, 3),
    "nul.csv": (b"text,label\na\0b,x\nplain,y\n", 2, 0),
    "mixed.csv": (b"text,label\nwords,1\nmore,x\n3,\n,\n", 4, 0),
    "latin.csv": (("text,label\n" + "Grüße für süße Äpfel,a\n" * 9).encode("latin-1"), 9, 0),
}  # fmt: skip
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.jsonl": (b"", "holds no rows"),
    "blank.jsonl": (b"\n \n", "holds no rows"),
    "header.csv": (b"text,label\n", "holds no rows"),
    "list.json": (b"[]", "holds no rows"),
    "empty.parquet": (b"", "no Parquet file"),
    "zeros.jsonl": (bytes(100_000), "binary file"),
    "brackets.json": (b"[" * 1_000_000, "never closed"),
    "cut.jsonl.gz": (gzip.compress(GOOD * 99)[:-9], "gzip file is damaged"),
    "cut.jsonl.zst": (zstandard.compress(GOOD * 99)[:-9], "zstd file is damaged"),
    "cut.jsonl.xz": (lzma.compress(GOOD * 99)[:-9], "xz file is damaged"),
    "magic.parquet": (b"PAR2" + bytes(99), "no Parquet file"),
    "cut.parquet": (b"PAR1" + bytes(99), "Parquet file cannot be read"),
    "magic.arrow": (bytes(99), "no Arrow file"),
    "cut.arrow": (b"ARROW1\0\0" + bytes(99), "Arrow file cannot be read"),
    "twice.csv": (b"a,a\n1,2\n", "names a column twice"),
    "text.txt": (b"Once upon a time.\n", "neither the name nor the content"),
}


@pytest.mark.parametrize("name", list(READ))
def test_what_can_be_read_is_read_and_the_rest_is_found(tmp_path: Path, name: str) -> None:
    content, records, set_aside = READ[name]
    (tmp_path / name).write_bytes(content)
    result = audit(tmp_path / name, tmp_path)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    dataset = document["dataset"]
    assert (dataset["records"], dataset["set_aside"]) == (records, set_aside)
    assert dataset["rows"] == records + set_aside
    found = {item["check"]: item["rows"] for item in document["findings"]}
    malformed = sum(found.get(f"schema/{kind}", 0) for kind in ("malformed-row", "missing-field"))
    assert malformed >= set_aside


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_read_ends_with_three(tmp_path: Path, name: str) -> None:
    content, what = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    assert_refused(tmp_path / name, tmp_path, what)


def assert_refused(path: Path, workspace: Path, what: str) -> None:
    result = audit(path, workspace)
    assert result.exit_code == 3, result.output
    error = json.loads(result.stdout)["error"]
    assert what in error["what"]
    assert path.name in error["where"]
    assert "Traceback" not in result.output
    assert not list((workspace / ".tunewise").glob("audit/[!.]*"))


def test_what_is_no_file_ends_with_three(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    os.symlink(tmp_path / "loop.jsonl", tmp_path / "loop.jsonl")
    os.symlink("/dev/zero", tmp_path / "device.jsonl")
    for name, what in (
        ("pipe.jsonl", "no regular file"),
        ("device.jsonl", "no regular file"),
        ("folder.jsonl", "folder holds no data"),
        ("loop.jsonl", "no such file"),
        ("missing.jsonl", "no such file"),
        ("x" * 300, "cannot be looked at"),
    ):
        assert_refused(tmp_path / name, tmp_path, what)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_ends_with_three(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_bytes(GOOD)
    (tmp_path / "secret.jsonl").chmod(0)
    assert_refused(tmp_path / "secret.jsonl", tmp_path, "cannot be read: Permission denied")
