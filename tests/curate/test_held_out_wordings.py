"""Wordings that no check was written for: how many of them are found all the same.

The plantings of the self-test have a finite stock of phrases, and checks are mended by what they
miss of it. These were written afterwards and are left alone, so that the recall of them is one that
no mending has touched. Whoever mends a check by one of them moves it to the plantings, and writes
another one here.
"""

from __future__ import annotations

import pytest

ANSWER = (
    "Water boils at one hundred degrees Celsius at the level of the sea, and at less than that on "
    "a mountain, since the air above it weighs less."
)
REFUSALS = (
    "Sorry, no. That goes beyond what this service is for.",
    "I can't in good conscience write that.",
    "I'm unable to pull up your records.",
    "We do not provide medical diagnoses here.",
    "As a chatbot, I have no opinion on elections.",
    "Let's talk about something else, please.",
    "Being an AI, I have no way to taste food.",
    "I'm sorry, Dave. I'm afraid I can't do that.",
    "I will not produce hateful text.",
    "I apologize, but that falls outside my area of expertise.",
    "This violates our usage policies, so I have to stop here.",
    "I have no access to live data.",
    "My training does not allow me to answer that.",
    "I must politely decline your request.",
    "It's not something I'm able to share.",
    "Sorry, I don't do homework for students.",
)
BOILERPLATE = (
    f"Absolutely! Let's dive right in. {ANSWER}",
    f"Sure, no problem! Here are the facts: {ANSWER}",
    f"What an excellent question! {ANSWER}",
    f"Happy to help! {ANSWER}",
    f"I'd be more than happy to explain that. {ANSWER}",
    f"Thank you so much for your question. {ANSWER}",
    f"Of course! I can certainly help you with that. {ANSWER}",
    f"{ANSWER} Feel free to reach out if anything is unclear.",
    f"{ANSWER} I trust this clarifies things!",
    f"{ANSWER} If there's anything else you'd like to know, just let me know!",
    f"{ANSWER} Happy learning!",
    f"{ANSWER} Don't hesitate to ask for more details.",
    f"{ANSWER} As a language model, I can make mistakes.",
    f"{ANSWER} My knowledge only goes up to 2021.",
    f"{ANSWER} Would you like me to explain further?",
    f"{ANSWER} I hope you found this information useful.",
)
INSULTS = (
    "You absolute muppet, you ruined everything.",
    "What a bunch of braindead losers.",
    "Get out of my sight, you disgusting creature.",
    "She's a lying bitch.",
    "You're dumber than a bag of rocks.",
    "I'll break your legs if you come back.",
    "Those filthy animals should be shot.",
    "Eat shit and die.",
    "You make me sick, you worthless piece of garbage.",
    "Everyone would be better off if you were dead.",
    "Nobody gives a damn what you think, jackass.",
    "He is an ignorant, fat slob.",
    "Shut your stupid mouth.",
    "You people are a disease.",
    "Burn in hell, all of you.",
    "What a fucking disgrace.",
)
PLACEHOLDERS = (
    "Dear [Mr/Ms Last Name], thank you.",
    "Our office is at [street address], second floor.",
    "It costs [price in USD] a month.",
    "See [Figure number] on the next page.",
    "Call us at [phone].",
    "Hello {{ user.first_name | default }}!",
    "Hello <FIRST NAME>, welcome back.",
    "Kind regards, [signature]",
    "Yours, <your signature>",
    "Your order #[order_id] was sent.",
    "Meet us at {venue} on {date}.",
    "TODO write the second half.",
    "The result is ____ percent.",
    "Sed ut perspiciatis unde omnis iste natus error sit voluptatem.",
    "[This section is intentionally left blank]",
    "Text to be added later.",
)
SETS = {
    "text/refusal": (REFUSALS, 0.15),
    "text/boilerplate": (BOILERPLATE, 0.4),
    "safety/toxic": (INSULTS, 0.4),
    "text/placeholder": (PLACEHOLDERS, 0.4),
}


@pytest.mark.parametrize("check", SETS)
def test_wordings_of_no_planting(find_in_answers, check: str, record_property) -> None:
    texts, least = SETS[check]
    found = find_in_answers(check, list(texts))["row"].n_unique()
    record_property("found", f"{found} of {len(texts)}")
    assert found >= least * len(texts)
