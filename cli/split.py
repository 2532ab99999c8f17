"""`tunewise split`: train, val and test without leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import LATEST, Artifact, list_artifacts, resolve_artifact
from ..workspace.safe_text import safe_text
from .format import count, percent, table
from .session import Session, command
from .sources import data_paths, names_data

if TYPE_CHECKING:
    from ..curate.records import Dataset
    from .settings import Settings

PARTS = ("train", "val", "test")


@command(
    "split",
    examples="""\
  tunewise split latest                       the newest clean dataset
  tunewise split support.jsonl --ratios 80/10/10 --stratify topic
  tunewise split latest --group customer_id --seed 7
  zcat support.jsonl.gz | tunewise split -
""",
)
@click.argument("data", default=LATEST)
@click.option("--ratios", help="Shares of train/val/test, e.g. 70/15/15.")
@click.option("--stratify", help="Column whose shares stay equal (default: the label, if any).")
@click.option("--group", multiple=True, help="Column whose equal values stay together.")
@click.option("--seed", type=int, help="Another seed gives another split.")
@click.option("--threshold", type=float, help="Jaccard similarity from which rows stay together.")
def split(
    session: Session,
    data: str,
    ratios: str | None,
    stratify: str | None,
    group: tuple[str, ...],
    seed: int | None,
    threshold: float | None,
) -> None:
    """Split DATA: a clean dataset (path, id or `latest`) or a file, as it is.

    Exact, normalised and near-duplicates, rows with the same prompt and your groups stay whole
    on one side. The written files are searched again for leaks; that is the certificate.
    """
    from ..curate.splitting.split import split as run_split

    settings = session.settings(
        {
            "split": {
                "ratios": ratios,
                "stratify": stratify,
                "group": group or None,
                "seed": seed,
                "threshold": threshold,
            }
        }
    )
    artifact = run_split(
        session.workspace,
        split_source(session, data, settings),
        settings.split,
        force=session.force,
        emit=session.emit,
    )
    document = session.document(artifact)
    session.finish(document, lambda: summary(document))


def split_source(session: Session, data: str, settings: Settings) -> Artifact | Dataset:
    """Return what DATA names: a clean artifact, or a file read as it is."""
    if names_data(data):
        return _read(session, data_paths((data,), session, settings), settings)
    if data == LATEST and not list_artifacts(session.workspace, "clean"):
        return _read(session, data_paths((), session, settings), settings)
    return resolve_artifact(session.workspace, "clean", data)


def _read(session: Session, paths: Sequence[Path], settings: Settings) -> Dataset:
    from ..curate.reading.read import read_dataset

    data = settings.data
    return read_dataset(
        paths,
        shape=data.shape,
        mapping=data.mapping or None,
        encoding=data.encoding,
        emit=session.emit,
    )


def summary(document: Mapping[str, Any]) -> str:
    """Return the split as text for a terminal."""
    counts, ratios = document["counts"], document["ratios"]
    total = sum(counts[part] for part in PARTS)
    lines = [f"{count(total, 'row')} split by component, seed {document.get('seed')}"]
    lines += table(
        ["part", "rows", "share", "wanted"],
        [
            [
                part,
                f"{counts[part]:,}",
                percent(counts[part] / total if total else None),
                percent(_wanted(ratios, part)),
            ]
            for part in PARTS
        ],
        right=(1, 2, 3),
    )
    stratification = document["stratification"]
    if stratification.get("column"):
        lines.append(
            f"stratified by {stratification['column']}: "
            f"largest drift {100 * stratification['max_drift']:.1f} points"
        )
    lines += [f"note: {safe_text(note)}" for note in document.get("notes", [])]
    certificate = document["certificate"]
    lines.append(
        "certificate: across parts "
        f"exact {certificate['exact_across']}, near {certificate['near_across']} "
        f"(Jaccard ≥ {certificate['threshold']}), groups {certificate['group_across']}"
    )
    lines.append(f"  searched by {certificate['method']}")
    lines += ["", f"split {document['id']}: {document['artifact']}",
              "next: tunewise train latest --model MODEL"]  # fmt: skip
    return "\n".join(lines)


def _wanted(ratios: Any, part: str) -> float | None:
    if isinstance(ratios, Mapping):
        value = ratios.get(part)
        return value.get("wanted") if isinstance(value, Mapping) else value
    return ratios[PARTS.index(part)]
