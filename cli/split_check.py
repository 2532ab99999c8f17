"""`tunewise split --check`: what leaks between anybody's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

from ..workspace.artifact import Artifact, resolve_artifact
from ..workspace.errors import ExitCode, UsageError
from ..workspace.files import read_json
from ..workspace.safe_text import safe_text
from .format import count, plot_width
from .session import Session
from .sources import data_paths, names_data
from .split import certificate_lines

if TYPE_CHECKING:
    from ..curate.splitting.certificate import PartFile
    from .settings import Settings

_SHOWN = 10
_IN_JSON = 10_000


def check_leaks(session: Session, data: Sequence[str], settings: Settings) -> NoReturn:
    """Search files, or the parts of a split, for leaks; end with 1 if there are any.

    Raises:
        UsageError: fewer than two files.
        DataError: a file cannot be read.
    """
    from ..curate.splitting.certificate import check_files
    from ..curate.splitting.leak_texts import leak_texts

    files = _files(session, data, settings)
    certificate = check_files(
        files,
        threshold=settings.split.threshold,
        groups=settings.split.group,
        emit=session.emit,
    )
    shown = certificate.crossings.sort(
        "by", "jaccard", "left_row", descending=[False, True, False], maintain_order=True
    )
    examples = leak_texts(files, shown, _SHOWN)
    document = {
        "command": session.command,
        "files": {name: str(file.path) for name, file in files.items()},
        "leaks": certificate.leaks,
        "certificate": certificate.to_json(),
        "crossings": shown.head(_IN_JSON).to_dicts(),
        "crossings_left_out": max(0, shown.height - _IN_JSON),
        "examples": [asdict(example) for example in examples],
    }
    code = ExitCode.GATE_FAILED if certificate.leaks else ExitCode.PASSED
    session.finish(document, lambda: "\n".join(_summary(document)), code)


def _files(session: Session, data: Sequence[str], settings: Settings) -> dict[str, PartFile]:
    from ..curate.splitting.certificate import PartFile

    if len(data) == 1 and not names_data(data[0]):
        return _parts_of(resolve_artifact(session.workspace, "split", data[0]))
    if len(data) < 2:
        raise UsageError(
            "leaks are searched between files",
            where="tunewise split --check",
            fix="name two files or more, such as train.jsonl and test.jsonl, or a split",
        )
    files: dict[str, PartFile] = {}
    for text in data:
        paths = data_paths((text,), session, settings)
        found = settings.data
        for path in paths:
            name = text if len(paths) == 1 else f"{text}: {path.name}"
            if name in files:
                raise UsageError("the same file is named twice", where=name)
            files[name] = PartFile(path, found.shape, found.mapping or None, found.encoding)
    return files


def _parts_of(artifact: Artifact) -> dict[str, PartFile]:
    from ..curate.splitting.certificate import PartFile
    from ..curate.splitting.parts import ALL_PARTS

    how = read_json(artifact.folder / "split.json")
    return {
        part: PartFile(path, how.get("shape"), how.get("mapping"))
        for part in ALL_PARTS
        if (path := artifact.folder / f"{part}.jsonl").is_file() and path.stat().st_size
    }


def _summary(document: Mapping[str, Any]) -> Iterator[str]:
    rows = document["certificate"]["rows"]
    yield ", ".join(f"{safe_text(name)}: {count(number, 'row')}" for name, number in rows.items())
    yield from certificate_lines(document["certificate"])
    examples, names = document["examples"], _short_names(rows)
    for example in examples:
        # Never rounded up to 1, which would say that the words are the same.
        jaccard = example["jaccard"]
        similarity = "" if jaccard is None else f", Jaccard {int(100 * jaccard) / 100:.2f}"
        yield ""
        yield f"{safe_text(example['by'])}{similarity}"
        for side in ("left", "right"):
            place = f"{names[example[f'{side}_part']]} row {example[f'{side}_row']}"
            yield _cut(f"  {safe_text(place)}: {safe_text(example[f'{side}_text'])}")
    more = len(document["crossings"]) + document["crossings_left_out"] - len(examples)
    if more > 0:
        yield ""
        yield f"and {more:,} more: --json lists them"
    yield ""
    yield "leaks found" if document["leaks"] else "no leak found"


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """Name files without their folders, where that names each of them."""
    short = {name: PurePath(name).name or name for name in names}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def _cut(line: str) -> str:
    width = plot_width()
    return line if len(line) <= width else line[: width - 1] + "…"
