"""How fast does tunewise train, and in how much memory, against Trainer and TRL?

    python perf/training_speed.py --data alpaca.json        # some minutes on one core
    python perf/training_speed.py --data alpaca.json --write

LoRA on a Llama of 20 million random weights, in float32, eight rows a step, on the same rows of a
file of instructions. Two questions, each answered by child processes of their own:

* **equal**: given the same batches, seed and adapter, do all compute the same losses, and
  how much memory does each take beyond the libraries? Memory that the C library would keep for
  later is given back at once (MALLOC_MMAP_THRESHOLD_).
* **speed**: each with the batches that it makes itself, how many supervised tokens does it learn
  for a second of processor time? They take turns; the median of the rounds counts. The first
  steps are not counted.

TRL's SFTTrainer (the extra `preference`) runs with gradient checkpointing and bfloat16 off, which
are on by default and slower here, so that the mathematics is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "perf" / "results" / "training_speed.json"
PAGE = ROOT / "docs" / "training_speed.md"
MARKERS = ("<!-- table: start -->", "<!-- table: end -->")
OURS = ("tunewise", "tunewise, fused_lora")
CONTENDERS = (*OURS, "Trainer", "TRL")
TARGETS = {"Trainer": 2.2, "TRL": 2.5}
SIZE: dict[str, Any] = {
    "hidden_size": 288,
    "intermediate_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
}
VOCABULARY = 32_000
BATCH, STEPS, EQUAL_STEPS, SKIPPED = 8, 32, 8, 4
SAME = 1e-4


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every contender is given."""

    folder: Path
    rows: Path


def prepare(data: Path, folder: Path) -> Prepared:
    """Write a model of random weights, its tokenizer, and rendered rows."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from tunewise.curate.reading.read import read_dataset
    from tunewise.train.rows.render import Rendered, render_all
    from tunewise.train.rows.supervision import conversation

    records = read_dataset(data).records.sample(fraction=1, seed=17, shuffle=True)
    conversations = [conversation(record) for record in records.iter_rows(named=True)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        (turn["content"] or "" for turns in conversations for turn in turns),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<pad>", "<s>", "</s>"],
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            **SIZE, vocab_size=VOCABULARY, tie_word_embeddings=True, max_position_embeddings=1024
        )
    ).save_pretrained(folder)
    wanted = BATCH * STEPS
    rows = [
        {"input_ids": row.tokens, "supervised": row.supervised}
        for row in render_all(wrapped, conversations[: 2 * wanted], max_length=1024)
        if isinstance(row, Rendered) and any(row.supervised)
    ][:wanted]
    (folder / "rows.json").write_text(json.dumps(rows), "utf-8")
    return Prepared(folder, folder / "rows.json")


def run_child(contender: str, question: str, prepared: Prepared) -> dict[str, Any]:
    """Train with one contender in this process; returns its losses, speed and memory."""
    import torch
    from transformers import TrainerCallback, set_seed

    from tunewise.train.models.adapters import add_adapter
    from tunewise.train.models.base_model import find_base_model, load_weights
    from tunewise.train.models.fused_lora import fuse_lora
    from tunewise.train.models.hardware import choose_hardware
    from tunewise.train.recipe import Recipe
    from tunewise.train.rows.batches import LengthBatches

    class Clock(TrainerCallback):
        """Notes the processor time at every step, and the losses."""

        def __init__(self) -> None:
            self.at: dict[int, float] = {}
            self.losses: list[float] = []

        def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> Any:
            self.at[state.global_step] = time.process_time()
            control.should_log = True
            return control

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **objects: Any
        ) -> None:
            if "loss" in (logs or {}):
                self.losses.append(logs["loss"])

    torch.set_num_threads(1)
    rows = json.loads(prepared.rows.read_text("utf-8"))
    equal = question == "equal"
    steps = EQUAL_STEPS if equal else STEPS
    recipe = Recipe(
        batch_size=BATCH, dropout=0.0 if equal else 0.05, learning_rate=2e-4, schedule="constant",
        warmup=0.0, seed=17,
    )  # fmt: skip
    hardware = choose_hardware(dtype="float32", threads=1)
    set_seed(17)
    model: Any = add_adapter(load_weights(find_base_model(str(prepared.folder)), hardware), recipe)
    lengths = [len(row["input_ids"]) for row in rows]
    if "fused_lora" in contender:
        assert fuse_lora(model)
    order = LengthBatches(lengths, BATCH, 17) if equal or contender in OURS else None
    clock, before = Clock(), _resident()
    train = _with_tunewise if contender in OURS else _with_library
    batches = train(contender, model, rows, recipe, order, steps, clock, prepared.folder)
    counted = list(clock.at)[SKIPPED - 1 :]
    learned = sum(batches[step - 1] for step in counted[1:])
    seconds = clock.at[counted[-1]] - clock.at[counted[0]]
    return {
        "losses": clock.losses,
        "supervised_per_second": learned / seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before,
    }


def _with_tunewise(
    contender: str, model: Any, rows: list[Any], recipe: Any, order: Any, steps: int, clock: Any,
    folder: Path,
) -> list[int]:  # fmt: skip
    """Train with tunewise; returns the supervised tokens of every step."""
    from tunewise.train.loop.trainer import fit
    from tunewise.train.loop.watch import Tally
    from tunewise.train.models.hardware import choose_hardware
    from tunewise.train.preflight.preflight import Schedule
    from tunewise.train.rows.render import Rendered

    rendered = [Rendered(row["input_ids"], row["supervised"]) for row in rows]
    order.set_epoch(0)
    counts = [sum(sum(rows[row]["supervised"]) for row in batch) for batch in order]
    fit(
        model, rendered, order=order, recipe=recipe, schedule=Schedule(steps, steps, 0, steps),
        hardware=choose_hardware(dtype="float32", threads=1), padding=0, tally=Tally(),
        callbacks=(clock,), folder=folder / "checkpoints",
    )  # fmt: skip
    return counts


def _with_library(
    contender: str, model: Any, rows: list[Any], recipe: Any, order: Any, steps: int, clock: Any,
    folder: Path,
) -> list[int]:  # fmt: skip
    """Train with transformers' Trainer or TRL; returns the supervised tokens of every step."""
    from datasets import Dataset
    from torch.utils.data import DataLoader
    from transformers import (
        DataCollatorForSeq2Seq,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    dataset = Dataset.from_list(
        [
            {
                "input_ids": row["input_ids"],
                "labels": [
                    token if learned else -100
                    for token, learned in zip(row["input_ids"], row["supervised"], strict=True)
                ],
            }
            for row in rows
        ]
    )
    arguments: dict[str, Any] = {
        "output_dir": str(folder / "output"), "per_device_train_batch_size": BATCH,
        "max_steps": steps, "learning_rate": recipe.learning_rate, "lr_scheduler_type": "constant",
        "weight_decay": 0.0, "max_grad_norm": 1.0, "seed": 17, "use_cpu": True,
        "save_strategy": "no", "report_to": "none", "logging_steps": 1, "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }  # fmt: skip
    if contender == "TRL":
        from trl.trainer.sft_config import SFTConfig
        from trl.trainer.sft_trainer import SFTTrainer

        kind: Any = SFTTrainer
        keys = {"gradient_checkpointing": False, "bf16": False, "max_length": None}
        made: dict[str, Any] = {"args": SFTConfig(**arguments, **keys)}
        made["processing_class"] = tokenizer
    else:
        kind = Trainer
        made = {"args": TrainingArguments(**arguments)}
        made["data_collator"] = DataCollatorForSeq2Seq(tokenizer)
    counts: list[int] = []

    class Counting(kind):
        """Takes the given batches, if any, and counts what each teaches."""

        def get_train_dataloader(self) -> Any:
            if order is None:
                return super().get_train_dataloader()
            return DataLoader(
                self.train_dataset, batch_sampler=order, collate_fn=self.data_collator
            )

        def get_batch_samples(self, *arguments: Any) -> Any:
            batches, items = super().get_batch_samples(*arguments)
            counts.append(sum(int((batch["labels"] != -100).sum()) for batch in batches))
            return batches, items

    Counting(model=model, train_dataset=dataset, callbacks=[clock], **made).train()
    return counts


def _resident() -> int:
    """Return the bytes that this process has in memory now."""
    import psutil

    return psutil.Process().memory_info().rss


def ask(contender: str, question: str, prepared: Prepared) -> dict[str, Any]:
    """Run a contender in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    if question == "equal":
        environment |= {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    result = subprocess.run(
        [sys.executable, __file__, "--child", contender, question, str(prepared.folder)],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def compare(prepared: Prepared, rounds: int) -> Iterator[tuple[str, Any]]:
    """Yield the largest difference of losses, then each contender's figures."""
    equal = {name: ask(name, "equal", prepared) for name in CONTENDERS}
    ours = equal["tunewise"]["losses"]
    for name in CONTENDERS[1:]:
        pairs = zip(ours, equal[name]["losses"][: len(ours)], strict=True)
        yield f"difference to {name}", max(abs(one - other) for one, other in pairs)
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            seen[name].append(ask(name, "speed", prepared))
    for name in CONTENDERS:
        rates = [figures["supervised_per_second"] for figures in seen[name]]
        yield (
            name,
            {
                "supervised_per_second": statistics.median(rates),
                "rounds": rates,
                "peak": equal[name]["peak"],
            },
        )


def as_markdown(found: dict[str, Any]) -> str:
    """Return the table."""
    trainer = found["Trainer"]
    lines = [
        "| | supervised tokens a processor second | of Trainer's | memory, MB | of Trainer's "
        "| losses differ from tunewise's by |",
        "|---|---|---|---|---|---|",
    ]
    for name in CONTENDERS:
        figures = found[name]
        times = figures["supervised_per_second"] / trainer["supervised_per_second"]
        other = found.get(f"difference to {name}")
        lines.append(
            f"| {name} | {figures['supervised_per_second']:,.0f} | {times:.2f} × "
            f"| {figures['peak'] / 1e6:,.0f} | {figures['peak'] / trainer['peak']:.0%} "
            f"| {'–' if other is None else format(other, '.1e')} |"
        )
    return "\n".join(lines)


def write_results(found: dict[str, Any]) -> None:
    """Write the figures as data, and the table into the page."""
    import importlib.metadata as metadata

    versions = {name: metadata.version(name) for name in ("torch", "transformers", "peft", "trl")}
    document = {"schema_version": 1, "versions": versions, **found}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    start, end = MARKERS
    before, _, rest = PAGE.read_text("utf-8").partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{start}\n{as_markdown(found)}\n{end}{after}", "utf-8")


def failures(found: dict[str, Any]) -> Sequence[str]:
    """Return what is not as it should be."""
    rate = max(found[name]["supervised_per_second"] for name in OURS)
    slow = [
        f"not {target} times as fast as {name}"
        for name, target in TARGETS.items()
        if rate < target * found[name]["supervised_per_second"]
    ]
    other = [
        f"losses differ from {name}'s"
        for name in CONTENDERS[1:]
        if found[f"difference to {name}"] > SAME
    ]
    return [*slow, *other]


def main() -> None:
    """Compare, print the table, and exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description="Compare training with Trainer and TRL.")
    parser.add_argument("--data", type=Path, help="instructions, in any shape that tunewise reads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("CONTENDER", "QUESTION", "FOLDER"))
    parser.add_argument(
        "--write", action="store_true", help=f"write {RESULTS.name} and the table of {PAGE.name}"
    )
    arguments = parser.parse_args()
    if arguments.child:
        contender, question, name = arguments.child
        folder = Path(name)
        print(json.dumps(run_child(contender, question, Prepared(folder, folder / "rows.json"))))
        return
    if arguments.data is None:
        parser.error("name a file of instructions: --data FILE")
    with tempfile.TemporaryDirectory() as temporary:
        found = dict(compare(prepare(arguments.data, Path(temporary)), arguments.rounds))
    print(as_markdown(found))
    if arguments.write:
        write_results(found)
    missed = failures(found)
    for text in missed:
        print(text)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
