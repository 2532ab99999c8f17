"""`tunewise split`: train, val and test without leaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..workspace.artifact import LATEST, Artifact, list_artifacts, resolve_artifact
from ..workspace.safe_text import safe_text
from .audit import parse_mapping
from .format import count, percent, table
from .session import Session, command
from .sources import data_paths, names_data

if TYPE_CHECKING:
    from ..curate.reading.read import Source
    from .settings import Settings

PARTS = ("train", "val", "test")
_SHOWN_VALUES = 5


@command(
    "split",
    examples="""\
  tunewise split latest                       the newest clean dataset
  tunewise split support.jsonl --ratios 80/10/10 --stratify topic --stratify length
  tunewise split latest --group customer_id --seed 7
  tunewise split shards/ --by-time created_at        train is older than test
  tunewise split latest --seed 7 --preview    how the rows would fall
  tunewise split latest --folds 5                    five splits, each row tested once
  tunewise split latest --leave-out region           a split for each region
  tunewise split support.jsonl --keep-test gold.jsonl
  tunewise split latest --out-of-domain topic=refunds
  tunewise split grown.jsonl --against latest        old rows stay where they are
  tunewise split --check train.jsonl test.jsonl      what leaks? exit 1 if anything
  zcat support.jsonl.gz | tunewise split -
""",
)
@click.argument("data", nargs=-1)
@click.option("--ratios", help="Shares of train/val/test, e.g. 70/15/15 or 80/0/20.")
@click.option(
    "--stratify",
    multiple=True,
    help="Column whose shares stay equal; again for several; `length` means bands of words, and"
    " numbers are cut into bands (default: the label, if any).",
)
@click.option("--group", multiple=True, help="Column whose equal values stay together.")
@click.option("--seed", type=int, help="Another seed gives another split.")
@click.option("--threshold", type=float, help="Jaccard similarity from which rows stay together.")
@click.option("--by-time", help="Column with times: train gets the oldest rows, test the newest.")
@click.option("--folds", type=int, help="So many splits; each row is in the test of one of them.")
@click.option("--fold", type=int, help="Only this one of the folds, from 1 on.")
@click.option("--leave-out", help="COLUMN=VALUE becomes the test; COLUMN: a split for each value.")
@click.option("--keep-test", help="This file is the test; rows that leak into it are left out.")
@click.option(
    "--out-of-domain",
    multiple=True,
    help="Hold COLUMN=VALUE out as ood.jsonl; COLUMN alone leaves the choice to the seed.",
)
@click.option("--out-of-domain-share", type=float, help="Of the rows, where COLUMN stands alone.")
@click.option("--against", help="An earlier split (path, id, latest): its rows keep their parts.")
@click.option("--preview", is_flag=True, help="Only tell how the rows would fall; write nothing.")
@click.option("--check", is_flag=True, help="Split nothing: search DATA, two or more files or a"
              " split, for leaks between them.")  # fmt: skip
@click.option("--shape", help="The rows' shape, where detection is wrong (e.g. sharegpt).")
@click.option("--encoding", help="Of text files, where detection is wrong (e.g. cp1252).")
@click.option("--map", "mapping", multiple=True, help="Which field plays which part: role=from,…")
def split(
    session: Session,
    data: tuple[str, ...],
    preview: bool,
    check: bool,
    shape: str | None,
    encoding: str | None,
    mapping: tuple[str, ...],
    keep_test: str | None,
    against: str | None,
    **flags: Any,
) -> None:
    """Split DATA: a clean dataset (path, id or `latest`), or files, as they are.

    Exact, normalised and near-duplicates, rows with the same prompt and your groups stay whole
    on one side. The written files are searched again for leaks; that is the certificate.
    """
    settings = session.settings(
        {
            "split": {
                **{name: None if value == () else value for name, value in flags.items()},
                "keep_test": keep_test and str(Path(keep_test).absolute()),
                "against": against and _reference(against),
            },
            "data": {"shape": shape, "encoding": encoding, "mapping": parse_mapping(mapping)},
        }
    )
    if check:
        from .split_check import check_leaks

        check_leaks(session, data, settings)
    if preview:
        _finish_preview(session, data, settings)
    from ..curate.splitting.split import split_each

    made = split_each(
        session.workspace,
        split_source(session, data, settings),
        settings.split,
        force=session.force,
        emit=session.emit,
    )
    documents = [session.document(artifact) for artifact in made]
    if len(documents) == 1:
        session.finish(documents[0], lambda: summary(documents[0]))
    several = {
        "command": session.command,
        "artifact": documents[-1]["artifact"],
        "splits": documents,
    }
    session.finish(several, lambda: "\n".join(_several(documents)))


def _finish_preview(session: Session, data: Sequence[str], settings: Settings) -> NoReturn:
    from ..curate.splitting.split import preview_each

    source = split_source(session, data, settings)
    found = preview_each(session.workspace, source, settings.split, emit=session.emit)
    document = {"command": session.command, "preview": True, "splits": found}
    session.finish(document, lambda: "\n\n".join(_preview_text(each) for each in found))


def _preview_text(document: Mapping[str, Any]) -> str:
    """Return what a split would be as text for a terminal."""
    lines = ["nothing was written; this would be done:"]
    lines += [*_parts(document), *_ways(document), *_balance(document)]
    lines += [f"note: {safe_text(note)}" for note in document.get("notes", [])]
    lines.append("the certificate comes with the files: they are searched once they are written")
    return "\n".join(lines)


def _reference(text: str) -> str:
    """A path on the command line begins here, not at the workspace."""
    return str(Path(text).absolute()) if Path(text).is_dir() else text


def split_source(session: Session, data: Sequence[str], settings: Settings) -> Artifact | Source:
    """Return what DATA names: a clean artifact, or files to be read as they are."""
    if len(data) > 1 or any(names_data(text) for text in data):
        return _open(session, data, settings)
    if not data and not list_artifacts(session.workspace, "clean"):
        return _open(session, (), settings)
    return resolve_artifact(session.workspace, "clean", data[0] if data else LATEST)


def _open(session: Session, data: Sequence[str], settings: Settings) -> Source:
    from ..curate.reading.read import open_source

    return open_source(
        data_paths(data, session, settings),
        shape=settings.data.shape,
        mapping=settings.data.mapping or None,
        encoding=settings.data.encoding,
    )


def summary(document: Mapping[str, Any]) -> str:
    """Return the split as text for a terminal."""
    lines = [*_parts(document), *_ways(document), *_balance(document)]
    lines += [f"note: {safe_text(note)}" for note in document.get("notes", [])]
    lines += certificate_lines(document["certificate"])
    lines += ["", f"split {document['id']}: {document['artifact']}",
              "next: tunewise train latest --model MODEL"]  # fmt: skip
    return "\n".join(lines)


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    counts, ratios = document["counts"], document["ratios"]
    total = sum(counts.values())
    yield f"{count(total, 'row')} split by component, seed {document.get('seed')}"
    yield from table(
        ["part", "rows", "share", "wanted"],
        [
            [
                part,
                f"{rows:,}",
                percent(ratios[part]["reached"]) if part in ratios else "–",
                percent(ratios[part]["wanted"]) if part in ratios else "–",
            ]
            for part, rows in counts.items()
        ],
        right=(1, 2, 3),
    )
    if document.get("set_aside"):
        yield f"{count(document['set_aside'], 'row')} could not be read: set_aside.parquet"
    left_out = document.get("left_out") or {}
    if left_out.get("rows"):
        by = ", ".join(f"{safe_text(name)} {rows:,}" for name, rows in left_out["by"].items())
        yield (
            f"{count(left_out['rows'], 'row')} left out of every part ({by}): "
            f"{left_out['file']}, reasons in left_out.parquet"
        )


def _ways(document: Mapping[str, Any]) -> Iterator[str]:
    """Say by what the test part was chosen, where it was not by the ratios alone."""
    if found := document.get("fold"):
        yield f"fold {found['number']} of {found['of']} is the test"
    if found := document.get("leave_out"):
        yield f"the test is {safe_text(found['column'])} = {safe_text(found['value'])}"
    if found := document.get("by_time"):
        borders = ", ".join(
            f"{part} from {safe_text(text)}" for part, text in found["from"].items()
        )
        yield f"by {safe_text(found['column'])}: {borders}"
    if found := document.get("out_of_domain"):
        values, column = found["values"], safe_text(found["column"])
        shown = ", ".join(safe_text(value) for value in values[:_SHOWN_VALUES])
        more = len(values) - _SHOWN_VALUES
        yield f"ood: {column} = {shown}" + (f" and {more:,} more" if more > 0 else "")
    if found := document.get("against"):
        yield (
            f"against the earlier split: {found['old']:,} rows stayed, {found['joined']:,} joined "
            f"their component, {found['new']:,} filled up, {found['left_out']:,} left out; "
            f"{found['not_in_data']:,} of its rows are not in the data any more"
        )


def _balance(document: Mapping[str, Any]) -> Iterator[str]:
    stratification = document["stratification"]
    if stratification.get("column"):
        for column in stratification["columns"]:
            yield (
                f"stratified by {safe_text(column['column'])} "
                f"({count(column['values'], 'value')}): largest drift "
                f"{100 * column['max_drift']:.1f} points"
            )


def certificate_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return what a search for leaks found, how it went and what it could not see."""
    kinds = ("exact", "normalised", "near", "prompt", "group")
    found = ", ".join(f"{kind} {certificate[f'{kind}_across']:,}" for kind in kinds)
    lines = [f"certificate: across parts {found} (Jaccard ≥ {certificate['threshold']})"]
    lines.append(f"  searched by {certificate['method']}")
    lines += [f"  not seen: {safe_text(note)}" for note in certificate["not_searched"]]
    return lines


def _several(documents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = []
    for document in documents:
        certificate, drift = document["certificate"], document["stratification"]["max_drift"]
        leaks = sum(number for key, number in certificate.items() if key.endswith("_across"))
        fold, left_out = document.get("fold"), document["left_out"]["rows"]
        name = f"fold {fold['number']}" if fold else safe_text(document["leave_out"]["value"])
        sizes = [f"{document['counts'][part]:,}" for part in PARTS]
        shown = "–" if drift is None else f"{100 * drift:.1f}"
        rows.append([name, *sizes, f"{left_out:,}", shown, f"{leaks:,}", document["id"]])
    header = ["test", *PARTS, "left out", "drift", "leaks", "split"]
    yield f"{count(len(documents), 'split')}, each with its own certificate"
    yield from table(header, rows, right=(1, 2, 3, 4, 5, 6))
    notes = dict.fromkeys(note for document in documents for note in document["notes"])
    yield from (f"note: {safe_text(note)}" for note in notes)
    yield ""
    yield f"{Path(documents[-1]['artifact']).parent}"
    yield "next: tunewise train ID --model MODEL, for each of them"
