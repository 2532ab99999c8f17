"""Texts that are far longer, shorter, more random or more monotonous than the others."""

from __future__ import annotations

import base64
import string
from random import Random
from statistics import quantiles

from ...shapes.rows import Record
from .planting import Host, Planted, defect, look_alike
from .wording import Place, all_places, borrowed_answer, last_answer, put, set_text

_LENGTHS = "text/length"
_COMPRESSION = "text/compression"
_ANYTHING = ("text", "tokens", "duplicates", "privacy", "safety", "balance", "labels")
_LEAST_ROWS = 150
_LEAST_USUAL = 60
_TIMES_LONGEST = 3

_CODE = """```python
def group_by_town(people):
    towns = {}
    for person in people:
        towns.setdefault(person.town, []).append(person)
    return {town: sorted(found, key=lambda one: one.name) for town, found in towns.items()}


def print_report(towns, width=40):
    for town, found in sorted(towns.items()):
        print(town.center(width, "-"))
        for number, person in enumerate(found, start=1):
            print(f"{number:>3}. {person.name} ({person.age})")
```"""
_NAMES = (
    "The members are Amara Bellweather, Bence Castellano, Carla Dragomir, Dmitri Eriksen, Eszter "
    "Falkenberg, Farid Grimaldi, Greta Hashimoto, Hakon Ivanova, Ines Jimenez, Jorge Kowalczyk, "
    "Kavya Lindqvist, Lorcan Mukherjee, Mirela Novotny, Nadia Okafor, Oskar Papadakis, Petra "
    "Quispe, Quentin Rasmussen, Rosalie Szabo, Selim Thorvald and Tova Umarov."
)


def _first(record: Record) -> Place | None:
    return next(iter(all_places(record, 1)), None)


def _long_text(host: Host, letters: int, random: Random) -> str:
    said: list[str] = []
    while sum(map(len, said)) < letters:
        said.append(borrowed_answer(host, 1, random) or "one more word and another")
    return "\n\n".join(said)


@defect(_LENGTHS, needs=f"{_LEAST_ROWS} rows", allows=_ANYTHING)
def text_of_great_length(host: Host, random: Random) -> Planted | None:
    """A text three times as long as the longest of the others."""
    lengths = host.ground.lengths
    place = last_answer(host.record, 1) or _first(host.record)
    if place is None or len(host.ground.records) < _LEAST_ROWS:
        return None
    set_text(host.record, place, _long_text(host, _TIMES_LONGEST * lengths[-1], random))
    return Planted(line=host.record, field=place.field)


@defect(_LENGTHS, needs=f"{_LEAST_ROWS} rows, nearly all longer than {_LEAST_USUAL} letters",
        allows=_ANYTHING)  # fmt: skip
def text_of_a_letter(host: Host, random: Random) -> Planted | None:
    """A text of one or two letters among texts that nearly all have more than sixty."""
    lengths = host.ground.lengths
    place = last_answer(host.record, 1) or _first(host.record)
    if place is None or len(lengths) < _LEAST_ROWS or quantiles(lengths, n=50)[0] < _LEAST_USUAL:
        return None
    return put(host, place, "", random.choice(("x", "ok", "b", "12")))


@look_alike(_LENGTHS, needs=f"{_LEAST_ROWS} rows", allows=("text", "privacy", "safety", "labels"))
def text_of_usual_length(host: Host, random: Random) -> Planted | None:
    """A text as long as the longest quarter of the others, without their longest tenth."""
    lengths = host.ground.lengths
    place = last_answer(host.record, 1) or _first(host.record)
    text = borrowed_answer(host, 1, random)
    if place is None or text is None or len(lengths) < _LEAST_ROWS:
        return None
    tenths = quantiles(lengths, n=20)
    if not tenths[14] <= len(text) <= tenths[17]:
        return None
    return put(host, place, "", text)


def _place(host: Host, random: Random) -> Place | None:
    places = all_places(host.record)
    return random.choice(places) if places else None


@defect(_COMPRESSION, allows=_ANYTHING)
def encoded_file(host: Host, random: Random) -> Planted | None:
    """A file in base64 or hexadecimal in the middle of a text."""
    place = _place(host, random)
    if place is None:
        return None
    data = random.randbytes(random.randrange(500, 1500))
    encoded = base64.b64encode(data).decode() if random.random() < 0.7 else data.hex()
    return put(host, place, f"{place.text}\n\n", encoded)


@defect(_COMPRESSION, allows=_ANYTHING)
def keys_hit_by_chance(host: Host, random: Random) -> Planted | None:
    """A text of letters hit by chance, as from a broken file or a cat on the keys."""
    place = _place(host, random)
    if place is None:
        return None
    keys = string.ascii_letters + string.digits + string.punctuation.replace("`", "") + "    "
    return put(host, place, "", "".join(random.choices(keys, k=random.randrange(900, 2000))))


@defect(_COMPRESSION, allows=_ANYTHING)
def endless_listing(host: Host, random: Random) -> Planted | None:
    """A listing of a hundred lines that differ in a number alone."""
    place = _place(host, random)
    if place is None:
        return None
    line = random.choice(
        ("Item {}: in stock, ready to ship", "{}, 0, 0, 0, 0, 0", "page {} of 120")
    )
    listing = "\n".join(line.format(number) for number in range(1, random.randrange(90, 140)))
    return put(host, place, f"{place.text}\n\n", listing)


@look_alike(
    _COMPRESSION,
    "text/repetition",
    allows=("text/length", "text/truncated", "text/language", "duplicates/near"),
)
def text_that_is_dense(host: Host, random: Random) -> Planted | None:
    """A program of a dozen lines, or a list of names."""
    place = last_answer(host.record, 8)
    return put(host, place, f"{place.text}\n\n", random.choice((_CODE, _NAMES))) if place else None
