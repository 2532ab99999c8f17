"""Token counts without a deep learning library, and the checks that need them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from tunewise.curate.check import CheckContext
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.tokens.tokenizer import (
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
    tokenizer = Tokenizer(WordLevel({"<unk>": 0, "<end>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.add_special_tokens(["<end>"])
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
    for name in ("over-context", "no-supervision", "truncated-answer", "end-token", "template"):
        name = f"tokens/{name}"
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
    (long,) = check_rows("tokens/over-context", [row], **options).findings.to_dicts()
    assert long["message"].startswith("6 tokens, 1 more")
    (refused,) = check_rows("tokens/template", [chat(2, 2), row], **options).findings.to_dicts()
    assert (refused["row"], refused["severity"], refused["fix"]) == (1, "high", "drop")
    assert "no tools here" in refused["message"]


def test_a_plain_text_has_its_end_token(check_rows, tokenizer_folder: Path) -> None:
    options = {"tokenizer": with_template(tokenizer_folder), "context_length": 4}
    rows = [{"text": "a b c d"}, {"text": "a b c"}]
    (long,) = check_rows("tokens/over-context", rows, shape="text", **options).findings.to_dicts()
    assert (long["row"], long["message"][:16]) == (0, "5 tokens, 1 more")


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


def test_what_the_context_cuts_off_an_answer(check_rows, tokenizer_folder: Path) -> None:
    rows = [chat(3, 3), chat(3, 6), chat(3, 3, 2, 4), chat(20, 3), {"messages": [
        {"role": "system", "content": "a b"}, {"role": "user", "content": "c"},
        {"role": "assistant", "content": "one two\nthree four 😀 five six seven"}]}]  # fmt: skip
    options = {"tokenizer": with_template(tokenizer_folder), "context_length": 12}
    found = check_rows("tokens/truncated-answer", rows, **options).findings
    columns = found.select("row", "field", "start", "end").rows()
    # <s> U: 3 <end> A: 6 <end> are 14 tokens: the last word is lost, and the end token.
    assert columns == [
        (1, "messages[1].content", 25, 29),
        (2, "messages[3].content", 0, 19),
        (4, "messages[2].content", 14, 35),
    ]
    text = rows[4]["messages"][2]["content"]
    assert text[14:35] == "four 😀 five six seven"
    assert found["message"].to_list() == [
        "2 of 7 tokens to be learned lie beyond the context",
        "5 of 9 tokens to be learned lie beyond the context",
        "6 of 9 tokens to be learned lie beyond the context",
    ]
    assert found["score"].to_list() == pytest.approx([2 / 7, 5 / 9, 6 / 9])


def test_lost_tokens_are_counted_as_training_counts_them(repository_root: Path) -> None:
    folder = repository_root / "datasets" / "base"
    sample = repository_root / "datasets" / "sample.jsonl"
    if not (folder / "tokenizer.json").is_file() or not sample.is_file():
        pytest.skip(f"no model at {folder}, or no sample")
    transformers = pytest.importorskip("transformers")
    from tunewise.curate.checks.truncation import truncated_answers
    from tunewise.train.rows.render import Rendered, render_all
    from tunewise.train.rows.supervision import conversation

    dataset = read_dataset([sample])
    context = CheckContext(dataset, tokenizer=str(folder), context_length=100)
    ours = {row[0]: row[1:3] for row in truncated_answers(context).rows()}
    records = dataset.records.to_dicts()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    outcomes = render_all(tokenizer, map(conversation, records), max_length=100)
    theirs = {
        record["row"]: (sum(outcome.supervised) + outcome.lost_supervised, outcome.lost_supervised)
        for record, outcome in zip(records, outcomes, strict=True)
        if isinstance(outcome, Rendered) and outcome.truncated
    }
    assert len(theirs) > 100
    assert ours == theirs


UNSTEADY = """\
{%- for message in messages %}
    {%- if message['role'] == 'assistant' and not loop.last %}{{ 'A: earlier <end> ' }}
    {%- else %}{{- message['role'] + ': ' + message['content'] + ' <end> ' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"""


def test_a_template_that_writes_earlier_answers_differently(check_rows, tokenizer_folder) -> None:
    folder = with_template(tokenizer_folder, UNSTEADY)
    rows = [chat(2, 2), chat(2, 2, 2, 2), chat(2)]
    (finding,) = check_rows("tokens/template", rows, tokenizer=folder).findings.to_dicts()
    assert (finding["row"], finding["field"]) == (1, "messages[1].content")
    assert (finding["severity"], finding["fix"]) == ("high", "review")


def test_a_sound_template_has_no_faults(check_rows, tokenizer_folder: Path) -> None:
    folder = with_template(tokenizer_folder)
    rows = [chat(2, 2), chat(2, 2, 2, 2), chat(2)]
    labelled = [{"text": "a", "label": "x"}] * 3
    for name in ("tokens/template", "tokens/end-token"):
        result = check_rows(name, rows, tokenizer=folder)
        assert (result.status, result.findings.height) == ("ran", 0)
        result = check_rows(name, labelled, shape="classification", tokenizer=folder)
        assert (result.status, result.findings.height) == ("ran", 0)


@pytest.mark.parametrize(
    ("template", "config", "words", "severity"),
    [
        (TEMPLATE.replace(" <end> ' }}{% endg", "' }}{% endg"), {}, "never learns to stop", "high"),
        (TEMPLATE, {"eos_token": "</s>"}, "'<end>', at which generation does not stop", "medium"),
        (TEMPLATE, {"eos_token": "<end>", "pad_token": "<end>"}, "token for padding", "medium"),
    ],
)
def test_answers_without_a_token_to_stop_at(
    check_rows, tokenizer_folder: Path, template: str, config, words: str, severity: str
) -> None:
    (tokenizer_folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<s>", **config})
    )
    folder = with_template(tokenizer_folder, template)
    rows = [chat(2), chat(2, 2), chat(2, 2, 2, 2)]
    (finding,) = check_rows("tokens/end-token", rows, tokenizer=folder).findings.to_dicts()
    assert (finding["row"], finding["related_row"]) == (None, 1)
    assert (finding["severity"], finding["score"]) == (severity, 1.0)
    assert words in finding["message"]
    assert "2 rows" in finding["message"] or finding["related"] == "<end>"


def test_generation_may_stop_at_other_tokens_than_the_end_token(
    check_rows, tokenizer_folder
) -> None:
    config = {"bos_token": "<s>", "eos_token": "</s>"}
    (tokenizer_folder / "tokenizer_config.json").write_text(json.dumps(config))
    (tokenizer_folder / "generation_config.json").write_text('{"eos_token_id": [7, 1]}')
    folder = with_template(tokenizer_folder)
    assert check_rows("tokens/end-token", [chat(2, 2)], tokenizer=folder).findings.is_empty()


def test_without_a_template_there_is_none_to_check(check_rows, tokenizer_folder: Path) -> None:
    for name in ("tokens/template", "tokens/end-token"):
        result = check_rows(name, [chat(2, 2)], tokenizer=str(tokenizer_folder))
        assert (result.status, result.reason) == ("skipped", "the tokenizer has no chat template")


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
