"""The report as JUnit XML, as GitLab, Jenkins and GitHub's test reporters read it.

JUnit knows passed, failed and skipped. *Failed* is what the gate stops on and nothing else, so a
file with a failure and an exit code other than 0 come together. What tells neither a loss nor its
absence (undecided, uninformative, shown only) is *skipped*, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ...workspace.safe_text import excerpt, name_of
from ..items import BIAS
from ..observations.bias import bias_verdict
from ..verdicts.judgement import BROKEN, DOMAIN, FORGOT, UNDECIDED, UNINFORMATIVE
from ..verdicts.overfitting import OVERFIT
from .gate import stops
from .summary import overfitting_verdict
from .wording import change_text, p_text, score_text, task_margin_text, verdict_text

_ROOT = "tunewise"
_VERDICTS = "verdicts"
_LONGEST = 4_000
# What XML 1.0 cannot hold even as a reference; visible signs stand for most of it already.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(document: Mapping[str, Any]) -> str:
    """Return the report: a suite of the verdicts, then one per group of tasks.

    Args:
        document: as :func:`~.report.report_document` makes it.

    Returns:
        XML in ASCII (other characters are references), so that any terminal or pipe keeps it.
    """
    gate = document["gate"]
    stopping = stops(document, gate["fail_on"], gate["undecided"])
    root = ElementTree.Element("testsuites", name=_ROOT)
    root.append(_verdicts(document, stopping))
    tasks = document["tasks"]
    for group in dict.fromkeys(task["group"] for task in tasks):
        suite = _suite(document, str(group))
        names: Counter[str] = Counter()
        for task in tasks:
            if task["group"] == group:
                _task(suite, task, names, fails=FORGOT in gate["fail_on"])
        root.append(suite)
    for suite in root:
        _count(suite, [suite])
    _count(root, list(root))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="us-ascii").decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _verdicts(document: Mapping[str, Any], stopping: Mapping[str, Any]) -> ElementTree.Element:
    suite = _suite(document, _VERDICTS)
    properties = ElementTree.SubElement(suite, "properties")
    gate = document["gate"]
    facts = {
        "headline": document["headline"],
        "base": document["names"]["base"],
        "tuned": document["names"]["tuned"],
        "evaluation": document["evaluation"]["id"],
        "fail_on": ", ".join(gate["fail_on"]) or "nothing",
        "undecided": gate["undecided"],
        "exit_code": gate["exit_code"],
    }
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    sentences = document["sentences"]
    asked = [
        ("general ability", FORGOT, document.get("overall"), sentences["general"]),
        ("domain", "", document.get("domain_gain"), sentences["domain"]),
        ("overfitting", OVERFIT, overfitting_verdict(document), sentences["overfitting"]),
    ]
    bias = bias_verdict(document.get("observations") or ())
    if bias is not None:
        asked.append((BIAS, BIAS, bias, "what it prefers on the probes, against the base"))
    for name, question, verdict, sentence in asked:
        case = _case(suite, name)
        words = f"{verdict or UNDECIDED}: {sentence}"
        if question in stopping:
            _outcome(case, "failure", words, kind=str(verdict))
        elif verdict in (None, UNDECIDED, UNINFORMATIVE):
            _outcome(case, "skipped", words)
        _output(case, words)
    return suite


def _task(
    suite: ElementTree.Element, task: Mapping[str, Any], names: Counter[str], *, fails: bool
) -> None:
    """Add a task; two whose names became the same stay apart, as readers go by the name."""
    name = f"{name_of(task['task'])} ({name_of(task['metric'])})"
    names[name] += 1
    case = _case(suite, name if names[name] == 1 else f"{name} #{names[name]}")
    verdict, decides = task["verdict"], task.get("decides", True)
    words = verdict_text(task)
    facts = task_facts(task)
    if not decides:
        _outcome(case, "skipped", f"shown only, it decides nothing: {words}; {facts}")
    elif verdict in (FORGOT, BROKEN) and fails and task["group"] != DOMAIN:
        note = f"; {task['note']}" if verdict == BROKEN else ""
        _outcome(case, "failure", f"{words}: {facts}{note}", kind=verdict)
    elif verdict in (UNDECIDED, UNINFORMATIVE):
        _outcome(case, "skipped", f"{words}: {task.get('note') or facts}")
    _output(case, f"{words}: {facts}")


def task_facts(task: Mapping[str, Any]) -> str:
    """Say on one line what a task's verdict rests on."""
    kind = task["kind"]
    parts = [
        f"{score_text(kind, task['base'])} → {score_text(kind, task['tuned'])}",
        f"change {change_text(task)}",
        f"p adjusted {p_text(task['p_adjusted'])}",
        f"{task['lost']:,} lost, {task['gained']:,} gained of {task['n']:,}",
        f"accepted loss {task_margin_text(task)}",
    ]
    return "; ".join(parts)


def _suite(document: Mapping[str, Any], name: str) -> ElementTree.Element:
    # JUnit's time has no zone; the manifest's is UTC.
    moment = str(document["evaluation"]["finished"])[:19]
    return ElementTree.Element("testsuite", name=_text(name_of(name)), timestamp=_text(moment))


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    group = suite.get("name", "")
    return ElementTree.SubElement(
        suite, "testcase", classname=f"{_ROOT}.{group}", name=_text(name), time="0"
    )


def _outcome(case: ElementTree.Element, name: str, words: str, kind: str = "") -> None:
    attributes = {"message": _text(words), **({"type": kind} if kind else {})}
    found = ElementTree.SubElement(case, name, attributes)
    if kind:
        found.text = _text(words)


def _output(case: ElementTree.Element, words: str) -> None:
    ElementTree.SubElement(case, "system-out").text = _text(words)


def _count(element: ElementTree.Element, suites: list[ElementTree.Element]) -> None:
    cases = [case for suite in suites for case in suite.iter("testcase")]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    for name, number in counts.items():
        element.set(name, str(number))
    element.set("time", "0")


def _text(value: object) -> str:
    return _FORBIDDEN.sub("\ufffd", excerpt(value, _LONGEST))
