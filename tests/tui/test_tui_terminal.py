"""The real app in a real terminal: audit, clean, split and a short training, all by keys."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunewise.workspace.artifact import Workspace, list_artifacts

BUNDLED = Path(__file__).resolve().parents[2] / "datasets"
MINUTES = 3
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Tmux:
    """A terminal of 120×36 in a tmux of its own."""

    def __init__(self, folder: Path) -> None:
        self._base = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        state = {"XDG_STATE_HOME": folder / "state", "OMP_NUM_THREADS": "1"}
        environment = [word for item in state.items() for word in ("-e", f"{item[0]}={item[1]}")]
        self._run("new-session", "-d", "-x", "120", "-y", "36", *environment, "sh")

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._base, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._run("send-keys", key)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def see(self, *texts: str) -> str:
        """Wait until the terminal shows texts; a machine may be slow, so only a hang fails."""
        end = time.monotonic() + 60 * MINUTES
        while time.monotonic() < end:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
            time.sleep(0.2)
        raise AssertionError(f"never saw {texts} in:\n{shown}")

    def close(self) -> None:
        subprocess.run([*self._base, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminal(tmp_path: Path):
    tmux = Tmux(tmp_path)
    yield tmux
    tmux.close()


def rows() -> list[dict]:
    chance = random.Random(1)
    words = [
        "order",
        "guitar",
        "string",
        "box",
        "door",
        "letter",
        "refund",
        "lamp",
        "chair",
        "shop",
        "river",
        "garden",
    ]
    made = [
        {
            "messages": [
                {"role": "user", "content": " ".join(chance.choices(words, k=12)) + f" {n}?"},
                {"role": "assistant", "content": " ".join(chance.choices(words, k=8)) + "."},
            ]
        }
        for n in range(60)
    ]
    return [*made, made[3], made[4]]


def test_the_loop_by_keys(terminal: Tmux, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    (folder / "tunewise.toml").write_text(
        "[audit]\n"
        'checks = ["schema", "duplicates/exact"]\n'
        "[train]\n"
        f'model = "{BUNDLED / "base"}"\n'
        "epochs = 0.5\nbatch_size = 8\nrank = 2\nsamples = 0\n"
    )
    workspace = Workspace(folder)
    # What the tests are run with may say how wide a terminal is; here it is a real one.
    terminal.type("unset COLUMNS LINES\n")
    terminal.type(f"cd {folder} && {sys.executable} -m tunewise.cli; echo ended $?; stty -a\n")
    terminal.see("Open a dataset", "chats.jsonl")
    terminal.press("Enter")
    terminal.see("rows of shape chat")
    terminal.press("Enter")
    terminal.see("Clean ", "duplicates/exact")
    terminal.press("Enter")
    terminal.see("1 finding", "Evidence")
    terminal.press("a")
    terminal.see("Accept the fix of duplicates/exact?", "2 rows of 62 would go")
    terminal.press("Enter")
    terminal.see("1 decision made, clean 100 % now")
    terminal.press("4")
    terminal.see("No split yet")
    terminal.press("f")
    terminal.see("tunewise split", "70/15/15", "The certificate comes")
    terminal.press("C-s")
    terminal.see("Certificate", "0 near-duplicates across parts")
    terminal.press("5")
    terminal.see("No run yet")
    terminal.press("f")
    terminal.see("steps", "tokens are learned")
    terminal.press("C-s")
    terminal.see("best val loss")
    assert len(list_artifacts(workspace, "train")) == 1
    terminal.press("q")
    shown = terminal.see("ended 0", "icanon", "echo")
    assert "Traceback" not in shown
    assert "-echo " not in shown.partition("ended 0")[2]
