"""Answers that do not end with a token at which a model would stop.

Three faults of a tokenizer and its template are told, each in one finding. The template writes no
special token after an answer: the model never learns to stop. It writes one at which generation
does not stop: neither ``eos_token`` nor among ``eos_token_id`` of ``generation_config.json``. Or
that token is also ``pad_token``: trainers that take padding out of the loss take it out as well.

Evidence: ``related_row`` is the first row that shows it, ``related`` the token, ``score`` the share
of the rows with answers.

Fix: none: it is the template or the tokenizer that wants mending.

Limits: what a trainer of another make does with its own template is not seen.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import polars as pl

from ..check import Check, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..tokens.tokenizer import ChatTokenizer
from .needs_tokenizer import needed_template
from .template_faults import NO_END, SOUND, template_faults

_GENERATION_NAME = "generation_config.json"
_SCHEMA = {
    "related_row": pl.Int64,
    "related": pl.String,
    "score": pl.Float64,
    "message": pl.String,
    "severity": pl.String,
}


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    tokenizer = needed_template(context)
    faults = context.summary(template_faults).filter(
        (pl.col("fault") == NO_END) | ((pl.col("fault") == SOUND) & pl.col("text").is_not_null())
    )
    groups = faults.group_by("fault", "text", maintain_order=True).agg(
        rows=pl.len(), first=pl.col("row").min()
    )
    stops = _stop_tokens(tokenizer)
    found = []
    for fault, token, rows, first in groups.iter_rows():
        share = rows / faults.height
        if fault == NO_END:
            what = "the template ends no answer with a special token: a model never learns to stop"
            found.append((first, None, share, f"{what} ({rows:,} rows)", Severity.HIGH.value))
            continue
        if token not in stops:
            what = f"the template ends answers with {token!r}, at which generation does not stop"
            found.append((first, token, share, f"{what} ({rows:,} rows)", None))
        if token == tokenizer.special_tokens.get("pad_token"):
            what = (
                f"{token!r} ends answers and is the token for padding: trainers that leave "
                "padding out of the loss leave it out, too"
            )
            found.append((first, token, share, f"{what} ({rows:,} rows)", None))
    return pl.DataFrame(found, schema=_SCHEMA, orient="row").with_columns(
        row=pl.lit(None, dtype=pl.Int64)
    )


def _stop_tokens(tokenizer: ChatTokenizer) -> Collection[str]:
    """Return the tokens at which generation stops unless it is told otherwise."""
    numbers = _stop_numbers(tokenizer.folder / _GENERATION_NAME)
    named = {tokenizer.tokenizer.id_to_token(number) for number in numbers}
    return {token for token in (*named, tokenizer.special_tokens.get("eos_token")) if token}


def _stop_numbers(path: Path) -> list[int]:
    try:
        given = json.loads(path.read_text("utf-8")).get("eos_token_id")
    except (OSError, ValueError, AttributeError):
        return []
    numbers = given if isinstance(given, list) else [given]
    return [number for number in numbers if isinstance(number, int) and number >= 0]


CHECK = DatasetCheck(
    name="tokens/end-token",
    title="answers that do not end with a token to stop at",
    severity=Severity.MEDIUM,
    fix=Fix.NONE,
    summaries=(template_faults,),
    find=_find,
)
