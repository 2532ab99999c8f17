"""How two answers to the same prompt relate: they contradict, say the same, or offer a choice."""

from __future__ import annotations

import re

import polars as pl

from ..near_duplicates.comparison_text import canonical_texts
from ..records import PREFERENCE as PREFERENCE_KIND
from ..records import message_rows

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
# Words that hold a sentence together and say nothing by themselves.
_FORM_WORDS = (
    "a an and are as at be been by can could for from he her his i in is it its my of on or "
    "our she that the their these they this those to very was we were will with would you "
    "your"
)
_FORM = frozenset(_FORM_WORDS.split())
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_SAME_SENTENCE = 0.6
_ROUNDED = 0.01
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
    and without a negation, with other numbers (rounding apart), or, in answer to a closed
    question, with another word, and where both answer such a question in a few words that share
    nothing. They **paraphrase** each other where one says all that the other does, or where they
    share most of the words that are not the prompt's. Everything else is a choice between two
    answers: a **preference candidate**.

    Args:
        prompt: the words of the question.
        one: the words of an answer, separated by single spaces and folded to lower case.
        other: those of the other.
        least_shared: share of words (Jaccard) of a paraphrase.

    Returns:
        The relation, the share of telling words that they have in common, and what was seen.

    Example:
        >>> relate_answers("is it open on sunday", "yes it is", "no it is not", least_shared=0.5)
        ('contradiction', 0.0, 'one affirms, the other denies')
    """
    words, others = one.split(), other.split()
    telling, other_telling = _telling(words), _telling(others)
    shared = _jaccard(telling, other_telling)
    if not words or not others:
        return PREFERENCE, shared, "one of them says nothing in words"
    verdicts = _VERDICTS.get(words[0]), _VERDICTS.get(others[0])
    if None not in verdicts and verdicts[0] != verdicts[1]:
        return CONTRADICTION, shared, "one affirms, the other denies"
    same_sentence = _jaccard(_frame(words), _frame(others)) >= _SAME_SENTENCE
    if len(_NEGATIONS & set(words)) % 2 != len(_NEGATIONS & set(others)) % 2 and same_sentence:
        return CONTRADICTION, shared, "the same sentence with and without a negation"
    numbers = _NUMBER.findall(one), _NUMBER.findall(other)
    if all(numbers) and same_sentence:
        if not _same_numbers(*numbers):
            return CONTRADICTION, shared, "the same sentence with other numbers"
        return PARAPHRASE, shared, "the same sentence with the same numbers"
    asked = set(prompt.split())
    new, other_new = telling - asked, other_telling - asked
    says_all = telling and other_telling and (telling <= other_telling or other_telling <= telling)
    if says_all or (new and other_new and _jaccard(new, other_new) >= least_shared):
        return (
            PARAPHRASE,
            shared,
            "one says all that the other does"
            if says_all
            else ("most of their words are the same"),
        )
    is_closed = _CLOSED.search(prompt) is not None
    if is_closed and same_sentence and not new & other_new:
        return CONTRADICTION, shared, "the same sentence with another word"
    if is_closed and max(len(words), len(others)) <= _FEW_WORDS and shared == 0:
        return CONTRADICTION, shared, "short answers that share no word"
    return PREFERENCE, shared, "two answers to choose between"


def _telling(words: list[str]) -> set[str]:
    return set(words) - _FORM - _NEGATIONS


def _frame(words: list[str]) -> set[str]:
    return {word for word in words if not _NUMBER.fullmatch(word)} - _NEGATIONS


def _same_numbers(some: list[str], others: list[str]) -> bool:
    """Tell whether each number of the shorter list is among the others, but for rounding."""
    fewer, more = sorted((_values(some), _values(others)), key=len)
    return all(
        any(abs(value - other) <= _ROUNDED * max(abs(value), abs(other)) for other in more)
        for value in fewer
    )


def _values(numbers: list[str]) -> list[float]:
    """Read numbers; commas that do not part thousands are decimal points."""
    return [
        float(text) if text.count(".") <= 1 else float(text.replace(".", ""))
        for text in (_THOUSANDS.sub("", number).replace(",", ".") for number in numbers)
    ]


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
