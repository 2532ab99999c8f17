"""Two processes give the answers of one, to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.run import evaluate_models
from tunewise.evaluate.scoring.crew import Crew, current_crew
from tunewise.evaluate.scoring.generation import generate_together
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.settings import EvaluateSettings
from tunewise.train.loop.launch import launch
from tunewise.train.models.hardware import Hardware
from tunewise.workspace.artifact import Workspace

SEQUENCES = [[3 + n % 50, 4 + n, 7, 9, 5 + n % 7] for n in range(40)]
PROMPTS = [[5 + n, 6, 7 + n % 3] for n in range(9)]


class Absent(Crew):
    """The other process of two has not answered yet."""

    def tell(self, order: Any) -> Any:
        return order

    def others(self, found: Any) -> list[Any]:
        return []


def test_each_takes_a_share_and_nothing_twice(tiny: tuple[Any, Any]) -> None:
    alone = TokenScorer(tiny[0], batch_tokens=16).score(SEQUENCES, [2] * 40)
    shares = [
        TokenScorer(tiny[0], batch_tokens=16, crew=Absent(rank, 2)).score(SEQUENCES, [2] * 40)
        for rank in range(2)
    ]
    first, second = (share.log_probabilities for share in shares)
    assert not ((first != 0) & (second != 0)).any()
    assert (first + second == alone.log_probabilities).all()
    answered: list[list[int]] = []
    for rank in range(2):
        generate_together(
            tiny[0], PROMPTS, [3] * 9, crew=Absent(rank, 2), ends=frozenset(), batch_tokens=4,
            finished=lambda numbers, tokens: answered.append(list(numbers)),
        )  # fmt: skip
    assert sorted(number for numbers in answered for number in numbers) == list(range(9))


def test_alone_there_is_no_crew() -> None:
    assert current_crew(Hardware("cpu", "float32", 1)) is None


def test_two_processes_give_the_answers_of_one(tiny_model: Path, tmp_path: Path) -> None:
    """Choices with common beginnings and free answers, by the command itself."""
    workspace = Workspace(tmp_path)
    choices = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red"], "gold": n % 2}
        for n in range(40)
    ]
    sums = [{"prompt": f"{n} {n + 1}", "answer": f"{n + 2}"} for n in range(8)]
    for name, rows in (("who", choices), ("sums", sums)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "tunewise.toml").write_text(
        "[evaluate]\nbatch_tokens = 64\ndivergence_items = 0\n", encoding="utf-8"
    )
    settings = EvaluateSettings(
        suites=("who.jsonl", "sums.jsonl"), batch_tokens=64, divergence_items=0
    )
    both = compare_models(str(tiny_model), str(tiny_model))
    one = evaluate_models(workspace, both, settings)
    alone = pl.read_parquet(one.folder / "items.parquet")
    command = ["evaluate", "--workspace", str(tmp_path), "--base", str(tiny_model), "--tuned",
               str(tiny_model), "--suite", "who.jsonl,sums.jsonl", "--force"]  # fmt: skip
    found = one.folder / "items.parquet"
    found.unlink()
    assert launch(command, 2, 1) == 0
    assert pl.read_parquet(found).equals(alone)
    assert set(alone["task"]) == {"who", "sums"}
