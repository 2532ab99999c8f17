"""What a form asks for: the options of a command, each with its setting and what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FormField:
    """An option of a command.

    Attributes:
        label: its name in the form.
        option: such as ``--ratios``; empty for the command's argument.
        what: what it does, in a line.
        setting: the setting that holds where nothing is filled in, such as ``split.ratios``.
        usual: what holds where there is no such setting.
        many: several values, by commas, each with the option again.
        choices: the only values, where there are few.
        switch: the option stands alone; ``yes`` turns it on.
    """

    label: str
    option: str
    what: str
    setting: str = ""
    usual: str = ""
    many: bool = False
    choices: tuple[str, ...] = ()
    switch: bool = False

    def shown_default(self, settings: Mapping[str, Any]) -> str:
        """Return what holds where nothing is filled in."""
        value = settings.get(self.setting)
        if value is None or value == [] or value == {}:
            return self.usual
        if self.setting == "split.ratios":
            return "/".join(f"{100 * float(share):.3g}" for share in value)
        if isinstance(value, list):
            return ", ".join(str(part) for part in value)
        return str(value)


def command_arguments(
    command: str, fields: Sequence[FormField], values: Mapping[str, str]
) -> list[str]:
    """Return the command that a filled form stands for; what is empty is left to the settings.

    Args:
        command: its name.
        fields: what was asked for.
        values: by the field's label.

    Example:
        >>> seed = FormField("seed", "--seed", "another split")
        >>> command_arguments("split", [seed], {"seed": " 3 "})
        ['split', '--seed', '3']
    """
    words = [command]
    for field in fields:
        value = values.get(field.label, "").strip()
        if not value:
            continue
        if field.switch:
            words += [field.option] if value.casefold() in ("yes", "y", "true", "1", "on") else []
        elif not field.option:
            words.append(value)
        elif field.many:
            parts = (part.strip() for part in value.split(","))
            words += [word for part in parts if part for word in (field.option, part)]
        else:
            words += [field.option, value]
    return words
