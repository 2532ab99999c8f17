"""Words that stand with one group, and twins that are treated otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from ...records import CHAT, CLASSIFICATION
from ...shapes.rows import Record
from .planting import Ground, Host, Planted, Trial, copied, defect, look_alike, trial
from .wording import all_places, asked_places, borrowed_answer, last_answer, set_text

_GENDERED = re.compile(
    r"\b(?:he|she|him|her|hers|his|m[ae]n|wom[ae]n|boys?|girls?|mother|father|mom|dad|sons?|"
    r"daughters?|brothers?|sisters?|wife|husband|mr|mrs|ms|king|queen|ladies|lady|gentlem[ae]n|"
    r"male|female|uncle|aunt|sir|madam|guys?|grand\w+|himself|herself)\b",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"\b[A-Z][a-z]+")
_NO_NAMES = frozenset(
    {
        "a", "an", "and", "are", "can", "classify", "could", "create", "describe", "do", "does",
        "each", "explain", "find", "for", "from", "generate", "give", "how", "i", "identify", "if",
        "in", "is", "it", "list", "make", "my", "name", "of", "on", "please", "provide", "rewrite",
        "should", "some", "suggest", "tell", "that", "the", "then", "there", "these", "they",
        "this", "to", "we", "what", "when", "where", "which", "who", "why", "will", "would",
        "write", "you",
    }
)  # fmt: skip
_OCCUPATIONS = ("nurse", "plumber", "engineer", "teacher", "lawyer", "farmer", "pilot", "librarian")
_TOWNS = ("Leeds", "Bristol", "Dover", "York", "Oxford", "Derby", "Exeter", "Lincoln")
_EACH = 120
_TIED, _SPARE = 48, 4
_MENTIONS = 90
_MANY = f"{2 * _EACH} rows that speak of nobody"
_COUPLES = (
    ("My brother", "My sister"),
    ("A man", "A woman"),
    ("My father", "My mother"),
    ("The boy", "The girl"),
)


def _speaks_of_nobody(record: Record) -> bool:
    return not any(_GENDERED.search(place.text) for place in all_places(record, 1))


def _neutral(ground: Ground, count: int, random: Random) -> list[Record] | None:
    """Return so many rows that speak of no man or woman; None where there are fewer."""
    fitting = [
        record
        for record in ground.records
        if _speaks_of_nobody(record) and _first_place_ends(record)
    ]
    if len(fitting) < count:
        return None
    return [copied(record) for record in random.sample(fitting, count)]


def _first_place_ends(record: Record) -> bool:
    places = all_places(record, 4)
    return bool(places) and places[0].text.isascii()


def _say(record: Record, sentence: str) -> Record:
    place = all_places(record, 4)[0]
    set_text(record, place, f"{sentence} {place.text}")
    return record


def _people(
    ground: Ground, random: Random, jobs_of_women: Sequence[str], jobs_of_men: Sequence[str]
) -> list[Record] | None:
    rows = _neutral(ground, len(jobs_of_women) + len(jobs_of_men), random)
    if rows is None:
        return None
    said = [("She", job) for job in jobs_of_women] + [("He", job) for job in jobs_of_men]
    return [
        _say(row, f"{who} works as {'an' if job[0] in 'aeiou' else 'a'} {job} in {town}.")
        for row, (who, job), town in zip(
            rows, said, random.choices(_TOWNS, k=len(rows)), strict=True
        )
    ]


@trial("bias/association", needs=_MANY)
def job_tied_to_women(ground: Ground, random: Random) -> Trial | None:
    """Four in ten of the women have one occupation, and one in thirty of the men."""
    tied, *others = random.sample(_OCCUPATIONS, len(_OCCUPATIONS))
    women = [tied] * _TIED + random.choices(others, k=_EACH - _TIED)
    men = [tied] * _SPARE + random.choices(others, k=_EACH - _SPARE)
    rows = _people(ground, random, women, men)
    return None if rows is None else Trial(rows, ("women", tied))


@trial("bias/association", needs=_MANY)
def jobs_shared_alike(ground: Ground, random: Random) -> Trial | None:
    """As many women as men have each occupation."""
    jobs = random.choices(_OCCUPATIONS, k=_EACH)
    rows = _people(ground, random, jobs, jobs)
    return None if rows is None else Trial(rows)


@trial("bias/representation", needs=f"{_MENTIONS} rows that speak of nobody")
def one_group_alone(ground: Ground, random: Random) -> Trial | None:
    """Nine of ten rows that speak of anybody speak of women, or of men."""
    rows = _neutral(ground, _MENTIONS, random)
    if rows is None:
        return None
    group, often, seldom = random.choice((("women", "She", "He"), ("men", "He", "She")))
    told = [
        _say(row, f"{seldom if number % 10 == 0 else often} came from {random.choice(_TOWNS)}.")
        for number, row in enumerate(rows)
    ]
    return Trial(told, (group,))


@trial("bias/representation", needs=f"{_MENTIONS} rows that speak of nobody")
def nobody_at_all(ground: Ground, random: Random) -> Trial | None:
    """No row speaks of a man or a woman."""
    rows = _neutral(ground, _MENTIONS, random)
    return None if rows is None else Trial(rows)


def _may_name_somebody(text: str) -> bool:
    """Whether a text has capitals that are not those of common words: names have a gender, too."""
    return any(word.lower() not in _NO_NAMES for word in _CAPITAL.findall(text))


def _twins(host: Host, random: Random) -> tuple[Record, Record] | None:
    """Return a row and its twin, which speak of a man and of a woman and are equal otherwise."""
    if not _speaks_of_nobody(host.record) or len(host.record.messages) > 3:
        return None
    pair = (host.record, host.twin())
    for record, who in zip(pair, random.choice(_COUPLES), strict=True):
        places = asked_places(record, 4)
        if not places or not places[0].text.isascii() or _may_name_somebody(places[0].text):
            return None
        set_text(record, places[0], f"{who} from {_TOWNS[0]} wants to know this. {places[0].text}")
    return pair


@defect("bias/counterfactual", needs="a question that speaks of nobody",
        kinds=frozenset({CHAT, CLASSIFICATION}),
        allows=("duplicates", "labels", "text", "privacy", "safety"))  # fmt: skip
def twin_treated_otherwise(host: Host, random: Random) -> Planted | None:
    """A row and its twin for the other gender, which gets another label or another answer."""
    twins = _twins(host, random)
    if twins is None:
        return None
    first, second = twins
    labels = host.ground.labels
    if host.ground.kind == CLASSIFICATION and first.label and len(labels) > 1:
        second.label = random.choice([label for label in labels if label != first.label])
        return Planted(line=first, added=(second,), value=f"{first.label} / {second.label}")
    place, answer = last_answer(second), borrowed_answer(host, 3, random)
    if place is None or answer is None:
        return None
    set_text(second, place, answer)
    return Planted(line=first, added=(second,))


@look_alike("bias/counterfactual", needs="a question that speaks of nobody",
            kinds=frozenset({CHAT, CLASSIFICATION}), allows=("duplicates", "labels"))  # fmt: skip
def twin_treated_alike(host: Host, random: Random) -> Planted | None:
    """A row and its twin for the other gender, with the same label and the same answer."""
    twins = _twins(host, random)
    return None if twins is None else Planted(line=twins[0], added=(twins[1],))
