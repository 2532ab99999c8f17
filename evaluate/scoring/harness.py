"""Our model for lm-eval's tasks: every request is answered as by its own HFLM, only sooner."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import (
    has_bos_prefix,
    normalize_gen_kwargs,
)

from ...workspace.errors import DataError
from ...workspace.events import Emit, counting, ignore
from .generation import Wanted
from .journal import Journal

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

    from .scorer import Scorer

_DEFAULT_NEW_TOKENS = 256


class CausalScorer(TemplateLM):
    """A causal model for lm-eval.

    Borders between context and continuation are found by lm-eval's own ``_encode_pair``; texts
    are encoded in one batch before, each once, and kept for the other model of a pair.

    Args:
        scorer: the model.
        tokenizer: its tokenizer.
        encoded: token ids of texts already encoded by the same tokenizer; it is added to.
        context: tokens that the model sees.
        journal: where answers of an earlier attempt are found, and new ones kept.
        emit: told of the requests that were finished.
        label: what they are asked for, in reports of progress.
    """

    def __init__(
        self,
        scorer: Scorer,
        tokenizer: Any,
        *,
        context: int,
        encoded: dict[str, list[int]] | None = None,
        journal: Journal | None = None,
        emit: Emit = ignore,
        label: str = "scoring",
    ) -> None:
        """Prepare to be asked."""
        super().__init__()
        self.scorer = scorer
        self.tokenizer = tokenizer
        self.encoded = {} if encoded is None else encoded
        self.journal = journal
        self.emit = emit
        self.label = label
        self.max_length = context
        self._beginning: str = tokenizer.decode(self.prefix_token_id)

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return self.tokenizer.eos_token_id

    @property
    def prefix_token_id(self) -> int:
        """The token that stands where there is no context."""
        first = self.tokenizer.bos_token_id
        return self.eot_token_id if first is None else first

    @property
    def tokenizer_name(self) -> str:
        """Name of the tokenizer, for lm-eval's records."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Render a chat; where the template knows no system role, without what has it."""
        from jinja2 import TemplateError

        def render(messages: list[dict[str, str]]) -> str:
            return self.tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
            )

        try:
            return render(chat_history)
        except TemplateError:
            others = [message for message in chat_history if message["role"] != "system"]
            if len(others) == len(chat_history):
                raise
            return render(others)

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **_: Any
    ) -> list[int]:
        """Encode a text; special tokens go before it unless it has them or it is said otherwise."""
        if add_special_tokens is None:
            found = self.encoded.get(string)
            return self._encode_all([string])[0] if found is None else found
        return self.tokenizer.encode(string, add_special_tokens=add_special_tokens)

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Encode both as lm-eval does.

        A continuation that melts into the context's last token is scored as that token; lm-eval
        cannot score it at all.
        """
        before, after = super()._encode_pair(context, continuation)
        if after:
            return before, after
        whole = self.tok_encode(context + continuation)
        return whole[:-1] or [self.prefix_token_id], whole[-1:]

    def loglikelihood(
        self, requests: list[Instance], disable_tqdm: bool = True
    ) -> list[tuple[float, bool]]:
        """Return the log-likelihood of each continuation, and whether it is what greedy says."""
        texts: dict[str, None] = {}
        for request in requests:
            context, continuation = _arguments(request)
            if context:
                texts[context.rstrip()] = None
                texts[context + continuation] = None
            if not continuation:
                raise DataError(
                    "a choice is empty, so it has no probability",
                    where=f"after {context[-80:]!r}",
                    fix="take the item out of the task, or write the choice out",
                )
        self._encode_all([text for text in texts if text and text not in self.encoded])
        return super().loglikelihood(requests, disable_tqdm=True)

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], **_: Any
    ) -> list[tuple[float, bool]]:
        """Score continuations; one that is longer than the context, in windows."""
        owners: list[int] = []
        sequences: list[list[int]] = []
        starts: list[int] = []
        for owner, (_, context, continuation) in enumerate(requests):
            for tokens, start in _windows(context, continuation, self.max_length):
                owners.append(owner)
                sequences.append(tokens)
                starts.append(start)
        totals, greedy = np.zeros(len(requests)), np.ones(len(requests), dtype=bool)
        if sequences:
            with counting(self.emit, self.label, len(sequences), "requests") as counter:
                scores = self.scorer.score(
                    sequences, starts, journal=self.journal, advance=counter.advance
                )
            np.add.at(totals, owners, scores.sums())
            np.logical_and.at(greedy, owners, scores.all_greedy())
        return list(zip(totals.tolist(), greedy.tolist(), strict=True))

    def loglikelihood_rolling(
        self, requests: list[Instance], disable_tqdm: bool = True
    ) -> list[float]:
        """Return the log-likelihood of each whole text, in windows as long as the context."""
        texts = [_arguments(request)[0] for request in requests]
        self._encode_all([text for text in dict.fromkeys(texts) if text not in self.encoded])
        whole = [(None, [self.prefix_token_id], self.encoded[text]) for text in texts]
        return [value for value, _ in self._loglikelihood_tokens(whole)]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """Return each greedy answer, cut at the task's stop texts."""
        answers = [""] * len(requests)
        alike: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            alike.setdefault(json.dumps(_arguments(request)[1], sort_keys=True), []).append(number)
        for settings, numbers in alike.items():
            contexts = [_arguments(requests[number])[0] for number in numbers]
            texts = self._generate_alike(contexts, json.loads(settings))
            for number, text in zip(numbers, texts, strict=True):
                answers[number] = text
        return answers

    def _generate_alike(self, contexts: list[str], settings: dict[str, Any]) -> list[str]:
        """Answer requests that have the same settings; where nothing is drawn, equal ones once."""
        options: dict[str, Any] = dict(normalize_gen_kwargs(settings, _DEFAULT_NEW_TOKENS))
        until, most = options.pop("until"), int(options.pop("max_gen_toks"))
        texts = contexts if options["do_sample"] else list(dict.fromkeys(contexts))
        # At least half of the context is left to the question.
        new_tokens = min(most, self.max_length // 2)
        prompts = [self.tok_encode(text)[new_tokens - self.max_length :] for text in texts]
        with counting(self.emit, self.label, len(prompts), "requests") as counter:
            answers = self.scorer.answer(
                [prompt or [self.prefix_token_id] for prompt in prompts],
                [new_tokens] * len(prompts),
                self.tokenizer,
                Wanted(tuple(text for text in until if text), options=options),
                journal=self.journal,
                advance=counter.advance,
            )
        if options["do_sample"]:
            return answers
        found = dict(zip(texts, answers, strict=True))
        return [found[text] for text in contexts]

    def _encode_all(self, texts: list[str]) -> list[list[int]]:
        """Encode texts in one batch and keep their tokens."""
        for bare in (False, True):
            part = [text for text in texts if has_bos_prefix(text, self._beginning) is bare]
            if part:
                options = {"add_special_tokens": False} if bare else {}
                tokens = self.tokenizer(
                    part, return_attention_mask=False, verbose=False, **options
                )["input_ids"]
                self.encoded.update(zip(part, tokens, strict=True))
        return [self.encoded[text] for text in texts]


def _arguments(request: Instance) -> tuple[Any, ...]:
    """Return what a request asks with: (context, continuation), (text,) or (context, settings)."""
    return request.args


def _windows(
    context: list[int], continuation: list[int], length: int
) -> Iterator[tuple[list[int], int]]:
    """Yield what of a text is read at once, and from where in it tokens are scored.

    Each token of the continuation is scored once, after as much of the text before it as the
    model sees; so lm-eval cuts contexts, and texts for perplexity.
    """
    whole, begin = context + continuation, len(context)
    while begin < len(whole):
        end = min(begin + length, len(whole))
        first = max(0, end - length - 1)
        yield whole[first:end], begin - first
        begin = end
