"""Private data in sentences, tables and addresses, and numbers that are nobody's."""

from __future__ import annotations

from random import Random

from . import privacy_values as values
from .planting import Host, Planted, defect, look_alike
from .wording import insert_anywhere

_OPEN_END = ("text/truncated",)
"""What may be said of a text that ends in an address or a number, without a full stop."""

_MAIL_SENTENCES = (
    "You can reach me at §.",
    "Please send the invoice to § by Friday.",
    "Our new colleague answers under § as well.",
    "Contact: §",
    "If that fails, drop a line to <§>.",
    "The thread was started by §, who has left since.",
    "cc: §; bcc: nobody",
    "She signed with her private address, §, by mistake.",
    "Write to §!",
    "Is § still the right person to ask?",
    "E-mail|§|confirmed",
    'The export held {"contact": "§", "active": true}.',
    "[mail us](mailto:§)",
)
_CALL_SENTENCES = (
    "Call me on § after six.",
    "Phone: §.",
    "My mobile number is §.",
    "You may ring the office at § at any time.",
    "Tel. § (mornings only).",
    "Text us: §.",
    "For complaints, telephone §.",
    "His WhatsApp number: §.",
)
_NUMBER_SENTENCES = (
    "The caller left § and hung up.",
    "It was sent from § last night.",
    "Ask for Petra, §.",
    "There is a sticker with § on the door.",
    "Emergency contact § (her brother).",
)
_CARD_SENTENCES = (
    "Please charge my card § for both items.",
    "The card number is §, expiry 09/27.",
    "Visa or not, § was declined twice.",
    "Payment: §, paid in full.",
    "I paid with § yesterday.",
    "Use this one instead: §.",
    "The receipt shows credit card §.",
)
_IBAN_SENTENCES = (
    "Please transfer the deposit to §.",
    "IBAN: §.",
    "The refund should go to account § as before.",
    "Her bank details: §, in her own name.",
    "We debit § on the first of each month.",
)
_ADDRESS_SENTENCES = (
    "The login came from § at night.",
    "My router reports § as its address.",
    "Requests from § were blocked after the third try.",
    "host § port 22: connection refused",
    "The server answers at http://§/status.",
    "Blocked: §.",
    "traceroute stops at §.",
    "Client IP §, user agent unknown.",
    "We moved it from § to a new machine.",
)
_ADDRESS_6_SENTENCES = (
    "The login came from § at night.",
    "Over IPv6 it is § on that line.",
    "Blocked: §.",
    "ping6 § gets no answer.",
    "The AAAA record points to § now.",
)
_PLACE_SENTENCES = (
    "We live at §, behind the mill.",
    "GPS: §.",
    "The photo was taken at coordinates §.",
    "Meet me at § at noon.",
    "Her position was § when the phone was switched off.",
    "Latitude and longitude of the house: §.",
)
_MAP_SENTENCES = (
    "I pinned the flat: https://www.google.com/maps/@§,17z",
    "It is here: https://maps.google.com/?q=§",
    "The spot on the map is https://www.openstreetmap.org/#map=18/§ for those who come by car.",
    "geo:§ opens it on a phone.",
)


@defect("privacy/email", allows=_OPEN_END)
def email_address(host: Host, random: Random) -> Planted | None:
    """An e-mail address in a sentence, a list, a link or a field."""
    return insert_anywhere(host, random.choice(_MAIL_SENTENCES), values.email(random), random)


@look_alike("privacy/email", allows=_OPEN_END)
def at_sign_that_is_no_address(host: Host, random: Random) -> Planted | None:
    """An @ in handles, prices, shell prompts, decorators, packages and formulas."""
    first, last = random.choice(values.FIRST_NAMES), random.choice(values.LAST_NAMES)
    sentence = random.choice(
        (
            f"Follow @{first}_{last} for more.",
            f"We took {random.randrange(3, 60)} boxes @ {random.randrange(1, 9)}.50 each.",
            f"The prompt says {first}@{last}:~$ and waits.",
            f"Its essay is at https://medium.com/@{first}{last}/on-writing.",
            "Put @app.route above the function.",
            f"npm install @{last}/core@{random.randrange(1, 9)}.2.0 does it.",
            "The layer computes y = x@W + b in one step.",
            f"Let's meet @ {random.randrange(1, 9)} pm.",
            f"Log in with ssh {first}@{last} from the office.",
            "Java has @Override for that.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/phone", allows=_OPEN_END)
def phone_with_country_code(host: Host, random: Random) -> Planted | None:
    """A phone number of any of many countries, with its country code."""
    form = random.choice(("INTERNATIONAL", "INTERNATIONAL", "E164"))
    number = values.phone(random, values.PHONE_REGIONS, form)
    sentence = random.choice(_CALL_SENTENCES + _NUMBER_SENTENCES)
    return insert_anywhere(host, sentence, number, random)


@defect("privacy/phone", allows=_OPEN_END)
def phone_as_written_at_home(host: Host, random: Random) -> Planted | None:
    """A phone number without country code, said to be one, from five large countries."""
    number = values.phone(random, values.HOME_REGIONS, "NATIONAL")
    return insert_anywhere(host, random.choice(_CALL_SENTENCES), number, random)


@look_alike("privacy/phone", allows=_OPEN_END)
def number_that_is_no_phone(host: Host, random: Random) -> Planted | None:
    """Dates, ISBNs, orders, amounts, ranges and other groups of digits."""
    year = random.randrange(1900, 2030)
    month, day = random.randrange(1, 13), random.randrange(1, 29)
    some = values.digits
    sentence = random.choice(
        (
            f"It was logged on {year}-{month:02}-{day:02} 14:{day:02}:07.",
            f"The book is ISBN 978-3-{some(random, 2)}-{some(random, 6)}-{day % 10}.",
            f"Order {some(random, 3)}-{some(random, 7)}-{some(random, 7)} has shipped.",
            f"The city has {some(random, 1)} {some(random, 3)} {some(random, 3)} inhabitants.",
            f"He lived from {year} to {year + 70}, and ruled {year + 20}-{year + 44}.",
            f"The sum is {some(random, 4)} - {some(random, 3)} - {some(random, 2)}.",
            f"Part {some(random, 3)}-{some(random, 4)}-{some(random, 4)}-{some(random, 3)} fits.",
            f"See doi 10.{some(random, 4)}/{some(random, 7)} for the method.",
            f"The ISSN is {some(random, 4)}-{some(random, 4)}.",
            f"Their ZIP code is {some(random, 5)}-{some(random, 4)}.",
            f"It takes {some(random, 2)} 000 000 steps.",
            f"The series goes 2, 4, 8, 16, {some(random, 2)}, {some(random, 3)}.",
            f"Budget line {some(random, 2)}.{some(random, 2)}.{some(random, 4)} is closed.",
            f"Case no. {year}/{some(random, 5)}/{day:02} was settled.",
            f"The final score was {day}-{month}, {month}-{day}, 7-5.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/credit-card", allows=_OPEN_END)
def card_number(host: Host, random: Random) -> Planted | None:
    """A card number of any issuer, bare or in groups."""
    separator = "" if random.random() < 0.3 else None
    number = values.card(random, separator=separator)
    return insert_anywhere(host, random.choice(_CARD_SENTENCES), number, random)


@look_alike("privacy/credit-card", allows=_OPEN_END)
def long_number_that_is_no_card(host: Host, random: Random) -> Planted | None:
    """Wrong check digits, devices, parcels, decimals and times in milliseconds."""
    from stdnum import luhn

    imei = "35" + "".join(random.choices("0123456789", k=12))
    sentence = random.choice(
        (
            f"My order number is {values.broken_card(random)}.",
            f"The voucher {values.broken_card(random)} does not work.",
            f"The phone's IMEI is {imei}{luhn.calc_check_digit(imei)}.",
            f"Parcel 1Z{values.digits(random, 16)} is on its way.",
            f"The constant is 3.{values.card(random, separator='')} or so.",
            f"timestamp={random.randrange(1_500_000_000_000, 1_799_999_999_999)}",
            f"The library card is {'9' + values.digits(random, 15)}.",
            f"The hash ends in a{values.card(random, separator='')}f.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/iban", allows=_OPEN_END)
def account_number(host: Host, random: Random) -> Planted | None:
    """An IBAN of one of thirteen countries, bare or in groups of four."""
    return insert_anywhere(host, random.choice(_IBAN_SENTENCES), values.iban(random), random)


@look_alike("privacy/iban", allows=_OPEN_END)
def code_that_is_no_account(host: Host, random: Random) -> Planted | None:
    """Account numbers with wrong check digits, tax numbers, licence keys, registrations."""
    sentence = random.choice(
        (
            f"My IBAN is {values.broken_iban(random)}, or so I thought.",
            f"VAT ID: DE{values.digits(random, 9)}.",
            f"The licence is GB{values.digits(random, 2)}-XKRT-{values.digits(random, 4)}-PLMN.",
            f"Flight LH{values.digits(random, 4)} is late.",
            f"The chassis reads WVWZZZ1JZ{values.digits(random, 8)}.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/ip-address", allows=_OPEN_END)
def address_of_version_4(host: Host, random: Random) -> Planted | None:
    """A public IPv4 address in prose, logs and links."""
    address = values.public_address(random)
    return insert_anywhere(host, random.choice(_ADDRESS_SENTENCES), address, random)


@defect("privacy/ip-address", allows=_OPEN_END)
def address_of_version_6(host: Host, random: Random) -> Planted | None:
    """A public IPv6 address, shortened or in full."""
    address = values.public_address_6(random)
    return insert_anywhere(host, random.choice(_ADDRESS_6_SENTENCES), address, random)


@look_alike("privacy/ip-address", allows=_OPEN_END)
def number_with_dots(host: Host, random: Random) -> Planted | None:
    """Versions, sections, identifiers, private addresses, times and hardware addresses."""
    a, b, c, d = (random.randrange(1, 20) for _ in range(4))
    sentence = random.choice(
        (
            f"The firmware is version {a}.{b}.{c}.{d}.",
            f"Upgrade from v{a}.{b}.{c}.{d} first.",
            f"It needs build {a}.{b}.{c}{d}{d}{c}.{d} or later.",
            f"See section {a}.{b}.{c}.{d} of the manual.",
            f"My router is at 192.168.{a}.{b}, as always.",
            f"The printer has 10.{a}.{b}.{c} on the inside.",
            "It only listens on 127.0.0.1 here.",
            f"The object identifier is 1.3.6.1.4.1.{a}{b}.{c}.",
            f"The reading was {a}{b}{c}.{b}.{c}{c}{d}.{d}, which is nonsense.",
            f"It ran from 1{a % 10}:{b + 20}:{c + 30} to 1{b % 10}:{d + 20}:{a + 30}.",
            f"The adapter is 00:1A:{a + 10}:{b + 10}:{c + 10}:{d + 10}.",
            f"In C++ write std::vector<int>::size_type n = {a};",
            f"Chrome/{a + 90}.0.{b}{c}{d}.{a} is the user agent.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/national-id", allows=(*_OPEN_END, "text/language"))
def number_of_a_person(host: Host, random: Random) -> Planted | None:
    """A national identity or tax number of one of fourteen countries, called what it is."""
    kind = random.choice(values.NATIONAL_IDS)
    return insert_anywhere(host, kind.sentence, values.national_id(kind, random), random)


@look_alike("privacy/national-id", allows=_OPEN_END)
def number_of_a_thing(host: Host, random: Random) -> Planted | None:
    """Orders, products, statutes and measurements with as many digits."""
    some = values.digits
    sentence = random.choice(
        (
            f"The meter shows {some(random, 9)}.",
            f"Our order {some(random, 11)} is open.",
            f"Frequency {some(random, 3)}.{some(random, 3)}.{some(random, 3)} hertz.",
            f"The item was counted {some(random, 10)} times.",
            f"Article {some(random, 2)} of law {some(random, 3)}.{some(random, 4)} applies.",
            f"Serial {some(random, 3)}-{some(random, 3)}-{some(random, 3)}, bought last year.",
            f"Matrix row: {some(random, 3)} {some(random, 3)} {some(random, 3)}.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/coordinates", allows=_OPEN_END)
def precise_place(host: Host, random: Random) -> Planted | None:
    """A place to a few metres, said to be one."""
    return insert_anywhere(
        host, random.choice(_PLACE_SENTENCES), values.coordinates(random), random
    )


@defect("privacy/coordinates", allows=_OPEN_END)
def link_to_a_place(host: Host, random: Random) -> Planted | None:
    """A link that shows a point on a map."""
    latitude, longitude = random.uniform(36, 60), random.uniform(2, 40)
    sentence = random.choice(_MAP_SENTENCES)
    between = "/" if "openstreetmap" in sentence else ","
    return insert_anywhere(host, sentence, f"{latitude:.6f}{between}{longitude:.6f}", random)


@look_alike("privacy/coordinates", allows=_OPEN_END)
def pair_of_numbers(host: Host, random: Random) -> Planted | None:
    """Points of a plane, results, prices, angles and sizes."""
    x, y = random.uniform(-9, 9), random.uniform(-9, 9)
    sentence = random.choice(
        (
            f"The vertex is at ({x:.2f}, {y:.2f}).",
            f"The two roots are {x:.4f} and {y:.4f}.",
            f"It costs {abs(x):.2f}, {abs(y):.2f} with tax.",
            f"Weights: [{x:.6f}, {y:.6f}, {x * y:.6f}].",
            f"Turn it by {abs(x) * 10:.0f}° and then by {abs(y) * 10:.0f}°.",
            f"The loss fell from {abs(x):.5f} to {abs(y) / 10:.5f}.",
            f"Paris lies at about {48.8:.1f}° north.",
            f"p = {abs(x) / 10:.5f}, q = {abs(y) / 10:.5f}",
        )
    )
    return insert_anywhere(host, "§", sentence, random)


@defect("privacy/person-name", allows=_OPEN_END)
def name_of_a_person(host: Host, random: Random) -> Planted | None:
    """First and last name of somebody, in a sentence about them."""
    name = f"{random.choice(values.FIRST_NAMES)} {random.choice(values.LAST_NAMES)}".title()
    sentence = random.choice(
        (
            "My name is §.",
            "Please ask for § at the desk.",
            "The letter was signed by § in March.",
            "Yesterday § called about the flat.",
        )
    )
    return insert_anywhere(host, sentence, name, random)


@look_alike("privacy/person-name", allows=_OPEN_END)
def name_of_something_else(host: Host, random: Random) -> Planted | None:
    """Names of months, towns, firms and books, and words that are names elsewhere."""
    sentence = random.choice(
        (
            "In May the roses will bloom again.",
            "Mark the place with a grace note.",
            "The train from Victoria to Lincoln is late.",
            "Ford and Mercedes build cars there.",
            "Hope is a virtue, and so is patience.",
        )
    )
    return insert_anywhere(host, "§", sentence, random)
