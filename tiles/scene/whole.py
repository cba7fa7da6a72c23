"""A whole tileset at once: one pass over the rows in the order of their places, tiles made by worker processes.

The database sorts; memory holds the rows of the squares that the pass is in, and the few tiles that are being made.
"""

import asyncio
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from cim.model.raster import RasterImage
from cim.model.scene import MIDDLE, NEAR, Square
from cim.store.files import FileStore
from cim.store.scene_rows import SceneRow
from tiles.compression import compressed
from tiles.picture_pool import end_with_the_server
from tiles.raster_points import sample_heights
from tiles.scene.built_tile import TileMaker
from tiles.scene.findings import SceneFinding
from tiles.scene.layout import Layout
from tiles.scene.standing import corners_of

WORKERS = 2
TERRAIN_BUDGET_S = 60.0
Rows = AsyncGenerator[list[tuple[int, SceneRow]], None]
FindImages = Callable[[Square], Awaitable[Sequence[RasterImage]]]
"""Which images of heights lie where a tile is."""


@dataclass(frozen=True, slots=True)
class TileJob:
    """What a worker needs to make one tile: rows, and the images of heights that lie there."""

    maker: TileMaker
    rows: Sequence[SceneRow]
    files: FileStore
    images: Sequence[RasterImage]


@dataclass(frozen=True, slots=True)
class TileDone:
    """A tile as a worker made it, gzipped; ``plain_bytes`` is its length without that."""

    data: bytes
    plain_bytes: int
    features: int
    triangles: int
    findings: tuple[SceneFinding, ...]


@dataclass(slots=True)
class WholeCount:
    """What a pass has made so far, and what it left out."""

    tiles: int = 0
    features: int = 0
    triangles: int = 0
    size_bytes: int = 0
    plain_bytes: int = 0
    findings: list[SceneFinding] = field(default_factory=list)

    @property
    def left_out(self) -> dict[str, int]:
        """How many features were left out, by code."""
        return dict(Counter(one.code for one in self.findings))

    def add(self, done: TileDone) -> None:
        """Count one tile more."""
        self.tiles += 1
        self.features += done.features
        self.triangles += done.triangles
        self.size_bytes += len(done.data)
        self.plain_bytes += done.plain_bytes
        self.findings += done.findings


def make_tile(job: TileJob) -> TileDone:
    """One tile, in a worker process."""
    corners = corners_of(job.rows)
    terrain_m = None
    if job.images:
        deadline = time.monotonic() + TERRAIN_BUDGET_S
        terrain_m = sample_heights(job.files, job.images, corners.lon, corners.lat, deadline).height_m
    made = job.maker.made(job.rows, corners, terrain_m)
    return TileDone(compressed(made.glb), len(made.glb), made.features, made.triangles, made.findings)


async def tiles_of_rows(rows: Rows, layout: Layout) -> AsyncGenerator[tuple[Square, list[SceneRow]], None]:
    """Tiles and all their rows, each as soon as the pass has left its square."""
    open_: dict[Square, list[SceneRow]] = defaultdict(list)
    place = -1
    async for page in rows:
        for zoom, row in page:
            if row.place >> 6 != place >> 6:
                for square in _left(open_, place, row.place):
                    yield square, open_.pop(square)
            place = row.place
            open_[layout.tile_of(place, zoom)].append(row)
    for square in sorted(open_):
        yield square, open_[square]


def _left(open_: dict[Square, list[SceneRow]], before: int, after: int) -> list[Square]:
    """The squares that a pass has left which went from one place to another."""
    same_far, same_middle = before >> 14 == after >> 14, before >> 10 == after >> 10
    return [
        square
        for square in open_
        if square.z >= NEAR or (square.z == MIDDLE and not same_middle) or (square.z < MIDDLE and not same_far)
    ]


async def build_whole(
    rows: Rows,
    layout: Layout,
    maker: TileMaker,
    files: FileStore,
    images: FindImages,
    put: Callable[[Square, bytes], None],
    progress: Callable[[WholeCount], None] = lambda _: None,
    *,
    workers: int = WORKERS,
) -> WholeCount:
    """Make every tile of a layout and hand each to ``put``, gzipped, as it is done."""
    count = WholeCount()
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_the_server) as pool:
        waiting: set[asyncio.Task[None]] = set()

        async def one(square: Square, held: list[SceneRow]) -> None:
            job = TileJob(maker, held, files, await images(square))
            done = await loop.run_in_executor(pool, make_tile, job)
            await asyncio.to_thread(put, square, done.data)
            count.add(done)
            progress(count)

        async for square, held in tiles_of_rows(rows, layout):
            if len(waiting) > 2 * workers:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            waiting.add(asyncio.create_task(one(square, held)))
        for task in waiting:
            await task
    return count
