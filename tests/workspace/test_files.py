from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tunewise.workspace.files import (
    canonical_json,
    read_json,
    sha256_of_file,
    sha256_of_files,
    write_json,
    writing_whole,
)


def test_digests_are_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello" * 1_000_000)
    expected = hashlib.sha256(b"hello" * 1_000_000).hexdigest()
    assert sha256_of_file(path) == expected
    assert sha256_of_files([path]) == expected
    assert sha256_of_files([path, path]) != expected


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": "é"})

    def fail_half_way() -> None:
        with writing_whole(path) as stream:
            stream.write("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert read_json(path) == {"old": "é"}
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    reference = tmp_path / "plain"
    reference.write_text("x")
    write_json(tmp_path / "whole.json", {})
    assert (tmp_path / "whole.json").stat().st_mode == reference.stat().st_mode


def test_canonical_json_ignores_order() -> None:
    assert canonical_json({"b": 1, "a": [1.5, None]}) == canonical_json({"a": [1.5, None], "b": 1})
