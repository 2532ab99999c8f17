"""Whether answers parse as JSON."""

from __future__ import annotations

from .json_answers import parses
from .paired_texts import PairedTexts


class JsonParses(PairedTexts):
    """``compute`` returns ``json_parses`` (the mean) and ``items`` (0 or 1 for each answer)."""

    key = "json_parses"
    about = "Share of answers that are a JSON object or list."

    def compare(self, answer: str, reference: str) -> float:
        """Tell whether the answer parses."""
        return float(parses(answer, reference))
