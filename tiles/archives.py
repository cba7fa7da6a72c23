"""Tile archives: MBTiles and PMTiles files that carry a layer's tiles to where there is no server.

Tiles gather in a work file beside the target, ``NAME.part``. A run that was broken off goes on with the tiles it holds,
as long as they are of the same layer version; the target appears whole or not at all.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pmtiles import writer as pmtiles_writer
from pmtiles.tile import Compression, TileType, zxy_to_tileid

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from tiles.seeding import Tile

COMMIT_EVERY = 500
DEGREES_E7 = 10_000_000
_Writer: Any = pmtiles_writer.Writer
_TABLES = """
CREATE TABLE IF NOT EXISTS metadata (name text PRIMARY KEY, value text);
CREATE TABLE IF NOT EXISTS tiles (
    zoom_level integer, tile_column integer, tile_row integer, tile_data blob,
    PRIMARY KEY (zoom_level, tile_column, tile_row)
);
"""


class ArchiveWork:
    """The tiles of an archive on their way; rows are counted from the south, as MBTiles does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting = 0

    def has(self, tile: Tile) -> bool | None:
        """Whether a tile holds anything; None when it was not made yet."""
        found = self._connection.execute(
            "SELECT length(tile_data) FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
            _place(tile),
        ).fetchone()
        return None if found is None else bool(found[0])

    def put(self, tile: Tile, data: bytes) -> None:
        """Keep a tile; every few hundred are safe from a broken run."""
        self._connection.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?)", (*_place(tile), data))
        self._waiting += 1
        if self._waiting >= COMMIT_EVERY:
            self._connection.commit()
            self._waiting = 0

    def belongs_to(self, content: str) -> None:
        """Forget the tiles of a run that made other content than ``content`` names."""
        found = self._connection.execute("SELECT value FROM metadata WHERE name = 'content'").fetchone()
        if found is not None and found[0] != content:
            self._connection.execute("DELETE FROM tiles")
        self._connection.execute("INSERT OR REPLACE INTO metadata VALUES ('content', ?)", (content,))
        self._connection.commit()

    def filled(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that hold anything, in the order of PMTiles."""
        self._connection.create_function("tile_id", 3, _tile_id, deterministic=True)
        rows = self._connection.execute(
            "SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles WHERE length(tile_data) > 0"
            " ORDER BY tile_id(zoom_level, tile_column, tile_row)"
        )
        for zoom, x, row, data in rows:
            yield (zoom, x, _flipped(zoom, row)), data

    def finish_mbtiles(self, metadata: dict[str, str]) -> None:
        """Make the work file an MBTiles file: no empty tiles, and the metadata."""
        self._connection.execute("DELETE FROM tiles WHERE length(tile_data) = 0")
        self._connection.execute("DELETE FROM metadata")
        self._connection.executemany("INSERT INTO metadata VALUES (?, ?)", metadata.items())
        self._connection.execute(f"PRAGMA application_id = {0x4D504258}")
        self._connection.commit()
        self._connection.execute("VACUUM")


@contextmanager
def archive_work(target: Path, content: str) -> Iterator[ArchiveWork]:
    """The work file of an archive; ``content`` names layer, version and options, and only like goes on with like.

    BadRequest when another run is at it.
    """
    connection = sqlite3.connect(work_path(target), timeout=2, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_TABLES)
        work = ArchiveWork(connection)
        work.belongs_to(content)
        yield work
        connection.commit()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise BadRequest("another run is writing it", where=str(target), remedy="wait, or name another file") from error
    finally:
        connection.close()


def work_path(target: Path) -> Path:
    """Where the tiles of an archive gather."""
    return target.with_name(f"{target.name}.part")


def finish(target: Path, content: str, tilejson: dict[str, Any]) -> int:
    """Turn the work file into the archive its suffix asks for; returns its bytes."""
    with archive_work(target, content) as work:
        if not next(work.filled(), None):
            raise BadRequest("there is no tile with anything in it", where=str(target), remedy="choose another area")
        if target.suffix.lower() == ".mbtiles":
            work.finish_mbtiles(mbtiles_metadata(tilejson))
        else:
            _write_pmtiles(target, work, tilejson)
    if target.suffix.lower() == ".mbtiles":
        work_path(target).replace(target)
    else:
        work_path(target).unlink()
    return target.stat().st_size


def mbtiles_metadata(tilejson: dict[str, Any]) -> dict[str, str]:
    """The metadata table of MBTiles 1.3 from a TileJSON document."""
    return {
        "name": tilejson["name"],
        "description": tilejson["description"],
        "attribution": tilejson["attribution"],
        "version": tilejson["version"],
        "format": "pbf",
        "type": "overlay",
        "minzoom": str(tilejson["minzoom"]),
        "maxzoom": str(tilejson["maxzoom"]),
        "bounds": ",".join(f"{side:.7f}" for side in tilejson["bounds"]),
        "center": ",".join(f"{part:g}" for part in tilejson["center"]),
        "json": json.dumps({"vector_layers": tilejson["vector_layers"]}, ensure_ascii=False),
    }


def _write_pmtiles(target: Path, work: ArchiveWork, tilejson: dict[str, Any]) -> None:
    partial = target.with_name(f"{target.name}.writing")
    with partial.open("wb") as file:
        writer = _Writer(file)
        for tile, data in work.filled():
            writer.write_tile(zxy_to_tileid(*tile), data)
        kept = ("name", "description", "attribution", "version", "vector_layers")
        writer.finalize(_header(tilejson["bounds"], tilejson["center"]), {name: tilejson[name] for name in kept})
    partial.replace(target)


def _header(bounds: BoundingBox, center: list[float]) -> dict[str, Any]:
    names = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        **{name: round(side * DEGREES_E7) for name, side in zip(names, bounds, strict=True)},
        "center_lon_e7": round(center[0] * DEGREES_E7),
        "center_lat_e7": round(center[1] * DEGREES_E7),
        "center_zoom": int(center[2]),
    }


def _place(tile: Tile) -> tuple[int, int, int]:
    return tile[0], tile[1], _flipped(tile[0], tile[2])


def _flipped(zoom: int, row: int) -> int:
    return (1 << zoom) - 1 - row


def _tile_id(zoom: int, x: int, row: int) -> int:
    return int(zxy_to_tileid(zoom, x, _flipped(zoom, row)))
