"""Near-duplicates over shards: the same pairs and components as in one place, also on Ray."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.audit import audit
from tunewise.curate.near_duplicates.pairs import NearDuplicates, near_duplicate_pairs
from tunewise.curate.near_duplicates.ray_runner import ray_cluster
from tunewise.curate.near_duplicates.sharded_pairs import sharded_near_duplicates
from tunewise.curate.reading import pieces as pieces_module
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.files import read_json


class Here:
    """Runs every step at once; handles are the values."""

    def __init__(self) -> None:
        self.calls = 0

    def call(
        self, function: Callable[..., Any], *arguments: Any, returns: int | None = None
    ) -> list[Any]:
        self.calls += 1
        value = function(*arguments)
        if returns is None:
            return [value]
        assert len(value) == returns
        return value

    def share(self, value: Any) -> Any:
        return value

    def fetch(self, handles: Sequence[Any]) -> list[Any]:
        return list(handles)


MixedTexts = Callable[[int, int], pl.Series]


def shards_of(texts: pl.Series, cuts: Sequence[int]) -> list[Callable[[], pl.Series]]:
    edges = [0, *sorted(cuts), len(texts)]
    return [partial(pl.Series.slice, texts, low, high - low) for low, high in pairwise(edges)]


def assert_equal(one: NearDuplicates, other: NearDuplicates) -> None:
    assert one.pairs.equals(other.pairs)
    assert (one.components == other.components).all()
    assert one.method == other.method


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.8), (2, 0.6), (3, 0.9)])
def test_shards_find_what_one_place_finds(
    mixed_texts: MixedTexts, seed: int, threshold: float
) -> None:
    texts = mixed_texts(seed, 1200)
    plain = near_duplicate_pairs(texts, threshold=threshold, method="exact")
    assert plain.pairs.filter(pl.col("jaccard") < 1).height > 4
    for cuts, partitions in (([], None), ([300, 700, 700], None), ([1, 50, 600, 1000], 7)):
        found = sharded_near_duplicates(
            shards_of(texts, cuts), Here(), threshold=threshold, partitions=partitions
        )
        assert_equal(found, plain)


WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=0, max_size=26)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(WORDS, min_size=0, max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
    st.sampled_from([0.3, 0.6, 0.8, 1.0]),
)
def test_any_division_gives_the_same(
    rows: list[list[str]], cuts: list[int], threshold: float
) -> None:
    texts = pl.Series([" ".join(words) for words in rows], dtype=pl.String)
    inside = [cut for cut in cuts if cut <= len(texts)]
    found = sharded_near_duplicates(shards_of(texts, inside), Here(), threshold=threshold)
    assert_equal(found, near_duplicate_pairs(texts, threshold=threshold, method="exact"))


def test_templates_are_found_across_shards() -> None:
    template = " ".join(f"rule{number}" for number in range(60))
    texts = pl.Series([f"{template} t{row}x1 t{row}x2 t{row}x3" for row in range(80)])
    assert near_duplicate_pairs(texts.head(40)).pairs.height == 40 * 39 // 2
    found = sharded_near_duplicates(shards_of(texts, [10, 20, 30, 40, 50, 60, 70]), Here())
    assert found.pairs.is_empty()


def test_no_shards_and_no_texts() -> None:
    assert sharded_near_duplicates([], Here()).pairs.is_empty()
    nothing = pl.Series([], dtype=pl.String)
    assert len(sharded_near_duplicates(shards_of(nothing, [0, 0]), Here()).components) == 0


def test_a_swarm_is_bounded_and_says_so() -> None:
    words = [f"w{number}" for number in range(60)]
    texts = pl.Series([" ".join([*words, f"end{row}"]) for row in range(40)])
    bounded = sharded_near_duplicates(shards_of(texts, [10, 30]), Here(), max_pairs=100)
    assert bounded.skipped > 0
    assert "were not compared" in bounded.method
    whole = sharded_near_duplicates(shards_of(texts, [10, 30]), Here())
    assert whole.skipped == 0
    assert set(bounded.pairs.rows()) < set(whole.pairs.rows())
    assert len(set(bounded.components)) == 1


def test_senseless_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        sharded_near_duplicates([], Here(), threshold=0)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[str]:
    """The address of a Ray cluster of two nodes with one core each, on this machine."""
    pytest.importorskip("ray", reason="needs the extra `ray`")
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def read_and_sign(texts: pl.Series, folder: Path) -> pl.Series:
    """Return texts; leave a file that names the node on which that happened."""
    import ray

    (folder / ray.get_runtime_context().get_node_id()).touch()
    return texts


def test_two_nodes_of_ray_find_what_one_place_finds(
    mixed_texts: MixedTexts, two_nodes: str, tmp_path: Path
) -> None:
    texts = mixed_texts(4, 1500)
    plain = near_duplicate_pairs(texts, method="exact")
    shards = [
        partial(read_and_sign, shard(), tmp_path) for shard in shards_of(texts, [400, 401, 900])
    ]
    with ray_cluster(two_nodes) as runner:
        assert runner.nodes == 2
        found = sharded_near_duplicates(shards, runner, partitions=3)
        one_shard = sharded_near_duplicates(shards_of(texts, []), runner)
    assert_equal(found, plain)
    assert_equal(one_shard, plain)
    assert len(list(tmp_path.iterdir())) == 2, "both nodes read shards"


def test_an_audit_on_ray_finds_what_one_here_finds(
    mixed_texts: MixedTexts, two_nodes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces_module, "_PIECE_ROWS", 50)
    rows = [{"text": text, "label": "ab"[at % 2]} for at, text in enumerate(mixed_texts(6, 400))]
    source = tmp_path / "data.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = []
    for ray in (None, two_nodes):
        chosen = AuditSettings(checks=("duplicates",), skip=("duplicates/contained",), ray=ray)
        artifact = audit(Workspace(tmp_path), [source], chosen, force=True)
        frames = [pl.read_parquet(artifact.folder / f"{name}.parquet").to_dicts()
                  for name in ("findings", "near_pairs")]  # fmt: skip
        checks = read_json(artifact.folder / "audit.json")["checks"]
        (reason,) = (one["reason"] for one in checks if one["check"] == "duplicates/near")
        assert reason == ("searched on 2 nodes of Ray" if ray else "")
        found.append(frames)
    assert len(found[0][1]) > 10
    assert found[0] == found[1]


def fail() -> pl.Series:
    raise OSError("the shard has gone")


def test_a_failure_on_a_node_is_told(two_nodes: str) -> None:
    with pytest.raises(JobError, match="the shard has gone"), ray_cluster(two_nodes) as runner:
        sharded_near_duplicates([fail], runner)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "host:port"])
def test_an_address_that_does_not_answer_is_told_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`")
    with pytest.raises(UsageError, match="no Ray cluster answers"), ray_cluster(address):
        pass


def test_without_ray_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewise.curate.near_duplicates.ray_runner.find_spec", lambda name: None)
    with pytest.raises(UsageError) as raised, ray_cluster("local"):
        pass
    assert raised.value.fix == "pip install 'tunewise[ray]'"
