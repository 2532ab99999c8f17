"""Settings of reading, auditing, cleaning and splitting."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any, Literal

from pydantic import Field, field_validator

from ..workspace.config import Section
from ..workspace.errors import UsageError
from .formats.text_encoding import check_encoding

RULE_DIMENSION = "custom"

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class DataSettings(Section):
    """`[data]`: which files, and how their rows are to be understood."""

    paths: tuple[str, ...] = ()
    shape: str | None = None
    mapping: dict[str, str] = Field(default_factory=dict)
    encoding: str | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return None if name is None else check_encoding(name)
        except UsageError as error:
            raise ValueError(f"{error.what}; {error.fix}") from error


class RuleSettings(Section):
    """`[[audit.rules]]`: one rule.

    Attributes:
        name: in small letters and hyphens; the check is called ``custom/NAME``.
        where: SQL expression that is true for a row that is at fault.
        message: what is wrong with it, for the reader.
        field: the column that is at fault, if one is.
        severity: of its findings.
        fix: what it proposes.
    """

    name: str
    where: str
    message: str
    field: str | None = None
    severity: Literal["high", "medium", "low", "info"] = "medium"
    fix: Literal["drop", "review", "none"] = "review"

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        bare = name.removeprefix(f"{RULE_DIMENSION}/")
        if not _NAME.fullmatch(bare):
            raise ValueError("a rule's name is made of small letters, digits and hyphens")
        return bare


# A deprecated method of pydantic's models has the name of one of these settings.
warnings.filterwarnings("ignore", 'Field name "schema" in "AuditSettings" shadows')


class AuditSettings(Section):
    """`[audit]`: which checks run, and what they compare with."""

    checks: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fail_on: Literal["high", "medium", "low", "never"] = "never"
    benchmarks: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    tokenizer: str | None = None
    schema: str | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    context_length: int = Field(default=2048, gt=0)
    processes: int | None = Field(default=None, ge=1)
    ray: str | None = None
    rules: tuple[RuleSettings, ...] = ()
    severity: dict[str, Literal["high", "medium", "low", "info"]] = Field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)


class CleanSettings(Section):
    """`[clean]`: which fixes are accepted, and how much may go."""

    accept: tuple[str, ...] = ()
    max_removed_share: float = Field(default=0.5, ge=0, le=1)
    yes: bool = False


class SplitSettings(Section):
    """`[split]`: shares of the parts, what stays balanced and what stays together.

    Attributes:
        ratios: of train, val and test; val or test may be 0.
        stratify: columns whose shares stay equal in all parts; by default the label.
        group: columns whose equal values stay together.
        seed: another one gives another split.
        threshold: the Jaccard similarity from which rows stay together.
        by_time: a column with times: train gets the oldest rows, test the newest.
        folds: so many splits, each row in the test part of one of them.
        fold: which of them is wanted, from 1 on; all of them by default.
        leave_out: ``COLUMN=VALUE``: the rows with that value are the test part. ``COLUMN`` alone
            stands for a split for each of its values.
        keep_test: a file that is the test part; what leaks into it is left out.
        out_of_domain: ``COLUMN=VALUE``, several of one column, or ``COLUMN`` alone: rows that are
            held out as a part of their own.
        out_of_domain_share: of the rows, where only the column is named.
        against: an earlier split, by path or id; its rows keep their parts.
    """

    ratios: tuple[float, float, float] = (0.70, 0.15, 0.15)
    stratify: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    seed: int = 17
    threshold: float = Field(default=0.8, gt=0, le=1)
    by_time: str | None = None
    folds: int | None = Field(default=None, ge=2)
    fold: int | None = Field(default=None, ge=1)
    leave_out: str | None = None
    keep_test: str | None = None
    out_of_domain: tuple[str, ...] = ()
    out_of_domain_share: float = Field(default=0.1, gt=0, lt=1)
    against: str | None = None

    @field_validator("ratios", mode="before")
    @classmethod
    def _read_ratios(cls, value: Any) -> Any:
        """Accept ``70/15/15`` and any three numbers; keep shares of one as they are."""
        parts = value.split("/") if isinstance(value, str) else value
        numbers = [float(part) for part in parts]
        sound = len(numbers) == 3 and all(0 <= number < math.inf for number in numbers)
        if not sound or numbers[0] <= 0 or sum(numbers[1:]) <= 0:
            raise ValueError(
                "three numbers are wanted, such as 70/15/15; val or test may be 0, not both"
            )
        if math.isclose(sum(numbers), 1):
            return tuple(numbers)
        return tuple(number / sum(numbers) for number in numbers)

    @field_validator("stratify", "out_of_domain", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        """Accept one name for a list of names, and nothing for none."""
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value
