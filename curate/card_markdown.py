"""A data card as Markdown, in the form of a dataset card of the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..workspace.markdown import block, code, table, text
from ..workspace.safe_text import safe_text
from .finding import SEVERITY_ORDER
from .measures.mentions import SIDES
from .measures.shares import percent
from .outcome import RAN

_SHOWN_ASSOCIATIONS = 30
_UNKNOWN = "Unknown: nothing in the data says so."


def card_markdown(card: Mapping[str, Any]) -> str:
    """Write a card.

    Args:
        card: as :func:`.card.card_document` makes it.
    """
    parts = [
        _head(card),
        f"# Dataset card for {text(card['name'])}",
        _summary(card),
        "## Structure",
        *_structure(card),
        "## Statistics",
        *_statistics(card),
        "## Splits",
        *_splits(card),
        "## Quality",
        *_quality(card),
        "## Personal data",
        *_personal(card),
        "## Biases",
        *_biases(card),
        "## Provenance and licences",
        *_provenance(card),
        "## Cleaning",
        *_cleaning(card),
        "## How this card was made",
        *_made(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(card: Mapping[str, Any]) -> str:
    """Write the metadata. Strings are JSON, which YAML reads the same."""
    lines = []
    if card["licences"]:
        lines += _listed("license", card["licences"])
    if card["languages"]["codes"]:
        lines += _listed("language", card["languages"]["codes"])
    lines += _listed("size_categories", [card["size"]])
    lines += _listed("task_categories", [card["task"]])
    lines.append(f"pretty_name: {_quoted(card['name'])}")
    return "\n".join(["---", *lines, "---"])


def _listed(name: str, values: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"- {_quoted(value)}" for value in values)]


def _quoted(value: str) -> str:
    return json.dumps(safe_text(value), ensure_ascii=False)


def _summary(card: Mapping[str, Any]) -> str:
    dataset = card["dataset"]
    files = ", ".join(code(name) for name in dataset["files"])
    aside = dataset["set_aside"]
    unread = f"; {aside:,} more could not be read and are left out" if aside else ""
    return (
        f"{dataset['records']:,} records of kind {code(dataset['kind'])} from {files} "
        f"({text(dataset['format'])}){unread}. {percent(card['quality']['overall'])} of the "
        "records are free of findings of high and medium severity."
    )


def _structure(card: Mapping[str, Any]) -> list[str]:
    detection = card["dataset"]["detection"]
    parts = [f"Each row has the shape {code(detection['shape'])}."]
    if card["fields"]:
        rows = [[text(part), code(name)] for part, name in card["fields"].items()]
        parts.append(table(["part", "field"], rows))
    if card["example"] is None:
        parts.append(
            "No example is shown: none of the first rows is short and without findings, or "
            "personal data were not looked for."
        )
    else:
        parts += ["A row without findings:", block(card["example"], "json")]
    return parts


def _statistics(card: Mapping[str, Any]) -> list[str]:
    length = card["length"]
    parts = [
        f"Lengths in {text(length['unit'])} ({text(length['method'])}): half of the records have "
        f"at most {length['p50']:,}, 95 % at most {length['p95']:,}, the longest {length['max']:,}."
    ]
    for name in ("labels", "groups"):
        if card[name]:
            parts += [f"{name.capitalize()}, the most frequent ones:", _values(card[name], name)]
    parts += [_sentence(message) for message in card["told"]["balance"]]
    return [*parts, _languages(card["languages"])]


def _values(values: Sequence[Mapping[str, Any]], name: str) -> str:
    rows = [[code(item["value"]), f"{item['records']:,}", percent(item["share"])]
            for item in values]  # fmt: skip
    return table([name[:-1], "records", "share"], rows, right=(1, 2))


def _languages(languages: Mapping[str, Any]) -> str:
    measured = ", ".join(
        f"{code(item['language'])} {percent(item['share'])}" for item in languages["shares"][:5]
    )
    by_words = (
        f"In {languages['plain']:,} of a sample of {languages['sample']:,} records script or "
        f"function words leave no doubt about the language: {measured}."
        if measured
        else "Script and function words tell the language of no record in a sample of "
        f"{languages['sample']:,}."
    )
    if languages["stated"]:
        stated = ", ".join(code(name) for name in languages["codes"])
        return f"Languages, as its authors state: {stated}. {by_words}"
    return f"Languages: {by_words}"


def _splits(card: Mapping[str, Any]) -> list[str]:
    split = card["split"]
    if split is None:
        return ["None: the data were not split."]
    rows = [[text(name), f"{count:,}"] for name, count in split["counts"].items()]
    crossing = ", ".join(
        f"{text(name.removesuffix('_across'))} {value}"
        for name, value in split["certificate"].items()
        if name.endswith("_across")
    )
    return [
        table(["part", "records"], rows, right=(1,)),
        f"Pairs that cross parts: {crossing}. Seed {split['seed']}.",
    ]


def _quality(card: Mapping[str, Any]) -> list[str]:
    quality = card["quality"]
    shares = [
        [text(name), "not measured" if share is None else percent(share)]
        for name, share in quality["by_dimension"].items()
    ]
    parts = [
        "Shares of the records without findings of high or medium severity:",
        table(["dimension", "share"], shares, right=(1,)),
    ]
    if card["findings"]:
        order = [severity.value for severity in SEVERITY_ORDER]
        found = sorted(card["findings"], key=lambda item: order.index(item["severity"]))
        rows = [
            [code(item["check"]), text(item["severity"]), f"{item['findings']:,}",
             f"{item['rows']:,}", text(item["title"])]
            for item in found
        ]  # fmt: skip
        parts += ["Findings:", table(["check", "severity", "findings", "rows", "what"], rows,
                                     right=(2, 3))]  # fmt: skip
    else:
        parts.append("No check found anything.")
    return [*parts, *_not_run(card["checks"])]


def _not_run(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    others = [check for check in checks if check["status"] != RAN]
    if not others:
        return []
    rows = [[code(check["check"]), text(check["status"]), text(check["reason"])]
            for check in others]  # fmt: skip
    return ["Checks that said nothing:", table(["check", "status", "why"], rows)]


def _personal(card: Mapping[str, Any]) -> list[str]:
    if not card["personal"]:
        return ["Unknown: personal data were not looked for."]
    rows = [
        [code(check["check"]), text(check["title"]),
         f"{check['rows']:,}" if check["status"] == RAN else text(f"not known: {check['reason']}")]
        for check in card["personal"]
    ]  # fmt: skip
    return [
        "Rows in which patterns and checksums find personal data. What has no pattern, such as a "
        "story that tells who somebody is, they do not find.",
        table(["check", "what", "rows"], rows, right=(2,)),
    ]


def _biases(card: Mapping[str, Any]) -> list[str]:
    bias = card["bias"]
    parts = [
        f"Measured with English word lists, version {bias['terms']}; figures, not verdicts. "
        "Intervals are of 95 %."
    ]
    if bias["mentions"]:
        rows = [
            [text(SIDES[item["side"]]), text(item["dimension"]), text(group["group"]),
             f"{group['records']:,} of {group['of']:,}", percent(group["share"]),
             f"{percent(group['low'])} to {percent(group['high'])}"]
            for item in bias["mentions"]
            for group in item["groups"]
        ]  # fmt: skip
        head = ["side", "dimension", "group", "records", "share", "interval"]
        parts += ["Records that mention a group:", table(head, rows, right=(3, 4, 5))]
    else:
        parts.append("Too few records mention any group to tell shares.")
    parts += _associations(bias["associations"])
    return parts + [_sentence(message) for message in card["told"]["bias"] if "group '" in message]


def _associations(associations: Mapping[str, Any]) -> list[str]:
    tested, told = associations["tested"], associations["told"]
    if not tested:
        return ["No word and group stand in enough records to measure associations."]
    if not told:
        return [f"Of {tested:,} pairs of word and group none is surely associated."]
    rows = [
        [text(item["word"]), text(item["group"]), f"{item['both']:,} of {item['with_group']:,}",
         f"{item['with_word'] - item['both']:,} of {item['total'] - item['with_group']:,}",
         f"{item['npmi']:.2f}", f"{item['low']:.2f} to {item['high']:.2f}"]
        for item in sorted(told, key=lambda item: -item["npmi"])[:_SHOWN_ASSOCIATIONS]
    ]  # fmt: skip
    head = ["word", "group", "with it", "with others", "nPMI", "interval"]
    return [
        f"Associations (normalised pointwise mutual information): {len(told):,} of {tested:,} "
        "pairs of word and group, those that the Benjamini-Hochberg correction at 5 % leaves"
        + (f"; the {_SHOWN_ASSOCIATIONS} strongest:" if len(told) > len(rows) else ":"),
        table(head, rows, right=(2, 3, 4, 5)),
    ]


def _provenance(card: Mapping[str, Any]) -> list[str]:
    provenance = card["provenance"]
    records = provenance["records"]
    parts = []
    for name, missing in (("sources", "without_source"), ("licences", "without_licence")):
        if not provenance[name]:
            parts.append(f"{name.capitalize()}: {_UNKNOWN}")
            continue
        shown = provenance[name][:20]
        rows = [[code(item["value"]), f"{item['records']:,}", _about_licence(item)]
                for item in shown]  # fmt: skip
        more = len(provenance[name]) - len(shown)
        parts += [
            f"{name.capitalize()}, as the rows name them ({provenance[missing]:,} of {records:,} "
            f"name none){f'; {more:,} more are not shown' if more else ''}:",
            table([name[:-1], "records", ""], rows, right=(1,)),
        ]
    told = card["told"]["provenance"]
    return parts + [_sentence(message) for message in told if not message.startswith("no row ")]


def _about_licence(item: Mapping[str, Any]) -> str:
    if "identifier" not in item:
        return ""
    if item["identifier"] is None:
        return "not a known licence"
    return "forbids commercial use" if item["forbids_commerce"] else ""


def _cleaning(card: Mapping[str, Any]) -> list[str]:
    cleaning = card["cleaning"]
    if cleaning is None:
        return ["None: the figures above are of the data as they are."]
    counts = cleaning["counts"]
    parts = [
        "The figures above are of the data before cleaning. It kept "
        f"{counts['kept']:,} of {counts['input']:,} rows, removed {counts['removed']:,}, changed "
        f"{counts['changed']:,} and set {counts['set_aside']:,} aside; the share of records "
        f"without findings of high or medium severity went from "
        f"{percent(cleaning['quality']['before'])} to {percent(cleaning['quality']['after'])}."
    ]
    if cleaning["by_check"]:
        rows = [[code(item["check"]), text(item["action"]), f"{item['rows']:,}"]
                for item in cleaning["by_check"]]  # fmt: skip
        parts.append(table(["check", "action", "rows"], rows, right=(2,)))
    if cleaning["bias"]:
        parts += _bias_change(cleaning["bias"])
    return parts


def _bias_change(bias: Mapping[str, Any]) -> list[str]:
    """Set the shares of mentions before and after cleaning side by side."""
    before, after = (
        {
            (item["side"], item["dimension"], group["group"]): group
            for item in (bias[when] or {}).get("mentions", ())
            for group in item["groups"]
        }
        for when in ("before", "after")
    )
    rows = [
        [text(SIDES[side]), text(group), percent(before[side, dimension, group]["share"]),
         percent(after[side, dimension, group]["share"])]
        for side, dimension, group in before
        if (side, dimension, group) in after
    ]  # fmt: skip
    if not rows:
        return []
    return [
        "Mentions of groups before and after:",
        table(["side", "group", "before", "after"], rows, right=(2, 3)),
    ]


def _made(card: Mapping[str, Any]) -> list[str]:
    made = card["made"]
    versions = ", ".join(f"{text(name)} {text(version)}" for name, version in
                         made["versions"].items())  # fmt: skip
    lines = [
        f"- audit {code(made['audit'])}, {text(made['finished'][:10])}",
        f"- SHA-256 of the source: `{made['source_sha256']}`",
        f"- versions: {versions}",
    ]
    if made["git_commit"]:
        lines.append(f"- commit of the workspace: {code(made['git_commit'])}")
    return [
        "Written by `tunewise card`; every figure is computed from the data, and what is not known "
        "is said to be unknown.",
        block(made["commands"], "sh"),
        "\n".join(lines),
    ]


def _sentence(message: str) -> str:
    return text(message[:1].upper() + message[1:]) + "."
