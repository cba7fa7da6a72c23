"""Roads that are closed: those that meet areas or lines a user draws, or water too deep for a kind of traffic."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.errors import BadRequest
from cim.model.redline import LONLAT_SRID, moved
from cim.model.road_network import RoadNetwork, Shapes

MOST_CORNERS = 200_000
DEPTHS = ("depth_m", "max_depth_m", "depth")
_LINES, _AREAS = ("LineString", "MultiLineString"), ("Polygon", "MultiPolygon")
_WEST, _SOUTH, _EAST, _NORTH = 70.0, 0.0, 140.0, 56.0
_HELP = "give GeoJSON in longitude, latitude: a geometry, a Feature or a FeatureCollection"


@dataclass(frozen=True, slots=True)
class Closed:
    """Which edges are closed, and how many by what; ``shallow`` are those in water that the profile passes."""

    edges: NDArray[np.bool_]
    drawn: int = 0
    flooded: int = 0
    shallow: int = 0
    of_unknown_depth: int = 0

    @property
    def any(self) -> bool:
        """Whether an edge is closed."""
        return bool(self.edges.any())


def closed_edges(network: RoadNetwork, closures: Any, water: Any, water_m: float) -> Closed:
    """The edges that meet closures, or water deeper than ``water_m``; water that does not say its depth closes."""
    drawn = _meeting(network, [shape for shape, _ in shapes_in(closures, "closures", (*_LINES, *_AREAS))])
    areas = list(shapes_in(water, "water", _AREAS, others_passed=True))
    if water is not None and not areas:
        raise BadRequest("the water has no polygon", where="water", remedy=_HELP)
    depths = [depth_of(facts) for _, facts in areas]
    deep = _meeting(network, [shape for (shape, _), m in zip(areas, depths, strict=True) if m is None or m > water_m])
    wet = _meeting(network, [shape for shape, _ in areas])
    return Closed(
        drawn | deep,
        int(drawn.sum()),
        int(deep.sum()),
        int((wet & ~deep & ~drawn).sum()),
        sum(depth is None for depth in depths),
    )


def depth_of(facts: Mapping[str, Any]) -> float | None:
    """The depth that a water area's properties give, in metres."""
    found = next((facts[name] for name in DEPTHS if facts.get(name) is not None), None)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1000:
        raise BadRequest(
            f"a depth of {str(found)[:40]!r} is no number of metres", where="water", remedy="give depth_m as a number"
        )
    return float(found)


def shapes_in(
    value: Any, where: str, kinds: tuple[str, ...], *, others_passed: bool = False
) -> Iterator[tuple[shapely.Geometry, Mapping[str, Any]]]:
    """The shapes of GeoJSON with their properties; BadRequest names what cannot be used."""
    for number, feature in enumerate(_features(value, where), 1):
        geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
        kind = geometry.get("type") if isinstance(geometry, Mapping) else None
        if not isinstance(geometry, Mapping) or kind not in kinds:
            if others_passed:
                continue
            raise BadRequest(
                f"shape {number} is {str(kind)[:30]!r}, not one of {', '.join(kinds)}", where=where, remedy=_HELP
            )
        given = feature.get("properties")
        yield _read(geometry, number, where), given if isinstance(given, Mapping) else {}


def _features(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise BadRequest("it is not GeoJSON", where=where, remedy=_HELP)
    if value.get("type") == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list):
            raise BadRequest("it has no list of features", where=where, remedy=_HELP)
        return features
    if value.get("type") == "Feature":
        return [value]
    return [{"geometry": value}]


def _read(geometry: Mapping[str, Any], number: int, where: str) -> shapely.Geometry:
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise BadRequest(f"shape {number} cannot be read", where=where, remedy=_HELP) from error
    if shape.is_empty:
        raise BadRequest(f"shape {number} is empty", where=where, remedy=_HELP)
    if shapely.get_num_coordinates(shape) > MOST_CORNERS:
        raise BadRequest(
            f"shape {number} has more than {MOST_CORNERS} corners", where=where, remedy="simplify it before"
        )
    west, south, east, north = shapely.bounds(shape)
    if not (west >= _WEST and south >= _SOUTH and east <= _EAST and north <= _NORTH):
        raise BadRequest(
            f"shape {number} is not in China", where=where, remedy="GeoJSON has longitude first, in degrees"
        )
    return shape if shapely.is_valid(shape) else shapely.make_valid(shape)


def _meeting(network: RoadNetwork, shapes: list[shapely.Geometry]) -> NDArray[np.bool_]:
    found = np.zeros(len(network), dtype=bool)
    if shapes:
        given: Shapes = moved(np.array(shapes, dtype=object), LONLAT_SRID, network.srid)
        found[network.tree.query(given, predicate="intersects")[1]] = True
    return found
