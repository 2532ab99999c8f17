from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer, BertConfig, BertForMaskedLM

from tunewise.train.models.adapters import add_adapter
from tunewise.train.models.base_model import (
    check_vocabulary,
    find_base_model,
    load_config,
    load_tokenizer,
    load_weights,
    padding_token,
)
from tunewise.train.models.hardware import Hardware, choose_hardware, usable_threads
from tunewise.train.recipe import Recipe
from tunewise.workspace.errors import UsageError

CPU = Hardware("cpu", "float32", 1)


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def test_a_model_is_known_by_its_content(tiny_model: Path, copy: Path) -> None:
    original = find_base_model(str(tiny_model))
    assert find_base_model(str(copy)).sha256 == original.sha256
    (copy / "README.md").write_text("words change nothing")
    assert find_base_model(str(copy)).sha256 == original.sha256
    template = copy / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    assert find_base_model(str(copy)).sha256 != original.sha256


def test_a_missing_model_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model 'no-such-model'"):
        find_base_model("no-such-model")
    with pytest.raises(UsageError, match=r"no config\.json"):
        find_base_model(str(tmp_path))


def test_weights_that_could_hold_code_are_not_read(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        find_base_model(str(copy))


def test_damaged_files_are_clear_errors(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    base = find_base_model(str(copy))
    with pytest.raises(UsageError, match="weights cannot be loaded"):
        load_weights(base, CPU)
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(UsageError, match="tokenizer cannot be loaded"):
        load_tokenizer(base)
    (copy / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(UsageError, match="configuration cannot be read"):
        load_config(base)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="no causal language model but BertForMaskedLM"):
        load_config(find_base_model(str(tmp_path)))


def test_a_tokenizer_of_another_model_is_refused(copy: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(copy)
    tokenizer.add_tokens([f"word{number}" for number in range(10)])
    model = load_weights(find_base_model(str(copy)), CPU)
    with pytest.raises(UsageError, match="the model knows only"):
        check_vocabulary(model, tokenizer)


def test_an_unknown_target_names_the_known_ones(tiny_model: Path) -> None:
    model = load_weights(find_base_model(str(tiny_model)), CPU)
    with pytest.raises(UsageError, match="no layer 'q_prj'") as caught:
        add_adapter(model, Recipe(target_modules=("v_proj", "q_prj")))
    assert "'q_proj'" in caught.value.fix
    assert "down_proj" in caught.value.fix


@pytest.mark.parametrize("targets", [("all-linear",), ("q_proj", "v_proj")])
def test_only_the_adapter_is_trained(tiny_model: Path, targets: tuple[str, ...]) -> None:
    model = load_weights(find_base_model(str(tiny_model)), CPU)
    adapted = add_adapter(model, Recipe(rank=4, target_modules=targets))
    trained = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    layers = 7 if targets == ("all-linear",) else 2
    assert len(trained) == 2 * layers * 2
    assert all("lora_" in name for name in trained)
    named = adapted.peft_config["default"].to_dict()["target_modules"]
    assert list(named or ()) == sorted(named or ())


def test_padding_is_never_the_end_token(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    assert padding_token(tokenizer) == tokenizer.pad_token_id
    tokenizer.pad_token = tokenizer.eos_token
    assert padding_token(tokenizer) != tokenizer.eos_token_id
    tokenizer.pad_token = None
    assert padding_token(tokenizer) != tokenizer.eos_token_id


def test_code_beside_a_model_is_not_run_unasked(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["model_type"] = "own"
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "own.py").write_text("raise SystemExit('the code ran')\n")
    with pytest.raises(UsageError) as caught:
        load_config(find_base_model(str(copy)))
    assert "trust" in caught.value.fix


def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert usable_threads() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert usable_threads() >= 1


def test_a_processor_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    before = torch.get_num_threads()
    try:
        assert choose_hardware(threads=1) == CPU
        assert torch.get_num_threads() == 1
        assert choose_hardware(dtype="bfloat16", threads=1).torch_dtype == torch.bfloat16
    finally:
        torch.set_num_threads(before)


def test_the_bundled_base_is_a_causal_model(bundled_base: Path) -> None:
    base = find_base_model(str(bundled_base))
    assert load_config(base).model_type == "llama"
    assert AutoConfig.from_pretrained(bundled_base).max_position_embeddings >= 256
