"""How many tokens texts have, by counting each of their words once.

Encoding is by far the dearest part of an audit with a tokenizer. Byte-level tokenizers cut a text
into words by a regular expression before they look for tokens, so the tokens of a text are those
of its words. Texts are cut here where all such expressions do: before a space with a letter after
it, and between a letter and a mark of punctuation. All tokenizers cut around special tokens, so
that a system prompt is counted once. Few of the pieces are new; most have been counted before.

Whether that holds for a tokenizer is read from its parts, and tried on some texts of every batch:
where the sum is wrong, texts are cut less from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CUT = "\x00"
_BEFORE_WORD = r"([^\s])( [A-Za-z])"
_BEFORE_MARK = r"([A-Za-z])([,.;:!?])"
_HARMLESS_NORMALIZERS = {"NFC", "NFKC", "Lowercase"}
_CUTTING = {"ByteLevel", "Split", "Digits", "Punctuation"}
_TRIED = 32
_FIRST_IS_SPECIAL = '"prepend_scheme":"first"'
_WHOLE, _AROUND_SPECIAL, _INTO_WORDS = range(3)
_MOST_KNOWN = 1_000_000
_BATCH = 8192


class TokenCounts:
    """Counts tokens with a tokenizer; it remembers what it has counted."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Begin without knowing any word.

        Args:
            tokenizer: neither cuts texts off nor fills them up.
        """
        self._tokenizer = tokenizer
        self._special = _special_tokens(tokenizer)
        self._cut = _finest_cut(tokenizer, self._special)
        self._known = pl.DataFrame(schema={"piece": pl.String, "tokens": pl.Int64})

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, without special tokens put around it."""
        if self._cut == _WHOLE or any(_CUT in text for text in texts):
            return self.count_whole(texts)
        counts = self._count_pieces(pl.Series("text", texts, dtype=pl.String))
        tried = range(0, len(texts), max(1, len(texts) // _TRIED))
        if self.count_whole([texts[i] for i in tried]) == [counts[i] for i in tried]:
            return counts
        self._cut -= 1
        return self.count(texts)

    def count_whole(self, texts: Sequence[str]) -> list[int]:
        """Return the same without cutting the texts."""
        return list(self._encoded(texts))

    def _encoded(self, texts: Sequence[str]) -> Iterator[int]:
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                yield len(encoding)

    def _count_pieces(self, texts: pl.Series) -> list[int]:
        cut = texts
        if self._special:
            apart = [f"{_CUT}{token}{_CUT}" for token in self._special]
            cut = texts.str.replace_many(self._special, apart, leftmost=True)
        if self._cut == _INTO_WORDS:
            cut = cut.str.replace_all(_BEFORE_WORD, f"${{1}}{_CUT}${{2}}")
            cut = cut.str.replace_all(_BEFORE_MARK, f"${{1}}{_CUT}${{2}}")
        pieces = cut.str.split(_CUT)
        self._learn(pieces.explode().unique())
        words, tokens = self._known["piece"], self._known["tokens"]
        return (
            pieces.to_frame("pieces")
            .select(
                pl.col("pieces")
                .list.eval(pl.element().replace_strict(words, tokens, return_dtype=pl.Int64))
                .list.sum()
            )
            .to_series()
            .to_list()
        )

    def _learn(self, pieces: pl.Series) -> None:
        """Count the pieces that are not known yet."""
        if self._known.height > _MOST_KNOWN:
            self._known = self._known.clear()
        new = pieces.to_frame("piece").join(self._known, on="piece", how="anti")["piece"]
        counted = pl.DataFrame(
            {"piece": new, "tokens": self.count_whole(new.to_list())},
            schema=self._known.schema,
        )
        self._known = pl.concat([self._known, counted], rechunk=True)


def _special_tokens(tokenizer: Tokenizer) -> list[str]:
    """Return the tokens that a tokenizer sees before all else, the longest first."""
    added = tokenizer.get_added_tokens_decoder().values()
    return sorted((token.content for token in added if not token.normalized), key=len, reverse=True)


def _finest_cut(tokenizer: Tokenizer, special: Sequence[str]) -> int:
    """Tell how finely texts can be cut so that the tokens of the pieces are those of the whole."""
    added = tokenizer.get_added_tokens_decoder().values()
    swallows = any(token.lstrip or token.rstrip or token.single_word for token in added)
    parts = tokenizer.to_str()
    if swallows or _FIRST_IS_SPECIAL in parts:
        # The space around a token goes with it; or the first piece of a text is another case.
        return _WHOLE
    is_cut = re.compile(f"{_BEFORE_WORD}|{_BEFORE_MARK}|{_CUT}")
    if any(is_cut.search(token.content) for token in added):
        return _WHOLE
    return _INTO_WORDS if _cuts_words(json.loads(parts)) else _AROUND_SPECIAL


def _cuts_words(parts: Mapping[str, Any]) -> bool:
    """Tell whether a tokenizer is byte-level and looks for tokens within words alone."""
    normalizers = _flat(parts["normalizer"], "normalizers")
    cutters = _flat(parts["pre_tokenizer"], "pretokenizers")
    kinds = {cutter["type"] for cutter in cutters}
    by_regex = any(
        cutter["type"] == "Split"
        or (cutter["type"] == "ByteLevel" and cutter.get("use_regex", True))
        for cutter in cutters
    )
    return (
        "ByteLevel" in kinds
        and by_regex
        and kinds <= _CUTTING
        and not any(cutter.get("add_prefix_space") for cutter in cutters)
        and {normalizer["type"] for normalizer in normalizers} <= _HARMLESS_NORMALIZERS
    )


def _flat(part: dict[str, Any] | None, name: str) -> list[dict[str, Any]]:
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    return [inner for item in part[name] for inner in _flat(item, name)]
