"""Labels that were exchanged on purpose are found, and those that were not are left alone."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("cleanlab", reason="cleanlab (the extra `noise`) is not installed")

WORDS = {
    "card": "card pin chip plastic swallowed expired",
    "transfer": "transfer iban recipient bank wire pending",
    "rate": "rate exchange currency euro dollar converted",
}
TALK = "please help me i want to know why my what happened with the today again now"


def questions(rows: int) -> list[dict[str, str]]:
    chance = random.Random(7)
    made = []
    for number in range(rows):
        label = list(WORDS)[number % len(WORDS)]
        words = chance.sample(WORDS[label].split(), 3) + chance.sample(TALK.split(), 4)
        chance.shuffle(words)
        made.append({"text": " ".join(words), "label": label})
    return made


def test_exchanged_labels_are_found_with_what_they_should_be(check_rows) -> None:
    rows = questions(300)
    right = {number: rows[number]["label"] for number in range(0, 300, 30)}
    for number, label in right.items():
        rows[number]["label"] = next(other for other in WORDS if other != label)
    result = check_rows("labels/noise", rows)
    assert result.reason.startswith("300 rows with 3 labels were judged; for 97% of them")
    found = result.findings
    assert dict(found.select("row", "related").rows()) == right
    assert set(found["field"]) == {"label"}
    assert found["score"].max() < 0.05


def test_the_same_data_give_the_same_findings(check_rows) -> None:
    rows = questions(120)
    rows[5]["label"] = "card"
    first, again = (check_rows("labels/noise", rows).findings for _ in range(2))
    assert first.equals(again)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"text": "a b c", "label": "x"}] * 30, "fewer than two labels have 10 rows"),
        (questions(27), "fewer than two labels have 10 rows"),
        (
            [{"text": f"word {n}", "label": f"label {n % 301}"} for n in range(3010)],
            "301 labels are too many to judge",
        ),
        (
            [{"text": TALK, "label": label} for label in ("x", "y", "z") * 30],
            "words tell the label of",
        ),
    ],
)
def test_where_nothing_can_be_said_nothing_is(check_rows, rows: list, reason: str) -> None:
    result = check_rows("labels/noise", rows)
    assert result.status == "skipped"
    assert result.reason.startswith(reason)


def test_chats_are_not_classified(find_in_answers, check_rows) -> None:
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    result = check_rows("labels/noise", [{"messages": turns}] * 20)
    assert (result.status, result.reason) == ("skipped", "the rows are not to be classified")


def test_real_questions_with_exchanged_labels(check_rows, shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "instructions" / "banking77" / "train.csv")
    names = sorted(table["category"].unique())[:15]
    rows = table.filter(pl.col("category").is_in(names)).to_dicts()
    chance = random.Random(3)
    planted = set(chance.sample(range(len(rows)), len(rows) // 33))
    for number in planted:
        own = rows[number]["category"]
        rows[number]["category"] = chance.choice([name for name in names if name != own])
    found = set(check_rows("labels/noise", rows).findings["row"])
    assert len(found & planted) / len(planted) >= 0.8
    assert len(found & planted) / len(found) >= 0.8
