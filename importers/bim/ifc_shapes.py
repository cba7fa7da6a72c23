"""Shapes of IFC objects as meshes in frames of their own, by ifcopenshell's geometry kernels."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Material, Mesh
from importers.bim.ifc_units import Units

FAST_KERNEL, SURE_KERNEL = "hybrid-cgal-simple-opencascade", "opencascade"
CIRCLE_SEGMENTS = 24
NEAR_M = 1_000.0
"""Coordinates up to this are kept to 0.1 mm by 32 bits; farther ones get an origin of their own."""
GREY = Material("", (0.7, 0.7, 0.7, 1.0))
HASH_BYTES = 16
PARALLEL = 1e-12
Vector = tuple[float, float, float]
_FLAT = frozenset(
    {
        "Curve",
        "Curve2D",
        "Curve3D",
        "GeometricCurveSet",
        "Annotation2D",
        "FillArea",
        "Text",
        "Point",
        "PointCloud",
        "Segment",
        "BoundingBox",
        "LightSource",
    }
)
"""Types of representations without surfaces."""
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """A mesh and where its origin is in the frame of the object, in metres."""

    mesh: Mesh
    origin_m: NDArray[np.float64]


class Tessellator:
    """Makes meshes of the objects of one opened file."""

    def __init__(self, file: Any, units: Units) -> None:
        import ifcopenshell.geom  # noqa: PLC0415 - see importers.bim.ifc_schema

        self._file = file
        self._unit_m = units.length_m
        self._create = ifcopenshell.geom.create_shape
        self._settings = ifcopenshell.geom.settings()
        self._settings.set("no-normals", True)  # noqa: FBT003 - the library's own signature
        self._settings.set("circle-segments", CIRCLE_SEGMENTS)
        self._names: dict[str, str] = {}
        self._placements: dict[int, Matrix] = {}

    def shape(self, entity: Any, kernel: str) -> Shape | None:
        """The shape of an object; None where it has no surface. RuntimeError where the kernel cannot make it."""
        made = self._create(self._settings, entity, geometry_library=kernel)
        geometry = made.geometry
        points = np.frombuffer(geometry.verts_buffer, np.float64).reshape(-1, 3)
        triangles = np.frombuffer(geometry.faces_buffer, np.int32).reshape(-1, 3)
        if not len(triangles):
            return None
        if not np.isfinite(points).all():
            raise RuntimeError("a coordinate is no number")
        slots = np.frombuffer(geometry.material_ids_buffer, np.int32)
        materials = [self._material(style) for style in geometry.materials]
        if len(slots) != len(triangles) or not materials:
            slots = np.full(len(triangles), -1, np.int32)
        return _shape(points, triangles, slots, materials)

    def matrix(self, entity: Any) -> Matrix:
        """The matrix from an object's frame to the model's, shape (4, 4), in metres."""
        placement = entity.ObjectPlacement
        if placement is None:
            return np.eye(4)
        if placement.is_a("IfcLocalPlacement"):
            matrix = self._placement(placement).copy()
        else:
            found = self._create(self._settings, placement)
            return np.array(found.matrix, np.float64).reshape((4, 4), order="F")
        matrix[:3, 3] *= self._unit_m
        return matrix

    def _placement(self, placement: Any) -> Matrix:
        """A local placement in the model, in the file's units."""
        known = self._placements.get(placement.id())
        if known is None:
            above = placement.PlacementRelTo
            if above is None:
                base = np.eye(4)
            elif above.is_a("IfcLocalPlacement"):
                base = self._placement(above)
            else:
                base = np.array(self._create(self._settings, above).matrix, np.float64).reshape((4, 4), order="F")
                base[:3, 3] /= self._unit_m
            known = self._placements[placement.id()] = base @ _axes(placement.RelativePlacement)
        return known

    def _material(self, style: Any) -> Material:
        red, green, blue = (float(part) for part in tuple(style.diffuse.components)[:3])
        transparency = float(style.transparency)
        opacity = 1.0 - transparency if np.isfinite(transparency) else 1.0
        return Material(self._named(style.name), (_unit(red), _unit(green), _unit(blue), _unit(opacity)))

    def _named(self, name: str) -> str:
        """The name of the surface style or material that a rendering, named by its number, is of."""
        known = self._names.get(name)
        if known is None:
            found = re.fullmatch(r"Ifc\w+-(\d+)", name)
            known = self._names[name] = self._style_name(int(found[1])) if found else name
        return known

    def _style_name(self, number: int) -> str:
        try:
            entity = self._file.by_id(number)
        except RuntimeError:
            return ""
        for item in (entity, *self._file.get_inverse(entity)):
            if item.is_a() in ("IfcSurfaceStyle", "IfcMaterial") and item.Name:
                return str(item.Name)
        return ""


def _axes(placement: Any) -> Matrix:
    """An axis placement as a matrix, in the file's units; a direction that is missing or zero is the usual one."""
    info = placement.get_info_2(recursive=True)
    location = info["Location"].get("Coordinates")
    if location is None:
        from ifcopenshell.util.placement import get_axis2placement  # noqa: PLC0415 - see importers.bim.ifc_schema

        return np.asarray(get_axis2placement(placement), np.float64)
    z = _direction(info.get("Axis"), (0.0, 0.0, 1.0))
    x = _direction(info.get("RefDirection"), (1.0, 0.0, 0.0))
    y = _crossed(z, x)
    length = math.sqrt(sum(part * part for part in y))
    if length < PARALLEL:
        y = _crossed(z, (0.0, 1.0, 0.0) if abs(z[1]) < abs(z[0]) else (1.0, 0.0, 0.0))
        length = math.sqrt(sum(part * part for part in y))
    y = (y[0] / length, y[1] / length, y[2] / length)
    x = _crossed(y, z)
    origin = (*location, 0.0)[:3]
    return np.array([[x[k], y[k], z[k], origin[k]] for k in range(3)] + [[0.0, 0.0, 0.0, 1.0]], np.float64)


def _direction(info: Any, usual: Vector) -> Vector:
    if info is None:
        return usual
    x, y, z = (*info["DirectionRatios"], 0.0)[:3]
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length > 0 and math.isfinite(length) else usual


def _crossed(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def has_surface(entity: Any) -> bool:
    """Whether an object has a representation that may have surfaces: not only lines, points, texts or a box."""
    representation = entity.Representation
    if representation is None:
        return False
    return any(item.RepresentationType not in _FLAT for item in representation.Representations or ())


def _shape(
    points: NDArray[np.float64], triangles: NDArray[np.int32], slots: NDArray[np.int32], materials: list[Material]
) -> Shape:
    origin = np.zeros(3)
    if np.abs(points).max() > NEAR_M:
        origin = np.round((points.min(axis=0) + points.max(axis=0)) / 2)
    if (slots < 0).any():
        slots = np.where(slots < 0, len(materials), slots)
        materials = [*materials, GREY]
    positions = (points - origin).astype(np.float32)
    mesh = Mesh(b"", positions, triangles.astype(np.uint32), slots.astype(np.uint16), tuple(materials))
    return Shape(Mesh(_hash(mesh), mesh.positions, mesh.triangles, mesh.slots, mesh.materials), origin)


def _hash(mesh: Mesh) -> bytes:
    digest = hashlib.blake2b(mesh.to_bytes(), digest_size=HASH_BYTES)
    digest.update(json.dumps([len(mesh.positions), [asdict(item) for item in mesh.materials]]).encode())
    return digest.digest()


def _unit(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 4) if np.isfinite(value) else 0.7
