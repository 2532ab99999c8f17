"""The last line: what the keys do now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

from ..texts.marks import ascii_only

_GAP = 1


@dataclass(frozen=True, slots=True)
class _Hint:
    key: str
    shown: str
    description: str
    enabled: bool

    @property
    def width(self) -> int:
        return Text(f"{self.shown} {self.description}").cell_len


class Footer(Widget):
    """The keys that do something now, the command palette at the right; a click presses a key.

    One line that draws itself: Textual's own footer makes a widget of every key whenever the keys
    change, which took most of the time of going from place to place.
    """

    DEFAULT_CSS = """
    Footer {
        dock: bottom; height: 1; color: $footer-foreground; background: $panel;
        & > .footer--key { color: $footer-key-foreground; text-style: bold; }
        & > .footer--description { color: $footer-description-foreground; }
        & > .footer--disabled { text-style: dim; }
        & > .footer--border { color: $foreground 20%; }
    }
    """
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "footer--key", "footer--description", "footer--disabled", "footer--border",
    }  # fmt: skip

    _hints: tuple[_Hint, ...] = ()
    _palette: _Hint | None = None

    def on_mount(self) -> None:
        """Follow the keys of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def on_unmount(self) -> None:
        """Follow them no longer."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _follow(self, screen: Screen) -> None:
        if not (self.app.app_focus and self.is_attached and screen is self.screen):
            return
        palette, hints = None, {}
        for key, (_, binding, enabled, _) in screen.active_bindings.items():
            shown = self.app.get_key_display(binding)
            hint = _Hint(binding.key, shown, binding.description, enabled)
            if key == self.app.COMMAND_PALETTE_BINDING:
                palette = hint
            elif binding.show:
                hints.setdefault(binding.action, hint)
        if (tuple(hints.values()), palette) != (self._hints, self._palette):
            self._hints, self._palette = tuple(hints.values()), palette
            self.refresh()

    def render(self) -> Text:
        """Draw the keys; those that find no room are cut off, never the palette."""
        line = Text(no_wrap=True, end="")
        for hint in self._hints:
            line.append_text(self._drawn(hint)).append(" " * _GAP)
        if self._palette is None:
            return line
        border = " " if ascii_only() else "▏"
        tail = Text(border, self.get_component_rich_style("footer--border"))
        tail.append_text(self._drawn(self._palette)).append(" ")
        line.truncate(max(0, self.size.width - tail.cell_len), pad=True)
        return line.append_text(tail)

    def _drawn(self, hint: _Hint) -> Text:
        style = self.get_component_rich_style
        text = Text(hint.shown, style("footer--key"))
        text.append(f" {hint.description}", style("footer--description"))
        if not hint.enabled:
            text.stylize(style("footer--disabled"))
        return text

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        hint = self._hint_at(event.x)
        if hint is not None and hint.enabled:
            self.app.simulate_key(hint.key)
        elif hint is not None:
            self.app.bell()

    def _hint_at(self, column: int) -> _Hint | None:
        if self._palette is not None and column >= self.size.width - self._palette.width - 1:
            return self._palette
        start = 0
        for hint in self._hints:
            if start <= column < start + hint.width:
                return hint
            start += hint.width + _GAP
        return None
