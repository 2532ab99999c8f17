r"""Marks of chat templates within messages: control tokens, headings of roles, the next turn.

Control tokens such as ``<|im_end|>``, ``[/INST]`` and ``</s>`` are what a template puts between
turns. In a message they come from data that was rendered before or copied from a log; the tokenizer
makes the very tokens of them, so that an answer ends where it should not, or a role changes. So do
headings of prompt formats (``### Response:``), and an answer that goes on to write the user's next
turn (``\nUser: …``), unless the conversation is about a dialogue.

Evidence: ``start`` and ``end`` hold the mark; of turns, the first line of the user's in the answer.

Fix: the repair takes control tokens out. Headings and turns need somebody to look (``review``):
what follows them may have to go too.

Limits: rows that are about chat templates hold such marks by right; code is left out, but not every
such row has its marks in code. Tokens of other families than those of common chat models are not
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .joined_hits import joined
from .prefilter import contains_one_of
from .spans import Hit, code_blocks, inside, search_texts

_TOKEN = (
    r"<\|(?:im_start|im_end|endoftext|startoftext|begin_of_text|end_of_text|eot_id|eom_id|"
    r"start_header_id|end_header_id|system|user|assistant|end|endofprompt|return|call|channel|"
    r"message|start|python_tag|fim_\w{3,8}|END_OF_TURN_TOKEN|START_OF_TURN_TOKEN|\w{4,9}_TOKEN)\|>"
    r"|<｜[\w▁]{3,24}｜>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|<(?:bos|eos)>|</?s>"
    r"|<\|?/?(?:extra_id_\d+|pad)\|?>"
)
_ROLE_AFTER = r"(?:(?<=im_start\|>)|(?<=_header_id\|>))(?:system|user|assistant)\b\n?"
_HEADING = r"^#{2,3} ?(?:Instruction|Response|Input|Output|Human|Assistant|User|System): ?$"
_MARK = re.compile(
    rf"(?P<token>(?:{_TOKEN})(?:{_ROLE_AFTER})?)|(?P<heading>{_HEADING})", re.MULTILINE
)
# The heading stands alone on its line, or the text follows it there.
_HEADING_WITH_TEXT = re.compile(
    r"^#{2,3} ?(?:Instruction|Response|Human|Assistant): ?\S", re.MULTILINE
)
_STRIKE = re.compile(r"<s>[^<>\n]{1,200}</s>")
_TURN = re.compile(r"(?<=\n)(?:Human|User|USER|HUMAN|<human>): ?\S[^\n]*")
_OWN_TURN = re.compile(r"^(?:Assistant|ASSISTANT|AI|Bot|GPT): ?\S", re.MULTILINE)
_ABOUT_DIALOGUES = (
    r"(?i)dialog|conversation|script|chat|interview|role-?play|screenplay|debate|"
    r"q ?& ?a|q and a|questions? and answers?|faq|quiz|flash ?card|trivia|exchange between|"
    r"riddle|multiple.choice"
)
_MAY_HOLD = contains_one_of(r"<\|", r"<｜", "INST]", "SYS>>", "_of_turn>", "<[be]os>", "</?s>",
                            "(?m)^#{2,3} ?[IROHAUS]", "extra_id_", "<pad>")  # fmt: skip
_MAY_GO_ON = contains_one_of("\nHuman:", "\nUser:", "\nUSER:", "\nHUMAN:", "\n<human>:")


def _marks(text: str) -> Iterator[Hit]:
    code = code_blocks(text)
    struck = [match.span() for match in _STRIKE.finditer(text)]
    for match in _MARK.finditer(text):
        if inside(match.start(), code) or inside(match.start(), struck):
            continue
        if match["token"]:
            name = match["token"].partition(">")[0] + ">" if "<" in match[0] else match[0]
            yield Hit(f"the control token {name}", *match.span(), related="")
        else:
            yield Hit("a heading of a prompt format", *match.span(), fix=Fix.REVIEW)
    for match in _HEADING_WITH_TEXT.finditer(text):
        if not inside(match.start(), code):
            message = "a heading of a prompt format"
            yield Hit(message, match.start(), match.end() - 1, fix=Fix.REVIEW)


def _next_turn(text: str) -> Iterator[Hit]:
    match = _TURN.search(text)
    if match is None or inside(match.start(), code_blocks(text)):
        return
    # A text that begins with a turn is a dialogue from its beginning on.
    if _TURN.match("\n" + text, 1) or len(_TURN.findall(text)) > 1 + len(_OWN_TURN.findall(text)):
        return
    yield Hit("the answer goes on with the user's next turn", *match.span(), fix=Fix.REVIEW,
              severity=Severity.LOW)  # fmt: skip


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    most = context.parameter(check, "most_findings")

    def search(text: str) -> Sequence[Hit]:
        return joined(text, list(_marks(text)), most)

    marks = search_texts(context.messages, search, where=_MAY_HOLD)
    answers = context.answers.filter(_MAY_GO_ON)
    about = context.messages.filter(
        pl.col("row").is_in(answers["row"].implode()),
        pl.col("role") != "assistant",
        pl.col("content").str.contains(_ABOUT_DIALOGUES),
    )
    turns = search_texts(
        answers.join(about.select("row"), on="row", how="anti", maintain_order="left"),
        _next_turn,
        where=pl.lit(True),
    )
    return pl.concat([marks, turns]).sort("row", maintain_order=True)


CHECK = RowCheck(
    name="text/chat-markers",
    title="marks of chat templates within messages",
    severity=Severity.MEDIUM,
    fix=Fix.REPAIR,
    find=_find,
    parameters={"most_findings": Parameter(20, "of a message; more are shown and repaired as one")},
)
