from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tunewise.evaluate.observations.observation import Observation
from tunewise.evaluate.reporting.gate import gate
from tunewise.evaluate.reporting.markdown import markdown_report
from tunewise.evaluate.reporting.observed import observation_lines
from tunewise.evaluate.reporting.page import LARGEST_BYTES, html_report
from tunewise.evaluate.reporting.report import report, report_document
from tunewise.evaluate.reporting.summary import engine_sentence
from tunewise.evaluate.settings import ReportSettings
from tunewise.evaluate.verdicts.exposed_scores import scores_by_status
from tunewise.evaluate.verdicts.measures import CurvePoint, OverfittingMeasures, TaskScores
from tunewise.evaluate.verdicts.overfitting import judge_overfitting
from tunewise.evaluate.verdicts.verdict import judge_tasks
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.errors import DataError, ExitCode
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import read_json, write_json
from tunewise.workspace.manifest import Input

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> \x1b]0;owned\x07 \u202egpj.exe\u202c "
    "a\u200bb \ud800 [bold]x[/bold] | `tick` ```fence\n``` @everyone #1 https://evil.example "
    "{{7*7}}"
)


PARTS = {"train": 0.7, "val": 0.15, "test": 0.15}
DECISIONS = [
    {"action": "accept", "check": "duplicates/near", "rows": None, "parameters": {}},
    {"action": "accept", "check": "privacy", "rows": None, "parameters": {}},
    {"action": "ignore", "check": "text/html", "rows": [3], "parameters": {}},
]

# What passed through Arrow has no halves of characters.
_HOSTILE_LABEL = HOSTILE.replace("\ud800", "").replace("https://", "")
CONFUSED = [
    {"expected": "refund", "said": "refund", "items": 41},
    {"expected": "refund", "said": _HOSTILE_LABEL, "items": 7},
]
OBSERVATIONS = [
    Observation(topic="calibration", name=_HOSTILE_LABEL, unit="share", n=900, base=0.02,
                tuned=0.031, delta=0.011, ci=(-0.002, 0.02), verdict="undecided",
                text=_HOSTILE_LABEL, detail=True),
    Observation(topic="divergence", name="general/KL", unit="nats", n=100, base=None, tuned=0.153,
                delta=0.153, ci=(0.118, 0.197)),
    Observation(topic="prompted base", name="domain/answer-choice", unit="share", n=205, base=0.27,
                prompted_base=0.31, tuned=0.49, delta=0.18, ci=(0.1, 0.26), verdict="beats"),
]  # fmt: skip

# The example: a workspace with every step of the loop, made by hand.


def write(
    workspace: Workspace,
    kind: str,
    document: Any,
    *,
    frames: dict[str, pl.DataFrame] | None = None,
    files: dict[str, Any] | None = None,
    made_from: tuple[str, Artifact] | None = None,
    parameters: dict[str, Any] | None = None,
) -> Artifact:
    def build(draft: Draft) -> None:
        write_json(draft.folder / f"{kind}.json", document)
        for name, content in (files or {}).items():
            write_json(draft.folder / name, content)
        for name, frame in (frames or {}).items():
            frame.write_parquet(draft.folder / f"{name}.parquet")
        draft.counts.update({"input": 1500, "kept": 1389} if kind == "clean" else {})

    if made_from is None:
        inputs = [Input(name="source", sha256="5f" * 32, path="support.jsonl")]
    else:
        inputs = [made_from[1].as_input(made_from[0])]
    return produce(workspace, kind, build, inputs=inputs, parameters=parameters or {})


def scores(
    name: str, lost: int, gained: int, right: int, wrong: int, group: str = "general", **more: Any
) -> TaskScores:
    counts = [lost, gained, right, wrong]
    task = TaskScores(
        task=name,
        group=group,
        metric="acc",
        kind="share",
        higher_is_better=True,
        chance=None,
        base=np.repeat([1.0, 0.0, 1.0, 0.0], counts),
        tuned=np.repeat([0.0, 1.0, 1.0, 0.0], counts),
    )
    return replace(task, **more)


def example_scores() -> list[TaskScores]:
    random = np.random.default_rng(2)
    prose = random.normal(2.4, 0.4, 500)
    return [
        scores("domain/answer-choice", 12, 61, 100, 52, "domain", chance=0.25),
        scores("domain/exact-match", 0, 31, 0, 194, "domain", decides=False),
        scores("grammar", 21, 24, 1795, 160, chance=0.5),
        scores("facts", 39, 22, 900, 239, chance=0.25),
        scores("arithmetic", 131, 49, 412, 408),
        scores("patterns", 34, 24, 460, 482),
        scores("story-endings", 120, 118, 190, 572, chance=0.5),
        TaskScores(
            "prose", "general", "nll", "loss", False, None, prose,
            prose * 1.006 + random.normal(0, 0.03, 500),
        ),
    ]  # fmt: skip


def example_measures(rows: int = 200) -> OverfittingMeasures:
    random = np.random.default_rng(4)
    base = [random.normal(2.6, 0.5, rows) for _ in range(3)]
    tuned = [
        losses - gain + random.normal(0, 0.25, rows)
        for losses, gain in zip(base, (1.25, 1.12, 1.1), strict=True)
    ]
    seen = random.normal(0, 1, (4, rows))
    return OverfittingMeasures(
        base[0], tuned[0], base[1], tuned[1], base[2], tuned[2],
        seen[0], seen[0] + 0.5, seen[2], seen[2] + 0.1,
        (random.random(rows) < 0.22).astype(float), (random.random(rows) < 0.19).astype(float),
        tuple(CurvePoint(30 * i, 2.6 - 0.4 * i + 0.04 * i * i, 2.5 - 0.5 * i) for i in range(1, 6)),
    )  # fmt: skip


def example_items(tasks: list[TaskScores]) -> pl.DataFrame:
    frames = []
    for task in tasks:
        n = len(task.base)
        frames.append(
            pl.DataFrame(
                {
                    "task": [task.task] * n,
                    "group": [task.group] * n,
                    "item": [str(i) for i in range(n)],
                    "cluster": pl.Series([None] * n, dtype=pl.String),
                    "metric": [task.metric] * n,
                    "base_score": task.base,
                    "tuned_score": task.tuned,
                    "prompt": [
                        f"{task.task}: how much is {i} + {2 * i}?\nAnswer:" for i in range(n)
                    ],
                    "expected": [f"{3 * i}" for i in range(n)],
                    "base_output": [f"{3 * i}" for i in range(n)],
                    "tuned_output": ["Dear customer, thank you for writing to us."] * n,
                }
            )
        )
    return pl.concat(frames)


def example_log() -> pl.DataFrame:
    steps = range(1, 151)
    return pl.DataFrame(
        {
            "step": list(steps),
            "epoch": [step / 50 for step in steps],
            "train_loss": [1.3 + 1.4 * 0.97**step + 0.05 * (step % 3) for step in steps],
            "val_loss": [1.45 + 1.3 * 0.97**s if s % 15 == 0 else None for s in steps],
        }
    )


def upstream(workspace: Workspace) -> Artifact:
    """Write audit, clean, split and train, and return the last."""
    audit = write(
        workspace,
        "audit",
        {
            "dataset": {"paths": ["support.jsonl"], "format": "jsonl", "kind": "chat",
                        "rows": 1512, "records": 1500, "set_aside": 12, "sha256": "5f" * 32},
            "quality": {"overall": 0.871, "by_dimension": {"duplicates": 0.94}},
            "checks": [{"check": "duplicates/near", "status": "ran"},
                       {"check": "labels/noise", "status": "skipped"}],
            "findings": [
                {"check": "duplicates/near", "severity": "medium", "rows": 74, "share": 0.05,
                 "fix": "drop", "title": "near-duplicates"},
                {"check": "privacy/email", "severity": "high", "rows": 31, "share": 0.02,
                 "fix": "mask", "title": "e-mail addresses"},
            ],
        },
    )  # fmt: skip
    removed = pl.DataFrame(
        {
            "row": list(range(111)),
            "check": ["duplicates/near"] * 80 + ["schema/empty-message"] * 31,
        }
    )
    changed = pl.DataFrame({"row": list(range(300, 331)), "check": ["privacy/email"] * 31})
    clean = write(
        workspace, "clean", {"kept": 1389}, frames={"removed": removed, "changed": changed},
        made_from=("audit", audit), parameters={"decisions": DECISIONS},
    )  # fmt: skip
    split = write(
        workspace,
        "split",
        {
            "counts": {"train": 972, "val": 208, "test": 209},
            "ratios": {part: {"wanted": share} for part, share in PARTS.items()},
            "stratification": {"column": "topic", "max_drift": 0.011}, "seed": 17,
            "certificate": {"exact_across": 0, "near_across": 0, "group_across": 0,
                            "threshold": 0.8, "method": "exact Jaccard"},
        },
        made_from=("clean", clean),
    )  # fmt: skip
    return write(
        workspace,
        "train",
        {
            "steps": 150, "tokens": 181_233, "supervised_tokens": 60_221, "seconds": 74.2,
            "best": {"step": 150, "val_loss": 1.463},
            "final": {"train_loss": 1.3, "val_loss": 1.463}, "kept_step": 150,
        },
        frames={"log": example_log()},
        files={"recipe.json": {"model": "models/base-chat-3m", "method": "lora", "rank": 16,
                               "learning_rate": 2e-4, "epochs": 3.0, "batch_size": 8,
                               "keep": "best", "seed": 17}},
        made_from=("split", split),
    )  # fmt: skip


def example_contamination(tasks: list[TaskScores]) -> dict[str, Any]:
    """Every fifth item of each general task stands in the training rows."""
    told: list[dict[str, Any]] = []
    for task in tasks:
        if task.group != "domain":
            kinds = ["contaminated", "clean", "clean", "uncheckable", "clean"]
            statuses = [kinds[number % 5] for number in range(len(task.base))]
            counts = {kind: statuses.count(kind) for kind in set(kinds)}
            told.append({"task": task.task, "kind": task.kind, **counts,
                         "scores": scores_by_status(task, statuses)})  # fmt: skip
    totals = {
        kind: sum(task[kind] for task in told) for kind in ("clean", "contaminated", "uncheckable")
    }
    return {"rows": {"train": 972, "replay": 50}, "not_searched": [], **totals, "tasks": told}


def make_evaluation(
    workspace: Workspace,
    *,
    tasks: list[TaskScores] | None = None,
    items: pl.DataFrame | None = None,
) -> Artifact:
    tasks = example_scores() if tasks is None else tasks
    document = {
        **judge_tasks(tasks).to_json(),
        "overfitting": judge_overfitting(example_measures()).to_json(),
        "contamination": example_contamination(tasks),
        "observations": [one.to_json() for one in OBSERVATIONS],
        "domain": {"base": {"confusion": CONFUSED}, "tuned": {"confusion": CONFUSED[:1]}},
        "model": "models/base-chat-3m",
        "adapter": "lora-r16",
        "dtype": "float32",
        "device": "cpu",
        "engine": "vllm 0.32.0",
    }
    return write(
        workspace,
        "evaluate",
        document,
        frames={"items": example_items(tasks)},
        made_from=("run", upstream(workspace)),
        parameters={"suites": ["general"], "limit": None, "seed": 17},
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def evaluation(workspace: Workspace) -> Artifact:
    return make_evaluation(workspace)


@pytest.fixture(scope="module")
def document(workspace: Workspace, evaluation: Artifact) -> dict[str, Any]:
    return report_document(workspace, evaluation, ReportSettings())


# Reading the page.

VOID = {"meta", "link", "br", "hr", "img", "input", "col", "area", "base", "embed", "source", "wbr"}


class Page(HTMLParser):
    """Checks that tags nest and close, and remembers them and the text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len({name for name, _ in attrs}) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


def test_the_page_is_whole_and_starts_with_the_verdict(document: dict[str, Any]) -> None:
    page = Page(html_report(document))
    assert "It forgot (arithmetic); the domain improved; no overfitting." in page.text
    assert page.text.index("forgot") < page.text.index("What changed")
    for words in (
        "▼ forgot", "▲ improved", "○ uninformative", "? undecided", "more items would",
        "131 / 49", "domain/answer-choice", "validation rise", "1,512", "set aside",
        "duplicates/near", "near-duplicates across parts 0", "tunewise split", "tunewise evaluate",
        "Dear customer, thank you", "arithmetic: how much is 0 + 0?", "polars",
    ):  # fmt: skip
        assert words in page.text, words


def test_what_was_measured_beside_is_told_in_every_format(document: dict[str, Any]) -> None:
    page = Page(html_report(document)).text
    markdown = markdown_report(document)
    lines = "\n".join(observation_lines(document))
    for text in (page, markdown, lines):
        assert text.index("31.0 % prompted") < text.index("27.0 % plain") < text.index("0.153 nats")
        assert "+18.0" in text
        assert "beats" in text
    assert "What was taken for what" in page
    assert "41" in page
    # Of the calibration the terminal tells only what changed, and counts the others.
    assert "1 more: see" in lines
    older = {key: value for key, value in document.items() if key not in ("observations", "domain")}
    assert "Nothing was measured beside the tasks." in Page(html_report(older)).text
    assert observation_lines(older) == []


def test_the_page_loads_nothing_and_runs_nothing(document: dict[str, Any]) -> None:
    text = html_report(document)
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src", "action", "xlink:href"}:
                assert (value or "").startswith("#")
    assert not re.search(r"url\(|@import|https?://", text)
    policy = next(tag for tag in page.all("meta") if tag.get("http-equiv"))["content"] or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_can_be_read_without_seeing_it(document: dict[str, Any]) -> None:
    page = Page(html_report(document))
    assert next(page.all("html"))["lang"] == "en"
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert all(tag.get("scope") in {"col", "row"} for tag in page.all("th"))
    charts = [tag for tag in page.all("svg") if tag.get("class")]
    assert charts
    for chart in charts:
        assert chart.get("aria-hidden") == "true" or (chart["role"], bool(chart["aria-label"])) == (
            "img", True,
        )  # fmt: skip
    links = {(tag["href"] or "")[1:] for tag in page.all("a")}
    names = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert links <= set(names)
    assert len(set(names)) == len(names)


def test_scores_are_given_on_all_clean_and_contaminated_items(document: dict[str, Any]) -> None:
    found = document["contamination"]
    facts = next(task for task in found["tasks"] if task["task"] == "facts")
    lines = {line["items"]: line for line in facts["scores"]}
    assert sum(lines[kind]["n"] for kind in ("clean", "contaminated", "uncheckable")) == 1200
    shown = f"{100 * lines['clean']['tuned']:.1f} % [{100 * lines['clean']['tuned_ci'][0]:.1f}"
    page, markdown = html_report(document), markdown_report(document)
    for text in (page, markdown.replace("\\", "")):
        assert f"{found['contaminated']:,} of the " in text
        assert "972 training rows and 50 general rows that were mixed in" in text
        assert shown in text
        assert "are uncheckable" in text


@pytest.mark.parametrize("contamination", [None, {}])
def test_a_report_on_an_evaluation_that_searched_nothing_says_so(
    document: dict[str, Any], contamination: Any
) -> None:
    other = {**document, "contamination": contamination}
    for text in (html_report(other), markdown_report(other)):
        assert "the training rows were not searched" in text
    older = {name: value for name, value in document.items() if name != "contamination"}
    assert "the training rows were not searched" in html_report(older)


def test_without_contaminated_items_there_is_no_table(document: dict[str, Any]) -> None:
    found = document["contamination"]
    tasks = [{**task, "contaminated": 0} for task in found["tasks"]]
    clean = {**document, "contamination": {**found, "contaminated": 0, "tasks": tasks}}
    text = markdown_report(clean)
    assert "0 of the " in text
    assert "all items" not in text


def hostile_evaluation(workspace: Workspace) -> Artifact:
    tasks = [
        scores(HOSTILE, 30, 4, 100, 20, chance=0.25),
        scores("x" * 100_000, 3, 4, 100, 20),
        scores('"><svg onload=alert(3)>', 3, 4, 100, 20, metric=HOSTILE, group="g\"'<b>"),
    ]
    # Parquet holds UTF-8 only, so a lone surrogate can come by JSON but never by an item.
    inside = HOSTILE.replace("\ud800", "")
    safe = [replace(task, task=task.task.replace("\ud800", ""),
                    metric=task.metric.replace("\ud800", "")) for task in tasks]  # fmt: skip
    items = example_items(safe).with_columns(
        prompt=pl.lit(inside), base_output=pl.lit("🂡<" * 500_000), tuned_output=pl.lit(inside)
    )
    document = {
        **judge_tasks(safe).to_json(),
        "overfitting": judge_overfitting(example_measures()).to_json(),
        "contamination": {**example_contamination(safe), "not_searched": [inside]},
        "model": f"models/{inside}",
        "adapter": inside,
    }
    return write(workspace, "evaluate", document, frames={"items": items},
                 parameters={"hostile": inside})  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    workspace = Workspace(tmp_path_factory.mktemp("hostile"))
    found = report_document(workspace, hostile_evaluation(workspace), ReportSettings())
    found["headline"] += HOSTILE
    return found


UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def test_hostile_text_is_shown_and_does_nothing(hostile: dict[str, Any]) -> None:
    text = html_report(hostile)
    assert len(text.encode("utf-8")) <= LARGEST_BYTES
    assert not UNSEEN.search(text)
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert not any(name.startswith("on") for _, tag in page.tags for name in tag)
    assert "<script>alert(1)</script>" in page.text
    for shown in ("␛]0;owned␇", "⟨RLO⟩gpj.exe", "a⟨ZWSP⟩b", "⟨U+D800⟩", "{{7*7}}"):
        assert shown in page.text


def test_of_a_loss_the_items_that_changed_most_are_shown(document: dict[str, Any]) -> None:
    (entry,) = [entry for entry in document["items"]["tasks"] if entry["kind"] == "loss"]
    assert entry["task"] == "prose"
    changes = {
        change: [
            item["tuned_score"] - item["base_score"]
            for item in entry["items"]
            if item["change"] == change
        ]
        for change in ("lost", "gained")
    }
    scored = next(task for task in example_scores() if task.task == "prose")
    moved = np.sort(np.asarray(scored.tuned) - np.asarray(scored.base))
    assert changes["lost"] == pytest.approx(moved[::-1][:12].tolist())
    assert changes["gained"] == pytest.approx(moved[:6].tolist())
    assert document["items"]["note"].endswith("and 18 items whose loss changed most")
    task = next(task for task in document["tasks"] if task["task"] == "prose")
    answered = [task for task in document["tasks"] if task["kind"] != "loss"]
    assert document["items"]["changed"] == sum(task["lost"] + task["gained"] for task in answered)
    page = Page(html_report(document)).text
    item = entry["items"][0]
    assert f"{task['metric']} {item['base_score']:.3f} → {item['tuned_score']:.3f}" in page
    assert f"worse {task['lost']:,}" in page.replace("\n", " ")
    only = {**document, "items": {**document["items"], "tasks": [entry], "note": "these"}}
    lines = markdown_report(only)
    assert f"nll: {item['base_score']:.3f} → {item['tuned_score']:.3f}" in lines
    assert "12 items that became worse" in lines


def test_many_large_items_and_tasks_do_not_make_a_large_page(
    document: dict[str, Any], hostile: dict[str, Any]
) -> None:
    item = {
        "change": "lost", "base_score": 1.0, "tuned_score": 0.0, "item": "i" * 80,
        "prompt": '"' * 60_000, "expected": "'" * 9_000, "base_output": "<" * 60_000,
        "tuned_output": "\U000e0041" * 9_000,
    }  # fmt: skip
    task = {**document["items"]["tasks"][0], "items": [item] * 120}
    large = {
        **document,
        "tasks": [{**hostile["tasks"][0], "note": HOSTILE * 4}] * 3_000,
        "items": {"tasks": [task], "shown": 120, "changed": 99_999, "note": "120 of 99,999"},
    }
    text = html_report(large)
    assert len(text.encode("utf-8")) <= LARGEST_BYTES
    words = Page(text).text
    assert "of 99,999 changed items" in words
    assert "more tasks are in report.json" in words


def test_markdown_keeps_hostile_text_in_code(hostile: dict[str, Any]) -> None:
    text = markdown_report(hostile)
    assert not UNSEEN.search(text)
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    for sign in ("<script", "<img", "<svg", "@everyone", "https://", "[bold]"):
        assert sign not in outside, sign
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for before, after in itertools.pairwise(rows):
        if text.index(after) - text.index(before) == len(before) + 1:
            assert bars(before) == bars(after)


def test_what_made_the_free_answers_is_told_in_every_format(document: dict[str, Any]) -> None:
    told = (
        "Free answers of models on this machine were made by vllm 0.32.0, probabilities computed "
        "by tunewise itself (cpu, float32)."
    )
    assert document["engine"] == "vllm 0.32.0"
    assert document["sentences"]["engine"] == told
    assert told in Page(html_report(document)).text
    assert told in markdown_report(document).replace("\\", "")
    for engine, words in (
        ("own", "asked by tunewise itself (cpu, float32): engine own."),
        ("hosted", "those of the models' endpoints."),
        (None, "was not recorded."),
    ):
        assert engine_sentence(document | {"engine": engine}).endswith(words)


def bars(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))


def test_markdown_tells_the_same(document: dict[str, Any]) -> None:
    text = markdown_report(document)
    assert text.startswith("# Forgetting report\n\n**It forgot (arithmetic)")
    for words in ("▼ forgot", "├", "131 / 49", "| `arithmetic` | 1,000 |", "(shown)",
                  "tunewise train", "Dear customer", "1,512 rows read"):  # fmt: skip
        assert words in text, words
    assert len(text) < 60_000


# The step itself.


def test_the_report_is_written_whole_and_reused(workspace: Workspace, evaluation: Artifact) -> None:
    notes: list[Event] = []
    made = report(workspace, evaluation, ReportSettings(), emit=notes.append)
    names = {entry.path for entry in made.manifest.files}
    assert names == {"report.html", "report.md", "report.json", "settings.toml"}
    assert not [note for note in notes if isinstance(note, Note) and note.level == "warning"]
    assert report(workspace, evaluation, ReportSettings()).reused
    assert not report(workspace, evaluation, ReportSettings(fail_on=("forgot",))).reused
    content = (made.folder / "report.json").read_bytes()
    assert content.isascii()
    found = read_json(made.folder / "report.json")
    assert found["schema_version"] == 1
    assert {"tasks", "pools", "overall", "domain_gain", "overfitting", "items", "gate"} <= set(
        found
    )
    assert made.manifest.counts["items_shown"] == found["items"]["shown"]


def test_it_tells_the_same_every_time(workspace: Workspace, evaluation: Artifact) -> None:
    first = report(workspace, evaluation, ReportSettings(), force=True)
    digest = first.manifest.sha256
    assert report(workspace, evaluation, ReportSettings(), force=True).manifest.sha256 == digest


def test_the_steps_before_are_found(document: dict[str, Any]) -> None:
    kinds = [step["kind"] for step in document["lineage"]]
    assert kinds == [
        "audit", "clean", "split", "train", "evaluate",
    ]  # fmt: skip
    data = document["data"]
    assert data["dataset"]["rows"] == 1512
    assert [finding["check"] for finding in data["findings"]] == [
        "privacy/email",
        "duplicates/near",
    ]
    assert data["removed"][0] == {"check": "duplicates/near", "rows": 80}
    assert document["training"]["recipe"]["method"] == "lora"
    assert len([point for point in document["curve"] if point["val_loss"] is not None]) == 10
    ids = {step["kind"]: step["id"] for step in document["lineage"]}
    audit, clean, *others = document["commands"]
    assert audit == "tunewise audit support.jsonl --config settings.toml"
    assert clean == (
        f"tunewise clean {ids['audit']} --yes --config settings.toml  # replays the journal: "
        "accept duplicates/near, accept privacy, ignore text/html on 1 row"
    )
    assert others == [
        f"tunewise split {ids['clean']} --config settings.toml",
        f"tunewise train {ids['split']} --config settings.toml",
        f"tunewise evaluate {ids['train']} --config settings.toml",
        f"tunewise report {ids['evaluate']} --config settings.toml",
    ]


def test_a_moved_workspace_still_finds_its_steps(tmp_path: Path) -> None:
    before = Workspace(tmp_path / "before")
    evaluation = make_evaluation(before)
    before.root.rename(tmp_path / "after")
    after = Workspace(tmp_path / "after")
    moved = Artifact(after.store / "evaluate" / evaluation.id, evaluation.manifest)
    found = report_document(after, moved, ReportSettings())
    assert len(found["lineage"]) == 5
    assert found["problems"] == []


def test_what_is_gone_is_said_and_the_rest_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evaluation = make_evaluation(workspace)
    run = next((workspace.store / "train").glob("[!.]*"))
    run.rename(tmp_path / "elsewhere")
    (evaluation.folder / "items.parquet").unlink()
    notes: list[Event] = []
    made = report(workspace, evaluation, ReportSettings(), emit=notes.append)
    warnings = [note.text for note in notes if isinstance(note, Note) and note.level == "warning"]
    assert warnings == [f"run {run.name}: not found any more"]
    text = Page((made.folder / "report.html").read_text(encoding="utf-8")).text
    for words in ("not found any more", "there is no log", "audit was not found", "items.parquet"):
        assert words in text
    assert "Not available" in (made.folder / "report.md").read_text(encoding="utf-8")


def test_a_step_that_was_made_again_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evaluation = make_evaluation(workspace)
    manifest = next((workspace.store / "train").glob("[!.]*/manifest.json"))
    content = read_json(manifest)
    content["files"][0]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(content))
    problems = report_document(workspace, evaluation, ReportSettings())["problems"]
    assert ["differs" in problem for problem in problems] == [True]


def test_an_evaluation_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evaluation = make_evaluation(workspace)
    (evaluation.folder / "evaluate.json").write_text("{")
    with pytest.raises(DataError, match="evaluation cannot be read"):
        report(workspace, evaluation, ReportSettings())


def test_items_that_cannot_be_read_are_said_to_be(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evaluation = make_evaluation(workspace)
    (evaluation.folder / "items.parquet").write_bytes(b"PAR1 and nothing more")
    items = report_document(workspace, evaluation, ReportSettings())["items"]
    assert "cannot be read" in items["note"]


def test_an_evaluation_without_tasks_still_gives_a_report(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evaluation = make_evaluation(workspace, tasks=[scores("empty", 0, 0, 0, 0)])
    made = report(workspace, evaluation, ReportSettings())
    assert "no items were scored" in Page((made.folder / "report.html").read_text("utf-8")).text
    none = write(workspace, "evaluate", {"tasks": [], "pools": [], "overall": "undecided"})
    assert "No tasks were scored." in html_report(
        report_document(workspace, none, ReportSettings())
    )


# The gate.


@pytest.mark.parametrize(
    ("overall", "overfitting", "fail_on", "undecided", "code"),
    [
        ("held", "none", (), "pass", 0),
        ("forgot", "overfit", (), "fail", 0),
        ("forgot", "none", ("forgot",), "pass", 1),
        ("forgot", "none", ("overfit",), "pass", 0),
        ("held", "overfit", ("forgot", "overfit"), "fail", 1),
        ("undecided", "none", ("forgot",), "pass", 0),
        ("undecided", "none", ("forgot",), "fail", 5),
        ("undecided", "none", ("overfit",), "fail", 0),
        ("held", "undecided", ("forgot", "overfit"), "fail", 5),
        ("undecided", "overfit", ("forgot", "overfit"), "fail", 1),
        ("undecided", "none", (), "fail", 5),
    ],
)
def test_the_gate_stops_on_what_it_was_told(
    overall: str, overfitting: str, fail_on: tuple[str, ...], undecided: str, code: int
) -> None:
    document = {"overall": overall, "overfitting": {"verdict": overfitting}}
    assert gate(document, fail_on, undecided) is ExitCode(code)


def test_a_missing_verdict_counts_as_undecided() -> None:
    assert gate({}, ("forgot",), "fail") is ExitCode.UNDECIDED
    assert gate({}, ("forgot",), "pass") is ExitCode.PASSED
