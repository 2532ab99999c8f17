"""The items of benchmarks as plain text, read without a model or lm-eval, for the audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...curate.contamination import BenchmarkItem
from ...workspace.errors import DataError, UsageError
from ...workspace.nearest import nearest
from ..items import GENERAL
from .benchmark_rows import (
    Row,
    Said,
    known_fields,
    read_row,
    said,
    spelled_out,
    without_choices,
)
from .files import BUNDLED, ROWS, YAML, existing, files_of
from .local import ID_FIELDS, read_rows

_TABLES = (".json", ".csv", ".tsv", ".parquet")
_MOST_INCLUDES = 10
_AS_LINES = (
    "give its items as JSON lines, such as {question, answer} or {text}; `tunewise evaluate` "
    "looks for those of all tasks that it asks among the training rows by itself"
)
_NAMED_LIKE = ("id", "item_id", "ind", "task_id")


def benchmark_items(names: Sequence[str], root: Path) -> tuple[BenchmarkItem, ...]:
    """Read the items of benchmarks.

    Args:
        names: ``general`` (the bundled benchmarks), or paths of JSON lines, JSON, CSV or Parquet,
            of lm-eval tasks (YAML) whose data are such files beside them, or of folders of
            YAML or JSON lines.
        root: relative paths start here, or else at the current folder.

    Raises:
        UsageError: a name is neither ``general`` nor such a path.
        DataError: a file is broken, or its rows are no items.
    """
    return tuple(
        item
        for name in dict.fromkeys(names)
        for path in files_of(_place(name, root))
        for item in _items(path)
    )


def _place(name: str, root: Path) -> Path:
    if name == GENERAL:
        return BUNDLED
    path = existing(name, root)
    if path is None:
        folder = (root / Path(name).expanduser()).parent
        beside = sorted(folder.iterdir()) if folder.is_dir() else []
        files = [str(Path(name).with_name(file.name))
                 for file in beside if file.suffix in (ROWS, *YAML, *_TABLES)]  # fmt: skip
        raise UsageError(
            f"{name!r} is no bundled benchmark and no file",
            where="--benchmarks, [audit] benchmarks",
            fix=f"{nearest(name, [GENERAL, *files])}; of lm-eval's own tasks {_AS_LINES}",
        )
    return path


def _items(path: Path) -> Iterator[BenchmarkItem]:
    if path.suffix in YAML:
        yield from _task(path)
        return
    for number, row in enumerate(_rows(path)):
        yield _item(path, path.stem, number, row, _by_fields)


def _rows(path: Path) -> list[Any]:
    """Read a file of rows."""
    if path.suffix == ROWS:
        return read_rows(path)
    if path.suffix not in _TABLES:
        raise UsageError(
            "a benchmark is a file of JSON lines, JSON, CSV or Parquet, or an lm-eval task",
            where=str(path),
            fix=_AS_LINES,
        )
    import polars as pl

    try:
        if path.suffix == ".json":
            rows = json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            rows = pl.read_parquet(path).to_dicts()
        else:
            separator = "\t" if path.suffix == ".tsv" else ","
            rows = pl.read_csv(path, separator=separator, infer_schema=False).to_dicts()
    except (OSError, ValueError, RecursionError, pl.exceptions.PolarsError) as error:
        said = str(error).partition("\n")[0]
        raise DataError(f"the benchmark cannot be read: {said}", where=str(path)) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("the benchmark is no list of JSON objects", where=str(path))
    if not rows:
        raise DataError("the benchmark has no rows", where=str(path))
    return rows


def _by_fields(row: Row) -> Said:
    found = read_row(row)
    if found is None:
        raise DataError(
            f"rows with the fields {', '.join(sorted(map(str, row)))} are no benchmark",
            fix=f"give every row one of these sets of fields: {known_fields()}",
        )
    return found


def _item(
    path: Path, task: str, number: int, row: Row, read: Callable[[Row], Said]
) -> BenchmarkItem:
    fields = (*ID_FIELDS, *_NAMED_LIKE)
    name = next((row[key] for key in fields if row.get(key) is not None), number)
    where = f"{path}, item {number + 1}"
    try:
        found = without_choices(read(row))
        identity = str(name).encode("utf-8", "replace").decode("utf-8")
        return BenchmarkItem(identity, task, found.question, found.answer, found.choices)
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix) from error
    except Exception as error:
        # Templates are programs that run on foreign rows; all kinds of things go wrong in them.
        raise DataError(
            f"question and answer cannot be read: {type(error).__name__}: {error}",
            where=where,
            fix="mend this row",
        ) from error


def _task(path: Path) -> Iterator[BenchmarkItem]:
    """Read the items of an lm-eval task, as its templates write them."""
    definition = _definition(path)
    if not isinstance(definition.get("task"), str):
        raise UsageError("only lm-eval can read this definition", where=str(path), fix=_AS_LINES)
    files = (definition.get("dataset_kwargs") or {}).get("data_files") or {}
    asked = definition.get("test_split") or definition.get("validation_split")
    named = files.get(asked) if isinstance(files, dict) else files
    paths = [path.parent / name for name in ([named] if isinstance(named, str) else named or [])]
    if definition.get("dataset_path") not in ("json", "csv", "parquet") or not paths:
        raise UsageError("the task's data are no local file", where=str(path), fix=_AS_LINES)
    read = _template_reader(definition, path)
    name = path.stem if path.parent == BUNDLED else definition["task"]
    rows = [row for file in paths for row in _rows(file)]
    for number, row in enumerate(rows):
        yield _item(path, name, number, row, read)


def _definition(path: Path, depth: int = 0) -> dict[str, Any]:
    """Read an lm-eval task with what it includes; functions of its own become null."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads no more than plain data."""

    Loader.add_multi_constructor("!", lambda loader, tag, node: _Function())
    try:
        definition = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"the task cannot be read: {error}", where=str(path)) from error
    if not isinstance(definition, dict):
        raise UsageError("only lm-eval can read this definition", where=str(path), fix=_AS_LINES)
    included = definition.pop("include", None) or []
    for name in [included] if isinstance(included, str) else included:
        if depth == _MOST_INCLUDES:
            raise DataError("the task includes itself", where=str(path))
        definition = _definition(path.parent / str(name), depth + 1) | definition
    return definition


class _Function:
    """Stands for a function of a task, which only lm-eval would call."""


def _template_reader(definition: Mapping[str, Any], path: Path) -> Callable[[Row], Said]:
    """Return what reads a row by the task's templates, or by its fields where those are code."""
    question = definition.get("doc_to_decontamination_query") or definition.get("doc_to_text", "")
    parts = (question, definition.get("doc_to_choice"), definition.get("doc_to_target"))
    if any(isinstance(part, _Function) for part in parts):
        return _by_fields
    asked, offered, wanted = (_written(part, path) for part in parts)

    return lambda row: spelled_out(said(asked(row), offered(row), wanted(row)), row)


def _written(template: Any, path: Path) -> Callable[[Row], Any]:
    """Return what writes a part of the item: a field's name, a template, or a constant."""
    if not isinstance(template, str):
        return lambda row: template
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        compiled = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template)
    except TemplateError as error:
        raise DataError(f"a template is not valid: {error}", where=str(path)) from error
    return lambda row: row[template] if template in row else compiled.render(row)
