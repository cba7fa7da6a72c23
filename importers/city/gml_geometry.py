"""GML geometries as CityJSON's: surfaces of rings of vertices, shells of solids, points and lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lxml import etree
from numpy.typing import NDArray

Ring = list[int]
Element = etree._Element  # noqa: SLF001 - lxml names its type so
XLINK = "{http://www.w3.org/1999/xlink}href"
PATCHES = frozenset({"PolygonPatch", "Triangle", "Rectangle"})
CURVES = frozenset({"LineString", "LineStringSegment", "LinearRing"})
DEPTH = 200


class BrokenGml(ValueError):
    """A geometry that cannot be read; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A polygon: places of the points of its rings, the outer one first, and the ids it is known by."""

    rings: list[Ring]
    ids: tuple[str, ...] = ()
    ring_ids: tuple[str | None, ...] = ()
    turned: bool = False

    @property
    def reversed(self) -> "Surface":
        """The same seen from behind."""
        return Surface([ring[::-1] for ring in self.rings], self.ids, self.ring_ids, not self.turned)


@dataclass(slots=True)
class VertexList:
    """The vertices of one member, equal ones once, on a grid of ``scale`` from 0."""

    scale: NDArray[np.float64]
    places: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def add(self, points: NDArray[np.float64]) -> Ring:
        """Places of points, shape (n, 3)."""
        steps = np.rint(points / self.scale).astype(np.int64).tolist()
        return [self.places.setdefault((x, y, z), len(self.places)) for x, y, z in steps]

    def to_array(self) -> NDArray[np.int64]:
        """The vertices in order."""
        return np.array(list(self.places), np.int64).reshape(-1, 3)


@dataclass(slots=True)
class GeometryReader:
    """Reads geometries of one member. ``find`` gives the element that an id names in the file, or None.

    ``matrix`` takes the points of an implicit geometry to where it stands.
    """

    vertices: VertexList
    find: Callable[[str], Element | None]
    missing: set[str] = field(default_factory=set)
    matrix: NDArray[np.float64] | None = None

    def surfaces(self, element: Element, ids: tuple[str, ...] = (), depth: int = 0) -> Iterator[Surface]:
        """All polygons below an element, whatever they are gathered in; ``ids`` are those of what is around them."""
        if depth > DEPTH:
            raise BrokenGml("geometries refer to each other in a circle")
        target = self.followed(element)
        if target is None:
            return
        name, own = local(target), id_of(target)
        ids = (*ids, own) if own else ids
        if name == "Polygon" or name in PATCHES:
            yield self._polygon(target, ids)
        elif name == "OrientableSurface":
            turned = target.get("orientation") == "-"
            for child in target:
                for surface in self.surfaces(child, ids, depth + 1):
                    yield surface.reversed if turned else surface
        else:
            for child in target:
                if isinstance(child.tag, str):
                    yield from self.surfaces(child, ids, depth + 1)

    def shells(self, solid: Element) -> list[list[Surface]]:
        """The outer shell of a solid and those of its cavities."""
        return [list(self.surfaces(child)) for child in solid if local(child) in {"exterior", "interior"}]

    def solids(self, element: Element, depth: int = 0) -> Iterator[Element]:
        """The solids below an element."""
        target = self.followed(element)
        if target is None or depth > DEPTH:
            return
        if local(target) == "Solid":
            yield target
        else:
            for child in target:
                if isinstance(child.tag, str):
                    yield from self.solids(child, depth + 1)

    def points(self, element: Element) -> Ring:
        """The places of single points."""
        found: Ring = []
        for point in element.iter("{*}Point"):
            found += self.vertices.add(self._coordinates(point))
        return found

    def lines(self, element: Element) -> list[Ring]:
        """The places of lines."""
        curves = (part for part in element.iter() if isinstance(part.tag, str) and local(part) in CURVES)
        return [self.vertices.add(self._coordinates(curve)) for curve in curves]

    def followed(self, element: Element) -> Element | None:
        """The element itself, or the one it refers to; None, and noted, where that is not in the file."""
        href = element.get(XLINK)
        if href is None:
            return element
        target = self.find(href[1:]) if href.startswith("#") else None
        if target is None:
            self.missing.add(href[:120])
        return target

    def _polygon(self, element: Element, ids: tuple[str, ...]) -> Surface:
        rings, names = [], []
        for boundary in element:
            if local(boundary) in {"exterior", "interior", "outerBoundaryIs", "innerBoundaryIs"}:
                for ring in boundary:
                    if isinstance(ring.tag, str):
                        rings.append(self._ring(ring))
                        names.append(id_of(ring))
        if not rings:
            raise BrokenGml(f"a {local(element)} has no ring")
        return Surface(rings, ids, tuple(names))

    def _ring(self, ring: Element) -> Ring:
        points = self._coordinates(ring)
        if len(points) > 1 and (points[0] == points[-1]).all():
            points = points[:-1]
        return self.vertices.add(points)

    def _coordinates(self, element: Element) -> NDArray[np.float64]:
        """The points of an element in order, shape (n, 3)."""
        parts = []
        for child in element.iter("{*}posList", "{*}pos", "{*}coordinates"):
            text = (child.text or "").replace(",", " ") if local(child) == "coordinates" else child.text or ""
            parts.append(self._triples(text, child))
        points = np.concatenate(parts) if parts else np.empty((0, 3))
        if not np.isfinite(points).all():
            raise BrokenGml("a coordinate is no number")
        if self.matrix is not None:
            points = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return points

    def _triples(self, text: str, element: Element) -> NDArray[np.float64]:
        try:
            values = np.array(text.split(), np.float64)
        except ValueError as error:
            raise BrokenGml("a coordinate is no number") from error
        dimension = dimension_of(element)
        if len(values) % dimension:
            raise BrokenGml(f"{len(values)} coordinates are no points of {dimension} each")
        points = values.reshape(-1, dimension)
        return points if dimension == 3 else np.column_stack([points, np.zeros(len(points))])


def dimension_of(element: Element) -> int:
    """How many coordinates a point has: 3 unless the element or one around it says 2."""
    around: Element | None = element
    while around is not None:
        said = around.get("srsDimension") or around.get("dimension")
        if said:
            return 2 if said.strip() == "2" else 3
        around = around.getparent()
    return 3


def implicit_matrix(element: Element, anchor: Sequence[float]) -> NDArray[np.float64]:
    """The matrix of an implicit geometry with its reference point; BrokenGml where it is none."""
    text = next((child.text for child in element if local(child) == "transformationMatrix"), None)
    try:
        matrix = np.array((text or "").split() or np.eye(4).ravel(), np.float64).reshape(4, 4)
    except ValueError as error:
        raise BrokenGml("a transformation matrix is not 16 numbers") from error
    matrix[:3, 3] += anchor
    return matrix


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for comments."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def id_of(element: Element) -> str | None:
    """The gml:id of an element."""
    for name, value in element.attrib.items():
        if str(name).endswith("}id"):
            return str(value)
    return None
