"""Rows of sides that belong together: prompt and completion, question and answer, preferences.

A side is text, one message, or a list of messages.
"""

from __future__ import annotations

from typing import Any

from ..records import CHAT
from .instruction import LACKS, join_input, split_input
from .messages import read_messages, write_messages, write_turn
from .shape import (
    ASSISTANT,
    SYSTEM,
    SYSTEM_PART,
    USER,
    Content,
    Fields,
    Part,
    Shape,
    cut_system,
    only_text,
    read_system,
    require,
    text_field,
    write_system,
)
from .tags import CHAT_TAGS, Form, Message, Tags
from .transcript import read_transcript, write_transcript
from .unfit import UnfitError

_COLUMN, _COUNT, _FORM, _FORMS = "column", "count", "form", "forms"
_TRANSCRIBED = {"transcript": True}
_REPEATS, _SHARED, _SPLIT = "repeats", "shared", "split"


def pair_shape(name: str, asked: Part, answered: Part) -> Shape:
    """Make a shape of two sides, such as prompt and completion."""

    def read(fields: Fields, tags: Tags) -> Content:
        require(fields, asked.name, answered.name)
        question, question_note = _read_side(fields, asked.name, USER, tags)
        answer, answer_note = _read_side(fields, answered.name, ASSISTANT, tags)
        system = read_system(fields, tags)
        notes = _given({asked.name: question_note, answered.name: answer_note})
        if system and question_note is not None:
            notes[_COLUMN] = True
        written: Fields = {part.name: fields.get(part.name) for part in (asked, answered)}
        if system:
            written[SYSTEM] = write_system(system[0].content, tags)
        return Content(written, system + question + answer, notes=notes)

    def write(content: Content, tags: Tags) -> Fields:
        question_note = content.notes.get(asked.name)
        answer_note = content.notes.get(answered.name)
        system, messages = _cut_column(content, question_note)
        answers = 1 if answer_note is None else answer_note.get(_COUNT, 1)
        cut = max(0, len(messages) - answers)
        question, answer = messages[:cut], messages[cut:]
        fields: Fields = {
            asked.name: _write_side(question, question_note, asked.name, USER, tags),
            answered.name: _write_side(answer, answer_note, answered.name, ASSISTANT, tags),
        }
        if system is not None:
            fields[SYSTEM] = write_system(system, tags)
        return fields

    about = f"`{asked.name}` and `{answered.name}`, each text or a list of messages"
    return Shape(name, CHAT, about, (asked, answered, SYSTEM_PART), CHAT_TAGS, read, write)


def read_preference(fields: Fields, tags: Tags) -> Content:
    """Read a prompt and two answers to it.

    The prompt is a field of its own, or the beginning that the two answers share; some sources
    have both, and repeat it in the answers. It is kept once. Answers without a prompt may be
    transcripts of the whole conversation.
    """
    require(fields, "chosen", "rejected")
    transcripts = None if "prompt" in fields else _read_transcripts(fields)
    if transcripts is not None:
        (chosen, rejected), chosen_note, rejected_note = transcripts, _TRANSCRIBED, _TRANSCRIBED
    else:
        chosen, chosen_note = _read_side(fields, "chosen", ASSISTANT, tags)
        rejected, rejected_note = _read_side(fields, "rejected", ASSISTANT, tags)
    notes = _given({"chosen": chosen_note, "rejected": rejected_note})
    system = read_system(fields, tags)
    written = {
        part: write_transcript(side, part) if transcripts else fields.get(part)
        for part, side in (("chosen", chosen), ("rejected", rejected))
    }
    if "prompt" not in fields:
        shared = _shared(chosen, rejected)
        prompt = chosen[:shared]
        notes[_SHARED] = True
    else:
        prompt, prompt_note = _read_side(fields, "prompt", USER, tags)
        notes |= _given({"prompt": prompt_note})
        asked: Fields = {"prompt": fields["prompt"]}
        if prompt_note is None and "input" in fields:
            addition = text_field(fields, "input")
            text, split = join_input(prompt[0].content, addition)
            if prompt[0].content is None and addition:
                notes[LACKS] = "prompt"
            prompt, notes[_SPLIT] = [Message(USER, text)], split
            asked = {"prompt": fields["prompt"] or "", "input": addition or ""}
        written = asked | written
        repeats = 0 < len(prompt) <= _shared(chosen, rejected) and chosen[: len(prompt)] == prompt
        shared = len(prompt) if repeats else 0
        if repeats:
            notes[_REPEATS] = True
    if system and ("prompt" in notes or _SHARED in notes):
        notes[_COLUMN] = True
    if system:
        written[SYSTEM] = write_system(system[0].content, tags)
    return Content(written, system + prompt, chosen[shared:], rejected[shared:], notes)


def write_preference(content: Content, tags: Tags) -> Fields:
    """Write a preference; the inverse of :func:`read_preference`."""
    notes = content.notes
    has_prompt = _SHARED not in notes
    prompt_note = notes.get("prompt")
    system, prompt = _cut_column(content, prompt_note if has_prompt else {})
    fields: Fields = {}
    if has_prompt:
        fields["prompt"] = _write_side(prompt, prompt_note, "prompt", USER, tags)
    if _SPLIT in notes and prompt_note is None:
        fields["prompt"], fields["input"] = split_input(fields["prompt"], notes[_SPLIT])
    beginning = prompt if notes.get(_SHARED) or notes.get(_REPEATS) else []
    for part, answer in (("chosen", content.chosen), ("rejected", content.rejected)):
        whole = beginning + (answer or [])
        fields[part] = _write_side(whole, notes.get(part), part, ASSISTANT, tags)
    if system is not None:
        fields[SYSTEM] = write_system(system, tags)
    return fields


def _read_side(fields: Fields, part: str, role: str, tags: Tags) -> tuple[list[Message], Any]:
    """Read one side of a row; the note says how it was written (None: as text)."""
    value = fields.get(part)
    if type(value) is list:
        messages, forms = read_messages(value, part, tags)
        return messages, {_COUNT: len(messages), _FORMS: forms}
    if type(value) is dict:
        messages, form = _read_one(value, part, tags)
        counted = {} if len(messages) == 1 else {_COUNT: len(messages)}
        return messages, counted | {_FORM: form}
    return [Message(role, text_field(fields, part))], None


def _read_one(item: dict[str, Any], part: str, tags: Tags) -> tuple[list[Message], Form]:
    """Read a side that is one message, as a list of one, which is quick where it is plain."""
    try:
        messages, forms = read_messages([item], part, tags)
    except UnfitError as error:
        place = error.place.replace("[0]", "", 1)
        raise UnfitError(place, error.expected, error.found) from error
    return messages, forms.get("0", {})


def _read_transcripts(fields: Fields) -> tuple[list[Message], list[Message]] | None:
    chosen = read_transcript(fields.get("chosen"))
    rejected = read_transcript(fields.get("rejected")) if chosen else None
    return (chosen, rejected) if chosen and rejected else None


def _write_side(messages: list[Message], note: Any, part: str, role: str, tags: Tags) -> Any:
    if note is None:
        return only_text(messages, role, part)
    if note == _TRANSCRIBED:
        return write_transcript(messages, part)
    if _FORM in note and len(messages) == note.get(_COUNT, 1):
        return write_turn(messages, note[_FORM], tags)
    return write_messages(messages, note.get(_FORMS, {}), tags)


def _cut_column(content: Content, note: Any) -> tuple[str | None, list[Message]]:
    """Take off the system prompt, where the source has it in a field of its own."""
    if note is None or content.notes.get(_COLUMN):
        return cut_system(content.messages)
    return None, content.messages


def _shared(chosen: list[Message], rejected: list[Message]) -> int:
    """Count the messages that both answers begin with; each keeps at least its last one."""
    count = 0
    for first, second in zip(chosen[:-1], rejected[:-1], strict=False):
        if first != second:
            break
        count += 1
    return count


def _given(notes: dict[str, Any]) -> dict[str, Any]:
    return {part: note for part, note in notes.items() if note is not None}
