"""Merged models: the same as base and adapter, or not written; GGUF where there is a converter."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.evaluate.release.gguf import SCRIPT, Converter, find_converter
from tunewise.evaluate.release.merge import MergeSettings, merge
from tunewise.train.rows.render import render_prompt
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import GateError, JobError, UsageError
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import read_json, sha256_of_file
from tunewise.workspace.manifest import read_manifest

QUESTION = "Who has the red book?"
MakeRun = Callable[..., Artifact]


def logits(model: Any, tokenizer: Any) -> torch.Tensor:
    prompt = render_prompt(tokenizer, [{"role": "user", "content": QUESTION}])
    with torch.inference_mode():
        return model(input_ids=torch.tensor([prompt])).logits[0]


def test_a_merged_model_is_base_and_adapter_in_plain_transformers(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path, tiny_model: Path
) -> None:
    run, output = make_run(), tmp_path / "merged"
    events: list[Event] = []
    document = merge(run_workspace, run, output, MergeSettings(), emit=events.append)
    merged = AutoModelForCausalLM.from_pretrained(output, dtype="auto")
    assert merged.dtype == torch.float32
    tokenizer = AutoTokenizer.from_pretrained(output)
    base: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    plain = logits(base, tokenizer)
    tuned = logits(PeftModel.from_pretrained(base, str(run.folder / "adapter")), tokenizer)
    assert torch.allclose(logits(merged, tokenizer), tuned, atol=1e-4)
    assert not torch.allclose(plain, tuned, atol=1e-2)
    assert tokenizer.chat_template == (run.folder / "adapter" / "chat_template.jinja").read_text()

    card = (output / "README.md").read_text(encoding="utf-8")
    assert "library_name: transformers" in card
    assert "Merged into weights of `float32`" in card

    found = document["agreement"]
    assert found["part"] == "val"
    assert found["rows"] == 6
    assert found["tokens"] > 6
    assert found["difference"] < 1e-4 < found["effect"]
    assert any("nats on average" in event.text for event in events if isinstance(event, Note))
    manifest = read_manifest(output)
    assert manifest.kind == "merge"
    assert manifest.inputs[0].artifact == run.id
    assert manifest.inputs[0].sha256 == run.manifest.sha256
    for entry in manifest.files:
        assert sha256_of_file(output / entry.path) == entry.sha256
    assert {entry.path for entry in manifest.files} >= {"model.safetensors", "merge.json"}
    assert stat.S_IMODE((output / "model.safetensors").stat().st_mode) & stat.S_IRGRP
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"method": "full", "learning_rate": 1e-3}, None),
        ({"method": "ia3"}, "IA3"),
        ({"dora": True}, "LORA"),
        ({"add_tokens": ["<tag>"]}, "LORA"),
        ({"initialisation": "pissa"}, "LORA"),
        ({"quantize": "4bit"}, "LORA"),
    ],
)
def test_every_kind_that_changes_weights_can_be_merged(
    run_workspace: Workspace,
    make_run: MakeRun,
    tmp_path: Path,
    keys: dict[str, Any],
    kind: str | None,
) -> None:
    document = merge(run_workspace, make_run(**keys), tmp_path / "merged", MergeSettings(rows=3))
    assert document["adapter"] == kind
    assert document["agreement"]["difference"] < 1e-4


def test_eight_bits_round_more_than_weights_and_that_is_told(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(quantize="8bit")
    with pytest.raises(GateError, match="is not the unmerged one") as caught:
        merge(run_workspace, run, tmp_path / "merged", MergeSettings(rows=3))
    assert "rounds what goes into its layers" in caught.value.fix
    document = merge(run_workspace, run, tmp_path / "merged", MergeSettings(rows=3, tolerance=0.5))
    assert document["quantized_in_training"] == "8bit"


def test_a_prefix_cannot_become_part_of_the_weights(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="instead of changing weights"):
        merge(run_workspace, make_run(method="prefix"), tmp_path / "merged", MergeSettings())
    assert not list(tmp_path.iterdir())


def test_rounding_is_measured_and_refused_beyond_the_tolerance(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    rough = MergeSettings(dtype="bfloat16", tolerance=1.0)
    document = merge(run_workspace, make_run(), tmp_path / "rough", rough)
    difference = document["agreement"]["difference"]
    assert difference > 1e-4
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "rough", dtype="auto").dtype == (
        torch.bfloat16
    )
    strict = MergeSettings(dtype="bfloat16", tolerance=difference / 2)
    with pytest.raises(GateError, match="is not the unmerged one") as caught:
        merge(run_workspace, make_run(), tmp_path / "strict", strict)
    assert "--dtype float32" in caught.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["rough"]


def test_what_rounding_would_lose_is_refused_within_any_tolerance(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    """A small change of the weights vanishes between the numbers that a format has."""
    timid = make_run(learning_rate=1e-4)
    with pytest.raises(GateError, match="of what was learned"):
        merge(run_workspace, timid, tmp_path / "merged", MergeSettings("bfloat16", tolerance=10.0))
    assert not list(tmp_path.iterdir())


def test_a_merge_that_leaves_the_adapter_out_is_noticed(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tunewise.evaluate.release.merge.one_model", lambda model, tuned, exact: model.unload()
    )
    with pytest.raises(GateError, match="is not the unmerged one"):
        merge(run_workspace, make_run(), tmp_path / "merged", MergeSettings())
    assert not list(tmp_path.iterdir())


def test_only_an_earlier_merge_is_replaced(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    output = tmp_path / "merged"
    output.mkdir()
    (output / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(UsageError):
            merge(run_workspace, make_run(), output, MergeSettings(), force=force)
    assert (output / "thesis.txt").read_text() == "years of work"
    (output / "thesis.txt").unlink()
    merge(run_workspace, make_run(), output, MergeSettings(rows=1))
    with pytest.raises(UsageError, match="something already"):
        merge(run_workspace, make_run(), output, MergeSettings(rows=1))
    document = merge(
        run_workspace, make_run(), output, MergeSettings("float16", rows=1), force=True
    )
    assert read_json(output / "merge.json")["dtype"] == document["dtype"] == "float16"
    assert next(iter(load_file(output / "model.safetensors").values())).dtype == torch.float16
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def fake_converter(folder: Path, body: str) -> Path:
    """Write a script that is called as llama.cpp's is."""
    script = folder / SCRIPT
    script.write_text(f"import json, pathlib, sys\n{body}\n")
    return script


def test_gguf_is_written_by_the_converter_that_the_user_has(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    script = fake_converter(
        tmp_path,
        "arguments = sys.argv[1:]\n"
        "config = json.loads((pathlib.Path(arguments[0]) / 'config.json').read_text())\n"
        "text = json.dumps([arguments[1::2], arguments[4], config['hidden_size']])\n"
        "pathlib.Path(arguments[2]).write_text(text)",
    )
    output = tmp_path / "merged"
    settings = MergeSettings(rows=1, converter=Converter(script), gguf_type="q8_0")
    document = merge(run_workspace, make_run(), output, settings)
    assert document["gguf"] == "merged-q8_0.gguf"
    written = json.loads((output / "merged-q8_0.gguf").read_text())
    assert written == [["--outfile", "--outtype"], "q8_0", 32]
    assert "merged-q8_0.gguf" in {entry.path for entry in read_manifest(output).files}


def test_a_converter_that_fails_leaves_the_merged_model(
    run_workspace: Workspace, make_run: MakeRun, tmp_path: Path
) -> None:
    body = "pathlib.Path(sys.argv[3]).write_text('half')\nsys.exit('no such model')"
    settings = MergeSettings(rows=1, converter=Converter(fake_converter(tmp_path, body)))
    with pytest.raises(JobError, match="no such model") as caught:
        merge(run_workspace, make_run(), tmp_path / "merged", settings)
    assert "the merged model itself is written" in caught.value.what
    assert (tmp_path / "merged" / "model.safetensors").is_file()
    assert not list((tmp_path / "merged").rglob("*gguf*"))


def test_the_converter_is_found_where_it_is_said_to_be(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path / "bin")}
    with pytest.raises(UsageError, match="not on this machine") as caught:
        find_converter(None, nowhere)
    assert "--llama-cpp" in caught.value.fix
    with pytest.raises(UsageError, match="where it is said to be"):
        find_converter(tmp_path, nowhere)
    script = fake_converter(tmp_path, "")
    assert find_converter(tmp_path, nowhere).script == script
    assert find_converter(script, nowhere).script == script
    assert find_converter(None, {**nowhere, "LLAMA_CPP": str(tmp_path)}).script == script
    script.chmod(0o755)
    assert find_converter(None, {"PATH": str(tmp_path)}).script == script
