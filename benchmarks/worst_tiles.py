"""Every tile of every layer of the county, zoom 0 to 14: bytes as sent, time, and what it shows against the truth."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.county import county_folder
from benchmarks.picture_scan import scan_pictures
from benchmarks.tile_timing import MOST_MS, timed
from benchmarks.tile_truth import MEASURED, Place, Shown, compare, is_populated, true_sums
from cim.model.access import Grade, ReadContext
from cim.model.collection import Collection
from cim.model.grid import TileSquare
from cim.store.cluster import Cluster
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.general_source import touched_blocks
from cim.store.general_tables import GeneralState, general_states
from cim.store.migrating import migrate
from cim.store.selection import Selection
from cim.store.tile_content import TileContent, content_tile
from cim.store.vector_tiles import RawTile
from layers.catalog import Catalog, load_catalog
from layers.general_plan import general_plan
from tiles.compression import compressed
from tiles.generalise.grid import tile_box
from tiles.generalise.job import bring_up_to_date

DEEPEST = 14
MOST_BYTES = 500_000
MOST_SUM_ERROR = 1e-4
OPEN = ReadContext(tuple((grade, None) for grade in Grade), timeout_ms=60_000)


@dataclass(slots=True)
class Seen:
    """What the scan of one zoom of one layer found."""

    tiles: int = 0
    empty: int = 0
    stand_ins: int = 0
    worst_bytes: tuple[int, str] = (0, "")
    worst_ms: tuple[float, str] = (0.0, "")
    shown: Shown = field(default_factory=Shown)


@dataclass(frozen=True, slots=True)
class Scanned:
    """A layer, what fills its tiles, and what is known of its prepared content."""

    collection: Collection
    content: TileContent
    state: GeneralState | None


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Import the county's layers, build their content and scan it; ``rounds`` is not used, the scan is exhaustive.

    ``data`` is a data folder that holds the layers already.
    """
    del rounds
    if data is not None:
        return scan(data)
    folder = county_folder(county)
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        made = Path(name)
        made.chmod(0o755)
        _import(folder, made)
        return scan(made)


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
                return await _work(database, FileStore(data / "files"), load_catalog())
            finally:
                await database.close()

        return asyncio.run(work())


async def _work(database: Database, files: FileStore, catalog: Catalog) -> dict[str, object]:
    async with database.writing() as connection:
        collections = await all_collections(connection)
    drawn = {layer: one for layer, one in collections.items() if one.schema.geometry != "none"}
    built = {}
    for layer, collection in drawn.items():
        begun = time.perf_counter()
        if await bring_up_to_date(database, layer, general_plan(catalog, collection)):
            built[layer] = round(time.perf_counter() - begun, 1)
    async with database.writing() as connection:
        states = await general_states(connection)
    layers = {}
    for layer, collection in drawn.items():
        tiles = await _touched(database, collection)
        if collection.schema.kind == "raster":
            layers[layer] = await scan_pictures(database, files, collection, tiles)
            continue
        definition = catalog.layers.get(layer)
        fields = definition.tiles.fields if definition else collection.schema.field_names
        have = tuple(name for name in fields if name in collection.schema.field_names)
        content = TileContent(Selection(collection, have, None), general_plan(catalog, collection))
        layers[layer] = await _layer(database, Scanned(collection, content, states.get(layer)), tiles)
    everything = [(layer, zoom) for layer, zooms in layers.items() for zoom in zooms.values()]
    return {
        "what": "every tile of every layer, zoom 0 to 14, made cold: shapes compressed, images as PNG",
        "build_seconds": built,
        "layers": layers,
        "tiles": sum(zoom["tiles"] for _, zoom in everything),
        "reach": "<= 500 kB, <= 300 ms, built area within 10 %, class areas within 1 %, counts exact, none empty",
        "worst_bytes": max((*zoom["worst_bytes"], layer) for layer, zoom in everything),
        "worst_ms": max((*zoom["worst_ms"], layer) for layer, zoom in everything),
        "worst_area_error": max((*zoom.get("worst_area_error", (0.0, "")), layer) for layer, zoom in everything),
        "worst_class_error": max((*zoom.get("worst_class_error", (0.0, "")), layer) for layer, zoom in everything),
        "worst_sum_error": max((zoom.get("worst_sum_error", 0.0), layer) for layer, zoom in everything),
        "empty": sum(zoom["empty"] for _, zoom in everything),
        "miscounted": [layer for layer, zoom in everything if not zoom.get("counted_exactly", True)],
        "reached": all(_is_reached(zoom) for _, zoom in everything),
    }


def _is_reached(zoom: dict[str, Any]) -> bool:
    return bool(
        zoom["worst_bytes"][0] <= MOST_BYTES
        and zoom["worst_ms"][0] <= MOST_MS
        and zoom["empty"] == zoom["stand_ins"] == 0
        and zoom.get("worst_area_error", (0,))[0] <= 0.1
        and zoom.get("worst_class_error", (0,))[0] <= 0.01
        and zoom.get("worst_sum_error", 0) <= MOST_SUM_ERROR
        and zoom.get("counted_exactly", True)
    )


async def _touched(database: Database, collection: Collection) -> dict[int, set[tuple[int, int]]]:
    """Columns and rows of the tiles a layer's boxes touch, by zoom."""
    async with database.writing(timeout_ms=0) as connection:
        tiles = {DEEPEST: set(await touched_blocks(connection, collection.schema, DEEPEST - 3, None))}
    for zoom in range(DEEPEST - 1, -1, -1):
        tiles[zoom] = {(x >> 1, y >> 1) for x, y in tiles[zoom + 1]}
    return tiles


async def _layer(
    database: Database, scanned: Scanned, tiles: dict[int, set[tuple[int, int]]]
) -> dict[int, dict[str, Any]]:
    collection, plan = scanned.collection, scanned.content.plan
    truth = {}
    if plan.method in MEASURED:
        async with database.writing(timeout_ms=0) as connection:
            truth = await true_sums(connection, collection, plan)
    found = {}
    for zoom, places in sorted(tiles.items()):
        seen = Seen()
        for x, y in sorted(places):
            await _tile(database, scanned, (zoom, x, y), seen)
        found[zoom] = _document(seen, scanned, zoom, truth)
    return found


async def _tile(database: Database, scanned: Scanned, place: Place, seen: Seen) -> None:
    async with database.reading(OPEN) as connection:
        if not await is_populated(connection, scanned.collection, place):
            return
    data, sent, took_ms, stand_in = await _made(database, scanned, place)
    named = "/".join(map(str, place))
    seen.tiles += 1
    seen.empty += not data
    seen.stand_ins += stand_in
    seen.worst_bytes = max(seen.worst_bytes, (sent, named))
    seen.worst_ms = max(seen.worst_ms, (took_ms, named))
    if scanned.content.is_general_at(place[0]) and scanned.content.plan.method in MEASURED:
        async with database.reading(OPEN) as connection:
            await compare(connection, scanned.collection, scanned.content.plan, place, data, seen.shown)


async def _made(database: Database, scanned: Scanned, place: Place) -> tuple[bytes, int, float, bool]:
    """A tile, its bytes as sent, the median of the milliseconds it took, and whether it stands in."""
    square = TileSquare(3857, *tile_box(*place))

    async def make() -> tuple[RawTile, bytes]:
        raw = await content_tile(database.tiles, scanned.content, scanned.state, place[0], square, OPEN)
        return raw, compressed(raw.data)

    (raw, sent), took_ms = await timed(make)
    return raw.data, len(sent), took_ms, raw.stand_in


def _document(seen: Seen, scanned: Scanned, zoom: int, truth: dict[str, float]) -> dict[str, Any]:
    plan, shown = scanned.content.plan, seen.shown
    general = scanned.content.is_general_at(zoom)
    document: dict[str, Any] = {
        "general": general,
        "tiles": seen.tiles,
        "empty": seen.empty,
        "stand_ins": seen.stand_ins,
        "worst_bytes": seen.worst_bytes,
        "worst_ms": seen.worst_ms,
    }
    if general and plan.method in MEASURED:
        errors = [abs(shown.sums.get(name, 0) / value - 1) for name, value in truth.items() if value]
        document |= {
            "counted": shown.counted,
            "counted_exactly": shown.counted == scanned.collection.feature_count,
            "sums": shown.sums,
            "worst_sum_error": max(errors, default=0.0),
        }
    if general and plan.method == "cells":
        document["worst_area_error"] = shown.worst_area_error
    if general and plan.method == "classes":
        document["worst_class_error"] = shown.worst_class_error
    return document
