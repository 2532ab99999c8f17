"""Texts that were read before, on the disk, and which of them new texts are near-duplicates of.

Of each distinct text its words' hash, their number and its shingles are kept, so that the texts
themselves need not be read again: some 8 bytes for each of their words. A search goes through
them once, keeps those that share enough with any new text to be similar to it at all, and
compares these and the new texts as :mod:`.pairs` would. What is found is what a search among all
of them together would find between old and new.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET
from .pairs import Copies, group_copies
from .parallel import usable_threads
from .search import MEMORY, Found, Search, describe, length_classes, search_class
from .shared_shingles import keep_meeting, template_shingles
from .shingle_blocks import ShingleBlock, ShingleBlocks
from .shingles import LengthClass, read_texts

NEAREST_SCHEMA = pl.Schema({"text": pl.Int64, "known": pl.Int64, "jaccard": pl.Float64})

_TEXTS_NAME = "texts.parquet"
_SHINGLES_NAME = "shingles_{}.arrow"


def hashing_digest() -> str:
    """Return a fingerprint of the code that cuts and hashes: other hashes cannot be compared."""
    digest = hashlib.sha256()
    for name in ("comparison_text", "code_points", "word_kernels", "shingles"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def save_known(
    texts: Iterable[pl.Series],
    folder: Path,
    *,
    threshold: float,
    shingle_size: int,
    memory: int = MEMORY,
    threads: int | None = None,
) -> np.ndarray:
    """Read texts and keep what later ones are compared with.

    Args:
        texts: pieces of any strings; positions count on from one piece to the next.
        folder: where files are written; it is there already.
        threshold: the least Jaccard similarity that will be asked for.
        shingle_size: words an n-gram.
        memory: about how many bytes n-grams may take up.
        threads: how many share the work; by default as many as there are cores to use.

    Returns:
        For each text the number of the distinct text that it is equal to; -1 for none, as it has
        no words.
    """
    classes = length_classes(shingle_size, threshold)
    with ExitStack() as stack:
        blocks = [stack.enter_context(ShingleBlocks(folder, memory // 4)) for _ in classes]
        read = read_texts(
            texts, classes, blocks, canonical=False, threads=threads or usable_threads()
        )
        copies = group_copies(read.words, read.hashes)
        numbers = np.cumsum(copies.is_first) - 1
        for number, some in enumerate(blocks):
            _save_blocks(some, copies.is_first, numbers, folder / _SHINGLES_NAME.format(number))
    distinct = np.flatnonzero(copies.is_first)
    pl.DataFrame({"hash": read.hashes[distinct], "words": read.words[distinct]}).write_parquet(
        folder / _TEXTS_NAME
    )
    first = np.r_[copies.members[copies.first], -1]
    return np.where(copies.group_of < 0, -1, numbers[first[copies.group_of]])


def _save_blocks(
    blocks: ShingleBlocks, wanted: np.ndarray, numbers: np.ndarray, path: Path
) -> None:
    import pyarrow as pa

    schema = pa.schema([("text", pa.int64()), ("shingles", pa.large_list(pa.uint64()))])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for block in blocks.consume():
            some = block.of(wanted[block.texts])
            begins = pa.array(np.r_[0, np.cumsum(some.lengths)])
            shingles = pa.LargeListArray.from_arrays(begins, pa.array(some.shingles))
            columns = [pa.array(numbers[some.texts]), shingles]
            writer.write_batch(pa.record_batch(columns, schema=schema))


@dataclass(frozen=True, slots=True)
class Nearest:
    """Which known text each new one is most similar to.

    Attributes:
        pairs: frame of :data:`NEAREST_SCHEMA`, at most one line a text, in their order: its
            position, the number of the known text, and their similarity.
        method: how was searched and what was not, a sentence for the reader.
        skipped: at most so many candidate pairs were not looked at.
    """

    pairs: pl.DataFrame
    method: str
    skipped: int


def nearest_known(
    texts: pl.Series,
    folder: Path,
    *,
    threshold: float,
    shingle_size: int,
    max_pairs: int = MAX_PAIRS_PER_BUCKET,
    memory: int = MEMORY,
    threads: int | None = None,
) -> Nearest:
    """Find for each text the most similar known one, if any is similar enough.

    Of equally similar ones it is the first.

    Args:
        texts: any strings.
        folder: of :func:`save_known`, with the same threshold and size.
        threshold: the least Jaccard similarity.
        shingle_size: words an n-gram.
        max_pairs: bound on the pairs compared for one n-gram or band.
        memory: about how many bytes n-grams may take up.
        threads: how many share the work; by default as many as there are cores to use.
    """
    known = pl.read_parquet(folder / _TEXTS_NAME)
    classes = length_classes(shingle_size, threshold)
    with ExitStack() as stack:
        own_folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = threads or usable_threads()
        search = Search(threshold, shingle_size, "auto", max_pairs, memory, own_folder, workers)
        rooms = [stack.enter_context(search.room()) for _ in classes]
        read = read_texts([texts], classes, rooms, canonical=False, threads=workers)
        words = np.r_[known["words"].to_numpy(), read.words]
        hashes = np.r_[known["hash"].to_numpy(), read.hashes]
        # Known texts come first: a new one that equals one of them is not looked at any further.
        copies = group_copies(words, hashes)
        found = [
            _search_across(
                search,
                length_class,
                _Blocks(folder / _SHINGLES_NAME.format(number), new, known.height),
                copies.is_first,
                words,
                hashes,
            )
            for number, (length_class, new) in enumerate(zip(classes, rooms, strict=True))
        ]
    bounded = sum(one.pairs.bounded for one in found)
    skipped = sum(one.pairs.skipped for one in found)
    return Nearest(
        _nearest(copies, found, known.height), describe(search, found, bounded, skipped), skipped
    )


def _nearest(copies: Copies, found: Sequence[Found], known: int) -> pl.DataFrame:
    """Choose for each new text the best of what was found for the first of its copies."""
    owners = copies.group_of[known:]
    first = np.where(owners < 0, -1, np.r_[copies.members[copies.first], -1][owners])
    left, right, similarity = (
        np.concatenate([getattr(one.pairs, name) for one in found])
        for name in ("left", "right", "similarity")
    )
    across = (np.minimum(left, right) < known) & (np.maximum(left, right) >= known)
    pairs = pl.DataFrame(
        {
            "first": np.maximum(left, right)[across],
            "known": np.minimum(left, right)[across],
            "jaccard": similarity[across],
        },
        schema={"first": pl.Int64, "known": pl.Int64, "jaccard": pl.Float64},
    )
    best = pairs.sort(["first", "jaccard", "known"], descending=[False, True, False])
    texts = pl.DataFrame({"text": np.arange(len(first)), "first": first})
    equal = pl.col("first").is_between(0, known, closed="left")
    return (
        texts.join(best.unique("first", keep="first"), on="first", how="left")
        .with_columns(
            known=pl.when(equal).then("first").otherwise("known"),
            jaccard=pl.when(equal).then(1.0).otherwise("jaccard"),
        )
        .drop_nulls("known")
        .select(*NEAREST_SCHEMA)
        .sort("text")
    )


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The blocks of one length class: those of known texts, then those of new ones.

    Attributes:
        path: of the known ones.
        new: the new ones, by position among them.
        known: how many known texts there are: the positions of new ones go on from there.
    """

    path: Path
    new: ShingleBlocks
    known: int

    def __iter__(self) -> Iterator[ShingleBlock]:
        yield from self.saved()
        for block in self.new:
            yield replace(block, texts=block.texts + self.known)

    def saved(self) -> Iterator[ShingleBlock]:
        """Go through the blocks of known texts."""
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                texts, lists = batch.column(0).to_numpy(), batch.column(1)
                lone = np.zeros(len(texts), dtype=np.int64)
                # Compiled code takes only what it could write to.
                lengths, shingles = (
                    np.diff(lists.offsets.to_numpy()),
                    lists.values.to_numpy().copy(),
                )
                yield ShingleBlock(texts, lone, lengths, shingles)


def _search_across(
    search: Search,
    length_class: LengthClass,
    blocks: _Blocks,
    included: np.ndarray,
    words: np.ndarray,
    hashes: np.ndarray,
) -> Found:
    """Find the pairs of a length class among new texts and the known ones that may be similar."""
    templates = template_shingles(blocks, included, hashes)
    with search.room() as new, search.room() as together:
        for block in blocks.new:
            new.add(replace(block, texts=block.texts + blocks.known))
        keep_meeting(blocks.saved(), new, included, templates, search.threshold, together)
        for block in new.consume():
            together.add(block)
        return search_class(search, length_class, together, templates, included, words, hashes)
