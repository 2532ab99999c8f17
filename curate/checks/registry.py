"""The list of all checks, as data; and choosing among them.

A check is a module of this package that has a ``CHECK``: to add one, add a file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..auditing.checking import AnyCheck
from ..auditing.custom_rules import plugin_checks, rule_checks
from ..finding import SEVERITY_ORDER
from ..settings import RuleSettings

DIMENSIONS = (
    "schema",
    "duplicates",
    "contamination",
    "leakage",
    "tokens",
    "text",
    "privacy",
    "safety",
    "bias",
    "balance",
    "labels",
    "provenance",
    "custom",
)


def _bundled_checks() -> Iterator[AnyCheck]:
    """Yield the check of every module of this package that holds one."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name == "registry":
            continue
        loaded = import_module(f".{module.name}", __package__)
        yield from getattr(loaded, "CHECKS", ())
        if hasattr(loaded, "CHECK"):
            yield loaded.CHECK


def _in_order(check: AnyCheck) -> tuple[int, int, str]:
    return (
        DIMENSIONS.index(check.dimension),
        SEVERITY_ORDER.index(check.severity),
        check.name,
    )


ALL_CHECKS: tuple[AnyCheck, ...] = tuple(sorted(_bundled_checks(), key=_in_order))


def known_checks(rules: Sequence[RuleSettings] = ()) -> tuple[AnyCheck, ...]:
    """Return all checks there are: the bundled ones, those of installed packages, and rules.

    Raises:
        UsageError: a rule or an installed check is faulty, or two checks have one name.
    """
    checks = (*ALL_CHECKS, *plugin_checks(), *rule_checks(rules))
    names = [check.name for check in checks]
    for check in checks[len(ALL_CHECKS) :]:
        if names.count(check.name) > 1:
            raise UsageError(f"two checks are called {check.name!r}", where="checks")
        if check.dimension not in DIMENSIONS:
            raise UsageError(
                f"there is no dimension {check.dimension!r}",
                where=f"check {check.name}",
                fix=nearest(check.dimension, DIMENSIONS),
            )
    return tuple(sorted(checks, key=_in_order))


def choose_checks(
    wanted: Sequence[str] = (),
    unwanted: Sequence[str] = (),
    known: Sequence[AnyCheck] = ALL_CHECKS,
) -> tuple[AnyCheck, ...]:
    """Return the checks that names, dimensions or patterns such as ``text/*`` stand for.

    Args:
        wanted: the checks to take; all where empty.
        unwanted: those to leave out.
        known: all checks there are.

    Raises:
        UsageError: a name stands for no check (the nearest is named), or none is left.
    """
    taken = {check.name for check in known}
    if wanted:
        taken = _named(wanted, "--checks", known)
    left = taken - _named(unwanted, "--skip", known)
    if not left:
        raise UsageError("no check is left to run", where="--checks, --skip")
    return tuple(check for check in known if check.name in left)


def reject_unknown(
    parameters: Mapping[str, Mapping[str, Any]],
    severities: Iterable[str],
    known: Sequence[AnyCheck] = ALL_CHECKS,
) -> None:
    """Make sure that settings of single checks speak of checks and parameters that exist.

    Raises:
        UsageError: they do not, or a parameter's value is of the wrong type.
    """
    by_name = {check.name: check for check in known}
    for name in severities:
        if name not in by_name:
            raise UsageError(
                f"unknown check {name!r}", where="audit.severity", fix=nearest(name, by_name)
            )
    for name, values in parameters.items():
        where = f"audit.parameters.{name}"
        if name not in by_name:
            raise UsageError(f"unknown check {name!r}", where=where, fix=nearest(name, by_name))
        known_parameters = by_name[name].parameters
        for key, value in values.items():
            if key not in known_parameters:
                hint = "the check has no parameters"
                if known_parameters:
                    hint = nearest(key, known_parameters)
                raise UsageError(f"unknown parameter {key!r}", where=where, fix=hint)
            default = known_parameters[key].default
            if not _fits(value, default):
                raise UsageError(
                    f"the parameter {key!r} cannot be {value!r}",
                    where=where,
                    fix=f"give a value like its default, {default!r}",
                )


def _fits(value: Any, default: Any) -> bool:
    """Whether a value is of the default's type; whole numbers do for shares, lists for tuples."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return isinstance(value, type(default))


def _named(patterns: Sequence[str], where: str, known: Sequence[AnyCheck]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        matching = {
            check.name
            for check in known
            if check.dimension == pattern or fnmatchcase(check.name, pattern)
        }
        if not matching:
            names = [*dict.fromkeys(check.dimension for check in known),
                     *(check.name for check in known)]  # fmt: skip
            raise UsageError(f"no check is called {pattern!r}", where=where,
                             fix=nearest(pattern, names))  # fmt: skip
        found |= matching
    return found
