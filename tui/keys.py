"""Keys that a person may change: every binding of the app has a name, the name of its action."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.binding import Binding, BindingType

from ..workspace.nearest import nearest


def key_name(action: str) -> str:
    """Return the name by which an action's key can be changed.

    Example:
        >>> key_name("place('data')"), key_name("app.audit"), key_name("step(-1)")
        ('place_data', 'audit', 'step_back')
    """
    text = action.rpartition("app.")[2].replace("(-1)", "_back").replace("(1)", "")
    return re.sub(r"\W+", "_", text).strip("_")


def named(*bindings: Binding) -> list[BindingType]:
    """Give bindings the names of their actions."""
    return [replace(binding, id=key_name(binding.action)) for binding in bindings]


def names_of(classes: Iterable[type]) -> dict[str, Binding]:
    """Return the bindings of widgets by name, those that are inherited too.

    Args:
        classes: of widgets, with ``BINDINGS``.
    """
    found: dict[str, Binding] = {}
    for kind in classes:
        for parent in reversed(kind.__mro__):
            for binding in vars(parent).get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.id is not None:
                    found.setdefault(binding.id, binding)
    return found


def unknown_keys(keys: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """Say of every name that is none what it may have been meant to be."""
    names = list(known)
    return [f"[app] keys: {name!r}; {nearest(name, names)}" for name in keys if name not in names]
