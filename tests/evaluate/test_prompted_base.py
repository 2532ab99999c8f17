"""The prompted base as the bar of tuning, and how far two models are apart."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.split import split
from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.domain.prompted import Examples, draw_examples, prompted_part
from tunewise.evaluate.domain.questions import domain_task
from tunewise.evaluate.domain.rows import DomainRow, PartRows
from tunewise.evaluate.items import Answers, TaskInfo, answers
from tunewise.evaluate.observations.divergence import divergence_observations
from tunewise.evaluate.observations.prompted_base import prompted_observations
from tunewise.evaluate.run import evaluate_models
from tunewise.evaluate.settings import EvaluateSettings
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.files import read_json

USER, ASSISTANT, SYSTEM = "user", "assistant", "system"


def row(number: int, prompt: str, answer: str, *before: dict[str, Any]) -> DomainRow:
    turns = ({"role": USER, "content": prompt}, {"role": ASSISTANT, "content": answer})
    return DomainRow(number, (*before, *turns))


def part(name: str, rows: list[DomainRow], kind: str = "chat") -> PartRows:
    return PartRows(name, kind, tuple(rows), skipped=0)


def drawn(
    train: PartRows, test: PartRows, tokenizer: Any, *, context: int = 128, **how: Any
) -> Any:
    task = domain_task(
        test,
        tokenizer,
        choice_items=50,
        generated_items=0,
        answer_tokens=4,
        context=context,
        seed=1,
    )
    return draw_examples(
        train, test, task, tokenizer, **{"count": 2, "context": context, "seed": 1, **how}
    )


def test_examples_are_training_rows_for_which_there_is_room(tiny: tuple[Any, Any]) -> None:
    tokenizer = tiny[1]
    train = part("train", [row(n, f"So {n}?", "Red." * (1 + 40 * (n % 2))) for n in range(20)])
    test = part("test", [row(n, f"Who {n}?", f"Tom {n}.") for n in range(12)])
    found = drawn(train, test, tokenizer)
    assert len(found.rows) == 2
    # The long ones do not fit, and none is a row that is asked about.
    assert all(one.row % 2 == 0 and one in train.rows for one in found.rows)
    assert found == drawn(train, test, tokenizer)
    assert found != drawn(train, test, tokenizer, seed=2)
    assert drawn(train, test, tokenizer, context=16).rows == ()
    same = part("train", [row(n, f"Who {n}?", "Red.") for n in range(12)])
    assert drawn(same, test, tokenizer).rows == ()
    assert drawn(replace(train, kind="text"), test, tokenizer).rows == ()


@given(st.integers(0, 3), st.booleans())
def test_examples_stand_behind_a_rows_own_system_message(count: int, system: bool) -> None:
    own = ({"role": SYSTEM, "content": "Be brief."},) if system else ()
    other = {"role": SYSTEM, "content": "Be long."}
    examples = Examples(tuple(row(n, f"q{n}", f"a{n}", other) for n in range(count)), count)
    asked = row(9, "Who?", "Tom.", *own)
    (found,) = prompted_part(part("test", [asked]), examples).rows
    said = [message["content"] for message in found.messages]
    shown = [text for n in range(count) for text in (f"q{n}", f"a{n}")]
    assert said == [*(["Be brief."] if system else []), *shown, "Who?", "Tom."]
    assert (found.prompt, found.answer, found.row) == (asked.prompt, asked.answer, 9)


def task(group: str, scores: list[float], items: list[str] | None = None) -> Answers:
    info = TaskInfo(f"{group}/answer-choice", group, "accuracy", "share", True, 0.25)
    names = items or [str(n) for n in range(len(scores))]
    return answers(
        info, [{"item": name, "score": score} for name, score in zip(names, scores, strict=True)]
    )


@pytest.mark.parametrize(
    ("right", "verdict"),
    [(400, "beats"), (200, "does not beat"), (100, "does not beat"), (205, "undecided")],
)
def test_tuning_has_to_beat_the_prompted_base(right: int, verdict: str) -> None:
    prompted = task("prompted-base", [1.0] * 200 + [0.0] * 300)
    tuned = task("domain", [1.0] * right + [0.0] * (500 - right))
    base = task("domain", [0.0] * 500)
    (found,) = prompted_observations([prompted], [base], [tuned], examples=3, margin=0.02)
    assert (found.base, found.prompted_base, found.verdict) == (0, 0.4, verdict)
    assert found.delta == pytest.approx(right / 500 - 0.4)
    assert "3 examples" in found.text


def test_only_items_that_fit_behind_the_examples_are_compared() -> None:
    prompted = task("prompted-base", [1.0, 0.0], ["3", "1"])
    plain, tuned = task("domain", [0.0] * 4), task("domain", [0.0, 1.0, 0.0, 1.0])
    (found,) = prompted_observations([prompted], [plain], [tuned], examples=1, margin=0.02)
    assert (found.n, found.prompted_base, found.tuned) == (2, 0.5, 1)
    assert prompted_observations([prompted], [], [], examples=1, margin=0.02) == []


# Through the whole evaluation.


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("prompted")
    rows = [
        {"messages": [{"role": USER, "content": f"Fox {n}?"},
                      {"role": ASSISTANT, "content": f"It is {n * 7 % 11}."}]}
        for n in range(40)
    ]  # fmt: skip
    (root / "data.jsonl").write_text("\n".join(json.dumps(one) for one in rows))
    lines = [{"text": f"Seven birds sang {n}."} for n in range(9)]
    (root / "texts.jsonl").write_text("\n".join(json.dumps(one) for one in lines))
    return Workspace(root)


@pytest.fixture(scope="module")
def parts(workspace: Workspace) -> Artifact:
    data = read_dataset([workspace.root / "data.jsonl"])
    return split(workspace, data, SplitSettings(ratios=(0.5, 0.2, 0.3)))


@pytest.fixture(scope="module")
def moved(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with other weights."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("moved") / "model"
    shutil.copytree(tiny_model, folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with torch.no_grad():
        for weights in model.parameters():
            weights += 0.05 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(1))
    model.save_pretrained(folder)
    return folder


SETTINGS = EvaluateSettings(
    suites=("texts.jsonl",), answer_tokens=4, prompted_base=1, divergence_items=5
)


def observed(made: Artifact, topic: str) -> dict[str, dict[str, Any]]:
    document = read_json(made.folder / "evaluate.json")
    return {one["name"]: one for one in document["observations"] if one["topic"] == topic}


def test_the_bar_is_measured_on_the_domains_items(
    workspace: Workspace, parts: Artifact, tiny_model: Path, moved: Path
) -> None:
    comparison = compare_models(str(tiny_model), str(moved), split=parts)
    made = evaluate_models(workspace, comparison, SETTINGS)
    bar = observed(made, "prompted base")
    assert "domain/answer-choice" in bar
    assert all("1 example from" in one["text"] for one in bar.values())
    document = read_json(made.folder / "evaluate.json")
    tasks = {one["task"]: one for one in document["tasks"]}
    assert bar["domain/answer-choice"]["base"] == pytest.approx(
        tasks["domain/answer-choice"]["base"]
    )
    assert "prompted base" not in {entry["what"] for entry in document["not_asked"]}
    off = evaluate_models(workspace, comparison, SETTINGS.model_copy(update={"prompted_base": 0}))
    assert observed(off, "prompted base") == {}
    left = {entry["what"] for entry in read_json(off.folder / "evaluate.json")["not_asked"]}
    assert "prompted base" in left


def test_the_divergence_is_that_of_the_models_own_outputs(
    workspace: Workspace, parts: Artifact, tiny_model: Path, moved: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    comparison = compare_models(str(tiny_model), str(moved), split=parts)
    settings = SETTINGS.model_copy(update={"prompted_base": 0, "divergence_items": 50})
    found = observed(evaluate_models(workspace, comparison, settings), "divergence")
    assert set(found) == {"domain/KL", "general/KL"}
    models = [
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for folder in (tiny_model, moved)
    ]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    means = []
    for number in range(9):
        tokens = torch.tensor([tokenizer(f"Seven birds sang {number}.")["input_ids"]])
        with torch.no_grad():
            base, tuned = (torch.log_softmax(model(tokens).logits[0], -1) for model in models)
        means.append(float((base.exp() * (base - tuned)).sum(-1)[:-1].mean()))
    general = found["general/KL"]
    assert general["n"] == 9
    assert general["tuned"] == pytest.approx(sum(means) / 9, rel=1e-4)
    assert general["base"] is None
    assert general["ci"][0] < general["tuned"] < general["ci"][1]
    assert found["domain/KL"]["tuned"] > 0
    itself = compare_models(str(tiny_model), str(tiny_model), split=parts)
    nothing = observed(evaluate_models(workspace, itself, settings), "divergence")
    assert nothing["general/KL"]["tuned"] == pytest.approx(0, abs=1e-6)


def test_rows_that_hang_together_widen_the_interval() -> None:
    values = [0.1, 0.1, 0.1, 0.5, 0.5, 0.5] * 4
    rows = {"part": "domain", "item": "a", "places": 3}

    def interval(clusters: list[str | None]) -> float:
        frame = pl.DataFrame(
            [{**rows, "cluster": cluster, "kl": value}
             for cluster, value in zip(clusters, values, strict=True)],
            schema_overrides={"cluster": pl.String},
        )  # fmt: skip
        (found,) = divergence_observations(frame)
        assert found.ci is not None
        return found.ci[1] - found.ci[0]

    alone = interval([None] * 24)
    assert interval([f"c{number // 3}" for number in range(24)]) > alone
