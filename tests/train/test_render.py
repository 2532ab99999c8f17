from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.train.rows.render import (
    Refused,
    Rendered,
    RowRefusedError,
    render,
    render_all,
    render_answer,
    render_prompt,
    special_ids,
)
from tunewise.train.rows.template import (
    BUILT_IN,
    PLAIN_TEMPLATE,
    TOKENIZER,
    template_hash,
    template_of,
    template_origin,
)
from tunewise.workspace.errors import UsageError


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: str, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **fields}


def learned(tokenizer, row: Rendered) -> list[str]:
    """The supervised stretches as text."""
    stretches: list[list[int]] = []
    before = False
    for token, supervised in zip(row.tokens, row.supervised, strict=True):
        if supervised:
            stretches = stretches if before else [*stretches, []]
            stretches[-1].append(token)
        before = supervised
    return [tokenizer.decode(stretch) for stretch in stretches]


def without_template(tokenizer):
    tokenizer.chat_template = None
    return tokenizer


@pytest.fixture
def spacing_tokenizer():
    """A tokenizer that puts a space before every beginning, as those of old Llamas do."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    inner.train_from_iterator(
        ["the bird sings in the tree"] * 20,
        trainers.BpeTrainer(
            vocab_size=150,
            special_tokens=["<unk>", "<s>", "</s>"],
            show_progress=False,
            initial_alphabet=["\n", *(chr(code) for code in range(32, 127))],
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def test_the_answer_and_the_token_that_ends_it_are_learned(tokenizer) -> None:
    row = render(tokenizer, [user("the bird"), assistant("sings in the tree")])
    assert learned(tokenizer, row) == ["sings in the tree<|end|>"]
    assert tokenizer.decode(row.tokens) == (
        "<|begin|><|start|>user\nthe bird<|end|>\n<|start|>assistant\nsings in the tree<|end|>\n"
    )
    assert len(row.tokens) == len(row.supervised)
    assert not row.truncated
    assert row.lost_supervised == 0


def test_every_answer_of_a_conversation_is_learned_and_nothing_else(tokenizer) -> None:
    messages = [
        {"role": "system", "content": "be short"},
        user("one"),
        assistant("two"),
        user("three"),
        assistant("four"),
    ]
    row = render(tokenizer, messages)
    assert learned(tokenizer, row) == ["two<|end|>", "four<|end|>"]


def test_messages_of_weight_zero_are_context(tokenizer) -> None:
    messages = [user("one"), assistant("two", weight=0), user("three"), assistant("four", weight=1)]
    assert learned(tokenizer, render(tokenizer, messages)) == ["four<|end|>"]


def test_an_answer_that_nothing_comes_before_is_context(tokenizer) -> None:
    row = render(tokenizer, [assistant("welcome"), user("one"), assistant("two")])
    assert learned(tokenizer, row) == ["two<|end|>"]


def test_without_an_answer_nothing_is_learned(tokenizer) -> None:
    assert not any(render(tokenizer, [user("one")]).supervised)


def test_tool_calls_reach_the_template_as_objects(tokenizer) -> None:
    calls = '[{"type": "function", "function": {"name": "tree", "arguments": "{}"}}]'
    messages = [user("one"), assistant(None, tool_calls=calls)]  # pyright: ignore[reportArgumentType]
    assert learned(tokenizer, render(tokenizer, messages)) == ["tree<|end|>"]


def test_a_cut_row_says_what_it_loses(tokenizer) -> None:
    whole = render(tokenizer, [user("the bird"), assistant("sings in the tree")])
    size = len(whole.tokens) - 4
    cut = render(tokenizer, [user("the bird"), assistant("sings in the tree")], max_length=size)
    assert cut.tokens == whole.tokens[:size]
    assert cut.truncated
    assert cut.lost_supervised == sum(whole.supervised) - sum(cut.supervised) == 3


def test_a_text_is_learned_whole_with_its_end(tokenizer) -> None:
    row = render(tokenizer, [{"role": "text", "content": "the bird sings"}])
    assert row.tokens[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(row.tokens[:-1]) == "the bird sings"
    assert row.supervised == [False] + [True] * (len(row.tokens) - 1)


def test_a_row_that_the_template_cannot_render_is_refused_with_the_reason(tokenizer) -> None:
    odd = [{"role": "robot", "content": "beep"}]
    with pytest.raises(RowRefusedError, match="unknown role robot"):
        render(tokenizer, odd)
    good = [user("one"), assistant("two")]
    first, second, third = render_all(tokenizer, [good, odd, []])
    assert first == render(tokenizer, good)
    assert isinstance(second, Refused)
    assert isinstance(third, Refused)


def test_many_rows_render_as_each_alone(tokenizer) -> None:
    rows = [
        [user("one"), assistant("two")],
        [{"role": "text", "content": "three"}],
        [user("one"), assistant("\n\nfour"), user("five"), assistant(" six ")],
    ]
    assert render_all(tokenizer, rows, max_length=20) == [
        render(tokenizer, row, max_length=20) for row in rows
    ]


UNFIT_TEMPLATES = {
    "rewrites earlier answers": (
        "{% for m in messages %}<|start|>{{ m.role }}\n"
        "{{ m.content if loop.last or m.role == 'user' else '(cut)' }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}",
        "differently",
    ),
    "asks otherwise than it answers": (
        "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant\n<think>\n{% endif %}",
        "differently",
    ),
    "ends no answer": (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}",
        "never learn to stop",
    ),
    "writes more after the end": (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|> over\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}",
        "never learn to stop",
    ),
}


@pytest.mark.parametrize("name", UNFIT_TEMPLATES)
def test_an_unfit_template_is_refused(tokenizer, name: str) -> None:
    tokenizer.chat_template, words = UNFIT_TEMPLATES[name]
    messages = [user("one"), assistant("two"), user("three"), assistant("four")]
    with pytest.raises(UsageError, match=words) as caught:
        render(tokenizer, messages)
    assert caught.value.fix


def test_without_a_template_the_plain_one_is_used(tokenizer) -> None:
    assert template_origin(tokenizer) == TOKENIZER
    own = template_hash(tokenizer)
    without_template(tokenizer)
    assert template_origin(tokenizer) == BUILT_IN
    assert template_of(tokenizer) == PLAIN_TEMPLATE
    assert template_hash(tokenizer) != own
    row = render(
        tokenizer, [{"role": "system", "content": "be short"}, user("one"), assistant("2")]
    )
    assert tokenizer.decode(row.tokens) == (
        "<|begin|>System:\nbe short\n\nUser:\none\n\nAssistant:\n2<|end|>\n\n"
    )
    assert learned(tokenizer, row) == ["2<|end|>"]
    tokenizer.chat_template = PLAIN_TEMPLATE
    assert template_origin(tokenizer) == BUILT_IN


def test_the_plain_template_needs_an_end_token(tokenizer) -> None:
    without_template(tokenizer).eos_token = None
    with pytest.raises(UsageError, match="end token"):
        render(tokenizer, [user("one"), assistant("two")])


texts = st.text(
    st.sampled_from("the bird\n .,é漢😀▁<|end|>0123") | st.characters(codec="utf-8"), max_size=20
)


def assert_asked_and_answered_alike(tokenizer, contents: list[str]) -> None:
    """At each answer, the tokens before it are those that the model is asked with."""
    messages = [
        user(content) if index % 2 == 0 else assistant(content)
        for index, content in enumerate(contents)
    ]
    prompt = render_prompt(tokenizer, messages)
    assert render_prompt(tokenizer, messages[:-1]) == prompt
    answer = render_answer(tokenizer, messages)
    alone = render(tokenizer, [*messages[:-1], messages[-1]])
    weighted = [{**message, "weight": 0} for message in messages[:-1]] + [messages[-1]]
    last_only = render(tokenizer, weighted)
    assert last_only.tokens[: len(prompt) + len(answer)] == prompt + answer
    assert sum(last_only.supervised) == len(answer)
    assert answer[-1] in special_ids(tokenizer)
    # However the answers before were cut into tokens, the text is the same.
    assert tokenizer.decode(alone.tokens) == tokenizer.decode(last_only.tokens)
    if len(messages) == 2:
        assert alone == last_only


# The tokenizers are only read, so sharing them between examples is safe.
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(contents=st.lists(texts, min_size=2, max_size=6).filter(lambda found: len(found) % 2 == 0))
def test_training_and_asking_see_the_same_tokens(tokenizer, contents: list[str]) -> None:
    assert_asked_and_answered_alike(tokenizer, contents)


@quick
@given(contents=st.lists(texts, min_size=2, max_size=2))
def test_so_they_do_with_the_plain_template(tokenizer, contents: list[str]) -> None:
    assert_asked_and_answered_alike(without_template(tokenizer), contents)


def test_a_tokenizer_that_adds_spaces_sees_the_same_tokens(spacing_tokenizer) -> None:
    messages = [user("the bird"), assistant("sings"), user("in"), assistant("the tree")]
    row = render(spacing_tokenizer, messages)
    assert learned(spacing_tokenizer, row) == ["sings</s>", "the tree</s>"]
    text = spacing_tokenizer.apply_chat_template(
        messages, chat_template=PLAIN_TEMPLATE, tokenize=False
    )
    assert row.tokens == spacing_tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_token_across_the_border_is_cut_as_the_model_meets_it(tokenizer) -> None:
    """Prompt and answer both have a line break at the border, and a token for two exists."""
    double = tokenizer("\n\n", add_special_tokens=False)["input_ids"]
    assert len(double) == 1
    row = render(tokenizer, [user("one"), assistant("\ntwo")])
    assert learned(tokenizer, row) == ["\ntwo<|end|>"]
    prompt = render_prompt(tokenizer, [user("one")])
    assert row.tokens[: len(prompt)] == prompt
    assert double[0] not in row.tokens


def test_the_bundled_base_learns_answers_and_their_end(bundled_base: Path) -> None:
    from transformers import AutoTokenizer

    base = AutoTokenizer.from_pretrained(bundled_base)
    row = render(base, [user("Hello!"), assistant("Good morning."), user("Bye"), assistant("Bye!")])
    assert learned(base, row) == [f"Good morning.{base.eos_token}", f"Bye!{base.eos_token}"]
    assert template_origin(base) == TOKENIZER


def test_a_base_model_without_template_renders(shared_data: Path) -> None:
    from transformers import AutoTokenizer

    stories = AutoTokenizer.from_pretrained(shared_data / "models" / "stories260K")
    assert stories.pad_token_id == stories.eos_token_id
    row = render(stories, [user("Who sings?"), assistant("The bird.")])
    assert learned(stories, row) == ["The bird.</s>"]
    assert template_origin(stories) == BUILT_IN
