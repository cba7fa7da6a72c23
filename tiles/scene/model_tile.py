"""One tile of a building model: elements and their meshes in, GLB out. Pure work that runs in threads."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Mesh, Placement
from cim.model.ecef import LocalFrame
from cim.model.ellipsoidal_heights import HeightWay
from cim.store.scene_models import DrawnElement
from tiles.scene.columns import Column, ColumnKind
from tiles.scene.glb import Surface, glb_bytes
from tiles.scene.model_meshes import OPAQUE, SetMeshes, ready, set_at
from tiles.scene.placing import Placing

SPACE_OPACITY = 0.3
"""Of rooms, which are seen through whatever their file says."""
COLUMNS: tuple[tuple[str, ColumnKind], ...] = (
    ("global_id", "string"),
    ("ifc_class", "string"),
    ("name", "string"),
    ("storey", "string"),
    ("storey_number", "int32"),
    ("space", "string"),
    ("kind", "string"),
)


def model_glb(
    elements: Sequence[DrawnElement],
    meshes: Mapping[bytes, Mesh],
    placement: Placement,
    heights: HeightWay,
    *,
    spaces: bool = False,
    quantised: bool = True,
) -> bytes:
    """The tile of some elements, at least one; ``spaces`` says that they are rooms."""
    columns = [Column(name, kind, [getattr(element, name) for element in elements]) for name, kind in COLUMNS]
    frame, surfaces = _surfaces(elements, meshes, placement, heights, spaces=spaces)
    return glb_bytes(frame, surfaces, columns, quantised=quantised)


def _surfaces(
    elements: Sequence[DrawnElement],
    meshes: Mapping[bytes, Mesh],
    placement: Placement,
    heights: HeightWay,
    *,
    spaces: bool,
) -> tuple[LocalFrame, list[Surface]]:
    """What nothing shines through, and the rest; what lies beyond what the projection knows is left out."""
    places = {mesh: place for place, mesh in enumerate(dict.fromkeys(element.mesh for element in elements))}
    parted = ready([meshes[mesh] for mesh in places], SPACE_OPACITY if spaces else 1.0)
    matrices = np.array([element.matrix for element in elements], np.float64).reshape(-1, 3, 4)
    held = set_at(parted, np.array([places[element.mesh] for element in elements], np.int64), matrices)
    placing = Placing.at(np.median(held.points, axis=0), placement, heights)
    points, normals = placing.points(held.points), placing.directions(held.normals)
    opaque = held.colours[:, 3] >= OPAQUE
    placed = np.asarray(np.isfinite(points).all(axis=1))
    on_earth = placed[held.corner_point]
    return placing.frame, [
        _surface(held, points, normals, opaque & on_earth, translucent=False),
        _surface(held, points, normals, ~opaque & on_earth, translucent=True),
    ]


def _surface(
    held: SetMeshes,
    points: NDArray[np.float64],
    normals: NDArray[np.float64],
    corners: NDArray[np.bool_],
    *,
    translucent: bool,
) -> Surface:
    """The triangles whose corners are among some."""
    renumbered = np.cumsum(corners) - 1
    triangles = held.triangles[corners[held.triangles].all(axis=1)]
    return Surface(
        points[held.corner_point[corners]],
        held.owner[corners].astype(np.uint32),
        renumbered[triangles].astype(np.uint32),
        normals[corners],
        held.colours[corners],
        translucent=translucent,
        two_sided=True,
    )
