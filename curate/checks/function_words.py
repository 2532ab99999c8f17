"""Small words that tell a language at a glance: articles, prepositions, pronouns and the like.

The lists leave out what English writes the same ("in", "die", "to") and plain single letters, so
that English prose does not look like another language. A script that one language writes tells it
too.
"""

from __future__ import annotations

import polars as pl

FUNCTION_WORDS: dict[str, tuple[str, ...]] = {
    language: tuple(words.split())
    for language, words in {
        "en": "the and are that with what how you this from which your would should could write "
        "about give these there their they when where who why because while through have has been "
        "were more than its our some used many most people does create following generate explain "
        "describe provide identify classify suggest sentence using rewrite between words each one",
        "de": "der und ist nicht ein eine mit für auf dem wie ich sie zu auch werden wird einen "
        "oder bei sich einer nach wir kann zum zur aus vom sind noch nur aber wenn dann sehr "
        "mehr ihr ihre mein dein kein keine über unter durch",
        "fr": "les est une dans avec qui vous nous cette être aux mais pas sont ou leur ses "
        "quel sur le la du des et en au ce il elle je ne que sans sous très votre notre chez "
        "avant après quand puis",
        "es": "el los las una con del que está más pero este esta cómo muy también ser puede la "
        "lo de en por al se su sus sobre cuando donde hasta desde entre porque antes después "
        "todo todos",
        "it": "il gli che è una della di sono più questo questa nel alla anche può delle dei "
        "essere lo le uno degli nella ed ma poi prima dopo senza quando dove perché ogni "
        "tutto tutti molto al dal sul si ci",
        "pt": "os um uma não com em são mais você isso pelo pela ao ser também dos das da na "
        "nas nos é que se sem sobre quando onde até desde entre porque antes depois num numa "
        "muito seu sua",
        "nl": "het een niet voor zijn dat deze ook wordt naar bij aan maar hij wij kunt heeft "
        "geen de en ik je ze op te uit om dan als er nog wel door onder zonder wanneer uw",
        "sv": "och att är för inte på av jag ett har från en som det med till kan om eller när "
        "var vi du så sig utan över mycket ska",
        "da": "og ikke på af jeg et har fra hvor bliver skal en er det som med kan om eller når "
        "var vi du så sig uden meget",
        "pl": "nie się na jest jak oraz są przez czy który dla od po za że ale już tylko może "
        "tego tak gdy lub przed",
        "cs": "je na že jako jsou nebo které není při jeho ale se pro od po tak když jen už "
        "bude před",
        "tr": "ve bir bu için olarak daha çok gibi kadar sonra değil ile ama en da de ne önce olan",
        "id": "yang dan dengan untuk dari ini itu adalah tidak pada dalam akan atau oleh di ke "
        "juga saya anda bisa ada",
        "vi": "và của các trong cho được những với không để người này khi đã là có một thì từ "
        "tôi bạn",
        "ro": "și în este pe nu din pentru sunt această de la cu un mai dar sau ce când fără",
        "hu": "az és hogy nem egy ez van volt csak vagy azt de meg már még nagyon",
        "fi": "ja ei että hän ovat mutta tai kun niin myös joka ole se oli kuin vain jos sitten",
        "ru": "и в не на что по как это для от из так же или но его бы был с у к за до при если "
        "когда только уже вы мы он она",
        "uk": "і не що з та як це для від до або але його також які в на у за при якщо коли "
        "тільки ви ми він вона",
    }.items()
}

# Scripts that one language alone writes, or one above all.
_SCRIPTS = {
    "ja": r"[\u3040-\u30ff]",
    "ko": r"[\uac00-\ud7af]",
    "zh": r"[\u4e00-\u9fff]",
    "th": r"[\u0e00-\u0e7f]",
    "el": r"[\u0370-\u03ff]",
    "he": r"[\u0590-\u05ff]",
}
_LEAST_SCRIPT_SHARE, _LEAST_KANA_SHARE = 0.5, 0.1
_PLAIN, _TIMES_OTHERS = 2, 2


def count_function_words(text: pl.Expr, language: str) -> pl.Expr:
    """Return how many function words of a language stand in a text.

    Args:
        text: in small letters, words parted and surrounded by two blanks.
        language: one of :data:`FUNCTION_WORDS`.
    """
    return text.str.count_matches(f" (?:{'|'.join(FUNCTION_WORDS[language])}) ")


def spaced_words(text: pl.Expr) -> pl.Expr:
    """Return a text in small letters, words parted and surrounded by two blanks, nothing else.

    An apostrophe parts no words: "I've" is not the Turkish word for "and".
    """
    letters = text.str.to_lowercase().str.replace_all("['’]", "")
    words = letters.str.replace_all(r"[^\p{L}\p{M}]+", "  ")
    return pl.concat_str(pl.lit("  "), words, pl.lit("  "))


def count_english_words(text: pl.Expr) -> pl.Expr:
    """Return how many English function words stand in a text, as it is."""
    words = "|".join(FUNCTION_WORDS["en"])
    return text.str.count_matches(rf"(?i)(?-u:\b)(?:{words})(?-u:\b)")


def plain_languages(texts: pl.Series) -> pl.Series:
    """Return the language of each text whose script or function words leave no doubt, else null."""
    text, words = pl.col("text"), pl.col("words")
    counts = pl.concat_list(count_function_words(words, language) for language in FUNCTION_WORDS)
    ranked = counts.list.sort(descending=True)
    first, second = ranked.list.get(0), ranked.list.get(1)
    names = pl.lit(pl.Series(list(FUNCTION_WORDS)))
    of_words = pl.when((first >= _PLAIN) & (first >= _TIMES_OTHERS * second)).then(
        names.gather(counts.list.arg_max())
    )
    return (
        pl.DataFrame({"text": texts})
        .with_columns(words=spaced_words(text))
        .select(language=pl.coalesce(_of_script(text), of_words))
        .to_series()
    )


def _of_script(text: pl.Expr) -> pl.Expr:
    other = pl.when(text.str.len_bytes() > text.str.len_chars()).then(text)
    shares = {
        name: other.str.count_matches(script) / text.str.len_chars()
        for name, script in _SCRIPTS.items()
    }
    kana = pl.when(shares.pop("ja") >= _LEAST_KANA_SHARE).then(pl.lit("ja"))
    return pl.coalesce(
        kana,
        *(
            pl.when(share >= _LEAST_SCRIPT_SHARE).then(pl.lit(name))
            for name, share in shares.items()
        ),
    )
