"""One walk over all points of a cloud: their number, classes, box, and the cells of the ground they lie in."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.errors import ImportRefused
from importers.clouds.header import CloudHeader, Triple, header_of

CHUNK_POINTS, CHUNK_BYTES = 1_000_000, 32 * 1024**2
CELLS_A_SIDE = 64
MOST_CELLS = 4_096
POINTS_A_CELL = 16
"""Cells grow until they hold so many points on average, so that thin clouds have an outline and not specks."""
CLASSES = 256
FIRST, LOW_HALF = 2**33, 2**32 - 1
"""``FIRST``, a whole number of cells of any side, is where the header's corner is: no cell has a number below 0, and
cells halve down to one. Sides are powers of two, and of four steps at least, so that numbers fit 32 bits.
"""
LEAST_SIDE = 4

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the points of a cloud are. ``low`` and ``high`` are their true box in units of the file.

    ``cells`` (n, 2) are numbers of occupied cells eastward and northward, of sides ``cell`` (2), counted from
    ``origin`` (2).
    """

    points: int
    classes: dict[int, int]
    low: Triple
    high: Triple
    colours: bool
    cells: Whole
    cell: tuple[float, float]
    origin: tuple[float, float]


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Any]:
    """An open laspy reader; ImportRefused for whatever the bytes make laspy or lazrs stumble over."""
    import laspy  # noqa: PLC0415 - the reading child starts faster without it

    try:
        with laspy.open(path) as source:
            yield source
    except (ImportRefused, OSError, MemoryError):
        raise
    except Exception as error:
        raise ImportRefused(
            "unreadable", "the file is damaged or not what it seems", where=path.name, remedy="ask for it again"
        ) from error


def chunks(source: Any, header: CloudHeader) -> Iterator[Any]:
    """The points in pieces of bounded memory; ImportRefused where there are fewer than the header says."""
    met = 0
    for chunk in source.chunk_iterator(max(1, min(CHUNK_POINTS, CHUNK_BYTES // header.point_bytes))):
        met += len(chunk)
        yield chunk
    if met != header.points:
        raise ImportRefused(
            "unreadable",
            f"the header announces {header.points} points, the file has {met}",
            where=header.path.name,
            remedy="ask for it again",
        )


def survey_of(path: Path) -> Survey:
    """Walk over the points of a file, once for as long as it stays what it is."""
    return _survey(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1_024)
def _survey(path: Path, changed_ns: int) -> Survey:
    del changed_ns  # a part of the name in the cache
    header = header_of(path)
    with reading(path) as source:
        walk = _Walk(header, has_colours="red" in set(header_dimensions(source)))
        for chunk in chunks(source, header):
            walk.take(chunk)
    return walk.survey()


def header_dimensions(source: Any) -> list[str]:
    """Names of what a point of an open source has."""
    return [str(name) for name in source.header.point_format.dimension_names]


@dataclass(slots=True)
class _Walk:
    """What was met so far; ``step`` is the side of a cell and ``corner`` that of the header, in steps."""

    header: CloudHeader
    has_colours: bool
    met: int = 0
    counts: Whole = field(default_factory=lambda: np.zeros(CLASSES, np.int64))
    low: Whole = field(default_factory=lambda: np.full(3, np.iinfo(np.int64).max))
    high: Whole = field(default_factory=lambda: np.full(3, np.iinfo(np.int64).min))
    colours: bool = False
    step: Whole = field(init=False)
    corner: Whole = field(init=False)
    cells: Whole = field(default_factory=lambda: np.empty((0, 2), np.int64))

    def __post_init__(self) -> None:
        low, high, scales = (np.array(part) for part in (self.header.low, self.header.high, self.header.scales))
        side = max(float((high - low)[:2].max()), 0.0) / CELLS_A_SIDE
        steps = np.clip(side / scales[:2], LEAST_SIDE, 2.0**32)
        self.step = (2.0 ** np.ceil(np.log2(steps))).astype(np.int64)
        corner = np.floor((low - np.array(self.header.offsets))[:2] / scales[:2])
        self.corner = np.clip(corner, -(2.0**31), 2.0**31).astype(np.int64)

    def take(self, chunk: Any) -> None:
        """Add a piece of the points."""
        axes = [np.asarray(chunk[name]).astype(np.int64) for name in ("X", "Y", "Z")]
        self.met += len(chunk)
        self.low = np.minimum(self.low, [axis.min() for axis in axes])
        self.high = np.maximum(self.high, [axis.max() for axis in axes])
        self.counts += np.bincount(np.asarray(chunk.classification), minlength=CLASSES)[:CLASSES]
        if self.has_colours and not self.colours:
            self.colours = any(bool(np.asarray(chunk[name]).any()) for name in ("red", "green", "blue"))
        east, north = ((axes[axis] - self.corner[axis] + FIRST) // self.step[axis] for axis in (0, 1))
        fresh = _distinct(np.column_stack([east, north]))
        self.cells = _distinct(np.concatenate([self.cells, fresh]))
        while len(self.cells) > MOST_CELLS:
            self._coarsen()

    def survey(self) -> Survey:
        """What was met in all."""
        while len(self.cells) > max(1, self.met // POINTS_A_CELL):
            self._coarsen()
        scales, offsets = np.array(self.header.scales), np.array(self.header.offsets)
        low, high = self.low * scales + offsets, self.high * scales + offsets
        if not np.isfinite([low, high]).all():
            raise ImportRefused(
                "unreadable", "the coordinates are no numbers", where=self.header.path.name, remedy="ask for it again"
            )
        west, south, bottom = low.tolist()
        east, north, top = high.tolist()
        classes = {number: int(count) for number, count in enumerate(self.counts) if count}
        origin = offsets[:2] + (self.corner - FIRST) * scales[:2]
        across, up = (self.step * scales[:2]).tolist()
        return Survey(
            self.met,
            classes,
            (west, south, bottom),
            (east, north, top),
            self.colours,
            self.cells,
            (across, up),
            (float(origin[0]), float(origin[1])),
        )

    def _coarsen(self) -> None:
        self.step = self.step * 2
        self.cells = _distinct(self.cells // 2)


def _distinct(cells: Whole) -> Whole:
    """Distinct rows of numbers from 0 that fit 32 bits."""
    keys = np.unique((cells[:, 0] << 32) | cells[:, 1])
    return np.column_stack([(keys >> 32) & LOW_HALF, keys & LOW_HALF])
