"""What is wrong with a chat template, seen on each conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..check import CheckContext
from ..records import CLASSIFICATION, MESSAGE_PARTS, TEXT
from ..tokens.answer_spans import TurnsDifferError, ending_token
from ..tokens.renderings import Rendering, labelled_conversation
from ..tokens.tokenizer import ChatTokenizer, TemplateRefusedError

REFUSED, DIFFERS, NO_END, SOUND = "refused", "differs", "no end", "sound"

_SCHEMA = pl.Schema({"row": pl.Int64, "fault": pl.String, "index": pl.Int64, "text": pl.String})


def template_faults(context: CheckContext) -> pl.DataFrame:
    """Return how the chat template goes with each conversation: a summary.

    Returns:
        ``row`` and ``fault``: ``refused`` (``text`` says why), ``differs`` (``index`` is the answer
        that is written differently once others follow), ``no end`` (no special token ends the
        answer at ``index``), or ``sound`` (``text`` is the token that ends its answers; null
        where it has none to learn). Nothing without a template.
    """
    tokenizer = context.chat_tokenizer
    if tokenizer is None or tokenizer.template is None:
        return _SCHEMA.to_frame()
    records = context.records.select("row", "kind", "label", *MESSAGE_PARTS)
    faults = [
        (record["row"], *_fault(tokenizer, record, rendering))
        for record, rendering in zip(records.iter_rows(named=True), context.rendered, strict=True)
        if record["kind"] != TEXT and record["messages"]
    ]
    return pl.DataFrame(faults, schema=_SCHEMA, orient="row")


def _fault(
    tokenizer: ChatTokenizer, record: Mapping[str, Any], rendering: Rendering
) -> tuple[str, int | None, str | None]:
    messages = labelled_conversation(record)
    try:
        if record["kind"] == CLASSIFICATION:
            rendering = tokenizer.render(messages)
        if isinstance(rendering, TemplateRefusedError):
            raise rendering
        layout = tokenizer.lay_out(messages, rendering)
    except TemplateRefusedError as error:
        return REFUSED, None, str(error)
    except TurnsDifferError as error:
        return DIFFERS, error.index, None
    token = None
    for (start, end), index in zip(layout.spans, layout.answers, strict=True):
        ending = ending_token(layout.text[start:end], tokenizer.added_special_tokens)
        if ending is None:
            return NO_END, index, None
        token = ending[0]
    return SOUND, None, token
