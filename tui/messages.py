"""What places ask of the app; they know nothing of each other."""

from __future__ import annotations

from textual.message import Message


class GoTo(Message):
    """Show a place.

    Args:
        place: its name, such as ``records``.
        check: show only this check's hits there.
        severity: and of these only the ones this grave; all where it is empty.
        row: put the cursor on this row of the source.
    """

    def __init__(
        self, place: str, *, check: str | None = None, severity: str = "", row: int | None = None
    ) -> None:
        """Keep what is asked for."""
        super().__init__()
        self.place = place
        self.check = check
        self.severity = severity
        self.row = row


class RunCommand(Message):
    """Start a tunewise command as a child process.

    Args:
        arguments: the command and its arguments.
    """

    def __init__(self, arguments: list[str]) -> None:
        """Keep the command."""
        super().__init__()
        self.arguments = arguments
