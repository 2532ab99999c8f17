"""Plants defects of text, private data and insults into the sample."""

from __future__ import annotations

from random import Random

from .sample_defects import EACH, add_to_message, plant, user_place
from .sample_rows import FIRST_NAMES, Draft, RowWriter

_ACCENTED = (
    "The café on our street sold it to me.",
    "My friend Zoë played it first.",
    "I don’t know which one – the big one?",
    "We live in Málaga, near the sea.",
    "It costs 30 € more than before.",
    "My colleague Jürgen wants one too.",
    "He said “never again” and left.",
    "It was made in São Paulo, I think.",
    "The crème finish is lovely.",
    "I can’t hear it any more…",
    "Our châlet is cold in winter.",
    "She is from Kraków and sings.",
)
_CONTROLS = ("\x07", "\x08", "\x1b[31m", "\x0b", "\x00", "\x1b]0;hello\x07")
_MARKUP = (
    "<p>{}</p>",
    '<div class="answer">{}</div>',
    "{}<br/><br/>",
    "<b>{}</b>",
    '<span style="color:red">{}</span>',
    "<ul><li>{}</li></ul>",
)
_REFUSALS = (
    "I'm sorry, but as an AI language model I cannot help with that request.",
    "As an AI, I am not able to answer questions about this topic.",
    "I'm sorry, but I can't assist with that.",
    "I cannot fulfil this request, as I am only a language model.",
)
_PLACEHOLDERS = (
    "[INSERT NAME]",
    "{{customer_name}}",
    "<YOUR ANSWER HERE>",
    "TODO: ask the workshop",
    "Lorem ipsum dolor sit amet",
    "[ORDER NUMBER]",
)
_FOREIGN = (
    "Vielen Dank für Ihre Nachricht. Wir schicken Ihnen das Instrument am Montag mit der Post.",
    "Bitte prüfen Sie zuerst das Kabel und schalten Sie das Gerät danach noch einmal ein.",
    "Leider ist dieses Modell zurzeit nicht auf Lager, aber wir bauen im Herbst wieder neue.",
    "Merci beaucoup pour votre message. Nous allons réparer votre guitare la semaine prochaine.",
    "Vous pouvez nous rendre visite tous les vendredis après midi dans notre vieux moulin.",
    "Nous sommes désolés, mais cette couleur n'est plus disponible dans notre magasin.",
    "Muchas gracias por su mensaje. Le enviaremos el instrumento nuevo la próxima semana.",
    "Por favor, limpie la madera con un paño seco y no use nunca agua caliente.",
    "Puede devolver el paquete en cualquier oficina de correos sin pagar nada.",
    "Grazie per averci scritto. Il suo violino sarà pronto tra due settimane.",
    "Può pagare con la carta oppure con un bonifico, come preferisce lei.",
    "Hartelijk dank voor uw bericht. Wij sturen de nieuwe snaren morgen naar u toe.",
)
_INSULTS = (
    "You are all complete idiots.",
    "Shut up and send it, you moron.",
    "Your stupid service is crap and so are you.",
    "Only a damn fool would work for you.",
    "You pathetic losers never answer.",
    "Go to hell with your useless box.",
)
# Ranges that are kept free for examples, so that nobody can be called.
_PHONES = (
    "+44 20 7946 0{:03d}",
    "+1 202-555-01{:02d}",
    "(303) 555-01{:02d}",
    "+49 30 23125 {:03d}",
    "+33 1 99 00 {:02d} 21",
    "020 7946 0{:03d}",
)


def luhn_digit(digits: str) -> str:
    """Return the check digit that makes a card number valid.

    Example:
        >>> luhn_digit("411111111111111")
        '1'
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _card(random: Random) -> str:
    digits = "4" + "".join(random.choices("0123456789", k=14))
    digits += luhn_digit(digits)
    separator = random.choice((" ", "-", ""))
    return separator.join(digits[start : start + 4] for start in range(0, 16, 4))


def _iban(random: Random) -> str:
    country, length = random.choice((("DE", 18), ("AT", 16)))
    account = "".join(random.choices("0123456789", k=length))
    letters = "".join(str(int(letter, 36)) for letter in country)
    check = 98 - int(account + letters + "00") % 97
    text = f"{country}{check:02d}{account}"
    if random.random() < 0.5:
        return text
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _secret(random: Random, number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    if number % 4 == 0:
        return "AKIA" + "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    if number % 4 == 1:
        return "ghp_" + "".join(random.choices(letters, k=36))
    if number % 4 == 2:
        return "api_key=" + "".join(random.choices("0123456789abcdef", k=32))
    word = random.choice(("Heron", "Rosin", "Fret", "Maple"))
    return f"password: {word}{random.randint(1000, 9999)}!x"


def _address(random: Random) -> str:
    name = random.choice(FIRST_NAMES).lower()
    host = random.choice(("example.com", "example.org", "mail.example.net"))
    return f"{name}{random.choice(('.', '_', ''))}{random.randint(1, 99)}@{host}"


def privacy_rows(writer: RowWriter, random: Random) -> list[Draft]:
    """Plant private data and secrets of six kinds."""
    rows = []
    for number in range(EACH):
        values = {
            "privacy/email": (_address(random), "You can write to {} at any time."),
            "privacy/phone": (
                _PHONES[number % len(_PHONES)].format(random.randint(10, 99)),
                "Please call me on {} after work.",
            ),
            "privacy/credit-card": (_card(random), "I paid with the card {} last time."),
            "privacy/iban": (_iban(random), "Send the money to {} please."),
            "privacy/ip-address": (
                f"{random.choice(('203.0.113', '198.51.100'))}.{random.randint(2, 250)}",
                "I was logged in from {} at that time.",
            ),
            "privacy/secret": (_secret(random, number), "In case you need it: {} is what I use."),
        }
        for check, (value, sentence) in values.items():
            row = writer.row()
            rows.append(add_to_message(row, check, user_place(row), sentence.format(value), value))
    return rows


def _mojibake(text: str) -> tuple[str, str]:
    """Read UTF-8 as Windows-1252, as careless exports do; return all and the broken part."""
    broken = text.encode("utf-8").decode("cp1252", errors="replace").replace("\ufffd", "")
    same = next(place for place, letter in enumerate(broken) if not letter.isascii())
    last = max(place for place, letter in enumerate(broken) if not letter.isascii())
    return broken, broken[same : last + 1]


def text_rows(writer: RowWriter, random: Random) -> list[Draft]:
    """Plant defects of the text itself."""
    rows = []
    for number in range(EACH):
        broken, part = _mojibake(_ACCENTED[number])
        row = writer.row()
        rows.append(add_to_message(row, "text/mojibake", user_place(row), broken, part))

        row = writer.row()
        control = _CONTROLS[number % len(_CONTROLS)]
        said = row.messages[row.answer_place]
        head, _, tail = said["content"].partition(" ")
        said["content"] = f"{head} {control}{tail}"
        rows.append(plant(row, "text/control-characters", row.answer_place, control))

        row = writer.row()
        marked = _MARKUP[number % len(_MARKUP)].format(row.messages[row.answer_place]["content"])
        rows.append(_replaced(row, "text/html", marked))

        row = writer.row()
        answer = row.messages[row.answer_place]["content"]
        looped = " ".join([answer] * 6) if number % 2 else answer + " very" * 30
        rows.append(_replaced(row, "text/repetition", looped))

        rows.append(_replaced(writer.row(), "text/refusal", random.choice(_REFUSALS)))

        row = writer.row()
        answer = row.messages[row.answer_place]["content"]
        cut = len(answer) * 2 // 3
        while not (answer[cut - 1].isalpha() and answer[cut].isalpha()):
            cut -= 1
        rows.append(_replaced(row, "text/truncated", answer[:cut]))

        value = _PLACEHOLDERS[number % len(_PLACEHOLDERS)]
        row = writer.row()
        rows.append(
            add_to_message(row, "text/placeholder", row.answer_place, f"Yours, {value}.", value)
        )

        rows.append(_replaced(writer.row(), "text/language", _FOREIGN[number]))

        value = _INSULTS[number % len(_INSULTS)]
        row = writer.row()
        rows.append(add_to_message(row, "safety/toxic", user_place(row), value, value))
    return rows


def _replaced(row: Draft, check: str, answer: str) -> Draft:
    """Put a planted text in the place of the answer."""
    row.messages[row.answer_place]["content"] = answer
    return plant(row, check, row.answer_place, answer)
