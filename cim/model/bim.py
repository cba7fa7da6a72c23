"""Building models (BIM) as the city keeps them: a model, its elements, and the meshes they are drawn by.

A model is known by an id, as a layer is, and has versions, a grade and an extent like one. Its elements are told apart
by GlobalId across versions. Lengths are metres. An element's mesh is in a frame of its own; its matrix takes it to the
model's frame, and the model's placement takes that to the map.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ElementKind = Literal["spatial", "space", "group", "element"]
"""spatial: project, site, facility, storey; space: rooms; group: systems and zones; element: everything built."""
ParentRelation = Literal["aggregates", "contains", "fills", "nests", "groups"]
PlacementEvidence = Literal["map-conversion", "property-set", "coordinates", "site", "control-points"]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a model's frame lies on the map.

    A point (x, y, z) of the model in metres is at ``east_m + scale * (x cos a - y sin a)``,
    ``north_m + scale * (x sin a + y cos a)`` and ``height_m + z`` of the projected system ``srid`` (or ``wkt``), where
    (cos a, sin a) is (``abscissa``, ``ordinate``) of length 1. ``height_datum`` is the vertical system as authority and
    code (EPSG:5737 is the 1985 national height datum), ``ellipsoidal``, ``local`` or None where nothing says.
    ``notes`` are what was odd in the source and how it was taken.
    """

    srid: int | None
    wkt: str | None
    east_m: float
    north_m: float
    height_m: float
    abscissa: float
    ordinate: float
    scale: float
    height_datum: str | None
    evidence: PlacementEvidence
    notes: tuple[str, ...] = ()

    def to_map(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the model, shape (n, 3), as easting, northing and height in metres."""
        x, y, z = points[:, 0], points[:, 1], points[:, 2]
        east = self.east_m + self.scale * (x * self.abscissa - y * self.ordinate)
        north = self.north_m + self.scale * (x * self.ordinate + y * self.abscissa)
        return np.column_stack([east, north, self.height_m + z])


@dataclass(frozen=True, slots=True)
class Classification:
    """A code of an element: the system (for example GB/T 51269), its edition, the code and what it means."""

    system: str
    code: str
    name: str = ""
    edition: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One object of a model.

    ``ifc_class`` is the entity's name as the schema writes it (IfcDoor). ``long_name`` is what people call a space or
    storey whose ``name`` is a number. ``parent`` is the GlobalId one step up the
    tree, reached by ``parent_relation``; ``building``, ``storey`` and ``space`` are GlobalIds of what it is in, however
    many steps away. ``storey_number`` counts storeys from 1 at the ground up and from -1 down. ``properties`` and
    ``quantities`` are by set and name, those of the type included where the occurrence has none of the name;
    ``inherited`` names these as ``Set.Name``. Quantities are in metres, square and cubic metres, kilograms.
    ``outline`` is WKB in the plan, longitude and latitude of CGCS2000; ``z_min_m`` and ``z_max_m`` are heights in the
    placement's datum. ``mesh`` is a mesh's hash and ``matrix`` the upper three rows, row by row, of the matrix from its
    frame to the model's. ``source_hash`` changes whenever anything that makes up the element does.
    """

    global_id: str
    kind: ElementKind
    ifc_class: str
    name: str | None = None
    long_name: str | None = None
    description: str | None = None
    object_type: str | None = None
    predefined_type: str | None = None
    tag: str | None = None
    parent: str | None = None
    parent_relation: ParentRelation | None = None
    building: str | None = None
    storey: str | None = None
    storey_name: str | None = None
    storey_number: int | None = None
    elevation_m: float | None = None
    space: str | None = None
    type_id: str | None = None
    type_name: str | None = None
    systems: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    classifications: tuple[Classification, ...] = ()
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quantities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    inherited: tuple[str, ...] = ()
    outline: bytes | None = None
    z_min_m: float | None = None
    z_max_m: float | None = None
    mesh: bytes | None = None
    matrix: tuple[float, ...] | None = None
    source_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks: red, green, blue and opacity from 0 to 1."""

    name: str
    colour: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles in a frame of their own, shared by all elements of one shape.

    ``positions`` is float32 of shape (n, 3) in metres, ``triangles`` uint32 of shape (m, 3), ``slots`` uint16 of length
    m with the place of each triangle's material in ``materials``. ``hash`` is 16 bytes over all of these.
    """

    hash: bytes
    positions: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    slots: NDArray[np.uint16]
    materials: tuple[Material, ...]

    def to_bytes(self) -> bytes:
        """Positions, triangles and slots one after another, little endian, as they are kept."""
        parts = (self.positions.astype("<f4"), self.triangles.astype("<u4"), self.slots.astype("<u2"))
        return b"".join(part.tobytes() for part in parts)


def mesh_from(hash_: bytes, body: bytes, vertices: int, triangles: int, materials: tuple[Material, ...]) -> Mesh:
    """A kept mesh again; ValueError where the length is not that of its counts."""
    after_positions, after_triangles = 12 * vertices, 12 * vertices + 12 * triangles
    if len(body) != after_triangles + 2 * triangles:
        raise ValueError("the bytes of a mesh do not agree with its counts")
    return Mesh(
        hash_,
        np.frombuffer(body, "<f4", 3 * vertices).reshape(-1, 3),
        np.frombuffer(body, "<u4", 3 * triangles, after_positions).reshape(-1, 3),
        np.frombuffer(body, "<u2", triangles, after_triangles),
        materials,
    )


@dataclass(frozen=True, slots=True)
class ModelHead:
    """What a version of a model says of itself as a whole.

    ``schema`` is the IFC schema (IFC4X3_ADD2), ``length_unit_m`` what one unit of the file is in metres, ``counts`` the
    elements by class. ``true_north_deg`` is the direction of true north in the model, clockwise from its y axis.
    """

    name: str
    schema: str
    application: str
    length_unit_m: float
    placement: Placement
    project: str | None = None
    site_address: str | None = None
    true_north_deg: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong with one object of a model: a code, what it means, and whether the object was left out."""

    global_id: str
    ifc_class: str
    code: str
    message: str
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class ElementDifference:
    """One element that differs between two versions: added, changed or removed.

    ``changes`` names what differs of a changed one: fields, ``geometry`` (its mesh), ``placement`` (its matrix), and
    properties and quantities as ``Set.Name``.
    """

    kind: Literal["added", "changed", "removed"]
    global_id: str
    ifc_class: str
    name: str | None
    storey_name: str | None
    changes: tuple[str, ...] = ()
