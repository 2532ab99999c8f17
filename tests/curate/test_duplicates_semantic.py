"""Semantic duplicates: by encoders made here, whose vectors are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.checking import run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.duplicates_semantic import CHECK, similar_pairs
from tunewise.curate.models.encoder import load_encoder
from tunewise.curate.reading.read import read_dataset
from tunewise.workspace.errors import UsageError

WORDS = ["refund", "money", "back", "parcel", "package", "late", "delayed", "hello"]
# Words of one meaning point the same way.
MEANING = {"refund": 0, "money": 0, "back": 0, "parcel": 1, "package": 1, "late": 2, "delayed": 2,
           "hello": 3}  # fmt: skip
TEXTS = ["parcel late", "hello", "package delayed", "refund", "money back", "late late"]


def static_encoder(folder: Path) -> Path:
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.zeros((len(vocabulary), 4), dtype=np.float32)
    for word, meaning in MEANING.items():
        vectors[vocabulary[word], meaning] = 1
    StaticModel(vectors, tokenizer, {}).save_pretrained(folder)
    return folder


def found(tmp_path: Path, model: str, **parameters: object) -> list[tuple]:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    given = {CHECK.name: {"model": model, **parameters}}
    result = run_check(CHECK, CheckContext(read_dataset(path), parameters=given))
    assert result.status == "ran", result.reason
    assert result.findings["score"].is_between(0.9, 1.0001).all()
    return result.findings.select("row", "related_row").rows()


def test_other_words_of_the_same_meaning(tmp_path: Path) -> None:
    assert found(tmp_path, str(static_encoder(tmp_path / "encoder"))) == [(0, 2), (3, 4)]


def test_an_encoder_of_transformers(tmp_path: Path, shared_data: Path) -> None:
    """A story model has no business with shops; only equal texts are surely alike to it."""
    encode = load_encoder(str(shared_data / "models" / "stories260K"))
    vectors = encode(["once upon a time", "a dog", "once upon a time", ""])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[2] == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] < 0.999


def test_without_a_model_it_says_how_to_name_one(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a"}\n')
    result = run_check(CHECK, CheckContext(read_dataset(path)))
    assert (result.status, "model =" in result.reason) == ("skipped", True)


def test_too_many_records_are_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    given = {CHECK.name: {"model": str(static_encoder(tmp_path / "e")), "most_records": 3}}
    result = run_check(CHECK, CheckContext(read_dataset(path), parameters=given))
    assert (result.status, "most_records" in result.reason) == ("skipped", True)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model's folder"):
        load_encoder(str(tmp_path))


@given(st.integers(0, 200), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_all_pairs_and_no_other(count: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    left, right, cosines = similar_pairs(vectors, 0.95)
    everything = np.triu(vectors @ vectors.T, k=1) >= 0.95
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == set(
        zip(*(ends.tolist() for ends in np.nonzero(everything)), strict=True)
    )
    assert (cosines >= 0.95).all()
