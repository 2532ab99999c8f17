"""Rounds of a self-test: the same sound rows again and again, each time with other defects.

One defect in a row, few rows of a round with any, and very few with the same one: a dataset that
is half defects is no dataset that checks are made for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from ..formats.json_values import NotJsonError, json_bytes, parse_json
from ..shapes.rows import Layout, Record, to_record, to_row
from ..shapes.unfit import UnfitError
from .plantings.planting import Ground, Host, Line, Planted, Planting, copied

MOST_ROUNDS = 30
HOST_SHARE = 0.2
"""Share of a round's rows that may hold anything planted."""

KIND_SHARE = 0.005
"""Share of a round's rows that may hold the same kind of planting."""

_TRIES = 500

IsSound = Callable[[int, Planting], bool]
"""Tells whether a row has nothing yet of what a planting is to be found by."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A planting in a round.

    Attributes:
        planting: its kind.
        planted: what was planted.
        rows: of the round: the host's, then those that came on top.
    """

    planting: Planting
    planted: Planted
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """Rows with plantings.

    Attributes:
        lines: the rows as JSON lines.
        placed: what was planted.
        places: for every sound row, which row of the round it became.
    """

    lines: tuple[bytes, ...]
    placed: tuple[Placed, ...]
    places: tuple[int, ...]


@dataclass(slots=True)
class _Planter:
    """Plants what is wanted, round by round.

    Attributes:
        ground: what is planted into.
        is_sound: see :data:`IsSound`.
        random: the source of chance.
        wanted: how many of each kind are still wanted.
        clean: the ground's rows as lines.
    """

    ground: Ground
    is_sound: IsSound
    random: Random
    wanted: dict[Planting, int]
    clean: Sequence[bytes]
    _unfit: set[tuple[str, int]] = field(default_factory=set)

    def plant_round(self) -> list[tuple[int, Planting, Planted]]:
        """Plant one round; the outcome is empty when nothing more can be planted."""
        rows = len(self.clean)
        free = self.random.sample(range(rows), rows)
        most_hosts = max(1, int(rows * HOST_SHARE))
        done: list[tuple[int, Planting, Planted]] = []
        for _ in range(max(1, int(rows * KIND_SHARE))):
            for planting in self._in_random_order():
                if len(done) == most_hosts:
                    return done
                found = self._plant_one(planting, free)
                if found is not None:
                    done.append(found)
                    free.remove(found[0])
                    self.wanted[planting] -= 1
                elif len(free) == rows:
                    self.wanted[planting] = 0
        return done

    def _in_random_order(self) -> list[Planting]:
        left = [planting for planting, count in self.wanted.items() if count > 0]
        return self.random.sample(left, len(left))

    def _plant_one(
        self, planting: Planting, free: Sequence[int]
    ) -> tuple[int, Planting, Planted] | None:
        first = self.random.randrange(len(free)) if free else 0
        tries = 0
        for row in (*free[first:], *free[:first]):
            if (planting.name, row) in self._unfit or not self.is_sound(row, planting):
                continue
            host = Host(copied(self.ground.records[row]), self.ground)
            planted = planting.plant(host, self.random)
            if planted is not None and _fits(planted, self.ground.layout, self.clean[row]):
                return row, planting, planted
            self._unfit.add((planting.name, row))
            tries += 1
            if tries == _TRIES:
                break
        return None


def plant_rounds(
    ground: Ground,
    wanted: Mapping[Planting, int],
    is_sound: IsSound,
    seed: int,
) -> Iterator[Round]:
    """Plant what is wanted, in as many rounds as it takes, but not more than ``MOST_ROUNDS``.

    Args:
        ground: the sound rows.
        wanted: how many of each kind.
        is_sound: which rows may take up which planting.
        seed: decides what is planted where.
    """
    clean = [line_bytes(record, ground.layout) for record in ground.records]
    planter = _Planter(ground, is_sound, Random(seed), dict(wanted), clean)
    for _ in range(MOST_ROUNDS):
        done = planter.plant_round()
        if not done:
            return
        yield _lay_out(done, clean, ground.layout, planter.random)


def line_bytes(line: Line, layout: Layout) -> bytes:
    """Return a row as it is written.

    Raises:
        UnfitError: a record that the shape cannot express.
    """
    if isinstance(line, str):
        return line.encode()
    return json_bytes(to_row(line, layout) if isinstance(line, Record) else line)


def _fits(planted: Planted, layout: Layout, clean: bytes) -> bool:
    """Whether a planting changed something, and comes back as planted when its rows are read."""
    lines = [line for line in (planted.line, *planted.added) if line is not None]
    try:
        written = [line_bytes(line, layout) for line in lines]
        return (planted.line is None or written[0] != clean) and all(
            to_record(parse_json(raw), layout).said == line.said
            for line, raw in zip(lines, written, strict=True)
            if isinstance(line, Record)
        )
    except (UnfitError, NotJsonError):
        return False


def _lay_out(
    done: Sequence[tuple[int, Planting, Planted]],
    clean: Sequence[bytes],
    layout: Layout,
    random: Random,
) -> Round:
    """Put the rows of a round together; those that came on top stand anywhere among the others."""
    rows: list[tuple[float, bytes, tuple[int, int]]] = [
        (float(number), line, (number, 0)) for number, line in enumerate(clean)
    ]
    for row, _, planted in done:
        if planted.line is not None:
            rows[row] = (float(row), line_bytes(planted.line, layout), (row, 0))
        rows += [
            (random.uniform(0, len(clean)), line_bytes(line, layout), (row, 1 + number))
            for number, line in enumerate(planted.added)
        ]
    rows.sort(key=lambda entry: entry[0])
    places = {key: number for number, (_, _, key) in enumerate(rows)}
    placed = tuple(
        Placed(
            planting,
            planted,
            tuple(places[row, number] for number in range(1 + len(planted.added))),
        )
        for row, planting, planted in done
    )
    return Round(
        lines=tuple(line for _, line, _ in rows),
        placed=placed,
        places=tuple(places[row, 0] for row in range(len(clean))),
    )
