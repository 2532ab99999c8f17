"""How many records there are, if those that say the same count once.

Copies are exact, normalised and near (the settings are those of ``duplicates/near``); all that
chains of near-duplicates tie together count as one. The effective size is what the sample size of
every share and mean over the data really is.

Evidence: one finding about the dataset, without a row, where the effective size is below
``least_share`` of the records; ``score`` is its share.

Fix: none here; see the findings of ``duplicates``.

Limits: chains tie together what is not alike end to end, so the figure errs to the small side;
records that say the same in other words count each.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ..auditing.copies import comparison_keys, near_copies, spoken_words
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity


def _effective_size(context: DatasetContext, check: Check) -> pl.DataFrame:
    compared = context.shared(near_copies)
    verbatim = context.height - compared.columns.height
    effective = len(np.unique(compared.found.components))
    near = compared.columns.height - effective
    share = effective / context.height
    figures = (
        f"{effective:,} of {context.height:,} records say something of their own: {verbatim:,} are "
        f"exact or normalised copies, {near:,} near ones"
    )
    context.explain(check, figures)
    if share >= context.parameter(check, "least_share"):
        return pl.DataFrame(schema={"row": pl.Int64})
    return pl.DataFrame({"score": [share], "message": [figures]})


CHECK = DatasetCheck(
    name="balance/effective-size",
    title="fewer records than it seems, with near-duplicates counted once",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(comparison_keys, spoken_words),
    find=_effective_size,
    parameters={
        "least_share": Parameter(0.95, "one record in twenty may repeat another without being told")
    },
)
