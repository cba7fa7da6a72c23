"""Registered sets of 3D Tiles as they are served: the document that joins a layer's sets, and their files."""

import gzip
import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cim.model.access import Principal
from cim.model.tilesets import KeptCloud, Lift, RegisteredTileset, Stand, lift_of
from cim.model.undulation import Undulation
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.kept_clouds import kept_clouds
from cim.store.registered_tilesets import registered_tilesets
from cim.store.tile_archives import TileArchive
from tiles.clouds.naming import tiles_name
from tiles.scene.tileset import SceneRegion, union

STATEMENT_MS = 4_000
OPEN_ARCHIVES = 32
CLOUD_ERROR_M = 1_000.0
"""What is missing where nothing of a cloud is drawn: enough that its first tile is."""
MARGIN_DEG, MARGIN_M = 1e-5, 1.0
SUFFIX = ".3tz"
GZIP = b"\x1f\x8b"


class RegisteredSets:
    """Finds the sets of layers and reads their files; rows and indexes are kept by version and policy class."""

    def __init__(self, database: Database, files: FileStore, undulation: Undulation | None) -> None:
        self.undulation = undulation
        self._database, self._files = database, files
        self._rows: dict[tuple[str, int, str], list[RegisteredTileset]] = {}
        self._archives: OrderedDict[str, TileArchive] = OrderedDict()

    def follow(self) -> None:
        """Ask anew what layers hold."""
        self._rows.clear()

    async def sets(self, principal: Principal, decision: Decision) -> list[RegisteredTileset]:
        """The sets of a layer that the caller may read."""
        held = decision.collection
        key = (held.id, held.version, decision.policy_class)
        if key not in self._rows:
            async with self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
                if held.schema.kind == "pointcloud":
                    clouds = await kept_clouds(connection, held, decision.regions)
                    self._rows[key] = [_of_cloud(cloud) for cloud in clouds]
                else:
                    self._rows[key] = await registered_tilesets(connection, held, decision.regions)
        return [one for one in self._rows[key] if not one.made or self._path(one).exists()]

    def read(self, tileset: RegisteredTileset, name: str) -> bytes | None:
        """A file of a set as it is drawn, None where the set has none of this name; to be called in a thread.

        Regions in documents are raised with the set. Raises StoreError where the set's file is damaged, HeightsUnknown
        where it cannot be placed.
        """
        data = self._archive(tileset).read(name)
        if data is None or not name.endswith(".json"):
            return data
        lift = lift_of(tileset, self.undulation)
        if tileset.stand.place or not lift.raised_m:
            return data
        return raised(gzip.decompress(data) if data.startswith(GZIP) else data, lift.raised_m)

    def _path(self, tileset: RegisteredTileset) -> Path:
        place = self._files.cloud_tiles_path if tileset.made else self._files.tileset_path
        return place(tileset.file)

    def _archive(self, tileset: RegisteredTileset) -> TileArchive:
        archive = self._archives.get(tileset.file)
        if archive is None:
            archive = TileArchive.opened(self._path(tileset))
            self._archives[tileset.file] = archive
        self._archives.move_to_end(tileset.file)
        while len(self._archives) > OPEN_ARCHIVES:
            self._archives.popitem(last=False)
        return archive


def _of_cloud(cloud: KeptCloud) -> RegisteredTileset:
    """The set made of a cloud. How far its tiles are from the whole is for its own document to say."""
    return RegisteredTileset(
        cloud.fid,
        cloud.name,
        tiles_name(cloud.file, cloud.crs, cloud.low_m, cloud.high_m),
        Stand(cloud.height_datum),
        cloud.bbox,
        cloud.low_m,
        cloud.high_m,
        CLOUD_ERROR_M,
        made=True,
    )


def joined_document(
    sets: Sequence[RegisteredTileset], undulation: Undulation | None, mark: str, version: int
) -> dict[str, Any]:
    """The tileset that joins a layer's sets, each with the transform that puts it where it stands.

    HeightsUnknown where one of them cannot be brought above the ellipsoid.
    """
    lifts = [lift_of(one, undulation) for one in sets]
    regions = [_region(one, lift) for one, lift in zip(sets, lifts, strict=True)]
    error_m = max(one.error_m for one in sets)
    children = [_tile(one, lift, region, mark) for one, lift, region in zip(sets, lifts, regions, strict=True)]
    return {
        "asset": {"version": "1.1", "tilesetVersion": str(version), "generator": "OneMap CIM"},
        "geometricError": error_m,
        "root": {
            "boundingVolume": {"region": _radians(union(regions))},
            "geometricError": error_m,
            "refine": "ADD",
            "children": children,
        },
    }


def raised(data: bytes, metres: float) -> bytes:
    """A document whose regions are higher; what is no tileset stays as it is."""
    document = json.loads(data)
    open_: list[Any] = [document]
    while open_:
        thing = open_.pop()
        if isinstance(thing, dict):
            region = thing.get("region")
            if isinstance(region, list) and len(region) == 6:
                thing["region"] = [*region[:4], region[4] + metres, region[5] + metres]
            open_.extend(thing.values())
        elif isinstance(thing, list):
            open_.extend(part for part in thing if isinstance(part, dict | list))
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _region(tileset: RegisteredTileset, lift: Lift) -> SceneRegion:
    west, south, east, north = tileset.bbox
    low, high = tileset.low_m + lift.raised_m - MARGIN_M, tileset.high_m + lift.raised_m + MARGIN_M
    return (west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG, low, high)


def _radians(region: SceneRegion) -> list[float]:
    return [*np.radians(region[:4]).tolist(), *region[4:]]


def _tile(tileset: RegisteredTileset, lift: Lift, region: SceneRegion, mark: str) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "boundingVolume": {"region": _radians(region)},
        "geometricError": tileset.error_m,
        "content": {"uri": f"files/{tileset.file.removesuffix(SUFFIX)}-{mark}/tileset.json"},
        "extras": {"fid": tileset.fid, "name": tileset.name},
    }
    if lift.moves:
        tile["transform"] = lift.matrix.T.ravel().tolist()
    return tile
