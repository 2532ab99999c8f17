"""How far tuning moved the model: KL(base ‖ tuned) a token, in the domain and elsewhere.

At each place the whole distributions of both models are compared, not only what they give the
next token, so that a change shows where no score moves. It has no better or worse: in the domain
it is what tuning is for, elsewhere it is what tuning brought along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...workspace.artifact import Workspace
from ...workspace.events import Emit, counting
from ...workspace.files import sha256_of_json
from ..items import DOMAIN, GENERAL
from ..scoring.cache import cached_frame
from ..scoring.interview import Respondent
from ..verdicts.losses import TEST, LossRows
from ..verdicts.statistics import cluster_codes, clustered_mean
from .observation import Observation, interval

if TYPE_CHECKING:
    import torch

# The base's distributions wait for the tuned model's in memory: a gigabyte of float32 at most.
_MOST_NUMBERS = 1 << 28
_MOST_PLACES = 256
_SCHEMA = pl.Schema(
    {
        "part": pl.String,
        "item": pl.String,
        "cluster": pl.String,
        "places": pl.Int64,
        "kl": pl.Float64,
    }
)
_WHERE = {DOMAIN: "of the answers of test rows", GENERAL: "of the suites' items"}


@dataclass(frozen=True, slots=True)
class Passage:
    """A text at whose tokens two models are compared.

    Attributes:
        part: ``domain`` or ``general``.
        item: its name.
        cluster: what it hangs together with; None where it stands alone.
        tokens: its token ids.
        targets: places of the tokens that are foretold, each at least 1.
    """

    part: str
    item: str
    cluster: str | None
    tokens: tuple[int, ...]
    targets: tuple[int, ...]


def domain_passages(rows: LossRows, count: int, seed: int) -> list[Passage]:
    """Choose test rows, at the tokens of whose answers the models are compared."""
    found = [
        Passage(
            DOMAIN,
            str(row),
            text[2],
            tuple(rendered.tokens),
            tuple(place for place, learned in enumerate(rendered.supervised) if learned and place),
        )
        for (part, row), rendered, text in zip(rows.places, rows.rendered, rows.texts, strict=True)
        if part == TEST
    ]
    if len(found) > count:
        chosen = np.random.default_rng(seed).choice(len(found), count, replace=False)
        found = [found[number] for number in sorted(chosen.tolist())]
    return found


def general_passages(
    texts: Sequence[tuple[str, str]], tokenizer: Any, context: int
) -> list[Passage]:
    """Return texts of the suites, at all of whose tokens the models are compared.

    Args:
        texts: name and text of each.
        tokenizer: of both models.
        context: tokens that the models see; longer texts are cut off.
    """
    encoded = [(name, tuple(tokenizer(text)["input_ids"][:context])) for name, text in texts]
    return [
        Passage(GENERAL, name, None, tokens, tuple(range(1, len(tokens))))
        for name, tokens in encoded
        if len(tokens) > 1
    ]


def measure_divergence(
    workspace: Workspace,
    base: Respondent,
    tuned: Respondent,
    passages: Sequence[Passage],
    *,
    force: bool,
    emit: Emit,
) -> pl.DataFrame:
    """Compare the distributions of two models on this machine that see the same tokens.

    Where a passage has more tokens than there is memory for, it is compared at some of them, at
    equal distances.

    Returns:
        Frame with ``part``, ``item``, ``cluster``, ``places`` (tokens compared) and ``kl``, their
        mean in nats; empty where the models' vocabularies differ.
    """

    def measure(_: Any) -> pl.DataFrame:
        with counting(emit, "divergence", 2 * len(passages)) as counter:
            with base.open() as scorer:
                room = _room(scorer, len(passages))
                places = [_some(passage.targets, room) for passage in passages]
                first: list[torch.Tensor] = []
                for values in _distributions(scorer, passages, places):
                    first.append(values.cpu())
                    counter.advance(1)
            rows = []
            with tuned.open() as scorer:
                second = _distributions(scorer, passages, places)
                for passage, before, after in zip(passages, first, second, strict=True):
                    counter.advance(1)
                    if before.shape != after.shape:
                        return pl.DataFrame(schema=_SCHEMA)
                    kl = _mean_divergence(before.to(after.device), after)
                    rows.append((passage.part, passage.item, passage.cluster, len(before), kl))
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    asked = [[passage.part, passage.tokens, passage.targets] for passage in passages]
    key = {
        "task": "divergence",
        "base": base.identity,
        "tuned": tuned.identity,
        "items": sha256_of_json([asked, [passage.item for passage in passages]]),
    }
    return cached_frame(workspace, key, measure, force=force, emit=emit)


def divergence_observations(found: pl.DataFrame) -> list[Observation]:
    """Return the mean divergence in the domain and elsewhere, with intervals by cluster.

    Args:
        found: as :func:`measure_divergence` returns it.
    """
    observations: list[Observation] = []
    for part, where in _WHERE.items():
        rows = found.filter(pl.col("part") == part)
        if not len(rows):
            continue
        clusters = [
            name if name is not None else f"\x00{number}"
            for number, name in enumerate(rows["cluster"])
        ]
        mean = clustered_mean(rows["kl"].to_numpy(), cluster_codes(clusters, len(rows)))
        low, high = mean.interval()
        observations.append(
            Observation(
                topic="divergence",
                name=f"{part}/KL",
                unit="nats",
                n=len(rows),
                base=None,
                tuned=mean.value,
                delta=mean.value,
                ci=interval(max(0.0, low), high),
                text=f"KL(base ‖ tuned) a token, at {rows['places'].sum():,} tokens {where}; 0 is "
                "the base itself",
            )
        )
    return observations


def _room(scorer: Any, passages: int) -> int:
    """Return at how many places of each passage distributions can be kept."""
    vocabulary = int(scorer.model.get_output_embeddings().weight.shape[0])
    return max(1, min(_MOST_PLACES, _MOST_NUMBERS // (vocabulary * max(1, passages))))


def _some(targets: tuple[int, ...], count: int) -> list[int]:
    if len(targets) <= count:
        return list(targets)
    chosen = np.linspace(0, len(targets) - 1, count).round().astype(int)
    return [targets[number] for number in chosen.tolist()]


def _distributions(
    scorer: Any, passages: Sequence[Passage], places: Sequence[Sequence[int]]
) -> Iterator[torch.Tensor]:
    """Yield each passage's log-probabilities before its places, float32 (places, vocabulary)."""
    import torch

    from ..scoring.tokens import only_at

    with torch.inference_mode():
        for passage, wanted in zip(passages, places, strict=True):
            tokens = torch.tensor([passage.tokens], device=scorer.device)
            # What foretells a token stands before it, behind an adapter's virtual tokens.
            before = torch.tensor(wanted, device=scorer.device) - 1 + scorer.ahead
            with only_at(scorer.model, before):
                logits = scorer.model(input_ids=tokens, use_cache=False).logits[0].float()
            yield torch.log_softmax(logits, dim=-1)


def _mean_divergence(before: torch.Tensor, after: torch.Tensor) -> float:
    """Return the mean KL in nats of distributions given as log-probabilities (places, V)."""
    import torch

    values = torch.nn.functional.kl_div(after, before, reduction="none", log_target=True)
    return max(0.0, float(values.double().sum(-1).mean()))
