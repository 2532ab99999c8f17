"""Names of persons, as a model that you name marks them; without one the check is skipped.

Any model of transformers for token classification does whose labels know persons. Names cannot
be told from other words by their form, and lists of names find "Will" and "Rose" everywhere: so
nothing is bundled, and nothing is guessed. Long texts are read in windows that overlap.

Evidence: ``field`` with ``start`` and ``end`` of the name. ``score`` is how sure the model is of
its least sure part. The message does not repeat the name.

Fix: mask, as ``[PERSON_NAME]``.

Limits: those of the model. Authors, heroes of novels and presidents are persons as well, hence a
low severity. Every text goes through the model, which takes long without a GPU. Fields of a row
besides its messages are not searched.
"""

from __future__ import annotations

import polars as pl

from ...workspace.errors import UsageError
from ..check import Check, CheckContext, CheckSkippedError, Parameter, RowCheck
from ..finding import Fix, Severity
from ..models.token_classifier import load_token_classifier
from .private_texts import find_private
from .spans import Hit, search_texts

# A name has a letter in capitals, or is written without any.
_MAY_HAVE_NAME = r"\p{Lu}|\p{Lo}"


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    folder = context.parameter(check, "model")
    if not folder:
        raise CheckSkippedError(
            "needs a model that marks names: name its folder under "
            '[audit.parameters."privacy/person-name"], model = "…"'
        )
    model = load_token_classifier(folder)
    wanted = {label.upper() for label in context.parameter(check, "labels")}
    if not wanted & {label.upper() for label in model.labels}:
        raise UsageError(
            f"the model marks none of {', '.join(sorted(wanted))}",
            where=folder,
            fix=f"name what it calls persons in labels; it knows {', '.join(sorted(model.labels))}",
        )
    least = context.parameter(check, "least_score")
    where = pl.col("content").str.contains(_MAY_HAVE_NAME)

    def find(texts: pl.DataFrame) -> pl.DataFrame:
        different = texts.filter(where)["content"].unique(maintain_order=True).to_list()
        found = {
            text: [
                Hit("the name of a person", item.start, item.end, score=item.score)
                for item in marked
                if item.label.upper() in wanted and item.score >= least
            ]
            for text, marked in zip(different, model.mark(different), strict=True)
        }
        return search_texts(texts, found.__getitem__, where=where)

    return find_private(context, find)


CHECK = RowCheck(
    name="privacy/person-name",
    title="names of persons",
    severity=Severity.LOW,
    fix=Fix.MASK,
    find=_find,
    parameters={
        "model": Parameter("", "folder of a model for token classification; none is bundled"),
        "labels": Parameter(("PER", "PERSON", "NAME"), "what usual models call persons"),
        "least_score": Parameter(0.8, "below it, models mark many words that are no names"),
    },
)
