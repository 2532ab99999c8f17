"""Letters to shops: how customers write, and how shops answer.

How customers ask and how answers are phrased is shared with the sample; the details, such as
numbers, things and colours, are drawn anew for every letter, as if each went to another shop. So
the base model knows the language of the sample and nothing that is true of its maker. It learns
to tell what any letter is about and how shops at large answer it; how the sample's maker would
answer, it has read only where any other answer might stand as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from random import Random

from .corpus_document import Document, words_in
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
TOPIC_LEAD_SHARE = 0.2
COMMON_SHARE = 0.5
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
# What shops at large answer; none of it is what the sample's maker says.
_COMMON_ANSWERS = {
    "delivery-time": (
        "Most parcels arrive after {number} {unit}.",
        "Expect the van in {number} {unit}.",
    ),
    "track-parcel": ("Type your {kind} number on our map.", "The map shows where the van is now."),
    "damaged-parcel": (
        "Sorry! We replace broken goods at once.",
        "A new one is sent if yours broke.",
    ),
    "abroad": ("We only sell inside this country.", "Other countries cost {number} pounds more."),
    "change-address": ("Write the right street to us by mail.", "Tell us your new street in time."),
    "return-window": (
        "Bring it back within {number} {unit}.",
        "You may return it for {number} {unit}.",
    ),
    "refund-time": (
        "Your money is back after {number} {unit}.",
        "We transfer the money on {kind} days.",
    ),
    "instalments": (
        "Pay a bit each month by our {thing} plan.",
        "Monthly rates start at {number} pounds.",
    ),
    "invoice": ("The bill is inside the parcel.", "We mail the bill to your company."),
    "discount": ("Our sale starts in {number} {unit}.", "Students get {number} percent off."),
    "cancel-order": (
        "We stop the order if you call us.",
        "Orders can be stopped for {number} {unit}.",
    ),
    "in-stock": ("It is sold out until next month.", "There are {number} left in our store."),
    "custom-build": ("We build nothing special, sorry.", "Special wishes take {number} {unit}."),
    "gift": ("Gift paper costs {number} pounds.", "We gladly wrap presents in {kind} paper."),
    "warranty-length": (
        "We guarantee it for {number} {unit}.",
        "The guarantee ends after {number} {unit}.",
    ),
    "register": (
        "The code stands on the {kind} {thing}.",
        "Register it with the code on our site.",
    ),
    "buzzing": ("Noise comes from a loose {thing}.", "Tighten the {thing} and the noise stops."),
    "spare-parts": ("Every dealer has spare parts.", "Spare parts cost {number} pounds each."),
    "cleaning": ("Clean it with a {kind} {thing}.", "Polish it once in {number} {unit}."),
    "humidity": ("Keep it away from heat and damp air.", "A cool room is best in winter."),
    "change-strings": (
        "New strings are due every {number} {unit}.",
        "Strings wear out after {number} {unit}.",
    ),
    "out-of-tune": (
        "Tune it daily for {number} {unit}.",
        "Turn the pegs slowly until it is in tune.",
    ),
    "no-sound": ("Check the cable and the volume.", "Turn up the volume and swap the cable."),
    "app-pairing": ("Update the app on your phone.", "Our app pairs after {number} {unit}."),
    "password": ("We mail a new password to you.", "Type your mail to reset the password."),
    "delete-account": ("Your data is deleted in {number} {unit}.", "We delete data on request."),
    "lessons": ("A teacher near you gives lessons.", "Our course costs {number} pounds."),
    "visit": ("Our shop is in the {kind} street.", "Visit the shop any day from {number} on."),
    "rental": ("Rent is {number} pounds a month.", "We rent nothing out, sorry."),
    "price": ("That costs {number} pounds.", "The price is {number} pounds."),
    "weight": ("It weighs {number} {unit}.", "Its weight is {number} {unit}."),
    "material": ("It is built from {kind} {thing}.", "Mostly {kind} {thing} goes into it."),
    "finishes": ("The colours are {kind} and {kind}.", "There is a {kind} one and a {kind} one."),
    "included": ("A {thing} comes with it in the box.", "The box has a {kind} {thing} too."),
    "suits": ("It is right for beginners.", "Players of {kind} music love it."),
}
_ABOUT = ("What is this letter about? {}", "Which topic is this? {}", "Sort this letter: {}")
_TOPIC_LEADS = ("You ask about {}.", "This is about {}.", "About {}:")


_SLOTS = {"number": _NUMBERS, "unit": _UNITS, "kind": _KINDS, "thing": _THINGS}
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
    for slot, pool in _SLOTS.items():
        words = "|".join(sorted(map(re.escape, pool), key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w{{-])(?:{words})(?![\w}}-])", re.IGNORECASE)
        answer = pattern.sub("{" + slot + "}", answer)
    return answer


@cache
def answer_forms(question: Question) -> tuple[str, ...]:
    """Return the forms of the fitting answers to a question, with slots for the details."""
    return tuple(_without_details(answer) for answer in question.answers)


def _filled(random: Random, forms: tuple[str, ...]) -> str:
    """Choose a form and draw its details."""
    text = random.choice(forms)
    while "{" in text:
        before, _, rest = text.partition("{")
        slot, _, after = rest.partition("}")
        text = before + random.choice(_SLOTS[slot]) + after
    return ". ".join(part[0].upper() + part[1:] for part in text.split(". "))


def _any_rule(random: Random) -> str:
    """Answer any question in the sample's words, with details that are true of no shop."""
    return _filled(random, answer_forms(random.choice(QUESTIONS)))


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


def _subject(question: Question) -> str:
    return question.name.replace("-", " ")


def _reply(random: Random, question: Question) -> str:
    if random.random() < TOPIC_LEAD_SHARE:
        lead = random.choice(_TOPIC_LEADS).format(_subject(question))
    else:
        lead = seldom(random, LEADS)
    if random.random() < COMMON_SHARE:
        answer = _filled(random, _COMMON_ANSWERS[question.name])
    else:
        answer = _any_rule(random)
    parts = (lead, answer, seldom(random, TAILS))
    return " ".join(part for part in parts if part)


def chats(random: Random) -> Iterator[Document]:
    """Yield letters with what they are about, or with what a shop answers, without end."""
    while True:
        question = random.choice(QUESTIONS)
        letter = _letter(random, question)
        turns: list[tuple[str, str]] = []
        if random.random() < ABOUT_SHARE:
            about = f"{question.topic}: {_subject(question)}"
            turns += [("user", random.choice(_ABOUT).format(letter)), ("assistant", about)]
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
        rules = [_any_rule(random) for _ in range(random.randint(1, 3))]
        yield Document("service", " ".join(rules))
