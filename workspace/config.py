"""Settings: flag over environment over project file over user file over default.

The rooms define their sections as frozen pydantic models; this module merges the layers,
remembers where each value came from, and turns mistakes into errors that name the place and the
nearest known key.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from .artifact import SETTINGS_NAME, Workspace
from .errors import UsageError
from .nearest import nearest

ENVIRONMENT_PREFIX = "TUNEWISE_"
DEFAULT = "default"


class Section(BaseModel):
    """Base of every settings section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


SettingsT = TypeVar("SettingsT", bound=Section)


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place: ``values[section][key]``."""

    origin: str
    values: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from."""

    key: str
    value: Any
    origin: str


def user_settings_path(environ: Mapping[str, str]) -> Path:
    """Return where a person's own settings lie (``$XDG_CONFIG_HOME/tunewise/config.toml``)."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "tunewise" / "config.toml"


def load_settings(
    model: type[SettingsT],
    workspace: Workspace,
    *,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    settings_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[SettingsT, list[Origin]]:
    """Merge all layers into one validated settings object.

    Args:
        model: a :class:`Section` whose fields are sections.
        workspace: where ``tunewise.toml`` or ``pyproject.toml`` is looked for.
        flags: values given on the command line; ``None`` values count as not given.
        settings_file: use this file instead of the workspace's own.
        environ: the environment; ``os.environ`` by default.

    Returns:
        The settings, and for every key its value and origin.

    Raises:
        UsageError: an unknown key (with the nearest known one), a value of the wrong type, or a
            file that is no TOML.
    """
    environ = os.environ if environ is None else environ
    given = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in (flags or {}).items()
    }
    layers = [
        Layer("flag", given),
        _environment_layer(model, environ),
        *_file_layers(model, workspace, settings_file, environ),
    ]
    merged: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        for section, values in layer.values.items():
            for key, value in values.items():
                merged.setdefault(section, {})[key] = value
                origins[f"{section}.{key}"] = layer.origin
    try:
        settings = model.model_validate(merged)
    except ValidationError as error:
        raise _validation_error(error, origins) from error
    return settings, _list_origins(settings, origins)


def settings_text(values: Mapping[str, Mapping[str, Any]]) -> str:
    r"""Write settings as TOML that :func:`load_settings` reads back as they are.

    Args:
        values: JSON values by section and key; a key that is None is left out, as if not given.

    Example:
        >>> print(settings_text({"train": {"epochs": 2.0, "alpha": None, "model": "a\b"}}), end="")
        [train]
        epochs = 2.0
        model = "a\b"
    """
    sections = []
    for section, keys in values.items():
        given = (f"{key} = {_toml(value)}\n" for key, value in keys.items() if value is not None)
        sections.append(f"[{section}]\n{''.join(given)}")
    return "\n".join(sections)


def _toml(value: Any) -> str:
    """Write a JSON value as TOML; its strings are JSON's but for one more character to escape."""
    if isinstance(value, Mapping):
        pairs = (f"{_toml(str(key))} = {_toml(entry)}" for key, entry in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _section_models(model: type[Section]) -> dict[str, type[Section]]:
    sections: dict[str, type[Section]] = {}
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            sections[name] = info.annotation
    return sections


def _environment_layer(model: type[Section], environ: Mapping[str, str]) -> Layer:
    values: dict[str, dict[str, Any]] = {}
    for section, section_model in _section_models(model).items():
        for key, info in section_model.model_fields.items():
            name = f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
            if name in environ:
                value = _parse_environment(environ[name], info.annotation)
                values.setdefault(section, {})[key] = value
    return Layer("environment", values)


def _parse_environment(text: str, annotation: Any) -> Any:
    """Read a TOML value; a bare word is a string, and commas separate where a list is wanted."""
    wants_list = any(
        get_origin(part) in (tuple, list) for part in (annotation, *get_args(annotation))
    )
    if wants_list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _file_layers(
    model: type[Section],
    workspace: Workspace,
    settings_file: Path | None,
    environ: Mapping[str, str],
) -> list[Layer]:
    layers: list[Layer] = []
    if settings_file is not None:
        layers.append(_read_layer(model, settings_file))
    elif (workspace.root / SETTINGS_NAME).is_file():
        layers.append(_read_layer(model, workspace.root / SETTINGS_NAME))
    elif (workspace.root / "pyproject.toml").is_file():
        layers.append(_read_layer(model, workspace.root / "pyproject.toml"))
    user_file = user_settings_path(environ)
    try:
        exists = user_file.is_file()
    except OSError as error:
        raise _unreadable(user_file, error) from error
    if exists:
        layers.append(_read_layer(model, user_file))
    return layers


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot read the settings: {error.strerror}",
        where=str(path),
        fix="make the file and its folder readable, or remove it",
    )


def _read_layer(model: type[Section], path: Path) -> Layer:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this is no valid TOML: {error}", where=str(path)) from error
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("tunewise", {})
    sections = _section_models(model)
    for section, values in document.items():
        if section not in sections:
            raise UsageError(
                f"unknown section [{section}]", where=str(path), fix=nearest(section, [*sections])
            )
        if not isinstance(values, dict):
            raise UsageError(f"[{section}] must be a table", where=str(path))
        known = [*sections[section].model_fields]
        for key in values:
            if key not in known:
                raise UsageError(
                    f"unknown key {key!r} in [{section}]", where=str(path), fix=nearest(key, known)
                )
    return Layer(str(path), document)


def _validation_error(error: ValidationError, origins: Mapping[str, str]) -> UsageError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    setting = ".".join(str(part) for part in first["loc"][:2])
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(
        f"setting {key} is not valid: {message} (got {first.get('input')!r})",
        where=origins.get(setting, DEFAULT),
    )


def _list_origins(settings: Section, origins: Mapping[str, str]) -> list[Origin]:
    listed: list[Origin] = []
    for section in type(settings).model_fields:
        value = getattr(settings, section)
        if not isinstance(value, Section):
            continue
        for key in type(value).model_fields:
            name = f"{section}.{key}"
            listed.append(Origin(name, getattr(value, key), origins.get(name, DEFAULT)))
    return listed
