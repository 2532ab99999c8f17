"""What checks of tokens need, and how they say so."""

from __future__ import annotations

from ..check import CheckSkippedError, Context
from ..tokens.tokenizer import ChatTokenizer, load_tokenizer

_NEEDED = "needs a tokenizer to count tokens: name its folder with --tokenizer"


def needed_tokenizer(context: Context) -> ChatTokenizer:
    """Return the user's tokenizer.

    Raises:
        CheckSkippedError: none was named.
    """
    if context.tokenizer is None:
        raise CheckSkippedError(_NEEDED)
    return load_tokenizer(context.tokenizer)


def needed_template(context: Context) -> ChatTokenizer:
    """Return the user's tokenizer, which has a chat template.

    Raises:
        CheckSkippedError: none was named, or it has none.
    """
    tokenizer = needed_tokenizer(context)
    if tokenizer.template is None:
        raise CheckSkippedError("the tokenizer has no chat template")
    return tokenizer
