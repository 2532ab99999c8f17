"""The user's own metric: a file of Python, or one of Hugging Face's that is on this machine.

Its code is run. That is why only a name given by the user gets here, never one found in data, and
why nothing is downloaded: a name means a module that Hugging Face's `evaluate` keeps already.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError, UsageError
from ..scoring.quiet import quiet
from .text_measures import TextMeasure, check_scores

_FUNCTION = "score"
_BETTER = "HIGHER_IS_BETTER"
_FIX = "define score(predictions, references) that returns a number for each answer"


def metric_file(name: str, root: Path) -> Path:
    """Find the file of a metric.

    Args:
        name: a path of Python (from ``root`` or the current folder), or the name of a metric of
            Hugging Face's evaluate that was loaded on this machine before.
        root: the workspace.

    Raises:
        UsageError: it is neither.
    """
    candidates = (root / Path(name).expanduser(), Path(name).expanduser())
    found = next((path for path in candidates if path.is_file()), None)
    if found is not None and found.suffix == ".py":
        return found.resolve()
    if found is None and not name.endswith(".py") and "/" not in name and "\\" not in name:
        kept = _kept_file(name)
        if kept is not None:
            return kept
        raise UsageError(
            f"no metric {name!r} of Hugging Face's evaluate is on this machine",
            where="--metric, [evaluate] metrics",
            fix=f"run `python -c 'import evaluate; evaluate.load(\"{name}\")'` once while online, "
            "or name a file: --metric ./mine.py",
        )
    raise UsageError(
        "a metric is a file of Python (*.py) or a name",
        where=f"--metric {name}",
        fix=f"check the path; in the file {_FIX}",
    )


def user_measure(path: Path) -> TextMeasure:
    """Load a metric by running its file.

    The file defines ``score(predictions, references)``, which returns a number for each answer, or
    a metric of Hugging Face's evaluate (a class derived from ``evaluate.Metric``). The latter is
    computed answer by answer, unless its result has a list ``items``: then that. Where it gives
    several numbers, the one of the metric's own name counts, else ``score``, else the first.
    ``HIGHER_IS_BETTER = False`` in the file says that less is better.

    Args:
        path: of the file.

    Raises:
        DataError: the file cannot be run, or defines neither.
    """
    module = _run(path)
    function = getattr(module, _FUNCTION, None)
    if callable(function):
        score = partial(_of_function, function, str(path))
    elif _defines_metric(module):
        score = partial(_of_metric, path)
    else:
        raise DataError("the file defines no metric", where=str(path), fix=_FIX)
    better = bool(getattr(module, _BETTER, True))
    return TextMeasure(path.stem.replace("_", "-"), path.stem, score, higher_is_better=better)


def _kept_file(name: str) -> Path | None:
    """Return the newest of the files that Hugging Face's evaluate keeps of a metric."""
    import evaluate.config

    modules = Path(evaluate.config.HF_MODULES_CACHE) / "evaluate_modules" / "metrics"
    found = [*modules.glob(f"evaluate-*--{name}/*/{name}.py")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _run(path: Path) -> Any:
    specification = importlib.util.spec_from_file_location(f"tunewise_metric_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with _their_code(str(path)):
        specification.loader.exec_module(module)
    return module


@contextmanager
def _their_code(where: str) -> Iterator[None]:
    """Run a program of the user's: anything can go wrong in it, and all of it is said to be so.

    What it prints goes to stderr, because stdout is this program's; that it exits ends nothing
    silently.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except DataError:
        raise
    except (Exception, SystemExit) as error:
        said = str(error).strip().partition("\n")[0]
        raise DataError(
            f"the metric failed: {type(error).__name__}: {said}", where=where, fix="mend the file"
        ) from error


def _defines_metric(module: Any) -> bool:
    import evaluate

    return any(
        isinstance(value, type)
        and issubclass(value, evaluate.Metric)
        and value.__module__ == module.__name__
        for value in vars(module).values()
    )


def _of_function(
    function: Callable[..., Any], where: str, predictions: Sequence[str], references: Sequence[str]
) -> list[float]:
    with _their_code(where):
        found = function(list(predictions), list(references))
    return check_scores(found, len(predictions), where)


def _of_metric(path: Path, predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    import evaluate

    where = str(path)
    with _their_code(where), quiet():
        metric = evaluate.load(where, keep_in_memory=True)
        whole: Any = metric.compute(predictions=list(predictions), references=list(references))
        if "items" in whole:
            return check_scores(whole["items"], len(predictions), where)
        found = [
            _number(metric.compute(predictions=[said], references=[meant]), path.stem)
            for said, meant in zip(predictions, references, strict=True)
        ]
    return check_scores(found, len(predictions), where)


def _number(result: Any, name: str) -> Any:
    """Return the number of a metric's result that counts."""
    numbers = {key: value for key, value in result.items() if not isinstance(value, str)}
    for key in (name, "score"):
        if key in numbers:
            return numbers[key]
    return next(iter(numbers.values()), None)
