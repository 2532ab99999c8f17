"""The report as Markdown, for a pull request: short, and safe against what data may hold.

Whatever comes from data passes through :mod:`...workspace.markdown`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ...workspace.markdown import block, code, table, text
from ...workspace.safe_text import excerpt, name_of
from ..verdicts.judgement import LOSS
from .charts_text import forest_plot
from .contamination import contamination_rows, contamination_sentences
from .course import course_lines
from .observed import NOTHING, base_text, observation_rows
from .summary import overfitting_verdict
from .wording import (
    change_text,
    glyph,
    interval_text,
    p_text,
    score_text,
    signed,
    task_margin_text,
    verdict_text,
)

_MOST_ITEMS = 12
_MOST_TASKS = 100
_WIDTH = 96


def markdown_report(document: Mapping[str, Any]) -> str:
    """Return the report.

    Args:
        document: as :func:`~.report.report_document` makes it.
    """
    tasks = document["tasks"][:_MOST_TASKS]
    left_out = len(document["tasks"]) - len(tasks)
    parts = [
        "# Forgetting report",
        f"**{text(document['headline'])}**",
        _models(document),
        _verdicts(document),
        "## What changed",
        block(forest_plot(tasks, width=_WIDTH)),
        "`│` is no change, `┊` the loss that is accepted; the line is the 95 % paired interval.",
        "## All tasks",
        _tasks(tasks),
        *[f"- {text(sentence)}" for sentence in document.get("left_out") or ()],
        *([f"{left_out} more tasks are in `report.json`."] if left_out else []),
        "## Also measured",
        _observed(document),
        "## Contamination",
        *_contamination(document.get("contamination")),
        "## Lost and gained items",
        *_items(document["items"]),
        "## Overfitting",
        _signals((document.get("overfitting") or {}).get("signals") or ()),
        *_course(document),
        "## Data",
        *_data(document["data"]),
        "## How to repeat it",
        "In the workspace's folder; `settings.toml`, beside this report, has the settings of every "
        "step as they were.",
        block(document["commands"]),
        text(document["sentences"]["engine"]),
        *[f"- {text(problem)}" for problem in document["problems"]],
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _course(document: Mapping[str, Any]) -> list[str]:
    """Return the forgetting curve, where checkpoints were asked."""
    lines = course_lines(document)
    return ["## General ability over the training", block(lines)] if lines else []


def _models(document: Mapping[str, Any]) -> str:
    evaluation, names = document["evaluation"], document["names"]
    return (
        f"base {code(names['base'])} → "
        f"tuned {code(names['tuned'])}, evaluation {code(evaluation['id'])}, "
        f"{text(evaluation['finished'][:10])}"
    )


def _verdicts(document: Mapping[str, Any]) -> str:
    sentences = document["sentences"]
    rows = [
        ("General ability", document.get("overall"), sentences["general"]),
        ("Domain", document.get("domain_gain"), sentences["domain"]),
        ("Overfitting", overfitting_verdict(document), sentences["overfitting"]),
    ]
    return table(
        ["", "verdict", "why"],
        [
            [title, f"{glyph(str(verdict))} **{text(verdict)}**", text(sentence)]
            for title, verdict, sentence in rows
        ],
    )


def _tasks(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return "No tasks were scored."
    return table(
        [
            "task",
            "items",
            "base",
            "tuned",
            "change, 95 % CI",
            "accepted loss",
            "p adj.",
            "lost / gained",
            "verdict",
        ],
        [
            [
                code(task["task"]),
                f"{task['n']:,}",
                score_text(task["kind"], task["base"]),
                score_text(task["kind"], task["tuned"]),
                change_text(task),
                task_margin_text(task),
                text(p_text(task["p_adjusted"])),
                f"{task['lost']:,} / {task['gained']:,}",
                text(verdict_text(task)),
            ]
            for task in tasks
        ],
        right=(1, 2, 3, 4, 5, 6, 7),
    )


def _observed(document: Mapping[str, Any]) -> str:
    rows = observation_rows(document)
    if not rows:
        return NOTHING
    cells = ("tuned", "change", "verdict")
    return table(
        ["measure", "items", "base", "tuned", "change, 95 % CI", "in words"],
        [
            [
                text(row["name"]),
                row["n"],
                text(base_text(row)),
                *(text(row[name]) for name in cells),
            ]
            for row in rows
        ],
        right=(1, 2, 3, 4),
    )


def _contamination(found: Mapping[str, Any] | None) -> list[str]:
    parts = [" ".join(text(sentence) for sentence in contamination_sentences(found))]
    rows = contamination_rows(found)
    if rows:
        cells = ("items", "n", "base", "tuned", "change")
        parts.append(
            table(
                ["task", "items", "n", "base, 95 % CI", "tuned, 95 % CI", "change, 95 % CI"],
                [[code(row["task"]), *(text(row[name]) for name in cells)] for row in rows],
                right=(2, 3, 4, 5),
            )
        )
    return parts


def _items(items: Mapping[str, Any]) -> list[str]:
    chosen = [(task, item) for task in items["tasks"] for item in task["items"]]
    chosen = [entry for entry in chosen if entry[1]["change"] == "lost"][:_MOST_ITEMS]
    if not chosen:
        return [f"{text(items['note'][:1].upper() + items['note'][1:])}."]
    parts = [
        f"{len(chosen)} items that became worse; `report.html` has {text(items['note'])}, "
        "`items.parquet` all."
    ]
    for task, item in chosen:
        lines = [f"prompt:   {_one_line(item['prompt'], 400)}"]
        if item["expected"]:
            lines.append(f"expected: {_one_line(item['expected'], 160)}")
        if task["kind"] == LOSS:
            change = f"{item['base_score']:.3f} → {item['tuned_score']:.3f}"
            lines.append(f"{name_of(task['metric'])}: {change}")
        else:
            lines.append(f"base:     {_one_line(item['base_output'], 240)}")
            lines.append(f"tuned:    {_one_line(item['tuned_output'], 240)}")
        title = f"<summary>{_html_code(task['task'])}, item {_html_code(item['item'])}</summary>"
        parts.append(f"<details>{title}\n\n{block(lines)}\n\n</details>")
    return parts


def _html_code(value: object) -> str:
    """Return a name as HTML, for the line of a fold, in which Markdown does not work."""
    return f"<code>{html.escape(name_of(value))}</code>"


def _one_line(value: str, limit: int) -> str:
    return excerpt(value, limit, keep_line_breaks=False)


def _signals(signals: Sequence[Mapping[str, Any]]) -> str:
    if not signals:
        return "Not available: overfitting was not measured."
    rows = []
    for signal in signals:
        value = signed(signal["value"], 2)
        if signal["ci"]:
            value += f" {interval_text(signal['ci'], digits=2)}"
        verdict = f"{glyph(signal['verdict'])} {signal['verdict']}"
        if not signal["decides"]:
            verdict += " (shown only)"
        rows.append(
            [text(signal["name"]), value, f"{signal['threshold']:.2f}", text(verdict),
             text(signal["text"])]
        )  # fmt: skip
    return table(["signal", "value", "limit", "verdict", ""], rows, right=(1, 2))


def _data(data: Mapping[str, Any]) -> list[str]:
    parts = []
    dataset = data["dataset"]
    if dataset:
        parts.append(
            f"{dataset['rows']:,} rows read, {dataset['set_aside']:,} set aside as unreadable."
        )
    else:
        parts.append("Not available: the audit was not found.")
    removed = [f"{row['rows']:,} by {code(row['check'])}" for row in data["removed"][:20]]
    if removed:
        parts.append(f"Removed: {', '.join(removed)}.")
    split = data["split"] or {}
    if split.get("counts"):
        counts = ", ".join(f"{text(part)} {rows:,}" for part, rows in split["counts"].items())
        certificate = split.get("certificate") or {}
        across = ", ".join(
            f"{name} {certificate[f'{name}_across']}"
            for name in ("exact", "near", "group")
            if f"{name}_across" in certificate
        )
        parts.append(f"Split: {counts}. Duplicates across parts: {across or 'not searched'}.")
    return parts
