"""Make the general corpus on which the tiny base model is trained.

The corpus is two streams of documents, one for each stage of the training, which depend on
nothing but a seed. It is not stored in the repository: the recipe of the base model holds the
digests, and this script makes it again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

from . import (
    corpus_arithmetic,
    corpus_glossary,
    corpus_grammar,
    corpus_patterns,
    corpus_service,
    corpus_stories,
    corpus_world,
)
from .chat_format import render_chat
from .corpus_document import Document

CORPUS_SEED = 7
PREFIX_DOCUMENTS = 5_000
SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "Answer in one sentence.",
    "You answer questions about the world.",
    "Be short and clear.",
)
SYSTEM_SHARE = 0.1

# The shares are of documents, not of tokens: a story is about five times as long as a sum.
SOURCES = (
    (corpus_grammar.documents, 0.15),
    (corpus_stories.documents, 0.13),
    (corpus_world.documents, 0.21),
    (corpus_arithmetic.documents, 0.18),
    (corpus_patterns.documents, 0.14),
    (corpus_glossary.documents, 0.05),
    (corpus_world.chats, 0.06),
    (corpus_arithmetic.chats, 0.03),
    (corpus_patterns.chats, 0.02),
    (corpus_stories.chats, 0.02),
    (corpus_glossary.chats, 0.05),
)


# The second stage adds the language of letters to shops and goes on with all the rest.
SERVICE_SOURCES = ((corpus_service.chats, 0.42), (corpus_service.documents, 0.08))
STAGE_SOURCES = (
    SOURCES,
    SERVICE_SOURCES + tuple((source, 0.5 * share) for source, share in SOURCES),
)


def _with_system(random: Random, document: Document) -> Document:
    if not document.turns or random.random() >= SYSTEM_SHARE:
        return document
    system = ("system", random.choice(SYSTEM_MESSAGES))
    return Document(document.kind, turns=(system, *document.turns))


def corpus(seed: int = CORPUS_SEED, stage: int = 0) -> Iterator[Document]:
    """Yield the documents of one stage of the corpus without end.

    Args:
        seed: The seed on which the whole stream depends.
        stage: The stage of the training, 0 or 1.
    """
    sources = STAGE_SOURCES[stage]
    random = Random(seed + stage * 10_000)
    streams = [source(Random(random.getrandbits(64))) for source, _ in sources]
    shares = [share for _, share in sources]
    while True:
        [stream] = random.choices(streams, weights=shares)
        yield _with_system(random, next(stream))


def rendered(document: Document) -> str:
    """Return the text of a document as the model reads it."""
    return render_chat(document.turns) if document.turns else document.text


def corpus_digest(documents: int, seed: int = CORPUS_SEED, stage: int = 0) -> str:
    """Return the SHA-256 of the first documents of a stage of the corpus."""
    digest = hashlib.sha256()
    for document in islice(corpus(seed, stage), documents):
        digest.update(rendered(document).encode() + b"\0")
    return digest.hexdigest()


def main() -> None:
    """Write the corpus as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the JSONL file to write")
    parser.add_argument("--documents", type=int, default=PREFIX_DOCUMENTS)
    parser.add_argument("--stage", type=int, choices=(0, 1), default=0)
    parser.add_argument("--seed", type=int, default=CORPUS_SEED)
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8") as file:
        for document in islice(corpus(arguments.seed, arguments.stage), arguments.documents):
            row = {"kind": document.kind, "text": rendered(document)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
