"""What stands around cameras: the ground of the layer ``dem``, and ``buildings``, as far as the caller may see them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.context import Context
from cim.analysis.terrain.ground import Ground, ground_of, source_note
from cim.analysis.visibility.houses import Houses, blocks_of, houses_near
from cim.analysis.visibility.plane import Floats, Plane, Shapes
from cim.analysis.visibility.sight import Blocks, Ints, Relief
from cim.model.analysis import SourceEdition
from cim.model.cameras import Camera
from cim.model.heights import PointHeights

DEM = "dem"
LEAST_STEP_M, NODES_ACROSS = 1.0, 200
"""How close heights are read at least, and how many of them lie within a range at most."""
NO_GROUND = "没有可用的高程数据，按平地计算，未计地形遮挡"


@dataclass(frozen=True, slots=True)
class Around:
    """What is around one camera, on a plane about it.

    ``ground_m`` is the height of the ground it stands on. The blocks are the features ``fids``, called ``names``.
    """

    plane: Plane
    ground_m: float
    relief: Relief
    blocks: Blocks
    fids: Ints
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around some cameras, in their order, with the editions and remarks that it stands on."""

    around: Sequence[Around]
    sources: Sequence[SourceEdition]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Where the heights around a camera are read."""

    plane: Plane
    west_m: float
    south_m: float
    step_m: float
    columns: int
    rows: int

    def relief(self, height_m: Floats) -> Relief:
        return Relief(height_m.reshape(self.rows, self.columns), self.west_m, self.south_m, self.step_m)


async def surroundings_of(context: Context, cameras: Sequence[Camera], *, turned: bool = False) -> Surroundings:
    """The ground and the buildings in the sectors of a few cameras, whose sectors must be known."""
    sectors = np.array([camera.sector(turned=turned) for camera in cameras], dtype=object)
    houses = await houses_near(context, sectors)
    ground = await ground_of(context, DEM) if context.decision(DEM) and context.heights else None
    cell_m = await _cell_m(ground, cameras)
    lattices = [_lattice(camera, sector, cell_m) for camera, sector in zip(cameras, sectors, strict=True)]
    places = await asyncio.to_thread(_places, cameras, houses, lattices)
    read = await _read(ground, np.vstack(places))
    heights = np.split(read.height_m, np.cumsum([len(some) for some in places])[:-1])
    around = await asyncio.to_thread(_all_around, cameras, sectors, houses, lattices, heights)
    sources = [houses.edition, *([ground.edition] if ground else [])]
    return Surroundings(around, sources, [*_notes(read, ground), *houses.notes])


def _places(cameras: Sequence[Camera], houses: Houses, lattices: Sequence[_Lattice]) -> list[Floats]:
    """Where heights are read: at the cameras, in the middle of each house, at the nodes around each camera."""
    stands = np.array([(camera.lon, camera.lat) for camera in cameras])
    middles = shapely.get_coordinates(shapely.point_on_surface(houses.shapes))
    return [stands, middles, *(lattice.plane.nodes(*_sides(lattice)) for lattice in lattices)]


def _all_around(
    cameras: Sequence[Camera],
    sectors: Shapes,
    houses: Houses,
    lattices: Sequence[_Lattice],
    heights: Sequence[Floats],
) -> list[Around]:
    """What is around each camera; ``heights`` are those of ``_places``."""
    near = _near(sectors, houses.shapes)
    own, bases, *nodes = heights
    return [
        _around(camera, lattice, houses, mine, (own_m, bases, nodes_m))
        for camera, lattice, mine, own_m, nodes_m in zip(cameras, lattices, near, own.tolist(), nodes, strict=True)
    ]


def _sides(lattice: _Lattice) -> tuple[float, float, float, int, int]:
    return lattice.west_m, lattice.south_m, lattice.step_m, lattice.columns, lattice.rows


async def _cell_m(ground: Ground | None, cameras: Sequence[Camera]) -> float:
    """The side of the finest cells at the cameras; that of coarse ones where there are none."""
    if ground is None:
        return np.inf
    places = np.array([(camera.lon, camera.lat) for camera in cameras])
    found = await ground.heights(places[:, 0], places[:, 1])
    return float(np.nanmin(found.cell_m)) if found.known.any() else np.inf


def _lattice(camera: Camera, sector: shapely.Polygon, cell_m: float) -> _Lattice:
    """Nodes half a cell of the heights apart over a camera's sector, at most so many across its range."""
    plane, range_m = Plane(camera.lon, camera.lat), camera.range_m or 0.0
    step_m = min(max(cell_m / 2, range_m / NODES_ACROSS, LEAST_STEP_M), max(range_m / 2, LEAST_STEP_M))
    corners = plane.metres(np.vstack([shapely.get_coordinates(sector), (camera.lon, camera.lat)]))
    west, south = np.floor(corners.min(axis=0) / step_m) - 1
    east, north = np.ceil(corners.max(axis=0) / step_m) + 1
    return _Lattice(plane, west * step_m, south * step_m, step_m, int(east - west) + 1, int(north - south) + 1)


async def _read(ground: Ground | None, places: Floats) -> PointHeights:
    if ground is None:
        level = np.zeros(len(places))
        return PointHeights(level, level, (), ())
    return await ground.heights(places[:, 0], places[:, 1])


def _near(sectors: Shapes, shapes: Shapes) -> list[Ints]:
    """For each sector the indices of the shapes that meet it, in their order."""
    sector, shape = shapely.STRtree(shapes).query(sectors, predicate="intersects")
    return [np.sort(shape[sector == number]) for number in range(len(sectors))]


def _around(
    camera: Camera, lattice: _Lattice, houses: Houses, mine: Ints, read: tuple[float, Floats, Floats]
) -> Around:
    """What is around one camera; ``read`` are the heights of its place, of all houses, and of its lattice.

    Where a height is not known the ground is as high as at the camera, and there as high as around it.
    """
    own_m, bases_m, nodes_m = read
    if not np.isfinite(own_m):
        own_m = float(np.nanmean(nodes_m)) if np.isfinite(nodes_m).any() else 0.0
    relief = lattice.relief(np.where(np.isfinite(nodes_m), nodes_m, own_m))
    in_the_way = mine[np.isfinite(houses.tall_m[mine])]
    in_the_way = in_the_way[~shapely.intersects_xy(houses.shapes[in_the_way], camera.lon, camera.lat)]
    bases = bases_m[in_the_way]
    tops_m = np.where(np.isfinite(bases), bases, own_m) + houses.tall_m[in_the_way]
    return Around(
        lattice.plane,
        float(own_m),
        relief,
        blocks_of(houses.shapes[in_the_way], tops_m, lattice.plane),
        houses.fids[in_the_way],
        [houses.names[index] for index in in_the_way],
    )


def _notes(read: PointHeights, ground: Ground | None) -> list[str]:
    if ground is None or not read.known.any():
        return [NO_GROUND]
    unknown = float((~read.known).mean())
    return [source_note(read), *([f"{unknown:.0%} 的范围没有高程，按相机处地面高程计"] if unknown else [])]
