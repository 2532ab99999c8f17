"""Checks about the whole dataset, and about labels that contradict each other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.shares import effective_number, wilson_interval


def labelled(**counts: int) -> list[dict[str, str]]:
    return [
        {"text": f"{label} number {number}", "label": label}
        for label, count in counts.items()
        for number in range(count)
    ]


def test_even_labels_are_no_finding(check_rows) -> None:
    result = check_rows("balance/label", labelled(a=50, b=55, c=45))
    assert result.findings.is_empty()
    assert "3 labels" in result.reason


@pytest.mark.parametrize("counts", [{"a": 95, "b": 5}, {"a": 60, **dict.fromkeys("bcdefgh", 10)}])
def test_a_label_that_dominates(check_rows, counts: dict[str, int]) -> None:
    (finding,) = check_rows("balance/label", labelled(**counts)).findings.to_dicts()
    assert finding["row"] is None
    assert finding["related"] == "a"
    assert finding["score"] == pytest.approx(counts["a"] / sum(counts.values()))


def test_values_that_differ_in_every_row_are_no_labels(check_rows) -> None:
    rows = [{"text": f"text {number}", "label": f"label {number}"} for number in range(20)]
    assert check_rows("balance/label", rows).status == "skipped"


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30))
def test_the_effective_number_lies_between_one_and_all(counts: list[int]) -> None:
    effective = effective_number(counts)
    assert 1 - 1e-9 <= effective <= len(counts) + 1e-9
    assert effective_number([7] * len(counts)) == pytest.approx(len(counts))


def test_few_long_records_that_hold_most_of_the_text(check_rows) -> None:
    rows = [{"text": "a few words here"} for _ in range(300)]
    assert check_rows("balance/length", rows, shape="text").findings.is_empty()
    rows += [{"text": "word " * 2000}]
    (finding,) = check_rows("balance/length", rows, shape="text").findings.to_dicts()
    assert finding["row"] is None
    assert finding["score"] > 0.5


def test_the_same_text_with_another_label(check_rows) -> None:
    rows = [
        {"text": "Where is my card?", "label": "card"},
        {"text": "where is  my CARD", "label": "card"},
        {"text": "Where is my card?", "label": "lost"},
        {"text": "Something else", "label": "other"},
    ]
    (finding,) = check_rows("labels/conflict", rows).findings.to_dicts()
    assert (finding["row"], finding["related_row"], finding["related"]) == (2, 0, "card")
    assert (finding["field"], finding["cluster"]) == ("label", 0)


def test_a_verdict_on_an_answer_is_no_conflict_with_that_on_another(check_rows) -> None:
    def judged(answer: str, label: bool) -> dict[str, object]:
        turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": answer}]
        return {"messages": turns, "label": label}

    rows = [judged("Because.", True), judged("No idea.", False)]
    assert check_rows("labels/conflict", rows).findings.is_empty()
    rows.append(judged("Because.", False))
    assert check_rows("labels/conflict", rows).findings["row"].to_list() == [2]


def test_answers_that_their_label_rejects(check_rows) -> None:
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    rows: list[dict[str, object]] = [
        {"messages": turns, "label": label} for label in (True, False, "False", "true", None)
    ]
    result = check_rows("labels/rejected-answer", rows)
    assert result.findings.select("row", "field", "severity", "fix").rows() == [
        (1, "label", "high", "drop"),
        (2, "label", "high", "drop"),
    ]
    pairs = [
        {"prompt": f"What is {number}?", "completion": "Go away.", "label": number % 2 == 0}
        for number in range(4)
    ]
    found = check_rows("labels/rejected-answer", pairs).findings
    assert found["row"].to_list() == [1, 3]


def test_a_label_that_is_the_answer_rejects_nothing(check_rows) -> None:
    rows = [{"text": f"Is {number} even?", "label": number % 2 == 0} for number in range(8)]
    result = check_rows("labels/rejected-answer", rows, shape="classification")
    assert (result.status, result.reason) == ("skipped", "the rows are no chats with a label")


def test_a_prompt_with_another_label_is_a_conflict_whatever_the_answer(check_rows) -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": "My string broke, what now?"},
                {"role": "assistant", "content": answer},
            ],
            "topic": topic,
        }
        for answer, topic in (("Buy one.", "strings"), ("Send it in.", "repairs"))
    ]
    assert check_rows("labels/conflict", rows).findings["row"].to_list() == [1]


def test_a_rare_group_is_named(check_rows) -> None:
    rows = [
        {"text": f"text {region} {number}", "region": region}
        for region, count in (("north", 60), ("south", 55), ("west", 60), ("far-east", 2))
        for number in range(count)
    ]
    found = check_rows("bias/representation", rows, shape="text").findings
    assert found.select("row", "field", "related", "severity").rows() == [
        (None, "group", "far-east", "info")
    ]


def test_mentions_are_counted_with_intervals_and_by_who_speaks(find_in_answers) -> None:
    answers = ["She said so."] * 40 + ["He said so."] * 60 + ["It works."] * 100
    (finding,) = find_in_answers("bias/representation", answers).to_dicts()
    assert finding["row"] is None
    assert finding["related"] == "men"
    assert finding["score"] == pytest.approx(0.6)
    assert "women 20.0% (15.0%–26.1%), men 30.0% (24.1%–36.7%)" in finding["message"]
    assert "the assistant says" in finding["message"]


def test_thin_support_says_nothing(find_in_answers) -> None:
    assert find_in_answers("bias/representation", ["She said so."] * 49).is_empty()


@given(st.integers(1, 10_000), st.data())
def test_wilson_intervals_hold_their_share(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    low, high = wilson_interval(count, total)
    assert 0 <= low <= count / total + 1e-12
    assert count / total - 1e-12 <= high <= 1


def sourced(**counts: int) -> list[dict[str, str]]:
    return [
        {"text": f"{source} number {number}", "source": source}
        for source, count in counts.items()
        for number in range(count)
    ]


def test_sources_of_very_uneven_size(check_rows) -> None:
    even = check_rows("balance/source", sourced(web=60, mail=50, phone=55), shape="text")
    assert even.findings.is_empty()
    assert even.reason.startswith("3 sources, effectively 3.0")
    rows = sourced(web=900, mail=90, phone=3)
    (hit,) = check_rows("balance/source", rows, shape="text").findings.to_dicts()
    assert (hit["row"], hit["field"], hit["related"]) == (None, "source", "web")
    assert hit["score"] == pytest.approx(900 / 993)
    assert "the largest: 'web' 90.6%, 'mail' 9.1%, 'phone' 0.3%" in hit["message"]
    assert "1 rare: 'phone' 0.30% (0.10%–0.88%)" in hit["message"]


def test_groups_with_a_rare_one(check_rows) -> None:
    rows = [
        {"text": f"text {region} {number}", "region": region}
        for region, count in (("north", 60), ("south", 55), ("west", 60), ("far-east", 2))
        for number in range(count)
    ]
    (hit,) = check_rows("balance/group", rows, shape="text").findings.to_dicts()
    assert (hit["field"], hit["related"]) == ("group", "north")
    assert "1 rare: 'far-east'" in hit["message"]


@pytest.mark.parametrize("check", ["balance/source", "balance/group", "balance/label"])
def test_without_such_a_column_there_is_no_balance(check_rows, check: str) -> None:
    column = check.partition("/")[2]
    result = check_rows(check, [{"text": f"text {number}"} for number in range(30)], shape="text")
    assert (result.status, result.reason) == (
        "skipped",
        f"the rows have no {column}s, or one {column} alone",
    )


def test_copies_count_once_in_the_effective_size(check_rows) -> None:
    own = [" ".join(f"word{number}" for _ in range(9)) for number in range(20)]
    rows = [{"text": text} for text in [*own, own[0], own[0], own[1].upper()]]
    result = check_rows("balance/effective-size", rows, shape="text")
    (hit,) = result.findings.to_dicts()
    assert hit["score"] == pytest.approx(20 / 23)
    assert hit["message"] == (
        "20 of 23 records say something of their own: 3 are exact or normalised copies, 0 near ones"
    )
    alone = check_rows("balance/effective-size", rows[:20], shape="text")
    assert alone.findings.is_empty()
    assert alone.reason.startswith("20 of 20")


@pytest.mark.parametrize(("count", "total"), [(0, 10), (7, 21), (50, 50)])
def test_wilson_agrees_with_statsmodels(count: int, total: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    expected = proportion_confint(count, total, method="wilson")
    assert wilson_interval(count, total) == pytest.approx(expected, abs=1e-12)


def test_a_share_of_none_has_no_interval() -> None:
    assert all(math.isnan(end) for end in wilson_interval(0, 0))
