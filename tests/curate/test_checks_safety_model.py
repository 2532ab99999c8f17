"""Toxic texts by a model that the user names: a tiny one, trained here to know two rude words."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

CHECK = "safety/toxic-model"
RUDE = ["blockhead", "nitwit"]
WORDS = ["you", "are", "my", "friend", "and", "nice", "today", "hello"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
TOKENS = 16


def tokenizer_of_words():
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS, *RUDE])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=TOKENS,
    )  # fmt: skip


def sentence(choice: random.Random, *, rude: bool) -> str:
    words = choice.choices(WORDS, k=choice.randint(1, 10))
    if rude:
        words[choice.randrange(len(words))] = choice.choice(RUDE)
    return " ".join(words)


@pytest.fixture(scope="module")
def rude_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("rude")
    tokenizer = tokenizer_of_words()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=TOKENS, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, id2label={0: "neutral", 1: "toxic"},
        label2id={"neutral": 0, "toxic": 1},
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    choice = random.Random(3)
    for _ in range(80):
        labels = [number % 2 for number in range(32)]
        texts = [sentence(choice, rude=bool(label)) for label in labels]
        inputs = tokenizer(texts, return_tensors="pt", padding=True)
        loss = model(**inputs, labels=torch.tensor(labels)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05, "the model has not learned; the tests below would say nothing"
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def found(find_in_answers, texts: list[str], model: Path, **parameters: object):
    settings = {CHECK: {"model": str(model), **parameters}}
    findings = find_in_answers(CHECK, texts, parameters=settings)
    return findings.filter(findings["field"] == "messages[1].content")


def test_without_a_model_the_check_says_how_to_name_one(check_rows) -> None:
    result = check_rows(CHECK, [{"text": "you nitwit"}], shape="text")
    assert result.status == "skipped"
    assert '[audit.parameters."safety/toxic-model"], model' in result.reason


def test_what_the_model_calls_toxic(find_in_answers, rude_model: Path) -> None:
    texts = ["you are my friend", "you are my nitwit", "hello", "blockhead and friend", "nice"]
    findings = found(find_in_answers, texts, rude_model)
    assert findings["row"].to_list() == [1, 3]
    assert findings["score"].is_between(0.8, 1).all()
    assert findings["message"][0].startswith("'toxic' for the model, ")


def test_batches_of_any_size_say_the_same(find_in_answers, rude_model: Path) -> None:
    choice = random.Random(8)
    texts = [sentence(choice, rude=number % 3 == 0) for number in range(20)]
    scores = [
        found(find_in_answers, texts, rude_model, batch_size=size, least_score=0.0)["score"]
        for size in (1, 7, 64)
    ]
    assert len(scores[0]) == len(texts)
    assert all(other.to_list() == pytest.approx(scores[0].to_list()) for other in scores)


def test_only_the_beginning_of_a_long_message_is_read(check_rows, rude_model: Path) -> None:
    rows = [{"text": "friend " * 40 + "nitwit"}, {"text": "nitwit " + "friend " * 40}]
    parameters = {CHECK: {"model": str(rude_model), "least_score": 0.5}}
    result = check_rows(CHECK, rows, shape="text", parameters=parameters)
    assert result.findings["row"].to_list() == [1]
    assert result.reason == f"judged by the first {TOKENS} tokens of a message"


def test_labels_of_their_own_are_judged_apart(find_in_answers, rude_model: Path, tmp_path) -> None:
    folder = tmp_path / "several"
    shutil.copytree(rude_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["problem_type"] = "multi_label_classification"
    (folder / "config.json").write_text(json.dumps(config))
    texts = ["you are my nitwit"]
    both = [
        found(find_in_answers, texts, folder, label=label, least_score=0.0)["score"][0]
        for label in ("toxic", "Neutral")
    ]
    assert both[0] > 0.5 > both[1]
    assert sum(both) != pytest.approx(1, abs=1e-6)


def test_a_label_that_the_model_does_not_know(check_rows, rude_model: Path) -> None:
    parameters = {CHECK: {"model": str(rude_model), "label": "hateful"}}
    result = check_rows(CHECK, [{"text": "you"}], shape="text", parameters=parameters)
    assert result.status == "failed"
    assert "neutral, toxic" in result.reason


def test_weights_that_are_no_safetensors_are_refused(check_rows, rude_model, tmp_path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(rude_model, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    parameters = {CHECK: {"model": str(folder)}}
    result = check_rows(CHECK, [{"text": "you"}], shape="text", parameters=parameters)
    assert result.status == "failed"
    assert "safetensors" in result.reason


def test_code_that_comes_with_a_model_is_not_run(find_in_answers, rude_model, tmp_path) -> None:
    folder, trace = tmp_path / "with_code", tmp_path / "it_ran"
    shutil.copytree(rude_model, folder)
    (folder / "own.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "own.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    assert found(find_in_answers, ["you are my nitwit"], folder).height == 1
    assert not trace.exists()
