"""Numbers by which countries know their people: how they are written, checked and called.

A way of writing is *telling* where its grouping, letters, dates and check digits together leave
chance hardly any room. All other ways, bare digits above all, count only beside a word that names
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

_DIGITS = re.compile(r"[^0-9]")
_WHOLE_UP_TO = 4


@dataclass(frozen=True, slots=True)
class NationalId:
    """A kind of number.

    Attributes:
        country: ISO 3166-1 code.
        name: what it is, in words.
        validator: the module of ``python-stdnum`` that checks it; empty where its form is all
            that can be checked.
        telling: ways of writing that nothing else has; a regular expression, or empty.
        worded: ways of writing that need a word beside them; likewise.
        words: what names it: beginnings of words, those of up to four letters whole; one in
            capitals must stand in capitals, the others in any case.
        checked: whether the number has check digits.
    """

    country: str
    name: str
    validator: str
    telling: str
    worded: str
    words: tuple[str, ...]
    checked: bool = True

    @property
    def named(self) -> re.Pattern[str]:
        """Where a text names this kind of number."""
        return _named(self.words)

    def is_valid(self, number: str) -> bool:
        """Tell whether form, date and check digits of a number are right."""
        if not self.validator:
            return True
        test: Callable[[str], bool] = import_module(f"stdnum.{self.validator}").is_valid
        try:
            return test(number)
        except (ValueError, IndexError):
            # Some validators take for granted what others check.
            return False


def naming_any(kinds: Iterable[NationalId]) -> str:
    """Return a pattern for polars that is found wherever a text names one of these kinds."""
    words = sorted({word for kind in kinds for word in kind.words})
    # Without Unicode's tables the search is many times faster; words of other scripts are few.
    plain = "|".join(_word(word, r"(?-u:\b)") for word in words if word.isascii())
    others = [_word(word, r"\b") for word in words if not word.isascii()]
    return "|".join([rf"(?-u:\b)(?:{plain})" if plain else NEVER, *others])


@cache
def _named(words: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(_word(word, r"\b") for word in words)
    return re.compile(rf"\b(?:{alternatives})" if words else NEVER)


def _word(word: str, boundary: str) -> str:
    pattern = re.escape(word).replace(r"\ ", " ")
    pattern = pattern if word.isupper() else f"(?i:{pattern})"
    return pattern + (boundary if len(word) <= _WHOLE_UP_TO else "")


NEVER = r"[^\s\S]"
"""Found nowhere."""

_DATE = r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_DATE_OF_DAY = r"(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}"
# Months above 12 are of persons whose month of birth is unknown, or who were born abroad.
_MONTH_OF_FRANCE = r"(?:0[1-9]|1[0-2]|[2-9][0-9])"

NATIONAL_IDS = (
    NationalId(
        "US", "a US social security number", "us.ssn",
        r"[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}", r"[0-8][0-9]{2} ?[0-9]{2} ?[0-9]{4}",
        ("ssn", "social security"), checked=False,
    ),
    NationalId(
        "US", "a US taxpayer number", "us.itin",
        "", r"9[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{4}", ("itin", "taxpayer id"), checked=False,
    ),
    NationalId(
        "GB", "a British national insurance number", "",
        r"(?:[AC-EHJ-MOPRSWXY][A-CEGHJ-NPR-TW-Z]|B[A-CEHJ-NPR-TW-Z]|G[AC-EGHJ-MPR-TW-Z]|"
        r"N[A-CEGHJLMPRSW-Z]|T[A-CEGHJ-MPR-TW-Z]|Z[A-CEGHJ-NPR-TW-Y])"
        r" [0-9]{2} [0-9]{2} [0-9]{2} [A-D]",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]",
        ("national insurance", "nino"), checked=False,
    ),
    NationalId(
        "GB", "a British health service number", "gb.nhs",
        "", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", ("nhs",),
    ),
    NationalId(
        "DE", "a German tax number", "de.idnr",
        r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", r"[1-9][0-9]{10}",
        ("steuer-id", "steuerid", "steuernummer", "steueridentifikation", "steuerliche", "idnr",
         "tax id", "tax number", "TIN"),
    ),
    NationalId(
        "FR", "a French social security number", "fr.nir",
        rf"[12] [0-9]{{2}} {_MONTH_OF_FRANCE} (?:[0-9]{{2}}|2[AB])(?: [0-9]{{3}}){{2}} [0-9]{{2}}",
        rf"[12][0-9]{{2}}{_MONTH_OF_FRANCE}(?:[0-9]{{2}}|2[AB])[0-9]{{6}} ?[0-9]{{2}}",
        ("sécurité sociale", "securite sociale", "numéro de sécu", "social security", "NIR"),
    ),
    NationalId(
        "ES", "a Spanish identity number", "es.dni",
        r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}-?[A-HJ-NP-TV-Z]|[0-9]{8}-[A-HJ-NP-TV-Z]",
        r"[0-9]{8} ?[A-HJ-NP-TV-Z]",
        ("dni", "nif", "documento nacional", "identidad"),
    ),
    NationalId(
        "ES", "a Spanish foreigner's number", "es.nie",
        r"[XYZ]-[0-9]{7}-[A-HJ-NP-TV-Z]", r"[XYZ][0-9]{7}[A-HJ-NP-TV-Z]",
        ("NIE", "nif", "extranjero"),
    ),
    NationalId(
        "IT", "an Italian tax code", "it.codicefiscale",
        r"[A-Z]{6} ?[0-9]{2}[A-EHLMPRST][0-9]{2} ?[A-Z][0-9]{3}[A-Z]", "", (),
    ),
    NationalId(
        "NL", "a Dutch citizen's number", "nl.bsn",
        "", r"[0-9]{9}|[0-9]{4}[. ][0-9]{2}[. ][0-9]{3}",
        ("bsn", "burgerservice", "sofinummer", "sofi-nummer"),
    ),
    NationalId(
        "BE", "a Belgian national number", "be.nn",
        r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
        r"[0-9]{11}|[0-9]{6}[ -][0-9]{3}[ -][0-9]{2}",
        ("rijksregister", "registre national", "national number", "national register", "niss",
         "insz"),
    ),
    NationalId(
        "CH", "a Swiss social security number", "ch.ssn",
        r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", r"756[0-9]{10}", ("ahv", "avs", "navs"),
    ),
    NationalId(
        "AT", "an Austrian social security number", "at.vnr",
        "", r"[1-9][0-9]{3} ?[0-9]{6}", ("svnr", "sozialversicherung", "versicherungsnummer"),
    ),
    NationalId(
        "PL", "a Polish identity number", "pl.pesel",
        "", r"[0-9]{11}", ("pesel",),
    ),
    NationalId(
        "CZ", "a Czech or Slovak birth number", "cz.rc",
        r"[0-9]{6}/[0-9]{4}", r"[0-9]{10}", ("rodné číslo", "rodne cislo", "birth number"),
    ),
    NationalId(
        "SE", "a Swedish personal number", "se.personnummer",
        rf"(?:19|20){_DATE}-[0-9]{{4}}", rf"(?:19|20)?{_DATE}[-+]?[0-9]{{4}}",
        ("personnummer", "personal number", "personal identity number", "samordningsnummer"),
    ),
    NationalId(
        "DK", "a Danish personal number", "dk.cpr",
        "", rf"{_DATE_OF_DAY}[- ]?[0-9]{{4}}", ("cpr", "personnummer"), checked=False,
    ),
    NationalId(
        "NO", "a Norwegian birth number", "no.fodselsnummer",
        rf"{_DATE_OF_DAY} [0-9]{{5}}", r"[0-9]{11}",
        ("fødselsnummer", "fodselsnummer", "personnummer", "national id"),
    ),
    NationalId(
        "FI", "a Finnish personal number", "fi.hetu",
        rf"{_DATE_OF_DAY}[-+A-FU-Y][0-9]{{3}}[0-9A-FHJ-NPR-Y]", "", (),
    ),
    NationalId(
        "EE", "an Estonian personal code", "ee.ik",
        "", rf"[1-8]{_DATE}[0-9]{{4}}", ("isikukood", "personal code"),
    ),
    NationalId(
        "LT", "a Lithuanian personal code", "lt.asmens",
        "", r"[1-9][0-9]{10}", ("asmens kodas", "personal code"),
    ),
    NationalId(
        "BG", "a Bulgarian citizen's number", "bg.egn",
        "", r"[0-9]{10}", ("ЕГН", "egn"),
    ),
    NationalId(
        "RO", "a Romanian personal code", "ro.cnp",
        "", rf"[1-9]{_DATE}[0-9]{{6}}", ("cnp", "cod numeric"),
    ),
    NationalId(
        "HR", "a Croatian personal number", "hr.oib",
        "", r"[0-9]{11}", ("oib",),
    ),
    NationalId(
        "GR", "a Greek social security number", "gr.amka",
        "", rf"{_DATE_OF_DAY}[0-9]{{5}}", ("ΑΜΚΑ", "amka"),
    ),
    NationalId(
        "PT", "a Portuguese tax number", "pt.nif",
        "", r"[1-9][0-9]{2} ?[0-9]{3} ?[0-9]{3}", ("nif", "contribuinte"),
    ),
    NationalId(
        "IE", "an Irish public service number", "ie.pps",
        "", r"[0-9]{7}[A-W][A-IW]?", ("pps", "ppsn", "public service number"),
    ),
    NationalId(
        "TR", "a Turkish identity number", "tr.tckimlik",
        "", r"[1-9][0-9]{10}", ("tckn", "kimlik"),
    ),
    NationalId(
        "CA", "a Canadian social insurance number", "ca.sin",
        "", r"[1-79][0-9]{2}[- ]?[0-9]{3}[- ]?[0-9]{3}", ("SIN", "social insurance"),
    ),
    NationalId(
        "AU", "an Australian tax file number", "au.tfn",
        "", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", ("tfn", "tax file"),
    ),
    NationalId(
        "ZA", "a South African identity number", "za.idnr",
        "", rf"{_DATE} ?[0-9]{{4}} ?[01][0-9]{{2}}",
        ("south african id", "rsa id", "sa id", "id number", "identity number"),
    ),
    NationalId(
        "BR", "a Brazilian CPF", "br.cpf",
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", r"[0-9]{11}|[0-9]{9}-[0-9]{2}", ("cpf",),
    ),
    NationalId(
        "AR", "an Argentine CUIL", "ar.cuit",
        r"2[0347]-[0-9]{8}-[0-9]", r"2[0347][0-9]{9}", ("cuil", "cuit"),
    ),
    NationalId(
        "CL", "a Chilean RUT", "cl.rut",
        r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]", r"[0-9]{7,8}-?[0-9Kk]", ("RUT", "RUN"),
    ),
    NationalId(
        "MX", "a Mexican CURP", "mx.curp",
        rf"[A-Z]{{4}}{_DATE}[HM][A-Z]{{5}}[0-9A-Z][0-9]", "", (),
    ),
    NationalId(
        "CN", "a Chinese resident identity number", "cn.ric",
        r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]",
        "", (),
    ),
    NationalId(
        "IN", "an Indian Aadhaar number", "in_.aadhaar",
        "", r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}", ("aadhaar", "aadhar", "uidai", "आधार"),
    ),
    NationalId(
        "IN", "an Indian tax number", "in_.pan",
        "", r"[A-Z]{5}[0-9]{4}[A-Z]", ("PAN", "permanent account"), checked=False,
    ),
    NationalId(
        "JP", "a Japanese individual number", "jp.in_",
        "", r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}", ("マイナンバー", "個人番号", "my number"),
    ),
    NationalId(
        "KR", "a Korean resident number", "kr.rrn",
        rf"{_DATE}-[1-8][0-9]{{6}}", rf"{_DATE}[1-8][0-9]{{6}}",
        ("주민등록", "주민번호", "resident registration"),
    ),
    NationalId(
        "TH", "a Thai identity number", "th.pin",
        r"[1-8]-[0-9]{4}-[0-9]{5}-[0-9]{2}-[0-9]", r"[1-8][0-9]{12}",
        ("บัตรประชาชน", "thai id", "citizen id"),
    ),
    NationalId(
        "IL", "an Israeli identity number", "il.idnr",
        "", r"[0-9]{9}|[0-9]{8}-[0-9]", ("תעודת זהות", "teudat zehut"),
    ),
)  # fmt: skip

COUNTRIES = tuple(dict.fromkeys(kind.country for kind in NATIONAL_IDS))


def is_example(number: str) -> bool:
    """Tell whether a number is one that examples use: one digit, or digits in order.

    Example:
        >>> is_example("123-45-6789"), is_example("111-22-3333"), is_example("536-90-4399")
        (True, True, False)
    """
    groups = _DIGITS.sub(" ", number).split()
    digits = "".join(groups)
    in_order = digits in "01234567890123456789" or digits in "9876543210987"
    return in_order or len(set(digits)) <= 2 or all(len(set(group)) == 1 for group in groups)
