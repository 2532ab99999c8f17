"""`tunewise clean` as a person or a program calls it: by hand, looked at, taken back, verified."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.workspace.files import sha256_of_file

LONG = " ".join(f"word{number}" for number in range(40))


def row(number: int, text: str, label: str = "a") -> dict[str, Any]:
    return {"text": text, "label": label, "n": number}


ROWS: list[Any] = [
    row(0, "Write to anna.berg@mail-example.org please."),
    row(1, "Where is my parcel?", "b"),
    row(2, "Where is my parcel?", "b"),
    '{"broken',
    row(4, LONG),
    row(5, LONG + " and more"),
    *(row(number, f"Something else, number {number}.", "b") for number in range(6, 16)),
]


def write(folder: Path, rows: Sequence[Any] = ROWS) -> Path:
    path = folder / "data.jsonl"
    lines = [item if isinstance(item, str) else json.dumps(item) for item in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def call(folder: Path, *arguments: str, code: int = 0, **how: Any) -> Result:
    full = ["clean", "--workspace", str(folder), *arguments]
    result = CliRunner().invoke(tunewise, full, **how)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def call_json(folder: Path, *arguments: str, code: int = 0, **how: Any) -> dict[str, Any]:
    return json.loads(call(folder, *arguments, "--json", code=code, **how).stdout)


def clean_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    text = (Path(document["artifact"]) / "clean.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """Make $EDITOR a Python script; it finds its file in `path`, and how often it was called."""
    log = folder / "calls"
    script = folder / "editor.py"
    script.write_text(
        "import os, sys, json, stat\nfrom pathlib import Path\n"
        f"path, log = Path(sys.argv[-1]), Path({str(log)!r})\n"
        "calls = len(log.read_text().splitlines()) if log.exists() else 0\n"
        "log.open('a').write(f'{oct(stat.S_IMODE(path.stat().st_mode))} {path}\\n')\n" + body
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    return log


def test_a_row_is_edited_in_the_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path)
    before = sha256_of_file(source)
    log = editor(
        tmp_path,
        monkeypatch,
        "row = json.loads(path.read_text())\n"
        "row['text'] = 'Mended, in two lines:\\n' + row['text'][-5:]\n"
        "path.write_text(json.dumps(row, indent=2))\n",
    )
    document = call_json(tmp_path, str(source), "--edit", "4", "--reason", "cut")
    assert clean_rows(document)[3] == row(4, "Mended, in two lines:\nord39")
    assert document["counts"]["changed"] == 1
    mode, path = log.read_text().split()
    assert mode == "0o600"
    assert stat.S_IMODE(os.stat(tmp_path).st_mode)  # the folder of the file is gone, ours is not
    assert not Path(path).exists()
    assert not Path(path).parent.exists()
    assert sha256_of_file(source) == before
    (told,) = call_json(tmp_path, "latest", "--list")["decisions"]
    assert (told["action"], told["rows"], told["reason"]) == ("edit", [4], "cut")
    assert told["state"] == "holds"
    assert told["parameters"]["row"]["n"] == 4


@pytest.mark.parametrize(
    "body", ["pass", "path.write_text('')", "path.write_text('// only\\n \\n')"]
)
def test_what_was_left_or_emptied_is_no_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    source = write(tmp_path)
    editor(tmp_path, monkeypatch, body)
    assert call_json(tmp_path, str(source), "--edit", "4")["edited"] is False
    assert "left as it is" in call(tmp_path, "latest", "--edit", "4").stdout
    assert call_json(tmp_path, "latest", "--list")["decisions"] == []


def test_a_fault_is_told_in_the_file_until_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path)
    log = editor(
        tmp_path,
        monkeypatch,
        "text = path.read_text()\n"
        "if calls == 0:\n    path.write_text(text[:-4])\n"
        "elif calls == 1:\n"
        "    assert text.startswith('// the edited row cannot be read: not JSON'), text\n"
        "    path.write_text('{\"text\": 7}')\n"
        "else:\n"
        "    assert text.startswith('// the edited row does not fit the shape'), text\n"
        "    path.write_text(text.replace('7', '\"seven\"'))\n",
    )
    result = call(tmp_path, str(source), "--edit", "4", "--quiet")
    assert len(log.read_text().splitlines()) == 3
    assert "does not fit the shape 'classification': text: expected text" in result.stderr
    (told,) = call_json(tmp_path, "latest", "--list")["decisions"]
    assert told["parameters"]["row"] == {"text": "seven"}


def test_a_fault_that_is_saved_again_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path)
    log = editor(tmp_path, monkeypatch, "path.write_text('{\"text\": ') if calls == 0 else None\n")
    call(tmp_path, str(source), "--edit", "4", code=2)
    assert len(log.read_text().splitlines()) == 2
    editor(tmp_path, monkeypatch, "sys.exit(3)")
    assert "status 3" in call(tmp_path, "latest", "--edit", "4", code=4).stderr
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    call(tmp_path, "latest", "--edit", "4", code=4)
    monkeypatch.setenv("EDITOR", "'")
    call(tmp_path, "latest", "--edit", "4", code=2)
    monkeypatch.setenv("EDITOR", "")
    assert "--with FILE" in call(tmp_path, "latest", "--edit", "4", code=2).stderr
    assert call_json(tmp_path, "latest", "--list")["decisions"] == []


def test_a_preview_of_an_edit_shows_the_row_and_writes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path)
    document = call_json(tmp_path, str(source), "--edit", "1", "--preview")
    assert json.loads(document["text"]) == json.loads(source.read_text().splitlines()[1])
    assert document["goes"] is None or isinstance(document["goes"], str)
    assert not (tmp_path / ".tunewise" / "decisions").exists()


def test_ctrl_c_is_the_editors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path)
    editor(
        tmp_path,
        monkeypatch,
        "import signal\nassert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
        'path.write_text(\'{"text": "new"}\')\n',
    )
    document = call_json(tmp_path, str(source), "--edit", "4")
    assert clean_rows(document)[3] == {"text": "new"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_cannot_be_seen_is_escaped_in_the_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = row(0, "a\u202eb\x1b]0;x\x07\u200b\U000e0041é\n日本")
    source = write(tmp_path, [hostile, row(1, "b"), row(2, "c")])
    editor(
        tmp_path,
        monkeypatch,
        "text = path.read_text()\n"
        "assert all(c.isprintable() or c == '\\n' for c in text), ascii(text)\n"
        "assert 'é' in text and '日本' in text\n"
        "path.write_text(text.replace('\"n\": 0', '\"n\": 1'))\n",
    )
    document = call_json(tmp_path, str(source), "--edit", "0")
    assert clean_rows(document)[0] == {**hostile, "n": 1}


def test_a_row_is_replaced_from_a_file_or_stdin(tmp_path: Path) -> None:
    source = write(tmp_path)
    new = tmp_path / "row.json"
    new.write_text(json.dumps(row(1, "Changed.", "c")))
    document = call_json(tmp_path, str(source), "--edit", "1", "--with", str(new))
    assert clean_rows(document)[1] == row(1, "Changed.", "c")
    again = json.dumps(row(1, "Again.", "c")).encode()
    document = call_json(tmp_path, "latest", "--edit", "1", "--with", "-", input=again)
    assert clean_rows(document)[1] == row(1, "Again.", "c")
    same = call_json(tmp_path, "latest", "--edit", "1", "--with", "-", input=again)
    assert same["edited"] is False
    for text in (b"", b"{", b"[]", b'{"text": []}', b"\xff"):
        call(tmp_path, "latest", "--edit", "1", "--with", "-", code=2, input=text)
    call(tmp_path, "latest", "--edit", "1", "--with", str(tmp_path / "none.json"), code=3)
    call(tmp_path, "latest", "--edit", "3", "--with", str(new), code=2)
    call(tmp_path, "latest", "--edit", "99", "--with", str(new), code=2)
    assert len(call_json(tmp_path, "latest", "--list")["decisions"]) == 2


def test_rows_are_relabelled(tmp_path: Path) -> None:
    source = write(tmp_path)
    result = call(tmp_path, str(source), "--relabel", "b", "--row", "0", "--row", "4")
    assert "no other row has the label" not in result.stderr
    document = call_json(tmp_path, "latest")
    assert [item["label"] for item in clean_rows(document)[:4]] == ["b", "b", "b", "b"]
    assert document["by_check"] == [{"check": "relabel", "action": "relabel", "rows": 2}]
    assert "no other row has the label 'z\u241b'" in call(
        tmp_path, "latest", "--relabel", "z\x1b", "--row", "5"
    ).stderr  # fmt: skip
    assert "relabel 2 rows as 'b'" in call(tmp_path, "latest", "--list").stdout


def test_the_journal_is_listed_and_one_decision_taken_back(tmp_path: Path) -> None:
    source = write(tmp_path)
    assert "nothing was decided yet" in call(tmp_path, str(source), "--list").stdout
    reason = "copies\x1b]0;t\x07 teach nothing\n" + "at all, " * 20
    call(tmp_path, "latest", "--accept", "duplicates/exact", "--reason", reason)
    call(tmp_path, "latest", "--accept", "duplicates/near", "--keep", "first")
    call(tmp_path, "latest", "--ignore", "text", "--row", "5")
    first, *_ = call_json(tmp_path, "latest", "--list")["decisions"]
    document = call_json(tmp_path, "latest", "--undo-decision", first["id"][:6])
    assert document["counts"]["removed"] == 1
    states = [item["state"] for item in call_json(tmp_path, "latest", "--list")["decisions"]]
    assert states == ["undone", "holds", "holds", ""]
    text = call(tmp_path, "latest", "--list").stdout
    assert "accept duplicates/near keeping the first  (holds)" in text
    assert "accept duplicates/exact  (undone)" in text
    assert "ignore text for row 5  (holds)" in text
    assert "undo: accept duplicates/exact" in text
    assert "3 decisions, 2 in force" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    call(tmp_path, "latest", "--undo-decision", first["id"], code=2)
    assert call_json(tmp_path, "latest", "--redo")["counts"]["removed"] == 2


def test_the_preview_fits_a_terminal_and_shows_hostile_text_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    evil = "\x1b]0;owned\x07[bold red]\u202eevil\r\n"
    rows: list[Any] = [*ROWS, row(16, evil * 30, evil), row(17, evil * 30, evil)]
    rows += [row(18, f"Call {evil} anna.berg@mail-example.org {LONG * 5}", evil)] * 4
    source = write(tmp_path, rows)
    text = call(tmp_path, str(source), "--accept", "all", "--preview", "--quiet").stdout
    assert max(map(len, text.splitlines())) <= 80, text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", text)
    assert "the least sure first:" in text
    assert "a copy of row 1, which stays as the first" in text
    assert "→ “Write to [[EMAIL]] please.”" in text
    assert "clean share" in text
    assert not list((tmp_path / ".tunewise").glob("clean/*"))
    assert not list((tmp_path / ".tunewise").glob("decisions/*.jsonl"))


def test_examples_show_the_evidence_and_the_counterpart(tmp_path: Path) -> None:
    document = call_json(tmp_path, str(write(tmp_path)), "--accept", "all", "--preview")
    by_row = {item["row"]: item for item in document["examples"]}
    assert by_row[0]["evidence"]["hit"] == "anna.berg@mail-example.org"
    assert by_row[0]["becomes"]["hit"] == "[EMAIL]"
    near = by_row[4]
    assert (near["related_row"], near["action"]) == (5, "drop")
    assert near["related_evidence"]["hit"] == " and more"
    scores = [item["score"] for item in document["examples"] if item["score"] is not None]
    assert scores[0] == min(scores)


def test_the_clean_rows_go_where_they_are_asked_for(tmp_path: Path) -> None:
    source = write(tmp_path)
    output = tmp_path / "out" / "clean.json.gz"
    document = call_json(tmp_path, str(source), "--accept", "duplicates", "--output", str(output))
    assert document["output"] == str(output)
    import gzip

    assert json.loads(gzip.decompress(output.read_bytes())) == clean_rows(document)
    held = call_json(tmp_path, "latest", "--list")["decisions"]
    before = output.read_bytes(), source.read_bytes()
    for path in (output, source, tmp_path, tmp_path / "clean.xlsx"):
        arguments = ["latest", "--accept", "privacy", "--output", str(path)]
        call(tmp_path, *arguments, code=2)
    call(tmp_path, "latest", "--output", str(source), "--force", code=2)
    # Refused before anything was decided.
    assert call_json(tmp_path, "latest", "--list")["decisions"] == held
    assert (output.read_bytes(), source.read_bytes()) == before
    call(tmp_path, "latest", "--accept", "privacy", "--output", str(output), "--force")
    assert b"[EMAIL]" in gzip.decompress(output.read_bytes())


def test_the_guard_speaks_before_anything_is_written(tmp_path: Path) -> None:
    source = write(tmp_path, [row(n, "Always the same text here.", "b") for n in range(20)])
    accept = ["--accept", "duplicates/exact"]
    told = call(tmp_path, str(source), *accept, code=1).stderr
    assert "19 of 20 rows of label 'b'" in told
    assert call_json(tmp_path, "latest", "--list")["decisions"] == []
    call(tmp_path, "latest", *accept, "--max-removed-share", "0.9", code=1)
    call(tmp_path, "latest", *accept, "--max-removed-share", "1.5", code=2)
    done = call_json(tmp_path, "latest", *accept, "--max-removed-share", "0.95")
    assert done["counts"]["kept"] == 1
    call(tmp_path, "latest", "--undo")
    call(tmp_path, "latest", *accept, "--yes")
    # What was confirmed is not asked again.
    assert call_json(tmp_path, "latest", "--relabel", "c", "--row", "0")["counts"]["kept"] == 1


def test_verification_says_what_was_compared(tmp_path: Path) -> None:
    source = write(tmp_path)
    call(tmp_path, str(source), "--verify", code=2)
    document = call_json(tmp_path, "latest", "--accept", "all")
    told = call_json(tmp_path, "latest", "--verify")
    assert (told["equal"], told["differences"], told["id"]) == (True, [], document["id"])
    assert "equal: source and journal give what was written" in call(
        tmp_path, "latest", "--verify"
    ).stdout  # fmt: skip
    path = Path(document["artifact"]) / "clean.jsonl"
    path.write_text(path.read_text("utf-8").replace("Something", "Nothing\x1b", 1), "utf-8")
    text = call(tmp_path, "latest", "--verify", code=1).stdout
    assert "NOT equal" in text
    assert "clean.jsonl line 4" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--undo", "--redo"],
        ["--undo", "--preview"],
        ["--verify", "--accept", "all"],
        ["--list", "--undo"],
        ["--with", "x.json"],
        ["--edit", "1", "--accept", "all"],
        ["--edit", "-1"],
        ["--keep", "best"],
        ["--keep", "best", "--accept", "text"],
        ["--relabel", "x"],
        ["--accept", "privacy/emial"],
        ["--undo-decision", "nothing"],
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    call(tmp_path, str(write(tmp_path)), *arguments, code=2)
    assert not list((tmp_path / ".tunewise").glob("decisions/*.jsonl"))


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tunewise.cli", "clean", "--workspace", str(folder), *arguments]


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    rows: list[Any] = [
        row(n, f"Text number {n % 9000} says {n % 9000 * 7919}.") for n in range(12000)
    ]
    source = write(tmp_path, [*rows, "broken"])
    call(tmp_path, str(source), "--quiet")
    return tmp_path


def test_two_at_once_lose_no_decision(audited: Path) -> None:
    wanted = ["duplicates/exact", "duplicates/normalised", "duplicates/near", "text"]
    running = [
        subprocess.Popen(command(audited, "latest", "--accept", name, "--quiet"),
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for name in wanted
    ]  # fmt: skip
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(wanted), errors
    told = call_json(audited, "latest", "--list")
    assert sorted(item["check"] for item in told["decisions"]) == sorted(wanted)
    assert told["damaged_lines"] == []
    assert call_json(audited, "latest")["counts"]["removed"] == 3000
    assert call_json(audited, "latest", "--verify")["equal"]


def test_killed_in_between_it_leaves_nothing_half(audited: Path) -> None:
    shelf = audited / ".tunewise" / "clean"
    before = {path.name for path in shelf.iterdir() if not path.name.startswith(".")}
    process = subprocess.Popen(
        command(audited, "latest", "--accept", "duplicates", "--events"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if '"cleaning"' in line:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    assert {path.name for path in shelf.iterdir() if not path.name.startswith(".")} == before
    # What was decided is in the journal; the next call makes of it what was wanted.
    document = call_json(audited, "latest")
    assert document["counts"]["removed"] == 3000
    assert call_json(audited, "latest", "--verify")["equal"]


@pytest.mark.parametrize("room", [0, 3_000, 300_000])
def test_a_full_disk_leaves_nothing_half(audited: Path, room: int) -> None:
    journal = audited / ".tunewise" / "decisions"
    call(audited, "latest", "--ignore", "text", "--quiet")
    (path,) = journal.glob("*.jsonl")
    before, decisions = call_json(audited, "latest")["id"], path.read_bytes()

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        command(audited, "latest", "--accept", "duplicates", "--quiet"),
        preexec_fn=little_room, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    told = call_json(audited, "latest", "--list")
    assert told["damaged_lines"] == []
    assert path.read_bytes().startswith(decisions)
    shelf = audited / ".tunewise" / "clean"
    whole = [item for item in shelf.iterdir() if not item.name.startswith(".")]
    assert all((item / "manifest.json").is_file() for item in whole)
    if len(told["decisions"]) > 1:
        call(audited, "latest", "--undo")
    assert call_json(audited, "latest")["id"] == before
