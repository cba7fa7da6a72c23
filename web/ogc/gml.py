"""GML 3.2 geometries: written from GeoJSON-like values, and read from filters in its simple-features forms."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from lxml import etree
from shapely.geometry.base import BaseGeometry

from tiles.picture_window import transformer
from web.ogc.faults import OgcFault
from web.ogc.systems import System, find_system

GML = "http://www.opengis.net/gml/3.2"
_GMLS = frozenset({GML, "http://www.opengis.net/gml"})
_MEMBERS = {
    "MultiPoint": ("pointMember", "Point"),
    "MultiLineString": ("curveMember", "LineString"),
    "MultiPolygon": ("surfaceMember", "Polygon"),
}
_ELEMENTS = {"MultiLineString": "MultiCurve", "MultiPolygon": "MultiSurface"}
_MAX_POSITIONS = 10_000


def write_geometry(
    parent: etree._Element, geometry: Mapping[str, Any], name: str, system: str, ids: Iterator[int] | None = None
) -> etree._Element:
    """Append a geometry whose positions are in the axis order of ``system``; ``name`` is what gml:id begins with."""
    numbers = ids if ids is not None else itertools.count(1)
    kind = str(geometry["type"])
    element = etree.SubElement(parent, f"{{{GML}}}{_ELEMENTS.get(kind, kind)}")
    element.set(f"{{{GML}}}id", f"{name}.{next(numbers)}")
    element.set("srsName", system)
    places = geometry["coordinates"]
    if kind in _MEMBERS:
        member, single = _MEMBERS[kind]
        for part in places:
            held = etree.SubElement(element, f"{{{GML}}}{member}")
            write_geometry(held, {"type": single, "coordinates": part}, name, system, numbers)
    elif kind == "Point":
        etree.SubElement(element, f"{{{GML}}}pos").text = _numbers([places])
    elif kind == "LineString":
        etree.SubElement(element, f"{{{GML}}}posList").text = _numbers(places)
    else:
        for at, ring in enumerate(places):
            edge = etree.SubElement(element, f"{{{GML}}}{'interior' if at else 'exterior'}")
            line = etree.SubElement(edge, f"{{{GML}}}LinearRing")
            etree.SubElement(line, f"{{{GML}}}posList").text = _numbers(ring)
    return element


def is_gml(element: etree._Element) -> bool:
    """Whether an element is of a GML namespace."""
    return etree.QName(element).namespace in _GMLS


def read_geometry(element: etree._Element, default: System) -> BaseGeometry:
    """A point, line, polygon or envelope as longitude and latitude; OgcFault says what cannot be read."""
    name = element.get("srsName")
    system = find_system(name, where="FILTER") if name else default
    kind = etree.QName(element).localname
    if kind == "Envelope":
        corners = [_positions(element, word)[0] for word in ("lowerCorner", "upperCorner")]
        shape: BaseGeometry = shapely.box(*corners[0], *corners[1])
    elif kind == "Point":
        shape = shapely.Point(_positions(element, "pos")[0])
    elif kind == "LineString":
        shape = shapely.LineString(_positions(element, "posList"))
    elif kind == "Polygon":
        rings = {
            word: [_positions(e, "posList") for e in element.iterfind(f"{{*}}{word}/{{*}}LinearRing")]
            for word in ("exterior", "interior")
        }
        if len(rings["exterior"]) != 1:
            raise _unread("a Polygon needs one exterior LinearRing with a posList")
        shape = shapely.Polygon(rings["exterior"][0], rings["interior"])
    else:
        raise _unread(f"the geometry {kind[:40]!r} is not read; use Envelope, Point, LineString or Polygon")
    return _in_lonlat(shape, system)


def _in_lonlat(shape: BaseGeometry, system: System) -> BaseGeometry:
    if system.north_first:
        shape = shapely.transform(shape, lambda places: places[:, ::-1])
    if system.srid == 4490:
        return shape
    way = transformer(system.srid, 4490)
    moved: BaseGeometry = shapely.transform(shape, lambda places: _moved(way, places))
    return moved


def _moved(way: Any, places: Any) -> Any:
    return np.column_stack(way.transform(places[:, 0], places[:, 1]))


def _positions(element: etree._Element, word: str) -> list[tuple[float, float]]:
    found = element.find(f"{{*}}{word}")
    text = (found.text or "") if found is not None else ""
    try:
        values = [float(part) for part in text.split()]
    except ValueError:
        values = []
    if not values or len(values) % 2 or len(values) > 2 * _MAX_POSITIONS or not all(map(math.isfinite, values)):
        raise _unread(f"{word} does not hold pairs of finite numbers")
    return list(zip(values[::2], values[1::2], strict=True))


def _numbers(places: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{place[0]!r} {place[1]!r}" for place in places)


def _unread(what: str) -> OgcFault:
    return OgcFault("OperationParsingFailed", what, where="FILTER", remedy="see docs/services.md for what is read")
