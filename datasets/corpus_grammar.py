"""Sentences of a small English grammar, each with a twin that breaks one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from . import corpus_words as words
from .corpus_document import Document, is_held_out

HELD_OUT_SHARE = 0.12


@dataclass(frozen=True)
class MinimalPair:
    """A good sentence and the same sentence with one rule broken.

    Attributes:
        rule: The name of the rule.
        good: The correct sentence.
        bad: The sentence that breaks the rule.
        key: The word pair that decides it; whether the pair is held out depends on it.
    """

    rule: str
    good: str
    bad: str
    key: tuple[str, ...]

    @property
    def is_held_out(self) -> bool:
        """Whether the pair belongs to the benchmark and not to the corpus."""
        return is_held_out(self.rule, *self.key, share=HELD_OUT_SHARE)


def _pair(rule: str, frame: str, good: str, bad: str, key: tuple[str, ...]) -> MinimalPair:
    return MinimalPair(rule, frame.replace("#", good), frame.replace("#", bad), key)


def _animate(random: Random) -> words.Noun:
    return random.choice(words.PEOPLE_NOUNS + words.ANIMALS)


def _phrase(random: Random, noun: words.Noun, is_plural: bool) -> str:
    adjective = random.choice(words.ADJECTIVES) + " " if random.random() < 0.3 else ""
    return f"{random.choice(('the', 'the', 'my', 'our'))} {adjective}{noun.form(is_plural)}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def agreement(random: Random) -> MinimalPair:
    """Subject and verb agree in number: "the dogs sleep"."""
    noun, verb = _animate(random), random.choice(words.INTRANSITIVE)
    plural = random.random() < 0.5
    subject = _capital(_phrase(random, noun, plural))
    frame = f"{subject} # {random.choice(words.MANNERS)}."
    key = (noun.singular, verb.base)
    return _pair("agreement", frame, verb.present(plural), verb.present(not plural), key)


def agreement_across(random: Random) -> MinimalPair:
    """The verb agrees with its subject, not with the noun that stands between."""
    noun, other, verb = _animate(random), _animate(random), random.choice(words.INTRANSITIVE)
    plural, other_plural = random.random() < 0.5, random.random() < 0.5
    between = f"{random.choice(words.PREPOSITIONS)} {_phrase(random, other, other_plural)}"
    frame = f"{_capital(_phrase(random, noun, plural))} {between} #."
    key = (noun.singular, verb.base)
    return _pair("agreement-across", frame, verb.present(plural), verb.present(not plural), key)


def copula(random: Random) -> MinimalPair:
    """The verb "be" agrees with its subject, also across a relative clause."""
    noun, verb = random.choice(words.THINGS), random.choice(words.TRANSITIVE)
    plural, owner_plural = random.random() < 0.5, random.random() < 0.5
    owner = random.choice(words.PEOPLE_NOUNS)
    clause = f" that the {owner.form(owner_plural)} {verb.past}" if random.random() < 0.6 else ""
    adjective = random.choice(words.ADJECTIVES)
    frame = f"The {noun.form(plural)}{clause} # {adjective}."
    forms = ("are", "is") if plural else ("is", "are")
    if random.random() < 0.4:
        forms = ("were", "was") if plural else ("was", "were")
    return _pair("copula", frame, *forms, (noun.singular, adjective))


def determiner(random: Random) -> MinimalPair:
    """A determiner agrees with its noun: "these boxes"."""
    person, verb = random.choice(words.PERSONS), random.choice(words.TRANSITIVE)
    noun, plural = random.choice(words.THINGS), random.random() < 0.5
    pointer = (
        random.choice(("these", "those", "many"))
        if plural
        else random.choice(("this", "that", "one", "every"))
    )
    frame = f"{person.name} {verb.past} {pointer} #."
    key = (pointer, noun.singular)
    return _pair("determiner", frame, noun.form(plural), noun.form(not plural), key)


def reflexive(random: Random) -> MinimalPair:
    """A reflexive pronoun agrees with its subject."""
    verb = random.choice(words.SELF_VERBS)
    if random.random() < 0.6:
        person = random.choice(words.PERSONS)
        subject, good, name = person.name, person.reflexive, person.name
        bad = "herself" if good == "himself" else "himself"
    else:
        noun = random.choice(words.PEOPLE_NOUNS)
        subject, good, bad = (
            f"The {noun.plural}",
            "themselves",
            random.choice(("himself", "herself")),
        )
        name = noun.singular
    frame = f"{subject} {verb.past} #."
    return _pair("reflexive", frame, good, bad, (name, verb.base))


def tense(random: Random) -> MinimalPair:
    """A verb has the tense that the adverb of time asks for."""
    noun, verb = random.choice(words.PEOPLE_NOUNS), random.choice(words.TRANSITIVE)
    thing, plural = random.choice(words.THINGS), random.random() < 0.5
    past = random.random() < 0.5
    adverb = random.choice(words.PAST_ADVERBS if past else words.PRESENT_ADVERBS)
    forms = (verb.past, verb.present(plural))
    good, bad = forms if past else forms[::-1]
    frame = f"{adverb} {_phrase(random, noun, plural)} # the {thing.singular}."
    return _pair("tense", frame, good, bad, (adverb, noun.singular, verb.base))


def question(random: Random) -> MinimalPair:
    """The helping verb of a question agrees with its subject."""
    person, noun = random.choice(words.PERSONS), _animate(random)
    verb, thing = random.choice(words.TRANSITIVE), random.choice(words.THINGS)
    plural = random.random() < 0.5
    frame = f"{person.name} asks: # the {noun.form(plural)} {verb.base} the {thing.singular}?"
    forms = ("do", "does") if plural else ("does", "do")
    return _pair("question", frame, *forms, (noun.singular, verb.base))


def verb_form(random: Random) -> MinimalPair:
    """After a modal verb or "to" stands the plain form of a verb."""
    noun, verb = random.choice(words.PEOPLE_NOUNS), random.choice(words.TRANSITIVE)
    thing = random.choice(words.THINGS)
    helper = random.choice(("can", "must", "will", "has to", "wants to", "is"))
    plain = helper != "is"
    frame = f"The {noun.singular} {helper} # the {thing.singular}."
    good = verb.base if plain else verb.gerund
    bad = random.choice((verb.gerund, verb.third)) if plain else verb.base
    return _pair("verb-form", frame, good, bad, (noun.singular, helper, verb.base))


def pronoun(random: Random) -> MinimalPair:
    """A pronoun has the case that its place asks for."""
    person, other = random.sample(words.PERSONS, 2)
    verb, manner = random.choice(words.SOCIAL), random.choice(words.MANNERS)
    if random.random() < 0.5:
        frame = f"{person.name} {verb.past} {other.name} because # was kind."
        good, bad = other.subject, other.object if other.subject == "he" else "hers"
    else:
        frame = f"{person.name} {verb.past} # {manner}."
        good, bad = (other.object, other.subject)
    return _pair("pronoun", frame, good, bad, (person.name, other.subject, verb.base))


RULES: tuple[Callable[[Random], MinimalPair], ...] = (
    agreement,
    agreement_across,
    copula,
    determiner,
    reflexive,
    tense,
    question,
    verb_form,
    pronoun,
)


def draw_pair(random: Random, held_out: bool) -> MinimalPair:
    """Draw a pair of a random rule, either for the benchmark or for the corpus."""
    rule = random.choice(RULES)
    while True:
        pair = rule(random)
        if pair.is_held_out == held_out:
            return pair


def documents(random: Random) -> Iterator[Document]:
    """Yield short paragraphs of correct sentences without end."""
    while True:
        count = random.randint(2, 5)
        text = " ".join(draw_pair(random, held_out=False).good for _ in range(count))
        yield Document("grammar", text)
