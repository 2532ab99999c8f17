"""`tunewise evaluate`: base against tuned."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import LATEST, Artifact, resolve_artifact
from ..workspace.errors import UsageError
from .format import count, plot_width
from .session import Session, command

if TYPE_CHECKING:
    from ..evaluate.settings import EvaluateSettings


@command(
    "evaluate",
    examples="""\
  tunewise evaluate latest
  tunewise evaluate latest --suite general,my_items.jsonl
  tunewise evaluate latest --suite hellaswag,piqa --limit 500
  tunewise evaluate latest --suite quick,bias             200 items a task, and the bias probes
  tunewise evaluate latest --prompted-base 3              does tuning beat three examples?
  tunewise evaluate latest --schema answer.schema.json --metric ./my_score.py
  tunewise evaluate latest --processes 2                  the same, on two GPUs
  tunewise evaluate latest --engine vllm                  free answers by vLLM
  tunewise evaluate latest --checkpoints                  at which step forgetting began
  tunewise evaluate --tuned ./adapter                     made by any trainer, in PEFT's format
  tunewise evaluate --base ./base --tuned ./merged --split latest
  tunewise evaluate --base ./checkpoint-100 --tuned ./checkpoint-900 --suite general
  tunewise evaluate --base https://api.example.com/v1/chat/completions#base-1 \\
      --tuned https://api.example.com/v1/chat/completions#ft:base-1:mine --suite gsm8k
""",
    is_job=True,
)
@click.argument("run", required=False)
@click.option(
    "--base",
    help="Compare with this model: a folder, a name on the hub, or URL#MODEL of an "
    "OpenAI-compatible endpoint. Default: the base that the adapter names.",
)
@click.option(
    "--tuned",
    help="Instead of a RUN, any model: a folder with an adapter or a whole model, a name on the "
    "hub, or URL#MODEL.",
)
@click.option("--split", help="With --tuned: the SPLIT whose test rows are the domain.")
@click.option(
    "--suite",
    help="Bundled suites (general, quick, bias), lm-eval tasks, or paths of JSONL, YAML or "
    "CrowS-Pairs' CSV; by commas.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N items of each task.")
@click.option("--num-fewshot", type=click.IntRange(min=0), help="Examples before each item.")
@click.option(
    "--apply-chat-template",
    is_flag=True,
    default=None,
    help="Put the suites' prompts into the model's chat template.",
)
@click.option("--system-instruction", help="Goes before every prompt of the suites.")
@click.option(
    "--prompted-base",
    type=click.IntRange(min=0),
    metavar="K",
    help="Also show the base K rows of the training split before each question: the bar that "
    "tuning has to beat. 0 (the default) does not.",
)
@click.option(
    "--answers",
    type=click.Choice(["auto", "labels", "short", "long", "structured"]),
    help="What kind of answers the split has; by default it is looked at. It decides what is "
    "shown about them.",
)
@click.option("--schema", help="A JSON schema: how many free answers match it is shown.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="FILE.py|NAME",
    help="A measure of your own of the free answers: a file with score(predictions, references) "
    "or a metric of Hugging Face's evaluate, or the name of one that is on this machine. Its "
    "code is run. Several times for several.",
)
@click.option(
    "--checkpoints",
    is_flag=True,
    default=None,
    help="Also ask the checkpoints that the run kept (keep_checkpoints under [train]): the "
    "forgetting curve.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    help="Processes, one a GPU or on the processor, that share every task's items.",
)
@click.option(
    "--engine",
    type=click.Choice(["own", "vllm"]),
    help="What makes the free answers of models on this machine, of base and tuned alike: this "
    "program (own, the default) or vLLM (the extra vllm). Probabilities are always this "
    "program's. Never run on a GPU by its authors; see docs/evaluation.md.",
)
@click.option("--tokenizer", help="Folder of the tokenizer of hosted models.")
def evaluate(
    session: Session,
    run: str | None,
    base: str | None,
    tuned: str | None,
    split: str | None,
    suite: str | None,
    limit: int | None,
    num_fewshot: int | None,
    apply_chat_template: bool | None,
    system_instruction: str | None,
    prompted_base: int | None,
    answers: str | None,
    schema: str | None,
    metrics: tuple[str, ...],
    checkpoints: bool | None,
    processes: int,
    engine: str | None,
    tokenizer: str | None,
) -> None:
    """Score base and tuned of RUN (a path, an id, or `latest`) on the same items, and judge.

    The domain's items come from the split's test part; general ability from the suites. With
    --tuned any two models are compared. The key of a hosted model is read from the environment
    variable OPENAI_API_KEY (another one: api_key_variable under [evaluate]) and kept nowhere.
    """
    suites = tuple(part.strip() for part in suite.split(",") if part.strip()) if suite else None
    flags = {
        "suites": suites,
        "limit": limit,
        "num_fewshot": num_fewshot,
        "apply_chat_template": apply_chat_template,
        "system_instruction": system_instruction,
        "prompted_base": prompted_base,
        "answers": answers,
        "schema": schema,
        "metrics": metrics or None,
        "checkpoints": checkpoints,
        "engine": engine,
        "tokenizer": tokenizer,
    }
    settings = session.settings({"evaluate": flags})
    if processes > 1 or "RANK" in os.environ:
        _ask_together(settings.evaluate, processes)
    if tuned is None:
        _refuse_alone(base=base, split=split)
        artifact = _evaluate_run(session, run or LATEST, settings.evaluate)
    else:
        if run is not None:
            raise UsageError(
                "RUN and --tuned both name the tuned model", where=run, fix="give one of them"
            )
        artifact = _evaluate_models(session, base, tuned, split, settings.evaluate)
    if "RANK" in os.environ:
        from ..evaluate.scoring.crew import dismiss
        from ..train.models.hardware import choose_hardware

        dismiss(choose_hardware(dtype=settings.evaluate.dtype))
    document = session.document(artifact)
    session.finish(document, lambda: summary(document))


def _ask_together(settings: EvaluateSettings, processes: int) -> None:
    """Start the processes, or take part as one of them; the first one returns."""
    from ..train.models.hardware import choose_hardware, usable_threads

    if settings.engine == "vllm":
        raise UsageError(
            "vLLM makes the free answers by itself, and several processes share them",
            where="--processes",
            fix="leave --processes out, or take --engine own",
        )
    if "RANK" not in os.environ:
        from ..train.loop.launch import launch

        threads = max(1, usable_threads() // processes)
        raise SystemExit(launch(sys.argv[1:], processes, threads))
    if os.environ["RANK"] != "0":
        from ..evaluate.scoring.crew import follow

        follow(choose_hardware(dtype=settings.dtype))
        raise SystemExit(0)


def _refuse_alone(**options: str | None) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"--{name} belongs to --tuned; a run knows its own {name}",
                where=f"--{name} {value}",
                fix="name the tuned model too: --tuned FOLDER",
            )


def _evaluate_run(session: Session, run: str, settings: EvaluateSettings) -> Artifact:
    from ..evaluate.run import evaluate as run_evaluate

    return run_evaluate(
        session.workspace,
        resolve_artifact(session.workspace, "train", run),
        settings,
        force=session.force,
        emit=session.emit,
    )


def _evaluate_models(
    session: Session, base: str | None, tuned: str, split: str | None, settings: EvaluateSettings
) -> Artifact:
    from ..evaluate.comparison import compare_models
    from ..evaluate.run import evaluate_models

    comparison = compare_models(
        base,
        tuned,
        split=resolve_artifact(session.workspace, "split", split) if split else None,
        tokenizer=settings.tokenizer,
        api_key_variable=settings.api_key_variable,
        trust_remote_code=settings.trust_remote_code,
    )
    return evaluate_models(
        session.workspace, comparison, settings, force=session.force, emit=session.emit
    )


def summary(document: Mapping[str, Any]) -> str:
    """Return the judgement as text for a terminal."""
    from ..evaluate.reporting.charts_text import forest_plot
    from ..evaluate.reporting.course import course_lines
    from ..evaluate.reporting.observed import observation_lines

    domain = document["domain_gain"] if _measured(document, "domain") else "not asked"
    overfitting = document["overfitting"]["verdict"]
    if not any(signal["value"] is not None for signal in document["overfitting"]["signals"]):
        overfitting = "not measured"
    general = document["overall"] if _measured(document) else "not asked"
    lines = [
        f"general ability: {general}    domain: {domain}    overfitting: {overfitting}",
        "",
        *forest_plot(document["tasks"], width=plot_width()),
        "",
        *observation_lines(document),
        *course_lines(document),
        *_contamination(document.get("contamination")),
        f"evaluation {document['id']}: {document['artifact']}",
        "next: tunewise report",
    ]
    return "\n".join(lines)


def _measured(document: Mapping[str, Any], group: str = "") -> bool:
    """Tell whether a deciding task of the domain, or of the suites, was asked."""
    return any(
        (task["group"] == group) if group else (task["group"] not in ("domain", "out-of-domain"))
        for task in document["tasks"]
        if task["decides"]
    )


def _contamination(found: Mapping[str, Any] | None) -> list[str]:
    """Say how many benchmark items stand in the training rows; nothing where none was found."""
    if not found or not found["contaminated"]:
        return []
    number = count(found["contaminated"], "benchmark item")
    return [f"{number} in the training rows: see `Contamination` of the report", ""]
