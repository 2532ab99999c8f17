"""The items of benchmarks as plain text, read without a model or lm-eval, for the audit."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..curate.contamination import BenchmarkItem
from ..workspace.errors import DataError, UsageError
from ..workspace.nearest import nearest
from .items import GENERAL
from .tasks_files import BUNDLED, ROWS, YAML, existing, files_of, read_yaml
from .tasks_local import ID_FIELDS, Row, read_rows

Read = Callable[[Row], Any]

# How the rows of JSON lines say question and right answer, by the fields they have.
_READINGS: tuple[tuple[frozenset[str], Read, Read], ...] = (
    (
        frozenset({"query", "choices", "gold"}),
        lambda row: row["query"],
        lambda row: _chosen(row["gold"], row["choices"]),
    ),
    (frozenset({"prompt", "answer"}), lambda row: row["prompt"], lambda row: row["answer"]),
    (frozenset({"question", "answer"}), lambda row: row["question"], lambda row: row["answer"]),
    (
        frozenset({"sentence_good", "sentence_bad"}),
        lambda row: "",
        lambda row: row["sentence_good"],
    ),
    (frozenset({"text"}), lambda row: "", lambda row: row["text"]),
)
_AS_LINES = "give its items as JSON lines, such as {question, answer} or {text}"


def benchmark_items(names: Sequence[str], root: Path) -> tuple[BenchmarkItem, ...]:
    """Read the items of benchmarks.

    Args:
        names: ``general`` (the bundled benchmarks), or paths of JSON lines, of lm-eval tasks
            (YAML) whose data are JSON lines beside them, or of folders of these.
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
                 for file in beside if file.suffix in (ROWS, *YAML)]  # fmt: skip
        raise UsageError(
            f"{name!r} is no bundled benchmark and no file",
            where="--benchmarks, [audit] benchmarks",
            fix=f"{nearest(name, [GENERAL, *files])}; of lm-eval's own tasks {_AS_LINES}",
        )
    return path


def _items(path: Path) -> Iterator[BenchmarkItem]:
    if path.suffix == ROWS:
        yield from _lines(path)
    elif path.suffix in YAML:
        yield from _task(path)
    else:
        raise UsageError(
            "a benchmark is a file of JSON lines or an lm-eval task",
            where=str(path),
            fix=_AS_LINES,
        )


def _lines(path: Path) -> Iterator[BenchmarkItem]:
    for number, row in enumerate(read_rows(path)):
        reading = next((found for found in _READINGS if found[0] <= row.keys()), None)
        if reading is None:
            known = "; ".join(", ".join(sorted(fields)) for fields, _, _ in _READINGS)
            raise DataError(
                f"rows with the fields {', '.join(sorted(row))} are no benchmark",
                where=f"{path}, item {number + 1}",
                fix=f"give every row one of these sets of fields: {known}",
            )
        _, question, answer = reading
        yield _item(path, path.stem, number, row, question, answer)


def _task(path: Path) -> Iterator[BenchmarkItem]:
    """Read the items of an lm-eval task as its templates write them."""
    definition = read_yaml(path)
    if not isinstance(definition, dict) or not isinstance(definition.get("task"), str):
        raise UsageError("only lm-eval can read this definition", where=str(path), fix=_AS_LINES)
    files = (definition.get("dataset_kwargs") or {}).get("data_files") or {}
    asked = definition.get("test_split") or definition.get("validation_split")
    named = files.get(asked) if isinstance(files, dict) else files
    paths = [path.parent / name for name in ([named] if isinstance(named, str) else named or [])]
    if definition.get("dataset_path") != "json" or not paths or "include" in definition:
        raise UsageError("the task's data are no local file", where=str(path), fix=_AS_LINES)
    question = _written(definition.get("doc_to_text", ""), path)
    choices = _written(definition.get("doc_to_choice"), path)
    target = _written(definition.get("doc_to_target"), path)
    name = path.stem if path.parent == BUNDLED else definition["task"]
    rows = [row for file in paths for row in read_rows(file)]
    for number, row in enumerate(rows):
        yield _item(path, name, number, row, question,
                    lambda row: _chosen(target(row), choices(row)))  # fmt: skip


def _item(
    path: Path, task: str, number: int, row: Row, question: Read, answer: Read
) -> BenchmarkItem:
    name = next((row[key] for key in ID_FIELDS if row.get(key) is not None), number)
    try:
        return BenchmarkItem(
            _text(str(name)), task, _text(question(row)), _text(answer(row)) or None
        )
    except Exception as error:
        # Templates are programs that run on foreign rows; all kinds of things go wrong in them.
        raise DataError(
            f"question and answer cannot be read: {type(error).__name__}: {error}",
            where=f"{path}, item {number + 1}",
            fix="mend this row",
        ) from error


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        # Several answers are right: the first stands for all.
        value = value[0]
    if value is None or isinstance(value, str):
        # JSON can hold halves of characters, which are no text anywhere else.
        return (value or "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(f"{value!r} is no text")


def _chosen(target: Any, choices: Any) -> Any:
    """Return the choice that a target counts, or the target where it is a text itself."""
    if choices is None:
        return target
    options = ast.literal_eval(choices) if isinstance(choices, str) else choices
    if isinstance(target, str) and target.isdigit():
        target = int(target)
    if isinstance(target, int):
        if not 0 <= target < len(options):
            raise ValueError(f"{target} is no place in the choices, counted from 0")
        return options[target]
    return target


def _written(template: Any, path: Path) -> Read:
    """Return what writes a part of the item: a field's name, a template, or a constant."""
    if not isinstance(template, str):
        return lambda row: template
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        compiled = ImmutableSandboxedEnvironment().from_string(template)
    except TemplateError as error:
        raise DataError(f"a template is not valid: {error}", where=str(path)) from error

    def write(row: Mapping[str, Any]) -> Any:
        return row[template] if template in row else compiled.render(row)

    return write
