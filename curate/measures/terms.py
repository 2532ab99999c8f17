"""Words for groups of people, for occupations and for regard: what bias is measured by.

English words alone, chosen so that most of their uses speak of people: colours count only before a
word for people ("a black woman", not "a black dog"), and words that mostly mean something else
("kind", "smart", "king", "driver", "ms") are left out. What a figure says depends on these lists,
so they carry a version, which is raised with every change.

The qualities of regard follow the two dimensions by which groups are judged, warmth and competence
(Fiske, Cuddy, Glick and Xu 2002, "A model of (often mixed) stereotype content"), besides
criminality, appearance and leadership.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

VERSION = 1


def _words(words: str) -> tuple[str, ...]:
    return tuple(words.split())


PEOPLE = _words(
    "people person man men woman women boy boys girl girls child children kid kids community "
    "communities family families american americans student students worker workers voter voters "
    "neighbor neighbors neighbour neighbours neighborhood neighborhoods neighbourhood population "
    "household households culture lady ladies guy guys"
)
"""Words before which an adjective speaks of people."""


def _phrases(phrases: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in phrases.split(","))


def _before_people(adjectives: str) -> tuple[str, ...]:
    return tuple(f"{first} {second}" for first, second in product(adjectives.split(), PEOPLE))


def _with_plural(nouns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    return {noun: (noun, f"{noun}s") for noun in nouns}


GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gender": {
        "women": _words(
            "she her hers herself woman women girl girls lady ladies mother mothers mom moms mum "
            "wife wives daughter daughters sister sisters female females aunt niece "
            "grandmother grandma girlfriend actress actresses waitress waitresses mrs"
        ),
        "men": _words(
            "he him his himself man men boy boys gentleman gentlemen father fathers dad dads "
            "husband husbands son sons brother brothers male males uncle nephew "
            "grandfather grandpa boyfriend mr"
        ),
        "non-binary people": _words("nonbinary genderqueer genderfluid agender transgender")
        + _phrases("non binary, trans man, trans woman, trans men, trans women, trans person")
        + _phrases("trans people"),
    },
    "religion": {
        "Christians": _words(
            "christian christians christianity catholic catholics protestant protestants church "
            "churches bible"
        ),
        "Muslims": _words("muslim muslims islam islamic mosque mosques quran koran"),
        "Jews": _words("jew jews jewish judaism synagogue synagogues torah"),
        "Hindus": _words("hindu hindus hinduism"),
        "Buddhists": _words("buddhist buddhists buddhism"),
        "atheists": _words("atheist atheists atheism"),
    },
    "ethnicity": {
        "Black people": _before_people("black")
        + _phrases("african american, african americans, afro american, afro caribbean"),
        "white people": _before_people("white") + _words("caucasian caucasians"),
        "Asian people": _before_people("asian") + _phrases("asians, asian american"),
        "Hispanic people": _words("hispanic hispanics latino latinos latina latinas latinx"),
        "indigenous people": _before_people("indigenous aboriginal")
        + _phrases("indigenous peoples, native american, native americans, first nations"),
    },
    "age": {
        "the young": _words(
            "teenager teenagers teens adolescent adolescents millennial millennials"
        )
        + _phrases("young people, young person, young adult, young adults, young man, young men")
        + _phrases("young woman, young women"),
        "the old": _words("elderly pensioner pensioners retiree retirees")
        + _phrases("senior citizen, senior citizens, older adult, older adults, old age")
        + _before_people("old older"),
    },
    "disability": {
        "people with disabilities": _words(
            "disability disabilities disabled wheelchair wheelchairs deaf autistic autism amputee "
            "amputees"
        )
        + _before_people("blind")
        + _phrases("visually impaired, hearing impaired"),
    },
}
"""By dimension, each group with the words that mention it."""

OCCUPATIONS: Mapping[str, tuple[str, ...]] = {
    **_with_plural(
        _words(
            "accountant architect artist athlete baker barber biologist "
            "carpenter cashier chef chemist coach dancer dentist designer developer doctor "
            "economist electrician engineer entrepreneur farmer firefighter hairdresser "
            "housekeeper janitor journalist lawyer librarian manager mathematician musician "
            "nanny novelist nurse painter pharmacist philosopher photographer "
            "physician physicist pilot plumber poet politician president professor programmer "
            "psychologist receptionist researcher scientist singer soldier surgeon teacher "
            "therapist veterinarian writer"
        )
    ),
    "chief executive": _phrases("ceo, ceos, chief executive, chief executives"),
    "driver": _phrases("truck driver, truck drivers, taxi driver, taxi drivers, bus driver"),
    "mechanic": ("mechanic",),
    "police officer": _phrases("police officer, police officers, policeman, policewoman"),
    "secretary": _words("secretary secretaries"),
}
"""Each occupation with its forms. Words that name a gender besides ("actress") are groups."""

REGARD: Mapping[str, tuple[str, ...]] = {
    "competence": _words(
        "intelligent competent skilled skillful talented gifted clever ambitious knowledgeable "
        "hardworking"
    ),
    "incompetence": _words(
        "stupid incompetent lazy ignorant unskilled dumb foolish uneducated clueless"
    ),
    "warmth": _words(
        "caring friendly gentle compassionate nurturing loving generous empathetic affectionate "
        "thoughtful kindhearted"
    ),
    "coldness": _words("rude hostile cruel selfish arrogant unfriendly heartless spiteful"),
    "criminality": _words(
        "criminal criminals thief thieves murderer murderers terrorist terrorists terrorism thug "
        "thugs robber robbers burglar burglars rapist rapists"
    ),
    "appearance": _words("beautiful gorgeous handsome attractive slender sexy pretty lovely"),
    "leadership": _words("leader leaders leadership boss bosses commander"),
    "emotionality": _words("hysterical tearful crying sobbing weeping nagging hormonal"),
}
"""Each quality with the words that ascribe it."""

SLIGHTS = frozenset({"incompetence", "coldness", "criminality"})
"""The qualities that degrade whom they are ascribed to."""

ENGLISH_WORDS = _words(
    "the and of to is are was you that for with this what how in it on as be have not my i"
)
OTHER_WORDS = _words(
    "der die das und ist nicht ein eine mit von zu el los las que una por para con del y es "
    "le les des est dans pour une et il che di non della per het een van niet och att det ikke som "
    "um uma não os"
)
"""A text that has words of the second list and none of the first is not in English, and "son" in
it names no man."""

Slot = tuple[str, Mapping[str, tuple[str, ...]]]


def _by_gender(male: str, female: str) -> Slot:
    return "gender", {"m": tuple(male.split()), "f": tuple(female.split())}


_GENDER_SLOTS: tuple[Slot, ...] = (
    _by_gender("he", "she"),
    _by_gender("him his", "her hers"),
    _by_gender("himself", "herself"),
    _by_gender("man", "woman"),
    _by_gender("men", "women"),
    _by_gender("boy", "girl"),
    _by_gender("boys", "girls"),
    _by_gender("guy", "gal"),
    _by_gender("gentleman", "lady"),
    _by_gender("gentlemen", "ladies"),
    _by_gender("male", "female"),
    _by_gender("males", "females"),
    _by_gender("father", "mother"),
    _by_gender("fathers", "mothers"),
    _by_gender("dad", "mom mum"),
    _by_gender("son", "daughter"),
    _by_gender("sons", "daughters"),
    _by_gender("brother", "sister"),
    _by_gender("brothers", "sisters"),
    _by_gender("husband", "wife"),
    _by_gender("husbands", "wives"),
    _by_gender("boyfriend", "girlfriend"),
    _by_gender("uncle", "aunt"),
    _by_gender("nephew", "niece"),
    _by_gender("grandfather", "grandmother"),
    _by_gender("grandpa", "grandma"),
    _by_gender("grandson", "granddaughter"),
    _by_gender("groom", "bride"),
    _by_gender("widower", "widow"),
    _by_gender("king", "queen"),
    _by_gender("prince", "princess"),
    _by_gender("mr", "mrs ms"),
    _by_gender("sir", "madam"),
    _by_gender("waiter", "waitress"),
    _by_gender("policeman", "policewoman"),
    _by_gender("businessman", "businesswoman"),
    _by_gender("salesman", "saleswoman"),
    _by_gender(
        "james john robert michael william david richard joseph thomas charles daniel matthew "
        "anthony donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward "
        "jason jeffrey jacob gary nicholas eric jonathan stephen larry justin scott brandon "
        "benjamin samuel gregory alexander patrick jack dennis jerry tyler aaron henry adam "
        "nathan peter zachary walter kyle harold carl jeremy gerald keith roger arthur "
        "lawrence sean ethan joe albert billy bryan bruce noah "
        "dylan ralph roy alan wayne eugene juan gabriel louis russell randy vincent philip "
        "bobby harry johnny bob bill tom mike jim tim steve dave dan ben fred ted greg jeff",
        "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty "
        "sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah "
        "stephanie rebecca laura sharon cynthia dorothy kathleen amy angela shirley anna brenda "
        "pamela emma nicole helen samantha katherine christine debra rachel carolyn janet maria "
        "catherine heather diane olivia julie joyce victoria ruth lauren christina "
        "joan evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara "
        "frances kathryn janice abigail alice julia judy sophia denise "
        "doris marilyn danielle beverly isabella theresa diana natalie brittany charlotte marie "
        "kayla lori jane sally jenny kate lucy susie molly jen claire ellen",
    ),
)

SLOTS: tuple[Slot, ...] = (
    *_GENDER_SLOTS,
    ("religion", {name[0]: (name,) for name in ("christian", "muslim", "jewish", "hindu",
                                                "buddhist")}),
    ("religion", {name[0]: (name,) for name in ("christians", "muslims", "jews", "hindus",
                                                "buddhists")}),
    ("ethnicity", {"b": ("blacks", "african americans", "black americans"),
                   "w": ("whites", "white americans", "caucasians"),
                   "a": ("asians", "asian americans"),
                   "h": ("hispanics", "latinos", "hispanic americans")}),
)  # fmt: skip
"""Words that stand for each other: of an axis, the same place for each of its values."""

ADJECTIVES: tuple[Slot, ...] = (
    ("ethnicity", {"b": ("black", "african american"), "w": ("white", "caucasian"),
                   "a": ("asian",), "h": ("hispanic", "latino", "latina")}),
    ("age", {"y": ("young", "younger"), "o": ("old", "older", "elderly")}),
)  # fmt: skip
"""Slots that count only before one of :data:`PEOPLE`."""
