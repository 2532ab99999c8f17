"""What was answered before a kill is not asked again; what a bad disk changed does not count."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.evaluate.scoring.cache import cached_frame
from tunewise.evaluate.scoring.generation import Wanted
from tunewise.evaluate.scoring.journal import Journal, part_name
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import Event, Note

# Measures six values, one after the other; is killed without warning after the third.
KILLED = """
import os, signal, sys
from pathlib import Path
import polars as pl
from tunewise.evaluate.scoring.cache import cached_frame
from tunewise.workspace.artifact import Workspace

def measure(journal):
    for number in range(6):
        journal._written = float("-inf")
        journal.keep("values", [number], [number / 8])
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)

cached_frame(Workspace(Path(sys.argv[1])), {"what": "it"}, measure)
"""


def clock() -> Callable[[], float]:
    """A clock that is ten seconds later whenever it is looked at."""
    return itertools.count(step=10).__next__


def test_a_killed_measurement_goes_on_where_it_was(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert child.returncode == -signal.SIGKILL
    asked: list[int] = []

    def measure(journal: Journal) -> pl.DataFrame:
        values = dict(journal.found("values"))
        asked.extend(number for number in range(6) if number not in values)
        values |= {number: number / 8 for number in asked}
        return pl.DataFrame({"value": [values[number] for number in range(6)]})

    events: list[Event] = []
    frame = cached_frame(Workspace(tmp_path), {"what": "it"}, measure, emit=events.append)
    assert asked == [3, 4, 5]
    assert frame["value"].to_list() == [number / 8 for number in range(6)]
    assert [event.text for event in events if isinstance(event, Note)] == [
        "going on after 3 answers that were measured before"
    ]
    left = [path.suffix for path in (tmp_path / ".tunewise" / "cache").iterdir() if path.suffix]
    assert ".journal" not in left


@given(st.binary(max_size=40), st.integers(0, 400))
def test_a_spoilt_journal_gives_true_answers_or_none(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.journal"
    journal = Journal(path, clock())
    kept = {number: [number / 3, float("inf"), None] for number in range(6)}
    for number, value in kept.items():
        journal.keep("part", [number], [value])
    content = path.read_bytes()
    path.write_bytes(content[:place] + noise + content[place + len(noise) :])
    found = Journal(path).found("part")
    assert (
        found.items() <= {number: json.loads(json.dumps(v)) for number, v in kept.items()}.items()
    )
    assert len(found) >= 6 - 2 - noise.count(b"\n") - len(noise) // 30
    # What is added afterwards is found whatever stands before it.
    again = Journal(path, clock())
    again.keep("part", [7], [1.5])
    assert Journal(path).found("part")[7] == 1.5


def test_scores_and_answers_are_taken_up_again(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    """The model is asked only for what the journal lacks, and the whole is the same."""
    model, tokenizer = tiny
    texts = ["The quick brown fox", "The quick dog", "Who has the red book?", "Seven birds sang"]
    sequences = [tokenizer.encode(text) for text in texts]
    scorer = TokenScorer(model, batch_tokens=8)
    path = tmp_path / "a.journal"
    starts = [1, 2, 1, 3]
    whole = scorer.score(sequences, starts, moments=True, journal=Journal(path, clock()))
    said = scorer.answer(sequences, [6] * 4, tokenizer, Wanted(), journal=Journal(path, clock()))
    lines = [line for line in path.read_text().splitlines() if line]
    path.write_text("\n".join(lines[: len(lines) // 2]) + "\n" + lines[-1][:20])
    counted: list[int] = []
    journal = Journal(path)
    before = journal.resumed
    assert 0 < before < 8
    again = scorer.score(sequences, starts, moments=True, journal=journal, advance=counted.append)
    assert again.log_probabilities == pytest.approx(whole.log_probabilities, abs=1e-5)
    assert again.means == pytest.approx(whole.means, abs=1e-4)
    assert again.greedy.tolist() == whole.greedy.tolist()
    assert scorer.answer(sequences, [6] * 4, tokenizer, Wanted(), journal=journal) == said
    assert sum(counted) == 4
    # Other questions do not get these answers.
    others = scorer.score(sequences, [2, 2, 1, 3], moments=True, journal=Journal(path))
    assert len(others.log_probabilities) != len(whole.log_probabilities)
    assert part_name([1], "a") != part_name([1], "b")


def test_a_kept_measurement_that_was_changed_is_noticed(tmp_path: Path) -> None:
    workspace, events = Workspace(tmp_path), list[Event]()

    def want() -> list[float]:
        def measure(journal: Journal) -> pl.DataFrame:
            return pl.DataFrame({"value": [0.25, 0.5]})

        return cached_frame(workspace, {"a": 1}, measure, emit=events.append)["value"].to_list()

    want()
    (path,) = (workspace.store / "cache").glob("*.parquet")
    # Whole as Parquet, so that its reader sees nothing wrong.
    pl.DataFrame({"value": [0.25, 0.75]}).write_parquet(path)
    assert want() == [0.25, 0.5]
    assert ["damaged" in event.text for event in events if isinstance(event, Note)] == [True]
    path.with_suffix(".json").unlink()
    assert want() == [0.25, 0.5]


def test_two_processes_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    code = (
        "import sys, polars as pl; from pathlib import Path\n"
        "from tunewise.evaluate.scoring.cache import cached_frame\n"
        "from tunewise.workspace.artifact import Workspace\n"
        "def measure(journal):\n"
        "    Path(sys.argv[1], f'asked-{sys.argv[2]}').touch()\n"
        "    return pl.DataFrame({'value': [1.5] * 1000})\n"
        "frame = cached_frame(Workspace(Path(sys.argv[1])), {'a': 1}, measure)\n"
        "assert frame['value'].sum() == 1500\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)])
        for number in range(2)
    ]
    assert [child.wait() for child in children] == [0, 0]
    assert len(list(tmp_path.glob("asked-*"))) == 1
