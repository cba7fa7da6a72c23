"""A red line 红线: the parcels a project asks for, in the reference system they were drawn in."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely

from cim.errors import BadRequest
from cim.model.ellipsoid import ellipsoidal_areas_m2

LONLAT_SRID = 4490
MOST_CORNERS = 50_000
MOST_PARCELS = 2_000
MOST_APART, MOST_CORNERS_APART = 20_000, 2_000_000
TOUCH_M2 = 0.01
"""Parcels of one red line that share less than this only touch."""


@dataclass(frozen=True, slots=True)
class RedLineParcel:
    """One parcel: its number and name, its shape in the red line's own system, and the area it declares, in m2."""

    number: str
    name: str
    shape: shapely.Geometry
    declared_m2: float | None = None
    use: str = ""


@dataclass(frozen=True, slots=True)
class RedLine:
    """Checked parcels in one system of the CGCS2000 family, eastings (or longitudes) first.

    Their edges are straight in that system, so that overlays are made in it. ``evidence`` says how the system was
    known; ``notes`` what was put right while reading.
    """

    srid: int
    parcels: tuple[RedLineParcel, ...]
    name: str = ""
    evidence: str = ""
    notes: tuple[str, ...] = ()

    @property
    def shapes(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        """The parcels' shapes as an array."""
        return np.array([parcel.shape for parcel in self.parcels], dtype=object)

    @property
    def digest(self) -> str:
        """SHA-256 over system, numbers and corner points in order; equal for equal input."""
        total = hashlib.sha256(f"EPSG:{self.srid}".encode())
        for parcel in self.parcels:
            total.update(f"|{parcel.number}|{parcel.declared_m2}|".encode())
            total.update(shapely.to_wkb(parcel.shape, byte_order=1))
        return total.hexdigest()

    def lonlat(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        """The parcels' shapes in longitude and latitude, corner by corner."""
        return to_lonlat(self.shapes, self.srid)

    def areas_m2(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The ellipsoidal area of each parcel by its corner points."""
        return ellipsoidal_areas_m2(self.lonlat())


def to_lonlat(shapes: np.ndarray[Any, Any], srid: int) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Shapes of a system in longitude and latitude of EPSG:4490, corner by corner."""
    return moved(shapes, srid, LONLAT_SRID)


def moved(shapes: np.ndarray[Any, Any], source: int, target: int) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Shapes with their corner points in another system; both have the easting or longitude first."""
    if source == target or len(shapes) == 0:
        return np.asarray(shapes, dtype=object)
    way = pyproj.Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)

    def points(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.column_stack(way.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, points), dtype=object)


def checked(red_line: RedLine, *, apart: bool = False) -> RedLine:
    """The red line itself when it can be analysed; BadRequest names the parcel, the point and the remedy.

    A parcel must be valid (rings do not cross), have an area, and not overlap another. Where each parcel is analysed
    ``apart`` they may overlap and be many.
    """
    most_parcels, most_corners = (MOST_APART, MOST_CORNERS_APART) if apart else (MOST_PARCELS, MOST_CORNERS)
    if not red_line.parcels:
        raise BadRequest("the red line has no parcel", where="area", remedy="give at least one closed polygon")
    if len(red_line.parcels) > most_parcels:
        raise BadRequest(
            f"{len(red_line.parcels)} parcels are more than are taken at once ({most_parcels})",
            where="area",
            remedy="review them in batches: the process compliance-review-batch takes many",
        )
    corners = sum(int(shapely.get_num_coordinates(parcel.shape)) for parcel in red_line.parcels)
    if corners > most_corners:
        most = max(red_line.parcels, key=lambda parcel: int(shapely.get_num_coordinates(parcel.shape)))
        raise BadRequest(
            f"the red line has {corners} corner points, more than {most_corners}",
            where=f"parcel {most.number or '1'}",
            remedy="deliver boundary points as surveyed, or split the red line",
        )
    for position, parcel in enumerate(red_line.parcels, 1):
        _check_parcel(parcel, position, red_line.srid)
    if not apart:
        _check_overlaps(red_line)
    return red_line


def _check_parcel(parcel: RedLineParcel, position: int, srid: int) -> None:
    name = f"parcel {parcel.number or position}"
    if shapely.get_type_id(parcel.shape) not in (3, 6):
        raise BadRequest("it is not an area", where=name, remedy="give a polygon")
    if shapely.is_empty(parcel.shape):
        raise BadRequest("it has no corner points", where=name, remedy="give its corners or leave it out")
    if not np.isfinite(shapely.get_coordinates(parcel.shape)).all():
        raise BadRequest("a coordinate is no number", where=name, remedy="correct the coordinate")
    if not shapely.is_valid(parcel.shape):
        raise BadRequest(
            f"its boundary is not valid: {_reason(parcel.shape, srid)}",
            where=name,
            remedy="correct the order of the points there, then send it again",
        )


def _reason(shape: shapely.Geometry, srid: int) -> str:
    """Why a shape is not valid, its point written as the red line writes its points."""
    reason = str(shapely.is_valid_reason(shape))
    kind, _, point = reason.partition("[")
    known = {"Self-intersection": "lines cross", "Ring Self-intersection": "a ring touches itself"}
    return f"{known.get(kind, kind.lower())} at {_point_text(point.rstrip(']').split(), srid)}"


def _point_text(numbers: Sequence[str], srid: int) -> str:
    if len(numbers) < 2:
        return "an unknown point"
    x, y = float(numbers[0]), float(numbers[1])
    if srid == LONLAT_SRID:
        return f"longitude {x:.8f}, latitude {y:.8f}"
    return f"X={y:.3f} (northing), Y={x:.3f} (easting)"


def _check_overlaps(red_line: RedLine) -> None:
    shapes = red_line.shapes
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    common = shapely.intersection(shapes[first], shapes[second])
    areas = ellipsoidal_areas_m2(to_lonlat(common, red_line.srid)) if len(common) else np.zeros(0)
    for a, b, shape, area in zip(first, second, common, areas, strict=True):
        if area > TOUCH_M2:
            point = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
            one, other = red_line.parcels[a], red_line.parcels[b]
            raise BadRequest(
                f"it overlaps parcel {other.number or b + 1} by {area:.2f} m2 at "
                f"{_point_text([str(point[0]), str(point[1])], red_line.srid)}",
                where=f"parcel {one.number or a + 1}",
                remedy="give each piece of land to one parcel",
            )


def red_line_document(red_line: RedLine) -> dict[str, Any]:
    """A red line as JSON that loses nothing: corner points as hexadecimal WKB."""
    return {
        "srid": red_line.srid,
        "name": red_line.name,
        "evidence": red_line.evidence,
        "notes": list(red_line.notes),
        "parcels": [
            {
                "number": parcel.number,
                "name": parcel.name,
                "declared_m2": parcel.declared_m2,
                "use": parcel.use,
                "wkb": shapely.to_wkb(parcel.shape, hex=True, byte_order=1),
            }
            for parcel in red_line.parcels
        ],
    }


def red_line_from_document(document: Mapping[str, Any]) -> RedLine:
    """The red line of such JSON."""
    parcels = tuple(
        RedLineParcel(
            entry["number"], entry["name"], shapely.from_wkb(entry["wkb"]), entry["declared_m2"], entry["use"]
        )
        for entry in document["parcels"]
    )
    return RedLine(document["srid"], parcels, document["name"], document["evidence"], tuple(document["notes"]))
