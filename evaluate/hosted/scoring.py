"""Scoring and continuing texts through an OpenAI-compatible completions endpoint.

Prompts go out as token ids, so that the server reads what we count; what the server says of each
prompt token (``echo`` with ``logprobs``) are the probabilities. Requests are lm-eval's own
(``local-completions``), several at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.models.utils import postprocess_generated_text

from ...workspace.errors import JobError, UsageError
from ..scoring.generation import Wanted
from ..scoring.journal import Journal, part_name
from ..scoring.quiet import quiet
from ..scoring.tokens import TokenScores, token_offsets
from .endpoint import Endpoint, HostedModel
from .requests import ask_each

# Lm-eval's registry hides the class from type checkers.
_COMPLETIONS: Any = LocalCompletionsAPI
_SUPPORTED = ("do_sample", "temperature", "top_p", "seed")
_STOPS = 4


class HostedScorer:
    """Asks a hosted model as :class:`..scoring.tokens.TokenScorer` asks one on this machine.

    Args:
        model: behind a completions endpoint.
        endpoint: posts the requests; one for the model by default.
    """

    def __init__(self, model: HostedModel, endpoint: Endpoint | None = None) -> None:
        """Prepare lm-eval's requests; nothing is sent."""
        self.model = model
        self.endpoint = endpoint or Endpoint(model)
        with quiet():
            self._requests: Any = _COMPLETIONS(
                model=model.name, base_url=model.endpoint, tokenizer_backend=None
            )

    def score(
        self,
        sequences: Sequence[Sequence[int]],
        starts: Sequence[int],
        *,
        moments: bool = False,
        journal: Journal | None = None,
        advance: Callable[[int], None] = lambda count: None,
    ) -> TokenScores:
        """Score the tokens of each sequence from its start on.

        Raises:
            UsageError: means and deviations are asked for, or the server tells no probabilities.
        """
        if moments:
            raise UsageError("a hosted model does not tell its whole distribution")

        def one(number: int) -> list[list[float]]:
            tokens = list(sequences[number])
            payload = self._requests._create_payload([tokens], generate=False)
            return self._token_scores(self.endpoint.post(payload), tokens, starts[number])

        part = part_name("score", sequences, starts)
        found = ask_each(len(sequences), one, part, journal, advance)
        lengths = [len(tokens) - start for tokens, start in zip(sequences, starts, strict=True)]
        values = np.array([value for row in found for value in row[0]], dtype=np.float64)
        greedy = np.array([value for row in found for value in row[1]], dtype=bool)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        offsets = token_offsets(sequences, starts)
        return TokenScores(offsets, values, greedy, np.empty(0), np.empty(0))

    def answer(
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        tokenizer: Any,
        wanted: Wanted,
        *,
        journal: Journal | None = None,
        advance: Callable[[int], None] = lambda count: None,
    ) -> list[str]:
        """Continue prompts.

        Raises:
            UsageError: an option that endpoints do not know.
        """
        settings = hosted_options(wanted.options)
        ends = [tokenizer.decode([token]) for token in sorted(wanted.ends)]
        until = [*wanted.until, *(end for end in ends if end)]

        def one(number: int) -> str:
            asked = {**settings, "max_gen_toks": limits[number], "until": until[:_STOPS]}
            payload = self._requests._create_payload(
                [list(prompts[number])], generate=True, gen_kwargs=asked
            )
            (text,) = self._requests.parse_generations(self.endpoint.post(payload))
            return postprocess_generated_text(text or "", until, None)

        part = part_name("answer", prompts, limits, until, settings)
        return ask_each(len(prompts), one, part, journal, advance)

    def _token_scores(
        self, answer: dict[str, Any], tokens: list[int], start: int
    ) -> list[list[float]]:
        """Read probabilities of the prompt's own tokens, and whether each was the first choice."""
        try:
            told = answer["choices"][0]["logprobs"]
            values = told["token_logprobs"][start : len(tokens)]
            best = told["top_logprobs"][start : len(tokens)]
            if len(values) != len(tokens) - start:
                raise ValueError(f"{len(told['token_logprobs'])} of {len(tokens)} tokens")
            greedy = [
                float(value >= max(top.values())) for value, top in zip(values, best, strict=True)
            ]
            return [[float(value) for value in values], greedy]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise JobError(
                "the endpoint does not tell the probabilities of a prompt's tokens "
                f"({type(error).__name__}: {error})",
                where=self.model.place,
                fix="serve the model with a server that answers `echo` with `logprobs`, such as "
                "vLLM; or ask only tasks that are answered freely, through its chat endpoint",
            ) from error


def hosted_options(options: Any) -> dict[str, Any]:
    """Return the options of a task as endpoints take them.

    Raises:
        UsageError: an option that they do not know.
    """
    unknown = [name for name, value in options.items() if name not in _SUPPORTED and value]
    if unknown:
        raise UsageError(
            f"a hosted model cannot be asked with {', '.join(unknown)}",
            where="generation_kwargs",
            fix="leave the task out, or change a copy of it",
        )
    return {name: value for name, value in options.items() if value is not None}
