"""What a run would do, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..workspace.safe_text import safe_text
from .format import count, percent

_GIGABYTE = 1e9
_PARTS = ("weights", "gradients", "optimizer", "activations", "logits")


def preflight_text(document: Mapping[str, Any], refusals: list[str]) -> str:
    """Return the summary of `train --dry-run`.

    Args:
        document: as :func:`~tunewise.train.run.preflight` returns it.
        refusals: lines on the rows that are not used.
    """
    rows, schedule, recipe = document["rows"], document["schedule"], document["recipe"]
    lines = [
        "nothing was trained; this would be done:",
        f"  model     {safe_text(document['model'])}, {recipe['method']}, {document['dtype']} on "
        f"{document['device']}",
        *(
            f"  {part:8}  {count(facts['used'], 'row')} of {facts['rows']:,}, "
            f"{facts['supervised']:,} of {facts['tokens']:,} tokens learned, "
            f"{facts['truncated']:,} cut off ({count(facts['lost_supervised'], 'token')} to learn "
            f"lost), {facts['refused']:,} refused"
            for part, facts in rows.items()
        ),
        f"  steps     {schedule['steps']:,} ({schedule['steps_per_epoch']:,} an epoch, "
        f"{recipe['epochs']:g} epochs, {schedule['warmup_steps']:,} of warm-up), validating every "
        f"{schedule['eval_every']:,}",
        f"  tokens    {document['tokens']['run']:,}, of which "
        f"{document['tokens']['supervised']:,} are learned "
        f"({percent(document['supervised_share'])})",
        *_template_lines(document),
        *_memory_lines(document["memory"]),
        *_time_lines(document),
        *(f"  {safe_text(example)}" for example in document["examples"]),
        *refusals,
        *(f"warning: {safe_text(text)}" for text in document["warnings"]),
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Write a time in the unit that a person would take.

    Example:
        >>> duration(42), duration(600), duration(9000)
        ('42 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _template_lines(document: Mapping[str, Any]) -> list[str]:
    template, end = document["template"], document["end_token"]
    if not template:
        return ["  template  none: plain texts"]
    return [
        f"  template  {template['origin']}, {template['sha256'][:12]}; {end['rows']:,} of "
        f"{count(end['of'], 'row')} teach the end token {safe_text(end['token'])}"
    ]


def _memory_lines(memory: Mapping[str, Any]) -> list[str]:
    estimate = memory["estimate"]
    if estimate is None:
        return [f"  memory    unknown: {safe_text(memory['reason'])}"]
    sizes = {part: gigabytes(estimate[part]) for part in _PARTS}
    sizes["libraries"] = gigabytes(memory["libraries"] or 0)
    parts = ", ".join(f"{part} {size}" for part, size in sizes.items() if size != "0.0")
    free = memory["available"]
    room = "" if free is None else f"; {gigabytes(free)} GB are free"
    return [
        f"  memory    about {gigabytes(memory['total'])} GB ({parts}){room}; "
        f"{estimate['trainable']:,} of {estimate['parameters']:,} weights learn"
    ]


def gigabytes(size: float) -> str:
    """Write bytes in GB with one digit, or two where there is little."""
    number = size / _GIGABYTE
    return f"{number:.1f}" if number >= 1 or number < 0.005 else f"{number:.2f}"


def _time_lines(document: Mapping[str, Any]) -> list[str]:
    time, cost = document["time"], document["cost"]
    if time is None:
        return ["  time      not measured (leave out --no-warm-up)"]
    lines = [
        f"  time      {duration(time['seconds'])} ({duration(time['low'])} to "
        f"{duration(time['high'])}, 95 %), of which {duration(time['validating'])} to validate; "
        f"{time['a_step']:.2f} s a step, from {time['measured_steps']} measured"
    ]
    if cost is not None:
        lines.append(
            f"  cost      {cost['amount']:,.2f} ({cost['low']:,.2f} to {cost['high']:,.2f}) at "
            f"{cost['per_hour']:,g} an hour"
        )
    return lines
