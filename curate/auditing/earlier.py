"""The rows of an earlier audit, so that new ones are compared with them without reading them again.

The first time that an audit is named (``--against``), its records are read once and what tells
copies apart is kept as an artifact of kind ``index``: hashes of every row, and the shingles of
every distinct text (:mod:`..near_duplicates.known_texts`). From then on the index answers by
itself. An index made by other code or another version of polars is never taken: its hashes would
mean something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import (
    LATEST,
    Artifact,
    Workspace,
    list_artifacts,
    produce,
    resolve_artifact,
)
from ...workspace.errors import UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import read_json, write_json
from ...workspace.manifest import Input
from ..near_duplicates.comparison_text import comparison_columns
from ..near_duplicates.known_texts import Nearest, hashing_digest, nearest_known, save_known
from ..piece_files import read_in_pieces
from .copies import fingerprint

EARLIER = "duplicates/earlier"
_KEYS = ("exact", "normalised")
_ROWS_NAME = "rows.parquet"


@dataclass(frozen=True, slots=True)
class EarlierAudit:
    """An earlier audit and its index.

    Attributes:
        id: of the audit.
        audit: its folder.
        index: the folder of its index.
        name: its source, in few words.
        rows: how many records it has.
        threshold: the similarity that the index was made for.
        shingle_size: words an n-gram.
    """

    id: str
    audit: Path
    index: Path
    name: str
    rows: int
    threshold: float
    shingle_size: int

    def first_with(self, key: str, values: pl.DataFrame) -> pl.DataFrame:
        """Return ``row`` of new rows and ``earlier``, the first row with an equal key.

        Args:
            key: ``exact`` or ``normalised``.
            values: ``row`` and the key.
        """
        wanted = values.drop_nulls(key)
        first = (
            pl.scan_parquet(self.index / _ROWS_NAME)
            .select(key, earlier="row")
            .join(wanted.lazy().select(key).unique(), on=key, how="semi")
            .group_by(key)
            .agg(pl.col("earlier").min())
        )
        return wanted.join(first.collect(), on=key).select("row", "earlier")

    def nearest(self, texts: pl.Series) -> Nearest:
        """Find the most similar earlier text of each (see :func:`nearest_known`)."""
        return nearest_known(
            texts, self.index, threshold=self.threshold, shingle_size=self.shingle_size
        )

    def rows_with(self, numbers: pl.Series) -> pl.DataFrame:
        """Return ``known``, ``earlier`` (the row) and ``label`` of all rows with some texts.

        Args:
            numbers: of distinct texts, as :meth:`nearest` names them.
        """
        return (
            pl.scan_parquet(self.index / _ROWS_NAME)
            .select("label", known="text", earlier="row")
            .filter(pl.col("known").is_in(numbers.unique().implode()))
            .collect()
        )


def earlier_audit(
    workspace: Workspace,
    audit: Artifact,
    *,
    threshold: float,
    shingle_size: int,
    emit: Emit = ignore,
) -> EarlierAudit:
    """Return an audit with its index, which is made where there is none yet.

    Args:
        workspace: where the index is written.
        audit: the earlier audit.
        threshold: the similarity from which on rows are near-duplicates.
        shingle_size: words an n-gram.
        emit: told when the index is made.
    """
    document = read_json(audit.folder / "audit.json")
    dataset = document["dataset"]

    def build(draft_folder: Path) -> None:
        emit(Note(text=f"indexing the {dataset['records']:,} records of audit {audit.id}, once"))
        _write_index(audit.folder, draft_folder, threshold, shingle_size)

    index = produce(
        workspace,
        "index",
        lambda draft: build(draft.folder),
        inputs=[audit.as_input("audit")],
        parameters={
            "threshold": threshold,
            "shingle_size": shingle_size,
            "hashing": hashing_digest(),
            "polars": pl.__version__,
        },
    )
    return EarlierAudit(
        id=audit.id,
        audit=audit.folder,
        index=index.folder,
        name=_source_name(dataset["paths"]),
        rows=dataset["records"],
        threshold=threshold,
        shingle_size=shingle_size,
    )


def named_audits(workspace: Workspace, names: Sequence[str], source: Input) -> list[Artifact]:
    """Find the audits of earlier data.

    Args:
        workspace: where they are.
        names: paths, ids, or ``latest``: the latest audit of other data.
        source: the new data, with which they are to be compared.

    Raises:
        UsageError: there is no such audit, or it is of the same bytes.
    """
    audits = {one.id: one for one in (_named_audit(workspace, name, source) for name in names)}
    # In whatever order they are named, the same comes out.
    return [audits[name] for name in sorted(audits)]


def _named_audit(workspace: Workspace, name: str, source: Input) -> Artifact:
    if name == LATEST:
        of_others = [one for one in list_artifacts(workspace, "audit") if not _is_of(one, source)]
        if of_others:
            return of_others[-1]
        raise UsageError(
            "there is no audit of other data here yet",
            where=str(workspace.store / "audit"),
            fix="run `tunewise audit` on the earlier data first",
        )
    audit = resolve_artifact(workspace, "audit", name)
    if _is_of(audit, source):
        raise UsageError(
            "these are the same data: every row would be found again",
            where=f"audit {audit.id}",
            fix="name an audit of other data",
        )
    return audit


def _is_of(audit: Artifact, source: Input) -> bool:
    given = audit.manifest.input("source")
    return given is not None and given.sha256 == source.sha256


def _source_name(paths: list[str]) -> str:
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f"{Path(paths[0]).name}{more}"


def _write_index(audit: Path, folder: Path, threshold: float, shingle_size: int) -> None:
    keys: list[pl.DataFrame] = []

    def spoken() -> Iterator[pl.Series]:
        for piece in read_in_pieces(audit / "records.parquet"):
            columns = comparison_columns(piece)
            keys.append(columns.select("row", piece["label"], *(fingerprint(key) for key in _KEYS)))
            yield columns["spoken"]

    texts = save_known(spoken(), folder, threshold=threshold, shingle_size=shingle_size)
    rows = pl.concat(keys).with_columns(pl.Series("text", texts, dtype=pl.Int64))
    rows.write_parquet(folder / _ROWS_NAME)
    facts = {"rows": rows.height, "texts": int(texts.max(initial=-1)) + 1}
    write_json(folder / "index.json", facts)


def earlier_records(audit: Path, related: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the earlier records that findings name, as far as they can still be read.

    Args:
        audit: the folder of the audit that the findings are in.
        related: ``AUDIT/ROW``, as findings of this check have it.
    """
    wanted: dict[str, set[int]] = {}
    for name in related:
        earlier, _, row = name.rpartition("/")
        wanted.setdefault(earlier, set()).add(int(row))
    found: dict[str, dict[str, Any]] = {}
    against = read_json(audit / "audit.json")["dataset"].get("against", []) if wanted else []
    for one in against:
        records = Path(one["artifact"]) / "records.parquet"
        rows = pl.Series(sorted(wanted.get(one["audit"], ())), dtype=pl.Int64)
        if len(rows) and records.is_file():
            some = pl.scan_parquet(records).filter(pl.col("row").is_in(rows.implode())).collect()
            found |= {f"{one['audit']}/{item['row']}": item for item in some.iter_rows(named=True)}
    return found
