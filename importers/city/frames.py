"""Where a city model lies: its reference system, the order of its axes and what its heights are above."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.model.collection import BoundingBox
from cim.model.reference_systems import declared_crs, declared_height_datum, given_crs
from importers.importer import ReadOptions

Reals = NDArray[np.float64]
VERTICAL_NAMES = {"1985": "EPSG:5737", "1956": "EPSG:5736", "egm96": "EPSG:5773", "egm2008": "EPSG:3855"}
M_PER_DEGREE = 111_320.0
Three = TypeVar("Three")


@dataclass(frozen=True, slots=True)
class Frame:
    """The system of a model's coordinates.

    ``srid`` or ``wkt`` is the horizontal part; ``north_first`` says that northings or latitudes come before eastings
    or longitudes in the source. ``height_datum`` is authority and code, ``ellipsoidal``, ``local`` or None.
    """

    srid: int | None
    wkt: str | None
    height_datum: str | None
    north_first: bool = False
    geographic: bool = False

    @property
    def crs(self) -> str | None:
        """The horizontal system for people and programs."""
        return f"EPSG:{self.srid}" if self.srid else self.wkt

    def order(self, three: tuple[Three, Three, Three]) -> tuple[Three, Three, Three]:
        """A triple of the source with its eastern part first."""
        return (three[1], three[0], three[2]) if self.north_first else three

    def ordered(self, points: NDArray[Any]) -> NDArray[Any]:
        """Rows of the source with their eastern part first."""
        return points[:, [1, 0, 2]] if self.north_first else points

    def metres(self, points: Reals) -> Reals:
        """Points, east first, as metres that lengths and areas can be measured in; near enough for tolerances."""
        if not self.geographic or not len(points):
            return points
        middle = np.radians(points[:, 1].mean())
        metres: Reals = points * np.array([M_PER_DEGREE * np.cos(middle), M_PER_DEGREE, 1.0])
        return metres


def frame_of(reference: str | None, options: ReadOptions) -> Frame:
    """The frame that is given, else declared; without the order of axes, which coordinates have a say in."""
    srid, wkt = given_crs(options.crs) if options.crs else declared_crs(reference)
    system = _system(srid, wkt)
    return Frame(
        srid,
        wkt,
        height_datum(reference, options),
        geographic=bool(system is not None and system.is_geographic),
    )


def height_datum(reference: str | None, options: ReadOptions) -> str | None:
    """What heights are above: given, else declared by a compound or three-dimensional system, else None."""
    if options.height_datum:
        return VERTICAL_NAMES.get(options.height_datum.lower(), options.height_datum)
    text = options.crs or reference
    found = declared_height_datum(text) or declared_height_datum(reference)
    if found or not text:
        return found
    try:
        return "ellipsoidal" if len(pyproj.CRS.from_user_input(text).axis_info) == 3 else None
    except pyproj.exceptions.CRSError:
        return None


@dataclass(frozen=True, slots=True)
class Axes:
    """The order of axes that was settled on, and what is to be said of it.

    ``open`` says that both orders lie where the system is used, so that the shapes have a say: read the wrong way
    round, solids are inside out.
    """

    north_first: bool
    note: str | None = None
    open: bool = False


def axes_of(frame: Frame, box: BoundingBox | None) -> Axes:
    """The order that the system has, unless its coordinates lie where it is used only the other way round.

    ``box`` is of the coordinates as written: first axis, second axis, least and greatest.
    """
    system = _system(frame.srid, frame.wkt)
    if system is None:
        return Axes(north_first=False)
    north = system.axis_info[0].direction.lower() in {"north", "south"}
    if box is None or not north:
        return Axes(north)
    by_rule = _inside(system, (box[1], box[0], box[3], box[2]))
    other = _inside(system, box)
    if other and not by_rule:
        return Axes(north_first=False)
    if other == by_rule and not frame.geographic:
        note = f"northings are taken to come first, as {system.name} has them"
        return Axes(north_first=True, note=note, open=True)
    return Axes(north_first=True)


def east_first(frame: Frame) -> Axes:
    """The order that shapes tell in spite of the system."""
    return Axes(north_first=False, note=f"{frame.crs} has northings first, the coordinates eastings: taken as such")


def lies_in(frame: Frame, box: BoundingBox) -> bool:
    """Whether a box, east first, lies where the system of a frame is used."""
    system = _system(frame.srid, frame.wkt)
    return system is not None and _inside(system, box)


def _inside(system: pyproj.CRS, box: BoundingBox) -> bool:
    """Whether a box, east first, lies where a system is used."""
    area = system.area_of_use
    if area is None:
        return True
    to_degrees = pyproj.Transformer.from_crs(system.geodetic_crs, system, always_xy=True)
    try:
        lons, lats = to_degrees.transform([box[0], box[2]], [box[1], box[3]], direction="INVERSE")
    except pyproj.exceptions.ProjError:
        return False
    inside = area.west <= min(lons) and max(lons) <= area.east and area.south <= min(lats) and max(lats) <= area.north
    return bool(np.isfinite([*lons, *lats]).all() and inside)


def _system(srid: int | None, wkt: str | None) -> pyproj.CRS | None:
    if srid:
        return pyproj.CRS.from_epsg(srid)
    try:
        return pyproj.CRS.from_wkt(wkt) if wkt else None
    except pyproj.exceptions.CRSError:  # GCJ-02 and BD-09 are names of ours
        return None
