"""Datasets of which one value, few long records or many copies take up most, and even ones."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from ...shapes.rows import Record
from .planting import Ground, Trial, copied, trial
from .wording import all_places, different, last_answer, set_text

_MOST_VALUES = 8
_LEAST_ROWS = 40
_LEAST_FOR_LENGTH = 300
_LONG_SHARE, _TIMES_ALL = 0.01, 0.6
_COPIED_SHARE = 0.3
_SEA = (
    "harbour", "anchor", "mast", "captain", "deck", "tide", "rigging", "lighthouse", "reef",
    "cargo", "sextant", "gale", "buoy", "keel", "rudder", "starboard", "crew", "galley", "lagoon",
    "ferry", "dock", "rope", "hull", "compass", "wharf", "trawler", "knots", "surf", "pilot",
    "beacon", "bosun", "ballast", "capstan", "fathom", "jetty", "mooring", "schooner",
)  # fmt: skip


def _by_value(ground: Ground, column: str, random: Random) -> dict[str, list[Record]] | None:
    """Return the rows of up to eight values with the most rows; None for fewer than two."""
    rows: dict[str, list[Record]] = defaultdict(list)
    for record in ground.records:
        value = getattr(record, column)
        if value:
            rows[value].append(record)
    frequent = sorted(rows, key=lambda value: len(rows[value]), reverse=True)[:_MOST_VALUES]
    if len(frequent) < 2 or len(rows[frequent[-1]]) * len(frequent) < _LEAST_ROWS:
        return None
    return {value: random.sample(rows[value], len(rows[value])) for value in frequent}


def _dominated(ground: Ground, column: str, random: Random) -> Trial | None:
    rows = _by_value(ground, column, random)
    if rows is None:
        return None
    largest = max(rows, key=lambda value: len(rows[value]))
    few = max(1, len(rows[largest]) // (5 * len(rows)))
    taken = [row for value, own in rows.items() for row in (own if value == largest else own[:few])]
    return Trial(random.sample(taken, len(taken)), (largest,))


def _even(ground: Ground, column: str, random: Random) -> Trial | None:
    rows = _by_value(ground, column, random)
    if rows is None:
        return None
    each = min(map(len, rows.values()))
    taken = [row for own in rows.values() for row in own[:each]]
    return Trial(random.sample(taken, len(taken)))


@trial("balance/label", needs="labels with five rows each")
def one_label_for_most(ground: Ground, random: Random) -> Trial | None:
    """One label has five times the rows of all others together."""
    return _dominated(ground, "label", random)


@trial("balance/label", needs="labels with five rows each")
def labels_alike(ground: Ground, random: Random) -> Trial | None:
    """Every label has as many rows."""
    return _even(ground, "label", random)


@trial("balance/source", needs="sources with five rows each")
def one_source_for_most(ground: Ground, random: Random) -> Trial | None:
    """One source has five times the rows of all others together."""
    return _dominated(ground, "source", random)


@trial("balance/source", needs="sources with five rows each")
def sources_alike(ground: Ground, random: Random) -> Trial | None:
    """Every source has as many rows."""
    return _even(ground, "source", random)


@trial("balance/group", needs="groups with five rows each")
def one_group_for_most(ground: Ground, random: Random) -> Trial | None:
    """One group has five times the rows of all others together."""
    return _dominated(ground, "group", random)


@trial("balance/group", needs="groups with five rows each")
def groups_alike(ground: Ground, random: Random) -> Trial | None:
    """Every group has as many rows."""
    return _even(ground, "group", random)


def _words(record: Record) -> int:
    return sum(len(place.text.split()) for place in all_places(record, 1))


@trial("balance/length", needs=f"{_LEAST_FOR_LENGTH} rows")
def few_rows_with_most_text(ground: Ground, random: Random) -> Trial | None:
    """One row in a hundred is so long that these few hold more than a third of the text."""
    if len(ground.records) < _LEAST_FOR_LENGTH:
        return None
    rows = [copied(record) for record in ground.records]
    total = sum(map(_words, rows))
    hosts = [row for row in rows if all_places(row, 1)]
    chosen = random.sample(hosts, max(1, int(len(rows) * _LONG_SHARE)))
    for row in chosen:
        place = all_places(row, 1)[-1]
        words = place.text.split()
        while len(words) < total * _TIMES_ALL / len(chosen):
            other = last_answer(random.choice(ground.spare), 1)
            words += (other.text if other is not None else place.text).split()
        set_text(row, place, " ".join(words))
    return Trial(rows, ())


@trial("balance/length", needs=f"{_LEAST_FOR_LENGTH} rows of middling length")
def rows_of_middling_length(ground: Ground, random: Random) -> Trial | None:
    """The rows that are neither among the shortest nor among the longest quarter."""
    rows = sorted(ground.records, key=_words)
    middling = rows[len(rows) // 4 : -len(rows) // 4]
    if len(middling) < _LEAST_FOR_LENGTH:
        return None
    return Trial(random.sample(middling, len(middling)))


@trial("balance/topic", needs=f"{_LEAST_FOR_LENGTH} rows")
def one_topic_for_most(ground: Ground, random: Random) -> Trial | None:
    """Seven texts in ten are about the sea."""
    if len(ground.records) < _LEAST_FOR_LENGTH:
        return None
    rows = [copied(record) for record in random.sample(ground.records, _LEAST_FOR_LENGTH)]
    for row in rows[: int(len(rows) * 0.7)]:
        for place in all_places(row, 1):
            set_text(row, place, f"The {' '.join(random.sample(_SEA, 10))}.")
    return Trial(random.sample(rows, len(rows)), ("|".join(_SEA),))


@trial("balance/effective-size", needs=f"{_LEAST_ROWS} rows")
def three_in_ten_are_copies(ground: Ground, random: Random) -> Trial | None:
    """Three rows in ten are there a second time."""
    if len(ground.records) < _LEAST_ROWS:
        return None
    again = random.sample(ground.records, int(len(ground.records) * _COPIED_SHARE))
    return Trial([*ground.records, *again], ())


@trial("balance/effective-size", needs=f"{_LEAST_ROWS} rows")
def hardly_any_copies(ground: Ground, random: Random) -> Trial | None:
    """One row in a hundred is there a second time; no other says the same as another."""
    rows = different(ground.records)
    if len(rows) < _LEAST_ROWS:
        return None
    return Trial([*rows, *random.sample(rows, len(rows) // 100)])
