"""Are our answers lm-eval's own, item by item, on tasks of every kind?

    python perf/evaluation_equality.py --data DIR                 all items of every task
    python perf/evaluation_equality.py --data DIR --limit 50 --write

Ten tasks over local benchmark files: two and four choices, no shots and five, drawn and fixed
ones, whole sentences, the right word's probability, perplexity of whole texts, free answers with
stop texts, chat templates with examples as turns, groups, and answers that pass through filters.
Both models are asked in one process; of every item the log-likelihoods, scores and outputs are
compared. DIR holds `benchmarks/`, `text/` and `models/`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.evaluate.scoring.harness import CausalScorer
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.tasks.asking import Prompting, ask
from tunewise.evaluate.tasks.suites import load_benchmarks

RESULTS = Path(__file__).resolve().parent / "results" / "evaluation_equality.json"
MODELS = ("stories260K", "babyllama105")
# Tokenizers of base models have no template; this one has turns and no special tokens.
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
LONGEST_CHOICE = 200
CHOICES = """
doc_to_text: "{{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
output_type: multiple_choice
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
SHOTS = """
fewshot_split: shots
num_fewshot: 5
"""
FIXED = "fewshot_config: {sampler: first_n}\n"
TASKS = {
    "arc_easy": ("arc", CHOICES),
    "arc_easy_drawn": ("arc", CHOICES + SHOTS),
    "arc_easy_fixed": ("arc", CHOICES + SHOTS + FIXED),
    "piqa": ("piqa", CHOICES),
    "story_ending": ("ending", CHOICES),
    "blimp": ("blimp", """
doc_to_text: ""
doc_to_choice: "{{[sentence_good, sentence_bad]}}"
doc_to_target: 0
output_type: multiple_choice
metric_list: [{metric: acc}]
"""),
    "last_word": ("stories", """
doc_to_text: "{{text.rsplit(' ', 1)[0]}}"
doc_to_target: "{{' ' + text.rsplit(' ', 1)[1]}}"
output_type: loglikelihood
metric_list: [{metric: acc}, {metric: perplexity}]
"""),
    "perplexity": ("stories", """
doc_to_text: ""
doc_to_target: "{{text}}"
output_type: loglikelihood_rolling
metric_list: [{metric: bits_per_byte}, {metric: word_perplexity}]
"""),
    "next_sentence": ("stories", """
doc_to_text: "{{text[:90]}}"
doc_to_target: "{{text[90:140]}}"
output_type: generate_until
generation_kwargs: {until: [". ", "\\n\\n"], max_gen_toks: 48}
metric_list: [{metric: exact_match}]
"""),
    "first_name": ("stories", """
doc_to_text: "{{text[:60]}}"
doc_to_target: "{{text.split(' ')[0]}}"
output_type: generate_until
fewshot_split: shots
num_fewshot: 2
generation_kwargs: {until: ["\\n"], max_gen_toks: 24}
filter_list:
  - name: name
    filter: [{function: regex, regex_pattern: "([A-Z][a-z]+)"}, {function: take_first}]
metric_list: [{metric: exact_match}]
"""),
}  # fmt: skip
CHAT = ("first_name", "arc_easy_drawn", "arc_easy")


@dataclass(frozen=True, slots=True)
class Compared:
    """One task: how many items, the largest difference, and how many items differ."""

    model: str
    task: str
    chat: bool
    items: int
    largest_difference: float
    other_scores: int
    other_outputs: int


def write_tasks(data: Path, folder: Path) -> None:
    """Write the tasks and their rows; the first eight rows of each are its examples."""
    benchmarks = data / "benchmarks"
    stories = json.loads((data / "text" / "tinystories_1000.json").read_text("utf-8"))
    rows: dict[str, list[Any]] = {
        "arc": _rows(benchmarks / "arc_easy_test.jsonl"),
        # lm-eval's model stops at a choice that is longer than the context; ours does not.
        "piqa": [row for row in _rows(benchmarks / "piqa.jsonl")
                 if max(map(len, row["choices"])) <= LONGEST_CHOICE],
        "ending": _rows(benchmarks / "story_ending.jsonl"),
        "blimp": _rows(benchmarks / "blimp" / "principle_A_case_1.jsonl"),
        # Shorter than the smaller model's context, longer than it, and in between.
        "stories": [{"text": story[: 60 + 97 * (n % 9)].strip() + " end"}
                    for n, story in enumerate(stories[:300]) if len(story) > 200],
    }  # fmt: skip
    for name, found in rows.items():
        for part, kept in (("shots", found[:8]), ("rows", found[8:])):
            text = "\n".join(json.dumps(row) for row in kept)
            (folder / f"{name}_{part}.jsonl").write_text(text, encoding="utf-8")
    for task, (name, definition) in TASKS.items():
        files = f"{{rows: {name}_rows.jsonl, shots: {name}_shots.jsonl}}"
        (folder / f"{task}.yaml").write_text(
            f"task: {task}\ndataset_path: json\ndataset_kwargs: {{data_files: {files}}}\n"
            f"test_split: rows\n{definition}",
            encoding="utf-8",
        )


def compare(data: Path, limit: int | None, models: tuple[str, ...] = MODELS) -> Iterator[Compared]:
    """Ask both ways and compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tasks(data, folder)
        for model_name in models:
            path = data / "models" / model_name
            tokenizer: Any = AutoTokenizer.from_pretrained(path)
            tokenizer.chat_template = TEMPLATE
            model: Any = AutoModelForCausalLM.from_pretrained(path, dtype="float32").eval()
            hflm: Any = HFLM
            theirs = hflm(pretrained=model, tokenizer=tokenizer, batch_size=16)
            context = model.config.max_position_embeddings
            for chat in (False, True):
                wanted = [f"{task}.yaml" for task in (CHAT if chat else TASKS)]
                for benchmark in load_benchmarks(wanted, folder, limit=limit):
                    ours = CausalScorer(TokenScorer(model), tokenizer, context=context)
                    prompting = Prompting(chat, chat, "Be kind." if chat else None)
                    pair = [ask(benchmark, one, prompting).frame for one in (ours, theirs)]
                    yield _compared(model_name, benchmark.name, chat, *pair)


def _compared(model: str, task: str, chat: bool, ours: Any, theirs: Any) -> Compared:
    values = [
        np.array([x for row in frame["log_likelihoods"].to_list() for x in row or ()])
        for frame in (ours, theirs)
    ]
    exact = theirs["score"].is_in([0.0, 1.0]).all()
    others = (ours["score"] - theirs["score"]).abs() > (0 if exact else 1e-4)
    return Compared(
        model=model,
        task=task,
        chat=chat,
        items=len(ours),
        largest_difference=float(np.abs(values[0] - values[1]).max()) if len(values[0]) else 0.0,
        other_scores=int(others.sum()),
        other_outputs=int(ours["output"].ne_missing(theirs["output"]).sum()),
    )


def _rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Compare, print a table and write the results."""
    parser = argparse.ArgumentParser(description="Our answers against lm-eval's own")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--write", action="store_true", help="keep the figures under results/")
    given = parser.parse_args()
    print("model          task             chat   items  difference  other scores  other outputs")
    found: list[dict[str, Any]] = []
    for row in compare(given.data, given.limit):
        found.append({name: getattr(row, name) for name in Compared.__slots__})
        print(
            f"{row.model:<15}{row.task:<17}{'yes' if row.chat else 'no':<5}{row.items:>7}"
            f"{row.largest_difference:>12.0e}{row.other_scores:>14}{row.other_outputs:>15}",
            flush=True,
        )
    if given.write:
        document = {"limit": given.limit, "tasks": found}
        RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
