"""The report step: everything an evaluation tells, as a page, as Markdown and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...workspace.artifact import FOLDER_NAME, Artifact, Draft, Workspace, produce
from ...workspace.config import settings_text
from ...workspace.errors import DataError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import writing_whole
from ...workspace.lineage import read_lineage
from ..settings import ReportSettings
from ..verdicts.recorded_scores import with_margins
from .facts import (
    SETTINGS_FILE,
    commands,
    data_facts,
    lineage_facts,
    loss_curve,
    model_names,
    recorded_settings,
    training_facts,
)
from .gate import gate
from .items import read_flips
from .markdown import markdown_report
from .page import html_report
from .summary import (
    domain_sentence,
    engine_sentence,
    general_sentence,
    headline,
    left_out_sentences,
    overfitting_sentence,
)

REPORT = "report"
REPORT_SCHEMA_VERSION = 1


def report(
    workspace: Workspace,
    evaluation_artifact: Artifact,
    settings: ReportSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Write the report on an evaluation.

    It reads artifacts only: the evaluation's, and those it came from as far as they are found.

    Args:
        workspace: where the artifact is written.
        evaluation_artifact: of kind ``evaluate``.
        settings: on which verdicts a release stops, and by which margins tasks are judged.
        force: write it again even if it is there.
        emit: told what could not be found.

    Returns:
        The artifact of kind ``report``: ``report.html``, ``report.md``, ``report.json``, and
        ``settings.toml`` with the settings of all steps.

    Raises:
        DataError: the evaluation cannot be read.
    """

    def build(draft: Draft) -> None:
        beside = Path(FOLDER_NAME, REPORT, draft.id, SETTINGS_FILE).as_posix()
        document = report_document(workspace, evaluation_artifact, settings, settings_file=beside)
        for problem in document["problems"]:
            emit(Note(text=problem, level="warning"))
        texts = {
            "report.html": html_report(document),
            "report.md": markdown_report(document),
            # Escapes instead of raw characters: safe to print on any terminal.
            "report.json": json.dumps(document, indent=2, default=str) + "\n",
            SETTINGS_FILE: settings_text(document["settings"]),
        }
        for name, text in texts.items():
            with writing_whole(draft.folder / name) as stream:
                stream.write(text)
        draft.counts["tasks"] = len(document["tasks"])
        draft.counts["items_shown"] = document["items"]["shown"]
        draft.counts["items_changed"] = document["items"]["changed"]

    return produce(
        workspace,
        REPORT,
        build,
        inputs=[evaluation_artifact.as_input("evaluation")],
        parameters=settings.recorded(),
        force=force,
        emit=emit,
    )


def report_document(
    workspace: Workspace,
    evaluation: Artifact,
    settings: ReportSettings,
    *,
    settings_file: str = SETTINGS_FILE,
) -> dict[str, Any]:
    """Collect what the report tells: the keys of ``evaluate.json``, and the rest around it.

    Args:
        workspace: where the steps before are looked for.
        evaluation: of kind ``evaluate``.
        settings: on which verdicts a release stops, and by which margins tasks are judged.
        settings_file: where the steps' settings will lie, for the commands that repeat them.

    Raises:
        DataError: the evaluation has no document, or one without tasks; or other margins are
            wanted and its items are gone.
        UsageError: a margin is for a task that was not evaluated.
    """
    lineage = read_lineage(workspace, evaluation)
    step = lineage.get(evaluation.kind)
    judged = step.document if step else {}
    if step is None or "tasks" not in judged:
        raise DataError(
            "the evaluation cannot be read",
            where=str(evaluation.folder / f"{evaluation.kind}.json"),
            fix="evaluate again with --force",
        )
    items = step.frame("items.parquet")
    judged = with_margins(
        judged, items, evaluation.manifest.parameters, settings, where=str(evaluation.folder)
    )
    code = gate(judged, settings.fail_on, settings.undecided)
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        **judged,
        "evaluation": {"id": evaluation.id, "finished": evaluation.manifest.finished},
        "names": model_names(judged, lineage),
        "headline": headline(judged),
        "sentences": {
            "general": general_sentence(judged),
            "domain": domain_sentence(judged),
            "overfitting": overfitting_sentence(judged),
            "engine": engine_sentence(judged),
        },
        "left_out": left_out_sentences(judged),
        "gate": {
            "fail_on": list(settings.fail_on),
            "undecided": settings.undecided,
            "exit_code": int(code),
        },
        "items": read_flips(items, judged["tasks"]),
        "data": data_facts(lineage),
        "training": training_facts(lineage),
        "curve": loss_curve(lineage),
        "lineage": lineage_facts(lineage),
        "settings": recorded_settings(lineage, settings),
        "commands": commands(lineage, settings_file),
        "problems": list(lineage.problems),
    }
