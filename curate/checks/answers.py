"""Answers that do not answer: refusals, and texts that break off.

Limits: refusals are found in English alone, and whether one is wanted (a safety row, a request
beyond the tools at hand) only the reader can tell. That a text does not end in punctuation counts
only where nearly all others of the dataset do; a dataset that is lax about it, lists, titles, verse
and code are judged by surer signs alone: an open code block, a last word that asks for another.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

_CANNOT = (
    r"(?:can ?not|can['’]?t|could not|couldn['’]t|am (?:unable|not able|not allowed|not permitted)|"
    r"['’]m (?:unable|not able|not allowed|not permitted)|won['’]t|will not|must decline|"
    r"(?:do not|don['’]t) (?:feel comfortable|have (?:the )?(?:ability|capability|permission)))"
)
_SERVICE = (
    r"(?:assist|help(?! but| it| if| when| yourself)|fulfil+|comply|answer|provide|generate|create|"
    r"write|discuss|engage|complete|process|perform|do (?:that|this|so)|support|access|browse|"
    r"offer|give|tell|show|share|make|book|order|send|translate|satisfy|continue|respond|proceed)"
)
_SORRY = (
    r"(?:(?:i['’]m|i am|we['’]re|we are)?\s*(?:really |very |so |truly )?sorry|apologies|"
    r"my apologies|i apologi[sz]e|unfortunately|regrettably)"
)
_AS_AI = (
    r"(?:as|i am|i['’]m|since i am|since i['’]m|because i am)\s+"
    r"(?:just |only |merely )?(?:an?|your)\s+"
    r"(?:ai|a\.i\.|artificial intelligence|large language model|language model|machine learning "
    r"model|chatbot|virtual assistant|digital assistant)\b"
)
_LACKS = (
    r"(?:can ?not|can['’]?t|unable|not able|do(?:es)? not have|don['’]t have|not capable|"
    r"not allowed|do not possess|don['’]t possess|beyond my)"
)
_REFUSAL = re.compile(
    rf"(?P<sorry>\A[\s\"“*]*{_SORRY}[,.!]?[^.!?\n]{{0,90}}?\bI\s?{_CANNOT}\b[^.!?\n]{{0,60}}?\b{_SERVICE}\b)"
    rf"|(?P<plain>\A[\s\"“*]*I\s?(?!could){_CANNOT}\s+(?:be able to |to )?{_SERVICE}\b)"
    rf"|(?P<ai>\A[^.!?\n]{{0,120}}?\b{_AS_AI}[^.!?\n]{{0,160}}?\b{_LACKS}\b)"
    rf"|(?P<because>\A[^.!?\n]{{0,120}}?\b{_LACKS}\b[^.!?\n]{{0,120}}?\b{_AS_AI})",
    re.IGNORECASE,
)
_MAY_REFUSE = (
    r"(?i)\bI\s?(?:can ?not|can['’]?t|could ?n[o'’]t|am (?:un|not)|['’]m (?:un|not)|won['’]t|"
    r"will not|must decline|do(?: not|n['’]t))|\b(?:ai|language model|chatbot|virtual assistant|"
    r"digital assistant|artificial intelligence)\b"
)


def _refusals(context: CheckContext, check: Check) -> pl.DataFrame:
    beginning = context.answers.with_columns(
        pl.col("content").str.head(context.parameter(check, "looked_at"))
    )
    return find_spans(
        beginning,
        _REFUSAL,
        lambda match: Hit(
            "the assistant refuses"
            if match.lastgroup in ("sorry", "plain")
            else "the assistant says that it is a machine and cannot"
        ),
        where=pl.col("content").str.contains(_MAY_REFUSE),
    )


# Words that never end a sentence; prepositions that can ("to strive for") are left out.
_OPEN_WORDS = (
    "a although an and are because between but by can could every from has have if into is its "
    "may might must of or other our should such than that the their through to was were which "
    "while whose will would your you'll"
).replace(" ", "|")
_OPEN_END = rf"(?:[,(]|[\s\"“](?:{_OPEN_WORDS}))$"
_UNCLOSED_END = r"[\p{L}\p{N},(\-–—]$"
_INNER_END = r"[.!?…]['\"”’)]*\s"
_FENCE = r"(?m)^[ \t]*```"
# Last lines that end without punctuation by nature: items, code, addresses, "Label: value",
# "– Author", hashtags, enumerations, lines of verse, numbers.
_NO_PROSE = (
    r"^\s*(?:[-*•+>|#]|\d+[.)]|[A-Za-z][.)]\s)|[{}<>=\\|@→]|\s/\s|://|\bwww\.|^[^.!?]{1,40}:\s"
    r"|[-–—~]\s?\p{Lu}[^.!?]{0,40}$|#\S+$|,[^,.!?]{1,25},[^,.!?]{1,25},|\d[.)]\s.*\d[.)]\s|\d\S*$"
)
_PROSE_BEFORE = r"[.!?:…\"”)*]"
_LOOP = re.compile(r"(\S+)(?:\s+\1){2}\Z")


def _truncated(context: CheckContext, check: Check) -> pl.DataFrame:
    answers = _with_endings(context.answers, context.parameter(check, "least_words"))
    # Lax or strict about full stops: judged apart for single sentences and for longer texts.
    strictness = (
        answers.filter("is_prose")
        .group_by("one_sentence")
        .agg(prose=pl.len(), unclosed_share=pl.col("unclosed").mean())
    )
    is_strict = (pl.col("prose") >= context.parameter(check, "least_answers")) & (
        pl.col("unclosed_share") <= context.parameter(check, "most_unclosed")
    )
    sure = pl.col("open_block") | pl.col("open_end")
    likely = pl.col("is_prose") & pl.col("unclosed") & is_strict.fill_null(False)
    found = answers.join(strictness, on="one_sentence", how="left", maintain_order="left").filter(
        sure | likely
    )
    # A loop of one word is another check's matter.
    found = found.filter(~found["text"].map_elements(_ends_in_loop, return_dtype=pl.Boolean))
    end = pl.col("text").str.len_chars().cast(pl.Int64)
    return found.rechunk().select(
        "row",
        "field",
        start=(end - 30).clip(0),
        end=end,
        score=pl.when(sure).then(0.9).otherwise(1 - pl.col("unclosed_share")),
        severity=pl.when(~sure & pl.col("one_sentence")).then(pl.lit(Severity.LOW.value)),
        message=pl.when("open_block")
        .then(pl.lit("a code block is opened and never closed"))
        .when("open_end")
        .then(pl.lit("the text ends where a word must follow"))
        .otherwise(
            pl.format(
                "no punctuation at the end, unlike {}% of the dataset's answers",
                (100 - 100 * pl.col("unclosed_share")).round(1),
            )
        ),
    )


def _with_endings(answers: pl.DataFrame, least_words: int) -> pl.DataFrame:
    """Describe how each answer ends: its last line, and whether that is unfinished prose."""
    text, line = pl.col("text"), pl.col("line")
    words = line.str.count_matches(r"\S+")
    capitals = line.str.count_matches(r"\b\p{Lu}") / words
    return (
        answers.lazy()
        .select("row", "field", text=pl.col("content").str.strip_chars_end())
        .with_columns(
            line=text.str.extract(r"([^\n]*)$"),
            before=text.str.extract(r"([^\n])\s*\n[^\n]*$"),
            one_sentence=~text.str.contains(_INNER_END),
        )
        .with_columns(
            unclosed=line.str.contains(_UNCLOSED_END),
            open_end=line.str.contains(_OPEN_END) & (words >= least_words),
            open_block=(text.str.count_matches(_FENCE) % 2 == 1) & ~text.str.contains(r"[.!?:`]$"),
            is_prose=(words >= least_words)
            & (capitals < 0.6)
            & ~line.str.contains(_NO_PROSE)
            & pl.col("before").str.contains(_PROSE_BEFORE).fill_null(True),
        )
        .collect()
    )


def _ends_in_loop(text: str) -> bool:
    return _LOOP.search(text[-120:]) is not None


CHECKS = (
    RowCheck(
        name="text/refusal",
        title="answers that refuse",
        severity=Severity.MEDIUM,
        fix=Fix.DROP,
        find=_refusals,
        parameters={
            "looked_at": Parameter(300, "characters; a refusal comes first, or is a remark")
        },
    ),
    RowCheck(
        name="text/truncated",
        title="answers that break off",
        severity=Severity.MEDIUM,
        fix=Fix.DROP,
        find=_truncated,
        parameters={
            "least_words": Parameter(6, "shorter last lines are names, titles and labels"),
            "least_answers": Parameter(100, "fewer do not tell how a dataset ends its answers"),
            "most_unclosed": Parameter(
                0.02, "share of answers without punctuation at the end in a strict dataset"
            ),
        },
    ),
)
