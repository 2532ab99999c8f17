"""Text for a terminal: glyphs, numbers, bars and tables; all data made safe here."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

import click

from ..workspace.encodable import ASCII, encodable
from ..workspace.safe_text import safe_text

_GLYPHS = {"high": ("✖", "x"), "medium": ("▲", "^"), "low": ("●", "o"), "info": ("○", ".")}
_COLOURS = {"high": "red", "medium": "yellow", "low": "blue", "info": "white"}
_FULL, _ASCII_FULL = "█", "#"
_PARTIAL = " ▏▎▍▌▋▊▉"
_WIDEST_PLOT = 100


def printable(text: str) -> str:
    """Return a text as the terminal can show it: stand-ins for signs that it does not have."""
    return encodable(text, _encoding())


def ascii_only() -> bool:
    """Tell whether our signs must do without Unicode: the terminal lacks it, or the user says so.

    The user says so by ``TUNEWISE_ASCII=1``.
    """
    signs = _FULL + _PARTIAL + "".join(sign for sign, _ in _GLYPHS.values())
    return printable(signs) != signs


def _encoding() -> str:
    if os.environ.get("TUNEWISE_ASCII", "") not in ("", "0"):
        return ASCII
    # What holds text in memory has no encoding and takes everything.
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def plot_width() -> int:
    """Return the columns for a plot: those of the terminal, as far as they are of use."""
    return min(_WIDEST_PLOT, shutil.get_terminal_size((_WIDEST_PLOT, 24)).columns)


def glyph(severity: str) -> str:
    """Return a severity as sign and word, so that nothing hangs on colour.

    Example:
        >>> click.unstyle(glyph("high"))
        '✖ high'
    """
    sign = _GLYPHS[severity][1 if ascii_only() else 0]
    text = f"{sign} {severity}"
    if "NO_COLOR" in os.environ:
        return text
    return click.style(text, fg=_COLOURS[severity])


def count(number: int, noun: str) -> str:
    """Return a number with its noun in the right form.

    Example:
        >>> count(1, "row"), count(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def percent(share: float | None) -> str:
    """Return a share as percent; a dash where there is none. Never rounds to 0 or 100 what is not.

    Example:
        >>> percent(0.999999), percent(0.5), percent(None)
        ('99.9 %', '50.0 %', '–')
    """
    if share is None:
        return "–"
    value = 100 * share
    if 0 < value < 0.1:
        return "<0.1 %"
    if 99.9 < value < 100:
        return "99.9 %"
    return f"{value:.1f} %"


def bar(share: float, width: int) -> str:
    """Return a share as a bar of a fixed width.

    Example:
        >>> bar(0.5, 4)
        '██  '
    """
    share = min(1.0, max(0.0, share))
    if ascii_only():
        return (_ASCII_FULL * round(share * width)).ljust(width)
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    return (_FULL * full + (_PARTIAL[rest] if rest else "")).ljust(width)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> list[str]:
    """Lay cells out in columns, made safe and without trailing spaces.

    Args:
        header: titles of the columns.
        rows: cells; may hold colour codes made by :func:`glyph`.
        right: positions of the columns that are set flush right.
    """
    shown = [[_safe_cell(cell) for cell in row] for row in [list(header), *rows]]
    widths = [
        max(len(click.unstyle(row[column])) for row in shown) for column in range(len(header))
    ]
    lines = []
    for row in shown:
        cells = []
        for column, cell in enumerate(row):
            padding = " " * (widths[column] - len(click.unstyle(cell)))
            cells.append(padding + cell if column in right else cell + padding)
        lines.append("  ".join(cells).rstrip())
    return lines


def _safe_cell(cell: str) -> str:
    """Keep the colour codes of severities; those that data bring are made visible."""
    return cell if cell in map(glyph, _GLYPHS) else safe_text(cell)
