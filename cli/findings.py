"""`tunewise findings`: the hits of an audit, with the characters that prove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import resolve_artifact
from ..workspace.safe_text import safe_text
from .format import count, glyph
from .session import Session, command

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ..curate.evidence import Excerpt


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
    from ..curate.auditing.item_evidence import item_evidence

    listed = shown.to_dicts()
    items = item_evidence(artifact.folder, listed)
    for hit in listed:
        item = items.get((hit["row"], hit["related"]))
        if item is not None:
            hit["evidence"] = item.to_json()
    document = {
        "command": "findings",
        "artifact": str(artifact.folder),
        "total": hits.height,
        "shown": shown.height,
        "findings": listed,
    }
    session.finish(
        document,
        lambda: _text(listed, hits.height, _records(artifact.folder, shown), bool(checks)),
    )


def _records(audit: Path, shown: pl.DataFrame) -> dict[int | str, dict[str, Any]]:
    """Return the records that findings name, by row; those of earlier audits by audit and row."""
    import polars as pl

    from ..curate.auditing.earlier import EARLIER, earlier_records

    rows = pl.concat([shown["row"], shown["related_row"]]).drop_nulls().unique().implode()
    wanted = pl.scan_parquet(audit / "records.parquet").filter(pl.col("row").is_in(rows)).collect()
    earlier = earlier_records(audit, shown.filter(pl.col("check") == EARLIER)["related"])
    return {record["row"]: record for record in wanted.iter_rows(named=True)} | earlier


def _text(
    shown: Sequence[Mapping[str, Any]],
    total: int,
    records: Mapping[int | str, Mapping[str, Any]],
    filtered: bool,
) -> str:
    if total == 0:
        return "no findings" + (" of this kind; `tunewise audit` tells which checks ran"
                                if filtered else "")  # fmt: skip
    lines: list[str] = []
    for hit in shown:
        where = f"row {hit['row']:,}" if hit["row"] is not None else "the dataset"
        if hit["field"]:
            where += f" {hit['field']}"
        lines.append(f"{glyph(hit['severity'])} {hit['check']}  {where}")
        lines.append(f"    {safe_text(hit['message'] or '')}")
        lines += [f"    {line}" for line in _evidence(hit, records)]
    if len(shown) < total:
        lines.append(f"… {count(total - len(shown), 'more finding')} (--limit 0 shows all)")
    return "\n".join(lines)


def _evidence(hit: Mapping[str, Any], records: Mapping[int | str, Mapping[str, Any]]) -> list[str]:
    """Return the characters that prove a finding, and those of the row it is compared with."""
    from ..curate.evidence import around_difference, excerpt, field_text, finding_excerpts

    if hit["related_row"] is not None:
        name, related = f"row {hit['related_row']:,}", records.get(hit["related_row"])
    else:
        name, related = f"earlier {hit['related']}", records.get(hit["related"])
    record = records.get(hit["row"])
    if record is None:
        return []
    part, other = finding_excerpts(hit, record, related)
    marked = hit["start"] is not None or other is not None
    lines = [_quoted(part, marked=marked)]
    if other is not None and other != part:
        lines.append(f"{name}: {_quoted(other, marked=marked)}")
    item = hit.get("evidence")
    if item is not None:
        stands = excerpt(item["text"], item["start"], item["end"])
        text = field_text(record, hit["field"])
        if text and hit["score"] < 1:
            in_row, in_item = text[hit["start"] : hit["end"]], item["text"][item["start"] :]
            part, stands = around_difference(in_row, in_item[: item["end"] - item["start"]])
            lines = [_quoted(part, marked=True)]
        lines.append(f"{safe_text(item['item'])}: {_quoted(stands, marked=True)}")
    return [line for line in lines if line]


def _quoted(part: Excerpt, *, marked: bool) -> str:
    before, hit, after = (safe_text(piece) for piece in (part.before, part.hit, part.after))
    if not marked:
        return f"“{hit}”" if hit else ""
    return f"“{before}[{click.style(hit, underline=True)}]{after}”"
