"""Settings of the terminal app; they belong to the person, so mostly to the user file."""

from __future__ import annotations

from pydantic import Field

from .config import Section


class AppSettings(Section):
    """`[app]`: how the terminal app looks, and which keys do what.

    Attributes:
        theme: ``dark``, ``light``, ``ansi`` (the terminal's own 16 colours), or any theme of
            Textual by name; None takes the one that was chosen last.
        ascii: draw with ASCII characters alone.
        keys: other keys for actions, by the action's name: ``accept = "ctrl+a"``; several by
            commas. The app's help (``?``) lists the names.
    """

    theme: str | None = None
    ascii: bool = False
    keys: dict[str, str] = Field(default_factory=dict)
