"""The house rules on imports: floors, namesakes of Hugging Face's libraries, and speed of start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FLOORS = ["workspace", "curate", "train", "evaluate", "cli", "tui"]
HEAVY = ("torch", "transformers", "peft", "lm_eval", "textual", "datasets", "evaluate")


def run_python(code: str, cwd: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, *arguments, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("library", ["evaluate", "datasets"])
def test_the_root_does_not_hide_the_libraries_of_the_same_name(
    repository_root: Path, library: str
) -> None:
    code = f"import {library}; print({library}.__file__, {library}.__version__)"
    place = run_python(code, repository_root)
    assert "site-packages" in place
    assert not (repository_root / library / "__init__.py").exists()


def test_pytest_from_the_root_imports_the_libraries(repository_root: Path, tmp_path: Path) -> None:
    probe = tmp_path / "test_probe.py"
    probe.write_text(
        "import datasets, evaluate\n"
        "def test_probe():\n"
        "    assert hasattr(evaluate, 'combine') and hasattr(datasets, 'load_dataset')\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(probe)],
        cwd=repository_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_console_script_imports_the_libraries_from_the_root(repository_root: Path) -> None:
    script = Path(sys.executable).with_name("tunewise")
    result = subprocess.run(
        [script, "doctor", "--json"],
        cwd=repository_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert '"evaluate"' in result.stdout


def imported_rooms(path: Path, root: Path) -> set[str]:
    """Return the rooms that a module imports, by relative or absolute imports, at any depth."""
    package = ["tunewise", *path.relative_to(root).with_suffix("").parts[:-1]]
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[list[str]] = []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            names = [[*module, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        rooms |= {parts[1] for parts in names if parts[0] == "tunewise" and len(parts) > 1}
    return rooms


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_only_from_the_floors_below(repository_root: Path, room: str) -> None:
    below = set(FLOORS[: FLOORS.index(room) + 1]) - ({"cli"} if room == "tui" else set())
    modules = list((repository_root / room).rglob("*.py"))
    assert modules
    for module in modules:
        if module.relative_to(repository_root).as_posix() in LAUNCHERS:
            continue
        wrong = imported_rooms(module, repository_root) - below
        assert not wrong, f"{module} imports {wrong}"


# The one command that opens the app, the only place where the command line reaches for it.
LAUNCHERS = {"cli/open.py"}


def modules_after(code: str, cwd: Path) -> set[str]:
    listing = run_python(f"{code}\nimport sys; print(' '.join(sys.modules))", cwd)
    return set(listing.split())


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "from click.testing import CliRunner\n"
        "from tunewise.cli.main import tunewise\n"
        "assert 'audit' in CliRunner().invoke(tunewise, ['--help']).output"
    )
    loaded = modules_after(code, tmp_path)
    assert not loaded & {*HEAVY, "polars", "pandera", "pydantic", "rich", "numpy"}


def test_help_answers_within_150_milliseconds(tmp_path: Path) -> None:
    """Counts processor time, best of several, so that a busy machine does not matter."""
    command = [sys.executable, "-m", "tunewise.cli", "--help"]
    best = min(_processor_seconds(command, tmp_path) for _ in range(6))
    assert best < 0.150


def _processor_seconds(command: list[str], cwd: Path) -> float:
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


@pytest.mark.parametrize("options", [[], ["--benchmarks", "general"]])
def test_an_audit_imports_no_torch(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "data.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
        * 3
    )
    code = (
        "from click.testing import CliRunner\n"
        "from tunewise.cli.main import tunewise\n"
        f"result = CliRunner().invoke(tunewise, ['audit', 'data.jsonl', '--json', *{options}])\n"
        "assert result.exit_code == 0, result.output"
    )
    loaded = modules_after(code, tmp_path)
    assert not loaded & {"torch", "transformers", "peft", "lm_eval", "textual"}
