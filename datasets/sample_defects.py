"""Plants defects of form, of text and of repetition into the sample."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from .sample_rows import Defect, Draft, RowWriter
from .sample_similarity import jaccard, shingles

EACH = 12


def similarity(left: Draft, right: Draft) -> float:
    """Return the Jaccard similarity of two whole conversations on runs of five words."""
    return jaccard(shingles(conversation_text(left)), shingles(conversation_text(right)))


def conversation_text(row: Draft) -> str:
    """Return what is said in a row, message after message."""
    return " ".join(message["content"] for message in row.messages)


def normalised(text: str) -> str:
    """Return a text without differences of case, white space and Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plant(row: Draft, check: str, place: int, value: str) -> Draft:
    """Note that a message holds a planted value, and where."""
    content = row.messages[place]["content"]
    start = content.index(value)
    row.defects.append(
        Defect(check, f"messages[{place}].content", start, start + len(value), value=value)
    )
    return row


def add_to_message(row: Draft, check: str, place: int, sentence: str, value: str) -> Draft:
    """Add a sentence with a planted value to a message."""
    row.messages[place]["content"] = f"{row.messages[place]['content']} {sentence}"
    return plant(row, check, place, value)


def user_place(row: Draft) -> int:
    """Return the place of the first message of the user."""
    return next(place for place, said in enumerate(row.messages) if said["role"] == "user")


def _row_json(row: Draft) -> str:
    return json.dumps({"topic": row.topic, "messages": row.messages})


def malformed_rows(writer: RowWriter, random: Random) -> list[Draft]:
    """Plant lines that are no JSON."""
    breaking: tuple[Callable[[str], str], ...] = (
        lambda line: line[: len(line) * 2 // 3],
        lambda line: line[:-1],
        lambda line: line.replace('"messages":', '"messages"', 1),
        lambda line: line.replace('"', "'"),
        lambda line: line[1:],
        lambda line: line.replace("},", "}", 1),
        lambda line: "customer asked, agent answered, see ticket",
    )
    rows = []
    for number in range(EACH):
        row = writer.row()
        row.raw = breaking[number % len(breaking)](_row_json(row))
        row.defects.append(Defect("schema/malformed-row"))
        rows.append(row)
    return rows


def schema_rows(writer: RowWriter, random: Random) -> list[Draft]:
    """Plant rows whose fields or turns are not what a chat needs."""
    rows = []
    for number in range(EACH):
        missing = writer.row()
        name = ("messages", "content", "role")[number % 3]
        if name == "messages":
            missing.dropped = ("messages",)
            missing.defects.append(Defect("schema/missing-field", "messages"))
        else:
            place = missing.answer_place
            del missing.messages[place][name]
            missing.defects.append(Defect("schema/missing-field", f"messages[{place}].{name}"))

        empty = writer.row()
        place = empty.answer_place if number % 2 else user_place(empty)
        empty.messages[place]["content"] = ("", "   ", "\n")[number % 3]
        empty.defects.append(Defect("schema/empty-message", f"messages[{place}].content"))

        order = writer.conversation(2)
        if number % 3 == 0:
            order.messages = order.messages[1:]
            wrong = 0
        elif number % 3 == 1:
            del order.messages[2]
            wrong = 2
        else:
            note = {"role": "system", "content": "Keep the tone friendly from here on."}
            order.messages.insert(2, note)
            wrong = 2
        order.defects.append(Defect("schema/role-order", f"messages[{wrong}].role"))

        silent = writer.row()
        silent.messages = silent.messages[:-1]
        silent.defects.append(Defect("schema/no-assistant", "messages"))
        rows += [missing, empty, order, silent]
    return rows


def _other_form(text: str, number: int) -> str:
    """Change case, white space or Unicode form and nothing else."""
    if number % 4 == 0:
        return text.upper()
    if number % 4 == 1:
        return "  " + text.replace(" ", "  ") + " "
    if number % 4 == 2:
        return text.replace(" ", "\u00a0")
    return "".join(
        chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalnum() else letter
        for letter in text
    )


def _near(row: Draft, random: Random) -> Draft:
    """Change the first words and add some at the end: most runs of words stay."""
    twin = row.twin()
    user = twin.messages[user_place(twin)]
    starts = ("Please:", "Hey,", "So,", "Well,", "Now,")
    user["content"] = f"{random.choice(starts)} {user['content']}"
    last = twin.messages[twin.answer_place]
    ends = ("Cheers!", "Take care.", "All the best.", "Bye for now.")
    last["content"] = f"{last['content']} {random.choice(ends)}"
    return twin


def duplicate_rows(clean: Sequence[Draft], random: Random) -> list[Draft]:
    """Plant copies of clean rows: equal, equal but for their form, and nearly equal."""
    single = [row for row in clean if len(row.messages) == 2]
    long = [
        row
        for row in clean
        if row.messages[0]["role"] == "user" and len(shingles(conversation_text(row))) >= 36
    ]
    taken = random.sample(single, 2 * EACH)
    rows = []
    for original in taken[:EACH]:
        twin = original.twin()
        twin.defects.append(Defect("duplicates/exact", related_row=original))
        rows.append(twin)
    for number, original in enumerate(taken[EACH:]):
        twin = original.twin()
        for message in twin.messages:
            message["content"] = _other_form(message["content"], number)
        twin.defects.append(Defect("duplicates/normalised", related_row=original))
        rows.append(twin)
    free = [row for row in long if not any(row is other for other in taken)]
    for original in random.sample(free, 2 * EACH):
        twin = _near(original, random)
        if not 0.85 <= similarity(original, twin) < 1:
            raise ValueError("a near duplicate is not near")
        twin.defects.append(Defect("duplicates/near", related_row=original))
        rows.append(twin)
    return rows


def conflicting_rows(writer: RowWriter, clean: Sequence[Draft], random: Random) -> list[Draft]:
    """Plant rows that ask the same and get another answer or another topic."""
    single = [row for row in clean if len(row.messages) == 2 and len(row.prompt.split()) > 8]
    taken = random.sample(single, 2 * EACH)
    rows = []
    for number, original in enumerate(taken):
        twin = original.twin()
        # The answer to something else contradicts the answer of the original.
        other = writer.row()
        while other.topic == original.topic:
            other = writer.row()
        twin.messages[1]["content"] = other.messages[other.answer_place]["content"]
        twin.defects.append(Defect("duplicates/same-prompt", related_row=original))
        if number >= EACH:
            twin.topic = other.topic
            twin.defects.append(Defect("labels/conflict", "topic", related_row=original))
        rows.append(twin)
    return rows


def long_rows(writer: RowWriter, random: Random) -> list[Draft]:
    """Plant chats that are longer than the context of the base model."""
    rows = []
    for _ in range(EACH):
        row = writer.conversation(12)
        row.defects.append(Defect("tokens/over-context"))
        rows.append(row)
    return rows


def contaminated_rows(
    writer: RowWriter, stories: Sequence[dict], texts: Sequence[dict], random: Random
) -> list[Draft]:
    """Plant benchmark items, word for word or slightly edited.

    Args:
        writer: What writes the rows around the items.
        stories: Items of the benchmark of story endings.
        texts: Items of the benchmark of running text.
        random: The source of chance.
    """
    rows = []
    for number, item in enumerate(random.sample(list(stories), EACH)):
        row = writer.row()
        stem = item["query"]
        if number % 2:
            edited = stem.replace(" the ", " that ", 1)
            stem = edited if edited != stem else stem.replace(". ", "! ", 1)
        asked = f"While I wait, my child asks how this ends: {stem}"
        row.messages[user_place(row)]["content"] = asked
        row.messages[row.answer_place]["content"] = item["choices"][item["gold"]]
        plant(row, "contamination/benchmark", user_place(row), stem)
        row.defects[-1] = replace(row.defects[-1], related=item["id"])
        rows.append(row)
    for item in random.sample(list(texts), EACH // 2):
        row = writer.row()
        row.messages[row.answer_place]["content"] = item["text"]
        plant(row, "contamination/benchmark", row.answer_place, item["text"])
        row.defects[-1] = replace(row.defects[-1], related=item["id"])
        rows.append(row)
    return rows
