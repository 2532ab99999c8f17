"""What is compared when two texts or two records are called equal or nearly equal.

Three strengths of equality, the strictest first:

* **exact**: the same content, byte for byte;
* **normalised**: the same words (:func:`canonical_texts`), message by message;
* **near**: most runs of words are shared, in what was said without system prompts and role
  markers (:mod:`tunewise.curate.near_duplicates.pairs`).

:func:`comparison_columns` gives for every record what each of them compares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from ..records import CHAT, INSTRUCTING_ROLES, MESSAGE_PARTS, PREFERENCE, message_rows
from .string_buffers import joined_runs, string_buffers, strings_of

# Scripts written without spaces: each of their characters counts as a word.
_SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSEEN = r"\p{Cc}\p{Cf}"
_SENTENCE_MARKS = r".,;:!?¿¡'\"‘’‚“”„«»…‐‑‒–—·•。、「」『』・،؛؟।\-"
WORD_CHARACTER = rf"[\w--[{_SPACELESS}]]"
SPACELESS_CHARACTER = rf"[{_SPACELESS}]"
SYMBOL_IN_PROSE = rf"[^\w\s{_UNSEEN}{_SENTENCE_MARKS}]"
SYMBOL_IN_CODE = rf"[^\w\s{_UNSEEN}]"
CONNECTOR_SIGN = "[.,:/-]"
CODE_SIGN = r"[{}\[\]<>=\\|~^`]"
# Soft hyphen, zero-width space, word joiner, byte order mark: invisible inside a word.
JOINERS = r"[\u00AD\u200B\u2060\uFEFF]"
_NUMBER = rf"\d+(?:{CONNECTOR_SIGN}\d+)*"
_TOKEN = rf"{_NUMBER}|{WORD_CHARACTER}+|{SPACELESS_CHARACTER}"
_PROSE_TOKEN = rf"{_TOKEN}|{SYMBOL_IN_PROSE}"
_CODE_TOKEN = rf"{_TOKEN}|{SYMBOL_IN_CODE}"

# Letters, marks and digits only: no sign of any kind is part of such a word.
_LETTERS = rf"[\p{{L}}\p{{M}}\p{{N}}--[{_SPACELESS}]]+"
_BARE_WORD = rf"{_NUMBER}|[{_SPACELESS}]|{_LETTERS}(?:{JOINERS}+{_LETTERS})*"

_COMPILED = f"{__package__}.word_kernels"
_COMPILED_FROM_BYTES = 8_000_000
_LOADED_FROM_BYTES = 500_000
"""From here on, compiled code makes up for the time that it takes to load; and if its module is
loaded already, for the time that one more function of it may take to compile."""

_BETWEEN_MESSAGES = "\x1e"
_BETWEEN_PARTS = "\x1f"


def canonical_texts(texts: pl.Series) -> pl.Series:
    r"""Reduce texts to their words, separated by single spaces.

    Unicode compatibility forms (NFKC), case (folded through upper case, so that ``ß`` equals
    ``SS``) and white space make no difference. Sentence punctuation makes none either, since
    "Top-up?" and "top up" say the same; but brackets, operators and other symbols are words of
    their own, a number keeps the marks inside it, and a text that looks like code (it has one of
    ``{}[]<>=\|~^```) keeps every mark. Characters of scripts without spaces are words of their
    own. A text without any word, such as ``"?!"``, keeps its marks.

    Args:
        texts: strings; null counts as empty.

    Returns:
        Strings of the same length and name. Applying the function again changes nothing.

    Example:
        >>> canonical_texts(pl.Series(["My top-up  FAILED!", "f(x) = 3.5;"])).to_list()
        ['my top up failed', 'f ( x ) = 3.5 ;']
    """
    filled = texts.fill_null("")
    least = _LOADED_FROM_BYTES if _COMPILED in sys.modules else _COMPILED_FROM_BYTES
    if filled.str.len_bytes().sum() >= least:
        return canonical_by_kernel(filled)
    return canonical_by_expressions(filled)


def canonical_by_expressions(texts: pl.Series) -> pl.Series:
    """Do what :func:`canonical_texts` does with regular expressions, which define it."""
    folded = fold(texts.alias("text"))
    return (
        _by_case(
            folded,
            folded.str.contains(CODE_SIGN),
            lambda code: code.str.extract_all(_CODE_TOKEN),
            lambda prose: prose.str.extract_all(_PROSE_TOKEN),
        )
        .to_frame("words")
        .with_columns(folded)
        .select(
            pl.when(pl.col("words").list.len() > 0)
            .then(pl.col("words").list.join(" "))
            .otherwise(pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars())
        )
        .to_series()
        .alias(texts.name)
    )


def canonical_by_kernel(texts: pl.Series) -> pl.Series:
    """Do the same with compiled code; the texts it leaves out are done by the expressions."""
    from .code_points import table_for
    from .word_kernels import cut_words

    data, offsets = string_buffers(texts)
    out = np.empty(2 * len(data), dtype=np.uint8)
    written, left_out = cut_words(data, offsets, table_for(len(data)), out)
    result = strings_of(out[: written[-1]], written, texts.name)
    if not left_out.any():
        return result
    others = np.flatnonzero(left_out)
    places = np.arange(len(texts))
    places[others] = len(texts) + np.arange(len(others))
    done = canonical_by_expressions(texts.gather(others))
    return pl.concat([result, done]).gather(places)


def bare_words(texts: pl.Series) -> pl.Series:
    """Cut the words out of texts, as they stand there; punctuation and symbols are left out.

    Unlike :func:`canonical_texts` this is the same in prose and in code, so that the words of a
    passage do not depend on what surrounds it. Each word is a piece of its text, and they follow
    each other in order, which tells where each of them lies. Compare them folded (:func:`fold`).

    Args:
        texts: strings, none of them null.

    Example:
        >>> bare_words(pl.Series(["[My top-up]  FAILED: 3.5!"])).to_list()
        [['My', 'top', 'up', 'FAILED', '3.5']]
    """
    return texts.str.extract_all(_BARE_WORD)


def spaceless_characters(texts: pl.Series) -> pl.Series:
    """Count the characters of scripts without spaces, each of which is a word of its own."""
    return texts.str.count_matches(rf"[{_SPACELESS}]").cast(pl.Int64)


def fold(texts: pl.Series) -> pl.Series:
    """Fold case and Unicode form; plain ASCII, the usual case, takes the short way."""
    return _by_case(
        texts,
        texts.str.len_bytes() == texts.str.len_chars(),
        lambda ascii_texts: ascii_texts.str.to_lowercase(),
        lambda others: (
            others.str.replace_all(JOINERS, "")
            .str.normalize("NFKC")
            .str.to_uppercase()
            .str.to_lowercase()
            .str.normalize("NFKC")
        ),
    )


def _by_case(
    values: pl.Series,
    holds: pl.Series,
    then: Callable[[pl.Series], pl.Series],
    otherwise: Callable[[pl.Series], pl.Series],
) -> pl.Series:
    """Apply one of two functions to each value, each only where it is wanted."""
    if holds.all():
        return then(values)
    if not holds.any():
        return otherwise(values)
    positions = pl.concat([holds.arg_true(), (~holds).arg_true()])
    results = pl.concat([then(values.filter(holds)), otherwise(values.filter(~holds))])
    return results.gather(positions.arg_sort())


def comparison_columns(records: pl.DataFrame) -> pl.DataFrame:
    """Return what each record is compared by.

    Args:
        records: frame of ``RECORD_SCHEMA``, each ``row`` once.

    Returns:
        One line a record, in the records' order:

        * ``row``;
        * ``exact``: the content as JSON; without id, group, source and the untouched rest;
        * ``normalised``: the words of every message with its role, and the label; null where the
          record has no words;
        * ``spoken``: the words of all messages but system prompts, joined by spaces;
        * ``prompt``, ``answer``: the words of all messages before the last assistant message,
          and its own; for a preference the words of the prompt and of both answers. Null where
          there is no prompt with words, no answer, or the kind has none.
    """
    ordered = records.select("row", "kind", "label").sort("row")
    messages = message_rows(records)
    messages = messages.with_columns(canonical_texts(messages["content"]).alias("words"))
    said = _Said.of(messages, ordered)
    worded = said.messages["words"].to_numpy() != ""
    instructing = messages["role"].is_in(INSTRUCTING_ROLES).fill_null(False).to_numpy()
    turns = messages.select(_turn()).to_series()
    is_prompt, is_answer = said.prompts_and_answers()
    answerable = said.any_of(is_prompt & worded & ~instructing) & said.any_of(is_answer)
    compared = ordered.select(
        "row",
        "label",
        turns=said.joined(turns, _BETWEEN_MESSAGES),
        has_words=pl.Series(said.any_of(worded)),
        spoken=said.joined(messages["words"], " ", worded & ~instructing),
        prompt=said.joined(turns, _BETWEEN_MESSAGES, is_prompt),
        answer=said.joined(turns, _BETWEEN_MESSAGES, is_answer),
        answerable=pl.Series(answerable),
    )
    return (
        records.select("row", exact=pl.struct("kind", *MESSAGE_PARTS, "label").struct.json_encode())
        .join(compared, on="row", how="left", maintain_order="left")
        .select(
            "row",
            "exact",
            pl.when("has_words")
            .then(pl.concat_str("turns", pl.col("label").fill_null(""), separator=_BETWEEN_PARTS))
            .alias("normalised"),
            "spoken",
            *(pl.when("answerable").then(name).alias(name) for name in ("prompt", "answer")),
        )
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """The messages of records, one record's after the other's.

    Attributes:
        messages: of :func:`message_rows`.
        kinds: of the records, in the order of their rows.
        edges: where each record's messages begin, and the end of the last one's.
    """

    messages: pl.DataFrame
    kinds: pl.Series
    edges: np.ndarray

    @classmethod
    def of(cls, messages: pl.DataFrame, ordered: pl.DataFrame) -> Self:
        """Find out which messages are whose.

        Args:
            messages: of :func:`message_rows`.
            ordered: ``row`` and ``kind`` of the records, by row.
        """
        begins = np.searchsorted(messages["row"].to_numpy(), ordered["row"].to_numpy())
        return cls(messages, ordered["kind"], np.r_[begins, messages.height])

    def any_of(self, chosen: np.ndarray) -> np.ndarray:
        """Tell which records have a chosen message."""
        return np.diff(np.r_[0, np.cumsum(chosen)][self.edges]) > 0

    def joined(
        self, texts: pl.Series, separator: str, chosen: np.ndarray | None = None
    ) -> pl.Series:
        """Join what each record's messages have, or its chosen ones; empty where there are none."""
        if chosen is None:
            return joined_runs(texts, self.edges, separator)
        edges = np.r_[0, np.cumsum(chosen)][self.edges]
        return joined_runs(texts.filter(pl.Series(chosen)), edges, separator)

    def prompts_and_answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Tell which messages are a record's prompt, and which its answer; see above."""
        counts = np.diff(self.edges)
        prefers, chats = (
            np.repeat((self.kinds == kind).to_numpy(), counts) for kind in (PREFERENCE, CHAT)
        )
        within = (self.messages["part"] == "messages").to_numpy()
        by_assistant = self.messages["role"].eq_missing("assistant").to_numpy()
        places = np.arange(len(within))
        owners = np.repeat(np.arange(len(counts)), counts)
        last = np.full(len(counts), -1)
        np.maximum.at(last, owners[within & by_assistant], places[within & by_assistant])
        answers = np.where(prefers, ~within, chats & (places == last[owners]))
        return within & (prefers | (chats & (places < last[owners]))), answers


def _turn() -> pl.Expr:
    """A message as one string: its part, role, words and tool fields."""
    fields = ("part", "role", "name", "tool_calls", "tool_call_id")
    return pl.concat_str(
        *(pl.col(name).fill_null("") for name in fields), "words", separator=_BETWEEN_PARTS
    )
