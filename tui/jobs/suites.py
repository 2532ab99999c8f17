"""What base and tuned model can be measured on: presets, and the bundled tasks one by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# As the evaluation names them; importing that brings its statistics, a second that the app would
# open later.
DOMAIN, GENERAL, QUICK, BIAS = "domain", "general", "quick", "bias"
QUICK_ITEMS = 200
_DATASETS = Path(__file__).resolve().parents[2] / "datasets"
BUNDLED, PROBES = _DATASETS / "benchmarks", _DATASETS / "bias"


@dataclass(frozen=True, slots=True)
class Suite:
    """Something to measure on.

    Attributes:
        name: as it is listed.
        argument: what ``--suite`` is given for it.
        what: what it is, in a few words.
        items: how many it asks; None where that depends on the data.
    """

    name: str
    argument: str
    what: str
    items: int | None = None


def suites(folder: Path = BUNDLED) -> list[Suite]:
    """Return the presets, then every bundled task.

    Args:
        folder: where the bundled tasks lie, each a YAML beside its rows.
    """
    tasks = [
        Suite(path.stem, str(path), "bundled task", _rows(path.with_suffix(".jsonl")))
        for path in sorted(folder.glob("*.yaml"))
    ]
    every = sum(task.items or 0 for task in tasks)
    quick = sum(min(QUICK_ITEMS, task.items or 0) for task in tasks)
    probes = sum(_rows(path) or 0 for path in PROBES.glob("*.jsonl"))
    presets = [
        Suite(DOMAIN, DOMAIN, "the split's test part; always asked"),
        Suite(GENERAL, GENERAL, f"all {len(tasks)} bundled tasks", every),
        Suite(QUICK, QUICK, f"the same, {QUICK_ITEMS} items of each", quick),
        Suite(BIAS, BIAS, "stereotypes, shown beside the verdicts", probes),
    ]
    return presets + tasks


def suites_argument(chosen: Collection[str], others: str, listed: list[Suite]) -> str:
    """Return what ``--suite`` is given for what was chosen.

    Args:
        chosen: names of suites that are marked.
        others: typed by the person: tasks of lm-eval, or files, by commas.
        listed: all suites.

    Example:
        >>> suites_argument({"quick"}, "piqa", [Suite("quick", "quick", "", 1200)])
        'quick,piqa'
    """
    names = [suite.argument for suite in listed if suite.name in chosen]
    if GENERAL in names:
        # It holds all bundled tasks; one of them again would be asked twice.
        names = [name for name in names if name in (GENERAL, DOMAIN, BIAS)]
    names += [part.strip() for part in others.split(",") if part.strip()]
    return ",".join(dict.fromkeys(names))


def _rows(path: Path) -> int | None:
    try:
        with path.open("rb") as stream:
            return sum(1 for line in stream if line.strip())
    except OSError:
        return None
