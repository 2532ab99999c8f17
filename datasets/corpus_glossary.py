"""Meanings of everyday words, and small talk: the vocabulary of shops and letters."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .corpus_document import Document

MEANINGS: dict[str, str] = {
    "parcel": "a box that is sent by post",
    "package": "a thing that is wrapped and sent to somebody",
    "delivery": "the bringing of a parcel to a house",
    "order": "a list of things that somebody wants to buy",
    "refund": "money that is given back to a customer",
    "return": "the sending back of a thing that was bought",
    "exchange": "giving one thing and getting another",
    "warranty": "a promise to repair a thing that breaks",
    "guarantee": "a promise that a thing works",
    "invoice": "a paper that says what must be paid",
    "receipt": "a paper that shows what was paid",
    "payment": "the money that is given for a thing",
    "price": "the money that a thing costs",
    "discount": "a part of the price that need not be paid",
    "voucher": "a card that can be used like money",
    "account": "the place where a shop keeps the data of a customer",
    "password": "a secret word that opens an account",
    "email": "a letter that is sent by computer",
    "address": "the street and the town where somebody lives",
    "customer": "a person who buys things in a shop",
    "dealer": "a person who sells things for a maker",
    "workshop": "a room where things are made or repaired",
    "repair": "the work that makes a broken thing good again",
    "spare part": "a part that takes the place of a broken part",
    "stock": "all the things that a shop has to sell",
    "instrument": "a thing that makes music",
    "guitar": "an instrument with six strings and a long neck",
    "violin": "a small instrument with four strings and a bow",
    "cello": "a large instrument with four deep strings",
    "ukulele": "a very small guitar with four strings",
    "mandolin": "an instrument with eight strings in pairs",
    "banjo": "an instrument with a round body and bright strings",
    "piano": "a large instrument with black and white keys",
    "keyboard": "a row of keys that is played with the fingers",
    "string": "a long thin thread that sounds when it is played",
    "bow": "a stick with hair that is drawn over strings",
    "bridge": "the piece of wood that holds up the strings",
    "neck": "the long part of a guitar that the hand holds",
    "fret": "a thin bar of metal on the neck of a guitar",
    "peg": "a small part that is turned to tune a string",
    "tuner": "a tool that shows whether a note is right",
    "pickup": "a part that turns the sound of a string into current",
    "cable": "a wire that carries sound or power",
    "battery": "a small thing that gives power to a machine",
    "charger": "a thing that fills a battery with power",
    "amplifier": "a machine that makes sound louder",
    "speaker": "a machine from which sound comes",
    "case": "a strong box that keeps an instrument safe",
    "strap": "a long band that holds a guitar on the shoulder",
    "polish": "a cream that makes wood shine",
    "varnish": "a clear coat that keeps wood safe",
    "humidity": "the water that is in the air",
    "crack": "a thin line where wood has broken",
    "scratch": "a thin mark on a smooth surface",
    "buzz": "a low sound like that of a bee",
    "noise": "a sound that nobody wants",
    "volume": "how loud a sound is",
    "pitch": "how high or low a note is",
    "maple": "a hard pale wood",
    "spruce": "a light wood that sounds clear",
    "walnut": "a dark brown wood",
    "cedar": "a soft red wood with a warm sound",
    "mahogany": "a heavy red wood",
    "rosewood": "a dark wood with a sweet smell",
    "ebony": "a very hard black wood",
    "beginner": "a person who starts to learn",
    "lesson": "the time in which a teacher teaches",
    "manual": "a book that says how a thing is used",
    "tracking number": "a number that shows where a parcel is",
    "courier": "a person who brings parcels",
    "customs": "the office that checks parcels from other countries",
    "deposit": "a part of the price that is paid first",
    "instalment": "one of many small payments",
    "gift card": "a card with money for a shop",
    "appointment": "a time at which people have agreed to meet",
    "serial number": "a number that only one machine has",
    "label": "a piece of paper that says what is in a box",
    "damage": "what makes a thing worth less",
    "defect": "a fault in a thing",
    "software": "the orders that a computer follows",
    "update": "a newer form of software",
    "app": "software for a phone",
    "headphones": "two small speakers for the ears",
    "pedal": "a part that is worked with the foot",
    "stand": "a thing on which an instrument rests",
    "school": "a place where children learn",
    "newsletter": "a letter with news for many people",
    "tax": "money that is paid to the state",
    "weight": "how heavy a thing is",
    "size": "how big a thing is",
    "colour": "what the eye sees of light, such as red or blue",
    "rental": "paying to use a thing for some time",
    "trade-in": "giving an old thing as part of the price of a new one",
    "lacquer": "a hard clear coat on wood",
    "oil": "a liquid that keeps wood from drying",
    "cloth": "a soft piece of stuff that cleans a surface",
    "heater": "a machine that makes a room warm",
    "basement": "the cold room under a house",
    "month": "about thirty days",
    "week": "seven days",
    "year": "twelve months",
}

_DEFINING = (
    "{A} {word} is {meaning}.",
    "The word {word} means {meaning}.",
    "{Word}: {meaning}.",
    "What is {meaning}? It is called {word}.",
    "We call {meaning} {word}.",
)
_SCENES = (
    "The customer asked about the {a}, and the dealer told her about the {b}.",
    "There was something wrong with the {a}, so he took it to the workshop.",
    "Please send us the {a} before you ask for the {b}.",
    "I would like to know more about your {a}.",
    "Do you have {an} {a} for my {b}?",
    "We will look at the {a} first and then write to you about the {b}.",
    "How long does it take until the {a} is here?",
    "You can find the {a} in your account.",
    "My {a} does not work any more. What should I do?",
    "Thank you for your letter about the {a}.",
    "If the {a} is not right, you may change it.",
    "The {a} costs more than the {b}.",
    "Could you tell me whether the {a} comes with the {b}?",
    "It is free for all customers.",
    "We are open from nine in the morning until six in the evening.",
    "He waited three weeks for the {a}, which should have come after five days.",
    "Keep the {a} away from water, and clean it with a dry {b}.",
    "Which {a} would you choose for a beginner?",
    "The {a} was sent to the wrong {b}.",
    "Is it possible to pay for the {a} later?",
    "Nobody knows why the {a} is late.",
)
_GREETINGS = (
    ("Hello!", "Hello! How can I help you?"),
    ("Hi there.", "Hello! What can I do for you?"),
    ("Good morning.", "Good morning! How can I help you?"),
    ("Thank you.", "You are welcome."),
    ("Thanks, bye.", "Goodbye!"),
    ("How are you?", "I am well, thank you."),
)
_ASKING = (
    "What is {an} {word}?",
    "What does {word} mean?",
    "Please explain the word {word}.",
    "Tell me about the word {word}.",
)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _definition(random: Random) -> str:
    word = random.choice(tuple(MEANINGS))
    return random.choice(_DEFINING).format(
        A=_article(word).capitalize(),
        word=word,
        Word=word[0].upper() + word[1:],
        meaning=MEANINGS[word],
    )


def _scene(random: Random) -> str:
    first, second = random.sample(tuple(MEANINGS), 2)
    return random.choice(_SCENES).format(an=_article(first), a=first, b=second)


def documents(random: Random) -> Iterator[Document]:
    """Yield definitions and everyday sentences without end."""
    while True:
        count = random.randint(2, 5)
        drawn = [random.choice((_definition, _scene))(random) for _ in range(count)]
        yield Document("glossary", " ".join(drawn))


def chats(random: Random) -> Iterator[Document]:
    """Yield chats of small talk and word meanings without end."""
    while True:
        turns: list[tuple[str, str]] = []
        if random.random() < 0.3:
            turns += zip(("user", "assistant"), random.choice(_GREETINGS), strict=True)
        word = random.choice(tuple(MEANINGS))
        turns += [
            ("user", random.choice(_ASKING).format(an=_article(word), word=word)),
            ("assistant", f"{word[0].upper()}{word[1:]} means {MEANINGS[word]}."),
        ]
        yield Document("chat-glossary", turns=tuple(turns))
