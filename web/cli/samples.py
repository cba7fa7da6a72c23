"""Importing the sample city at first start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cim.errors import BadRequest, ImportRefused
from cim.store.collections import all_collections, all_models
from cim.store.database import Database
from cim.store.devices import DeviceQuery, count_devices
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.registry import IMPORTERS
from importers.run import ImportRequest, import_file
from importers.sensing.columns import DEVICES
from layers.catalog import Catalog
from web.cli.opening import ROLE, operator

_PLAIN = ReadOptions("EPSG:4490", trust_file=True)


async def import_samples(
    database: Database, catalog: Catalog, folder: Path, files: FileStore, say: Callable[[str], None]
) -> None:
    """Import each layer of a sample folder that the city does not have yet, as its ``manifest.json`` lists them.

    The sample is part of the product, so it is read even where the reading process cannot be cut off the network.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise BadRequest("the folder has no manifest.json", where=str(folder), remedy="name data_samples/small")
    async with database.writing("samples") as connection:
        there = {**await all_collections(connection), **await all_models(connection)}
    listed = json.loads(manifest.read_text("utf-8"))
    entries = listed["layers"]
    missing = [entry for entry in entries if entry["layer"] not in there and _taken(entry, catalog)]
    for number, entry in enumerate(missing, 1):
        heights = entry.get("height_datum")
        options = ReadOptions(entry["crs"] or None, entry.get("encoding"), trust_file=True, height_datum=heights)
        request = ImportRequest(folder / entry["file"], operator(), ROLE, entry["layer"], options=options)
        for report in await import_file(database, catalog, request, files=files):
            if report.status in {"refused", "partial"}:
                raise ImportRefused(
                    "sample",
                    f"the sample did not load whole: {report.message}",
                    where=entry["layer"],
                    remedy="report this",
                )
            say(f"[{number}/{len(missing)}] {report.layer}: {report.loaded} features")
    if "devices" in listed and not await _has_devices(database):
        request = ImportRequest(folder / listed["devices"]["file"], operator(), ROLE, DEVICES, options=_PLAIN)
        for report in await import_file(database, catalog, request, files=files):
            say(f"{report.layer}: {report.loaded} devices, {len(report.rejected)} not")


async def _has_devices(database: Database) -> bool:
    async with database.writing("samples") as connection:
        return await count_devices(connection, DeviceQuery()) > 0


def _taken(entry: dict[str, Any], catalog: Catalog) -> bool:
    """Whether an entry is a layer of the catalogue or a building model, and a model can be read."""
    if entry["geometry"] not in {"model", "city"}:
        return entry["layer"] in catalog.layers
    return any(importer.name == entry["format"] for importer in IMPORTERS)
