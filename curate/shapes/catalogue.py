"""The row shapes that are known, the most particular first."""

from __future__ import annotations

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..records import CHAT, CLASSIFICATION, PREFERENCE, TEXT, TEXT_ROLE
from .conversation import read_conversation, write_conversation
from .instruction import join_input, read_instruction, split_input, write_instruction
from .shape import SYSTEM_PART, USER, Content, Fields, Part, Shape, only_text, require, text_field
from .sides import pair_shape, read_preference, write_preference
from .tags import BEDROCK_TAGS, CHAT_TAGS, GEMINI_TAGS, SHAREGPT_TAGS, Message, Tags

TEXT_PAIR = "text_pair"
_SPLIT = "split"
_TEXT_FIELDS = ("text", "content", "document", "body")
_SHORT_TEXT_FIELDS = (
    *_TEXT_FIELDS,
    "sentence",
    "utterance",
    "query",
    "question",
    "review",
    "comment",
    "message",
    "tweet",
    "title",
    "sentence1",
    "premise",
    "question1",
    "text1",
    "text_a",
)
_SECOND_TEXT_FIELDS = (TEXT_PAIR, "sentence2", "hypothesis", "question2", "text2", "text_b")
LABEL_FIELDS = (
    "label",
    "category",
    "intent",
    "topic",
    "class",
    "sentiment",
    "label_text",
    "target",
)


def _text_shape(name: str, kind: str, role: str, about: str, *parts: Part) -> Shape:
    def read(fields: Fields, tags: Tags) -> Content:
        require(fields, "text")
        text = text_field(fields, "text")
        if TEXT_PAIR not in fields:
            return Content({"text": text}, [Message(role, text)])
        second = text_field(fields, TEXT_PAIR)
        joined, split = join_input(text, second)
        written: Fields = {"text": text or "", TEXT_PAIR: second or ""}
        return Content(written, [Message(role, joined)], notes={_SPLIT: split})

    def write(content: Content, tags: Tags) -> Fields:
        text = only_text(content.messages, role, "text")
        if _SPLIT not in content.notes:
            return {"text": text}
        first, second = split_input(text, content.notes[_SPLIT])
        return {"text": first, TEXT_PAIR: second}

    return Shape(name, kind, about, parts, CHAT_TAGS, read, write)


PREFERENCE_SHAPE = Shape(
    "preference",
    PREFERENCE,
    "`chosen` and `rejected`, with a `prompt` or the prompt repeated in both",
    (
        Part("prompt", ("prompt", "question", "instruction", "conversations", "messages", "query")),
        Part("input", ("input",)),
        Part("chosen", ("chosen", "chosen_messages", "chosen_response"), required=True),
        Part("rejected", ("rejected", "rejected_messages", "rejected_response"), required=True),
        SYSTEM_PART,
    ),
    CHAT_TAGS,
    read_preference,
    write_preference,
)

OPENAI_PREFERENCE_SHAPE = Shape(
    "openai-preference",
    PREFERENCE,
    "`input` with `messages`, then `preferred_output` and `non_preferred_output`",
    (
        Part("prompt", ("messages",), required=True),
        Part("chosen", ("preferred_output",), required=True),
        Part("rejected", ("non_preferred_output",), required=True),
    ),
    CHAT_TAGS,
    read_preference,
    write_preference,
    inside="input",
)

BEDROCK_SHAPE = Shape(
    "bedrock",
    CHAT,
    "`messages`, a list of `role` and `content`, which is a list of blocks such as `{text}`",
    (Part("messages", ("messages",), required=True), SYSTEM_PART),
    BEDROCK_TAGS,
    read_conversation,
    write_conversation,
)

GEMINI_SHAPE = Shape(
    "gemini",
    CHAT,
    "`contents`, a list of `role` and `parts`, perhaps `systemInstruction`",
    (
        Part("messages", ("contents",), required=True),
        Part("system", ("systemInstruction", "system_instruction")),
    ),
    GEMINI_TAGS,
    read_conversation,
    write_conversation,
)

CHAT_SHAPE = Shape(
    "chat",
    CHAT,
    "`messages`, a list of `role` and `content`",
    (
        Part("messages", ("messages", "conversations", "conversation", "dialog"), required=True),
        SYSTEM_PART,
    ),
    CHAT_TAGS,
    read_conversation,
    write_conversation,
)

SHAREGPT_SHAPE = Shape(
    "sharegpt",
    CHAT,
    "`conversations`, a list of `from` and `value`",
    (
        Part("messages", ("conversations", "messages", "conversation", "dialog"), required=True),
        SYSTEM_PART,
    ),
    SHAREGPT_TAGS,
    read_conversation,
    write_conversation,
)

ALPACA_SHAPE = Shape(
    "alpaca",
    CHAT,
    "`instruction`, `input` and `output`, perhaps `system` and `history`",
    (
        Part("instruction", ("instruction",), required=True),
        Part("input", ("input", "context")),
        Part("output", ("output", "response"), required=True),
        SYSTEM_PART,
        Part("history", ("history",)),
    ),
    CHAT_TAGS,
    read_instruction,
    write_instruction,
)

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        OPENAI_PREFERENCE_SHAPE,
        PREFERENCE_SHAPE,
        GEMINI_SHAPE,
        BEDROCK_SHAPE,
        CHAT_SHAPE,
        SHAREGPT_SHAPE,
        ALPACA_SHAPE,
        pair_shape(
            "prompt-completion",
            Part("prompt", ("prompt", "input_text"), required=True),
            Part("completion", ("completion", "response", "output", "output_text"), required=True),
        ),
        pair_shape(
            "question-answer",
            Part("question", ("question", "query"), required=True),
            Part("answer", ("answer", "response", "output"), required=True),
        ),
        _text_shape(
            "classification",
            CLASSIFICATION,
            USER,
            "a text, or a pair of them, and its label, under any names",
            Part("text", _SHORT_TEXT_FIELDS, required=True),
            Part(TEXT_PAIR, _SECOND_TEXT_FIELDS),
            Part("label", LABEL_FIELDS, required=True),
        ),
        _text_shape("text", TEXT, TEXT_ROLE, "`text`", Part("text", _TEXT_FIELDS, required=True)),
    )
}


def shape_of(name: str) -> Shape:
    """Return the shape of a name.

    Raises:
        UsageError: there is none; the nearest is named.
    """
    if name not in SHAPES:
        raise UsageError(f"unknown shape {name!r}", where="shape", fix=nearest(name, SHAPES))
    return SHAPES[name]
