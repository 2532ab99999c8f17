"""Toxic language, by a versioned list of English words and phrases: a signal, not a verdict.

Slurs and insults count wherever they stand; words that are harmless in other company ("stupid",
"hell") only in phrases that turn them on somebody. The audit says the list's version.

Evidence: ``start`` and ``end`` hold the words; ``score`` is 0.9 for slurs, 0.7 for the others.

Fix: somebody must look (``review``).

Limits: English alone. Words do not know who says them: quotation, reclaimed words and talk about
abuse are found too, while hatred in polite words is not. Counting words marks texts by and about
minorities more often (Sap et al. 2019, "The Risk of Racial Bias in Hate Speech Detection"), so
read before dropping. A rejected answer of a preference may be toxic by right.
"""

from __future__ import annotations

import re

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

LEXICON_VERSION = "1"

_SLURS = (
    r"nigg(?:er|a)s?|fagg?(?:ot)?s?|kikes?|spics?|gooks?|wetbacks?|trann(?:y|ies)|retard(?:s|ed)|"
    r"ragheads?|cunts?|whores?|sluts?"
)
_INSULTS = (
    r"idiots?|morons?|imbeciles?|dumb ?ass(?:es)?|jack ?ass(?:es)?|ass ?holes?|arse ?holes?|"
    r"bastards?|bitch(?:es)?|scumbags?|dickheads?|douchebags?|motherfuck\w*|cock ?suckers?|"
    r"shit ?heads?|bull ?shit|fuck(?:s|ed|er|ers|ing|in)?|wankers?|twats?|dipshits?"
)
_ADJECTIVE = r"(?:stupid|pathetic|useless|worthless|dumb|damn(?:ed)?|bloody|filthy|disgusting|ugly)"
_PHRASES = (
    rf"{_ADJECTIVE} (?:losers?|fools?|cow|pigs?|liars?|clowns?|trash|scum|people like you|"
    r"little \w+)|"
    r"(?:you(?:['’]re| are)?|they(?:['’]re| are)) (?:all |both |such |just |so |really )*"
    r"(?:an? |the )*(?:complete |total |bunch of )*(?:stupid|pathetic|worthless|disgusting|scum|"
    r"trash|garbage|losers?|fools?|crap|dumb|vermin|liars?)|"
    r"(?<!\w )shut up(?! in\b| and (?:take|listen|dance))|shut the (?:hell|fuck) up|go to hell|"
    r"drop dead|rot in hell|piss off|screw you|kill yourself|go die|hope you die|"
    r"i (?:will|['’]ll) kill you|(?:is|are|was|piece of|such|total|complete) (?:crap|shit)"
)
_TOXIC = re.compile(
    rf"\b(?:(?P<slur>{_SLURS})|(?P<insult>{_INSULTS})|(?P<phrase>{_PHRASES}))\b", re.IGNORECASE
)
_TELLING = (
    r"stupid|pathetic|useless|worthless|dumb|damn(?:ed)?|bloody|filthy|disgusting|ugly|scum|trash|"
    r"garbage|losers?|fools?|crap|vermin|liars?|shut|hell|dead|piss|screw|kill|die|shit"
)
_MAY_BE_TOXIC = rf"(?i)(?-u:\b)(?:{_SLURS}|{_INSULTS}|{_TELLING})(?-u:\b)"
_MEANING = {"slur": "a slur", "insult": "an insult or an obscenity", "phrase": "abuse of somebody"}
_SCORES = {"slur": 0.9, "insult": 0.7, "phrase": 0.7}


def _toxic(context: CheckContext, check: Check) -> pl.DataFrame:
    context.explain(check, f"word list, version {LEXICON_VERSION}")

    def judge(match: re.Match[str]) -> Hit:
        kind = match.lastgroup or "insult"
        return Hit(_MEANING[kind], score=_SCORES[kind])

    where = pl.col("content").str.contains(_MAY_BE_TOXIC)
    return find_spans(context.messages, _TOXIC, judge, where=where)


CHECK = RowCheck(
    name="safety/toxic",
    title="insults, slurs and obscenities",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_toxic,
)
