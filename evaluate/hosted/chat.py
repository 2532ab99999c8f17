"""Asking a model behind an OpenAI-compatible chat endpoint, which answers messages freely."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lm_eval.models import openai_completions
from lm_eval.models.utils import normalize_gen_kwargs, postprocess_generated_text

from ...workspace.errors import UsageError
from ...workspace.events import Emit, counting, ignore
from ..scoring.journal import Journal, part_name
from ..scoring.quiet import quiet
from .endpoint import Endpoint, HostedModel
from .requests import ask_each
from .scoring import hosted_options

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_DEFAULT_NEW_TOKENS = 256
_PARTS = ("role", "content", "name", "tool_calls", "tool_call_id")


# Lm-eval's registry hides the class from type checkers.
_CHAT: Any = openai_completions.LocalChatCompletion


class HostedChat(_CHAT):
    """Lm-eval's model for chat endpoints, with our sending: retries, errors, a journal.

    Args:
        model: behind a chat endpoint.
        endpoint: posts the requests; one for the model by default.
        journal: where answers of an earlier attempt are found, and new ones kept.
        emit: told of the requests that were finished.
        label: what they are asked for, in reports of progress.
    """

    def __init__(
        self,
        model: HostedModel,
        *,
        endpoint: Endpoint | None = None,
        journal: Journal | None = None,
        emit: Emit = ignore,
        label: str = "asking",
    ) -> None:
        """Prepare lm-eval's requests; nothing is sent."""
        with quiet():
            super().__init__(base_url=model.endpoint, model=model.name)
        self.hosted = model
        self.endpoint = endpoint or Endpoint(model)
        self.journal = journal
        self.emit = emit
        self.label = label

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """Return each answer, cut at the task's stop texts."""
        asked: list[Any] = [request.args for request in requests]
        chats = [json.loads(context.prompt) for context, _ in asked]
        settings = [dict(normalize_gen_kwargs(kwargs, _DEFAULT_NEW_TOKENS)) for _, kwargs in asked]
        with counting(self.emit, self.label, len(chats), "requests") as counter:
            return self._answers(chats, settings, counter.advance)

    def loglikelihood(self, requests: Any, **_: Any) -> Any:
        """Refuse: a chat endpoint tells no probabilities of given texts.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "a chat endpoint tells no probabilities of given texts",
            where=self.hosted.place,
            fix="ask tasks that are answered freely, or use a completions endpoint",
        )

    loglikelihood_rolling = loglikelihood

    def say(
        self,
        chats: Sequence[Sequence[Mapping[str, Any]]],
        limits: Sequence[int],
        *,
        advance: Callable[[int], None] = lambda count: None,
    ) -> list[str]:
        """Answer conversations.

        Args:
            chats: messages, the last one not the assistant's.
            limits: for each, the most tokens of an answer.
            advance: told how many were answered.
        """
        plain = [
            [{part: message[part] for part in _PARTS if message.get(part)} for message in chat]
            for chat in chats
        ]
        settings = [{"max_gen_toks": limit, "until": []} for limit in limits]
        return [text.strip() for text in self._answers(plain, settings, advance)]

    def _answers(
        self,
        chats: list[list[dict[str, Any]]],
        settings: list[dict[str, Any]],
        advance: Callable[[int], None],
    ) -> list[str]:
        def one(number: int) -> str:
            wanted = dict(settings[number])
            until, most = wanted.pop("until"), wanted.pop("max_gen_toks")
            asked = {**hosted_options(wanted), "max_gen_toks": most, "until": until or None}
            payload = self._create_payload(chats[number], generate=True, gen_kwargs=asked)
            if not any(payload["stop"]):
                del payload["stop"]
            (text,) = self.parse_generations(self.endpoint.post(payload))
            return postprocess_generated_text(text or "", until, None)

        return ask_each(len(chats), one, part_name(chats, settings), self.journal, advance)
