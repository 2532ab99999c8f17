"""The wheel holds every module and every bundled file."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOMS = ("workspace", "curate", "train", "evaluate", "cli", "tui", "datasets")
PACKAGED = {".py", ".html", ".css", ".js", ".tcss"}


def test_the_wheel_holds_every_module_and_file(repository_root: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), "."],
        cwd=_copy_of_tracked_files(repository_root, tmp_path / "source"),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    wheel = next(tmp_path.glob("tunewise-*.whl"))
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"tunewise/{name}"
        for name in tracked_files(repository_root)
        if name.split("/")[0] in ROOMS
        and (Path(name).suffix in PACKAGED or name.startswith("datasets/"))
    }
    assert expected
    assert expected - packed == set()
    assert not [name for name in packed if "__pycache__" in name or name.startswith("tests/")]


def tracked_files(root: Path) -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.splitlines() if (root / name).is_file()]


def _copy_of_tracked_files(root: Path, target: Path) -> Path:
    """Build from a copy: setuptools leaves a build folder behind, which must not be shared."""
    for name in tracked_files(root):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((root / name).read_bytes())
    return target
