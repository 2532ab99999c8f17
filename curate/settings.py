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
    rules: tuple[RuleSettings, ...] = ()
    severity: dict[str, Literal["high", "medium", "low", "info"]] = Field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)


class CleanSettings(Section):
    """`[clean]`: which fixes are accepted, and how much may go."""

    accept: tuple[str, ...] = ()
    max_removed_share: float = Field(default=0.5, ge=0, le=1)
    yes: bool = False


class SplitSettings(Section):
    """`[split]`: shares of the parts, what stays balanced and what stays together."""

    ratios: tuple[float, float, float] = (0.70, 0.15, 0.15)
    stratify: str | None = None
    group: tuple[str, ...] = ()
    seed: int = 17
    threshold: float = Field(default=0.8, gt=0, le=1)

    @field_validator("ratios", mode="before")
    @classmethod
    def _read_ratios(cls, value: Any) -> Any:
        """Accept ``70/15/15`` and any three positive numbers; keep shares of one as they are."""
        parts = value.split("/") if isinstance(value, str) else value
        numbers = [float(part) for part in parts]
        if len(numbers) != 3 or min(numbers) <= 0:
            raise ValueError("three positive numbers are wanted, such as 70/15/15")
        if math.isclose(sum(numbers), 1):
            return tuple(numbers)
        return tuple(number / sum(numbers) for number in numbers)
