"""A tour of two minutes: what each place is for, one step at a time, on whatever is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text
from textual.widgets import Static

from ..messages import GoTo
from ..snapshot import Snapshot
from ..texts.marks import marks


@dataclass(frozen=True, slots=True)
class Step:
    """One stop.

    Attributes:
        place: where it is.
        text: what there is to see, and what to try.
        check: a finding to put the cursor on there.
        waits: tells whether what it speaks of is still missing.
        meanwhile: what to do until it is there.
    """

    place: str
    text: str
    check: str = ""
    waits: Callable[[Snapshot], bool] = lambda snapshot: False
    meanwhile: str = ""

    @property
    def request(self) -> GoTo:
        """The way there."""
        return GoTo(self.place, check=self.check or None)


def _no_audit(snapshot: Snapshot) -> bool:
    return snapshot.audit is None


_FIRST = "Press 1, choose sample.jsonl and press enter twice: it is audited in a few seconds."
STEPS = (
    Step(
        "data",
        "This is how good the dataset is: the share of records free of grave findings, by "
        "dimension. Bars show the weakest first to look at. The header follows you everywhere.",
        waits=_no_audit,
        meanwhile="Choose sample.jsonl (enter), look at how its rows are understood, and press "
        "enter again: the audit runs beside the app, and its findings stream in here.",
    ),
    Step(
        "findings",
        "What is wrong, gravest first; at the right, or below, is the evidence. Move with j and "
        "k. a shows what a fix would do before anything is done; u takes it back.",
        waits=_no_audit,
        meanwhile=_FIRST,
    ),
    Step(
        "records",
        "The rows of one finding. Pairs are compared word by word: [-only here-] {+only there+}. "
        "n and p go through them; [ and ] keep a side, b both, and ctrl+s does what you chose.",
        check="duplicates/near",
        waits=_no_audit,
        meanwhile=_FIRST,
    ),
    Step(
        "splits",
        "Train, val and test that share nothing, with a certificate from a search of the written "
        "files. f opens the form: change a setting and see how the rows would fall.",
    ),
    Step(
        "train",
        "f opens the form: what a run would learn and take is worked out before it starts. A run "
        "shows its losses, a probe of general rows, and its answers as they change; x stops it.",
    ),
    Step(
        "bench",
        "Every task is asked of base and tuned model alike. f chooses suites: space marks one.",
    ),
    Step(
        "report",
        "The verdict: what improved, what held, what was forgotten, each change with its "
        "interval. enter on an item shows both answers; b lets you compare answers blind.",
        waits=lambda snapshot: snapshot.evaluate is None,
        meanwhile="Here the verdicts stand once a model was tuned and measured: `tunewise demo` "
        "does it all on the sample in a few minutes. c copies the command of any place.",
    ),
)


class TourGuide(Static):
    """The step in hand, at the foot of the screen."""

    def __init__(self) -> None:
        """Start before the first step."""
        super().__init__(id="tour", markup=False)
        self.display = False
        self.number = 0

    @property
    def step(self) -> Step:
        """The step in hand."""
        return STEPS[self.number]

    def begin(self) -> None:
        """Start at the first step."""
        self.number, self.display = 0, True

    def end(self) -> None:
        """Go out of sight."""
        self.display = False

    def move(self, by: int) -> bool:
        """Go to another step; False where there is none."""
        if not 0 <= self.number + by < len(STEPS):
            return False
        self.number += by
        return True

    def show(self, snapshot: Snapshot) -> None:
        """Say what there is to see now."""
        self.update(step_text(self.number, snapshot))


def step_text(number: int, snapshot: Snapshot) -> Text:
    """Return a step as text, with the keys that lead on.

    Args:
        number: of the step.
        snapshot: what the workspace holds.
    """
    step = STEPS[number]
    text = Text(f"Tour {number + 1}/{len(STEPS)} {marks().dot} ", style="bold")
    text.append(step.meanwhile if step.waits(snapshot) else step.text, style="not bold")
    text.append("\nctrl+n", style="bold").append(" on   ", style="not bold")
    text.append("ctrl+b", style="bold").append(" back   ", style="not bold")
    return text.append("F1", style="bold").append(" ends the tour", style="not bold")
