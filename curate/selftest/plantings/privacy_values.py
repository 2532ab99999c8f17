"""Made-up private data that are valid: numbers with their check digits, addresses, places.

Numbers come from the generators of ``python-stdnum`` and the number plans of ``phonenumbers``, or
are drawn by chance until these accept them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from random import Random

FIRST_NAMES = (
    "amara", "bence", "carla", "dmitri", "eszter", "farid", "greta", "hakon", "ines", "jorge",
    "kavya", "lorcan", "mirela", "nadia", "oskar", "petra", "quentin", "rosalie", "selim", "tova",
    "ulrike", "vasco", "wanjiru", "xenia", "yusuf", "zelda",
)  # fmt: skip
LAST_NAMES = (
    "abendroth", "bellweather", "castellano", "dragomir", "eriksen", "falkenberg", "grimaldi",
    "hashimoto", "ivanova", "jimenez", "kowalczyk", "lindqvist", "mukherjee", "novotny", "okafor",
    "papadakis", "quispe", "rasmussen", "szabo", "thorvald", "umarov", "vandermeer", "whitlock",
    "yilmaz", "zimmerle",
)  # fmt: skip
_HOST_WORDS = (
    "harbor", "lantern", "quarry", "meadow", "copper", "juniper", "summit", "pebble", "walnut",
    "raven", "cobalt", "thistle", "anchor", "bramble", "comet", "delta", "ember", "fjord",
)  # fmt: skip
_TOP_LEVELS = (
    "com", "com", "com", "org", "net", "de", "co.uk", "fr", "io", "edu.au", "gov.br", "info",
    "photography", "museum", "cz", "app", "co.jp", "eu",
)  # fmt: skip
_DIGITS = "0123456789"
_MOST_DRAWS = 20_000

# Issuer, first digits, length and how the digits are grouped.
_CARDS = (
    ("4", 16, (4, 4, 4, 4)),
    ("51", 16, (4, 4, 4, 4)),
    ("5400", 16, (4, 4, 4, 4)),
    ("2221", 16, (4, 4, 4, 4)),
    ("34", 15, (4, 6, 5)),
    ("37", 15, (4, 6, 5)),
    ("6011", 16, (4, 4, 4, 4)),
    ("3530", 16, (4, 4, 4, 4)),
    ("36", 14, (4, 6, 4)),
)
_IBAN_COUNTRIES = ("DE", "GB", "FR", "NL", "CH", "AT", "PL", "IE", "DK", "LU", "BE", "ES", "LT")
PHONE_REGIONS = (
    "US", "GB", "DE", "FR", "AU", "IT", "ES", "NL", "SE", "PL", "IN", "BR", "JP", "ZA", "KE", "MX",
    "CH", "AT", "IE", "NZ", "TR", "PT", "FI", "GR", "CZ", "NG",
)  # fmt: skip
HOME_REGIONS = ("US", "GB", "DE", "FR", "AU")


def digits(random: Random, count: int) -> str:
    """Return so many digits, the first of which is not zero."""
    return random.choice(_DIGITS[1:]) + "".join(random.choices(_DIGITS, k=count - 1))


def host_name(random: Random) -> str:
    """Return a domain that reads like a company's."""
    name = random.choice(("{}{}", "{}-{}", "{}.{}", "{}{}")).format(
        *random.sample(_HOST_WORDS, 2)
    ) + random.choice(("", "", str(random.randrange(2, 99))))
    return f"{name}.{random.choice(_TOP_LEVELS)}"


def email(random: Random) -> str:
    """Return an e-mail address."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    local = random.choice(
        (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}{random.randrange(10, 99)}",
            f"{first}",
            f"{last}+{random.choice(_HOST_WORDS)}",
            f"{first}-{last}",
            f"{first[0]}.{last}".upper(),
            f"{first.title()}.{last.title()}",
            f"{random.choice(_HOST_WORDS)}{random.randrange(1000, 9999)}",
        )
    )
    return f"{local}@{host_name(random)}"


def card(random: Random, *, separator: str | None = None) -> str:
    """Return a card number with a right check digit.

    Args:
        random: the source of chance.
        separator: between the groups; drawn where None.
    """
    from stdnum import luhn

    prefix, length, groups = random.choice(_CARDS)
    body = prefix + "".join(random.choices(_DIGITS, k=length - len(prefix) - 1))
    number = body + luhn.calc_check_digit(body)
    return grouped(number, groups, random.choice((" ", "-")) if separator is None else separator)


def grouped(number: str, groups: tuple[int, ...], separator: str) -> str:
    """Cut a number into groups."""
    parts, start = [], 0
    for size in groups:
        parts.append(number[start : start + size])
        start += size
    return separator.join(parts)


def broken_card(random: Random) -> str:
    """Return what looks like a card number and has a wrong check digit."""
    number = card(random)
    wrong = str((int(number[-1]) + random.randrange(1, 10)) % 10)
    return number[:-1] + wrong


def iban(random: Random) -> str:
    """Return an account number with right check digits, in the country's form."""
    from stdnum import iban as ibans

    country = random.choice(_IBAN_COUNTRIES)
    forms = ibans._ibandb.info(country + "00")[0][1]["bban"]
    for _ in range(_MOST_DRAWS):
        account = _fill_form(forms, random)
        checked = country + ibans.calc_check_digits(country + "00" + account) + account
        if ibans.is_valid(checked):
            break
    else:
        raise ValueError(f"no IBAN of {country} was found")
    return ibans.format(checked) if random.random() < 0.5 else checked


def _fill_form(form: str, random: Random) -> str:
    """Fill a form such as ``4!a6!n8!n`` (ISO 13616) with letters and digits."""
    import re

    letters = {"n": _DIGITS, "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": _DIGITS + "ABCDEFGHJKLMNPRS"}
    return "".join(
        "".join(random.choices(letters[kind], k=int(size)))
        for size, kind in re.findall(r"(\d+)!?([nac])", form)
    )


def broken_iban(random: Random) -> str:
    """Return what looks like an account number and has wrong check digits."""
    number = iban(random)
    # Check digits run from 02 to 98; a step of 95 would lead back to the right ones.
    wrong = (int(number[2:4]) + random.randrange(1, 90)) % 97 + 2
    return f"{number[:2]}{wrong:02}{number[4:]}"


def public_address(random: Random) -> str:
    """Return a public address of IP version 4."""
    while True:
        address = ipaddress.IPv4Address(random.getrandbits(32))
        if address.is_global and not address.is_multicast and not _is_well_known(address):
            return str(address)


def _is_well_known(address: ipaddress.IPv4Address) -> bool:
    """Addresses of equal or of small numbers are great resolvers, or look like versions."""
    parts = str(address).split(".")
    return len(set(parts)) < 3 or all(int(part) < 32 for part in parts)


def public_address_6(random: Random) -> str:
    """Return a public address of IP version 6, shortened or not."""
    network = random.choice((0x2001_0470, 0x2A01_04F8, 0x2600_1F18, 0x2A02_8071, 0x2606_4700))
    address = ipaddress.IPv6Address(network << 96 | random.getrandbits(64))
    return random.choice((address.compressed, address.compressed, address.exploded))


def phone(random: Random, regions: tuple[str, ...], form: str) -> str:
    """Return a phone number that is valid in one of the regions.

    Args:
        random: the source of chance.
        regions: ISO codes.
        form: ``E164``, ``INTERNATIONAL`` or ``NATIONAL``.
    """
    import phonenumbers

    kinds = (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE,
    )
    while True:
        region = random.choice(regions)
        example = phonenumbers.example_number_for_type(region, random.choice(kinds))
        if example is None:
            continue
        start = str(example.national_number)
        changed = start[:-5] + "".join(random.choices(_DIGITS, k=5))
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code,
            national_number=int(changed),
            italian_leading_zero=example.italian_leading_zero,
        )
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, getattr(phonenumbers.PhoneNumberFormat, form))


@dataclass(frozen=True, slots=True)
class NationalId:
    """A kind of national number.

    Attributes:
        module: of ``stdnum``.
        length: of the number.
        sentence: with a slot, in which people say it.
        prefix: letters or digits that it begins with.
        spaced: turns the bare number into the way people write it.
    """

    module: str
    length: int
    sentence: str
    prefix: str = ""
    spaced: Callable[[str], str] = str


def _cut(*sizes: int, by: str = " ") -> Callable[[str], str]:
    return lambda number: grouped(number, sizes, by)


_AS_IN_AMERICA = _cut(3, 2, 4, by="-")


def _as_in_brazil(number: str) -> str:
    return f"{grouped(number, (3, 3, 3), '.')}-{number[9:]}"


NATIONAL_IDS = (
    NationalId("us.ssn", 9, "My social security number is §.", spaced=_AS_IN_AMERICA),
    NationalId("us.ssn", 9, "SSN §, date of birth on file.", spaced=_AS_IN_AMERICA),
    NationalId("nl.bsn", 9, "Mijn BSN is §, zoals gevraagd."),
    NationalId("de.idnr", 11, "Meine Steuer-ID lautet §.", spaced=_cut(2, 3, 3, 3)),
    NationalId("ch.ssn", 13, "The AHV number reads §.", "756", _cut(3, 4, 4, 2, by=".")),
    NationalId("br.cpf", 11, "O CPF do titular é §.", spaced=_as_in_brazil),
    NationalId("ca.sin", 9, "Her social insurance number is §.", spaced=_cut(3, 3, 3, by="-")),
    NationalId("pl.pesel", 11, "Numer PESEL: §."),
    NationalId("gb.nhs", 10, "The patient's NHS number is §.", spaced=_cut(3, 3, 4)),
    NationalId("es.dni", 9, "Mi DNI es §."),
    NationalId("au.tfn", 9, "My tax file number (TFN) is §.", spaced=_cut(3, 3, 3)),
    NationalId("in_.aadhaar", 12, "His Aadhaar number is §.", spaced=_cut(4, 4, 4)),
    NationalId("fr.nir", 15, "Mon numéro de sécurité sociale est le §.", "2"),
    NationalId("za.idnr", 13, "South African ID number §, as on the licence.", "8"),
    NationalId("se.personnummer", 10, "Mitt personnummer är §.", spaced=_cut(6, 4, by="-")),
)  # fmt: skip


def national_id(kind: NationalId, random: Random) -> str:
    """Return a number of a kind that ``stdnum`` accepts, as people write it.

    Raises:
        ValueError: none was found, which says that the kind is described wrongly here.
    """
    module = import_module(f"stdnum.{kind.module}")
    for _ in range(_MOST_DRAWS):
        number = _draw_national(kind, random)
        if module.is_valid(number):
            return kind.spaced(number)
    raise ValueError(f"no number of {kind.module} was found")


def _draw_national(kind: NationalId, random: Random) -> str:
    if kind.module == "es.dni":
        return "".join(random.choices(_DIGITS, k=8)) + random.choice("TRWAGMYFPDXBNJZSQVHLCKE")
    if kind.module in ("se.personnummer", "za.idnr", "pl.pesel"):
        month, day = random.randrange(1, 13), random.randrange(1, 29)
        born = f"{random.randrange(60, 99)}{month:02}{day:02}"
        return born + "".join(random.choices(_DIGITS, k=kind.length - 6))
    if kind.module == "fr.nir":
        born = f"2{random.randrange(60, 99)}{random.randrange(1, 13):02}"
        body = f"{born}75{digits(random, 3)}{digits(random, 3)}"
        return body + f"{97 - int(body) % 97:02}"
    rest = kind.length - len(kind.prefix)
    return kind.prefix + digits(random, rest)


def coordinates(random: Random) -> str:
    """Return a precise place on land, as numbers or as degrees, minutes and seconds."""
    latitude, longitude = random.uniform(36, 60), random.uniform(-9, 40)
    style = random.randrange(4)
    if style == 0:
        return f"{latitude:.6f}, {longitude:.6f}"
    if style == 1:
        return f"{latitude:.5f}° N, {longitude:.5f}° E" if longitude > 0 else (
            f"{latitude:.5f}° N, {-longitude:.5f}° W"
        )  # fmt: skip
    east = "E" if longitude > 0 else "W"
    return f"{_sexagesimal(latitude)}N {_sexagesimal(abs(longitude))}{east}"


def _sexagesimal(angle: float) -> str:
    degrees, rest = divmod(angle, 1)
    minutes, rest = divmod(rest * 60, 1)
    return f"{int(degrees)}°{int(minutes):02}'{rest * 60:04.1f}\""
