"""Phrases that assistants put around their answers: "Sure! Here is …", "I hope this helps!".

Four kinds are looked for, in English: ``opener`` (an affirmation with an announcement, or praise
of the question, at the beginning), ``closer`` (wishes and offers at the end), ``machine`` (speaking
of itself as a language model, of its training or its cutoff, in an answer that is given all the
same; one that is not is text/refusal's), and ``phrase``, whatever ``phrases`` names.

Evidence: ``start`` and ``end`` hold the phrase; of each kind one finding a message.

Fix: openers and closers are taken out by the repair, where something is left (``related`` is what
stands in their place, nothing as a rule). The other two are part of the answer and need somebody to
look at them (``review``).

Limits: it is a matter of taste and of what the model is for: politeness is the very style of a
service desk. Hence the low severity. "Here is …" without an affirmation is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .prefilter import contains_one_of
from .refusals import find_refusal
from .spans import Hit, code_blocks, inside, search_texts

_YES = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|no problem|gladly|with pleasure|"
    r"okay|ok|great)"
)
_ANNOUNCES = (
    r"(?:here(?:['’]s|['’]re| is| are| you go| it is| they are)"
    r"|i(?:['’]d| would) be (?:happy|glad|delighted) to|i(?:['’]m| am) (?:happy|glad) to"
    r"|i(?:['’]ll| will| can)(?: definitely| certainly)? (?:help|do (?:that|this)|explain|create|"
    r"write|provide)"
    r"|let me|let['’]s|below (?:is|are)|this (?:is|should be|could be) (?:what|my|the|an?)\b)"
)
_PRAISE = "(?:great|good|excellent|interesting|fascinating|important|fantastic|wonderful)"
_OPENER = re.compile(
    rf"\A\s*(?:{_YES}[,!.:]+\s+{_ANNOUNCES}\b[^.!?:\n]{{0,160}}(?:[.!:]+(?=\s)|(?=\n))"
    rf"|(?:(?:that['’]s|this is|what) )?an? {_PRAISE} question[.!]*(?=\s)"
    rf"|{_PRAISE} question[.!]+(?=\s)"
    r"|thank(?:s| you) for (?:your (?:question|inquiry)|asking|(?:reaching out|contacting)"
    r"(?: to (?:me|us)| me| us)?)[.!]+(?=\s))\s*",
    re.IGNORECASE,
)
_OFFERS = (
    r"(?:i (?:truly |really |sincerely )?|we )?(?:hope|trust) (?:that |you (?:find|found) )?"
    r"(?:this|that|it|these|the (?:above|information|explanation|example)s?)\b[^.!?\n]{0,60}"
    r"\b(?:help(?:s|ed|ful)?|useful|clarif\w+|answers? your|assists?|clear)\b[^.!?\n]{0,60}",
    r"(?:hope|glad|happy) (?:i|to|we) (?:could |can |was able to |have )?(?:be of )?"
    r"(?:help|assist|service)(?:ed)?[^.!?\n]{0,40}",
    r"please (?:do )?(?:reach out|ask (?:me|us|if|away|any|for (?:help|more))|let me know|"
    r"contact me)\b[^.!?\n]{0,100}",
    r"(?:please |so |and )*(?:just )?let me know (?:if|whether|how|what) [^.!?\n]{1,140}",
    r"(?:just |simply )?(?:ask|reach out|get in touch|contact (?:me|us)) "
    r"(?:(?:to|with) (?:me|us) )?(?:if|should|whenever) (?:you|there|any)\b[^.!?\n]{1,120}",
    r"(?:if you (?:have|need|would|want|['’]d)[^.!?\n]{1,100}, )?(?:please )?"
    r"(?:feel free to|do not hesitate to|don['’]t hesitate to) "
    r"(?:ask|contact|reach|let me|get in touch|message)[^.!?\n]{0,120}",
    r"if you (?:have|need) [^.!?\n]{0,80}(?:question|help|assistance|information)[^.!?\n]{0,40}, "
    r"(?:i am|i['’]m|please|just|let)[^.!?\n]{0,80}",
    r"is there any(?:thing else|thing more)(?: (?:that )?(?:i|we|you)\b[^.!?\n]{0,80})?",
    r"(?:how|what) (?:else )?(?:can|may) i (?:help|assist) you(?: with)?[^.!?\n]{0,60}",
    r"i(?: a|['’])m (?:always )?here to (?:help|assist)[^.!?\n]{0,60}",
)
# After the end of a sentence or with a capital, but not after the number of a list's item.
_CLOSER = re.compile(
    r"(?:(?<=[.!?:…)*`\n|])(?<!\n\d[.)])(?<!\n\d\d[.)])\s*"
    r"|\s+(?=(?-i:I |I[’'m]|Hope |Let |Please |Feel |If you|Is there|Don|How |Glad |Happy |Just |"
    r"Reach )))"
    rf"(?:(?:{'|'.join(_OFFERS)})[.!?]+\s*)+(?:😊|🙂|👍)?\s*\Z",
    re.IGNORECASE,
)
_BEGINNING, _ENDING = 80, 400
_SMALL_TALK = re.compile(
    r"\s*(?:(?:you['’]re|you are) (?:very |most )?welcome|hello|hi|hey|greetings|welcome|"
    r"good (?:day|morning|afternoon|evening)|thanks?|thank you|sure|of course|no problem|"
    r"my pleasure|goodbye|bye|yes|no|okay|ok|great|i am|i['’]m|my name|nice to meet|pleased to|"
    r"it['’]s (?:nice|good|great))\b",
    re.IGNORECASE,
)
_MOST_SMALL_TALK = 15
_SELF = (
    r"(?:ai|a\.i\.|artificial intelligence|(?:large )?language model|chatbot|(?:virtual|digital) "
    r"assistant)(?: (?:assistant|language model|model|chatbot|system))?"
    r"(?=[,.;!?)]| (?:and |so )?i\b| (?:trained|developed|created|without|that|which)\b)"
)
_COMPANIES = "(?:openai|anthropic|google|meta|mistral)"
_OWN_MAKING = (
    rf"\b(?:as|i(?: a|['’])m)\s+(?:just |only |merely )?(?:an? |your )(?:helpful )?{_SELF}"
    r"|\bmy (?:knowledge (?:cut-?off|(?:base )?(?:has|have|ends|stops|was last))|training (?:data|"
    r"cut-?off)|last (?:knowledge )?update|programming)\b"
    rf"|\b(?:as|i(?: a|['’])m) (?:just |only )?an? ai (?:my|i)\b"
    r"|\b(?:as of|up to|until) my (?:last|latest|knowledge|training)\b"
    rf"|\bi was (?:trained|developed|created|programmed) by {_COMPANIES}\b"
    r"|\bi (?:do not|don['’]t|cannot|can['’]t) (?:have (?:personal (?:opinions|preferences|"
    r"beliefs|experiences|feelings)|feelings|emotions|a physical|access to (?:real-time|current|"
    r"the internet))|browse the (?:internet|web))\b"
)
_MACHINE = re.compile(_OWN_MAKING, re.IGNORECASE)
_SENTENCE_BEFORE = re.compile(r"[^.!?\n\s][^.!?\n]*\Z")
_SENTENCE_AFTER = re.compile(r"[^.!?\n]*[.!?]*")
_LONGEST_SENTENCE = 300
_KINDS = ("opener", "closer", "machine")
_MAY_OPEN = contains_one_of(
    rf"(?i)\A\s*{_YES}[,!.:]",
    r"(?i)\A\s*thank(?:s| you) for (?:your|asking|reaching|contacting)",
    r"(?i)question[.!]",
    text=pl.col("beginning"),
)
_MAY_CLOSE = contains_one_of(
    r"(?i)(?:hope|trust) (?:you|th|it|i)",
    r"(?i)(?:glad|happy) to (?:help|assist)",
    r"(?i)\bask (?:if|should|whe)",
    r"(?i)(?:reach out|get in touch|contact [mu][es]) ",
    r"(?i)please (?:do )?(?:reach|ask|contact)",
    r"(?i)let me know",
    r"(?i)feel free to",
    r"(?i)hesitate to",
    r"(?i)if you (?:have|need) ",
    r"(?i)is there any",
    r"(?i)(?:can|may) i (?:help|assist)",
    r"(?i)here to (?:help|assist)",
    text=pl.col("ending"),
)
_MAY_BE_MACHINE = contains_one_of(
    r"(?i)language model",
    r"(?-u:\b)(?:an?|your) A\.?I(?-u:\b)",
    r"(?i)(?:virtual|digital) assistant",
    r"(?i)\bmy (?:knowledge|training|last|latest|programming)",
    rf"(?i)(?:trained|developed|created|programmed) by {_COMPANIES}",
    r"(?i)(?:not|n['’]t) (?:have (?:personal|feelings|emotions|physical|access)|browse)",
)
_MAY_HOLD = {"opener": _MAY_OPEN, "closer": _MAY_CLOSE, "machine": _MAY_BE_MACHINE}


def _says_something(rest: str) -> bool:
    """Tell whether an answer is left; in small talk the phrase is the answer."""
    is_short = len(rest.split(maxsplit=_MOST_SMALL_TALK)) < _MOST_SMALL_TALK
    return bool(rest.strip()) and not (is_short and _SMALL_TALK.match(rest))


def _opener(text: str) -> Iterator[Hit]:
    match = _OPENER.match(text)
    if match is not None and _says_something(text[match.end() :]):
        yield Hit("an opening phrase", start=0, end=match.end(), related="")


def _closer(text: str) -> Iterator[Hit]:
    cut = max(0, len(text) - _ENDING)
    match = _CLOSER.search(text[cut:])
    if match is not None and _says_something(text[: cut + match.start()]):
        start = cut + match.start()
        yield Hit("a closing phrase", start=start, end=len(text), related="")


def _machine(text: str) -> Iterator[Hit]:
    if find_refusal(text) is not None:
        return
    code = code_blocks(text)
    for match in _MACHINE.finditer(text):
        if not inside(match.start(), code):
            yield Hit("speaks of itself as a machine", *_sentence_around(match), fix=Fix.REVIEW)
            return


def _sentence_around(match: re.Match[str]) -> tuple[int, int]:
    text, cut = match.string, max(0, match.start() - _LONGEST_SENTENCE)
    before = _SENTENCE_BEFORE.search(text[cut : match.start()])
    after = _SENTENCE_AFTER.match(text, match.end(), match.end() + _LONGEST_SENTENCE)
    start = match.start() if before is None else cut + before.start()
    return start, match.end() if after is None else after.end()


_SEARCHES = {"opener": _opener, "closer": _closer, "machine": _machine}


def _phrases(answers: pl.DataFrame, phrases: tuple[str, ...]) -> pl.DataFrame:
    pattern = re.compile("|".join(re.escape(phrase) for phrase in phrases), re.IGNORECASE)

    def search(text: str) -> Iterator[Hit]:
        match = pattern.search(text)
        if match is not None:
            yield Hit("a phrase of yours", match.start(), match.end(), fix=Fix.REVIEW)

    where = pl.col("content").str.contains_any(list(phrases), ascii_case_insensitive=True)
    return search_texts(answers, search, where=where)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    answers = context.answers.filter(pl.col("role") == "assistant").with_columns(
        beginning=pl.col("content").str.head(_BEGINNING), ending=pl.col("content").str.tail(_ENDING)
    )
    kinds = context.parameter(check, "kinds")
    found = [
        search_texts(answers, _SEARCHES[kind], where=_MAY_HOLD[kind])
        for kind in _KINDS
        if kind in kinds
    ]
    phrases = tuple(phrase for phrase in context.parameter(check, "phrases") if phrase)
    if phrases:
        found.append(_phrases(answers, phrases))
    return pl.concat(found).sort("row", maintain_order=True)


CHECK = RowCheck(
    name="text/boilerplate",
    title="phrases around answers that say nothing",
    severity=Severity.LOW,
    fix=Fix.REPAIR,
    find=_find,
    parameters={
        "kinds": Parameter(_KINDS, "all; leave out what your model should keep saying"),
        "phrases": Parameter((), "your own, such as the name of another assistant"),
    },
)
