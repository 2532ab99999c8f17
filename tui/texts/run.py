"""A training run as text: its numbers, what it learned from, its answers, and a run beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ...workspace.events import Sampled
from ..jobs.view import JobView
from .marks import (
    BAD,
    GOOD,
    ORANGE,
    SKY,
    WARNING,
    counted,
    duration,
    marks,
    percent,
    plain,
    size,
    styled,
)

_EXAMPLES_SHOWN = 3
_TEXT_CHARACTERS = 600
_ANSWER_CHARACTERS = 240


def facts_text(content: Mapping[str, Any]) -> Text:
    """Return a run's numbers: steps, tokens, time, best and final losses."""
    text = Text()
    for key in ("model", "method"):
        if content.get(key):
            text.append(f"{key} ", style="dim").append_text(
                plain(Path(str(content[key])).name, "bold")
            ).append("  ")
    numbers = [
        f"{content[key]:,} {title}"
        for key, title in (
            ("steps", "steps"),
            ("tokens", "tokens"),
            ("supervised_tokens", "of them learned from"),
        )
        if content.get(key) is not None
    ]
    if text.plain:
        text.append("\n")
    text.append(", ".join(numbers))
    if content.get("seconds") is not None:
        text.append(f", in {duration(content['seconds'])}")
    best, final = content.get("best") or {}, content.get("final") or {}
    if best.get("val_loss") is not None:
        text.append(f"\nbest val loss {best['val_loss']:.3f} at step {best.get('step')}", "bold")
    elif best:
        text.append("\nno validation", "bold")
    if final.get("train_loss") is not None:
        text.append(f"\nfinal train loss {final['train_loss']:.3f}")
        if final.get("val_loss") is not None:
            text.append(f", val loss {final['val_loss']:.3f}")
    losses = content.get("losses") or {}
    before = (losses.get("base") or {}).get("general")
    after = (losses.get("kept") or {}).get("general")
    if before is not None and after is not None:
        text.append("\n").append_text(probe_text(before, after))
    if content.get("over_budget") is not None:
        text.append(f"\nthe forgetting budget ended it, at {content['over_budget']:+.1%}", WARNING)
    elif content.get("stopped_early"):
        text.append("\nit was stopped early")
    return text


def probe_text(base: float, now: float) -> Text:
    """Return how the general probe's loss has changed; higher is worse."""
    change = now / base - 1 if base else 0.0
    worse = change > 0
    sign = marks().severity[1] if worse else marks().good
    text = styled("general probe  ", "dim").append(f"base {base:.3f}  now {now:.3f} ")
    return text.append(f"{sign} {change:+.1%}", style=WARNING if worse else GOOD)


def supervision_text(content: Mapping[str, Any]) -> Text:
    """Return what the run learned from: rows by fate, warnings, and a few rows as rendered."""
    text = Text()
    for part, rows in (content.get("rows") or {}).items():
        text.append_text(plain(part, "bold")).append(f"  {rows['used']:,} of {rows['rows']:,} rows")
        text.append(f", {rows['refused']:,} refused, {rows['truncated']:,} cut off\n", "dim")
    for warning in content.get("warnings") or ():
        text.append_text(_flowing(f"{marks().severity[1]} {warning}", WARNING)).append("\n")
    for example in (content.get("examples") or ())[:_EXAMPLES_SHOWN]:
        text.append("\n").append_text(_flowing(str(example)[:_TEXT_CHARACTERS])).append("\n")
    text.rstrip()
    return text if text.plain else styled("this run did not say", "dim")


def answers_text(answers: Iterable[Mapping[str, Any]]) -> Text:
    """Return for each fixed prompt what the base said and what the model says last.

    Args:
        answers: ``step, number, prompt, expected, output`` of each answer, in the order of steps.
    """
    by_number: dict[int, list[Mapping[str, Any]]] = {}
    for answer in answers:
        by_number.setdefault(int(answer["number"]), []).append(answer)
    text = Text()
    for found in by_number.values():
        first, last = found[0], found[-1]
        text.append("\n\n" if text.plain else "")
        text.append_text(_flowing(_end(str(first["prompt"])), "dim"))
        told = [(f"step {first['step']:,}", first["output"], "")]
        if last is not first:
            told.append((f"step {last['step']:,}", last["output"], "bold"))
        if first.get("expected"):
            told.append(("wanted", first["expected"], GOOD))
        for title, output, style in told:
            text.append(f"\n  {title:<10} ", style="dim")
            text.append_text(_flowing(str(output)[:_ANSWER_CHARACTERS] or "(nothing)", style))
    return text if text.plain else styled("no prompts were answered", "dim")


def sampled_text(answers: Sequence[Sampled]) -> Text:
    """Return the answers that a run in progress has told."""
    return answers_text(
        {"step": one.step, "number": one.number, "prompt": one.prompt,
         "expected": one.expected, "output": one.output}
        for one in answers
    )  # fmt: skip


def live_text(view: JobView, *, frozen: bool = False) -> Text:
    """Return the numbers of a run in progress: step, losses, speed, memory, probe.

    Args:
        view: the job.
        frozen: the person has stopped the view.
    """
    steps = view.measured
    text = Text()
    if not steps:
        task = view.latest.task if view.latest else "beginning"
        return plain(f"{task} {marks().ellipsis}", "dim")
    last = steps[-1]
    text.append("step ", style="dim").append(f"{last.step:,}/{last.total_steps:,}", style="bold")
    left = last.values.get("seconds_left", view.pace.seconds_left)
    if left is not None:
        text.append("   ETA ", style="dim").append(duration(left))
    text.append("\n").append_text(_losses(view))
    if speed := last.values.get("tokens_per_second"):
        text.append(f"\n{speed:,.0f} tok/s")
        if supervised := last.values.get("supervised_tokens_per_second"):
            text.append(f", {supervised:,.0f} learned", "dim")
    if memory := last.values.get("memory_bytes"):
        peak = max(step.values.get("memory_bytes", 0) for step in steps)
        text.append(f"\nmemory {size(int(memory))}   peak {size(int(peak))}")
    for name, title in (("learning_rate", "learning rate"), ("gradient_norm", "gradient norm")):
        if name in last.values:
            text.append(f"\n{title} ", style="dim").append(f"{last.values[name]:.3g}")
    probe = [step.values["general_loss"] for step in steps if "general_loss" in step.values]
    if probe:
        text.append("\n").append_text(probe_text(probe[0], probe[-1]))
    if frozen:
        text.append("\nfrozen: space goes on", style=ORANGE)
    return text


def _losses(view: JobView) -> Text:
    text = Text()
    for name, title, style in (("train_loss", "train", SKY), ("val_loss", "val", ORANGE)):
        values = [step.values[name] for step in view.measured if name in step.values]
        if values:
            text.append(f"{title} ", style="dim").append(f"{values[-1]:.3f}", style=style)
            if len(values) > 1:
                text.append(f" {marks().down if values[-1] <= values[-2] else marks().up}")
            text.append("   ")
    return text


def dry_text(document: Mapping[str, Any]) -> Text:
    """Return what ``tunewise train --dry-run`` tells: estimates, steps, rows, doubts, examples."""
    text = Text()
    text.append_text(_estimates(document))
    schedule = document.get("schedule") or {}
    if schedule:
        text.append(f"{schedule['steps']:,} steps", style="bold")
        text.append(f", {schedule.get('steps_per_epoch', 0):,} an epoch, ", "dim")
        text.append(f"validating every {schedule.get('eval_every', 0):,}\n", "dim")
    if document.get("supervised_share") is not None:
        text.append(f"{percent(document['supervised_share'])} of the tokens are learned\n")
    facts = (document.get("method"), document.get("dtype"), document.get("device"))
    text.append_text(plain("  ".join(str(fact) for fact in facts if fact), "dim")).append("\n")
    template = document.get("template")
    if template:
        told = f"template {template['origin']} {str(template['sha256'])[:12]}, answers end with "
        text.append_text(plain(f"{told}{template['end_token']}", "dim")).append("\n")
    for reason in document.get("refusals") or ():
        number = counted(int(reason["rows"]), "row")
        text.append_text(_flowing(f"{number} refused: {reason['reason']}", BAD)).append("\n")
    return text.append_text(supervision_text(document))


def _estimates(document: Mapping[str, Any]) -> Text:
    """Return what a run would take, however the command words it: bytes, seconds and money."""
    text = Text()
    for key in ("estimates", "estimate", "memory", "time", "cost"):
        found = document.get(key)
        if isinstance(found, Mapping):
            for line in _lines(key, found):
                text.append_text(line).append("\n")
        elif isinstance(found, int | float) and not isinstance(found, bool):
            text.append_text(_number(key, found)).append("\n")
    return text


def _lines(title: str, values: Mapping[str, Any]) -> list[Text]:
    lines = []
    for key, value in values.items():
        name = key if title in ("estimates", "estimate") else f"{title} {key}"
        if isinstance(value, Mapping):
            lines += _lines(name, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            lines.append(_number(name, value))
        elif isinstance(value, str) and value:
            lines.append(_flowing(f"{name.replace('_', ' ')}  {value}"))
    return lines


def _number(name: str, value: float) -> Text:
    words = name.split("_")
    title = " ".join(word for word in words if word not in ("bytes", "seconds"))
    text = plain(f"{title}  ", "dim")
    if "bytes" in words:
        return text.append(size(int(value)), style="bold")
    if "seconds" in name:
        return text.append(duration(value), style="bold")
    return text.append(f"{value:,.4g}", style="bold")


def _end(prompt: str) -> str:
    """Return the end of a prompt, where the question stands."""
    kept = _ANSWER_CHARACTERS
    return prompt if len(prompt) <= kept else f"{marks().ellipsis}{prompt[-kept:]}"


def _flowing(text: str, style: str = "") -> Text:
    line = plain(text, style)
    line.no_wrap = False
    return line
