"""Talking to base and tuned model side by side: each has a conversation of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..train.models.base_model import padding_token
from ..train.models.generation import stream_answer
from ..train.models.hardware import Hardware, choose_hardware
from ..train.rows.render import render_prompt
from ..train.rows.tasks import HEAD
from ..workspace.artifact import Artifact, Workspace
from ..workspace.errors import DataError, UsageError
from ..workspace.files import read_json
from .comparison import LocalModel, compare_run
from .scoring.pair import BASE, TUNED, PairedModel, load
from .scoring.quiet import quiet

SIDES = (BASE, TUNED)
Tell = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How answers are drawn.

    Attributes:
        max_tokens: the most tokens of an answer.
        temperature: 0 takes the most probable token, 1 draws by the model's own probabilities.
        top_p: drawn from the most probable tokens that have this share of the probability.
        seed: of the drawing; every turn has its own, the same for both models.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said, and what each model answered to it."""

    prompt: str
    answers: dict[str, str]


@dataclass(slots=True)
class Speakers:
    """The models that answer; base and tuned share weights where an adapter can be switched off.

    Attributes:
        models: what is known of each.
        is_chat: whether the run was trained on conversations; a text is gone on with otherwise.
    """

    models: dict[str, LocalModel]
    is_chat: bool
    _loaded: dict[str, Any]
    _switched_off: frozenset[str]

    @contextmanager
    def model(self, side: str) -> Iterator[Any]:
        """Return the model of a side, for the length of a block."""
        loaded = self._loaded[side]
        if side in self._switched_off:
            with loaded.disable_adapter():
                yield loaded
        else:
            yield loaded


@dataclass(slots=True)
class Chat:
    """Conversations with some speakers, one each.

    Attributes:
        speakers: who answers.
        manner: how.
        system: what they are told before anything is said; empty tells nothing.
        sides: who is asked, in this order.
        turns: what was said since the beginning or the last reset.
    """

    speakers: Speakers
    manner: Manner = field(default_factory=Manner)
    system: str = ""
    sides: Sequence[str] = SIDES
    turns: list[Turn] = field(default_factory=list)

    def reset(self) -> None:
        """Begin anew; the system message stays."""
        self.turns.clear()

    def say(self, text: str, tell: Tell) -> Turn:
        """Let everybody answer; a turn that is broken off is as if it had not been.

        Args:
            text: what is said.
            tell: told of a side and the next piece of its answer, as it is written.

        Raises:
            UsageError: no answer fits into the context any more.
            DataError: the chat template does not take this conversation.
        """
        answers = {side: self._answer(side, text, tell) for side in self.sides}
        turn = Turn(text, answers)
        self.turns.append(turn)
        return turn

    def _answer(self, side: str, text: str, tell: Tell) -> str:
        known = self.speakers.models[side]
        prompt = self._prompt(side, text)
        room = known.context - len(prompt)
        if room < 1:
            raise UsageError(
                f"the conversation has {len(prompt):,} tokens, {side} sees {known.context:,}",
                fix="begin anew with /reset, or say less",
            )
        with self.speakers.model(side) as model:
            tokens = stream_answer(
                model,
                prompt,
                known.tokenizer,
                limit=min(room, self.manner.max_tokens),
                padding=padding_token(known.tokenizer),
                temperature=self.manner.temperature,
                top_p=self.manner.top_p,
                seed=self.manner.seed + len(self.turns),
                streamer=_streamer(known.tokenizer, lambda piece: tell(side, piece)),
            )
        return str(known.tokenizer.decode(tokens, skip_special_tokens=True))

    def _prompt(self, side: str, text: str) -> list[int]:
        """Return the tokens of the conversation so far, as a training row would have them."""
        tokenizer = self.speakers.models[side].tokenizer
        if not self.speakers.is_chat:
            return list(tokenizer(text)["input_ids"])
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns:
            messages.append({"role": "user", "content": turn.prompt})
            messages.append({"role": "assistant", "content": turn.answers[side]})
        messages.append({"role": "user", "content": text})
        try:
            return render_prompt(tokenizer, messages)
        # Templates are programs of their own and raise what they like.
        except Exception as error:
            raise DataError(
                f"the chat template does not take this conversation: {error}",
                fix="say it without a system message" if self.system else "begin anew with /reset",
            ) from error


def load_speakers(workspace: Workspace, run: Artifact, sides: Sequence[str] = SIDES) -> Speakers:
    """Load the models of a run.

    Args:
        workspace: of the run.
        run: the training run.
        sides: which of the two will be asked.

    Raises:
        UsageError: the base or the template is gone or another one, or cannot be loaded.
    """
    document = read_json(run.folder / "train.json")
    if document.get("task") == HEAD:
        raise UsageError(
            "this run puts out labels instead of text, so there is nobody to talk to",
            where=str(run.folder),
            fix="measure it: tunewise evaluate",
        )
    comparison = compare_run(workspace, run, with_split=False)
    base, tuned = comparison.base, comparison.tuned
    assert isinstance(base, LocalModel)
    assert isinstance(tuned, LocalModel)
    known = {BASE: base, TUNED: tuned}
    hardware = choose_hardware()
    loaded, switched_off = _load(known, hardware, sides)
    return Speakers(known, document.get("template") is not None, loaded, switched_off)


def _load(
    known: dict[str, LocalModel], hardware: Hardware, sides: Sequence[str]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Load each model that is asked, or one for both where the base is the other switched off."""
    pair = PairedModel(known[BASE], known[TUNED], hardware)
    with quiet():
        if pair.one_loaded and set(sides) == set(SIDES):
            both = load(known[TUNED], hardware)
            return {BASE: both, TUNED: both}, frozenset({BASE})
        return {side: load(known[side], hardware) for side in sides}, frozenset()


def _streamer(tokenizer: Any, tell: Callable[[str], None]) -> Any:
    from transformers import TextStreamer

    class Teller(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                tell(text)

    return Teller(tokenizer, skip_prompt=True, skip_special_tokens=True)
