"""Is the memory that a run will take known before it starts? Estimates against real processes.

    python perf/memory_estimates.py            # all configurations: a quarter of an hour
    python perf/memory_estimates.py --write    # and write the result and the table of the page
    python perf/memory_estimates.py --again    # only the formula has changed: nothing is measured

Each configuration is trained for three steps by `tunewise.train` in a process of its own, on a
Llama of random weights. What it took is the highest resident memory that the kernel saw, less
what the process held before the model was loaded (Python, libraries, and a smaller training that
has warmed them up). Memory that the C library keeps for later is given back at once
(MALLOC_MMAP_THRESHOLD_), or its habits would be measured, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import LlamaConfig

    from tunewise.train.loop.objective import Objective
    from tunewise.train.recipe import Recipe
    from tunewise.train.rows.packing import Lessons
    from tunewise.train.rows.render import Rendered

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "perf" / "results" / "memory_estimates.json"
PAGE = ROOT / "docs" / "preflight.md"
MARKERS = ("<!-- memory: start -->", "<!-- memory: end -->")
# Of the real size, so that what is measured is the model and not the interpreter.
SIZES: dict[str, dict[str, int]] = {
    "20M": {"hidden": 384, "inner": 1024, "layers": 8, "heads": 6, "keys": 2, "vocabulary": 8000},
    "60M": {"hidden": 512, "inner": 1408, "layers": 12, "heads": 8, "keys": 8, "vocabulary": 16000},
    "135M": {
        "hidden": 576,
        "inner": 1536,
        "layers": 30,
        "heads": 9,
        "keys": 3,
        "vocabulary": 49152,
    },
}
WITHIN = 0.15
LABELS = ("good", "bad", "neither")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is trained: a model's size, and keys of the recipe."""

    size: str
    method: str = "lora"
    batch_size: int = 8
    length: int = 256
    gradient_checkpointing: bool = False
    dtype: str = "float32"
    attention: str = "auto"
    optimizer: str = "adamw"
    gradient_accumulation: int = 1
    packing: bool = False
    supervised: float = 0.3
    dora: bool = False
    quantize: str | None = None
    task: str = "supervised"
    kl_weight: float = 0.0


CONFIGURATIONS = (
    Configuration("20M"),
    Configuration("20M", batch_size=16, length=512),
    Configuration("20M", method="full", batch_size=4, length=512, attention="eager"),
    Configuration("60M", method="full"),
    Configuration("60M", method="full", gradient_accumulation=2, optimizer="adafactor"),
    Configuration("60M", batch_size=4, length=512, packing=True),
    Configuration("60M", batch_size=8, length=512, gradient_checkpointing=True),
    Configuration("60M", dtype="bfloat16"),
    Configuration("60M", method="full", dtype="bfloat16", batch_size=4),
    Configuration("135M", batch_size=4),
    Configuration("135M", batch_size=4, supervised=1.0, gradient_checkpointing=True),
    Configuration("135M", method="full", batch_size=2, length=128),
    Configuration("20M", dora=True),
    Configuration("60M", dora=True, batch_size=4),
    Configuration("60M", method="ia3"),
    Configuration("60M", method="prefix"),
    Configuration("60M", quantize="4bit"),
    Configuration("60M", quantize="8bit"),
    Configuration("60M", quantize="4bit", dtype="bfloat16"),
    Configuration("60M", task="preference", batch_size=4),
    Configuration("20M", task="preference", method="full", batch_size=4),
    Configuration("60M", task="classification-head"),
    Configuration("60M", kl_weight=0.5, batch_size=4),
    Configuration("20M", kl_weight=0.5, method="full"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was estimated and what was taken, in bytes."""

    configuration: Configuration
    estimated: int
    measured: int

    @property
    def error(self) -> float:
        """By which share the estimate is above what was measured."""
        return self.estimated / self.measured - 1


def measure(configuration: Configuration) -> Outcome:
    """Train in a process of its own and compare."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
            "MALLOC_MMAP_THRESHOLD_": "65536",
            "MALLOC_TRIM_THRESHOLD_": "65536",
        }
        result = subprocess.run(
            [sys.executable, __file__, "--child", json.dumps(asdict(configuration)), folder],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    facts = json.loads(result.stdout.splitlines()[-1])
    return Outcome(configuration, estimate(configuration), facts["measured"])


def run_child(configuration: Configuration, folder: Path) -> dict[str, int]:
    """Train in this process: a small model first, then the one that counts."""
    small = replace(configuration, size="20M", batch_size=2, length=16)
    _train(small, folder / "warm-up", hidden=48)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    _train(configuration, folder / "run")
    return {"measured": _resident("VmHWM") - before}


def recipe_of(configuration: Configuration) -> Recipe:
    """Return the recipe of a configuration."""
    from tunewise.train.recipe import Recipe

    return Recipe.model_validate(
        {
            "method": configuration.method,
            "batch_size": configuration.batch_size,
            "max_length": configuration.length,
            "gradient_checkpointing": configuration.gradient_checkpointing,
            "attention": configuration.attention,
            "optimizer": configuration.optimizer,
            "gradient_accumulation": configuration.gradient_accumulation,
            "packing": configuration.packing,
            "dora": configuration.dora,
            "quantize": configuration.quantize,
            "task": configuration.task,
            "kl_weight": configuration.kl_weight,
            "learning_rate": 1e-4,
        }
    )


def rows_of(configuration: Configuration) -> list[Rendered]:
    """Draw the rows of three steps, all of one length."""
    import torch

    from tunewise.train.rows.render import Rendered
    from tunewise.train.rows.tasks import Pair

    parts = 4 if configuration.packing else 1
    learned = round(configuration.supervised * configuration.length / parts)
    width = configuration.length // parts
    vocabulary = SIZES[configuration.size]["vocabulary"]
    random = torch.Generator().manual_seed(0)

    def draw() -> Rendered:
        tokens = torch.randint(5, vocabulary, (width,), generator=random).tolist()
        if configuration.task == "classification-head":
            return Rendered([*tokens[1:], tokens[0] % len(LABELS)], [False] * (width - 1) + [True])
        return Rendered(tokens, [place >= width - learned and place > 0 for place in range(width)])

    def pair() -> Pair:
        chosen = draw()
        return Pair(chosen.tokens, chosen.supervised, rejected=draw())

    rows = 3 * configuration.batch_size * configuration.gradient_accumulation * parts
    return [pair() if configuration.task == "preference" else draw() for _ in range(rows)]


def lessons_of(configuration: Configuration) -> Lessons:
    """Arrange the rows of a configuration."""
    from tunewise.train.rows.packing import arrange

    capacity = configuration.length if configuration.packing else None
    return arrange(rows_of(configuration), capacity=capacity)


def estimate(configuration: Configuration) -> int:
    """Return the bytes that the formula gives; no weight is made."""
    from tunewise.train.models.hardware import choose_hardware
    from tunewise.train.preflight.anatomy import Anatomy, anatomy
    from tunewise.train.preflight.batch_shapes import anchor_shapes, learning_shapes
    from tunewise.train.preflight.memory import estimate_memory

    labels = len(LABELS) if configuration.task == "classification-head" else 0
    known = anatomy(model_config(SIZES[configuration.size]), labels)
    assert isinstance(known, Anatomy)
    recipe, lessons = recipe_of(configuration), lessons_of(configuration)
    return estimate_memory(
        known,
        recipe,
        choose_hardware(dtype=configuration.dtype, threads=1),
        learning_shapes(lessons, recipe),
        anchored=anchor_shapes(lessons.rows, recipe) if recipe.kl_weight else (),
    ).peak


def _train(configuration: Configuration, folder: Path, hidden: int | None = None) -> None:
    """Train three steps."""
    from transformers import set_seed

    from tunewise.train.loop.trainer import fit
    from tunewise.train.loop.watch import Tally
    from tunewise.train.models.adapters import CLASSIFIES, GENERATES, add_adapter
    from tunewise.train.models.arrangement import arrange_model
    from tunewise.train.models.base_model import find_base_model, load_weights
    from tunewise.train.models.hardware import choose_hardware
    from tunewise.train.models.heads import load_head
    from tunewise.train.preflight.preflight import Schedule
    from tunewise.train.rows.batches import order_of

    write_model(folder, SIZES[configuration.size] | ({"hidden": hidden} if hidden else {}))
    recipe, lessons = recipe_of(configuration), lessons_of(configuration)
    hardware = choose_hardware(dtype=configuration.dtype, threads=1)
    base = find_base_model(str(folder))
    set_seed(0)
    options: Any = {"train_all": not recipe.is_adapter, "quantize": recipe.quantize}
    has_head = recipe.task == "classification-head"
    model: Any = (
        load_head(base, hardware, LABELS, padding=0, **options)
        if has_head
        else load_weights(base, hardware, **options)
    )
    arrange_model(model, recipe)
    if recipe.is_adapter:
        model = add_adapter(model, recipe, task=CLASSIFIES if has_head else GENERATES)
    fit(
        model,
        lessons.rows,
        order=order_of(lessons, recipe),
        recipe=recipe,
        schedule=Schedule(3, 3, 0, 3),
        hardware=hardware,
        padding=0,
        tally=Tally(),
        callbacks=(),
        folder=folder / "checkpoints",
        objective=_objective(model, recipe, lessons),
    )


def _objective(model: Any, recipe: Recipe, lessons: Lessons) -> Objective | None:
    """Return what the loss needs beside the rows; the rows themselves stand for general ones."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    from tunewise.train.loop.anchor import Anchor
    from tunewise.train.loop.objective import Objective
    from tunewise.train.models.reference import Reference

    def nothing(model: Any, rows: Sequence[Any]) -> float:
        raise NotImplementedError("nothing is validated")

    if recipe.task == "preference":
        words = Tokenizer(WordLevel({"<pad>": 0, "<end>": 1}, unk_token="<pad>"))
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=words, pad_token="<pad>", eos_token="<end>"
        )
        return Objective(nothing, reference=Reference(model, recipe), tokenizer=tokenizer)
    if recipe.kl_weight:
        return Objective(nothing, Anchor(lessons.rows, recipe, Reference(model, recipe), 0))
    return None


def model_config(size: dict[str, int]) -> LlamaConfig:
    """Return the configuration of a Llama."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=size["vocabulary"],
        hidden_size=size["hidden"],
        intermediate_size=size["inner"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["keys"],
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )


def write_model(folder: Path, size: dict[str, int]) -> None:
    """Write a Llama of random weights."""
    import torch
    from transformers import LlamaForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    LlamaForCausalLM(model_config(size)).save_pretrained(folder)


def _resident(name: str) -> int:
    """Return a number of /proc/self/status in bytes: VmRSS now, VmHWM at the most."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table of all configurations."""
    lines = [
        "| model | method | rows × tokens | learned | other keys "
        "| estimated MB | measured MB | error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        on = outcome.configuration
        default = Configuration(on.size)
        names = ("gradient_checkpointing", "dtype", "attention", "optimizer", "packing")
        names += ("gradient_accumulation", "dora", "quantize", "task", "kl_weight")
        keys = [f"{n} = {getattr(on, n)}" for n in names if getattr(on, n) != getattr(default, n)]
        lines.append(
            f"| {on.size} | {on.method} | {on.batch_size} × {on.length} | {on.supervised:.0%} "
            f"| {', '.join(keys) or '–'} | {outcome.estimated / 1e6:,.0f} "
            f"| {outcome.measured / 1e6:,.0f} | {outcome.error:+.0%} |"
        )
    return "\n".join(lines)


def measured_before() -> dict[Configuration, int]:
    """Return the bytes that were measured, which no change of the formula changes."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"]
    return {Configuration(**run["configuration"]): run["measured"] for run in runs}


def write_results(outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes as data, and their table into the page."""
    runs = [{**asdict(outcome), "error": outcome.error} for outcome in outcomes]
    RESULTS.write_text(json.dumps({"schema_version": 1, "runs": runs}, indent=1) + "\n", "utf-8")
    start, end = MARKERS
    before, _, rest = PAGE.read_text("utf-8").partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{start}\n{as_markdown(outcomes)}\n{end}{after}", "utf-8")


def main() -> None:
    """Measure all configurations and print the table; exit 1 if one is off by more than 15 %."""
    parser = argparse.ArgumentParser(
        description="Compare estimated memory with what processes take."
    )
    parser.add_argument("--child", nargs=2, metavar=("CONFIGURATION", "FOLDER"))
    parser.add_argument("--only", type=int, nargs="+", help="numbers of configurations")
    parser.add_argument(
        "--write", action="store_true", help=f"write {RESULTS.name} and {PAGE.name}"
    )
    parser.add_argument(
        "--again", action="store_true", help=f"estimate anew; what was measured, of {RESULTS.name}"
    )
    arguments = parser.parse_args()
    if arguments.child:
        configuration, folder = arguments.child
        print(json.dumps(run_child(Configuration(**json.loads(configuration)), Path(folder))))
        return
    chosen = arguments.only or range(len(CONFIGURATIONS))
    outcomes: list[Outcome] = []
    before = measured_before() if arguments.again else {}
    for number in chosen:
        on = CONFIGURATIONS[number]
        again = Outcome(on, estimate(on), before[on]) if arguments.again else None
        outcomes.append(again or measure(on))
        print(as_markdown(outcomes).splitlines()[-1], flush=True)
    if arguments.write:
        write_results(outcomes)
    worst = max(outcomes, key=lambda outcome: abs(outcome.error))
    print(f"worst: {worst.error:+.1%}")
    sys.exit(abs(worst.error) > WITHIN)


if __name__ == "__main__":
    main()
