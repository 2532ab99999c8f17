"""Tokens that a vocabulary lacks, above all those that a chat template writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from ...workspace.errors import UsageError
from ..keys.method import TEMPLATE_TOKENS
from .template import apply_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# How templates write their marks: <|im_start|>, <start_of_turn>, </s>, [INST], [/INST].
_MARK = re.compile(r"<\|[^\s<>|]{1,40}\|>|</?[a-z]+(?:_[a-z]+)*>|\[/?[A-Z_]{2,20}\]")
_EXCHANGES = (
    [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}],
    [{"role": "system", "content": "."}, {"role": "user", "content": "?"}],
)


def missing_tokens(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return the marks that the chat template writes and the vocabulary spells out.

    Such marks are read as letters and signs: they take many tokens, and text can imitate them.
    """
    found: dict[str, None] = {}
    for exchange in _EXCHANGES:
        try:
            text = apply_template(tokenizer, exchange)
        except (TemplateError, UsageError):
            # Not every template takes a system message, or one at all.
            continue
        found.update(dict.fromkeys(_MARK.findall(text)))
    known = tokenizer.get_vocab()
    return [mark for mark in found if mark not in known]


def add_tokens(tokenizer: PreTrainedTokenizerBase, named: Sequence[str]) -> tuple[int, ...]:
    """Add special tokens to a tokenizer.

    Args:
        tokenizer: changed in place.
        named: the tokens; ``template`` stands for :func:`missing_tokens`.

    Returns:
        The ids of those that were added.

    Raises:
        UsageError: a token is there already, or the template writes none that is missing.
    """
    wanted: list[str] = []
    for name in named:
        if name != TEMPLATE_TOKENS:
            wanted.append(name)
            continue
        missing = missing_tokens(tokenizer)
        if not missing:
            raise UsageError(
                "the chat template writes no mark that the vocabulary lacks",
                where=f"[train] add_tokens = {TEMPLATE_TOKENS!r}, {tokenizer.name_or_path}",
                fix="leave add_tokens out",
            )
        wanted += [mark for mark in missing if mark not in named]
    known = tokenizer.get_vocab()
    if there := [token for token in wanted if token in known]:
        raise UsageError(
            f"the vocabulary has {', '.join(there)} already",
            where=f"[train] add_tokens, {tokenizer.name_or_path}",
            fix="leave them out of add_tokens",
        )
    if wanted:
        tokenizer.add_tokens(wanted, special_tokens=True)
    ids: Any = tokenizer.convert_tokens_to_ids(wanted)
    return tuple(ids)
