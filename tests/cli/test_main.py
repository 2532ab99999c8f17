from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tunewise.cli.display import BarDisplay, PlainDisplay, describe
from tunewise.cli.format import bar
from tunewise.cli.main import COMMANDS, tunewise
from tunewise.cli.session import Session, command
from tunewise.workspace.errors import DataError, ExitCode
from tunewise.workspace.events import Measured, Note, Progress, from_json_line


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_examples(name: str) -> None:
    result = CliRunner().invoke(tunewise, [name, "--help"])
    assert result.exit_code == 0
    if name != "config":
        assert "Examples:" in result.output
        assert f"tunewise {name}" in result.output or f"tunewise {name}" in COMMANDS[name][2]


def test_the_group_help_lists_every_command_in_order() -> None:
    output = CliRunner().invoke(tunewise, ["--help"]).output
    places = [output.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_without_a_terminal_help_is_printed() -> None:
    result = CliRunner().invoke(tunewise, [])
    assert result.exit_code == 0
    assert "Commands:" in result.output


def test_a_mistyped_command_names_the_nearest() -> None:
    result = CliRunner().invoke(tunewise, ["audti"])
    assert result.exit_code == int(ExitCode.USAGE)
    assert "'audit'" in result.output


def test_an_unknown_option_is_a_usage_error() -> None:
    assert CliRunner().invoke(tunewise, ["split", "--sead", "3"]).exit_code == int(ExitCode.USAGE)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    result = CliRunner().invoke(tunewise, ["completion", shell])
    assert result.exit_code == 0
    assert "_TUNEWISE_COMPLETE" in result.output


def test_completion_completes_commands() -> None:
    environment = {**os.environ, "_TUNEWISE_COMPLETE": "bash_complete", "COMP_WORDS": "tunewise au",
                   "COMP_CWORD": "1"}  # fmt: skip
    script = Path(sys.executable).with_name("tunewise")
    result = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert "audit" in result.stdout


def run_command(body, *arguments: str, workspace: Path):
    made = command("probe", examples="  tunewise probe\n")(body)
    return CliRunner().invoke(made, ["--workspace", str(workspace), *arguments])


def fail_with_data(session: Session) -> None:
    raise DataError("no rows", where="a\x1b[31m.jsonl", fix="look at it")


def test_errors_say_what_where_and_what_to_do(tmp_path: Path) -> None:
    result = run_command(fail_with_data, workspace=tmp_path)
    assert result.exit_code == int(ExitCode.UNREADABLE_DATA)
    assert result.stdout == ""
    assert "no rows" in result.stderr
    assert "fix: look at it" in result.stderr
    assert "\x1b[31m" not in result.stderr


def test_errors_are_documents_with_json_and_events(tmp_path: Path) -> None:
    result = run_command(fail_with_data, "--json", workspace=tmp_path)
    document = json.loads(result.stdout)
    assert document["error"]["what"] == "no rows"
    assert document["exit_code"] == result.exit_code == 3
    result = run_command(fail_with_data, "--events", workspace=tmp_path)
    events = [from_json_line(line) for line in result.stdout.splitlines()]
    assert [event.name for event in events if event] == ["started", "failed"]


def test_a_result_is_one_json_document(tmp_path: Path) -> None:
    def body(session: Session) -> None:
        session.emit(Note(text="working"))
        session.finish({"command": "probe", "artifact": "/a"}, lambda: "text", ExitCode.UNDECIDED)

    result = run_command(body, "--json", workspace=tmp_path)
    assert json.loads(result.stdout) == {"schema_version": 1, "command": "probe", "artifact": "/a"}
    assert result.exit_code == 5
    result = run_command(body, workspace=tmp_path)
    assert result.stdout == "text\n"
    assert "working" in result.stderr
    result = run_command(body, "--quiet", workspace=tmp_path)
    assert result.stderr == ""


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "ascii"])
def test_a_terminal_without_unicode_gets_stand_ins(tmp_path: Path, charset: str) -> None:
    def body(session: Session) -> None:
        session.finish({}, lambda: f"{bar(0.5, 4)} ├─●┤ −3.1 ▼ forgot, Jaccard ≥ 0.8")

    made = command("probe", examples="  tunewise probe\n")(body)
    result = CliRunner(charset=charset).invoke(made, ["--workspace", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.stdout == "##   [-o] -3.1 v forgot, Jaccard >= 0.8\n"


def test_json_and_events_exclude_each_other(tmp_path: Path) -> None:
    assert run_command(fail_with_data, "--json", "--events", workspace=tmp_path).exit_code == 2


def test_a_fault_of_ours_is_no_traceback(tmp_path: Path) -> None:
    def body(session: Session) -> None:
        raise KeyError("oops")

    result = run_command(body, workspace=tmp_path)
    assert result.exit_code == int(ExitCode.JOB_FAILED)
    assert "Traceback" not in result.output
    assert "KeyError" in result.stderr
    assert "test_main.py" in result.stderr


INTERRUPTIBLE = """
import sys, threading
from tunewise.cli.session import command
def body(session):
    print("ready", flush=True)
    threading.Event().wait()
command("probe", examples="  x")(body).main(["--workspace", sys.argv[1]])
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_ends_with_130(tmp_path: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    _, stderr = child.communicate(timeout=60)
    assert child.returncode == int(ExitCode.INTERRUPTED)
    assert "interrupted" in stderr
    assert "Traceback" not in stderr


def test_ctrl_c_while_a_command_is_imported_is_no_failed_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(name: str, package: str | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunewise.cli.main.import_module", interrupted)
    result = CliRunner().invoke(tunewise, ["audit", "x.jsonl"])
    assert result.exit_code == ExitCode.INTERRUPTED
    assert "interrupted" in result.output


def test_plain_progress_is_one_line_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    import io

    stream = io.StringIO()
    display = PlainDisplay(stream)
    for done in range(11):
        display.show(Progress(task="reading", done=done, total=10, time=float(done)))
    assert stream.getvalue() == "reading: 10 rows in 10.0 s\n"


def test_plain_progress_times_each_task_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    import io

    stream = io.StringIO()
    display = PlainDisplay(stream)
    for begin in (0.0, 50.0):
        display.show(Progress(task="reading", done=10, total=10, time=begin))
    assert stream.getvalue() == "reading: 10 rows in 0.0 s\n" * 2


def plain_steps(total: int, eval_every: int) -> list[int]:
    """The steps that a plain display shows of a run that measures every one of them."""
    import io

    stream = io.StringIO()
    display = PlainDisplay(stream)
    for step in range(total + 1):
        values = {"train_loss": 1.0}
        if step % eval_every == 0 or step == total:
            values |= {"train_eval_loss": 1.0}
        display.show(Measured(step=step, total_steps=total, values=values))
    return [
        int(line.split()[1].split("/")[0].replace(",", ""))
        for line in stream.getvalue().splitlines()
    ]


def test_plain_progress_shows_validations_and_every_twentieth_of_a_run() -> None:
    assert plain_steps(1000, 300) == sorted(
        {0, 300, 600, 900, 1000} | {*range(50, 300, 50)} | {*range(350, 600, 50)}
        | {*range(650, 900, 50)} | {950}
    )  # fmt: skip
    assert plain_steps(4, 2) == [0, 1, 2, 3, 4]


def test_plain_progress_stays_short_however_often_a_run_validates() -> None:
    assert len(plain_steps(3000, 1)) <= 102


def test_plain_progress_begins_anew_with_the_next_run() -> None:
    import io

    stream = io.StringIO()
    display = PlainDisplay(stream)
    for step in (0, 100, 0, 10):
        display.show(Measured(step=step, total_steps=100, values={"train_loss": 1.0}))
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == [
        "0/100", "100/100", "0/100", "10/100"
    ]  # fmt: skip


def test_bars_show_rate_and_time_left() -> None:
    import io

    stream = io.StringIO()
    display = BarDisplay(stream)
    display.show(Progress(task="reading [bold]", done=0, total=100, time=0.0))
    display.show(Progress(task="reading [bold]", done=50, total=100, time=1.0))
    display.show(Note(text="[red]a \x1b[31m note"))
    display.close()
    assert "[red]a" in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()


def test_bars_print_few_of_the_steps_above_them() -> None:
    import io

    stream = io.StringIO()
    display = BarDisplay(stream)
    for step in range(1001):
        display.show(Measured(step=step, total_steps=1000, values={"train_loss": 1.0}))
    display.close()
    assert stream.getvalue().count("train loss") == 21


def test_notes_are_made_safe() -> None:
    assert "\x1b" not in describe(Note(text="\x1b]0;title\x07"))
