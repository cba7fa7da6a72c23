"""What generalised tiles show against the features themselves: counts, sums, drawn areas."""

from collections import defaultdict
from dataclasses import dataclass, field

import mapbox_vector_tile
import sqlalchemy as sa
from shapely.geometry import box, shape
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.general import GeneralPlan
from tiles.generalise.grid import tile_box

LEAST_TRUTH_UNITS2 = 100
"""Built areas smaller than this many square units of the tile (4096 wide) cannot be drawn to ten per cent."""
MEASURED = frozenset({"cells", "classes", "points", "lines"})
"""Methods whose content carries counts."""
Place = tuple[int, int, int]
_FRAME = box(0, 0, 4096, 4096)
_ENVELOPE = "ST_MakeEnvelope(:west, :south, :east, :north, 3857)"


@dataclass(slots=True)
class Shown:
    """What the tiles of one zoom show, added up, and the worst of their areas."""

    counted: float = 0
    sums: dict[str, float] = field(default_factory=dict)
    worst_area_error: tuple[float, str] = (0.0, "")
    worst_class_error: tuple[float, str] = (0.0, "")


def to_box(place: Place) -> dict[str, float]:
    """Bounds of a tile in Web Mercator metres, as parameters of a statement."""
    return dict(zip(("west", "south", "east", "north"), tile_box(*place), strict=True))


async def is_populated(connection: AsyncConnection, collection: Collection, place: Place) -> bool:
    """Whether the representative point of some current feature lies in a tile."""
    statement = sa.text(
        f'SELECT EXISTS (SELECT FROM history."{collection.id}" WHERE valid_to_version IS NULL'
        f" AND geom_3857 && {_ENVELOPE} AND ST_Intersects(ST_PointOnSurface(geom_3857), {_ENVELOPE}))"
    )
    return bool(await connection.scalar(statement, to_box(place)))


async def compare(
    connection: AsyncConnection, collection: Collection, plan: GeneralPlan, place: Place, tile: bytes, shown: Shown
) -> None:
    """Add up the counts and sums of a tile, and compare its drawn areas with those of the features."""
    content = mapbox_vector_tile.decode(tile).get(collection.id, {"features": []}) if tile else {"features": []}
    drawn: defaultdict[str, float] = defaultdict(float)
    for item in content["features"]:
        properties = item["properties"]
        shown.counted += properties.get(plan.count_name, 0)
        for name in [plan.measure_name, *(s.name for s in plan.sums)]:
            if name:
                shown.sums[name] = shown.sums.get(name, 0) + properties.get(name, 0)
        if plan.method in {"cells", "classes"}:
            kind = properties.get(plan.class_field, "") if plan.method == "classes" else ""
            drawn[str(kind)] += shape(item["geometry"]).intersection(_FRAME).area
    if plan.method in {"cells", "classes"}:
        _compare_areas(drawn, await _true_areas(connection, collection, plan, place), plan, place, shown)


def _compare_areas(
    drawn: dict[str, float], truth: dict[str, float], plan: GeneralPlan, place: Place, shown: Shown
) -> None:
    named, total = "/".join(map(str, place)), sum(truth.values())
    if plan.method == "cells":
        if total >= LEAST_TRUTH_UNITS2:
            error = round(abs(drawn.get("", 0) / total - 1), 4)
            shown.worst_area_error = max(shown.worst_area_error, (error, named))
    elif total >= LEAST_TRUTH_UNITS2 * 100:
        for kind in {*truth, *drawn}:
            error = round(abs(drawn.get(kind, 0) - truth.get(kind, 0)) / total, 4)
            shown.worst_class_error = max(shown.worst_class_error, (error, f"{named} {kind}"))


async def _true_areas(
    connection: AsyncConnection, collection: Collection, plan: GeneralPlan, place: Place
) -> dict[str, float]:
    """Area by class inside a tile, in square units of the tile."""
    kind = f'"{plan.class_field}"::text' if plan.method == "classes" else "''"
    statement = sa.text(f"""
        SELECT coalesce({kind}, ''), sum(ST_Area(CASE WHEN geom_3857 @ {_ENVELOPE} THEN geom_3857
            ELSE ST_ClipByBox2D(geom_3857, {_ENVELOPE}) END))
        FROM history."{collection.id}" WHERE valid_to_version IS NULL AND geom_3857 && {_ENVELOPE} GROUP BY 1
        """)
    bounds = to_box(place)
    unit2 = ((bounds["east"] - bounds["west"]) / 4096) ** 2
    return {row[0]: row[1] / unit2 for row in await connection.execute(statement, bounds)}


async def true_sums(connection: AsyncConnection, collection: Collection, plan: GeneralPlan) -> dict[str, float]:
    """The sums of a layer over its features: areas and lengths on the ellipsoid, by PostGIS."""
    place = "geom" if collection.schema.srid == 4490 else "geom_4490"
    ground = f"ST_Transform({place}, 4326)::geography"
    measures = {"area_m2": f"ST_Area({ground})", "length_m": f"ST_Length({ground})"}
    wanted = {plan.measure_name: measures[plan.measure_name]} if plan.measure_name else {}
    for item in plan.sums:
        column = f'"{item.field}"::float8'
        wanted[item.name] = column if item.kind == "field" else f"{column} * {measures['area_m2']}"
    if not wanted:
        return {}
    columns = ", ".join(f'sum({expression}) AS "{name}"' for name, expression in wanted.items())
    statement = f'SELECT {columns} FROM history."{collection.id}" WHERE valid_to_version IS NULL'
    row = (await connection.execute(sa.text(statement.replace(":", r"\:")))).one()
    return {str(name): float(value or 0) for name, value in zip(wanted, row, strict=True)}
