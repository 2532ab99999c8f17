"""The search out of core: pieces, their order of rows, and real rows where they are at hand."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.contamination import BenchmarkItem
from tunewise.curate.contamination.found import find_contamination
from tunewise.curate.reading import pieces
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.files import read_json

WORDS = [f"{first}{last}" for first in "bcdfglmprst" for last in ("ado", "elin", "irko", "ombe")]


def texts_and_items(seed: int = 5) -> tuple[list[tuple[str, str]], list[BenchmarkItem]]:
    """Return 300 chats and 60 items, of which every second one stands in one of the chats."""
    chance = random.Random(seed)

    def said(count: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(count))

    chats = [(said(30), said(50)) for _ in range(300)]
    items = [BenchmarkItem(str(number), "t", said(20), said(15)) for number in range(60)]
    for number in range(0, 60, 2):
        asked, answered = chats[5 * number]
        item = items[number]
        chats[5 * number] = (f"{asked} {item.question}", f"{item.answer} {answered}")
    return chats, items


def piece(chats: list[tuple[str, str]], first: int) -> pl.DataFrame:
    rows = [
        (first + number, f"messages[{place}].content", text)
        for number, chat in enumerate(chats)
        for place, text in enumerate(chat)
    ]
    return pl.DataFrame(rows, schema=["row", "field", "content"], orient="row")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pieces_do_not_change_what_is_found(size: int) -> None:
    chats, items = texts_and_items()
    whole = find_contamination([piece(chats, 0)], items)
    parts = find_contamination(
        [piece(chats[at : at + size], at) for at in range(0, 300, size)], items
    )
    assert parts.rows == whole.rows == 300
    assert parts.hits.equals(whole.hits)
    assert parts.items.equals(whole.items)
    assert whole.hits["row"].to_list() == list(range(0, 300, 10))
    assert (whole.hits["question_score"] == 1).all()
    assert (whole.hits["answer_score"] == 1).all()
    statuses = whole.items["status"].to_list()
    assert statuses == ["contaminated", "clean"] * 30


def test_an_audit_finds_the_same_in_several_pieces_and_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats, items = texts_and_items()
    source = tmp_path / "chats.jsonl"
    rows = [
        {"messages": [{"role": role, "content": text}
                      for role, text in zip(("user", "assistant"), chat, strict=True)]}
        for chat in chats
    ]  # fmt: skip
    source.write_text("\n".join(json.dumps(row) for row in rows))
    found = []
    for folder, rows_a_piece, processes in (("one", 1000, 1), ("many", 37, 2)):
        monkeypatch.setattr(pieces, "_PIECE_ROWS", rows_a_piece)
        settings = AuditSettings(checks=("contamination",), processes=processes)
        made = audit(Workspace(tmp_path / folder), [source], settings, benchmarks=items)
        document = read_json(made.folder / "audit.json")
        found.append(
            [
                *(pl.read_parquet(made.folder / f"{name}.parquet").to_dicts()
                  for name in ("findings", "contamination", "contamination_hits")),
                document["contamination"],
            ]
        )  # fmt: skip
    assert found[0] == found[1]
    assert found[0][3]["contaminated"] == 30
    assert len(found[0][0]) == 30


def test_an_answer_alone_is_told_apart_and_left_to_review(tmp_path: Path) -> None:
    chats, items = texts_and_items()
    source = tmp_path / "texts.jsonl"
    texts = [chats[1][1], f"{chats[3][1]} {items[7].answer} {chats[5][1]}"]
    source.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    settings = AuditSettings(checks=("contamination",))
    made = audit(Workspace(tmp_path), [source], settings, benchmarks=items)
    (finding,) = pl.read_parquet(made.folder / "findings.parquet").to_dicts()
    assert (finding["row"], finding["related"], finding["score"]) == (1, "t/7", 1)
    assert (finding["severity"], finding["fix"]) == ("medium", "review")
    assert finding["message"].endswith("stands here, without its question")
    (hit,) = pl.read_parquet(made.folder / "contamination_hits.parquet").to_dicts()
    assert (hit["part"], hit["question_score"], hit["answer_score"]) == ("answer", 0, 1)


def test_an_answer_that_several_questions_have_tells_of_none() -> None:
    chats, items = texts_and_items()
    same = [BenchmarkItem(item.id, "t", item.question, items[0].answer) for item in items[1:4]]
    found = find_contamination([piece([(items[0].answer or "", "")], 0)], same)
    assert found.hits.is_empty()
    assert chats


def test_copies_of_an_item_do_not_hide_each_other() -> None:
    """Three questions about one passage: a text that quotes it stands in all of them."""
    chance = random.Random(3)
    passage = " ".join(chance.choice(WORDS) for _ in range(120))
    items = [
        BenchmarkItem(str(number), "t", f"{passage} {' '.join(chance.sample(WORDS, 5))}")
        for number in range(4)
    ]
    edited = passage.split()
    edited[::9] = ["lantern"] * len(edited[::9])
    found = find_contamination([piece([(" ".join(edited), "")], 0)], items)
    assert found.hits.height >= 1


def test_templates_that_many_items_follow_are_no_match() -> None:
    """A text that follows the template like many items is none of them.

    One may by chance have the very words of an item in most of its gaps; then it is like that one.
    """
    template = (
        "Once {} went to the {} and saw a small {} that was cold so {} put a blanket round it"
    )
    chance = random.Random(1)
    items = [
        BenchmarkItem(str(number), "t", template.format(*chance.sample(WORDS, 4)))
        for number in range(200)
    ]
    other = random.Random(2)
    texts = [(template.format(*other.sample(WORDS, 4)), "") for _ in range(100)]
    found = find_contamination([piece([*texts, (items[5].question, "")], 0)], items)
    assert found.hits.height <= 2
    assert found.hits.filter(pl.col("row") == 100)["item"].to_list() == ["5"]


SHARED = Path(
    os.environ.get("TUNEWISE_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")
)


@pytest.mark.skipif(
    not (SHARED / "instructions" / "gsm8k").is_dir(), reason=f"no real rows in {SHARED}"
)
def test_gsm8k_has_three_test_questions_reworded_in_its_training_rows() -> None:
    folder = SHARED / "instructions" / "gsm8k"
    lines = {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        for name in ("train", "test")
    }
    items = [
        BenchmarkItem(str(number), "gsm8k", row["question"], row["answer"])
        for number, row in enumerate(lines["test"])
    ]
    chats = [(row["question"], row["answer"]) for row in lines["train"]]
    found = find_contamination([piece(chats, 0)], items)
    assert found.hits.select("row", "item").rows() == [
        (20, "632"), (1314, "602"), (3726, "824"), (5162, "602"),
    ]  # fmt: skip
    assert (found.hits["score"] < 0.9).all()
