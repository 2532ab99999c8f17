"""Texts that stand nearly whole in a longer one, which makes neither similar to the other.

The share of a text's weight that another one has is its containment in it (Broder, "On the
resemblance and containment of documents", 1997). A text of which more is found nowhere else than
the share leaves open is in no other: that rules most of them out. If the share of one of the rest
is in another text, then that text has one of its first shingles in any order, by the argument of
the prefix filter (:mod:`.prefix_join`). So all texts are gone through once, looking for these;
whatever has one is compared with the text, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from .prefix_join import jaccard, shingle_sets
from .search import Search
from .shared_shingles import keep_covered
from .shingle_blocks import ShingleBlock, ShingleBlocks, take_runs

CONTAINMENT = 0.9
CONTAINED_SCHEMA = pl.Schema({"text": pl.Int64, "within": pl.Int64, "share": pl.Float64})

_HASH = np.uint64((1 << 56) - 1)
"""The bits of a shingle that are kept where it is put in order."""
_FLAGS = np.uint64((1 << 22) - 1)
_BYTES_PER_SHINGLE = 20


@dataclass(frozen=True, slots=True)
class Contained:
    """Texts that stand in others.

    Attributes:
        pairs: frame of :data:`CONTAINED_SCHEMA`: a text's position, that of the one which has
            most of it, and how much.
        skipped: at most so many pairs were not compared.
    """

    pairs: pl.DataFrame
    skipped: int


def contained_texts(
    search: Search,
    blocks: ShingleBlocks,
    templates: np.ndarray,
    included: np.ndarray,
    words: np.ndarray,
    hashes: np.ndarray,
    share: float,
) -> Contained:
    """Find for each text the longer one that has most of it, if that is the share or more.

    Pairs that are similar as wholes are left out.

    Args:
        search: how to search; its threshold tells what is similar as a whole.
        blocks: the shingles of the texts; they stay.
        templates: shingles that weigh little, ascending.
        included: for each position whether that text is looked at.
        words: for each position the number of words.
        hashes: for each position the hash of the text.
        share: the least share of a text's weight.
    """
    with keep_covered(
        blocks, included, templates, share, search.folder, search.memory // 4
    ) as covered:
        texts, shingles = _first_shingles(covered, hashes, share)
    left, right, skipped = _meeting(blocks, included, texts, shingles, search.max_pairs)
    longer = words[right] > words[left]
    verified = list(
        _verified(search, blocks, templates, hashes, left[longer], right[longer], share)
    )
    found = pl.concat([pl.DataFrame(schema=CONTAINED_SCHEMA), *verified])
    best = found.sort(["text", "share", "within"], descending=[False, True, False])
    return Contained(best.unique("text", keep="first", maintain_order=True), skipped)


def _first_shingles(
    blocks: ShingleBlocks, hashes: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return texts and their first shingles, one of which is in whatever has the share of one."""
    from .join_kernels import prefixes

    sets = shingle_sets(blocks, hashes)
    lengths, first, _ = prefixes(sets.keys, sets.begins, sets.ends, sets.shared, sets.totals, share)
    return np.repeat(sets.texts, lengths), first & _HASH


def _meeting(
    blocks: ShingleBlocks,
    included: np.ndarray,
    texts: np.ndarray,
    shingles: np.ndarray,
    max_pairs: int,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Pair texts with all that have one of their first shingles, each pair once."""
    order = np.argsort(shingles, kind="stable")
    texts, shingles = texts[order], shingles[order]
    wanted, begins, counts = np.unique(shingles, return_index=True, return_counts=True)
    flags = np.zeros(int(_FLAGS) + 1, dtype=bool)
    flags[(wanted & _FLAGS).astype(np.int64)] = True
    which: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    owners: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    for block in blocks:
        numbers, holders = _holders(block, included, wanted, flags)
        which.append(numbers)
        owners.append(holders)
    numbers, holders = np.concatenate(which), np.concatenate(owners)
    met = np.bincount(numbers, minlength=len(wanted)) * counts
    allowed = (met <= max_pairs)[numbers]
    numbers, holders = numbers[allowed], holders[allowed]
    total = counts[numbers]
    left, right = take_runs(texts, begins[numbers], total), np.repeat(holders, total)
    pairs = np.unique(np.stack([left, right], axis=1)[left != right], axis=0)
    return pairs[:, 0], pairs[:, 1], int(met[met > max_pairs].sum())


def _holders(
    block: ShingleBlock, included: np.ndarray, wanted: np.ndarray, flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the wanted shingles a block's texts have, and which text has each."""
    flagged = np.flatnonzero(flags[(block.shingles & _FLAGS).astype(np.int64)])
    hashes = block.shingles[flagged] & _HASH
    places = np.minimum(np.searchsorted(wanted, hashes), max(0, len(wanted) - 1))
    same = wanted[places] == hashes if len(wanted) else np.zeros(0, dtype=bool)
    ends = np.cumsum(block.lengths)
    owners = block.texts[np.searchsorted(ends, flagged[same], side="right")]
    looked_at = included[owners]
    return places[same][looked_at], owners[looked_at]


def _verified(
    search: Search,
    blocks: ShingleBlocks,
    templates: np.ndarray,
    hashes: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    share: float,
) -> Iterator[pl.DataFrame]:
    """Compute how much of the left texts the right ones have; frames of what is enough."""
    if not len(left):
        return
    named = np.zeros(len(hashes), dtype=bool)
    named[left] = named[right] = True
    size = sum(int(block.lengths[named[block.texts]].sum()) for block in blocks.headers())
    if size * _BYTES_PER_SHINGLE > search.memory and len(left) > 1:
        half = len(left) // 2
        for some in (slice(None, half), slice(half, None)):
            yield from _verified(search, blocks, templates, hashes, left[some], right[some], share)
        return
    with search.room() as room:
        for block in blocks:
            chosen = named[block.texts]
            if chosen.any():
                room.add(_marked(block.of(chosen), templates))
        sets = shingle_sets(room, hashes)
    place = np.empty(len(hashes), dtype=np.int64)
    place[sets.texts] = np.arange(len(sets.texts))
    one, other = place[left], place[right]
    similarity = jaccard(sets, one, other)
    # Of both weights and their similarity, what is shared follows; weights are whole numbers.
    shared = np.rint(similarity * (sets.totals[one] + sets.totals[other]) / (1 + similarity))
    shares = shared / sets.totals[one]
    enough = (shares >= share) & (similarity < search.threshold)
    columns: Sequence[np.ndarray] = (left[enough], right[enough], shares[enough])
    yield pl.DataFrame(dict(zip(CONTAINED_SCHEMA, columns, strict=True)), schema=CONTAINED_SCHEMA)


def _marked(block: ShingleBlock, templates: np.ndarray) -> ShingleBlock:
    from .shingle_kernels import TEMPLATE

    if not len(templates):
        return block
    places = np.minimum(np.searchsorted(templates, block.shingles), len(templates) - 1)
    is_template = templates[places] == block.shingles
    return replace(block, shingles=np.where(is_template, block.shingles | TEMPLATE, block.shingles))
