"""The search for benchmark items in texts, and the check that makes findings of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.audit import audit
from tunewise.curate.contamination import BenchmarkItem, find_contamination, folded_words
from tunewise.curate.near_duplicates.comparison_text import bare_words
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


def found_in(text: str, *items: BenchmarkItem) -> list[dict[str, Any]]:
    return find_contamination(pl.Series([text]), items or (ITEM,)).matches.to_dicts()


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
    assert len(set(folded_words(found)) & set(folded_words(QUESTION))) >= 18
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
    texts = pl.Series([template.format(f"other{n}", f"thing{n}") for n in range(40)])
    assert find_contamination(texts, items).matches.is_empty()
    planted = pl.concat([texts, pl.Series([items[3].question])])
    assert find_contamination(planted, items).matches["item"].to_list() == [3]


def test_short_items_are_counted_and_not_looked_for() -> None:
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
    found = find_contamination(pl.Series([text]), items)
    assert found.matches.is_empty()
    assert found.too_short == 6


def test_a_short_question_is_looked_for_with_its_answer() -> None:
    item = BenchmarkItem("0", "t", "The harbour master greets", "the late ferry from the north.")
    (match,) = found_in("So the harbour master greets the late ferry from the north again", item)
    assert (match["with_answer"], match["score"]) == (True, 1)
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
    assert (match["item"], match["score"]) == (4, 1)


def test_of_items_alike_the_best_is_told_and_copies_are_counted() -> None:
    sibling = BenchmarkItem("18", "creaks", QUESTION.replace("evening", "morning"))
    copies = [BenchmarkItem(str(n), "copy", QUESTION.upper()) for n in range(3)]
    (match,) = found_in(TALK + QUESTION, sibling, ITEM, *copies)
    assert (match["item"], match["score"], match["alike"]) == (1, 1, 3)


def test_several_items_in_one_text() -> None:
    other = BenchmarkItem("2", "t", "Why do the bakers of the old town never sell bread on Monday?")
    text = f"{TALK}{other.question} {TALK} {QUESTION}"
    assert [match["item"] for match in found_in(text, ITEM, other)] == [1, 0]


WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
ANY = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(words=st.lists(WORD, min_size=24, max_size=60, unique=True), before=ANY, after=ANY)
def test_a_planted_item_is_found_at_its_place(words: list[str], before: str, after: str) -> None:
    item = BenchmarkItem("0", "t", " ".join(words))
    planted = ", ".join(words)
    text = f"{before} {planted} {after}"
    found = find_contamination(pl.Series(["nothing of it", text]), [item])
    if found.too_short:
        # Single characters of scripts without spaces, or words that fold into the same.
        return
    (match,) = found.matches.to_dicts()
    assert (match["text"], match["score"]) == (1, 1)
    start, end = len(before) + 1, len(before) + 1 + len(planted)
    assert start <= match["start"] < match["end"] <= end
    folded = folded_words(planted)
    if len(set(folded)) == len(folded) and not set(folded) & set(folded_words(before + after)):
        assert folded_words(text[match["start"] : match["end"]]) == folded


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_words_are_pieces_of_their_text_in_order(text: str) -> None:
    end = 0
    for word in bare_words(pl.Series([text]))[0]:
        start = text.index(word, end)
        assert not bare_words(pl.Series([text[end:start]]))[0].to_list()
        end = start + len(word)
    assert not bare_words(pl.Series([text[end:]]))[0].to_list()


def test_a_flood_of_one_phrase_is_no_item() -> None:
    """Many items of one template in many texts that begin like them, but go on otherwise."""
    opening = "It was the birthday of the old captain and the whole crew came to"
    items = [BenchmarkItem(str(n), "t", f"{opening} see {n} ships of size {n}") for n in range(500)]
    texts = pl.Series([f"{opening} hear song {n} {'la ' * 200}" for n in range(2_000)])
    assert find_contamination(texts, items).matches.is_empty()


def test_a_finding_says_where_and_of_which_item(check_rows: RunCheck) -> None:
    rows = [chat(TALK, "I see."), chat(TALK + QUESTION, "She hears eight creaks.")]
    result = check_rows(CHECK, rows, benchmarks=(ITEM,))
    (found,) = result.findings.to_dicts()
    assert (result.status, result.reason) == ("ran", "")
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


def test_the_reason_says_how_many_items_are_too_short(check_rows: RunCheck) -> None:
    sums = [BenchmarkItem(str(n), "sums", f"{n}+1=", str(n + 1)) for n in range(1_200)]
    result = check_rows(CHECK, [chat("a", "b")], benchmarks=(*sums, ITEM))
    assert (result.status, result.reason) == (
        "ran",
        "1,200 of 1,201 items are too short to judge",
    )
    result = check_rows(CHECK, [chat("a", "b")], benchmarks=sums)
    assert (result.status, result.reason) == (
        "skipped",
        "1,200 of 1,200 items are too short to judge",
    )


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
