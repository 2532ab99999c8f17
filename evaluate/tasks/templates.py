"""Templates of lm-eval tasks, compiled once instead of once for every item."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

_FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice")
# Rows of which a template's text is remembered.
_REMEMBERED = 64


def compile_templates(task: Any) -> None:
    """Replace a task's templates by functions that give the same results.

    lm-eval parses a template anew for each item and use, which takes longer than a small model
    takes to answer. Fields' plain names, functions and lists stay as they are, and so do tasks
    that are written in Python.
    """
    features = getattr(task, "features", None)
    if features is None or getattr(task, "prompt", None) is not None:
        return
    has_choices = task.get_config("doc_to_choice") is not None
    for name in _FIELDS:
        value = task.get_config(name)
        if isinstance(value, str) and value not in features:
            task.set_config(key=name, value=_compiled(name, value, has_choices))
        examples = task.fewshot_cfg
        value = getattr(examples, name)
        if isinstance(value, str) and value not in features:
            setattr(examples, name, _compiled(name, value, has_choices))


def _compiled(name: str, template: str, has_choices: bool) -> Callable[[Mapping[str, Any]], Any]:
    from lm_eval.utils import env

    read = {
        "doc_to_text": lambda text: _number(text) if has_choices else text,
        "doc_to_target": lambda text: _target(text, has_choices),
        "doc_to_choice": ast.literal_eval,
    }[name]
    compiled = env.from_string(template)
    return _remembering(lambda doc: read(compiled.render(**doc)))


def _remembering(value: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Return the same function, which knows what it said of the last rows it was given.

    A task asks several times about a row, and about its fixed examples again for every row.
    """
    # The row is kept beside its value, so that no other row can come to lie in its place.
    said: dict[int, tuple[Mapping[str, Any], Any]] = {}

    def answer(doc: Mapping[str, Any]) -> Any:
        if id(doc) not in said:
            if len(said) >= _REMEMBERED:
                del said[next(iter(said))]
            said[id(doc)] = (doc, value(doc))
        found = said[id(doc)][1]
        return list(found) if isinstance(found, list) else found

    return answer


def _number(text: str) -> Any:
    return ast.literal_eval(text) if text.isdigit() else text


def _target(text: str, has_choices: bool) -> Any:
    """Read a target: the number of a choice, several targets, or a text."""
    if has_choices and text.isdigit():
        return ast.literal_eval(text)
    if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError):
            return text
    return text
