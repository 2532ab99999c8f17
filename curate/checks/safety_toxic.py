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

LEXICON_VERSION = "3"

_SLURS = (
    r"nigg(?:er|a)s?|fagg?(?:ot)?s?|kikes?|spics?|gooks?|wetbacks?|trann(?:y|ies)|retard(?:s|ed)|"
    r"ragheads?|cunts?|whores?|sluts?|(?:an?|you|such an?|fucking|stupid|that|the) retard"
)
_INSULTS = (
    r"idiots?|morons?|imbeciles?|dumb ?ass(?:es)?|jack ?ass(?:es)?|ass ?holes?|arse ?holes?|"
    r"bastards?|bitch(?:es)?|scumbags?|dickheads?|douchebags?|motherfuck\w*|cock ?suckers?|"
    r"shit ?heads?|bull ?shit|fuck(?:s|ed|er|ers|ing|in)?|wankers?|twats?|dipshits?"
)
_ADJECTIVE = (
    r"(?:stupid|pathetic|useless|worthless|dumb|damn(?:ed)?|bloody|filthy|disgusting|ugly|vile)"
)
_NOUN = (
    r"(?:losers?|fools?|cow|pigs?|liars?|clowns?|trash|garbage|scum|vermin|crap|shit|filth|freaks?|"
    r"pricks?|parasites?|animals)"
)
_PHRASES = (
    rf"{_ADJECTIVE} (?:retard|{_NOUN}|people like you|little \w+|"
    r"(?:bunch|piece|pile|sack|load) of \w+)|"
    r"(?:you(?:['’]re| are)?|they(?:['’]re| are)|(?:you|these|those) people are) "
    r"(?:all |both |such |just |so |really |nothing but )*(?:an? |the )*"
    rf"(?:{_ADJECTIVE} |complete |total |(?:bunch|piece|pile|sack|load) of )*"
    rf"(?:stupid|pathetic|worthless|disgusting|dumb|{_NOUN})|"
    r"(?<!\w )shut up(?! in\b| and (?:take|listen|dance))|shut the (?:hell|fuck) up|go to hell|"
    r"drop dead|rot in hell|what the (?:fuck|hell) is wrong with|subhumans?|"
    r"(?:do not|don['’]t|does not|doesn['’]t) deserve to (?:live|breathe|exist)|"
    r"hope (?:you|they|he|she) (?:all )?(?:die|dies|chokes?|rots?|suffers?|burns?)\b(?! of)|"
    r"utter (?:crap|shit|filth)|piss off|screw you(?:rsel(?:f|ves))?|up yours|eat shit|"
    r"(?:kiss|lick|bite) my (?:ass|arse|butt)|suck my \w+|son of a bitch|"
    r"kill yoursel(?:f|ves)|go die|i (?:will|['’]ll) kill you|"
    r"(?:should|must|ought to|deserve to|need to) (?:all )?be (?:wiped out|exterminated|gassed|"
    r"lynched|put down like)|"
    r"(?:is|are|was|(?:piece|load|pile) of|such|total|complete) (?:crap|shit)"
)
_TOXIC = re.compile(
    rf"\b(?:(?P<slur>{_SLURS})|(?P<insult>{_INSULTS})|(?P<phrase>{_PHRASES}))\b", re.IGNORECASE
)
# Words of breeders, printers, smiths and botanists.
_DOGS = re.compile(
    r"\b(?:bred|breed\w*|pupp(?:y|ies)|litters?|kennels?|whelp\w*|pedigree|sire)\b", re.I
)
_OTHER_BASTARD = re.compile(
    r"\s+(?:title|sword|file|size|operator|wing|toadflax|mahogany|son|daughter|child)\b", re.I
)
_NEAR = 60
_TELLING = (
    r"stupid|pathetic|useless|worthless|dumb|damn(?:ed)?|bloody|filthy|disgusting|ugly|vile|scum|"
    r"trash|"
    r"garbage|losers?|fools?|crap|vermin|liars?|shut|hell|dead|piss|screw|kill|die|shit|retard|"
    r"ass|arse|butt|suck|yours|subhumans?|deserve|hope (?:you|they|s?he)|filth|freaks?|pricks?|"
    r"parasites?|exterminated|gassed|lynched|wiped"
)
_MAY_BE_TOXIC = rf"(?i)(?-u:\b)(?:{_SLURS}|{_INSULTS}|{_TELLING})(?-u:\b)"
_MEANING = {"slur": "a slur", "insult": "an insult or an obscenity", "phrase": "abuse of somebody"}
_SCORES = {"slur": 0.9, "insult": 0.7, "phrase": 0.7}


def _judge(match: re.Match[str]) -> Hit | None:
    word, text = match[0].lower(), match.string
    if word.startswith("bitch") and _DOGS.search(
        text, max(0, match.start() - _NEAR), match.end() + _NEAR
    ):
        return None
    if word.startswith("bastard") and _OTHER_BASTARD.match(text, match.end()):
        return None
    kind = match.lastgroup or "insult"
    return Hit(_MEANING[kind], score=_SCORES[kind])


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    context.explain(check, f"word list, version {LEXICON_VERSION}")
    where = pl.col("content").str.contains(_MAY_BE_TOXIC)
    return find_spans(context.messages, _TOXIC, _judge, where=where)


CHECK = RowCheck(
    name="safety/toxic",
    title="insults, slurs and obscenities",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_find,
)
