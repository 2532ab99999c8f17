"""`tunewise chat`: talk to base and tuned model side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import LATEST, resolve_artifact
from ..workspace.errors import TunewiseError, UsageError
from ..workspace.safe_text import safe_text
from .format import ascii_only, printable
from .session import Session, command

if TYPE_CHECKING:
    from ..evaluate.chat import Chat, Turn

_YOU = "you"
_WIDTH = 5
HELP = """\
/reset        begin anew
/system TEXT  tell both models TEXT first, and begin anew; without TEXT nothing
/quit         end (or Ctrl-D)
Ctrl-C breaks an answer off; anything else is said to the models."""


@command(
    "chat",
    examples="""\
  tunewise chat latest
  tunewise chat latest --system 'You answer in one sentence.' --temperature 0.7 --seed 3
  tunewise chat latest --prompt 'How do I pay?' --prompt 'And from abroad?' --json
  tunewise chat latest --only tuned < questions.txt
""",
)
@click.argument("run", default=LATEST)
@click.option("--prompt", "prompts", multiple=True,
              help="Say this and end; several are turns of one conversation.")  # fmt: skip
@click.option("--system", default="", help="Tell the models this before anything is said.")
@click.option("--only", type=click.Choice(["base", "tuned"]), help="Ask one of the two.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=256, show_default=True,
              help="The most tokens of an answer.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="0 takes the most probable token, 1 draws as the model would.")  # fmt: skip
@click.option("--top-p", type=click.FloatRange(min=0, max=1, min_open=True), default=1.0,
              show_default=True, help="Draw from tokens of this probability.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Seed of the drawing; the same gives the same answers.")  # fmt: skip
def chat(
    session: Session,
    run: str,
    prompts: tuple[str, ...],
    system: str,
    only: str | None,
    max_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
) -> None:
    """Talk to base and tuned model of RUN (a path, an id, or `latest`) side by side.

    Both are asked in the chat template of the training; each goes on with its own answers. Without
    --prompt every line of the input is said; on a terminal, /help tells of the commands.
    """
    if session.as_events:
        raise UsageError("a conversation has no events", where="--events", fix="use --json")
    from ..evaluate.chat import SIDES, Chat, Manner, load_speakers

    artifact = resolve_artifact(session.workspace, "train", run)
    session.display.close()
    sides = (only,) if only else SIDES
    manner = Manner(max_tokens, temperature, top_p, seed)
    speakers = load_speakers(session.workspace, artifact, sides)
    talk = Chat(speakers, manner, system, sides)
    writer = None if session.as_json else Writer(sys.stdout.write)
    if writer is not None and not speakers.is_chat:
        writer.note(
            "this run learned texts, not conversations: each line is gone on with by itself"
        )
    is_terminal = not prompts and sys.stdin.isatty() and writer is not None
    said: list[Turn] = []
    if is_terminal and writer is not None:
        _converse(talk, writer)
    else:
        lines = prompts or (line.rstrip("\r\n") for line in sys.stdin)
        said = list(_say_all(talk, lines, writer, literal=bool(prompts)))
    document = {
        "command": "chat",
        "artifact": str(artifact.folder),
        "run": artifact.id,
        "system": talk.system or None,
        "turns": [{"prompt": turn.prompt, **turn.answers} for turn in said],
    }
    if session.as_json:
        session.finish(document, str)
    raise SystemExit(0)


class Writer:
    """Writes answers as they come: each line behind its speaker, nothing that moves a cursor.

    Args:
        write: takes the text.
    """

    def __init__(self, write: Callable[[str], Any]) -> None:
        """Begin at the beginning of a line."""
        self._write = write
        self._side = ""
        self._rule = "|" if ascii_only() else "│"

    def head(self, side: str) -> str:
        """Return what stands before a speaker's line."""
        return f"{side:{_WIDTH}} {self._rule} "

    def piece(self, side: str, text: str) -> None:
        """Write the next piece of an answer."""
        if side != self._side:
            self.end()
            self._side = side
            self._out(self.head(side))
        self._out(safe_text(text, keep_line_breaks=True).replace("\n", f"\n{self.head('')}"))

    def said(self, text: str) -> None:
        """Write what was said by somebody who does not see it."""
        self.end()
        self._out(f"{self.head(_YOU)}{safe_text(text)}\n")

    def note(self, text: str) -> None:
        """Write a line of our own."""
        self.end()
        self._out(f"{safe_text(text, keep_line_breaks=True)}\n")

    def end(self) -> None:
        """End the line in progress."""
        if self._side:
            self._side = ""
            self._out("\n")

    def _out(self, text: str) -> None:
        self._write(printable(text))
        sys.stdout.flush()


def _say_all(
    talk: Chat, lines: Iterable[str], writer: Writer | None, *, literal: bool
) -> Iterator[Turn]:
    """Say every line; commands among them are obeyed, unless they are to be said, too."""
    for line in lines:
        if not line.strip():
            continue
        if not literal and line.startswith("/"):
            if not _obey(talk, line, writer):
                return
            continue
        if writer is not None:
            writer.said(line)
        yield _say(talk, line, writer)


def _converse(talk: Chat, writer: Writer) -> None:
    """Talk with a person until they have enough."""
    with suppress(ImportError):
        import readline  # noqa: F401  # lets a line be edited
    writer.note("/help tells of the commands")
    while True:
        try:
            line = input(writer.head(_YOU)).strip()
        except (EOFError, KeyboardInterrupt):
            writer.note("")
            return
        if not line:
            continue
        try:
            if not line.startswith("/"):
                _say(talk, line, writer)
            elif not _obey(talk, line, writer):
                return
        except KeyboardInterrupt:
            writer.note("")
            writer.note("(broken off: the models forget this turn)")
        except TunewiseError as error:
            writer.note(str(error))


def _say(talk: Chat, line: str, writer: Writer | None) -> Turn:
    turn = talk.say(line, writer.piece if writer else lambda side, piece: None)
    if writer is not None:
        for side, answer in turn.answers.items():
            if not answer:
                writer.piece(side, "(nothing)")
        writer.end()
    return turn


def _obey(talk: Chat, line: str, writer: Writer | None) -> bool:
    """Do what a line with a slash says; False ends the conversation."""
    word, _, rest = line.partition(" ")
    told = ""
    if word in ("/quit", "/exit"):
        return False
    if word == "/reset":
        talk.reset()
        told = "(begun anew)"
    elif word == "/system":
        talk.system = rest.strip()
        talk.reset()
        told = "(begun anew, with this system message)" if talk.system else "(begun anew)"
    elif word == "/help":
        told = HELP
    else:
        told = f"there is no {word}\n{HELP}"
    if writer is not None:
        writer.note(told)
    return True
