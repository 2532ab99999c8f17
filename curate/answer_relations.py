"""How two answers to the same prompt relate: they contradict, say the same, or offer a choice."""

from __future__ import annotations

import re

import polars as pl

from .comparison_text import canonical_texts
from .records import PREFERENCE as PREFERENCE_KIND
from .records import message_rows

CONTRADICTION, PARAPHRASE, PREFERENCE = "contradiction", "paraphrase", "preference-candidate"

_VERDICTS = {
    "yes": True, "yeah": True, "true": True, "correct": True, "positive": True, "agree": True,
    "no": False, "false": False, "incorrect": False, "wrong": False, "negative": False,
    "disagree": False,
}  # fmt: skip
# "isn't" comes as "isn t".
_NEGATIONS = frozenset(
    ("not", "no", "never", "none", "cannot", "nobody", "nothing", "neither", "nor", "without", "t")
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SAME_SENTENCE = 0.6
_CLOSED = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|who|when|where|which|how (?:many|much|old|long|far)|"
    r"what (?:is|are|was|were|year|day|time)|classify|calculate|compute|convert|solve)\b"
)
_FEW_WORDS = 6


def relate_answers(
    prompt: str, one: str, other: str, *, least_shared: float
) -> tuple[str, float, str]:
    """Tell how two answers to a prompt relate.

    They **contradict** where one affirms and the other denies, where the same sentence stands with
    other numbers or with and without a negation, or where both answer a closed question in a few
    words that share nothing. They **paraphrase** each other where they share most of their words.
    Everything else is a choice between two answers: a **preference candidate**.

    Args:
        prompt: the words of the question.
        one: the words of an answer, separated by single spaces and folded to lower case.
        other: those of the other.
        least_shared: share of words (Jaccard) of a paraphrase.

    Returns:
        The relation, the share of words they have in common, and what was seen.

    Example:
        >>> relate_answers("is it open on sunday", "yes it is", "no it is not", least_shared=0.5)
        ('contradiction', 0.4, 'one affirms, the other denies')
    """
    words, others = one.split(), other.split()
    shared = _jaccard(set(words), set(others))
    if not words or not others:
        return PREFERENCE, shared, "one of them says nothing in words"
    verdicts = _VERDICTS.get(words[0]), _VERDICTS.get(others[0])
    if None not in verdicts and verdicts[0] != verdicts[1]:
        return CONTRADICTION, shared, "one affirms, the other denies"
    numbers, other_numbers = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    plain, other_plain = set(words) - numbers, set(others) - other_numbers
    same_sentence = _jaccard(plain - _NEGATIONS, other_plain - _NEGATIONS) >= _SAME_SENTENCE
    if (
        numbers
        and other_numbers
        and not numbers & other_numbers
        and (same_sentence or not (plain or other_plain))
    ):
        return CONTRADICTION, shared, "the same sentence with other numbers"
    negated = len(_NEGATIONS & set(words)) % 2 != len(_NEGATIONS & set(others)) % 2
    if negated and same_sentence:
        return CONTRADICTION, shared, "the same sentence with and without a negation"
    if shared >= least_shared:
        return PARAPHRASE, shared, "most of their words are the same"
    if max(len(words), len(others)) <= _FEW_WORDS and shared == 0 and _CLOSED.search(prompt):
        return CONTRADICTION, shared, "short answers that share no word"
    return PREFERENCE, shared, "two answers to choose between"


def last_exchange(records: pl.DataFrame) -> pl.DataFrame:
    """Return the words of each record's last question and of the answer to it.

    Args:
        records: frame of ``RECORD_SCHEMA``: chats and preferences.

    Returns:
        ``row, prompt, answer``, in the order of the records; of a preference the answer is both,
        one after the other.
    """
    messages = message_rows(records)
    in_prompt = pl.col("part") == "messages"
    said = messages.with_columns(words=canonical_texts(messages["content"])).with_columns(
        is_last=pl.col("index")
        == pl.col("index").filter(in_prompt & (pl.col("role") == "assistant")).max().over("row")
    )
    is_answer = (
        pl.when(pl.col("kind") == PREFERENCE_KIND)
        .then(~in_prompt)
        .otherwise(in_prompt & pl.col("is_last").fill_null(False))
    )
    return said.group_by("row", maintain_order=True).agg(
        prompt=pl.col("words").filter(in_prompt & (pl.col("role") == "user")).last().fill_null(""),
        answer=pl.col("words").filter(is_answer).str.join(" "),
    )


def _jaccard(one: set[str], other: set[str]) -> float:
    union = one | other
    return len(one & other) / len(union) if union else 1.0
