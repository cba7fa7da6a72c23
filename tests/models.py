"""Small building models made up for tests, as the reading child would send them."""

import hashlib
import json
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from cim.model.access import Grade
from cim.model.bim import Classification, Defect, Element, Material, Mesh, ModelHead, Placement
from cim.model.imports import ImportReport
from cim.store.collections import set_grade
from cim.store.database import Database
from importers.bim.records import Record
from importers.bim.run import import_model
from importers.inspection import LayerInspection
from importers.plan import ImportRequest

EAST_M, NORTH_M, SRID = 686_000.0, 3_430_000.0, 4543
"""Where models stand unless told otherwise: near 103.95 E, 31 N."""
BRICK = Material("brick", (0.7, 0.3, 0.2, 1.0))
_TO_LONLAT = pyproj.Transformer.from_crs(SRID, 4490, always_xy=True)


def global_id(*words: object) -> str:
    """22 letters that differ with the words."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"
    digest = hashlib.sha256(repr(words).encode()).digest()
    return "0" + "".join(letters[byte % 64] for byte in digest[:21])


def box_mesh(dx: float, dy: float, dz: float) -> Mesh:
    """A closed box with one corner at the origin, its faces outwards."""
    corners = [(x, y, z) for z in (0, dz) for y in (0, dy) for x in (0, dx)]
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    digest = hashlib.sha256(f"{dx} {dy} {dz}".encode()).digest()[:16]
    return Mesh(
        digest,
        np.array(corners, np.float32),
        np.array(triangles, np.uint32),
        np.zeros(len(triangles), np.uint16),
        (BRICK,),
    )


def placement(east_m: float = EAST_M, north_m: float = NORTH_M, turn_deg: float = 0.0) -> Placement:
    """A placement in CGCS2000 3-degree zone 102 E."""
    turn = math.radians(turn_deg)
    return Placement(
        SRID, None, east_m, north_m, 500.0, math.cos(turn), math.sin(turn), 1.0, "EPSG:5737", "map-conversion"
    )


@dataclass
class MadeModel:
    """A model under construction: elements are boxes given by a corner and a size in the model's frame."""

    at: Placement = field(default_factory=placement)
    name: str = "楼"
    elements: list[Element] = field(default_factory=list)
    meshes: dict[bytes, Mesh] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)

    def add(self, ifc_class: str, name: str, **more: Any) -> Element:
        """An element without a shape."""
        kind = more.pop("kind", "element")
        element = Element(more.pop("id", None) or global_id(self.name, ifc_class, name), kind, ifc_class, name, **more)
        self.elements.append(element)
        return element

    def box(self, ifc_class: str, name: str, corner: Sequence[float], size: Sequence[float], **more: Any) -> Element:
        """An element that is a box."""
        mesh = box_mesh(*size)
        self.meshes[mesh.hash] = mesh
        (x, y, z), (dx, dy, dz) = corner, size
        ring = np.array([(x, y, 0), (x + dx, y, 0), (x + dx, y + dy, 0), (x, y + dy, 0)], np.float64)
        place = self.at.to_map(ring)
        outline = shapely.Polygon(np.column_stack(_TO_LONLAT.transform(place[:, 0], place[:, 1])))
        return self.add(
            ifc_class,
            name,
            outline=shapely.to_wkb(outline),
            z_min_m=self.at.height_m + z,
            z_max_m=self.at.height_m + z + dz,
            mesh=mesh.hash,
            matrix=(1.0, 0.0, 0.0, float(x), 0.0, 1.0, 0.0, float(y), 0.0, 0.0, 1.0, float(z)),
            **more,
        )

    def change(self, name: str, **values: Any) -> None:
        """Change the fields of the elements of a name."""
        self.elements = [replace(e, **values) if e.name == name else e for e in self.elements]

    def records(self, known: Mapping[str, bytes]) -> Iterator[Record]:
        """As the reading child sends them."""
        counts: dict[str, int] = {}
        for element in self.elements:
            counts[element.ifc_class] = counts.get(element.ifc_class, 0) + 1
        yield ModelHead(self.name, "IFC4", "tests", 1.0, self.at, self.name, counts=counts)
        sent: set[bytes] = set()
        yield from self.defects
        for element in self.elements:
            hashed = element if element.source_hash else replace(element, source_hash=_hash(element))
            if known.get(hashed.global_id) == hashed.source_hash:
                yield hashed.global_id
                continue
            if hashed.mesh is not None and hashed.mesh not in sent:
                sent.add(hashed.mesh)
                yield self.meshes[hashed.mesh]
            yield hashed


def _hash(element: Element) -> bytes:
    return hashlib.sha256(json.dumps(asdict(element), default=repr, sort_keys=True).encode()).digest()


def building(name: str = "楼", storeys: int = 3, at: Placement | None = None) -> MadeModel:
    """Storeys of 12 x 8 m: a slab, four walls, a space, a window and two doors each, one of them a fire door."""
    model = MadeModel(at or placement(), name)
    project = model.add("IfcProject", "项目", kind="spatial")
    site = model.add("IfcSite", "场地", kind="spatial", parent=project.global_id, parent_relation="aggregates")
    house = model.add("IfcBuilding", name, kind="spatial", parent=site.global_id, parent_relation="aggregates")
    for number in range(1, storeys + 1):
        _storey(model, house.global_id, number)
    system = model.add("IfcSystem", "消防", kind="group")
    model.change("防火门 1", systems=(system.global_id,))
    return model


def _storey(model: MadeModel, house: str, number: int) -> None:
    z = 3.0 * (number - 1)
    storey = model.add(
        "IfcBuildingStorey",
        f"{number}层",
        kind="spatial",
        parent=house,
        parent_relation="aggregates",
        building=house,
        storey_number=number,
        elevation_m=z,
    )
    inside: dict[str, Any] = {
        "building": house,
        "storey": storey.global_id,
        "storey_name": f"{number}层",
        "storey_number": number,
        "parent": storey.global_id,
        "parent_relation": "contains",
    }
    model.box(
        "IfcSlab",
        f"板 {number}",
        (0, 0, z - 0.2),
        (12, 8, 0.2),
        **inside,
        materials=("混凝土",),
        quantities={"Qto_SlabBaseQuantities": {"NetVolume": 19.2, "NetArea": 96.0}},
    )
    walls = (((0, 0), (12, 0.2)), ((0, 7.8), (12, 0.2)), ((0, 0.2), (0.2, 7.6)), ((11.8, 0.2), (0.2, 7.6)))
    for side, ((x, y), (dx, dy)) in enumerate(walls, 1):
        model.box(
            "IfcWallStandardCase",
            f"墙 {number}-{side}",
            (x, y, z),
            (dx, dy, 2.8),
            **inside,
            materials=("砖", "砂浆") if side == 1 else ("砖",),
            properties={"Pset_WallCommon": {"IsExternal": True, "ThermalTransmittance": 0.35 + side / 100}},
            quantities={"Qto_WallBaseQuantities": {"NetVolume": round(dx * dy * 2.8, 6), "Length": max(dx, dy)}},
            classifications=(Classification("GB/T 51269", "14-10.20.03", "外墙"),),
        )
    space = model.box(
        "IfcSpace",
        f"房间 {number}",
        (0.2, 0.2, z),
        (11.6, 7.6, 2.8),
        **{**inside, "parent_relation": "aggregates"},
        kind="space",
    )
    at = {**inside, "space": space.global_id}
    for name, x, rating in ((f"防火门 {number}", 2.0, "甲级"), (f"门 {number}", 5.0, None)):
        properties: dict[str, dict[str, Any]] = {"Pset_DoorCommon": {"FireExit": rating is not None}}
        if rating:
            properties["Pset_DoorCommon"]["FireRating"] = rating
        model.box("IfcDoor", name, (x, 0, z), (1, 0.2, 2.1), **at, properties=properties)
    model.box("IfcWindow", f"窗 {number}", (8, 0, z + 0.9), (1.5, 0.2, 1.5), **at)


@dataclass
class FakeSource:
    """A source whose file is a made model."""

    made: MadeModel
    path: Path = Path("made.ifc")
    sha256: str = ""
    asked: list[Mapping[str, bytes]] = field(default_factory=list)

    def model(
        self, layer: LayerInspection, known: Mapping[str, bytes], placement: Placement | None
    ) -> Iterator[Record]:
        """The model's records."""
        self.asked.append(dict(known))
        yield from self.made.records(known)


def inspection(made: MadeModel) -> LayerInspection:
    """What an inspection says of a made model."""
    return LayerInspection(
        made.name,
        "Polygon",
        ("Polygon",),
        len(made.elements),
        made.at.srid,
        None,
        "IfcMapConversion",
        "UTF-8",
        None,
        (),
        kind="model",
    )


def request_for(source: FakeSource, **more: Any) -> ImportRequest:
    """An import of a made model."""
    return ImportRequest(source.path, "test", "administrator", **more)


async def import_made(
    database: Database, made: MadeModel, model: str = "hospital", *, grade: Grade | None = None, **more: Any
) -> ImportReport:
    """Import a made model."""
    source = FakeSource(made, sha256=uuid.uuid4().hex)
    report = await import_model(database, request_for(source, **more), source, model, inspection(made))
    if grade is not None:
        async with database.writing("test") as connection:
            await set_grade(connection, model, grade)
    return report
