"""Which copies go: of each group one row stays, and only what is directly tied to it is removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..auditing.copies import EXACT, NEAR, NORMALISED
from ..auditing.earlier import EARLIER
from ..finding import Fix, Severity
from ..near_duplicates.components import component_labels, keep_best
from .actions import KEPT_ROWS, dismissed_rows, matches
from .journal import Decision

REMOVED_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "check": pl.String,
        "reason": pl.String,
        "related_row": pl.Int64,
        "score": pl.Float64,
        "field": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
    }
)

LONGEST, BEST, FIRST = KEPT_ROWS
_USUAL = {EXACT: FIRST, NORMALISED: FIRST, NEAR: LONGEST}
DUPLICATES = NEAR.partition("/")[0]
"""The dimension of the checks that find copies."""

_GRAVITY = (Severity.HIGH.value, Severity.MEDIUM.value, Severity.LOW.value)
_RANK = (*_GRAVITY, "shortness")
_WORDS = {
    LONGEST: " as the longest",
    BEST: " as the best (fewest open findings, then the longest)",
    FIRST: " as the first",
}

Lengths = Callable[[pl.Series], pl.DataFrame]
"""Returns ``row`` and ``characters`` of rows."""


def as_removed(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring a frame to :data:`REMOVED_SCHEMA`; columns that it lacks become null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(kind)
        for name, kind in REMOVED_SCHEMA.items()
    )


def remove_copies(
    decided: pl.DataFrame,
    decisions: Sequence[Decision],
    near_pairs: pl.DataFrame,
    gone: pl.Series,
    lengths: Lengths,
) -> pl.DataFrame:
    """Work out which copies go: exact ones, then normalised, near, and other relatives.

    A row goes only where a finding proposed it and a decision accepted it; where the decision says
    which copy is to stay, the row that the finding would have kept is compared with those that it
    proposed, and rows that nobody decided about stay out of it. A copy whose counterpart goes for
    another reason is not removed with it: one that is left of the group stays.

    Args:
        decided: the findings with their actions.
        decisions: those that hold.
        near_pairs: verified pairs, frame of ``NEAR_PAIR_SCHEMA``.
        gone: rows that go for another reason, or are no copies any more.
        lengths: tells how long rows are.

    Returns:
        A frame of :data:`REMOVED_SCHEMA`.
    """
    rank = _Rank(decided, decisions, lengths)
    heirs = _Heirs({}, frozenset())
    removed: list[pl.DataFrame] = []
    for check in (EXACT, NORMALISED):
        copies, heirs = _remove_equal(decided, check, gone, heirs, rank)
        removed.append(copies)
        gone = pl.concat([gone, copies["row"]])
    near = _remove_near(decided, near_pairs, gone, heirs, rank)
    gone = pl.concat([gone, near["row"]])
    return pl.concat([*removed, near, _remove_related(decided, gone)])


@dataclass(frozen=True, slots=True)
class _Heirs:
    """For rows that went for a fault of their own, the copies that stand in for them."""

    of: dict[int, int]
    protected: frozenset[int]

    def stand_in(self, column: str) -> pl.Expr:
        """Put the heir of each row in its place."""
        rows = pl.col(column)
        return rows.replace(list(self.of), list(self.of.values())) if self.of else rows

    def may_go(self) -> pl.Expr:
        """Tell which findings propose to drop a row (after ``stand_in``) that may be dropped."""
        accepted = (pl.col("action") == Fix.DROP).fill_null(False)
        return accepted & ~self.stand_in("row").is_in(list(self.protected))


@dataclass(frozen=True, slots=True)
class _Rank:
    """Orders copies by what is to stay of them."""

    decided: pl.DataFrame
    decisions: Sequence[Decision]
    lengths: Lengths

    def may_go(self, check: str, row: pl.Expr) -> pl.Expr:
        """Tell which rows may go that no finding of a check proposed, if a rule says so."""
        return ~row.is_in(dismissed_rows(check, self.decisions))

    def of(self, members: pl.DataFrame, characters: pl.Series | None = None) -> pl.DataFrame:
        """Add the columns by which members are ranked, the smallest first, and then by row.

        Args:
            members: ``row`` and ``policy``.
            characters: their lengths, where they are known.
        """
        best, longest = (members["policy"] == policy for policy in (BEST, LONGEST))
        counts = self._faults(members["row"].filter(best))
        ranked = members.join(counts, on="row", how="left", maintain_order="left")
        if characters is None:
            lengths = self.lengths(members["row"].filter(best | longest).unique())
            characters = members.join(lengths, on="row", how="left", maintain_order="left")[
                "characters"
            ]
        shortness = -characters.cast(pl.Int64).fill_null(0)
        return ranked.with_columns(
            *(pl.when(best).then(pl.col(name).fill_null(0)).otherwise(0) for name in _GRAVITY),
            shortness=pl.when(best | longest).then(shortness).otherwise(0),
        )

    def _faults(self, rows: pl.Series) -> pl.DataFrame:
        """Count the open findings of rows by gravity, apart from those about other rows."""
        about = self.decided.filter(
            pl.col("row").is_in(rows.unique().implode()),
            pl.col("action").is_null(),
            ~matches(DUPLICATES),
        )
        return about.group_by("row").agg(
            (pl.col("severity") == name).sum().cast(pl.Int64).alias(name) for name in _GRAVITY
        )


def _remove_equal(
    decided: pl.DataFrame, check: str, gone: pl.Series, heirs: _Heirs, rank: _Rank
) -> tuple[pl.DataFrame, _Heirs]:
    """Keep one row of each group of equal rows: of those that may not go, or else by rank."""
    found = decided.filter(pl.col("check") == check).select(
        heirs.stand_in("row"),
        "score",
        "order",
        group="related_row",
        policy=pl.when(heirs.may_go()).then("keep"),
        may_go=heirs.may_go(),
        undecided=pl.col("action").is_null(),
    )
    chosen = found.drop_nulls("policy").sort("order").group_by("group").agg(pl.col("policy").last())
    roots = (
        found.select("group")
        .unique()
        .join(chosen, on="group", how="left")
        .select(
            heirs.stand_in("group").alias("row"),
            "group",
            score=pl.lit(1.0),
            # Who says what is to stay lets go of the first one, too.
            may_go=pl.col("policy").is_not_null()
            & ~heirs.stand_in("group").is_in(list(heirs.protected))
            & rank.may_go(check, pl.col("group")),
            undecided=pl.lit(False),
        )
    )
    members = (
        pl.concat([found.select(roots.columns), roots])
        .filter(~pl.col("row").is_in(gone.implode()))
        .join(chosen, on="group", how="left")
        .with_columns(
            pl.col("policy").fill_null(_USUAL[check]),
            left_out=pl.col("policy").is_not_null() & pl.col("undecided"),
        )
    )
    left_over = (
        rank.of(members)
        .sort(*_RANK, "row")
        .with_columns(place=pl.int_range(pl.len()))
        .sort("left_out", "may_go", "place")
        .with_columns(
            keeper=pl.col("row").first().over("group"),
            keeper_place=pl.col("place").first().over("group"),
            spared=~pl.col("may_go").first().over("group"),
        )
    )
    copies = left_over.filter(pl.col("may_go") & (pl.col("row") != pl.col("keeper")))
    # polars 2.1 panics in pl.format over several chunks of which one is empty.
    removed = copies.rechunk().select(
        "row",
        "score",
        check=pl.lit(check),
        reason=pl.format("a copy of row {}, which stays{}", "keeper", _why()),
        related_row="keeper",
    )
    # Only the first row of a group has findings of the weaker checks, which need an heir.
    spent = pl.concat([gone, removed["row"]])
    inherited = roots.filter(pl.col("row").is_in(spent.implode())).join(
        left_over.select("group", "keeper", "spared").unique(), on="group"
    )
    # Who was not to be dropped as a copy is not dropped in the place of another either.
    protected = inherited.filter("spared")["keeper"].to_list()
    return as_removed(removed), _Heirs(
        heirs.of | dict(inherited.select("row", "keeper").rows()),
        heirs.protected | frozenset(protected),
    )


def _why() -> pl.Expr:
    """Say which rule kept the keeper, where it was the rule."""
    return (
        pl.when(pl.col("keeper_place") < pl.col("place"))
        .then(pl.col("policy").replace_strict(_WORDS, default=""))
        .otherwise(pl.lit(""))
    )


def _remove_near(
    decided: pl.DataFrame, near_pairs: pl.DataFrame, gone: pl.Series, heirs: _Heirs, rank: _Rank
) -> pl.DataFrame:
    """Remove near-duplicates of rows that stay, of each neighbourhood the first by rank staying.

    Where the row that was to stay has gone for another reason, the first of those that are left
    takes its place.
    """
    found = decided.filter(pl.col("check") == NEAR)
    pairs = _pairs_left(near_pairs, found, gone, heirs)
    if pairs.is_empty():
        return pl.DataFrame(schema=REMOVED_SCHEMA)
    rows, left, right, characters = _positions(pairs)
    accepted = found.filter(heirs.may_go()).select(heirs.stand_in("row"), "keep", "order")
    policies = _policies(accepted, rows, left, right)
    explicit = policies.is_not_null().to_numpy()
    may_go = rows.is_in(accepted["row"].implode()).to_numpy()
    undecided = found.filter(pl.col("action").is_null()).select(heirs.stand_in("row"))["row"]
    left_out = explicit & rows.is_in(undecided.implode()).to_numpy()
    # Who says what is to stay lets go of the rows that the findings would have kept.
    unproposed = ~rows.is_in(found.select(heirs.stand_in("row"))["row"].implode()).to_numpy()
    unproposed &= ~rows.is_in(list(heirs.protected)).to_numpy()
    unproposed &= rows.to_frame().select(rank.may_go(NEAR, pl.col("row"))).to_series().to_numpy()
    tied = np.zeros(len(rows), dtype=bool)
    tied[left[may_go[right]]] = True
    tied[right[may_go[left]]] = True
    removable = may_go | (explicit & unproposed & tied)
    left_out &= ~removable
    members = pl.DataFrame({"row": rows, "policy": policies.fill_null(_USUAL[NEAR])})
    ranked = rank.of(members, characters).with_row_index("position").sort(*_RANK, "row")
    order = ranked["position"].to_numpy()
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    stays = ~removable & ~left_out
    removals = keep_best(
        np.r_[order[stays[order]], order[removable[order]], order[left_out[order]]],
        left,
        right,
        pairs["score"].to_numpy(),
        removable,
    )
    removed = pl.DataFrame(
        {
            "row": rows.gather(removals.removed),
            "related_row": rows.gather(removals.kept),
            "score": removals.score,
            "policy": members["policy"].gather(removals.removed),
            "place": place[removals.removed],
            "keeper_place": place[removals.kept],
        },
        schema_overrides={"related_row": pl.Int64, "score": pl.Float64, "policy": pl.String},
    )
    return as_removed(
        removed.with_columns(
            check=pl.lit(NEAR),
            reason=pl.format(
                "{} % of its word runs and those of row {} are shared; row {} stays{}",
                (pl.col("score") * 100).floor().cast(pl.Int64),
                "related_row",
                "related_row",
                _why(),
            ),
        )
    )


def _remove_related(decided: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """Remove what the other checks of copies found, where the other row stays."""
    other = matches(DUPLICATES) & ~pl.col("check").is_in([EXACT, NORMALISED, NEAR, EARLIER])
    found = decided.filter(
        other & (pl.col("action") == Fix.DROP),
        ~pl.col("row").is_in(gone.implode()),
        ~pl.col("related_row").is_in(gone.implode()).fill_null(False),
    ).unique("row", keep="first", maintain_order=True)
    # One that goes keeps nobody else from staying.
    goes = pl.col("related_row").is_in(found["row"].implode()).fill_null(False)
    staying = found.filter(~goes)
    return as_removed(staying.with_columns(reason="message"))


def _pairs_left(
    near_pairs: pl.DataFrame, found: pl.DataFrame, gone: pl.Series, heirs: _Heirs
) -> pl.DataFrame:
    """Return the pairs of rows that are left; with different labels only where someone said so."""
    pairs = near_pairs.with_columns(heirs.stand_in("left"), heirs.stand_in("right")).filter(
        ~pl.col("left").is_in(gone.implode()),
        ~pl.col("right").is_in(gone.implode()),
        pl.col("left") != pl.col("right"),
    )
    chosen = found.filter((pl.col("fix") != Fix.DROP) & (pl.col("action") == Fix.DROP))["row"]
    return pairs.filter(
        pl.col("same_label")
        | pl.col("left").is_in(chosen.implode())
        | pl.col("right").is_in(chosen.implode())
    )


def _policies(
    accepted: pl.DataFrame, rows: pl.Series, left: np.ndarray, right: np.ndarray
) -> pl.Series:
    """Return for each row what a decision says is to stay of those tied to it; null for nothing."""
    clusters = pl.Series("cluster", component_labels(len(rows), left, right), dtype=pl.Int64)
    named = pl.DataFrame({"row": rows, "cluster": clusters})
    chosen = (
        accepted.drop_nulls("keep")
        .join(named, on="row")
        .sort("order")
        .group_by("cluster")
        .agg(pl.col("keep").last())
    )
    return named.join(chosen, on="cluster", how="left", maintain_order="left")["keep"]


def _positions(pairs: pl.DataFrame) -> tuple[pl.Series, np.ndarray, np.ndarray, pl.Series]:
    """Return the rows of pairs in order, the pairs by position in them, and the rows' lengths."""
    ends = pl.concat(
        [pairs.select(row=side, characters=f"{side}_characters") for side in ("left", "right")]
    )
    lengths = ends.group_by("row").agg(pl.col("characters").max()).sort("row")
    rows = lengths["row"]
    return (
        rows,
        rows.search_sorted(pairs["left"]).to_numpy(),
        rows.search_sorted(pairs["right"]).to_numpy(),
        lengths["characters"],
    )
