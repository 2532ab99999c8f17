"""`tunewise selftest`: would the checks find it in *my* data?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..workspace.errors import ExitCode
from ..workspace.safe_text import safe_text
from .audit import listed, parse_mapping
from .format import count, percent, table
from .session import Session, command
from .sources import data_paths

_SHOWN = 3


@command(
    "selftest",
    examples="""\
  tunewise selftest support.jsonl
  tunewise selftest train.csv --checks privacy,text/html --per-check 100
  tunewise selftest train.jsonl --fail-under 0.9/0.9         # for CI
""",
)
@click.argument("data", nargs=-1)
@click.option("--rows", type=click.IntRange(min=10), default=2000, show_default=True,
              help="Use at most so many rows of the data.")  # fmt: skip
@click.option("--per-check", type=click.IntRange(min=1), default=20, show_default=True,
              help="Defects for each check, and as many look-alikes.")  # fmt: skip
@click.option("--trials", type=click.IntRange(min=1), default=5, show_default=True,
              help="Datasets out of balance, and as many even ones, for each check of"
                   " the whole.")  # fmt: skip
@click.option("--seed", type=int, default=17, show_default=True,
              help="Decides which rows are used and what is planted where.")  # fmt: skip
@click.option("--checks", help="Only these checks: names, dimensions or patterns, by commas.")
@click.option("--skip", help="Not these checks.")
@click.option("--benchmarks", multiple=True,
              help="Plant items of these, as for `tunewise audit`.")  # fmt: skip
@click.option("--tokenizer", help="Folder of your tokenizer, for the checks of tokens.")
@click.option("--context-length", type=click.IntRange(min=1), help="Tokens the model can see.")
@click.option("--shape", help="The rows' shape, where detection is wrong (e.g. sharegpt).")
@click.option("--encoding", help="Of text files, where detection is wrong (e.g. cp1252).")
@click.option("--map", "mapping", multiple=True, help="Which field plays which part: role=from,…")
@click.option("--fail-under", metavar="RECALL/PRECISION",
              help="Exit 1 where a check that was tested stays below, e.g. 0.9/0.9.")  # fmt: skip
def selftest(
    session: Session,
    data: tuple[str, ...],
    rows: int,
    per_check: int,
    trials: int,
    seed: int,
    checks: str | None,
    skip: str | None,
    benchmarks: tuple[str, ...],
    tokenizer: str | None,
    context_length: int | None,
    shape: str | None,
    encoding: str | None,
    mapping: tuple[str, ...],
    fail_under: str | None,
) -> None:
    """Plant known defects into rows of DATA and measure which of them the audit finds.

    Your files are only read. Recall is the share of the planted defects that were found; precision
    counts findings about sound rows, and about rows that only look like defects, as false.
    """
    from ..curate.selftest.selftest import SelftestSettings
    from ..curate.selftest.selftest import selftest as run_selftest
    from ..evaluate.tasks.items import benchmark_items

    wanted = _parse_shares(fail_under)
    settings = session.settings(
        {
            "audit": {
                "checks": listed(checks),
                "skip": listed(skip),
                "benchmarks": listed(",".join(benchmarks) or None),
                "tokenizer": tokenizer,
                "context_length": context_length,
            },
            "data": {"shape": shape, "encoding": encoding, "mapping": parse_mapping(mapping)},
        }
    )
    artifact = run_selftest(
        session.workspace,
        data_paths(data, session, settings),
        SelftestSettings(rows=rows, per_check=per_check, trials=trials, seed=seed),
        settings.audit,
        settings.data,
        benchmarks=benchmark_items(settings.audit.benchmarks, session.workspace.root),
        force=session.force,
        emit=session.emit,
    )
    document = session.document(artifact)
    below = [item["check"] for item in document["checks"] if wanted and _is_below(item, wanted)]
    document["below"] = below
    code = ExitCode.GATE_FAILED if below else ExitCode.PASSED
    session.finish(document, lambda: summary(document), code)


def _parse_shares(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        recall, precision = (float(part) for part in text.split("/"))
    except ValueError:
        recall = precision = -1.0
    if not (0 <= recall <= 1 and 0 <= precision <= 1):
        raise click.BadParameter(
            "two shares are wanted, such as 0.9/0.9", param_hint="--fail-under"
        )
    return recall, precision


def _is_below(item: Mapping[str, Any], wanted: tuple[float, float]) -> bool:
    """Whether a check that was tested stays below; what failed to run does, too."""
    if item["status"] == "failed":
        return True
    measured = (item["recall"], item["precision"])
    return any(
        share is not None and share["value"] < least
        for share, least in zip(measured, wanted, strict=True)
    )


def summary(document: Mapping[str, Any]) -> str:
    """Return a self-test as text for a terminal."""
    dataset = document["dataset"]
    lines = [
        f"{', '.join(dataset['paths'])}: {dataset['shape']}, {count(dataset['used'], 'row')} used "
        f"of {dataset['rows']:,}; {count(document['rounds'], 'round')}, "
        f"{count(document['trials'], 'whole dataset')}",
        "",
    ]
    tested = [item for item in document["checks"] if item["status"] == "tested"]
    if tested:
        lines += table(
            ["check", "planted", "found", "recall", "95 %", "false", "alike", "precision", "95 %",
             "target", ""],
            [_cells(item) for item in tested],
            right=(1, 2, 3, 5, 6, 7, 9),
        )  # fmt: skip
    else:
        lines.append("no check was tested")
    lines += _examples(document["checks"]) + _verdict(document["checks"])
    lines += ["", f"self-test {document['id']}: {document['artifact']}"]
    if document.get("below"):
        lines.append(f"below --fail-under: {', '.join(document['below'])}")
    return "\n".join(lines)


def _cells(item: Mapping[str, Any]) -> list[str]:
    return [
        item["check"],
        f"{item['planted']:,}",
        f"{item['found']:,}",
        _value(item["recall"]),
        _interval(item["recall"]),
        f"{item['false']:,}",
        f"{item['alike_reported']}/{item['alike']}",
        _value(item["precision"]),
        _interval(item["precision"]),
        f"{item['target']:.2f}",
        "" if item["met"] else "below",
    ]


def _value(share: Mapping[str, Any] | None) -> str:
    return "–" if share is None else percent(share["value"])


def _interval(share: Mapping[str, Any] | None) -> str:
    if share is None:
        return ""
    low, high = share["interval"]
    return f"[{100 * low:.0f}–{100 * high:.0f}]"


def _verdict(checks: list[Mapping[str, Any]]) -> list[str]:
    """Tell which checks stay under their targets, and which could not be tried, and why."""
    reached = sum(item["met"] is True for item in checks)
    under = [_shortfall(item) for item in checks if item["met"] is False]
    lines = ["", f"{count(reached, 'check')} reached the target; under it: "
             f"{', '.join(under) or 'none'}"]  # fmt: skip
    why: dict[tuple[str, str], list[str]] = {}
    for status in ("failed", "not tested", "not applicable", "skipped"):
        for item in checks:
            if item["status"] == status:
                # Findings of theirs are false all the same.
                false = f" ({count(item['false'], 'false alarm')})" if item["false"] else ""
                why.setdefault((status, item["reason"]), []).append(item["check"] + false)
    if why:
        lines.append(f"{count(sum(map(len, why.values())), 'check')} could not be tried:")
    for (status, reason), names in why.items():
        lines.append(f"  {status}: {', '.join(names)}: {safe_text(reason)}")
    return lines


def _shortfall(item: Mapping[str, Any]) -> str:
    """Name a check with the shares that are too small, and of how many they are."""
    said = []
    if item["recall"]["value"] < item["target"]:
        said.append(f"recall {_value(item['recall'])} of {item['planted']:,}")
    if item["precision"] is not None and item["precision"]["value"] < item["target"]:
        said.append(f"precision {_value(item['precision'])} of {item['found'] + item['false']:,}")
    return f"{item['check']} ({'; '.join(said)})"


def _examples(checks: list[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for item in checks:
        for title, kept in (("missed", item["misses"]), ("false", item["false_alarms"])):
            for example in kept[:_SHOWN]:
                where = f"round {example['round']}"
                if example["row"] is not None:
                    where += f", row {example['row']:,}"
                kind = example["kind"] or "nothing planted"
                lines.append(f"  {title}: {item['check']}, {where}, {kind}: {example['text']}")
    return ["", "examples", *map(safe_text, lines)] if lines else []
