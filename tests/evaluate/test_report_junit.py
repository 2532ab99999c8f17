"""JUnit XML, read the way GitLab and Jenkins read it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.evaluate.reporting.gate import gate
from tunewise.evaluate.reporting.junit import junit_report
from tunewise.evaluate.verdicts.judgement import DOMAIN

HOSTILE = "<script>alert(1)</script> \x1b]0;owned\x07 \u202egpj.exe ]]> &amp; \ud800 \ufffe \"'"

COUNTS = ("tests", "failures", "errors", "skipped")
# What Jenkins's schema (jenkins-junit.xsd) allows, as far as it is used here.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"failure", "skipped", "system-out"},
    "failure": set(),
    "skipped": set(),
    "system-out": set(),
}
REQUIRED = {"testsuite": {"name"}, "testcase": {"name", "classname"}, "failure": {"message"},
            "property": {"name", "value"}}  # fmt: skip


def task(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "task": name, "group": "general", "metric": "acc", "kind": "share", "n": 900,
        "base": 0.7, "tuned": 0.65, "delta": -0.05, "ci": [-0.08, -0.02], "p_adjusted": 0.001,
        "lost": 60, "gained": 15, "verdict": verdict, "needs": None, "margin": 0.02,
        "decides": True, "note": "", **more,
    }  # fmt: skip


def document(
    tasks: list[dict[str, Any]],
    *,
    overall: str | None = "held",
    overfitting: str = "none",
    fail_on: tuple[str, ...] = (),
    undecided: str = "pass",
) -> dict[str, Any]:
    judged = {"overall": overall, "overfitting": {"verdict": overfitting}}
    return {
        **judged,
        "tasks": tasks,
        "domain_gain": "improved",
        "headline": "General ability held.",
        "names": {"base": "base", "tuned": "lora"},
        "evaluation": {"id": "8f3a", "finished": "2026-01-02T03:04:05+00:00"},
        "sentences": {"general": "Why.", "domain": "Why.", "overfitting": "Why."},
        "gate": {"fail_on": list(fail_on), "undecided": undecided,
                 "exit_code": int(gate(judged, fail_on, undecided))},
    }  # fmt: skip


def read(text: str) -> ElementTree.Element:
    """Parse, and hold the tree against the structure."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert REQUIRED.get(element.tag, set()) <= set(element.keys())
    for suite in [root, *root.iter("testsuite")]:
        cases = list(suite.iter("testcase"))
        found = [len(cases)] + [
            sum(case.find(tag) is not None for case in cases)
            for tag in ("failure", "error", "skipped")
        ]
        assert [int(suite.get(name, "")) for name in COUNTS] == found
    cases = list(root.iter("testcase"))
    assert all(
        len([1 for tag in ("failure", "skipped") if case.find(tag) is not None]) < 2
        for case in cases
    )
    # GitLab knows a test again by these two, from one run to the next.
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names)
    return root


def failed(root: ElementTree.Element) -> list[str]:
    return [
        case.get("name", "") for case in root.iter("testcase") if case.find("failure") is not None
    ]


def test_every_task_and_verdict_is_a_case() -> None:
    tasks = [
        task("arithmetic", "forgot"),
        task("facts", "undecided", needs=1200, note="1,200 more items would show that it held"),
        task("grammar", "held"),
        task("answer-choice", "worse", group=DOMAIN),
        task("exact", "forgot", decides=False),
    ]
    root = read(junit_report(document(tasks, overall="forgot", fail_on=("forgot",))))
    assert [suite.get("name") for suite in root] == ["verdicts", "general", "domain"]
    assert failed(root) == ["general ability", "arithmetic (acc)"]
    failure = root.find(".//testcase[@name='arithmetic (acc)']/failure")
    assert failure is not None
    assert failure.get("type") == "forgot"
    for words in ("70.0 % → 65.0 %", "60 lost, 15 gained of 900", "accepted loss 2"):
        assert words in failure.get("message", "")
    skipped = root.find(".//testcase[@name='facts (acc)']/skipped")
    assert skipped is not None
    assert "1,200 more items" in skipped.get("message", "")


VERDICTS = ("held", "forgot", "undecided", "improved", "uninformative")


@pytest.mark.parametrize("fail_on", [(), ("forgot",), ("overfit",), ("forgot", "overfit")])
@pytest.mark.parametrize("undecided", ["pass", "fail"])
def test_a_failure_and_an_exit_code_come_together(fail_on: tuple[str, ...], undecided: str) -> None:
    for verdict, overfitting, decides in itertools.product(
        VERDICTS, ("none", "overfit", "undecided"), (True, False)
    ):
        # A task that decides and forgot makes the whole forget (evaluate/verdicts/verdict.py).
        overall = verdict if verdict in ("forgot", "undecided") and decides else "held"
        found = document(
            [task("a", verdict, decides=decides), task("b", verdict, group=DOMAIN)],
            overall=overall, overfitting=overfitting, fail_on=fail_on, undecided=undecided,
        )  # fmt: skip
        root = read(junit_report(found))
        assert bool(failed(root)) == bool(found["gate"]["exit_code"]), (verdict, overfitting)


def test_names_that_would_become_one_stay_apart() -> None:
    tasks = [task("x" * 200 + end, "held") for end in "ab"]
    assert read(junit_report(document(tasks))).get("tests") == "5"


def test_a_verdict_that_is_missing_is_skipped_and_not_passed() -> None:
    root = read(junit_report(document([], overall=None)))
    assert root.find(".//testcase[@name='general ability']/skipped") is not None


def all_texts(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        yield element.text or ""
        yield from element.attrib.values()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_hostile_names_are_shown_and_do_nothing(text: str) -> None:
    for name in (text, text + HOSTILE, "]]>" + text + "<failure/>\ufffe\uffff\x00"):
        tasks = [task(name, "forgot", group=name, metric=name, note=name)]
        found = document(tasks, overall="forgot", fail_on=("forgot",))
        found["headline"] = found["names"]["tuned"] = name
        written = junit_report(found)
        assert written.isascii()
        root = read(written)
        assert failed(root)[0] == "general ability"
        for shown in all_texts(root):
            assert not set("\x00\x1b\u202e\ufffe\uffff") & set(shown)
            assert not any("\ud800" <= letter <= "\udfff" for letter in shown)
