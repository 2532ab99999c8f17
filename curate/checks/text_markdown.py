r"""Markdown that is broken, and Markdown where the other answers have none.

Broken is, outside of code and formulas: a code block that is never closed or within which the next
one begins; bold that is never closed or has blanks inside its marks; Markdown behind backslashes
(``\*\*so\*\*``); a heading whose text sticks to its marks; a link without a target or an end; a
table whose rows do not fit its head; front matter of a web page; and the marks that chat assistants
put for their sources.

Out of place are headings and bold in an answer where at most ``most_share`` of the dataset's
answers have any: a model learns one style better than two.

Evidence: ``start`` and ``end`` hold the fault; of each kind one finding a message.

Fix: backslashes, blanks, marks of sources and the missing blank of a heading are repaired
(``related``); for the others somebody must look (``review``).

Limits: an answer that ends within a code block, without any sign of an end, is text/truncated's.
Single stars and underscores are not looked at: they are more often signs than marks.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from .markdown_faults import broken_markdown
from .prefilter import contains_one_of
from .spans import search_texts
from .text_truncated import ENDS_WELL

_MAY_BE_BROKEN = contains_one_of(
    r"(?m)^ {0,3}(?:```|~~~)",
    r"\*\*",
    r"\\[*#_`+.-]",
    r"(?:---|\+\+\+)\n",
    r"(?m)^ {0,3}##+[A-Za-z]",
    r"\]\(",
    r"\] \(http",
    r"(?m)^[ \t]*\|.*\|[ \t]*$",
    r"oaicite|†|turn\d|\^\]",
)
_BOLD = r"(?m)(?:^|\s)\*\*[^\s*](?:[^*\n]*[^\s*])?\*\*(?:\W|$)"
# A single mark begins a comment as well.
_HEADING = r"(?m)^#{2,6} [\p{L}\d]"
_CODE = r"(?s)```.*?(?:```|\z)"
_OPEN = "a code block is opened and never closed"


def markdown_faults(context: CheckContext) -> pl.DataFrame:
    """Return what is broken in the messages, as findings."""
    faults = search_texts(context.messages, broken_markdown, where=_MAY_BE_BROKEN)
    cut_off = context.answers.filter(~pl.col("content").str.contains(ENDS_WELL))
    is_cut_off = (
        faults.select("row", "field")
        .join(
            cut_off.select("row", "field", cut=pl.lit(True)),
            on=["row", "field"],
            how="left",
            maintain_order="left",
        )["cut"]
        .fill_null(False)
    )
    return faults.filter(~((faults["message"] == _OPEN) & is_cut_off))


def marked_answers(context: CheckContext) -> pl.DataFrame:
    """Return the answers with headings or bold: ``row, field, answers``, and how many there are."""
    prose = pl.col("content").str.replace_all(_CODE, "")
    marked = context.answers.filter(contains_one_of(r"\*\*", "##")).filter(
        prose.str.contains(_BOLD) | prose.str.contains(_HEADING)
    )
    count = pl.DataFrame({"answers": [context.answers.height]}, schema={"answers": pl.Int64})
    return pl.concat([marked.select("row", "field"), count], how="diagonal")


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    faults = context.summary(markdown_faults)
    marked = context.summary(marked_answers)
    answers = marked["answers"].sum()
    marked = marked.filter(pl.col("row").is_not_null())
    share = marked.height / max(1, answers)
    context.explain(check, f"{share:.1%} of the answers have headings or bold")
    is_rare = 0 < share <= context.parameter(check, "most_share")
    if answers < context.parameter(check, "least_answers") or not is_rare:
        return faults
    out_of_place = marked.select(
        "row",
        "field",
        severity=pl.lit(Severity.INFO.value),
        message=pl.lit(f"headings or bold, unlike {1 - share:.2%} of the dataset's answers"),
    )
    return pl.concat([faults, out_of_place], how="diagonal_relaxed").sort(
        "row", maintain_order=True
    )


CHECK = DatasetCheck(
    name="text/markdown",
    title="Markdown that is broken or out of place",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(markdown_faults, marked_answers),
    find=_find,
    parameters={
        "most_share": Parameter(
            0.01, "of answers with headings or bold, for them to be exceptions"
        ),
        "least_answers": Parameter(500, "fewer do not tell the style of a dataset"),
    },
)
