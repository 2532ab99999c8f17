"""Losses, membership and recitation, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tunewise.evaluate.domain.rows import DomainRow, PartRows
from tunewise.evaluate.scoring.generation import generate
from tunewise.evaluate.scoring.tokens import TokenScorer
from tunewise.evaluate.verdicts.losses import (
    LOSS_SCHEMA,
    LossRows,
    loss_answers,
    loss_rows,
    measure_rows,
    min_k_plus_plus,
    overfitting_measures,
    paired_losses,
    recited_share,
)
from tunewise.train.loop.loss import row_losses
from tunewise.train.rows.render import Rendered


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_min_k_plus_plus_of_a_worked_example() -> None:
    """Ten tokens: the lowest two of (v − m) / s, here −4 and −3, count."""
    values = np.array([-1.0, -5.0, -4.0, -1, -1, -1, -1, -1, -1, -1])
    assert min_k_plus_plus(values, np.full(10, -1.0), np.ones(10)) == pytest.approx(-3.5)
    assert min_k_plus_plus(values, np.full(10, -1.0), np.full(10, 2.0)) == pytest.approx(-1.75)
    assert min_k_plus_plus(values[:3], np.full(3, -1.0), np.ones(3)) == pytest.approx(-4)
    certain = min_k_plus_plus(np.zeros(2), np.zeros(2), np.zeros(2))
    assert certain == 0


@pytest.mark.parametrize(
    ("greedy", "learned", "share"),
    [
        ("0000111110", "1111111111", 1.0),  # nine without the end: the last five, all right
        ("1111101111", "1111111111", 0.2),
        ("1111011111", "1111111111", 0.0),
        ("1111111110", "1111111111", 1.0),  # the end itself does not count
        ("11111111", "11111111", None),  # too short
        ("000000111111110000000", "111111000000111111111", 0.0),  # only the last answer
        ("000000000000000011110", "111111000000111111111", 1.0),
    ],
)
def test_recited_share(greedy: str, learned: str, share: float | None) -> None:
    assert recited_share(flags(greedy), flags(learned)) == share


def rendered(count: int, length: int) -> list[Rendered]:
    draw = np.random.default_rng(5)
    return [
        Rendered(draw.integers(3, 300, length).tolist(), [index >= 6 for index in range(length)])
        for _ in range(count)
    ]


def rows_of(parts: list[Rendered], names: list[str]) -> LossRows:
    return LossRows(
        tuple((name, number) for number, name in enumerate(names)),
        tuple(parts),
        tuple((f"p{n}", f"a{n}", None) for n in range(len(parts))),
    )


def test_losses_are_those_of_training(tiny: tuple[Any, Any]) -> None:
    model = tiny[0]
    rows = rendered(6, 21)
    # A conversation of two answers: what lies between them is not learned.
    rows[0] = Rendered(rows[0].tokens, [i in (3, 4, 5, 15, 16, 17) for i in range(21)])
    frame = measure_rows(rows_of(rows, ["train"] * 6), TokenScorer(model), lambda count: None)
    expected = row_losses(model, rows)
    np.testing.assert_allclose(frame["loss"], expected.summed / expected.tokens, atol=1e-5)
    assert frame.schema == LOSS_SCHEMA


def test_recitation_is_what_greedy_generation_would_give(tiny: tuple[Any, Any]) -> None:
    """No token is generated for it; here they are, to compare."""
    model = tiny[0]
    rows = rendered(8, 26)
    # Let the model write some of the second halves itself, with an error in the middle.
    for number, wrong in ((0, None), (1, 3), (2, 0)):
        begin = 6 + 19 // 2
        said = generate(model, [rows[number].tokens[:begin]], [25 - begin], ends=frozenset())[0]
        if wrong is not None:
            said[wrong] = (said[wrong] + 1) % 300
        rows[number].tokens[begin:25] = said
    frame = measure_rows(rows_of(rows, ["train"] * 8), TokenScorer(model), lambda count: None)
    for row, share in zip(rows, frame["verbatim"], strict=True):
        begin = 6 + 19 // 2
        true = row.tokens[begin:25]
        said = generate(model, [row.tokens[:begin]], [len(true)], ends=frozenset())[0]
        same = next(
            (i for i, (a, b) in enumerate(zip(said, true, strict=True)) if a != b), len(true)
        )
        assert share == pytest.approx(same / len(true))
    assert frame["verbatim"].to_list()[:3] == [1.0, 0.3, 0.0]


def test_membership_rises_for_rows_that_were_learned(tiny_model: Any) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    rows = rendered(6, 24)
    everything = rows_of(rows, ["train"] * 3 + ["test"] * 3)
    before = measure_rows(everything, TokenScorer(model), lambda count: None)
    tokens = torch.tensor([row.tokens for row in rows[:3]])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    after = measure_rows(everything, TokenScorer(model), lambda count: None)
    gain = (after["membership"] - before["membership"]).to_numpy()
    assert gain[:3].min() > gain[3:].max()
    assert after["verbatim"].to_list()[:3] == [1.0, 1.0, 1.0]


def test_rows_are_chosen_and_rendered_as_trained(tiny: tuple[Any, Any]) -> None:
    def row(number: int, answer: str) -> DomainRow:
        return DomainRow(
            number, ({"role": "user", "content": "Hm?"}, {"role": "assistant", "content": answer})
        )

    long = "seven birds " * 40
    parts = [
        PartRows("train", "chat", tuple(row(n, "yes") for n in range(20)), 0),
        PartRows("val", "chat", (), 0),
        PartRows("test", "chat", (row(0, "no"), row(1, long)), 0),
    ]
    rows = loss_rows(parts, tiny[1], count=5, max_length=40, seed=1)
    assert [part for part, _ in rows.places] == ["train"] * 5 + ["test"] * 2
    assert len(rows.rendered[-1].tokens) == 40
    assert rows.rendered[-1].truncated


def test_measures_are_sorted_by_part() -> None:
    names = ["train", "val", "test", "test"]
    base = pl.DataFrame(
        [(name, n, 1.0 + n, -1.0, None) for n, name in enumerate(names)],
        schema=LOSS_SCHEMA,
        orient="row",
    )
    tuned = base.with_columns(pl.col("loss") - 0.5, verbatim=pl.Series([0.25, 0.5, None, 1.0]))
    losses = paired_losses(base, tuned)
    assert losses.columns[:4] == ["part", "row", "base_loss", "base_membership"]
    log = pl.DataFrame(
        {"step": [0, 1, 2], "val_loss": [3.0, None, 2.0], "train_loss": [None, 1.0, 1.5]},
        schema={"step": pl.Int64, "val_loss": pl.Float64, "train_loss": pl.Float64},
    )
    measures = overfitting_measures(losses, log)
    assert measures.train_losses_base.tolist() == [1.0]
    assert measures.test_losses_tuned.tolist() == [2.5, 3.5]
    assert measures.verbatim_train.tolist() == [0.25]
    np.testing.assert_array_equal(measures.verbatim_heldout, [0.5, np.nan, 1.0])
    assert [point.step for point in measures.validation_curve] == [0, 2]
    assert np.isnan(measures.validation_curve[0].train_loss)

    rows = rows_of(rendered(4, 10), names)
    found = loss_answers(rows, tuned, decides=False)
    assert found.frame["item"].to_list() == ["2", "3"]
    assert found.frame["score"].to_list() == [2.5, 3.5]
    assert (found.info.kind, found.info.decides) == ("loss", False)
