"""The detector tells the truth: three ways of tuning, three seeds, by the shipped verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest
from three_ways import RESULTS, SEEDS, WAYS, Prepared, made_of, prepare_workspace, run_way

from tunewise.workspace.files import read_json
from tunewise.workspace.lock import locked

pytestmark = pytest.mark.slow
FIRST_SEED, *OTHER_SEEDS = SEEDS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Prepared:
    """The demo's cleaned data, in one workspace for all test processes."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent
    with locked(folder / "three-ways.lock"):
        return prepare_workspace(folder / "three-ways")


@pytest.mark.parametrize(
    "seed",
    [FIRST_SEED, *(pytest.param(seed, marks=pytest.mark.other_seed) for seed in OTHER_SEEDS)],
)
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_tuning_gets_the_verdict_that_it_deserves(
    prepared: Prepared, way: str, seed: int
):
    outcome = run_way(prepared, way, seed)

    assert outcome.as_expected, outcome


def test_committed_table_is_of_the_bundled_data_and_as_expected():
    results = read_json(RESULTS)

    assert results["made_of"] == made_of(), "run perf/three_ways.py --write"
    assert {(run["way"], run["seed"]) for run in results["runs"]} == {
        (way, seed) for way in WAYS for seed in SEEDS
    }
    assert all(run["as_expected"] for run in results["runs"])


def test_page_shows_the_committed_table(repository_root: Path):
    page = (repository_root / "docs" / "proof.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]

    for run in read_json(RESULTS)["runs"]:
        start = f"| {run['way']} | {run['seed']} |"
        [row] = [line for line in rows if line.startswith(start)]
        assert run["general"] in row
        assert f"{run['general_delta']:+.1f}" in row
        assert f"{run['domain_base']:.1f} → {run['domain_tuned']:.1f}" in row
