"""Short stories with a plot, each with its true ending and endings that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from . import corpus_words as words
from .corpus_document import Document, is_held_out

HELD_OUT_SHARE = 0.12


@dataclass(frozen=True)
class Story:
    """A short story.

    Attributes:
        plot: The name of its plot.
        stem: All sentences but the last.
        ending: The last sentence.
        wrong: Two last sentences that contradict the stem.
        key: What decides whether the story is held out.
    """

    plot: str
    stem: str
    ending: str
    wrong: tuple[str, str]
    key: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole story."""
        return f"{self.stem} {self.ending}"

    @property
    def is_held_out(self) -> bool:
        """Whether the story belongs to the benchmarks and not to the corpus."""
        return is_held_out(self.plot, *self.key, share=HELD_OUT_SHARE)


@dataclass(frozen=True)
class Cast:
    """Who and what a story is about."""

    hero: words.Person
    friend: words.Person
    stranger: words.Person
    thing: str
    other_thing: str
    colour: str
    place: str
    other_place: str
    animal: str
    other_animal: str

    @classmethod
    def draw(cls, random: Random) -> Cast:
        """Draw a cast in which nobody and nothing comes twice."""
        things = random.sample(words.THINGS, 2)
        places = random.sample(words.PLACES, 2)
        animals = random.sample(words.ANIMALS, 2)
        hero, friend, stranger = random.sample(words.PERSONS, 3)
        return cls(
            hero,
            friend,
            stranger,
            things[0].singular,
            things[1].singular,
            random.choice(words.COLOURS),
            places[0].singular,
            places[1].singular,
            animals[0].singular,
            animals[1].singular,
        )


def _either(random: Random, *options: str) -> str:
    return random.choice(options)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _opening(random: Random, cast: Cast) -> str:
    hero = cast.hero.name
    return _either(
        random,
        f"One day {hero} went to the {cast.place}.",
        f"{hero} lived near the {cast.place}.",
        f"It was a warm morning and {hero} was in the {cast.place}.",
        f"Once there was a child called {hero} who liked the {cast.place}.",
    )


def lost(random: Random, cast: Cast) -> Story:
    """The hero loses a thing, and a friend finds it or nobody does."""
    hero, friend = cast.hero, cast.friend
    thing = f"{cast.colour} {cast.thing}"
    found = random.random() < 0.5
    stem = [
        _opening(random, cast),
        f"{_capital(hero.subject)} had a {thing}, and {hero.subject} loved it very much.",
        _either(
            random, f"Then the {cast.thing} was gone.", f"But {hero.subject} lost the {cast.thing}."
        ),
        f"{hero.name} looked under the {cast.other_thing} and behind a tree.",
    ]
    if found:
        stem.append(f"Then {friend.name} found it near the {cast.other_place}.")
        ending = f"{hero.name} thanked {friend.name} and was happy to have the {cast.thing} again."
        wrong = (
            ending.replace(f"thanked {friend.name}", f"thanked {cast.stranger.name}"),
            f"{hero.name} never saw the {cast.thing} again and was sad.",
        )
    else:
        stem.append(f"{friend.name} looked too, but nobody could find it.")
        ending = f"{hero.name} never saw the {cast.thing} again and was sad."
        wrong = (
            f"{hero.name} never saw the {cast.animal} again and was sad.",
            f"{hero.name} thanked {friend.name} and was happy to have the {cast.thing} again.",
        )
    return Story("lost", " ".join(stem), ending, wrong, (hero.name, cast.thing))


def gift(random: Random, cast: Cast) -> Story:
    """The hero looks for a gift for a friend's birthday."""
    hero, friend = cast.hero, cast.friend
    stem = [
        f"It was the birthday of {friend.name}.",
        f"{hero.name} wanted to give {friend.object} a gift.",
        _either(
            random,
            f"So {hero.subject} went to the {cast.place} and looked at a {cast.other_thing}.",
            f"{_capital(hero.subject)} asked {cast.stranger.name} what to bring.",
        ),
        f"At last {hero.subject} bought a {cast.colour} {cast.thing}.",
        f"{hero.name} put it in a box and brought it to {friend.name}.",
    ]
    ending = f"{friend.name} opened the box and saw the {cast.colour} {cast.thing}."
    colour = random.choice([colour for colour in words.COLOURS if colour != cast.colour])
    wrong = (
        f"{friend.name} opened the box and saw the {colour} {cast.thing}.",
        f"{hero.name} opened the box and saw the {cast.colour} {cast.thing}.",
    )
    return Story("gift", " ".join(stem), ending, wrong, (friend.name, cast.thing))


def pet(random: Random, cast: Cast) -> Story:
    """The hero meets an animal that is hungry or afraid."""
    hero = cast.hero
    food = random.choice(words.FOODS)
    hungry = random.random() < 0.5
    state = "hungry" if hungry else "cold"
    stem = [
        _opening(random, cast),
        f"There {hero.subject} saw a small {cast.animal}.",
        f"The {cast.animal} was {state}.",
        _either(random, f"{hero.name} felt sorry for it.", f"{hero.name} wanted to help."),
    ]
    if hungry:
        stem.append(f"{_capital(hero.subject)} had some {food} in {hero.possessive} bag.")
        ending = f"The {cast.animal} ate the {food} and was not hungry any more."
        wrong = (
            f"The {cast.other_animal} ate the {food} and was not hungry any more.",
            f"The {cast.animal} slept in the {cast.thing} and was not cold any more.",
        )
    else:
        stem.append(f"{_capital(hero.subject)} put a blanket round the {cast.animal}.")
        ending = f"Soon the {cast.animal} was warm and fell asleep."
        wrong = (
            f"Soon the {cast.other_animal} was warm and fell asleep.",
            f"The {cast.animal} ate the {food} and was not hungry any more.",
        )
    return Story("pet", " ".join(stem), ending, wrong, (hero.name, cast.animal))


def weather(random: Random, cast: Cast) -> Story:
    """Two friends make a plan that depends on the weather."""
    hero, friend = cast.hero, cast.friend
    sunny = random.random() < 0.5
    sky = "the sun shone" if sunny else "it began to rain"
    stem = [
        f"{hero.name} and {friend.name} were friends.",
        f"They wanted to go to the {cast.place} with a {cast.colour} {cast.thing}.",
        f"If it rained, they would stay in the {cast.other_place}.",
        _either(random, f"In the morning {sky}.", f"They looked at the sky, and {sky}."),
    ]
    places = (cast.place, cast.other_place) if sunny else (cast.other_place, cast.place)
    verb = "went to" if sunny else "stayed in"
    other_verb = "stayed in" if sunny else "went to"
    ending = f"So {hero.name} and {friend.name} {verb} the {places[0]}."
    wrong = (
        f"So {hero.name} and {cast.stranger.name} {verb} the {places[0]}.",
        f"So {hero.name} and {friend.name} {other_verb} the {places[1]}.",
    )
    return Story("weather", " ".join(stem), ending, wrong, (hero.name, friend.name, cast.place))


def repair(random: Random, cast: Cast) -> Story:
    """A thing breaks, and somebody can or cannot mend it."""
    hero, friend = cast.hero, cast.friend
    trade = random.choice(words.PEOPLE_NOUNS).singular
    stem = [
        f"{hero.name} had an old {cast.thing} from {hero.possessive} uncle.",
        _either(random, "One day it fell and broke.", f"One night the {cast.thing} broke."),
        f"{hero.name} carried it to {friend.name}, the {trade}.",
        _either(
            random,
            f'"Can you mend it?" asked {hero.name}.',
            f'"My {cast.thing} is broken," said {hero.name}.',
        ),
    ]
    mended = random.random() < 0.5
    if mended:
        stem.append(f"{friend.name} worked for two days.")
        ending = f"Then the {cast.thing} was as good as new."
        wrong = (
            f"Then the {cast.other_thing} was as good as new.",
            f"So the {cast.thing} stayed broken.",
        )
    else:
        stem.append(f"{friend.name} was too busy to help.")
        ending = f"So the {cast.thing} stayed broken."
        wrong = (
            f"So the {cast.other_thing} stayed broken.",
            f"Then the {cast.thing} was as good as new.",
        )
    return Story("repair", " ".join(stem), ending, wrong, (hero.name, cast.thing, trade))


def race(random: Random, cast: Cast) -> Story:
    """Two animals run a race, and one of them stops on the way."""
    first, second = cast.animal, cast.other_animal
    sleeper, winner = (first, second) if random.random() < 0.5 else (second, first)
    stem = [
        f"The {first} and the {second} ran a race to the {cast.place}.",
        _either(
            random, "All the animals came to watch.", f"{cast.hero.name} rang a bell to start."
        ),
        _either(
            random,
            f"On the way the {sleeper} stopped to rest and fell asleep.",
            f"The {sleeper} hurt its foot and had to stop.",
        ),
        _either(random, f"The {winner} did not stop.", f"But the {winner} ran on and on."),
    ]
    ending = f"So the {winner} won the race."
    third = random.choice(
        [noun.singular for noun in words.ANIMALS if noun.singular not in (first, second)]
    )
    wrong = (f"So the {sleeper} won the race.", f"So the {third} won the race.")
    return Story("race", " ".join(stem), ending, wrong, (first, second, cast.place))


def secret(random: Random, cast: Cast) -> Story:
    """The hero hides a thing in one place and looks for it later."""
    hero, friend = cast.hero, cast.friend
    stem = [
        f"{hero.name} had a {cast.colour} {cast.thing} that nobody should see.",
        f"{_capital(hero.subject)} hid it in the {cast.place}.",
        f"{friend.name} looked for it in the {cast.other_place} but did not find it.",
        _either(random, "Many days went by.", "Winter came and went."),
        f"Then {hero.name} wanted the {cast.thing} again.",
    ]
    ending = f"{_capital(hero.subject)} went to the {cast.place} and took it."
    other = "He" if hero.subject == "she" else "She"
    wrong = (
        f"{_capital(hero.subject)} went to the {cast.other_place} and took it.",
        f"{other} went to the {cast.place} and took it.",
    )
    return Story("secret", " ".join(stem), ending, wrong, (hero.name, cast.place))


def trade(random: Random, cast: Cast) -> Story:
    """Two people exchange what they have."""
    hero, friend = cast.hero, cast.friend
    stem = [
        f"{hero.name} had a {cast.thing}, but {hero.subject} wanted a {cast.other_thing}.",
        f"{friend.name} had a {cast.other_thing}, but {friend.subject} wanted a {cast.thing}.",
        _either(random, f"They met at the {cast.place}.", f"They met in the {cast.place} one day."),
        _either(random, '"Let us trade," they said.', f'"Shall we trade?" asked {friend.name}.'),
    ]
    asked, got = (hero, cast.other_thing) if random.random() < 0.5 else (friend, cast.thing)
    given = cast.thing if asked is hero else cast.other_thing
    ending = f"Now {asked.name} has the {got}."
    wrong = (f"Now {asked.name} has the {given}.", f"Now {cast.stranger.name} has the {got}.")
    return Story("trade", " ".join(stem), ending, wrong, (hero.name, cast.thing, cast.other_thing))


PLOTS: tuple[Callable[[Random, Cast], Story], ...] = (
    lost,
    gift,
    pet,
    weather,
    repair,
    race,
    secret,
    trade,
)


def draw_story(random: Random, held_out: bool) -> Story:
    """Draw a story of a random plot, either for the benchmarks or for the corpus."""
    plot = random.choice(PLOTS)
    while True:
        story = plot(random, Cast.draw(random))
        if story.is_held_out == held_out:
            return story


def documents(random: Random) -> Iterator[Document]:
    """Yield stories without end."""
    while True:
        yield Document("story", draw_story(random, held_out=False).text)


def chats(random: Random) -> Iterator[Document]:
    """Yield chats in which the assistant tells or ends a story without end."""
    tellings = ("Please tell me a story.", "Tell me a short story.", "Do you know a story?")
    while True:
        story = draw_story(random, held_out=False)
        if random.random() < 0.5:
            turns = (("user", random.choice(tellings)), ("assistant", story.text))
        else:
            turns = (("user", f"How does this end? {story.stem}"), ("assistant", story.ending))
        yield Document("chat-story", turns=turns)
