"""How things look: signs, colours and numbers; every sign has an ASCII stand-in."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rich.text import Text

from ...curate.finding import SEVERITY_ORDER, Severity
from ...evaluate.reporting.wording import glyph
from ...evaluate.verdicts.judgement import (
    BROKEN,
    FORGOT,
    HELD,
    IMPROVED,
    NOT_IMPROVED,
    UNDECIDED,
    UNINFORMATIVE,
    WORSE,
)
from ...workspace.encodable import ASCII as ASCII_ENCODING
from ...workspace.encodable import encodable
from ...workspace.safe_text import safe_text

# Okabe and Ito's palette: told apart by people who see colours differently.
VERMILLION, ORANGE, SKY, GREEN, PURPLE = "#D55E00", "#E69F00", "#56B4E9", "#009E73", "#CC79A7"
GOOD, BAD, WARNING, NEUTRAL = GREEN, VERMILLION, ORANGE, "dim"

SEVERITY_STYLES = {
    Severity.HIGH: VERMILLION,
    Severity.MEDIUM: ORANGE,
    Severity.LOW: SKY,
    Severity.INFO: "dim",
}
VERDICT_STYLES = {
    NOT_IMPROVED: ORANGE,
    IMPROVED: GREEN,
    HELD: GREEN,
    FORGOT: VERMILLION,
    BROKEN: VERMILLION,
    WORSE: VERMILLION,
    UNDECIDED: ORANGE,
    UNINFORMATIVE: "dim",
    "none": GREEN,
    "overfit": VERMILLION,
    "not measured": "dim",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs that are drawn; one set for Unicode terminals, one for the rest."""

    severity: tuple[str, str, str, str]
    good: str
    bad: str
    running: str
    current: str
    arrow: str
    into: str
    ellipsis: str
    dash: str
    full: str
    partial: str
    columns: str
    rule: str
    axis: str
    dot: str
    keep: str
    down: str
    up: str
    marked: str


UNICODE = Marks(
    severity=("✖", "▲", "●", "○"),
    good="✔",
    bad="✖",
    running="▶",
    current="▌",
    arrow="→",
    into="›",
    ellipsis="…",
    dash="–",
    full="█",
    partial="▏▎▍▌▋▊▉",
    columns=" ▁▂▃▄▅▆▇█",
    rule="─",
    axis="│",
    dot="·",
    keep="◀",
    down="↓",
    up="↑",
    marked="◆",
)
ASCII = Marks(
    severity=("x", "^", "o", "."),
    good="+",
    bad="x",
    running=">",
    current=">",
    arrow="->",
    into=">",
    ellipsis="...",
    dash="-",
    full="#",
    partial="",
    columns=" ._-=+*%#",
    rule="-",
    axis="|",
    dot="-",
    keep="<",
    down="v",
    up="^",
    marked="*",
)


def ascii_only() -> bool:
    """Tell whether only ASCII may be drawn (``TUNEWISE_ASCII=1``)."""
    return os.environ.get("TUNEWISE_ASCII", "") not in ("", "0")


def marks() -> Marks:
    """Return the signs to draw with."""
    return ASCII if ascii_only() else UNICODE


def plain(text: object, style: str = "") -> Text:
    """Return text from data as one line that no terminal and no markup acts on."""
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    return line.append(safe_text(str(text)), style)


def styled(text: str, style: str) -> Text:
    """Return words of our own in a style that does not spread to what is appended."""
    return Text().append(text, style)


def severity_sign(severity: str) -> str:
    """Return the sign of a severity."""
    return marks().severity[SEVERITY_ORDER.index(Severity(severity))]


def severity_label(severity: str, *, short: bool = False) -> Text:
    """Return a severity as sign, word and colour, so that none of them is needed to tell."""
    word = {"medium": "MED"}.get(severity, severity.upper()) if short else severity.upper()
    return styled(f"{severity_sign(severity)} {word}", SEVERITY_STYLES[Severity(severity)])


def verdict_label(verdict: str) -> Text:
    """Return a verdict as sign, word and colour."""
    return plain(drawn(f"{glyph(verdict)} {verdict}"), VERDICT_STYLES.get(verdict, ""))


def drawn(text: str) -> str:
    """Return a text of a shared chart with signs that the terminal has."""
    return encodable(text, ASCII_ENCODING) if ascii_only() else text


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share as percent, never rounded to 0 or 100 where it is neither.

    Args:
        share: 0 to 1, or None where there is none.
        digits: digits after the point.

    Example:
        >>> percent(0.714), percent(0.0117, 1), percent(0.99999, 1), percent(0.0001)
        ('71 %', '1.2 %', '99.9 %', '<1 %')
    """
    if share is None:
        return marks().dash
    value, step = 100 * share, 10.0**-digits
    if 0 < value < step / 2:
        return f"<{step:.{digits}f} %"
    if 100 - step / 2 < value < 100:
        return f"{100 - step:.{digits}f} %"
    return f"{value:.{digits}f} %"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the right form.

    Example:
        >>> counted(1, "row"), counted(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float | None) -> str:
    """Return a span of time in two units at most.

    Example:
        >>> duration(48), duration(1550), duration(7260), duration(None)
        ('0:48', '25:50', '2 h 1 m', '?')
    """
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def size(number: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> size(812), size(812_000_000)
        ('812 B', '812 MB')
    """
    amount, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    digits = 1 if unit != "B" and amount < 10 else 0
    return f"{amount:.{digits}f} {unit}"
