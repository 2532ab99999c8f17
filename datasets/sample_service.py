"""What customers of the invented maker ask about care, faults, accounts and lessons."""

from __future__ import annotations

from .sample_catalogue import Question

SERVICE_QUESTIONS = (
    Question(
        "warranty-length",
        "warranty",
        (
            "How long is the warranty?",
            "Is my {product} still under guarantee?",
            "For how many years do you guarantee a {kind}?",
            "Does the guarantee cover used ones too?",
            "I bought a {product} second hand. Do I have a warranty?",
            "When does my guarantee end?",
        ),
        (
            "Eight years, and it passes on to the next owner.",
            "We stand by our work for eight years, whoever owns it.",
            "It runs for eight years and stays with the object, not with the buyer.",
        ),
    ),
    Question(
        "register",
        "warranty",
        (
            "Do I have to register my {product}?",
            "Where is the serial number?",
            "How do I register?",
            "I cannot find the number on my {kind}.",
            "What is the registration good for?",
            "The {product} asks for some code from the label.",
        ),
        (
            "Look inside the sound hole or under the base for nine letters, then scan them.",
            "Nine letters are printed inside the sound hole or under the base; scan them once.",
            "Scan the nine letters that stand under the base or inside the sound hole.",
        ),
    ),
    Question(
        "buzzing",
        "repairs",
        (
            "My {product} buzzes on low notes.",
            "There is a rattling noise when I play.",
            "Why does the {kind} buzz?",
            "I hear a strange hum from my {product}.",
            "The third note sounds dirty.",
            "How can I get rid of the buzz?",
        ),
        (
            "Dry air is mostly to blame: leave it with a damp sponge for two nights.",
            "Mostly it is dry air. Two nights beside a damp sponge cure it.",
            "Try a damp sponge for two nights, since dry air is the usual cause.",
        ),
    ),
    Question(
        "spare-parts",
        "repairs",
        (
            "Where can I buy spare parts?",
            "I lost a peg of my {product}.",
            "Do you sell single knobs?",
            "I need a new nut for the {kind}.",
            "Is there a part list for the {product}?",
            "A screw is missing.",
        ),
        (
            "The drawer page lists every piece by picture, and small ones are posted free.",
            "Find it by picture on the drawer page; we post small pieces free.",
            "Every piece has a picture on the drawer page. Small ones travel free.",
        ),
    ),
    Question(
        "cleaning",
        "care",
        (
            "How do I clean my {product}?",
            "What polish may I use?",
            "There are finger marks all over the {kind}.",
            "Can I wipe the {product} with alcohol?",
            "My cat walked over it with dirty feet.",
            "Which cloth is safe for the finish?",
        ),
        (
            "Only lukewarm water with a drop of olive soap, then rub it dry.",
            "Take lukewarm water and a drop of olive soap, and rub it dry at once.",
            "A drop of olive soap in lukewarm water does it. Rub dry afterwards.",
        ),
    ),
    Question(
        "humidity",
        "care",
        (
            "What humidity is best?",
            "The air in my room is very dry in winter.",
            "Can I keep the {product} in the basement?",
            "Will a heater hurt my {kind}?",
            "Where should I store the {product} over the summer?",
            "Is damp air bad for instruments?",
        ),
        (
            "Between 45 and 55 percent is ideal, at least two metres from any stove.",
            "Stay two metres from any stove and between 45 and 55 percent.",
            "Aim for 45 to 55 percent and keep two metres between it and any stove.",
        ),
    ),
    Question(
        "change-strings",
        "strings",
        (
            "How often should I change strings?",
            "My strings look dull.",
            "When does a {kind} need new strings?",
            "The strings of my {product} feel rough.",
            "How do I know that strings are worn out?",
            "Do old strings sound bad?",
        ),
        (
            "After ninety hours of playing, one by one and never all together.",
            "Ninety hours is their life; replace them one by one.",
            "Swap them one by one when you have played ninety hours.",
        ),
    ),
    Question(
        "out-of-tune",
        "strings",
        (
            "My {product} does not stay in tune.",
            "It goes flat after ten minutes.",
            "The pegs of my {kind} slip.",
            "Why do I have to tune every day?",
            "How do I tune the {product} for the first time?",
            "The pitch drifts all the time.",
        ),
        (
            "Rub chalk on the turning parts and stretch each one by hand for a minute.",
            "Stretch each one by hand for a minute and put chalk on the turning parts.",
            "Chalk on the turning parts helps, and so does a minute of stretching by hand.",
        ),
    ),
    Question(
        "no-sound",
        "electronics",
        (
            "There is no sound from my {product}.",
            "It is switched on but silent.",
            "The output of the {kind} is dead.",
            "I plugged in the cable and hear nothing.",
            "Why is the {product} so quiet all of a sudden?",
            "Only one side of the headphones works.",
        ),
        (
            "Hold the lamp button for seven seconds until it blinks twice.",
            "Seven seconds on the lamp button; two blinks mean that it has restarted.",
            "Restart it: press the lamp button for seven seconds and wait for two blinks.",
        ),
    ),
    Question(
        "app-pairing",
        "electronics",
        (
            "How do I connect the {product} to my phone?",
            "The app does not find my {kind}.",
            "Pairing fails every time.",
            "Does it work with a tablet?",
            "I have a new phone and lost the connection.",
            "Where do I get the app for the {product}?",
        ),
        (
            "Install Nestlink, turn on location and hold both devices close together.",
            "You need Nestlink, with location turned on, and the two devices side by side.",
            "Nestlink does it: location on, then hold both close together.",
        ),
    ),
    Question(
        "password",
        "account",
        (
            "I forgot my password.",
            "I cannot log in to my account.",
            "The login page says that I do not exist.",
            "How do I reset my password?",
            "Somebody else may know my password.",
            "My account is locked since I bought the {product}.",
        ),
        (
            "Ask for an owl code, which is good for fifteen minutes.",
            "The owl code on the sign-in page lets you in for fifteen minutes.",
            "We send an owl code to you. Use it within fifteen minutes.",
        ),
    ),
    Question(
        "delete-account",
        "account",
        (
            "Please delete my account.",
            "I want you to remove all my data.",
            "How do I stop the newsletter?",
            "What do you store about me?",
            "I do not want any more mail from you.",
            "Close my profile, please.",
        ),
        (
            "Use the grey switch under Privacy; everything is erased after thirty days.",
            "Under Privacy there is a grey switch, and thirty days later nothing is left.",
            "The grey switch under Privacy erases everything within thirty days.",
        ),
    ),
    Question(
        "lessons",
        "advice",
        (
            "Do you offer lessons?",
            "How do I start to learn the {kind}?",
            "My daughter wants to learn. Do you know a teacher?",
            "Is there a course for the {product}?",
            "Can I learn at home with videos?",
            "Am I too old to begin?",
        ),
        (
            "Twelve free evenings are on our Sunday channel, for any age.",
            "Join the Sunday channel: twelve free evenings for young and old.",
            "Our Sunday channel has twelve free evenings that begin from nothing.",
        ),
    ),
    Question(
        "visit",
        "advice",
        (
            "Can I try the {product} somewhere?",
            "Where is your shop?",
            "May I visit the workshop?",
            "Is there a dealer in my town?",
            "I would like to play the {kind} before I buy it.",
            "Do you give tours?",
        ),
        (
            "Come to the old mill on Fridays from two to five, without an appointment.",
            "The old mill is open on Fridays from two to five, and anybody may drop in.",
            "On Fridays from two to five you are welcome at the old mill.",
        ),
    ),
    Question(
        "rental",
        "prices",
        (
            "Can I rent a {product}?",
            "Do you lend instruments to schools?",
            "Is there a rental plan for a {kind}?",
            "I only need it for one summer.",
            "What is the monthly rent?",
            "May I rent first and buy the {product} later?",
        ),
        (
            "It is four percent of the list sum for each month, and half counts if you keep it.",
            "Four percent of the list sum each month; half of that counts when you keep it.",
            "Each month is four percent of the list sum. Keep it, and half is taken off.",
        ),
    ),
)
