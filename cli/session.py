"""What every command shares: options, settings, display, errors and exit codes."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..workspace.artifact import Artifact, Workspace, find_workspace
from ..workspace.errors import ExitCode, TunewiseError
from ..workspace.events import Event, Failed, Finished, Started
from ..workspace.files import read_json
from ..workspace.safe_text import safe_text
from .display import Display, open_display
from .format import printable

if TYPE_CHECKING:
    from ..workspace.jobs import Announcement
    from .settings import Settings

SCHEMA_VERSION = 1


@dataclass(slots=True)
class Session:
    """One call of a command."""

    command: str
    workspace: Workspace
    display: Display
    as_json: bool
    as_events: bool
    force: bool
    config: Path | None
    is_job: bool = False
    announcement: Announcement | None = None

    def emit(self, event: Event) -> None:
        """Show an event of a running step, here and to whoever looks at the workspace."""
        if self.is_job and self.announcement is None:
            from ..workspace.jobs import announce_job

            words = sys.argv[1:] if sys.argv[1:2] == [self.command] else [self.command]
            self.announcement = announce_job(self.workspace, words)
            self.is_job = self.announcement is not None
        self.display.show(event)
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Tell an event to whoever looks at the workspace."""
        if self.announcement is not None:
            self.announcement.write(event)

    def settings(self, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
        """Merge flags, environment and files into the settings of all sections."""
        from ..workspace.config import load_settings
        from .settings import Settings

        settings, _ = load_settings(
            Settings, self.workspace, flags=flags, settings_file=self.config
        )
        return settings

    def document(self, artifact: Artifact) -> dict[str, Any]:
        """Return the document of an artifact as `--json` prints it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "artifact": str(artifact.folder),
            "id": artifact.id,
            "reused": artifact.reused,
            **read_json(artifact.folder / f"{artifact.kind}.json"),
        }

    def finish(
        self,
        document: Mapping[str, Any],
        summary: Callable[[], str],
        exit_code: ExitCode = ExitCode.PASSED,
    ) -> NoReturn:
        """End the command: JSON on stdout, or the summary for a person, then exit.

        Args:
            document: what `--json` prints.
            summary: makes the text for a person; called only where one reads it.
            exit_code: the command's result.
        """
        self.display.close()
        finished = Finished(artifact=str(document.get("artifact", "")), exit_code=int(exit_code))
        self.tell(finished)
        if self.as_json:
            click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **document}, default=str))
        elif self.as_events:
            self.display.show(finished)
        else:
            click.echo(printable(summary()))
        sys.stdout.flush()
        raise SystemExit(int(exit_code))

    def fail(self, error: TunewiseError) -> NoReturn:
        """End the command with an error: what, where, and what to do."""
        self.display.close()
        code = int(error.exit_code)
        parts = {"what": error.what, "where": error.where, "fix": error.fix}
        failed = Failed(what=error.what, where=error.where, fix=error.fix, exit_code=code)
        self.tell(failed)
        if self.as_events:
            self.display.show(failed)
        elif self.as_json:
            document = {"schema_version": SCHEMA_VERSION, "command": self.command}
            click.echo(json.dumps({**document, "error": parts, "exit_code": code}))
        if not self.as_events:
            label = click.style("error:", fg="red", bold=True)
            click.echo(f"{label} {safe_text(str(error), keep_line_breaks=True)}", err=True)
        raise SystemExit(code)


def command(
    name: str, *, examples: str, is_job: bool = False
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a subcommand with the common options; it gets a Session first.

    Args:
        name: the command's name.
        examples: lines shown at the end of `--help`.
        is_job: it may take long, and the app shows it as it goes on, wherever it was started.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def call(
            workspace_folder: Path | None,
            config_file: Path | None,
            as_json: bool,
            as_events: bool,
            quiet: bool,
            force: bool,
            **arguments: Any,
        ) -> None:
            if as_json and as_events:
                raise click.UsageError("--json and --events exclude each other")
            session = Session(
                command=name,
                workspace=Workspace(workspace_folder.resolve())
                if workspace_folder
                else find_workspace(),
                display=open_display(events=as_events, quiet=quiet or as_json),
                as_json=as_json,
                as_events=as_events,
                force=force,
                config=config_file,
                is_job=is_job,
            )
            _run(session, function, arguments)

        wrapped = call
        for option in reversed(_common_options()):
            wrapped = option(wrapped)
        return click.command(name=name, epilog=f"\b\nExamples:\n{examples}")(wrapped)

    return decorate


def _common_options() -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--workspace",
            "workspace_folder",
            type=click.Path(path_type=Path, file_okay=False),
            help="The project folder (default: the nearest upward with tunewise.toml, else here)",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="Read settings from this file instead of the workspace's tunewise.toml.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
        click.option(
            "--events", "as_events", is_flag=True, help="Print events as JSON lines while running."
        ),
        click.option("--quiet", "-q", is_flag=True, help="No progress; warnings and the result."),
        click.option("--force", is_flag=True, help="Do the work again even if it is done."),
    ]


def _run(session: Session, function: Callable[..., None], arguments: Mapping[str, Any]) -> None:
    """Call the command; whatever goes wrong ends in a sentence and the right exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    if session.as_events:
        session.emit(
            Started(command=session.command, arguments=tuple(sys.argv[1:]), process=os.getpid())
        )
    try:
        function(session, **arguments)
    except TunewiseError as error:
        session.fail(error)
    except KeyboardInterrupt as interruption:
        # Whoever was at work has noted what is left of it.
        session.fail(
            _InterruptedError("; ".join(["interrupted", *getattr(interruption, "__notes__", ())]))
        )
    except BrokenPipeError:
        # The reader (such as `head`) has gone; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(int(ExitCode.PASSED)) from None
    except click.ClickException:
        session.display.close()
        raise
    except Exception as error:
        if os.environ.get("TUNEWISE_TRACEBACK"):
            session.display.close()
            traceback.print_exc()
        session.fail(
            TunewiseError(
                f"{type(error).__name__}: {error}",
                where=_innermost_place(error),
                fix="this is a fault in tunewise; set TUNEWISE_TRACEBACK=1 to see where",
            )
        )


class _InterruptedError(TunewiseError):
    exit_code = ExitCode.INTERRUPTED


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _innermost_place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
