"""The chat template: the tokenizer's own, or a plain one where it has none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER, BUILT_IN = "tokenizer", "built-in"

# For base models, whose tokenizers come without a template: roles as words on lines of their own,
# the end token after every answer. A line break before the answer keeps its first token apart.
PLAIN_TEMPLATE = """\
{{- bos_token or '' -}}
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- 'Assistant:\\n' + message['content'] + eos_token + '\\n\\n' -}}
{%- elif message['role'] in ['system', 'user', 'tool'] -%}
{{- message['role'].capitalize() + ':\\n' + message['content'] + '\\n\\n' -}}
{%- else -%}
{{- raise_exception('unknown role ' + message['role']) -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'Assistant:\\n' -}}{%- endif -%}
"""


def template_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the text of the chat template in use.

    Raises:
        UsageError: there is none, and no end token for the plain one.
    """
    if tokenizer.chat_template:
        try:
            return tokenizer.get_chat_template()
        except ValueError as error:
            raise UsageError(
                "the tokenizer has several chat templates and none is its default",
                where=str(tokenizer.name_or_path),
                fix="keep one template in the tokenizer's folder, or name one of them default",
            ) from error
    if tokenizer.eos_token is None:
        raise UsageError(
            "the tokenizer has neither a chat template nor an end token",
            where=str(tokenizer.name_or_path),
            fix="set eos_token or chat_template in its tokenizer_config.json",
        )
    return PLAIN_TEMPLATE


def template_origin(tokenizer: PreTrainedTokenizerBase) -> str:
    """Tell whose template is in use: the tokenizer's own or the built-in plain one."""
    own = tokenizer.chat_template and tokenizer.chat_template != PLAIN_TEMPLATE
    return TOKENIZER if own else BUILT_IN


def template_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the SHA-256 of the chat template's text; training and evaluation must agree on it."""
    return hashlib.sha256(template_of(tokenizer).encode()).hexdigest()


def apply_template(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, Any]],
    *,
    add_generation_prompt: bool = False,
) -> str:
    """Render messages as text.

    Args:
        tokenizer: brings the template and its special tokens.
        messages: at least one, in the form that templates expect.
        add_generation_prompt: end with what asks the model for an answer.
    """
    return tokenizer.apply_chat_template(
        messages,
        chat_template=template_of(tokenizer),
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
    )  # pyright: ignore[reportReturnType]
