"""Counting words once gives the very counts of encoding whole texts, for every tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, Lowercase, Prepend, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import (
    ByteLevel,
    Digits,
    Metaspace,
    PreTokenizer,
    Sequence,
    Split,
    WhitespaceSplit,
)
from tokenizers.trainers import BpeTrainer

from tunewise.curate.tokens.token_counts import TokenCounts

# As models of three makes cut texts into words.
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = ByteLevel(add_prefix_space=False, use_regex=False)
CUTTERS: dict[str, Callable[[], PreTokenizer | None]] = {
    "gpt2": lambda: ByteLevel(add_prefix_space=False),
    "cl100k": lambda: Sequence([Split(Regex(CL100K), "isolated"), BYTES]),
    "o200k": lambda: Sequence([Split(Regex(O200K), "isolated"), BYTES]),
    "digits": lambda: Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]),
    "prefix space": lambda: ByteLevel(add_prefix_space=True),
    "first is special": lambda: Metaspace(prepend_scheme="first"),
    "metaspace": lambda: Metaspace(prepend_scheme="always"),
    "white space": lambda: WhitespaceSplit(),
    "none": lambda: None,
}
CORPUS = [
    "The cat sat on the mat, didn't it? It's 12,345 cats; they're fine. \n\nWe'll see: Ünïcödé é.",
    "def f(x):\n    return x.y + 'the end'  # done\n\t1.5e-3 <b>the</b> the the cat cat sat",
] * 5
PIECES = [
    *("<|end|>", "<|user|>", " ", "  ", "\n", "\t", "\x00", "é", "e\u0301", "😀", "世界"),
    *("the", " the", "Cat", "don't", "naïve", "'s", "’t", ".", ",", "(", "/", "7", "12", "<|"),
]


def trained(cutter: PreTokenizer | None, **token_flags: bool) -> Tokenizer:
    tokenizer = Tokenizer(BPE(byte_fallback=False, unk_token="<unk>"))
    if cutter is None:
        tokenizer.normalizer = Normalizers([Prepend("▁"), Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = cutter
    special = AddedToken("<|end|>", special=True, **token_flags)
    tokenizer.train_from_iterator(
        CORPUS, BpeTrainer(vocab_size=400, special_tokens=["<unk>", special, "<|user|>"],
                           initial_alphabet=ByteLevel.alphabet(), show_progress=False),
    )  # fmt: skip
    return tokenizer


@pytest.fixture(scope="module", params=CUTTERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return trained(CUTTERS[request.param]())


def whole(tokenizer: Tokenizer, texts: list[str]) -> list[int]:
    return [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]


TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=6)


@settings(max_examples=150, deadline=None)
@given(texts=TEXTS)
def test_pieces_are_counted_as_the_whole(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


def test_many_texts_at_once(tokenizer: Tokenizer) -> None:
    counts = TokenCounts(tokenizer)
    texts = [f"{CORPUS[i % 2]} The {i}th cat{'s' * (i % 3)}.<|end|>{i}" for i in range(400)]
    assert counts.count(texts) == whole(tokenizer, texts)
    assert counts.count(texts[:7]) == whole(tokenizer, texts[:7])
    assert counts.count([]) == []


def test_a_tokenizer_without_special_tokens() -> None:
    tokenizer = Tokenizer(BPE(vocab={"a": 0, "b": 1, "ab": 2}, merges=[("a", "b")]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    texts = ["ab, ab", "b", ""]
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


@pytest.mark.parametrize("flag", ["lstrip", "rstrip", "single_word"])
def test_tokens_that_swallow_what_is_around_them(flag: str) -> None:
    tokenizer = trained(ByteLevel(add_prefix_space=False), **{flag: True})
    texts = ["a <|end|> b", "a<|end|>b", "a <|user|> b <|end|>c", "<|end|>", ""]
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


def test_a_special_token_that_would_be_cut() -> None:
    tokenizer = trained(ByteLevel(add_prefix_space=False))
    tokenizer.add_special_tokens(["<| the end.|>"])
    texts = ["a<| the end.|> b <| the end.|>the", "the end."]
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


@pytest.mark.parametrize("normalizer", [NFC(), Lowercase(), Normalizers([NFC(), Lowercase()])])
def test_normalizers(normalizer) -> None:
    tokenizer = trained(ByteLevel(add_prefix_space=False))
    tokenizer.normalizer = normalizer
    texts = ["The e\u0301 CAT, the Cat. e\u0301 the", "A\u030a the É."]
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


def test_where_the_sum_is_wrong_texts_are_cut_less() -> None:
    # This one cuts no words at spaces: a token reaches from one word into the next.
    tokenizer = trained(Sequence([Split(Regex(r"\n"), "isolated"), BYTES]))
    texts = [f"the cat sat on the mat, the cat sat {i}<|end|>on the mat" for i in range(100)]
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)


def test_the_bundled_tokenizer_and_real_texts(repository_root: Path) -> None:
    path = repository_root / "datasets" / "base" / "tokenizer.json"
    sample = repository_root / "datasets" / "sample.jsonl"
    if not path.is_file() or not sample.is_file():
        pytest.skip(f"no tokenizer at {path}, or no sample")
    tokenizer = Tokenizer.from_file(str(path))
    texts = sample.read_text("utf-8", "replace").splitlines()
    assert TokenCounts(tokenizer).count(texts) == whole(tokenizer, texts)
