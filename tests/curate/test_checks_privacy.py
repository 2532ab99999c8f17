"""Personal data: real ones found to the character, numbers that only look alike not."""

from __future__ import annotations

import pytest


def assert_found(find_in_answers, check: str, value: str, severity: str | None = None) -> None:
    text = f"Here it is: {value}, as I said. 😀"
    found = find_in_answers(check, [f"😀 {text}"]).to_dicts()
    assert [f"😀 {text}"[hit["start"] : hit["end"]] for hit in found] == [value]
    assert value not in found[0]["message"]
    assert found[0]["fix"] == "mask"
    if severity:
        assert found[0]["severity"] == severity


def assert_clean(find_in_answers, check: str, text: str) -> None:
    assert find_in_answers(check, [text]).is_empty(), text


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        ("jane.smith+news@mail.company.co.uk", "medium"),
        ("a_b-c99@sub.tunewise.dev", "medium"),
        ("olu.2@mail.example.net", "low"),
        ("john.doe@gmail.com", "low"),
        ("you@yourdomain.com", "low"),
    ],
)
def test_email(find_in_answers, value: str, severity: str) -> None:
    assert_found(find_in_answers, "privacy/email", value, severity)


@pytest.mark.parametrize(
    "text",
    ["@twelvefrets", "stand 7 @ the fair", "a@b", "x@@y.com", "@media print", "git@", "a..b@c.de",
     "https://user@host.org/path", "Clone git@forge.org:team/project.git",
     "scp a.txt anna@forge.org:~/papers/", "https://anna:Pw1@forge.org/x"],
)  # fmt: skip
def test_no_email(find_in_answers, text: str) -> None:
    assert_clean(find_in_answers, "privacy/email", text)


@pytest.mark.parametrize("text", ["[us](mailto:a.low@forge.org)", "From:a.low@forge.org, today"])
def test_email_after_a_colon(find_in_answers, text: str) -> None:
    (finding,) = find_in_answers("privacy/email", [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == "a.low@forge.org"


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        ("+44 20 7946 0123", "medium"),
        ("030 143741", "medium"),
        ("07400 141244", "medium"),
        ("+1 202-555-0163", "medium"),
        ("+33 6 39 98 12 21", "medium"),
        ("+4930231250", "medium"),
        ("(303) 555-0155", "medium"),
        ("212-684-4700", "medium"),
        ("1-800-222-1222", "medium"),
        ("020 7946 0054", "medium"),
        ("(123) 456-7890", "low"),
    ],
)
def test_phone(find_in_answers, value: str, severity: str) -> None:
    assert_found(find_in_answers, "privacy/phone", value, severity)


def test_bare_digits_are_a_phone_number_where_a_word_says_so(find_in_answers) -> None:
    assert find_in_answers("privacy/phone", ["Please call 2126844700 today."]).height == 1
    assert_clean(find_in_answers, "privacy/phone", "The total is 2126844700 today.")


@pytest.mark.parametrize(
    "text",
    [
        "My mobile number is 212-684-4700.",
        "The customer service number is 212-684-4700.",
        "Employee phone number: 212-684-4700",
        "To ask about your order call 212-684-4700.",
    ],
)
def test_numbers_that_are_called_a_phone_number(find_in_answers, text: str) -> None:
    assert find_in_answers("privacy/phone", [text]).height == 1


@pytest.mark.parametrize(
    "text",
    [
        "order 20 31 07 45 881", "invoice 2024-0715-0033", "Serial QB-555-0142-9931",
        "It cost 2450.00 and 89.50", "from 1990-2010", "on 06/07/2018", "09/14/1656", "12.03.2024",
        "256626720691 + 1646615806005", "x = 123 456 789", "192.168.100.200", "1,234,567,890",
        "3.14159265358979", "LW-0307-5512-884", "2 x 555-1234", "0.123 456 7890",
        "The phone's IMEI is 357130655173213.", "The patient's NHS number is 522 524 2243.",
        "Phone me, then pay to BE55 0944 7153 4544.", "call about IBAN NL91 ABNA 0417 1643 00",
        "Order no. 212-684-4700 has shipped.", "My account number: 212-684-4700",
    ],
)  # fmt: skip
def test_no_phone(find_in_answers, text: str) -> None:
    assert_clean(find_in_answers, "privacy/phone", text)


def test_the_regions_of_phone_numbers_can_be_chosen(find_in_answers) -> None:
    text = "Call 020 7946 0054 now."
    only = {"privacy/phone": {"regions": ("US",)}}
    assert find_in_answers("privacy/phone", [text], parameters=only).is_empty()


@pytest.mark.parametrize(
    "value",
    [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "5555 5555 5555 4444", "3782 822463 10005",
        "6011 1111 1111 1117", "2223 0031 2200 3222",
    ],
)  # fmt: skip
def test_card(find_in_answers, value: str) -> None:
    assert_found(find_in_answers, "privacy/credit-card", value, "high")


def test_a_bare_card_number_is_sure_only_with_a_word_for_it(find_in_answers) -> None:
    texts = ["My card is 4111111111111111.", "The result is 4111111111111111."]
    assert find_in_answers("privacy/credit-card", texts)["severity"].to_list() == ["high", "low"]


@pytest.mark.parametrize(
    "text",
    [
        "order 4929 1183 0457 2216", "4111 1111 1111 1112", "9999 9999 9999 9995",
        "41 11 11 11 11 11 11 11", "4111111111111111111111", "3.4111111111111111",
        "1234 5678 1234 5670", "4111 1111-1111 1111", "IBAN: AT41 6507 5173 2869 5984.",
    ],
)  # fmt: skip
def test_no_card(find_in_answers, text: str) -> None:
    assert_clean(find_in_answers, "privacy/credit-card", text)


@pytest.mark.parametrize("place", range(1, 16))
def test_a_card_with_one_wrong_digit_is_none(find_in_answers, place: int) -> None:
    card = "4556 7375 8689 9855".replace(" ", "")
    assert_found(find_in_answers, "privacy/credit-card", card)
    wrong = str((int(card[place]) + 3) % 10)
    text = f"My card: {card[:place]}{wrong}{card[place + 1 :]}"
    assert_clean(find_in_answers, "privacy/credit-card", text)


@pytest.mark.parametrize(
    "value", ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "AT61 1904 3002 3457 3201"]
)
def test_iban(find_in_answers, value: str) -> None:
    assert_found(find_in_answers, "privacy/iban", value, "high")


def test_an_iban_ends_where_its_country_says(find_in_answers) -> None:
    text = "To AT61 1904 3002 3457 3201 PLEASE"
    (hit,) = find_in_answers("privacy/iban", [text]).to_dicts()
    assert text[hit["start"] : hit["end"]] == "AT61 1904 3002 3457 3201"


@pytest.mark.parametrize(
    "text", ["DE88370400440532013000", "AB12 CDEF 3456 7890", "XX00 0000 0000"]
)
def test_no_iban(find_in_answers, text: str) -> None:
    assert_clean(find_in_answers, "privacy/iban", text)


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        ("59.187.84.127", "medium"),
        ("2a00:1450:4001:81b::200e", "medium"),
        ("203.0.113.7", "low"),
        ("2001:db8::1", "low"),
    ],
)
def test_ip_address(find_in_answers, value: str, severity: str) -> None:
    assert_found(find_in_answers, "privacy/ip-address", value, severity)


@pytest.mark.parametrize(
    "text",
    [
        "firmware is 2.14.100.1", "build 10.2.199.4", "version 59.187.84.127", "v59.187.84.127",
        "192.168.0.1 and 127.0.0.1", "8.8.8.8", "300.1.2.3", "1.2.3.4.5", "12:30:45", "a::b",
        "std::vector::size", "::", "fe80::1", "4.12.0",
        "Chrome/104.0.193.14 Safari/537.36",
    ],
)  # fmt: skip
def test_no_ip_address(find_in_answers, text: str) -> None:
    assert_clean(find_in_answers, "privacy/ip-address", text)


@pytest.mark.parametrize(
    "text", ["You are all complete idiots.", "Shut up, you moron.", "You pathetic losers!",
             "Your service is crap.", "Only a damn fool would.", "Go to hell with it.",
             "What the hell is wrong with these people?", "I hope you choke on it.",
             "That is a load of crap.", "They are subhuman.", "You do not deserve to live.",
             "He is a vile loser."],
)  # fmt: skip
def test_toxic(find_in_answers, text: str) -> None:
    assert find_in_answers("safety/toxic", [text])["row"].n_unique() == 1


@pytest.mark.parametrize(
    "text",
    ["I play it dumb, with the palm.", "A killer of a machine, dead quiet.", "the shut up box",
     "I am shut up in a wooden case", "The damned old hall", "Hello from Scunthorpe",
     "the fools' gold", "“Shut Up and Dance”", "A stupid mistake of mine",
     "I hope you find what is wrong with it.", "You deserve to live well.", "a load of hay",
     "Three of them died, and I hope they rest."],
)  # fmt: skip
def test_not_toxic(find_in_answers, text: str) -> None:
    assert find_in_answers("safety/toxic", [text]).is_empty()
