"""`tunewise config show`: the effective settings and where each comes from."""

from __future__ import annotations

import json
from typing import Any

import click

from .format import table
from .session import Session, command


@click.group(name="config")
def config() -> None:
    """Look at the settings: flag > environment > tunewise.toml > user file > default."""


@command(
    "show", examples="  tunewise config show\n  TUNEWISE_SPLIT_SEED=3 tunewise config show --json\n"
)
def show(session: Session) -> None:
    """Print every setting, its value and its origin."""
    from ..workspace.config import load_settings
    from .settings import Settings

    _, origins = load_settings(Settings, session.workspace, settings_file=session.config)
    document = {
        "command": "config show",
        "workspace": str(session.workspace.root),
        "settings": [
            {"key": item.key, "value": _plain(item.value), "origin": item.origin}
            for item in origins
        ],
    }
    session.finish(
        document,
        lambda: "\n".join(
            table(
                ["setting", "value", "from"],
                [[item.key, json.dumps(_plain(item.value)), item.origin] for item in origins],
            )
        ),
    )


config.add_command(show)


def _plain(value: Any) -> Any:
    """Return a setting's value as JSON has it; some are sections of their own."""
    from pydantic import TypeAdapter

    return TypeAdapter(Any).dump_python(value, mode="json")
