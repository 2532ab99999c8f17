"""What a cleaning would do, told before it is done; and the guard against removing too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from ..workspace.errors import GateError
from .audited import Audited
from .comparison_text import INSTRUCTING_ROLES
from .edits import CHANGED_SCHEMA, apply_edits
from .journal import Decision
from .plan import Plan, apply_decisions, make_plan, open_rows
from .records import message_rows

EXAMPLES = 20
_EXAMPLE_CHARACTERS = 300
_FEW_ROWS = 5
_ROWS_AT_ONCE = 20_000
_WHOLE = "the dataset"


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a label, a source or the whole would go."""

    value: str
    records: int
    removed: int

    @property
    def share(self) -> float:
        """The removed part, 0 to 1."""
        return self.removed / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a cleaning would do.

    Attributes:
        counts: rows by fate: ``input``, ``kept``, ``removed``, ``set_aside``, ``changed``.
        by_check: ``check, action, rows`` of what the decisions do.
        by_label: what would go of each label.
        by_source: what would go of each source.
        clean_before: share of the records without open high or medium findings.
        clean_after: the same share of the records that are left.
        examples: up to twenty rows that would go or change, the most doubtful first.
        refusals: why it would be refused without ``yes``; empty if it would not.
    """

    counts: dict[str, int]
    by_check: list[dict[str, Any]]
    by_label: list[Share]
    by_source: list[Share]
    clean_before: float
    clean_after: float
    examples: list[dict[str, Any]]
    refusals: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        return {
            "counts": self.counts,
            "by_check": self.by_check,
            "by_label": [asdict(part) | {"share": part.share} for part in self.by_label],
            "by_source": [asdict(part) | {"share": part.share} for part in self.by_source],
            "quality": {"before": self.clean_before, "after": self.clean_after},
            "examples": self.examples,
            "refusals": self.refusals,
        }


@dataclass(slots=True)
class Changes:
    """What the edits of a cleaning came to, gathered piece by piece.

    Attributes:
        made: ``row, field, check`` of every field whose text became another.
        examples: the first of them, whole.
    """

    made: list[pl.DataFrame] = field(default_factory=list)
    examples: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHANGED_SCHEMA))

    def add(self, changed: pl.DataFrame) -> None:
        """Take in the changes of a piece, frame of ``CHANGED_SCHEMA``."""
        self.made.append(changed.select("row", "field", "check"))
        if self.examples.height < EXAMPLES:
            self.examples = pl.concat([self.examples, changed]).head(EXAMPLES)

    def fields(self) -> pl.DataFrame:
        """Return ``row`` and ``field`` of all changes."""
        schema = {name: CHANGED_SCHEMA[name] for name in ("row", "field", "check")}
        return pl.concat([pl.DataFrame(schema=schema), *self.made]).select("row", "field")


def plan_of(audited: Audited, decisions: Sequence[Decision]) -> Plan:
    """Work out what decisions do to audited data."""
    return make_plan(audited.findings, audited.set_aside["row"], audited.near_pairs, decisions)


def trial_changes(audited: Audited, plan: Plan) -> Changes:
    """Edit the rows that would change, only to see what comes of it."""
    changes = Changes()
    rows = plan.edits["row"].unique().sort()
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        concerned = audited.scan_records().filter(pl.col("row").is_in(some.implode())).collect()
        edits = plan.edits.filter(pl.col("row").is_in(some.implode()))
        changes.add(apply_edits(concerned, edits).changed)
    return changes


def describe(
    audited: Audited, plan: Plan, changes: Changes, max_removed_share: float = 1.0
) -> Preview:
    """Tell what a plan does.

    Args:
        audited: the audited data.
        plan: what the decisions do.
        changes: what its edits come to.
        max_removed_share: what the guard lets go of any label or source.
    """
    values = audited.scan_records().select("row", "label", "source").collect()
    goes = pl.col("row").is_in(plan.removed["row"].implode())
    by_label, by_source = (_shares(values, goes, column) for column in ("label", "source"))
    kept = values.height - plan.removed.height
    changed = changes.fields()
    return Preview(
        counts={
            "input": values.height + audited.set_aside.height,
            "kept": kept,
            "removed": plan.removed.height,
            "set_aside": audited.set_aside.height,
            "changed": changed["row"].n_unique(),
        },
        by_check=_by_check(plan, changed["row"]),
        by_label=by_label,
        by_source=by_source,
        clean_before=_clean_share(values["row"], apply_decisions(audited.findings, ())),
        clean_after=_clean_share(values.filter(~goes)["row"], _still_open(plan, changed)),
        examples=_examples(audited, plan, changes.examples),
        refusals=_refusals(
            [("", Share(_WHOLE, values.height, plan.removed.height))]
            + [("label ", part) for part in by_label]
            + [("source ", part) for part in by_source],
            max_removed_share,
        ),
    )


def guard(preview: Preview) -> None:
    """Refuse to remove too much.

    Raises:
        GateError: more than the allowed share of a label, a source or the whole would go.
    """
    if preview.refusals:
        raise GateError(
            "this would remove too much: " + "; ".join(preview.refusals[:5]),
            where="max_removed_share under [clean]",
            fix="look at `--preview`; take decisions back with `--undo`, or confirm with `--yes`",
        )


def _shares(values: pl.DataFrame, goes: pl.Expr, column: str) -> list[Share]:
    counted = (
        values.drop_nulls(column)
        .group_by(column)
        .agg(pl.len().alias("records"), goes.sum().alias("removed"))
        .sort(-pl.col("removed").cast(pl.Int64) / pl.col("records"), column)
    )
    return [Share(*row) for row in counted.iter_rows()]


def _refusals(parts: Sequence[tuple[str, Share]], max_removed_share: float) -> list[str]:
    return [
        f"{part.removed} of {part.records} rows of {name}{part.value!r}"
        if name
        else f"{part.removed} of {part.records} rows of {part.value}"
        for name, part in parts
        if part.share > max_removed_share and part.removed >= _FEW_ROWS
    ]


def _by_check(plan: Plan, changed: pl.Series) -> list[dict[str, Any]]:
    removed = plan.removed.group_by("check").agg(rows=pl.len()).with_columns(action=pl.lit("drop"))
    edits = (
        plan.edits.filter(pl.col("row").is_in(changed.unique().implode()))
        .group_by("check", "action")
        .agg(rows=pl.col("row").n_unique())
    )
    columns = ["check", "action", "rows"]
    return pl.concat([removed.select(columns), edits.select(columns)]).sort("check").to_dicts()


def _still_open(plan: Plan, changed: pl.DataFrame) -> pl.DataFrame:
    """The findings after the cleaning; an edit that could not be made leaves its finding open."""
    missed = plan.edits.join(changed.unique(), on=["row", "field"], how="anti", nulls_equal=True)
    return pl.concat([plan.findings, missed.with_columns(action=pl.lit(None, dtype=pl.String))])


def _clean_share(rows: pl.Series, findings: pl.DataFrame) -> float:
    if rows.is_empty():
        return 1.0
    return 1 - rows.is_in(open_rows(findings).implode()).sum() / len(rows)


def _examples(audited: Audited, plan: Plan, changed: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows that go, then rows that change; of every check the least sure first, in turns."""
    going = (
        plan.removed.sort("score", "row", nulls_last=True)
        .with_columns(turn=pl.int_range(pl.len()).over("check"))
        .sort("turn", "score", nulls_last=True, maintain_order=True)
        .head(EXAMPLES)
        .drop("turn")
        .with_columns(action=pl.lit("drop"), after=pl.lit(None, dtype=pl.String))
    )
    changing = changed.head(EXAMPLES - going.height).select(
        "row",
        "check",
        action=pl.lit("change"),
        reason="field",
        text=pl.col("before").str.slice(0, _EXAMPLE_CHARACTERS),
        after=pl.col("after").str.slice(0, _EXAMPLE_CHARACTERS),
    )
    shown = pl.concat([going["row"], going["related_row"].drop_nulls()]).unique()
    concerned = audited.scan_records().filter(pl.col("row").is_in(shown.implode())).collect()
    texts = _short_texts(concerned)
    going = going.join(texts, on="row", how="left", maintain_order="left").join(
        texts.rename({"row": "related_row", "text": "related_text"}),
        on="related_row",
        how="left",
        maintain_order="left",
    )
    return pl.concat([going, changing], how="diagonal").to_dicts()


def _short_texts(records: pl.DataFrame) -> pl.DataFrame:
    return (
        message_rows(records)
        .filter(~pl.col("role").is_in(INSTRUCTING_ROLES).fill_null(False))
        .group_by("row")
        .agg(pl.col("content").drop_nulls().str.join("\n").str.slice(0, _EXAMPLE_CHARACTERS))
        .rename({"content": "text"})
    )
