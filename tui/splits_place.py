"""Place 4, Splits: the newest split's parts, balance and certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from .charts import bar
from .marks import BAD, GOOD, ORANGE, SKY, marks, percent, plain, styled
from .place import Place
from .snapshot import Snapshot

PARTS = ("train", "val", "test")
_PART_STYLES = {"train": SKY, "val": ORANGE, "test": GOOD}
_BAR = 34


class SplitsPlace(Place):
    """The newest split as it was written, and the proof that nothing leaks."""

    name_in_rail = "Splits"
    help_text: ClassVar[str] = (
        "The newest split: how many rows each part has, how evenly the labels fell,\n"
        "and the certificate from a fresh search of the written files.\n"
        "Make one with: tunewise split latest"
    )

    def compose(self) -> ComposeResult:
        """Yield the panels."""
        with VerticalScroll(classes="panels"):
            yield Static(id="split-parts", classes="panel")
            yield Static(id="split-certificate", classes="panel")
            yield Static(id="split-labels", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        for name in ("parts", "certificate", "labels"):
            self._panel(name).border_title = name.capitalize()
        super().on_mount()

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest split."""
        document = snapshot.split
        for name in ("certificate", "labels"):
            self._panel(name).display = document is not None
        if document is None:
            empty = styled("No split yet. ", "bold")
            self._panel("parts").update(empty.append("Run: tunewise split latest", style="dim"))
            return
        content = document.content
        parts = parts_text(content)
        parts.append("\n").append_text(plain(self.shown_path(document.folder), "dim"))
        self._panel("parts").update(parts)
        self._panel("certificate").update(certificate_text(content.get("certificate") or {}))
        labels = content.get("by_label") or []
        self._panel("labels").display = bool(labels)
        self._panel("labels").update(labels_text(labels))

    def main_widget(self) -> Widget:
        """Return the scrolling panels."""
        return self.query_one(VerticalScroll)

    def command(self) -> list[str]:
        """Return the command that makes a split."""
        return ["split", "latest"]

    def _panel(self, name: str) -> Static:
        return self.query_one(f"#split-{name}", Static)


def parts_text(content: Mapping[str, Any]) -> Text:
    """Return a bar for each part, and how it was stratified."""
    counts = content.get("counts") or {}
    total = sum(counts.get(part, 0) for part in PARTS) or 1
    text = Text()
    for part in PARTS:
        number = counts.get(part, 0)
        text.append(f"{part:<6}", style="bold").append(f"{percent(number / total):>5} ")
        text.append(bar(number / total, _BAR), style=_PART_STYLES[part]).append(f" {number:,}\n")
    stratification = content.get("stratification") or {}
    if stratification.get("column"):
        text.append("stratified by ").append_text(plain(stratification["column"], "bold"))
        drift = stratification.get("max_drift")
        if drift is not None:
            text.append(f"  largest drift {100 * drift:.1f} points")
        text.append("\n")
    if content.get("seed") is not None:
        text.append_text(plain(f"seed {content['seed']}", "dim"))
    return text


def certificate_text(certificate: Mapping[str, Any]) -> Text:
    """Return what a fresh search of the written files found across the parts."""
    text = Text()
    for key, title in (
        ("exact_across", "exact duplicates across parts"),
        ("near_across", "near-duplicates across parts"),
        ("group_across", "groups across parts"),
    ):
        number = certificate.get(key)
        if number is None:
            continue
        sign, style = (marks().good, GOOD) if number == 0 else (marks().bad, BAD)
        text.append(f"{sign} ", style=style).append(f"{number:>6,} {title}\n")
    facts = [
        f"{name} {certificate[name]}" for name in ("threshold", "method") if name in certificate
    ]
    return text.append_text(plain(", ".join(facts), "dim"))


def labels_text(labels: list[Mapping[str, Any]]) -> Text:
    """Return the share of every label in each part, in percent."""
    text = styled(f"{'label':<24}" + "".join(f"{part:>8}" for part in PARTS), "dim")
    for label in labels:
        value = plain(str(label["value"]))
        value.truncate(23, overflow="ellipsis")
        value.pad_right(24 - value.cell_len)
        text.append("\n").append_text(value)
        for part in PARTS:
            share = label.get(part)
            text.append(f"{100 * share:>8.1f}" if share is not None else f"{marks().dash:>8}")
    return text
