"""Which shape rows have, which field plays which part, and when that cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from tunewise.curate.records import label_rejects
from tunewise.curate.shapes.catalogue import shape_of
from tunewise.curate.shapes.detection import detect_shape
from tunewise.curate.shapes.rows import layout_of, layout_of_detection, to_record, to_row
from tunewise.workspace.errors import DataError, UsageError


def turns(role: str = "role", content: str = "content", *names: str) -> list[dict[str, str]]:
    return [{role: name, content: f"text of {name}"} for name in names or ("user", "assistant")]


SHAREGPT = turns("from", "value", "human", "gpt")
PARTS = [{"role": name, "parts": [{"text": f"by {name}"}]} for name in ("user", "model")]
BLOCKS = [{"role": name, "content": [{"text": f"by {name}"}]} for name in ("user", "assistant")]
VERSION = "bedrock-conversation-2024"

KNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": turns()}, "chat", "chat"),
    ({"conversations": turns()}, "chat", "chat"),
    ({"dialogue_turns": turns(), "text": "rendered"}, "chat", "chat"),
    ({"messages": turns(), "label": True}, "chat", "chat"),
    ({"conversations": SHAREGPT, "tools": "[]"}, "sharegpt", "chat"),
    ({"messages": SHAREGPT}, "sharegpt", "chat"),
    ({"instruction": "a", "input": "", "output": "b"}, "alpaca", "chat"),
    ({"instruction": "a", "context": "c", "response": "b", "category": "x"}, "alpaca", "chat"),
    ({"instruction": "a", "output": "b", "history": [["q", "a"]]}, "alpaca", "chat"),
    ({"prompt": "a", "completion": "b"}, "prompt-completion", "chat"),
    ({"prompt": "a", "response": "b"}, "prompt-completion", "chat"),
    (
        {
            "prompt": turns("role", "content", "user"),
            "completion": turns("role", "content", "assistant"),
        },
        "prompt-completion",
        "chat",
    ),
    ({"question": "a", "answer": "b"}, "question-answer", "chat"),
    ({"system_prompt": "s", "question": "a", "response": "b"}, "question-answer", "chat"),
    ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference", "preference"),
    ({"chosen": turns(), "rejected": turns()}, "preference", "preference"),
    ({"chosen_messages": turns(), "rejected_messages": turns()}, "preference", "preference"),
    (
        {"conversations": SHAREGPT[:1], "chosen": SHAREGPT[1], "rejected": SHAREGPT[1]},
        "preference",
        "preference",
    ),
    (
        {"instruction": "a", "input": "b", "output": "c", "chosen": "c", "rejected": "d"},
        "preference",
        "preference",
    ),
    (
        {
            "input": {"messages": turns("role", "content", "user"), "tools": []},
            "preferred_output": turns("role", "content", "assistant"),
            "non_preferred_output": turns("role", "content", "assistant"),
        },
        "openai-preference",
        "preference",
    ),
    ({"contents": PARTS, "systemInstruction": {"parts": [{"text": "s"}]}}, "gemini", "chat"),
    ({"contents": PARTS, "system_instruction": {"parts": {"text": "s"}}}, "gemini", "chat"),
    ({"schemaVersion": VERSION, "messages": BLOCKS, "system": [{"text": "s"}]}, "bedrock", "chat"),
    ({"modelId": "m", "messages": BLOCKS}, "bedrock", "chat"),
    (
        {
            "system": "s",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": "b"},
            ],
        },
        "chat",
        "chat",
    ),
    ({"conversations": SHAREGPT, "kto_tag": True}, "sharegpt", "chat"),
    ({"prompt": "a", "completion": "b", "label": False}, "prompt-completion", "chat"),
    ({"input_text": "a", "output_text": "b"}, "prompt-completion", "chat"),
    ({"premise": "a", "hypothesis": "b", "label": 0}, "classification", "classification"),
    ({"sentence1": "a", "sentence2": "b", "label": "x"}, "classification", "classification"),
    ({"text": "a", "label": 3}, "classification", "classification"),
    ({"text": "a", "category": "x"}, "classification", "classification"),
    ({"sentence": "a", "sentiment": "x"}, "classification", "classification"),
    ({"text": "a"}, "text", "text"),
    ({"content": "a", "url": "b"}, "text", "text"),
]


@pytest.mark.parametrize(("row", "shape", "kind"), KNOWN)
def test_usual_rows_are_recognised(row: dict[str, Any], shape: str, kind: str) -> None:
    detection = detect_shape([row] * 3, "data")
    layout = layout_of_detection(detection)
    assert (detection.shape, layout.shape.kind) == (shape, kind)
    assert (detection.confidence, detection.chosen_by) == (1.0, "detected")
    record = to_record(row, layout)
    answers = [*record.messages, *(record.chosen or ()), *(record.rejected or ())]
    assert all(message.role and message.content for message in answers)


@pytest.mark.parametrize(("row", "shape", "kind"), KNOWN)
def test_a_detection_reads_again_what_it_was_made_from(
    row: dict[str, Any], shape: str, kind: str
) -> None:
    first = detect_shape([row] * 3, "data")
    again = detect_shape([row], "data", first.shape, first.mapping)
    assert (again.shape, again.mapping, again.chosen_by) == (shape, first.mapping, "given")


def test_share_gpt_speakers_become_roles_and_function_calls_tool_calls() -> None:
    call = '{"name": "search", "arguments": {"query": "tea"}}'
    names = ["system", "human", "function_call", "observation", "gpt"]
    row = {"conversations": turns("from", "value", *names)}
    row["conversations"][2]["value"] = call
    record = to_record(row, layout_of_detection(detect_shape([row], "data")))
    roles = ["system", "user", "assistant", "tool", "assistant"]
    assert [message.role for message in record.messages] == roles
    assert record.messages[2].content is None
    assert record.messages[2].tool_calls == (
        '[{"type":"function","function":{"name":"search","arguments":{"query":"tea"}}}]'
    )


def test_an_instruction_and_its_input_are_one_message() -> None:
    row = {
        "instruction": "Translate.",
        "input": "Guten Tag",
        "output": "Good day",
        "system": "Be brief.",
        "history": [["Hello", "Hi"]],
    }
    record = to_record(row, layout_of_detection(detect_shape([row], "data")))
    assert [(message.role, message.content) for message in record.messages] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hi"),
        ("user", "Translate.\n\nGuten Tag"),
        ("assistant", "Good day"),
    ]


def test_a_prompt_that_answers_repeat_is_kept_once() -> None:
    prompt = turns("role", "content", "system", "user")
    good, bad = ({"role": "assistant", "content": text} for text in ("good", "bad"))
    implicit = {"chosen": [*prompt, good], "rejected": [*prompt, bad]}
    for row in (implicit, {"prompt": prompt, **implicit}):
        record = to_record(row, layout_of_detection(detect_shape([row], "data")))
        assert [message.role for message in record.messages] == ["system", "user"]
        assert [message.content for message in record.chosen or ()] == ["good"]
        assert [message.content for message in record.rejected or ()] == ["bad"]


def test_transcripts_share_their_prompt_and_an_edit_stays_in_them() -> None:
    asked = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Tea?\n\nAssistant:"
    row = {"chosen": f"{asked} Please.", "rejected": f"{asked}  No.\n\nNever."}
    layout = layout_of_detection(detect_shape([row], "data"))
    record = to_record(row, layout)
    assert [tuple(message[:2]) for message in record.messages] == [
        ("user", "Hi"),
        ("assistant", "Yes?"),
        ("user", "Tea?"),
    ]
    assert [message.content for message in record.chosen or ()] == ["Please."]
    assert [message.content for message in record.rejected or ()] == [" No.\n\nNever."]
    assert to_row(record, layout) == row
    record.messages[2] = record.messages[2]._replace(content="Coffee?")
    assert to_row(record, layout) == {
        part: text.replace("Tea?", "Coffee?") for part, text in row.items()
    }


def test_columns_are_taken_where_their_values_look_like_it() -> None:
    rows = [
        {
            "id": number,
            "text": f"text {number}",
            "topic": "ab"[number % 2],
            "region": f"r{number % 3}",
            "conversation_id": number % 5,
            "source": "web",
        }
        for number in range(20)
    ]
    mapping = detect_shape(rows, "data").mapping
    assert {part: mapping[part] for part in ("id", "label", "group", "source")} == {
        "id": "id",
        "label": "topic",
        "group": "region",
        "source": "source",
    }
    odd = [row | {"topic": f"{row['id']}", "region": [1], "source": f"{row['id']}"} for row in rows]
    mapping = detect_shape(odd, "data").mapping
    assert (mapping["label"], mapping["group"], mapping["source"]) == ("", "conversation_id", "")
    assert detect_shape([{"text": "a", "id": 1}] * 9, "data").mapping["id"] == ""


def test_two_unknown_columns_are_text_and_label_if_one_repeats_itself() -> None:
    rows = [{"Betreff": "ab"[number % 2], "Inhalt": f"text {number}"} for number in range(20)]
    detection = detect_shape(rows, "data")
    assert detection.shape == "classification"
    assert (detection.mapping["text"], detection.mapping["label"]) == ("Inhalt", "Betreff")
    with pytest.raises(DataError, match="fit no known shape"):
        detect_shape([row | {"Betreff": f"{row['Inhalt']}!"} for row in rows], "data")


TICKETS = [
    {
        "Nummer": n,
        "Datum": f"2024-01-{n:02}",
        "Anliegen": f"Meine Lieferung {n} ist noch nicht da",
        "Abteilung": ["Versand", "Konto", "Technik"][n % 3],
        "Bemerkung": None,
    }
    for n in range(1, 25)
]


def test_of_more_columns_one_is_prose_and_one_repeats_itself() -> None:
    detection = detect_shape(TICKETS, "data")
    assert detection.shape == "classification"
    assert (detection.mapping["text"], detection.mapping["label"]) == ("Anliegen", "Abteilung")
    assert "taken by their values: `Abteilung` has 3, `Anliegen` is text" in detection.reason


def test_columns_that_might_both_be_it_decide_nothing() -> None:
    two_labels = [row | {"Kanal": "ab"[row["Nummer"] % 2]} for row in TICKETS]
    two_texts = [row | {"Antwort": f"Das tut uns leid, {row['Nummer']}"} for row in TICKETS]
    for rows in (two_labels, two_texts):
        with pytest.raises(DataError, match="fit no known shape"):
            detect_shape(rows, "data")
    named = detect_shape(two_texts, "data", None, {"text": "Antwort", "label": "Abteilung"})
    assert named.mapping["text"] == "Antwort"


def test_pairs_of_texts_are_one_text_and_any_columns_can_be_named() -> None:
    rows = [{"a": f"a{n}", "b": f"b{n}", "entails": n % 2} for n in range(9)]
    mapping = {"text": "a", "text_pair": "b", "label": "entails"}
    record = to_record(rows[0], layout_of_detection(detect_shape(rows, "data", None, mapping)))
    assert (record.messages[0].content, record.label) == ("a0\n\nb0", "0")


@pytest.mark.parametrize("shape", ["chat", "sharegpt", None])
def test_speakers_can_be_named(shape: str | None) -> None:
    rows = [{"talk": turns("who", "says", "boss", "customer", "agent", "robot")}]
    names = {"system": "boss", "user": "customer", "assistant": "agent", "tool": "robot"}
    mapping = {"role": "who", "content": "says"}
    mapping |= {f"role.{role}": speaker for role, speaker in names.items()}
    layout = layout_of_detection(detect_shape(rows, "data", shape, mapping))
    record = to_record(rows[0], layout)
    assert [message.role for message in record.messages] == list(names)
    assert to_row(record, layout) == rows[0]
    record.messages[1] = record.messages[1]._replace(content="edited")
    assert to_row(record, layout)["talk"][1] == {"who": "customer", "says": "edited"}


def test_what_the_user_says_goes_before_what_is_seen() -> None:
    rows = [{"text": f"t{n}", "body": f"b{n}", "cat": "xy"[n % 2], "label": "q"} for n in range(9)]
    detection = detect_shape(rows, "data", None, {"text": "body", "label": "cat"})
    record = to_record(rows[0], layout_of_detection(detection))
    assert (record.messages[0].content, record.label) == ("b0", "x")
    assert record.extra["text"] == "t0"
    assert detect_shape(rows, "data", "text").shape == "text"
    assert detect_shape(rows, "data", None, {"label": ""}).mapping["label"] == ""


def test_tags_of_messages_can_be_named() -> None:
    rows = [{"dialog": [{"speaker": "human", "says": "Hi"}, {"speaker": "gpt", "says": "Yo"}]}]
    mapping = {"role": "speaker", "content": "says"}
    record = to_record(rows[0], layout_of_detection(detect_shape(rows, "data", None, mapping)))
    assert [tuple(message[:2]) for message in record.messages] == [
        ("user", "Hi"),
        ("assistant", "Yo"),
    ]
    mapping = {"role": "from", "content": "value"}
    assert detect_shape([{"messages": SHAREGPT}], "data", None, mapping).shape == "sharegpt"


def test_some_rows_with_faults_lower_the_confidence_only() -> None:
    rows: list[dict[str, Any]] = [{"messages": turns()}] * 8
    detection = detect_shape([*rows, {"messages": "odd"}, {"messages": []}], "data")
    assert (detection.shape, detection.confidence) == ("chat", 0.8)
    assert detection.reason.startswith("10 rows looked at, 80.0% fit: `messages`")


def test_other_shapes_that_would_fit_are_named() -> None:
    rows: list[dict[str, Any]] = [{"messages": turns(), "text": "rendered", "label": "a"}] * 8
    reason = detect_shape(rows, "data").reason
    assert reason.endswith("; label from `label`; would fit too: classification")
    assert "8 rows looked at, all fit" in reason


@pytest.mark.parametrize(("value", "label"), [(1, "true"), (0, "false"), (True, "true"),
                                              ("0", "0"), (2, "2"), (None, None)])  # fmt: skip
def test_a_judgement_of_one_or_zero_is_true_or_false(value: object, label: str | None) -> None:
    layout = layout_of(shape_of("prompt-completion"), {
        "prompt": "prompt", "completion": "completion", "label": "kto_tag"})  # fmt: skip
    row = {"prompt": "a", "completion": "b", "kto_tag": value}
    record = to_record(row, layout)
    assert record.label == label
    assert to_row(record, layout) == row


@pytest.mark.parametrize("tag", ["kto_tag", "label"])
def test_a_rejected_answer_is_told_by_its_label(tag: str) -> None:
    rows = [{"conversations": SHAREGPT, tag: n % 2 == 0} for n in range(9)]
    layout = layout_of_detection(detect_shape(rows, "data"))
    labels = [to_record(row, layout).label for row in rows[:2]]
    assert [label_rejects("chat", label) for label in labels] == [False, True]


def test_rows_of_two_shapes_are_refused_unless_one_is_named() -> None:
    rows: list[dict[str, Any]] = [{"messages": turns()}] * 6
    rows += [{"instruction": "a", "output": "b"}] * 4
    with pytest.raises(DataError, match="60% of those looked at are 'chat', 40% are 'alpaca'"):
        detect_shape(rows, "data")
    assert detect_shape(rows, "data", "alpaca").confidence == 0.4


def test_unknown_rows_name_their_fields_the_shapes_and_the_way_out() -> None:
    rows = [{"query": "a", "choices": ["x"], "gold": 1, "note": None}]
    with pytest.raises(DataError) as caught:
        detect_shape(rows, "here.jsonl")
    error = caught.value
    assert "query (text), choices (a list), gold (a number), note (null)" in error.what
    assert error.where == "here.jsonl"
    for word in ("--shape", "--map", "sharegpt", "prompt-completion", "classification"):
        assert word in error.fix
    with pytest.raises(DataError, match="do not fit the shape 'alpaca'"):
        detect_shape(rows, "here.jsonl", "alpaca")


@pytest.mark.parametrize(
    ("shape", "mapping", "what", "fix"),
    [
        ("sharegtp", {}, "unknown shape 'sharegtp'", "did you mean 'sharegpt'?"),
        (None, {"instrucion": "a"}, "no shape has all", "did you mean 'instruction'?"),
        ("chat", {"txt": "a"}, "has no part 'txt'", "known"),
        ("classification", {"text": "text", "label": "text"}, "cannot play two parts", ""),
    ],
)
def test_mistakes_of_the_user_name_the_nearest(
    shape: str | None, mapping: dict[str, str], what: str, fix: str
) -> None:
    rows = [{"text": "a", "label": "x", "messages": turns()}]
    with pytest.raises(UsageError, match=what) as caught:
        detect_shape(rows, "data", shape, mapping)
    assert fix in caught.value.fix
