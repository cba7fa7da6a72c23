"""Coverage 视频覆盖: what the cameras of an area see of it together, and where nobody looks."""

import asyncio
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.visibility.around import surroundings_of
from cim.analysis.visibility.coverage_tables import answer_of
from cim.analysis.visibility.covered import Seen, covered
from cim.analysis.visibility.houses import houses_near
from cim.analysis.visibility.records import cameras_near, limits_told, reaching
from cim.analysis.visibility.view import MOST_RANGE_M, TARGETS_M, Target, seeable, view_of
from cim.errors import BadRequest
from cim.model.analysis import Answer, SourceEdition, Title
from cim.model.cameras import Camera
from cim.model.redline import RedLine

MOST_CAMERAS, CAMERAS_AT_ONCE = 500, 16
MOST_AREA_M2 = 25_000_000.0


class CoverageParameters(Parameters):
    """The area, what is looked for, and whether cameras that can be turned count with all they can be turned to."""

    area: Any = area_field()
    target: Target = Field(
        "person",
        title="观察对象 Target",
        description="对象离地高度：地面 0 米，车牌 0.6 米，行人 1.6 米 Height above the ground of what is looked for",
    )
    turned: bool = Field(
        default=False,
        title="计入云台转动 Turning counts",
        description="球机按可转到的全部方向计 All that PTZ cameras can be turned to",
    )


async def coverage(asked: CoverageParameters, context: Context) -> Answer:
    """The parts of an area that its cameras see, that stand in their sectors but are hidden, and the rest."""
    red_line = await red_line_of(context, asked.area)
    area = shapely.union_all(red_line.lonlat())
    _check_size(red_line)
    cameras, edition = await _cameras(context, area, asked.turned)
    known = [camera for camera in cameras if not seeable(camera)]
    if len(known) > MOST_CAMERAS:
        raise BadRequest(
            f"{len(known)} cameras look into the area, at most {MOST_CAMERAS} are looked at together",
            where="area",
            remedy="choose a smaller area",
        )
    seen, sources, notes = await _seen(context, known, asked)
    houses = await houses_near(context, np.array([area], dtype=object))
    context.progress(92, "合并可视范围")
    found = await asyncio.to_thread(covered, area, seen, houses.shapes)
    return answer_of(found, cameras, asked.target, [edition, *sources], [*limits_told(context), *notes])


def _check_size(red_line: RedLine) -> None:
    area_m2 = float(red_line.areas_m2().sum())
    if area_m2 > MOST_AREA_M2:
        raise BadRequest(
            f"the area has {area_m2 / 1e6:.1f} km2, at most {MOST_AREA_M2 / 1e6:g} are looked at together",
            where="area",
            remedy="choose a smaller area",
        )


async def _cameras(context: Context, area: shapely.Geometry, turned: bool) -> tuple[list[Camera], SourceEdition]:
    """The cameras whose sectors reach into an area, and those in it of which no sector is known."""
    areas = np.array([area], dtype=object)
    async with context.reading() as connection:
        near, edition = await cameras_near(context, connection, areas, MOST_RANGE_M)
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, [one.lon for one in near], [one.lat for one in near])
    meant = {camera.fid for camera in reaching(near, area, turned=turned)}
    return [camera for camera, within in zip(near, inside, strict=True) if within or camera.fid in meant], edition


async def _seen(
    context: Context, cameras: list[Camera], asked: CoverageParameters
) -> tuple[list[Seen], list[SourceEdition], list[str]]:
    """What each camera sees; editions and remarks once each."""
    seen: list[Seen] = []
    sources: dict[str, SourceEdition] = {}
    notes: dict[str, None] = {}
    for first in range(0, len(cameras), CAMERAS_AT_ONCE):
        some = cameras[first : first + CAMERAS_AT_ONCE]
        found = await surroundings_of(context, some, turned=asked.turned)
        sources |= {source.layer: source for source in found.sources}
        notes |= dict.fromkeys(found.notes)
        for camera, around in zip(some, found.around, strict=True):
            view = await asyncio.to_thread(
                view_of, camera, around, TARGETS_M[asked.target], turned=asked.turned, smooth=True
            )
            seen.append(Seen(camera, view.seen, camera.sector(turned=asked.turned)))
        context.progress(round(90 * len(seen) / len(cameras)), f"已计算 {len(seen)} / {len(cameras)} 台")
    return seen, list(sources.values()), list(notes)


ANALYSIS: Analysis[CoverageParameters] = Analysis(
    id="camera-coverage",
    version="1",
    title=Title("视频监控覆盖", "Camera coverage"),
    description=Title(
        "范围内视频监控的可视范围、盲区和覆盖率，计地形和建筑遮挡。",
        "What the cameras of an area see of it, its blind spots and the share covered, past terrain and buildings.",
    ),
    parameters=CoverageParameters,
    run=coverage,
    long=True,
)
