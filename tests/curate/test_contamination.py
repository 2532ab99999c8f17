"""The search for benchmark items in texts, and the check that makes findings of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.audit import audit
from tunewise.curate.contamination import BenchmarkItem
from tunewise.curate.contamination.bare_word_kernels import cut_and_hash
from tunewise.curate.contamination.found import Contamination, find_contamination
from tunewise.curate.contamination.words import (
    _word_table,
    _words_by_expressions,
    word_spans,
    words_of,
)
from tunewise.curate.near_duplicates.code_points import ALL_POINTS
from tunewise.curate.near_duplicates.string_buffers import string_buffers
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.files import read_json

from .conftest import RunCheck

CHECK = "contamination/benchmark"
QUESTION = (
    "A lighthouse keeper climbs ninety-six steps each evening, and every twelfth step creaks; "
    "how many creaks does she hear on her way to the lamp?"
)
ITEM = BenchmarkItem("17", "creaks", QUESTION, "eight")
TALK = "Good evening! I bought the blue kettle from your shop last week, and it whistles. "


def search(texts: Sequence[str], *items: BenchmarkItem) -> Contamination:
    """Search texts, each of them a row."""
    frame = pl.DataFrame(
        {"row": range(len(texts)), "field": "messages[0].content", "content": list(texts)},
        schema={"row": pl.Int64, "field": pl.String, "content": pl.String},
    )
    return find_contamination([frame], items or (ITEM,))


def found_in(text: str, *items: BenchmarkItem) -> list[dict[str, Any]]:
    return search([text], *items).hits.to_dicts()


def hashes_of(text: str) -> list[int]:
    return words_of(pl.Series([text])).hashes.tolist()


def chat(question: str, answer: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


@pytest.mark.parametrize(
    "edited",
    [
        QUESTION,
        QUESTION.upper(),
        QUESTION.replace(",", " –").replace(";", ".").replace("?", "!!"),
        QUESTION.replace(" ", " \n\t"),
        QUESTION.replace("evening", "night"),
        QUESTION.replace("evening", "night").replace("lamp", "top"),
        QUESTION.replace("every ", ""),
        QUESTION.replace("climbs", "slowly climbs"),
        "".join(chr(ord(sign) + 0xFEE0) if "a" <= sign <= "z" else sign for sign in QUESTION),
        QUESTION.replace("lighthouse", "light\u00adhouse\u200b"),
    ],
)
@pytest.mark.parametrize("around", ["", TALK, "int f() { return x[0]; } // ", "灯台の 「」"])
def test_an_item_is_found_though_lightly_edited(edited: str, around: str) -> None:
    text = f"{around}\n{edited}\n{around}"
    (match,) = found_in(text)
    assert match["score"] >= 0.65
    found = text[match["start"] : match["end"]]
    assert len(set(hashes_of(found)) & set(hashes_of(QUESTION))) >= 18
    assert found in edited


def test_what_is_left_unchanged_scores_one() -> None:
    (match,) = found_in(TALK + QUESTION.upper() + TALK)
    assert match["score"] == 1
    assert (match["start"], match["end"]) == (len(TALK), len(TALK + QUESTION) - 1)


@pytest.mark.parametrize(
    "text",
    [
        TALK,
        "A lighthouse keeper climbs up to the lamp each evening.",
        "How many creaks does she hear on her way?",
        " ".join(reversed(QUESTION.split())),
        QUESTION[: len(QUESTION) // 2],
        "",
        "?!",
    ],
)
def test_what_shares_but_a_phrase_is_not_found(text: str) -> None:
    assert found_in(text) == []


def test_words_strewn_over_a_long_text_are_no_item() -> None:
    words = QUESTION.split()
    pieces = [" ".join(words[place : place + 4]) for place in range(0, len(words), 4)]
    assert found_in((" " + TALK * 3).join(pieces)) == []


def test_common_phrases_prove_little() -> None:
    """Items that share a template with a text, and nothing else, are not in it."""
    template = "In the following short story about {}, please choose the one ending that fits it {}"
    items = [BenchmarkItem(str(n), "t", template.format(f"name{n}", f"word{n}")) for n in range(40)]
    texts = [template.format(f"other{n}", f"thing{n}") for n in range(40)]
    assert search(texts, *items).hits.is_empty()
    assert search([*texts, items[3].question], *items).hits["item"].to_list() == ["3"]


def test_short_items_are_uncheckable_each_with_its_reason() -> None:
    items = [
        BenchmarkItem("0", "sums", "31+57=", "88"),
        BenchmarkItem("1", "words", "hen boat drum flute cow ->", "cow"),
        BenchmarkItem("2", "repeat", "ha ha ha ha ha ha ha ha ha ha ha", "ha"),
        BenchmarkItem("3", "signs", "?!" * 30),
        BenchmarkItem("4", "none", ""),
        BenchmarkItem("5", "chinese", "请解释一下这个概念吧"),
        ITEM,
    ]
    text = "31+57=88, hen boat drum flute cow -> cow, " + "ha " * 20 + "?!" * 30 + items[5].question
    found = search([text], *items)
    assert found.hits.is_empty()
    assert found.items["status"].to_list() == ["uncheckable"] * 6 + ["clean"]
    assert found.items["reason"][0] == "3 words; 8 are needed"
    assert found.items["reason"].null_count() == 1


def test_a_short_question_is_looked_for_with_its_answer() -> None:
    item = BenchmarkItem("0", "t", "The harbour master greets", "the late ferry from the north.")
    (match,) = found_in("So the harbour master greets the late ferry from the north again", item)
    assert (match["part"], match["score"]) == ("question and answer", 1)
    assert (match["question_score"], match["answer_score"]) == (None, None)
    assert found_in("So the harbour master greets the late ferry from the south again", item) == []


def test_the_shorter_the_nearer_to_all_of_it() -> None:
    short = BenchmarkItem("0", "t", "Which river of the far north carries amber?")
    assert found_in("Which river of the far north carries amber", short)
    assert not found_in("Which river of the deep north carries amber", short)


def test_words_that_frame_every_question_are_left_out() -> None:
    words = [f"kettle{n} lantern{n} saddle{n} barrel{n} anchor{n} ribbon{n}" for n in range(25)]
    items = [
        BenchmarkItem(str(n), "t", f"Question: Which of {some} goes first?\nAnswer:")
        for n, some in enumerate(words)
    ]
    text = f"Which of {words[4]} goes first"
    (match,) = found_in(text, *items)
    assert (match["item"], match["score"]) == ("4", 1)
    # Two words at either end can be a frame.
    stands = f"of {words[4]} goes"
    assert items[4].question[match["item_start"] : match["item_end"]] == stands
    assert text[match["start"] : match["end"]] == stands


def test_of_items_alike_the_best_is_told_and_copies_are_counted() -> None:
    sibling = BenchmarkItem("18", "creaks", QUESTION.replace("evening", "morning"))
    copies = [BenchmarkItem(str(n), "copy", QUESTION.upper()) for n in range(3)]
    found = search([TALK + QUESTION], sibling, ITEM, *copies)
    (match,) = found.hits.to_dicts()
    assert (match["item"], match["score"], match["alike"]) == ("17", 1, 3)
    assert found.items["status"].to_list() == ["clean"] + ["contaminated"] * 4


def test_several_items_in_one_text() -> None:
    other = BenchmarkItem("2", "t", "Why do the bakers of the old town never sell bread on Monday?")
    text = f"{TALK}{other.question} {TALK} {QUESTION}"
    assert [match["item"] for match in found_in(text, ITEM, other)] == ["2", "17"]


WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
ANY = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(words=st.lists(WORD, min_size=24, max_size=60, unique=True), before=ANY, after=ANY)
def test_a_planted_item_is_found_at_its_place(words: list[str], before: str, after: str) -> None:
    item = BenchmarkItem("0", "t", " ".join(words))
    planted = ", ".join(words)
    text = f"{before} {planted} {after}"
    found = search(["nothing of it", text], item)
    if found.items["status"][0] == "uncheckable":
        # Single characters of scripts without spaces, or words that fold into the same.
        return
    (match,) = found.hits.to_dicts()
    assert (match["row"], match["score"]) == (1, 1)
    hashes = hashes_of(planted)
    if len(set(hashes)) == len(hashes) and not set(hashes) & set(
        hashes_of(before) + hashes_of(after)
    ):
        start, end = len(before) + 1, len(before) + 1 + len(planted)
        assert start <= match["start"] < match["end"] <= end
        assert hashes_of(text[match["start"] : match["end"]]) == hashes


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_words_are_pieces_of_their_text_in_order(text: str) -> None:
    spans = word_spans(text)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert len(spans) == words_of(pl.Series([text])).counts[0]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=5),
    st.text(st.characters(codec="utf-8", max_codepoint=0x2FFF), max_size=30),
)
def test_compiled_code_cuts_as_the_expressions_do(texts: list[str], other: str) -> None:
    """A text is left to the expressions because of one character; then all of it must agree."""
    column = pl.Series([*texts, other, None])
    by_rule = _words_by_expressions(column.fill_null(""))
    found = words_of(column)
    assert found.counts.tolist() == by_rule.counts.tolist()
    assert found.hashes.tolist() == by_rule.hashes.tolist()
    data, offsets = string_buffers(column.fill_null(""))
    out = np.empty(len(data), dtype=np.uint64)
    counts, left_out = cut_and_hash(data, offsets, _word_table(ALL_POINTS), out)
    assert counts.tolist() == np.where(left_out, 0, by_rule.counts).tolist()
    kept = np.repeat(~left_out, by_rule.counts)
    assert out[: counts.sum()].tolist() == by_rule.hashes[kept].tolist()


def test_a_flood_of_one_phrase_is_no_item() -> None:
    """Many items of one template in many texts that begin like them, but go on otherwise."""
    opening = "It was the birthday of the old captain and the whole crew came to"
    items = [BenchmarkItem(str(n), "t", f"{opening} see {n} ships of size {n}") for n in range(500)]
    texts = [f"{opening} hear song {n} {'la ' * 200}" for n in range(2_000)]
    assert search(texts, *items).hits.is_empty()


def test_a_finding_says_where_and_of_which_item(check_rows: RunCheck) -> None:
    rows = [chat(TALK, "I see."), chat(TALK + QUESTION, "She hears eight creaks.")]
    result = check_rows(CHECK, rows, benchmarks=(ITEM,))
    (found,) = result.findings.to_dicts()
    assert (result.status, result.reason) == ("ran", "1 of 1 items stand in the data")
    assert (found["row"], found["field"], found["related"]) == (
        1,
        "messages[0].content",
        "creaks/17",
    )
    assert (found["severity"], found["fix"], found["score"]) == ("high", "drop", 1)
    assert rows[1]["messages"][0]["content"][found["start"] : found["end"]] == QUESTION[:-1]
    assert found["message"] == (
        "the question of benchmark item creaks/17 stands here, and its answer after it"
    )


def test_a_question_without_its_answer_is_contamination_too(check_rows: RunCheck) -> None:
    rows = [chat(QUESTION.replace("evening", "night"), "She hears seven.")]
    (found,) = check_rows(CHECK, rows, benchmarks=(ITEM,)).findings.to_dicts()
    assert "without its answer" in found["message"]
    assert "% of the question" in found["message"]
    assert "A lighthouse keeper climbs" in found["message"]


def test_an_item_is_told_once_a_row_where_it_fits_best(check_rows: RunCheck) -> None:
    rows = [chat(QUESTION.replace("evening", "night"), QUESTION), chat(QUESTION, QUESTION)]
    found = check_rows(CHECK, rows, benchmarks=(ITEM,)).findings
    assert found.select("row", "field").rows() == [
        (0, "messages[1].content"),
        (1, "messages[0].content"),
    ]


def test_every_row_with_the_same_text_is_told(check_rows: RunCheck) -> None:
    rows = [chat(QUESTION, f"Answer {n}.") for n in range(4)]
    assert check_rows(CHECK, rows, benchmarks=(ITEM,)).findings["row"].to_list() == [0, 1, 2, 3]


def test_without_benchmarks_it_is_skipped_and_names_the_option(check_rows: RunCheck) -> None:
    result = check_rows(CHECK, [chat("a", "b")])
    assert result.status == "skipped"
    assert "--benchmarks" in result.reason
    assert "[audit] benchmarks" in result.reason


def test_the_reason_says_how_many_items_are_uncheckable(check_rows: RunCheck) -> None:
    sums = [BenchmarkItem(str(n), "sums", f"{n}+1=", str(n + 1)) for n in range(1_200)]
    result = check_rows(CHECK, [chat("a", "b")], benchmarks=(*sums, ITEM))
    assert (result.status, result.reason) == (
        "ran",
        "0 of 1,201 items stand in the data; 1,200 are uncheckable, having too few words "
        "(1,200 of sums; contamination.parquet names them)",
    )
    result = check_rows(CHECK, [chat("a", "b")], benchmarks=sums)
    assert result.status == "skipped"
    assert "1,200 are uncheckable" in result.reason


def test_parameters_change_what_is_found(check_rows: RunCheck) -> None:
    rows = [chat(QUESTION.replace("evening", "night"), "Eight.")]
    for parameters, count in (({"threshold": 0.95}, 0), ({"threshold": 0.3}, 1)):
        result = check_rows(CHECK, rows, benchmarks=(ITEM,), parameters={CHECK: parameters})
        assert result.findings.height == count
    result = check_rows(CHECK, rows, benchmarks=(ITEM,), parameters={CHECK: {"least_words": 100}})
    assert result.status == "skipped"


def test_hostile_items_and_rows_are_only_text(check_rows: RunCheck) -> None:
    hostile = (
        "[bold]{0} %s ../../etc/passwd \x1b[31m{{7*7}} <script>alert(1)</script> "
        "the quick harbour cat \u202e sees 🐱 nine \x00 small boats come home"
    )
    items = [BenchmarkItem("../x\x1b[31m", "{t}[red]", hostile, "{}"), BenchmarkItem("", "", "")]
    result = check_rows(CHECK, [chat(hostile, "{}"), chat("\u0301" * 50, "\x00")], benchmarks=items)
    (found,) = result.findings.to_dicts()
    assert result.status == "ran"
    assert (found["row"], found["score"]) == (0, 1)
    assert hostile[found["start"] : found["end"]] == hostile[1:]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (chat(TALK, "Oh."), chat(QUESTION, "8"))))
    return path


def test_the_audits_id_depends_on_what_the_items_say(tmp_path: Path, source: Path) -> None:
    def identity(*items: BenchmarkItem, names: tuple[str, ...] = ("general",)) -> str:
        chosen = AuditSettings(benchmarks=names, checks=(CHECK,))
        return audit(Workspace(tmp_path), [source], chosen, benchmarks=items).id

    other = BenchmarkItem("17", "creaks", QUESTION, "nine")
    assert identity(ITEM) == identity(ITEM, names=("copy.jsonl",))
    assert len({identity(), identity(ITEM), identity(other), identity(ITEM, other)}) == 4


def test_an_audit_reports_the_rows(tmp_path: Path, source: Path) -> None:
    artifact = audit(Workspace(tmp_path), [source], AuditSettings(), benchmarks=(ITEM,))
    document = read_json(artifact.folder / "audit.json")
    (line,) = [line for line in document["findings"] if line["check"] == CHECK]
    assert (line["rows"], line["severity"], line["fix"]) == (1, "high", "drop")
    assert document["quality"]["by_dimension"]["contamination"] == 0.5
