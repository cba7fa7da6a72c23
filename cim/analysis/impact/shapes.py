"""Places and shapes around a place: all distances are geodesics, all bearings degrees clockwise from true north."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.overlay import Floats
from cim.model.analysis import Finding, Place, SourceEdition, Title, Verdict
from cim.model.cameras import GEOD
from cim.model.ellipsoid import ellipsoidal_areas_m2

ARC_STEP_DEG = 1.0
PRECISION_DEG = 1e-8
Point = tuple[float, float]


def wind_from_field(**more: Any) -> Any:
    """A parameter that is where the wind comes from."""
    return Field(
        title="风向（来向） Wind from (°)",
        ge=0,
        le=360,
        description="0 北风，90 东风，云团向反方向漂移 0: from the north; clouds drift away from it",
        **more,
    )


def downwind(wind_from_deg: float) -> float:
    """The bearing a cloud drifts along when the wind comes from another."""
    return (wind_from_deg + 180.0) % 360.0


def reached(place: Point, bearing_deg: Floats, distance_m: Floats) -> Floats:
    """The points at bearings and distances of a place; longitude and latitude, shape (n, 2)."""
    count = len(bearing_deg)
    lon, lat, _ = GEOD.fwd(np.full(count, place[0]), np.full(count, place[1]), bearing_deg, distance_m)
    return np.column_stack([lon, lat])


def circle(place: Point, radius_m: float) -> shapely.Polygon:
    """A circle in longitude and latitude."""
    bearings = np.arange(0.0, 360.0, ARC_STEP_DEG)
    return _polygon(reached(place, bearings, np.full(len(bearings), radius_m)))


def ring(place: Point, inner_m: float, outer_m: float) -> shapely.Geometry:
    """What lies between two circles; the whole of the outer one where the inner is 0."""
    whole = circle(place, outer_m)
    return whole if inner_m <= 0 else shapely.difference(whole, circle(place, inner_m))


def sector(place: Point, bearing_deg: float, width_deg: float, radius_m: float) -> shapely.Polygon:
    """The sector of a circle about a bearing; the circle where its angle is a full turn."""
    if width_deg >= 360.0:
        return circle(place, radius_m)
    count = int(np.ceil(width_deg / ARC_STEP_DEG)) + 1
    bearings = bearing_deg - width_deg / 2 + np.linspace(0.0, width_deg, count)
    return _polygon(np.vstack([place, reached(place, bearings, np.full(count, radius_m))]))


def laid(place: Point, bearing_deg: float, corners_m: Floats) -> shapely.Polygon:
    """A polygon of corners given in metres along a bearing (first column) and to its left (second)."""
    along, left = corners_m.T
    bearings = bearing_deg - np.degrees(np.arctan2(left, along))
    return _polygon(reached(place, bearings, np.hypot(along, left)))


def ellipse(place: Point, strike_deg: float, along_m: float, across_m: float) -> shapely.Polygon:
    """An ellipse about a place by its half axes, the first along a bearing."""
    turn = np.radians(np.arange(0.0, 360.0, ARC_STEP_DEG))
    return laid(place, strike_deg, np.column_stack([along_m * np.cos(turn), across_m * np.sin(turn)]))


def _polygon(corners: Floats) -> shapely.Polygon:
    return shapely.orient_polygons(shapely.Polygon(corners))


def area_m2(shape: shapely.Geometry) -> float:
    """The ellipsoidal area of a shape in longitude and latitude."""
    return float(ellipsoidal_areas_m2(np.array([shape], dtype=object))[0])


def drawn(shape: shapely.Geometry, facts: Mapping[str, Any]) -> Place:
    """A shape in longitude and latitude for the map, with what it stands for and its area."""
    fine: Any = shapely.set_precision(shape, PRECISION_DEG, mode="pointwise")
    measured = {"area_m2": round(area_m2(shape), 2)} if shapely.get_dimensions(shape) == 2 else {}
    return Place(shapely.geometry.mapping(fine), {**facts, **measured})


def stated(rule: str, zh: str, en: str, message: str, *, missing: bool = False, source: str = "") -> Finding:
    """A finding that states something a reader must know; ``missing``: why a part could not be assessed."""
    verdict = Verdict.NOT_ASSESSED if missing else Verdict.INFORMATION
    return Finding(rule, Title(zh, en), verdict, None, None, "", source, message=message)


def absent(edition: SourceEdition, consequence: str) -> Finding:
    """A finding that a layer is not there, and what the answer lacks for that."""
    return Finding(
        "missing-layer",
        Title("缺少图层", "Layer not available"),
        Verdict.NOT_ASSESSED,
        None,
        None,
        "",
        "",
        edition.layer,
        edition.text,
        f"{edition.note}；{consequence}",
    )


def united(shapes: Iterable[shapely.Geometry]) -> shapely.Geometry:
    """One geometry of polygons that do not overlap."""
    parts = shapely.get_parts(np.array(list(shapes), dtype=object))
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == 3]))
