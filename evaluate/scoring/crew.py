"""Several processes that ask one model: each takes its share of the batches.

The first process leads: it does all that one process does, and tells the others which model to
load and what to ask it. All make the same batches, and each asks its own of them, so that the
answers are the same to the bit as those of one process. `tunewise evaluate --processes` starts
them on this machine; `torchrun` on several, with the same variables.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ...train.models.hardware import Hardware


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes of an evaluation, as one of them sees them.

    Attributes:
        rank: which of them this is; 0 leads.
        size: how many there are.
    """

    rank: int
    size: int

    def takes(self, batch: int) -> bool:
        """Tell whether a batch, by its number, is this process's."""
        return batch % self.size == self.rank

    def tell(self, order: Any) -> Any:
        """Give the leader's order to all; None ends their work."""
        from torch import distributed

        orders = [order]
        distributed.broadcast_object_list(orders, src=0)
        return orders[0]

    def others(self, found: Any) -> list[Any]:
        """Give what this process found to all, and return what the others did."""
        from torch import distributed

        every: list[Any] = [None] * self.size
        distributed.all_gather_object(every, found)
        return [one for rank, one in enumerate(every) if rank != self.rank]


def current_crew(hardware: Hardware) -> Crew | None:
    """Return the processes that this one was started among; None where it is alone."""
    from ...train.loop.processes import current_team, join

    team = current_team()
    if team.size == 1:
        return None
    join(hardware)
    return Crew(team.rank, team.size)


def dismiss(hardware: Hardware) -> None:
    """Tell the other processes that all is done."""
    crew = current_crew(hardware)
    if crew is not None:
        crew.tell(None)


def follow(hardware: Hardware) -> None:
    """Ask what the process that leads says, until it says that all is done."""
    from .pair import PairedModel

    # Ctrl-C reaches all; the first process decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    crew = current_crew(hardware)
    models: PairedModel | None = None
    loaded: Any = None
    scorer: Any = None
    with ExitStack() as lent:
        while crew is not None and (order := crew.tell(None)) is not None:
            kind, given = order
            if kind == "lend":
                lent.close()
                base, tuned, batch_tokens, name = given
                places = [base.fingerprint, tuned.fingerprint]
                if models is None or places != loaded:
                    # Freed before the next is loaded.
                    models = scorer = None
                    models = PairedModel(base, tuned, hardware, batch_tokens=batch_tokens)
                    loaded = places
                scorer = lent.enter_context(models.scorer(name))
            else:
                getattr(scorer, f"take_part_in_{kind}")(*given)
