"""Every method learns, resumes to the bit, repeats itself, and loads in plain PEFT."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.train.recipe import Recipe
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Measured
from tunewise.workspace.files import read_json, sha256_of_file

# What of these has a state of its own to come back to; the others differ in numbers alone.
RESUMED = ("dora", "pissa", "prefix", "ia3", "4bit", "all embeddings")
MEASURED = ("seconds", "memory_bytes")
METHODS: dict[str, dict[str, Any]] = {
    "rslora": {"rslora": True},
    "dora": {"dora": True},
    "pissa": {"initialisation": "pissa"},
    "olora": {"initialisation": "olora", "rslora": True},
    "loraplus": {"loraplus_ratio": 4, "learning_rate": 3e-3},
    "prefix": {"method": "prefix", "virtual_tokens": 4, "learning_rate": 5e-2, "max_length": 100},
    "ia3": {"method": "ia3", "learning_rate": 5e-2},
    "ia3, named": {
        "method": "ia3", "learning_rate": 5e-2, "target_modules": ("v_proj", "down_proj"),
    },
    "4bit": {"quantize": "4bit"},
    "8bit": {"quantize": "8bit"},
    "all embeddings": {"train_embeddings": "all"},
}  # fmt: skip


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 40), chat_rows(40, 50))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, eval_every=3, threads=1,
        dropout=0.1, checkpoint_every=2, samples=0,
    )  # fmt: skip


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **changes})


def learned(artifact: Artifact) -> tuple[dict[str, str], list[dict[str, Any]]]:
    weights = {path.name: sha256_of_file(path) for path in artifact.folder.glob("*/*.safetensors")}
    return weights, pl.read_parquet(artifact.folder / "log.parquet").drop(*MEASURED).to_dicts()


def stopping_at(step: int) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if isinstance(event, Measured) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return emit


@pytest.mark.parametrize("name", METHODS)
def test_a_method_learns_and_goes_on_as_if_it_had_not_been_stopped(
    workspace: Workspace, split: Artifact, recipe: Recipe, name: str
) -> None:
    recipe = changed(recipe, METHODS[name])
    artifact = train(workspace, split, recipe)
    whole, losses = learned(artifact), read_json(artifact.folder / "train.json")["losses"]
    assert losses["kept"]["val"] < losses["base"]["val"]
    if name not in RESUMED:
        return
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stopping_at(3))
    artifact = train(workspace, split, recipe, force=True)
    assert learned(artifact) == whole
    assert all(path.is_file() for path in (artifact.folder / "adapter").iterdir())


def test_a_start_from_the_bases_directions_fits_the_untouched_base(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved says in plain PEFT, on the base as it is, what the trained model said."""
    from tunewise.train import run

    seen: dict[str, torch.Tensor] = {}
    tokens = torch.arange(5, 25)[None]
    saving = run.Saver.save

    def save(saver: Any, folder: Path) -> None:
        model = saver._model.eval()
        with torch.no_grad():
            seen["trained"] = model(input_ids=tokens).logits
        saving(saver, folder)
        with torch.no_grad():
            assert torch.equal(model(input_ids=tokens).logits, seen["trained"])

    monkeypatch.setattr(run.Saver, "save", save)
    for start, rslora in (("pissa", False), ("olora", True)):
        chosen = changed(recipe, {"initialisation": start, "rslora": rslora, "keep": "last"})
        artifact = train(workspace, split, chosen)
        base = AutoModelForCausalLM.from_pretrained(str(recipe.model), dtype=torch.float32)
        with torch.no_grad():
            before = base(input_ids=tokens).logits
            plain: Any = PeftModel.from_pretrained(base, artifact.folder / "adapter")
            after = plain(input_ids=tokens).logits
            with plain.disable_adapter():
                assert torch.equal(plain(input_ids=tokens).logits, before)
        torch.testing.assert_close(after, seen["trained"], atol=1e-4, rtol=1e-4)
        assert (after - before).abs().max() > 0.1
        assert plain.peft_config["default"].r == 8


def test_the_second_matrix_learns_faster(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe, chat_rows: Any
) -> None:
    """AdamW's first step is as long as the learning rate, whatever the gradient."""
    split = make_split(chat_rows(0, 8), chat_rows(40, 44))
    for ratio in (None, 4):
        once = {"learning_rate": 1e-3, "loraplus_ratio": ratio, "warmup": 0.0}
        artifact = train(workspace, split, changed(recipe, once))
        weights = load_file(artifact.folder / "adapter" / "adapter_model.safetensors")
        longest = max(float(weights[name].abs().max()) for name in weights if "lora_B" in name)
        assert longest == pytest.approx(1e-3 * (ratio or 1), rel=1e-2)


@pytest.fixture
def without_marks(tiny_model: Path, tmp_path: Path) -> Path:
    """A model whose template writes marks that its vocabulary lacks."""
    folder = Path(shutil.copytree(tiny_model, tmp_path / "marks"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    template = tokenizer.chat_template.replace("<|start|>", "<|im_start|>")
    tokenizer.chat_template = template.replace("<|end|>", "<|im_end|>")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "changes", [{}, {"train_embeddings": "all"}, {"method": "full", "learning_rate": 1e-3}]
)
def test_tokens_that_the_template_writes_are_added_and_learned(
    workspace: Workspace,
    split: Artifact,
    recipe: Recipe,
    without_marks: Path,
    changes: dict[str, Any],
) -> None:
    plain = changed(recipe, {"model": str(without_marks)})
    with pytest.raises(UsageError, match="end an answer with a special token") as caught:
        preflight(workspace, split, plain)
    assert "add_tokens" in caught.value.fix
    added = changed(plain, {"add_tokens": "template", **changes})
    artifact = train(workspace, split, added)
    document = read_json(artifact.folder / "train.json")
    assert document["losses"]["kept"]["val"] < document["losses"]["base"]["val"]
    assert document["template"]["end_token"] == "<|im_end|>"
    if not changes:
        whole = learned(artifact)
        with pytest.raises(KeyboardInterrupt):
            train(workspace, split, added, force=True, emit=stopping_at(3))
        artifact = train(workspace, split, added, force=True)
        assert learned(artifact) == whole

    folder = artifact.folder / ("model" if added.method == "full" else "adapter")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    marks = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    source = folder if added.method == "full" else without_marks
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    before = model.get_input_embeddings().weight.mean(0)
    if added.is_adapter:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        model = PeftModel.from_pretrained(model, folder)
        if not changes:
            size = (folder / "adapter_model.safetensors").stat().st_size
            assert size < 100_000, "only the new rows are saved"
    with torch.no_grad():
        found = model.get_input_embeddings()(torch.tensor(marks))
    assert (found - before).abs().max() > 1e-3
    assert document["losses"]["kept"]["val"] == pytest.approx(_val_loss(model, folder, split))


def _val_loss(model: Any, folder: Path, split: Artifact) -> float:
    from tunewise.curate.reading.read import read_dataset
    from tunewise.train.loop.loss import row_losses
    from tunewise.train.rows.supervision import prepare_part

    dataset = read_dataset(split.folder / "val.jsonl", shape="chat")
    rows = prepare_part("val", dataset, AutoTokenizer.from_pretrained(folder)).rows
    return row_losses(model.eval(), rows).mean


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "full", "quantize": "4bit"}, "quantize means nothing"),
        ({"method": "ia3", "dora": True}, "dora means nothing"),
        ({"method": "prefix", "loraplus_ratio": 4}, "loraplus_ratio means nothing"),
        ({"method": "prefix", "packing": True}, "needs the prefix before it"),
        ({"method": "prefix", "gradient_checkpointing": True}, "layers' cache"),
        ({"method": "prefix", "layer_decay": 0.9}, "one matrix for all layers"),
        ({"loraplus_ratio": 4, "layer_decay": 0.9}, "by matrix"),
        ({"method": "prefix", "train_embeddings": "all"}, "train_embeddings means nothing"),
        ({"initialisation": "pissa", "dora": True}, "no LoRA that fits"),
        ({"initialisation": "olora", "quantize": "8bit"}, "rounded again"),
        ({"initialisation": "pissa", "add_tokens": ("<|x|>",)}, "cannot be converted"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(
    workspace: Workspace, split: Artifact, changes: dict[str, Any], words: str
) -> None:
    """Before a model is even looked for: there is none by this name."""
    with pytest.raises(UsageError, match=words) as caught:
        preflight(workspace, split, Recipe(model="no/such/model", **changes))
    assert caught.value.where.startswith("[train] ")


def test_measures_of_another_method_are_told(
    workspace: Workspace, split: Artifact, tiny_model: Path
) -> None:
    recipe = Recipe(model=str(tiny_model), method="full", rank=8, virtual_tokens=3)
    facts = preflight(workspace, split, recipe)
    assert "method 'full' takes no notice of rank, virtual_tokens" in facts["warnings"]


def test_a_missing_library_names_its_extra(
    workspace: Workspace, split: Artifact, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        preflight(workspace, split, Recipe(model=str(tiny_model), quantize="4bit"))
    assert "tunewise[quantize]" in caught.value.fix


def test_tokens_that_are_there_already_are_refused(
    workspace: Workspace, split: Artifact, tiny_model: Path
) -> None:
    for token in ("<|end|>", "template"):
        with pytest.raises(UsageError, match=r"has <\|end\|> already|writes no mark"):
            preflight(workspace, split, Recipe(model=str(tiny_model), add_tokens=(token,)))
