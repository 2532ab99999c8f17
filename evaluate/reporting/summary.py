"""The verdicts in sentences, for people who read nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...workspace.safe_text import name_of
from ..settings import HOSTED, OWN
from ..verdicts.judgement import (
    BROKEN,
    DOMAIN,
    FORGOT,
    HELD,
    IMPROVED,
    NOT_IMPROVED,
    UNDECIDED,
    UNINFORMATIVE,
    WORSE,
)
from .wording import interval_text, signed

_MOST_NAMES = 6
_GENERAL = {
    FORGOT: "It forgot",
    HELD: "General ability held",
    UNDECIDED: "Undecided whether general ability held",
}
_DOMAIN = {
    IMPROVED: "the domain improved",
    NOT_IMPROVED: "the domain did not improve",
    WORSE: "the domain got worse",
    UNDECIDED: "undecided whether the domain improved",
}
_OVERFITTING = {
    "none": "no overfitting",
    "overfit": "it overfitted",
    UNDECIDED: "undecided whether it overfitted",
}


def headline(document: Mapping[str, Any]) -> str:
    """Return the whole judgement in one sentence."""
    overall = str(document.get("overall"))
    first = _GENERAL.get(overall, _GENERAL[UNDECIDED])
    names = deciding_tasks(document, FORGOT)
    if overall == FORGOT and names:
        first += f" ({listed(names)})"
    if broken := deciding_tasks(document, BROKEN):
        first += f"; {_tasks(broken)} look{'s' if len(broken) == 1 else ''} broken"
    parts = [first]
    # What a comparison without a split cannot be asked is told elsewhere.
    if not _left_out(document, DOMAIN):
        parts.append(_DOMAIN.get(str(document.get("domain_gain")), _DOMAIN[UNDECIDED]))
        verdict = overfitting_verdict(document)
        parts.append(_OVERFITTING.get(verdict, _OVERFITTING[UNDECIDED]))
    return f"{'; '.join(parts)}."


def engine_sentence(document: Mapping[str, Any]) -> str:
    """Say what asked the models: which program made the free answers, and where it computed."""
    engine = document.get("engine")
    if engine is None:
        return "What made the free answers was not recorded."
    if engine == HOSTED:
        return "All answers are those of the models' endpoints."
    where = ", ".join(name_of(document[key]) for key in ("device", "dtype") if document.get(key))
    computed = f" ({where})" if where else ""
    if engine == OWN:
        return f"Models on this machine were asked by tunewise itself{computed}: engine {OWN}."
    return (
        f"Free answers of models on this machine were made by {name_of(engine)}, probabilities "
        f"computed by tunewise itself{computed}."
    )


def left_out_sentences(document: Mapping[str, Any]) -> list[str]:
    """Say what the models were not asked, and why."""
    return [
        f"Not asked: {name_of(entry['what'])}, because {_reason(entry['why'])}."
        for entry in document.get("not_asked") or ()
    ]


def _reason(text: str) -> str:
    return str(text).partition("; ")[0]


def general_sentence(document: Mapping[str, Any]) -> str:
    """Say what general ability's verdict rests on."""
    pools = [pool for pool in document.get("pools", ()) if pool["group"] != DOMAIN]
    if not pools:
        return "No general task took part in the verdict."
    forgot, undecided = deciding_tasks(document, FORGOT), deciding_tasks(document, UNDECIDED)
    parts = [pool_sentence(pool) for pool in pools]
    if forgot:
        parts.insert(0, f"{_tasks(forgot)} forgot: {listed(forgot)}.")
    if broken := deciding_tasks(document, BROKEN):
        parts.append(
            f"Looks broken rather than forgotten, so left out of the mean: {listed(broken)}."
        )
    if undecided:
        parts.append(f"Undecided by themselves: {listed(undecided)}.")
    uninformative = deciding_tasks(document, UNINFORMATIVE)
    if uninformative:
        parts.append(f"At chance from the start, so without weight: {listed(uninformative)}.")
    return " ".join(parts)


def pool_sentence(pool: Mapping[str, Any]) -> str:
    """Say what a suite's pooled change is."""
    if pool["delta"] is None:
        return (
            f"{name_of(pool['group']).capitalize()}: {pool['note'] or 'nothing could be pooled'}."
        )
    subject = (
        f"The mean of {pool['tasks']} tasks that count"
        if pool["tasks"] != 1
        else "The one task that counts"
    )
    interval = "" if pool["ci"] is None else f" {interval_text(pool['ci'], 100)}"
    sentence = (
        f"{subject} ({pool['n']:,} items) changed by {signed(100 * pool['delta'])} points{interval}"
    )
    if pool["group"] == DOMAIN:
        return f"{sentence}."
    return f"{sentence}; a loss of up to {100 * pool['margin']:g} is accepted."


def domain_sentence(document: Mapping[str, Any]) -> str:
    """Say what the domain's verdict rests on."""
    pool = next((pool for pool in document.get("pools", ()) if pool["group"] == DOMAIN), None)
    if pool is None:
        why = _left_out(document, DOMAIN)
        return f"Not asked: {why}." if why else "No domain task took part in the verdict."
    return pool_sentence(pool)


def overfitting_sentence(document: Mapping[str, Any]) -> str:
    """Say what the verdict on overfitting rests on."""
    signals = (document.get("overfitting") or {}).get("signals") or ()
    why = _left_out(document, DOMAIN) or _left_out(document, "losses and overfitting")
    if why:
        return f"Not measured: {why}."
    verdict = overfitting_verdict(document)
    chosen = [signal for signal in signals if signal["decides"] and signal["verdict"] == verdict]
    if not chosen:
        return "It was not measured." if not signals else "The signals do not decide it."
    text = str(chosen[0]["text"])
    return f"{text[:1].upper()}{text[1:]}."


def overfitting_verdict(document: Mapping[str, Any]) -> str:
    """Return the verdict on overfitting; undecided where there is none."""
    return str((document.get("overfitting") or {}).get("verdict") or UNDECIDED)


def listed(names: Sequence[str]) -> str:
    """Join names, and count those that would be too many.

    Example:
        >>> listed(["a", "b"]), listed(list("abcdefgh"))
        ('a, b', 'a, b, c, d, e, f and 2 more')
    """
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"


def _left_out(document: Mapping[str, Any], what: str) -> str:
    """Return why something was not asked; empty where it was."""
    found = (entry["why"] for entry in document.get("not_asked") or () if entry["what"] == what)
    return next(found, "")


def _tasks(names: Sequence[str]) -> str:
    return "One task" if len(names) == 1 else f"{len(names)} tasks"


def deciding_tasks(document: Mapping[str, Any], verdict: str) -> list[str]:
    """Return the names of general tasks with a verdict that counts."""
    return [
        name_of(task["task"])
        for task in document.get("tasks", ())
        if task["verdict"] == verdict and task.get("decides", True) and task["group"] != DOMAIN
    ]
