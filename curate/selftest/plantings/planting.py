"""What a planting is: a function that puts one defect into a sound row, and what must find it.

A *defect* names the checks that must find it. A *look-alike* is as sound as its row was, but
resembles what some checks look for: a finding there is a false alarm. A *trial* is a whole dataset
that is out of balance, or one that is not. None of them uses the patterns of the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from ...contamination import BenchmarkItem
from ...records import CHAT, CLASSIFICATION, PREFERENCE, TEXT
from ...shapes.rows import Layout, Record
from ...shapes.tags import Message

Line = Record | dict[str, Any] | str
"""A row to be written: a record, the fields of a row, or a line as it stands."""

ALL_KINDS = frozenset({CHAT, PREFERENCE, CLASSIFICATION, TEXT})
_TOKENS = "tokens"
CONVERSATIONS = frozenset({CHAT, PREFERENCE})


@dataclass(frozen=True)
class Ground:
    """What is planted into.

    Attributes:
        kind: of the records.
        layout: how rows are read and written.
        records: the sound rows, in their order.
        spare: further rows, which are not among them, to borrow texts from.
        benchmarks: items that must not be among the data.
        context_length: tokens the model can see.
        has_tokenizer: whether lengths are counted in tokens.
    """

    kind: str
    layout: Layout
    records: Sequence[Record]
    spare: Sequence[Record]
    benchmarks: Sequence[BenchmarkItem] = ()
    context_length: int = 2048
    has_tokenizer: bool = False

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The different labels, in alphabetical order."""
        return tuple(sorted({record.label for record in self.records if record.label}))

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Letters of the last message of each record, of two the preferred one; sorted."""
        said = (record.chosen or record.messages for record in self.records)
        return tuple(sorted(len(messages[-1].content or "") for messages in said if messages))


@dataclass(frozen=True, slots=True)
class Host:
    """A sound row that takes up a planting.

    Attributes:
        record: a copy, free to be changed.
        ground: the dataset around it.
    """

    record: Record
    ground: Ground

    def twin(self) -> Record:
        """Return another copy, with an id of its own where rows have ids."""
        copy = copied(self.record)
        if copy.id is not None:
            copy.id = f"{copy.id}-b"
        return copy

    def neighbour(self, random: Random) -> Record:
        """Return a row of the ground drawn by chance; leave it as it is."""
        return random.choice(self.ground.records)

    def stranger(self, random: Random) -> Record:
        """Return a row drawn by chance that is not in the ground; leave it as it is."""
        return random.choice(self.ground.spare)


@dataclass(frozen=True, slots=True)
class Planted:
    """What became of a host.

    Attributes:
        line: what stands in its place; None where it stays as it was.
        added: rows that come on top.
        field: the text that holds the defect, such as ``messages[1].content``; None for the row.
        start: where the defect begins in that text.
        end: where it ends.
        value: what was planted, for the reader.
    """

    line: Line | None = None
    added: tuple[Line, ...] = ()
    field: str | None = None
    start: int | None = None
    end: int | None = None
    value: str = ""


Plant = Callable[[Host, Random], Planted | None]


@dataclass(frozen=True, slots=True)
class Planting:
    """A kind of defect, or of look-alike.

    Attributes:
        name: of its function.
        title: what it plants, in a sentence.
        finds: the checks that must find it; none for a look-alike.
        resembles: the checks that a look-alike may fool.
        allows: further checks that may rightly speak up.
        needs: what a row must have for it.
        kinds: of the records it can be planted into.
        plant: gives None where the host has not what it needs.
    """

    name: str
    title: str
    finds: tuple[str, ...]
    resembles: tuple[str, ...]
    allows: tuple[str, ...]
    needs: str
    kinds: frozenset[str]
    plant: Plant

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that it measures."""
        return self.finds + self.resembles


def defect(
    *finds: str, needs: str = "text", kinds: frozenset[str] = ALL_KINDS, allows: Sequence[str] = ()
) -> Callable[[Plant], Planting]:
    """Make a function a planting of what the named checks must find.

    Args:
        finds: names of checks.
        needs: what a row must have for it.
        kinds: of the records it can be planted into.
        allows: further checks, or dimensions, that may rightly speak up.
    """

    def decorate(plant: Plant) -> Planting:
        return _planting(plant, finds, (), tuple(allows), needs, kinds)

    return decorate


def look_alike(
    *resembles: str,
    needs: str = "text",
    kinds: frozenset[str] = ALL_KINDS,
    allows: Sequence[str] = (),
) -> Callable[[Plant], Planting]:
    """Make a function a planting of what the named checks may take for a defect, and should not.

    Args:
        resembles: names of checks.
        needs: what a row must have for it.
        kinds: of the records it can be planted into.
        allows: checks, or dimensions, that may rightly speak up.
    """

    def decorate(plant: Plant) -> Planting:
        return _planting(plant, (), resembles, tuple(allows), needs, kinds)

    return decorate


def _planting(
    plant: Plant,
    finds: tuple[str, ...],
    resembles: tuple[str, ...],
    allows: tuple[str, ...],
    needs: str,
    kinds: frozenset[str],
) -> Planting:
    title = (plant.__doc__ or "").strip().split("\n")[0]
    # Whatever makes a row longer, or changes its turns, may rightly concern the user's tokenizer.
    if not any(check.startswith(f"{_TOKENS}/") for check in resembles):
        allows = (*allows, _TOKENS)
    return Planting(plant.__name__, title, finds, resembles, allows, needs, kinds, plant)


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole dataset.

    Attributes:
        lines: its rows.
        named: words that a finding about it must have, alternatives parted by ``|``; None where
            the dataset is sound.
    """

    lines: Sequence[Line]
    named: tuple[str, ...] | None = None


MakeTrial = Callable[[Ground, Random], Trial | None]


@dataclass(frozen=True, slots=True)
class TrialKind:
    """A way in which a dataset as a whole is out of balance, or in which it only seems so.

    Attributes:
        name: of its function.
        title: what it does, in a sentence.
        check: the check that must find it, or must say nothing.
        needs: what the data must have for it.
        kinds: of the records it can be made of.
        make: gives None where the data have not what it needs.
    """

    name: str
    title: str
    check: str
    needs: str
    kinds: frozenset[str]
    make: MakeTrial


def trial(
    check: str, *, needs: str, kinds: frozenset[str] = ALL_KINDS
) -> Callable[[MakeTrial], TrialKind]:
    """Make a function a trial of a check that judges a dataset as a whole.

    Args:
        check: its name.
        needs: what the data must have for it.
        kinds: of the records it can be made of.
    """

    def decorate(make: MakeTrial) -> TrialKind:
        title = (make.__doc__ or "").strip().split("\n")[0]
        return TrialKind(make.__name__, title, check, needs, kinds, make)

    return decorate


def copied(record: Record) -> Record:
    """Return a record whose lists can be changed without changing the original."""

    def again(messages: list[Message] | None) -> list[Message] | None:
        return None if messages is None else list(messages)

    return replace(
        record,
        messages=list(record.messages),
        chosen=again(record.chosen),
        rejected=again(record.rejected),
        extra=dict(record.extra),
    )
