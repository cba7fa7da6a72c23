"""When each tile last changed: the boxes of the change sequence, kept in memory and asked for every tile."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

import numpy as np

from cim.model.change import EVERY_LAYER, Change, ChangeHead
from cim.model.collection import BoundingBox
from cim.model.grid import TileSquare
from cim.store.vector_tiles import reach_of

_ANYWHERE = (-math.inf, -math.inf, math.inf, math.inf)
_MERCATOR_RADIUS_M = 6_378_137.0


def reach_deg(square: TileSquare) -> BoundingBox:
    """What a tile is filled from, its buffer included, in degrees."""
    west, south, east, north = reach_of(square)
    if square.srid == 4490:
        return (west, south, east, north)
    return (_longitude(west), _latitude(south), _longitude(east), _latitude(north))


class ChangeLog:
    """The changes of every layer as far as they are known, fed with what ``cim.store.changes`` gives.

    It equals the database's sequence up to ``seq``, so any two processes say the same of a tile.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._layers: dict[str, _LayerChanges] = {}
        self._everywhere = 0

    def follow(self, heads: Mapping[str, ChangeHead], changes: Iterable[Change]) -> None:
        """Take in the changes after ``seq``, and forget what the database has put together into one entry."""
        added: dict[str, list[Change]] = {}
        for change in changes:
            added.setdefault(change.layer, []).append(change)
        for layer, head in heads.items():
            self._layers.setdefault(layer, _LayerChanges()).extend(added.get(layer, ()), first=head.first)
        self.seq = max((head.seq for head in heads.values()), default=0)
        self._everywhere = self._newest(EVERY_LAYER)

    def newest(self, layer: str) -> int:
        """The number of the newest change that may concern a layer; 0 when there is none."""
        return max(self._newest(layer), self._everywhere)

    def last_touched(self, layer: str, bounds: BoundingBox, *, after: int = 0, until: int | None = None) -> int:
        """The number of the newest change that touches a place, among those after one and up to another; 0: none."""
        known = (self._layers.get(name) for name in (layer, EVERY_LAYER))
        return max(changes.last_touched(bounds, after, until) if changes else 0 for changes in known)

    def boxes_after(self, layer: str, seq: int) -> list[BoundingBox] | None:
        """The boxes of the changes after one, in degrees; None where some are not known one by one any more."""
        boxes: list[BoundingBox] = []
        for name in (layer, EVERY_LAYER):
            known = self._layers.get(name)
            found = known.boxes_after(seq) if known else []
            if found is None:
                return None
            boxes += found
        return boxes

    def _newest(self, layer: str) -> int:
        known = self._layers.get(layer)
        return known.seqs[-1] if known and known.seqs else 0


class _LayerChanges:
    """Changes of one layer in order: ``seqs[i]`` happened within ``boxes[i]``."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.boxes = np.empty((0, 4))

    def extend(self, changes: Iterable[Change], *, first: int) -> None:
        new = list(changes)
        if new:
            self.seqs += [change.seq for change in new]
            self.boxes = np.concatenate([self.boxes, [change.bbox or _ANYWHERE for change in new]])
        gone = bisect_left(self.seqs, first)
        if gone:
            self.seqs = self.seqs[gone:]
            self.boxes = self.boxes[gone:]
            self.boxes[:1] = _ANYWHERE

    def boxes_after(self, seq: int) -> list[BoundingBox] | None:
        after = self.boxes[bisect_right(self.seqs, seq) :]
        if not np.isfinite(after).all():
            return None
        return [(west, south, east, north) for west, south, east, north in after.tolist()]

    def last_touched(self, bounds: BoundingBox, after: int, until: int | None) -> int:
        begin = bisect_right(self.seqs, after) if after else 0
        end = len(self.seqs) if until is None else bisect_right(self.seqs, until)
        if begin >= end:
            return 0
        west, south, east, north = bounds
        boxes = self.boxes[begin:end]
        touching = (
            (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
        ).nonzero()[0]
        return self.seqs[begin + int(touching[-1])] if len(touching) else 0


def _longitude(x_m: float) -> float:
    return math.degrees(x_m / _MERCATOR_RADIUS_M)


def _latitude(y_m: float) -> float:
    return math.degrees(math.atan(math.sinh(y_m / _MERCATOR_RADIUS_M)))
