"""Names by a model that the user names: a tiny one, built here to know two words."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECK = "privacy/person-name"
WORDS = ["[PAD]", "[UNK]", "ada", "lovelace", "met", "in", "the", "house", "with", "##son", "."]
NAMES = {"ada", "lovelace", "##son"}


@pytest.fixture(scope="module")
def names_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model whose embedding says what a word is, and whose layers add next to nothing."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import BertPreTokenizer

    folder = tmp_path_factory.mktemp("names")
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", model_max_length=24
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=24, id2label={0: "O", 1: "B-PER", 2: "I-PER"},
        label2id={"O": 0, "B-PER": 1, "I-PER": 2},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        for layer in model.bert.encoder.layer:
            layer.attention.output.LayerNorm.weight.fill_(1)
            layer.output.LayerNorm.weight.fill_(1)
        for number, word in enumerate(WORDS):
            model.bert.embeddings.word_embeddings.weight[number, int(word in NAMES)] = 1
        model.classifier.weight[0, 0] = model.classifier.weight[1, 1] = 9
    model.save_pretrained(folder, safe_serialization=True)
    return str(folder)


def spans(find_in_answers, text: str, model: str, **parameters) -> list[str]:
    hits = find_in_answers(CHECK, [text], parameters={CHECK: {"model": model, **parameters}})
    assert set(hits["fix"]) <= {"mask"}
    return [text[start:end] for start, end in hits.select("start", "end").iter_rows()]


def test_without_a_model_the_check_says_how_to_name_one(check_rows) -> None:
    result = check_rows(CHECK, [{"text": "Ada"}], shape="text")
    assert result.status == "skipped"
    assert '[audit.parameters."privacy/person-name"], model' in result.reason


def test_names_are_found_as_whole_words(find_in_answers, names_model: str) -> None:
    text = "😀 Ada  Lovelace met the Lovelaceson in Ada."
    assert spans(find_in_answers, text, names_model) == ["Ada  Lovelace", "Lovelaceson", "Ada"]


def test_texts_longer_than_the_model_are_read_to_their_end(find_in_answers, names_model) -> None:
    text = "the house " * 40 + "Ada Lovelace" + " in the house" * 40 + " Ada"
    assert spans(find_in_answers, text, names_model) == ["Ada Lovelace", "Ada"]


def test_unsure_marks_and_other_labels_do_not_count(find_in_answers, names_model: str) -> None:
    assert spans(find_in_answers, "Ada met", names_model, least_score=1.01) == []


@pytest.mark.parametrize("content", [None, {"config.json": "{}"},
                                     {"config.json": "{}", "model.safetensors": "no"}])  # fmt: skip
def test_a_folder_without_a_model(check_rows, tmp_path: Path, content) -> None:
    for name, text in (content or {}).items():
        (tmp_path / name).write_text(text)
    parameters = {CHECK: {"model": str(tmp_path)}}
    result = check_rows(CHECK, [{"text": "Ada"}], shape="text", parameters=parameters)
    assert result.status == "failed"
    assert str(tmp_path) in result.reason or "model" in result.reason


def test_labels_that_the_model_does_not_know(check_rows, names_model: str) -> None:
    parameters = {CHECK: {"model": names_model, "labels": ["WHO"]}}
    result = check_rows(CHECK, [{"text": "Ada"}], shape="text", parameters=parameters)
    assert result.status == "failed"
    assert "PER" in result.reason
