"""Suites: which benchmarks are asked, found by name or path and loaded as lm-eval tasks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import canonical_json, sha256_of_files, sha256_of_json
from ...workspace.manifest import Input
from ...workspace.nearest import nearest
from ..items import BIAS, DOMAIN, GENERAL, QUICK
from ..scoring.quiet import quiet
from .bias_rows import PROBE, PROBES, bias_task
from .files import (
    BUNDLED,
    ROWS,
    SUITES,
    TABLE,
    YAML,
    data_files,
    existing,
    files_of,
    looks_like_path,
    read_yaml,
)
from .local import in_memory, local_task, read_rows
from .quick import QUICK_ITEMS, sample
from .templates import compile_templates

# Where a task lies and how it was loaded do not change what it asks.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_NO_CONTENT = ("metadata", "custom_dataset", "task_alias", "tag")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A task that is ready to be asked.

    Attributes:
        name: unique among the tasks of an evaluation.
        task: lm-eval's task object.
        metadata: what its definition says beside the task, such as ``chance``.
        content: SHA-256 of everything that it asks.
        limit: only the first so many items are asked; None: all.
        sample: only the items of these numbers are asked; None: all up to the limit.
    """

    name: str
    task: Any
    metadata: Mapping[str, Any]
    content: str
    limit: int | None
    sample: tuple[int, ...] | None = None

    @property
    def probe(self) -> str | None:
        """How a benchmark measures bias (see :mod:`.bias_rows`); None for all others."""
        found = self.metadata.get(PROBE)
        return found if found in PROBES else None

    @property
    def group(self) -> str:
        """The suite that its task belongs to."""
        return BIAS if self.probe else GENERAL


def load_benchmarks(
    suites: Sequence[str],
    root: Path,
    *,
    limit: int | None = None,
    num_fewshot: int | None = None,
    emit: Emit = ignore,
) -> list[Benchmark]:
    """Load the tasks of suites.

    Args:
        suites: ``general`` (the bundled tasks), ``quick`` (some items of each of them), ``bias``
            (the bundled probes), lm-eval task names, or paths of JSON lines, of lm-eval YAML, of
            CSV with pairs of sentences, or of folders of these; ``domain`` is always asked and
            names nothing.
        root: relative paths start here, or else at the current folder.
        limit: only the first so many items of each task.
        num_fewshot: examples before each item; a task that says it takes none keeps to it, as
            in lm-eval. None leaves it to the tasks.
        emit: told when lm-eval's own tasks are looked up, which takes a while.

    Raises:
        UsageError: a suite is neither known nor a path, or two tasks have one name.
        DataError: a local benchmark is broken.
    """
    specifications: list[Any] = []
    names: list[str] = []
    for suite in suites:
        path = existing(suite, root)
        if suite in SUITES:
            most = QUICK_ITEMS if suite == QUICK else None
            specifications += [_specification(found, most) for found in files_of(SUITES[suite])]
        elif path is not None:
            specifications += [_specification(found) for found in files_of(path)]
        elif looks_like_path(suite):
            raise UsageError("there is no such benchmark", where=suite, fix="check the path")
        elif suite != DOMAIN:
            names.append(suite)
    if not specifications and not names:
        return []
    tasks = _load(specifications, names, emit)
    return [_benchmark(name, task, limit, num_fewshot) for name, task in tasks.items()]


def suite_inputs(suites: Sequence[str], root: Path) -> list[Input]:
    """Fingerprint the files that suites consist of, without loading them.

    Args:
        suites: as for :func:`load_benchmarks`; names of lm-eval tasks have no files here.
        root: relative paths start here.
    """
    inputs: list[Input] = []
    for suite in dict.fromkeys(suites):
        path = SUITES.get(suite) or existing(suite, root)
        if path is not None:
            files = [name for found in files_of(path) for name in (found, *data_files(found))]
            inputs.append(Input(f"suite {suite}", sha256_of_files(files), str(path)))
    return inputs


def _specification(path: Path, most: int | None = None) -> Any:
    """Return what lm-eval loads a file's task from: a mapping, or a path it reads itself."""
    if path.suffix in (ROWS, TABLE):
        return bias_task(path) or local_task(path)
    if path.suffix not in YAML:
        raise UsageError(
            "a benchmark is a file of JSON lines, an lm-eval task, or a CSV of pairs of sentences",
            where=str(path),
            fix="name a *.jsonl, a *.yaml or a *.csv",
        )
    return _read_definition(path, most)


def _read_definition(path: Path, most: int | None) -> Any:
    """Read an lm-eval task; paths of its data become absolute, its name that of the file.

    What lm-eval's YAML has beyond YAML (functions, includes, groups) it reads by itself.

    Args:
        path: of the task.
        most: a fixed sample of so many rows; only for data in JSON lines.
    """
    definition = read_yaml(path)
    if definition is None:
        return str(path)
    if not isinstance(definition, dict) or not {"task", "group"} & definition.keys():
        raise DataError("this defines no lm-eval task", where=str(path), fix="give it a `task:`")
    if "include" in definition or not isinstance(definition.get("task"), str):
        return str(path)
    files = (definition.get("dataset_kwargs") or {}).get("data_files")
    if files is not None:
        definition = _with_local_data(definition, _absolute(files, path.parent), most)
    return {**definition, "task": path.stem} if path.parent == BUNDLED else definition


def _with_local_data(definition: dict[str, Any], files: Any, most: int | None) -> dict[str, Any]:
    """Put local JSON lines into a task's definition; leave other formats to lm-eval."""
    by_split = files if isinstance(files, dict) else {"train": files}
    listed = {
        split: [Path(name) for name in (names if isinstance(names, list) else [names])]
        for split, names in by_split.items()
    }
    paths = [path for names in listed.values() for path in names]
    if definition.get("dataset_path") != "json" or any(path.suffix != ROWS for path in paths):
        return {**definition, "dataset_kwargs": {"data_files": files}}
    splits = {
        split: sample([row for path in names for row in read_rows(path)], most)
        for split, names in listed.items()
    }
    plain = {key: value for key, value in definition.items() if not key.startswith("dataset_")}
    return {**plain, "custom_dataset": in_memory(splits)}


def _absolute(files: Any, folder: Path) -> Any:
    if isinstance(files, dict):
        return {split: _absolute(names, folder) for split, names in files.items()}
    if isinstance(files, list):
        return [_absolute(name, folder) for name in files]
    return str(folder / files)


def _load(specifications: list[Any], names: list[str], emit: Emit) -> dict[str, Any]:
    """Let lm-eval make its task objects."""
    from lm_eval.tasks import TaskManager

    _refuse_doubles([item["task"] for item in specifications if isinstance(item, dict)] + names)
    if names:
        emit(Note(text=f"looking up {', '.join(names)} among lm-eval's tasks (about 20 s)"))
    with quiet():
        manager = TaskManager(include_defaults=bool(names))
        for name in names:
            if name not in manager.task_index:
                raise UsageError(
                    f"{name!r} is no suite, no path and no task of lm-eval",
                    where="[evaluate] suites",
                    fix=nearest(name, [*manager.all_tasks, *SUITES, DOMAIN]),
                )
        tasks: dict[str, Any] = {}
        for specification in [*specifications, *names]:
            found = _load_one(manager, specification)
            _refuse_doubles([*tasks, *found])
            tasks.update(found)
    return tasks


def _load_one(manager: Any, specification: Any) -> dict[str, Any]:
    name = specification["task"] if isinstance(specification, dict) else specification
    try:
        return manager.load([specification])["tasks"]
    except Exception as error:
        # Tasks run code of their own and of many libraries; all of it can fail at loading.
        raise UsageError(
            f"the task {name} cannot be loaded: {type(error).__name__}: {_first_line(error)}",
            where="[evaluate] suites",
            fix="if its data must be downloaded, do that while online; or give local JSON lines",
        ) from error


def _benchmark(name: str, task: Any, limit: int | None, num_fewshot: int | None) -> Benchmark:
    """Complete a task as lm-eval's own command does, and fingerprint it."""
    said = task.get_config("num_fewshot")
    if said is None or (num_fewshot is not None and said != 0):
        task.set_config(key="num_fewshot", value=num_fewshot or 0)
    metadata = task.get_config("metadata")
    content = sha256_of_json(list(_content(task)))
    compile_templates(task)
    return Benchmark(name, task, metadata if isinstance(metadata, dict) else {}, content, limit)


def _content(task: Any) -> Iterator[Any]:
    """Yield all that decides a task's questions and how answers are scored."""
    config = task.dump_config()
    yield _plain({key: value for key, value in config.items() if key not in _NO_CONTENT})
    yield from task.eval_docs
    if task.get_config("num_fewshot"):
        yield from task.fewshot_docs() or ()


def _plain(value: Any) -> Any:
    """Return a task's settings without what another process would write differently.

    A function is what it says; where it lies in memory is nothing.
    """
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_plain(part) for part in value]
        return sorted(parts, key=canonical_json) if isinstance(value, set | frozenset) else parts
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if callable(value):
        return _source(value)
    return _ADDRESS.sub("", repr(value))


def _source(function: Any) -> str:
    with suppress(OSError, TypeError):
        return inspect.getsource(function)
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}"


def _refuse_doubles(names: Sequence[str]) -> None:
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        raise UsageError(
            f"two tasks have the name {min(doubles)}",
            where="[evaluate] suites",
            fix="name each benchmark once, and give files different names",
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
