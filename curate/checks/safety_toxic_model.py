"""Toxic messages, as a model that you name judges them; without one the check is skipped.

Any model of transformers for sequence classification does that has a label for what is looked for.
Probabilities are a softmax over the labels, or a sigmoid of each where the model's configuration
says ``multi_label_classification``. A message that comes up again is judged once.

Evidence: ``field`` is the message, ``score`` the probability of the label.

Fix: somebody must look (``review``).

Limits: those of the model: such models mark texts by and about minorities more often (Sap et al.
2019, "The Risk of Racial Bias in Hate Speech Detection"). Of a long message only its beginning is
read, as many tokens as the model takes. Every message goes through it, on the processor, which
takes long. A rejected answer of a preference may be toxic by right.
"""

from __future__ import annotations

import polars as pl

from ...workspace.errors import UsageError
from ..check import Check, CheckContext, CheckSkippedError, Parameter, RowCheck
from ..finding import Fix, Severity
from ..models.text_classifier import load_text_classifier


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    folder = context.parameter(check, "model")
    if not folder:
        raise CheckSkippedError(
            "needs a model that knows toxic texts: name its folder under "
            '[audit.parameters."safety/toxic-model"], model = "…"'
        )
    classifier = load_text_classifier(folder)
    known = {label.lower(): number for number, label in enumerate(classifier.labels)}
    wanted = context.parameter(check, "label")
    if wanted.lower() not in known:
        raise UsageError(
            f"the model has no label {wanted!r}",
            where=folder,
            fix=f"name one of its own in label: {', '.join(classifier.labels)}",
        )
    context.explain(check, f"judged by the first {classifier.tokens:,} tokens of a message")
    messages = context.messages.filter(pl.col("content").str.contains(r"\w"))
    texts = messages["content"].unique(maintain_order=True)
    batch = max(1, context.parameter(check, "batch_size"))
    scores = classifier.probabilities(texts.to_list(), batch)[:, known[wanted.lower()]]
    judged = pl.DataFrame({"content": texts, "score": pl.Series(scores, dtype=pl.Float64)})
    return (
        messages.select("row", "field", "content")
        .join(judged, on="content", maintain_order="left")
        .filter(pl.col("score") >= context.parameter(check, "least_score"))
        .rechunk()
        .select(
            "row",
            "field",
            "score",
            message=pl.format(
                "'{}' for the model, {}%", pl.lit(wanted), (100 * pl.col("score")).round(0)
            ),
        )
    )


CHECK = RowCheck(
    name="safety/toxic-model",
    title="messages that a model of yours calls toxic",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_find,
    parameters={
        "model": Parameter("", "folder of a model for sequence classification; none is bundled"),
        "label": Parameter("toxic", "as most such models call it"),
        "least_score": Parameter(0.8, "at half, usual models mark many harmless texts"),
        "batch_size": Parameter(32, "messages at once; more need more memory"),
    },
)
