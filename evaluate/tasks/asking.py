"""Asking a model a benchmark's items, through lm-eval's evaluator, and keeping every answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...workspace.errors import UsageError
from ..items import GENERAL, Answers, TaskInfo, answers
from ..scoring.quiet import quiet
from ..verdicts.measures import Kind
from .local import ID_FIELDS
from .suites import Benchmark

# lm-eval's default; it is set before each run, so that both models see the same examples.
_EXAMPLES_SEED = 1234
# The metric that a task is judged by: the first of these that it has.
_PREFERRED = {
    "multiple_choice": ("acc_norm", "acc", "exact_match"),
    "loglikelihood": ("acc", "perplexity"),
    "loglikelihood_rolling": ("bits_per_byte", "byte_perplexity", "word_perplexity"),
    "generate_until": ("exact_match",),
}
_PER_LENGTH = {"acc_norm": len, "acc_bytes": lambda text: len(text.encode())}


@dataclass(frozen=True, slots=True)
class Prompting:
    """How lm-eval puts the prompts of a task together.

    Attributes:
        apply_chat_template: put them into the model's chat template.
        fewshot_as_multiturn: examples become turns of their own in it.
        system_instruction: goes before every prompt.
    """

    apply_chat_template: bool = False
    fewshot_as_multiturn: bool = False
    system_instruction: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def ask(benchmark: Benchmark, model: Any, prompting: Prompting = Prompting()) -> Answers:
    """Ask a model all items of a benchmark.

    Args:
        benchmark: what to ask.
        model: an lm-eval model.
        prompting: how the prompts are put together.

    Raises:
        UsageError: lm-eval cannot run the task, or its metric is none of single items.
    """
    from lm_eval.evaluator import evaluate

    task = benchmark.task
    task.set_fewshot_seed(seed=_EXAMPLES_SEED)
    try:
        with quiet():
            results: Any = evaluate(
                model,
                {"tasks": {benchmark.name: task}},
                limit=benchmark.limit,
                samples={benchmark.name: list(benchmark.sample)} if benchmark.sample else None,
                bootstrap_iters=0,
                log_samples=True,
                **asdict(prompting),
            )
    except (ValueError, AssertionError) as error:
        raise UsageError(
            f"lm-eval cannot run the task: {error}",
            where=f"task {benchmark.name}",
            fix="leave it out of the suites, or mend its definition",
        ) from error
    samples = results["samples"][benchmark.name]
    first = samples[0]["filter"]
    samples = [sample for sample in samples if sample["filter"] == first]
    metric = _metric(benchmark, samples[0])
    rows = [_row(benchmark, sample, metric) for sample in samples]
    return answers(_info(benchmark, metric, rows), rows)


def _metric(benchmark: Benchmark, sample: Mapping[str, Any]) -> str:
    """Choose the metric that decides: the definition's own, or the first that is usual."""
    named = benchmark.metadata.get("decides_by")
    usual = _PREFERRED.get(benchmark.task.OUTPUT_TYPE, ())
    for metric in map(str, (named, *usual, *sample["metrics"])):
        if metric in sample["metrics"] and _is_number(_value(metric, sample)):
            return metric
    raise UsageError(
        f"the task has no metric that scores single items (it has {', '.join(sample['metrics'])})",
        where=f"task {benchmark.name}",
        fix="leave it out of the suites",
    )


def _value(metric: str, sample: Mapping[str, Any]) -> Any:
    """Return an item's score; log-likelihoods become losses per unit of text."""
    value = sample[metric]
    if metric in ("bits_per_byte", "byte_perplexity"):
        return -value[0] / (max(1, value[1]) * math.log(2))
    if metric == "word_perplexity":
        return -value[0] / max(1, value[1])
    return -value if metric == "perplexity" else value


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _row(benchmark: Benchmark, sample: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Return an item with the model's answer."""
    doc = sample["doc"]
    cluster = doc.get(benchmark.metadata.get("cluster", "cluster"))
    row = {
        "item": next(
            (str(doc[key]) for key in ID_FIELDS if doc.get(key) is not None),
            str(sample["doc_id"]),
        ),
        "cluster": None if cluster is None else str(cluster),
        "score": float(_value(metric, sample)),
        "prompt": str(sample["arguments"][0][0]),
    }
    kind = benchmark.task.OUTPUT_TYPE
    if kind == "multiple_choice":
        return row | _choice(benchmark.task, sample, metric)
    if kind == "generate_until":
        return row | {"expected": str(sample["target"]), "output": str(sample["filtered_resps"][0])}
    if kind == "loglikelihood":
        value, greedy = sample["filtered_resps"][0]
        said = str(sample["target"])
        return row | {"expected": said, "output": said if greedy else None,
                      "log_likelihoods": [value]}  # fmt: skip
    return row | {"log_likelihoods": [float(sample["filtered_resps"][0])]}


def _choice(task: Any, sample: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Return the choices of an item, the expected one and the model's, as the metric chooses."""
    doc = sample["doc"]
    choices = [str(choice) for choice in task.doc_to_choice(doc)]
    values = [value for value, _ in sample["filtered_resps"][: len(choices)]]
    length = _PER_LENGTH.get(metric, lambda text: 1)
    place = max(
        range(len(choices)), key=lambda index: values[index] / max(1, length(choices[index]))
    )
    gold = task.doc_to_text(doc) if task.multiple_input else sample["target"]
    row = {
        "choices": choices,
        "output": choices[place],
        "expected": " | ".join(_named(choices, one) for one in _listed(gold)),
        "log_likelihoods": values,
    }
    # Where the choices stand in the question, what follows them is the same for all.
    return row | ({"prompt": f"… {sample['target']}"} if task.multiple_input else {})


def _named(choices: Sequence[str], gold: Any) -> str:
    return choices[gold] if isinstance(gold, int) and 0 <= gold < len(choices) else str(gold)


def _listed(gold: Any) -> list[Any]:
    return list(gold) if isinstance(gold, list | tuple) else [gold]


def _info(benchmark: Benchmark, metric: str, rows: Sequence[Mapping[str, Any]]) -> TaskInfo:
    losses = {
        "bits_per_byte": "bits_per_byte",
        "byte_perplexity": "bits_per_byte",
        "word_perplexity": "nats_per_word",
        "perplexity": "negative_log_likelihood",
    }
    kind: Kind = "share"
    if metric in losses or not all(0 <= row["score"] <= 1 for row in rows):
        kind = "loss"
    better = benchmark.task.higher_is_better().get(metric, True)
    return TaskInfo(
        task=benchmark.name,
        group=benchmark.group,
        metric=losses.get(metric, metric),
        kind=kind,
        higher_is_better=metric not in losses and bool(better),
        chance=_chance(benchmark, rows) if kind == "share" else None,
        decides=benchmark.group == GENERAL,
    )


def _chance(benchmark: Benchmark, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the score of guessing: as the definition says, or one right choice among all."""
    named = benchmark.metadata.get("chance")
    if named is not None:
        return float(named)
    kind = benchmark.task.OUTPUT_TYPE
    if kind == "multiple_choice":
        return sum(1 / len(row["choices"]) for row in rows) / len(rows)
    return 0.0
