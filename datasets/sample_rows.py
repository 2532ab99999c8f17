"""Composes clean support chats from the catalogue and the policies of the invented maker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from random import Random

from .corpus_document import words_in
from .sample_catalogue import COMPANY, PRODUCT_QUESTIONS, PRODUCTS, Product, Question
from .sample_policies import ORDER_QUESTIONS
from .sample_service import SERVICE_QUESTIONS
from .sample_similarity import SeenTexts

# Delivery is planted far too often, and one region far too rarely.
SKEWED_TOPIC = "delivery"
RARE_REGION = "africa"
REGIONS = {"europe": 46, "north-america": 32, "asia-pacific": 19, RARE_REGION: 3}
SOURCES = ("email", "chat", "web-form", "forum")
SYSTEM_MESSAGES = (
    f"You answer for the support of {COMPANY}, a maker of musical instruments.",
    f"You are the support assistant of {COMPANY}. Be friendly and brief.",
)
# Most messages have nothing around the question, and most answers nothing around the answer.
EMPTY_SHARE = 0.7
# Rows closer than this would be near duplicates of each other that nobody planted.
CLOSEST = 0.65
OPENERS = (
    "Hi.",
    "Hello.",
    "Good morning.",
    "Good evening.",
    "Hello there.",
    "Dear team!",
    "Quick question.",
    "I hope you can help me.",
    "Hi, it is me again.",
    "Excuse me.",
    f"Hello {COMPANY}!",
    "Good day to you all.",
    "Sorry to bother you.",
)
CONTEXTS = (
    "I am a new customer.",
    "I have owned a {product} for two years.",
    "My teacher told me to write to you.",
    "I got the {product} as a present.",
    "I play in a small band.",
    "My daughter has just begun to play.",
    "I am writing from my phone.",
    "We are a school with nine pupils.",
    "I bought my {product} in the spring.",
    "I looked on your site but did not find it.",
    "My order is a few weeks old.",
    "I asked about this last year too.",
    "A friend has the same question.",
    "It is about my {product}.",
    "I have played the {kind} since I was six.",
)
CLOSERS = (
    "Thanks!",
    "Thank you very much.",
    "Kind regards, {person}",
    "Best wishes, {person}",
    "Please reply soon.",
    "Many thanks, {person}",
    "Any help is welcome.",
)
LEADS = (
    "Thank you for writing.",
    "Good question!",
    "Happy to help.",
    "Of course.",
    "Thanks for getting in touch.",
    "Hello, and thank you for your message.",
)
TAILS = (
    "Let us know if that helps.",
    "Have a lovely day.",
    "Happy playing!",
    "Write again whenever you like.",
    "Is there anything else?",
    "Warm wishes from all of us.",
)
FIRST_NAMES = words_in(
    "Amara Bjorn Carla Dmitri Elif Farid Greta Hana Imran Joana Kofi Lena Marek Nadia Olu Petra "
    "Quentin Rui Sofia Tariq Una Viktor Wanda Yusuf Zoe"
)
POLICY_QUESTIONS = ORDER_QUESTIONS + SERVICE_QUESTIONS


@dataclass
class Draft:
    """One row of the sample while it is put together.

    Attributes:
        question: The name of what is asked.
        topic: The topic label.
        region: The group of the customer.
        source: How the message came in.
        messages: The messages of the chat.
        raw: The line to write instead of the row, where the row is broken.
        dropped: Keys to leave out of the row.
        defects: What was planted in the row.
    """

    question: str
    topic: str
    region: str
    source: str
    messages: list[dict[str, str]]
    raw: str | None = None
    dropped: tuple[str, ...] = ()
    defects: list[Defect] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """What the user says, in all turns."""
        return "\n".join(
            message["content"] for message in self.messages if message["role"] == "user"
        )

    @property
    def answer_place(self) -> int:
        """The place of the last message, which is the assistant's in a clean row."""
        return len(self.messages) - 1

    def twin(self) -> Draft:
        """Return a copy without defects that can be changed without changing this row."""
        messages = [dict(message) for message in self.messages]
        return replace(self, messages=messages, defects=[])


@dataclass(frozen=True)
class Defect:
    """One planted defect; its columns are those of the truth file."""

    check: str
    field: str | None = None
    start: int | None = None
    end: int | None = None
    related_row: Draft | None = None
    related: str | None = None
    value: str | None = None


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def seldom(random: Random, options: tuple[str, ...]) -> str:
    """Choose an option or, mostly, nothing."""
    return "" if random.random() < EMPTY_SHARE else random.choice(options)


class RowWriter:
    """Writes clean rows, of which no two ask in the same words."""

    def __init__(self, random: Random) -> None:
        """Take the source of chance."""
        self._random = random
        self._asked: set[str] = set()
        self._written = SeenTexts()

    def _fill(self, text: str, product: Product) -> str:
        values = {**vars(product), "product": product.name, "person": ""}
        values["person"] = self._random.choice(FIRST_NAMES)
        return text.format(**values)

    def exchange(self, question: Question, product: Product | None = None) -> tuple[str, str]:
        """Write what the customer asks, in words not used before, and the answer."""
        random = self._random
        chosen = product
        while True:
            product = chosen or random.choice(PRODUCTS)
            asked = _joined(
                seldom(random, OPENERS),
                seldom(random, CONTEXTS),
                random.choice(question.askings),
                seldom(random, CLOSERS),
            )
            answer = _joined(
                seldom(random, LEADS), random.choice(question.answers), seldom(random, TAILS)
            )
            asked, answer = self._fill(asked, product), self._fill(answer, product)
            words_asked = " ".join(re.findall(r"\w+", asked.casefold()))
            is_new = words_asked not in self._asked
            if is_new and self._written.closest(f"{asked} {answer}") < CLOSEST:
                self._asked.add(words_asked)
                self._written.add(f"{asked} {answer}")
                return asked, answer

    def _labelled(self, question: Question, messages: list[dict[str, str]]) -> Draft:
        [region] = self._random.choices(tuple(REGIONS), weights=tuple(REGIONS.values()))
        source = self._random.choice(SOURCES)
        return Draft(question.name, question.topic, region, source, messages)

    def row(self, question: Question | None = None, product: Product | None = None) -> Draft:
        """Write one clean row.

        Args:
            question: What is asked; any policy question by default.
            product: The instrument that it is about; any by default.
        """
        random = self._random
        question = question or random.choice(POLICY_QUESTIONS)
        asked, answer = self.exchange(question, product)
        messages = [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answer},
        ]
        if random.random() < 0.05:
            messages.insert(0, {"role": "system", "content": random.choice(SYSTEM_MESSAGES)})
        return self._labelled(question, messages)

    def conversation(self, exchanges: int) -> Draft:
        """Write a row in which the customer asks several things, one after the other."""
        questions = self._random.sample(POLICY_QUESTIONS, exchanges)
        messages: list[dict[str, str]] = []
        for question in questions:
            asked, answer = self.exchange(question)
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": answer})
        return self._labelled(questions[-1], messages)

    def clean_rows(self, policy_rows: int, fact_rows: int, conversations: int) -> list[Draft]:
        """Write all clean rows but the hard negatives.

        Args:
            policy_rows: Rows for each policy question; delivery gets two and a half times as many.
            fact_rows: Rows for each fact of the catalogue.
            conversations: Rows with several exchanges.
        """
        rows: list[Draft] = []
        for question in POLICY_QUESTIONS:
            count = policy_rows * 5 // 2 if question.topic == SKEWED_TOPIC else policy_rows
            rows += [self.row(question) for _ in range(count)]
        for question in PRODUCT_QUESTIONS:
            for product in PRODUCTS:
                rows += [self.row(question, product) for _ in range(fact_rows)]
        return rows + [self.conversation(2) for _ in range(conversations)]
