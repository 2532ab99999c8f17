"""Items of benchmarks among the data, word for word or slightly edited, and beginnings of items."""

from __future__ import annotations

from random import Random

from ...contamination import BenchmarkItem
from .planting import Host, Planted, defect, look_alike
from .wording import insert, last_answer, set_text

_NEEDS = "benchmarks with items of 20 words, and a text"
_LEAST_WORDS = 20


def _item(host: Host, random: Random) -> tuple[BenchmarkItem, str] | None:
    """Return an item and its text, if there are any that are long enough."""
    for item in random.sample(list(host.ground.benchmarks), min(50, len(host.ground.benchmarks))):
        text = item.question or item.answer or ""
        if len(text.split()) >= _LEAST_WORDS:
            return item, text
    return None


def _with(host: Host, said: str, random: Random) -> Planted | None:
    place = last_answer(host.record, 1)
    return insert(host, place, "§", said, random) if place else None


@defect(
    "contamination/benchmark", needs=_NEEDS, allows=("duplicates", "text", "privacy", "balance")
)
def item_word_for_word(host: Host, random: Random) -> Planted | None:
    """A benchmark's question within a text."""
    drawn = _item(host, random)
    return _with(host, drawn[1], random) if drawn else None


@defect(
    "contamination/benchmark", needs=_NEEDS, allows=("duplicates", "text", "privacy", "balance")
)
def item_slightly_edited(host: Host, random: Random) -> Planted | None:
    """A benchmark's question with one word in twenty replaced."""
    drawn = _item(host, random)
    if drawn is None:
        return None
    words = drawn[1].split(" ")
    for _ in range(max(1, len(words) // 20)):
        words[random.randrange(len(words))] = random.choice(("indeed", "rather", "seven", "there"))
    return _with(host, " ".join(words), random)


@look_alike("contamination/benchmark", needs=_NEEDS, allows=("duplicates", "text", "privacy"))
def beginning_of_an_item(host: Host, random: Random) -> Planted | None:
    """The first eight words of a benchmark's question, with which the row goes on by itself."""
    drawn, place = _item(host, random), last_answer(host.record, 1)
    if drawn is None or place is None:
        return None
    set_text(host.record, place, f"{' '.join(drawn[1].split()[:8])} {place.text}")
    return Planted(line=host.record, value=drawn[0].name)
