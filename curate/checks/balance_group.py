"""Groups of very uneven size.

Measured is the effective number of groups, the exponential of their entropy (Hill 1973), the share
of the largest, and which are rare: those whose share is surely (Wilson 1927) below
``least_share_of_even`` of an even one.

Evidence: one finding about the dataset, without a row; ``related`` is the largest group, ``score``
its share; the message has the largest and the rarest groups.

Fix: none; a ratio to sample by is chosen when the model is trained.

Limits: groups are read from the column that was taken for them (a region, a customer, a document);
of more than 50, or with fewer than 20 records each, none is called rare.
"""

from __future__ import annotations

import polars as pl

from ..auditing.profile import profile_summary
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from .dominance import uneven_values


def _uneven_groups(context: DatasetContext, check: Check) -> pl.DataFrame:
    return uneven_values(context, check, "group", tell_rare=True)


CHECK = DatasetCheck(
    name="balance/group",
    title="groups of very uneven size",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(profile_summary,),
    find=_uneven_groups,
    parameters={
        "least_evenness": Parameter(0.5, "effective number of groups by their number"),
        "most_times_even": Parameter(2.5, "times an even share that one group may have"),
        "least_share_of_even": Parameter(0.25, "a group below a quarter of an even share is rare"),
        "most_values": Parameter(0.5, "more different values a row than this are no groups"),
    },
)
