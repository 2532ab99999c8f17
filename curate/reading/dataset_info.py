"""LLaMA-Factory's ``dataset_info.json``: what its entries say about the files beside it.

An entry names a file, the formatting of its rows (``alpaca``, ``sharegpt`` or ``openai``), the
columns that play a part and the names that speakers go by. ``path/dataset_info.json:NAME`` stands
for the files of an entry; a file that is named by itself is looked up in the ``dataset_info.json``
of its folder. Parts that an entry leaves out have no field, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError, TunewiseError, UsageError
from ...workspace.nearest import nearest
from ..formats.json_values import NotJsonError, parse_json, type_name
from ..records import Detection
from ..shapes.detection import ENOUGH, Rows, detect_shape

FILE_NAME = "dataset_info.json"
DESCRIBED = "described"

_LARGEST = 16 << 20
_REMOTE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "cloud_file_name", "script_url")
_MEDIA = ("images", "videos", "audios")
_ALPACA, _SHAREGPT, _OPENAI = "alpaca", "sharegpt", "openai"
_ALPACA_COLUMNS = {"prompt": "instruction", "query": "input", "response": "output"}
_SHAREGPT_SPEAKERS = {
    "user": "human",
    "assistant": "gpt",
    "system": "system",
    "tool": "observation",
    "call": "function_call",
}
_SPEAKER_TAGS = {
    "user": "user_tag",
    "assistant": "assistant_tag",
    "system": "system_tag",
    "tool": "observation_tag",
    "call": "function_tag",
}

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Description:
    """How the rows of files are to be understood, as an entry says.

    Attributes:
        source: whose words these are, for the reader.
        shape: the name of the row shape; None where the entry cannot be used.
        mapping: a field, or ``""``, for each part that the entry decides.
        note: why the entry cannot be used.
        asked: whether the user named the entry, so that it must fit.
    """

    source: str
    shape: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    asked: bool = False


def names_entry(path: str | Path) -> bool:
    """Tell whether a path is of the form ``dataset_info.json:NAME`` and no file."""
    return f"{FILE_NAME}:" in str(path) and not Path(path).exists()


def entry_file(path: str | Path) -> Path:
    """Return the file or folder that ``dataset_info.json:NAME`` stands for.

    Raises:
        UsageError: there is no such entry, or it has no local file.
        DataError: the file is no such description, or leads out of its folder.
    """
    _asked(path)
    info, name = _split(path)
    entry = _entry(info, name)
    where = f"{info}:{name}"
    if not isinstance(entry.get("file_name"), str):
        remote = next((key for key in _REMOTE if key in entry), None)
        what = f"its rows are elsewhere ({remote})" if remote else "it names no file"
        raise UsageError(
            f"the entry {name!r} cannot be read: {what}",
            where=where,
            fix="download the data and give the entry a `file_name`, or name the file itself",
        )
    relative = Path(entry["file_name"])
    if relative.is_absolute() or ".." in relative.parts:
        raise DataError(
            f"the entry {name!r} leads out of its folder: {entry['file_name'][:80]}",
            where=where,
            fix="name the data file itself",
        )
    return info.parent / relative


def refuse_bare(path: Path) -> None:
    """Refuse a ``dataset_info.json`` without the name of an entry.

    Raises:
        UsageError: the file describes datasets; those with local files are named.
    """
    if path.name != FILE_NAME:
        return
    try:
        entries = _read(path)
    except DataError:
        return
    local = [name for name, entry in entries.items() if isinstance(entry.get("file_name"), str)]
    there = [name for name in local if (path.parent / entries[name]["file_name"]).exists()]
    listed = ", ".join(there or local) or "none has a local file"
    raise UsageError(
        "this describes datasets and holds no rows",
        where=str(path),
        fix=f"name one of them, as {path.name}:NAME; those with files here: {listed}",
    )


def find_description(
    paths: str | Path | Sequence[str | Path], files: Sequence[Path]
) -> Description | None:
    """Return what a ``dataset_info.json`` says about a source.

    Args:
        paths: what the user named.
        files: the files that these are.

    Returns:
        The description of the entries that the user named, or else of those for the files in the
        ``dataset_info.json`` beside them; None where there is none, or not for all files.

    Raises:
        UsageError: the user named an entry that does not exist.
        DataError: the user named an entry that cannot be used, or entries that differ.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    named = [item for item in given if names_entry(item)]
    if not named:
        return _beside(files)
    descriptions = [_asked(item) for item in named]
    if len(named) < len(given) or any(not _agree(descriptions[0], item) for item in descriptions):
        raise DataError(
            "the files are described in different ways",
            where=", ".join(str(item) for item in given),
            fix="audit them one by one",
        )
    return descriptions[0]


def detect_described(
    rows: Rows,
    where: str,
    shape: str | None,
    mapping: Mapping[str, str] | None,
    description: Description | None,
) -> Detection:
    """Find out what rows mean; what the user says goes before the description.

    A description that the user did not ask for gives way, with a note, where rows do not fit it.

    Raises:
        UsageError: an unknown shape or part.
        DataError: the rows do not fit the description that was asked for, or no shape.
    """
    if shape or mapping or description is None:
        return detect_shape(rows, where, shape, mapping)
    source = description.source
    if description.shape is None:
        return _noted(detect_shape(rows, where), f"{source} is not used: {description.note}")
    found = detect_shape(rows, where, description.shape, description.mapping)
    if found.confidence >= ENOUGH:
        reason = f"as {source} says; {found.reason}"
        return replace(found, chosen_by=DESCRIBED, reason=reason)
    misfit = f"{found.confidence:.0%} of the rows looked at fit it"
    if description.asked:
        raise DataError(
            f"{source} says {description.shape!r}, but only {misfit}",
            where=where,
            fix="correct the entry, or say what the rows are with --shape and --map",
        )
    return _noted(detect_shape(rows, where), f"{source} is not used: only {misfit}")


def _noted(detection: Detection, note: str) -> Detection:
    return replace(detection, reason=f"{detection.reason}; {note}")


def _split(path: str | Path) -> tuple[Path, str]:
    folder, _, name = str(path).partition(f"{FILE_NAME}:")
    return Path(folder).expanduser() / FILE_NAME, name


def _asked(path: str | Path) -> Description:
    info, name = _split(path)
    description = _description(name, _entry(info, name))
    if description.shape is None:
        raise DataError(
            f"the entry {name!r} cannot be used: {description.note}",
            where=str(info),
            fix="name the data file itself, with --shape and --map",
        )
    return replace(description, asked=True)


def _beside(files: Sequence[Path]) -> Description | None:
    """Return the description that all files share."""
    found = [_of_file(file) for file in files]
    first = found[0] if found else None
    if first is None or not all(item is not None and _agree(first, item) for item in found):
        return None
    return first


def _of_file(file: Path) -> Description | None:
    """Return what is said about a file in its folder, or about its folder in the one above."""
    for folder, target in ((file.parent, file), (file.parent.parent, file.parent)):
        info = folder / FILE_NAME
        if file.name == FILE_NAME or not info.is_file():
            continue
        try:
            entries = _read(info)
        except DataError:
            continue
        found = [
            _description(name, entry)
            for name, entry in entries.items()
            if isinstance(entry.get("file_name"), str) and folder / entry["file_name"] == target
        ]
        if found:
            return _only(found)
    return None


def _only(found: Sequence[Description]) -> Description:
    """Return the description; one that cannot be used where several disagree."""
    first = found[0]
    if all(_agree(first, item) for item in found):
        return first
    sources = ", ".join(item.source for item in found)
    return Description(sources, note=f"they differ; say which one with {FILE_NAME}:NAME")


def _agree(one: Description, other: Description) -> bool:
    return one.shape == other.shape and dict(one.mapping) == dict(other.mapping)


def _entry(info: Path, name: str) -> Entry:
    entries = _read(info)
    if name not in entries:
        raise UsageError(
            f"there is no entry {name[:80]!r}", where=str(info), fix=nearest(name, entries)
        )
    return entries[name]


def _read(info: Path) -> dict[str, Entry]:
    """Read the entries of a description.

    Raises:
        DataError: it cannot be read, or is something else (Hugging Face's library writes files
            of the same name).
    """
    try:
        if info.stat().st_size > _LARGEST:
            raise DataError("this is too large for a description", where=str(info))
        value = parse_json(info.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot read it: {reason}", where=str(info)) from error
    except NotJsonError as error:
        raise DataError(f"this is no description: {error}", where=str(info)) from error
    entries: Iterable[Any] = value.values() if isinstance(value, dict) else ()
    is_entries = all(isinstance(entry, dict) for entry in entries)
    if not is_entries or not any(
        key in entry for entry in entries for key in ("file_name", *_REMOTE)
    ):
        raise DataError("this is no description of LLaMA-Factory's kind", where=str(info))
    return value


def _description(name: str, entry: Entry) -> Description:
    """Turn an entry into a shape and a mapping."""
    source = f"{name[:80]!r} in {FILE_NAME}"
    try:
        shape, mapping = _understood(entry)
    except TunewiseError as error:
        return Description(source, note=error.what)
    return Description(source, shape, mapping)


def _understood(entry: Entry) -> tuple[str, dict[str, str]]:
    formatting = entry.get("formatting") or _ALPACA
    columns, tags = _names(entry, "columns"), _names(entry, "tags")
    media = [name for name in _MEDIA if name in columns]
    if media:
        raise DataError(f"its rows have {' and '.join(media)}, and tunewise reads texts alone")
    if formatting == _ALPACA:
        shape, mapping = _alpaca(columns, bool(entry.get("ranking")), "columns" in entry)
    elif formatting in (_SHAREGPT, _OPENAI):
        shape, mapping = _sharegpt(columns, tags, bool(entry.get("ranking")))
    else:
        raise DataError(f"its formatting is {str(formatting)[:40]!r}, which is not known")
    if "kto_tag" in columns:
        mapping["label"] = columns["kto_tag"]
    return shape, mapping


def _names(entry: Entry, key: str) -> dict[str, str]:
    """Return the names that an entry gives, without those that are null."""
    names = entry.get(key) or {}
    if not isinstance(names, dict) or not all(
        value is None or isinstance(value, str) for value in names.values()
    ):
        raise DataError(f"its {key} are {type_name(names)}, not names")
    return {name: value for name, value in names.items() if value}


def _alpaca(
    columns: Mapping[str, str], ranking: bool, is_given: bool
) -> tuple[str, dict[str, str]]:
    columns = columns if is_given else _ALPACA_COLUMNS
    prompt, addition = columns.get("prompt", "instruction"), columns.get("query", "")
    system = columns.get("system", "")
    if ranking:
        return "preference", _answers(columns) | {
            "prompt": prompt,
            "input": addition,
            "system": system,
        }
    if "response" not in columns:
        return "text", {"text": prompt}
    return "alpaca", {
        "instruction": prompt,
        "input": addition,
        "output": columns["response"],
        "system": system,
        "history": columns.get("history", ""),
    }


def _sharegpt(
    columns: Mapping[str, str], tags: Mapping[str, str], ranking: bool
) -> tuple[str, dict[str, str]]:
    messages = columns.get("messages", "conversations")
    mapping = {"system": columns.get("system", "")} | _tags(tags)
    if ranking:
        return "preference", _answers(columns) | mapping | {"prompt": messages, "input": ""}
    return "chat" if mapping["role"] == "role" else "sharegpt", mapping | {"messages": messages}


def _answers(columns: Mapping[str, str]) -> dict[str, str]:
    return {part: columns.get(part, part) for part in ("chosen", "rejected")}


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the keys within messages, and the speakers whose names are not the usual ones."""
    role, content = tags.get("role_tag", "from"), tags.get("content_tag", "value")
    usual: Mapping[str, str] = _SHAREGPT_SPEAKERS
    if role == "role":
        usual = {name: name for name in _SHAREGPT_SPEAKERS}
    speakers = {
        f"role.{name}": tags[tag]
        for name, tag in _SPEAKER_TAGS.items()
        if tag in tags and tags[tag] != usual[name]
    }
    return {"role": role, "content": content} | speakers
