"""Texts read before answer new ones as if all of them were searched together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.near_duplicates import known_texts
from tunewise.curate.near_duplicates.comparison_text import canonical_texts
from tunewise.curate.near_duplicates.known_texts import hashing_digest, nearest_known, save_known
from tunewise.curate.near_duplicates.pairs import near_duplicate_pairs

MixedTexts = Callable[[int, int], pl.Series]


def best_of_all(texts: pl.Series, cut: int, threshold: float) -> dict[int, tuple[int, float]]:
    """The nearest earlier text of each later one, from a search among all together."""
    best: dict[int, tuple[int, float]] = {}
    pairs = near_duplicate_pairs(texts, canonical=True, method="exact", threshold=threshold).pairs
    for left, right, jaccard in pairs.iter_rows():
        if left < cut <= right:
            known = best.get(right - cut)
            if known is None or (-jaccard, left) < (-known[1], known[0]):
                best[right - cut] = (left, jaccard)
    return best


def found_in_index(
    old: list[pl.Series], new: pl.Series, folder: Path, threshold: float
) -> dict[int, tuple[int, float]]:
    folder.mkdir()
    numbers = save_known(old, folder, threshold=threshold, shingle_size=5, memory=200_000)
    first: dict[int, int] = {}
    for position, number in enumerate(numbers.tolist()):
        first.setdefault(number, position)
    nearest = nearest_known(new, folder, threshold=threshold, shingle_size=5)
    return {text: (first[known], jaccard) for text, known, jaccard in nearest.pairs.iter_rows()}


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.8), (2, 0.6), (3, 0.95)])
def test_new_texts_find_what_a_search_among_all_would(
    mixed_texts: MixedTexts, seed: int, threshold: float, tmp_path: Path
) -> None:
    texts, cut = canonical_texts(mixed_texts(seed, 1200)), 800
    truth = best_of_all(texts, cut, threshold)
    assert len(truth) > 40
    assert min(jaccard for _, jaccard in truth.values()) < 1
    old = [texts.slice(first, min(300, cut - first)) for first in range(0, cut, 300)]
    found = found_in_index(old, texts.slice(cut), tmp_path / "index", threshold)
    assert found == pytest.approx(truth)


def test_pieces_of_old_texts_make_no_difference(mixed_texts: MixedTexts, tmp_path: Path) -> None:
    texts = canonical_texts(mixed_texts(5, 700))
    new = texts.slice(500)
    one = found_in_index([texts.head(500)], new, tmp_path / "one", 0.8)
    pieces = [texts.slice(first, 50) for first in range(0, 500, 50)]
    assert one
    assert found_in_index(pieces, new, tmp_path / "many", 0.8) == one


def test_the_old_texts_are_not_needed_again(mixed_texts: MixedTexts, tmp_path: Path) -> None:
    texts = canonical_texts(mixed_texts(6, 300))
    save_known([texts], tmp_path, threshold=0.8, shingle_size=5)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert not any(text.encode() in content for text in texts if len(text) > 20)
    found = nearest_known(texts, tmp_path, threshold=0.8, shingle_size=5).pairs
    assert found["text"].to_list() == [at for at, text in enumerate(texts) if text]
    assert set(found["jaccard"]) == {1.0}


def test_an_empty_index_and_no_new_texts(tmp_path: Path) -> None:
    nothing = pl.Series([], dtype=pl.String)
    save_known([nothing], tmp_path, threshold=0.8, shingle_size=5)
    assert nearest_known(
        pl.Series(["a b c"]), tmp_path, threshold=0.8, shingle_size=5
    ).pairs.is_empty()
    assert nearest_known(nothing, tmp_path, threshold=0.8, shingle_size=5).pairs.is_empty()


def test_other_code_is_another_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashing_digest()
    for path in Path(known_texts.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(known_texts, "__file__", str(tmp_path / "known_texts.py"))
    assert hashing_digest() == before
    with (tmp_path / "word_kernels.py").open("a") as file:
        file.write("# another\n")
    assert hashing_digest() != before
