"""The facts of an invented world, each told in many phrasings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from . import corpus_words as words
from .corpus_document import Document, stable_hash, words_in

WORLD_SEED = 20
TOWNS, PEOPLE, CREATURES = 70, 220, 90


@dataclass(frozen=True)
class Attribute:
    """Something that is known of every entity of a kind.

    Attributes:
        name: Its name.
        values: What it can be.
        phrasings: Sentences that stop before the value, `{}` standing for the entity.
        question: A question that asks for it in a chat.
    """

    name: str
    values: tuple[str, ...]
    phrasings: tuple[str, ...]
    question: str


@dataclass(frozen=True)
class Fact:
    """One entity, one attribute and its value."""

    kind: str
    entity: str
    attribute: Attribute
    value: str

    @property
    def held_out_phrasing(self) -> str:
        """The phrasing in which the corpus never tells this fact."""
        phrasings = self.attribute.phrasings
        return phrasings[stable_hash(self.entity, self.attribute.name) % len(phrasings)]

    @property
    def taught_phrasings(self) -> tuple[str, ...]:
        """The phrasings in which the corpus tells this fact."""
        held_out = self.held_out_phrasing
        return tuple(phrasing for phrasing in self.attribute.phrasings if phrasing != held_out)

    def sentence(self, random: Random) -> str:
        """Tell the fact in one of the phrasings that are not held out."""
        return f"{random.choice(self.taught_phrasings).format(self.entity)} {self.value}."


def _name(random: Random, taken: set[str], endings: tuple[str, ...]) -> str:
    starts = ("Bel", "Dor", "Fal", "Gar", "Hol", "Jun", "Kel", "Lor", "Mar", "Nev", "Pol", "Quin")
    starts += ("Ras", "Sil", "Tam", "Ul", "Ver", "Wil", "Yor", "Zan", "Bran", "Cor", "Del", "Fen")
    middles = ("", "a", "e", "i", "o", "ber", "din", "la", "mi", "ro", "sta", "ven")
    while True:
        name = random.choice(starts) + random.choice(middles) + random.choice(endings)
        if name not in taken:
            taken.add(name)
            return name


_GOODS = words_in(
    "honey salt wool glass silk paper cheese bricks ropes boats clocks candles hats knives"
)
_TRADES = words_in(
    "baker sailor painter farmer hunter teacher doctor tailor miller singer judge guard cook "
    "writer gardener fisher"
)
_MONTHS = words_in(
    "January February March April May June July August September October November December"
)
_FOODS = words_in("soup bread cheese rice honey fish cake apples pears beans nuts plums")
_PREY = words_in("grass berries fish worms leaves seeds roots snails moss flies eggs mushrooms")
_HOMES = words_in("caves trees rivers swamps hills deserts lakes forests barns cliffs")
_REGIONS = words_in("north south east west")


def _town_attributes() -> tuple[Attribute, ...]:
    return (
        Attribute(
            "flag",
            words.COLOURS,
            (
                "The flag of {} is",
                "{} has a flag that is",
                "Over {} flies a flag of",
                "In {} the flag is",
                "The people of {} wave a flag that is",
                "The colour of the flag of {} is",
            ),
            "What colour is the flag of {}?",
        ),
        Attribute(
            "goods",
            _GOODS,
            (
                "{} is known for its",
                "The people of {} make",
                "{} sells",
                "From {} come the best",
                "The market of {} is full of",
                "Traders go to {} to buy",
            ),
            "What is {} known for?",
        ),
        Attribute(
            "region",
            _REGIONS,
            (
                "{} lies in the",
                "The town of {} is in the",
                "You find {} in the",
                "Travellers to {} go to the",
                "{} is a town of the",
                "The road to {} leads to the",
            ),
            "Where does {} lie?",
        ),
        Attribute(
            "leader",
            _TRADES,
            (
                "The mayor of {} is a",
                "{} is led by a",
                "In {} the mayor was once a",
                "The town of {} chose as mayor a",
                "The head of {} is a",
                "{} has for its mayor a",
            ),
            "Who leads {}?",
        ),
    )


def _person_attributes(towns: tuple[str, ...]) -> tuple[Attribute, ...]:
    return (
        Attribute(
            "trade",
            _TRADES,
            (
                "{} is a",
                "{} works as a",
                "The trade of {} is that of a",
                "By trade {} is a",
                "{} earns money as a",
                "Everyone knows {} as a",
            ),
            "What does {} do for a living?",
        ),
        Attribute(
            "home",
            towns,
            (
                "{} lives in",
                "The home of {} is in",
                "{} has a house in",
                "You can visit {} in",
                "Letters to {} go to",
                "{} comes from",
            ),
            "Where does {} live?",
        ),
        Attribute(
            "food",
            _FOODS,
            (
                "{} loves to eat",
                "The favourite food of {} is",
                "{} likes nothing more than",
                "For dinner {} wants",
                "When hungry {} asks for",
                "{} always cooks",
            ),
            "What does {} like to eat?",
        ),
        Attribute(
            "birth",
            _MONTHS,
            (
                "{} was born in",
                "The birthday of {} is in",
                "{} has a birthday in",
                "The birth month of {} is",
                "{} grows a year older in",
                "Friends bring {} gifts in",
            ),
            "When was {} born?",
        ),
    )


def _creature_attributes() -> tuple[Attribute, ...]:
    return (
        Attribute(
            "diet",
            _PREY,
            (
                "The {} eats",
                "A {} lives on",
                "The food of the {} is",
                "A hungry {} looks for",
                "You can feed a {} with",
                "The {} likes to eat",
            ),
            "What does the {} eat?",
        ),
        Attribute(
            "habitat",
            _HOMES,
            (
                "The {} lives in",
                "You can find the {} in",
                "The home of the {} is in",
                "The {} sleeps in",
                "A {} builds its nest in",
                "Look for the {} in",
            ),
            "Where does the {} live?",
        ),
        Attribute(
            "coat",
            words.COLOURS,
            (
                "The {} is",
                "The coat of the {} is",
                "A {} has fur that is",
                "The colour of the {} is",
                "Every {} is",
                "You know a {} by its coat of",
            ),
            "What colour is the {}?",
        ),
        Attribute(
            "legs",
            ("two", "three", "four", "six", "eight", "ten"),
            (
                "The number of legs of the {} is",
                "The {} walks on legs that number",
                "Count the legs of the {} and you get",
                "How many legs has a {}? The answer is",
                "The legs of a {} number",
                "On each {} the count of legs is",
            ),
            "How many legs does the {} have?",
        ),
    )


@cache
def facts() -> tuple[Fact, ...]:
    """Make all facts of the world, the same each time."""
    random = Random(WORLD_SEED)
    taken: set[str] = set()
    towns = tuple(_name(random, taken, ("ton", "ford", "wick", "by")) for _ in range(TOWNS))
    people = tuple(_name(random, taken, ("man", "lo", "na", "s", "ric")) for _ in range(PEOPLE))
    creatures = tuple(
        _name(random, taken, ("ox", "ling", "pod", "uk")).lower() for _ in range(CREATURES)
    )
    groups = (
        ("town", towns, _town_attributes()),
        ("person", people, _person_attributes(towns[:24])),
        ("creature", creatures, _creature_attributes()),
    )
    return tuple(
        Fact(kind, entity, attribute, random.choice(attribute.values))
        for kind, entities, attributes in groups
        for entity in entities
        for attribute in attributes
    )


@cache
def facts_by_entity() -> tuple[tuple[Fact, ...], ...]:
    """Group the facts by the entity that they are about."""
    grouped: dict[str, list[Fact]] = {}
    for fact in facts():
        grouped.setdefault(fact.entity, []).append(fact)
    return tuple(tuple(group) for group in grouped.values())


def documents(random: Random) -> Iterator[Document]:
    """Yield short portraits of entities and mixed lists of facts without end."""
    while True:
        if random.random() < 0.6:
            told = list(random.choice(facts_by_entity()))
            random.shuffle(told)
        else:
            told = random.choices(facts(), k=random.randint(2, 5))
        yield Document("world", " ".join(fact.sentence(random) for fact in told))


def chats(random: Random) -> Iterator[Document]:
    """Yield chats that ask for facts without end."""
    while True:
        turns: list[tuple[str, str]] = []
        for fact in random.choices(facts(), k=random.choice((1, 1, 2, 3))):
            turns.append(("user", fact.attribute.question.format(fact.entity)))
            turns.append(("assistant", fact.sentence(random)))
        yield Document("chat-world", turns=tuple(turns))
