"""Checks of text: what they find, to the character, and what they must leave alone."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.checking import run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.misread import unbroken
from tunewise.curate.checks.registry import choose_checks
from tunewise.curate.checks.spans import code_blocks, inside
from tunewise.curate.records import RECORD_SCHEMA, SET_ASIDE_SCHEMA, Dataset, Detection


def hits(findings: pl.DataFrame, texts: list[str]) -> list[tuple[int, str]]:
    """Return each finding's row and the very characters it points at."""
    return [
        (finding["row"], texts[finding["row"]][finding["start"] : finding["end"]])
        for finding in findings.iter_rows(named=True)
    ]


def repaired(findings: pl.DataFrame, text: str) -> str:
    for finding in reversed(findings.filter(pl.col("fix") == "repair").to_dicts()):
        text = text[: finding["start"]] + finding["related"] + text[finding["end"] :]
    return text


@pytest.mark.parametrize(
    "original",
    [
        "café",
        "don’t",
        "30 €",
        "São Paulo",
        "“quoted",
        "naïve – yes…",
        "日本語",
        "Привет",
        "😀",
        "à la",
    ],
)
def test_utf8_read_as_windows_1252_is_found_and_repaired(find_in_answers, original: str) -> None:
    broken = original.encode().decode("cp1252", errors="ignore")
    if broken.encode("cp1252") != original.encode():
        broken = original.encode().decode("latin-1")
    text = f"😀 It says {broken} here."
    found = find_in_answers("text/mojibake", [text])
    assert repaired(found, text) == f"😀 It says {original} here."


@pytest.mark.parametrize(
    "text",
    [
        "Zoë Brontë met Ångström in Ærø.",
        "AMANHÃ… E DEPOIS",
        "“AMANHÔ, disse ele",
        "ROMÂ®",
        "Ã is a letter, and so is Â.",
        "Θέλω καφέ; мне тоже",
        "5 × 4 ÷ 2 ≠ ½",
    ],
)
def test_real_letters_are_no_mojibake(find_in_answers, text: str) -> None:
    assert find_in_answers("text/mojibake", [text]).is_empty()


@pytest.mark.parametrize(
    "text", ["an angle of π/2", "/ˈtɛpwi/", "a schwa: tə", "वह गया", "நன்றி", "an ω of 3"]
)
def test_other_alphabets_that_were_misread(find_in_answers, text: str) -> None:
    misread = "".join(
        bytes([code]).decode("cp1252", errors="ignore") or chr(code) for code in text.encode()
    )
    assert repaired(find_in_answers("text/mojibake", [misread]), misread) == text


@pytest.mark.parametrize(
    "text",
    ["Il pense à\u00a0«\u00a0elle\u00a0» et à\u00a0« lui »", "É… não sei", "NESTLÉ™", "MAÎ‘",
     "« Été à…»", "LE ROI S’EN ALLAÎT… «NAÏ»"],
)  # fmt: skip
def test_marks_after_capitals_are_no_mojibake(find_in_answers, text: str) -> None:
    assert find_in_answers("text/mojibake", [text]).is_empty()


def test_a_lost_character_has_no_repair(find_in_answers) -> None:
    (finding,) = find_in_answers("text/mojibake", ["a \ufffd\ufffd b"]).to_dicts()
    assert (finding["start"], finding["end"], finding["fix"]) == (2, 4, "review")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="éüñß€’“–àçøÅžđ😀日", min_size=1, max_size=6))
def test_what_was_misread_is_read_back(text: str) -> None:
    misread = "".join(
        bytes([code]).decode("cp1252", errors="ignore") or chr(code) for code in text.encode()
    )
    assert unbroken(misread) == text


@pytest.mark.parametrize(
    ("character", "replacement"),
    [
        ("\x00", ""),
        ("\x07", ""),
        ("\x1b[31m", ""),
        ("\x1b]0;title\x07", ""),
        ("\x92", ""),
        ("\u200b", ""),
        ("\u00ad", ""),
        ("\u202e", ""),
        ("\u2066", ""),
        ("\ufeff", ""),
        ("\u200d", ""),
        ("\u200f", ""),
        ("\u2028", "\n"),
        ("\U000e0041\U000e0042", ""),
    ],
)
def test_unseen_characters(find_in_answers, character: str, replacement: str) -> None:
    text = f"One {character}two."
    found = find_in_answers("text/control-characters", [text])
    assert hits(found, [text]) == [(0, character)]
    assert repaired(found, text) == f"One {replacement}two."


@pytest.mark.parametrize(
    "text",
    [
        "Lines\nand\ttabs\r\nare fine.",
        "A family 👨\u200d👩\u200d👧 and ❤\ufe0f",
        "می\u200cخواهم",
        "क्\u200dष",
        "שלום \u200fworld",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_characters_that_are_needed(find_in_answers, text: str) -> None:
    assert find_in_answers("text/control-characters", [text]).is_empty()


def test_a_latex_command_that_was_read_as_an_escape_comes_back(find_in_answers) -> None:
    text = "It is \x0crac{1}{2} and \x08eta, but \x0c ends a page."
    found = find_in_answers("text/control-characters", [text])
    assert repaired(found, text) == "It is \\frac{1}{2} and \\beta, but  ends a page."


def test_bytes_of_mojibake_are_left_to_its_own_check(find_in_answers) -> None:
    text = "the Ocean â\x80\x94 in her hand"
    assert find_in_answers("text/control-characters", [text]).is_empty()
    assert repaired(find_in_answers("text/mojibake", [text]), text) == "the Ocean — in her hand"


@pytest.mark.parametrize(
    "text",
    [
        "<p>Thank you.</p>",
        'Ready<br/><span style="color:red">now</span>',
        "Fish &amp; chips &nbsp; &#39;today&#39;",
    ],
)
def test_html_in_prose(find_in_answers, text: str) -> None:
    (finding,) = find_in_answers("text/html", [text]).to_dicts()
    assert text[finding["start"]] in "<&"
    assert text[finding["end"] - 1] in ">;"


@pytest.mark.parametrize(
    "text",
    [
        "I love it <3 and a < b > c",
        "Use the tag <b> for bold HTML.",
        "Write `<br>` there",
        "```\n<div>x</div>\n```",
        "std::vector<int> is code",
        "<LINK TO ARTICLE>",
        "R&D; Q&A",
    ],
)
def test_what_is_no_html_residue(find_in_answers, text: str) -> None:
    assert find_in_answers("text/html", [text]).is_empty()


@pytest.mark.parametrize(
    "placeholder",
    [
        "[INSERT NAME]", "[insert date here]", "[Your Name]", "{{customer_name}}", "<noinput>",
        "< No Input >", "<YOUR ANSWER HERE>", "[ORDER NUMBER]", "Lorem ipsum dolor sit amet",
        "TODO: ask them", "<LINK TO ARTICLE>",
    ],
)  # fmt: skip
def test_placeholders(find_in_answers, placeholder: str) -> None:
    text = f"Yours, {placeholder}"
    found = find_in_answers("text/placeholder", [text])
    assert hits(found, [text]) == [(0, placeholder)]


@pytest.mark.parametrize(
    "text",
    [
        "Press [A] or [B], see [1] and [your link](https://x.org).",
        "[Enter ALEXANDER]",
        "x = a[i][j]; # TODO: later",
        "Run ${{ github.ref }} there",
        "```\n{{name}}\n```",
        "My to-do list: todo and done",
        "List<String> names",
    ],
)
def test_what_is_no_placeholder(find_in_answers, text: str) -> None:
    assert find_in_answers("text/placeholder", [text]).is_empty()


def test_an_answer_that_is_a_placeholder_should_go(find_in_answers) -> None:
    assert find_in_answers("text/placeholder", [" <nooutput>\n"])["fix"].to_list() == ["drop"]


def test_loops_are_found_with_their_place(find_in_answers) -> None:
    texts = [
        "It is very " + "very " * 20 + "good.",
        "Well. " + "I am fine, thank you. " * 8,
        "No, no, no, not the red one! La la la.",
        "Yeees" + "s" * 30,
        "A sentence that comes back. Then more. " * 3 + "End.",
        "| | | | | | | | | | | | | | |",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "One two three four five six seven eight nine ten eleven twelve.",
    ]
    found = find_in_answers("text/repetition", texts)
    assert found["row"].to_list() == [0, 1, 3, 4]
    start, end = found.select("start", "end").row(0)
    assert texts[0][start:end] == "very " * 20 + "very"


def test_a_rejected_answer_may_be_bad(check_rows) -> None:
    bad = "I'm sorry, but I can't assist with that. " + "very " * 40
    row = {"prompt": "Help me?", "chosen": "Of course, gladly.", "rejected": bad}
    for name in ("repetition", "refusal", "truncated"):
        assert check_rows(f"text/{name}", [row]).findings.is_empty()


def test_an_answer_without_weight_is_not_learned(check_rows) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "Help me?"},
            {"role": "assistant", "content": "I cannot help with that.", "weight": 0},
            {"role": "user", "content": "Please!"},
            {"role": "assistant", "content": "Very well.", "weight": 1},
        ]
    }
    assert check_rows("text/refusal", [row]).findings.is_empty()


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but as an AI language model I cannot help with that request.",
        "As an AI, I am not able to answer questions about this topic.",
        "I cannot fulfil this request, as I am only a language model.",
        "I'm unable to provide you with that.",
        "Unfortunately, I am an AI language model, and I do not have access to it.",
        "I apologize, but I cannot provide information on individuals.",
    ],
)
def test_refusals(find_in_answers, answer: str) -> None:
    assert find_in_answers("text/refusal", [answer])["row"].to_list() == [0]


@pytest.mark.parametrize(
    "answer",
    [
        "I am sorry that this took so long, and I am glad to help.",
        "We cannot promise a day, but we do our best.",
        "I can't help but smile.",
        "I couldn't make it to the meeting.",
        "Unfortunately the red one is gone, so choose another colour.",
        "An AI language model cannot feel, philosophers say.",
        "Sorry for the wait!",
    ],
)
def test_what_is_no_refusal(find_in_answers, answer: str) -> None:
    assert find_in_answers("text/refusal", [answer]).is_empty()


FINISHED = "This is the answer number {}, and it is all there. It ends well."


def test_a_text_that_breaks_off_among_finished_ones(find_in_answers) -> None:
    texts = [FINISHED.format(number) for number in range(150)]
    texts += [
        "Press the button twice. Then wait for the lamp to bli",
        "We sell it in red, blue and",
    ]
    found = find_in_answers("text/truncated", texts)
    assert found["row"].to_list() == [150, 151]
    assert found["end"].to_list() == [len(texts[150]), len(texts[151])]


def test_where_nobody_ends_with_a_full_stop_nothing_is_concluded(find_in_answers) -> None:
    texts = [f"This is the answer number {number}, and it is all there" for number in range(150)]
    assert find_in_answers("text/truncated", texts).is_empty()


@pytest.mark.parametrize(
    "ending",
    [
        "Best wishes,\nPaula", "Blue", "- one\n- two of them are enough for us", "#tags #are #fine",
        "See https://example.org/a/page/of/that/kind/here", "The answer to all of it is 42",
        "Colours: red, green, blue, yellow", "To be or not to be – William Shakespeare",
        "So it is (more or less so, I think)", "He said: “I will come tomorrow”",
        "これはとても良い答えだと思います。",
    ],
)  # fmt: skip
def test_endings_without_a_full_stop_that_are_fine(find_in_answers, ending: str) -> None:
    texts = [FINISHED.format(number) for number in range(150)] + [ending]
    assert find_in_answers("text/truncated", texts).is_empty()


def test_a_code_block_that_is_never_closed(find_in_answers) -> None:
    texts = ["Here:\n```python\nprint(1)\n```\nDone.", "Here:\n```python\nprint(1"]
    assert find_in_answers("text/truncated", texts)["row"].to_list() == [1]


def test_a_text_that_ends_within_a_word_where_nobody_minds_full_stops(find_in_answers) -> None:
    texts = [f"The curriculum number {number} has many subjects in it" for number in range(150)]
    texts += ["It has all the subjects of the old curricu", "It has a great many other curiosi",
              "It has all that the teachers call subject"]  # fmt: skip
    (finding,) = find_in_answers("text/truncated", texts).to_dicts()
    assert (finding["row"], finding["severity"]) == (150, "medium")
    assert finding["message"] == "the text ends within a word: “curricu”"


def test_careful_authors_of_long_answers_are_judged_by_themselves(find_in_answers) -> None:
    lax = [f"This is the short answer number {number} without an end" for number in range(150)]
    careful = [f"One sentence. Another one. Here is number {number}. This is the end of the story."
               for number in range(150)]  # fmt: skip
    cut = "One sentence. Another one. And a third one. This is the end of the"
    found = find_in_answers("text/truncated", [*lax, *careful, cut + " story number one and"])
    assert found["row"].to_list() == [300]
    found = find_in_answers("text/truncated", [*lax, *careful, cut + " story number one hundred"])
    assert found["row"].to_list() == [300]


def test_a_single_consonant_at_the_end_is_the_rest_of_a_word(find_in_answers) -> None:
    lax = [f"This is the answer number {number} without an end" for number in range(150)]
    texts = [*lax, "The honey and the sauce make a perfect c", "For every t the speed is that of t",
             "It is taken with vitamin C", "Nobody knows the value of x"]  # fmt: skip
    (finding,) = find_in_answers("text/truncated", texts).to_dicts()
    assert (finding["row"], finding["severity"]) == (150, "medium")
    assert finding["message"] == "the text ends within a word: “c”"


def test_an_enumeration_before_the_last_sentence_does_not_matter(find_in_answers) -> None:
    texts = [FINISHED.format(number) for number in range(150)]
    texts += ["He was a painter, sculptor, printmaker, ceramicist. He lived abroad for most of the",
              "He was an artist. He was a painter, sculptor, printmaker, ceramicist"]  # fmt: skip
    assert find_in_answers("text/truncated", texts)["row"].to_list() == [150]


def test_where_single_sentences_have_their_full_stop_longer_texts_have(find_in_answers) -> None:
    texts = [f"This is the answer number {number}, and it is all there." for number in range(150)]
    texts += ["One sentence is here. The other one goes on with another subject here",
              "Only a single sentence goes on with another subject here"]  # fmt: skip
    found = find_in_answers("text/truncated", texts)
    assert found["row"].to_list() == [150, 151]
    assert found["severity"].to_list() == ["medium", "low"]


def test_few_single_sentences_are_judged_by_all_answers(find_in_answers) -> None:
    texts = [FINISHED.format(number) for number in range(150)]
    texts += ["Only a single sentence goes on with another subject here"]
    assert find_in_answers("text/truncated", texts)["severity"].to_list() == ["low"]


@pytest.mark.parametrize(
    "code",
    ["    return a + b", "x = [1, 2, 3]\nfor y in x:\n  print(y,", "def f(a):\n    return a,"],
)
def test_code_without_a_block_does_not_break_off(find_in_answers, code: str) -> None:
    texts = [FINISHED.format(number) for number in range(150)] + [f"def f(a, b):\n{code}"]
    assert find_in_answers("text/truncated", texts).is_empty()


def test_code_blocks() -> None:
    text = "a ```b``` c `d` e ```f"
    spans = code_blocks(text)
    assert [text[start:end] for start, end in spans] == ["```b```", "`d`", "```f"]
    assert inside(text.index("d"), spans)
    assert not inside(0, spans)


def test_language_is_skipped_or_finds_the_other_language(find_in_answers, check_rows) -> None:
    rows = [
        {"prompt": "When will the parcel arrive at my house?", "completion": answer}
        for answer in (
            "It will arrive on Monday, or on Tuesday at the latest, by mail.",
            "Das Paket kommt am Montag oder spätestens am Dienstag mit der Post bei Ihnen an.",
        )
    ]
    result = check_rows("text/language", rows)
    if result.status == "skipped":
        assert "pip install" in result.reason
        pytest.skip(result.reason)
    assert result.findings["row"].to_list() == [1]


HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "aé \n\t\x00\x1b[]{}<>&;@.:/-+()#`\"'|0123456789Ãâ€\u200b\u202e\ufffd4111IBDE"
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_any_text_is_checked_and_every_span_lies_in_its_field(texts: list[str]) -> None:
    message = {"name": None, "tool_calls": None, "tool_call_id": None, "weight": None}
    records = pl.concat(
        [
            pl.DataFrame(
                [
                    {
                        "row": row,
                        "id": str(row),
                        "kind": "chat",
                        "messages": [
                            {"role": "user", "content": text, **message},
                            {"role": "assistant", "content": text, **message},
                        ],
                    }
                ],
                schema=RECORD_SCHEMA,
            )
            for row, text in enumerate(texts)
        ],
        rechunk=False,
    )
    dataset = Dataset(
        (), "jsonl", Detection("chat", 1.0), "chat", "", len(texts), records,
        pl.DataFrame(schema=SET_ASIDE_SCHEMA),
    )  # fmt: skip
    context = CheckContext(dataset)
    for check in choose_checks(["text", "privacy", "safety", "bias", "balance"], ["text/language"]):
        result = run_check(check, context)
        assert result.status in ("ran", "skipped"), result.reason
        for finding in result.findings.drop_nulls("start").iter_rows(named=True):
            assert 0 <= finding["start"] < finding["end"] <= len(texts[finding["row"]])
            assert finding["fix"] != "repair" or finding["related"] is not None
