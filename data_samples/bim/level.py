"""One storey in the making: walls with what is set into them, rooms with what stands in them, stairs.

Coordinates are metres in the plan of the building: x along its long side, y across, heights above the storey.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_samples.bim.draft import Draft
from data_samples.bim.products import DOORS, WINDOWS
from data_samples.bim.shapes import Entity

SLAB_M = 0.12
SILL_M = 0.9
SINGLE, DOUBLE = "SINGLE_SWING_LEFT", "DOUBLE_DOOR_SINGLE_SWING"


@dataclass(frozen=True, slots=True)
class Set:
    """What is set into a wall: the name of its type, how far along the wall its middle is, and its sill.

    ``contained`` says whether it is listed in the storey too, or known there by its wall alone; ``rating`` overrides
    the class of fire resistance of its type.
    """

    name: str
    at: float
    sill: float = 0.0
    contained: bool = True
    rating: str | None = None


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the plan."""

    west: float
    south: float
    east: float
    north: float

    @property
    def area(self) -> float:
        """Its area in m2."""
        return (self.east - self.west) * (self.north - self.south)

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Its corners anticlockwise."""
        return ((self.west, self.south), (self.east, self.south), (self.east, self.north), (self.west, self.north))


class Level:
    """A storey of a draft with its height from floor to floor."""

    def __init__(self, draft: Draft, name: str, number: int, elevation: float, height: float) -> None:
        self.draft, self.name, self.number, self.height = draft, name, number, height
        self.storey = draft.spatial("BuildingStorey", name, draft.building, elevation)
        self.storey.Elevation = draft.shapes.length(elevation)
        self.place = self.storey.ObjectPlacement
        values = {"EntranceLevel": number == 1, "AboveGround": number > 0, "SprinklerProtection": True}
        draft.properties(self.storey, "Pset_BuildingStoreyCommon", values)
        draft.quantities(self.storey, "Qto_BuildingStoreyBaseQuantities", {"GrossHeight": height})

    @property
    def clear(self) -> float:
        """The height below the slab above."""
        return self.height - SLAB_M

    def wall(
        self,
        name: str,
        start: tuple[float, float],
        end: tuple[float, float],
        height: float,
        sets: Sequence[Set] = (),
        base: float = 0.0,
    ) -> Entity:
        """A wall on its middle line, as thick as its name says in millimetres."""
        draft, width = self.draft, float(name.split()[1]) / 1000
        length = math.dist(start, end)
        along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
        placement = draft.shapes.placement(self.place, (*start, base), along)
        solid = draft.shapes.box((0.0, -width / 2, 0.0, length, width, height))
        material = {"外墙": "外墙涂料", "女儿墙": "外墙涂料", "剪力墙": "钢筋混凝土", "挡土墙": "钢筋混凝土"}.get(
            name.split(maxsplit=1)[0], "加气混凝土砌块"
        )
        shape = draft.shapes.body(draft.body, (solid,))
        wall = draft.element(
            "Wall",
            f"{name} {self.name}",
            self.storey,
            placement,
            shape,
            of=name,
            material=material,
            PredefinedType="SOLIDWALL",
        )
        openings = 0.0
        for each in sets:
            openings += self._set(wall, placement, width, each)
        net = length * height - openings
        values = {
            "Length": length,
            "Width": width,
            "Height": height,
            "GrossSideArea": length * height,
            "NetSideArea": net,
        }
        draft.quantities(wall, "Qto_WallBaseQuantities", {**values, "NetVolume": net * width})
        return wall

    def _set(self, wall: Entity, placement: Entity, width: float, each: Set) -> float:
        """Cut an opening and put in a door or window; returns the area of the opening."""
        draft, door = self.draft, each.name in DOORS
        wide, high = DOORS[each.name][:2] if door else WINDOWS[each.name]
        hole = draft.shapes.placement(placement, (each.at, 0.0, each.sill))
        kind, predefined = ("Door", "DOOR") if door else ("Window", "WINDOW")
        made = draft.element(
            kind,
            f"{each.name} {self.name}",
            self.storey if each.contained else None,
            draft.shapes.placement(hole, (0.0, 0.0, 0.0)),
            of=each.name,
            PredefinedType=predefined,
            OverallHeight=draft.shapes.length(high),
            OverallWidth=draft.shapes.length(wide),
        )
        if door:
            made.OperationType = DOUBLE if wide > 1.25 else SINGLE
        if each.rating:
            draft.properties(made, "Pset_DoorCommon", {"FireRating": each.rating})
            draft.properties(made, "防火门参数", {"防火等级": each.rating})
        draft.opening(wall, hole, (-wide / 2, -width / 2 - 0.05, 0.0, wide, width + 0.1, high), made)
        return wide * high

    def room(
        self, number: str, title: str, rect: Rect, code: tuple[str, str], category: str, height: float | None = None
    ) -> Entity:
        """A room of a clear rectangle, from floor to slab."""
        draft, high = self.draft, height or self.clear
        shape = draft.shapes.body(draft.body, (draft.shapes.prism(rect.corners, high),))
        space = draft.space(
            number, title, self.storey, draft.shapes.placement(self.place, (0.0, 0.0, 0.0)), shape, code
        )
        around = 2 * (rect.east - rect.west + rect.north - rect.south)
        values = {"NetFloorArea": rect.area, "NetPerimeter": around, "Height": high, "NetVolume": rect.area * high}
        draft.quantities(space, "Qto_SpaceBaseQuantities", values)
        public = category in {"候诊", "交通", "大厅"}
        draft.properties(
            space,
            "Pset_SpaceCommon",
            {"Reference": number, "Category": category, "PubliclyAccessible": public, "IsExternal": False},
        )
        return space

    def stand(
        self,
        name: str,
        entity: str,
        where: Entity,
        at: tuple[float, float, float],
        along: tuple[float, float] = (1.0, 0.0),
        system: tuple[str, str] | None = None,
    ) -> Entity:
        """Something of a type with a shape, in a room or the storey."""
        placement = self.draft.shapes.placement(self.place, at, along)
        return self.draft.element(entity, f"{name} {self.name}", where, placement, of=name, system=system)

    def slab(self, name: str, outline: Rect, thick: float, holes: Iterable[Rect] = (), top: float = 0.0) -> Entity:
        """A slab whose upper face is at ``top``, less the holes of stairs and shafts."""
        draft, openings = self.draft, list(holes)
        solid = draft.shapes.prism(outline.corners, thick, -thick, [hole.corners for hole in openings])
        placement = draft.shapes.placement(self.place, (0.0, 0.0, top))
        kind = {"楼板": "FLOOR", "屋面板": "ROOF", "底板": "BASESLAB"}[name.split(maxsplit=1)[0]]
        shape = draft.shapes.body(draft.body, (solid,))
        made = draft.element(
            "Slab",
            f"{name} {self.name}",
            self.storey,
            placement,
            shape,
            of=name,
            material="钢筋混凝土",
            PredefinedType=kind,
        )
        net = outline.area - sum(hole.area for hole in openings)
        draft.quantities(
            made,
            "Qto_SlabBaseQuantities",
            {"Depth": thick, "GrossArea": outline.area, "NetArea": net, "NetVolume": net * thick},
        )
        return made

    def column(self, name: str, at: tuple[float, float], height: float) -> Entity:
        """A square column around a point, its size by its name."""
        draft, side = self.draft, float(name.split("x")[1]) / 1000
        shape = draft.shapes.body(draft.body, (draft.shapes.box((-side / 2, -side / 2, 0.0, side, side, height)),))
        placement = draft.shapes.placement(self.place, (*at, 0.0))
        return draft.element(
            "Column",
            f"{name} {self.name}",
            self.storey,
            placement,
            shape,
            of=name,
            material="钢筋混凝土",
            PredefinedType="COLUMN",
        )

    def beam(self, name: str, start: tuple[float, float], end: tuple[float, float]) -> Entity:
        """A beam whose upper face is the slab's lower face of the storey above."""
        draft = self.draft
        width, depth = (float(part) / 1000 for part in name.split()[1].split("x"))
        length = math.dist(start, end)
        along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
        placement = draft.shapes.placement(self.place, (*start, self.height - depth), along)
        solid = draft.shapes.box((0.0, -width / 2, 0.0, length, width, depth - SLAB_M))
        shape = draft.shapes.body(draft.body, (solid,))
        return draft.element(
            "Beam",
            f"{name} {self.name}",
            self.storey,
            placement,
            shape,
            of=name,
            material="钢筋混凝土",
            PredefinedType="BEAM",
        )
