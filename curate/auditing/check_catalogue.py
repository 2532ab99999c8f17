"""The list of checks for readers: as data, and as the page ``docs/checks.md``.

What a check measures, its evidence and its limits are said where it is written, in the docstring
of its module; everything else is taken from the check itself. So the page cannot say otherwise.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from .checking import AnyCheck

_ROLE = re.compile(r":\w+:`[~.]*([^`]+)`")
_CODE = re.compile(r"``([^`]+)``")
_SECTION = re.compile(r"(Evidence|Fix|Limits): ")


def describe_check(check: AnyCheck) -> dict[str, Any]:
    """Return what is to be known about a check, as JSON values."""
    return {
        "check": check.name,
        "dimension": check.dimension,
        "title": check.title,
        "severity": check.severity.value,
        "fix": check.fix.value,
        "about": documentation(check),
        "extra": None if check.extra is None else check.extra.name,
        "parameters": {
            name: {"default": parameter.default, "reason": parameter.reason}
            for name, parameter in check.parameters.items()
        },
    }


def documentation(check: AnyCheck) -> str:
    """Return what the module of a check says about it, as plain text.

    A rule of the settings has no module of its own; its message says what there is to say.
    """
    if isinstance(check.find, partial):
        return check.title
    module = sys.modules[check.find.__module__]
    return inspect.cleandoc(module.__doc__ or check.title)


def catalogue_page(checks: Sequence[AnyCheck]) -> str:
    """Write the page of all checks in Markdown."""
    lines = [
        "# Checks",
        "",
        "What `tunewise audit` looks for. This page is made by `tunewise checks --markdown` from "
        "the checks",
        "themselves. Severities and parameters are settable in `tunewise.toml`:",
        "",
        "```toml",
        "[audit]",
        'severity = { "text/html" = "medium" }',
        'parameters = { "duplicates/near" = { threshold = 0.9 } }',
        "```",
        "",
        "Checks of your own: [custom_checks.md](custom_checks.md).",
    ]
    for dimension in dict.fromkeys(check.dimension for check in checks):
        lines += ["", f"## {dimension}"]
        for check in checks:
            if check.dimension == dimension:
                lines += ["", *_entry(check)]
    return "\n".join(lines)


def _entry(check: AnyCheck) -> Iterable[str]:
    yield f"### {check.name}"
    yield ""
    needs = f" · needs `pip install 'tunewise[{check.extra.name}]'`" if check.extra else ""
    yield f"*{check.title}* · severity **{check.severity}** · fix **{check.fix}**{needs}"
    yield ""
    yield _as_markdown(documentation(check))
    if check.parameters:
        yield ""
        yield "| parameter | default | why |"
        yield "|---|---|---|"
        for name, parameter in check.parameters.items():
            yield f"| `{name}` | `{parameter.default!r}` | {parameter.reason} |"


def _as_markdown(text: str) -> str:
    """Turn a docstring's reStructuredText into Markdown: roles, code, and the parts' names."""
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", text)
    return _SECTION.sub(r"**\1.** ", _CODE.sub(r"`\1`", text))
