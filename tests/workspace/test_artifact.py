from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.workspace.artifact import (
    Draft,
    Workspace,
    find_workspace,
    list_artifacts,
    produce,
    resolve_artifact,
)
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.events import Event, Note
from tunewise.workspace.manifest import Input, artifact_id, read_manifest

SOURCE = Input(name="source", sha256="ab" * 32)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def write_text(text: str):
    def build(draft: Draft) -> None:
        (draft.folder / "data.txt").write_text(text, encoding="utf-8")
        draft.counts["rows"] = 3
        draft.seeds["split"] = 17

    return build


def test_an_artifact_holds_its_files_and_a_manifest(workspace: Workspace) -> None:
    made = produce(
        workspace, "audit", write_text("hello"), inputs=[SOURCE], parameters={"threshold": 0.8}
    )
    assert made.folder == workspace.store / "audit" / made.id
    assert (made.folder / "data.txt").read_text() == "hello"
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    assert manifest.counts == {"rows": 3}
    assert manifest.seeds == {"split": 17}
    assert manifest.inputs == (SOURCE,)
    assert [entry.path for entry in manifest.files] == ["data.txt"]
    assert manifest.files[0].bytes == 5
    assert manifest.versions["python"].startswith("3.")
    assert manifest.started <= manifest.finished


def test_equal_work_is_done_once_and_force_does_it_again(workspace: Workspace) -> None:
    first = produce(workspace, "audit", write_text("one"), inputs=[SOURCE], parameters={})
    notes: list[Event] = []
    second = produce(
        workspace, "audit", write_text("two"), inputs=[SOURCE], parameters={}, emit=notes.append
    )
    assert second.reused
    assert second.id == first.id
    assert (second.folder / "data.txt").read_text() == "one"
    assert any(isinstance(note, Note) and "done already" in note.text for note in notes)
    third = produce(
        workspace, "audit", write_text("three"), inputs=[SOURCE], parameters={}, force=True
    )
    assert not third.reused
    assert (third.folder / "data.txt").read_text() == "three"
    assert len(list_artifacts(workspace, "audit")) == 1


def test_a_failed_step_leaves_nothing(workspace: Workspace) -> None:
    def fail(draft: Draft) -> None:
        (draft.folder / "data.txt").write_text("half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        produce(workspace, "audit", fail, inputs=[SOURCE], parameters={})
    assert list_artifacts(workspace, "audit") == []
    assert not list((workspace.store / "audit").glob("**/data.txt"))


@pytest.mark.parametrize("keep", [False, True])
def test_an_interrupted_step_notes_what_is_left(workspace: Workspace, keep: bool) -> None:
    def stop(draft: Draft) -> None:
        (draft.folder / "data.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        produce(workspace, "audit", stop, inputs=[SOURCE], parameters={}, keep_partial=keep)
    (note,) = caught.value.__notes__
    left = list((workspace.store / "audit").glob("**/data.txt"))
    if keep:
        assert str(left[0].parent) in note
    else:
        assert left == []
        assert note == "the unfinished audit was removed"


def test_a_failed_redo_keeps_the_old_artifact(workspace: Workspace) -> None:
    made = produce(workspace, "audit", write_text("good"), inputs=[SOURCE], parameters={})

    def fail(draft: Draft) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        produce(workspace, "audit", fail, inputs=[SOURCE], parameters={}, force=True)
    assert (made.folder / "data.txt").read_text() == "good"


def test_a_full_disk_is_told_with_what_to_do(workspace: Workspace) -> None:
    def fill(draft: Draft) -> None:
        raise OSError(28, "No space left on device", str(draft.folder / "data.txt"))

    with pytest.raises(JobError) as caught:
        produce(workspace, "split", fill, inputs=[SOURCE], parameters={})
    assert "No space left" in caught.value.what
    assert "free some space" in caught.value.fix
    assert list_artifacts(workspace, "split") == []


KILLED_CHILD = """
import os, signal, sys
from collections.abc import Callable
from pathlib import Path
from tunewise.workspace.artifact import Workspace, produce
from tunewise.workspace.manifest import Input

def build(draft):
    (draft.folder / "data.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

produce(Workspace(Path(sys.argv[1])), "audit", build,
        inputs=[Input(name="source", sha256="ab" * 32)], parameters={},
        keep_partial=sys.argv[2] == "keep")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("keep", [False, True])
def test_a_killed_writer_leaves_no_artifact_and_no_lock(workspace: Workspace, keep: bool) -> None:
    child = subprocess.run(
        [sys.executable, "-c", KILLED_CHILD, str(workspace.root), "keep" if keep else "drop"],
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert list_artifacts(workspace, "audit") == []
    seen: dict[str, object] = {}

    def build(draft: Draft) -> None:
        seen["resumed"] = draft.resumed
        seen["files"] = sorted(path.name for path in draft.folder.iterdir())
        (draft.folder / "data.txt").write_text("whole")

    made = produce(workspace, "audit", build, inputs=[SOURCE], parameters={}, keep_partial=keep)
    assert seen == {"resumed": keep, "files": ["data.txt"] if keep else []}
    assert (made.folder / "data.txt").read_text() == "whole"


TWO_AT_ONCE = """
import sys
from collections.abc import Callable
from pathlib import Path
from tunewise.workspace.artifact import Workspace, produce
from tunewise.workspace.manifest import Input

def build(draft):
    with (Path(sys.argv[1]) / "builds.log").open("a") as log:
        log.write("built\\n")
    (draft.folder / "data.bin").write_bytes(b"x" * 5_000_000)

made = produce(Workspace(Path(sys.argv[1])), "audit", build,
               inputs=[Input(name="source", sha256="ab" * 32)], parameters={})
print(made.reused)
"""


def test_two_processes_take_turns_and_the_work_is_done_once(workspace: Workspace) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_AT_ONCE, str(workspace.root)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = sorted(child.communicate()[0].strip() for child in children)
    assert answers == ["False", "True", "True"]
    assert (workspace.root / "builds.log").read_text() == "built\n"


def test_artifacts_are_found_by_path_id_beginning_and_latest(workspace: Workspace) -> None:
    one = produce(workspace, "split", write_text("1"), inputs=[SOURCE], parameters={"seed": 1})
    two = produce(workspace, "split", write_text("2"), inputs=[SOURCE], parameters={"seed": 2})
    assert resolve_artifact(workspace, "split", "latest").id == two.id
    assert resolve_artifact(workspace, "split", one.id).id == one.id
    assert resolve_artifact(workspace, "split", one.id[:8]).id == one.id
    assert resolve_artifact(workspace, "split", str(one.folder)).id == one.id
    with pytest.raises(UsageError, match="neither a path nor an id"):
        resolve_artifact(workspace, "split", "nonsense")
    with pytest.raises(UsageError, match="not 'audit'"):
        resolve_artifact(workspace, "audit", str(one.folder))
    with pytest.raises(UsageError) as caught:
        resolve_artifact(workspace, "train", "latest")
    assert "tunewise train" in caught.value.fix


def test_the_latest_is_what_was_asked_for_last(workspace: Workspace) -> None:
    one = produce(workspace, "split", write_text("1"), inputs=[SOURCE], parameters={"seed": 1})
    two = produce(workspace, "split", write_text("2"), inputs=[SOURCE], parameters={"seed": 2})
    assert resolve_artifact(workspace, "split", "latest").id == two.id
    again = produce(workspace, "split", write_text("1"), inputs=[SOURCE], parameters={"seed": 1})
    assert again.reused
    assert resolve_artifact(workspace, "split", "latest").id == one.id


def test_a_damaged_manifest_is_passed_over(workspace: Workspace) -> None:
    made = produce(workspace, "audit", write_text("1"), inputs=[SOURCE], parameters={})
    broken = workspace.store / "audit" / "0123456789ab"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    assert [artifact.id for artifact in list_artifacts(workspace, "audit")] == [made.id]


def test_the_workspace_is_the_nearest_folder_upward(tmp_path: Path) -> None:
    (tmp_path / "tunewise.toml").write_text("")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_workspace(inner).root == tmp_path.resolve()
    (tmp_path / "a" / ".tunewise").mkdir()
    assert find_workspace(inner).root == (tmp_path / "a").resolve()


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4),
    st.permutations([Input("a", "1"), Input("b", "2"), Input("c", "3")]),
)
def test_the_id_depends_on_content_alone(
    parameters: dict[str, object], inputs: list[Input]
) -> None:
    shuffled = dict(reversed(list(parameters.items())))
    elsewhere = [Input(item.name, item.sha256, path="/other/place") for item in inputs]
    base = artifact_id("audit", [Input("a", "1"), Input("b", "2"), Input("c", "3")], parameters)
    assert artifact_id("audit", elsewhere, shuffled) == base
    assert artifact_id("split", elsewhere, shuffled) != base
    assert artifact_id("audit", elsewhere, {**parameters, "new": 1}) != base
    assert artifact_id("audit", [*elsewhere[1:], Input("a", "9")], parameters) != base or (
        elsewhere[0].name != "a"
    )


def test_the_manifest_is_plain_json(workspace: Workspace) -> None:
    made = produce(workspace, "audit", write_text("1"), inputs=[SOURCE], parameters={"a": [1]})
    document = json.loads((made.folder / "manifest.json").read_text())
    assert set(document) >= {
        "kind", "id", "inputs", "parameters", "seeds", "versions", "git_commit",
        "started", "finished", "counts", "files",
    }  # fmt: skip


def test_how_long_something_took_changes_nothing_that_is_made_from_it(
    workspace: Workspace,
) -> None:
    def build(seconds: float, rows: str) -> Callable[[Draft], None]:
        def write(draft: Draft) -> None:
            (draft.folder / "audit.json").write_text(json.dumps({"seconds": seconds}))
            (draft.folder / "log.txt").write_text(f"{seconds} s")
            (draft.folder / "rows.jsonl").write_text(rows)
            draft.timed = ("log.txt",)

        return write

    def fingerprint(seconds: float, rows: str) -> str:
        made = produce(
            workspace, "audit", build(seconds, rows), inputs=[SOURCE], parameters={}, force=True
        )
        (read,) = list_artifacts(workspace, "audit")
        assert read.as_input("audit") == made.as_input("audit")
        assert {entry.path for entry in made.manifest.files} == {
            "audit.json", "log.txt", "rows.jsonl",
        }  # fmt: skip
        return made.as_input("audit").sha256

    assert fingerprint(1.0, "a") == fingerprint(2.0, "a")
    assert fingerprint(1.0, "a") != fingerprint(1.0, "b")
