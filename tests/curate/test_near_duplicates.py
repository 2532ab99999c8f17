"""The near-duplicate engine against brute force, in any order, and against datasketch."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.near_duplicates.comparison_text import canonical_texts
from tunewise.curate.near_duplicates.components import component_labels, keep_best
from tunewise.curate.near_duplicates.pairs import near_duplicate_pairs
from tunewise.curate.near_duplicates.shared_shingles import is_template
from tunewise.curate.near_duplicates.sketches import (
    as_minhash,
    band_keys,
    bucket_candidates,
    choose_bands,
    detection,
    signatures,
)
from tunewise.curate.near_duplicates.string_buffers import joined_runs


def word_runs(words: list[str], size: int) -> frozenset[tuple[str, ...]]:
    if len(words) < size:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def brute_force(texts: list[str], threshold: float) -> dict[tuple[int, int], float]:
    """All pairs by the definition."""
    words = [text.split() for text in canonical_texts(pl.Series(texts, dtype=pl.String))]
    runs = {size: [word_runs(some, size) for some in words] for size in (3, 5)}
    weights = {
        3: run_weights({tuple(some) for some in words if 1 <= len(some) < 20 / threshold}, 3),
        5: run_weights({tuple(some) for some in words if len(some) >= 20}, 5),
    }
    found = {}
    for right in range(len(texts)):
        for left in range(right):
            shorter = min(len(words[left]), len(words[right]))
            if shorter == 0:
                continue
            size = 5 if shorter >= 20 else 3
            weight = weights[size]
            one, other = runs[size][left], runs[size][right]
            shared = sum(weight.get(run, 100) for run in one & other)
            similarity = shared / sum(weight.get(run, 100) for run in one | other)
            if similarity >= threshold or words[left] == words[right]:
                found[left, right] = similarity
    return found


def run_weights(texts: set[tuple[str, ...]], size: int) -> dict[tuple[str, ...], int]:
    """The runs that very many of the distinct texts have weigh 1, all others 100."""
    counts = Counter(run for words in texts for run in word_runs(list(words), size))
    return {run: 1 for run, count in counts.items() if is_template(np.array(count), len(texts))}


def found_pairs(texts: list[str], **options: object) -> dict[tuple[int, int], float]:
    result = near_duplicate_pairs(pl.Series(texts, dtype=pl.String), **options)  # type: ignore[arg-type]
    return {(left, right): jaccard for left, right, jaccard in result.pairs.iter_rows()}


def varied_texts(seed: int, count: int, longest: int = 90) -> list[str]:
    """Texts of distinct words of all lengths, with edited copies of many of them."""
    chance = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        words = [f"w{chance.randrange(100_000)}" for _ in range(chance.randint(1, longest))]
        texts.append(" ".join(words))
        for _ in range(chance.choice([0, 0, 1, 2])):
            copy = list(words)
            for _ in range(chance.randint(0, 3)):
                place = chance.randrange(len(copy) + 1)
                copy[place : place + chance.randint(0, 1)] = ["new"] * chance.randint(0, 2)
            texts.append(" ".join(copy))
    chance.shuffle(texts)
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95, 1.0])
def test_the_pairs_are_those_of_brute_force(threshold: float) -> None:
    texts = varied_texts(1, 200)
    truth = brute_force(texts, threshold)
    assert len(truth) > 10
    assert found_pairs(texts, threshold=threshold, method="exact") == pytest.approx(truth)


def test_pairs_at_the_border_of_lengths_are_found() -> None:
    words = [f"w{number}" for number in range(40)]
    texts = [" ".join(words[:length]) for length in range(1, 41)]
    assert found_pairs(texts) == pytest.approx(brute_force(texts, 0.8))


# Words that repeat: only there can a text above the border of lengths be as similar as a short one.
WORDS = st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=0, max_size=19)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=8), st.sampled_from([0.3, 0.6, 0.8, 1.0]))
def test_short_texts_equal_brute_force(texts: list[list[str]], threshold: float) -> None:
    written = [" ".join(words) for words in texts]
    assert found_pairs(written, threshold=threshold) == pytest.approx(
        brute_force(written, threshold)
    )


def templated_texts(seed: int, count: int) -> list[str]:
    """Texts of which many begin alike, some nearly as wholes, in all lengths."""
    chance = random.Random(seed)
    templates = [" ".join(f"t{number}x{word}" for word in range(30)) for number in range(3)]
    texts = []
    for _ in range(count):
        begin = chance.choice([*templates, ""]).split()[: chance.choice([3, 12, 30])]
        own = [f"w{chance.randrange(40)}" for _ in range(chance.randrange(12))]
        texts.append(" ".join(begin + own))
    return texts


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.8), (2, 0.6), (3, 0.9)])
def test_templates_weigh_little_by_the_definition(seed: int, threshold: float) -> None:
    texts = templated_texts(seed, 420)
    truth = brute_force(texts, threshold)
    assert len(truth) > 10
    assert found_pairs(texts, threshold=threshold) == pytest.approx(truth)


@pytest.mark.parametrize("method", ["exact", "sketch"])
def test_pieces_threads_and_the_disk_change_nothing(method: str, tmp_path: Path) -> None:
    texts = pl.Series(varied_texts(11, 1500) + templated_texts(4, 300))
    plain = near_duplicate_pairs(texts, method=method, threads=1)  # type: ignore[arg-type]
    assert plain.pairs.height > 100
    pieces = [texts.slice(first, 97) for first in range(0, len(texts), 97)]
    for given_texts, options in (
        (pieces, {"threads": 3}),
        (iter([texts.head(0), *pieces]), {"threads": 1, "memory": 60_000, "folder": tmp_path}),
        (canonical_texts(texts), {"canonical": True, "memory": 200_000}),
    ):
        other = near_duplicate_pairs(given_texts, method=method, **options)  # type: ignore[arg-type]
        assert other.pairs.equals(plain.pairs)
        assert (other.components == plain.components).all()
    assert list(tmp_path.iterdir()) == []


def test_what_lay_on_the_disk_is_told() -> None:
    texts = pl.Series(varied_texts(11, 400))
    assert "disk" not in near_duplicate_pairs(texts).method
    small = near_duplicate_pairs(texts, memory=20_000)
    assert "GB of n-grams lay on the disk" in small.method
    assert "MinHash, 21 bands of 6, which find 99" in small.method
    assert "all pairs, by a prefix filter" in near_duplicate_pairs(texts, memory=400_000).method


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["exact", "sketch"]))
def test_the_order_of_the_texts_does_not_matter(seed: int, method: str) -> None:
    texts = varied_texts(seed, 40)
    order = list(range(len(texts)))
    random.Random(seed + 1).shuffle(order)
    plain = near_duplicate_pairs(pl.Series(texts), method=method)  # type: ignore[arg-type]
    mixed = near_duplicate_pairs(pl.Series([texts[at] for at in order]), method=method)  # type: ignore[arg-type]
    back = {
        (min(order[left], order[right]), max(order[left], order[right])): jaccard
        for left, right, jaccard in mixed.pairs.iter_rows()
    }
    assert back == {(left, right): jaccard for left, right, jaccard in plain.pairs.iter_rows()}
    groups = {
        frozenset(np.flatnonzero(plain.components == label)) for label in set(plain.components)
    }
    mixed_groups = {
        frozenset(order[at] for at in np.flatnonzero(mixed.components == label))
        for label in set(mixed.components)
    }
    assert groups == mixed_groups


def test_sketches_find_the_pairs_and_report_nothing_else() -> None:
    texts = varied_texts(2, 900)
    truth = found_pairs(texts, method="exact")
    sketched = found_pairs(texts, method="sketch")
    assert sketched.items() <= truth.items()
    assert len(sketched) >= 0.99 * len(truth)


def test_a_text_without_words_is_tied_to_nothing() -> None:
    assert found_pairs(["", "", "\n ", "a b"]) == {}
    assert near_duplicate_pairs(pl.Series([], dtype=pl.String)).pairs.is_empty()


def test_copies_are_all_paired() -> None:
    texts = ["so it goes"] * 3 + ["other"] + ["So it GOES!"]
    assert sorted(found_pairs(texts)) == [(0, 1), (0, 2), (0, 4), (1, 2), (1, 4), (2, 4)]


def test_a_shared_template_is_no_similarity() -> None:
    template = " ".join(f"rule{number}" for number in range(60))
    tails = [" ".join(f"t{row}x{word}" for word in range(12)) for row in range(80)]
    texts = [f"{template} {tail}" for tail in tails]
    few = found_pairs(texts[:40])
    assert len(few) == 0 or max(few.values()) < 0.8
    with_short_tails = [f"{template} {' '.join(tail.split()[:6])}" for tail in tails]
    assert len(found_pairs(with_short_tails[:40])) == 40 * 39 // 2
    assert found_pairs(with_short_tails) == {}
    # The same tail after the template is still found.
    assert found_pairs([*with_short_tails, with_short_tails[3] + " more"]).keys() == {(3, 80)}


def test_rows_of_nothing_but_a_template_are_still_compared() -> None:
    words = [f"w{number}" for number in range(60)]
    texts = [" ".join(words[start:]) for start in range(3)]
    others = [" ".join(words + [f"x{row}y{word}" for word in range(20)]) for row in range(70)]
    assert set(found_pairs(texts + others)) >= {(0, 1), (1, 2)}


def test_a_swarm_is_bounded_and_says_so() -> None:
    words = [f"w{number}" for number in range(60)]
    texts = [" ".join([*words, f"end{row}"]) for row in range(40)]
    result = near_duplicate_pairs(pl.Series(texts), max_pairs=100)
    assert result.bounded_buckets > 0
    assert result.skipped > 0
    assert len(set(result.components)) == 1
    assert "were not compared" in result.method
    truth = found_pairs(texts)
    assert {(left, right): found for left, right, found in result.pairs.iter_rows()}.items() <= (
        truth.items()
    )
    assert near_duplicate_pairs(pl.Series(texts)).skipped == 0
    copies = near_duplicate_pairs(pl.Series(["the same"] * 50), max_pairs=100)
    assert copies.skipped > 0
    assert len(set(copies.components)) == 1


@pytest.mark.parametrize("bad", [{"threshold": 0}, {"threshold": 1.1}, {"shingle_size": 0}])
def test_senseless_parameters_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="threshold"):
        near_duplicate_pairs(pl.Series(["a"]), **bad)


def test_signatures_are_those_of_datasketch() -> None:
    chance = np.random.default_rng(4)
    sets = [chance.integers(0, 2**63, size, dtype=np.uint64) for size in (1, 2, 50, 700)]
    ours = signatures(np.concatenate(sets), np.array([len(values) for values in sets]))
    for values, signature in zip(sets, ours, strict=True):
        theirs = MinHash(num_perm=128, hashfunc=int)
        theirs.update_batch([int(value) & 0xFFFFFFFF for value in values])
        assert theirs.scheme == "affine32"
        assert (theirs.digest() == signature).all()
        assert as_minhash(signature).jaccard(theirs) == 1.0


def test_template_shingles_are_not_signed_where_there_are_others() -> None:
    plain, template = np.array([3, 7], dtype=np.uint64), np.array([9 | 1 << 63], dtype=np.uint64)
    lengths = np.array([2, 3, 1])
    one, two, three = signatures(np.r_[plain, plain, template, template], lengths)
    assert (one == two).all()
    assert (three != two).any()


def test_candidates_are_those_of_a_datasketch_index_made_from_our_signatures() -> None:
    chance = np.random.default_rng(5)
    family = chance.integers(0, 2**63, (30, 40), dtype=np.uint64)
    sets = [
        np.where(chance.random(40) < share, chance.integers(0, 2**63, 40, dtype=np.uint64), base)
        for base in family
        for share in (0.0, 0.1, 0.3, 0.6)
    ]
    ours = signatures(np.concatenate(sets), np.array([len(values) for values in sets]))
    bands, rows = choose_bands(0.5)
    index = MinHashLSH(num_perm=128, params=(bands, rows))
    for number, signature in enumerate(ours):
        index.insert(number, as_minhash(signature))
    theirs = {
        frozenset((number, other))
        for number, signature in enumerate(ours)
        for other in index.query(as_minhash(signature))
        if other != number
    }
    pairs = [bucket_candidates(keys) for keys in band_keys(ours, bands, rows)]
    found = {
        frozenset(pair)
        for some in pairs
        for pair in zip(some.left.tolist(), some.right.tolist(), strict=True)
    }
    assert found == theirs
    assert len(theirs) > 30


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_are_tuned_for_recall(threshold: float) -> None:
    bands, rows = choose_bands(threshold)
    assert bands * rows <= 128
    assert detection(threshold, bands, rows) >= 0.99


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_pairs_at_the_threshold_become_candidates(threshold: float) -> None:
    """Sets of exactly that similarity: at least 0.99 of them, as far as 3,000 pairs can tell."""
    chance, pairs, size = np.random.default_rng(6), 3000, 190
    shared = round(2 * size * threshold / (1 + threshold))
    one = chance.integers(0, 2**63, (pairs, size), dtype=np.uint64)
    other = chance.integers(0, 2**63, (pairs, size), dtype=np.uint64)
    other[:, :shared] = one[:, :shared]
    assert shared / (2 * size - shared) <= threshold + 0.004
    lengths = np.full(pairs, size)
    bands, rows = choose_bands(threshold)
    left, right = (
        np.array(band_keys(signatures(sets.ravel(), lengths), bands, rows)) for sets in (one, other)
    )
    met = (left == right).any(axis=0).mean()
    # Four standard deviations of a share of 0.99 among so many.
    assert met >= 0.99 - 4 * (0.99 * 0.01 / pairs) ** 0.5


def test_components_and_the_star_rule() -> None:
    left, right = np.array([0, 1, 2, 5]), np.array([1, 2, 3, 6])
    labels = component_labels(7, left, right)
    assert labels.tolist() == [0, 0, 0, 0, 4, 5, 5]
    kept_first = keep_best(np.array([1, 0, 2, 3, 4, 5, 6]), left, right, np.ones(4))
    assert list(zip(kept_first.removed, kept_first.kept, strict=True)) == [(0, 1), (2, 1), (6, 5)]
    fixed = keep_best(np.arange(7), left, right, np.ones(4), np.arange(7) == 6)
    assert fixed.removed.tolist() == [6]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Top-up  FAILED!", "top up failed", True),
        ("ﬁne Ｃafe\u0301 STRASSE", "fine café straße", True),
        ("soft\u00adly\u200b now", "softly now", True),
        ("( [ ] )", "( [ ) ]", False),
        ("f(x)", "f x", False),
        ("a + b", "a b", False),
        ("it costs 3.5 or 35", "it costs 35 or 3.5", False),
        ("x = a.b;", "x = a b", False),
        ("?!", "...", False),
        ("你好吗", "你好吧", False),
        ("你好。吗", "你 好 吗", True),
    ],
)
def test_what_counts_as_the_same_words(one: str, other: str, equal: bool) -> None:
    first, second = canonical_texts(pl.Series([one, other]))
    assert (first == second) is equal


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(), max_size=6))
def test_canonical_texts_stay_as_they_are(texts: list[str]) -> None:
    clean = [text.encode("utf-8", "ignore").decode() for text in texts]
    once = canonical_texts(pl.Series("name", clean, dtype=pl.String))
    assert once.name == "name"
    assert canonical_texts(once).to_list() == once.to_list()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.text("aé ", max_size=4), max_size=4), max_size=5),
    st.sampled_from(["", " ", "--"]),
)
def test_runs_of_strings_are_joined(runs: list[list[str]], separator: str) -> None:
    edges = np.cumsum([0, *(len(run) for run in runs)])
    texts = pl.Series("said", [text for run in runs for text in run], dtype=pl.String)
    assert joined_runs(texts, edges, separator).to_list() == [separator.join(run) for run in runs]


def test_records_are_compared_by_row_in_whatever_order_they_come(shared_data) -> None:
    from tunewise.curate.near_duplicates.comparison_text import comparison_columns
    from tunewise.curate.reading.read import read_dataset

    path = shared_data / "instructions" / "sharegpt_and_others" / "glaive_toolcall_en_demo.json"
    records = read_dataset(path).records
    plain = comparison_columns(records)
    mixed = comparison_columns(records.sample(fraction=1.0, shuffle=True, seed=1))
    assert mixed["row"].to_list() != plain["row"].to_list()
    assert mixed.sort("row").equals(plain)
    said = next(row for row in records.iter_rows(named=True) if len(row["messages"]) > 3)
    words = canonical_texts(pl.Series([message["content"] for message in said["messages"]]))
    spoken = [
        text
        for text, message in zip(words, said["messages"], strict=True)
        if message["role"] != "system" and text
    ]
    assert plain.row(by_predicate=pl.col("row") == said["row"], named=True)["spoken"] == " ".join(
        spoken
    )


def test_planted_edits_in_real_rows_are_found(shared_data) -> None:
    from tunewise.curate.near_duplicates.comparison_text import comparison_columns
    from tunewise.curate.reading.read import read_dataset

    records = read_dataset(shared_data / "instructions" / "alpaca_17k.json").records
    texts = comparison_columns(records.head(4000))["spoken"].to_list()
    chance = random.Random(8)
    planted = {}
    for row in chance.sample(range(4000), 300):
        words = texts[row].split()
        if len(words) >= 60:
            words[chance.randrange(len(words))] = "edited"
            planted[row, len(texts)] = True
            texts.append(" ".join(words))
    assert len(planted) > 100
    assert set(found_pairs(texts)) >= set(planted)
