"""Whether answers have the keys of their references."""

from __future__ import annotations

from .json_answers import key_paths, read_json
from .paired_texts import PairedTexts


class JsonKeys(PairedTexts):
    """``compute`` returns ``json_keys`` (the mean) and ``items`` (0 to 1 for each pair).

    An answer that does not parse has no key in common with anything. Where the reference has no
    keys (a list of numbers, or no JSON at all), an answer without keys agrees.
    """

    key = "json_keys"
    about = "F1 of the paths of keys of the answer and of the reference."

    def compare(self, answer: str, reference: str) -> float:
        """Return the F1 of the paths of keys."""
        return agreement(answer, reference)


def agreement(answer: str, reference: str) -> float:
    """Return the F1 of the key paths of two answers."""
    wanted = _keys(reference, reference) or set()
    said = _keys(answer, reference)
    if said is None and wanted:
        return 0.0
    said = said or set()
    if not said or not wanted:
        return float(said == wanted)
    return 2 * len(said & wanted) / (len(said) + len(wanted))


def _keys(answer: str, like: str) -> set[tuple[str, ...]] | None:
    try:
        return key_paths(read_json(answer, like))
    except (ValueError, RecursionError):
        return None
