"""Many chat rows: real ones, and variations of them that are no copies.

A variation is a real row in which a share of the words has given way to words of other rows, so
that lengths, letters, numbers and marks are distributed as in the real rows, while few of its runs
of words are shared with them.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "instructions"
REPLACED_SHARE = 0.3

_WORD = re.compile(r"[^\W\d_]{3,}")


def real_exchanges(folder: Path = SHARED_DATA) -> list[tuple[str, str]]:
    """Return question and answer of all real rows, in the order of the files."""
    found: list[tuple[str, str]] = []
    for name in ("alpaca_17k.json", "dolly_3k.json", "sft_1100.json"):
        for row in json.loads((folder / name).read_text("utf-8")):
            asked = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
            found.append((asked, row["output"]))
    for line in (folder / "gsm8k" / "train.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        found.append((row["question"], row["answer"]))
    return found


def chat_rows(count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield so many rows as JSON lines; the same for the same number and seed."""
    real = real_exchanges()
    words = [word for texts in real[:5000] for text in texts for word in _WORD.findall(text)]
    chance = random.Random(seed)
    for number in range(count):
        asked, answered = real[number % len(real)]
        if number >= len(real):
            asked, answered = (_varied(text, words, chance) for text in (asked, answered))
        yield _row(asked, answered)


def _varied(text: str, words: list[str], chance: random.Random) -> str:
    size, draw = len(words), chance.random
    return _WORD.sub(
        lambda match: words[int(draw() * size)] if draw() < REPLACED_SHARE else match[0], text
    )


def _row(asked: str, answered: str) -> bytes:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return json.dumps({"messages": messages}, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    rows, path = int(sys.argv[1]), Path(sys.argv[2])
    with path.open("wb") as stream:
        stream.writelines(chat_rows(rows))
    print(f"{rows:,} rows, {path.stat().st_size:,} bytes")
