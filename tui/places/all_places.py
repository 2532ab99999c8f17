"""All seven places behind one another: made when first needed, one of them in sight."""

from __future__ import annotations

import asyncio

from textual.widgets import ContentSwitcher

from .bench_place import BenchPlace
from .data_place import DataPlace
from .findings_place import FindingsPlace
from .place import Place
from .records_place import RecordsPlace
from .report_place import ReportPlace
from .splits_place import SplitsPlace
from .train_place import TrainPlace

PLACES: dict[str, type[Place]] = {
    "data": DataPlace,
    "findings": FindingsPlace,
    "records": RecordsPlace,
    "splits": SplitsPlace,
    "train": TrainPlace,
    "bench": BenchPlace,
    "report": ReportPlace,
}

_BETWEEN_PLACES = 0.05


class Places(ContentSwitcher):
    """The places; each lives on while another is shown, and so keeps its state."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(id="places")
        self._making = asyncio.Lock()

    @property
    def place(self) -> Place | None:
        """The place that is shown."""
        return self.query_one(f"#{self.current}", Place) if self.current else None

    async def enter(self, name: str) -> Place:
        """Show a place.

        Args:
            name: one of :data:`PLACES`.
        """
        await self._make(name)
        self.current = name
        return self.query_one(f"#{name}", Place)

    async def make_ahead(self) -> None:
        """Make the places that nobody has been to; between two of them keys are answered."""
        for name in PLACES:
            await asyncio.sleep(_BETWEEN_PLACES)
            await self._make(name)

    async def _make(self, name: str) -> None:
        async with self._making:
            if not self.query(f"#{name}"):
                await self.add_content(PLACES[name](id=name))
