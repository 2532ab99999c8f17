"""The ranking of several runs for people: as text, Markdown, JSON and a page."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ...workspace import markdown
from ...workspace.safe_text import name_of
from ..verdicts.judgement import DOMAIN
from .charts import forest_row, forest_scale
from .charts_text import Axis, Change, common_axis
from .page import environment, style_and_hash
from .summary import listed
from .wording import NOT_TOLD, change_text, glyph, interval_text, p_text, signed

_TITLES = {DOMAIN: "domain", "general": "general ability"}
_MOST_PAIRS = 200
_MOST_TASKS = 200
_SHORT_NAME = 40
_TEXT_WIDTH = 100
MEANING = (
    "Domain and general are the mean change from the base over the tasks that count, in points "
    "(losses in percent of the base's), with the 95 % interval. Pairs are compared on the same "
    "items; p is adjusted for all pairs (Holm)."
)


def headline(document: Mapping[str, Any]) -> str:
    """Say who comes first, and from whom it cannot be told."""
    best, *others = [run for run in document["runs"] if run["passes"]] or [None]
    if best is None:
        return f"No run passes the gate, which {stops_on(document)}."
    name = name_of(best["name"])
    if not others:
        return f"{name} is the only run that passes the gate."
    first = f"{name} comes first of {1 + len(others)} runs that pass the gate"
    axis = next((axis for axis in (DOMAIN, "general") if best[axis]), None)
    if axis is None:
        return f"{first}, but nothing was asked that decides."
    passing = {run["name"] for run in others}
    alike = [name_of(run) for run in best["not_told_from"][axis] if run in passing]
    if not alike:
        return f"{first}; by the {_TITLES[axis]} it is better than the others."
    return f"{first}; by the {_TITLES[axis]} it cannot be told from {listed(alike)}."


def stops_on(document: Mapping[str, Any]) -> str:
    """Say what the gate stops on."""
    gate = document["gate"]
    more = ", and where undecided" if gate["undecided"] == "fail" else ""
    return f"stops on {', '.join(gate['fail_on'])}{more}"


def axis_text(change: Mapping[str, Any] | None) -> str:
    """Write a pooled change with its interval, in points."""
    if change is None:
        return NOT_TOLD
    interval = f" {interval_text(change['ci'], 100)}" if change["ci"] else ""
    return signed(100 * change["delta"]) + interval


def rivals_text(document: Mapping[str, Any]) -> str:
    """Return the ranking for a terminal."""
    rows = [
        [
            f"{run['place']}.",
            name_of(run["name"])[:_SHORT_NAME],
            _gate_text(run),
            axis_text(run[DOMAIN]),
            axis_text(run["general"]),
        ]
        for run in document["runs"]
    ]
    pairs = [
        [
            _TITLES[pair["axis"]],
            f"{name_of(pair['first'])[:_SHORT_NAME]} − {name_of(pair['second'])[:_SHORT_NAME]}",
            axis_text(pair),
            f"p {p_text(pair['p_adjusted'])}",
            apart_text(pair),
        ]
        for pair in document["pairs"][:_MOST_PAIRS]
    ]
    return "\n".join(
        [
            headline(document),
            "",
            *_columns([["", "run", "gate", "domain", "general"], *rows]),
            "",
            *_columns(pairs),
            *_left_out(document),
            "",
            *textwrap.wrap(MEANING, _TEXT_WIDTH),
        ]
    )


def _lost(run: Mapping[str, Any], written: Callable[[str], str]) -> list[str]:
    """Name the tasks that forgot, and those that look broken."""
    broken = [f"{written(task)} (broken)" for task in run["broken"]]
    return [*(written(task) for task in run["forgot"]), *broken]


def rivals_markdown(document: Mapping[str, Any]) -> str:
    """Return the ranking as Markdown."""
    ranking = markdown.table(
        ["", "run", "gate", "domain, 95 % CI", "general, 95 % CI", "forgot"],
        [
            [
                str(run["place"]),
                markdown.code(run["name"]),
                markdown.text(_gate_text(run)),
                axis_text(run[DOMAIN]),
                axis_text(run["general"]),
                ", ".join(_lost(run, markdown.code)) or NOT_TOLD,
            ]
            for run in document["runs"]
        ],
        right=(0, 3, 4),
    )
    pairs = markdown.table(
        ["", "pair", "difference, 95 % CI", "p adj.", ""],
        [
            [
                _TITLES[pair["axis"]],
                f"{markdown.code(pair['first'])} − {markdown.code(pair['second'])}",
                axis_text(pair),
                markdown.text(p_text(pair["p_adjusted"])),
                apart_text(pair),
            ]
            for pair in document["pairs"][:_MOST_PAIRS]
        ],
        right=(2, 3),
    )
    tasks = markdown.table(
        ["task", *[markdown.code(run["name"]) for run in document["runs"]]],
        [
            [
                markdown.code(task["task"]),
                *[
                    f"{change_text({**task, **run})} {glyph(run['verdict'])} "
                    f"{markdown.text(run['verdict'])}"
                    for run in task["runs"]
                ],
            ]
            for task in document["tasks"][:_MOST_TASKS]
        ],
    )  # fmt: skip
    parts = [
        "# Comparison of runs",
        f"**{markdown.text(headline(document))}**",
        f"Base {markdown.code(document['base'])}; the gate {stops_on(document)}.",
        ranking,
        "## What can be told apart",
        pairs,
        *_left_out(document),
        "## All tasks",
        tasks,
        MEANING,
        *[f"- {markdown.text(problem)}" for problem in document["problems"]],
    ]
    return "\n\n".join(parts) + "\n"


def rivals_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON, in ASCII."""
    return json.dumps({**document, "headline": headline(document)}, indent=2) + "\n"


def rivals_html(document: Mapping[str, Any]) -> str:
    """Return the ranking as one page: no script, nothing loaded from anywhere."""
    style, style_hash = style_and_hash()
    return environment().get_template("rivals.html").render(
        document=document,
        headline=headline(document),
        gate=stops_on(document),
        meaning=MEANING,
        plots=[_plot(document, axis) for axis in (DOMAIN, "general")],
        runs=[
            {**run, "name": name_of(run["name"]), "gate": _gate_text(run),
             "forgot": listed(_lost(run, name_of)) or NOT_TOLD}
            for run in document["runs"]
        ],
        pairs=[
            {"axis": _TITLES[pair["axis"]], "first": name_of(pair["first"]),
             "second": name_of(pair["second"]), "change": axis_text(pair),
             "p": p_text(pair["p_adjusted"]), "words": apart_text(pair)}
            for pair in document["pairs"][:_MOST_PAIRS]
        ],
        tasks=[
            {"task": name_of(task["task"]),
             "runs": [{"change": change_text({**task, **run}), "verdict": run["verdict"]}
                      for run in task["runs"]]}
            for task in document["tasks"][:_MOST_TASKS]
        ],
        left_out=_left_out(document),
        style=style,
        style_hash=style_hash,
    )  # fmt: skip


def apart_text(pair: Mapping[str, Any]) -> str:
    """Say whether two runs can be told apart."""
    if not pair["told_apart"]:
        return "cannot be told apart"
    return "better" if pair["delta"] > 0 else "worse"


def _plot(document: Mapping[str, Any], axis: str) -> dict[str, Any]:
    """Return the runs of an axis as rows of a forest plot."""
    changes = [_chart_change(run[axis]) for run in document["runs"]]
    scale = common_axis(changes)
    rows = [
        _plot_row(run, axis, change, scale)
        for run, change in zip(document["runs"], changes, strict=True)
    ]
    return {"title": _TITLES[axis].capitalize(), "rows": rows, "scale": forest_scale(scale)}


def _plot_row(
    run: Mapping[str, Any], axis: str, change: Change, scale: Axis
) -> dict[str, str | Markup]:
    name, words = name_of(run["name"]), axis_text(run[axis])
    verdict = run["domain_gain"] if axis == DOMAIN else run["overall"]
    label = f"{name}: change {words}, 95 % interval in brackets, {verdict}"
    chart = forest_row(change, scale, verdict=verdict, label=label, pooled=False)
    return {"name": name, "chart": chart, "change": words, "verdict": verdict}


def _chart_change(change: Mapping[str, Any] | None) -> Change:
    if change is None:
        return Change(None, None, None, 0.0)
    low, high = [100 * end for end in change["ci"]] if change["ci"] else (None, None)
    return Change(100 * change["delta"], low, high, 0.0)


def _gate_text(run: Mapping[str, Any]) -> str:
    words = [f"general {run['overall']}", f"overfitting {run['overfitting']}"]
    return f"{'✔ passes' if run['passes'] else '✖ stopped'}: {', '.join(words)}"


def _left_out(document: Mapping[str, Any]) -> list[str]:
    """Say what is only in the JSON."""
    sizes = {"pairs": _MOST_PAIRS, "tasks": _MOST_TASKS}
    return [
        f"{len(document[name]) - most:,} more {name} are in comparison.json."
        for name, most in sizes.items()
        if len(document[name]) > most
    ]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align cells, each column as wide as its longest."""
    if not rows:
        return ["There is nothing that both of a pair were asked and that decides."]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
