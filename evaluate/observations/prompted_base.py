"""Whether the tuned model beats a base that is only shown a few examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..domain.prompted import PROMPTED
from ..items import Answers
from ..verdicts.judgement import UNDECIDED
from ..verdicts.power import ALPHA
from .observation import Observation, Paired, codes_of, joined, observe

BEATS, DOES_NOT_BEAT = "beats", "does not beat"


def prompted_observations(
    prompted: Sequence[Answers],
    base: Sequence[Answers],
    tuned: Sequence[Answers],
    *,
    examples: int,
    margin: float,
) -> list[Observation]:
    """Compare the tuned model with the prompted base, on the items that fit with the examples.

    Args:
        prompted: the prompted base's tasks, named ``prompted-base/…``.
        base: the base's.
        tuned: the tuned model's.
        examples: how many were shown.
        margin: a gain of less than this beats nothing; of a loss, as a share of it.
    """
    found: list[Observation] = []
    for answers in prompted:
        name = answers.info.task.removeprefix(f"{PROMPTED}/")
        plain = _of_domain(base, name)
        second = _of_domain(tuned, name)
        if plain is None or second is None:
            continue
        bar, second = joined(answers, second)
        plain = joined(plain, bar)[0]
        if len(bar.frame):
            found.append(_compared(name, plain, bar, second, examples, margin))
    return found


def _of_domain(tasks: Sequence[Answers], name: str) -> Answers | None:
    return next((one for one in tasks if one.info.task == f"domain/{name}"), None)


def _compared(
    name: str, plain: Answers, bar: Answers, tuned: Answers, examples: int, margin: float
) -> Observation:
    first, second = (one.frame["score"].to_numpy() for one in (bar, tuned))
    better = 1 if bar.info.higher_is_better else -1
    bounded = "loss" not in (bar.info.kind, tuned.info.kind)
    found, difference = observe(
        PROMPTED.replace("-", " "),
        f"domain/{name}",
        "share" if bounded else "number",
        Paired(first, second, codes_of(bar), bounded=bounded),
        text=f"the base behind {examples} {'example' if examples == 1 else 'examples'} from the "
        "training rows",
    )
    if not bounded:
        margin *= abs(float(first.mean()))
    gain = better * difference.mean
    highest = difference.upper if better > 0 else -difference.lower
    significant = difference.p < ALPHA
    if significant and gain > 0:
        verdict = BEATS
    elif (significant and gain < 0) or highest < margin:
        verdict = DOES_NOT_BEAT
    else:
        verdict = UNDECIDED
    return replace(
        found,
        base=float(plain.frame["score"].to_numpy().mean()),
        prompted_base=found.base,
        verdict=verdict,
    )
