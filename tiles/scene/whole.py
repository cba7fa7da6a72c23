"""A whole tileset at once: one pass over the rows in the order of their places, tiles made by worker processes.

The database sorts; memory holds the rows of the squares that the pass is in, and the few tiles that are being made.
Which tiles there are comes out of the pass itself, by the rules of ``tiles.scene.layout``.
"""

import asyncio
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cim.model.collection import BoundingBox
from cim.model.raster import RasterImage
from cim.model.scene import FAR, MIDDLE, NEAR, PLACE_ZOOM, Square, square_of
from cim.store.files import FileStore
from cim.store.scene_rows import SceneRows
from tiles.picture_pool import begin_work
from tiles.raster_points import sample_heights
from tiles.scene.built_tile import TileMaker
from tiles.scene.findings import SceneFinding
from tiles.scene.layout import MARGIN_M, MOST_FEATURES
from tiles.scene.standing import Corners, Floats, corners_of
from tiles.scene.tile_folder import TileFolder
from tiles.scene.tileset import SceneRegion

WORKERS = 2
TERRAIN_BUDGET_S = 60.0
Row = Sequence[Any]
"""A feature as ``SceneRows.of`` takes it."""
Rows = AsyncGenerator[Sequence[Row], None]
_SAME_FAR, _SAME_MIDDLE, _SAME_NEAR = 14, 10, 6
"""How many bits of a place lie below those of its square of each zoom."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The images of heights that a layer stands on, each with its box in degrees, the first of them first."""

    files: FileStore
    images: Sequence[tuple[RasterImage, BoundingBox]]

    def heights(self, corners: Corners) -> Floats | None:
        """Levelled heights at corners; None where no image reaches them."""
        if not len(corners.lon):
            return None
        west, south, east, north = _sides(corners)
        near = [
            image
            for image, box in self.images
            if box[0] <= east and west <= box[2] and box[1] <= north and south <= box[3]
        ]
        if not near:
            return None
        return sample_heights(self.files, near, corners.lon, corners.lat, time.monotonic() + TERRAIN_BUDGET_S).height_m


@dataclass(frozen=True, slots=True)
class TileDone:
    """A tile that a worker has written, in so many bytes; where it has no features there is none."""

    size_bytes: int
    features: int
    triangles: int
    findings: tuple[SceneFinding, ...]
    region: SceneRegion


@dataclass(slots=True)
class WholeCount:
    """What a pass has made so far, and what it left out; ``made`` has the features and region of each tile."""

    tiles: int = 0
    features: int = 0
    triangles: int = 0
    size_bytes: int = 0
    findings: list[SceneFinding] = field(default_factory=list)
    made: dict[Square, tuple[int, SceneRegion]] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, int]:
        """How many features were left out, by code."""
        return dict(Counter(one.code for one in self.findings))

    def add(self, square: Square, done: TileDone) -> None:
        """Count one tile more, or, where nothing of it can be drawn, only what was left out."""
        self.findings += done.findings
        if not done.features:
            return
        self.tiles += 1
        self.features += done.features
        self.triangles += done.triangles
        self.size_bytes += done.size_bytes
        self.made[square] = (done.features, done.region)


class _Worker:
    """What a worker process keeps from tile to tile."""

    maker: TileMaker
    ground: Ground
    folder: TileFolder

    @classmethod
    def start(cls, maker: TileMaker, ground: Ground, folder: TileFolder) -> None:
        """Begin, in the worker process."""
        begin_work()
        cls.maker, cls.ground, cls.folder = maker, ground, folder


def _ready() -> None:
    """Nothing, for which a worker process has to have started."""


def make_tile(square: Square, rows: SceneRows) -> TileDone:
    """Make and write one tile, in a worker process."""
    corners = corners_of(rows)
    made = _Worker.maker.made(rows, corners, _Worker.ground.heights(corners))
    west, south, east, north = _sides(corners)
    region = (west, south, east, north, made.low_m - MARGIN_M, made.high_m + MARGIN_M)
    size_bytes = _Worker.folder.put(square, made.glb) if made.features else 0
    return TileDone(size_bytes, made.features, made.triangles, made.findings, region)


def _sides(corners: Corners) -> BoundingBox:
    lon, lat = corners.lon, corners.lat
    if not len(lon):
        return 0.0, 0.0, 0.0, 0.0
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


async def tiles_of_rows(pages: Rows) -> AsyncGenerator[tuple[Square, list[Row]], None]:
    """Tiles and all their rows, each as soon as the pass has left its square."""
    coarse: dict[int, list[Row]] = {FAR: [], MIDDLE: []}
    near: list[Row] = []
    before = -1
    async for page in pages:
        for row in page:
            zoom, place = row[:2]
            if place >> _SAME_NEAR != before >> _SAME_NEAR:
                for tile in _left(coarse, near, before, place):
                    yield tile
                near = []
                before = place
            (near if zoom >= NEAR else coarse[zoom]).append(row)
    for tile in _left(coarse, near, before, -1):
        yield tile


def _left(coarse: dict[int, list[Row]], near: list[Row], before: int, after: int) -> Iterator[tuple[Square, list[Row]]]:
    """The tiles of the squares that a pass has left which goes from one place to another."""
    square = square_of(max(before, 0))
    if near:
        yield from leaves_of(square.parent(NEAR), near)
    for zoom, bits in ((MIDDLE, _SAME_MIDDLE), (FAR, _SAME_FAR)):
        if before >> bits != after >> bits and coarse[zoom]:
            yield square.parent(zoom), coarse[zoom]
            coarse[zoom] = []


def leaves_of(square: Square, rows: list[Row]) -> Iterator[tuple[Square, list[Row]]]:
    """The leaves that hold the rows of a square, quartered while one has too many."""
    if square.z >= PLACE_ZOOM or len(rows) <= MOST_FEATURES:
        yield square, rows
        return
    quarters: dict[Square, list[Row]] = defaultdict(list)
    for row in rows:
        quarters[square_of(row[1]).parent(square.z + 1)].append(row)
    for quarter, part in sorted(quarters.items()):
        yield from leaves_of(quarter, part)


async def build_whole(
    rows: Rows,
    maker: TileMaker,
    ground: Ground,
    folder: TileFolder,
    progress: Callable[[WholeCount], None] = lambda _: None,
    *,
    workers: int = WORKERS,
) -> WholeCount:
    """Write the tiles of all rows, which come in the order of their places."""
    count = WholeCount()
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # the libraries are loaded once for all workers
    with ProcessPoolExecutor(workers, context, _Worker.start, (maker, ground, folder)) as pool:
        for _ in range(workers):
            pool.submit(_ready)  # they start while the database sorts
        waiting: set[asyncio.Task[None]] = set()

        async def one(square: Square, held: list[Row]) -> None:
            columns = SceneRows.of(held, len(maker.types))
            done = await loop.run_in_executor(pool, make_tile, square, columns)
            count.add(square, done)
            progress(count)

        async for square, held in tiles_of_rows(rows):
            if len(waiting) > 2 * workers:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            waiting.add(asyncio.create_task(one(square, held)))
        for task in waiting:
            await task
    return count
