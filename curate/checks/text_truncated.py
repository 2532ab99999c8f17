r"""Answers that break off: in a code block, in a word, where a word must follow, without an end.

An open code block and a last word that asks for another ("of the") are sure signs. So is a last
word that the answers have nowhere else, and that others begin with ("curricu"), and a single
consonant that stands alone nowhere else in the answer ("a perfect c"). That a text does not end in
punctuation counts where nearly all others of the dataset do. Whether they do is measured apart for
single sentences, for longer texts, and for those of four sentences and more (careful authors write
more; where single sentences have their full stop, longer texts have), over the answers that end in
prose: lists, titles, verse, code, addresses, signatures and enumerations are left out.

Evidence: ``start`` and ``end`` hold the last characters of the answer. ``score`` is 0.9 for a sure
sign, else the share of such answers of the dataset that do end in punctuation.

Fix: the row should go (``drop``): what is missing cannot be told, and a model learns to stop there.
Where only the punctuation is missing and some others lack it too, or a single sentence lacks it,
somebody must look (``review``), and the severity is low.

Limits: in a dataset that is lax about full stops only sure signs are found. Cut after a full stop,
a text looks whole; cut within an enumeration or after a formula, it looks like one that ends so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, takewhile

import polars as pl

from ..check import Check, CheckContext, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity

# Words that never end a sentence; prepositions that can ("to strive for") are left out.
_OPEN_WORDS = (
    "a although an and are because between but by can could every from has have if into is its "
    "may might must includes including consists of or other our should such than that the their "
    "through to was were which while whose will would your you'll"
).replace(" ", "|")
_OPEN_END = rf"(?:[,(]|[\s\"“](?:{_OPEN_WORDS}))$"
_CODE_LINE = r"^(?: {2}|\t)\s*(?:return|[\w.]+ ?=|[\w.]+\()|[{}=;]"
_UNCLOSED_END = r"[\p{L}\p{N},(\-–—]$"
_INNER_END = r"[.!?…]['\"”’)]*\s"
ENDS_WELL = r"[.!?`]\s*\z"
"""How a text ends that is whole, though a code block in it is open."""

_FENCE = r"(?m)^[ \t]*```"
# Last lines that end without punctuation by nature: items, code, addresses, "Label: value",
# "– Author", hashtags, enumerations, lines of verse, numbers.
_ENUMERATION = r",[^,.!?]{1,25},[^,.!?]{1,25},"
# One by one they are several times faster than as one expression.
_NO_PROSE = (
    r"^(?: {2}|\t)|^(?:return|print|def|import|from|else|end|while|if|for)\b.*[()\[\]_]"
    r"|^(?:SELECT|FROM|WHERE|ORDER BY|GROUP BY)\b",
    r"^\s*(?:[-*•+>|#]|\d+[.)]|[A-Za-z][.)]\s)",
    r"[{}<>=\\|@→]|\s/\s|://|(?-u:\b)www\.",
    r"^[^.!?]{1,40}:\s",
    r"[-–—~]\s?\p{Lu}[^.!?]{0,40}$",
    r"#\S+$",
    r"\d[.)]\s.*\d[.)]\s",
    r"\d\S*$",
)
_PROSE_BEFORE = r"[.!?:…\"”)*]"
_SURE_SCORE = 0.9
# More than the last line of prose ever has; what stands before it does not matter here.
_LOOKED_AT = 600
_SHOWN = 30
_LOOP_WITHIN = 120
# Not the names of variables, nor the words of one letter that languages have.
_CONSONANT = "^[bcdfghjlmpqrtw]$"
_SENTENCE_BEFORE = r"^.*[.!?…]['\"”’)]*\s"
_MANY_SENTENCES = 4
_WORD = r"^[\p{Latin}\p{Greek}\p{Cyrillic}]+$"
_MARKS = "'\"“”‘’.,;:!?()[]*_"
# In small letters: names are rare, and begin other words.
_LAST_WORD = r"(?:^|[\s“\"(])(\p{Ll}+)$"
# What a word may go on with and still be one of its own: a plural or another form.
_FORM = re.compile(
    "(?:e?[sdrn]|i?e[sdr]|ing|ly|er[sn]?|e|en|al|y|n|t|m|ness|less|ful|ish|i?ty|ment|able)"
)


def answer_endings(context: CheckContext) -> pl.DataFrame:
    """Describe how each answer ends: its last line, and whether that is unfinished prose."""
    tail, line, words = pl.col("tail"), pl.col("line"), pl.col("words")
    content = pl.col("content").str.strip_chars_end()
    unclosed = line.str.contains(_UNCLOSED_END)
    last_words = pl.when(unclosed).then(tail).str.tail(_LOOP_WITHIN).str.split(" ").list
    last, second, third = (last_words.get(-place, null_on_oob=True) for place in (1, 2, 3))
    before = tail.str.extract(r"([^\n])\s*\n[^\n]*$")
    is_sentence = (
        (line.str.count_matches(r"\b\p{Lu}") < 0.6 * words)
        & ~pl.any_horizontal(line.str.contains(pattern) for pattern in _NO_PROSE)
        & before.str.contains(_PROSE_BEFORE).fill_null(True)
    )
    with_commas = pl.when(line.str.contains(_ENUMERATION)).then(line)
    is_enumeration = with_commas.str.replace(_SENTENCE_BEFORE, "").str.contains(_ENUMERATION)
    with_fence = pl.when(content.str.contains("```", literal=True)).then(content)
    endings = (
        context.answers.lazy()
        .select(
            "row",
            "field",
            end=content.str.len_chars().cast(pl.Int64),
            tail=content.str.tail(_LOOKED_AT),
            sentences=1 + content.str.count_matches(_INNER_END).clip(0, _MANY_SENTENCES),
            fences=with_fence.str.count_matches(_FENCE).fill_null(0),
        )
        .with_columns(line=tail.str.split("\n").list.last())
        .with_columns(words=line.str.count_matches(" ", literal=True) + 1)
        .select(
            "row",
            "field",
            "end",
            "sentences",
            "words",
            unclosed=unclosed,
            open_end=line.str.contains(_OPEN_END) & ~line.str.contains(_CODE_LINE),
            open_block=(pl.col("fences") % 2 == 1) & ~tail.str.contains(ENDS_WELL),
            is_prose=is_sentence & ~is_enumeration.fill_null(False),
            last_word=pl.when(unclosed & is_sentence).then(line).str.extract(_LAST_WORD),
            tail=tail,
            # A loop of one word is text/repetition's matter.
            is_loop=((last == second) & (second == third)).fill_null(False),
        )
        .collect()
    )
    return endings.with_columns(ends_in_letter=_ends_in_letter(endings)).drop("tail")


def _ends_in_letter(endings: pl.DataFrame) -> pl.Series:
    """Tell which answers end in a consonant that stands alone nowhere else in them."""
    ends = endings["last_word"].str.contains(_CONSONANT).fill_null(False)
    stands_alone = (
        re.search(rf"\b{letter}\b.", tail, re.DOTALL) is not None
        for letter, tail in endings.filter(ends).select("last_word", "tail").iter_rows()
    )
    return ends.scatter(ends.arg_true(), [not alone for alone in stands_alone])


def answer_words(context: CheckContext) -> pl.DataFrame:
    """Return the words of the answers in small letters, but for a last one without an end."""
    content = context.answers["content"].str.replace(r"\p{L}+\s*$", "")
    tokens = content.str.replace_all(r"[\n\t]", " ").str.split(" ").explode(empty_as_null=False)
    # Hashes are compared many times faster than strings.
    different = tokens.gather(tokens.hash().arg_unique())
    words = different.str.strip_chars(_MARKS).str.to_lowercase().unique()
    return words.filter(words.str.contains(_WORD)).alias("word").to_frame()


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    endings = _judged(context, check)
    open_end = pl.col("open_end") & pl.col("is_long")
    sure = pl.col("open_block") | open_end | pl.col("is_cut")
    is_strict = pl.col("unclosed_share") <= context.parameter(check, "most_unclosed")
    is_careful = pl.col("unclosed_share") <= context.parameter(check, "most_unclosed_low")
    found = endings.filter(sure | (pl.col("is_candidate") & is_careful), ~pl.col("is_loop"))
    weak = ~sure & (~is_strict | (pl.col("sentences") == 1))
    return found.rechunk().select(
        "row",
        "field",
        start=(pl.col("end") - _SHOWN).clip(0),
        end="end",
        score=pl.when(sure).then(_SURE_SCORE).otherwise(1 - pl.col("unclosed_share")),
        severity=pl.when(weak).then(pl.lit(Severity.LOW.value)),
        fix=pl.when(weak).then(pl.lit(Fix.REVIEW.value)),
        message=pl.when("open_block")
        .then(pl.lit("a code block is opened and never closed"))
        .when(open_end)
        .then(pl.lit("the text ends where a word must follow"))
        .when("is_cut")
        .then(pl.format("the text ends within a word: “{}”", "last_word"))
        .otherwise(
            pl.format(
                "no punctuation at the end, unlike {}% of the dataset's answers",
                (100 - 100 * pl.col("unclosed_share")).round(1),
            )
        ),
    )


def _judged(context: DatasetContext, check: Check) -> pl.DataFrame:
    """Return the answers that may break off, with the share that does so of those like them."""
    endings = context.summaries.scan(answer_endings).with_columns(
        is_long=pl.col("words") >= context.parameter(check, "least_words")
    )
    endings = endings.with_columns(
        is_candidate=pl.col("is_prose") & pl.col("is_long") & pl.col("unclosed")
    )
    prose = (
        endings.filter("is_prose", "is_long")
        .group_by("sentences")
        .agg(answers=pl.len(), unclosed=pl.col("unclosed").sum())
    )
    shares = _shares(prose.collect(), context.parameter(check, "least_answers"))
    open_end = pl.col("open_end") & pl.col("is_long")
    left = (
        endings.filter(
            pl.col("is_candidate")
            | pl.col("open_block")
            | open_end
            | pl.col("last_word").is_not_null()
        )
        .join(shares.lazy(), on="sentences", how="left", maintain_order="left")
        .collect()
    )
    cut = _cut_words(left["last_word"], context)
    return left.with_columns(
        is_cut=(
            (pl.col("last_word").is_in(cut) | pl.col("ends_in_letter")) & pl.col("is_long")
        ).fill_null(False)
    )


def _shares(prose: pl.DataFrame, least_answers: int) -> pl.DataFrame:
    """Return, by number of sentences, which share of such answers has no end: the smallest known.

    An answer of four sentences is one of several sentences as well, and one of all answers. Of
    single sentences all answers tell something only where there are too few of their kind.
    """
    most = _MANY_SENTENCES + 1

    def share(first: int, last: int) -> float | None:
        group = prose.filter(pl.col("sentences").is_between(first, last))
        answers, unclosed = (int(group[name].sum()) for name in ("answers", "unclosed"))
        return unclosed / answers if answers and answers >= least_answers else None

    of_single, of_several, of_many, of_all = (
        share(*group) for group in ((1, 1), (2, most), (_MANY_SENTENCES, most), (1, most))
    )
    found = [(1, of_all if of_single is None else of_single)]
    for sentences in range(2, most + 1):
        groups = [of_several, of_all, of_many if sentences >= _MANY_SENTENCES else None]
        found.append((sentences, min((s for s in groups if s is not None), default=None)))
    schema = {"sentences": prose.schema["sentences"], "unclosed_share": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row").drop_nulls()


def _cut_words(last_words: pl.Series, context: DatasetContext) -> list[str]:
    """Return those of the words that are nowhere else, and that words of the answers begin with."""
    wanted = last_words.drop_nulls().unique()
    if wanted.is_empty():
        return []
    vocabulary = context.summaries.scan(answer_words).unique().sort("word").collect()
    words = vocabulary["word"].to_list()
    return [word for word in wanted if _is_beginning(word, words)]


def _is_beginning(word: str, words: Sequence[str]) -> bool:
    """Tell whether others of some sorted words begin with a word that is not among them.

    Example:
        >>> _is_beginning("curricu", ["curfew", "curriculum"]), _is_beginning("saw", ["saws"])
        (True, False)
    """
    place = bisect_left(words, word)
    longer = takewhile(lambda other: other.startswith(word), islice(words, place, None))
    rests = [other[len(word) :] for other in longer]
    return bool(rests) and "" not in rests and not any(map(_FORM.fullmatch, rests))


CHECK = DatasetCheck(
    name="text/truncated",
    title="answers that break off",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(answer_endings, answer_words),
    find=_find,
    parameters={
        "least_words": Parameter(6, "shorter last lines are names, titles and labels"),
        "least_answers": Parameter(100, "fewer do not tell how a dataset ends its answers"),
        "most_unclosed": Parameter(
            0.02, "share of answers without punctuation at the end where authors are strict"
        ),
        "most_unclosed_low": Parameter(
            0.05, "the same where they are careful; what is found then has a low severity"
        ),
    },
)
