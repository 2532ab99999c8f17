"""What is said when somebody asks to stop, and whether it is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
from click.testing import CliRunner

from tunewise.cli.demo import prepare
from tunewise.cli.main import tunewise
from tunewise.cli.session import Session, command
from tunewise.workspace.errors import ExitCode

INTERRUPTED = int(ExitCode.INTERRUPTED)


def test_what_is_left_is_told_by_whoever_was_at_work(tmp_path: Path) -> None:
    def body(session: Session) -> None:
        interruption = KeyboardInterrupt()
        interruption.add_note("the log lies in a\x1b[31mb")
        interruption.add_note("the rest was removed")
        raise interruption

    made = command("probe", examples="  tunewise probe\n")(body)
    result = CliRunner().invoke(made, ["--workspace", str(tmp_path)])
    assert result.exit_code == INTERRUPTED
    assert "interrupted; the log lies in a" in result.stderr
    assert "b; the rest was removed" in result.stderr
    assert "\x1b[31m" not in result.stderr


def test_where_nothing_is_known_nothing_is_claimed(tmp_path: Path) -> None:
    def body(session: Session) -> None:
        raise KeyboardInterrupt

    made = command("probe", examples="  tunewise probe\n")(body)
    result = CliRunner().invoke(made, ["--workspace", str(tmp_path), "--json"])
    assert result.exit_code == INTERRUPTED
    assert json.loads(result.stdout)["error"]["what"] == "interrupted"


def test_the_loop_names_the_steps_that_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> NoReturn:
        raise KeyboardInterrupt

    folder = tmp_path / "demo"
    prepare(folder)
    monkeypatch.setattr("tunewise.curate.splitting.split.split", stop)
    result = CliRunner().invoke(tunewise, ["run", "--workspace", str(folder)])
    assert result.exit_code == INTERRUPTED
    assert "what was done before stays (audit, clean)" in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_while_training_tells_where_the_partial_log_lies(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare(folder)
    made = CliRunner().invoke(tunewise, ["run", "--workspace", str(folder), "--until", "split"])
    assert made.exit_code == 0, made.output
    child = subprocess.Popen(
        [sys.executable, "-m", "tunewise.cli", "train", "--workspace", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith("step 0/"):
            break
    child.send_signal(signal.SIGINT)
    stdout, stderr = child.communicate()
    assert child.returncode == INTERRUPTED
    assert stdout == ""
    (error,) = [line for line in stderr.splitlines() if line.startswith("error:")]
    (partial,) = (folder / ".tunewise" / "train").glob(".*.partial")
    assert f"is in {partial} until" in error
    done = pl.read_parquet(partial / "log.parquet")["step"].max()
    assert f"stopped after step {done:,} of" in error
    assert f"the same command goes on after step {done:,}" in error
    assert (partial / "adapter" / "adapter_model.safetensors").is_file()
