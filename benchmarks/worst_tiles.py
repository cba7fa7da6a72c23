"""Every tile of every layer of the county, zoom 0 to 14: bytes as sent, time, and what it shows against the truth."""

import asyncio
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import sqlalchemy as sa
from shapely.geometry import box, shape

from benchmarks.county import county_folder
from cim.model.access import Grade, ReadContext
from cim.model.collection import Collection
from cim.model.general import GeneralPlan
from cim.store.cluster import Cluster
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.general_source import touched_blocks
from cim.store.general_tables import GeneralState, general_states
from cim.store.general_tiles import general_tile
from cim.store.migrating import migrate
from cim.store.vector_tiles import vector_tile
from layers.catalog import Catalog, load_catalog
from layers.general import general_plan
from tiles.generalise.grid import tile_box
from tiles.generalise.job import bring_up_to_date

DEEPEST = 14
MOST_BYTES, MOST_MS = 500_000, 300
LEAST_TRUTH_UNITS2 = 100
"""Built areas smaller than this many square units of the tile (4096 wide) cannot be drawn to ten per cent."""
OPEN = ReadContext(tuple((grade, None) for grade in Grade), timeout_ms=60_000)


@dataclass(slots=True)
class Seen:
    """What the scan of one zoom of one layer found."""

    tiles: int = 0
    empty: int = 0
    worst_bytes: tuple[int, str] = (0, "")
    worst_ms: tuple[float, str] = (0.0, "")
    counted: float = 0
    sums: dict[str, float] = field(default_factory=dict)
    worst_area_error: tuple[float, str] = (0.0, "")
    worst_class_error: tuple[float, str] = (0.0, "")


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Import the county's layers, build their content and scan it; ``rounds`` is not used, the scan is exhaustive."""
    del rounds
    folder = county_folder(county)
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        data = Path(name)
        data.chmod(0o755)
        _import(folder, data)
        return scan(data)


def _import(folder: Path, data: Path) -> None:
    """Import every layer of the county that has shapes; tables of coordinates are told their CRS."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for entry in manifest["layers"]:
        path = folder / str(entry["file"])
        if path.suffix in {".gpkg", ".geojson", ".shp", ".csv"}:
            start = [sys.executable, "-c", "from web.cli.main import main; main()", "import", str(path)]
            crs = ["--crs", "EPSG:4490"] if path.suffix == ".csv" else []
            command = [*start, "--layer", str(entry["layer"]), "--data", str(data), "--trust-file", *crs]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def scan(data: Path) -> dict[str, object]:
    """Build and scan what is in a private cluster."""
    with Cluster(data) as logins:
        migrate(logins.owner_url)

        async def work() -> dict[str, object]:
            database = Database(logins.reader_url, logins.writer_url)
            try:
                return await _work(database, load_catalog())
            finally:
                await database.close()

        return asyncio.run(work())


async def _work(database: Database, catalog: Catalog) -> dict[str, object]:
    async with database.writing() as connection:
        collections = await all_collections(connection)
    built = {}
    for layer, collection in collections.items():
        begun = time.perf_counter()
        if collection.schema.geometry != "none":
            await bring_up_to_date(database, layer, general_plan(catalog, collection))
            built[layer] = round(time.perf_counter() - begun, 1)
    async with database.writing() as connection:
        states = await general_states(connection)
    layers = {}
    for layer, collection in collections.items():
        if collection.schema.geometry != "none":
            layers[layer] = await _layer(database, catalog, collection, states.get(layer))
    everything = [zoom for zooms in layers.values() for zoom in zooms.values()]
    return {
        "what": "every tile of every layer, zoom 0 to 14, read cold from the database and compressed",
        "build_seconds": built,
        "layers": layers,
        "reach": "<= 500 kB, <= 300 ms, built area within 10 %, class areas within 1 %, counts exact, none empty",
        "worst_bytes": max(zoom["worst_bytes"] for zoom in everything),
        "worst_ms": max(zoom["worst_ms"] for zoom in everything),
        "reached": all(
            zoom["worst_bytes"][0] <= MOST_BYTES
            and zoom["worst_ms"][0] <= MOST_MS
            and zoom["empty"] == 0
            and zoom.get("worst_area_error", (0,))[0] <= 0.1
            and zoom.get("worst_class_error", (0,))[0] <= 0.01
            and zoom.get("counted_exactly", True)
            for zoom in everything
        ),
    }


async def _layer(
    database: Database, catalog: Catalog, collection: Collection, state: GeneralState | None
) -> dict[int, dict[str, Any]]:
    definition = catalog.layers.get(collection.id)
    fields = definition.tiles.fields if definition else collection.schema.field_names
    async with database.writing(timeout_ms=0) as connection:
        blocks = await touched_blocks(connection, collection.schema, DEEPEST - 3, None)
    tiles = {DEEPEST: blocks}
    for zoom in range(DEEPEST - 1, -1, -1):
        tiles[zoom] = {(x >> 1, y >> 1) for x, y in tiles[zoom + 1]}
    plan = state.plan if state else GeneralPlan("none", 0)
    found = {}
    for zoom, places in sorted(tiles.items()):
        seen = Seen()
        for x, y in sorted(places):
            await _tile(database, collection, state, fields, (zoom, x, y), seen)
        found[zoom] = _document(seen, plan, collection.feature_count, general=zoom < plan.full_zoom)
    return found


async def _tile(
    database: Database,
    collection: Collection,
    state: GeneralState | None,
    fields: Iterable[str],
    place: tuple[int, int, int],
    seen: Seen,
) -> None:
    zoom, x, y = place
    named = f"{zoom}/{x}/{y}"
    async with database.reading(OPEN) as connection:
        inside = await connection.scalar(_populated(collection), _box(place))
        if not inside:
            return
        begun = time.perf_counter()
        raw = await general_tile(connection, collection, state, tuple(fields), zoom, tile_box(*place))
        general = raw is not None
        if raw is None:
            raw = await vector_tile(connection, collection, tuple(fields), None, zoom, x, y)
        sent = gzip.compress(raw, 6, mtime=0)
        took = (time.perf_counter() - begun) * 1000
        seen.tiles += 1
        seen.empty += not raw
        seen.worst_bytes = max(seen.worst_bytes, (len(sent), named))
        seen.worst_ms = max(seen.worst_ms, (round(took, 1), named))
        if general and state and state.plan.method in {"cells", "classes", "points", "lines"}:
            await _compare(connection, collection, state.plan, place, raw, seen)


async def _compare(
    connection: Any, collection: Collection, plan: GeneralPlan, place: tuple[int, int, int], raw: bytes, seen: Seen
) -> None:
    """Sums and drawn areas of a generalised tile against the features."""
    layer = mapbox_vector_tile.decode(raw).get(collection.id, {"features": []}) if raw else {"features": []}
    frame, drawn = box(0, 0, 4096, 4096), defaultdict(float)
    for item in layer["features"]:
        seen.counted += item["properties"].get(plan.count_name, 0)
        for name in [plan.measure_name, *(s.name for s in plan.sums)]:
            if name:
                seen.sums[name] = seen.sums.get(name, 0) + item["properties"].get(name, 0)
        if plan.method in {"cells", "classes"}:
            kind = item["properties"].get(plan.class_field, "") if plan.method == "classes" else ""
            drawn[str(kind)] += shape(item["geometry"]).intersection(frame).area
    if plan.method not in {"cells", "classes"}:
        return
    truth = await _true_areas(connection, collection, plan, place)
    named = "/".join(map(str, place))
    total = sum(truth.values())
    if plan.method == "cells":
        if total >= LEAST_TRUTH_UNITS2:
            seen.worst_area_error = max(seen.worst_area_error, (round(abs(drawn[""] / total - 1), 4), named))
        return
    if total >= LEAST_TRUTH_UNITS2 * 100:
        for kind in {*truth, *drawn}:
            error = abs(drawn.get(kind, 0) - truth.get(kind, 0)) / total
            seen.worst_class_error = max(seen.worst_class_error, (round(error, 4), f"{named} {kind}"))


async def _true_areas(
    connection: Any, collection: Collection, plan: GeneralPlan, place: tuple[int, int, int]
) -> dict[str, float]:
    """Area by class inside a tile, in square units of the tile."""
    kind = f'"{plan.class_field}"::text' if plan.method == "classes" else "''"
    rows = await connection.execute(
        sa.text(f"""
        SELECT coalesce({kind}, ''), sum(ST_Area(CASE WHEN geom_3857 @ {_ENVELOPE} THEN geom_3857
            ELSE ST_ClipByBox2D(geom_3857, {_ENVELOPE}) END))
        FROM history."{collection.id}" WHERE valid_to_version IS NULL AND geom_3857 && {_ENVELOPE} GROUP BY 1
        """),
        _box(place),
    )
    west, _, east, _ = tile_box(*place)
    unit2 = ((east - west) / 4096) ** 2
    return {row[0]: row[1] / unit2 for row in rows}


_ENVELOPE = "ST_MakeEnvelope(:west, :south, :east, :north, 3857)"


def _populated(collection: Collection) -> sa.TextClause:
    return sa.text(
        f'SELECT EXISTS (SELECT FROM history."{collection.id}" WHERE valid_to_version IS NULL'
        f" AND geom_3857 && {_ENVELOPE} AND ST_Intersects(ST_PointOnSurface(geom_3857), {_ENVELOPE}))"
    )


def _box(place: tuple[int, int, int]) -> dict[str, float]:
    return dict(zip(("west", "south", "east", "north"), tile_box(*place), strict=True))


def _document(seen: Seen, plan: GeneralPlan, count: int, *, general: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "general": general,
        "tiles": seen.tiles,
        "empty": seen.empty,
        "worst_bytes": seen.worst_bytes,
        "worst_ms": seen.worst_ms,
    }
    if general and plan.method in {"cells", "classes", "points", "lines"}:
        document |= {"counted": seen.counted, "counted_exactly": seen.counted == count, "sums": seen.sums}
    if general and plan.method == "cells":
        document["worst_area_error"] = seen.worst_area_error
    if general and plan.method == "classes":
        document["worst_class_error"] = seen.worst_class_error
    return document
