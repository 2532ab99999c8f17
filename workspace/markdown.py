"""Markdown that is safe against what data may hold.

Whatever comes from data stands in code spans and code blocks, where neither HTML, links nor
mentions work, or loses its markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .safe_text import excerpt, name_of

_MOST_CHARACTERS = 2_000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKING = ("@", "#", "://", "www.")
_MARKUP = re.compile(r"://|www\.|[@#&<>\\`*_\[\]|~!]")


def text(value: object) -> str:
    r"""Return a sentence of our own that may name things from data, all markup taken away.

    What would become a mention, a reference or a link stands in a code span of its own.

    Example:
        >>> print(text("<b>@all</b> [x](y) | *z*"))
        &lt;b&gt;`@`all&lt;/b&gt; \[x\](y) \| \*z\*
    """
    safe = excerpt(value, _MOST_CHARACTERS, keep_line_breaks=False)
    return _MARKUP.sub(lambda found: _harmless(found[0]), safe)


def code(value: object) -> str:
    r"""Return a name or text from data as a code span that also fits in a table.

    Example:
        >>> print(code("a`b|c"))
        ``a`b\|c``
    """
    safe = name_of(value).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall("`+", safe)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if safe[0] == "`" or safe[-1] == "`" else ""
    return f"{fence}{edge}{safe}{edge}{fence}"


def block(lines: Iterable[str], language: str = "text") -> str:
    """Return lines as a code block whose fence is longer than any inside.

    Args:
        lines: what stands in it.
        language: for highlighting; one of ours, never from data.
    """
    inside = "\n".join(excerpt(line, _MOST_CHARACTERS) for line in lines)
    longest = max((len(run) for run in re.findall("`{3,}", inside)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{inside}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return a table; the cells are Markdown already.

    Args:
        head: titles of the columns.
        rows: cells.
        right: columns to align right.
    """
    aligned = set(right)
    rule = ["--:" if column in aligned else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _harmless(sign: str) -> str:
    if sign in _ENTITIES:
        return _ENTITIES[sign]
    return f"`{sign}`" if sign in _LINKING else f"\\{sign}"
