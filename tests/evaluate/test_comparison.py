"""Any two models are compared: other trainers' adapters, merged models, checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from peft import (
    IA3Config,
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptTuningConfig,
    get_peft_model,
)
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.split import split
from tunewise.evaluate.comparison import LocalModel, compare_models
from tunewise.evaluate.reporting.report import report
from tunewise.evaluate.run import evaluate_models
from tunewise.evaluate.scoring.adapters import read_adapter
from tunewise.evaluate.scoring.generation import Wanted
from tunewise.evaluate.scoring.pair import BASE, TUNED, PairedModel
from tunewise.evaluate.settings import EvaluateSettings, ReportSettings
from tunewise.train.models.hardware import Hardware
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.errors import UsageError
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input

CPU = Hardware("cpu", "float32", 1)
SETTINGS = EvaluateSettings(suites=("who.jsonl",), answer_tokens=6, choice_items=20)
TARGETS = ["q_proj", "v_proj"]
METHODS = {
    "lora": LoraConfig(task_type="CAUSAL_LM", target_modules=TARGETS, init_lora_weights=False),
    "dora": LoraConfig(
        task_type="CAUSAL_LM", target_modules=TARGETS, use_dora=True, init_lora_weights=False
    ),
    "biases": LoraConfig(
        task_type="CAUSAL_LM", target_modules=TARGETS, bias="all", init_lora_weights=False
    ),
    "ia3": IA3Config(
        task_type="CAUSAL_LM",
        target_modules=["k_proj", "v_proj", "down_proj"],
        feedforward_modules=["down_proj"],
    ),
    "prefix": PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    "prompt": PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
}


def adapter_of(base: Path, folder: Path, method: str) -> Path:
    """Write an adapter as another trainer would: weights and configuration, nothing else."""
    torch.manual_seed(3)
    model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), METHODS[method])
    for name, weight in model.named_parameters():
        if weight.requires_grad and ("ia3" in name or "prompt" in name):
            weight.data.normal_(1.0 if "ia3" in name else 0.0, 0.5)
    model.save_pretrained(folder)
    return folder


def suite(workspace: Workspace) -> Workspace:
    rows = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red"], "gold": n % 2}
        for n in range(12)
    ]
    (workspace.root / "who.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return workspace


def local(name: Path, tuned: Path) -> tuple[LocalModel, LocalModel]:
    found = compare_models(str(name), str(tuned))
    assert isinstance(found.base, LocalModel)
    assert isinstance(found.tuned, LocalModel)
    return found.base, found.tuned


def document(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.folder / "evaluate.json").read_text())


@pytest.mark.parametrize("method", METHODS)
def test_adapters_of_every_method_are_asked_as_peft_does(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    """Log-likelihoods and greedy answers are those of PEFT's own forward and generate."""
    base, tuned = local(tiny_model, adapter_of(tiny_model, tmp_path / "adapter", method))
    tokenizer: Any = tuned.tokenizer
    texts = ["The quick brown fox jumps", "The quick brown dog", "Who has the red book? Tom"]
    sequences = [tokenizer.encode(text) for text in texts]
    pair = PairedModel(base, tuned, CPU)
    assert pair.one_loaded == (method in ("lora", "dora", "ia3"))
    with pair.scorer(BASE) as scorer:
        plain = scorer.score(sequences, [1, 2, 3]).sums()
    with pair.scorer(TUNED) as scorer:
        sums = scorer.score(sequences, [1, 2, 3]).sums()
        said = scorer.answer(sequences, [7, 9, 7], tokenizer, Wanted())
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    for expected, own in ((plain, model), (sums, None)):
        if own is None:
            model = PeftModel.from_pretrained(model, tmp_path / "adapter").eval()
        for start, (tokens, value) in enumerate(zip(sequences, expected, strict=True), 1):
            with torch.no_grad():
                logits = model(torch.tensor([tokens])).logits[0, -len(tokens) :]
            true = torch.log_softmax(logits, -1)[range(len(tokens) - 1), tokens[1:]]
            assert value == pytest.approx(float(true[start - 1 :].sum()), abs=1e-4)
    assert abs(sums - plain).min() > 1e-3
    for tokens, limit, text in zip(sequences, [7, 9, 7], said, strict=True):
        out = model.generate(
            input_ids=torch.tensor([tokens]), attention_mask=torch.ones(1, len(tokens)),
            max_new_tokens=limit, do_sample=False, pad_token_id=0,
        )  # fmt: skip
        assert text == tokenizer.decode(out[0, len(tokens) :], skip_special_tokens=True)


def test_another_trainers_adapter_needs_neither_run_nor_split(
    tiny_model: Path, tmp_path: Path
) -> None:
    """The base is the one that the adapter names; the report says what was not asked."""
    workspace = suite(Workspace(tmp_path))
    adapter = adapter_of(tiny_model, tmp_path / "theirs", "lora")
    artifact = evaluate_models(workspace, compare_models(None, str(adapter)), SETTINGS)
    found = document(artifact)
    assert [task["task"] for task in found["tasks"]] == ["who"]
    assert found["adapter"] == str(adapter)
    assert found["adapter_kind"] == "LORA"
    assert found["model"] == str(tiny_model)
    assert (found["run"], found["split"]) == (None, None)
    assert found["not_asked"] == [
        {"what": "domain", "why": "no split is given; name one with --split"}
    ]
    assert artifact.manifest.input("tuned").path == str(adapter)  # pyright: ignore
    made = report(workspace, artifact, ReportSettings())
    page = (made.folder / "report.html").read_text()
    assert "no split is given" in page
    assert "theirs" in page
    told = json.loads((made.folder / "report.json").read_text())
    (command,) = [line for line in told["commands"] if " evaluate " in line]
    assert f"--tuned {adapter}" in command
    assert f"--base {tiny_model}" in command
    text = (made.folder / "report.md").read_text()
    assert "no split is given" in text
    # The same two models again are the same work; other weights are not.
    assert evaluate_models(workspace, compare_models(None, str(adapter)), SETTINGS).reused
    other = adapter_of(tiny_model, tmp_path / "theirs", "biases")
    assert not evaluate_models(workspace, compare_models(None, str(other)), SETTINGS).reused


def test_a_merged_model_answers_as_its_adapter(tiny_model: Path, tmp_path: Path) -> None:
    workspace = suite(Workspace(tmp_path))
    adapter = adapter_of(tiny_model, tmp_path / "adapter", "lora")
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    merged.save_pretrained(tmp_path / "merged")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "merged")
    data = tmp_path / "data.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"What of no {n} and {n * n % 37}?"},
                      {"role": "assistant", "content": f"It {n * 37 % 101} runs {n}."}]}
        for n in range(60)
    ]  # fmt: skip
    data.write_text("\n".join(map(json.dumps, rows)))
    parts = split(workspace, read_dataset([data]), SplitSettings(ratios=(0.5, 0.2, 0.3)))
    frames = []
    for tuned in (adapter, tmp_path / "merged"):
        comparison = compare_models(str(tiny_model), str(tuned), split=parts)
        assert comparison.same_tokens
        made = evaluate_models(workspace, comparison, SETTINGS)
        frames.append(pl.read_parquet(made.folder / "items.parquet"))
        found = document(made)
        assert {task["task"] for task in found["tasks"]} >= {"who", "domain/answer-choice"}
        signals = {one["name"]: one for one in found["overfitting"]["signals"]}
        assert signals["loss gap"]["value"] is not None
        assert signals["validation rise"]["value"] is None
        assert report(workspace, made, ReportSettings()).folder.is_dir()
    one, other = frames
    assert one["tuned_output"].to_list() == other["tuned_output"].to_list()
    both = one.select(pl.col("tuned_score").alias("a")).hstack(other.select(b="tuned_score"))
    assert both.select((pl.col("a") - pl.col("b")).abs().max()).item() < 1e-4


def test_models_with_other_tokens_are_asked_the_same_questions(
    tiny_model: Path, tmp_path: Path
) -> None:
    """Each through its own tokenizer; losses per token are not compared, and that is told."""
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    tokenizer: Any = AutoTokenizer.from_pretrained(other)
    tokenizer.add_tokens(["What of", "runs"])
    tokenizer.save_pretrained(other)
    model: Any = AutoModelForCausalLM.from_pretrained(other)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(other)
    workspace = suite(Workspace(tmp_path))
    data = tmp_path / "data.jsonl"
    rows = [{"text": f"What of no {n}", "label": "red" if n % 2 else "blue"} for n in range(40)]
    data.write_text("\n".join(map(json.dumps, rows)))
    parts = split(workspace, read_dataset([data]), SplitSettings(ratios=(0.5, 0.1, 0.4)))
    comparison = compare_models(str(tiny_model), str(other), split=parts)
    assert not comparison.same_tokens
    found = document(evaluate_models(workspace, comparison, SETTINGS))
    tasks = {task["task"] for task in found["tasks"]}
    assert {"who", "domain/label"} <= tasks
    assert "domain/loss" not in tasks
    assert found["not_asked"][0]["what"] == "losses and overfitting"


def test_an_adapter_with_added_tokens_brings_their_rows(tiny_model: Path, tmp_path: Path) -> None:
    """The base stays as it was: the added tokens take nothing from its probabilities."""
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_tokens(["<tool>"])
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.resize_token_embeddings(len(tokenizer))
    wrapped: Any = get_peft_model(model, METHODS["lora"])
    wrapped.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    tokenizer.save_pretrained(tmp_path / "adapter")
    adapter = read_adapter(tmp_path / "adapter")
    assert adapter.rows == len(tokenizer)
    assert not adapter.switches_off
    base, tuned = local(tiny_model, tmp_path / "adapter")
    plain, _ = local(tiny_model, tiny_model)
    tokens = [base.tokenizer.encode("The quick brown fox")]
    with PairedModel(plain, plain, CPU).scorer(BASE) as scorer:
        expected = scorer.score(tokens, [1]).sums()
    pair = PairedModel(base, tuned, CPU)
    with pair.scorer(BASE) as scorer:
        assert scorer.score(tokens, [1]).sums() == pytest.approx(expected, abs=1e-6)
    with pair.scorer(TUNED) as scorer:
        assert scorer.model.get_input_embeddings().weight.shape[0] == len(tokenizer)


def test_what_is_no_pair_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    adapter = adapter_of(tiny_model, tmp_path / "adapter", "lora")
    config = json.loads((adapter / "adapter_config.json").read_text())

    def write(**changes: Any) -> None:
        (adapter / "adapter_config.json").write_text(json.dumps({**config, **changes}))

    with pytest.raises(UsageError, match="no base is named"):
        compare_models(None, str(tiny_model))
    write(base_model_name_or_path=str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="base that the adapter names"):
        compare_models(None, str(adapter))
    write(base_model_name_or_path=None)
    with pytest.raises(UsageError, match="does not say"):
        compare_models(None, str(adapter))
    # Layers that the base has, but fewer than the adapter was trained for.
    write(layers_to_transform=[0])
    base, tuned = local(tiny_model, adapter)
    with pytest.raises(UsageError, match="no place"), PairedModel(base, tuned, CPU).scorer(TUNED):
        pass
    write(target_modules=["nowhere"])
    base, tuned = local(tiny_model, adapter)
    lent = PairedModel(base, tuned, CPU).scorer(TUNED)
    with pytest.raises(UsageError, match="cannot be loaded"), lent:
        pass
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        compare_models(str(tiny_model), str(adapter))
    (adapter / "adapter_model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    with pytest.raises(UsageError, match="cannot be read"):
        compare_models(str(tiny_model), str(adapter))


def test_what_is_held_outside_the_domain_is_asked_beside_it(
    tiny_model: Path, tmp_path: Path
) -> None:
    """Shown in the document, the items and the report; it decides nothing."""
    workspace = suite(Workspace(tmp_path))

    def row(number: int, topic: str) -> str:
        said = {"role": "assistant", "content": f"It {number * 37 % 101} runs {number}."}
        asked = {"role": "user", "content": f"What of the {topic} no {number}?"}
        return json.dumps({"messages": [asked, said]}) + "\n"

    numbers = {"train": range(12), "val": range(12, 16), "test": range(16, 26)}

    def build(draft: Draft) -> None:
        for name, of_part in numbers.items():
            (draft.folder / f"{name}.jsonl").write_text("".join(row(n, "fox") for n in of_part))
        (draft.folder / "ood.jsonl").write_text("".join(row(n, "law") for n in range(30, 39)))
        held = {"column": "topic", "values": ["law"]}
        facts = {"shape": "chat", "kind": "chat", "mapping": None, "out_of_domain": held}
        write_json(draft.folder / "split.json", facts)

    source = Input(name="source", sha256="ab" * 32)
    parts = produce(workspace, "split", build, inputs=[source], parameters={})
    adapter = adapter_of(tiny_model, tmp_path / "adapter", "lora")
    comparison = compare_models(str(tiny_model), str(adapter), split=parts)
    made = evaluate_models(workspace, comparison, SETTINGS)
    found = document(made)
    names = [f"{task}" for task in found["out_of_domain"]["tasks"]]
    assert names == [
        "out-of-domain/answer-choice", "out-of-domain/exact-match", "out-of-domain/token-f1",
        "out-of-domain/rouge-l", "out-of-domain/loss",
    ]  # fmt: skip
    assert found["out_of_domain"]["column"] == "topic"
    assert found["out_of_domain"]["values"] == ["law"]
    tasks = {task["task"]: task for task in found["tasks"]}
    assert not any(tasks[name]["decides"] for name in names)
    assert {pool["group"] for pool in found["pools"]} == {"general", "domain"}
    assert tasks["domain/loss"]["n"] == 10
    assert tasks["out-of-domain/loss"]["n"] == 9
    items = pl.read_parquet(made.folder / "items.parquet")
    prompts = items.filter(pl.col("task") == "out-of-domain/answer-choice")["prompt"]
    assert prompts.str.contains("the law no").all()
    losses = pl.read_parquet(made.folder / "losses.parquet")
    assert losses.filter(pl.col("part") == "ood").height == 9
    written = report(workspace, made, ReportSettings())
    for name in ("report.html", "report.md"):
        assert "out-of-domain/answer-choice" in (written.folder / name).read_text()
