"""Rules of the settings and checks of packages: the examples of docs/custom_checks.md, run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.schemas.flat_records import FLAT_COLUMNS, flat_records
from tunewise.curate.settings import AuditSettings, RuleSettings
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.files import read_json

ROWS = [
    {"messages": [{"role": "user", "content": "How much?"},
                  {"role": "assistant", "content": "Ten."}],
     "topic": "billing", "agent": "Ann", "price": 12.5},
    {"messages": [{"role": "user", "content": "When do you open?"},
                  {"role": "assistant", "content": "At nine."}],
     "topic": "hours", "agent": "Bob", "price": 500},
    {"messages": [{"role": "system", "content": "Be kind."},
                  {"role": "user", "content": "How much is it in all?"},
                  {"role": "assistant", "content": "CALL US ABOUT THE PRICE"}],
     "topic": "billing", "agent": ""},
]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).parents[2] / "docs" / "custom_checks.md").read_text(encoding="utf-8")


def block(page: str, beginning: str) -> str:
    return next(text for text in re.findall(r"```\w+\n(.*?)```", page, re.DOTALL)
                if text.startswith(beginning))  # fmt: skip


def hits(source: Path, *rules: RuleSettings) -> list[tuple]:
    settings = AuditSettings(checks=("custom",), rules=rules)
    found = audit(Workspace(source.parent), [source], settings)
    frame = pl.read_parquet(found.folder / "findings.parquet")
    return frame.select("check", "row", "field").rows()


def test_the_rules_of_the_page(source: Path, page: str) -> None:
    rules = tomllib.loads(block(page, "[[audit.rules]]"))["audit"]["rules"]
    assert hits(source, *(RuleSettings(**rule) for rule in rules)) == [
        ("custom/short-billing-answer", 0, "messages[1].content"),
        ("custom/no-agent", 2, None),
    ]


def test_fields_of_the_rows_and_numbers(source: Path) -> None:
    rule = RuleSettings(name="dear", where="CAST(price AS DOUBLE) > 100", message="dear")
    assert hits(source, rule) == [("custom/dear", 1, None)]


def test_the_page_tells_all_columns(page: str) -> None:
    table = page[page.index("| column") : page.index("Every other name")]
    assert set(re.findall(r"`(\w+)`", table)) == set(FLAT_COLUMNS)


def test_flat_records_hold_what_is_said_of_them(source: Path) -> None:
    flat = flat_records(read_dataset(source).records, ["agent"])
    assert flat.select(*FLAT_COLUMNS).columns == list(FLAT_COLUMNS)
    last = flat.row(2, named=True)
    assert (last["system"], last["prompt"], last["words"], last["messages"], last["agent"]) == (
        "Be kind.", "How much is it in all?", 13, 3, ""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"where": "LENGTH(answer <"}, "no SQL expression"),
        ({"where": "DROP TABLE rows"}, "no SQL expression"),
        ({"where": "true", "field": "anser"}, "answer"),
    ],
)
def test_a_faulty_rule_is_an_error(source: Path, rule: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        hits(source, RuleSettings(name="faulty", message="m", **rule))


def test_two_rules_of_one_name(source: Path) -> None:
    rule = RuleSettings(name="twice", where="true", message="m")
    with pytest.raises(UsageError, match="two rules are called"):
        hits(source, rule, rule)


def test_an_expression_that_fails_on_the_data_is_told(source: Path) -> None:
    rule = RuleSettings(name="wrong", where="label + 1 > 3", message="m")
    settings = AuditSettings(checks=("custom",), rules=(rule,))
    found = audit(Workspace(source.parent), [source], settings)
    (check,) = read_json(found.folder / "audit.json")["checks"]
    assert check["status"] == "failed"


@pytest.fixture
def package(tmp_path: Path, page: str) -> Path:
    """The package of the page, installed as pip would leave it."""
    site = tmp_path / "site"
    metadata = site / "shop_checks-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "shop_checks.py").write_text(block(page, "# shop_checks.py"))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-checks\nVersion: 1.0\n")
    entry = tomllib.loads(block(page, "# its pyproject"))["project"]["entry-points"]
    lines = [f"{name} = {value}" for name, value in entry["tunewise.checks"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[tunewise.checks]", *lines]) + "\n")
    return site


def run(source: Path, package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tunewise.cli", *arguments, "--workspace", str(source.parent)],
        env={"PYTHONPATH": str(package), "PATH": "", "HOME": str(source.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_of_the_page(source: Path, package: Path) -> None:
    done = run(source, package, "audit", str(source), "--checks", "custom", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)["findings"]
    assert (line["check"], line["rows"], line["fix"]) == ("custom/shouting", 1, "review")


def test_a_package_that_cannot_be_loaded_is_an_error(source: Path, package: Path) -> None:
    (package / "shop_checks.py").write_text("raise RuntimeError('out of luck')")
    done = run(source, package, "audit", str(source))
    assert done.returncode == 2
    assert "out of luck" in done.stderr
    assert "shouting" in done.stderr
