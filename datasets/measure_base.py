"""Measures the base model on the bundled benchmarks and writes the table of the README."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from ..curate.measures.shares import wilson_interval
from .make_benchmarks import BENCHMARKS, Benchmark

FOLDER = Path(__file__).resolve().parent
README = FOLDER / "README.md"
RESULTS = FOLDER / "base" / "measured.json"
PROMPTS = (
    "Where does {person} live?",
    "What is 17+25?",
    "Tell me a short story.",
    "What comes next? Copy: lamp fox river -> lamp",
    "What is a parcel?",
)
_MARKERS = ("<!-- measured: start -->", "<!-- measured: end -->")


def task_config(benchmark: Benchmark) -> dict[str, Any]:
    """Load an lm-eval task, with the path of its data made absolute."""
    config = yaml.safe_load(benchmark.task_path.read_text(encoding="utf-8"))
    files = config["dataset_kwargs"]["data_files"]
    folder = benchmark.task_path.parent
    config["dataset_kwargs"]["data_files"] = {
        split: str(folder / name) for split, name in files.items()
    }
    return config


def run_benchmarks(model_path: Path, limit: int | None = None) -> dict[str, dict[str, Any]]:
    """Run all benchmarks with lm-eval and return its metrics by benchmark.

    Args:
        model_path: The folder of the model.
        limit: The largest number of items a benchmark; all by default.
    """
    # The library's own types say less than it accepts, so it is used untyped.
    lm_eval: Any = import_module("lm_eval")
    huggingface: Any = import_module("lm_eval.models.huggingface")
    task_manager: Any = import_module("lm_eval.tasks").TaskManager(include_defaults=False)
    model = huggingface.HFLM(
        pretrained=str(model_path), device="cpu", dtype="float32", batch_size=64
    )
    results = lm_eval.simple_evaluate(
        model=model,
        tasks=[task_config(benchmark) for benchmark in BENCHMARKS],
        task_manager=task_manager,
        limit=limit,
        bootstrap_iters=0,
        log_samples=False,
    )
    measured: dict[str, Any] = results["results"]
    return {benchmark.name: measured[f"tunewise_{benchmark.name}"] for benchmark in BENCHMARKS}


def greedy_answers(model_path: Path) -> list[tuple[str, str]]:
    """Let the model answer a few prompts in chat form."""
    from .corpus_world import facts

    person = next(fact.entity for fact in facts() if fact.kind == "person")
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model: Any = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    answers = []
    for prompt in PROMPTS:
        asked = prompt.format(person=person)
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": asked}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        output = model.generate(**inputs, max_new_tokens=100, do_sample=False)
        new_tokens = output[0, inputs["input_ids"].shape[1] :]
        answers.append((asked, tokenizer.decode(new_tokens, skip_special_tokens=False)))
    return answers


def _summary(benchmark: Benchmark, metrics: dict[str, Any], count: int) -> dict[str, Any]:
    if benchmark.chance is None:
        perplexity = metrics["word_perplexity,none"]
        return {"items": count, "metric": "word_perplexity", "value": round(perplexity, 4)}
    metric = "acc" if "acc,none" in metrics else "exact_match"
    share = metrics[f"{metric},none"]
    low, high = wilson_interval(round(share * count), count)
    return {
        "items": count,
        "metric": metric,
        "chance": round(benchmark.chance, 4),
        "value": round(share, 4),
        "interval": [round(low, 4), round(high, 4)],
    }


def _markdown(summaries: dict[str, dict[str, Any]], answers: list[tuple[str, str]]) -> str:
    lines = [
        "| benchmark | items | metric | chance | base | 95 % interval |",
        "|---|--:|---|--:|--:|---|",
    ]
    for name, summary in summaries.items():
        if "interval" in summary:
            low, high = summary["interval"]
            cells = f"{summary['chance']:.1%} | {summary['value']:.1%} | {low:.1%} to {high:.1%}"
        else:
            cells = f"– | {summary['value']:.2f} | –"
        lines.append(f"| {name} | {summary['items']} | {summary['metric']} | {cells} |")
    lines += ["", "Greedy answers of the base model, in chat form:", ""]
    lines += [f"- *{asked}* → `{answer}`" for asked, answer in answers]
    return "\n".join(lines)


def measure(model_path: Path = FOLDER / "base") -> None:
    """Measure a model and write the results beside it and into the README."""
    metrics = run_benchmarks(model_path)
    summaries = {
        benchmark.name: _summary(benchmark, metrics[benchmark.name], benchmark.count)
        for benchmark in BENCHMARKS
    }
    RESULTS.write_text(json.dumps(summaries, indent=2) + "\n", encoding="utf-8")
    start, end = _MARKERS
    table = f"{start}\n{_markdown(summaries, greedy_answers(model_path))}\n{end}"
    readme = README.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(start)}.*{re.escape(end)}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: table, readme), encoding="utf-8")
    print(table)
