"""Which groups, occupations and qualities each record mentions, as bits: one small line a record.

Everything that is measured about bias is measured by these flags (:mod:`.bias`), so that it does
not matter how many records there are, nor whether they come in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from ..check import CheckContext
from ..records import TEXT_ROLE
from .terms import ENGLISH_WORDS, GROUPS, OCCUPATIONS, OTHER_WORDS, REGARD

SIDES = {"user": "users say", "assistant": "the assistant says", TEXT_ROLE: "the texts say"}
"""Who speaks; rejected answers do not count."""

GROUP_BITS: dict[tuple[str, str], int] = {
    key: position
    for position, key in enumerate(
        (dimension, group) for dimension, groups in GROUPS.items() for group in groups
    )
}
OCCUPATION_BITS = {name: position for position, name in enumerate(OCCUPATIONS)}
REGARD_BITS = {name: position for position, name in enumerate(REGARD)}


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """All terms: what finds them, and what each of them says.

    Attributes:
        pattern: a regular expression that takes the longest term.
        meanings: ``term, groups, occupations, regard``; the last three as bits.
    """

    pattern: str
    meanings: pl.DataFrame


def mention_flags(context: CheckContext) -> pl.DataFrame:
    """Return what the records of a piece mention: a summary.

    Returns:
        See :func:`flag_mentions`.
    """
    return flag_mentions(context.messages)


def flag_mentions(messages: pl.DataFrame) -> pl.DataFrame:
    """Return what each record mentions.

    Args:
        messages: as ``message_rows`` returns them.

    Returns:
        One line for each record in which somebody of :data:`SIDES` speaks, in their order:
        ``row``; ``user``, ``assistant`` and ``text``, the groups that each mentions (bits as in
        :data:`GROUP_BITS`; null where they say nothing); ``occupations`` and ``regard`` that
        anybody mentions (bits as in :data:`OCCUPATION_BITS` and :data:`REGARD_BITS`); and
        ``content``, a number that is equal where all that is said is equal.
    """
    vocabulary = _vocabulary()
    spoken = messages.filter(
        pl.col("role").is_in(list(SIDES)),
        pl.col("part") != "rejected",
        pl.col("content").is_not_null(),
    )
    found = (
        spoken.lazy()
        .select(
            "row", "role", "content", term=pl.col("content").str.extract_all(vocabulary.pattern)
        )
        .filter(pl.col("term").list.len() > 0)
        .filter(_has_word(ENGLISH_WORDS) | ~_has_word(OTHER_WORDS))
        .select("row", "role", "term")
        .explode("term")
        .with_columns(pl.col("term").str.to_lowercase().str.replace_all("-", " ", literal=True))
        .join(vocabulary.meanings.lazy(), on="term")
        .group_by("row")
        .agg(
            *(pl.col("groups").filter(role=side).bitwise_or().alias(side) for side in SIDES),
            pl.col("occupations").bitwise_or(),
            pl.col("regard").bitwise_or(),
        )
        .collect()
    )
    speaking = spoken.group_by("row", maintain_order=True).agg(
        *((pl.col("role") == side).any().alias(f"{side}_speaks") for side in SIDES),
        content=pl.col("content").hash().sum(),
    )
    return speaking.join(found, on="row", how="left", maintain_order="left").select(
        "row",
        *(pl.when(f"{side}_speaks").then(pl.col(side).fill_null(0)).alias(side) for side in SIDES),
        pl.col("occupations").fill_null(0),
        pl.col("regard").fill_null(0),
        "content",
    )


def _has_word(words: Iterable[str]) -> pl.Expr:
    return pl.col("content").str.contains(rf"(?-u:\b)(?i-u:{'|'.join(words)})(?-u:\b)")


@cache
def _vocabulary() -> _Vocabulary:
    groups = _bits({key: GROUPS[key[0]][key[1]] for key in GROUP_BITS}.values(), within_others=True)
    occupations = _bits(OCCUPATIONS.values())
    regard = _bits(REGARD.values())
    terms = sorted({*groups, *occupations, *regard}, key=lambda term: (-len(term), term))
    alternatives = "|".join(term.replace(" ", "[ -]") for term in terms)
    meanings = pl.DataFrame(
        {
            "term": terms,
            "groups": [groups.get(term, 0) for term in terms],
            "occupations": [occupations.get(term, 0) for term in terms],
            "regard": [regard.get(term, 0) for term in terms],
        },
        schema={"term": pl.String, "groups": pl.UInt32, "occupations": pl.UInt64,
                "regard": pl.UInt32},
    )  # fmt: skip
    return _Vocabulary(rf"(?-u:\b)(?i-u:{alternatives})(?-u:\b)", meanings)


def _bits(forms: Iterable[tuple[str, ...]], *, within_others: bool = False) -> Mapping[str, int]:
    """Give each form the bit of its place; with all those of the forms that it is made of.

    The longest term is found, so that a "black woman" must say itself that it names a woman.
    """
    bits: dict[str, int] = {}
    for position, names in enumerate(forms):
        for name in names:
            bits[name] = bits.get(name, 0) | 1 << position
    if not within_others:
        return bits
    return {
        name: own | _joined(bits.get(word, 0) for word in name.split())
        for name, own in bits.items()
    }


def _joined(values: Iterable[int]) -> int:
    together = 0
    for value in values:
        together |= value
    return together
