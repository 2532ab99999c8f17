"""Any bytes are read or refused: random ones, and valid files of every format that were damaged.

`perf/fuzz_reading.py` does the same with as many inputs as one likes; what it found is kept in the
tests of the formats.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fuzz_reading import damaged, input_of, outcome, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SEEDS = seeds()
few = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("name", list(SEEDS))
def test_a_whole_file_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SEEDS[name])
    assert outcome(path) == "read"


@given(name=st.sampled_from([*SEEDS, "a", "a.ipc", "a.ndjson.gz"]), content=st.binary(max_size=300))
@few
def test_any_bytes_are_read_or_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    outcome(path)


@given(
    name=st.sampled_from(list(SEEDS)),
    other=st.sampled_from(list(SEEDS)),
    chance=st.randoms(use_true_random=False),
)
@few
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, name: str, other: str, chance: random.Random
) -> None:
    path = tmp_path / name
    path.write_bytes(damaged(SEEDS[name], SEEDS[other], chance))
    outcome(path)


def test_a_stretch_of_the_long_run(tmp_path: Path) -> None:
    outcomes = set()
    for number in range(150):
        name, content = input_of(number, SEEDS)
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(content)
        outcomes.add(outcome(path))
    assert outcomes == {"read", "DataError"}


def test_an_input_comes_from_its_number_alone() -> None:
    assert input_of(7, SEEDS) == input_of(7, seeds())
