"""`tunewise checks`: the list of checks, from the same data that runs them."""

from __future__ import annotations

from .format import glyph, table
from .session import Session, command


@command("checks", examples="  tunewise checks\n  tunewise checks --json\n")
def checks(session: Session) -> None:
    """List every check with its severity, its fix and what can be tuned."""
    from ..curate.checks.registry import ALL_CHECKS

    document = {
        "command": "checks",
        "checks": [
            {
                "check": check.name,
                "dimension": check.dimension,
                "title": check.title,
                "severity": check.severity.value,
                "fix": check.fix.value,
                "parameters": {
                    name: {"default": parameter.default, "reason": parameter.reason}
                    for name, parameter in check.parameters.items()
                },
            }
            for check in ALL_CHECKS
        ],
    }
    session.finish(
        document,
        lambda: "\n".join(
            table(
                ["check", "severity", "fix", "what"],
                [
                    [item["check"], glyph(item["severity"]), item["fix"], item["title"]]
                    for item in document["checks"]
                ],
            )
        ),
    )
