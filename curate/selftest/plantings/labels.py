"""Labels that contradict each other, that are wrong, or that reject an answer."""

from __future__ import annotations

from random import Random

from ...records import CHAT, CLASSIFICATION
from .planting import Host, Planted, defect, look_alike
from .wording import all_places, set_text

_NEEDS = "one of several labels"
_LEAST_ROWS, _OFTEN = 6, 120
_JUDGED = frozenset({"true", "false"})


def _another_label(host: Host, random: Random) -> str | None:
    labels = host.ground.labels
    own = host.record.label
    # More labels than half of the rows are texts, no labels.
    if own is None or not 2 <= len(labels) <= max(2, len(host.ground.records) / 2):
        return None
    return random.choice([label for label in labels if label != own])


@defect("labels/conflict", needs=_NEEDS, allows=("duplicates", "labels", "bias/counterfactual"))
def same_text_with_another_label(host: Host, random: Random) -> Planted | None:
    """A row again with another label."""
    label = _another_label(host, random)
    if label is None:
        return None
    twin = host.twin()
    twin.label = label
    return Planted(added=(twin,), value=label)


@defect("labels/conflict", needs=_NEEDS, allows=("duplicates", "labels", "text/whitespace"))
def same_words_with_another_label(host: Host, random: Random) -> Planted | None:
    """A row again in capitals or with other blanks, and with another label."""
    label = _another_label(host, random)
    places = all_places(host.record, 2)
    if label is None or not places:
        return None
    twin = host.twin()
    twin.label = label
    for place in places:
        set_text(twin, place, random.choice((place.text.upper(), f" {place.text} ")))
    return Planted(added=(twin,), value=label)


@look_alike("labels/conflict", needs=_NEEDS, allows=("duplicates", "labels"))
def other_text_with_another_label(host: Host, random: Random) -> Planted | None:
    """A row again with one more word that matters, and another label."""
    label = _another_label(host, random)
    places = all_places(host.record, 2)
    if label is None or not places:
        return None
    twin = host.twin()
    twin.label = label
    set_text(twin, places[0], f"{places[0].text} Not really!")
    return Planted(added=(twin,), value=label)


@defect("labels/noise", needs=_NEEDS, kinds=frozenset({CLASSIFICATION}), allows=("labels",))
def label_flipped(host: Host, random: Random) -> Planted | None:
    """A row whose label became another one, drawn by chance."""
    label = _another_label(host, random)
    if label is None or not all_places(host.record, 4):
        return None
    own = host.record.label
    host.record.label = label
    said = all_places(host.record, 4)[0].text
    return Planted(line=host.record, value=f"{own} → {label}: {said}")


def _spelt_otherwise(label: str, random: Random) -> str | None:
    """Return another way to write a label; None where it has no letters."""
    ways = {
        label.upper(),
        label.lower(),
        label.title(),
        label.replace("_", " "),
        label.replace("_", "-"),
        label.replace(" ", "_"),
        f" {label}",
    } - {label}
    return random.choice(sorted(ways)) if any(map(str.isalpha, label)) else None


@defect("schema/label-vocabulary", needs=_NEEDS, allows=("labels", "balance"))
def label_spelt_otherwise(host: Host, random: Random) -> Planted | None:
    """A label in other capitals, or with other separators."""
    label = host.record.label
    if label is None or _another_label(host, random) is None or label.lower() in _JUDGED:
        return None
    spelt = _spelt_otherwise(label, random)
    rows = sum(record.label == label for record in host.ground.records)
    if spelt is None or spelt in host.ground.labels or rows < _LEAST_ROWS:
        return None
    host.record.label = spelt
    return Planted(line=host.record, field="label", value=f"{label} → {spelt}")


@defect("schema/label-vocabulary", needs=f"a label of six letters with {_OFTEN} rows",
        allows=("labels", "balance"))  # fmt: skip
def label_misspelt(host: Host, random: Random) -> Planted | None:
    """A frequent label with a letter left out, doubled, or swapped with the next."""
    label = host.record.label
    if label is None or len(label) < 6 or _another_label(host, random) is None:
        return None
    letters = [place for place in range(1, len(label) - 1) if label[place : place + 2].isalpha()]
    if not letters or sum(record.label == label for record in host.ground.records) < _OFTEN:
        return None
    at = random.choice(letters)
    first, second = label[at], label[at + 1]
    changed = random.choice(("", first * 2, "swap"))
    pair = second + first if changed == "swap" else changed + second
    spelt = label[:at] + pair + label[at + 2 :]
    if spelt == label or spelt in host.ground.labels:
        return None
    host.record.label = spelt
    return Planted(line=host.record, field="label", value=f"{label} → {spelt}")


@look_alike("schema/label-vocabulary", needs=_NEEDS, allows=("labels", "balance"))
def label_of_its_own(host: Host, random: Random) -> Planted | None:
    """A rare label that is a word of its own, or differs in a number."""
    label = host.record.label
    if label is None or _another_label(host, random) is None or label.lower() in _JUDGED:
        return None
    host.record.label = random.choice((f"{label} 2", f"{label}3", "miscellany", "xylophone"))
    return Planted(line=host.record, value=f"{label} → {host.record.label}")


@defect("labels/rejected-answer", needs="a label that judges its answer (true or false)",
        kinds=frozenset({CHAT}), allows=("labels/conflict",))  # fmt: skip
def answer_rejected(host: Host, random: Random) -> Planted | None:
    """A good answer whose label now says that it is a bad one."""
    if host.record.label is None or host.record.label.lower() != "true":
        return None
    if not set(map(str.lower, host.ground.labels)) <= _JUDGED:
        return None
    host.record.label = "false"
    return Planted(line=host.record, value="true → false")
