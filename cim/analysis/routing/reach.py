"""What of the roads is reached within some seconds: parts of edges, and areas that follow them."""

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.features import shapes as outlines
from rasterio.transform import Affine
from scipy.ndimage import binary_dilation, generate_binary_structure

from cim.analysis.routing.graph import Graph
from cim.model.redline import LONLAT_SRID, moved
from cim.model.road_network import Floats, RoadNetwork, Shapes

BESIDE_M = 60.0
"""How far beside a reached road its area goes."""
LEAST_CELL_M, CELLS_ACROSS = 20.0, 500
WHOLE = 1 - 1e-9
Part = tuple[int, float, float]
"""A part of an edge of the network: the edge and two shares of it."""


def shares(graph: Graph, seconds: Floats, within_s: float, *, towards: bool) -> tuple[Floats, Floats]:
    """How far each edge of a graph is reached, in shares of it: from its beginning on, and back from its end.

    ``seconds`` are those to each node (infinite: not reached); ``towards``: those from each node to the place.
    """
    along_s, against_s = graph.edges.cost_s, graph.edges.reverse_cost_s
    if towards:
        along_s, against_s = against_s, along_s
    from_source = _share(within_s - seconds[graph.edges.source], along_s)
    from_target = _share(within_s - seconds[graph.edges.target], against_s)
    return from_source, from_target


def _share(left_s: Floats, cost_s: Floats) -> Floats:
    share = np.divide(left_s, cost_s, out=np.ones_like(cost_s), where=cost_s > 0)
    return np.where((left_s >= 0) & (cost_s >= 0), np.clip(share, 0.0, 1.0), 0.0)


def bands(graph: Graph, seconds: Floats, limits_s: Sequence[float], *, towards: bool) -> Iterator[list[Part]]:
    """For each limit, ascending, the parts of edges reached within it and not within the one before."""
    low_before, high_before = np.zeros(len(graph.of)), np.zeros(len(graph.of))
    for limit_s in limits_s:
        low, high = shares(graph, seconds, limit_s, towards=towards)
        done = low_before + high_before >= WHOLE
        met = low + high >= WHOLE
        low = np.where(met, np.where(done, low_before, 1 - high_before), low)
        high_end = np.where(met, high_before, high)
        yield [
            *_parts(graph, low_before, low, ~done & (low > low_before)),
            *_parts(graph, 1 - high_end, 1 - high_before, ~done & ~met & (high > high_before)),
        ]
        low_before, high_before = np.where(done, low_before, low), np.where(done | met, high_before, high)


def _parts(graph: Graph, start: Floats, end: Floats, which: NDArray[np.bool_]) -> Iterator[Part]:
    rows = np.flatnonzero(which)
    length = graph.end[rows] - graph.begin[rows]
    first, last = graph.begin[rows] + start[rows] * length, graph.begin[rows] + end[rows] * length
    yield from zip(graph.of[rows].tolist(), first.tolist(), last.tolist(), strict=True)


def lines_of(network: RoadNetwork, parts: Sequence[Part]) -> list[Floats]:
    """The lines of parts of edges in longitude and latitude."""
    return [network.stretch(edge, start, end) for edge, start, end in parts if end > start]


def metres_of(network: RoadNetwork, parts: Sequence[Part]) -> float:
    """The length of parts of edges."""
    edge, start, end = np.array(parts, dtype=np.float64).reshape(-1, 3).T
    return float(((end - start) * network.length_m[edge.astype(np.int64)]).sum())


def areas_beside(network: RoadNetwork, lines: Sequence[Sequence[Floats]]) -> list[shapely.Geometry]:
    """For each band of lines the area within ``BESIDE_M`` of them and those of the bands before, exact to a cell.

    The areas are of cells of ``LEAST_CELL_M``, wider where the lines spread farther, in longitude and latitude.
    """
    shapes = [moved(_linestrings(band), LONLAT_SRID, network.srid) for band in lines]
    there = [band for band in shapes if len(band)]
    if not there:
        return [shapely.MultiPolygon()] * len(lines)
    west, south, east, north = shapely.total_bounds(np.concatenate(there))
    cell_m = max(LEAST_CELL_M, float(max(east - west, north - south)) / CELLS_ACROSS)
    steps = max(1, round(BESIDE_M / cell_m))
    margin_m = (steps + 2) * cell_m
    way = Affine(cell_m, 0, west - margin_m, 0, -cell_m, north + margin_m)
    size = (int((north - south + 2 * margin_m) / cell_m) + 1, int((east - west + 2 * margin_m) / cell_m) + 1)
    reached, found = np.zeros(size, dtype=np.uint8), []
    for band in shapes:
        if len(band):
            reached |= rasterize([_as_one(band)], out_shape=size, transform=way, all_touched=True, dtype="uint8")
        found.append(_outlined(reached, steps, way, cell_m, network.srid))
    return found


def _outlined(reached: NDArray[np.uint8], steps: int, way: Affine, cell_m: float, srid: int) -> shapely.Geometry:
    if not reached.any():
        return shapely.MultiPolygon()
    wide = binary_dilation(reached, structure=generate_binary_structure(2, 1), iterations=steps).astype(np.uint8)
    polygons = np.array([shapely.geometry.shape(shape) for shape, _ in outlines(wide, mask=wide, transform=way)])
    smooth = shapely.simplify(polygons, cell_m * 0.75)
    return shapely.MultiPolygon(list(moved(smooth, srid, LONLAT_SRID)))


def _as_one(lines: Shapes) -> dict[str, object]:
    """Lines as one GeoJSON geometry, which is read many times faster than a shape for each."""
    return {"type": "MultiLineString", "coordinates": split(*shapely.get_coordinates(lines, return_index=True))}


def split(corners: Floats, line: NDArray[np.int64]) -> list[list[list[float]]]:
    """Corners of lines that follow each other, line by line as GeoJSON has them; ``line`` is that of each corner."""
    points = corners.tolist()
    ends = [*(np.flatnonzero(np.diff(line)) + 1).tolist(), len(points)]
    return [points[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True) if end > start]


def _linestrings(lines: Sequence[Floats]) -> Shapes:
    if not lines:
        return np.zeros(0, dtype=object)
    of = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    return np.asarray(shapely.linestrings(np.concatenate(list(lines)), indices=of), dtype=object)
