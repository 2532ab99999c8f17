"""`tunewise open` without a terminal, `tour`, and `serve`, which asks for its token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tunewise.cli.main import tunewise
from tunewise.cli.serve import guarded_server, is_loopback


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Write to anna.berg{n}@mail-example.org, number {n}"},
                {"role": "assistant", "content": f"Yes {n}."},
            ]
        }
        for n in range(6)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(
        tunewise, ["audit", str(tmp_path / "rows.jsonl"), "--workspace", str(tmp_path), "--quiet",
                   "--checks", "privacy,schema"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return tmp_path


def test_without_a_terminal_there_is_a_summary_and_the_gates_code(
    audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["open", "--workspace", str(audited)]
    result = CliRunner().invoke(tunewise, command)
    assert result.exit_code == 0, result.output
    assert "rows.jsonl: 6 rows, chat" in result.output
    assert "privacy/email" in result.output
    monkeypatch.setenv("TUNEWISE_AUDIT_FAIL_ON", "low")
    assert CliRunner().invoke(tunewise, command).exit_code == 1
    assert CliRunner().invoke(tunewise, [*command, "--plain"]).exit_code == 0


def test_a_place_is_printed_as_text(audited: Path) -> None:
    command = ["open", "findings", "--plain", "--workspace", str(audited)]
    result = CliRunner().invoke(tunewise, command)
    assert "privacy/email: 6 rows, 100.0 %" in result.output
    assert result.output.isprintable() or "\x1b" not in result.output


def test_an_artifact_that_cannot_be_read_is_told(audited: Path) -> None:
    next((audited / ".tunewise" / "audit").glob("*/records.parquet")).write_bytes(b"PAR1")
    command = ["open", "records", "--plain", "--workspace", str(audited)]
    result = CliRunner().invoke(tunewise, command)
    assert result.exit_code == 3
    assert "do the step again" in result.output


def test_a_tour_needs_a_terminal_and_prepares_the_sample(tmp_path: Path) -> None:
    result = CliRunner().invoke(tunewise, ["tour", str(tmp_path / "demo")])
    assert result.exit_code == 2
    assert "needs a terminal" in result.output
    assert (tmp_path / "demo" / "sample.jsonl").is_file()


def test_what_only_this_machine_reaches() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [
        True
    ] * 4
    assert not any(is_loopback(host) for host in ("0.0.0.0", "10.0.0.1", "example.org", ""))


def test_a_browser_needs_the_token(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")
    from aiohttp.test_utils import TestClient, TestServer

    # What is served says that it is there, and ends when the browser leaves.
    words = "sh -c 'printf started; exec cat'"
    server = guarded_server(words, "127.0.0.1", 8000, "http://127.0.0.1:8000", "s3cret")

    async def visit() -> None:
        async with TestClient(TestServer(await server._make_app())) as client:
            for address in ("/", "/ws", "/static/css/xterm.css", "/?token=wrong", "/?token=s3cre"):
                answer = await client.get(address)
                assert answer.status == 403, address
            answer = await client.get("/?token=s3cret", allow_redirects=False)
            assert answer.status == 302
            cookie = answer.cookies["tunewise_token"]
            assert cookie["httponly"]
            assert cookie["samesite"] == "Strict"
            page = await (await client.get("/")).text()
            assert "/ws" in page
            assert "googleapis" not in page, "nothing is loaded from elsewhere"
            socket = await client.ws_connect("/ws")
            await socket.close()

    asyncio.run(visit())


def test_without_the_extra_the_command_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "textual_serve.server", None)
    result = CliRunner().invoke(tunewise, ["serve", "--workspace", str(tmp_path)])
    assert result.exit_code == 2
    assert 'pip install "tunewise[serve]"' in result.output
