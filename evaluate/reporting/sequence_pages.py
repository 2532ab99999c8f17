"""A sequence of trainings for people: as text, Markdown, JSON and a page."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from ...workspace import markdown
from ...workspace.safe_text import name_of
from .page import environment, style_and_hash
from .wording import NOT_TOLD, interval_text, p_text, signed

_WIDTH = 100
MEANING = (
    "Rows are models, columns domains: the share of right answers in percent, on the same items in "
    "a column, with its 95 % interval. Backward transfer is the change on earlier domains since "
    "they were learned (Lopez-Paz and Ranzato 2017), forgetting the loss since each was known best "
    "(Chaudhry et al. 2018; the best is chosen by these items, so it looks a little large), "
    "forward transfer what the trainings before a domain's own brought to it, against the base."
)
_NAMES = {
    "average_accuracy": "average accuracy",
    "backward_transfer": "backward transfer",
    "forgetting": "forgetting",
    "forward_transfer": "forward transfer",
}


def headline(document: Mapping[str, Any]) -> str:
    """Say whether the earlier domains were kept."""
    count = len(document["runs"])
    found = document["backward_transfer"]
    if found is None:
        return f"{count} trainings; evaluations are missing, so it is not known what was forgotten."
    ci = found["ci"]
    change = f"{signed(100 * found['value'])} points{' ' + interval_text(ci, 100) if ci else ''}"
    if found["p"] is not None and found["p"] < 0.05:
        word = "forgot" if found["value"] < 0 else "improved"
        return f"Later trainings {word} earlier domains: {change}."
    return f"No change of earlier domains is proved: {change}."


def measure_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """Return the measures as texts: name, value with interval, p."""
    rows = []
    for key, name in _NAMES.items():
        found = document[key]
        if found is None:
            why = "evaluations are missing"
            if key == "forward_transfer":
                why = "it takes base and models on domains that they had not learned yet"
            rows.append([name, f"not known: {why}", ""])
            continue
        plain = key == "average_accuracy"
        value = f"{100 * found['value']:.1f}" if plain else signed(100 * found["value"])
        rows.append([
            name,
            f"{value}{_interval(found['ci'], signs=not plain)}",
            "" if found["p"] is None else f"p {p_text(found['p'])}",
        ])  # fmt: skip
    return rows


def matrix_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """Return the matrix as texts: the model, then its score on every domain."""
    return [
        [
            name_of(row["after"]) if row["after"] == "base" else f"after {name_of(row['after'])}",
            *(
                f"{100 * cell['value']:.1f}{_interval(cell['ci'])}" if cell else NOT_TOLD
                for cell in row["scores"]
            ),
        ]
        for row in document["matrix"]
    ]


def domain_names(document: Mapping[str, Any]) -> list[str]:
    """Return the columns' names: each domain by the run that learned it."""
    return [f"{name_of(run['run'])} ({run['items']:,} items)" for run in document["runs"]]


def sequence_text(document: Mapping[str, Any]) -> str:
    """Return the sequence for a terminal."""
    table = [["", *domain_names(document)], *matrix_rows(document)]
    return "\n".join(
        [
            headline(document),
            "",
            *_columns(table),
            "",
            *_columns(measure_rows(document)),
            "",
            *textwrap.wrap(MEANING, _WIDTH),
            *[f"note: {note}" for note in document["notes"]],
            *(["", "missing:"] if document["missing"] else []),
            *[f"  {one['command']}" for one in document["missing"]],
        ]
    )


def sequence_markdown(document: Mapping[str, Any]) -> str:
    """Return the sequence as Markdown."""
    columns = [markdown.code(name) for name in domain_names(document)]
    missing = [one["command"] for one in document["missing"]]
    parts = [
        "# Sequence of trainings",
        f"**{markdown.text(headline(document))}**",
        markdown.table(["", *columns], [
            [markdown.text(cell) for cell in row] for row in matrix_rows(document)
        ]),
        markdown.table(["measure", "points, 95 % CI", ""], [
            [markdown.text(cell) for cell in row] for row in measure_rows(document)
        ]),
        MEANING,
        *[f"- {markdown.text(note)}" for note in document["notes"]],
        *(["## Missing evaluations", markdown.block(missing)] if missing else []),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def sequence_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON, in ASCII."""
    return json.dumps({**document, "headline": headline(document)}, indent=2) + "\n"


def sequence_html(document: Mapping[str, Any]) -> str:
    """Return the sequence as one page: no script, nothing loaded from anywhere."""
    style, style_hash = style_and_hash()
    return environment().get_template("sequence.html").render(
        headline=headline(document),
        meaning=MEANING,
        domains=domain_names(document),
        matrix=matrix_rows(document),
        measures=measure_rows(document),
        notes=document["notes"],
        missing=[one["command"] for one in document["missing"]],
        style=style,
        style_hash=style_hash,
    )  # fmt: skip


def _interval(ci: tuple[float, float] | None, *, signs: bool = False) -> str:
    if ci is None:
        return ""
    if signs:
        return f" {interval_text((ci[0], ci[1]), 100)}"
    return f" [{100 * ci[0]:.1f}, {100 * ci[1]:.1f}]"


def _columns(rows: list[list[str]]) -> list[str]:
    """Align cells, each column as wide as its longest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
