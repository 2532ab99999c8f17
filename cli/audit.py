"""`tunewise audit`: read, check, grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..workspace.safe_text import safe_text
from .benchmarks import audit_source
from .format import bar, count, glyph, percent, table
from .session import Session, command
from .sources import data_paths
from .understood import understood_lines


def parse_mapping(texts: tuple[str, ...]) -> dict[str, str] | None:
    """Turn ``--map role=from,content=value`` into a mapping; None where nothing was given."""
    pairs = [pair for text in texts for pair in text.split(",") if pair.strip()]
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no PART=FIELD", param_hint="--map")
    split = [pair.partition("=") for pair in pairs]
    return {part.strip(): field.strip() for part, _, field in split} or None


@command(
    "audit",
    examples="""\
  tunewise audit support.jsonl
  tunewise audit train.csv --map text=body,label=queue --tokenizer ./my-model
  tunewise audit data/dataset_info.json:identity   # as LLaMA-Factory describes it
  zstdcat old.csv.zst | tunewise audit - --encoding cp1252
  tunewise audit shards/ --skip text/language,safety --fail-on high   # for CI
  tunewise audit new.jsonl --against latest          # rows that were there before
  tunewise audit train.jsonl --benchmarks general --benchmarks gsm8k_test.jsonl
""",
    is_job=True,
)
@click.argument("data", nargs=-1)
@click.option(
    "--fail-on",
    type=click.Choice(["high", "medium", "low", "never"]),
    help="Exit 1 on findings this grave.",
)
@click.option("--checks", help="Only these checks: names, dimensions or patterns, by commas.")
@click.option("--skip", help="Not these checks.")
@click.option(
    "--benchmarks",
    multiple=True,
    help="Find rows with items of these: `general` (the bundled ones), or paths of JSONL, JSON, CSV"
    " or Parquet ({question, choices, answer}, {prompt, answer}, {text} and more), of lm-eval YAML"
    " with local data, or of folders; by commas or again.",
)
@click.option(
    "--against",
    multiple=True,
    help="Find rows that these audits have already: paths, ids or `latest`; by commas or again.",
)
@click.option("--tokenizer", help="Folder of your tokenizer: lengths count in its tokens.")
@click.option("--schema", help="Your own pandera schema of the columns: a .py or .yaml file.")
@click.option("--context-length", type=click.IntRange(min=1), help="Tokens the model can see.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="How many work on large files (default: as many as there are cores).",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Search for near-duplicates on a Ray cluster: HOST:PORT, `auto` (the one that runs on"
    " this machine) or `local` (one is started).",
)
@click.option("--shape", help="The rows' shape, where detection is wrong (e.g. sharegpt).")
@click.option("--encoding", help="Of text files, where detection is wrong (e.g. cp1252).")
@click.option("--map", "mapping", multiple=True, help="Which field plays which part: role=from,…")
def audit(
    session: Session,
    data: tuple[str, ...],
    fail_on: str | None,
    checks: str | None,
    skip: str | None,
    benchmarks: tuple[str, ...],
    against: tuple[str, ...],
    tokenizer: str | None,
    schema: str | None,
    context_length: int | None,
    processes: int | None,
    ray: str | None,
    shape: str | None,
    encoding: str | None,
    mapping: tuple[str, ...],
) -> None:
    """Read DATA, run every check, and grade the dataset.

    DATA are files, folders of shards, patterns, `-` (standard input), or names on the Hub:
    hub:OWNER/NAME[@REVISION][#CONFIG][:SPLIT].

    The hits are in findings.parquet of the audit's folder; `tunewise findings` lists them.
    """
    from ..curate.auditing.audit_document import gate

    settings = session.settings(
        {
            "audit": {
                "fail_on": fail_on,
                "checks": listed(checks),
                "skip": listed(skip),
                "benchmarks": listed(",".join(benchmarks) or None),
                "against": listed(",".join(against) or None),
                "tokenizer": tokenizer,
                "schema": schema,
                "context_length": context_length,
                "processes": processes,
                "ray": ray,
            },
            "data": {"shape": shape, "encoding": encoding, "mapping": parse_mapping(mapping)},
        }
    )
    artifact = audit_source(
        session, data_paths(data, session, settings), settings, force=session.force
    )
    document = session.document(artifact)
    session.finish(document, lambda: summary(document), gate(document, settings.audit.fail_on))


def listed(text: str | None) -> tuple[str, ...] | None:
    """Cut a list that was given with commas; None where none was given."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def summary(document: Mapping[str, Any]) -> str:
    """Return the audit as text for a terminal."""
    dataset, quality = document["dataset"], document["quality"]
    lines = [
        f"{safe_text(', '.join(dataset['paths']))}: {dataset['format']}, {dataset['kind']}, "
        f"{count(dataset['rows'], 'row')} = {count(dataset['records'], 'record')} "
        f"+ {dataset['set_aside']:,} set aside",
        *understood_lines(dataset),
        "",
        f"clean {percent(quality['overall'])} of the records"
        + (
            f" ({percent(quality['if_fixed'])} if all fixes are accepted)"
            if quality.get("if_fixed") is not None
            else ""
        ),
    ]
    lines += [
        f"  {dimension:<14} {bar(share, 20)} {percent(share)}"
        for dimension, share in quality["by_dimension"].items()
        if share is not None
    ]
    found = document["findings"]
    lines.append("")
    if found:
        lines += table(
            ["", "finding", "rows", "share", "fix", ""],
            [
                [
                    glyph(item["severity"]),
                    item["check"],
                    f"{item['rows']:,}",
                    percent(item["share"]),
                    item["fix"],
                    item["title"],
                ]
                for item in found
            ],
            right=(2, 3),
        )
    lines += _check_lines(document, bool(found))
    lines += [
        "",
        f"audit {document['id']}: {document['artifact']}",
        "next: tunewise findings, or tunewise clean --accept CHECK --preview",
    ]
    return "\n".join(lines)


def _check_lines(document: Mapping[str, Any], any_found: bool) -> list[str]:
    by_status: dict[str, list[Mapping[str, Any]]] = {}
    for check in document["checks"]:
        by_status.setdefault(check["status"], []).append(check)
    ran = len(by_status.get("ran", []))
    lines = ["" if any_found else "no findings", f"{count(ran, 'check')} ran"]
    for status in ("ran", "skipped", "failed"):
        lines += [
            f"  {status}: {item['check']} ({safe_text(item['reason'])})"
            for item in by_status.get(status, [])
            if item["reason"]
        ]
    return lines
