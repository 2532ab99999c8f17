"""`tunewise checks`: the list of checks, from the same data that runs them."""

from __future__ import annotations

import textwrap

import click

from .format import glyph, table
from .session import Session, command


@command(
    "checks",
    examples="""\
  tunewise checks
  tunewise checks duplicates/near        # what it measures, its evidence, its limits
  tunewise checks --markdown > checks.md
  tunewise checks --json
""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--markdown", is_flag=True, help="Print the whole list as a page.")
def checks(session: Session, names: tuple[str, ...], markdown: bool) -> None:
    """List every check with its severity, its fix and what can be tuned.

    NAME is a check, a dimension or a pattern such as `text/*`; a single check is told in full.
    Rules of `[[audit.rules]]` and checks of installed packages are among them.
    """
    from ..curate.auditing.check_catalogue import catalogue_page, describe_check
    from ..curate.checks.registry import choose_checks, known_checks

    chosen = choose_checks(names, known=known_checks(session.settings().audit.rules))
    document = {"command": "checks", "checks": [describe_check(check) for check in chosen]}

    def summary() -> str:
        if markdown:
            return catalogue_page(chosen)
        if len(chosen) == 1:
            return _in_full(document["checks"][0])
        return "\n".join(
            table(
                ["check", "severity", "fix", "what"],
                [
                    [item["check"], glyph(item["severity"]), item["fix"], item["title"]]
                    for item in document["checks"]
                ],
            )
        )

    session.finish(document, summary)


def _in_full(item: dict) -> str:
    lines = [
        f"{item['check']}: {item['title']}",
        f"severity {item['severity']}, fix {item['fix']}"
        + (f", needs pip install 'tunewise[{item['extra']}]'" if item["extra"] else ""),
        "",
        item["about"],
    ]
    for name, parameter in item["parameters"].items():
        told = f"{name} = {parameter['default']!r}: {parameter['reason']}"
        lines += ["", *textwrap.wrap(told, 100, subsequent_indent="  ")]
    return "\n".join(lines)
