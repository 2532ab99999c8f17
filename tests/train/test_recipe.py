from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tunewise.train.preflight.preflight import plan, rows_to_measure
from tunewise.train.recipe import Recipe, read_recipe_file
from tunewise.train.recipe_page import with_key_tables
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.config import Section, load_settings
from tunewise.workspace.errors import UsageError


class Settings(Section):
    train: Recipe = Recipe()


def test_every_key_says_what_it_does_and_why() -> None:
    silent = [name for name, key in Recipe.model_fields.items() if not key.description]
    assert silent == []


def test_open_keys_follow_the_method_and_the_rank() -> None:
    assert Recipe().peak_learning_rate == 2e-4
    assert Recipe(method="full").peak_learning_rate == 2e-5
    assert Recipe(task="preference").peak_learning_rate == pytest.approx(2e-5)
    assert Recipe(learning_rate=1e-3).peak_learning_rate == 1e-3
    assert Recipe(rank=4).adapter_alpha == 8
    assert Recipe(rank=4, alpha=3).adapter_alpha == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rank", 0),
        ("dropout", 1.0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("epochs", 0),
        ("batch_size", 0),
        ("warmup", 1.0),
        ("schedule", "sawtooth"),
        ("method", "magic"),
        ("dtype", "float8"),
        ("keep", "all"),
        ("seed", -1),
        ("target_modules", ()),
        ("learnin_rate", 1e-4),
    ],
)
def test_what_makes_no_sense_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({key: value})


def test_one_target_needs_no_list() -> None:
    assert Recipe.model_validate({"target_modules": "q_proj"}).target_modules == ("q_proj",)


@pytest.mark.parametrize("head", ["", "[train]\n"])
def test_a_recipe_file_sets_keys(tmp_path: Path, head: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(head + 'rank = 32\ntarget_modules = ["q_proj", "v_proj"]\n')
    keys = read_recipe_file(path)
    assert keys == {"rank": 32, "target_modules": ["q_proj", "v_proj"]}
    settings, origins = load_settings(
        Settings, Workspace(tmp_path), flags={"train": {**keys, "rank": 64}}, environ={}
    )
    assert settings.train.rank == 64
    assert settings.train.target_modules == ("q_proj", "v_proj")
    assert {origin.key for origin in origins if origin.origin == "flag"} == {
        "train.rank",
        "train.target_modules",
    }


def test_the_environment_sets_keys(tmp_path: Path) -> None:
    environ = {"TUNEWISE_TRAIN_TARGET_MODULES": "q_proj,v_proj", "TUNEWISE_TRAIN_EPOCHS": "1.5"}
    settings, _ = load_settings(Settings, Workspace(tmp_path), environ=environ)
    assert settings.train.target_modules == ("q_proj", "v_proj")
    assert settings.train.epochs == 1.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rat = 1e-4", "learning_rat"),
        ("rank = ", "TOML"),
        ("[train]\nrank = 1\n[audit]\nskip = []", "nothing else"),
        ("train = 3", "nothing else"),
    ],
)
def test_a_bad_recipe_file_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_recipe_file(path)
    assert caught.value.where == str(path)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("learning_rat = 1e-4")
    with pytest.raises(UsageError) as caught:
        read_recipe_file(path)
    assert "learning_rate" in caught.value.fix


def test_a_missing_recipe_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_recipe_file(tmp_path / "none.toml")


def test_steps_are_counted_as_the_trainer_counts_them() -> None:
    schedule = plan(101, Recipe(batch_size=4, gradient_accumulation=3, epochs=2.5, warmup=0.1))
    assert schedule.steps_per_epoch == 9
    assert schedule.steps == 23
    assert schedule.warmup_steps == 2
    assert schedule.eval_every == 3
    assert plan(3, Recipe(epochs=1)).eval_every == 1
    assert plan(1000, Recipe(eval_every=7)).eval_every == 7


def test_validations_cost_a_fraction_of_the_training() -> None:
    recipe = Recipe(epochs=3)
    assert rows_to_measure(2000, recipe, plan(2000, recipe)) == 250
    assert rows_to_measure(20, recipe, plan(20, recipe)) == 64
    assert rows_to_measure(100_000, recipe, plan(100_000, recipe)) == 1000
    fixed = Recipe(eval_rows=5)
    assert rows_to_measure(2000, fixed, plan(2000, fixed)) == 5


def test_the_page_of_keys_is_made_from_the_keys(repository_root: Path) -> None:
    """`python docs/make_training.py` makes it."""
    page = (repository_root / "docs" / "training.md").read_text(encoding="utf-8")
    assert with_key_tables(page) == page
    assert all(f"| `{key}` |" in page for key in Recipe.model_fields)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="keys: begin"):
        with_key_tables("# Training\n")
