"""`tunewise findings`: the hits of an audit, with the characters that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import resolve_artifact
from ..workspace.safe_text import safe_text
from .format import count, glyph
from .session import Session, command

if TYPE_CHECKING:
    import polars as pl


@command(
    "findings",
    examples="""\
  tunewise findings
  tunewise findings latest --check privacy/email --limit 5
  tunewise findings --severity high --json | jq '.findings[].row'
""",
)
@click.argument("audit", default="latest")
@click.option("--check", "checks", multiple=True, help="Only this check or dimension.")
@click.option(
    "--severity", type=click.Choice(["high", "medium", "low", "info"]), help="Only these."
)
@click.option("--row", type=int, help="Only findings about this row.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True,
              help="How many to show; 0 shows all.")  # fmt: skip
def findings(
    session: Session,
    audit: str,
    checks: tuple[str, ...],
    severity: str | None,
    row: int | None,
    limit: int,
) -> None:
    """List the findings of AUDIT (a path, an id, or `latest`) with their evidence."""
    import polars as pl

    artifact = resolve_artifact(session.workspace, "audit", audit)
    found = pl.scan_parquet(artifact.folder / "findings.parquet")
    if checks:
        wanted = pl.lit(False)
        for name in checks:
            wanted |= (pl.col("check") == name) | pl.col("check").str.starts_with(name + "/")
        found = found.filter(wanted)
    if severity:
        found = found.filter(pl.col("severity") == severity)
    if row is not None:
        found = found.filter((pl.col("row") == row) | (pl.col("related_row") == row))
    hits = found.collect()
    shown = hits.head(limit) if limit else hits
    document = {
        "command": "findings",
        "artifact": str(artifact.folder),
        "total": hits.height,
        "shown": shown.height,
        "findings": shown.to_dicts(),
    }
    records = artifact.folder / "records.parquet"
    session.finish(
        document, lambda: _text(shown, hits.height, _records(records, shown), bool(checks))
    )


def _records(path: Any, shown: pl.DataFrame) -> dict[int, dict[str, Any]]:
    import polars as pl

    rows = shown["row"].drop_nulls().unique().implode()
    wanted = pl.scan_parquet(path).filter(pl.col("row").is_in(rows)).collect()
    return {record["row"]: record for record in wanted.iter_rows(named=True)}


def _text(
    shown: pl.DataFrame, total: int, records: Mapping[int, Mapping[str, Any]], filtered: bool
) -> str:
    if total == 0:
        return "no findings" + (" of this kind; `tunewise audit` tells which checks ran"
                                if filtered else "")  # fmt: skip
    lines: list[str] = []
    for hit in shown.iter_rows(named=True):
        where = f"row {hit['row']:,}" if hit["row"] is not None else "the dataset"
        if hit["field"]:
            where += f" {hit['field']}"
        lines.append(f"{glyph(hit['severity'])} {hit['check']}  {where}")
        lines.append(f"    {safe_text(hit['message'] or '')}")
        if evidence := _evidence(hit, records):
            lines.append(f"    {evidence}")
    if shown.height < total:
        lines.append(f"… {count(total - shown.height, 'more finding')} (--limit 0 shows all)")
    return "\n".join(lines)


def _evidence(hit: Mapping[str, Any], records: Mapping[int, Mapping[str, Any]]) -> str:
    from ..curate.evidence import excerpt, field_text

    record = records.get(hit["row"])
    text = field_text(record, hit["field"]) if record else None
    if not text:
        return ""
    part = excerpt(text, hit["start"], hit["end"])
    if hit["start"] is None:
        return f"“{safe_text(part.hit)}”"
    marked = click.style(safe_text(part.hit), underline=True)
    return f"“{safe_text(part.before)}[{marked}]{safe_text(part.after)}”"
