"""Where compiled code is kept, and that changed sources are compiled anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunewise.curate.near_duplicates import compiled


@pytest.fixture(autouse=True)
def fresh_choice() -> None:
    compiled._folder.cache_clear()


def test_the_users_own_folder_comes_first(tmp_path: Path) -> None:
    chosen = compiled._folder(str(tmp_path / "mine"))
    assert chosen.parent == tmp_path / "mine"
    assert chosen.is_dir()


def test_it_is_beside_the_modules_or_where_one_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled._folder("").parent == Path(compiled.__file__).parent / "__pycache__"
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(compiled, "_parents", lambda _: iter([blocked, tmp_path / "cache"]))
    compiled._folder.cache_clear()
    assert compiled._folder("").parent == tmp_path / "cache"
    monkeypatch.setattr(compiled, "_parents", lambda _: iter([blocked]))
    compiled._folder.cache_clear()
    assert compiled._folder("").is_dir()


def test_a_change_in_any_module_of_kernels_asks_for_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one_kernels.py").write_text("A = 1")
    (tmp_path / "two_kernels.py").write_text("B = 1")
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    before = compiled._folder("")
    compiled._folder.cache_clear()
    (tmp_path / "two_kernels.py").write_text("B = 2")
    assert compiled._folder("") != before


def test_kernels_take_only_from_kernels() -> None:
    for path in Path(compiled.__file__).parent.glob("*_kernels.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        taken = {line.split()[1] for line in lines if line.startswith(("from ", "import "))}
        others = {name for name in taken if not name.endswith("_kernels")}
        assert others <= {"__future__", "typing", ".compiled", "numpy"}, path.name


def test_the_choice_of_other_users_of_numba_stays(tmp_path: Path) -> None:
    code = (
        "from numba.core import config; before = config.CACHE_DIR\n"
        "import tunewise.curate.near_duplicates.word_kernels\n"
        "assert config.CACHE_DIR == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
