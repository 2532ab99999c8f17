"""Answers in another language than the question, and conversations where that is right."""

from __future__ import annotations

import re
from random import Random

from .planting import CONVERSATIONS, Host, Planted, defect, look_alike
from .wording import Place, asked_places, last_answer, put, set_text

_COMMON_ENGLISH = frozenset(
    {
        "a",
        "an",
        "and",
        "are",
        "as",
        "be",
        "by",
        "for",
        "from",
        "give",
        "have",
        "how",
        "in",
        "is",
        "it",
        "name",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "what",
        "which",
        "with",
        "write",
    }
)
_NEEDS = "a question in English of eight words, with an answer"

_FOREIGN = {
    "German": (
        "Zuerst sollte man das Wasser zum Kochen bringen und dann die Nudeln hineingeben. Nach "
        "zehn Minuten sind sie fertig.",
        "Die meisten Vögel fliegen im Herbst nach Süden, weil sie dort im Winter mehr Nahrung "
        "finden.",
    ),
    "French": (
        "Il faut d'abord ouvrir la fenêtre, puis attendre que la pièce soit bien aérée avant de "
        "peindre les murs.",
        "La plupart des gens pensent que ce fleuve est le plus long du pays, mais ce n'est pas "
        "vrai.",
    ),
    "Spanish": (
        "Lo mejor es empezar por la mañana, cuando todavía no hace calor, y descansar un poco "
        "después de comer.",
        "Muchos de los barcos que llegaron aquel año traían azúcar, café y noticias del otro lado.",
    ),
    "Italian": (
        "Bisogna prima tagliare le verdure a pezzi piccoli e poi cuocerle a fuoco lento per "
        "mezz'ora.",
        "Questa città è famosa per i suoi ponti antichi e per il mercato che si tiene ogni "
        "giovedì.",
    ),
    "Portuguese": (
        "É preciso guardar as sementes num lugar seco durante o inverno e plantá-las quando a "
        "terra estiver quente.",
        "Os moradores da aldeia costumavam reunir-se à noite para contar histórias antigas.",
    ),
    "Dutch": (
        "Je kunt het beste eerst de banden oppompen en daarna de ketting schoonmaken met een doek.",
        "De meeste mensen in dit dorp gaan op de fiets naar hun werk, ook als het regent.",
    ),
    "Polish": (
        "Najpierw trzeba dokładnie umyć ręce, a potem pokroić chleb na cienkie kromki i "
        "posmarować masłem.",
    ),
    "Russian": (
        "Сначала нужно прочитать весь текст, а потом выписать незнакомые слова и найти их в "
        "словаре.",
    ),
    "Turkish": (
        "Önce suyu kaynatın, sonra çayı ekleyin ve on dakika bekleyin, çünkü acele edilirse tadı "
        "kötü olur.",
    ),
    "Chinese": (
        "首先把水烧开，然后放入面条，煮大约十分钟，最后加入蔬菜和调料，就可以吃了。大家都很喜欢这"
        "道菜。",
    ),
    "Japanese": (
        "まずお湯を沸かして、それから麺を入れて十分ほど茹でてください。最後に野菜と調味料を加えま"
        "す。",
    ),
    "Arabic": (
        "يجب أولا قراءة النص كله ثم كتابة الكلمات الجديدة والبحث عنها في القاموس قبل الترجمة.",
    ),
}
_TALK = (
    (
        "¿Cuál es la mejor época del año para visitar las montañas del norte con niños pequeños?",
        "La mejor época es el principio del otoño, cuando los días son todavía largos y no llueve.",
    ),
    (
        "Wie lange muss ein Brotteig gehen, bevor man ihn in den Ofen schieben kann?",
        "Ein einfacher Teig braucht etwa zwei Stunden an einem warmen Ort, bevor er in den Ofen "
        "kann.",
    ),
    (
        "Pourquoi les feuilles des arbres changent-elles de couleur à la fin de l'été ?",
        "Parce que l'arbre retire la chlorophylle de ses feuilles, et que les autres couleurs "
        "restent.",
    ),
    (
        "Waarom is de lucht overdag blauw en bij zonsondergang rood of oranje gekleurd?",
        "Omdat blauw licht sterker verstrooid wordt dan rood licht wanneer het door de lucht gaat.",
    ),
)
_ASKED_FOR = (
    (
        "Translate into German: The meeting begins at nine and ends at noon.",
        "Die Besprechung beginnt um neun Uhr und endet am Mittag, wie in der Einladung steht.",
    ),
    (
        "How do you say in French that you are tired and want to go home now?",
        "Je suis très fatigué et je voudrais rentrer à la maison maintenant, s'il vous plaît.",
    ),
    (
        "Write two sentences about the sea, but in Spanish please, for my class.",
        "El mar estaba tranquilo aquella mañana. Los pescadores volvían con las redes llenas de "
        "peces.",
    ),
    (
        "Please reply in Italian: what do you eat in the morning before work?",
        "La mattina mangio un po' di pane con la marmellata e bevo un caffè prima di andare al "
        "lavoro.",
    ),
)


_OF_LANGUAGES = re.compile(
    r"translat|languag|french|spanish|german|italian|portug|dutch|polish|russian|turkish|chinese|"
    r"japanese|arabic|latin|greek|hindi|korean",
    re.IGNORECASE,
)


def _english_question(host: Host) -> Place | None:
    """Return the last question, if it is in English by its most usual words."""
    places = asked_places(host.record, 8)
    if not places or not places[-1].text.isascii():
        return None
    # Whoever speaks of languages may want the answer in another one.
    if any(_OF_LANGUAGES.search(place.text) for place in places):
        return None
    words = places[-1].text.lower().split()
    common = sum(word in _COMMON_ENGLISH for word in words)
    return places[-1] if common >= max(2, len(words) / 6) else None


@defect(
    "text/language", needs=_NEEDS, kinds=CONVERSATIONS, allows=("text/truncated", "text/length")
)
def answer_in_another_language(host: Host, random: Random) -> Planted | None:
    """An answer in one of twelve languages to a question in English."""
    place = last_answer(host.record, 1)
    if place is None or _english_question(host) is None:
        return None
    language = random.choice(list(_FOREIGN))
    return put(host, place, "", random.choice(_FOREIGN[language]))


def _say(host: Host, asked: str, answered: str) -> Planted | None:
    questions, place = asked_places(host.record, 1), last_answer(host.record, 1)
    if not questions or place is None or len(host.record.messages) > 3:
        return None
    set_text(host.record, questions[-1], asked)
    set_text(host.record, place, answered)
    return Planted(line=host.record, value=f"{asked} {answered}")


@look_alike("text/language", needs="one question with its answer", kinds=CONVERSATIONS,
            allows=("duplicates", "labels", "provenance", "text/length"))  # fmt: skip
def talk_in_another_language(host: Host, random: Random) -> Planted | None:
    """Question and answer in the same language, which is not English."""
    asked, answered = random.choice(_TALK)
    return _say(host, asked, answered)


@look_alike("text/language", needs="one question with its answer", kinds=CONVERSATIONS,
            allows=("duplicates", "labels", "provenance", "text/length"))  # fmt: skip
def language_that_was_asked_for(host: Host, random: Random) -> Planted | None:
    """A translation, or an answer in the language that the question wants."""
    asked, answered = random.choice(_ASKED_FOR)
    return _say(host, asked, answered)


@look_alike(
    "text/language", needs=_NEEDS, kinds=CONVERSATIONS, allows=("text/truncated", "text/length")
)
def words_of_another_language(host: Host, random: Random) -> Planted | None:
    """An answer with a name, a title or a saying of another language in it."""
    place = last_answer(host.record, 12)
    if place is None or _english_question(host) is None:
        return None
    said = random.choice(
        (
            "The French call it joie de vivre.",
            "Its title is Die Leiden des jungen Werthers.",
            "She ordered a café con leche and huevos rancheros.",
            "The motto reads per aspera ad astra.",
            "He was born in São José dos Campos, near São Paulo.",
        )
    )
    return put(host, place, f"{place.text} ", said)
