"""The user's tokenizer and chat template, read from their folder without a deep learning library.

Templates are programs that come with a model: they run in Jinja's sandbox, which keeps them from
files, imports and the attributes of Python objects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..workspace.errors import UsageError
from ..workspace.files import sha256_of_json

if TYPE_CHECKING:
    from jinja2 import Template
    from tokenizers import Tokenizer

TOKENIZER_NAME = "tokenizer.json"
CONFIG_NAME = "tokenizer_config.json"
TEMPLATE_NAME = "chat_template.jinja"
_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class TemplateRefusedError(ValueError):
    """The chat template does not accept a conversation; the text says why."""


@dataclass(frozen=True)
class ChatTokenizer:
    """A tokenizer with its chat template.

    Attributes:
        folder: where it lies.
        tokenizer: counts the tokens.
        template: the chat template's source; None where the folder has none.
        special_tokens: such as ``{"eos_token": "</s>"}``; the template may name them.
    """

    folder: Path
    tokenizer: Tokenizer
    template: str | None
    special_tokens: Mapping[str, str]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, without special tokens put around it."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def render(
        self, messages: Sequence[Mapping[str, Any]], *, generation_prompt: bool = False
    ) -> str:
        """Write a conversation as the model sees it; plainly joined where there is no template.

        Args:
            messages: role, content and tool fields.
            generation_prompt: end with what asks the model for an answer.

        Raises:
            TemplateRefusedError: the template does not accept these messages.
        """
        if self._compiled is None:
            return "".join(message["content"] or "" for message in messages)
        try:
            return self._compiled.render(
                messages=[_for_template(message) for message in messages],
                tools=None,
                add_generation_prompt=generation_prompt,
                **self.special_tokens,
            )
        except Exception as error:
            # A template is a foreign program: whatever it raises is its verdict on the messages.
            raise TemplateRefusedError(f"{type(error).__name__}: {error}") from error

    @cached_property
    def _compiled(self) -> Template | None:
        return None if self.template is None else _compile(self.template, self.folder)


def load_tokenizer(folder: str | Path) -> ChatTokenizer:
    """Read a tokenizer and its chat template from a model's folder.

    Raises:
        UsageError: the folder holds no ``tokenizer.json``, or one that cannot be read.
    """
    from tokenizers import Tokenizer

    place = Path(folder).expanduser()
    path = place / TOKENIZER_NAME
    if not path.is_file():
        raise UsageError(
            f"the tokenizer's folder has no {TOKENIZER_NAME}",
            where=str(place),
            fix="name a local folder into which the tokenizer was written with save_pretrained()",
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        # The library raises a plain Exception for whatever is wrong with the file.
        raise UsageError(f"the tokenizer cannot be read: {error}", where=str(path)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    config = _read_config(place / CONFIG_NAME)
    return ChatTokenizer(place, tokenizer, _template(place, config), _special_tokens(config))


def tokenizer_fingerprint(folder: str | Path) -> str:
    """Return a SHA-256 of what decides the counts: tokenizer, template and special tokens."""
    loaded = load_tokenizer(folder)
    return sha256_of_json(
        [loaded.tokenizer.to_str(), loaded.template, sorted(loaded.special_tokens.items())]
    )


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the tokenizer's settings are no JSON: {error}", where=str(path)) from (
            error
        )
    return document if isinstance(document, dict) else {}


def _template(folder: Path, config: Mapping[str, Any]) -> str | None:
    path = folder / TEMPLATE_NAME
    if path.is_file():
        return path.read_text("utf-8")
    given = config.get("chat_template")
    if isinstance(given, list):
        by_name = {item.get("name"): item.get("template") for item in given}
        given = by_name.get("default")
    return given if isinstance(given, str) else None


def _special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    tokens: dict[str, str] = {}
    for name in _SPECIAL_TOKENS:
        value = config.get(name)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str):
            tokens[name] = text
    return tokens


def _compile(source: str, folder: Path) -> Template:
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}`` marks what the assistant says; for counting it changes nothing."""

        tags = {"generation"}

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = _today
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise UsageError(f"the chat template is not valid: {error}", where=str(folder)) from error


def _to_json(value: Any, indent: int | None = None) -> str:
    """Unlike Jinja's own filter, leave ``<`` and ``&`` as they are: this is no HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _today(format: str) -> str:
    """Stand in for the date of the rendering: the length counts, and equal work is to be equal."""
    from datetime import datetime

    return datetime(2025, 1, 1).strftime(format)


def _for_template(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as templates expect it: no empty fields, tool calls as objects."""
    given = {
        name: message[name] for name in ("name", "tool_call_id") if message.get(name) is not None
    }
    calls = message.get("tool_calls")
    if calls is not None:
        given["tool_calls"] = json.loads(calls)
    return {"role": message["role"], "content": message["content"] or "", **given}
