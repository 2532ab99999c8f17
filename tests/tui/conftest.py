"""A finished workspace made by hand, by the contracts between the rooms; nothing is computed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest
from textual.pilot import Pilot

from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.records import RECORD_SCHEMA, SET_ASIDE_SCHEMA
from tunewise.tui.app import TunewiseApp
from tunewise.tui.places.records_place import RecordsPlace
from tunewise.workspace.artifact import Draft, Workspace, produce
from tunewise.workspace.events import Event, to_json_line
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input

HOSTILE = (
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m [/bold] [red [link=x]y[/] \u202eevil\u202c "
    "漢字かな交じり文 👩‍👩‍👧 e\u0301 \u200b\ufeff\t\r\n second line \x9b2J"
)
SUBJECTS = ("refund", "order", "tuning", "warranty", "strings")


def message(role: str, content: str | None) -> dict[str, Any]:
    return {
        "role": role,
        "content": content,
        "name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "weight": None,
    }


def record(row: int, question: str, answer: str, label: str) -> dict[str, Any]:
    return {
        "row": row,
        "id": f"r{row}",
        "kind": "chat",
        "messages": [message("user", question), message("assistant", answer)],
        "chosen": None,
        "rejected": None,
        "label": label,
        "group": None,
        "source": None,
        "extra": "{}",
    }


def make_records() -> pl.DataFrame:
    """120 rows; 7 is set aside, 10 and 11 are near-duplicates, 20 is hostile, 21 is very long."""
    rows = []
    for row in range(120):
        subject = SUBJECTS[row % 5]
        question = f"Question {row}: how do I get help with my {subject}? I paid on {row} May."
        answer = f"Dear customer, for {subject} number {row} please write to us."
        rows.append(record(row, question, answer, subject))
    rows[3] = record(3, "My address is ana@example.com, please write.", "We will.", "order")
    rows[10] = record(
        10, "How do I get a refund for order 4471? I paid by card on 3 May.", "Easily.", "refund"
    )
    rows[11] = record(
        11, "How can I get a refund for order 9012? I paid by card on 3 May.", "Easily.", "refund"
    )
    rows[20] = record(20, HOSTILE, HOSTILE, HOSTILE)
    rows[21] = record(21, "word " * 200_000, "漢" * 1000, "order")
    del rows[7]
    return pl.DataFrame(rows, schema=RECORD_SCHEMA)


def finding(check: str, severity: str, row: int | None, **values: Any) -> dict[str, Any]:
    given = {"check": check, "severity": severity, "row": row, "message": check, "fix": "review"}
    return dict.fromkeys(FINDING_SCHEMA) | given | values


def make_findings() -> pl.DataFrame:
    rows = [
        finding(
            "privacy/email", "high", 3, field="messages[0].content", start=14, end=29,
            message="an e-mail address", fix="mask",
        ),
        finding(
            "schema/malformed-row", "high", 7, message="Expecting value at column 1", fix="drop"
        ),
        finding(
            "duplicates/near", "medium", 10, related_row=11, score=0.86, cluster=0,
            message="like row 11", fix="drop",
        ),
        finding(
            "duplicates/near", "medium", 12, related_row=13, score=0.81, cluster=1,
            message="like row 13", fix="drop",
        ),
        finding(
            "duplicates/near", "medium", 14, related_row=13, score=0.80, cluster=1,
            message="like row 13", fix="drop",
        ),
        finding(
            "text/control-characters", "low", 20, field="messages[0].content", start=0, end=10,
            message=HOSTILE, related=HOSTILE, fix="repair",
        ),
        finding("balance/label", "info", None, message="refund is 1.2 times as frequent"),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FINDING_SCHEMA)


def make_set_aside(source: Path) -> pl.DataFrame:
    row = {
        "row": 7, "path": str(source), "line": 8, "offset": 812,
        "reason": "not JSON: Expecting value at column 1", "raw": b"\x1b]0;x\x07{oops \xff",
    }  # fmt: skip
    return pl.DataFrame([row], schema=SET_ASIDE_SCHEMA)


def audit_document(source: Path) -> dict[str, Any]:
    groups = [
        ("privacy/email", "high", 1, "mask", "e-mail addresses"),
        ("schema/malformed-row", "high", 1, "drop", "rows that cannot be read"),
        ("duplicates/near", "medium", 3, "drop", "near-duplicates"),
        ("text/control-characters", "low", 1, "repair", "control characters"),
        ("balance/label", "info", 0, "none", "label balance"),
    ]
    return {
        "dataset": {
            "paths": [str(source)], "format": "jsonl", "kind": "chat", "rows": 120,
            "records": 119, "set_aside": 1, "sha256": "0" * 64,
        },
        "quality": {
            "overall": 0.958, "if_fixed": 0.99,
            "by_dimension": {
                "schema": 0.992, "duplicates": 0.745, "privacy": 0.53, "text": 1.0,
                "contamination": None,
            },
        },
        "checks": [
            *(
                {"check": check, "dimension": check.split("/")[0], "status": "ran", "reason": "",
                 "seconds": 0.1, "findings": rows, "rows": rows}
                for check, _, rows, _, _ in groups
            ),
            {"check": "labels/noise", "dimension": "labels", "status": "skipped",
             "reason": "no labels", "seconds": 0.0, "findings": 0, "rows": 0},
        ],
        "findings": [
            {"check": check, "severity": severity, "rows": rows, "share": rows / 120,
             "fix": fix, "title": title}
            for check, severity, rows, fix, title in groups
        ],
        "profile": {
            "length": {
                "unit": "tokens",
                "histogram": [
                    {"from": 64 * i, "to": 64 * (i + 1), "records": n}
                    for i, n in enumerate((3, 14, 30, 41, 18, 7, 4, 1, 0, 0, 0, 1))
                ],
                "p50": 221, "p95": 420, "max": 760, "context": 512, "over_context": 6,
            },
            "roles_ok": 0.999,
            "labels": [
                {"value": HOSTILE if n == 2 else name, "records": 24, "share": share}
                for n, (name, share) in enumerate(
                    zip(SUBJECTS, (0.31, 0.25, 0.2, 0.14, 0.1), strict=True)
                )
            ],
            "sources": [], "groups": [],
        },
    }  # fmt: skip


def task(name: str, group: str, delta: float, half: float, verdict: str, **more: Any) -> dict:
    values = {
        "task": name, "group": group, "metric": "acc", "kind": "share", "n": 1000,
        "clusters": None, "base": 0.6, "tuned": 0.6 + delta, "delta": delta,
        "ci": [delta - half, delta + half], "lower": delta - half, "p": 0.01,
        "p_adjusted": 0.02, "test": "mcnemar", "lost": 30, "gained": 10, "verdict": verdict,
        "needs": None, "needs_for": None, "margin": 0.02, "chance": 0.25,
        "base_above_chance_p": 0.0, "retention": 0.98, "retention_ci": [0.9, 1.0],
        "decides": True, "note": "",
    }  # fmt: skip
    return values | more


def evaluation_document() -> dict[str, Any]:
    return {
        "model": "base-chat-3m", "adapter": "lora-r16", "overall": "forgot",
        "domain_gain": "improved", "overfitting": {
            "verdict": "none",
            "signals": [
                {"name": "loss gap", "value": 0.04, "ci": [0.01, 0.07], "threshold": 0.2,
                 "verdict": "none", "decides": True,
                 "text": "the loss fell by 0.90 nats per token on 84 training rows and by 0.86 "
                 "on 35 rows never shown"},
            ],
        },
        "tasks": [
            task("our-domain", "domain", 0.145, 0.032, "improved"),
            task("grammar", "general", 0.003, 0.009, "held"),
            task("facts", "general", -0.031, 0.027, "undecided", needs=410, needs_for="held"),
            task("arithmetic", "general", -0.062, 0.027, "forgot"),
        ],
        "pools": [
            {"group": "general", "n": 3000, "tasks": 3, "delta": -0.03, "ci": [-0.045, -0.015],
             "lower": -0.042, "p": 0.001, "margin": 0.02, "verdict": "forgot",
             "overall": "forgot", "forgot": ["arithmetic"], "undecided": ["facts"],
             "uninformative": [], "note": ""},
        ],
    }  # fmt: skip


def make_items() -> pl.DataFrame:
    rows = []
    for number in range(40):
        base, tuned = (1.0, 0.0) if number % 3 else (0.0, 1.0)
        if number % 5 == 0:
            tuned = base
        rows.append(
            {
                "task": "arithmetic" if number % 2 else "facts", "group": "general",
                "item": str(number), "cluster": None, "metric": "acc", "base_score": base,
                "tuned_score": tuned, "prompt": f"What is {number} + {number}?",
                "expected": str(2 * number), "base_output": str(2 * number),
                "tuned_output": "Dear customer, please write to us.",
            }
        )  # fmt: skip
    rows[4] |= {"prompt": HOSTILE, "base_output": HOSTILE, "tuned_output": "x" * 1_000_000}
    return pl.DataFrame(rows, schema_overrides={"cluster": pl.String})


def make_log() -> pl.DataFrame:
    steps = range(1, 61)
    return pl.DataFrame(
        {
            "step": list(steps),
            "train_loss": [3.0 * 0.96**step + 0.4 for step in steps],
            "val_loss": [3.0 * 0.965**step + 0.6 if step % 10 == 0 else None for step in steps],
        }
    )


def make_artifact(
    workspace: Workspace,
    kind: str,
    document: Any,
    frames: dict[str, pl.DataFrame] | None = None,
    *,
    version: int = 1,
) -> Path:
    """Write an artifact of a kind by the contract: its document, its frames, its manifest."""

    def build(draft: Draft) -> None:
        write_json(draft.folder / f"{kind}.json", document)
        for name, frame in (frames or {}).items():
            frame.write_parquet(draft.folder / f"{name}.parquet")

    source = Input(name="source", sha256="0" * 64)
    artifact = produce(workspace, kind, build, inputs=[source], parameters={"version": version})
    return artifact.folder


def write_audit(workspace: Workspace, *, version: int = 1) -> Path:
    source = workspace.root / "support.jsonl"
    frames = {
        "records": make_records(),
        "findings": make_findings(),
        "set_aside": make_set_aside(source),
    }
    return make_artifact(workspace, "audit", audit_document(source), frames, version=version)


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every step has been done, made once."""
    root = tmp_path_factory.mktemp("finished")
    workspace = Workspace(root)
    (root / "support.jsonl").write_text("x" * 81_234)
    write_audit(workspace)
    split = {
        "counts": {"train": 84, "val": 18, "test": 17}, "ratios": [0.7, 0.15, 0.15],
        "stratification": {"column": "label", "max_drift": 0.004}, "seed": 17,
        "certificate": {"exact_across": 0, "near_across": 0, "group_across": 0,
                        "threshold": 0.8, "method": "exact Jaccard"},
        "by_label": [{"value": name, "train": 0.2, "val": 0.21, "test": None} for name in SUBJECTS],
    }  # fmt: skip
    make_artifact(workspace, "split", split)
    train = {
        "steps": 60, "tokens": 12_345, "supervised_tokens": 6_789, "seconds": 93.4,
        "rows": {"train": {"rows": 84, "used": 82, "refused": 2, "truncated": 1}},
        "warnings": ["1 row longer than 512 tokens cut off"],
        "examples": [f"row 3, learns 2 of 9 tokens: <|user|>{HOSTILE}<|assistant|>⟦We will.⟧"],
        "best": {"step": 50, "val_loss": 1.1}, "final": {"train_loss": 0.7, "val_loss": 1.2},
    }  # fmt: skip
    make_artifact(workspace, "train", train, {"log": make_log()})
    make_artifact(workspace, "evaluate", evaluation_document(), {"items": make_items()})
    return root


@pytest.fixture
def workspace(finished_folder: Path, tmp_path: Path) -> Workspace:
    """A copy of the finished workspace that a test may change."""
    root = tmp_path / "project"
    shutil.copytree(finished_folder, root)
    # The audit names its source by an absolute path; let it be the copy's.
    for path in (root / ".tunewise" / "audit").glob("*/audit.json"):
        document = json.loads(path.read_text())
        document["dataset"]["paths"] = [str(root / "support.jsonl")]
        path.write_text(json.dumps(document))
    return Workspace(root)


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Workspace:
    """A workspace in which nothing has been done."""
    root = tmp_path / "empty"
    root.mkdir()
    return Workspace(root)


@pytest.fixture
def add_audit() -> Callable[..., Path]:
    """Write one more audit, as another terminal would."""
    return write_audit


@pytest.fixture
def write_artifact() -> Callable[..., Path]:
    """Write an artifact with a document."""
    return make_artifact


@pytest.fixture
def hostile() -> str:
    """Text that would retitle, recolour, reorder or break a careless terminal app."""
    return HOSTILE


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the person's own list of recent files."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TUNEWISE_ASCII", raising=False)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a record as soon as the cursor is on it."""
    monkeypatch.setattr(RecordsPlace, "read_after_seconds", 0.001)


@pytest.fixture
def make_app(workspace: Workspace) -> Callable[..., TunewiseApp]:
    """Make an app on the finished workspace that looks for changes only when asked to."""

    def make(place: str = "data", poll_seconds: float = 3600, **values: Any) -> TunewiseApp:
        root = values.pop("workspace", workspace)
        return TunewiseApp(root, place=place, poll_seconds=poll_seconds, **values)

    return make


def shown_text(app: Any) -> str:
    """Return what the terminal shows, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@pytest.fixture
def screen_text() -> Callable[[Any], str]:
    """Return what the terminal shows."""
    return shown_text


@pytest.fixture
def see() -> Callable[..., Awaitable[str]]:
    """Wait until the terminal shows some texts, and return all it shows."""

    async def wait(pilot: Pilot, *texts: str, gone: str = "") -> str:
        shown = ""
        for _ in range(80):
            await pilot.pause()
            shown = shown_text(pilot.app)
            if all(text in shown for text in texts) and (not gone or gone not in shown):
                return shown
            await pilot.app.workers.wait_for_complete()
        raise AssertionError(f"never saw {texts} (without {gone!r}) in:\n{shown}")

    return wait


@pytest.fixture
def add_job(workspace: Workspace) -> Callable[..., Path]:
    """Leave a job's folder behind as a child process would; alive means that this process is it."""

    def add(arguments: tuple[str, ...], events: list[Event], *, alive: bool, log: str = "") -> Path:
        number = len(list((workspace.store / "jobs").glob("*")))
        folder = workspace.store / "jobs" / f"20260101-00000{number}-{arguments[0]}-abcd"
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text("".join(to_json_line(e) + "\n" for e in events))
        (folder / "log.txt").write_text(log)
        created = psutil.Process().create_time()
        document = {
            "id": folder.name, "folder": str(folder), "arguments": list(arguments),
            "process": os.getpid(), "created": created if alive else 0.0, "started": 0.0,
        }  # fmt: skip
        write_json(folder / "job.json", document)
        return folder

    return add


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the app starts, none of which is run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(
        "tunewise.tui.app.start_job", lambda workspace, arguments: commands.append(arguments)
    )
    return commands
