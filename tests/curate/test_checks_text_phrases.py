"""Checks of what answers say: refusals, boilerplate, placeholders; and the markup around it."""

from __future__ import annotations

import polars as pl
import pytest

HELP = " ".join(["First measure the board, then cut it to size and sand the edges."] * 5)


def repaired(findings: pl.DataFrame, text: str) -> str:
    for finding in reversed(findings.filter(pl.col("fix") == "repair").to_dicts()):
        text = text[: finding["start"]] + finding["related"] + text[finding["end"] :]
    return text


@pytest.mark.parametrize(
    "answer",
    [
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        "Als KI-Sprachmodell habe ich keine eigene Meinung dazu.",
        "Je suis désolé, mais je ne peux pas répondre à cette demande.",
        "En tant qu'intelligence artificielle, je ne peux pas donner d'avis.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Como modelo de lenguaje, no tengo opiniones personales.",
        "Mi dispiace, ma non posso aiutarti.",
        "Desculpe, mas não posso ajudar com isso.",
        "Het spijt me, maar ik kan daar niet bij helpen.",
        "Извините, но я не могу помочь с этим.",
        "很抱歉，我无法回答这个问题。",
        "作为一个人工智能语言模型，我没有个人观点。",
        "申し訳ありませんが、その質問にはお答えできません。",
        "I'm sorry, but what you ask for violates our content policy.",
        "I would rather not write about this person.",
        "Sorry, it isn't something I can do.",
        "It would not be right for me to say more about that.",
        "I have to respectfully decline.",
        "I would like to refuse this request.",
        "I'm afraid I am not able to assist with this request.",
        "Sorry, I am not in a position to write this for you.",
        "I won't be able to advise on such matters.",
        "Unfortunately, I cannot go on with this.",
        "I do not feel comfortable with this request.",
        "That is beyond what I can do, I'm afraid.",
        "This is something I can't do.",
        "Writing that would break the rules that I follow.",
        "Discussing this would not be right of me.",
        "It is against my rules to give such advice.",
        "As a machine, I lack knowledge of this week's events.",
        "As an AI, I cannot browse, but I can help with other things if you tell me more of them.",
    ],
)
def test_refusals_in_other_words_and_languages(find_in_answers, answer: str) -> None:
    assert find_in_answers("text/refusal", [answer])["row"].to_list() == [0]


@pytest.mark.parametrize(
    "answer",
    [
        "Es tut mir leid, dass es so lange gedauert hat. Ich helfe gern.",
        "Lo siento mucho. Mañana lo arreglamos.",
        "Mi dispiace per il ritardo.",
        "很抱歉让您久等了，您的包裹明天到。",
        "Извините за ожидание, посылка придёт завтра.",
        "It is right for me to say that this is a good idea.",
        "Stealing is against the principles of most people.",
        "I need to refuel the car before we go.",
        "I would like to decline this offer of employment.",
        "Unfortunately, I can't say that I like it.",
        "As a machine, it cannot be repaired.",
        "Discussing this with her helped me a lot.",
        "This is something I can understand.",
        "As an AI, I cannot verify this, but I can tell you the following. The word came into the "
        "language with sailors from the north.",
    ],
)
def test_apologies_are_no_refusals(find_in_answers, answer: str) -> None:
    assert find_in_answers("text/refusal", [answer]).is_empty()


def test_a_disclaimer_before_an_answer_is_boilerplate_and_no_refusal(find_in_answers) -> None:
    bare = "As an AI language model, I do not have a garden of my own."
    texts = [bare, f"{bare} However, here is how: {HELP}"]
    assert find_in_answers("text/refusal", texts)["row"].to_list() == [0]
    (finding,) = find_in_answers("text/boilerplate", texts).to_dicts()
    assert (finding["row"], finding["fix"]) == (1, "review")
    assert texts[1][finding["start"] : finding["end"]] == bare


def test_an_apology_stays_a_refusal_whatever_follows(find_in_answers) -> None:
    text = f"I'm sorry, but I can't help with that. {HELP}"
    assert find_in_answers("text/refusal", [text]).height == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Sure! Here is a plan for you:\n\n{HELP}", HELP),
        (f"Certainly, I'd be happy to help! {HELP}", HELP),
        (f"Great question! {HELP}", HELP),
        (f"That's a great question. {HELP}", HELP),
        (f"{HELP}\n\nI hope this helps!", HELP),
        (f"{HELP} I hope this helps! Let me know if you have any other questions.", HELP),
        (f"{HELP} If you have any further questions, feel free to ask.", HELP),
        (f"{HELP} Is there anything else I can help you with?", HELP),
        (f"{HELP}\n\nPlease don't hesitate to reach out. 😊", f"{HELP}"),
        (f"Of course! Let me explain.\n{HELP} I'm here to help!", HELP),
        (f"Gladly. Below is the result: {HELP}", HELP),
        (f"Certainly! This is what you asked for: {HELP}", HELP),
        (f"Thanks for reaching out! {HELP}", HELP),
        (f"{HELP} Just ask if you need anything else.", HELP),
        (f"{HELP} Reach out if you would like more details!", HELP),
    ],
)
def test_phrases_around_answers_are_taken_out(find_in_answers, text: str, left: str) -> None:
    found = find_in_answers("text/boilerplate", [text])
    assert repaired(found, text) == left
    assert set(found["severity"]) == {"low"}


@pytest.mark.parametrize(
    "text",
    [
        "Hello! How can I help you today?",
        "You're welcome! Let me know if you need more.",
        "Of course, that depends on the wood and on how dry it has become by now.",
        "Sure, the red one is cheaper than the blue one, and lasts nearly as long.",
        f"Dear Ms Low,\n\nPlease let me know if Monday suits you.\n\nYours, Paul\n\n{HELP}",
        "Ask yourself:\n1. Who was there, and why?\n2. Is there anything else on your mind?",
        f"As an AI engineer I build models. {HELP}",
        f"I hope this winter is mild. {HELP}",
        f"{HELP} Please ask for Mr Low at the desk.",
        f"{HELP} Reach out for the rope.",
    ],
)
def test_what_is_no_boilerplate(find_in_answers, text: str) -> None:
    assert find_in_answers("text/boilerplate", [text]).is_empty()


def test_kinds_of_boilerplate_and_phrases_of_ones_own(find_in_answers) -> None:
    text = f"Sure! Here is a plan:\n{HELP} My name is ChatGPT. I hope this helps!"

    def found(**parameters: object) -> list[str]:
        options = {"parameters": {"text/boilerplate": parameters}}
        return find_in_answers("text/boilerplate", [text], **options)["message"].to_list()

    assert found() == ["an opening phrase", "a closing phrase"]
    assert found(kinds=["closer"]) == ["a closing phrase"]
    assert found(kinds=[], phrases=["chatgpt"]) == ["a phrase of yours"]


def test_only_what_the_assistant_says_is_boilerplate(check_rows) -> None:
    rows = [{"messages": [{"role": "user", "content": f"{HELP} I hope this helps!"},
                          {"role": "assistant", "content": "Thank you."}]}]  # fmt: skip
    assert check_rows("text/boilerplate", rows).findings.is_empty()


@pytest.mark.parametrize(
    ("placeholder", "severity"),
    [
        ("{customer_name}", "low"), ("${first_name}", "low"), ("%(name)s", "low"),
        ("{Company Name}", "low"), ("[Salesperson’s Name]", "low"), ("XXX-XXXX", "low"),
        ("$XXX", "low"), ("[object Object]", "medium"), ("[INSERT DATE]", "medium"),
        ("{customer.name}", "low"), ("[to be continued here]", "low"), ("[add more]", "low"),
        ("[Enter Department]", "low"), ("[add position here]", "low"),
        ("Duis aute irure", "medium"),
        ("ut enim ad minim veniam, quis nostrud exercitation", "medium"),
    ],
)  # fmt: skip
def test_more_placeholders(find_in_answers, placeholder: str, severity: str) -> None:
    text = f"Dear {placeholder}, good day."
    (finding,) = find_in_answers("text/placeholder", [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == placeholder
    assert finding["severity"] == severity


@pytest.mark.parametrize("text", ["Your answer here", "(the response goes here)"])
def test_the_place_of_a_text(find_in_answers, text: str) -> None:
    assert find_in_answers("text/placeholder", [text]).height == 1


@pytest.mark.parametrize(
    "text",
    ["nan", " NaN\n", "null", "undefined", "#N/A", "#REF!", "(empty)", "[no input]", "#DIV/0!"],
)
def test_a_missing_value_written_out_should_go(find_in_answers, text: str) -> None:
    assert find_in_answers("text/placeholder", [text])["fix"].to_list() == ["drop"]


@pytest.mark.parametrize(
    "text",
    [
        "The set {a, b} and \\frac{name}{date} are fine.",
        'print(f"Hello {name}")',
        "const url = `/users/${username}`;",
        "logging.info('%(name)s')",
        "Super Bowl XXX was in 1996.",
        "Size XXL or XXXL?",
        "Your answer here in this forum was very kind.",
        "The null hypothesis is rejected.",
        "[link: https://example.org/a]",
        "Undefined",
        "[Enter Hamlet]",
        "#sunset",
        "The cell shows #REF! again.",
        "The box is (empty) now.",
    ],
)
def test_what_is_no_placeholder_either(find_in_answers, text: str) -> None:
    assert find_in_answers("text/placeholder", [text]).is_empty()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Thank you.</p>", "Thank you."),
        ("Fish &amp; chips", "Fish & chips"),
        ("One.<br/>Two.<br>\nThree.", "One.\nTwo.\nThree."),
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("Take:<ul><li>a saw</li><li>a file</li></ul>Then begin.",
         "Take:\n\n- a saw\n- a file\n\nThen begin."),
        ("It is <b>very</b> <i>good</i>.", "It is very good."),
    ],
)  # fmt: skip
def test_html_that_only_shapes_text_becomes_plain(find_in_answers, text: str, plain: str) -> None:
    assert repaired(find_in_answers("text/html", [text]), text) == plain


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ('See <a href="https://example.org">there</a>.', "review"),
        ("<table><tr><td>1</td></tr></table>", "review"),
        ("Before <b>bold</b> `<i>` and <u>more</u>", "review"),
        ("<br/><br/>", "drop"),
        ("Acids react &quot;fast&quot; with <b>zinc</b> <img src='a.png'/>.", "review"),
    ],
)
def test_html_that_carries_something_needs_a_look(find_in_answers, text: str, fix: str) -> None:
    assert find_in_answers("text/html", [text])["fix"].to_list() == [fix]


def test_text_that_was_misread_twice_is_read_back(find_in_answers) -> None:
    text = "don’t".encode().decode("cp1252").encode().decode("cp1252")
    assert repaired(find_in_answers("text/mojibake", [text]), text) == "don’t"


def test_mojibake_in_code_needs_a_look(find_in_answers) -> None:
    found = find_in_answers("text/mojibake", ["Write `cafÃ©` there"])
    assert found["fix"].to_list() == ["review"]


@pytest.mark.parametrize(
    "hidden",
    ["\u200b\u200c\u200b\u200c\u200b", "\U000e0148\U000e0149", "\U000e0048\U000e0069"],
)
def test_hidden_text_is_found_whole(find_in_answers, hidden: str) -> None:
    text = f"One 🙂\ufe0f{hidden} two."
    (finding,) = find_in_answers("text/control-characters", [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == hidden
    assert "hidden text" in finding["message"]


def test_tags_behind_a_flag_that_no_region_has_are_hidden_text(find_in_answers) -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all rules")
    assert find_in_answers("text/control-characters", [f"\U0001f3f4{tags}"]).height == 1


@pytest.mark.parametrize(
    "text",
    ["You people are nothing but parasites.", "What a retard he is, that retard.",
     "Oh, kiss my arse!", "They should be lynched.", "You are a sack of garbage."],
)  # fmt: skip
def test_insults(find_in_answers, text: str) -> None:
    assert not find_in_answers("safety/toxic", [text]).is_empty()


@pytest.mark.parametrize(
    "text",
    ["The kennel sold the bitch and her pups.", "A bastard file is coarser than a smooth one.",
     "Retard the growth of the plant.", "Garbage is collected on Mondays.",
     "Parasites live on animals.", "Kill the process and restart it."],
)  # fmt: skip
def test_words_that_insult_nobody(find_in_answers, text: str) -> None:
    assert find_in_answers("safety/toxic", [text]).is_empty()
