"""How probable a model finds given tokens, in few and full forward passes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .adapters import PREFIXES
from .crew import Crew
from .generation import StopTexts, Wanted, answer_texts, generate_together
from .journal import Journal, part_name
from .library import Engine, base_model, learns_a_prompt
from .prefixes import group_by_prefix, only_at, read_prefix, shared_by_rows
from .trees import PrefixTree, batches, build_trees

Floats = NDArray[np.float64]

# Numbers held at once for the output over the whole vocabulary (1 GiB in float32).
_OUTPUT_NUMBERS = 1 << 28
# Two ways to compute the same thing differ by rounding; a mask that is not heeded differs by more.
_TREE_TOLERANCE = 1e-2
# How models say that they do not take what they are given.
_REFUSALS = (TypeError, ValueError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Values per scored token, sequence after sequence.

    Attributes:
        offsets: ``offsets[i]:offsets[i + 1]`` are the tokens of sequence ``i``; shape (n + 1,).
        log_probabilities: natural logarithms, float64 of shape (tokens,).
        greedy: whether the token was the model's first choice.
        means: mean log-probability over the vocabulary at that place, weighted by probability;
            empty unless asked for.
        deviations: the standard deviation that belongs to it.
    """

    offsets: NDArray[np.int64]
    log_probabilities: Floats
    greedy: NDArray[np.bool_]
    means: Floats
    deviations: Floats

    def sums(self) -> Floats:
        """Return each sequence's log-likelihood; shape (n,)."""
        return np.add.reduceat(self.log_probabilities, self.offsets[:-1])

    def all_greedy(self) -> NDArray[np.bool_]:
        """Return whether the model would have said each sequence by itself; shape (n,)."""
        return np.logical_and.reduceat(self.greedy, self.offsets[:-1])


def token_offsets(sequences: Sequence[Sequence[int]], starts: Sequence[int]) -> NDArray[np.int64]:
    """Return where each sequence's scored tokens lie among all of them; shape (n + 1,)."""
    lengths = [len(tokens) - start for tokens, start in zip(sequences, starts, strict=True)]
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked at once: see :meth:`TokenScorer.score`."""

    sequences: Sequence[Sequence[int]]
    starts: Sequence[int]
    offsets: NDArray[np.int64]
    moments: bool = False


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What was read before a batch: so many tokens, and their keys and values."""

    length: int
    kept: Any


_NOTHING = _Beginning(0, None)


class TokenScorer:
    """Scores token sequences with one model.

    What sequences share is computed once: the choices of a question in a tree (see
    :mod:`.trees`), the examples of all questions as kept keys and values (see :mod:`.prefixes`).
    The output over the vocabulary is computed only where a token is scored. A model that does
    not heed a tree's mask (found out by trying) gets plain sequences.

    Args:
        model: a causal language model in evaluation mode.
        batch_tokens: tokens in a forward pass, padding included.
        crew: the processes that ask the same model; None where there is but one.

    Attributes:
        shares: whether what sequences share is computed once.
        keeps: whether that holds for beginnings of many sequences, too.
        why_not: why it is not, as a sentence; else empty.
        ahead: outputs before those of the text (of an adapter's virtual tokens).
        window: how far back the model sees, where it does not see everything; a mask of our own
            would let it see further, so longer sequences are read plainly.
        engine: what makes free answers in its place; None where nothing does.
    """

    def __init__(
        self, model: torch.nn.Module, *, batch_tokens: int = 4096, crew: Crew | None = None
    ) -> None:
        """Find out what the model can do."""
        self.model: Any = model
        self.crew = crew
        self.engine: Engine | None = None
        self.device: torch.device = next(model.parameters()).device
        vocabulary = int(self.model.get_output_embeddings().weight.shape[0])
        self.batch_tokens = max(1, min(batch_tokens, _OUTPUT_NUMBERS // vocabulary))
        self.ahead = _outputs_ahead(model)
        self.window = _window(model)
        self.why_not = self._why_no_trees(vocabulary)
        self.shares = self.keeps = not self.why_not
        if self.shares:
            self.why_not = self._why_nothing_kept(vocabulary)
            self.keeps = not self.why_not

    def score(
        self,
        sequences: Sequence[Sequence[int]],
        starts: Sequence[int],
        *,
        moments: bool = False,
        journal: Journal | None = None,
        advance: Callable[[int], None] = lambda count: None,
    ) -> TokenScores:
        """Score the tokens of each sequence from its start on.

        Args:
            sequences: token ids, the context included, at most one longer than the model's
                context each.
            starts: for each sequence, the index (at least 1) of its first scored token.
            moments: also compute ``means`` and ``deviations``.
            journal: where sequences that were scored before are found, and new ones kept.
            advance: told how many sequences were finished.
        """
        offsets = token_offsets(sequences, starts)
        values = np.zeros((4 if moments else 2, int(offsets[-1])))
        journal = journal or Journal(None)
        part = part_name(sequences, starts, moments) if journal.path else ""
        done = journal.found(part)
        for number, found in done.items():
            values[:, offsets[number] : offsets[number + 1]] = found
        advance(len(done))
        left = [number for number in range(len(sequences)) if number not in done]
        asked = _Asked(sequences, starts, offsets, moments)
        if self.crew is not None:
            self.crew.tell(("score", (sequences, starts, moments, left)))
        for places, found, members in self._found(asked, left):
            values[:, places] = found
            journal.keep(part, members, [values[:, offsets[n] : offsets[n + 1]] for n in members])
            advance(len(members))
        empty = np.empty(0)
        return TokenScores(
            offsets,
            values[0],
            values[1] > 0,
            values[2] if moments else empty,
            values[3] if moments else empty,
        )

    def take_part_in_score(
        self,
        sequences: Sequence[Sequence[int]],
        starts: Sequence[int],
        moments: bool,
        left: Sequence[int],
    ) -> None:
        """Score this process's share of what another one asks (see :meth:`score`)."""
        asked = _Asked(sequences, starts, token_offsets(sequences, starts), moments)
        for _ in self._found(asked, left):
            pass

    def _found(
        self, asked: _Asked, left: Sequence[int]
    ) -> Iterator[tuple[NDArray[np.int64], Floats, list[int]]]:
        """Yield places, values and sequences of each batch; those of other processes come last."""
        own = []
        with torch.inference_mode():
            for number, (batch, ahead) in enumerate(self._batches(asked, left)):
                if self.crew is not None and not self.crew.takes(number):
                    continue
                places, found = self._score_batch(batch, asked, ahead)
                own.append((places, found, [one for tree in batch for one in tree.members]))
                yield own[-1]
                if self.crew is None:
                    own.clear()
        if self.crew is not None:
            for theirs in self.crew.others(own):
                yield from theirs

    def answer(
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        tokenizer: Any,
        wanted: Wanted,
        *,
        journal: Journal | None = None,
        advance: Callable[[int], None] = lambda count: None,
    ) -> list[str]:
        """Continue prompts (see :func:`.generation.answer_texts`)."""
        return answer_texts(
            self.model,
            prompts,
            limits,
            tokenizer,
            wanted,
            batch_tokens=self.batch_tokens,
            kept_within=self.window if self.keeps else 0,
            crew=self.crew,
            journal=journal or Journal(None),
            advance=advance,
            engine=self.engine,
        )

    def take_part_in_answer(
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        ends: frozenset[int],
        stops: StopTexts,
    ) -> None:
        """Answer this process's share of prompts (see :meth:`answer`)."""
        generate_together(
            self.model,
            prompts,
            limits,
            ends=ends,
            stops=stops,
            batch_tokens=self.batch_tokens,
            kept_within=self.window if self.keeps else 0,
            crew=self.crew,
        )

    def _batches(
        self, asked: _Asked, left: Sequence[int]
    ) -> Iterator[tuple[list[PrefixTree], _Beginning]]:
        """Yield batches of trees, each with what is read before it."""
        sequences, starts = asked.sequences, asked.starts
        most = self.window if self.shares and self.window else 0
        plain = [number for number in left if most and len(sequences[number]) > most + 1]
        for batch in batches(
            build_trees(sequences, starts, share=False, chosen=plain), self.batch_tokens
        ):
            yield batch, _NOTHING
        others = sorted(set(left) - set(plain))
        if not self.keeps:
            for batch in batches(
                build_trees(sequences, starts, share=self.shares, chosen=others),
                self.batch_tokens,
            ):
                yield batch, _NOTHING
            return
        for group in group_by_prefix(sequences, starts, others):
            ahead = _NOTHING
            if group.length:
                ahead = self._read(sequences[group.members[0]][: group.length])
            trees = build_trees(sequences, starts, chosen=group.members, skip=group.length)
            for batch in batches(trees, self.batch_tokens, group.length):
                yield batch, ahead

    def _read(self, tokens: Sequence[int]) -> _Beginning:
        """Read a beginning, for batches of any size."""
        read = read_prefix(self.model, tokens, self.device)
        return _Beginning(len(tokens), shared_by_rows(read))

    def _score_batch(
        self, batch: list[PrefixTree], asked: _Asked, ahead: _Beginning = _NOTHING
    ) -> tuple[NDArray[np.int64], Floats]:
        """Return where the values of a batch belong, and the values, one row a kind."""
        width = len(batch[0])
        nodes: list[int] = []
        targets: list[int] = []
        places: list[int] = []
        for row, tree in enumerate(batch):
            for number, path in zip(tree.members, tree.paths, strict=True):
                nodes.extend(row * width + node for node in path)
                targets.extend(asked.sequences[number][asked.starts[number] :])
                places.extend(range(asked.offsets[number], asked.offsets[number + 1]))
        unique, inverse = np.unique(np.asarray(nodes), return_inverse=True)
        logits = self._logits(batch, torch.from_numpy(unique).to(self.device), ahead)
        where = torch.from_numpy(inverse).to(self.device)
        wanted = torch.tensor(targets, device=self.device)
        normaliser = torch.logsumexp(logits, dim=-1)
        kinds = [
            logits[where, wanted] - normaliser[where],
            (logits.argmax(dim=-1)[where] == wanted).float(),
        ]
        if asked.moments:
            log_probabilities = logits - normaliser[:, None]
            probabilities = log_probabilities.exp()
            mean = (probabilities * log_probabilities).sum(-1)
            spread = (log_probabilities - mean[:, None]).square_().mul_(probabilities).sum(-1)
            kinds += [mean[where], spread.sqrt()[where]]
        return np.asarray(places), torch.stack(kinds).double().cpu().numpy()

    def _logits(
        self, batch: list[PrefixTree], places: torch.Tensor, ahead: _Beginning
    ) -> torch.Tensor:
        """Return the output at flat places (row times width plus node), float32 (places, V)."""
        width = len(batch[0])
        padded = [tree.tokens + [0] * (width - len(tree)) for tree in batch]
        arguments: dict[str, Any] = {"input_ids": torch.tensor(padded, device=self.device)}
        if ahead.length or any(tree.branches for tree in batch):
            arguments["attention_mask"] = self._mask(batch, width, ahead.length)
            depths = [tree.depths + [0] * (width - len(tree)) for tree in batch]
            arguments["position_ids"] = torch.tensor(depths, device=self.device) + ahead.length
        if ahead.length:
            arguments["past_key_values"] = ahead.kept
        if self.ahead:
            rows = places // width
            places = places + (rows + 1) * self.ahead
        with only_at(self.model, places):
            return self.model(**arguments, use_cache=ahead.length > 0).logits[0].float()

    def _mask(self, batch: list[PrefixTree], width: int, ahead: int) -> torch.Tensor:
        """Return what is added to the attention: 0 along a tree's paths, else minus infinity.

        What was read before the trees is seen from everywhere. Every place sees itself at least,
        also those that only fill a row; by infinity attention knows what it may pass over.
        """
        own = list(range(1, width + 1))
        ends = torch.tensor([tree.ends + own[len(tree) :] for tree in batch], device=self.device)
        index = torch.arange(width, device=self.device)
        seen = (index[None, None, :] <= index[None, :, None]) & (
            index[None, :, None] < ends[:, None, :]
        )
        dtype = self.model.dtype
        mask = torch.zeros((len(batch), 1, width, ahead + width), dtype=dtype, device=self.device)
        mask[:, 0, :, ahead:].masked_fill_(~seen, float("-inf"))
        return mask

    def _why_no_trees(self, vocabulary: int) -> str:
        """Say why choices cannot share their question; empty where they can.

        A small tree is tried against the same sequences one by one.
        """
        why = "every choice is read with its whole question again, because "
        if learns_a_prompt(self.model):
            return why + "the adapter puts a learned prompt before the text"
        if "position_ids" not in inspect.signature(base_model(self.model).forward).parameters:
            return why + "the model does not take positions"
        asked = _attempt(vocabulary)
        found = []
        for share in (False, True):
            try:
                found.append(self._tried(asked, share=share))
            except _REFUSALS as error:
                if not share:
                    raise
                return f"{why}it takes no mask of its own ({type(error).__name__})"
        if self._alike(*found):
            return ""
        return why + "a tree of choices gives other probabilities than the choices one by one"

    def _why_nothing_kept(self, vocabulary: int) -> str:
        """Say why the examples of many questions are read again and again; empty if they are not.

        The same small tree is tried after a beginning that was read before.
        """
        why = "the examples of a task are read again with every few items, because "
        asked = _attempt(vocabulary)
        try:
            kept = self._tried(asked, skip=6)
        except (*_REFUSALS, AttributeError, IndexError) as error:
            return f"{why}it takes no keys and values of its own ({type(error).__name__})"
        if self._alike(self._tried(asked), kept):
            return ""
        return why + "after examples that were kept it gives other probabilities"

    def _tried(self, asked: _Asked, *, share: bool = True, skip: int = 0) -> Floats:
        """Return the log-probabilities of what is asked, tree by tree."""
        sequences = asked.sequences
        values = np.zeros((2, int(asked.offsets[-1])))
        with torch.inference_mode():
            ahead = self._read(sequences[0][:skip]) if skip else _NOTHING
            for tree in build_trees(sequences, asked.starts, share=share, skip=skip):
                places, part = self._score_batch([tree], asked, ahead)
                values[:, places] = part
        return values[0]

    def _alike(self, one: Floats, other: Floats) -> bool:
        """Tell whether two ways to compute the same thing differ by rounding alone."""
        scale = 1 if self.model.dtype == torch.float32 else 20
        return bool(np.abs(one - other).max() < _TREE_TOLERANCE * scale)


def _attempt(vocabulary: int) -> _Asked:
    """Return two sequences of random tokens with a common beginning, to try a model with."""
    generator = torch.Generator().manual_seed(0)
    draw = torch.randint(vocabulary, (24,), generator=generator).tolist()
    return _Asked([draw[:16], draw[:8] + draw[16:24]], [7, 7], np.array([0, 9, 18]))


def _window(model: Any) -> int | None:
    """Return how far back a model sees in some of its layers; None where it sees everything."""
    config: Any = base_model(model).config.get_text_config()
    found = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return min((size for size in found if size), default=None)


def _outputs_ahead(model: Any) -> int:
    """Return for how many virtual tokens a model gives outputs before those of the text."""
    config: Any = getattr(model, "active_peft_config", None)
    if not learns_a_prompt(model) or str(config.peft_type.value) in PREFIXES:
        return 0
    return int(config.num_virtual_tokens)
