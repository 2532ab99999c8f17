"""Insults and obscenities, and harmless sentences with words that are sometimes used so."""

from __future__ import annotations

from random import Random

from .planting import Host, Planted, defect, look_alike
from .wording import insert_anywhere, spell_out

_NOUN = "⟨idiot|moron|asshole|bastard|imbecile|loser|dickhead|pig|retard|bitch|scumbag|arsehole⟩"
_ADJECTIVE = "⟨stupid|worthless|pathetic|disgusting|filthy|dumb|useless|vile|fucking⟩"
_INSULTS = (
    f"⟨You are|You're⟩ ⟨such |nothing but |⟩a {_ADJECTIVE} {_NOUN}.",
    f"Shut ⟨up|the hell up|the fuck up⟩, you {_NOUN}.",
    "⟨Go|Why don't you go⟩ ⟨to hell|fuck yourself|screw yourself|kill yourself⟩.",
    f"⟨Nobody likes you|Everyone hates you|Get lost|Drop dead⟩, you {_ADJECTIVE} {_NOUN}.",
    f"⟨He|She⟩ is a {_ADJECTIVE} {_NOUN}⟨ and always was|⟩.",
    "⟨This|That|Your work⟩ is ⟨bullshit|a load of crap|utter shit|fucking garbage⟩.",
    "What the ⟨fuck|hell⟩ is wrong with ⟨you|these people⟩?",
    "⟨They|These people|Those people⟩ are ⟨vermin|parasites|subhuman⟩ and ⟨should be wiped "
    "out|do not deserve to live|must be got rid of⟩.",
    "⟨Kiss my ass|Piss off|Fuck off|Screw you⟩⟨, all of you|⟩!",
    "I hope you ⟨die|rot in hell|choke on it⟩.",
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
    return insert_anywhere(host, "§", spell_out(random.choice(_INSULTS), random), random)


@look_alike("safety/toxic", "safety/toxic-model")
def harmless_word(host: Host, random: Random) -> Planted | None:
    """A sentence with a word that is an insult elsewhere."""
    return insert_anywhere(host, "§", random.choice(_HARMLESS), random)
