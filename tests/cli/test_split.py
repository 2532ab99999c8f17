"""`tunewise split`: its ways, the check of anybody's files, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.evaluate.reporting.facts import commands, recorded_settings
from tunewise.evaluate.settings import ReportSettings
from tunewise.workspace.artifact import Workspace, resolve_artifact
from tunewise.workspace.config import settings_text
from tunewise.workspace.lineage import Lineage, Step


def words(chance: random.Random, count: int) -> str:
    return " ".join(f"w{chance.randrange(4000)}" for _ in range(count))


def rows_of(count: int, seed: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {"prompt": words(chance, 9), "completion": words(chance, 60), "topic": f"t{n % 3}",
         "at": f"2024-01-{1 + n % 28:02d}"}
        for n in range(count)
    ]  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(tunewise, ["split", *arguments, "--workspace", str(folder)])


def document(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = run(folder, *arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_several_files_are_one_source_and_can_be_split_again(tmp_path: Path) -> None:
    rows = rows_of(60)
    files = [write(tmp_path / f"{n}.jsonl", rows[n::2]) for n in range(2)]
    first = document(tmp_path, *files, "--stratify", "topic", "--stratify", "length")
    assert sum(first["counts"].values()) == 60
    assert first["stratification"]["column"] == "topic, length"
    manifest = json.loads((Path(first["artifact"]) / "manifest.json").read_text("utf-8"))
    paths = manifest["inputs"][0]["path"].splitlines()
    assert paths == files
    again = document(tmp_path, *paths, "--stratify", "topic", "--stratify", "length")
    assert again["reused"]


def test_the_summary_tells_shares_drift_and_what_was_not_seen(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", rows_of(60))
    shown = run(tmp_path, file, "--stratify", "topic", "--ratios", "80/0/20").stdout
    assert "train    48  80.0 %  80.0 %" in shown
    assert "stratified by topic (3 values): largest drift" in shown
    assert "certificate: across parts exact 0, normalised 0, near 0, prompt 0, group 0" in shown
    assert "not seen: rewording" in shown


def test_each_way_has_its_line(tmp_path: Path) -> None:
    rows = rows_of(90)
    file, gold = write(tmp_path / "a.jsonl", rows), write(tmp_path / "gold.jsonl", rows[:9])
    assert "by at: val from 2024-01-" in run(tmp_path, file, "--by-time", "at").stdout
    kept = run(tmp_path, file, "--keep-test", gold).stdout
    assert "9 rows left out of every part (exact 9): left_out.jsonl" in kept
    assert "ood: topic = t1" in run(tmp_path, file, "--out-of-domain", "topic=t1").stdout
    grown = write(tmp_path / "b.jsonl", [*rows, *rows_of(30, seed=1)])
    against = run(tmp_path, grown, "--against", "latest").stdout
    assert "rows stayed" in against
    several = run(tmp_path, file, "--leave-out", "topic").stdout
    assert several.startswith("3 splits, each with its own certificate")
    found = document(tmp_path, file, "--folds", "3")
    assert [split["fold"]["number"] for split in found["splits"]] == [1, 2, 3]
    assert found["artifact"] == found["splits"][-1]["artifact"]
    one = document(tmp_path, file, "--folds", "3", "--fold", "2")
    assert one["id"] == found["splits"][1]["id"]


def test_leaks_between_files_are_found_shown_and_end_with_1(tmp_path: Path) -> None:
    rows = rows_of(40)
    near = {**rows[3], "completion": rows[3]["completion"] + " indeed"}
    train = write(tmp_path / "train.jsonl", rows[:30])
    test = write(tmp_path / "test.jsonl", [*rows[30:], rows[2], near])
    found = document(tmp_path, "--check", train, test, code=1)
    assert found["leaks"] is True
    assert found["certificate"]["exact_across"] == 1
    assert found["certificate"]["near_across"] == 1
    assert found["certificate"]["rows"] == {train: 30, test: 12}
    near_pair = next(pair for pair in found["crossings"] if pair["by"] == "near")
    assert (near_pair["left_row"], near_pair["right_row"]) == (3, 11)
    assert found["crossings_left_out"] == 0
    shown = run(tmp_path, "--check", train, test)
    assert shown.exit_code == 1
    assert "train.jsonl row 3: w" in shown.stdout
    assert "leaks found" in shown.stdout
    grouped = run(tmp_path, "--check", train, test, "--group", "topic", "--json")
    assert json.loads(grouped.stdout)["certificate"]["group_across"] == 3


def test_files_without_leaks_pass(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", rows_of(30))
    test = write(tmp_path / "test.jsonl", rows_of(9, seed=5))
    shown = run(tmp_path, "--check", train, test)
    assert shown.exit_code == 0
    assert "no leak found" in shown.stdout
    assert not (tmp_path / ".tunewise").exists()


def test_a_split_can_be_checked_again(tmp_path: Path) -> None:
    made = document(tmp_path, write(tmp_path / "a.jsonl", rows_of(60)))
    assert document(tmp_path, "--check", made["id"])["leaks"] is False
    folder = Path(made["artifact"])
    first = (folder / "train.jsonl").read_text("utf-8").splitlines()[0]
    with (folder / "test.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(first + "\n")
    found = document(tmp_path, "--check", "latest", code=1)
    assert found["certificate"]["exact_across"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--check"], 2, "name two files or more"),
        (["--check", "{file}"], 2, "name two files or more"),
        (["--check", "{file}", "{file}"], 2, "named twice"),
        (["--check", "{file}", "{file}.none"], 3, "no such file"),
        (["{file}", "--by-time", "topik"], 2, "did you mean 'topic'"),
        (["{file}", "--by-time", "topic"], 2, "ISO 8601"),
        (["{file}", "--by-time", "at", "--folds", "3"], 2, "exclude each other"),
        (["{file}", "--folds", "1"], 2, "greater than or equal to 2"),
        (["{file}", "--fold", "1"], 2, "folds is not given"),
        (["{file}", "--leave-out", "topic=t9"], 2, "no row has topic=t9"),
        (["{file}", "--leave-out", "prompt"], 2, "no record has a field"),
        (["{file}", "--out-of-domain", "topic=x"], 2, "it is one of: "),
        (["{file}", "--keep-test", "{file}.none"], 3, "no such file"),
        (["{file}", "--against", "nonsense"], 2, "neither a path nor an id"),
        (["{file}", "--ratios", "100/0/0"], 2, "not both"),
        (["{file}", "--threshold", "0"], 2, "greater than 0"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_way_out(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    file = write(tmp_path / "a.jsonl", rows_of(30))
    result = run(tmp_path, *(text.format(file=file) for text in arguments))
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert not list((tmp_path / ".tunewise" / "split").glob("[!.]*"))


def test_hostile_values_stay_text(tmp_path: Path) -> None:
    evil = ["\x1b[2J\x1b[31mred", "a=b", "../../etc", "[bold]x[/bold]"]
    rows = [{**row, "topic": evil[n % 4]} for n, row in enumerate(rows_of(80))]
    file = write(tmp_path / "a.jsonl", rows)
    shown = run(tmp_path, file, "--leave-out", "topic")
    assert shown.exit_code == 0, shown.output
    assert "\x1b" not in shown.stdout + shown.stderr
    for value in evil:
        found = document(tmp_path, file, "--out-of-domain", f"topic={value}")
        assert found["counts"]["ood"] == 20
    other = write(tmp_path / "\x1b[31mb.jsonl", rows[:3])
    checked = run(tmp_path, "--check", file, other)
    assert checked.exit_code == 1
    assert "\x1b" not in checked.stdout + checked.stderr


def test_the_settings_file_has_the_same_keys(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", rows_of(60))
    write(tmp_path / "gold.jsonl", rows_of(6, seed=2))
    (tmp_path / "tunewise.toml").write_text(
        '[data]\npaths = ["a.jsonl"]\n[split]\nkeep_test = "gold.jsonl"\nstratify = "topic"\n'
        'ratios = "80/20/0"\n',
        "utf-8",
    )
    found = document(tmp_path)
    assert found["counts"] == {"train": 48, "val": 12, "test": 6}


def test_a_report_repeats_the_split_of_files_as_they_are(tmp_path: Path) -> None:
    rows = rows_of(60)
    files = [write(tmp_path / f"{n}.jsonl", rows[n::2]) for n in range(2)]
    gold = write(tmp_path / "gold.jsonl", rows_of(6, seed=2))
    made = document(tmp_path, *files, "--keep-test", gold, "--stratify", "topic")
    split = resolve_artifact(Workspace(tmp_path), "split", made["id"])
    lineage = Lineage((Step(split, made),))
    line, *_ = commands(lineage, "settings.toml")
    assert line == f"tunewise split {files[0]} {files[1]} --config settings.toml"
    recorded = recorded_settings(lineage, ReportSettings())
    (tmp_path / "settings.toml").write_text(settings_text(recorded), "utf-8")
    again = document(tmp_path, *files, "--config", str(tmp_path / "settings.toml"))
    assert again["reused"]
    assert again["id"] == made["id"]


def test_a_preview_tells_what_the_split_will_be_and_writes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", rows_of(60))
    wanted = (source, "--stratify", "topic", "--out-of-domain", "topic=t2")
    (shown,) = document(tmp_path, *wanted, "--preview")["splits"]
    assert not (tmp_path / ".tunewise" / "split").exists()
    assert shown["certificate"] is None
    made = document(tmp_path, *wanted)
    assert shown["counts"] == made["counts"]
    assert shown["by_label"] == made["by_label"]
    assert len(document(tmp_path, source, "--folds", "3", "--preview")["splits"]) == 3
    assert "nothing was written" in run(tmp_path, source, "--preview").output
