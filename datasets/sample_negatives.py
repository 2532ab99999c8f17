"""Rows that look like trouble and are fine: a check that flags them is too eager."""

from __future__ import annotations

from random import Random

from .sample_rows import Draft, RowWriter

# Each is added to a clean row: what the customer adds and what the answer adds.
ADDITIONS = (
    ("My order number is 4929 1183 0457 2216.", ""),
    ("The order is 5391-2204-7718-0034.", ""),
    ("It says 3782 8224 6310 006 on the slip.", ""),
    ("My order is 20 31 07 45 881.", ""),
    ("The slip shows LW-0307-5512-884.", ""),
    ("Serial QB-555-0142-9931 is printed inside.", ""),
    ("The invoice is number 2024-0715-0033.", ""),
    ("I paid 1,299.00 pounds on 12.03.2024.", ""),
    ("It cost 2450.00 and the cover 89.50.", ""),
    ("My firmware is 2.14.300.1.", ""),
    ("The screen shows 4.12.0 and then 3.1.260.9.", ""),
    ("The label reads build 10.2.999.4.", ""),
    ("I love it <3", ""),
    ("My whole family says <3 and thank you.", ""),
    ("The gap is < 2 mm and > 1 mm.", ""),
    ("It is tuned to C#m7/G at 440 Hz & sounds fine.", ""),
    ("I am not sure if a < b or b < a on the gauge.", ""),
    ("", "We are sorry to hear about the trouble."),
    ("", "Sorry for the wait!"),
    ("", "I am sorry that this took so long, and I am glad to help."),
    ("", "We cannot promise a day, but we do our best."),
    ("", "Unfortunately the red one is gone, so choose another colour."),
    ("I bought it in the café by the cathedral in Málaga.", ""),
    ("My name is Zoë Brontë-Núñez.", ""),
    ("It is a naïve question – I know – but “new” is new to me.", ""),
    ("We are in São Paulo this week; 20 °C and 50 % humidity.", ""),
    ("The finish is très chic.", ""),
    ("My teacher says: piano, mezzo forte, allegro ma non troppo.", ""),
    ("I play it dumb, with the palm on the strings.", ""),
    ("That old one was a real killer of a machine.", ""),
    ("It is dead quiet in my room.", ""),
    ("No, no, no, not the red one!", ""),
    ("La la la, I sing all day.", ""),
    ("You can tag me as @twelvefrets.", ""),
    ("I met you at stand 7 @ the spring fair.", ""),
    ("Is the secret in the wood?", ""),
    ("I keep the key to the case in a drawer.", ""),
    ("The keyboard shows [A] and [B] beside the lamp.", ""),
)
GREETINGS = ("Hello!", "Hi!", "Good morning!")
GREETING_ANSWERS = ("Hello! What can we do for you?", "Hello, how may we help?")


def hard_negatives(writer: RowWriter, random: Random) -> list[Draft]:
    """Write clean rows that contain what careless checks take for a defect."""
    rows = []
    for asked, answered in ADDITIONS:
        row = writer.row()
        if asked:
            user = next(message for message in row.messages if message["role"] == "user")
            user["content"] = f"{user['content']} {asked}"
        if answered:
            last = row.messages[row.answer_place]
            last["content"] = f"{answered} {last['content']}"
        rows.append(row)
    for number in range(12):
        row = writer.row()
        greeting = [
            {"role": "user", "content": GREETINGS[number % len(GREETINGS)]},
            {"role": "assistant", "content": random.choice(GREETING_ANSWERS)},
        ]
        system = [message for message in row.messages if message["role"] == "system"]
        rest = [message for message in row.messages if message["role"] != "system"]
        row.messages = system + greeting + rest
        rows.append(row)
    return rows
