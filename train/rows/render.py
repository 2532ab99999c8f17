"""From messages to tokens, with a mark on every token that the model is to learn.

Training and evaluation render through this one module, so that the model is asked for an answer
with exactly the tokens it was trained to answer after. The spans to learn are found by rendering
the conversation turn by turn: what the template adds after the prompt is the answer and the token
that ends it. A template for which that does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any

from ...curate.records import TEXT_ROLE
from ...curate.tokens.answer_spans import (
    ASSISTANT,
    Layout,
    Message,
    TurnsDifferError,
    lay_out,
    template_messages,
)
from ...workspace.errors import DataError, UsageError
from .template import apply_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Texts to put before a piece that continues another, so that the tokenizer does not treat it as
# a beginning. The first that does not melt into the piece is used.
_GUARDS = ("\n", ".", "a")


class RowRefusedError(DataError):
    """A row cannot be trained on; the text says why."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A row as the model sees it.

    Attributes:
        tokens: token ids.
        supervised: for each token, whether the model learns to produce it; never true for the
            first, which nothing comes before.
        truncated: tokens beyond the maximum length were cut off.
        lost_supervised: how many of those were to be learned.
    """

    tokens: list[int]
    supervised: list[bool]
    truncated: bool = False
    lost_supervised: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be rendered, and why."""

    reason: str


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    *,
    max_length: int | None = None,
) -> Rendered:
    """Render a conversation, or a text (one message of role ``text``), for training.

    The answers of the assistant and the tokens that end them are supervised, except messages of
    ``weight`` 0 and an answer that nothing comes before, which the model is never asked for. Of
    a text, everything is supervised, and the end token after it.

    Args:
        tokenizer: with its chat template, or else the plain built-in one is used.
        messages: mappings with ``role`` and ``content``, and ``weight``, ``name``,
            ``tool_calls`` (JSON) and ``tool_call_id`` where they apply.
        max_length: tokens kept, from the left; None keeps all.

    Raises:
        RowRefusedError: the template cannot render these messages.
        UsageError: the template is not fit for training: it renders earlier turns differently
            once others follow, or ends no answer with a special token.
    """
    (outcome,) = render_all(tokenizer, [messages], max_length=max_length)
    if isinstance(outcome, Refused):
        raise RowRefusedError(outcome.reason)
    return outcome


def render_all(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Iterable[Sequence[Message]],
    *,
    max_length: int | None = None,
) -> list[Rendered | Refused]:
    """Render many conversations, in their order; much faster than one by one (see `render`)."""
    layouts = [_layout_or_refusal(tokenizer, messages) for messages in conversations]
    chats = _encode_chats(tokenizer, [item for item in layouts if isinstance(item, Layout)])
    texts = _encode_texts(tokenizer, [item for item in layouts if isinstance(item, str)])
    special = special_ids(tokenizer)
    outcomes: list[Rendered | Refused] = []
    for item in layouts:
        if isinstance(item, Refused):
            outcomes.append(item)
            continue
        is_text = isinstance(item, str)
        row = next(texts) if is_text else _assemble(tokenizer, item, chats, special)
        outcomes.append(_cut(row, max_length))
    return outcomes


def prompt_text(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """Return, as text, all that comes before the final answer, ready for the model to go on.

    Args:
        tokenizer: as in :func:`render`.
        messages: with or without the final answer.
    """
    prompt = list(messages)
    if prompt and prompt[-1]["role"] == ASSISTANT:
        prompt.pop()
    return apply_template(tokenizer, template_messages(prompt), add_generation_prompt=True)


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of :func:`prompt_text`."""
    return _encode(tokenizer, [prompt_text(tokenizer, messages)])[0]


def render_prompts(
    tokenizer: PreTrainedTokenizerBase, conversations: Iterable[Sequence[Message]]
) -> list[list[int] | Refused]:
    """Return the tokens of many prompts, in their order (see :func:`prompt_text`)."""
    texts: list[str | Refused] = []
    for messages in conversations:
        if not messages:
            texts.append(Refused("it has no messages"))
            continue
        try:
            texts.append(prompt_text(tokenizer, messages))
        except UsageError:
            raise
        except Exception as error:
            # Templates are programs of their own and raise what they like.
            texts.append(Refused(f"the chat template cannot render it: {error}"))
    whole = [text for text in texts if isinstance(text, str)]
    encoded = iter(_encode(tokenizer, whole) if whole else ())
    return [next(encoded) if isinstance(text, str) else text for text in texts]


def render_answer(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of the final answer and its end token.

    After those of :func:`render_prompt` they are the tokens that training sees.

    Args:
        tokenizer: as in :func:`render`.
        messages: the last one is the answer.
    """
    asked = [{**message, "weight": 0} for message in messages[:-1]]
    rendered = render(tokenizer, [*asked, {**messages[-1], "weight": 1}])
    return [
        token
        for token, learned in zip(rendered.tokens, rendered.supervised, strict=True)
        if learned
    ]


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids of all special tokens, also of those that only templates use."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset(added | set(tokenizer.all_special_ids))


def _layout_or_refusal(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]
) -> Layout | Refused | str:
    """Lay a conversation out; a text is returned as it is."""
    if len(messages) == 1 and messages[0]["role"] == TEXT_ROLE:
        return messages[0]["content"] or ""
    if not messages:
        return Refused("it has no messages")
    try:
        return _layout(tokenizer, messages)
    except UsageError:
        raise
    except Exception as error:
        # Templates are programs of their own and raise what they like; the row's report names it.
        return Refused(f"the chat template cannot render it: {error}")


def _layout(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> Layout:
    """Find the answers' spans by rendering turn by turn and comparing beginnings."""

    def render_part(part: Sequence[Message], asks: bool) -> str:
        return apply_template(tokenizer, template_messages(part), add_generation_prompt=asks)

    try:
        return lay_out(render_part, messages)
    except TurnsDifferError as error:
        raise UsageError(
            str(error),
            where=f"{tokenizer.name_or_path}, at message {error.index} of {len(messages)}",
            fix="use a template whose rendering of the first turns is the beginning of its "
            "rendering of all turns, or split the rows so that each has one answer",
        ) from error


def _segments(layout: Layout) -> list[str]:
    """Return the text in pieces: context and answers by turns, context first and last."""
    cuts = [0, *(cut for span in layout.spans for cut in span), len(layout.text)]
    return [layout.text[start:end] for start, end in pairwise(cuts)]


def _encode(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], *, add_special_tokens: bool = False
) -> list[list[int]]:
    encoded: Any = tokenizer(
        texts,
        add_special_tokens=add_special_tokens,
        return_attention_mask=False,
        verbose=False,
    )
    return encoded["input_ids"]


def _encode_chats(
    tokenizer: PreTrainedTokenizerBase, layouts: list[Layout]
) -> dict[str, list[int]]:
    """Encode every text that is needed once, all in one call.

    Segments after the first are encoded behind a guard, because some tokenizers put a space
    before a beginning; :func:`_assemble` drops it again.
    """
    needed = chain.from_iterable(
        (layout.text, first, *(_GUARDS[0] + segment for segment in others))
        for layout in layouts
        for first, *others in (_segments(layout),)
    )
    texts = list(dict.fromkeys([_GUARDS[0], *needed]))
    return dict(zip(texts, _encode(tokenizer, texts), strict=True))


def _assemble(
    tokenizer: PreTrainedTokenizerBase,
    layout: Layout,
    encoded: Mapping[str, list[int]],
    special: frozenset[int],
) -> Rendered:
    """Put a row's tokens together; each answer's follow on exactly those of its prompt."""
    first, *others = _segments(layout)
    guard = encoded[_GUARDS[0]]
    guarded = [encoded[_GUARDS[0] + segment] for segment in others]
    pieces = [encoded[first], *(piece[len(guard) :] for piece in guarded)]
    if list(chain.from_iterable(pieces)) != encoded[layout.text]:
        pieces = _encode_in_turn(tokenizer, _segments(layout))
    supervised: list[bool] = []
    for index, piece in enumerate(pieces):
        learned = _learned_length(tokenizer, piece, special) if index % 2 else 0
        supervised += [True] * learned + [False] * (len(piece) - learned)
    return Rendered(list(chain.from_iterable(pieces)), supervised)


def _encode_in_turn(tokenizer: PreTrainedTokenizerBase, segments: list[str]) -> list[list[int]]:
    """Encode segments whose tokens depend on what comes before, each after the ones before it.

    The text up to each segment's end is encoded as a whole, as it is when the model is asked,
    and what it has beyond the tokens so far is the segment's. Where it does not begin with those
    (a token reaches across the border), the tokens so far stay and the segment is encoded by
    itself.
    """
    pieces: list[list[int]] = []
    tokens: list[int] = []
    for segment, text in zip(segments, accumulate(segments), strict=True):
        whole = _encode(tokenizer, [text])[0]
        agrees = whole[: len(tokens)] == tokens
        pieces.append(whole[len(tokens) :] if agrees else _encode_inside(tokenizer, segment))
        tokens += pieces[-1]
    return pieces


def _encode_inside(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Encode a text that continues another one, without a token of that one."""
    for guard in _GUARDS:
        alone, together = _encode(tokenizer, [guard, guard + text])
        if together[: len(alone)] == alone:
            return together[len(alone) :]
    return _encode(tokenizer, [text])[0]


def _encode_texts(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Iterator[Rendered]:
    """Encode texts as the tokenizer begins them, each with the end token after it."""
    end = tokenizer.eos_token_id
    for tokens in _encode(tokenizer, texts, add_special_tokens=True) if texts else []:
        if isinstance(end, int) and tokens[-1:] != [end]:
            tokens.append(end)
        yield Rendered(tokens, [index > 0 for index in range(len(tokens))])


def _learned_length(
    tokenizer: PreTrainedTokenizerBase, answer: list[int], special: frozenset[int]
) -> int:
    """Return how many tokens of an answer are learned: those up to the one that ends it.

    What a template puts after it, such as a line break, the model never has to produce.
    """
    last = next((i for i in range(len(answer) - 1, -1, -1) if answer[i] in special), -1)
    rest: Any = tokenizer.decode(answer[last + 1 :])
    if last < 0 or rest.strip():
        raise UsageError(
            "the chat template does not end an answer with a special token, so the model would "
            "never learn to stop",
            where=str(tokenizer.name_or_path),
            fix="let the template write eos_token after the content of an assistant's message; or, "
            "if it writes a mark of its own, name that in add_tokens (add_tokens = 'template')",
        )
    return last + 1


def _cut(rendered: Rendered, max_length: int | None) -> Rendered:
    if max_length is None or len(rendered.tokens) <= max_length:
        return rendered
    return Rendered(
        rendered.tokens[:max_length],
        rendered.supervised[:max_length],
        truncated=True,
        lost_supervised=sum(rendered.supervised[max_length:]),
    )
