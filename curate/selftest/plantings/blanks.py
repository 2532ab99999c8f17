"""White space that nobody wants, and white space that belongs there."""

from __future__ import annotations

import re
from random import Random

from .planting import Host, Planted, defect, look_alike
from .wording import all_places, append_block, insert_anywhere, put

_BETWEEN_WORDS = re.compile(r"(?<=[a-z,]) (?=[a-z])")
_AROUND = ("  ", "\n", "\n\n", "\t", " \n", "\u00a0")
_INSIDE = ("   ", "      ", "\t", "\u00a0", "\u2003", "\u3000", "\n\n\n\n\n\n")
_SENTENCES = (
    "It was late.  She went home.",
    "Elle demanda\u00a0: où vas-tu\u202f?",
    "The lake is 12\u00a0km long.",
)
_BLOCKS = (
    "```python\nfor row in rows:\n    if row:\n        count += 1\n```",
    "name      age   town\nAmara      31   Leeds\nBence      27   York",
    "1. first\n   - a point of its own\n   - and another",
    "Roses are red,\n    violets are blue,\nsugar is sweet,\n    and so are you.",
)


@defect("text/whitespace")
def blanks_around_a_text(host: Host, random: Random) -> Planted | None:
    """Blanks or line breaks before or after a text."""
    places = all_places(host.record)
    if not places:
        return None
    place, blank = random.choice(places), random.choice(_AROUND)
    if random.random() < 0.5:
        return put(host, place, "", blank, place.text)
    return put(host, place, place.text, blank)


@defect("text/whitespace")
def blanks_within_a_text(host: Host, random: Random) -> Planted | None:
    """A run of blanks, a tab, an odd kind of blank or many empty lines between two words."""
    fitting = [p for p in all_places(host.record) if p.is_prose and _BETWEEN_WORDS.search(p.text)]
    if not fitting:
        return None
    place = random.choice(fitting)
    gap = random.choice([match.start() for match in _BETWEEN_WORDS.finditer(place.text)])
    return put(host, place, place.text[:gap], random.choice(_INSIDE), place.text[gap + 1 :])


@look_alike("text/whitespace", allows=("text/language", "text/truncated"))
def blanks_that_belong_there(host: Host, random: Random) -> Planted | None:
    """Code, columns, verse, lists, French punctuation, units, two blanks after a full stop."""
    if random.random() < 0.4:
        return insert_anywhere(host, "§", random.choice(_SENTENCES), random)
    return append_block(host, random.choice(_BLOCKS), random)
