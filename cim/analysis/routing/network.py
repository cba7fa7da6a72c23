"""The road network as the caller may read it, built once for each version of the layer."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context, Features
from cim.analysis.reaching import EVERYWHERE, partial
from cim.analysis.routing.telling import NotRouted, remark
from cim.model.analysis import Finding, SourceEdition
from cim.model.map_positions import zone_at
from cim.model.redline import LONLAT_SRID, moved
from cim.model.road_network import RoadAttributes, RoadNetwork, road_network
from cim.store.road_network import has_pgrouting
from cim.store.scenarios import the_scenario

ROADS = "roads"
FIELDS = ("name", "class", "oneway", "speed_kmh", "lanes", "from_node", "to_node")
MOST_KEPT = 4
_kept: OrderedDict[tuple[Any, ...], RoadNetwork] = OrderedDict()


async def scenario_of(connection: AsyncConnection, context: Context, name: str | None) -> Mapping[str, int]:
    """The layers that a scenario changes and the caller may read, with its id."""
    if name is None:
        return {}
    known = await the_scenario(connection, name)
    return {layer: known.id for layer in known.layers if layer in context.decisions}


async def network_for(
    connection: AsyncConnection, context: Context, scenario: int | None
) -> tuple[RoadNetwork, SourceEdition, list[Finding]]:
    """The network with its edition and remarks; NotRouted where there is none, or no pgRouting to find ways by."""
    edition = await context.edition(connection, ROADS)
    if not await has_pgrouting(connection):
        raise NotRouted(
            "pgrouting-missing",
            "数据库没有 pgRouting 扩展，不能计算路径。处理：apt install postgresql-pgrouting 后重新启动；"
            "自建数据库由管理员执行 CREATE EXTENSION pgrouting",
            edition,
        )
    decision = context.decision(ROADS)
    if decision is None:
        raise NotRouted("layer-missing", edition.note, edition)
    shown = tuple(name for name in FIELDS if name in decision.field_names)
    key = (edition.version, edition.published_at, decision.regions, shown)
    network = _kept.get(key) if scenario is None else None
    if network is None:
        features = await context.features(
            connection, ROADS, FIELDS, np.zeros(0, dtype=object), LONLAT_SRID, scenario=scenario, boxes=EVERYWHERE
        )
        network = await asyncio.to_thread(_built, features)
        if scenario is None:
            _kept[key] = network
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    else:
        _kept.move_to_end(key)
    if not len(network):
        raise NotRouted("network-empty", "道路图层中没有可以通行的道路（或无权查看）", edition)
    remarks = []
    if partial(context, ROADS):
        remarks.append(
            remark("network-partial", "道路只包括您有权查看的地区，区外道路未参与计算", edition, layer=ROADS)
        )
    return network, edition, remarks


def _built(features: Features) -> RoadNetwork:
    """Arrays of the features: each part of a line is an edge; lines of no length or place are left out."""
    parts, row = shapely.get_parts(features.shapes, return_index=True)
    usable = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 0) if len(parts) else np.zeros(0, bool)
    parts, row = parts[usable], row[usable].astype(np.int64)
    alone = np.bincount(row, minlength=max(1, len(features.shapes)))[row] == 1
    columns = {name: [features.columns[name][k] for k in row.tolist()] for name in FIELDS}
    pairs = zip(columns["from_node"], columns["to_node"], alone.tolist(), strict=True)
    attributes = RoadAttributes(
        names=[str(value or "") for value in columns["name"]],
        classes=[str(value or "") for value in columns["class"]],
        oneway=np.sign(_numbers(columns["oneway"])).astype(np.int64),
        speed_kmh=_numbers(columns["speed_kmh"]),
        lanes=_numbers(columns["lanes"]).astype(np.int64),
        nodes=[(begin, end) if single else (None, None) for begin, end, single in pairs],
    )
    middle = shapely.total_bounds(parts) if len(parts) else np.array([104.0, 31.0, 104.0, 31.0])
    srid = zone_at(float(middle[0] + middle[2]) / 2, float(middle[1] + middle[3]) / 2)
    return road_network(moved(parts, LONLAT_SRID, srid), parts, srid, attributes)


def _numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([0.0 if value is None else float(value) for value in values], dtype=np.float64)
