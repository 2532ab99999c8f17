"""The list of checks as data, and choosing among them."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from tunewise.curate.auditing.check_catalogue import catalogue_page, documentation
from tunewise.curate.auditing.checking import AnyCheck, run_check
from tunewise.curate.check import (
    CheckContext,
    CheckSkippedError,
    Extra,
    Parameter,
    RowCheck,
)
from tunewise.curate.checks.registry import (
    ALL_CHECKS,
    DIMENSIONS,
    choose_checks,
    reject_unknown,
)
from tunewise.curate.finding import FINDING_SCHEMA, Fix, Severity
from tunewise.curate.reading.read import read_dataset
from tunewise.workspace.errors import UsageError


def test_names_are_stable_unique_and_in_order_of_their_dimension() -> None:
    names = [check.name for check in ALL_CHECKS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+/[a-z-]+", name) for name in names)
    places = [DIMENSIONS.index(check.dimension) for check in ALL_CHECKS]
    assert places == sorted(places)
    assert {
        "schema/malformed-row", "duplicates/exact", "duplicates/near", "tokens/over-context",
        "privacy/email", "privacy/phone", "privacy/credit-card", "balance/label",
    } <= set(names)  # fmt: skip


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.name)
def test_every_check_explains_itself(check: RowCheck) -> None:
    assert check.title
    assert not check.title.endswith(".")
    assert all(parameter.reason for parameter in check.parameters.values())


def test_choosing_by_name_dimension_and_pattern() -> None:
    def names(wanted: tuple[str, ...] = (), unwanted: tuple[str, ...] = ()) -> set[str]:
        return {check.name for check in choose_checks(wanted, unwanted)}

    assert names() == {check.name for check in ALL_CHECKS}
    assert names(("privacy/email",)) == {"privacy/email"}
    assert names(("privacy", "text/html")) == {
        "text/html", *(check.name for check in ALL_CHECKS if check.dimension == "privacy")
    }  # fmt: skip
    assert names(("*/mal*",)) == {"schema/malformed-row"}
    assert "text/html" not in names((), ("text",))


@pytest.mark.parametrize(
    ("wanted", "unwanted", "hint"),
    [
        (("privacy/emial",), (), "privacy/email"),
        ((), ("privcy",), "privacy"),
        (("nothing/*",), (), ""),
        (("privacy",), ("privacy",), "no check is left"),
    ],
)
def test_a_name_that_stands_for_nothing(wanted, unwanted, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_checks(wanted, unwanted)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "severities", "hint"),
    [
        ({"text/truncatd": {}}, (), "text/truncated"),
        ({"text/truncated": {"least_word": 3}}, (), "least_words"),
        ({"text/truncated": {"least_words": "three"}}, (), "6"),
        ({"text/truncated": {"least_words": True}}, (), "6"),
        ({"privacy/phone": {"regions": "US"}}, (), "'US'"),
        ({"privacy/email": {"x": 1}}, (), "no parameters"),
        ({}, ("text/htm",), "text/html"),
    ],
)
def test_settings_of_checks_that_do_not_exist(parameters, severities, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        reject_unknown(parameters, severities)
    assert hint in str(caught.value)


def test_settings_that_fit() -> None:
    reject_unknown(
        {
            "text/truncated": {"least_words": 3, "most_unclosed": 0},
            "privacy/phone": {"regions": ["US", "IN"]},
        },
        ["text/html"],
    )


@pytest.fixture
def context(tmp_path: Path) -> CheckContext:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"}\n')
    return CheckContext(read_dataset([path], shape="text"))


def a_check(find, **options) -> RowCheck:
    return RowCheck(
        name="text/test",
        title="a test",
        severity=Severity.LOW,
        fix=Fix.REVIEW,
        find=find,
        **options,
    )


def test_hits_are_completed_to_findings(context: CheckContext) -> None:
    def find(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        context.explain(check, "looked at twice")
        return pl.DataFrame(
            {"row": [1, 1, 0], "severity": [None, "high", None], "score": [1, 2, 3]}
        )

    result = run_check(a_check(find), context)
    assert result.findings.schema == FINDING_SCHEMA
    assert result.findings["severity"].to_list() == ["low", "high", "low"]
    assert (result.status, result.rows, result.reason) == ("ran", 2, "looked at twice")


def test_the_users_severity_holds_for_all_findings(context: CheckContext) -> None:
    check = a_check(lambda *_: pl.DataFrame({"row": [0, 1], "severity": ["high", None]}))
    result = run_check(check, context, Severity.INFO)
    assert result.findings["severity"].to_list() == ["info", "info"]


def test_a_check_that_fails_says_so_and_stops_nothing(context: CheckContext) -> None:
    def find(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        raise ZeroDivisionError("by zero")

    result = run_check(a_check(find), context)
    assert (result.status, result.reason) == ("failed", "ZeroDivisionError: by zero")
    assert result.findings.is_empty()


def test_a_panic_of_polars_is_a_failure_too(context: CheckContext) -> None:
    def find(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        raise pl.exceptions.PanicException("assertion failed")

    assert run_check(a_check(find), context).status == "failed"


def test_a_check_that_does_not_apply(context: CheckContext) -> None:
    def find(context: CheckContext, check: RowCheck) -> pl.DataFrame:
        raise CheckSkippedError("no rows of this kind")

    result = run_check(a_check(find), context)
    assert (result.status, result.reason) == ("skipped", "no rows of this kind")


def test_a_missing_package_skips_a_check_with_the_command(context: CheckContext) -> None:
    check = a_check(lambda *_: pl.DataFrame({"row": [0]}), extra=Extra("no_such_package", "nice"))
    result = run_check(check, context)
    assert result.status == "skipped"
    assert "pip install 'tunewise[nice]'" in result.reason


def test_parameters_come_from_the_user_or_from_the_check(context: CheckContext) -> None:
    check = a_check(lambda *_: pl.DataFrame(), parameters={"a": Parameter(1, "why"),
                                                           "b": Parameter(2, "why")})  # fmt: skip
    context.parameters = {"text/test": {"b": 7}}
    assert (context.parameter(check, "a"), context.parameter(check, "b")) == (1, 7)


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.name)
def test_every_check_says_what_it_measures_its_evidence_fix_and_limits(check: AnyCheck) -> None:
    about = documentation(check)
    assert about.splitlines()[0].endswith(".")
    for part in ("Evidence: ", "Fix: ", "Limits: "):
        assert part in about, part


def test_each_check_has_a_module_of_its_name() -> None:
    modules = {check.find.__module__.rpartition(".")[2]: check.name for check in ALL_CHECKS}
    assert modules == {name.replace("/", "_").replace("-", "_"): name for name in modules.values()}
    assert len(modules) == len(ALL_CHECKS)


def test_the_page_of_checks_is_the_one_that_is_made(repository_root: Path) -> None:
    """`tunewise checks --markdown > docs/checks.md` makes it."""
    page = (repository_root / "docs" / "checks.md").read_text(encoding="utf-8")
    assert page == catalogue_page(ALL_CHECKS) + "\n"
