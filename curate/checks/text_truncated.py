r"""Answers that break off: an open code block, a last word that asks for another, no full stop.

That a text does not end in punctuation counts only where nearly all others of the dataset do.
Whether they do is measured apart for single sentences and for longer texts, over the answers that
end in prose: lists, titles, verse, code, addresses, signatures and enumerations are left out.

Evidence: ``start`` and ``end`` hold the last characters of the answer. ``score`` is 0.9 for an open
code block or an open end, else the share of the dataset's answers that do end in punctuation.

Fix: the row should go (``drop``): what is missing cannot be told, and a model learns to stop there.

Limits: in a dataset that is lax about full stops only open blocks and open ends are found. Cut
after a full stop, a text looks whole.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity

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
# One by one they are several times faster than as one expression.
_NO_PROSE = (
    r"^\s*(?:[-*•+>|#]|\d+[.)]|[A-Za-z][.)]\s)",
    r"[{}<>=\\|@→]|\s/\s|://|(?-u:\b)www\.",
    r"^[^.!?]{1,40}:\s",
    r"[-–—~]\s?\p{Lu}[^.!?]{0,40}$",
    r"#\S+$",
    r",[^,.!?]{1,25},[^,.!?]{1,25},",
    r"\d[.)]\s.*\d[.)]\s",
    r"\d\S*$",
)
_PROSE_BEFORE = r"[.!?:…\"”)*]"
# More than the last line of prose ever has; what stands before it does not matter here.
_LOOKED_AT = 600
_SHOWN = 30
_LOOP_WITHIN = 120


def answer_endings(context: CheckContext) -> pl.DataFrame:
    """Describe how each answer ends: its last line, and whether that is unfinished prose."""
    tail, line, words = pl.col("tail"), pl.col("line"), pl.col("words")
    content = pl.col("content").str.strip_chars_end()
    unclosed = line.str.contains(_UNCLOSED_END)
    last_words = pl.when(unclosed).then(tail).str.tail(_LOOP_WITHIN).str.split(" ").list
    last, second, third = (last_words.get(-place, null_on_oob=True) for place in (1, 2, 3))
    with_fence = pl.when(content.str.contains("```", literal=True)).then(content)
    return (
        context.answers.lazy()
        .select(
            "row",
            "field",
            end=content.str.len_chars().cast(pl.Int64),
            tail=content.str.tail(_LOOKED_AT),
            one_sentence=~content.str.contains(_INNER_END),
            fences=with_fence.str.count_matches(_FENCE).fill_null(0),
        )
        .with_columns(line=tail.str.split("\n").list.last())
        .with_columns(words=line.str.count_matches(" ", literal=True) + 1)
        .select(
            "row",
            "field",
            "end",
            "one_sentence",
            "words",
            unclosed=unclosed,
            open_end=line.str.contains(_OPEN_END),
            open_block=(pl.col("fences") % 2 == 1) & ~tail.str.contains(r"[.!?:`]$"),
            is_prose=(line.str.count_matches(r"\b\p{Lu}") < 0.6 * words)
            & ~pl.any_horizontal(line.str.contains(pattern) for pattern in _NO_PROSE)
            & tail.str.extract(r"([^\n])\s*\n[^\n]*$").str.contains(_PROSE_BEFORE).fill_null(True),
            # A loop of one word is text/repetition's matter.
            is_loop=((last == second) & (second == third)).fill_null(False),
        )
        .collect()
    )


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    endings = context.summaries.scan(answer_endings).with_columns(
        is_long=pl.col("words") >= context.parameter(check, "least_words")
    )
    is_prose = pl.col("is_prose") & pl.col("is_long")
    # Lax or strict about full stops: judged apart for single sentences and for longer texts.
    strictness = (
        endings.filter(is_prose)
        .group_by("one_sentence")
        .agg(prose=pl.len(), unclosed_share=pl.col("unclosed").mean())
    )
    is_strict = (pl.col("prose") >= context.parameter(check, "least_answers")) & (
        pl.col("unclosed_share") <= context.parameter(check, "most_unclosed")
    )
    open_end = pl.col("open_end") & pl.col("is_long")
    sure = pl.col("open_block") | open_end
    likely = is_prose & pl.col("unclosed") & is_strict.fill_null(False)
    found = (
        endings.join(strictness, on="one_sentence", how="left", maintain_order="left")
        .filter(sure | likely, ~pl.col("is_loop"))
        .collect()
        .rechunk()
    )
    return found.select(
        "row",
        "field",
        start=(pl.col("end") - _SHOWN).clip(0),
        end="end",
        score=pl.when(sure).then(0.9).otherwise(1 - pl.col("unclosed_share")),
        severity=pl.when(~sure & pl.col("one_sentence")).then(pl.lit(Severity.LOW.value)),
        message=pl.when("open_block")
        .then(pl.lit("a code block is opened and never closed"))
        .when(open_end)
        .then(pl.lit("the text ends where a word must follow"))
        .otherwise(
            pl.format(
                "no punctuation at the end, unlike {}% of the dataset's answers",
                (100 - 100 * pl.col("unclosed_share")).round(1),
            )
        ),
    )


CHECK = DatasetCheck(
    name="text/truncated",
    title="answers that break off",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(answer_endings,),
    find=_find,
    parameters={
        "least_words": Parameter(6, "shorter last lines are names, titles and labels"),
        "least_answers": Parameter(100, "fewer do not tell how a dataset ends its answers"),
        "most_unclosed": Parameter(
            0.02, "share of answers without punctuation at the end in a strict dataset"
        ),
    },
)
