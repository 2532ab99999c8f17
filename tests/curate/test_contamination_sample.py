"""The bundled sample tells whether the items planted in it are found, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewise.curate.auditing.checking import CheckResult, run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.registry import choose_checks
from tunewise.curate.reading.read import read_dataset
from tunewise.datasets.make_sample import Sample, make_sample
from tunewise.evaluate.tasks.items import benchmark_items

CHECK = "contamination/benchmark"


@pytest.fixture(scope="module")
def sample() -> Sample:
    """The sample as it is made of today's benchmarks (a test of it compares that to the file)."""
    return make_sample()


@pytest.fixture(scope="module")
def planted(sample: Sample) -> dict[int, dict[str, Any]]:
    truth = [json.loads(line) for line in sample.truth]
    return {defect["row"]: defect for defect in truth if defect["check"] == CHECK}


@pytest.fixture(scope="module")
def result(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> CheckResult:
    path = tmp_path_factory.mktemp("sample") / "sample.jsonl"
    path.write_text("".join(line + "\n" for line in sample.rows), encoding="utf-8")
    (check,) = choose_checks((CHECK,))
    items = benchmark_items(["general"], Path())
    return run_check(check, CheckContext(read_dataset([path]), benchmarks=items))


def test_all_planted_rows_and_no_others_are_found(planted, result: CheckResult) -> None:
    assert len(planted) >= 18
    assert set(result.findings["row"]) == set(planted)


def test_each_finding_names_the_item_and_its_place(planted, result: CheckResult) -> None:
    assert result.findings.height == len(planted)
    for found in result.findings.iter_rows(named=True):
        defect = planted[found["row"]]
        assert found["field"] == defect["field"]
        assert found["related"].endswith(f"/{defect['related']}")
        shared = min(found["end"], defect["end"]) - max(found["start"], defect["start"])
        assert shared >= 0.8 * (defect["end"] - defect["start"])
        assert defect["start"] <= found["start"] < found["end"] <= defect["end"]


def test_the_items_that_cannot_be_judged_are_counted(result: CheckResult) -> None:
    assert result.status == "ran"
    assert "of 8,450 items stand in the data" in result.reason
    assert "are uncheckable" in result.reason
    assert "1,500 of arithmetic" in result.reason
