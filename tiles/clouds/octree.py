"""Which tile of an octree each point belongs to, decided point by point, so that no cloud is too large.

A tile of each level takes a share of the points at random, a quarter of what is left for finer ones: most clouds are
surfaces, of which a tile half as wide holds a quarter. What is too many for a tile goes down, what is too few goes up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

AIM_POINTS, MOST_POINTS, LEAST_POINTS = 40_000, 100_000, 2_000
DEEPEST = 16
_TOP_LEVELS = 7
Whole = NDArray[np.int64]
Key = tuple[int, int, int, int]
"""A tile: its level, and its column, row and layer there."""


@dataclass(frozen=True, slots=True)
class Octree:
    """A cube from ``corner`` (metres, 3) of ``side_m``, halved ``depth`` times as a rule."""

    corner: NDArray[np.float64]
    side_m: float
    depth: int

    @classmethod
    def over(cls, low: NDArray[np.float64], high: NDArray[np.float64], points: int) -> "Octree":
        """The cube over a box, so deep that the finest tiles of a surface hold ``AIM_POINTS`` on average."""
        side = max(float((high - low).max()), 1e-3) * (1 + 1e-6)
        wide, high_ = (float(part) for part in np.sort((high - low)[:2]))
        area = max(wide, side / 1000) * max(high_, side / 1000)
        finest = np.sqrt(AIM_POINTS * area / max(points, 1))
        depth = int(np.clip(np.rint(np.log2(side / finest)), 0, DEEPEST - 4))
        return cls(low, side, depth)

    def levels(self, count: int, random: np.random.Generator) -> NDArray[np.uint16]:
        """Levels of so many points, drawn."""
        share = np.maximum(random.random(count), 1e-12)
        return np.asarray(np.maximum(self.depth - np.floor(-np.log(share) / np.log(4.0)), 0), dtype=np.uint16)

    def cells(self, places: NDArray[np.floating[Any]], level: int) -> Whole:
        """Column, row and layer (n, 3) of places at a level."""
        count = 1 << level
        cells = np.floor((places - self.corner) * (count / self.side_m)).astype(np.int64)
        return np.clip(cells, 0, count - 1)

    @property
    def split_level(self) -> int:
        """The level whose tiles, seen from above, are filled one after another."""
        return min(self.depth, _TOP_LEVELS)

    def spacing_m(self, level: int, points: int) -> float:
        """How far points are apart when tiles down to a level are drawn, for a surface of so many points in all."""
        shown = max(points / 4.0 ** max(self.depth - level, 0), 1.0)
        return self.side_m / float(np.sqrt(shown))


@dataclass(slots=True)
class Branch:
    """The tiles below some of the split level (``lowest``), or ``above`` all of them: points by key.

    Coarse tiles keep what they got, for what is below them is not at hand.
    """

    octree: Octree
    random: np.random.Generator
    lowest: int
    above: bool = False
    tiles: dict[Key, list[NDArray[Any]]] = field(default_factory=dict)

    def fill(self, points: NDArray[Any]) -> Iterator[tuple[Key, NDArray[Any]]]:
        """Tiles and their points, balanced; each point comes out once."""
        for level in np.unique(points["level"]).tolist():
            self._put(points[points["level"] == level], level)
        for level in range(self.lowest, self.lowest if self.above else DEEPEST):
            for key in [key for key in self.tiles if key[0] == level]:
                self._relieve(key)
        for level in range(DEEPEST, DEEPEST if self.above else self.lowest, -1):
            for key in [key for key in self.tiles if key[0] == level]:
                self._raise(key)
        for key in sorted(self.tiles):
            yield key, np.concatenate(self.tiles[key])

    def _put(self, points: NDArray[Any], level: int) -> None:
        cells = self.octree.cells(points["place"], level)
        codes = (cells[:, 0] << 40) | (cells[:, 1] << 20) | cells[:, 2]
        order = np.argsort(codes, kind="stable")
        found, first = np.unique(codes[order], return_index=True)
        for code, part in zip(found.tolist(), np.split(points[order], first[1:]), strict=True):
            key = (level, code >> 40, code >> 20 & (1 << 20) - 1, code & (1 << 20) - 1)
            self.tiles.setdefault(key, []).append(part)

    def _relieve(self, key: Key) -> None:
        """Send what is too many for a tile down to its children."""
        held = self.tiles[key]
        count = sum(len(part) for part in held)
        if count <= MOST_POINTS:
            return
        points = np.concatenate(held)
        self.random.shuffle(points)
        self.tiles[key] = [points[:AIM_POINTS]]
        self._put(points[AIM_POINTS:], key[0] + 1)

    def _raise(self, key: Key) -> None:
        """Put a leaf with few points into its parent."""
        level, x, y, z = key
        below = ((level + 1, 2 * x + a, 2 * y + b, 2 * z + c) for a in (0, 1) for b in (0, 1) for c in (0, 1))
        if sum(len(part) for part in self.tiles[key]) >= LEAST_POINTS or any(one in self.tiles for one in below):
            return
        self.tiles.setdefault((level - 1, x // 2, y // 2, z // 2), []).extend(self.tiles.pop(key))
