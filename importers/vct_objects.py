"""The objects of a VCT file: points, lines, areas and annotations, each with its id, its feature code and its shape.

An object is its id, its feature code, the code of its presentation, what it is made of, and 0. Areas are rings of their
own coordinates, or rings of lines named by id, negative where the line runs backwards, with 0 between rings.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.vct_head import decoded, is_end, refuse_begin
from importers.vct_rings import LineStore, area_of, drawn_arc, drawn_circle, joined
from importers.vct_text import END_OF_OBJECT, Place, VctLines, shown

Coordinates = NDArray[np.float64]
DIRECT, INDIRECT = range(1, 7), 100
POLYLINE, ARC_3_POINTS, CIRCLE_3_POINTS, CIRCLE = 11, 12, 12, 13
RINGS_OF_LINES, OF_POLYGONS = 21, 22
DIRECTED_POINT = 3
NOT_A_NUMBER = "a coordinate is no number or no place"
NO_LINES = "it names no line"


@dataclass(slots=True)
class VctObject:
    """One object; ``fault`` says why it has no shape. ``place`` is that of its id, ``parts`` its lines by signed id.

    ``raw_text`` and ``angle`` (degrees) are an annotation's; ``heights`` says that a third coordinate was left out.
    Coordinates are eastings and northings in metres, or longitudes and latitudes in degrees, as the header says.
    """

    id: int
    code: str
    place: Place
    shape: shapely.Geometry | None = None
    parts: tuple[int, ...] = ()
    fault: str = ""
    heights: bool = False
    raw_text: bytes = b""
    angle: float | None = None


class ObjectReader:
    """Reads the objects of the geometry sections one after another; ``axes`` turns the file's X and Y to east, north.

    What makes one object unusable is said in its ``fault``; where it is no longer sure which line means what,
    ImportRefused names the line.
    """

    def __init__(self, lines: VctLines, axes: Coordinates | None) -> None:
        self._lines = lines
        self._axes = axes

    def next(self, section: str) -> VctObject | None:
        """The next object of a section, or None at its end. ``section`` is Point, Line, Polygon or Annotation."""
        line = self._lines.take(f"{section}Begin")
        if is_end(line, section):
            return None
        refuse_begin(self._lines, line, section)
        place = self._lines.place
        self._lines.keep(line)
        found = VctObject(self._lines.whole_number("object id"), "", place)
        found.code = decoded(self._lines.take("an object"))
        self._lines.take("an object")
        kind = self._lines.whole_number("kind of object")
        {"Point": self._point, "Line": self._line, "Polygon": self._polygon, "Annotation": self._annotation}[section](
            found, kind
        )
        line = self._lines.take("an object")
        if line != END_OF_OBJECT:
            raise self._lines.fault(
                f"object {found.id} goes on with {shown(line)} where 0 should end it", "have the file written again"
            )
        return found

    def _point(self, found: VctObject, kind: int) -> None:
        count = (1 + (kind == DIRECTED_POINT)) if self._lines.is_coordinate() else self._lines.count("number of points")
        points = self._points(found, count)
        if points is None:
            found.fault = NOT_A_NUMBER if count else "it has no point"
        elif kind == DIRECTED_POINT or count == 1:
            found.shape = shapely.Point(points[0])
        else:
            found.shape = shapely.MultiPoint(points)

    def _line(self, found: VctObject, kind: int) -> None:
        if kind == INDIRECT:
            found.parts = self._ids(self._lines.count("number of lines"))
            found.fault = "" if found.parts else NO_LINES
            return
        self._check(kind in DIRECT, f"{kind} is no kind of line")
        pieces = []
        for _ in range(self._lines.count("number of line pieces")):
            piece_kind = self._lines.whole_number("kind of line piece")
            self._check(
                piece_kind in {POLYLINE, ARC_3_POINTS},
                f"a curve of kind {piece_kind} is not read",
                "have curves written as polylines (kind 11)",
            )
            fixed = piece_kind == ARC_3_POINTS and self._lines.is_coordinate()
            points = self._points(found, 3 if fixed else self._lines.count("number of points"))
            if points is None or len(points) < 2:
                found.fault = NOT_A_NUMBER if points is None else "it has fewer than two points"
            elif piece_kind == ARC_3_POINTS and len(points) == 3:
                pieces.append(drawn_arc(points))
            else:
                pieces.append(points)
        if not found.fault and pieces:
            found.shape = joined(pieces)
        found.fault = found.fault or ("" if pieces else "it has no coordinates")

    def _polygon(self, found: VctObject, kind: int) -> None:
        if self._lines.is_coordinate():
            self._lines.take("a label point")
        if kind == INDIRECT:
            made_of = self._lines.whole_number("kind of area")
            self._check(made_of in {RINGS_OF_LINES, OF_POLYGONS}, f"{made_of} is no kind of area")
            found.parts = self._ids(self._lines.count("number of lines"))
            if made_of == OF_POLYGONS:
                found.parts, found.fault = (), "it is made of other areas, which is not read"
            elif not found.parts:
                found.fault = NO_LINES
            return
        self._check(kind in DIRECT, f"{kind} is no kind of area")
        rings = [self._ring(found) for _ in range(self._lines.count("number of rings"))]
        good = [ring for ring in rings if ring is not None]
        if not found.fault and good:
            found.shape, found.fault = area_of(good)
        found.fault = found.fault or ("" if good else "it has no ring")

    def _ring(self, found: VctObject) -> Coordinates | None:
        kind = self._lines.whole_number("kind of ring")
        self._check(
            kind in {POLYLINE, CIRCLE_3_POINTS, CIRCLE},
            f"a ring of kind {kind} is not read",
            "have curves written as polylines (kind 11)",
        )
        fixed = kind != POLYLINE and self._lines.is_coordinate()
        count = (1 if kind == CIRCLE else 3) if fixed else self._lines.count("number of points")
        points = self._points(found, count)
        radius = self._lines.number_of("radius") if kind == CIRCLE else None
        if points is None:
            found.fault = NOT_A_NUMBER
        elif kind != POLYLINE:
            return drawn_circle(points, radius)
        return points

    def _annotation(self, found: VctObject, kind: int) -> None:
        found.raw_text = self._lines.take_text("an annotation")
        count = 1 if self._lines.is_coordinate() else self._lines.count("number of points")
        points = self._lines.points(count) if count else None
        if points is None:
            found.fault = NOT_A_NUMBER if count else "it has no point"
            return
        if points.shape[1] > 2:
            found.angle = float(points[0, -1])
        found.shape = shapely.Point(self._turned(points)[0])

    def _points(self, found: VctObject, count: int) -> Coordinates | None:
        points = self._lines.points(count) if count else None
        if points is None:
            return None
        found.heights = found.heights or points.shape[1] > 2
        return self._turned(points)

    def _turned(self, points: Coordinates) -> Coordinates:
        flat = points[:, :2]
        return flat if self._axes is None else flat @ self._axes.T

    def _ids(self, count: int) -> tuple[int, ...]:
        """Ids, several to a line; some writers count the zeros between rings and some do not."""
        ids: list[int] = []
        while len(ids) < count:
            ids += self._id_line(self._lines.take("ids of lines"))
        while (line := self._lines.take("ids of lines")) != END_OF_OBJECT:
            ids += self._id_line(line)
        self._lines.keep(line)
        return tuple(ids)

    def _id_line(self, line: bytes) -> list[int]:
        try:
            return [int(part) for part in line.split(self._lines.separator) if part.strip()]
        except ValueError:
            raise self._lines.fault(
                f"{shown(line)} stands where ids of lines should", "have the file written again"
            ) from None

    def _check(self, good: bool, what: str, remedy: str = "have the file written again") -> None:
        if not good:
            raise self._lines.fault(what, remedy)


def complete(found: VctObject, store: LineStore, *, area: bool) -> None:
    """Give an object made of lines its shape, or the fault that stands against it."""
    if not found.parts or found.fault:
        return
    try:
        rings = store.rings(found.parts) if area else [store.path(found.parts)]
    except LookupError as error:
        found.fault = str(error.args[0])
        return
    if area:
        found.shape, found.fault = area_of(rings)
    else:
        found.shape = joined(rings)
