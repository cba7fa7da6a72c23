"""Shapes of a model in the making: what is given in metres is written in the file's unit, equal parts once."""

from collections.abc import Sequence

import ifcopenshell

Entity = ifcopenshell.entity_instance
Box = tuple[float, float, float, float, float, float]
"""Least x, y, z and the size along each, in metres."""
UP = (0.0, 0.0, 1.0)


class Shapes:
    """Writes points, placements and solids into a file; ``unit_m`` is what one unit of the file is in metres."""

    def __init__(self, file: ifcopenshell.file, unit_m: float) -> None:
        self.file, self.unit_m = file, unit_m
        self._kept: dict[tuple[object, ...], Entity] = {}

    def length(self, metres: float) -> float:
        """A length in the unit of the file, to a tenth of a millimetre."""
        return round(round(metres, 4) / self.unit_m, 4) + 0.0

    def once(self, kind: str, *values: object) -> Entity:
        """An entity of these attributes, the same one each time."""
        key = (kind, *(value.id() if isinstance(value, Entity) else value for value in values))
        if key not in self._kept:
            self._kept[key] = self.file.create_entity(kind, *values)
        return self._kept[key]

    def point(self, *at: float) -> Entity:
        """A point in metres."""
        return self.once("IfcCartesianPoint", tuple(self.length(each) for each in at))

    def axes(self, at: Sequence[float], along: tuple[float, float] = (1.0, 0.0), up: Sequence[float] = UP) -> Entity:
        """A frame at a point; ``along`` is where its x axis points in the plan."""
        if along == (1.0, 0.0) and tuple(up) == UP:
            return self.once("IfcAxis2Placement3D", self.point(*at))
        across = self.once("IfcDirection", (round(along[0], 9), round(along[1], 9), 0.0))
        return self.once("IfcAxis2Placement3D", self.point(*at), self.once("IfcDirection", tuple(up)), across)

    def placement(self, parent: Entity | None, at: Sequence[float], along: tuple[float, float] = (1.0, 0.0)) -> Entity:
        """A placement of its own within another."""
        return self.file.create_entity("IfcLocalPlacement", parent, self.axes(at, along))

    def box(self, size: Box) -> Entity:
        """An upright box."""
        x, y, z, dx, dy, dz = size
        middle = self.once("IfcAxis2Placement2D", self.point(x + dx / 2, y + dy / 2))
        profile = self.once("IfcRectangleProfileDef", "AREA", None, middle, self.length(dx), self.length(dy))
        return self._raised(profile, (0.0, 0.0, z), dz)

    def prism(
        self,
        outline: Sequence[tuple[float, float]],
        depth: float,
        z: float = 0.0,
        holes: Sequence[Sequence[tuple[float, float]]] = (),
    ) -> Entity:
        """An outline raised by ``depth`` from height ``z``, its holes left open."""
        curve = self._ring(outline)
        if holes:
            inner = tuple(self._ring(hole) for hole in holes)
            profile = self.file.create_entity("IfcArbitraryProfileDefWithVoids", "AREA", None, curve, inner)
        else:
            profile = self.file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, curve)
        return self._raised(profile, (0.0, 0.0, z), depth)

    def sheet(self, outline: Sequence[tuple[float, float]], width: float) -> Entity:
        """An outline in the plane of y (across) and z (up) as thick as ``width`` along x, as a stair is cut."""
        profile = self.file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, self._ring(outline))
        frame = self.once(
            "IfcAxis2Placement3D",
            self.point(0.0, 0.0, 0.0),
            self.once("IfcDirection", (1.0, 0.0, 0.0)),
            self.once("IfcDirection", (0.0, 1.0, 0.0)),
        )
        return self.file.create_entity(
            "IfcExtrudedAreaSolid", profile, frame, self.once("IfcDirection", UP), self.length(width)
        )

    def bar(self, radius: float, length: float) -> Entity:
        """A round bar along x."""
        profile = self.once(
            "IfcCircleProfileDef",
            "AREA",
            None,
            self.once("IfcAxis2Placement2D", self.point(0.0, 0.0)),
            self.length(radius),
        )
        frame = self.once(
            "IfcAxis2Placement3D",
            self.point(0.0, 0.0, 0.0),
            self.once("IfcDirection", (1.0, 0.0, 0.0)),
            self.once("IfcDirection", (0.0, 1.0, 0.0)),
        )
        return self.once("IfcExtrudedAreaSolid", profile, frame, self.once("IfcDirection", UP), self.length(length))

    def body(self, context: Entity, items: Sequence[Entity], kind: str = "SweptSolid") -> Entity:
        """The shape of a product."""
        shown = self.file.create_entity("IfcShapeRepresentation", context, "Body", kind, tuple(items))
        return self.file.create_entity("IfcProductDefinitionShape", None, None, (shown,))

    def mapped(self, context: Entity, source: Entity) -> Entity:
        """The shape of a type once more."""
        where = self.once("IfcCartesianTransformationOperator3D", None, None, self.point(0.0, 0.0, 0.0))
        return self.body(context, (self.once("IfcMappedItem", source, where),), "MappedRepresentation")

    def _ring(self, outline: Sequence[tuple[float, float]]) -> Entity:
        points = [self.point(*corner) for corner in outline]
        return self.file.create_entity("IfcPolyline", (*points, points[0]))

    def _raised(self, profile: Entity, at: tuple[float, float, float], depth: float) -> Entity:
        return self.once(
            "IfcExtrudedAreaSolid", profile, self.axes(at), self.once("IfcDirection", UP), self.length(depth)
        )
