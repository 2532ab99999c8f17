"""All records that a split looks at: the data, a kept test file, an earlier split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ...workspace.artifact import Artifact, Workspace, resolve_artifact
from ...workspace.errors import DataError
from ...workspace.events import Emit
from ...workspace.files import read_json
from ...workspace.manifest import Input
from ..reading.read import Source
from ..records import SET_ASIDE_SCHEMA, Dataset
from ..settings import SplitSettings
from .parts import ALL_PARTS, PARTS, TEST
from .plan import wanted_columns
from .source import Piece, SplitSource, source_of_part, split_source
from .strata import LENGTH
from .ties import TakenPiece, Ties, tie_records


@dataclass(frozen=True, slots=True)
class Intake:
    """Where the records come from.

    Attributes:
        source: the data.
        kept_test: the file that is the test part, if there is one.
        earlier: the parts of an earlier split, by name.
        inputs: what the artifact is made from.
        notes: sentences for the reader.
    """

    source: SplitSource
    kept_test: SplitSource | None
    earlier: dict[str, SplitSource]
    inputs: tuple[Input, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The records as they were read once: first those of the data, then the others.

    Attributes:
        ties: what ties them together; those that are not of the data have a part.
        set_aside: rows of the data that could not be understood.
        test_set_aside: how many rows of the kept test file could not be.
    """

    ties: Ties
    set_aside: pl.DataFrame
    test_set_aside: int


def open_intake(
    workspace: Workspace, source: Artifact | Dataset | Source, settings: SplitSettings
) -> tuple[Intake, SplitSettings]:
    """Find all that the settings name; return it, and the settings as they hold.

    What the earlier split held out is held out again, unless the settings say otherwise.

    Raises:
        UsageError: the source cannot be split, or there is no such earlier split.
        DataError: a file cannot be read.
    """
    data = split_source(source)
    inputs = [data.input]
    kept_test, earlier, notes = None, {}, ()
    if settings.keep_test is not None:
        path, detection = workspace.root / settings.keep_test, data.detection
        kept_test = source_of_part(path, detection.shape, detection.mapping, "keep_test")
        inputs.append(kept_test.input)
    if settings.against is not None:
        artifact = resolve_artifact(workspace, "split", _from(workspace, settings.against))
        # Not by its id: a report would take it for a step on the way to this split.
        sha256 = artifact.manifest.sha256
        inputs.append(Input("against", sha256, path=str(artifact.folder)))
        earlier = _earlier_parts(artifact)
        settings = _as_before(settings, artifact)
        notes = _differences(settings, artifact)
    return Intake(data, kept_test, earlier, tuple(inputs), notes), settings


def take(intake: Intake, settings: SplitSettings, emit: Emit) -> Taken:
    """Read all records once, and tie them together.

    Raises:
        UsageError: no record has a column that the settings name.
        DataError: a file cannot be read.
    """
    set_aside: list[pl.DataFrame] = [pl.DataFrame(schema=SET_ASIDE_SCHEMA)]
    of_test: list[pl.DataFrame] = []

    def pieces() -> Iterator[TakenPiece]:
        for piece in intake.source.pieces(emit):
            set_aside.append(piece.set_aside)
            yield TakenPiece(piece.records, intake.source.detection)
        for part, source in intake.earlier.items():
            for piece in source.pieces(emit):
                yield TakenPiece(piece.records, source.detection, part)
        if intake.kept_test is not None:
            for piece in _test_pieces(intake.kept_test, emit):
                of_test.append(piece.set_aside)
                yield TakenPiece(piece.records, intake.kept_test.detection, PARTS[TEST])

    ties = tie_records(
        pieces(),
        threshold=settings.threshold,
        groups=settings.group,
        columns=wanted_columns(settings),
        optional=(LENGTH,),
        seed=settings.seed,
    )
    return Taken(ties, pl.concat(set_aside), sum(frame.height for frame in of_test))


def _from(workspace: Workspace, reference: str) -> str:
    """A path of the settings begins at the workspace."""
    folder = workspace.root / reference
    return str(folder) if folder.is_dir() else reference


def _test_pieces(kept_test: SplitSource, emit: Emit) -> Iterator[Piece]:
    """Read the kept test file in the shape of the data, since all parts are written in it."""
    try:
        yield from kept_test.pieces(emit)
    except DataError as error:
        raise DataError(
            f"the test file cannot be read in the shape of the data "
            f"({kept_test.detection.shape}): {error.what}",
            where=error.where or kept_test.input.path,
            fix="give the test rows the same fields as the data",
        ) from error


def _earlier_parts(artifact: Artifact) -> dict[str, SplitSource]:
    how = read_json(artifact.folder / "split.json")
    return {
        part: source_of_part(path, how.get("shape"), how.get("mapping"), "against")
        for part in ALL_PARTS
        if (path := artifact.folder / f"{part}.jsonl").is_file() and path.stat().st_size
    }


def _as_before(settings: SplitSettings, earlier: Artifact) -> SplitSettings:
    held = read_json(earlier.folder / "split.json").get("out_of_domain")
    if settings.out_of_domain or not held:
        return settings
    values = tuple(f"{held['column']}={value}" for value in held["values"])
    return settings.model_copy(update={"out_of_domain": values})


def _differences(settings: SplitSettings, earlier: Artifact) -> tuple[str, ...]:
    """Name the settings by which rows stayed together in the earlier split but do not here."""
    before, now = earlier.manifest.parameters, settings.model_dump(mode="json")
    return tuple(
        f"the earlier split was made with {name} {before.get(name)}, this one with {now[name]}"
        for name in ("group", "threshold")
        if name in before and before.get(name) != now[name]
    )
