"""What the text metrics compare: words, in one case, without marks."""

from __future__ import annotations

import re
import unicodedata

# Scripts written without spaces count by the character.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """Return the words of a text.

    SQuAD's normalisation without its removal of articles, which is for English alone. A text of
    marks alone is one word, so that it still equals itself.

    Example:
        >>> words("The  C-major chord!"), words(":-)")
        (['the', 'c', 'major', 'chord'], [':-)'])
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(folded) or folded.split()
