"""One tile of blocks, volumes or tubes: rows in, GLB out. Pure work that runs in threads and worker processes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cim.model.collection import CollectionSchema, FieldType
from cim.model.ecef import LocalFrame
from cim.model.scene import ScenePlan
from cim.model.undulation import Undulation
from cim.store.scene_rows import SceneRows
from tiles.scene.columns import Column, ColumnKind, fid_kind
from tiles.scene.extrusion import Block, extruded
from tiles.scene.findings import SceneFinding
from tiles.scene.glb import Surface, glb_bytes
from tiles.scene.standing import Corners, Floats, standing
from tiles.scene.tubes import tubes

_KINDS: Mapping[FieldType, ColumnKind] = {"integer": "int32", "bigint": "float64", "double": "float32"}
_RADIUS_M = 6_371_000.0
_LOOKS = {
    "extrusion": (0.86, 0.85, 0.82, 1.0),
    "volume": (0.45, 0.62, 0.86, 0.45),
    "tube": (0.55, 0.55, 0.6, 1.0),
}


@dataclass(frozen=True, slots=True)
class BuiltTile:
    """A tile and what it holds; ``low_m`` and ``high_m`` are ellipsoidal heights, nought where nothing is drawn."""

    glb: bytes
    features: int
    triangles: int
    findings: tuple[SceneFinding, ...]
    low_m: float
    high_m: float


@dataclass(frozen=True, slots=True)
class TileMaker:
    """Makes the tiles of one layer: its plan, the types of the fields they carry, and the undulation there."""

    plan: ScenePlan
    types: tuple[FieldType, ...]
    undulation: Undulation

    @classmethod
    def of(cls, plan: ScenePlan, schema: CollectionSchema, undulation: Undulation) -> "TileMaker":
        """The maker for a plan over a schema."""
        types = {field.name: field.type for field in schema.fields}
        return cls(plan, tuple(types[name] for name in plan.fields), undulation)

    def made(self, rows: SceneRows, corners: Corners, terrain_m: Floats | None, *, quantised: bool = True) -> BuiltTile:
        """The tile of some rows; ``terrain_m`` are levelled heights at their corners, None without a terrain."""
        frame = _frame(corners)
        if self.plan.kind == "tube":
            tube = tubes(rows, corners, terrain_m, self.undulation, frame)
            kept, block, findings = tube.rows, tube.block, tube.findings
        else:
            stood = standing(rows, corners, terrain_m, self.undulation)
            kept, findings = stood.rows, stood.findings
            block = extruded(stood.shapes, stood.bottom_m, stood.top_m, frame)
        glb = glb_bytes(frame, [self._surface(block)], self._columns(kept), quantised=quantised)
        return BuiltTile(glb, len(kept), len(block.triangles), findings, *_span(block))

    def left_out(self, rows: SceneRows, corners: Corners, terrain_m: Floats | None) -> tuple[SceneFinding, ...]:
        """What ``made`` would leave out of these rows, without drawing the others."""
        if self.plan.kind == "tube":
            return tubes(rows, corners, terrain_m, self.undulation, _frame(corners)).findings
        return standing(rows, corners, terrain_m, self.undulation).findings

    def _surface(self, block: Block) -> Surface:
        return Surface(
            block.positions,
            block.owners.astype(np.uint32),
            block.triangles.astype(np.uint32),
            block.normals,
            look=_LOOKS[self.plan.kind],
            translucent=self.plan.kind == "volume",
        )

    def _columns(self, rows: SceneRows) -> list[Column]:
        columns = [Column("fid", fid_kind(rows.fid), rows.fid)]
        for name, type_, values in zip(self.plan.fields, self.types, rows.values, strict=True):
            columns.append(Column(name, _KINDS.get(type_, "string"), values))
        return columns


def _span(block: Block) -> tuple[float, float]:
    """Lowest and highest ellipsoidal height of a block in a frame that touches the ellipsoid."""
    if not len(block.positions):
        return 0.0, 0.0
    east, north, up = block.positions.T
    height = up + (east**2 + north**2) / (2 * _RADIUS_M)
    return float(height.min()), float(height.max())


def _frame(corners: Corners) -> LocalFrame:
    """A level frame amid the corners, at the height of the ellipsoid."""
    if not len(corners.lon):
        return LocalFrame.at(0.0, 0.0, 0.0)
    lon, lat = ((float(side.min()) + float(side.max())) / 2 for side in (corners.lon, corners.lat))
    return LocalFrame.at(lon, lat, 0.0)
