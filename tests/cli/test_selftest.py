"""`tunewise selftest` through its front door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.cli.selftest import summary
from tunewise.workspace.errors import ExitCode

SUBJECTS = ("bread", "boats", "clocks", "bees", "maps", "rivers", "violins", "snow", "salt", "ink")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selftest")
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"How do people keep {subject} in year {number}?"},
                {"role": "assistant", "content": f"They keep {subject} dry for {number} days."},
            ]
        }
        for number in range(8)
        for subject in SUBJECTS
    ]
    (folder / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def selftest(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        tunewise,
        ["selftest", str(folder / "chats.jsonl"), "--workspace", str(folder), "--quiet",
         "--per-check", "4", "--trials", "1", *arguments],
    )  # fmt: skip


def test_json_has_everything_about_each_check(folder: Path) -> None:
    result = selftest(folder, "--checks", "privacy/iban,schema/malformed-row", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert document["command"] == "selftest"
    assert document["dataset"]["rows"] == 80
    assert document["dataset"]["used"] == 68
    checks = {item["check"]: item for item in document["checks"]}
    assert set(checks) == {"privacy/iban", "schema/malformed-row"}
    for item in checks.values():
        assert item["status"] == "tested"
        assert item["found"] <= item["planted"]
        low, high = item["recall"]["interval"]
        assert 0 <= low <= item["recall"]["value"] <= high + 1e-9 <= 1 + 1e-9
        assert {"false", "alike", "alike_reported", "precision", "target", "met", "kinds",
                "misses", "false_alarms"} <= set(item)  # fmt: skip
    artifact = Path(document["artifact"])
    assert artifact.parent == folder / ".tunewise" / "selftest"
    assert (artifact / "outcomes.parquet").is_file()


def test_the_summary_names_every_check_once(folder: Path) -> None:
    result = selftest(folder, "--checks", "privacy/iban,labels,balance/label,schema/equal-pair")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert sum("privacy/iban" in line and "[" in line for line in lines) == 1
    for name in ("labels/conflict", "balance/label", "schema/equal-pair"):
        (line,) = (line for line in lines if name in line)
        status, _, said = line.strip().partition(": ")
        assert status in ("skipped", "not applicable")
        assert said.partition(": ")[2], "why it was not tested"
    assert any(line.startswith("1 check reached the target; under it: none") for line in lines)
    assert any("could not be tried" in line for line in lines)


def test_what_is_under_its_target_is_named_with_its_figures() -> None:
    def share(value: float) -> dict[str, object]:
        return {"value": value, "interval": [0.0, 1.0]}

    def item(check: str, met: bool | None, **more: object) -> dict[str, object]:
        return {
            "check": check, "status": "tested", "reason": "", "planted": 40, "found": 34,
            "false": 6, "alike": 9, "alike_reported": 2, "recall": share(0.85),
            "precision": share(0.85), "target": 0.9, "met": met, "misses": [],
            "false_alarms": [],
        } | more  # fmt: skip

    document = {
        "dataset": {"paths": ["a.jsonl"], "shape": "chat", "used": 10, "rows": 12},
        "rounds": 1, "trials": 0, "id": "x", "artifact": "y",
        "checks": [
            item("text/html", False),
            item("text/length", False, found=0, recall=share(0.0), precision=None, false=0),
            item("privacy/iban", True, recall=share(1.0), precision=share(1.0)),
            item("balance/label", None, status="skipped", reason="no labels", false=0),
            item("balance/source", None, status="skipped", reason="no labels", false=1),
        ],
    }  # fmt: skip
    lines = summary(document).splitlines()
    assert (
        "1 check reached the target; under it: text/html (recall 85.0 % of 40; precision 85.0 % of "
        "40), text/length (recall 0.0 % of 40)"
    ) in lines
    assert lines[lines.index("2 checks could not be tried:") + 1] == (
        "  skipped: balance/label, balance/source (1 false alarm): no labels"
    )


def test_a_gate_closes_where_a_check_stays_below(folder: Path) -> None:
    checks = ("--checks", "schema/malformed-row,duplicates/exact")
    assert selftest(folder, *checks, "--fail-under", "0.9/0.9").exit_code == 0
    closed = selftest(folder, "--checks", "text/refusal", "--fail-under", "1/1", "--seed", "2")
    document = json.loads(
        selftest(folder, "--checks", "text/refusal", "--seed", "2", "--json").stdout
    )
    (refusal,) = document["checks"]
    is_perfect = refusal["recall"]["value"] == 1 and refusal["precision"]["value"] == 1
    assert closed.exit_code == (0 if is_perfect else ExitCode.GATE_FAILED)


@pytest.mark.parametrize("shares", ["0.9", "high/low", "2/1", "0.9/0.9/0.9", "-1/0"])
def test_shares_that_are_none_are_a_usage_error(folder: Path, shares: str) -> None:
    assert selftest(folder, "--fail-under", shares).exit_code == ExitCode.USAGE


def test_the_data_of_an_unknown_file_and_check_are_named(folder: Path) -> None:
    assert selftest(folder, "--checks", "privacy/ibann").exit_code == ExitCode.USAGE
    missing = CliRunner().invoke(
        tunewise, ["selftest", str(folder / "none.jsonl"), "--workspace", str(folder)]
    )
    assert missing.exit_code == ExitCode.UNREADABLE_DATA
