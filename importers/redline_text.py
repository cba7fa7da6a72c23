"""The national red-line exchange text: a header of attributes and parcels as numbered corner points.

``[属性描述]`` holds ``名称=值`` lines; ``[地块坐标]`` holds, for each parcel, one line ``points,hectares,number,name,
面,sheet,use,,@`` and then one line for each corner: ``point number,ring,X,Y``. X is the northing and Y the easting in
metres; the first ring is the outer one, further rings are holes, and each ring ends with its first point again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.errors import ImportRefused

ATTRIBUTES, COORDINATES = "[属性描述]", "[地块坐标]"
PARCEL_FIELDS = 9
DEFAULT_HEADER = {
    "格式版本号": "",
    "数据产生单位": "",
    "数据产生日期": "",
    "坐标系": "2000国家大地坐标系",
    "几度分带": "3",
    "投影类型": "高斯克吕格",
    "计量单位": "米",
    "带号": "35",
    "精度": "0.001",
    "转换参数": ",,,,,,",
}


@dataclass(frozen=True, slots=True)
class RedLineParcel:
    """One parcel; ``polygon`` has eastings as x and northings as y in metres, ``area_ha`` is the declared area."""

    number: str
    name: str
    polygon: shapely.Polygon
    area_ha: float | None = None
    point_count: int | None = None
    kind: str = "面"
    sheet: str = ""
    use: str = ""
    land_code: str = ""


@dataclass(slots=True)
class RedLine:
    """A whole file: its header in the order given, its parcels, and what was put right while reading.

    ``first_open`` names parcel, ring and points of the first ring that did not end where it began.
    """

    header: dict[str, str]
    parcels: list[RedLineParcel]
    unclosed: int = 0
    miscounted: int = 0
    first_open: str = ""


@dataclass(slots=True)
class _Open:
    """A parcel being read: the parts of its first line and its rings so far."""

    line: int
    parts: Sequence[str]
    rings: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    points: int = 0


def parse_redline(text: str, name: str) -> RedLine:
    """Read a file's text; ImportRefused names ``name`` and the line of the first fault that cannot be put right."""
    red_line = RedLine({}, [])
    section, opened = "", None
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line
        elif section == ATTRIBUTES:
            key, _, value = line.partition("=")
            red_line.header[key.strip()] = value.strip()
        elif section == COORDINATES:
            parts = [part.strip() for part in re.split("[,，]", line)]
            if parts[-1] == "@":
                _finish(red_line, opened, name)
                opened = _Open(number, parts)
            elif opened is None:
                raise _fault(
                    name, number, "a corner stands before any parcel", "begin each parcel with a line ending in @"
                )
            else:
                _add_point(opened, parts, name, number)
        else:
            raise _fault(name, number, f"a line before {ATTRIBUTES}", f"begin with {ATTRIBUTES}")
    _finish(red_line, opened, name)
    if not red_line.parcels:
        raise ImportRefused("no-features", "the file has no parcel", where=name, remedy="ask for the file again")
    return red_line


def format_redline(parcels: Sequence[RedLineParcel], header: dict[str, str] | None = None) -> str:
    """The text of parcels, coordinates rounded to the header's 精度, rings in the order they have."""
    entries = {**DEFAULT_HEADER, **(header or {})}
    digits = _digits(entries["精度"])
    lines = [ATTRIBUTES, *(f"{key}={value}" for key, value in entries.items()), COORDINATES]
    for parcel in parcels:
        rings = [shapely.get_coordinates(ring) for ring in (parcel.polygon.exterior, *parcel.polygon.interiors)]
        area = parcel.area_ha if parcel.area_ha is not None else parcel.polygon.area / 10_000
        count = sum(len(ring) for ring in rings)
        first = [
            count,
            f"{area:.4f}",
            parcel.number,
            parcel.name,
            parcel.kind,
            parcel.sheet,
            parcel.use,
            parcel.land_code,
        ]
        lines.append(",".join([*map(str, first), "@"]))
        lines += _corner_lines(rings, digits)
    return "\n".join(lines) + "\n"


def _corner_lines(rings: Sequence[NDArray[np.float64]], digits: int) -> Iterator[str]:
    """Corners numbered through the parcel; the closing point has the number of the first of its ring."""
    number = 0
    for ring_number, ring in enumerate(rings, 1):
        first = number + 1
        for place, (easting, northing) in enumerate(ring):
            closing = place == len(ring) - 1
            number += not closing
            label = first if closing else number
            yield f"J{label},{ring_number},{northing:.{digits}f},{easting:.{digits}f}"


def _digits(precision: str) -> int:
    _, _, decimals = precision.partition(".")
    return len(decimals) if decimals.isdigit() else 3


def _add_point(opened: _Open, parts: Sequence[str], name: str, number: int) -> None:
    try:
        ring, northing, easting = int(parts[1]), float(parts[2]), float(parts[3])
    except (IndexError, ValueError):
        raise _fault(
            name, number, "not a corner", "write point number,ring,X,Y with X northing and Y easting"
        ) from None
    if not (abs(northing) < 1e8 and abs(easting) < 1e8):
        raise _fault(name, number, "a coordinate is no place", "give metres")
    opened.rings.setdefault(ring, []).append((easting, northing))
    opened.points += 1


def _finish(red_line: RedLine, opened: _Open | None, name: str) -> None:
    if opened is None:
        return
    rings = []
    for number, ring in sorted(opened.rings.items()):
        if ring[0] != ring[-1]:
            red_line.first_open = red_line.first_open or _open_ring(opened, number, ring)
            ring.append(ring[0])
            red_line.unclosed += 1
        if len(ring) < 4:
            raise _fault(name, opened.line, f"a ring has {len(ring) - 1} corners", "a ring needs three")
        rings.append(ring)
    if not rings:
        raise _fault(name, opened.line, "a parcel without corners", "give its corners or leave it out")
    parts = [*opened.parts, *[""] * PARCEL_FIELDS]
    declared = int(parts[0]) if parts[0].isdigit() else None
    red_line.miscounted += declared is not None and declared != opened.points
    red_line.parcels.append(
        RedLineParcel(
            number=parts[2],
            name=parts[3],
            polygon=shapely.Polygon(rings[0], rings[1:]),
            area_ha=_number(parts[1]),
            point_count=declared,
            kind=parts[4],
            sheet=parts[5],
            use=parts[6],
            land_code=parts[7].removesuffix("@"),
        )
    )


def _open_ring(opened: _Open, number: int, ring: Sequence[tuple[float, float]]) -> str:
    parcel = opened.parts[2] if len(opened.parts) > 2 else ""
    (east, north), (last_east, last_north) = ring[0], ring[-1]
    ends = f"begins at X={north:.3f}, Y={east:.3f} and ends at X={last_north:.3f}, Y={last_east:.3f}"
    return f"parcel {parcel or f'in line {opened.line}'}, ring {number} {ends}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _fault(name: str, line: int, what: str, remedy: str) -> ImportRefused:
    return ImportRefused("unreadable", what, where=f"{name}:{line}", remedy=remedy)
