"""How an assistant refuses, and how it speaks of itself as a machine.

Both text/refusal and text/boilerplate judge by it: the one reports answers that give nothing, the
other the disclaimers of those that do.
"""

from __future__ import annotations

import re

import polars as pl

from .prefilter import contains_one_of

_CANNOT = (
    r"(?:can ?not|can['’]?t|could not|couldn['’]t|"
    r"(?: a|['’])m (?:unable|not (?:able|allowed|permitted|in a position))|won['’]t|will not|"
    r"must decline|"
    r"(?:do not|don['’]t) (?:feel comfortable|have (?:the )?(?:ability|capability|permission)))"
)
_SERVICE = (
    r"(?:assist|help(?! but| it| if| when| yourself)|fulfil+|comply|answer|provide|generate|create|"
    r"write|discuss|engage|complete|process|perform|do (?:that|this|so)|support|access|browse|"
    r"offer|give|tell|show|share|make|book|order|send|translate|satisfy|continue|respond|proceed|"
    r"advise|recommend|comment|go on|say(?! that| I)|speak (?:about|on|to)|open|view|watch|listen|"
    r"play|download|upload|run|execute|check|verify|predict|diagnose|prescribe|reveal|disclose|"
    r"entertain|endorse|promote|condone|encourage|speculate|draw|draft|compose|produce|cover)"
)
# What a request would offend, and how else than by "I cannot" that is said.
_RULES = r"(?:guidelines?|polic(?:y|ies)|principles?|programming|values|terms|standards|rules)"
_GOES_AGAINST = (
    r"(?:goes|is|(?<=that)['’]s|(?<=this)['’]s|(?<=it)['’]s|are|would (?:go|be)|violates?|"
    r"would violate|conflicts? with)"
)
_AGAINST = (
    rf"{_GOES_AGAINST}[^.!?\n]{{0,30}}?\b(?:my|our|the|openai['’]s|ethical|safety|content|usage|"
    rf"community)\b[^.!?\n]{{0,30}}?\b{_RULES}\b"
)
_AGAINST_MINE = rf"{_GOES_AGAINST} [^.!?\n]{{0,20}}?\bmy {_RULES}\b"
_UNWILLING = (
    r"I(?:['’]d| would)? (?:do not|don['’]t|would not|wouldn['’]t) feel (?:comfortable|right) "
    r"(?:(?:with |about )?\w+ing|(?:with|about) (?:this|that|your|such an?) "
    r"(?:request|question|topic|subject|task|prompt)s?\b)"
    r"|I(?:['’]d| would) (?:rather not|prefer (?:to not|not to))"
    r"|I(?:['’]m| am)(?: really| simply| just)? not (?:going to|comfortable)"
    r"|I(?: a|['’])m (?:designed|programmed|trained|instructed|built) not to"
    r"|I (?:was|have been) (?:designed|programmed|trained|instructed|built) not to"
    r"|I (?:currently )?(?:do not|don['’]t) have (?:any |direct |real-time )?access to "
    r"(?:your|the|real|current|live|external|private|personal)\b"
    r"|I(?: must| (?:will )?have to| need to|(?: would|['’]d) like to| respectfully) "
    r"(?:respectfully )?(?:decline|refuse|refrain)"
    r"(?! \w+ (?:kind )?(?:offer|invitation|job|position|proposal))"
    r"|I refuse to"
    r"|(?:this|that|it) (?:is not|isn['’]t|is nothing) (?:something|a topic|a request) (?:that )?"
    r"I(?:['’]m| am)? (?:can|able|allowed|comfortable|willing)"
    r"|(?:this|that|it)(?: is|['’]s) (?:something|a topic|a request) (?:that )?I"
    r"(?: can ?not| can['’]?t|(?: a|['’])m (?:unable|not able|not allowed|not comfortable)) "
    rf"(?:{_SERVICE}\b|do\b|talk about)"
    r"|(?:this|that|it|(?:this|that|your) request|what you ask)(?: is|['’]s| goes| falls| lies) "
    r"(?:far |well )?(?:beyond|outside)(?: of)? (?:the (?:scope|limits|bounds) of )?"
    r"(?:what I(?: can|['’]m| am)|my (?:abilit|capabilit|remit|scope))"
    r"|[^.!?\n]{3,60} (?:is|are) (?:not )?something (?:that )?I (?:won['’]t|will not|refuse to|"
    rf"(?:can ?not|can['’]?t|can) (?:do\b|{_SERVICE}\b))"
)
_IMPROPER = (
    r"it(?: isn['’]t possible|(?:['’]s| is| would be| would)(?: highly| very)? (?:not (?:be )?"
    r"(?:appropriate|ethical|right|responsible|possible)|impossible|inappropriate|unethical|"
    r"irresponsible|illegal|wrong)(?: and [a-z]+)?) for me to"
    r"|(?:writing|answering|discussing|providing|creating|sharing|doing|saying|giving) "
    r"(?:this|that|it|such [a-z]+) (?:would|might) (?:be (?:highly |very )?(?:inappropriate|"
    r"unethical|irresponsible|wrong)|not be (?:right|appropriate|ethical|responsible)|"
    r"(?:go against|break|violate) (?:(?:my|our) [a-z]+|(?:the )?[a-z]+ (?:that )?I (?:follow|"
    r"have|am)))\b"
)
_SORRY = (
    r"(?:(?:i['’]m|i am|we['’]re|we are)?\s*(?:really |very |so |truly )?sorry|"
    r"(?:i['’]m|i am) afraid|i regret|apologies|"
    r"my apologies|i apologi[sz]e|unfortunately|regrettably)"
)
_MACHINE = (
    r"(?:ai|a\.i\.|artificial intelligence|large language model|language model|machine learning "
    r"model|chatbot|virtual assistant|digital assistant)\b"
)
_AS_AI = (
    r"(?:(?:as|i am|i['’]m|since i am|since i['’]m|because i am|being)\s+"
    rf"(?:just |only |merely )?(?:an?|your)\s+{_MACHINE}"
    r"|as a (?:machine|computer(?: program)?|bot|robot), (?=I\b))"
)
_LACKS = (
    r"(?:can ?not|can['’]?t|unable|not able|do(?:es)? not have|don['’]t have|not capable|"
    r"not allowed|do not possess|don['’]t possess|beyond my|have no (?:way|means|access|ability|"
    r"knowledge|opinions?|feelings|preferences)|lack)"
)
# The same in other languages: an apology with "cannot", or "as a machine" with a lack.
_SORRY_ELSEWHERE = (
    r"es tut mir leid[^.!?\n]{0,40}\bich kann\b[^.!?\n]{0,80}\b(?:nicht|keine?n?)\b"
    r"|(?:je suis )?désolée?[^.!?\n]{0,40}\bje ne (?:peux|puis|suis) pas\b"
    r"|(?:lo siento|disculp[ae])[^.!?\n]{0,40}\bno (?:puedo|me es posible|estoy en condiciones)\b"
    r"|mi dispiace[^.!?\n]{0,40}\bnon (?:posso|sono in grado)\b"
    r"|(?:desculpe|sinto muito|lamento)[^.!?\n]{0,40}\bnão (?:posso|consigo)\b"
    r"|het spijt me[^.!?\n]{0,40}\bik kan\b[^.!?\n]{0,80}\b(?:niet|geen)\b"
    r"|(?:извините|к сожалению)[^.!?\n]{0,30}\bя не (?:могу|в состоянии)\b"
    r"|(?:非常|很)?(?:抱歉|对不起)[^。！？\n]{0,30}(?:无法|不能|没有办法)"
    r"|申し訳(?:ありません|ございません)[^。！？\n]{0,40}(?:できません|できかねます)"
)
_AS_AI_ELSEWHERE = (
    r"als (?:eine? )?(?:ki|künstliche intelligenz|sprachmodell|ki-sprachmodell|ki-modell)\b"
    r"|en tant qu(?:e |['’]) ?(?:une? )?(?:ia|intelligence artificielle|modèle de langage)\b"
    r"|como (?:un |uma? |una )?(?:ia|inteligencia artificial|inteligência artificial|"
    r"modelo de (?:lenguaje|linguagem|língua))\b"
    r"|come (?:un['’ ]?)?(?:ia|intelligenza artificiale|modello linguistico)\b"
    r"|als (?:een )?(?:ai|taalmodel|ai-taalmodel)\b"
    r"|как (?:языковая модель|ии|искусственный интеллект)\b"
    r"|作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型)"
    r"|ai(?:言語モデル|アシスタント)?として"
)
_LACKS_ELSEWHERE = (
    r"(?:\b(?:nicht|keine?n?|ne (?:peux|puis|dispose|possède) pas|n['’]ai pas|no (?:puedo|tengo)|"
    r"não (?:posso|tenho|consigo)|non (?:posso|ho)|niet|geen|не (?:могу|имею))\b|"
    r"无法|不能|没有|できません|ありません|持っていません)"
)
_START = (
    r"\A[\s\"“*]*(?:(?:no can do|nope|well|oh|hmm|please (?:understand|note|be aware) that|"
    r"thank(?:s| you) for [^.!?\n]{1,40}[,.!] (?:but|however),?)[,.:;!]?\s+)?"
)
_REFUSAL = re.compile(
    rf"(?P<sorry>{_START}{_SORRY}[,.!]?[^.!?\n]{{0,90}}?\bI\s?{_CANNOT}\b[^.!?\n]{{0,60}}?"
    rf"\b{_SERVICE}\b)"
    rf"|(?P<against>{_START}(?:{_SORRY}[^.!?\n]{{0,140}}?{_AGAINST}|"
    rf"[^.!?\n]{{0,100}}?\b{_AGAINST_MINE}))"
    rf"|(?P<unwilling>{_START}(?:(?:{_SORRY}|I(?: a|['’])m afraid)[,.!]?[^.!?\n]{{0,40}}?)?"
    rf"(?:{_UNWILLING}))"
    rf"|(?P<improper>{_START}(?:{_SORRY}[,.!]?[^.!?\n]{{0,40}}?)?(?:{_IMPROPER}))"
    rf"|(?P<plain>{_START}I\s?(?!could){_CANNOT}\s+(?:be able to |to )?{_SERVICE}\b)"
    rf"|(?P<sorry_elsewhere>{_START}(?:{_SORRY_ELSEWHERE}))"
    rf"|(?P<machine>\A[^.!?\n]{{0,120}}?\b{_AS_AI}[^.!?\n]{{0,160}}?\b{_LACKS}\b)"
    rf"|(?P<because>\A[^.!?\n]{{0,120}}?\b{_LACKS}\b[^.!?\n]{{0,120}}?\b{_AS_AI})"
    rf"|(?P<machine_elsewhere>\A[^.!?。！？\n]{{0,80}}?(?:{_AS_AI_ELSEWHERE})[^.!?。！？\n]{{0,120}}?"
    rf"{_LACKS_ELSEWHERE})",
    re.IGNORECASE,
)
_AS_MACHINE = {"machine", "because", "machine_elsewhere"}
# What follows a disclaimer of a machine where it answers all the same, and not only offers to.
_ANSWERS = re.compile(
    r"[^.!?\n]{0,120}?[,;]? (?:but|however|though|yet),? (?!(?:if|please|feel|let)\b|I(?:['’]m| am|"
    r"['’]d| would| can (?:certainly |still |try to |definitely )?(?:help|assist|try|do)"
    r"| can [^.!?\n]*[.!?]?\s*\Z))",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+|[\u3040-\u9fff]")
_LOOKED_AT = 400

LEAST_HELP = 40
"""Words after "as an AI, I do not …" that make an answer of it; fewer are a regret or an offer."""

_LESS_AFTER_BUT = 3

# Words of which every refusal and every disclaimer has one.
_TELLING = (
    r"(?-u:\b)I ?[cC](?:an ?not|an['’]?t|ould ?n[o'’]t)",
    r"(?-u:\b)I(?: a|['’])m (?:un|not|afraid)",
    r"(?-u:\b)I (?:wo(?:n['’]t|uld)|will |must |do(?: not|n['’]t)|refuse|have to|need to|respect)",
    r"(?-u:\b)I(?:['’]d| would) (?:rather|prefer|like to)",
    r"(?-u:\b)I(?: a|['’])m (?:really|simply|just) not",
    r"(?:designed|programmed|trained|instructed|built) not to",
    "I regret",
    "I currently do",
    r"(?-u:\b)(?:guidelines?|polic(?:y|ies)|principles|programming|rules)(?-u:\b)",
    r"(?i)(?:this|that|it|such [a-z]+) (?:would|might) (?:be |not be |go |break |violate )",
    r"(?i)(?:beyond|outside)(?: of)? (?:what I|my |the )",
    r"(?-u:\b)[aA]s a (?:machine|computer|bot|robot)",
    r"(?i) for me to ",
    r"(?i)(?:something|topic|request) (?:that )?I",
    r"(?-u:\b)A\.?I(?-u:\b)",
    r"(?i)language model",
    r"(?i)chatbot",
    r"(?i)(?:virtual|digital) assistant",
    r"(?i)artificial intelligence",
    "(?i)tut mir leid",
    "(?i)désolé",
    "(?i)lo siento",
    "(?i)disculp",
    "(?i)dispiace",
    "(?i)desculpe",
    "(?i)sinto muito",
    "(?i)lamento",
    "(?i)spijt me",
    "(?i)извините",
    "(?i)к сожалению",
    "抱歉|对不起|人工智能|语言模型",
    "申し訳|として",
    r"(?i)(?-u:\b)als (?:eine? )?(?:ki(?-u:\b)|künstl|sprach|een |ai|taal)",
    "(?i)en tant qu",
    "(?i)intelig[eê]ncia|intelligenza|modelo de l|linguistico",
    "(?i)языковая| ии |искусственн",
)


def may_refuse(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers that can be refusals, by the words at their beginning."""
    beginning = answers.with_columns(beginning=pl.col("content").str.head(_LOOKED_AT))
    return beginning.filter(contains_one_of(*_TELLING, text=pl.col("beginning"))).drop("beginning")


def find_refusal(text: str, least_help: int = LEAST_HELP) -> re.Match[str] | None:
    """Return how an answer refuses; None where it does not, or goes on to answer all the same.

    Args:
        text: an answer.
        least_help: number of words after "as a language model, I do not …" that make it the
            disclaimer of an answer.
    """
    match = _REFUSAL.match(text[:_LOOKED_AT])
    if match is None:
        return None
    if match.lastgroup in _AS_MACHINE:
        goes_on = _ANSWERS.match(text, match.end())
        least = least_help // _LESS_AFTER_BUT if goes_on else least_help
        if len(_WORD.findall(text, match.end())) >= least:
            return None
    return match


def speaks_as_machine(match: re.Match[str]) -> bool:
    """Tell whether a refusal gives as its reason that a machine speaks."""
    return match.lastgroup in _AS_MACHINE
