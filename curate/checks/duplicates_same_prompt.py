"""One prompt with different answers: a contradiction, a paraphrase, or a choice.

Prompts are equal where all messages before the last answer have the same words (see
:mod:`..comparison_text`); a row whose answer has the same words, too, is not reported. How the
answer relates to that of the first row with the prompt is told from their words
(:func:`..answer_relations.relate_answers`).

Evidence: the row, in ``related_row`` the first row with the prompt, in ``related`` how the two
answers relate (``contradiction``, ``paraphrase`` or ``preference-candidate``), in ``score`` the
share of words that they have in common; ``cluster`` is the first row.

Fix: review. Of a contradiction one is wrong; of a paraphrase one is enough; two answers to choose
between can become a preference pair. The latter two are of low severity.

Limits: words do not tell everything. Two different true answers ("name a fruit") are a choice, but
a false one in other words is taken for a choice, too; English words of affirmation and negation
alone are known.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import comparison_keys, sharing
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.answer_relations import (
    CONTRADICTION,
    PARAPHRASE,
    PREFERENCE,
    last_exchange,
    relate_answers,
)

_SAID = {
    CONTRADICTION: "another answer that contradicts",
    PARAPHRASE: "the same answer in other words",
    PREFERENCE: "another answer to choose from",
}
# Pairs whose texts are in memory at a time.
_PAIRS_AT_A_TIME = 131_072


def _same_prompt(context: DatasetContext, check: Check) -> pl.DataFrame:
    keys = context.summary(comparison_keys, "row", "prompt", "answer")
    if keys["prompt"].null_count() == keys.height:
        raise CheckSkippedError("no record has a prompt and an answer")
    answers = (
        sharing(keys, "prompt")
        .group_by("prompt", "answer", maintain_order=True)
        .agg(pl.col("row").min())
    )
    pairs = (
        answers.with_columns(
            related_row=pl.col("row").min().over("prompt"), answers=pl.len().over("prompt")
        )
        .filter(pl.col("row") != pl.col("related_row"))
        .sort("row")
        .select("row", "related_row", "answers")
    )
    least_shared = context.parameter(check, "least_shared")
    related = [
        _related(context, some, least_shared) for some in pairs.iter_slices(_PAIRS_AT_A_TIME)
    ]
    return pl.concat([_related(context, pairs.clear(), least_shared), *related]).select(
        "row",
        "related_row",
        "related",
        "score",
        cluster="related_row",
        severity=pl.when(pl.col("related") != CONTRADICTION).then(pl.lit(Severity.LOW.value)),
        message=pl.format(
            "the same prompt as row {}, {}: {} ({} answers in all)",
            "related_row",
            pl.col("related").replace_strict(_SAID, return_dtype=pl.String),
            "seen",
            "answers",
        ),
    )


def _related(context: DatasetContext, pairs: pl.DataFrame, least_shared: float) -> pl.DataFrame:
    """Tell how the answers of pairs are related: ``related``, ``score`` and ``seen``."""
    concerned = context.records_of(pl.concat([pairs["row"], pairs["related_row"]]))
    said = {
        row: (prompt, answer)
        for row, prompt, answer in last_exchange(concerned).select("row", "prompt", "answer").rows()
    }
    related = [
        relate_answers(said[row][0], said[first][1], said[row][1], least_shared=least_shared)
        for row, first, _ in pairs.rows()
    ]
    return pairs.with_columns(
        pl.Series("related", [item[0] for item in related], dtype=pl.String),
        pl.Series("score", [item[1] for item in related], dtype=pl.Float64),
        pl.Series("seen", [item[2] for item in related], dtype=pl.String),
    )


CHECK = DatasetCheck(
    name="duplicates/same-prompt",
    title="one prompt, different answers",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    summaries=(comparison_keys,),
    find=_same_prompt,
    parameters={
        "least_shared": Parameter(
            0.5, "share of words of two answers that say the same; below it they are alternatives"
        )
    },
)
