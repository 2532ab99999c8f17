"""All seven places behind one another: made when first needed, one of them in sight."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import cast

from textual.widgets import ContentSwitcher

from .place import Place

PLACES = ("data", "findings", "records", "splits", "train", "bench", "report")
"""The names of the places, in the order of their numbers."""

_BETWEEN_PLACES = 0.05


def place_class(name: str) -> type[Place]:
    """Return the class of a place; its module is loaded now, so that the first one shows sooner.

    Args:
        name: one of :data:`PLACES`.

    Example:
        >>> place_class("data").__name__
        'DataPlace'
    """
    module = import_module(f".{name}_place", __package__)
    return cast("type[Place]", getattr(module, f"{name.capitalize()}Place"))


class Places(ContentSwitcher):
    """The places; each lives on while another is shown, and so keeps its state."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(id="places")
        self._making = asyncio.Lock()
        self._made: dict[str, Place] = {}

    @property
    def place(self) -> Place | None:
        """The place that is shown."""
        return self._made.get(self.current or "")

    async def enter(self, name: str) -> Place:
        """Show a place.

        Args:
            name: one of :data:`PLACES`.
        """
        await self._make(name)
        self.current = name
        return self._made[name]

    async def make_ahead(self) -> None:
        """Make the places that nobody has been to; between two of them keys are answered."""
        for name in PLACES:
            await asyncio.sleep(_BETWEEN_PLACES)
            await asyncio.to_thread(place_class, name)
            await self._make(name)

    async def _make(self, name: str) -> None:
        async with self._making:
            if name not in self._made:
                place = place_class(name)(id=name)
                await self.add_content(place)
                self._made[name] = place
