"""What one camera sees: the seen and the hidden parts of its sector, why they are hidden, and their areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely

from cim.analysis.visibility.around import Around
from cim.analysis.visibility.plane import fan_over
from cim.analysis.visibility.sight import BUILT, GROUND, SEEN, Rays, look
from cim.errors import BadRequest
from cim.model.cameras import Camera
from cim.model.ellipsoid import ellipsoidal_areas_m2

MOST_RANGE_M = 5_000.0
TARGETS_M = {"ground": 0.0, "plate": 0.6, "person": 1.6}
"""How high above the ground what is looked for stands: the ground itself, number plates 车牌, people 行人."""
Target = Literal["ground", "plate", "person"]
Kind = Literal["seen", "terrain", "building", "built"]
METHOD = (
    "逐射线计算视线：地形为高程格网双线性内插，建筑为立于地面的平顶棱柱，计地球曲率与大气折光（系数 0.13）；"
    "未计树木、围栏、车辆等遮挡和夜间、天气影响"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sector in degrees: seen, hidden by terrain or by the building ``fid``, or built over."""

    kind: Kind
    shape: shapely.Geometry
    area_m2: float
    fid: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a camera sees of its sector. ``cell_m`` is how exact the edges of the parts are."""

    camera: Camera
    parts: Sequence[Part]
    cell_m: float

    def area_m2(self, *kinds: Kind) -> float:
        """The area of all parts of some kinds; of all parts where none is named."""
        return sum(part.area_m2 for part in self.parts if not kinds or part.kind in kinds)

    @property
    def seen(self) -> shapely.Geometry:
        """The part that is seen, an empty polygon where there is none."""
        return next((part.shape for part in self.parts if part.kind == "seen"), shapely.Polygon())


def seeable(camera: Camera) -> str:
    """Why it cannot be said what a camera sees, in Chinese; empty where it can."""
    missing = [*camera.missing, *(["height_m"] if camera.height_m is None else [])]
    if missing:
        return f"缺少 {'、'.join(missing)}"
    if not 0 < (camera.range_m or 0.0) <= MOST_RANGE_M:
        return f"可视距离 {camera.range_m:g} 米不在 0–{MOST_RANGE_M:g} 米之间"
    return "" if camera.width_deg() > 0 else "视场角为 0"


def require_seeable(camera: Camera) -> None:
    """BadRequest where it cannot be said what a camera sees."""
    reason = seeable(camera)
    if reason:
        raise BadRequest(
            f"what camera {camera.code} sees cannot be worked out: {reason}",
            where="gb_code",
            remedy="complete its record: bearing, fov, range_m, height_m",
        )


def view_of(camera: Camera, around: Around, target_m: float, *, turned: bool = False, smooth: bool = False) -> View:
    """What a camera sees of targets so many metres above the ground.

    ``turned``: of all that it can be turned to. ``smooth``: edges that run within a cell of the exact ones, with far
    fewer corners.
    """
    fan = fan_over(camera.first_deg(turned=turned), camera.width_deg(turned=turned), camera.range_m or 0.0)
    eye_m = around.ground_m + (camera.height_m or 0.0)
    labels = look(eye_m, Rays(fan.azimuth, fan.distance_m), around.relief, around.blocks, target_m)
    found = fan.parts(labels)
    if smooth:
        found = {label: shapely.simplify(shape, fan.cell_m) for label, shape in found.items()}
    placed = [shapely.transform(shape, around.plane.lonlat) for shape in found.values()]
    areas = ellipsoidal_areas_m2(np.array(placed, dtype=object))
    parts = [
        part_of(label, shape, area, around) for label, shape, area in zip(found, placed, areas.tolist(), strict=True)
    ]
    return View(camera, sorted(parts, key=lambda part: -part.area_m2), fan.cell_m)


def part_of(label: int, shape: shapely.Geometry, area_m2: float, around: Around) -> Part:
    """What a label of ``look`` says of a shape."""
    kinds: dict[int, Kind] = {SEEN: "seen", GROUND: "terrain", BUILT: "built"}
    if label in kinds:
        return Part(kinds[label], shape, area_m2)
    return Part("building", shape, area_m2, int(around.fids[label]), around.names[label])
