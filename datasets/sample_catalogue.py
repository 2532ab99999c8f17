"""The invented maker Quillbrook: its instruments and what customers ask about them."""

from __future__ import annotations

from dataclasses import dataclass

COMPANY = "Quillbrook"


@dataclass(frozen=True)
class Product:
    """One instrument of the catalogue, with the facts that answers state."""

    name: str
    kind: str
    price: int
    weight: str
    material: str
    finishes: str
    included: str
    suits: str


@dataclass(frozen=True)
class Question:
    """Something that customers ask, and how it is answered.

    Attributes:
        name: Its name, unique in the sample.
        topic: The topic label of its rows.
        askings: Really different wordings; `{product}` and `{kind}` stand for an instrument.
        answers: Wordings of the same content.
    """

    name: str
    topic: str
    askings: tuple[str, ...]
    answers: tuple[str, ...]


PRODUCTS = (
    Product(
        "Wren",
        "parlour guitar",
        640,
        "1.6 kilos",
        "cedar over walnut",
        "amber or plain",
        "a padded bag",
        "fingerstyle players with small hands",
    ),
    Product(
        "Heron",
        "large guitar",
        980,
        "2.3 kilos",
        "spruce over rosewood",
        "sunburst or black",
        "a hard case",
        "loud strumming on stage",
    ),
    Product(
        "Kestrel",
        "electric guitar",
        1150,
        "3.4 kilos",
        "a swamp ash body with a maple neck",
        "sea green or cream",
        "a strap and a cable",
        "blues and rock bands",
    ),
    Product(
        "Linnet",
        "violin",
        870,
        "430 grams",
        "flamed maple with ebony fittings",
        "golden brown",
        "a bow and rosin",
        "pupils from their third year on",
    ),
    Product(
        "Bittern",
        "cello",
        2450,
        "2.9 kilos",
        "poplar sides and a carved spruce top",
        "dark red varnish",
        "a carbon bow and a soft cover",
        "orchestra players",
    ),
    Product(
        "Siskin",
        "ukulele",
        145,
        "520 grams",
        "solid mango wood",
        "natural, blue or coral",
        "a songbook",
        "children and first lessons",
    ),
    Product(
        "Dunlin",
        "mandolin",
        560,
        "1.1 kilos",
        "a carved top over cherry",
        "tobacco brown",
        "two picks and a cloth",
        "folk sessions",
    ),
    Product(
        "Plover",
        "banjo",
        720,
        "3.0 kilos",
        "a bronze ring on a beech rim",
        "walnut stain",
        "a spare head and a wrench",
        "bluegrass pickers",
    ),
    Product(
        "Avocet",
        "digital piano",
        1390,
        "38 kilos",
        "weighted keys with a birch cabinet",
        "white or oak",
        "a bench and a triple pedal",
        "living rooms and daily practice",
    ),
    Product(
        "Curlew",
        "stage keyboard",
        1120,
        "11 kilos",
        "an aluminium shell with light keys",
        "graphite grey",
        "a sustain pedal",
        "touring musicians",
    ),
    Product(
        "Thrush",
        "amplifier",
        490,
        "9 kilos",
        "pine panels and a paper cone",
        "tweed",
        "a footswitch",
        "small clubs and rehearsals",
    ),
    Product(
        "Pipit",
        "clip-on tuner",
        29,
        "25 grams",
        "a recycled plastic shell",
        "yellow or slate",
        "one round battery",
        "anyone who tunes by eye",
    ),
)

PRODUCT_QUESTIONS = (
    Question(
        "price",
        "prices",
        (
            "How much does the {product} cost?",
            "What is the price of a {product} these days?",
            "What would I have to pay for the {product}?",
            "I am saving up for the {product}. How much do I need?",
            "Could you send me a quote for one {product}?",
            "Is the {product} expensive?",
        ),
        (
            "It sells for {price} pounds, tax included.",
            "You pay {price} pounds; that covers the tax.",
            "Our list says {price} pounds including tax.",
        ),
    ),
    Question(
        "weight",
        "products",
        (
            "How heavy is the {product}?",
            "What does the {product} weigh?",
            "I have a bad back. Can I carry the {product} easily?",
            "I need the weight of the {product} for a flight.",
            "Is your {kind} light enough for a child to lift?",
            "How many kilos or grams does the {kind} have on the scale?",
        ),
        (
            "The scale shows {weight} without any extras.",
            "It comes to {weight} on its own.",
            "Expect {weight}, give or take a little.",
        ),
    ),
    Question(
        "material",
        "products",
        (
            "What is the {product} made of?",
            "Which woods or materials go into the {product}?",
            "Can you tell me how the {product} is built?",
            "What is your {kind} built from?",
            "Before I buy: which materials does the {product} use?",
            "Is the {product} solid or cheap plywood?",
        ),
        (
            "We make it from {material}.",
            "The build is {material}.",
            "Our workshop uses {material} for this model.",
        ),
    ),
    Question(
        "finishes",
        "products",
        (
            "Which colours does the {product} come in?",
            "Can I get the {product} in another colour?",
            "What finishes are there for your {kind}?",
            "Is there a choice of colour for the {product}?",
            "I do not like the look in the photo. How else is the {product} painted?",
            "Tell me the colours of the {product}, please.",
        ),
        (
            "You can have it in {finishes}.",
            "We finish it in {finishes} and nothing else.",
            "This year we offer {finishes}.",
        ),
    ),
    Question(
        "included",
        "products",
        (
            "What comes in the box with the {product}?",
            "Does the {product} include anything extra?",
            "Do I have to buy accessories for the {product} separately?",
            "Which accessories do you pack with the {kind}?",
            "Is something to carry or play it with part of the {product} set?",
            "What else do I get when I order the {product}?",
        ),
        (
            "We add {included} at no cost.",
            "You will also find {included} inside.",
            "The set holds {included} as well.",
        ),
    ),
    Question(
        "suits",
        "advice",
        (
            "Who is the {product} meant for?",
            "Would the {product} be right for me?",
            "Is the {product} a good choice for a beginner?",
            "What kind of player would choose your {kind}?",
            "My teacher spoke of the {product}. What is it best at?",
            "For what style of music did you design the {product}?",
        ),
        (
            "We designed it for {suits}.",
            "It is at its best for {suits}.",
            "Most people choose it for {suits}.",
        ),
    ),
)
