"""The findings of an audit while it is at work: on the disk, until all are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ..finding import FINDING_SCHEMA, empty_findings

_PLACE = "place"
_SCHEMA = pl.Schema({**FINDING_SCHEMA, _PLACE: pl.Int32})


@dataclass(slots=True)
class KeptFindings:
    """Findings of all checks, by piece; in a folder, or in memory where none is given.

    A check is known by its place among the checks of the audit.

    Attributes:
        folder: where they are kept, besides other files.
    """

    folder: Path | None = None
    _pieces: dict[int, Path | pl.DataFrame] = field(default_factory=dict)
    _whole: dict[int, Path | pl.DataFrame] = field(default_factory=dict)

    def keep_piece(self, piece: int, found: Mapping[int, pl.DataFrame]) -> None:
        """Keep what checks found in a piece.

        Args:
            piece: its number.
            found: frames of ``FINDING_SCHEMA`` by the place of the check.
        """
        self._pieces[piece] = self._keep(f"findings.piece.{piece:06}", found)

    def keep_whole(self, place: int, found: pl.DataFrame) -> None:
        """Keep what a check found when it looked at the whole."""
        by_row = found.sort("row", maintain_order=True)
        self._whole[place] = self._keep(f"findings.whole.{place:06}", {place: by_row})

    def merge(self, others: KeptFindings) -> None:
        """Take over what was kept of other pieces, in the same folder."""
        self._pieces |= others._pieces
        self._whole |= others._whole

    def of(self, place: int) -> pl.DataFrame:
        """Return the findings of one check: by piece, then those about the whole."""
        pieces = [frame.filter(pl.col(_PLACE) == place) for frame in self._scan_pieces()]
        whole = [_scan(self._whole[place])] if place in self._whole else []
        frames = [frame.select(*FINDING_SCHEMA) for frame in (*pieces, *whole)]
        return pl.concat([empty_findings().lazy(), *frames]).collect()

    def by_row(self, starts: Sequence[int], places: Collection[int]) -> Iterator[pl.DataFrame]:
        """Yield all findings by row, and those of a row in the order of the checks.

        Findings about the whole dataset, which have no row, come first.

        Args:
            starts: the first row of each piece, ascending.
            places: of the checks that count.
        """
        whole = [_ByRow.of(kept) for place, kept in sorted(self._whole.items()) if place in places]
        yield _sorted([found.without_row() for found in whole])
        ends = [*starts[1:], None]
        for piece, start, end in zip(self._scan_pieces(), starts, ends, strict=True):
            own = piece.filter(pl.col(_PLACE).is_in(list(places))).collect()
            yield _sorted([own, *(found.between(start, end) for found in whole)])

    def _keep(self, name: str, found: Mapping[int, pl.DataFrame]) -> Path | pl.DataFrame:
        frames = [
            frame.with_columns(pl.lit(place, dtype=pl.Int32).alias(_PLACE))
            for place, frame in found.items()
        ]
        frame = pl.concat([pl.DataFrame(schema=_SCHEMA), *frames])
        if self.folder is None:
            return frame
        path = self.folder / f"{name}.arrow"
        frame.write_ipc(path)
        return path

    def _scan_pieces(self) -> list[pl.LazyFrame]:
        in_order = sorted(self._pieces.items(), key=lambda item: item[0])
        return [_scan(kept) for _, kept in in_order]


@dataclass(frozen=True, slots=True)
class _ByRow:
    """Findings about the whole, sorted by row, of which some are read at a time."""

    kept: Path | pl.DataFrame
    rows: pl.Series
    nulls: int

    @classmethod
    def of(cls, kept: Path | pl.DataFrame) -> _ByRow:
        rows = _scan(kept).select("row").collect()["row"]
        return cls(kept, rows.drop_nulls(), rows.null_count())

    def without_row(self) -> pl.DataFrame:
        return _scan(self.kept).head(self.nulls).collect()

    def between(self, start: int, end: int | None) -> pl.DataFrame:
        first = self.rows.search_sorted(start)
        last = len(self.rows) if end is None else self.rows.search_sorted(end)
        return _scan(self.kept).slice(self.nulls + first, last - first).collect()


def _sorted(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    everything = pl.concat([pl.DataFrame(schema=_SCHEMA), *frames])
    return everything.sort("row", _PLACE, maintain_order=True).select(*FINDING_SCHEMA)


def _scan(kept: Path | pl.DataFrame) -> pl.LazyFrame:
    return kept.lazy() if isinstance(kept, pl.DataFrame) else pl.scan_ipc(kept)
