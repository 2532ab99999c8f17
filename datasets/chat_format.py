"""The chat format of the base model: its special tokens and its template."""

from __future__ import annotations

from collections.abc import Iterable

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
END_OF_TURN = "<|end|>"
ROLES = ("system", "user", "assistant")
ROLE_TOKENS = {role: f"<|{role}|>" for role in ROLES}
SPECIAL_TOKENS = (END_OF_TEXT, PADDING, END_OF_TURN, *ROLE_TOKENS.values())

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant'] -%}"
    "{{ raise_exception('Unknown role: ' + message['role']) }}"
    "{%- endif -%}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{%- else -%}"
    "{{ message['content'] + '<|end|>' }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)


def render_chat(turns: Iterable[tuple[str, str]]) -> str:
    """Render turns as the chat template does, without a template engine.

    Example:
        >>> render_chat([("user", "Hello!")])
        '<|user|>Hello!<|end|>'
    """
    return "".join(f"{ROLE_TOKENS[role]}{content}{END_OF_TURN}" for role, content in turns)
