"""The first run: what can be opened, how it is understood, and the first audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewise.tui.recent import data_files, recent_files, recent_path, remember_file
from tunewise.tui.records.preview import preview_source
from tunewise.workspace.artifact import Workspace

SIZE = (120, 36)


@pytest.fixture
def chat_file(empty_workspace: Workspace) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": "A"}]}
        for n in range(5)
    ]
    path = empty_workspace.root / "chats.jsonl"
    path.write_text("{broken\n" + "".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_head_of_a_file_tells_how_it_is_read(chat_file: Path) -> None:
    preview = preview_source(chat_file)
    assert preview.problem == ""
    assert preview.understood == "jsonl, rows of shape chat, kind chat"
    assert preview.rows[0].problem
    assert preview.rows[1].messages == (("user", "Q0"), ("assistant", "A"))


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"[1, 2, 3]", b"hello\n"])
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert preview_source(path).problem
    assert preview_source(tmp_path / "absent").problem


def test_recent_files_are_remembered_the_latest_first(tmp_path: Path) -> None:
    store = recent_path()
    assert recent_files(store) == []
    files = [tmp_path / f"{n}.jsonl" for n in range(12)]
    for path in files:
        path.touch()
        remember_file(store, path)
    remember_file(store, files[3])
    files[11].unlink()
    assert recent_files(store)[:2] == [files[3], files[10]]
    assert len(recent_files(store)) <= 10
    store.write_text("{broken")
    assert recent_files(store) == []


def test_only_data_is_offered(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", "notes.md", ".hidden.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "folder.json").mkdir()
    assert [path.name for path in data_files(tmp_path)] == ["a.csv", "b.jsonl"]
    assert data_files(tmp_path / "absent") == []


async def test_a_file_is_chosen_understood_and_audited(
    make_app: Callable, see: Callable, empty_workspace: Workspace, chat_file: Path,
    started: list[list[str]],
) -> None:  # fmt: skip
    async with make_app(workspace=empty_workspace).run_test(size=SIZE) as pilot:
        await see(pilot, "Open a dataset", "chats.jsonl", "no audit yet")
        await pilot.press("enter")
        await see(pilot, "rows of shape chat", "user: Q0", "set aside", "enter audits it")
        assert started == []
        await pilot.press("enter")
        await pilot.pause()
        assert started == [["audit", str(chat_file)]]
    assert recent_files(recent_path()) == [chat_file]


async def test_a_path_is_typed(
    make_app: Callable, see: Callable, empty_workspace: Workspace, chat_file: Path
) -> None:
    async with make_app(workspace=empty_workspace).run_test(size=SIZE) as pilot:
        await see(pilot, "chats.jsonl")
        await pilot.press("tab", *"/nowhere", "enter")
        await see(pilot, "there is no such file")
        for _ in "/nowhere":
            await pilot.press("backspace")
        await pilot.press(*str(chat_file), "enter")
        await see(pilot, "rows of shape chat")


async def test_a_source_given_at_the_start_is_previewed(
    make_app: Callable, see: Callable, empty_workspace: Workspace, chat_file: Path
) -> None:
    app = make_app(workspace=empty_workspace, source=chat_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "rows of shape chat", "user: Q0")


async def test_another_dataset_can_be_opened_and_left_again(
    make_app: Callable, see: Callable
) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await see(pilot, "Quality")
        await pilot.press("ctrl+p", *"open a dataset", "enter")
        await see(pilot, "or type a path")
        await pilot.press("escape")
        await see(pilot, "Quality")
