"""Text of any encoding as UTF-8, and what is known or guessed about a file's encoding.

A byte order mark tells the encoding, and so do the zeros in UTF-16. Beyond that nothing in a file
says how it is encoded: the older encodings give the same bytes different meanings. A guess is made
only where the lines that are not ASCII are as good as never UTF-8, and it is told to the user.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...workspace.errors import UsageError

UTF_8 = "utf-8"

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK = "\ufeff"

# What text files are written in; where two explain the same bytes as well, the earlier one.
# The code pages of DOS are left out: they explain nearly everything, and hardly anyone has them.
_PLAUSIBLE = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "cp932", "gb18030", "big5", "cp949", "euc_jp", "koi8_r", "cp874",
]  # fmt: skip
# First bytes of punctuation, of syllables and of the more frequent half of the ideograms.
_USUAL_FIRST_BYTES = {
    "cp932": (range(0x81, 0x84), range(0x88, 0x98)),
    "gb18030": (range(0xA1, 0xA4), range(0xB0, 0xD8)),
    "big5": (range(0xA1, 0xC7),),
    "cp949": (range(0xA1, 0xA4), range(0xB0, 0xC9)),
    "euc_jp": (range(0xA1, 0xA6), range(0xB0, 0xD0)),
}
_FEW_ODD = 0.1
_WEIGHT_OF_LANGUAGE = 0.2
_AS_GOOD = 0.006
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
# Below so many bytes beyond ASCII a guess is wrong too often (measured: tests/curate).
_LEAST_EVIDENCE = 32
# A text with as few of them, and this long, is mostly English, whose few accents, dashes and quotes
# are nearly always those of Windows-1252.
_MOSTLY_ASCII = 4096
_LOOKED_AT = 1 << 16
_LEAST_LINES_OF_JSON = 3
_LOOKED_AT_FOR_ZEROS = 1 << 12
_STRUCTURE = '\n\r\t ,;"{}[]:'
_LEAST_STRUCTURE = 4
_WHITE_SPACE = str.maketrans("\n\r\t", "   ")
# Controls, halves of pairs, private and unassigned characters.
_NOT_WRITTEN = ("Cc", "Cs", "Co", "Cn")

# Notations within programs and protocols.
_NO_FILE_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7")

_UNREADABLE = "tunewise.unreadable"
_ESCAPED = 0xDC00


class Encoding(NamedTuple):
    """How the bytes of a text file are to be read.

    Attributes:
        name: Python's name of it.
        note: what the user should know about it; empty for plain UTF-8.
    """

    name: str = UTF_8
    note: str = ""


def check_encoding(name: str) -> str:
    """Return Python's name of an encoding that the user has named.

    Raises:
        UsageError: there is no such encoding of text.

    Example:
        >>> check_encoding("Windows-1252")
        'cp1252'
    """
    try:
        # Fails for what is no encoding of text, such as base64.
        "".encode(name)
        found = codecs.lookup(name)
        if found.name in _NO_FILE_ENCODINGS:
            raise LookupError(name)
    except (LookupError, ValueError) as error:
        raise UsageError(
            f"there is no encoding {name!r}",
            where="encoding",
            fix="name one that Python knows, such as utf-8, cp1252, utf-16, shift_jis or gb18030",
        ) from error
    return found.name


def in_byte_order(encoding: str, head: bytes) -> str:
    """Return an encoding with its byte order, which ``utf-16`` and ``utf-32`` leave to a mark."""
    if encoding not in ("utf-16", "utf-32"):
        return encoding
    marked = byte_order_mark(head)[1]
    return marked if marked.startswith(encoding) else f"{encoding}-le"


def byte_order_mark(head: bytes) -> tuple[bytes, str]:
    """Return the mark that a text begins with and the encoding it stands for."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return mark, encoding
    return b"", UTF_8


def encoding_of(head: bytes, lines: Sequence[bytes], *, json: bool) -> Encoding:
    """Tell the encoding of a file from samples of it.

    Args:
        head: its beginning.
        lines: whole lines of it, also from further on.
        json: whether it should hold JSON, which by its own rules is UTF-8: a few bad bytes are
            damage there, and a guess needs several lines.
    """
    mark, name = byte_order_mark(head)
    if mark:
        return Encoding(name, "" if name == UTF_8 else f"read as {name} (by its byte order mark)")
    wide = _wide_encoding(head[:_LOOKED_AT_FOR_ZEROS])
    if wide:
        return Encoding(wide, f"read as {wide} (by its zero bytes)")
    foreign = [line for line in lines if not line.isascii()]
    bad = [line for line in foreign if not _is_utf8(line)]
    if not bad:
        return Encoding()
    if 10 * (len(foreign) - len(bad)) > len(bad):
        return _refused("some lines are not UTF-8")
    evidence = b"\n".join(bad)[:_LOOKED_AT]
    strange = len(evidence) - len(evidence.decode("ascii", "ignore"))
    if json and len(bad) < _LEAST_LINES_OF_JSON:
        return _refused("a few lines are not UTF-8")
    if strange >= _LEAST_EVIDENCE:
        guess = _guess(evidence)
    else:
        mostly_ascii = not json and sum(map(len, lines)) >= _MOSTLY_ASCII
        guess = "cp1252" if mostly_ascii and _decodes(evidence, "cp1252") else ""
    if not guess:
        return _refused("some lines are not UTF-8, and no other encoding explains them")
    return Encoding(guess, f"read as {guess}, a guess (not UTF-8); --encoding says otherwise")


def unreadable_byte(raw: bytes, encoding: str = UTF_8) -> str:
    r"""Say which byte of a text that was transcoded has no meaning in its encoding.

    Example:
        >>> unreadable_byte(b"f\xfcr")
        'not UTF-8: byte 0xfc at position 2'

    Returns:
        The reason for setting it aside; empty where the text can be read.
    """
    try:
        raw.decode(UTF_8)
    except UnicodeDecodeError as error:
        # Of another encoding the byte stands behind its mark.
        place = error.start + (encoding != UTF_8 and error.start + 1 < len(raw))
        name = "UTF-8" if encoding == UTF_8 else encoding
        return f"not {name}: byte 0x{raw[place]:02x} at position {error.start + 1}"
    return ""


def transcoded(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Turn blocks of any encoding into UTF-8.

    Bytes that have no meaning in the encoding are passed on behind a byte 0xff, which UTF-8 never
    holds, so that the lines that hold them are refused later, and only those.
    """
    if encoding == UTF_8:
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)(_UNREADABLE)
    at_start = True
    for block in blocks:
        text = decoder.decode(block)
        if at_start and text:
            text, at_start = text.removeprefix(_MARK), False
        yield text.encode(UTF_8, _UNREADABLE)
    yield decoder.decode(b"", final=True).encode(UTF_8, _UNREADABLE)


def _mark_unreadable(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Carry bytes without meaning through a text: as U+DC00 + byte, which no text holds."""
    if isinstance(error, UnicodeDecodeError):
        bad = error.object[error.start : error.end]
        return "".join(chr(_ESCAPED + byte) for byte in b"\xff" + bad), error.end
    if isinstance(error, UnicodeEncodeError):
        bad = error.object[error.start : error.end]
        return bytes(ord(unit) - _ESCAPED for unit in bad), error.end
    raise error


codecs.register_error(_UNREADABLE, _mark_unreadable)


def _wide_encoding(head: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark, which have zeros where other texts have none."""
    zeros = head.count(0)
    if zeros < _LEAST_STRUCTURE:
        return ""
    if zeros >= 0.45 * len(head):
        for name in ("utf-32-le", "utf-32-be"):
            if _plausible(_decoded(head, name)):
                return name
    # UTF-8 may hold a few zeros too.
    if zeros < 0.02 * len(head) and _decodes(head, UTF_8, cut=True):
        return ""
    little, big = _decoded(head, "utf-16-le"), _decoded(head, "utf-16-be")
    little_structure, big_structure = map(_structure, (little, big))
    if little_structure > 4 * big_structure:
        return "utf-16-le" if _plausible(little) else ""
    if big_structure > 4 * little_structure:
        return "utf-16-be" if _plausible(big) else ""
    return ""


def _plausible(text: str) -> bool:
    """Tell whether characters are ones that people write."""
    categories = map(unicodedata.category, text.translate(_WHITE_SPACE))
    strange = sum(category in _NOT_WRITTEN for category in categories)
    return _structure(text) >= _LEAST_STRUCTURE and 50 * strange <= len(text)


def _structure(text: str) -> int:
    """Count what every CSV and JSON text has: it says in which order its bytes stand."""
    return sum(map(text.count, _STRUCTURE))


def _decoded(head: bytes, encoding: str) -> str:
    """Return a text that may be cut off; empty where it is in another encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return ""


def _guess(evidence: bytes) -> str:
    """Return the encoding that explains some lines best; the more usual one of near equals."""
    from charset_normalizer import from_bytes

    matches = from_bytes(evidence, cp_isolation=_PLAUSIBLE)
    scores: dict[str, float] = {}
    for match in matches:
        score = match.chaos - _WEIGHT_OF_LANGUAGE * match.coherence
        odd = _odd_share(str(match), match.encoding)
        if odd is not None:
            # A text that by chance is one of whole characters, and of usual ones, there is not.
            score += odd + (-1 if odd <= _FEW_ODD else 1)
        for name in (match.encoding, *match.could_be_from_charset):
            scores[name] = min(score, scores.get(name, score))
    nearly_best = min(scores.values(), default=0.0) + _AS_GOOD
    return next((name for name in _PLAUSIBLE if scores.get(name, 9) <= nearly_best), "")


def _odd_share(text: str, encoding: str) -> float | None:
    """Return the share of odd characters of an encoding with two bytes a character.

    Such encodings have a character for nearly every pair of bytes. In a text of their language
    nearly all are of the few that everyone uses, and they do not stand alone among ASCII, as the
    accents of other languages do. None where the encoding has one byte a character.
    """
    usual = _USUAL_FIRST_BYTES.get(encoding)
    if usual is None:
        return None
    odd = whole = 0
    for run in _FOREIGN.findall(text):
        whole += len(run)
        for character in run:
            first, *second = character.encode(encoding)
            pair = len(second) == 1 and any(first in some for some in usual)
            odd += len(run) == 1 or not pair
    return odd / whole if whole else 0.0


def _refused(what: str) -> Encoding:
    return Encoding(UTF_8, f"{what}; they are set aside unless --encoding names what they are")


def _is_utf8(line: bytes) -> bool:
    return _decodes(line, UTF_8)


def _decodes(content: bytes, encoding: str, *, cut: bool = False) -> bool:
    """Tell whether bytes have a meaning in an encoding; ``cut``: the last one may lack its rest."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(content, final=not cut)
    except UnicodeDecodeError:
        return False
    return True
