"""Which records belong together, so that no split may separate them.

Records are read piece by piece; of each only what tells it from others stays in memory: 128-bit
hashes of what is compared, and the values of the columns that were asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..near_duplicates.comparison_text import comparison_columns
from ..near_duplicates.components import component_labels
from ..near_duplicates.pairs import near_duplicate_pairs
from ..records import Detection
from .columns import column_names, column_values

COMMON_PROMPT_SHARE = 0.05
COMMON_PROMPT_RECORDS = 50
EXACT, NORMALISED, NEAR, PROMPT, GROUP = "exact", "normalised", "near", "prompt", "group "


class TakenPiece(NamedTuple):
    """Records of one piece, how they were understood, and the part that they are in already."""

    records: pl.DataFrame
    detection: Detection
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties records together; positions count on from piece to piece.

    Attributes:
        rows: of every record ``row``, ``part`` (that of its piece), ``order`` (a hash of content
            and seed, stable across machines and versions), ``words`` and ``label``.
        keys: of every record what equals that of the records it belongs to: ``exact``,
            ``normalised``, ``prompt`` and the group columns; null where a key ties nothing.
        values: of every record the columns that were asked for.
        prompts: of every record a hash of its prompt, also where that is a form.
        spoken: of every record a hash of what was said; null where it has no words.
        pairs: the near-duplicates (``left, right, jaccard``; positions).
        method: how near-duplicates were searched.
        notes: what was not tied or not searched, sentences for the reader.
    """

    rows: pl.DataFrame
    keys: pl.DataFrame
    values: pl.DataFrame
    prompts: pl.Series
    spoken: pl.Series
    pairs: pl.DataFrame
    method: str
    notes: tuple[str, ...]

    @property
    def height(self) -> int:
        """The number of records."""
        return self.rows.height

    def components(self, among: np.ndarray | None = None) -> np.ndarray:
        """Return for every record the first of those that ties lead to.

        Args:
            among: which records count; the others are tied to nothing. All by default.
        """
        counted = np.ones(self.height, dtype=bool) if among is None else among
        edges = [_edges_of_key(self.keys[name], counted) for name in self.keys.columns]
        left, right = self.pairs["left"].to_numpy(), self.pairs["right"].to_numpy()
        both = counted[left] & counted[right]
        return component_labels(
            self.height,
            np.concatenate([left[both], *(edge[0] for edge in edges)]),
            np.concatenate([right[both], *(edge[1] for edge in edges)]),
        )

    def tied_further(self, leaks: pl.DataFrame) -> Ties:
        """Return the ties with some more, which a later search found.

        Args:
            leaks: positions of pairs (``left``, ``right``) and what ties them (``by``).
        """
        by_prompt = pl.col("by") == PROMPT
        found = self.prompts.gather(leaks.filter(by_prompt)["left"]).alias("found")
        telling = (
            self.prompts.alias("raw")
            .to_frame()
            .with_row_index("position")
            .join(found.unique().to_frame(), left_on="raw", right_on="found", how="semi")
        )["position"]
        chosen = pl.Series(np.isin(np.arange(self.height), telling.to_numpy()))
        pairs = leaks.filter(~by_prompt).select("left", "right", jaccard=pl.lit(1.0))
        return replace(
            self,
            keys=self.keys.with_columns(self.prompts.zip_with(chosen, self.keys[PROMPT])),
            pairs=pl.concat([self.pairs, pairs]),
        )


def tie_records(
    pieces: Iterable[TakenPiece],
    *,
    threshold: float,
    groups: Sequence[str] = (),
    columns: Sequence[str] = (),
    optional: Sequence[str] = (),
    seed: int = 0,
) -> Ties:
    """Tie records with the same content, words, prompt or group, and near-duplicates.

    A prompt shared by more than a twentieth of the records (and at least fifty) is a form rather
    than a question; it ties nothing and is noted.

    Args:
        pieces: the records; each piece is looked at once.
        threshold: the Jaccard similarity from which texts are near-duplicates.
        groups: fields whose equal values stay together.
        columns: fields whose values are wanted.
        optional: those of ``columns`` that no record needs to have.
        seed: of ``order``.

    Raises:
        UsageError: no record has a field that ``groups`` or ``columns`` names.
    """
    gathered = _Gathered(groups, columns, optional, seed)
    search = near_duplicate_pairs(gathered.texts(pieces), threshold=threshold)
    frame = gathered.frame
    keys = frame.select(EXACT, NORMALISED, PROMPT, *(f"{GROUP}{name}" for name in groups))
    values = frame.select(pl.col(f"value {name}").alias(name) for name in columns)
    prompts, notes = _telling_prompts(keys[PROMPT])
    if search.skipped:
        notes.append(
            f"{search.bounded_buckets:,} very frequent runs of words were searched in part: up to "
            f"{search.skipped:,} candidate pairs were not compared"
        )
    wordless = int(frame["spoken"].null_count())
    if wordless:
        notes.append(f"{wordless:,} records without words were compared exactly only")
    return Ties(
        rows=frame.select("row", "part", "order", "words", "label"),
        keys=keys.with_columns(prompts),
        values=values,
        prompts=frame[PROMPT],
        spoken=frame["spoken"],
        pairs=search.pairs,
        method=search.method,
        notes=tuple(notes),
    )


@dataclass(slots=True)
class _Gathered:
    """What stays of the records while they pass by on their way to the search."""

    groups: Sequence[str]
    columns: Sequence[str]
    optional: Sequence[str]
    seed: int
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)

    def texts(self, pieces: Iterable[TakenPiece]) -> Iterator[pl.Series]:
        """Yield what was said, and keep the rest.

        Raises:
            UsageError: a column that no record has; told before the search begins.
        """
        frames: list[pl.DataFrame] = []
        names: set[str] = set()
        for piece in pieces:
            compared = comparison_columns(piece.records)
            frames.append(self._kept(piece, compared))
            names = names or column_names(piece.records, piece.detection)
            yield compared["spoken"]
        if not frames:
            raise UsageError("there are no records to split")
        self.frame = pl.concat(frames)
        for name in dict.fromkeys([*self.groups, *self.columns]):
            found = self.frame[f"{GROUP if name in self.groups else 'value '}{name}"]
            if name not in self.optional and found.null_count() == len(found):
                fix = nearest(name, sorted(names))
                raise UsageError(f"no record has a field {name!r}", fix=fix)

    def _kept(self, piece: TakenPiece, compared: pl.DataFrame) -> pl.DataFrame:
        records, detection = piece.records, piece.detection
        spoken = pl.when(pl.col("spoken") != "").then("spoken").alias("spoken")
        groups = [
            column_values(records, detection, name).alias(f"{GROUP}{name}") for name in self.groups
        ]
        values = [
            column_values(records, detection, name).alias(f"value {name}") for name in self.columns
        ]
        hashed = (EXACT, NORMALISED, PROMPT, "spoken", *(group.name for group in groups))
        return (
            compared.select("row", EXACT, NORMALISED, PROMPT, spoken)
            .with_columns(
                *groups,
                *values,
                records["label"],
                words=pl.col("spoken").str.count_matches(" ").fill_null(-1).cast(pl.Int64) + 1,
                part=pl.lit(piece.part, dtype=pl.String),
                order=_content_order(compared[EXACT], self.seed),
            )
            .with_columns(_hashed(name) for name in hashed)
        )


def _hashed(name: str) -> pl.Expr:
    """Hash a column to 128 bits; null stays null."""
    text = pl.col(name)
    return pl.when(text.is_not_null()).then(pl.struct(a=text.hash(1), b=text.hash(2))).alias(name)


def _content_order(contents: pl.Series, seed: int) -> pl.Series:
    """Hash every content with the seed; stable across machines and library versions."""
    salt = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
    digests = (
        hashlib.blake2b(content.encode(), digest_size=8, salt=salt).digest() for content in contents
    )
    return pl.Series("order", np.frombuffer(b"".join(digests), dtype="<u8"))


def _edges_of_key(key: pl.Series, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tie each record that counts to the first one with the same key."""
    tied = (
        key.alias("key")
        .to_frame()
        .with_row_index("position")
        .filter(pl.Series(counted) & pl.col("key").is_not_null())
        .with_columns(first=pl.col("position").min().over("key"))
        .filter(pl.col("position") != pl.col("first"))
    )
    return tied["first"].to_numpy().astype(np.int64), tied["position"].to_numpy().astype(np.int64)


def _telling_prompts(prompts: pl.Series) -> tuple[pl.Series, list[str]]:
    limit = max(COMMON_PROMPT_RECORDS, COMMON_PROMPT_SHARE * len(prompts))
    frame = prompts.to_frame().with_columns(common=pl.len().over(PROMPT) > limit)
    frame = frame.with_columns(pl.col("common") & pl.col(PROMPT).is_not_null())
    number = frame.filter("common")[PROMPT].n_unique()
    notes = (
        [f"{number:,} prompts that more than {limit:,.0f} records share tie nothing"]
        if number
        else []
    )
    return frame.select(pl.when(~pl.col("common")).then(PROMPT).alias(PROMPT)).to_series(), notes
