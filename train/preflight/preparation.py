"""What is known before the weights are loaded: rows, steps, hardware, and doubts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from ...curate.reading.read import read_dataset
from ...curate.records import CLASSIFICATION, PREFERENCE, TEXT, Dataset, message_rows
from ...workspace.artifact import Artifact
from ...workspace.errors import UsageError
from ...workspace.events import Emit, Note
from ...workspace.files import read_json
from ..models.arrangement import check_arrangement
from ..models.base_model import BaseModel, context_length, load_config, load_tokenizer, stop_tokens
from ..models.hardware import Hardware, choose_hardware
from ..recipe import Recipe
from ..rows.general import (
    ANCHOR,
    MOST_ANCHORED,
    PROBE,
    Draw,
    check_anchor,
    draw_beside,
    draw_general,
    draw_probe,
)
from ..rows.packing import Lessons, arrange, capacity_of
from ..rows.render import ASSISTANT, Rendered, render
from ..rows.supervision import Part, empty_part, prepare_part, proof
from ..rows.tasks import HEAD, PREFERENCES, check_kind, label_vocabulary, learning
from ..rows.template import BUILT_IN, template_hash, template_origin
from ..rows.vocabulary import add_tokens, missing_tokens
from .combinations import idle_keys
from .preflight import Schedule, amount, announce, check_parts, plan, rows_to_measure, warnings_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRAIN, VAL = "train", "val"
_LEAST_ROOM = 8
_LABELS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Template:
    """The chat template of a run.

    Attributes:
        origin: ``tokenizer`` or ``built-in``.
        sha256: of its text; evaluation must use the same.
        end_token: the token that ends an answer, which the model learns.
    """

    origin: str
    sha256: str
    end_token: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is ready to start.

    Attributes:
        recipe: with everything chosen that was left open.
        hardware: where it will compute.
        tokenizer: the base model's.
        new_tokens: ids that the recipe adds to the vocabulary.
        template: None where all rows are plain texts.
        labels: the label vocabulary of classification rows.
        train: the split's rows to learn.
        mixed: the rows of further files that are learned beside them.
        replay: the general rows mixed in; empty where there are none.
        replay_per_epoch: how many of them an epoch uses; the next one goes on with others.
        val: the rows to validate on.
        probe: the general rows to measure; empty where there are none.
        anchor: the general rows on which the model is held to its base.
        lessons: what the batches are made of: the rows to learn, packed where the recipe says so.
        schedule: the steps.
        examples: rows as the model sees them (see :func:`~tunewise.train.rows.supervision.proof`).
        warnings: what a person should know before it starts.
    """

    recipe: Recipe
    hardware: Hardware
    tokenizer: PreTrainedTokenizerBase
    new_tokens: tuple[int, ...]
    template: Template | None
    labels: tuple[str, ...]
    train: Part
    mixed: tuple[Part, ...]
    replay: Part
    replay_per_epoch: int
    val: Part
    probe: Part
    anchor: Part
    lessons: Lessons
    schedule: Schedule
    examples: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts; those of general rows only where there are some."""
        replay, probe, anchor = (
            (part,) if len(part.supervision) else ()
            for part in (self.replay, self.probe, self.anchor)
        )
        return self.train, *self.mixed, *replay, self.val, *probe, *anchor


def prepare(
    split: Artifact,
    base: BaseModel,
    recipe: Recipe,
    emit: Emit,
    files: Mapping[str, Path] = MappingProxyType({}),
) -> Prepared:
    """Render, count and check everything that can be checked without the weights.

    Args:
        split: brings the rows to learn and to validate on.
        base: the base model.
        recipe: what is tuned and how.
        emit: told of the rows and of every doubt.
        files: further rows, by :func:`~tunewise.train.rows.general.general_files`.

    Raises:
        UsageError: model, recipe and data do not go together.
        DataError: a part of the split cannot be read.
    """
    config = load_config(base, trust_remote_code=recipe.trust_remote_code)
    tokenizer = load_tokenizer(base, trust_remote_code=recipe.trust_remote_code)
    new_tokens = add_tokens(tokenizer, recipe.add_tokens)
    hardware = choose_hardware(dtype=recipe.dtype, threads=recipe.threads)
    check_arrangement(recipe, hardware)
    max_length = _max_length(recipe, context_length(config))
    datasets = {name: _read_part(split, name, emit) for name in (TRAIN, VAL)}
    check_kind(recipe, [*datasets.values()])
    template = _template(tokenizer, datasets.values())
    labels = label_vocabulary(recipe, datasets[TRAIN])
    train, val = (
        prepare_part(
            name, dataset, tokenizer, max_length=max_length, learn=learning(recipe, labels)
        )
        if dataset
        else empty_part(name)
        for name, dataset in datasets.items()
    )
    check_parts(train, val, recipe)
    draw = partial(draw_general, tokenizer=tokenizer, max_length=max_length, emit=emit)
    beside = draw_beside(len(train.rows), recipe, files, draw)
    rows = train.rows + beside.rows
    capacity = capacity_of(recipe.max_length, rows) if recipe.packing else None
    lessons = arrange(train.rows, beside.rows, beside.per_epoch, capacity=capacity)
    schedule = plan(lessons.an_epoch, recipe)
    learned = len(train.rows) + beside.per_epoch
    chosen = recipe.model_copy(
        update={
            "model": str(base.folder),
            "alpha": recipe.adapter_alpha,
            "learning_rate": recipe.peak_learning_rate,
            "max_length": max_length,
            "eval_every": schedule.eval_every,
            "eval_rows": rows_to_measure(learned, recipe, schedule),
            "threads": hardware.threads,
            "dtype": hardware.dtype,
        }
    )
    probe, anchor = _general_parts(chosen, files, rows, draw)
    prepared = Prepared(
        recipe=chosen,
        hardware=hardware,
        tokenizer=tokenizer,
        new_tokens=new_tokens,
        template=template,
        labels=labels,
        train=train,
        mixed=beside.mixed,
        replay=beside.replay,
        replay_per_epoch=beside.replay_per_epoch,
        val=val,
        probe=probe,
        anchor=anchor,
        lessons=lessons,
        schedule=schedule,
        examples=tuple(proof(train, tokenizer, labels=labels if recipe.task == HEAD else ())),
        warnings=(),
    )
    warnings = (*beside.warnings, *_doubts(prepared, base, datasets, idle_keys(recipe)))
    return _told(replace(prepared, warnings=warnings), datasets.values(), emit)


def _general_parts(
    recipe: Recipe, files: Mapping[str, Path], learned: Sequence[Rendered], draw: Draw
) -> tuple[Part, Part]:
    """Draw the rows of the probe, and those on which the model is held to its base.

    Raises:
        UsageError: a forgetting budget has no probe, or nothing of a file can be used.
    """
    if recipe.stop_if and PROBE not in files:
        raise UsageError(
            "a forgetting budget needs general rows to measure",
            where="[train] stop_if",
            fix="name a file of general texts or chats as probe",
        )
    probe, anchor = empty_part(PROBE), empty_part(ANCHOR)
    if PROBE in files:
        wanted = recipe.eval_rows or len(learned)
        probe = draw_probe(files[PROBE], learned, rows=wanted, seed=recipe.seed, draw=draw)
    if ANCHOR in files:
        anchor = draw(ANCHOR, files[ANCHOR], rows=MOST_ANCHORED, seed=recipe.seed + 2)
        check_anchor(anchor, files[ANCHOR])
    return probe, anchor


def _told(prepared: Prepared, datasets: Iterable[Dataset | None], emit: Emit) -> Prepared:
    """Tell of what is going to be done, and of every doubt."""
    train, recipe = prepared.train, prepared.recipe
    examples = list(prepared.examples)
    general = prepared.lessons.an_epoch - len(prepared.lessons.rows) + prepared.lessons.general
    announce(train, general, prepared.val, prepared.schedule, examples, emit)
    if train.used < len(train.rows):
        emit(
            Note(
                text=f"{amount(train.used, 'document')} cut into {len(train.rows):,} pieces of at "
                f"most {recipe.max_length:,} tokens, none of which reaches over a border"
            )
        )
    pairs = any(dataset and dataset.kind == PREFERENCE for dataset in datasets)
    if pairs and recipe.task != PREFERENCES:
        emit(
            Note(text="preference rows are trained on their chosen answers; rejected ones are not")
        )
    for text in prepared.warnings:
        emit(Note(text=text, level="warning"))
    return prepared


def _doubts(
    prepared: Prepared,
    base: BaseModel,
    datasets: Mapping[str, Dataset | None],
    idle: Sequence[str],
) -> Iterator[str]:
    """Yield what a person should know before the run."""
    recipe, tokenizer, train = prepared.recipe, prepared.tokenizer, prepared.train
    yield from warnings_of(train, prepared.val, recipe, prepared.schedule)
    if idle:
        yield f"method {recipe.method!r} takes no notice of {', '.join(idle)}"
    if prepared.template:
        yield from _template_warnings(base, tokenizer, prepared.template)
    if prepared.new_tokens:
        yield from _new_token_warnings(tokenizer, prepared.new_tokens, train, recipe)
    yield from _control_token_warnings(tokenizer, datasets[TRAIN])
    yield from _label_warnings(prepared.labels, datasets[VAL])


def _max_length(recipe: Recipe, context: int) -> int:
    """Return the tokens that a row may have; a learned prefix takes its places from the context."""
    if recipe.method == "prefix":
        context -= recipe.virtual_tokens
        if context < _LEAST_ROOM:
            raise UsageError(
                f"a prefix of {recipe.virtual_tokens:,} tokens leaves no room in the model's "
                "context",
                where="[train] virtual_tokens",
                fix="set a lower number, such as 20",
            )
    if recipe.max_length and recipe.max_length > context:
        raise UsageError(
            f"max_length is {recipe.max_length:,}, but the model sees {context:,} tokens",
            where="[train] max_length",
            fix=f"set it to {context} or less",
        )
    return recipe.max_length or context


def _read_part(split: Artifact, name: str, emit: Emit) -> Dataset | None:
    """Read a part of the split as its source was read; None where it has no rows."""
    path = split.folder / f"{name}.jsonl"
    if not path.is_file():
        raise UsageError("the split has no such part", where=str(path), fix="split again")
    if not path.stat().st_size:
        return None
    how = read_json(split.folder / "split.json")
    return read_dataset(path, shape=how.get("shape"), mapping=how.get("mapping"), emit=emit)


def _template(
    tokenizer: PreTrainedTokenizerBase, datasets: Iterable[Dataset | None]
) -> Template | None:
    """Return the facts of the template, or None where no row needs one.

    Raises:
        UsageError: the template is not fit for training.
    """
    if all(dataset is None or dataset.kind == TEXT for dataset in datasets):
        return None
    exchange = [{"role": "user", "content": "Hello"}, {"role": ASSISTANT, "content": "Hello"}]
    rendered = render(tokenizer, exchange)
    last = max(index for index, learned in enumerate(rendered.supervised) if learned)
    return Template(
        origin=template_origin(tokenizer),
        sha256=template_hash(tokenizer),
        end_token=str(tokenizer.convert_ids_to_tokens(rendered.tokens[last])),
    )


def _template_warnings(
    base: BaseModel, tokenizer: PreTrainedTokenizerBase, template: Template
) -> Iterator[str]:
    if template.origin == BUILT_IN:
        yield (
            "the tokenizer has no chat template; a plain one (User: … Assistant: …) is used and "
            "saved with the result"
        )
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id == tokenizer.eos_token_id:
        yield (
            "the tokenizer pads with its end token; it is learned here all the same, but a tool "
            "that masks padding by its token would teach a model never to stop"
        )
    if missing := missing_tokens(tokenizer):
        yield (
            f"the chat template writes {', '.join(missing)}, which the vocabulary has no tokens "
            "for, so that they are spelt out; add_tokens = 'template' adds and learns them"
        )
    if tokenizer.convert_tokens_to_ids(template.end_token) not in stop_tokens(base, tokenizer):
        yield (
            f"answers end with {template.end_token}, which generation does not stop at: add it "
            "to eos_token_id in the model's generation_config.json"
        )


def _new_token_warnings(
    tokenizer: PreTrainedTokenizerBase, new_tokens: tuple[int, ...], train: Part, recipe: Recipe
) -> Iterator[str]:
    """Warn of added tokens that are not learned, for want of rows or by the recipe."""
    seen = {token for row in train.rows for token in row.tokens}
    missing = [
        str(tokenizer.convert_ids_to_tokens(token)) for token in new_tokens if token not in seen
    ]
    if missing:
        yield f"added tokens that no training row holds learn nothing: {', '.join(missing)}"
    if recipe.method in ("prefix", "ia3"):
        yield f"{recipe.method} learns no embeddings: the added tokens stay the mean of all others"


def _label_warnings(labels: Sequence[str], val: Dataset | None) -> Iterator[str]:
    """Warn of labels that validation asks for and training never teaches."""
    if val is None or val.kind != CLASSIFICATION:
        return
    unknown = val.records.filter(~pl.col("label").is_in(labels))
    if len(unknown):
        names = sorted(unknown["label"].drop_nulls().unique())
        verb = "has" if len(unknown) == 1 else "have"
        yield (
            f"{amount(len(unknown), 'row')} of val {verb} labels that are not learned: "
            + ", ".join(names[:_LABELS_NAMED])
            + (" …" if len(names) > _LABELS_NAMED else "")
        )


def _control_token_warnings(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset | None
) -> Iterator[str]:
    """Warn of rows whose text holds the tokenizer's own special tokens: they act as such."""
    marks = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    if dataset is None or not marks:
        return
    hit = message_rows(dataset.records).filter(pl.col("content").str.contains_any(marks))
    if count := hit["row"].n_unique():
        verb = "has" if count == 1 else "have"
        yield (
            f"{amount(count, 'row')} {verb} special tokens of the tokenizer in the text (first: "
            f"row {hit['row'][0]:,}); the model reads them as such, not as text"
        )
