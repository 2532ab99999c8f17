"""Licences and sources that are missing or at odds, and such as are in order."""

from __future__ import annotations

from random import Random
from typing import Any

from ...shapes.rows import to_row
from .planting import Ground, Trial, trial
from .wording import different

_ROWS = 60
_FEW = 4
_NEEDS = f"{_ROWS} rows"
_LICENCE = "license"
_SOURCES = ("town-archive", "night-school", "harbour-news")


def _stated(ground: Ground, random: Random) -> list[dict[str, Any]] | None:
    """Return rows that say where they come from and under which licence, all in order."""
    different_rows = different(ground.records)
    if len(different_rows) < _ROWS:
        return None
    source = ground.layout.fields.get("source", "source")
    rows = []
    for number, record in enumerate(random.sample(different_rows, _ROWS)):
        row = to_row(record, ground.layout)
        row[source] = _SOURCES[number % len(_SOURCES)]
        row[_LICENCE] = "apache-2.0" if number % len(_SOURCES) else "mit"
        rows.append(row)
    return rows


def _source_field(ground: Ground) -> str:
    return ground.layout.fields.get("source", "source")


@trial("provenance/licence", needs=_NEEDS)
def licences_in_order(ground: Ground, random: Random) -> Trial | None:
    """Every row names a licence that allows everything, and each source has but one."""
    rows = _stated(ground, random)
    return None if rows is None else Trial(rows)


@trial("provenance/licence", needs=_NEEDS)
def licences_at_odds(ground: Ground, random: Random) -> Trial | None:
    """A few rows of one source name another licence than its other rows."""
    rows = _stated(ground, random)
    if rows is None:
        return None
    for row in rows[: _FEW * len(_SOURCES) : len(_SOURCES)]:
        row[_LICENCE] = "cc-by-sa-4.0"
    return Trial(rows, (_SOURCES[0],))


@trial("provenance/licence", needs=_NEEDS)
def licences_left_out(ground: Ground, random: Random) -> Trial | None:
    """A few rows name no licence."""
    rows = _stated(ground, random)
    if rows is None:
        return None
    for row in random.sample(rows, _FEW):
        row[_LICENCE] = random.choice(("", None))
    return Trial(rows, ())


@trial("provenance/licence", needs=_NEEDS)
def licence_against_commerce(ground: Ground, random: Random) -> Trial | None:
    """One source is under a licence that forbids commercial use."""
    rows = _stated(ground, random)
    if rows is None:
        return None
    licence = random.choice(("cc-by-nc-4.0", "CC BY-NC-SA 3.0", "cc-by-nc-nd-4.0"))
    for row in rows[:: len(_SOURCES)]:
        row[_LICENCE] = licence
    return Trial(rows, (licence,))


@trial("provenance/source", needs=_NEEDS)
def sources_in_order(ground: Ground, random: Random) -> Trial | None:
    """Every row names a source."""
    rows = _stated(ground, random)
    return None if rows is None else Trial(rows)


@trial("provenance/source", needs=_NEEDS)
def sources_left_out(ground: Ground, random: Random) -> Trial | None:
    """A few rows name no source."""
    rows = _stated(ground, random)
    if rows is None:
        return None
    for row in random.sample(rows, _FEW):
        row[_source_field(ground)] = random.choice(("", None))
    return Trial(rows, ())


@trial("provenance/source", needs=_NEEDS)
def row_with_two_sources(ground: Ground, random: Random) -> Trial | None:
    """A row stands there twice, each time with another source."""
    rows = _stated(ground, random)
    if rows is None:
        return None
    again = dict(rows[0])
    again[_source_field(ground)] = _SOURCES[1]
    return Trial([*rows, again], (_SOURCES[0],))
