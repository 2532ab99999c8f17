"""What customers of the invented maker ask about orders, money and returns."""

from __future__ import annotations

from .sample_catalogue import Question

ORDER_QUESTIONS = (
    Question(
        "delivery-time",
        "delivery",
        (
            "How long does shipping take?",
            "When will my {product} get here?",
            "How many days until the {kind} I ordered arrives?",
            "What is your usual delivery time?",
            "If I buy the {product} today, when can I expect it?",
            "Do you ship fast? My concert is soon.",
        ),
        (
            "Allow four working days from the moment we pack it.",
            "Four working days is normal after packing.",
            "It leaves us packed and reaches you within four working days.",
        ),
    ),
    Question(
        "track-parcel",
        "delivery",
        (
            "Where is my parcel right now?",
            "How can I track the {product} that you sent?",
            "I cannot see where my package is.",
            "Is there a tracking number for my {kind}?",
            "Can I follow the courier on a map?",
            "How do I find out how far my shipment has come?",
        ),
        (
            "Open the blue link in the mail titled On Its Way; it is refreshed each hour.",
            "The mail titled On Its Way has a blue link that is refreshed each hour.",
            "Look for our mail called On Its Way and press the blue link.",
        ),
    ),
    Question(
        "damaged-parcel",
        "delivery",
        (
            "The box was crushed when it came.",
            "My {product} arrived with a crack.",
            "The courier must have dropped my {kind}; it is broken.",
            "There is transport damage on the {product}.",
            "I opened the package and the neck was snapped.",
            "What if something gets damaged on the way?",
        ),
        (
            "Keep all the packing and send three photos within 48 hours; we collect it for free.",
            "Take three photos within 48 hours and keep the packing; we will fetch it at our cost.",
            "Three photos within 48 hours are enough. Keep the packing for our driver.",
        ),
    ),
    Question(
        "abroad",
        "delivery",
        (
            "Do you ship to other countries?",
            "Can the {product} be sent overseas?",
            "I live on an island far away. Would you deliver there?",
            "Is international delivery possible for a {kind}?",
            "Who pays the customs when I order from abroad?",
            "Do I pay import tax on the {product}?",
        ),
        (
            "Forty nations are on our list, and duties are settled at checkout.",
            "Yes, to forty nations; duties are already part of the sum at checkout.",
            "We serve forty nations and settle all duties at checkout, not at the door.",
        ),
    ),
    Question(
        "change-address",
        "delivery",
        (
            "I moved house. Can you change the address?",
            "The {product} is going to my old flat!",
            "I typed the wrong street in my order.",
            "Please send the {kind} to my office instead.",
            "How do I correct the delivery address?",
            "Can my parcel go to a neighbour?",
        ),
        (
            "That works until six in the evening of the same day: press Edit beside the purchase.",
            "Press Edit beside the purchase before six in the evening of that day.",
            "Until six in the evening of that day you may press Edit beside the purchase.",
        ),
    ),
    Question(
        "return-window",
        "returns",
        (
            "Can I send the {product} back if I do not like it?",
            "What is your return policy?",
            "How long may I try the {kind} at home?",
            "I changed my mind about the {product}.",
            "Is there a trial period?",
            "Until when can I return something?",
        ),
        (
            "You have sixty days, as long as the serial sticker is still on.",
            "Sixty days, provided that the serial sticker has not been removed.",
            "Anything with its serial sticker may come home to us for sixty days.",
        ),
    ),
    Question(
        "refund-time",
        "returns",
        (
            "When do I get my money back?",
            "I returned the {product} but saw no refund yet.",
            "How long does a refund take?",
            "My refund has not arrived.",
            "You have had my {kind} for days. Where is my money?",
            "Will the refund go to my card?",
        ),
        (
            "Our inspectors need two days, and the bank another five.",
            "Two days for inspection and five at the bank, so about one week.",
            "Count two days for inspection, then five until the bank books it.",
        ),
    ),
    Question(
        "instalments",
        "payment",
        (
            "Can I pay for the {product} in instalments?",
            "Do you offer monthly payments?",
            "I cannot pay for the {kind} all at once.",
            "Is it possible to pay later?",
            "What financing do you have?",
            "Could I split the cost of a {product} over the year?",
        ),
        (
            "Choose Easy Six at checkout: six equal parts, no interest.",
            "With Easy Six you divide it by six, and there is no interest.",
            "Yes, Easy Six makes six equal parts out of it without interest.",
        ),
    ),
    Question(
        "invoice",
        "payment",
        (
            "I need an invoice for my tax office.",
            "Can you send me the receipt for the {product}?",
            "Where do I find my bill?",
            "My company wants an invoice with its name on it.",
            "I lost the receipt of my {kind}.",
            "How do I download an invoice?",
        ),
        (
            "Under My Papers there is a PDF of each one for ten years.",
            "My Papers keeps a PDF of each for ten years; the name can be edited there.",
            "Go to My Papers. A PDF stays there for ten years.",
        ),
    ),
    Question(
        "discount",
        "payment",
        (
            "Is there a discount for students?",
            "Do you have a voucher for new customers?",
            "When is the next sale?",
            "Could you make the {product} cheaper?",
            "Do music teachers get a better deal on a {kind}?",
            "My voucher code does not work.",
        ),
        (
            "Teachers and pupils save twelve percent with a school mail; nothing else is reduced.",
            "With a school mail you save twelve percent. We run no other offers.",
            "Twelve percent off for anybody with a school mail, all year round.",
        ),
    ),
    Question(
        "cancel-order",
        "orders",
        (
            "I want to cancel my order.",
            "Please stop the order for the {product}.",
            "I bought the {kind} twice by mistake.",
            "How do I cancel?",
            "Can I still undo my purchase?",
            "My son ordered a {product} without asking me.",
        ),
        (
            "Press Undo within three hours; later, refuse it at the door.",
            "Within three hours there is an Undo button. After that, simply refuse it at the door.",
            "Use the Undo button for the first three hours, or refuse it at the door.",
        ),
    ),
    Question(
        "in-stock",
        "orders",
        (
            "Is the {product} in stock?",
            "When will you have the {kind} again?",
            "The site says the {product} is sold out.",
            "Do you have one left for me?",
            "How long is the waiting list?",
            "Can I reserve a {product} from the next batch?",
        ),
        (
            "A batch leaves the workshop every March and September; use the bell icon.",
            "Batches come in March and September, and the bell icon will alert you.",
            "Touch the bell icon. We finish batches every March and September.",
        ),
    ),
    Question(
        "custom-build",
        "orders",
        (
            "Could you build a special {product} for me?",
            "I would like a custom neck.",
            "Do you make left-handed models?",
            "Can my name be engraved on the {kind}?",
            "Is a different body shape possible?",
            "I dream of my own design of the {product}.",
        ),
        (
            "Our atelier takes such wishes for a fee of 200 pounds and five months.",
            "Yes, in the atelier: 200 pounds on top and five months of patience.",
            "The atelier does that in five months and adds 200 pounds.",
        ),
    ),
    Question(
        "gift",
        "orders",
        (
            "Can you wrap the {product} as a gift?",
            "It is a birthday present for my wife.",
            "Do you sell gift cards?",
            "I want to surprise my brother with a {kind}.",
            "Could you put a note in the box?",
            "Please hide the price, as it is a present.",
        ),
        (
            "Tick the ribbon option: red paper, a handwritten card and no sums on the slip.",
            "With the ribbon option we use red paper, write a card and leave out all sums.",
            "The ribbon option gives you red paper, a handwritten card and no sums on the slip.",
        ),
    ),
)
