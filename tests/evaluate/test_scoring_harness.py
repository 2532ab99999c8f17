"""Our model for lm-eval answers every request as lm-eval's own does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_equality import compare
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from tunewise.evaluate.scoring.harness import CausalScorer
from tunewise.evaluate.scoring.library import needs_library
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.tasks.asking import ask
from tunewise.evaluate.tasks.suites import load_benchmarks
from tunewise.workspace.errors import DataError

QUESTIONS = [
    {"query": "What colour is the sky?", "choices": ["blue", "the red book", "seven"], "gold": 0},
    {"query": "Who has the red book? ", "choices": ["Tom", "the lazy dog", "nobody"], "gold": 0},
    {"query": "The quick brown", "choices": ["fox", "fox", "birds"], "gold": 2},
    {"query": "The sky is\n", "choices": ["blue", "blue.", "green"], "gold": 1},
]
FEW_SHOT = """
task: few
dataset_path: json
dataset_kwargs: {data_files: {test: questions.jsonl, train: questions.jsonl}}
test_split: test
fewshot_split: train
num_fewshot: 2
output_type: multiple_choice
doc_to_text: "Q: {{query}}\\nA:"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


def pair(model: Any, tokenizer: Any) -> tuple[CausalScorer, Any]:
    theirs: Any = HFLM
    context = model.config.max_position_embeddings
    ours = CausalScorer(TokenScorer(model, batch_tokens=256), tokenizer, context=context)
    return ours, theirs(pretrained=model, tokenizer=tokenizer, batch_size=4)


def request(kind: Any, *arguments: Any) -> Instance:
    return Instance(kind, {}, arguments, 0)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def assert_same_answers(benchmarks: list[Any], model: Any, tokenizer: Any) -> None:
    for benchmark in benchmarks:
        ours, theirs = (ask(benchmark, model).frame for model in pair(model, tokenizer))
        assert ours["score"].to_list() == theirs["score"].to_list() or benchmark.name == "texts"
        np.testing.assert_allclose(ours["score"], theirs["score"], atol=1e-4)
        assert ours["output"].to_list() == theirs["output"].to_list()
        values, others = (
            [x for row in frame["log_likelihoods"].to_list() for x in row or []]
            for frame in (ours, theirs)
        )
        np.testing.assert_allclose(values, others, atol=1e-4)


def test_tasks_of_every_kind_have_the_same_answers(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    write_rows(tmp_path / "questions.jsonl", QUESTIONS)
    (tmp_path / "few.yaml").write_text(FEW_SHOT)
    files = [
        write_rows(tmp_path / "pairs.jsonl", [
            {"sentence_good": "Tom has the book.", "sentence_bad": "Tom have the book."},
            {"sentence_good": "</s>Seven birds sang.", "sentence_bad": "Seven birds sings."},
        ]),
        write_rows(tmp_path / "sums.jsonl", [
            {"prompt": f"{n} {n + 1}", "answer": f"{n + 2}\nand"} for n in range(6)
        ]),
        write_rows(tmp_path / "texts.jsonl", [{"text": "The sky. " * n} for n in (1, 3, 40)]),
    ]  # fmt: skip
    names = ["few.yaml", "questions.jsonl", *(path.name for path in files)]
    benchmarks = load_benchmarks(names, tmp_path)
    assert [benchmark.name for benchmark in benchmarks] == [
        "few", "questions", "pairs", "sums", "texts",
    ]  # fmt: skip
    assert_same_answers(benchmarks, *tiny)


def test_real_tasks_have_the_same_answers(shared_data: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = shared_data / "models" / "stories260K"
    benchmarks = load_benchmarks(
        [
            str(shared_data / "benchmarks" / name)
            for name in (
                "story_ending.jsonl",
                "arc_easy_test.jsonl",
                "blimp/principle_A_case_1.jsonl",
                "story_word_swap.jsonl",
            )
        ],
        shared_data,
        limit=25,
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    assert_same_answers(benchmarks, model, AutoTokenizer.from_pretrained(folder))


def test_generations_with_real_stops_are_the_same(shared_data: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = shared_data / "models" / "stories260K"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    texts = json.loads((shared_data / "text" / "tinystories_1000.json").read_text())[:24]
    requests = [
        request(
            "generate_until",
            text[: 30 + n],
            {"until": [". ", "\n"], "max_gen_toks": 40 - n % 3},
        )
        for n, text in enumerate(texts)
    ]  # fmt: skip
    ours, theirs = pair(model, AutoTokenizer.from_pretrained(folder))
    assert ours.generate_until(requests) == theirs.generate_until(requests, disable_tqdm=True)


@pytest.mark.parametrize("length", [40, 63, 64, 65, 90])
def test_long_contexts_are_cut_alike(tiny: tuple[Any, Any], length: int) -> None:
    ours, theirs = pair(*tiny)
    context = "1" * length
    requests = [request("loglikelihood", context, " 7 8 9"), request("loglikelihood", "", "2" * 40)]
    np.testing.assert_allclose(
        [value for value, _ in ours.loglikelihood(requests)],
        [value for value, _ in theirs.loglikelihood(requests, disable_tqdm=True)],
        atol=1e-4,
    )


def test_a_choice_longer_than_the_context_is_scored_in_windows(tiny: tuple[Any, Any]) -> None:
    ours, theirs = pair(*tiny)
    text = "".join(str(n % 10) for n in range(150))
    ((value, _),) = ours.loglikelihood([request("loglikelihood", "", text)])
    (rolling,) = theirs.loglikelihood_rolling([request("loglikelihood_rolling", text)])
    assert value == pytest.approx(rolling, abs=1e-3)


def test_empty_choices_are_refused(tiny: tuple[Any, Any]) -> None:
    ours, _ = pair(*tiny)
    with pytest.raises(DataError, match="empty"):
        ours.loglikelihood([request("loglikelihood", "What?", "")])
    assert ours.loglikelihood([]) == []


@pytest.mark.parametrize("model_name", ["stories260K", "babyllama105"])
def test_ten_tasks_of_every_kind_give_lm_evals_own_answers(
    shared_data: Path, model_name: str
) -> None:
    """A few items of what `perf/evaluation_equality.py` compares in full."""
    found = list(compare(shared_data, 2, (model_name,)))
    assert len({row.task for row in found}) == 10
    assert {row.chat for row in found} == {False, True}
    assert max(row.largest_difference for row in found) < 1e-4
    assert not any(row.other_scores or row.other_outputs for row in found)


def test_what_our_greedy_loop_does_not_do_is_lm_evals_own(tiny: tuple[Any, Any]) -> None:
    """Penalties of a task and of a model's generation_config, and drawn answers."""
    model, tokenizer = tiny
    texts = ["The quick", "Who has the red book? Tom has the", "Seven"]

    def asked(**settings: Any) -> list[Instance]:
        wanted = {"until": ["."], "max_gen_toks": 9, **settings}
        return [request("generate_until", text, wanted) for text in texts]

    ours, theirs = pair(model, tokenizer)
    plain, penalised = asked(), asked(do_sample=False, repetition_penalty=1.7)
    expected = theirs.generate_until(penalised, disable_tqdm=True)
    assert ours.generate_until(penalised) == expected
    assert ours.generate_until(plain) != expected
    model.generation_config.repetition_penalty = 1.7
    try:
        assert needs_library(model, {}) == "the model's generation_config sets repetition_penalty"
        assert ours.generate_until(plain) == expected
    finally:
        model.generation_config.repetition_penalty = None
    drawn = asked(do_sample=True, temperature=1.5)
    assert ours.generate_until(drawn) == ours.generate_until(drawn)
    assert len(set(ours.generate_until([drawn[0]] * 6))) > 1


def test_a_choice_that_melts_into_the_last_word_has_a_probability(tiny: tuple[Any, Any]) -> None:
    """Byte pairs join what stands on both sides of the border; lm-eval stops at it."""
    ours, theirs = pair(*tiny)
    tokenizer = tiny[1]
    context, choice = next(
        (word[:cut], word[cut:])
        for word in tokenizer.get_vocab()
        for cut in range(1, len(word))
        if word.isascii() and word.isalpha() and len(tokenizer.encode(word)) == 1
        and len(tokenizer.encode(word[:cut])) == 1
    )  # fmt: skip
    asked = [request("loglikelihood", context, choice)]
    with pytest.raises(AssertionError):
        theirs.loglikelihood(asked, disable_tqdm=True)
    ((value, _),) = ours.loglikelihood(asked)
    assert value < 0


def test_texts_are_encoded_once_for_both_models(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    encoded: dict[str, list[int]] = {}
    requests = [request("loglikelihood", "The sky is", " blue")]
    scorer = TokenScorer(model)
    first = CausalScorer(scorer, tokenizer, context=64, encoded=encoded).loglikelihood(requests)
    assert encoded["The sky is blue"] == tokenizer.encode("The sky is blue")
    second = CausalScorer(scorer, MuteTokenizer(tokenizer), context=64, encoded=encoded)
    assert second.loglikelihood(requests) == first


class MuteTokenizer:
    """A tokenizer that knows its special tokens and refuses to encode."""

    def __init__(self, tokenizer: Any) -> None:
        self.bos_token_id, self.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
        self.decode, self.model_max_length = tokenizer.decode, 64
