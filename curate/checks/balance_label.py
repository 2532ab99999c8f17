"""Labels that are far from evenly frequent.

Measured is the effective number of labels, the exponential of their entropy (Hill 1973), and the
share of the most frequent one.

Evidence: one finding about the dataset, without a row; ``related`` is the most frequent label,
``score`` its share.

Fix: none; fewer rows of the frequent labels, or more of the others.

Limits: whether an imbalance is a fault depends on what the model will meet.
"""

from __future__ import annotations

import polars as pl

from ..auditing.profile import profile_summary
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from .dominance import uneven_values


def _uneven_labels(context: DatasetContext, check: Check) -> pl.DataFrame:
    return uneven_values(context, check, "label")


CHECK = DatasetCheck(
    name="balance/label",
    title="labels that are far from evenly frequent",
    severity=Severity.LOW,
    fix=Fix.NONE,
    summaries=(profile_summary,),
    find=_uneven_labels,
    parameters={
        "least_evenness": Parameter(
            0.8, "effective number of labels by their number; 80:20 between two gives 0.82"
        ),
        "most_times_even": Parameter(2.5, "times an even share that one label may have"),
        "most_values": Parameter(
            0.5, "more different values a row than this are texts, not labels"
        ),
    },
)
