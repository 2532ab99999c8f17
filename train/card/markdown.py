"""A model card as Markdown, in the form of a model card of the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...workspace.markdown import block, code, table, text
from ...workspace.safe_text import safe_text
from ..rows.tasks import HEAD

_UNKNOWN = "not known: nothing that this model was made from says so"
_LOSSES = {"train": "training rows", "val": "validation rows", "general": "general rows"}
_MOST_LICENCES = 10


def model_card(facts: Mapping[str, Any]) -> str:
    """Write a card.

    Args:
        facts: as :func:`.facts.card_facts` gathers them.
    """
    base, data = facts["base"], facts["data"]
    named = code(data["source"]["name"]) if data["source"] else "data"
    parts = [
        _head(facts),
        f"# {text(base['name'])}, tuned on {named}",
        _summary(facts),
        "## Use",
        *_use(facts),
        "## Base",
        _base(base),
        "## Data",
        *_data(data),
        "## Licences",
        *_licences(facts),
        "## Training",
        *_training(facts),
        "## Evaluation",
        *_evaluation(facts["evaluation"], facts["run"]),
        "## Limits",
        *_limits(facts),
        "## Where it comes from",
        *_origin(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(facts: Mapping[str, Any]) -> str:
    """Write the metadata. Strings are JSON, which YAML reads the same.

    A licence is left to whoever publishes the model: it follows from those of base and data.
    """
    adapter = facts["kind"] == "adapter"
    lines = [f"library_name: {'peft' if adapter else 'transformers'}"]
    if facts["base"]["hub"]:
        relation = "adapter" if adapter else "finetune"
        lines += [
            f"base_model: {_quoted(facts['base']['hub'])}",
            f"base_model_relation: {relation}",
        ]
    pipeline = "text-classification" if facts["task"] == HEAD else "text-generation"
    lines += [f"pipeline_tag: {pipeline}", "tags:", "- tunewise"]
    if facts["method"]:
        lines.append(f"- {_quoted(facts['method'])}")
    return "\n".join(["---", *lines, "---"])


def _quoted(value: object) -> str:
    return json.dumps(safe_text(str(value)), ensure_ascii=False)


def _summary(facts: Mapping[str, Any]) -> str:
    what = {"adapter": "An adapter for", "model": "A tuned form of"}[facts["kind"]]
    training, rows = facts["training"], facts["training"]["rows"]["train"]
    return (
        f"{what} {code(facts['base']['name'])}, made by tunewise with the method "
        f"{code(facts['method'])}: {training['steps']:,} steps on {rows['used']:,} rows, "
        f"{training['supervised_tokens']:,} supervised tokens."
    )


def _use(facts: Mapping[str, Any]) -> list[str]:
    kind = "SequenceClassification" if facts["task"] == HEAD else "CausalLM"
    library, name = (
        ("peft", f"AutoPeftModelFor{kind}")
        if facts["kind"] == "adapter"
        else ("transformers", f"AutoModelFor{kind}")
    )
    lines = [
        f"from {library} import {name}",
        "from transformers import AutoTokenizer",
        "",
        f'model = {name}.from_pretrained("THIS_FOLDER")',
        'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
    ]
    parts = [block(lines, "python")]
    if facts["kind"] == "adapter" and not facts["base"]["hub"]:
        parts.append(
            f"`adapter_config.json` names the folder where the base lay in the training "
            f"({code(facts['base']['name'])}); put the place of yours there, or load the base and "
            "put the adapter on it with `peft.PeftModel.from_pretrained`."
        )
    template = facts["training"]["template"]
    if template:
        parts.append(
            f"Ask it in the chat template that lies beside it ({text(template['origin'])}, SHA-256 "
            f"{code(template['sha256'][:12])}); answers end with {text(template['end_token'])}."
        )
    return parts


def _base(base: Mapping[str, Any]) -> str:
    where = (
        f"{code(base['hub'])} of the Hugging Face Hub, revision {code(base['revision'])}"
        if base["hub"]
        else f"a folder called {code(base['name'])}"
    )
    return f"{where[0].upper()}{where[1:]}; SHA-256 of its files {code(base['sha256'])}."


def _data(data: Mapping[str, Any]) -> list[str]:
    source = data["source"]
    told = f"{code(source['name'])}, SHA-256 {code(source['sha256'])}" if source else "not known"
    parts = [f"Source: {told}; rows of kind {code(data['kind'])}."]
    rows = [
        [text(part), f"{one['rows']:,}", f"{one['used']:,}", f"{one['refused']:,}",
         f"{one['truncated']:,}", f"{one['supervised']:,}"]
        for part, one in data["rows"].items()
    ]  # fmt: skip
    head = ["part", "rows", "used", "refused", "cut off", "supervised tokens"]
    parts.append(table(head, rows, right=range(1, 6)))
    certificate = data["certificate"] or {}
    across = [f"{certificate[key]:,} {name}" for key, name in
              (("exact_across", "equal"), ("near_across", "nearly equal"))
              if certificate.get(key) is not None]  # fmt: skip
    if across:
        parts.append(f"Across the parts stand {' and '.join(across)} pairs of rows.")
    audit, cleaning = data["audit"], data["cleaning"]
    if audit and audit["quality"] is not None:
        parts.append(
            f"An audit found {_share(audit['quality'])} of the {audit['records']:,} records free "
            "of findings of high and medium severity."
        )
    else:
        parts.append("The data were not audited by tunewise.")
    if cleaning and cleaning["counts"]:
        counts = ", ".join(f"{value:,} {text(name)}" for name, value in cleaning["counts"].items())
        parts.append(f"They were cleaned: {counts}.")
    return parts


def _licences(facts: Mapping[str, Any]) -> list[str]:
    base, audit = facts["base"]["licence"], facts["data"]["audit"]
    lines = [f"* Base: {code(base) if base else _UNKNOWN}."]
    licences = audit["licences"] if audit else None
    if licences and licences["stated"]:
        told = ", ".join(
            f"{code(item['identifier'] or item['value'])} ({item['records']:,} records"
            + (", not for commercial use)" if item["forbids_commerce"] else ")")
            for item in licences["stated"][:_MOST_LICENCES]
        )
        without = f"; {licences['without']:,} records state none" if licences["without"] else ""
        lines.append(f"* Data: {told}{without}.")
    else:
        lines.append(f"* Data: {_UNKNOWN}.")
    lines.append("* This model: to be stated by whoever publishes it; both above bear on it.")
    return ["\n".join(lines)]


def _training(facts: Mapping[str, Any]) -> list[str]:
    training = facts["training"]
    base, kept = training["losses"]["base"], training["losses"]["kept"]
    rows = [
        [name, f"{base[key]:.4f}", "–" if kept[key] is None else f"{kept[key]:.4f}"]
        for key, name in _LOSSES.items()
        if base.get(key) is not None
    ]
    parts = []
    if rows:
        parts.append("Mean loss of a supervised token, in nats:")
        parts.append(table(["measured on", "base", "this model"], rows, right=(1, 2)))
    ended = " It was ended before its last step." if training["stopped_early"] else ""
    parts.append(
        f"The state after step {training['kept_step']:,} of {training['steps']:,} was kept; "
        f"computed in {code(training['dtype'])}.{ended}"
    )
    settings = [
        [code(key), code(json.dumps(value, ensure_ascii=False))]
        for key, value in facts["recipe"].items()
        if value is not None
    ]
    return [*parts, table(["recipe", "value"], settings)]


def _evaluation(evaluation: Mapping[str, Any] | None, run: str) -> list[str]:
    if evaluation is None:
        return [
            "When this card was written, nothing had been measured but the losses above: neither "
            f"what the model learned nor what it forgot (`tunewise evaluate {run}`, then "
            f"`tunewise card --run {run}`)."
        ]
    rows = [
        [code(task["task"]), f"{task['n']:,}", f"{task['base']:.3f}", f"{task['tuned']:.3f}",
         f"{task['delta']:+.3f}", f"{task['ci'][0]:+.3f} to {task['ci'][1]:+.3f}",
         text(task["verdict"])]
        for task in evaluation["tasks"]
    ]  # fmt: skip
    head = ["task", "items", "base", "this model", "change", "95 % interval", "verdict"]
    return [
        f"General ability: **{text(evaluation['overall'])}**; domain: "
        f"**{text(evaluation['domain_gain'])}**; overfitting: "
        f"**{text(evaluation['overfitting']['verdict'])}**. A change is positive where this model "
        "is better.",
        table(head, rows, right=(1, 2, 3, 4)),
    ]


def _limits(facts: Mapping[str, Any]) -> list[str]:
    training, data = facts["training"], facts["data"]
    lines = [text(warning) for warning in training["warnings"] or ()]
    if training["refused"]:
        lines.append(f"{training['refused']:,} rows could not be learned from and were left out.")
    if facts["recipe"].get("max_length"):
        lines.append(f"It was tuned on at most {facts['recipe']['max_length']:,} tokens at once.")
    if training["losses"]["base"].get("val") is None:
        lines.append("There was no validation: whether it only memorised was not watched.")
    lines += _personal(data["audit"])
    lines.append(
        "What the base does wrong, this model may do wrong, too; it was not tested for harmful "
        "answers."
    )
    return ["\n".join(f"* {line}" for line in lines)]


def _personal(audit: Mapping[str, Any] | None) -> list[str]:
    """Say whether the data held what a model might repeat."""
    if audit is None:
        return ["Whether the data hold personal data was not looked for."]
    ran = [check for check in audit["personal"] if check["status"] == "ran"]
    if not ran:
        return ["Whether the data hold personal data was not looked for."]
    found = [f"{code(check['check'])} in {check['rows']:,} rows" for check in ran if check["rows"]]
    if not found:
        return [f"{len(ran)} checks found no personal data in the source."]
    return [
        f"The source holds what may be personal data, as the audit found it: {'; '.join(found)}."
    ]


def _origin(facts: Mapping[str, Any]) -> list[str]:
    data = facts["data"]
    rows = [["run", code(facts["run"]), ""]]
    rows.append(["split", code(data["split"]["id"]), code(data["split"]["sha256"])])
    if data["cleaning"]:
        rows.append(["cleaning", code(data["cleaning"]["id"]), ""])
    if data["audit"]:
        rows.append(["audit", code(data["audit"]["id"]), code(data["audit"]["sha256"])])
    parts = [table(["artifact", "id", "SHA-256"], rows)]
    merged = facts["merged"]
    if merged:
        found = merged["agreement"]
        parts.append(
            f"Merged into weights of {code(merged['dtype'])}: on {found['rows']:,} rows the "
            f"log-probability of a token differs from base and adapter by "
            f"{found['difference']:.2g} nats on average (tolerance {found['tolerance']:.2g})."
        )
    versions = ", ".join(f"{text(name)} {text(value)}" for name, value in facts["versions"].items())
    return [*parts, f"Written by tunewise from the artifacts' own figures. Versions: {versions}."]


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
