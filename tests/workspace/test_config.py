from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tunewise.workspace.artifact import Workspace
from tunewise.workspace.config import Section, load_settings, settings_text
from tunewise.workspace.errors import UsageError


class Split(Section):
    seed: int = 17
    ratios: tuple[float, ...] = (0.7, 0.3)
    stratify: str | None = None
    threshold: float = Field(default=0.8, gt=0, le=1)


class All(Section):
    split: Split = Split()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def load(workspace: Workspace, flags: dict | None = None, **environ: str) -> tuple[All, dict]:
    environ.setdefault("XDG_CONFIG_HOME", str(workspace.root / "user"))
    settings, origins = load_settings(All, workspace, flags=flags, environ=environ)
    return settings, {origin.key: origin.origin for origin in origins}


def write_user(workspace: Workspace, text: str) -> None:
    path = workspace.root / "user" / "tunewise" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_defaults_stand_alone(workspace: Workspace) -> None:
    settings, origins = load(workspace)
    assert settings == All()
    assert set(origins.values()) == {"default"}


def test_layers_come_in_order_and_tell_their_origin(workspace: Workspace) -> None:
    write_user(workspace, "[split]\nseed = 1\nstratify = 'user'\nthreshold = 0.5")
    (workspace.root / "tunewise.toml").write_text("[split]\nseed = 2\nthreshold = 0.6")
    settings, origins = load(
        workspace, {"split": {"seed": 4, "threshold": None}}, TUNEWISE_SPLIT_SEED="3"
    )
    assert (settings.split.seed, settings.split.threshold) == (4, 0.6)
    assert settings.split.stratify == "user"
    assert origins["split.seed"] == "flag"
    assert origins["split.threshold"].endswith("tunewise.toml")
    assert origins["split.stratify"].endswith("config.toml")
    assert origins["split.ratios"] == "default"
    settings, origins = load(workspace, TUNEWISE_SPLIT_SEED="3")
    assert (settings.split.seed, origins["split.seed"]) == (3, "environment")


def test_the_environment_reads_lists_and_bare_words(workspace: Workspace) -> None:
    settings, _ = load(
        workspace, TUNEWISE_SPLIT_RATIOS="0.8, 0.2", TUNEWISE_SPLIT_STRATIFY="my label"
    )
    assert settings.split.ratios == (0.8, 0.2)
    assert settings.split.stratify == "my label"


def test_pyproject_holds_settings_too(workspace: Workspace) -> None:
    (workspace.root / "pyproject.toml").write_text("[tool.tunewise.split]\nseed = 9")
    assert load(workspace)[0].split.seed == 9


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[split]\nsead = 1", "unknown key 'sead'", "'seed'"),
        ("[splitt]\nseed = 1", "unknown section [splitt]", "'split'"),
        ("split = 3", "must be a table", ""),
        ("[split", "no valid TOML", ""),
    ],
)
def test_mistakes_in_the_file_name_the_place(
    workspace: Workspace, text: str, what: str, hint: str
) -> None:
    path = workspace.root / "tunewise.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(workspace)
    assert what in caught.value.what
    assert caught.value.where == str(path)
    assert hint in caught.value.fix


def test_a_wrong_value_names_key_and_origin(workspace: Workspace) -> None:
    (workspace.root / "tunewise.toml").write_text("[split]\nthreshold = 7")
    with pytest.raises(UsageError) as caught:
        load(workspace)
    assert "split.threshold" in caught.value.what
    assert "7" in caught.value.what
    assert caught.value.where.endswith("tunewise.toml")
    (workspace.root / "tunewise.toml").unlink()
    with pytest.raises(UsageError) as caught:
        load(workspace, {"split": {"seed": "many"}})
    assert caught.value.where == "flag"


def test_a_file_that_is_no_text_is_an_error(workspace: Workspace) -> None:
    (workspace.root / "tunewise.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        load(workspace)


class Free(Section):
    words: list[str] = []
    table: dict[str, dict[str, float | str]] = {}
    number: float | None = None
    flag: bool = False


class Tables(Section):
    free: Free = Free()
    split: Split = Split()


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.lists(WORDS, max_size=3),
    st.dictionaries(
        WORDS, st.dictionaries(WORDS, st.floats(allow_nan=False, allow_infinity=False) | WORDS)
    ),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
@settings(max_examples=60, deadline=None)
def test_written_settings_are_read_back_as_they_were(words, table, number) -> None:
    given = Tables(free=Free(words=words, table=table, number=number, flag=True))
    read = tomllib.loads(settings_text(given.model_dump(mode="json")))
    assert Tables.model_validate(read) == given


def test_what_is_not_given_is_not_written() -> None:
    assert settings_text({"split": {"seed": 3, "stratify": None}}) == "[split]\nseed = 3\n"


def test_personal_settings_that_cannot_be_looked_at_are_told(workspace: Workspace) -> None:
    """A name that is too long stands for a folder that may not be entered, which root may."""
    with pytest.raises(UsageError, match="cannot read the settings") as caught:
        load(workspace, XDG_CONFIG_HOME="/" + "x" * 5000)
    assert caught.value.fix
