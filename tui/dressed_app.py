"""An app that looks and answers keys as its person wants: theme, ASCII, keys of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.app import App
from textual.binding import Binding
from textual.filter import LineFilter
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import Theme

from ..workspace.app_settings import AppSettings
from .keys import names_of, unknown_keys
from .own_state import THEME, read_state, remember, state_path
from .texts.marks import ascii_only
from .theme import DARK, LIGHT, SHORT_NAMES, AsciiScrollBarRender, Recolour


class DressedApp(App[int]):
    """Takes theme and keys from the settings.

    Args:
        settings: of the person; the usual ones by default.
    """

    def __init__(self, settings: AppSettings | None = None) -> None:
        """Choose the theme before the sheet is read: later costs a quarter of the start."""
        self._themes_by_name: dict[str, Theme | None] = {}
        super().__init__()
        self._settings = settings or AppSettings()
        self._recolour: Recolour | None = None
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self._themes_by_name.clear()
        wanted = self._settings.theme or read_state(state_path()).get(THEME) or DARK.name
        name = SHORT_NAMES.get(str(wanted), str(wanted))
        self._unknown_theme = "" if name in self.available_themes else str(wanted)
        self.theme = DARK.name if self._unknown_theme else name

    def dress(self, with_keys: Callable[[], Iterable[type]]) -> None:
        """Take the person's keys, follow the theme, and say what was not understood.

        Args:
            with_keys: returns the classes of widgets whose keys can be changed; called only where
                a person has changed any.
        """
        self.theme_changed_signal.subscribe(self, _remember_theme)
        self.set_class(ascii_only(), "-ascii")
        ScrollBar.renderer = AsciiScrollBarRender if ascii_only() else ScrollBarRender
        problems = []
        if keys := self._settings.keys:
            known = names_of([type(self), *with_keys()])
            problems = unknown_keys(keys, known)
            self.set_keymap({name: key for name, key in keys.items() if name in known})
        if self._unknown_theme:
            problems.append(f"[app] theme: there is no theme {self._unknown_theme!r}")
        for problem in problems:
            self.notify(problem, severity="warning", markup=False)

    @property
    def changed_keys(self) -> dict[str, str]:
        """The keys that the person has changed, by the name of what they do."""
        return dict(self._keymap)

    def get_theme(self, theme_name: str) -> Theme | None:
        """Return a theme by its name; looked up once, since every cell of a table asks for it."""
        if theme_name not in self._themes_by_name:
            self._themes_by_name[theme_name] = super().get_theme(theme_name)
        return self._themes_by_name[theme_name]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what changes colours on their way to the terminal; first, those of the theme."""
        # Asked for every line that is drawn, so by the name alone.
        if self._recolour is None or self._recolour.theme.name != self.theme:
            self._recolour = Recolour(self.current_theme)
        own = [self._recolour] if self._recolour.enabled else []
        return [*own, *super().get_line_filters()]

    def get_key_display(self, binding: Binding) -> str:
        """Name keys in ASCII where nothing else may be drawn."""
        shown = super().get_key_display(binding)
        return shown if shown.isascii() or not ascii_only() else binding.key


def _remember_theme(theme: Theme) -> None:
    remember(state_path(), {THEME: theme.name})
