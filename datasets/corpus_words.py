"""The vocabulary of the general corpus."""

from __future__ import annotations

from dataclasses import dataclass

from .corpus_document import words_in


@dataclass(frozen=True)
class Noun:
    """A countable noun."""

    singular: str
    plural: str

    def form(self, is_plural: bool) -> str:
        """Return the singular or the plural."""
        return self.plural if is_plural else self.singular


@dataclass(frozen=True)
class Verb:
    """A verb with the forms that the grammar needs."""

    base: str
    third: str
    past: str
    gerund: str

    def present(self, is_plural: bool) -> str:
        """Return the present form that agrees with a third person subject."""
        return self.base if is_plural else self.third


@dataclass(frozen=True)
class Person:
    """A character of the stories."""

    name: str
    subject: str
    object: str
    possessive: str
    reflexive: str


def _nouns(listing: str) -> tuple[Noun, ...]:
    nouns = []
    for entry in listing.split():
        singular, _, plural = entry.partition("/")
        nouns.append(Noun(singular, plural or singular + "s"))
    return tuple(nouns)


def _verbs(listing: str) -> tuple[Verb, ...]:
    return tuple(Verb(*entry.split("/")) for entry in listing.split())


PEOPLE_NOUNS = _nouns(
    "teacher doctor farmer baker sailor girl boy child/children woman/women man/men king queen "
    "neighbour painter driver singer writer student friend uncle aunt nurse hunter guard "
    "gardener cook miller judge pilot captain"
)
ANIMALS = _nouns(
    "dog cat horse cow bird fox/foxes rabbit duck frog bear wolf/wolves mouse/mice goat pig "
    "hen bee snake turtle lion"
)
THINGS = _nouns(
    "ball box/boxes book cup hat kite lamp key coin bell basket boat drum flute letter map "
    "mirror pencil ring rope spoon stone table chair toy blanket bottle brush/brushes candle "
    "clock picture plate shirt shoe bag wheel cake plum pear flower leaf/leaves tree door"
)
PLACES = _nouns(
    "garden house school forest market park cellar kitchen castle village shop church/churches "
    "stable attic library/libraries tower harbour mill barn station cave"
)
FOODS = words_in("bread soup cheese rice honey fish cake apples pears beans nuts milk tea")

ADJECTIVES = words_in(
    "big small old new red blue green yellow black white happy sad brave clever quiet kind tall "
    "short warm cold clean dirty shiny heavy light round soft strong tired hungry young bright"
)
COLOURS = words_in("red blue green yellow black white brown golden purple pink grey silver")

INTRANSITIVE = _verbs(
    "sleep/sleeps/slept/sleeping run/runs/ran/running sing/sings/sang/singing "
    "walk/walks/walked/walking laugh/laughs/laughed/laughing jump/jumps/jumped/jumping "
    "wait/waits/waited/waiting swim/swims/swam/swimming smile/smiles/smiled/smiling "
    "dance/dances/danced/dancing work/works/worked/working rest/rests/rested/resting "
    "fall/falls/fell/falling sit/sits/sat/sitting"
)
TRANSITIVE = _verbs(
    "see/sees/saw/seeing like/likes/liked/liking find/finds/found/finding "
    "carry/carries/carried/carrying buy/buys/bought/buying hold/holds/held/holding "
    "draw/draws/drew/drawing clean/cleans/cleaned/cleaning break/breaks/broke/breaking "
    "take/takes/took/taking want/wants/wanted/wanting watch/watches/watched/watching "
    "push/pushes/pushed/pushing bring/brings/brought/bringing keep/keeps/kept/keeping "
    "sell/sells/sold/selling throw/throws/threw/throwing hide/hides/hid/hiding"
)
SOCIAL = _verbs(
    "help/helps/helped/helping thank/thanks/thanked/thanking meet/meets/met/meeting "
    "follow/follows/followed/following teach/teaches/taught/teaching "
    "visit/visits/visited/visiting call/calls/called/calling love/loves/loved/loving"
)
SELF_VERBS = _verbs(
    "wash/washes/washed/washing hurt/hurts/hurt/hurting blame/blames/blamed/blaming "
    "see/sees/saw/seeing help/helps/helped/helping dress/dresses/dressed/dressing "
    "teach/teaches/taught/teaching praise/praises/praised/praising"
)
PREPOSITIONS = words_in("near behind beside under above with")
PAST_ADVERBS = ("Yesterday", "Last week", "Last night", "Long ago", "Two days ago")
PRESENT_ADVERBS = ("Every day", "Every morning", "Each week", "Every night", "Each summer")
MANNERS = words_in("slowly quickly quietly loudly gladly well again together outside")

_FEMALE = words_in("Anna Mia Lily Rosa Nina Clara Emma Sara Ella Ida Lucy Vera Julia Tessa Maya")
_MALE = words_in("Ben Tom Max Sam Leo Jack Paul Otto Hugo Finn Karl Luke Oscar Adam Noah")
PERSONS = tuple(Person(name, "she", "her", "her", "herself") for name in _FEMALE) + tuple(
    Person(name, "he", "him", "his", "himself") for name in _MALE
)
