"""A cleaning, its preview, its verification and its journal as text for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..workspace.safe_text import safe_text
from .format import count, percent, table

if TYPE_CHECKING:
    from ..curate.cleaning.journal import Decision, Journal

_EXAMPLES_SHOWN = 5
_SHARES_SHOWN = 10
_NARROWEST, _WIDEST = 60, 100
_NAME = 40
_INDENT = "    "


def sentence(decision: Decision) -> str:
    """Say what a decision does."""
    from ..curate.cleaning.journal import DROP, EDIT, RELABEL

    rows = decision.rows or ()
    named = f"row {rows[0]:,}" if len(rows) == 1 else count(len(rows), "row")
    if decision.action in (EDIT, DROP):
        return f"{decision.action} {named}"
    if decision.action == RELABEL:
        return f"relabel {named} as {safe_text(str(decision.parameters['label']))!r}"
    parts = [decision.action, safe_text(decision.check)]
    for name, text in (("action", "by {}"), ("keep", "keeping the {}")):
        if name in decision.parameters:
            parts.append(text.format(safe_text(str(decision.parameters[name]))))
    if decision.rows is not None:
        parts.append(f"for {named}")
    return " ".join(parts)


def summary(document: Mapping[str, Any]) -> str:
    """Return a cleaning as text."""
    lines = _facts(document)
    examples = _examples(document["examples"][:_EXAMPLES_SHOWN])
    output = [f"written: {safe_text(document['output'])}"] if document.get("output") else []
    return "\n".join(
        [
            *lines,
            *(["", "the least sure first:", *examples] if examples else []),
            "",
            f"clean {document['id']}: {document['artifact']}",
            *output,
            "next: tunewise split latest",
        ]
    )


def preview_text(document: Mapping[str, Any]) -> str:
    """Return a preview as text: what would go and change, the least sure rows first."""
    examples = _examples(document["examples"])
    shown = [f"{count(len(document['examples']), 'example')}, the least sure first:"]
    return "\n".join(
        [
            "nothing was written; this would come of it:",
            *([*shown, *examples, ""] if examples else []),
            *_facts(document),
        ]
    )


def verification_text(document: Mapping[str, Any]) -> str:
    """Return what was compared, and the first differences."""
    lines = [f"clean {document['id']}: {document['artifact']}", "", "compared"]
    lines += [
        "  " + line
        for line in table(
            ["what", "amount"],
            [[item["what"], item["amount"]] for item in document["compared"]],
            right=(1,),
        )
    ]
    if document["equal"]:
        return "\n".join([*lines, "", "equal: source and journal give what was written"])
    lines += ["", "NOT equal; the first differences:"]
    for item in document["differences"]:
        lines.append(f"  {safe_text(item['file'])} {safe_text(item['place'])}".rstrip())
        lines += _wrapped("now   ", item["expected"])
        lines += _wrapped("found ", item["found"])
    return "\n".join(lines)


def journal_text(journal: Journal, document: Mapping[str, Any]) -> str:
    """Return the journal of decisions, the oldest first."""
    if not journal.entries and not journal.damaged:
        return "nothing was decided yet"
    by_id = {entry.id: entry for entry in journal.entries}
    lines: list[str] = []
    for entry, told in zip(journal.entries, document["decisions"], strict=True):
        undone = by_id.get(entry.undoes or "")
        what = f"{entry.action}: {sentence(undone)}" if undone else sentence(entry)
        state = f"  ({told['state']})" if told["state"] else ""
        lines.append(f"{entry.id}  {_moment(entry.time)}  {safe_text(entry.who)}")
        lines.append(f"{_INDENT}{what}{state}")
        if entry.reason:
            lines += _wrapped("", f"“{entry.reason}”")
    lines += [f"line {line.line} cannot be read and does not count" for line in journal.damaged]
    states = [told["state"] for told in document["decisions"]]
    made = count(sum(state != "" for state in states), "decision")
    lines += ["", f"{made}, {states.count('holds'):,} in force; --undo-decision ID takes one back"]
    return "\n".join(lines)


def _moment(time: str) -> str:
    return safe_text(time)[:19].replace("T", " ")


def _width() -> int:
    columns = shutil.get_terminal_size((80, 24)).columns
    return min(_WIDEST, max(_NARROWEST, columns))


def _facts(document: Mapping[str, Any]) -> list[str]:
    counts, quality = document["counts"], document["quality"]
    lines = [
        f"{count(counts['input'], 'row')} = {counts['kept']:,} kept "
        f"+ {counts['removed']:,} removed + {counts['set_aside']:,} set aside; "
        f"{counts['changed']:,} changed",
        f"clean share {percent(quality['before'])} → {percent(quality['after'])}",
    ]
    if document["by_check"]:
        rows = [
            [item["check"], item["action"], f"{item['rows']:,}"] for item in document["by_check"]
        ]
        lines += ["", *table(["check", "action", "rows"], rows, right=(2,))]
    for column in ("label", "source"):
        lines += _shares(column, document[f"by_{column}"])
    if document.get("missed"):
        lines += [
            "",
            f"{count(document['missed'], 'mask or repair')} cannot be made; they stay open",
        ]
    if document["refusals"]:
        lines += ["", "needs --yes, for this would remove too much:"]
        lines += [f"  {safe_text(text)}" for text in document["refusals"][:_SHARES_SHOWN]]
        if (more := len(document["refusals"]) - _SHARES_SHOWN) > 0:
            lines.append(f"  … {more:,} more")
    return lines


def _shares(column: str, parts: Sequence[Mapping[str, Any]]) -> list[str]:
    touched = [part for part in parts if part["removed"]]
    if not touched:
        return []
    rows = [
        [_cut(safe_text(part["value"]), _NAME), f"{part['removed']:,}", f"{part['records']:,}",
         percent(part["share"])]
        for part in touched[:_SHARES_SHOWN]
    ]  # fmt: skip
    lines = ["", *table([column, "removed", "of", "share"], rows, right=(1, 2, 3))]
    if len(touched) > _SHARES_SHOWN:
        lines.append(f"… {count(len(touched) - _SHARES_SHOWN, f'more {column}')}")
    return lines


def _examples(examples: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for example in examples:
        score = f"  score {example['score']:.2f}" if example.get("score") is not None else ""
        lines.append("")
        lines.append(f"row {example['row']:,}  {example['check']}  {example['action']}{score}")
        lines += _wrapped("", example.get("reason") or "")
        field = example["field"]
        lines.append(_evidence(f"{safe_text(field)}: " if field else "", example["evidence"]))
        if example["related_evidence"]:
            label = f"row {example['related_row']:,}: "
            lines.append(_evidence(label, example["related_evidence"]))
        if example["becomes"]:
            lines.append(_evidence("→ ", example["becomes"]))
    return lines


def _evidence(label: str, evidence: Mapping[str, str]) -> str:
    """Show the evidence with what stands around it, in one line of the terminal."""
    before, hit, after = (safe_text(evidence[name]) for name in ("before", "hit", "after"))
    room = _width() - len(_INDENT) - len(label) - 4
    hit = _cut(hit, room)
    if not before and not after:
        return f"{_INDENT}{label}“{hit}”"
    rest = max(0, room - len(hit))
    left = min(len(before), max(rest // 2, rest - len(after)))
    before = before[len(before) - left :]
    after = after[: rest - left]
    marked = click.style(hit, underline=True)
    return f"{_INDENT}{label}“{before}[{marked}]{after}”"


def _wrapped(label: str, text: str) -> list[str]:
    """Break a text into lines of the terminal, after a label."""
    width = _width() - len(_INDENT) - len(label)
    words = safe_text(text)
    first = _INDENT + label
    other = _INDENT + " " * len(label)
    lines: list[str] = []
    while words:
        cut = len(words) if len(words) <= width else words.rfind(" ", 0, width + 1)
        cut = cut if cut > 0 else width
        lines.append((other if lines else first) + words[:cut])
        words = words[cut:].lstrip()
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(1, width - 1)] + "…"
