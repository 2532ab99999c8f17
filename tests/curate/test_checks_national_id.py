"""National numbers: real ones found to the character, chance digits and example numbers not."""

from __future__ import annotations

import random
import re

import pytest

from tunewise.curate.checks.national_ids import COUNTRIES, NATIONAL_IDS, is_example

CHECK = "privacy/national-id"

# By themselves: nothing else is written like this.
TELLING = {
    "US": "536-90-4399",
    "GB": "AB 12 34 56 C",
    "DE": "36 574 261 809",
    "FR": "2 95 10 99 126 111 93",
    "ES": "54362315-K",
    "IT": "RCCMNL83S18D969H",
    "BE": "85.07.30-033.28",
    "CH": "756.9217.0769.85",
    "CZ": "710319/2745",
    "SE": "19811218-9876",
    "NO": "151086 95088",
    "FI": "131052-308T",
    "BR": "390.533.447-05",
    "AR": "20-05536168-2",
    "CL": "12.531.909-2",
    "MX": "BOXW310820HNERXN09",
    "CN": "360426199101010071",
    "KR": "971013-1029909",
    "TH": "3-1006-00445-63-5",
}
# Beside a word only.
WORDED = {
    "US": ("SSN", "536904399"),
    "GB": ("NHS", "943 476 5870"),
    "DE": ("Steuer-ID", "36574261809"),
    "FR": ("numéro de sécurité sociale", "295109912611193"),
    "ES": ("NIE", "X2482300W"),
    "NL": ("BSN", "111222333"),
    "AT": ("SVNR", "1237 010180"),
    "PL": ("PESEL", "44051401359"),
    "DK": ("CPR", "211062-5629"),
    "NO": ("fødselsnummer", "15108695088"),
    "EE": ("isikukood", "36805280109"),
    "LT": ("asmens kodas", "33309240064"),
    "BG": ("ЕГН", "7523169263"),
    "RO": ("CNP", "1630615123457"),
    "HR": ("OIB", "33392005961"),
    "GR": ("AMKA", "01013099997"),
    "PT": ("NIF", "501964843"),
    "IE": ("PPS", "6433435F"),
    "TR": ("kimlik", "17291716060"),
    "CA": ("SIN", "130-692-544"),
    "AU": ("tax file number", "876 543 210"),
    "ZA": ("ID number", "7503305044089"),
    "IN": ("Aadhaar", "2341 2341 2346"),
    "JP": ("マイナンバー", "6214 9832 0257"),
    "IL": ("תעודת זהות", "516179157"),
}


def found_in(find_in_answers, text: str, **options) -> list[str]:
    hits = find_in_answers(CHECK, [text], **options)
    return [text[start:end] for start, end in hits.select("start", "end").iter_rows()]


def test_every_country_has_an_example() -> None:
    assert {*TELLING, *WORDED} == {*COUNTRIES}


@pytest.mark.parametrize("number", TELLING.values(), ids=TELLING)
def test_telling_numbers(find_in_answers, number: str) -> None:
    assert found_in(find_in_answers, f"Ja 😀: {number}, yes.") == [number]


@pytest.mark.parametrize(("word", "number"), WORDED.values(), ids=WORDED)
def test_numbers_beside_their_word(find_in_answers, word: str, number: str) -> None:
    assert found_in(find_in_answers, f"My {word} is {number}.") == [number]
    assert found_in(find_in_answers, f"The total is {number}.") == []
    assert found_in(find_in_answers, f"{word}.{'…' * 100} The total is {number}.") == []


def test_words_in_capitals_are_no_other_words(find_in_answers) -> None:
    assert found_in(find_in_answers, "a sin of 130-692-544 people") == []
    assert found_in(find_in_answers, "a pan of ACUPA7085R, and a company ACUPA7085R") == []
    assert found_in(find_in_answers, "significant: 501964843") == []


@pytest.mark.parametrize("number", ["36 574 261 890", "756.9217.0769.84", "390.533.447-06",
                                    "RCCMNL83S18D969X", "12.531.909-3", "131052-308U"])  # fmt: skip
def test_wrong_check_digits(find_in_answers, number: str) -> None:
    assert found_in(find_in_answers, f"It is {number}.") == []


@pytest.mark.parametrize(
    "text",
    [
        "666-00-1234 and 000-12-3456 are nobody's", "900-12-3456", "call 555-12-34567",
        "dates 1990-10-1234", "x = 123-45-6789.5", "version 536-90-4399-1", "$536-90-4399",
        "BG 12 34 56 A", "QQ 12 34 56 C", "file_536-90-4399",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number(find_in_answers, text: str) -> None:
    assert found_in(find_in_answers, text) == []


def test_numbers_of_examples_matter_little(find_in_answers) -> None:
    hits = find_in_answers(CHECK, ["SSN 123-45-6789", "SSN 111-22-3333", "SSN 536-90-4399"])
    assert hits["severity"].to_list() == ["low", "low", "high"]
    assert hits["fix"].unique().to_list() == ["mask"]
    assert not hits["message"].str.contains(r"\d").any()


def test_chance_numbers_pass_rarely() -> None:
    """Of digits written as a telling kind has them, few pass where check digits are claimed."""
    generator = random.Random(7)
    for kind in NATIONAL_IDS:
        if not kind.telling or not kind.checked:
            continue
        number = TELLING[kind.country]
        passed = sum(
            re.fullmatch(kind.telling, chance) is not None and kind.is_valid(chance)
            for chance in (
                re.sub(r"[0-9]", lambda _: str(generator.randrange(10)), number)
                for _ in range(2000)
            )
        )
        assert passed <= 2000 / 9, kind.name


def test_only_the_chosen_countries(find_in_answers) -> None:
    text = "756.9217.0769.85 and 536-90-4399"
    swiss = {CHECK: {"countries": ["ch"]}}
    assert found_in(find_in_answers, text, parameters=swiss) == ["756.9217.0769.85"]
    dutch = {CHECK: {"countries": ["NL"]}}
    assert found_in(find_in_answers, "BSN 111222333", parameters=dutch) == ["111222333"]
    finnish = {CHECK: {"countries": ["FI"]}}
    assert found_in(find_in_answers, "131052-308T", parameters=finnish) == ["131052-308T"]


def test_a_country_that_is_not_known(check_rows) -> None:
    rows = [{"text": "x"}]
    result = check_rows(CHECK, rows, shape="text", parameters={CHECK: {"countries": ["XX"]}})
    assert result.status == "failed"
    assert "XX" in result.reason
    assert "NL" in result.reason


@pytest.mark.parametrize(
    ("number", "expected"), [("078051120", False), ("12345678Z", True), ("000-00-0000", True)]
)
def test_example_numbers(number: str, expected: bool) -> None:
    assert is_example(number) is expected
