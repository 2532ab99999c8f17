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
Dolly, GSM8K and others. Besides, long runs of
letters and digits that compress like random ones are reported wherever they stand: base64 and its
like.

Evidence: ``score`` is the ratio. For an encoded run, ``start`` and ``end`` hold it; else the whole
message is meant.

Fix: somebody must look (``review``).

Limits: random text of some hundred letters compresses like speech, and in a dataset of tables a
table is no outlier.
"""

from __future__ import annotations

import math
import re
import zlib

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


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    runs = context.summary(encoded_runs).with_columns(
        message=pl.format(
            "{} letters and digits without a blank that look encoded",
            pl.col("end") - pl.col("start"),
        )
    )
    messages = _outliers(context, check).join(runs, on=["row", "field"], how="anti")
    return pl.concat([runs, messages], how="diagonal_relaxed").sort("row", maintain_order=True)


def _outliers(context: DatasetContext, check: Check) -> pl.DataFrame:
    messages = context.summary(message_ratios).sort("bytes", maintain_order=True)
    messages = messages.with_columns(x=pl.col("ratio").cast(pl.Float64).log())
    least_messages = context.parameter(check, "least_messages")
    if messages.height < least_messages:
        context.explain(check, "too few long messages; compared with usual English ones")
        usual = math.log(_USUAL) + _USUAL_POWER * pl.col("bytes").log()
        placed = messages.filter(pl.col("width") == 1).with_columns(distance=pl.col("x") - usual)
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
    found = placed.filter(is_far, (distance >= better) | (distance <= -worse))
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
    summaries=(message_ratios, encoded_runs),
    find=_find,
    parameters={
        "least_bytes": Parameter(400, "of a message; compression says little about shorter ones"),
        "most_deviations": Parameter(3.5, "robust standard deviations from the usual"),
        "least_times_better": Parameter(2.0, "than the median; code and lists reach 1.8"),
        "least_times_worse": Parameter(1.4, "than the median; lists of names reach 1.3"),
        "least_messages": Parameter(
            100, "of a script's width; fewer do not tell what is usual there"
        ),
    },
)
