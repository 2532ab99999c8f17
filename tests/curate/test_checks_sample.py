"""The bundled sample tells how many of its planted defects the checks find, and what else."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing.checking import run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.registry import choose_checks
from tunewise.curate.outcome import RAN
from tunewise.curate.reading.read import read_dataset

BASE_CONTEXT = 512
# Recall and precision by row.
EXACT = {
    **dict.fromkeys(
        [
            "schema/malformed-row", "schema/missing-field", "schema/empty-message",
            "schema/role-order", "schema/no-assistant", "privacy/email", "privacy/credit-card",
            "privacy/iban", "privacy/ip-address", "text/control-characters", "text/placeholder",
        ],
        0.98,
    ),
    **dict.fromkeys(
        [
            "privacy/phone", "privacy/secret", "text/mojibake", "text/html", "text/repetition",
            "text/refusal", "text/truncated", "text/language", "safety/toxic",
            "tokens/over-context",
        ],
        0.90,
    ),
}  # fmt: skip
NOT_PLANTED = {
    "schema/equal-pair",
    "schema/label-vocabulary",
    "schema/pair-shape",
    "schema/swapped-pair",
    "schema/tool-calls",
    "schema/user-schema",
    "tokens/end-token",
    "tokens/no-supervision",
    "tokens/template",
    "tokens/truncated-answer",
    "privacy/coordinates",
    "privacy/national-id",
    "privacy/person-name",
    "privacy/url-credentials",
    "balance/length",
    "balance/source",
    "balance/group",
    "balance/topic",
    "balance/effective-size",
    "bias/association",
    "bias/counterfactual",
    "labels/noise",
    "text/boilerplate",
    "text/chat-markers",
    "text/whitespace",
    "text/markdown",
    "text/length",
    "text/compression",
    "safety/toxic-model",
    "provenance/source",
    "provenance/licence",
    "labels/rejected-answer",
}

Truth = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def bundled(repository_root: Path) -> Path:
    folder = repository_root / "datasets"
    for name in ("sample.jsonl", "sample_truth.jsonl", "base/tokenizer.json"):
        if not (folder / name).is_file():
            pytest.skip(f"{folder / name} has not been made")
    return folder


@pytest.fixture(scope="module")
def truth(bundled: Path) -> Truth:
    defects: Truth = defaultdict(list)
    for line in (bundled / "sample_truth.jsonl").read_text("utf-8").splitlines():
        defect = json.loads(line)
        defects[defect["check"]].append(defect)
    return defects


@pytest.fixture(scope="module")
def findings(bundled: Path) -> dict[str, pl.DataFrame | None]:
    """Each check's findings on the sample; None where it did not run."""
    context = CheckContext(
        read_dataset([bundled / "sample.jsonl"]),
        context_length=BASE_CONTEXT,
        tokenizer=str(bundled / "base"),
    )
    elsewhere = ("duplicates", "contamination")
    results = [run_check(check, context) for check in choose_checks((), elsewhere)]
    return {
        result.check.name: result.findings if result.status == RAN else None for result in results
    }


@pytest.mark.parametrize("check", EXACT)
def test_recall_and_precision_by_row(check: str, truth: Truth, findings) -> None:
    if findings[check] is None:
        pytest.skip(f"{check} did not run")
    planted = {defect["row"] for defect in truth[check]}
    found = set(findings[check]["row"])
    assert len(planted) >= 10
    recall = len(planted & found) / len(planted)
    precision = len(planted & found) / max(1, len(found))
    assert recall >= EXACT[check], f"missed: {sorted(planted - found)}"
    assert precision >= EXACT[check], f"found besides: {sorted(found - planted)}"


@pytest.mark.parametrize(
    "check",
    ["privacy/email", "privacy/phone", "privacy/credit-card", "privacy/iban", "privacy/ip-address",
     "text/control-characters", "text/placeholder"],
)  # fmt: skip
def test_spans_are_exact(check: str, truth: Truth, findings) -> None:
    planted = {(item["row"], item["field"], item["start"], item["end"]) for item in truth[check]}
    found = set(findings[check].select("row", "field", "start", "end").rows())
    assert planted == found


def test_conflicting_labels_by_pair(truth: Truth, findings) -> None:
    planted = {frozenset((item["row"], item["related_row"])) for item in truth["labels/conflict"]}
    found = set(map(frozenset, findings["labels/conflict"].select("row", "related_row").rows()))
    assert planted == found


@pytest.mark.parametrize("check", ["balance/label", "bias/representation"])
def test_what_is_out_of_balance_is_named(check: str, truth: Truth, findings) -> None:
    found = findings[check]
    assert found["row"].null_count() == found.height
    assert {item["related"] for item in truth[check]} <= set(found["related"])


def test_every_check_that_has_truth_is_measured(truth: Truth, findings) -> None:
    measured = {*EXACT, "labels/conflict", "balance/label", "bias/representation"}
    assert set(findings) - NOT_PLANTED == measured
    assert set(truth) & set(findings) <= measured
