"""Marks of chat templates that were left in a text, and signs that only resemble them."""

from __future__ import annotations

import re
from random import Random

from .planting import CONVERSATIONS, Host, Planted, defect, look_alike
from .wording import all_places, append_block, asked_places, insert_anywhere, last_answer, put

_MARKS = (
    "<|im_end|>",
    "<|im_start|>assistant",
    "<|eot_id|>",
    "<|endoftext|>",
    "[/INST]",
    "<</SYS>>",
    "</s>",
    "<start_of_turn>model",
    "<|user|>",
    "<|end|>",
)
_HEADINGS = ("### Response:", "### Instruction:", "### Human:", "### Assistant:")
_TURNS = (
    "User: And what comes after that?\nAssistant: After that it starts again.",
    "Human: Thanks a lot!\nAI: You are welcome.",
    "User: Can you say more?\nBot: There is little more to say.",
)
_ALIKE = (
    "In F# write f <| x to apply f, or x |> f the other way round.",
    "### Ingredients\n\nflour, eggs, salt",
    "The user manual: read it before the first use.",
    "Human rights: an overview of the last century.",
    "The shell prints a|b and c||d.",
    "The file ends in .INST, the other in .SYS.",
    "Prices <low> to <high> are listed in the table.",
    "He wrote an assistant: a small program that reads mail.",
)


@defect(
    "text/chat-markers", allows=("text/html", "text/markdown", "text/truncated", "text/placeholder")
)
def control_token(host: Host, random: Random) -> Planted | None:
    """A control token of a chat template within or at the end of a text."""
    places = all_places(host.record)
    if not places:
        return None
    place = random.choice(places)
    mark = random.choice(_MARKS)
    if random.random() < 0.5:
        return put(host, place, place.text, mark)
    return insert_anywhere(host, "§ So much for that.", mark, random)


@defect("text/chat-markers", allows=("text/markdown", "text/truncated"))
def heading_of_a_role(host: Host, random: Random) -> Planted | None:
    """The heading of a role, as prompt formats have it."""
    places = all_places(host.record)
    if not places:
        return None
    place = random.choice(places)
    return put(host, place, f"{place.text}\n\n", random.choice(_HEADINGS), "\nAs said above.")


# Whoever is asked for a conversation may write one.
_OF_TALK = re.compile(r"\b(?:dialog|convers|chat|interview|script|debate|quiz|joke)", re.IGNORECASE)


@defect("text/chat-markers", needs="an answer that is no dialogue", kinds=CONVERSATIONS,
        allows=("text/truncated",))  # fmt: skip
def next_turns_in_an_answer(host: Host, random: Random) -> Planted | None:
    """An answer that goes on with the next question and its answer."""
    place = last_answer(host.record, 3)
    if place is None or any(_OF_TALK.search(asked.text) for asked in asked_places(host.record, 1)):
        return None
    return put(host, place, f"{place.text}\n", random.choice(_TURNS))


@look_alike("text/chat-markers", allows=("text/truncated", "text/length", "text/markdown"))
def signs_like_marks(host: Host, random: Random) -> Planted | None:
    """Pipes of programming languages, other headings, words before a colon."""
    return append_block(host, random.choice(_ALIKE), random)
