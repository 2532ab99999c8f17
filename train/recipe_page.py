"""The keys of a recipe as a page for readers, made from the keys themselves."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from .recipe import KEY_GROUPS

BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"


def key_tables() -> str:
    """Return every key of a recipe in Markdown: its values, default and reason, by group."""
    return "\n".join(_table(group) for group in KEY_GROUPS)


def with_key_tables(page: str) -> str:
    """Return a page with the tables between its two marks made anew.

    Raises:
        ValueError: the page lacks one of the marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{key_tables()}\n{END}{tail}"


def _table(group: type[Any]) -> str:
    lines = [
        f"### {(group.__doc__ or '').strip().rstrip('.')}",
        "",
        "| key | values | default | what it does |",
        "|---|---|---|---|",
    ]
    for name, field in group.model_fields.items():
        cells = (
            f"`{name}`",
            _values(field.annotation),
            _default(field.default),
            str(field.description),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _values(annotation: Any) -> str:
    """Write a type as a reader of TOML would."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is tuple:
        return f"list of {_values(parts[0])}"
    if get_origin(annotation) is dict:
        return f"table of {_values(parts[1])}"
    if parts:
        return " or ".join(_values(part) for part in parts)
    names = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return names.get(annotation, str(annotation))


def _default(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
    return f"`{value}`"
