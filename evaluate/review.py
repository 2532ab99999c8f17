"""Reviewing answers blind: base and tuned in random order, preferences kept, counted at the end."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ..curate.measures.shares import wilson_interval
from ..workspace.artifact import Workspace
from ..workspace.errors import JobError
from ..workspace.lock import locked

BASE, TUNED, TIE = "base", "tuned", "tie"
ITEMS_NAME = "items.parquet"


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two answers a person liked better, without knowing whose they were.

    Attributes:
        task: of the item.
        item: of the task.
        preferred: ``base``, ``tuned`` or ``tie``.
        first: whose answer was shown first, ``base`` or ``tuned``.
        who: the person's login name.
        time: ISO 8601, UTC.
    """

    task: str
    item: str
    preferred: str
    first: str
    who: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Preferences counted.

    Attributes:
        base: answers of the base that were preferred.
        tuned: answers of the tuned model that were preferred.
        ties: pairs of which neither was.
        share: of the tuned model among the pairs with a preference; None where there is none.
        interval: of that share, 95 % (Wilson, 1927); None where there is no preference.
    """

    base: int
    tuned: int
    ties: int
    share: float | None
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """``tuned`` or ``base`` where the interval leaves no doubt, else ``undecided``."""
        if self.interval is None or self.interval[0] <= 0.5 <= self.interval[1]:
            return "undecided"
        return TUNED if self.interval[0] > 0.5 else BASE


def review_path(workspace: Workspace, evaluation: str) -> Path:
    """Return where the preferences about an evaluation's answers are kept."""
    return workspace.store / "reviews" / f"{evaluation}.jsonl"


def first_shown(evaluation: str, task: str, item: str) -> str:
    """Draw whose answer is shown first: by a hash, so the same again for the same item."""
    drawn = hashlib.sha256(f"{evaluation}\0{task}\0{item}".encode("utf-8", "replace")).digest()
    return BASE if drawn[0] % 2 else TUNED


def items_to_review(items: Path, evaluation: str) -> pl.DataFrame:
    """Return the items whose answers differ, in random order: free answers where there are any.

    Args:
        items: ``items.parquet`` of the evaluation.
        evaluation: its id, which the order is drawn by.

    Returns:
        Columns ``task, item``.
    """
    frame = pl.scan_parquet(items)
    differ = (pl.col("base_output") != pl.col("tuned_output")).fill_null(False)
    names = frame.collect_schema().names()
    free = pl.col("choices").is_null() if "choices" in names else pl.lit(True)
    # Several tasks may judge one answer; it is looked at once.
    answers = ["prompt", "base_output", "tuned_output"]
    found = (
        frame.filter(differ)
        .unique(answers, keep="first", maintain_order=True)
        .select("task", pl.col("item").cast(pl.String), free=free)
        .collect()
    )
    if found["free"].any():
        found = found.filter("free")
    keys = [
        hashlib.sha256(f"{evaluation}\0order\0{task}\0{item}".encode("utf-8", "replace")).digest()
        for task, item in found.select("task", "item").iter_rows()
    ]
    order = sorted(range(len(found)), key=keys.__getitem__)
    return found.select("task", "item")[order]


def keep_preference(path: Path, preference: Preference) -> Preference:
    """Write a preference down; the last one about an item counts.

    Raises:
        JobError: it cannot be written.
    """
    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = "unknown"
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    kept = Preference(**{**asdict(preference), "who": who, "time": moment})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            locked(path.with_name(path.name + ".lock")),
            path.open("a", encoding="utf-8") as stream,
        ):
            stream.write(json.dumps(asdict(kept), ensure_ascii=True) + "\n")
    except OSError as error:
        raise JobError(
            f"cannot write the preference: {error.strerror or error}",
            where=str(path),
            fix="free some space or check the folder's permissions",
        ) from error
    return kept


def read_preferences(path: Path) -> dict[tuple[str, str], Preference]:
    """Read the preferences by task and item; lines that are none are left out."""
    found: dict[tuple[str, str], Preference] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            preference = Preference(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if preference.preferred in (BASE, TUNED, TIE):
            found[preference.task, preference.item] = preference
    return found


def tally(preferences: Iterable[Preference]) -> Tally:
    """Count preferences.

    Example:
        >>> chosen = [Preference("t", "1", "tuned", "base"), Preference("t", "2", "tie", "base")]
        >>> found = tally(chosen)
        >>> found.tuned, found.ties, found.share, found.verdict
        (1, 1, 1.0, 'undecided')
    """
    chosen = [preference.preferred for preference in preferences]
    base, tuned = chosen.count(BASE), chosen.count(TUNED)
    decided = base + tuned
    if not decided:
        return Tally(base, tuned, chosen.count(TIE), None, None)
    low, high = wilson_interval(tuned, decided)
    return Tally(base, tuned, chosen.count(TIE), tuned / decided, (float(low), float(high)))
