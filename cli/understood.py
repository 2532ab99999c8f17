"""How a dataset was read: its shape, why, and its first rows as they were understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..workspace.safe_text import safe_text
from .format import count, plot_width

_SHOWN_OF_A_ROW = 3
_ROLE_WIDTH = 10


def understood_lines(dataset: Mapping[str, Any]) -> list[str]:
    """Return lines for a terminal, each of them no wider than it.

    Args:
        dataset: of an audit's document; without examples where an older tunewise wrote it.
    """
    detection = dataset["detection"]
    lines = [f"read as {detection['shape']}: {safe_text(detection['reason'])}"]
    for example in dataset.get("examples", ()):
        said = list(_said(example))
        # The beginning tells the question, the end tells the answers.
        hidden = len(said) - _SHOWN_OF_A_ROW + example.get("left_out", 0)
        shown = said if len(said) <= _SHOWN_OF_A_ROW else [said[0], *said[1 - _SHOWN_OF_A_ROW :]]
        if hidden > 0:
            shown.insert(1, ("…", count(hidden, "more message")))
        margin = f"  row {example['row']}  "
        for role, text in shown:
            lines.append(_cut(f"{margin}{safe_text(role):<{_ROLE_WIDTH}} {safe_text(text)}"))
            margin = " " * len(margin)
    return lines


def _said(example: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield who says what in a row, and its label."""
    for part in ("messages", "chosen", "rejected"):
        for message in example.get(part, ()):
            speaker = message.get("role") or "?"
            text = message.get("content")
            text = text if text is not None else f"calls {message.get('tool_calls', 'nothing')}"
            yield speaker if part == "messages" else part, text
    if "label" in example:
        yield "label", example["label"]


def _cut(line: str) -> str:
    width = plot_width()
    return line if len(line) <= width else line[: width - 1] + "…"
