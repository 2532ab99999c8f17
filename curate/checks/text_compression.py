"""Messages that compress unusually well or badly: filler and endless tables, garbage and encodings.

Measured is bytes of UTF-8 over bytes after ``zlib`` (level 6), which tells loops from speech
(Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5,
takes 2.4 and more for a failed transcript). Longer texts compress better, and scripts differ, so
that a message is compared with the others of its length::

    x = log(bytes / compressed) - rolling median of the messages ordered by bytes
    z = x / (1.4826 * median(|x|))

apart for scripts of one, two and three bytes a letter. An outlier is beyond ``most_deviations`` and
compresses ``least_times_better`` or ``least_times_worse`` than the median. Where the dataset has
too few long messages, those of one byte a letter are compared with what English answers usually
compress to, ``0.72 * bytes ** 0.145``, a line through the medians of 11,445 messages of Alpaca,
Dolly, GSM8K and others. None of these is 1.32 times worse than that; what is worse by
``times_worse_than_english`` is reported whatever the other messages are, so that a file full of
garbage does not pass for the usual.

Two things are reported wherever they stand in a message: long runs of letters and digits that
compress like random ones (base64 and its like), and listings, lines in a row that differ in their
numbers alone.

Evidence: ``score`` is the ratio. Of an encoded run and of a listing, ``start`` and ``end`` hold it;
else the whole message is meant.

Fix: somebody must look (``review``).

Limits: random text of some hundred letters compresses like speech, and in a dataset of tables a
table is no outlier.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from itertools import groupby

import polars as pl

from ..check import Check, CheckContext, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from .prefilter import contains_one_of

_NORMAL = 1.4826
# The messages of like length that one is compared with: an eighth of all, within limits.
_WINDOWS, _LEAST_WINDOW, _MOST_WINDOW = 8, 51, 501
_USUAL, _USUAL_POWER = 0.72, 0.145
_LEAST_RUN = 100
_ENCODED = re.compile(rf"(?<![\w+/=-])[\w+/=-]{{{_LEAST_RUN},}}", re.ASCII)
_ADDRESS = re.compile(r"(?:://|www\.)\S*\Z")
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)", re.DOTALL)
_HEXADECIMAL = re.compile(r"(?=.*[a-fA-F])(?:[0-9a-f]+|[0-9A-F]+)")
# Base64 of random bytes compresses 1.3 to 1.35 times, hexadecimal digits 1.7 to 2 times; words
# without blanks between them more.
_MOST_RATIO_OF_ENCODED, _MOST_RATIO_OF_HEXADECIMAL = 1.4, 2.0
_NEAR = 300
_DIGITS = re.compile("[0-9]+")


def compression_ratio(text: str) -> float:
    """Return the bytes of a text over its bytes after compression.

    Example:
        >>> compression_ratio("na " * 100) > 10
        True
    """
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded, 6))


def message_ratios(context: CheckContext) -> pl.DataFrame:
    """Return ``row, field, bytes, width, ratio`` of each message that is long enough."""
    least = context.parameter(CHECK, "least_bytes")
    size = pl.col("content").str.len_bytes()
    long = context.messages.filter(size >= least).select(
        "row",
        "field",
        "content",
        bytes=size,
        width=(size / pl.col("content").str.len_chars()).round(0).cast(pl.UInt8),
    )
    ratios = [compression_ratio(text) for text in long["content"]]
    return long.drop("content").with_columns(ratio=pl.Series(ratios, dtype=pl.Float32))


def encoded_runs(context: CheckContext) -> pl.DataFrame:
    """Return ``row, field, start, end, score`` of runs of letters that look random."""
    may_hold = contains_one_of(rf"[A-Za-z0-9+/=_-]{{{_LEAST_RUN}}}")
    candidates = context.messages.filter(may_hold).select("row", "field", "content")
    found = [
        (row, field, match.start(), match.end(), compression_ratio(match[0]))
        for row, field, text in candidates.iter_rows()
        for match in _ENCODED.finditer(text)
        if _looks_encoded(match[0])
        and not _ADDRESS.search(text, max(0, match.start() - _NEAR), match.start())
    ]
    schema = {"row": pl.Int64, "field": pl.String, "start": pl.Int64, "end": pl.Int64}
    return pl.DataFrame(found, schema={**schema, "score": pl.Float64}, orient="row")


def _looks_encoded(run: str) -> bool:
    if _HEXADECIMAL.fullmatch(run):
        return compression_ratio(run) <= _MOST_RATIO_OF_HEXADECIMAL
    return bool(_MIXED.match(run)) and compression_ratio(run) <= _MOST_RATIO_OF_ENCODED


def listings(context: CheckContext) -> pl.DataFrame:
    """Return ``row, field, start, end, score, lines`` of lines that differ in numbers alone."""
    least = context.parameter(CHECK, "least_listing")
    may_hold = pl.col("content").str.count_matches("\n", literal=True) >= least - 1
    candidates = context.messages.filter(may_hold).select("row", "field", "content")
    found = [
        (row, field, start, end, compression_ratio(text[start:end]), lines)
        for row, field, text in candidates.iter_rows()
        for start, end, lines in _lines_but_for_numbers(text, least)
    ]
    schema = {"row": pl.Int64, "field": pl.String, "start": pl.Int64, "end": pl.Int64}
    schema |= {"score": pl.Float64, "lines": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _lines_but_for_numbers(text: str, least: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and number of lines of each run of lines that differ in numbers alone.

    Lines without a number are text/repetition's matter.
    """
    start = 0
    for line, group in groupby(text.split("\n"), lambda line: _DIGITS.sub("0", line)):
        lines = [*group]
        end = start + sum(map(len, lines)) + len(lines) - 1
        if len(lines) >= least and "0" in line and len({*lines}) > 1:
            yield start, end, len(lines)
        start = end + 1


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    runs = context.summary(encoded_runs).with_columns(
        message=pl.format(
            "{} letters and digits without a blank that look encoded",
            pl.col("end") - pl.col("start"),
        )
    )
    listed = context.summary(listings).with_columns(
        message=pl.format("{} lines in a row that differ in their numbers alone", "lines")
    )
    pieces = pl.concat([runs, listed.drop("lines")])
    messages = _outliers(context, check).join(pieces, on=["row", "field"], how="anti")
    return pl.concat([pieces, messages], how="diagonal_relaxed").sort("row", maintain_order=True)


def _outliers(context: DatasetContext, check: Check) -> pl.DataFrame:
    messages = context.summary(message_ratios).sort("bytes", maintain_order=True)
    messages = messages.with_columns(x=pl.col("ratio").cast(pl.Float64).log())
    least_messages = context.parameter(check, "least_messages")
    english = math.log(_USUAL) + _USUAL_POWER * pl.col("bytes").log()
    is_random = (pl.col("width") == 1) & (
        pl.col("x") - english <= -math.log(context.parameter(check, "times_worse_than_english"))
    )
    if messages.height < least_messages:
        context.explain(check, "too few long messages; compared with usual English ones")
        placed = messages.filter(pl.col("width") == 1).with_columns(distance=pl.col("x") - english)
        is_far = pl.lit(True)
    else:
        window = min(max(messages.height // _WINDOWS, _LEAST_WINDOW), _MOST_WINDOW)
        usual = pl.col("x").rolling_median(window, min_samples=1, center=True).over("width")
        placed = messages.with_columns(distance=pl.col("x") - usual)
        spread = _NORMAL * pl.col("distance").abs().median().over("width")
        deviations = context.parameter(check, "most_deviations")
        is_far = (pl.len().over("width") >= least_messages) & (
            pl.col("distance").abs() > deviations * spread
        )
    better = math.log(context.parameter(check, "least_times_better"))
    worse = math.log(context.parameter(check, "least_times_worse"))
    distance = pl.col("distance")
    is_outlier = is_far & ((distance >= better) | (distance <= -worse))
    found = placed.with_columns(
        is_found=is_outlier | is_random,
        distance=pl.when(is_outlier).then(distance).otherwise(pl.col("x") - english),
    ).filter("is_found")
    times = distance.abs().exp().round(1)
    than = pl.when(distance > 0).then(pl.lit("better")).otherwise(pl.lit("worse"))
    return found.rechunk().select(
        "row",
        "field",
        score=pl.col("ratio").cast(pl.Float64),
        message=pl.format(
            "compresses {} to 1, {} times {} than others of its length",
            pl.col("ratio").cast(pl.Float64).round(1),
            times,
            than,
        ),
    )


CHECK = DatasetCheck(
    name="text/compression",
    title="messages that are unusually redundant or random",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(message_ratios, encoded_runs, listings),
    find=_find,
    parameters={
        "least_bytes": Parameter(400, "of a message; compression says little about shorter ones"),
        "most_deviations": Parameter(3.5, "robust standard deviations from the usual"),
        "least_times_better": Parameter(2.0, "than the median; code and lists reach 1.8"),
        "least_times_worse": Parameter(1.4, "than the median; lists of names reach 1.3"),
        "times_worse_than_english": Parameter(
            1.45, "than English usually is; real messages reach 1.3, random letters 1.6"
        ),
        "least_listing": Parameter(30, "lines; tables that are read have fewer rows"),
        "least_messages": Parameter(
            100, "of a script's width; fewer do not tell what is usual there"
        ),
    },
)
