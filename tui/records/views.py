"""What the Records place lists and reads: by query a listing, by row a text or a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from rich.text import Text

from ...workspace.artifact import Workspace
from ...workspace.safe_text import safe_text
from ..texts.audit_view import AuditView
from ..texts.beside_item import beside_item
from ..texts.differences import Comparison, mark_differences
from ..texts.marks import BAD, marks, plain, styled
from ..texts.reading import record_as_plain_text, record_text, set_aside_text
from ..widgets.listing import RecordPages
from .arranging import FEW_RECORDS, list_path, make_list, read_listed
from .file import (
    LONGEST,
    ROW,
    SHORTEST,
    arranged,
    count_records,
    hits_of_row,
    position_of_row,
    read_hits,
    read_page,
    read_record,
    read_set_aside,
)
from .hit_rows import HitRows

READ_ERRORS = (OSError, pl.exceptions.PolarsError)
EARLIER, BENCHMARK = "duplicates/earlier", "contamination/benchmark"


@dataclass(frozen=True, slots=True)
class Query:
    """What is listed: one check's hits, or all records that hold a text, in some order."""

    check: str = ""
    severity: str = ""
    text: str = ""
    order: str = ROW
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A record that was read, as text or beside its pair."""

    text: Text
    record: Mapping[str, Any] | None = None
    comparison: Comparison | None = None


def make_listing(
    workspace: Workspace, audit: AuditView, query: Query, cancelled: Callable[[], bool]
) -> tuple[HitRows | RecordPages, int]:
    """Read what a query lists, with the page that shows first, and where the cursor belongs.

    Args:
        workspace: where lists of very many records are kept.
        audit: whose records.
        query: what is wanted.
        cancelled: looked at while another process searches or sorts.

    Raises:
        OSError: another process could not make the list.
    """
    if query.check:
        return HitRows(query.check, read_hits(audit.findings_path, query.check, query.severity)), 0
    names = ["row", "text"]
    if audit.labels:
        names.insert(1, "label")
    if query.order in (LONGEST, SHORTEST):
        names.insert(1, "characters")
    number, read = _lines(workspace, audit, query, cancelled)
    pages = RecordPages(number, read, names, last_row=audit.rows)
    cursor = 0
    if query.row is not None and query.order == ROW and not query.text:
        cursor = position_of_row(audit.records_path, query.row)
    if number:
        pages.load(pages.page_of(cursor))
    return pages, cursor


def _lines(
    workspace: Workspace, audit: AuditView, query: Query, cancelled: Callable[[], bool]
) -> tuple[int, Callable[[int, int], pl.DataFrame]]:
    """Return how many lines a list of records has, and what reads them."""
    records = audit.records_path
    if query.order == ROW and not query.text:
        return count_records(records), partial(read_page, records)
    if audit.records <= FEW_RECORDS:
        frame = arranged(records, query.order, query.text).collect()
        return len(frame), frame.slice
    path = list_path(workspace, audit.id, query.order, query.text)
    problem = make_list(records, query.order, query.text, path, cancelled)
    if problem:
        raise OSError(problem)
    return count_records(path), partial(read_listed, path)


def make_reading(
    audit: AuditView,
    row: int | None,
    hit: Mapping[str, Any] | None,
    assignments: Path | None = None,
) -> Reading:
    """Read a record; beside its pair, or the benchmark item in it, where the hit names one.

    Args:
        audit: the audit.
        row: of the source; None for a finding about the whole dataset.
        hit: the finding whose row it is.
        assignments: which part of the split each row is in, where there is a split of these rows.
    """
    if row is None:
        message = (hit or {}).get("message") or ""
        return Reading(styled("about the whole dataset\n\n", "bold").append_text(plain(message)))
    record = read_record(audit.records_path, row)
    hits = hits_of_row(audit.findings_path, row)
    if record is None:
        item = read_set_aside(audit.artifact.folder / "set_aside.parquet", row)
        if item is None:
            return Reading(styled(f"row {row:,} is not in this audit", BAD))
        return Reading(set_aside_text(item, hits))
    if hit is not None and hit["related_row"] is not None:
        other = read_record(audit.records_path, hit["related_row"])
        if other is not None:
            parts = _parts(assignments, (row, hit["related_row"]))
            return Reading(Text(), record, _compare_records(record, other, hit, parts))
    if hit is not None and (beside := _benchmark_item(audit, record, hit)) is not None:
        return Reading(Text(), record, beside)
    if hit is not None and (other := _earlier_record(audit, hit)) is not None:
        title = f"earlier {safe_text(hit['related'])}"
        return Reading(Text(), record, _compare_records(record, other, hit, {}, title))
    return Reading(record_text(record, hits), record)


def _earlier_record(audit: AuditView, hit: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record of an earlier audit that a hit names, if it names one."""
    if hit["check"] != EARLIER:
        return None
    # The search among texts takes a while to import.
    from ...curate.auditing.earlier import earlier_records

    return earlier_records(audit.artifact.folder, [hit["related"]]).get(hit["related"])


def _benchmark_item(
    audit: AuditView, record: Mapping[str, Any], hit: Mapping[str, Any]
) -> Comparison | None:
    """Return the benchmark item that a hit names beside the row, if it names one."""
    if hit["check"] != BENCHMARK:
        return None
    # The search for contamination takes a while to import.
    from ...curate.auditing.item_evidence import item_evidence

    evidence = item_evidence(audit.artifact.folder, [hit]).get((hit["row"], hit["related"]))
    return None if evidence is None else beside_item(record, evidence, hit, _title(record))


def _parts(assignments: Path | None, rows: tuple[int, ...]) -> dict[int, str]:
    """Return the part of the split that each row is in."""
    if assignments is None or not assignments.is_file():
        return {}
    found = pl.scan_parquet(assignments).filter(
        pl.col("row").is_in(rows) & (pl.col("component") >= 0)
    )
    return dict(found.select("row", "part").collect().iter_rows())


def _compare_records(
    record: Mapping[str, Any],
    other: Mapping[str, Any],
    hit: Mapping[str, Any],
    parts: Mapping[int, str],
    title: str = "",
) -> Comparison:
    """Put two records beside each other.

    Args:
        record: the one.
        other: the other.
        hit: the finding that names both.
        parts: of the split, by row.
        title: of the other; by its row where it is empty.
    """
    left, right = mark_differences(record_as_plain_text(record), record_as_plain_text(other))
    # A dropped row is the copy; what it is a copy of stays.
    kept = f"  {marks().keep} keep" if hit["fix"] == "drop" else ""
    here, there = parts.get(record["row"], ""), parts.get(other["row"], "")
    if here and there and here != there:
        there += f" {marks().arrow} crosses splits"
    return Comparison(_title(record, here), left, (title or _title(other, there)) + kept, right)


def _title(record: Mapping[str, Any], part: str = "") -> str:
    label = f"  label {safe_text(record['label'])}" if record["label"] else ""
    return f"row {record['row']:,}{label}" + (f"  {part}" if part else "")


def trouble(error: Exception) -> Text:
    """Say that the audit's files cannot be read, and what to do."""
    return styled(f"{marks().bad} ", BAD).append_text(
        plain(f"cannot read the audit's files; press r to audit again. {error}", BAD)
    )
