"""One member of a CityGML file, 2.0 or 3.0, as CityJSON objects: the feature and all features below it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from importers.city.gml_appearance import GmlAppearance, Looks
from importers.city.gml_attributes import attributes_of, value_of
from importers.city.gml_geometry import (
    BrokenGml,
    Element,
    GeometryReader,
    Surface,
    VertexList,
    id_of,
    implicit_matrix,
    local,
)
from importers.city.model import CityObject, Family, Pool

GEOMETRY = re.compile(r"^lod(\d)([A-Z]\w*)?$|^(tin)$")
NESTED = re.compile(
    r"^(Building|Bridge|Tunnel)(Part|Installation|ConstructiveElement|ConstructionElement|Furniture|Storey|Unit|Room)?$"
    r"|^(Room|IntBuildingInstallation|IntBridgeInstallation|IntTunnelInstallation|BridgeRoom|HollowSpace|Storey)$"
    r"|^(Section|Intersection|Road|Railway|Track|Square|Waterway)$"
)
MEANINGS = re.compile(r"(Surface|TrafficArea|^Door|^Window|^HoleSurface|^Marking|^WaterGroundSurface)$")
TYPES = {
    "ReliefFeature": "TINRelief",
    "Room": "BuildingRoom",
    "IntBuildingInstallation": "BuildingInstallation",
    "IntBridgeInstallation": "BridgeInstallation",
    "IntTunnelInstallation": "TunnelInstallation",
    "HollowSpace": "TunnelHollowSpace",
    "BridgeConstructionElement": "BridgeConstructiveElement",
    "Square": "TransportSquare",
    "GenericOccupiedSpace": "GenericCityObject",
}
KNOWN_TYPES = frozenset(
    [
        "Bridge",
        "BridgePart",
        "BridgeInstallation",
        "BridgeConstructiveElement",
        "BridgeRoom",
        "BridgeFurniture",
        "Building",
        "BuildingPart",
        "BuildingInstallation",
        "BuildingConstructiveElement",
        "BuildingFurniture",
        "BuildingStorey",
        "BuildingRoom",
        "BuildingUnit",
        "CityFurniture",
        "CityObjectGroup",
        "GenericCityObject",
        "LandUse",
        "OtherConstruction",
        "PlantCover",
        "SolitaryVegetationObject",
        "TINRelief",
        "TransportSquare",
        "Railway",
        "Road",
        "Tunnel",
        "TunnelPart",
        "TunnelInstallation",
        "TunnelConstructiveElement",
        "TunnelHollowSpace",
        "TunnelFurniture",
        "WaterBody",
        "Waterway",
    ]
)


@dataclass(slots=True)
class Meaning:
    """A boundary surface: its type, id and attributes, and which of the object's meanings it is a part of."""

    content: dict[str, Any]
    parent: int | None = None


@dataclass(slots=True)
class Found:
    """A geometry property of a feature: its LoD, the element below it and the number of the meaning it is of."""

    lod: str
    element: Element
    meaning: int | None


@dataclass(slots=True)
class Member:
    """Reads the features of one member; the objects come in the order of the file, parents first."""

    vertices: VertexList
    find: Callable[[str], Element | None]
    looks: GmlAppearance
    number: int
    family: Family = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)

    def read(self, feature: Element) -> Family:
        """The feature and everything below it."""
        looks = Looks(self.looks)
        self._feature(feature, None, looks)
        pool = Pool(self.vertices.to_array(), looks.to_json())
        return [
            CityObject(one.id, content, pool, one.refused, one.notes)
            for one, content in zip(self.family, self.contents, strict=True)
        ]

    def _feature(self, feature: Element, parent: str | None, looks: Looks) -> str:
        name = local(feature)
        kind = TYPES.get(name, name)
        kind = kind if kind in KNOWN_TYPES else f"+{kind}"
        own = id_of(feature) or f"{name}-{self.number}-{len(self.family) + 1}"
        content: dict[str, Any] = {"type": kind}
        one = CityObject(own, content, Pool(np.empty((0, 3), np.int64)))
        self.family.append(one)
        self.contents.append(content)
        if parent is not None:
            content["parents"] = [parent]
        found: list[Found] = []
        meanings: list[Meaning] = []
        nested: list[Element] = []
        self._walk(feature, None, found, meanings, nested)
        attributes = attributes_of(feature, lambda name: GEOMETRY.match(name) is not None, _is_structure)
        if attributes:
            content["attributes"] = attributes
        reader = GeometryReader(self.vertices, self.find)
        try:
            content["geometry"] = list(Assembly(reader, found, meanings, looks).geometries())
        except BrokenGml as error:
            one.refused = str(error)
        one.notes += [f"{href} is not in the file" for href in sorted(reader.missing)[:3]]
        if not content.get("geometry"):
            content.pop("geometry", None)
        children = [self._feature(child, own, looks) for child in nested]
        if children:
            content["children"] = children
        return own

    def _walk(
        self, element: Element, meaning: int | None, found: list[Found], meanings: list[Meaning], nested: list[Element]
    ) -> None:
        """Gather geometries, boundary surfaces and features below an element."""
        for prop in element:
            name = local(prop)
            match = GEOMETRY.match(name)
            if match:
                found.append(Found(_lod(match, name, element), prop, meaning))
                continue
            for child in prop:
                kind = local(child)
                if not kind[:1].isupper() or kind == "Appearance":
                    continue
                if NESTED.match(kind):
                    nested.append(child)
                elif MEANINGS.search(kind):
                    meanings.append(Meaning(_meaning(child, kind), meaning))
                    self._walk(child, len(meanings) - 1, found, meanings, nested)
                elif _holds_geometry(child):
                    self._walk(child, meaning, found, meanings, nested)


@dataclass(slots=True)
class Assembly:
    """Puts the geometries of one feature together: solids with the meanings of the surfaces they refer to."""

    reader: GeometryReader
    found: list[Found]
    meanings: list[Meaning]
    looks: Looks

    def geometries(self) -> Iterator[dict[str, Any]]:
        """CityJSON geometries, LoD by LoD; solids first, then surfaces that are in none of them."""
        for lod in dict.fromkeys(one.lod for one in self.found):
            yield from self._level(lod, [one for one in self.found if one.lod == lod])

    def _level(self, lod: str, found: list[Found]) -> Iterator[dict[str, Any]]:
        known: dict[str, int] = {}
        loose: list[tuple[Surface, int | None]] = []
        solids, others = [], []
        for one in found:
            held = list(self.reader.solids(one.element))
            solids += [(solid, one.meaning) for solid in held]
            if not held:
                some = [(surface, one.meaning) for surface in self._surfaces(one.element)]
                loose += some
                if not some:
                    others.append(one.element)
                if one.meaning is not None:
                    known |= {name: one.meaning for surface, _ in some for name in surface.ids[-1:]}
        used: set[str] = set()
        for solid, meaning in solids:
            shells = [
                [(surface, _meaning_of(surface, known, meaning)) for surface in shell]
                for shell in self.reader.shells(solid)
            ]
            used |= {name for shell in shells for surface, _ in shell for name in surface.ids[-1:]}
            yield self._geometry("Solid", lod, shells)
        rest = [(surface, meaning) for surface, meaning in loose if not used & {*surface.ids[-1:]}]
        if rest:
            yield self._geometry("MultiSurface", lod, [rest])
        for element in others:
            yield from self._without_area(lod, element)

    def _surfaces(self, element: Element) -> Iterator[Surface]:
        implicit = next(element.iter("{*}ImplicitGeometry"), None)
        if implicit is None:
            yield from self.reader.surfaces(element)
            return
        reference = next((child for child in implicit if local(child) == "referencePoint"), implicit)
        text = next((pos.text or "" for pos in reference.iter("{*}pos", "{*}posList")), "")
        try:
            anchor = [float(value) for value in text.split()[:3]] or [0.0, 0.0, 0.0]
        except ValueError as error:
            raise BrokenGml("a reference point is no number") from error
        if len(anchor) != 3:
            raise BrokenGml("a reference point has no three coordinates")
        shape = next((child for child in implicit if local(child) in {"relativeGMLGeometry", "relativeGeometry"}), None)
        if shape is None:
            self.reader.missing.add("the library object of an implicit geometry")
            return
        self.reader.matrix = implicit_matrix(implicit, anchor)
        try:
            yield from list(self.reader.surfaces(shape))
        finally:
            self.reader.matrix = None

    def _without_area(self, lod: str, element: Element) -> Iterator[dict[str, Any]]:
        lines = self.reader.lines(element)
        if lines:
            yield {"type": "MultiLineString", "lod": lod, "boundaries": lines}
            return
        points = self.reader.points(element)
        if points:
            yield {"type": "MultiPoint", "lod": lod, "boundaries": points}

    def _geometry(self, kind: str, lod: str, shells: list[list[tuple[Surface, int | None]]]) -> dict[str, Any]:
        nested = [[surface.rings for surface, _ in shell] for shell in shells]
        values = [[meaning for _, meaning in shell] for shell in shells]
        flat = kind != "Solid"
        geometry: dict[str, Any] = {"type": kind, "lod": lod, "boundaries": nested[0] if flat else nested}
        used = sorted({meaning for shell in values for meaning in shell if meaning is not None})
        if used:
            surfaces, places = self._semantics(used)
            own = [[None if meaning is None else places[meaning] for meaning in shell] for shell in values]
            geometry["semantics"] = {"surfaces": surfaces, "values": own[0] if flat else own}
        self.looks.dress(geometry, [[surface for surface, _ in shell] for shell in shells], flat=flat)
        return geometry

    def _semantics(self, used: list[int]) -> tuple[list[dict[str, Any]], dict[int, int]]:
        """The meanings used, with those they are a part of, numbered anew."""
        wanted = set(used)
        for number in used:
            parent = self.meanings[number].parent
            while parent is not None:
                wanted.add(parent)
                parent = self.meanings[parent].parent
        places = {number: place for place, number in enumerate(sorted(wanted))}
        surfaces = [dict(self.meanings[number].content) for number in sorted(wanted)]
        for number, place in places.items():
            parent = self.meanings[number].parent
            if parent is not None:
                surfaces[place]["parent"] = places[parent]
                surfaces[places[parent]].setdefault("children", []).append(place)
        return surfaces, places


def _meaning_of(surface: Surface, known: Mapping[str, int], otherwise: int | None) -> int | None:
    return next((known[name] for name in reversed(surface.ids) if name in known), otherwise)


def _meaning(element: Element, kind: str) -> dict[str, Any]:
    content: dict[str, Any] = {"type": kind}
    own = id_of(element)
    if own:
        content["id"] = own
    return attributes_of(element, lambda name: GEOMETRY.match(name) is not None, _is_structure) | content


def _lod(match: re.Match[str], name: str, element: Element) -> str:
    if match[1]:
        return "0.1" if name == "lod0RoofEdge" else match[1]
    said = next((child.text for child in element if local(child) == "lod"), None)
    return str(value_of(said or "1"))[:8]


def _is_structure(prop: Element) -> bool:
    """Whether a property holds geometry, surfaces, features or appearances, and no attribute."""
    return any(
        NESTED.match(local(child))
        or MEANINGS.search(local(child))
        or local(child) == "Appearance"
        or _holds_geometry(child)
        for child in prop
    )


def _holds_geometry(element: Element) -> bool:
    """Whether an element that is no feature of ours has geometry properties somewhere below it."""
    if not local(element)[:1].isupper():
        return False
    return any(GEOMETRY.match(local(below)) for below in element.iter() if isinstance(below.tag, str))
