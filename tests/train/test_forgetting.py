"""What is done so that little is forgotten: replay by the base itself, layers apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from tunewise.train.models.parameters import Unfreezing, layers_of
from tunewise.train.recipe import Recipe
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.files import read_json

from .runs import changed, learned, stopping_at, weights_of


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 24), chat_rows(40, 46))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, eval_every=2, threads=1,
        checkpoint_every=2, samples=0,
    )  # fmt: skip


@pytest.mark.parametrize("own_template", [True, False])
def test_the_base_writes_its_own_replay(
    workspace: Workspace, split: Artifact, recipe: Recipe, tmp_path: Path, own_template: bool
) -> None:
    if not own_template:
        folder = Path(shutil.copytree(str(recipe.model), tmp_path / "plain"))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.chat_template = None
        (folder / "chat_template.jinja").unlink()
        tokenizer.save_pretrained(folder)
        recipe = changed(recipe, model=str(folder))
    chosen = changed(recipe, replay="generated", replay_share=0.25, max_length=64)
    artifact = train(workspace, split, chosen)
    written = [json.loads(line) for line in (artifact.folder / "replay.jsonl").open()]
    # A random model makes up rows of one word, too, which are left out.
    assert 4 <= len(written) <= 8
    assert all(("messages" if own_template else "text") in row for row in written)
    facts = read_json(artifact.folder / "train.json")["rows"]["replay"]
    assert facts["used"] + facts["refused"] == len(written)
    assert facts["used"] >= 3
    assert artifact.manifest.parameters["replay"] == "generated"
    whole = learned(artifact.folder)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, chosen, force=True, emit=stopping_at(2))
    assert learned(train(workspace, split, chosen, force=True).folder) == whole


def test_a_dry_run_says_that_replay_is_not_counted(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    facts = preflight(workspace, split, changed(recipe, replay="generated"))
    assert any("the base writes for replay" in text for text in facts["warnings"])


@pytest.mark.parametrize("method", ["lora", "full"])
def test_lower_layers_learn_more_slowly(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe, method: str,
    chat_rows: Callable[[int, int], list],
) -> None:  # fmt: skip
    """AdamW's first step is as long as the learning rate, whatever the gradient."""
    split = make_split(chat_rows(0, 8), chat_rows(40, 44))
    once = {"epochs": 1, "learning_rate": 1e-3, "warmup": 0.0, "layer_decay": 0.5}
    artifact = train(workspace, split, changed(recipe, method=method, **once))
    after = weights_of(artifact.folder)
    before = load_file(Path(str(recipe.model)) / "model.safetensors")
    longest = {}
    for layer in ("embed_tokens", "layers.0.", "layers.1.", "lm_head"):
        if method == "lora":
            moved = [after[name] for name in after if layer in name and "lora_B" in name]
        else:
            moved = [after[name] - before[name] for name in after if layer in name]
        longest[layer] = max((float(part.abs().max()) for part in moved), default=0.0)
    expected = {"embed_tokens": 0, "layers.0.": 5e-4, "layers.1.": 1e-3, "lm_head": 0}
    if method == "full":
        expected = {
            "embed_tokens": 1.25e-4, "layers.0.": 2.5e-4, "layers.1.": 5e-4, "lm_head": 1e-3,
        }  # fmt: skip
    assert longest == pytest.approx(expected, rel=2e-2)


def test_layers_thaw_from_the_top() -> None:
    config = LlamaConfig(vocab_size=20, hidden_size=8, intermediate_size=8, num_hidden_layers=4,
                         num_attention_heads=1, num_key_value_heads=1)  # fmt: skip
    model = LlamaForCausalLM(config)
    thaw = Unfreezing(model, 8)
    assert [thaw.lowest(step) for step in range(10)] == [3, 3, 2, 2, 1, 1, 0, 0, -1, -1]
    layers = layers_of(model)
    assert layers["model.embed_tokens.weight"] == -1
    assert layers["lm_head.weight"] == layers["model.norm.weight"] == 4
    assert layers["model.layers.2.mlp.up_proj.weight"] == 2


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_layer_that_is_not_thawed_stays_as_it_is(
    workspace: Workspace, split: Artifact, recipe: Recipe, method: str
) -> None:
    """Six steps, the lower of two layers from the fourth on; a stop between changes nothing."""
    rate = {"lora": 1e-2, "full": 1e-3}[method]
    chosen = changed(recipe, method=method, unfreezing=1.0, learning_rate=rate, keep="last")
    artifact = train(workspace, split, changed(chosen, epochs=1))
    whole = learned(train(workspace, split, chosen).folder)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, chosen, force=True, emit=stopping_at(2))
    assert learned(train(workspace, split, chosen, force=True).folder) == whole
    # Three steps: the lower layer learns in the third alone.
    log = pl.read_parquet(artifact.folder / "log.parquet")
    assert log["step"].max() == 3
    norms = log["gradient_norm"].drop_nulls().to_list()
    everything = changed(chosen, epochs=1, unfreezing=0.0)
    free = pl.read_parquet(train(workspace, split, everything).folder / "log.parquet")
    assert norms[0] < free["gradient_norm"].drop_nulls()[0]
    if method == "full":
        before = load_file(Path(str(recipe.model)) / "model.safetensors")
        after = weights_of(artifact.folder)
        assert torch.equal(after["model.embed_tokens.weight"], before["model.embed_tokens.weight"])
        assert not torch.equal(after["lm_head.weight"], before["lm_head.weight"])
