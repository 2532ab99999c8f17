"""Draw general texts of the corpus, to be mixed into a training against forgetting."""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

from .benchmark_items import found_in
from .corpus_document import Document
from .make_benchmarks import written_proofs
from .make_corpus import corpus, rendered

REPLAY_FILE = Path(__file__).resolve().parent / "replay.jsonl"
# Another stream than the one that the base was trained on.
REPLAY_SEED = 23
REPLAY_ROWS = 2_000


def replay_documents(rows: int = REPLAY_ROWS) -> list[Document]:
    """Draw documents of plain text, none of which holds an item of a benchmark."""
    texts = (document for document in corpus(REPLAY_SEED, stage=0) if not document.turns)
    drawn = list(islice(texts, 2 * rows))
    held_out = found_in(drawn, written_proofs())
    clean = [document for document in drawn if not found_in([document], held_out)]
    return clean[:rows]


def main() -> None:
    """Write the texts as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=REPLAY_ROWS)
    parser.add_argument("--output", type=Path, default=REPLAY_FILE)
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8") as file:
        for document in replay_documents(arguments.rows):
            file.write(json.dumps({"text": rendered(document)}, ensure_ascii=False) + "\n")
    print(f"{arguments.output.name}: {arguments.rows} texts")


if __name__ == "__main__":
    main()
