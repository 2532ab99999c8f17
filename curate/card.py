"""The facts of a data card: everything that an audit, and what followed it, can say of a dataset.

Every figure is computed; what is not known stays null, and the card says so.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact, Workspace, list_artifacts
from ..workspace.files import read_json
from .auditing.audited import Audited, read_audited
from .checks.function_words import plain_languages
from .checks.registry import ALL_CHECKS
from .export import source_rows
from .finding import Severity
from .measures.bias import bias_summary, describe_bias
from .measures.licences import KNOWN_TO_THE_HUB, find_licence
from .measures.provenance import stated_provenance
from .outcome import RAN
from .records import CLASSIFICATION, message_rows
from .settings import SplitSettings

_TASKS = {CLASSIFICATION: "text-classification"}
_USUAL_TASK = "text-generation"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_MOST_VALUES = 20
_MOST_EXAMPLE_CHARACTERS = 1_200
_EXAMPLES_TRIED = 2_000
_LANGUAGE_SAMPLE = 5_000
_LEAST_LANGUAGE_SHARE = 0.05
_ABOUT_DATASET = ("bias", "balance", "provenance")


@dataclass(frozen=True, slots=True)
class Stated:
    """What only the people behind a dataset can say.

    Attributes:
        name: of the dataset; its file's by default.
        licences: identifiers under which it is published.
        languages: ISO 639 codes.
    """

    name: str | None = None
    licences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def card_document(workspace: Workspace, audit: Artifact, stated: Stated) -> dict[str, Any]:
    """Gather the facts of a data card.

    Args:
        workspace: where cleanings and splits of the audited data may lie.
        audit: the audit that the card is written from.
        stated: what its authors say.

    Returns:
        ``name, languages, licences, size, task, dataset, fields, quality, length, labels, groups,
        findings, checks, personal, told, bias, provenance, example, cleaning, split, made``; null
        where something is not known.
    """
    audited = read_audited(audit)
    document = read_json(audit.folder / "audit.json")
    measured = _measure(audited)
    cleanings = _made_from(workspace, "clean", "audit", {audit.id})
    splits = _made_from(workspace, "split", "clean", {clean.id for clean in cleanings})
    cleaning = cleanings[-1] if cleanings else None
    split = splits[-1] if splits else None
    languages = _languages(audited)
    return {
        "name": stated.name or _name_of(audited.paths),
        "languages": _told_languages(stated, languages),
        "licences": _told_licences(stated, measured["provenance"]),
        "size": size_category(audited.count_records()),
        "task": _TASKS.get(audited.dataset["kind"], _USUAL_TASK),
        "dataset": _dataset(document["dataset"]),
        "fields": _fields(audited),
        "quality": document["quality"],
        "length": document["profile"]["length"],
        "labels": document["profile"]["labels"][:_MOST_VALUES],
        "groups": document["profile"]["groups"][:_MOST_VALUES],
        "findings": document["findings"],
        "checks": [
            {key: check[key] for key in ("check", "dimension", "title", "status", "reason")}
            for check in document["checks"]
        ],
        "personal": [check for check in document["checks"] if check["dimension"] == "privacy"],
        "told": _told(audited.findings),
        **measured,
        "example": _example(audited, document["checks"]),
        "cleaning": _cleaning(cleaning),
        "split": _split(split),
        "made": _made(audit, audited, cleaning, split),
    }


def size_category(records: int) -> str:
    """Return the Hub's category of a number of records.

    Example:
        >>> size_category(999), size_category(17_387)
        ('n<1K', '10K<n<100K')
    """
    return next((name for bound, name in _SIZES if records < bound), "n>1B")


def _name_of(paths: Sequence[Path]) -> str:
    return paths[0].name.split(".")[0] or paths[0].name


def _dataset(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Take the facts about the source; where it lies on this machine is nobody's business."""
    kept = ("format", "kind", "rows", "records", "set_aside", "sha256", "detection")
    files = [Path(path).name for path in dataset["paths"]]
    return {"files": files, **{key: dataset[key] for key in kept}}


def _measure(audited: Audited) -> dict[str, Any]:
    """Measure in one pass over the records what the audit does not keep as figures."""
    summaries: list[pl.DataFrame] = []
    stated: list[pl.DataFrame] = []
    for piece in audited.record_pieces():
        summaries.append(bias_summary(piece))
        stated.append(stated_provenance(piece))
    provenance = pl.concat(stated)
    return {
        "bias": describe_bias(pl.concat(summaries)),
        "provenance": {
            "records": provenance.height,
            "sources": _counted(provenance["source"]),
            "without_source": provenance["source"].null_count(),
            "licences": [
                {**item, **_known_licence(item["value"])}
                for item in _counted(provenance["licence"])
            ],
            "without_licence": provenance["licence"].null_count(),
        },
    }


def _counted(values: pl.Series) -> list[dict[str, Any]]:
    counts = values.drop_nulls().alias("value").value_counts(name="records")
    return counts.sort("records", "value", descending=[True, False]).to_dicts()


def _known_licence(text: str) -> dict[str, Any]:
    licence = find_licence(text)
    return {
        "identifier": licence.identifier if licence else None,
        "forbids_commerce": licence.forbids_commerce if licence else None,
    }


def _told_licences(stated: Stated, provenance: Mapping[str, Any]) -> list[str] | None:
    """Return what the card's head may name: the Hub's identifiers, ``other`` for all else."""
    if stated.licences:
        return list(stated.licences)
    if not provenance["licences"]:
        return None
    named = {item["identifier"] for item in provenance["licences"]}
    known = sorted(name for name in named if name in KNOWN_TO_THE_HUB)
    return known + (["other"] if len(known) < len(named) else [])


def _told_languages(stated: Stated, measured: Mapping[str, Any]) -> dict[str, Any]:
    if stated.languages:
        return {"codes": list(stated.languages), "stated": True, **measured}
    codes = [item["language"] for item in measured["shares"]
             if item["share"] >= _LEAST_LANGUAGE_SHARE]  # fmt: skip
    return {"codes": codes, "stated": False, **measured}


def _languages(audited: Audited) -> dict[str, Any]:
    """Tell the languages of a sample by their script and their function words."""
    rows = audited.scan_records().select("row").collect()["row"]
    rows = rows.sample(min(len(rows), _LANGUAGE_SAMPLE), seed=0)
    spoken = message_rows(audited.records_at(rows)).group_by("row", maintain_order=True)
    texts = spoken.agg(pl.col("content").drop_nulls().str.slice(0, 500).str.join(" "))["content"]
    plain = plain_languages(texts).drop_nulls()
    return {
        "sample": len(rows),
        "plain": len(plain),
        "shares": [
            {"language": item["value"], "share": item["records"] / len(plain)}
            for item in _counted(plain)
        ],
    }


def _fields(audited: Audited) -> dict[str, str]:
    """Return under which name each part stands in the first rows, where any has it."""
    first = audited.scan_records().head(_EXAMPLES_TRIED).collect()
    named = {name for row in source_rows(first, audited.detection) for name in _names_in(row)}
    return {part: name for part, name in audited.detection.mapping.items() if name in named}


def _names_in(value: Any) -> Iterator[str]:
    """Go through the names of all fields of a row, at any depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _names_in(entry)


def _told(findings: pl.DataFrame) -> dict[str, list[str]]:
    """Return what the checks say about the dataset as a whole, by dimension."""
    dimension = pl.col("check").str.split("/").list.first()
    whole = findings.filter(pl.col("row").is_null()).with_columns(dimension=dimension)
    return {
        name: whole.filter(pl.col("dimension") == name)["message"].to_list()
        for name in _ABOUT_DATASET
    }


def _example(audited: Audited, checks: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Return a short row without any finding, as lines of JSON.

    None where no such row is among the first ones, or where personal data were not looked for: the
    card is to be published.
    """
    privacy = [check for check in checks if check["check"].startswith("privacy/")]
    if not any(check["status"] == RAN for check in privacy):
        return None
    faulty = audited.findings.filter(pl.col("severity") != Severity.INFO.value)["row"].drop_nulls()
    first = audited.scan_records().head(_EXAMPLES_TRIED).collect()
    sound = first.filter(~pl.col("row").is_in(faulty.implode()))
    for row in source_rows(sound, audited.detection):
        text = json.dumps(row, ensure_ascii=False, indent=2)
        if len(text) <= _MOST_EXAMPLE_CHARACTERS:
            return text.split("\n")
    return None


def _cleaning(clean: Artifact | None) -> dict[str, Any] | None:
    if clean is None:
        return None
    document = read_json(clean.folder / "clean.json")
    kept = {key: document.get(key) for key in ("counts", "by_check", "quality", "bias")}
    return {"id": clean.id, **kept}


def _split(split: Artifact | None) -> dict[str, Any] | None:
    if split is None:
        return None
    document = read_json(split.folder / "split.json")
    return {"id": split.id, **{key: document[key] for key in ("counts", "certificate", "seed")}}


def _made_from(workspace: Workspace, kind: str, name: str, ids: set[str]) -> list[Artifact]:
    """Return the artifacts of a kind that were made from any of those named, the newest last."""
    made = [(item, item.manifest.input(name)) for item in list_artifacts(workspace, kind)]
    return [item for item, given in made if given is not None and given.artifact in ids]


def _made(
    audit: Artifact, audited: Audited, clean: Artifact | None, split: Artifact | None
) -> dict[str, Any]:
    """Tell how to get the same figures again."""
    manifest = audit.manifest
    parameters = manifest.parameters
    words = ["tunewise", "audit", *(path.name for path in audited.paths)]
    if parameters.get("shape"):
        words += ["--shape", parameters["shape"]]
    if parameters.get("mapping"):
        words += [
            "--map",
            ",".join(f"{part}={name}" for part, name in parameters["mapping"].items()),
        ]
    if manifest.input("tokenizer") is not None:
        words += ["--tokenizer", "TOKENIZER", "--context-length", str(parameters["context_length"])]
    if manifest.input("benchmarks") is not None:
        words += ["--benchmarks", "BENCHMARKS"]
    if set(parameters["checks"]) != {check.name for check in ALL_CHECKS}:
        words += ["--checks", ",".join(parameters["checks"])]
    commands = [shlex.join(words)]
    if clean is not None:
        commands += _cleaning_commands(read_json(clean.folder / "clean.json"), audited.paths)
    if split is not None:
        commands.append(_split_command(split))
    return {
        "commands": commands,
        "audit": audit.id,
        "finished": manifest.finished,
        "versions": dict(manifest.versions),
        "git_commit": manifest.git_commit,
        "source_sha256": audited.source_sha256,
        "parameters": {"parameters": parameters.get("parameters"),
                       "severity": parameters.get("severity")},
    }  # fmt: skip


def _cleaning_commands(document: Mapping[str, Any], paths: Sequence[Path]) -> list[str]:
    """Return the command of a cleaning; what was decided row by row can only be counted."""
    decisions = document["decisions"]
    accepted = [item for item in decisions if item["action"] == "accept" and item["rows"] is None]
    whole = [item["check"] for item in accepted if item["check"]]
    words = ["tunewise", "clean", *(path.name for path in paths)]
    for check in whole:
        words += ["--accept", check]
    single = len(decisions) - len(whole)
    more = [f"# and {single:,} decisions about single rows or values, see clean.json"]
    return [shlex.join(words), *(more if single else [])]


def _split_command(split: Artifact) -> str:
    """Return the command of a split; what was left as it is by default is left out."""
    parameters, usual = split.manifest.parameters, SplitSettings()
    ratios = "/".join(f"{100 * share:g}" for share in parameters["ratios"])
    words = ["tunewise", "split", "latest", "--ratios", ratios]
    for name in SplitSettings.model_fields:
        made_from = split.manifest.input(name)
        value = parameters.get(name) if made_from is None else Path(made_from.path).name
        if name == "ratios" or value is None or (value == getattr(usual, name) and name != "seed"):
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [f"--{name.replace('_', '-')}", str(each)]
    return shlex.join(words)
