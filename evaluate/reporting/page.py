"""The report as one page of HTML: no script, nothing loaded from anywhere, under 3 MB."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...workspace.safe_text import excerpt, name_of
from ..verdicts.judgement import DOMAIN, LOSS
from .charts import forest_row, forest_scale, loss_chart, signal_row
from .charts_text import Axis, Change, change_of, common_axis
from .contamination import contamination_rows, contamination_sentences
from .course import course_chart, course_sentences
from .items import shown_note
from .observed import NOTHING, confusion_tables, observation_rows
from .summary import overfitting_verdict
from .wording import (
    NOT_TOLD,
    change_text,
    glyph,
    interval_text,
    p_text,
    score_text,
    signed,
    task_margin_text,
)

LARGEST_BYTES = 3_000_000
MOST_TASKS = 400
_FOLDER = Path(__file__).resolve().parent
_POOL = "all together"
_LONGEST_TEXT = 6_000


@dataclass(frozen=True, slots=True)
class _ForestRow:
    name: str
    chart: Markup
    change: str
    verdict: str
    pooled: bool
    decides: bool


@dataclass(frozen=True, slots=True)
class _Forest:
    """The plot of one suite."""

    group: str
    rows: Sequence[_ForestRow]
    scale: Markup
    unit: str


def html_report(document: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        document: as :func:`~.report.report_document` makes it. Where its items would make the
            page larger than 3 MB, fewer are shown, and the page says so.
    """
    template = environment().get_template("page.html")
    style, style_hash = style_and_hash()
    page = ""
    for most in (None, 40, 10, 0):
        page = template.render(**_view(document, most), style=style, style_hash=style_hash)
        if len(page.encode("utf-8")) <= LARGEST_BYTES:
            break
    return page


def environment() -> Environment:
    """Return the templates' surroundings: every value is escaped and made harmless."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        glyph=glyph,
        p=p_text,
        signed=signed,
        count=lambda value: f"{value:,}" if isinstance(value, int) else value,
        score=_answer_score,
        pretty=lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
        css_class=lambda verdict: "".join(
            letter if letter.isalpha() else "-" for letter in str(verdict).lower()
        ),
    )
    return environment


def _answer_score(score: float) -> str:
    """Say whether an answer was right; other scores as they are."""
    words = {0.0: "✖ wrong", 1.0: "✔ right"}
    return words.get(score, f"{score:.3f}")


def _finalize(value: object) -> object:
    """Make every value harmless at the one place through which all of them pass."""
    if value is None:
        return NOT_TOLD
    return value if isinstance(value, Markup) else excerpt(value, _LONGEST_TEXT)


def style_and_hash() -> tuple[Markup, str]:
    """Return the page's own style sheet, and the fingerprint by which it alone is allowed."""
    style = Markup((_FOLDER / "page.css").read_text(encoding="utf-8"))
    digest = hashlib.sha256(style.encode("utf-8")).digest()
    return style, f"sha256-{base64.b64encode(digest).decode()}"


def _view(document: Mapping[str, Any], most_items: int | None) -> dict[str, Any]:
    """Turn the document into what the template shows."""
    tasks = [_named(task) for task in document["tasks"][:MOST_TASKS]]
    verdicts = [
        ("General ability", document.get("overall"), document["sentences"]["general"]),
        ("Domain", document.get("domain_gain"), document["sentences"]["domain"]),
        ("Overfitting", overfitting_verdict(document), document["sentences"]["overfitting"]),
    ]
    training = document["training"]
    return {
        "document": document,
        "names": document["names"],
        "verdicts": verdicts,
        "forests": [
            _forest(group, tasks, [_named(pool) for pool in document.get("pools") or ()])
            for group in dict.fromkeys(task["group"] for task in tasks)
        ],
        "tasks": [_task_row(task) for task in tasks],
        "left_out": document.get("left_out") or (),
        "tasks_left_out": len(document["tasks"]) - len(tasks),
        "contamination": {
            "sentences": contamination_sentences(document.get("contamination")),
            "rows": [_named(row) for row in contamination_rows(document.get("contamination"))],
        },
        "observed": observation_rows(document),
        "nothing_observed": NOTHING,
        "confusions": confusion_tables(document),
        "items": _fewer_items(document["items"], most_items),
        "signals": [_signal(signal) for signal in _signals(document)],
        "curve": loss_chart(document["curve"], training["kept_step"] if training else None),
        "course": course_chart(document.get("course")),
        "course_sentences": course_sentences(document.get("course")),
        "data": document["data"],
        "training": training,
        "certificate": _certificate(document["data"]),
    }


def _named(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task or a pool with names that a page can bear."""
    return {
        key: name_of(value) if key in ("task", "group", "metric") else value
        for key, value in entry.items()
    }


def _forest(
    group: str, tasks: Sequence[Mapping[str, Any]], pools: Sequence[Mapping[str, Any]]
) -> _Forest:
    members = [task for task in tasks if task["group"] == group]
    changes = [change_of(task) for task in members]
    pool = next((pool for pool in pools if pool["group"] == group), None)
    pooled = _pool_change(pool) if pool and pool["tasks"] > 1 else None
    axis = common_axis([*changes, *([pooled] if pooled else [])])
    rows = [
        _forest_row(
            task["task"],
            change,
            axis,
            task["verdict"],
            change_text(task),
            decides=task.get("decides", True),
        )
        for task, change in zip(members, changes, strict=True)
    ]
    if pool and pooled:
        text = f"{signed(pooled.value)} {interval_text(pool['ci'], 100) if pool['ci'] else ''}"
        rows.append(_forest_row(_POOL, pooled, axis, pool["verdict"], text, pooled=True))
    losses = any(task["kind"] == LOSS for task in members)
    unit = "points; losses in percent of the base's" if losses else "points"
    title = "Domain" if group == DOMAIN else group.capitalize()
    return _Forest(title, rows, forest_scale(axis), unit)


def _forest_row(
    name: str,
    change: Change,
    axis: Axis,
    verdict: str,
    text: str,
    *,
    pooled: bool = False,
    decides: bool = True,
) -> _ForestRow:
    label = f"{name}: change {text}, 95 % interval in brackets, {verdict}"
    chart = forest_row(change, axis, verdict=verdict, label=label, pooled=pooled)
    return _ForestRow(name, chart, text, verdict, pooled, decides)


def _pool_change(pool: Mapping[str, Any]) -> Change | None:
    if pool["delta"] is None:
        return None
    low, high = [100 * end for end in pool["ci"]] if pool["ci"] else (None, None)
    return Change(100 * pool["delta"], low, high, 100 * pool["margin"])


def _task_row(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a task in the table, as texts."""
    retention, interval = task.get("retention"), task.get("retention_ci")
    kept = NOT_TOLD if retention is None else f"{100 * retention:.0f} %"
    if interval:
        kept += f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"
    return {
        "task": task["task"],
        "group": task["group"],
        "metric": task["metric"],
        "n": f"{task['n']:,}",
        "clusters": task.get("clusters"),
        "base": score_text(task["kind"], task["base"]),
        "tuned": score_text(task["kind"], task["tuned"]),
        "change": change_text(task),
        "margin": task_margin_text(task),
        "p": p_text(task["p_adjusted"]),
        "flips": f"{task['lost']:,} / {task['gained']:,}",
        "retention": kept,
        "verdict": task["verdict"],
        "words": f"{glyph(task['verdict'])} {task['verdict']}",
        "decides": task.get("decides", True),
        "note": task.get("note") or "",
    }


def _signals(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (document.get("overfitting") or {}).get("signals") or ()


def _signal(signal: Mapping[str, Any]) -> dict[str, Any]:
    value, ci = signal["value"], signal["ci"]
    chart = None
    text = NOT_TOLD
    if value is not None:
        text = f"{signed(value, 2)} {interval_text(ci, digits=2) if ci else ''}".strip()
        label = f"{signal['name']}: {text}, threshold {signal['threshold']:.2f}"
        chart = signal_row(value, ci, signal["threshold"], verdict=signal["verdict"], label=label)
    return {**signal, "chart": chart, "shown": text}


def _fewer_items(items: Mapping[str, Any], most: int | None) -> Mapping[str, Any]:
    """Leave out items beyond a number, and say so."""
    if most is None or items["shown"] <= most:
        return items
    tasks, room = [], most
    for task in items["tasks"]:
        kept = task["items"][:room]
        room -= len(kept)
        if kept:
            tasks.append({**task, "items": kept})
    shown = most - room
    note = f"{shown_note(tasks, items['changed'])}, to keep the page small"
    return {**items, "tasks": tasks, "shown": shown, "note": note}


def _certificate(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what the search for leaks between the parts found."""
    certificate = (data.get("split") or {}).get("certificate") or {}
    names = {
        "exact_across": "exact duplicates across parts",
        "near_across": "near-duplicates across parts",
        "group_across": "groups across parts",
    }
    return [(title, certificate[name]) for name, title in names.items() if name in certificate]
