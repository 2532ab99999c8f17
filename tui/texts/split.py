"""A split as text: its parts, how it was made, what was left out, and its certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ..widgets.charts import bar
from .marks import BAD, GOOD, ORANGE, PURPLE, SKY, WARNING, counted, marks, percent, plain, styled

PARTS = ("train", "val", "test")
OUT_OF_DOMAIN = "ood"
_PART_STYLES = {"train": SKY, "val": ORANGE, "test": GOOD, OUT_OF_DOMAIN: PURPLE}
_BAR = 34
_VALUES_SHOWN = 5
_ACROSS = (
    ("exact_across", "exact duplicates across parts"),
    ("normalised_across", "equal but for case and marks"),
    ("near_across", "near-duplicates across parts"),
    ("prompt_across", "prompts across parts"),
    ("group_across", "groups across parts"),
)


def split_name(content: Mapping[str, Any]) -> str:
    """Return what tells a split from its siblings: its fold, or the value that was left out."""
    if found := content.get("fold"):
        return f"fold {found['number']} of {found['of']}"
    if found := content.get("leave_out"):
        return f"{found['column']}={found['value']}"
    return f"seed {content.get('seed')}"


def parts_text(content: Mapping[str, Any], width: int = _BAR) -> Text:
    """Return a bar for each part, how it was stratified, and what is in no part."""
    counts = content.get("counts") or {}
    total = sum(counts.values()) or 1
    text = Text()
    for part in (*PARTS, OUT_OF_DOMAIN):
        if part not in counts and part == OUT_OF_DOMAIN:
            continue
        number = counts.get(part, 0)
        text.append(f"{part:<6}", style="bold").append(f"{percent(number / total):>5} ")
        text.append(bar(number / total, width), style=_PART_STYLES[part]).append(f" {number:,}\n")
    for line in (*_ways(content), *_left_out(content), *_balance(content)):
        text.append_text(line).append("\n")
    if content.get("seed") is not None:
        text.append_text(plain(f"seed {content['seed']}", "dim"))
        if components := content.get("components"):
            together = int(components.get("of_several_rows") or 0)
            if together:
                text.append(f"  {counted(together, 'group')} of rows stay together", "dim")
    return text


def _balance(content: Mapping[str, Any]) -> list[Text]:
    stratification = content.get("stratification") or {}
    if not stratification.get("column"):
        return []
    text = Text("stratified by ").append_text(plain(stratification["column"], "bold"))
    drift = stratification.get("max_drift")
    if drift is not None:
        text.append(f"  largest drift {100 * drift:.1f} points")
    return [text]


def _ways(content: Mapping[str, Any]) -> list[Text]:
    """Say by what the test part was chosen, where it was not by the ratios alone."""
    lines = []
    if content.get("fold") or content.get("leave_out"):
        lines.append(Text("the test is ").append_text(plain(split_name(content), "bold")))
    if found := content.get("by_time"):
        borders = ", ".join(f"{part} from {begin}" for part, begin in found["from"].items())
        lines.append(Text("by ").append_text(plain(f"{found['column']}: {borders}")))
    if found := content.get("out_of_domain"):
        values = [str(value) for value in found["values"]]
        more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
        shown = f"{found['column']} = {', '.join(values[:_VALUES_SHOWN])}{more}"
        lines.append(Text("out of domain (ood): ").append_text(plain(shown, PURPLE)))
    if found := content.get("against"):
        lines.append(
            Text(
                f"against the earlier split: {found['old']:,} rows stayed, {found['joined']:,} "
                f"joined theirs, {found['new']:,} filled up"
            )
        )
    return lines


def _left_out(content: Mapping[str, Any]) -> list[Text]:
    lines = []
    left = content.get("left_out") or {}
    if left.get("rows"):
        by = ", ".join(f"{name} {rows:,}" for name, rows in (left.get("by") or {}).items())
        text = styled(f"{marks().severity[1]} {counted(left['rows'], 'row')} in no part", WARNING)
        lines.append(text.append_text(plain(f" ({by})")))
    if content.get("set_aside"):
        lines.append(styled(f"{counted(content['set_aside'], 'row')} could not be read", WARNING))
    return lines


def certificate_text(certificate: Mapping[str, Any]) -> Text:
    """Return what a fresh search of the written files found across the parts."""
    text = Text()
    for key, title in _ACROSS:
        number = certificate.get(key)
        if number is None:
            continue
        sign, style = (marks().good, GOOD) if number == 0 else (marks().bad, BAD)
        text.append(f"{sign} ", style=style).append(f"{number:>6,} {title}\n")
    if "threshold" in certificate:
        near = plain(f"near: Jaccard from {certificate['threshold']}", "dim")
        text.append_text(near).append("\n")
    if certificate.get("method"):
        text.append_text(_flowing(f"searched by {certificate['method']}"))
    for note in certificate.get("not_searched") or ():
        text.append("\n").append_text(_flowing(f"not seen: {note}"))
    return text


def labels_text(labels: Sequence[Mapping[str, Any]], title: str = "label") -> Text:
    """Return the share of every label in each part, in percent."""
    name = plain(title, "dim")
    name.truncate(23, overflow="ellipsis")
    name.pad_right(24 - name.cell_len)
    text = Text().append_text(name).append("".join(f"{part:>8}" for part in PARTS), style="dim")
    for label in labels:
        value = plain(str(label["value"]))
        value.truncate(23, overflow="ellipsis")
        value.pad_right(24 - value.cell_len)
        text.append("\n").append_text(value)
        for part in PARTS:
            share = label.get(part)
            text.append(f"{100 * share:>8.1f}" if share is not None else f"{marks().dash:>8}")
    return text


def preview_text(document: Mapping[str, Any]) -> Text:
    """Return what ``tunewise split --preview`` tells: every split that would be made."""
    text = Text()
    for number, content in enumerate(document["splits"]):
        text.append("\n\n" if number else "")
        if len(document["splits"]) > 1:
            text.append_text(plain(split_name(content), "bold")).append("\n")
        text.append_text(parts_text(content, width=18))
        for note in content.get("notes") or ():
            text.append("\n").append_text(_flowing(f"note: {note}", WARNING))
        if number == 0 and content.get("by_label"):
            text.append("\n\n").append_text(labels_text(content["by_label"]))
    text.append("\n\nThe certificate comes with the files: ", style="dim")
    text.append("they are searched for leaks once they are written.", style="dim")
    return text


def _flowing(text: str, style: str = "dim") -> Text:
    line = plain(text, style)
    line.no_wrap = False
    return line
