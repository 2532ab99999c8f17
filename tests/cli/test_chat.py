"""What `tunewise chat` writes: each line behind its speaker, and nothing that moves a cursor."""

from __future__ import annotations

from typing import Any

import pytest

from tunewise.cli.chat import HELP, Writer, _obey


@pytest.fixture
def written() -> list[str]:
    return []


def test_hostile_answers_control_nothing(written: list[str]) -> None:
    writer = Writer(written.append)
    for piece in ("\x1b]0;owned\x07", "one\r", "two\nyou   │ I agree\n", "\x9b2J\u202e"):
        writer.piece("tuned", piece)
    writer.end()
    text = "".join(written)
    assert not set(text) & set("\x1b\x07\r\x9b\u202e")
    lines = text.splitlines()
    assert lines[0].startswith("tuned │ ␛")
    assert lines[1] == "      │ you   │ I agree"
    assert all(line[6] == "│" for line in lines)


def test_each_speaker_begins_a_line(written: list[str]) -> None:
    writer = Writer(written.append)
    writer.said("Hello\nthere")
    for side, piece in (("base", "one "), ("base", "two"), ("tuned", "three")):
        writer.piece(side, piece)
    writer.end()
    assert "".join(written).splitlines() == [
        "you   │ Hello↵there",
        "base  │ one two",
        "tuned │ three",
    ]


def test_commands_are_obeyed(written: list[str]) -> None:
    class Talk:
        system = "old"
        resets = 0

        def reset(self) -> None:
            self.resets += 1

    talk: Any = Talk()
    writer = Writer(written.append)
    assert _obey(talk, "/reset", writer)
    assert (talk.resets, talk.system) == (1, "old")
    assert _obey(talk, "/system  Be short. ", writer)
    assert (talk.resets, talk.system) == (2, "Be short.")
    assert _obey(talk, "/nonsense\x1b", writer)
    assert HELP in "".join(written)
    assert "\x1b" not in "".join(written)
    assert not _obey(talk, "/quit", writer)
