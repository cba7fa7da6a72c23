"""Shapes of elements in an IFC file being written: one set of triangles for all elements that share a mesh."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Material, Mesh

RIGID = 1e-6


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an element stands and what it looks like there."""

    placement: Any
    representation: Any


class Shapes:
    """The shapes of one file; ``meshes`` by hash."""

    def __init__(self, file: Any, context: Any, meshes: Mapping[bytes, Mesh]) -> None:
        self._file, self._context, self._meshes = file, context, meshes
        self._maps: dict[bytes, Any] = {}
        self._looks: dict[Material, Any] = {}

    def of(self, record: Mapping[str, Any]) -> Shape | None:
        """The shape of an element's record; None where it has none."""
        mesh = self._meshes.get(bytes(record["mesh"])) if record.get("mesh") is not None else None
        if mesh is None or not record["matrix"]:
            return None
        matrix = np.array(record["matrix"], np.float64).reshape(3, 4)
        turn = matrix[:, :3]
        if np.allclose(turn @ turn.T, np.eye(3), atol=RIGID) and np.linalg.det(turn) > 0:
            placement = local_placement(self._file, matrix)
            return Shape(placement, self._product(self._mapped(mesh), "MappedRepresentation"))
        moved = mesh.positions.astype(np.float64) @ turn.T
        placement = local_placement(self._file, np.column_stack([np.eye(3), matrix[:, 3]]))
        return Shape(placement, self._product(self._faces(mesh, moved), "Tessellation"))

    def _product(self, items: list[Any], kind: str) -> Any:
        shape = self._file.create_entity("IfcShapeRepresentation", self._context, "Body", kind, items)
        return self._file.create_entity("IfcProductDefinitionShape", None, None, [shape])

    def _mapped(self, mesh: Mesh) -> list[Any]:
        file = self._file
        if mesh.hash not in self._maps:
            items = self._faces(mesh, mesh.positions.astype(np.float64))
            body = file.create_entity("IfcShapeRepresentation", self._context, "Body", "Tessellation", items)
            origin = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0)))
            self._maps[mesh.hash] = file.create_entity("IfcRepresentationMap", origin, body)
        origin = file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0))
        target = file.create_entity("IfcCartesianTransformationOperator3D", LocalOrigin=origin)
        return [file.create_entity("IfcMappedItem", self._maps[mesh.hash], target)]

    def _faces(self, mesh: Mesh, positions: NDArray[np.float64]) -> list[Any]:
        """A set of triangles for each look, over one list of points."""
        points = self._file.create_entity("IfcCartesianPointList3D", positions.round(6).tolist())
        items = []
        for slot in np.unique(mesh.slots):
            triangles = (mesh.triangles[mesh.slots == slot].astype(np.int64) + 1).tolist()
            item = self._file.create_entity("IfcTriangulatedFaceSet", Coordinates=points, CoordIndex=triangles)
            if slot < len(mesh.materials):
                self._file.create_entity("IfcStyledItem", item, [self._look(mesh.materials[slot])], None)
            items.append(item)
        return items

    def _look(self, material: Material) -> Any:
        if material not in self._looks:
            red, green, blue, opacity = material.colour
            colour = self._file.create_entity("IfcColourRgb", None, red, green, blue)
            shading = self._file.create_entity("IfcSurfaceStyleShading", colour, 1.0 - opacity)
            self._looks[material] = self._file.create_entity("IfcSurfaceStyle", material.name, "BOTH", [shading])
        return self._looks[material]


def local_placement(file: Any, matrix: NDArray[np.float64] | None = None) -> Any:
    """A placement in the model's frame: at its origin, or as a rigid matrix of three rows says."""
    at = np.column_stack([np.eye(3), np.zeros(3)]) if matrix is None else matrix
    point = file.create_entity("IfcCartesianPoint", tuple(at[:, 3].tolist()))
    axis = file.create_entity("IfcDirection", tuple(at[:, 2].tolist()))
    reference = file.create_entity("IfcDirection", tuple(at[:, 0].tolist()))
    return file.create_entity(
        "IfcLocalPlacement", None, file.create_entity("IfcAxis2Placement3D", point, axis, reference)
    )
