"""What all questions about ways share: how one travels, what is closed, and places joined to the roads."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Parameters
from cim.analysis.context import Context
from cim.analysis.routing.closures import Closed, closed_edges
from cim.analysis.routing.graph import Joined, Roads, join
from cim.analysis.routing.network import ROADS, network_for, scenario_of
from cim.analysis.routing.profiles import Profile, ProfileName, seconds, the_profile
from cim.analysis.routing.telling import NotRouted, remark
from cim.model.analysis import Finding, Place, SourceEdition, Verdict
from cim.model.road_network import Floats

DRAWN_OFF_M = 2.0
"""Places farther off the road than this get a line to it on the map."""


class RoutingParameters(Parameters):
    """How one travels, and which roads are closed."""

    profile: ProfileName = Field(
        "car", title="出行方式 Profile", description="car 小汽车，fire 消防车，foot 步行（不受单行限制）"
    )
    closures: Any = Field(
        None,
        title="封闭范围 Closures",
        description="GeoJSON 面或线，触及的路段整段封闭 areas or lines; each road section they meet is closed",
        json_schema_extra={"x-cim-input": "geojson", "x-cim-draw": "area", "type": "object"},
    )
    water: Any = Field(
        None,
        title="积水范围 Water",
        description="GeoJSON 面，属性 depth_m 为水深；无水深的一律封闭 areas with depth_m; those without one close",
        json_schema_extra={"x-cim-input": "geojson", "type": "object"},
    )
    water_m: float | None = Field(
        None,
        title="可通行水深 Passable water (m)",
        description="不填按出行方式：小汽车和步行 0.3，消防车 0.5 by profile when left out",
        ge=0,
        le=5,
    )
    off_road_m: float = Field(
        500.0,
        title="离路距离上限 Off the road at most (m)",
        description="地点离最近可通行道路超过此距离时不计算 farther places are not joined",
        ge=1,
        le=5_000,
    )
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")
    scenario: str | None = Field(
        None, title="规划情景 Scenario", description="按情景中的道路 roads as under a scenario"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The roads of a question with what is to be said of them, and the layers that its scenario changes."""

    roads: Roads
    profile: Profile
    closed: Closed
    edition: SourceEdition
    remarks: Sequence[Finding]
    scenarios: Mapping[str, int]
    off_road_m: float


async def ground_for(connection: AsyncConnection, context: Context, asked: RoutingParameters) -> Ground:
    """The roads as the caller may use them; NotRouted where there are none, or all are closed."""
    profile = the_profile(asked.profile)
    scenarios = await scenario_of(connection, context, asked.scenario)
    network, edition, remarks = await network_for(connection, context, scenarios.get(ROADS))
    limit_m = profile.water_m if asked.water_m is None else asked.water_m
    closed = await asyncio.to_thread(closed_edges, network, asked.closures, asked.water, limit_m)
    along_s, against_s = seconds(network, profile)
    usable = (along_s >= 0) | (against_s >= 0)
    roads = Roads(network, along_s, against_s, usable & ~closed.edges)
    if not roads.open.any():
        raise NotRouted("all-closed", "封闭和积水范围触及了全部道路，没有可通行的路段", edition)
    told = [*remarks, *_closed_told(closed, edition, limit_m)]
    return Ground(roads, profile, closed, edition, told, scenarios, asked.off_road_m)


def _closed_told(closed: Closed, edition: SourceEdition, limit_m: float) -> list[Finding]:
    found = []
    if closed.any:
        text = (
            f"封闭 {int(closed.edges.sum())} 个路段，其中封闭范围触及 {closed.drawn} 个，积水触及 {closed.flooded} 个"
        )
        if closed.of_unknown_depth:
            text += f"；{closed.of_unknown_depth} 个积水范围没有水深，按不可通行处理"
        found.append(
            remark("roads-closed", text, edition, layer=ROADS, measured=float(closed.edges.sum()), limit=limit_m)
        )
    if closed.shallow:
        text = f"{closed.shallow} 个路段有积水，水深不超过 {limit_m:g} 米，按可通行处理，车速未折减"
        found.append(remark("roads-passed", text, edition, layer=ROADS, measured=float(closed.shallow), limit=limit_m))
    return found


async def joined_places(
    ground: Ground, places: Sequence[tuple[float, float]], what: str
) -> tuple[Joined, list[Finding]]:
    """Places that all must be near a road, joined to it, with remarks; NotRouted where one is too far off."""
    lonlat = np.array(places, dtype=np.float64).reshape(-1, 2)
    found = await asyncio.to_thread(join, ground.roads, lonlat, ground.off_road_m)
    far = np.flatnonzero(~found.on_road)
    if len(far):
        worst_m = float(found.off_m[far[0]])
        name = f"{what}（第 {int(far[0]) + 1} 个）" if len(places) > 1 else what
        raise NotRouted(
            "off-road",
            f"{name}离最近的可通行道路 {worst_m:.0f} 米，超过上限 {ground.off_road_m:g} 米，未计算",
            ground.edition,
            measured=round(worst_m, 1),
            limit=ground.off_road_m,
            unit="m",
        )
    return found, await asyncio.to_thread(_nearer_closed, ground, lonlat, found)


def _nearer_closed(ground: Ground, lonlat: Floats, joined: Joined) -> list[Finding]:
    """A remark on each place whose nearest road is closed, so that it was joined to another."""
    if not ground.closed.any:
        return []
    roads = ground.roads
    usable = (roads.along_s >= 0) | (roads.against_s >= 0)
    nearest = join(Roads(roads.network, roads.along_s, roads.against_s, usable), lonlat, np.inf)
    return [
        remark(
            "nearest-closed",
            f"第 {place + 1} 个地点最近的道路（{nearest.off_m[place]:.0f} 米）已封闭，"
            f"改接 {joined.off_m[place]:.0f} 米外的道路",
            ground.edition,
            layer=ROADS,
            measured=round(float(joined.off_m[place]), 1),
            unit="m",
            verdict=Verdict.PARTLY,
        )
        for place in np.flatnonzero(joined.off_m > nearest.off_m + 0.01).tolist()
    ]


def point_place(lonlat: Floats, facts: Mapping[str, Any]) -> Place:
    """A point of the map."""
    return Place({"type": "Point", "coordinates": lonlat.round(7).tolist()}, facts)


def line_place(line: Floats, facts: Mapping[str, Any]) -> Place:
    """A line of the map; a point where it has no length."""
    if len(line) < 2:
        return point_place(line[0] if len(line) else np.zeros(2), facts)
    return Place({"type": "LineString", "coordinates": line.round(7).tolist()}, facts)


def off_road_places(joined: Joined) -> list[Place]:
    """Lines from places to where they are joined to the road."""
    far = np.flatnonzero(joined.on_road & (joined.off_m > DRAWN_OFF_M)).tolist()
    return [
        line_place(
            np.stack([joined.lonlat[k], joined.foot[k]]), {"kind": "off-road", "off_road_m": round(joined.off_m[k], 1)}
        )
        for k in far
    ]
