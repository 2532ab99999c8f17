"""`tunewise run`: the whole loop from `tunewise.toml`; what is done already is not done again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import Artifact, Workspace
from ..workspace.errors import ExitCode, UsageError
from ..workspace.events import Note
from ..workspace.files import read_json
from .benchmarks import audit_source
from .session import Session, command
from .sources import data_paths

if TYPE_CHECKING:
    from .settings import Settings

STEPS = ("audit", "clean", "split", "train", "evaluate", "report")


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step of the loop: what it left, and how long it took."""

    step: str
    artifact: Artifact
    seconds: float


@command(
    "run",
    examples="""\
  tunewise run                      settings from ./tunewise.toml
  tunewise run release.toml --json
  tunewise run --until split        only the data's part
""",
    is_job=True,
)
@click.argument(
    "config", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--until", type=click.Choice(STEPS), default="report", show_default=True,
              help="Stop after this step.")  # fmt: skip
def run(session: Session, config: Path | None, until: str) -> None:
    """Audit, clean, split, train, evaluate and report, as CONFIG (tunewise.toml) says."""
    if config is not None:
        session.config = config.resolve()
        session.workspace = Workspace(config.resolve().parent)
    settings = session.settings()
    results = run_loop(session, settings, until)
    finish_loop(session, settings, results)


def run_loop(session: Session, settings: Settings, until: str = "report") -> list[StepResult]:
    """Run the steps in order, each on what the one before left."""
    workspace, emit, force = session.workspace, session.emit, session.force
    results: list[StepResult] = []

    def audit() -> Artifact:
        return audit_source(session, data_paths((), session, settings), settings, force=force)

    def clean() -> Artifact:
        from ..curate.auditing.audited import read_audited
        from ..curate.cleaning.clean import approval
        from ..curate.cleaning.clean import clean as step
        from ..curate.cleaning.decide import acceptance, decide

        audited = results[-1].artifact
        wanted = acceptance(audited, settings.clean.accept, reason="[clean] accept")
        if wanted:
            decide(workspace, audited, wanted, approval(read_audited(audited), settings.clean))
        return step(workspace, audited, settings.clean, force=force, emit=emit)

    def split() -> Artifact:
        from ..curate.splitting.split import split as step

        return step(workspace, results[-1].artifact, settings.split, force=force, emit=emit)

    def train() -> Artifact:
        from ..train.run import train as step

        return step(workspace, results[-1].artifact, settings.train, force=force, emit=emit)

    def evaluate() -> Artifact:
        from ..evaluate.run import evaluate as step

        return step(workspace, results[-1].artifact, settings.evaluate, force=force, emit=emit)

    def report() -> Artifact:
        from ..evaluate.reporting.report import report as step

        return step(workspace, results[-1].artifact, settings.report, force=force, emit=emit)

    actions = {
        "audit": audit,
        "clean": clean,
        "split": split,
        "train": train,
        "evaluate": evaluate,
        "report": report,
    }
    for number, name in enumerate(STEPS, 1):
        emit(Note(text=f"[{number}/{len(STEPS)}] {name}"))
        begin = time.perf_counter()
        try:
            artifact = actions[name]()
        except KeyboardInterrupt as interruption:
            if results:
                done = ", ".join(result.step for result in results)
                interruption.add_note(f"what was done before stays ({done})")
            raise
        results.append(StepResult(name, artifact, time.perf_counter() - begin))
        _stop_at_gate(name, artifact, settings)
        if name == until:
            break
    return results


def _stop_at_gate(step: str, artifact: Artifact, settings: Settings) -> None:
    """Stop the loop where the audit fails the gate that the settings ask for."""
    if step != "audit" or settings.audit.fail_on == "never":
        return
    from ..curate.auditing.audit_document import gate
    from ..workspace.errors import GateError

    if gate(_document(artifact), settings.audit.fail_on) is not ExitCode.PASSED:
        raise GateError(
            f"the audit has findings of severity {settings.audit.fail_on} or graver",
            where=str(artifact.folder),
            fix="look at them with `tunewise findings`, or set fail_on under [audit]",
        )


def _document(artifact: Artifact) -> dict[str, Any]:
    return read_json(artifact.folder / f"{artifact.kind}.json")


def finish_loop(session: Session, settings: Settings, results: list[StepResult]) -> None:
    """Print the loop's result and end with the report's gate."""
    last = results[-1].artifact
    code = ExitCode.PASSED
    if last.kind == "report":
        from ..evaluate.reporting.report import gate

        code = gate(_document(last), settings.report.fail_on, settings.report.undecided)
    document = {
        "command": session.command,
        "artifact": str(last.folder),
        "steps": [
            {
                "step": result.step,
                "id": result.artifact.id,
                "artifact": str(result.artifact.folder),
                "reused": result.artifact.reused,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
        "result": session.document(last),
    }
    session.finish(document, lambda: summary(document), code)


def summary(document: Mapping[str, Any]) -> str:
    """Return the steps and the last one's result as text for a terminal."""
    lines = [
        f"{step['step']:<9} {step['id']}  "
        + ("done before" if step["reused"] else f"{step['seconds']:.1f} s")
        for step in document["steps"]
    ]
    lines.append(f"in all    {sum(step['seconds'] for step in document['steps']):.1f} s")
    last = document["steps"][-1]["step"]
    return "\n".join([*lines, "", _summary_of(last, document["result"])])


def _summary_of(step: str, document: Mapping[str, Any]) -> str:
    from importlib import import_module

    if step not in STEPS:
        raise UsageError(f"no step {step!r}")
    return import_module(f".{step}", __package__).summary(document)
