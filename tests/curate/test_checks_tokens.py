"""Token counts without a deep learning library, and the checks that need them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from tunewise.curate.tokenizer import (
    TemplateRefusedError,
    load_tokenizer,
    tokenizer_fingerprint,
)
from tunewise.workspace.errors import UsageError

# Says who speaks with one token before each text and one after it.
TEMPLATE = """\
{{- bos_token + ' ' }}
{%- for message in messages %}
    {%- if message['role'] == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}
    {%- if message['role'] == 'assistant' %}
        {{- 'A: ' }}{% generation %}{{ message['content'] + ' <end> ' }}{% endgeneration %}
    {%- else %}
        {{- 'U: ' + message['content'] + ' <end> ' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'A: ' }}{% endif %}"""


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Path:
    """A tokenizer that takes every word for a token; it would cut texts if it were allowed to."""
    folder = tmp_path / "model"
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=50)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"bos_token": "<s>", "eos_token": {"content": "<end>"}, "pad_token": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(special))
    return folder


def with_template(folder: Path, template: str = TEMPLATE) -> str:
    (folder / "chat_template.jinja").write_text(template)
    return str(folder)


def chat(*lengths: int) -> dict[str, list[dict[str, str]]]:
    roles = ("user", "assistant")
    return {
        "messages": [
            {"role": roles[place % 2], "content": " ".join(["word"] * length)}
            for place, length in enumerate(lengths)
        ]
    }


def test_without_a_tokenizer_the_checks_say_what_they_need(check_rows) -> None:
    for name in ("tokens/over-context", "tokens/no-supervision"):
        result = check_rows(name, [chat(2, 2)])
        assert result.status == "skipped"
        assert "--tokenizer" in result.reason


def test_lengths_count_what_the_template_writes(check_rows, tokenizer_folder: Path) -> None:
    folder = with_template(tokenizer_folder)
    # One token at the beginning, and two around each text.
    rows = [chat(3, 4), chat(4, 4)]
    result = check_rows("tokens/over-context", rows, tokenizer=folder, context_length=12)
    (finding,) = result.findings.to_dicts()
    assert finding["row"] == 1
    assert finding["message"].startswith("13 tokens, 1 more")
    assert "chat template writes it" in result.reason


def test_without_a_template_texts_are_put_together(check_rows, tokenizer_folder: Path) -> None:
    options = {"tokenizer": str(tokenizer_folder), "context_length": 7}
    result = check_rows("tokens/over-context", [chat(3, 4), chat(4, 4)], **options)
    assert result.findings["row"].to_list() == [1]
    assert "has no chat template" in result.reason


def test_a_preference_is_as_long_as_its_longer_answer(check_rows, tokenizer_folder: Path) -> None:
    row = {"prompt": "a b c", "chosen": "d", "rejected": "e f g h"}
    for template, length in ((None, 7), (TEMPLATE, 12)):
        if template is not None:
            with_template(tokenizer_folder, template)
        options = {"tokenizer": str(tokenizer_folder), "context_length": length - 1}
        (finding,) = check_rows("tokens/over-context", [row], **options).findings.to_dicts()
        assert finding["message"].startswith(f"{length} tokens")


def test_a_refused_conversation_is_counted_and_named(check_rows, tokenizer_folder: Path) -> None:
    row = {"messages": [*chat(2, 2)["messages"], {"role": "tool", "content": "a b c d"}]}
    options = {"tokenizer": with_template(tokenizer_folder), "context_length": 5}
    result = check_rows("tokens/over-context", [row], **options)
    assert "refuses 1 conversations" in result.reason
    assert "no tools here" in result.reason
    assert result.findings.height == 1


def test_rows_that_train_on_nothing(check_rows, tokenizer_folder: Path) -> None:
    rows = [
        chat(3, 3),
        chat(20, 3),
        chat(3, 20),
        chat(3),
        {"messages": [{**message, "weight": 0} for message in chat(3, 3)["messages"]]},
    ]
    options = {"tokenizer": with_template(tokenizer_folder), "context_length": 10}
    result = check_rows("tokens/no-supervision", rows, **options)
    assert result.findings["row"].to_list() == [1, 3, 4]
    assert "begins after 24 tokens" in result.findings["message"][0]


def test_the_bundled_template_counts_like_its_tokenizer(repository_root: Path) -> None:
    folder = repository_root / "datasets" / "base"
    if not folder.is_dir():
        pytest.skip(f"no model at {folder}")
    transformers = pytest.importorskip("transformers")
    messages = [
        {"role": "system", "content": "Be brief.", "tool_calls": None},
        {"role": "user", "content": "What is 12 + 30?", "tool_calls": None},
        {"role": "assistant", "content": "It is 42.", "tool_calls": None},
    ]
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    plain = [{"role": item["role"], "content": item["content"]} for item in messages]
    for prompt in (False, True):
        expected = theirs.apply_chat_template(plain, tokenize=False, add_generation_prompt=prompt)
        ours = load_tokenizer(folder)
        text = ours.render(messages, generation_prompt=prompt)
        assert text == expected
        assert ours.count([text]) == [len(theirs(text, add_special_tokens=False)["input_ids"])]


def test_a_template_cannot_reach_out_of_its_sandbox(tokenizer_folder: Path) -> None:
    evil = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    tokenizer = load_tokenizer(with_template(tokenizer_folder, evil))
    with pytest.raises(TemplateRefusedError, match="SecurityError"):
        tokenizer.render(chat(1, 1)["messages"])


def test_a_template_that_is_no_template(tokenizer_folder: Path) -> None:
    tokenizer = load_tokenizer(with_template(tokenizer_folder, "{% for %}"))
    with pytest.raises(UsageError, match="chat template is not valid"):
        tokenizer.render(chat(1, 1)["messages"])


def test_the_fingerprint_follows_tokenizer_and_template(tokenizer_folder: Path) -> None:
    plain = tokenizer_fingerprint(tokenizer_folder)
    assert tokenizer_fingerprint(tokenizer_folder) == plain
    with_template(tokenizer_folder)
    assert tokenizer_fingerprint(tokenizer_folder) != plain


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_folder_without_a_tokenizer(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(UsageError, match="tokenizer"):
        load_tokenizer(tmp_path)
