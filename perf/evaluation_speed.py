"""How fast are base and tuned scored, against lm-eval's own model, at equal answers?

    python perf/evaluation_speed.py --data DIR --write       two small models, five workloads
    python perf/evaluation_speed.py --model DIR --suite a.jsonl,b.yaml --limit 400

Both score the same tasks in the same process, one after the other, on one thread; the ratio of
processor seconds is what counts, because other work on the machine does not change it much. *Cold*
is two models asked one after the other, of which the second finds the texts encoded; lm-eval keeps
nothing between two models, so it is timed once and counted twice. *Base kept* is one model asked
by itself, against lm-eval's two. lm-eval reads a task's templates anew for every item; *HFLM* is
what its model takes where they are read once, as by us, so that only the models are compared. DIR
holds `benchmarks/`, `text/` and `models/stories260K`; the other model is a Llama of 20 million
random weights, whose answers mean nothing and cost the same.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.evaluate.items import Answers
from tunewise.evaluate.scoring.harness import CausalScorer
from tunewise.evaluate.scoring.pair import TOKENS_ON_A_PROCESSOR
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.tasks import suites as tasks
from tunewise.evaluate.tasks.asking import ask
from tunewise.evaluate.tasks.suites import Benchmark, load_benchmarks

RESULTS = Path(__file__).resolve().parent / "results" / "evaluation_speed.json"
HFLM_BATCH = 64
SHOTS = 5
# A prompt with its examples has to fit the smaller model's 512 tokens; one that does not is cut
# by lm-eval, each at another place, and then nothing is shared.
LONGEST_SHOT, LONGEST_ITEM = 75, 330
SIZE: dict[str, Any] = {
    "hidden_size": 384,
    "intermediate_size": 1024,
    "num_hidden_layers": 10,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
}
VOCABULARY = 8_000
CHOICES = """
doc_to_text: "{{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
output_type: multiple_choice
metric_list: [{metric: acc}]
"""
FIXED = f"""
fewshot_split: shots
num_fewshot: {SHOTS}
fewshot_config: {{sampler: first_n}}
"""
WORKLOADS = {
    "four choices": ("arc", CHOICES),
    "four choices, 5 examples": ("arc", CHOICES + FIXED),
    "two choices": ("ending", CHOICES),
    "two choices, 5 examples": ("swap", CHOICES + FIXED),
    "free answers, 5 examples": ("stories", """
doc_to_text: "Once: {{text[:120]}}\nThen:"
doc_to_target: "{{text[120:160]}}"
output_type: generate_until
generation_kwargs: {until: ["\n"], max_gen_toks: 24}
metric_list: [{metric: exact_match}]
""" + FIXED),
    "free answers": ("stories", """
doc_to_text: "{{text[:120]}}"
doc_to_target: "{{text[120:160]}}"
output_type: generate_until
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 48}
metric_list: [{metric: exact_match}]
"""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One workload: what it took, and whether the answers are the same."""

    model: str
    task: str
    items: int
    seconds_first: float
    seconds_second: float
    seconds_lm_eval: float
    seconds_hflm: float
    largest_difference: float
    other_scores: int
    other_outputs: int

    @property
    def cold(self) -> float:
        """How many times quicker two models are asked."""
        return 2 * self.seconds_lm_eval / (self.seconds_first + self.seconds_second)

    @property
    def base_kept(self) -> float:
        """The same where the base's answers are kept."""
        return 2 * self.seconds_lm_eval / self.seconds_first

    @property
    def against_hflm(self) -> float:
        """How many times quicker than lm-eval's model, cold."""
        return 2 * self.seconds_hflm / (self.seconds_first + self.seconds_second)


def compare(
    name: str, model_path: Path, suites: list[str], folder: Path, limit: int | None
) -> Iterator[Compared]:
    """Score every task both ways."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
    peer: Any = HFLM
    theirs = peer(pretrained=model, tokenizer=tokenizer, batch_size=HFLM_BATCH)
    compiled = load_benchmarks(suites, folder, limit=limit)
    for benchmark, as_it_is in zip(compiled, _as_lm_eval_reads(suites, folder, limit), strict=True):
        encoded: dict[str, list[int]] = {}
        seconds: list[float] = []
        for _ in range(2):
            ours = CausalScorer(
                TokenScorer(model, batch_tokens=TOKENS_ON_A_PROCESSOR),
                tokenizer,
                context=model.config.max_position_embeddings,
                encoded=encoded,
            )
            one, found = _timed(lambda b=benchmark, m=ours: ask(b, m))
            seconds.append(one)
        hflm, expected = _timed(lambda b=benchmark: ask(b, theirs))
        lm_eval, _ = _timed(lambda b=as_it_is: ask(b, theirs))
        others = (found.frame["score"] - expected.frame["score"]).abs() > 1e-4
        yield Compared(
            model=name,
            task=benchmark.name.replace("_", " ").replace("choices ", "choices, "),
            items=len(found.frame),
            seconds_first=seconds[0],
            seconds_second=seconds[1],
            seconds_lm_eval=lm_eval,
            seconds_hflm=hflm,
            largest_difference=_difference(found, expected),
            other_scores=int(others.sum()),
            other_outputs=int(found.frame["output"].ne_missing(expected.frame["output"]).sum()),
        )


def _as_lm_eval_reads(suites: list[str], folder: Path, limit: int | None) -> list[Benchmark]:
    """Load the tasks with their templates left as they are."""
    original = tasks.compile_templates
    tasks.compile_templates = lambda task: None
    try:
        return load_benchmarks(suites, folder, limit=limit)
    finally:
        tasks.compile_templates = original


def write_workloads(data: Path, folder: Path) -> list[str]:
    """Write the workloads and their rows; returns the names of the files."""
    benchmarks = data / "benchmarks"
    stories = json.loads((data / "text" / "tinystories_1000.json").read_text("utf-8"))
    rows: dict[str, list[Any]] = {
        "arc": _rows(benchmarks / "arc_easy_test.jsonl"),
        "ending": _rows(benchmarks / "story_ending.jsonl"),
        "swap": _rows(benchmarks / "story_word_swap.jsonl"),
        "stories": [{"text": story.strip()[:160]} for story in stories if len(story) > 200],
    }
    for name, found in rows.items():
        shots = [row for row in found if _length(row) <= LONGEST_SHOT][:SHOTS] or found[:SHOTS]
        kept = [row for row in found if row not in shots and
                ("text" in row or _length(row) <= LONGEST_ITEM)]  # fmt: skip
        for part, some in (("shots", shots), ("rows", kept)):
            text = "\n".join(json.dumps(row) for row in some)
            (folder / f"{name}_{part}.jsonl").write_text(text, encoding="utf-8")
    names = []
    for title, (name, definition) in WORKLOADS.items():
        task = title.replace(", ", "_").replace(" ", "_")
        files = f"{{rows: {name}_rows.jsonl, shots: {name}_shots.jsonl}}"
        (folder / f"{task}.yaml").write_text(
            f"task: {task}\ndataset_path: json\ndataset_kwargs: {{data_files: {files}}}\n"
            f"test_split: rows\n{definition}",
            encoding="utf-8",
        )
        names.append(f"{task}.yaml")
    return names


def write_random_model(data: Path, folder: Path) -> Path:
    """Write a Llama of 20 million random weights with a tokenizer of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        (data / "text" / "wikitext2_valid.txt").read_text("utf-8").splitlines(),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<s>", "</s>"],
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(**SIZE, vocab_size=VOCABULARY, max_position_embeddings=1024,
                         tie_word_embeddings=True, bos_token_id=0, eos_token_id=1)  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _length(row: dict[str, Any]) -> int:
    """Return the characters of a question and its longest choice."""
    return len(row.get("query", row.get("text", ""))) + max(map(len, row.get("choices", [""])))


def _timed(action: Callable[[], Answers]) -> tuple[float, Answers]:
    with contextlib.redirect_stderr(io.StringIO()):
        begin = time.process_time()
        found = action()
        return time.process_time() - begin, found


def _difference(found: Answers, expected: Answers) -> float:
    ours, theirs = (
        np.array([value for row in one.frame["log_likelihoods"].to_list() for value in row or ()])
        for one in (found, expected)
    )
    return float(np.abs(ours - theirs).max()) if len(ours) else 0.0


def _measured(given: argparse.Namespace) -> Iterator[Compared]:
    if given.data is None:
        suites = given.suite.split(",")
        yield from compare(given.model.name, given.model, suites, Path(), given.limit)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suites = write_workloads(given.data, folder)
        path = given.data / "models" / "stories260K"
        yield from compare("stories260K", path, suites, folder, given.limit or 300)
        path = write_random_model(given.data, folder / "random")
        yield from compare("random 20 M", path, suites, folder, (given.limit or 300) // 5)


def main() -> None:
    """Measure, print a table and write the results."""
    parser = argparse.ArgumentParser(description="Scoring speed against lm-eval")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="the workloads and models above")
    source.add_argument("--model", type=Path, help="one model, on the suites")
    parser.add_argument("--suite", default="general")
    parser.add_argument("--limit", type=int, help="items; the random model gets a fifth")
    parser.add_argument("--write", action="store_true", help="keep the figures under results/")
    given = parser.parse_args()
    print("model         task                       items  seconds  lm-eval   cold  "
          "base kept  HFLM  difference  other scores, outputs")  # fmt: skip
    found: list[dict[str, Any]] = []
    for row in _measured(given):
        ratios = {name: getattr(row, name) for name in ("cold", "base_kept", "against_hflm")}
        found.append({
            name: round(value, 8 if name == "largest_difference" else 3)
            if isinstance(value, float) else value
            for name, value in {**asdict(row), **ratios}.items()
        })  # fmt: skip
        print(
            f"{row.model:<14}{row.task:<26}{row.items:>6}"
            f"{row.seconds_first + row.seconds_second:>9.2f}{2 * row.seconds_lm_eval:>9.1f}"
            f"{row.cold:>7.1f}{row.base_kept:>11.1f}{row.against_hflm:>6.1f}{row.largest_difference:>12.0e}"
            f"{row.other_scores:>8}, {row.other_outputs}",
            flush=True,
        )
    if given.write:
        RESULTS.write_text(json.dumps({"tasks": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
