"""`tunewise config show`: the effective settings and where each comes from."""

from __future__ import annotations

import json

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
            {"key": item.key, "value": item.value, "origin": item.origin} for item in origins
        ],
    }
    session.finish(
        document,
        lambda: "\n".join(
            table(
                ["setting", "value", "from"],
                [[item.key, json.dumps(item.value, default=str), item.origin] for item in origins],
            )
        ),
    )


config.add_command(show)
