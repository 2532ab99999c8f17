"""What a report tells about benchmark items among the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..verdicts.exposed_scores import ALL
from ..verdicts.judgement import LOSS
from .wording import NOT_TOLD, interval_text, score_text, signed

NOT_AVAILABLE = "Not available: the training rows were not searched for benchmark items."
_PARTS = {"train": "training rows", "replay": "general rows that were mixed in"}
_NAMES = {ALL: "all items"}
_MOST_TASKS = 100


def contamination_sentences(found: Mapping[str, Any] | None) -> list[str]:
    """Say what was searched, and how many items stand in it.

    Args:
        found: ``contamination`` of ``evaluate.json``; None where it has none.
    """
    if not found:
        return [NOT_AVAILABLE]
    rows = " and ".join(f"{count:,} {_PARTS.get(part, part)}" for part, count in
                        found["rows"].items())  # fmt: skip
    checkable = found["clean"] + found["contaminated"]
    sentences = [
        f"{found['contaminated']:,} of the {checkable:,} benchmark items that can be checked stand "
        f"in the {rows}, word for word or edited."
    ]
    if found["uncheckable"]:
        sentences.append(
            f"{found['uncheckable']:,} items are uncheckable: they have too few words to be told "
            "from a common phrase."
        )
    if found["contaminated"]:
        sentences.append(
            "Compare models by the score on clean items: a model that has seen an item answers it "
            "from memory. The verdicts are about all items."
        )
    sentences += [f"Not searched: {problem}." for problem in found.get("not_searched") or ()]
    return sentences


def contamination_rows(found: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the scores of the tasks with contaminated items, by status, as texts.

    Returns:
        ``task``, ``items``, ``n``, ``base``, ``tuned`` and ``change``, each score with its 95 %
        interval.
    """
    tasks = [task for task in (found or {}).get("tasks") or () if task["contaminated"]]
    return [
        {
            "task": str(task["task"]),
            "items": _NAMES.get(line["items"], str(line["items"])),
            "n": f"{line['n']:,}",
            "base": _score(task["kind"], line["base"], line["base_ci"]),
            "tuned": _score(task["kind"], line["tuned"], line["tuned_ci"]),
            "change": _change(task["kind"], line["delta"], line["ci"]),
        }
        for task in tasks[:_MOST_TASKS]
        for line in task["scores"]
    ]


def _score(kind: str, value: float | None, ci: Sequence[float] | None) -> str:
    text = score_text(kind, value)
    if ci is None:
        return text
    low, high = (f"{end:.3f}" if kind == LOSS else f"{100 * end:.1f}" for end in ci)
    return f"{text} [{low}, {high}]"


def _change(kind: str, delta: float | None, ci: Sequence[float] | None) -> str:
    if delta is None:
        return NOT_TOLD
    scale, digits = (1.0, 3) if kind == LOSS else (100.0, 1)
    text = signed(scale * delta, digits)
    return text if ci is None else f"{text} {interval_text((ci[0], ci[1]), scale, digits)}"
