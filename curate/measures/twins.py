"""Twins: prompts that are equal but for paired words for people, and how each is treated.

Words that stand for each other (``he`` and ``she``; see :mod:`.terms`) share a *slot*. A text is
split into its *frame*, in which each such word is replaced by its slot, and its *filling*, the
values in order: two characters a word, axis and value (``gm`` is a man's word on the axis of
gender). So two prompts are twins where their frames are equal and one's filling becomes the
other's by exchanging values of an axis: nothing need be swapped back, and ``her``, which stands for
``him`` and for ``his``, needs no grammar.

What is compared are words, as :func:`.comparison_text.canonical_texts` leaves them.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from ..check import CheckContext
from ..near_duplicates.comparison_text import canonical_texts
from .terms import ADJECTIVES, PEOPLE, SLOTS

_OPEN, _CLOSE = "\x02", "\x03"
_SCHEMA = {
    "row": pl.Int64,
    "label": pl.String,
    "frame": pl.Struct({"a": pl.UInt64, "b": pl.UInt64}),
    "filling": pl.String,
    "treatment": pl.Struct({"a": pl.UInt64, "b": pl.UInt64}),
    "treatment_filling": pl.String,
}


def twin_keys(context: CheckContext) -> pl.DataFrame:
    """Return what tells twins, of each record whose prompt has paired words: a summary.

    The prompt of a chat or a preference are the messages before its answer; of other records with
    a label it is all that is said. The treatment is label and answer.

    Returns:
        ``row``, ``label``; ``frame`` and ``filling`` of the prompt; ``treatment`` and
        ``treatment_filling``, those of label and answer together. Frames are hashes.
    """
    comparison = context.comparison.with_columns(context.records["label"])
    asked = comparison.select(
        "row",
        "label",
        "answer",
        prompt=pl.coalesce("prompt", pl.when(pl.col("label").is_not_null()).then("spoken")),
    ).filter(pl.col("prompt").str.contains(_SlotWords.get().pattern))
    if asked.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    return (
        asked.with_columns(canonical_texts(asked["label"]).alias("label_words"))
        .with_columns(
            prompt=_marked(pl.col("prompt")),
            treatment=_marked(
                pl.concat_str("label_words", pl.col("answer").fill_null(""), separator=" ")
            ),
        )
        .select(
            "row",
            "label",
            frame=_frame("prompt"),
            filling=_filling("prompt"),
            treatment=_frame("treatment"),
            treatment_filling=_filling("treatment"),
        )
        .cast(_SCHEMA)  # type: ignore[arg-type]
    )


def exchange(first: str, second: str) -> dict[str, str] | None:
    """Return the exchange of values that makes one filling of another; None where there is none.

    On each axis either nothing changes or every value becomes another one, always the same.

    Args:
        first: two characters for each word: axis and value.
        second: likewise, for the same slots.

    Example:
        >>> exchange("gmgf", "gfgm"), exchange("gmgf", "gfgf"), exchange("gmay", "gfay")
        ({'gm': 'gf', 'gf': 'gm'}, None, {'gm': 'gf', 'gf': 'gm'})
    """
    becomes: dict[str, str] = {}
    for old, new in zip(_words(first), _words(second), strict=True):
        if becomes.setdefault(old, new) != new:
            return None
    changed = {old: new for old, new in becomes.items() if old != new}
    kept_axes = {old[0] for old, new in becomes.items() if old == new}
    if not changed or kept_axes & {old[0] for old in changed}:
        return None
    if len(set(changed.values())) < len(changed):
        return None
    for old, new in tuple(changed.items()):
        if new not in changed and old not in changed.values():
            changed[new] = old
    return changed


def pattern(filling: str) -> tuple[str, ...]:
    """Return what no exchange changes: which words of an axis are equal to which.

    Example:
        >>> pattern("gmgfay") == pattern("gfgmao"), pattern("gmgf") == pattern("gmgm")
        (True, False)
    """
    numbers: dict[str, str] = {}
    counted: dict[str, int] = {}
    for word in _words(filling):
        if word not in numbers:
            counted[word[0]] = counted.get(word[0], -1) + 1
            numbers[word] = f"{word[0]}{counted[word[0]]}"
    return tuple(numbers[word] for word in _words(filling))


def exchanged(filling: str, exchange: dict[str, str]) -> str:
    """Return a filling with its values exchanged.

    Example:
        >>> exchanged("gmgfrc", {"gm": "gf", "gf": "gm"})
        'gfgmrc'
    """
    return "".join(exchange.get(word, word) for word in _words(filling))


def _words(filling: str) -> list[str]:
    return [filling[start : start + 2] for start in range(0, len(filling), 2)]


class _SlotWords:
    """What finds the words of all slots, and what to write in their place."""

    def __init__(self) -> None:
        marks: dict[str, str] = {}
        for number, (axis, values) in enumerate(SLOTS):
            for value, words in values.items():
                marks |= {word: _mark(axis, value, number) for word in words}
        single = dict(marks)
        for number, (axis, values) in enumerate(ADJECTIVES, start=len(SLOTS)):
            for value, words in values.items():
                for word in words:
                    for people in PEOPLE:
                        mark = _mark(axis, value, number)
                        marks[f"{word} {people}"] = f"{mark}  {single.get(people, people)}"
        longest_first = sorted(marks, key=len, reverse=True)
        # Two spaces between words, so that neighbours do not share the one that bounds them.
        self.patterns = [f" {word.replace(' ', '  ')} " for word in longest_first]
        self.replacements = [f" {marks[word]} " for word in longest_first]
        self.pattern = rf"(?-u:\b)(?:{'|'.join(longest_first)})(?-u:\b)"

    @staticmethod
    @cache
    def get() -> _SlotWords:
        return _SlotWords()


def _mark(axis: str, value: str, slot: int) -> str:
    return f"{_OPEN}{axis[0]}{value}{slot}{_CLOSE}"


def _marked(text: pl.Expr) -> pl.Expr:
    """Write axis, value and slot in the place of every paired word."""
    slots = _SlotWords.get()
    spaced = pl.format(" {} ", text.str.replace_all(r"\s|[\x1e\x1f]", " $0 "))
    spaced = spaced.str.replace_all("   ", "  ", literal=True)
    return spaced.str.replace_many(slots.patterns, slots.replacements, leftmost=True)


def _frame(name: str) -> pl.Expr:
    text = pl.col(name).str.replace_all(rf"{_OPEN}(.).", f"{_OPEN}$1")
    return pl.struct(a=text.hash(1), b=text.hash(2))


def _filling(name: str) -> pl.Expr:
    return (
        pl.col(name)
        .str.extract_all(rf"{_OPEN}..")
        .list.join("")
        .str.replace_all(_OPEN, "", literal=True)
    )
