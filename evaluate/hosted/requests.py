"""Several requests to an endpoint at a time, each answer kept as it comes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ..scoring.journal import Journal

AT_ONCE = 8

Answer = TypeVar("Answer")


def ask_each(
    count: int,
    one: Callable[[int], Answer],
    part: str,
    journal: Journal | None,
    advance: Callable[[int], None],
) -> list[Answer]:
    """Ask for every number below ``count``, some at a time, and return the answers in order.

    Args:
        count: how many.
        one: asks for one number, in a thread of its own.
        part: what is asked, for the journal.
        journal: where answers of an earlier attempt are found, and new ones kept.
        advance: told how many were answered.
    """
    journal = journal or Journal(None)
    answers = {number: value for number, value in journal.found(part).items() if number < count}
    advance(len(answers))
    left = iter([number for number in range(count) if number not in answers])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[Answer], int] = {}
        try:
            while True:
                # No more are begun than run at once: after an error nothing waits to be paid for.
                while len(running) < AT_ONCE and (number := next(left, None)) is not None:
                    running[pool.submit(one, number)] = number
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    answers[number] = future.result()
                    journal.keep(part, [number], [answers[number]])
                    advance(1)
        finally:
            for future in running:
                future.cancel()
    return [answers[number] for number in range(count)]
