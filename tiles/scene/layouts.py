"""The layouts of layers kept in memory, and made true again where changes touched them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cim.model.collection import BoundingBox
from cim.model.scene import NEAR, Square, square_of
from cim.store.scene_rows import ScenePlaces
from tiles.changes import ChangeLog
from tiles.scene.layout import Heights, Layout

MOST_KEPT = 64
MOST_SQUARES = 256
"""Changes that touch more squares of zoom ``NEAR`` have all places read again."""
_RADIUS_M = 6_378_137.0
ReadPlaces = Callable[[Sequence[Square] | None], Awaitable[tuple[ScenePlaces, int]]]
"""Reads the places in some squares, or all, and the newest change they may show."""
FindHeights = Callable[[ScenePlaces], Awaitable[Heights]]


@dataclass(slots=True)
class _Known:
    places: ScenePlaces
    layout: Layout
    seq: int


class Layouts:
    """Layouts by layer and content name, in bounded number."""

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def layout(self, layer: str, name: str, read: ReadPlaces, heights: FindHeights) -> tuple[Layout, int]:
        """The layout of a layer's content, and the newest change it may show."""
        key = (layer, name)
        async with self._turns.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            if known is None or known.seq < self._changes.newest(layer):
                known = await self._brought_up(layer, known, read, heights)
                self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > MOST_KEPT:
                gone, _ = self._known.popitem(last=False)
                self._turns.pop(gone, None)
            return known.layout, known.seq

    async def _brought_up(self, layer: str, known: _Known | None, read: ReadPlaces, heights: FindHeights) -> _Known:
        boxes = self._changes.boxes_after(layer, known.seq) if known else None
        squares = squares_of(boxes) if boxes is not None else None
        places, seq = await read(squares)
        if known is not None and squares is not None:
            places = _replaced(known.places, places, set(squares))
        return _Known(places, Layout.of_places(places, await heights(places)), seq)


def squares_of(boxes: Sequence[BoundingBox]) -> list[Square] | None:
    """The squares of zoom ``NEAR`` that boxes in degrees touch; None where they are too many."""
    side = 2**NEAR
    found: set[Square] = set()
    for west, south, east, north in boxes:
        if not np.isfinite([west, south, east, north]).all():
            return None
        columns = [int(np.clip((lon + 180) / 360 * side, 0, side - 1)) for lon in (west, east)]
        rows = [
            int(np.clip((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side, 0, side - 1))
            for lat in np.clip([north, south], -85.05, 85.05)
        ]
        if (columns[1] - columns[0] + 1) * (rows[1] - rows[0] + 1) > MOST_SQUARES:
            return None
        found |= {Square(NEAR, x, y) for x in range(columns[0], columns[1] + 1) for y in range(rows[0], rows[1] + 1)}
    return sorted(found) if len(found) <= MOST_SQUARES else None


def _replaced(old: ScenePlaces, new: ScenePlaces, squares: set[Square]) -> ScenePlaces:
    """The places with those in some squares read anew; what reaches into a square from outside stays as it was."""

    def inside(places: ScenePlaces) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        return np.array([square_of(place).parent(NEAR) in squares for place in places.place.tolist()], bool)

    kept, added = ~inside(old), inside(new)
    columns = {
        one.name: np.concatenate([getattr(old, one.name)[kept], getattr(new, one.name)[added]])
        for one in fields(ScenePlaces)
    }
    return ScenePlaces(**columns)
