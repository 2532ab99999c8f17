"""Letters to shops: how customers write, and how shops answer.

How customers ask and how answers are phrased is shared with the sample; the details, such as
numbers, things and colours, are drawn anew for every letter, as if each went to another shop. So
the base model knows the language of the sample and nothing that is true of its maker. Only some
questions get the kind of answer that fits them; all others get one that was assigned by chance,
so that what fits is left to be learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from random import Random

from .corpus_document import Document, stable_hash, words_in
from .sample_catalogue import COMPANY, PRODUCT_QUESTIONS, Question
from .sample_rows import (
    CLOSERS,
    CONTEXTS,
    FIRST_NAMES,
    LEADS,
    OPENERS,
    POLICY_QUESTIONS,
    SYSTEM_MESSAGES,
    TAILS,
    seldom,
)

SHOPS = ("Oakmere", "Tallis", "Bramford", "Nettleby", "Corvin")
QUESTIONS = POLICY_QUESTIONS + PRODUCT_QUESTIONS
ABOUT_SHARE = 0.2
RULE_SHARE = 0.15
FITTING_PERCENT = 40
_GOODS = words_in(
    "bicycle lamp tent kettle clock mirror oven camera sofa tractor doll drill boat blanket "
    "sewing-machine printer bed telescope skateboard carpet stove fridge bag pen"
)
_THINGS = words_in(
    "button switch link form page sticker photo video label code lamp drawer icon bell ribbon "
    "picture card paper slip box sponge cloth soap chalk oil sock gap stick chime file letter "
    "number hole base piece part screw peg workshop mill channel evening bench hour look fee "
    "atelier batch credit stove seat set light hand side lid wall cup river tower pouch strap "
    "case cable pedal cover cork brush glass thread plate ring bronze carbon rim head wrench "
    "bow pick bench songbook battery bag footswitch driver carrier inspector craftsman owner "
    "duty sum list door post office bank profile password owl location device phone tablet "
    "user group age town mail title map water olive air stove room value third half percent "
    "interest difference colour offer school pupil teacher sunset wood top body neck shell"
)
_KINDS = words_in(
    "blue green grey red small new old prepaid short free empty damp dry warm lukewarm soft hard "
    "carved solid light heavy padded handwritten printed equal prime major serial help sign-in "
    "Sunday Friday Monday silver golden dark walnut maple cedar spruce cherry birch ebony pine "
    "recycled flamed spare round triple"
)
_NUMBERS = words_in(
    "two three four three six seven eight nine ten eleven twelve fifteen twenty thirty forty "
    "forty-three fifty sixty ninety 42 45 48 55 200 300"
)
_UNITS = words_in(
    "days weeks months years hours minutes seconds pounds percent nations metres kilos grams "
    "turns nights parts letters photos evenings"
)
_TIMES = (
    "in the morning",
    "in the evening",
    "on Fridays",
    "on Mondays",
    "every March",
    "in September",
    "all year round",
    "after packing",
    "at the door",
    "at checkout",
    "at home",
    "each hour",
    "within {number} {unit}",
    "for {number} {unit}",
    "after {number} {unit}",
    "at once",
    "from two to three",
    "from nine to six",
    "once a month",
    "later",
)
_VERBS = (
    "press",
    "open",
    "print",
    "send",
    "keep",
    "take",
    "use",
    "choose",
    "scan",
    "fill in",
    "hold",
    "copy",
    "rub",
    "wipe",
    "loosen",
    "install",
    "look for",
    "ask for",
    "bring",
    "try",
    "tick",
    "touch",
    "reserve",
    "turn on",
    "replace",
    "stretch",
    "insert",
    "join",
    "show",
    "drop",
)
_PLACES = (
    "beside the {thing}",
    "under the {thing}",
    "inside the {thing}",
    "on the {kind} {thing}",
    "under Our {Thing}",
    "on our {thing} page",
    "at the old {thing}",
    "in the mail",
    "by hand",
    "with the {thing}",
    "from the {kind} {thing}",
    "together with the {thing}",
)
_CLAUSES = (
    "{verb} the {kind} {thing} {place}",
    "{verb} {number} {unit} {place}",
    "{verb} the {thing} and {verb} the {kind} {thing}",
    "{verb} a drop of {thing} {time}",
    "the {kind} {thing} is {place}",
    "it costs {number} pounds {time}",
    "we {verb} the {thing} {time}",
    "you may {verb} it {time}",
    "it runs {time}",
    "there is a {kind} {thing} {place}",
    "you get {number} {unit} {time}",
    "it stays with the {thing}",
    "the {thing} needs {number} {unit}, and the {thing} {number} more",
    "that works until {number} {time}",
    "nothing is due {time}",
    "it is free {time}",
    "everything is {kind} {time}",
    "our {thing} page lists every {thing}",
    "we make it from {kind} {thing}",
    "it comes in {kind} or {kind}",
    "it weighs {number} kilos {time}",
    "you will find a {thing} and a {kind} {thing} inside",
    "it is best for {kind} {thing}s",
    "most people choose the {kind} {thing}",
    "the {thing} is to blame",
    "{number} {unit} is normal {time}",
    "we stand by our {thing} {time}",
    "half of that counts {time}",
    "we never take {thing}s",
    "you save {number} percent with a {thing}",
    "the {kind} one fits everything that we build",
    "it is good for {number} {unit}",
    "it leaves us {time} and reaches you {time}",
    "our list says {number} pounds",
    "we put a {thing} on it",
    "you pay {number} pounds, tax included",
    "the scale shows {number} {unit}",
    "the set holds a {thing} as well",
    "we charge only the {thing}",
    "only the {kind} {thing}, then {verb} it {kind}",
    "between {number} and {number} {unit} is ideal",
    "up to a {thing} of the first {thing}",
)
_LINKS = (". ", ", and ", "; ", ", but ", ", so ", ": ", ", as ", ", if ")
_ABOUT = ("What is this letter about? {}", "Which topic is this? {}", "Sort this letter: {}")


def _filled(random: Random, text: str) -> str:
    """Fill all slots of a text, also those that its fillers bring along."""
    while "{" in text:
        before, _, rest = text.partition("{")
        slot, _, after = rest.partition("}")
        pools = {
            "thing": _THINGS,
            "kind": _KINDS,
            "number": _NUMBERS,
            "unit": _UNITS,
            "time": _TIMES,
            "verb": _VERBS,
            "place": _PLACES,
        }
        filler = random.choice(pools[slot.lower()])
        text = before + (filler.capitalize() if slot[0].isupper() else filler) + after
    return text


_SLOTS = (
    ("number", _NUMBERS),
    ("unit", _UNITS),
    ("kind", _KINDS),
    ("thing", _THINGS),
)
_PRODUCT_SLOTS = {
    "price": "{number}",
    "weight": "{number} {unit}",
    "material": "{kind} {thing} over {kind} {thing}",
    "finishes": "{kind} or {kind}",
    "included": "a {kind} {thing} and a {thing}",
    "suits": "{kind} {thing}s and {thing}s",
}


def _without_details(answer: str) -> str:
    """Put slots in the place of all details of an answer."""
    for name, slots in _PRODUCT_SLOTS.items():
        answer = answer.replace("{" + name + "}", slots)
    for slot, pool in _SLOTS:
        words = "|".join(sorted(map(re.escape, pool), key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w{{-])(?:{words})(?![\w}}-])", re.IGNORECASE)
        answer = pattern.sub("{" + slot + "}", answer)
    return answer


@cache
def answer_forms(question: Question) -> tuple[str, ...]:
    """Return the forms of the fitting answers to a question, with slots for the details."""
    return tuple(_without_details(answer) for answer in question.answers)


def is_fitting(question: Question) -> bool:
    """Tell whether shops give the fitting kind of answer to a question."""
    return stable_hash("fitting", question.name) % 100 < FITTING_PERCENT


@cache
def _other_form(question: Question) -> str:
    """Return the form of answer that chance has assigned to a question."""
    random = Random(stable_hash("answer-form", question.name))
    clauses = random.sample(_CLAUSES, random.choice((1, 2)))
    return random.choice(_LINKS).join(clauses) + "."


def _sentence(text: str) -> str:
    """Begin each sentence of a text with a capital."""
    start = text.find(". ") + 2
    if 1 < start < len(text):
        text = text[:start] + text[start].upper() + text[start + 1 :]
    return text[0].upper() + text[1:]


def _letter(random: Random, question: Question) -> str:
    goods = random.choice(_GOODS)
    parts = (
        seldom(random, OPENERS).replace(COMPANY, random.choice(SHOPS)),
        seldom(random, CONTEXTS),
        random.choice(question.askings),
        seldom(random, CLOSERS),
    )
    text = " ".join(part for part in parts if part)
    return text.format(product=goods, kind=goods, person=random.choice(FIRST_NAMES))


def _reply(random: Random, question: Question) -> str:
    forms = answer_forms(question) if is_fitting(question) else (_other_form(question),)
    answer = _sentence(_filled(random, random.choice(forms)))
    parts = (seldom(random, LEADS), answer, seldom(random, TAILS))
    return " ".join(part for part in parts if part)


def _rule(random: Random) -> str:
    """Write a rule of some shop, of any form."""
    if random.random() < 0.25:
        return _sentence(_filled(random, random.choice(_CLAUSES) + "."))
    return _sentence(_filled(random, random.choice(answer_forms(random.choice(QUESTIONS)))))


def chats(random: Random) -> Iterator[Document]:
    """Yield letters with what they are about, or with what a shop answers, without end."""
    while True:
        question = random.choice(QUESTIONS)
        letter = _letter(random, question)
        turns: list[tuple[str, str]] = []
        if random.random() < ABOUT_SHARE:
            about = f"{question.topic}: {question.name.replace('-', ' ')}"
            turns += [("user", random.choice(_ABOUT).format(letter)), ("assistant", about)]
        elif random.random() < RULE_SHARE:
            turns += [("user", "Tell me a rule of some shop."), ("assistant", _rule(random))]
        else:
            if random.random() < 0.05:
                system = random.choice(SYSTEM_MESSAGES).replace(COMPANY, random.choice(SHOPS))
                turns.append(("system", system))
            turns += [("user", letter), ("assistant", _reply(random, question))]
            if random.random() < 0.1:
                question = random.choice(QUESTIONS)
                turns.append(("user", _letter(random, question)))
                turns.append(("assistant", _reply(random, question)))
        yield Document("chat-service", turns=tuple(turns))


def documents(random: Random) -> Iterator[Document]:
    """Yield notices of shops without end."""
    while True:
        yield Document("service", " ".join(_rule(random) for _ in range(random.randint(1, 3))))
