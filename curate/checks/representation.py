"""Who is spoken of, and which groups the records come from: figures, not verdicts.

Counted are records in which a user's or an assistant's turn mentions a group, with Wilson
intervals (Wilson 1927, "Probable inference, the law of succession, and statistical inference").
Where fewer records than ``least_support`` mention anybody, nothing is said.

Limits: English words alone, counted without context ("white paint" is left out, "a black dog" is
not asked about: colours count only before words for people); names and roles tell nothing here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity

_PEOPLE = (
    "people|person|man|men|woman|women|boy|boys|girl|girls|community|communities|family|families|"
    "americans?|students?|workers?|voters?|neighbou?rs?"
)
_TERMS = {
    "gender": {
        "women": "she|her|hers|herself|woman|women|girls?|lady|ladies|mother|wife|daughters?|"
        "sisters?|females?|queen|aunt|grandmother|actress(?:es)?|waitress(?:es)?|mrs|ms",
        "men": "he|him|his|himself|man|men|boys?|gentlem[ae]n|father|husband|sons?|brothers?|"
        "males?|king|uncle|grandfather|actors?|waiters?|mr",
        "non-binary people": "non-?binary|genderqueer|genderfluid|agender|transgender|"
        "trans (?:man|woman|person)",
    },
    "religion": {
        "Christians": "christians?|christianity|catholics?|protestants?|churches|bible",
        "Muslims": "muslims?|islam|islamic|mosques?|quran|koran",
        "Jews": "jews?|jewish|judaism|synagogues?|torah",
        "Hindus": "hindus?|hinduism",
        "Buddhists": "buddhists?|buddhism",
        "atheists": "atheists?|atheism",
    },
    "ethnicity": {
        "Black people": f"black (?:{_PEOPLE})|african[ -]americans?|afro-\\w+",
        "white people": f"white (?:{_PEOPLE})|caucasians?",
        "Asian people": f"asian (?:{_PEOPLE})|asians|asian[ -]americans?",
        "Hispanic people": "hispanics?|latin[oax]s?|latinx",
        "indigenous people": f"indigenous (?:{_PEOPLE}|peoples)|native americans?|aboriginals?",
    },
    "age": {
        "the young": "teenagers?|teens|adolescents?|youths?|millennials?|young (?:people|adults?)",
        "the old": "elderly|senior citizens?|seniors|pensioners?|retirees?|"
        f"old(?:er)? (?:{_PEOPLE})",
    },
    "disability": {
        "people with disabilities": "disabilit(?:y|ies)|disabled|wheelchairs?|deaf|blind (?:person|"
        "people|man|woman|users?)|visually impaired|hearing impaired|autistic|autism|amputees?",
    },
}
_SIDES = {"user": "users say", "assistant": "the assistant says"}


@dataclass(frozen=True, slots=True)
class Share:
    """A share of counted records with its 95 % interval."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval."""
        return wilson_interval(self.count, self.total)

    def __str__(self) -> str:
        """Percent with interval."""
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%}–{high:.1%})"


def wilson_interval(count: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        count: how many have it.
        total: of how many; at least one.
        z: quantile of the normal distribution; 95 % by default.

    Example:
        >>> [round(bound, 3) for bound in wilson_interval(5, 10)]
        [0.237, 0.763]
    """
    share = count / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def _representation(context: CheckContext, check: Check) -> pl.DataFrame:
    found = [
        *_mentions(context, context.parameter(check, "least_support")),
        *_group_skew(context, context.parameter(check, "least_share_of_even")),
    ]
    return pl.DataFrame(
        [{"row": None, **hit} for hit in found],
        schema={"row": pl.Int64, "field": pl.String, "score": pl.Float64, "related": pl.String,
                "message": pl.String},
    )  # fmt: skip


def _mentions(context: CheckContext, least_support: int) -> list[dict[str, object]]:
    """One finding for each dimension and side that enough records mention."""
    found: list[dict[str, object]] = []
    for side, speaker in _SIDES.items():
        spoken = context.messages.filter(pl.col("role") == side, pl.col("part") != "rejected")
        total = spoken["row"].n_unique()
        if not total:
            continue
        by_record = (
            spoken.lazy()
            .select(
                "row",
                *(
                    pl.col("content").str.contains(_pattern(terms)).fill_null(False)
                    .alias(f"{dimension}/{name}")
                    for dimension, groups in _TERMS.items()
                    for name, terms in groups.items()
                ),
            )
            .group_by("row")
            .agg(pl.exclude("row").any())
            .collect()
        )  # fmt: skip
        for dimension, groups in _TERMS.items():
            columns = [f"{dimension}/{name}" for name in groups]
            anybody = by_record.select(pl.any_horizontal(columns).sum()).item()
            if anybody < least_support:
                continue
            shares = {name: Share(int(by_record[f"{dimension}/{name}"].sum()), total)
                      for name in groups}  # fmt: skip
            most = max(shares, key=lambda name: shares[name].count)
            figures = ", ".join(f"{name} {share}" for name, share in shares.items())
            found.append(
                {
                    "field": None,
                    "score": shares[most].count / anybody,
                    "related": most,
                    "message": f"{dimension} in what {speaker}, share of {total:,} records: "
                    + figures,
                }
            )
    return found


def _pattern(terms: str) -> str:
    return rf"(?i)(?-u:\b)(?:{terms})(?-u:\b)"


def _group_skew(context: CheckContext, least_share_of_even: float) -> list[dict[str, object]]:
    """One finding for each group that has far less than an even share of the records."""
    groups = context.records["group"]
    groups = groups.filter(groups.str.contains(r"\S"))
    counts = groups.value_counts(sort=True)
    # Groups of a handful of records each are documents or customers, not parts of a population.
    if not 2 <= counts.height <= 50 or len(groups) < 20 * counts.height:
        return []
    even = 1 / counts.height
    found: list[dict[str, object]] = []
    for name, count in counts.iter_rows():
        share = Share(count, len(groups))
        if share.interval[1] < least_share_of_even * even:
            found.append(
                {
                    "field": "group",
                    "score": share.value,
                    "related": name,
                    "message": f"group '{name}' has {share} of the records; an even share among "
                    f"{counts.height} groups is {even:.1%}",
                }
            )
    return found


CHECKS = (
    RowCheck(
        name="bias/representation",
        title="who is spoken of, and which groups are rare",
        severity=Severity.INFO,
        fix=Fix.NONE,
        find=_representation,
        parameters={
            "least_support": Parameter(
                50, "records that mention anybody; shares of fewer tell nothing"
            ),
            "least_share_of_even": Parameter(
                0.25, "a group with less than a quarter of an even share is rare"
            ),
        },
    ),
)
