"""Where suites lie: files found by name or path, and what their definitions say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...workspace.errors import DataError, UsageError
from ..items import BIAS, DOMAIN, GENERAL, QUICK

_DATASETS = Path(__file__).resolve().parents[2] / "datasets"
BUNDLED = _DATASETS / "benchmarks"
# Folders of our own suites; `quick` takes some items of each task.
SUITES = {GENERAL: BUNDLED, QUICK: BUNDLED, BIAS: _DATASETS / "bias"}
YAML = (".yaml", ".yml")
ROWS = ".jsonl"
TABLE = ".csv"


def existing(suite: str, root: Path) -> Path | None:
    """Find a suite's file or folder; the names of our own suites are none."""
    if suite in (*SUITES, DOMAIN):
        return None
    candidates = (root / Path(suite).expanduser(), Path(suite).expanduser())
    return next((path for path in candidates if path.is_file() or path.is_dir()), None)


def looks_like_path(suite: str) -> bool:
    """Tell whether a suite's name is written like that of a file or folder."""
    return "/" in suite or "\\" in suite or suite.endswith((*YAML, ROWS, TABLE))


def files_of(path: Path) -> list[Path]:
    """Return a file itself, or a folder's tasks: its YAML, or else its JSON lines."""
    if path.is_file():
        return [path]
    found = sorted(item for item in path.iterdir() if item.suffix in YAML)
    found = found or sorted(path.glob(f"*{ROWS}"))
    if not found:
        raise UsageError(
            "the folder holds no benchmarks", where=str(path), fix="it needs *.yaml or *.jsonl"
        )
    return found


def data_files(path: Path) -> list[Path]:
    """Return the data files that a task's definition names."""
    definition = read_yaml(path) if path.suffix in YAML else None
    if not isinstance(definition, dict):
        return []
    files = (definition.get("dataset_kwargs") or {}).get("data_files") or []
    by_split = files if isinstance(files, dict) else {"train": files}
    listed = [names if isinstance(names, list) else [names] for names in by_split.values()]
    paths = [path.parent / name for names in listed for name in names]
    return [found for found in paths if found.is_file()]


def read_yaml(path: Path) -> Any:
    """Read a YAML file; None where it has what only lm-eval can read."""
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.constructor.ConstructorError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"the task cannot be read: {error}", where=str(path)) from error
