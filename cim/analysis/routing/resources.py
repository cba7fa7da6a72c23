"""The features that somebody may need, near a place, and what an answer says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context, Features
from cim.analysis.reaching import partial
from cim.analysis.routing.asking import line_place, point_place
from cim.analysis.routing.graph import Joined, Way
from cim.analysis.routing.telling import missing, remark
from cim.model.analysis import Column, Finding, Place, SourceEdition, Table, Title
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats

MOST_LOOKED_AT = 400
"""Of each layer the nearest in a straight line that ways are looked for to."""
NAME_FIELDS = ("name", "title", "id")
CONTACT_FIELDS = (
    "contact", "phone", "mobile", "duty_phone", "leader", "address", "kind", "level", "members", "vehicles",
    "equipment", "beds", "emergency", "capacity", "stock",
)  # fmt: skip
_GEOD = pyproj.Geod(ellps="GRS80")


@dataclass(frozen=True, slots=True)
class Resource:
    """A feature of a layer that somebody may need: where it is, what people read of it, metres in a straight line."""

    layer: str
    fid: int
    name: str
    contact: dict[str, Any]
    lonlat: tuple[float, float]
    straight_m: float


async def resources_near(
    connection: AsyncConnection,
    context: Context,
    layers: Sequence[str],
    place: tuple[float, float],
    within_km: float,
    scenarios: Mapping[str, int],
) -> tuple[list[Resource], list[SourceEdition], list[Finding]]:
    """The features of each layer nearest in a straight line, with remarks on layers that have none."""
    here = np.array([shapely.Point(place)], dtype=object)
    found: list[Resource] = []
    sources, told = [], []
    for layer in dict.fromkeys(layers):
        wanted, scenario = (*NAME_FIELDS, *CONTACT_FIELDS), scenarios.get(layer)
        features = await context.features(
            connection, layer, wanted, here, LONLAT_SRID, scenario=scenario, within_m=within_km * 1000
        )
        sources.append(features.edition)
        if not features.present:
            told.append(missing(features.edition))
            continue
        if partial(context, layer):
            told.append(remark("layer-partial", "只包括您有权查看的地区", features.edition, layer=layer))
        some = _nearest(layer, features, place, within_km * 1000)
        if not some:
            text = f"直线 {within_km:g} 公里内没有“{features.edition.title}”"
            told.append(remark("no-resources", text, features.edition, layer=layer, measured=0.0))
        found += some
    return found, sources, told


def _nearest(layer: str, features: Features, place: tuple[float, float], within_m: float) -> list[Resource]:
    lonlat = shapely.get_coordinates(shapely.point_on_surface(features.shapes)).reshape(-1, 2)
    distance_m = straight_m(place, lonlat)
    order = np.argsort(distance_m, kind="stable")
    found = []
    for k in order[distance_m[order] <= within_m][:MOST_LOOKED_AT].tolist():
        values = {name: column[k] for name, column in features.columns.items()}
        name = next((str(values[field]) for field in NAME_FIELDS if values[field]), features.keys[k])
        contact = {field: values[field] for field in CONTACT_FIELDS if values[field] not in (None, "")}
        at = (float(lonlat[k, 0]), float(lonlat[k, 1]))
        found.append(Resource(layer, int(features.fids[k]), name, contact, at, float(distance_m[k])))
    return found


def straight_m(place: tuple[float, float], lonlat: Floats) -> Floats:
    """The geodesic distance from a place to each of others."""
    if not len(lonlat):
        return np.zeros(0)
    size = len(lonlat)
    return np.asarray(_GEOD.inv(np.full(size, place[0]), np.full(size, place[1]), lonlat[:, 0], lonlat[:, 1])[2])


def resource_row(context: Context, one: Resource, joined: Joined, stop: int, way: Way) -> tuple[Any, ...]:
    """A resource and its way as a row of the table; it is joined place ``stop``."""
    shown = {
        context.field_titles.get(one.layer, {}).get(field, field): context.shown(one.layer, field, value)
        for field, value in one.contact.items()
    }
    return (
        context.titles.get(one.layer, one.layer),
        one.name,
        round(way.seconds / 60, 2),
        round(way.length_m, 1),
        round(one.straight_m, 1),
        round(float(joined.off_m[stop]), 1),
        "；".join(f"{title} {value}" for title, value in shown.items()),
        one.layer,
        one.fid,
    )


def resource_table(rows: Sequence[tuple[Any, ...]]) -> Table:
    """The resources, layer by layer."""
    columns = (
        Column("layer_title", Title("类别", "Kind")),
        Column("name", Title("名称", "Name")),
        Column("time_min", Title("行程时间", "Travel time"), "number", "min", 1),
        Column("length_m", Title("路程", "By road"), "number", "m", 0),
        Column("straight_m", Title("直线距离", "Straight"), "number", "m", 0),
        Column("off_road_m", Title("离路", "Off the road"), "number", "m", 0),
        Column("contact", Title("联系与力量", "Contact and means")),
        Column("layer", Title("图层", "Layer")),
        Column("fid", Title("要素号", "Feature"), "count"),
    )
    return Table("resources", Title("就近资源", "Nearest resources"), columns, rows, "每个图层内按行程时间排列")


def resource_places(
    found: Sequence[Resource], chosen: Sequence[int], ways: dict[int, Way], joined: Joined
) -> list[Place]:
    """The place, and for each chosen resource its way and itself."""
    places = [point_place(joined.lonlat[0], {"kind": "place"})]
    for k in chosen:
        one, way = found[k], ways[k]
        facts = {
            "layer": one.layer,
            "name": one.name,
            "fid": one.fid,
            "time_min": round(way.seconds / 60, 2),
            "length_m": round(way.length_m, 1),
            "straight_m": round(one.straight_m, 1),
            **one.contact,
        }
        places.append(line_place(way.line, {**facts, "kind": "route", "title": f"{one.name}路线"}))
        places.append(point_place(joined.lonlat[k + 1], {**facts, "kind": "resource"}))
    return places
