"""The domain's questions: distractors that are fair, choices by bytes, labels, free answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.evaluate.domain.choices import answer_choices, near
from tunewise.evaluate.domain.questions import (
    ask_choices,
    ask_questions,
    domain_task,
    label_facts,
    score_texts,
)
from tunewise.evaluate.domain.rows import DomainRow, PartRows, render_answers
from tunewise.evaluate.items import Answers
from tunewise.evaluate.metrics.words import words
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.train.rows.render import render_answer, render_prompt

ALL: dict[str, Any] = {
    "choice_items": 100,
    "generated_items": 20,
    "answer_tokens": 12,
    "context": 64,
    "seed": 1,
}


def row(number: int, prompt: str, answer: str, **others: Any) -> DomainRow:
    messages = ({"role": "user", "content": prompt}, {"role": "assistant", "content": answer})
    return DomainRow(number, messages, **others)


def part(rows: list[DomainRow], kind: str = "chat") -> PartRows:
    return PartRows("test", kind, tuple(rows), skipped=0)


def advance(count: int) -> None:
    """Nobody counts here."""


ROWS = st.lists(
    st.tuples(
        st.text("abc ", max_size=12),
        st.text("wxyz ", max_size=12),
        st.none() | st.sampled_from("pq"),
    ),
    min_size=1,
    max_size=14,
)


@given(ROWS, st.integers(0, 5))
@settings(max_examples=120, deadline=None)
def test_distractors_are_fair(texts: list[Any], seed: int) -> None:
    rows = [row(i, prompt, answer, cluster=tie) for i, (prompt, answer, tie) in enumerate(texts)]
    choices = answer_choices(rows, rows, seed=seed)
    sizes = {len(choice.answers) for choice in choices}
    assert len(sizes) <= 1
    assert sizes <= {2, 3, 4}
    for choice in choices:
        own = choice.row
        assert choice.answers[choice.gold] == own.answer
        sets = [frozenset(words(answer)) for answer in choice.answers]
        assert not any(near(a, b) for i, a in enumerate(sets) for b in sets[:i])
        for place, answer in enumerate(choice.answers):
            if place != choice.gold:
                sources = [other for other in rows if other.answer == answer]
                assert any(
                    (own.cluster is None or own.cluster != other.cluster)
                    and not (words(own.prompt) and words(own.prompt) == words(other.prompt))
                    for other in sources
                )


def test_distractors_are_near_in_length_and_drawn_by_the_seed() -> None:
    rows = [row(n, f"question {n}", f"w{n} " * (1 + n // 10)) for n in range(400)]
    first, again, other = (answer_choices(rows, rows[:60], seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    for choice in first:
        lengths = [len(answer) for answer in choice.answers]
        assert max(lengths) - min(lengths) <= 40
    assert 5 < sum(choice.gold == 0 for choice in first) < 30
    # A row's draw is its own: asking fewer rows changes nothing.
    assert answer_choices(rows, rows[:10], seed=1) == first[:10]


def test_fewer_answers_make_fewer_choices() -> None:
    rows = [row(n, f"is it {n}?", "yes indeed" if n % 2 else "no") for n in range(6)]
    assert {len(choice.answers) for choice in answer_choices(rows, rows, seed=1)} == {2}
    assert answer_choices(rows[1::2], rows[1::2], seed=1) == []


def test_questions_are_rendered_as_in_training(tiny: tuple[Any, Any]) -> None:
    tokenizer = tiny[1]
    messages = [
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "Tom."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "The sky is blue."},
    ]
    (asked,) = render_answers(tokenizer, [messages])
    assert asked is not None
    assert asked.prompt == render_prompt(tokenizer, messages)
    assert asked.answer == render_answer(tokenizer, messages)
    assert asked.answer[-1] == tokenizer.eos_token_id


class Oracle:
    """Scores answers by taste, whatever was asked, and by what it knows of single questions."""

    def __init__(self, tokenizer: Any, rows: list[DomainRow], taste: float = 0.0) -> None:
        asked = render_answers(tokenizer, [row.messages for row in rows])
        self.known = {tuple(one.tokens) for one in asked if one is not None}
        self.taste = taste

    def score(self, sequences: Any, starts: Any, **_: Any) -> Any:
        sums = [
            self.taste * sum(tokens[start:]) + (0.5 if tuple(tokens) in self.known else 0)
            for tokens, start in zip(sequences, starts, strict=True)
        ]
        return SimpleNamespace(sums=lambda: np.array(sums))


@pytest.mark.parametrize("taste", [0.0, -3.0, 3.0])
def test_knowledge_counts_and_taste_does_not(tiny: tuple[Any, Any], taste: float) -> None:
    tokenizer = tiny[1]
    rows = [row(n, f"Number {n}?", f"{n} birds" + " sang" * (n % 3)) for n in range(14)]
    task = domain_task(part(rows), tokenizer, **ALL)
    assert task.info.task == "domain/answer-choice"
    assert (task.info.chance, task.info.decides) == (0.25, True)
    knowing: Any = Oracle(tokenizer, rows[:7], taste)
    found = ask_choices(task, knowing, advance)
    scores = dict(zip(found.frame["item"], found.frame["score"], strict=True))
    assert all(scores[str(n)] == 1 for n in range(7))
    asked = found.frame.row(0, named=True)
    assert asked["expected"] == asked["output"] == "0 birds"
    assert asked["prompt"] == "Number 0?"
    assert len(asked["choices"]) == len(asked["log_likelihoods"]) == 4


def test_answers_are_compared_with_themselves_after_other_questions(tiny: tuple[Any, Any]) -> None:
    rows = [row(n, f"Number {n}?", f"{n} birds") for n in range(14)]
    task = domain_task(part(rows), tiny[1], **ALL)
    own = {r.answer: render_prompt(tiny[1], r.messages) for r in rows}
    assert task.elsewhere.keys() == own.keys()
    for answer, group in task.elsewhere.items():
        assert group
        assert all(asked.prompt != own[answer] for asked in group)
        assert {tuple(asked.answer) for asked in group} == {tuple(group[0].answer)}


def test_what_does_not_fit_is_counted(tiny: tuple[Any, Any]) -> None:
    rows = [row(n, f"{n} " * (1 if n else 60), f"{n} birds") for n in range(8)]
    task = domain_task(PartRows("test", "chat", tuple(rows), skipped=3), tiny[1], **ALL)
    assert len(task.choices) == 7
    assert len(task.questions) == 7
    assert task.left_out == {
        "no answer to ask for": 3,
        "too few other answers": 0,
        "longer than the model's context": 1,
    }


def test_labels_are_chosen_among_all_labels(tiny: tuple[Any, Any]) -> None:
    labels = ["red", "blue", "seven birds"]
    rows = [row(n, f"text {n}", labels[n % 2], label=labels[n % 2]) for n in range(6)]
    task = domain_task(part(rows, "classification"), tiny[1], labels=labels, **ALL)
    assert (task.info.task, task.info.chance) == ("domain/label", pytest.approx(1 / 3))
    knowing: Any = Oracle(tiny[1], [r for r in rows if r.label == "red"])
    found = ask_choices(task, knowing, advance)
    assert found.frame["choices"].to_list() == [sorted(labels)] * 6
    # What it does not know it takes for the first label, which is right for the others here.
    assert found.frame["output"].to_list() == ["red", "blue"] * 3
    half = Answers(found.info, found.frame.with_columns(output=pl.lit("red")))
    facts = label_facts(task, [half])
    assert facts["macro_f1"] == pytest.approx((2 * 3 / 9 + 0) / 2)
    assert [entry["label"] for entry in facts["by_label"]] == ["blue", "red"]


def test_texts_have_no_questions(tiny: tuple[Any, Any]) -> None:
    rows = [DomainRow(n, ({"role": "text", "content": f"Text {n}."},)) for n in range(9)]
    task = domain_task(part(rows, "text"), tiny[1], **ALL)
    assert task.choices == task.questions == ()


def test_an_empty_part_asks_nothing(tiny: tuple[Any, Any]) -> None:
    task = domain_task(part([]), tiny[1], **ALL)
    assert task.choices == task.questions == ()
    assert score_texts(task, []) == []


def test_free_answers_are_scored_beside(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    rows = [row(n, f"Number {n}?", f"{n} birds sang") for n in range(5)]
    task = domain_task(part(rows), tokenizer, **ALL)
    assert set(task.limits) == {12}
    texts = ask_questions(task, TokenScorer(model), tokenizer, advance)
    assert len(texts) == 5
    assert all(text == text.strip() for text in texts)
    found = score_texts(task, ["0 birds sang", "1 Birds", *texts[2:]])
    by_task = {answers.info.task: answers for answers in found}
    assert by_task.keys() == {"domain/exact-match", "domain/token-f1", "domain/rouge-l"}
    assert by_task["domain/exact-match"].frame["score"].to_list()[:2] == [1, 0]
    assert by_task["domain/token-f1"].frame["score"].to_list()[1] == pytest.approx(0.8)
    assert not any(answers.info.decides for answers in found)


def test_samples_are_fixed() -> None:
    rows = part([row(n, "?", "!") for n in range(50)])
    first = rows.sample(10, 3)
    assert first == rows.sample(10, 3)
    assert first != rows.sample(10, 4)
    assert [r.row for r in first] == sorted(r.row for r in first)
    assert len(rows.sample(60, 3)) == 50


def test_the_metrics_lie_in_files() -> None:
    folder = Path(__file__).resolve().parents[2] / "evaluate"
    assert not (folder / "__init__.py").exists()
