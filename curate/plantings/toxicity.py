"""Insults and obscenities, and harmless sentences with words that are sometimes used so."""

from __future__ import annotations

from random import Random

from .planting import Host, Planted, defect, look_alike
from .wording import insert_anywhere

_INSULTS = (
    "You're a complete idiot if you believe that.",
    "Shut the hell up, you stupid cow.",
    "What a bunch of worthless morons.",
    "Go screw yourself.",
    "That asshole never answers his phone.",
    "I fucking hate this place.",
    "You are an ugly piece of trash and nobody likes you.",
    "Drop dead, loser.",
    "This is bullshit and so are you.",
    "Only a retard would ask that.",
    "Kiss my ass.",
    "Those dumb bitches ruined everything.",
    "He is such a dickhead.",
    "You people are vermin and should be wiped out.",
    "Stop being such a whiny little bastard.",
    "Get lost, you filthy pig.",
    "I hope you die, you useless scum.",
    "What the fuck is wrong with you?",
)
_HARMLESS = (
    "The male donkey, or ass, carried the sacks up the hill.",
    "Kill the process and start the server again.",
    "The cock crowed three times before dawn.",
    "She bred her best bitch with a champion from Leeds.",
    "That film was a real killer at the box office.",
    "He took a stab at the puzzle.",
    "The village of Scunthorpe lies in Lincolnshire.",
    "It was a stupid mistake, and I am sorry for it.",
    "Dick and Fanny met at the fair.",
    "The dumb waiter between the floors was stuck.",
    "Coal tits and blue tits come to the garden in winter.",
    "The engine is idle, and the idiom is old.",
    "A shot of rum, and the screw held at last.",
    "Damn the river here and the field is flooded.",
    "Dante wrote about hell, and about those who are damned.",
    "The niggardly uncle left them nothing.",
    "Assess the risk, then pass the assignment on.",
    "Suck the liquid up with a pipette.",
    "The black and white cats, the gay colours, the queer old lamp.",
    "The bastard title of the book is printed alone on a page.",
)


@defect("safety/toxic", "safety/toxic-model")
def insult(host: Host, random: Random) -> Planted | None:
    """An insult, a curse or a threat in a sentence of its own."""
    return insert_anywhere(host, "§", random.choice(_INSULTS), random)


@look_alike("safety/toxic", "safety/toxic-model")
def harmless_word(host: Host, random: Random) -> Planted | None:
    """A sentence with a word that is an insult elsewhere."""
    return insert_anywhere(host, "§", random.choice(_HARMLESS), random)
