"""The places as plain text, for screen readers, pipes and logs: words and numbers, no drawings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
from rich.text import Text

from ...evaluate.reporting.summary import headline
from ...workspace.artifact import Workspace
from ..places.data_place import checks_text, content_text, gravest_text, lengths_text, quality_text
from ..places.report_place import explanation_text, forest_text, models_text, verdict_text
from ..records.file import read_page
from ..records.item_rows import read_flips
from ..snapshot import Snapshot, take_snapshot
from .findings import findings_text
from .marks import plain
from .run import facts_text, supervision_text
from .split import certificate_text, labels_text, parts_text

_WIDTH = 100
_RECORDS, _ITEMS = 20, 20
_DRAWN = re.compile(r"[├─┤]+●[─┤]*|●[─┤]+|[█▏▎▍▌▋▊▉▁▂▃▄▅▆▇─│├┤┊\u2800-\u28ff]+")


def plain_place(workspace: Workspace, place: str, source: Path | None = None) -> str:
    """Return what a place shows as text without drawings.

    Args:
        workspace: what is shown.
        place: its name, such as ``findings``.
        source: the dataset to show; the one audited last where it is None.
    """
    snapshot = take_snapshot(workspace, source)
    parts = [*_PLACES[place](snapshot), *(Text(problem) for problem in snapshot.problems)]
    text = "\n\n".join(_spoken(part) for part in parts)
    return text or "nothing yet: tunewise audit DATA"


def _spoken(text: Text) -> str:
    """Return a text without what is only drawn, and without the room that it took."""
    lines = (re.sub(r"[ ]{2,}", "  ", _DRAWN.sub("", line)).rstrip()
             for line in text.plain.splitlines())  # fmt: skip
    return "\n".join(line for line in lines if line.strip())


def _data(snapshot: Snapshot) -> Iterator[Text]:
    if (audit := snapshot.audit) is not None:
        yield Text(f"{audit.name}: {audit.rows:,} rows, {audit.kind}")
        for make in (quality_text, lengths_text, content_text, gravest_text, checks_text):
            yield make(audit)


def _findings(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.audit is not None:
        yield findings_text(snapshot.audit, snapshot.decisions)


def _records(snapshot: Snapshot) -> Iterator[Text]:
    if (audit := snapshot.audit) is not None:
        yield Text(f"{audit.records:,} records; the first {min(_RECORDS, audit.records)}:")
        rows = read_page(audit.records_path, 0, _RECORDS)
        for item in rows.iter_rows(named=True):
            label = f" label {item['label']}" if item["label"] else ""
            yield plain(f"row {item['row']:,}{label}: {item['text'] or ''}")
        yield Text("all of one check: tunewise findings latest --check CHECK")


def _splits(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.split is not None:
        content = snapshot.split.content
        yield parts_text(content)
        yield certificate_text(content.get("certificate") or {})
        yield labels_text(content.get("by_label") or [])


def _train(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.train is not None:
        yield facts_text(snapshot.train.content)
        yield supervision_text(snapshot.train.content)


def _bench(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.evaluate is not None:
        for task in snapshot.evaluate.content["tasks"]:
            base, tuned = task["base"], task["tuned"]
            yield plain(
                f"{task['task']}: {task['n']:,} items, {task['metric']}, base {base:.3f}, "
                f"tuned {tuned:.3f}: {task['verdict']}"
            )


def _report(snapshot: Snapshot) -> Iterator[Text]:
    document = snapshot.evaluate
    if document is None:
        return
    yield models_text(snapshot.models)
    yield verdict_text(document.content)
    yield forest_text(document.content, _WIDTH)
    yield explanation_text(document.content)
    flips = read_flips(document.folder / "items.parquet", document.content["tasks"])
    yield Text(flips.summary())
    for position in range(min(_ITEMS, len(flips))):
        item = flips.item(position)
        change = "lost" if item["change"] == "lost" else "gained"
        yield plain(f"{change} {item['task']} {item['item']}: {item['prompt'] or ''}")


def summary(workspace: Workspace, source: Path | None = None) -> str:
    """Return the workspace in a few lines: data, and the verdict where there is one."""
    snapshot = take_snapshot(workspace, source)
    parts = [_spoken(part) for part in [*_data(snapshot)][:2]]
    if snapshot.audit is not None:
        parts.append(_spoken(gravest_text(snapshot.audit)))
    if snapshot.evaluate is not None:
        parts += [_spoken(verdict_text(snapshot.evaluate.content))]
        parts.append(headline(snapshot.evaluate.content))
    return "\n\n".join(parts) or "nothing yet: tunewise audit DATA"


_PLACES: dict[str, Callable[[Snapshot], Iterator[Text]]] = {
    "data": _data,
    "findings": _findings,
    "records": _records,
    "splits": _splits,
    "train": _train,
    "bench": _bench,
    "report": _report,
}
READ_ERRORS = (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError)
