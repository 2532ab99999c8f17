"""The user's tokenizer and chat template, read from their folder without a deep learning library.

Templates are programs that come with a model: they run in Jinja's sandbox, which keeps them from
files, imports and the attributes of Python objects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from ...workspace.files import sha256_of_json
from .answer_spans import Layout, Message, lay_out, template_messages
from .token_counts import TokenCounts

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
        return self._counts.count(texts)

    @cached_property
    def _counts(self) -> TokenCounts:
        return TokenCounts(self.tokenizer)

    def offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return, for each token of each text, its first character and the one after its last."""
        encodings = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.offsets for encoding in encodings]

    def render(self, messages: Sequence[Message], *, generation_prompt: bool = False) -> str:
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
                messages=template_messages(messages),
                tools=None,
                add_generation_prompt=generation_prompt,
                **self.special_tokens,
            )
        except Exception as error:
            # A template is a foreign program: whatever it raises is its verdict on the messages.
            raise TemplateRefusedError(f"{type(error).__name__}: {error}") from error

    def lay_out(self, messages: Sequence[Message], text: str | None = None) -> Layout:
        """Write a conversation, and find the answers in it.

        Args:
            messages: as in :meth:`render`; at least one.
            text: the conversation, where it was rendered already.

        Raises:
            TemplateRefusedError: the template does not accept these messages.
            TurnsDifferError: it writes earlier turns differently once others follow.
        """
        return lay_out(lambda part, asks: self.render(part, generation_prompt=asks), messages, text)

    @cached_property
    def around_text(self) -> int:
        """How many tokens stand around a plain text: those that begin it, and the one to end it."""
        around = self.tokenizer.encode("", add_special_tokens=True).tokens
        end = self.special_tokens.get("eos_token")
        return len(around) + (end is not None and around[-1:] != [end])

    @cached_property
    def added_special_tokens(self) -> tuple[str, ...]:
        """All special tokens of the vocabulary, also those that only templates use."""
        added = self.tokenizer.get_added_tokens_decoder().values()
        return tuple(token.content for token in added if token.special)

    @cached_property
    def _compiled(self) -> Template | None:
        return None if self.template is None else _compile(self.template, self.folder)


def load_tokenizer(folder: str | Path) -> ChatTokenizer:
    """Read a tokenizer and its chat template from a model's folder.

    The same files are read once.

    Raises:
        UsageError: the folder holds no ``tokenizer.json``, or one that cannot be read.
    """
    place = Path(folder).expanduser()
    files = [place / name for name in (TOKENIZER_NAME, CONFIG_NAME, TEMPLATE_NAME)]
    stamps = tuple((file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else None
                   for file in files)  # fmt: skip
    return _load(place, stamps)


@lru_cache(maxsize=2)
def _load(place: Path, stamps: tuple[tuple[int, int] | None, ...]) -> ChatTokenizer:
    from tokenizers import Tokenizer

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
