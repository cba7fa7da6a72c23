"""MBTiles 1.3: vector tiles in an SQLite database."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from importers.geopackage import APPLICATION_IDS, MAGIC
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.tile_source import (
    TILE_LIMIT_BYTES,
    ZOOM_LIMIT,
    Tile,
    check_archive_size,
    check_tile_count,
    refuse_damaged,
    refuse_pictures,
)

APPLICATION_ID = b"MPBX"
PICTURES = frozenset({"png", "jpg", "jpeg", "webp", "avif", "gif", "tif", "tiff"})


class MbTiles:
    """Reads the features of the highest zoom level of an archive of vector tiles, one layer for each of theirs."""

    name = "MBTiles"

    def recognises(self, head: bytes, path: Path) -> bool:
        """SQLite with the application id of MBTiles, or with its tables and no other application's id."""
        if not head.startswith(MAGIC) or head[68:72] in APPLICATION_IDS:
            return False
        return head[68:72] == APPLICATION_ID or {"tiles", "metadata"} <= _tables(path)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layers of the tiles; Web Mercator by definition."""
        from importers.tile_features import inspect_tiles  # noqa: PLC0415 - the decoder, for tiles only

        return inspect_tiles(_opened(path), definition=self.name)

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in the order of their last tile."""
        from importers.tile_features import read_tiles  # noqa: PLC0415 - the decoder, for tiles only

        return read_tiles(_opened(path), layer)


@dataclass(frozen=True, slots=True)
class _Database:
    """An MBTiles database whose highest zoom level is known."""

    path: Path
    zoom: int

    def tiles(self) -> Iterator[Tile]:
        """The tiles column by column; their rows are counted from the south in the file."""
        side = 2**self.zoom
        query = "SELECT tile_column, tile_row, tile_data FROM tiles WHERE zoom_level = ? ORDER BY tile_column, tile_row"
        with _database(self.path) as database:
            for number, (x, y, content) in enumerate(database.execute(query, (self.zoom,)), start=1):
                check_tile_count(number, self.path)
                places = isinstance(x, int) and isinstance(y, int) and 0 <= x < side and 0 <= y < side
                if not places or not isinstance(content, bytes):
                    refuse_damaged(self.path, f"row {number} of the highest zoom level is no tile of it")
                yield Tile(x, side - 1 - y, content)


def _opened(path: Path) -> _Database:
    check_archive_size(path)
    with _database(path) as database:
        declared = database.execute("SELECT value FROM metadata WHERE name = 'format'").fetchone()
        kind = str(declared[0]).lower() if declared else "pbf"
        if kind in PICTURES:
            refuse_pictures(path, kind)
        (zoom,) = database.execute("SELECT max(zoom_level) FROM tiles").fetchone()
    if not isinstance(zoom, int) or not 0 <= zoom <= ZOOM_LIMIT:
        refuse_damaged(path, "the archive has no tiles" if zoom is None else f"there is no zoom level {zoom}")
    return _Database(path, zoom)


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, for reading and without trust in what its maker wrote into it; ImportRefused on its errors."""
    try:
        with contextlib.closing(_connected(path)) as database:
            yield database
    except (sqlite3.Error, UnicodeDecodeError) as error:
        refuse_damaged(path, f"the database is damaged: {error}")


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    database.execute("PRAGMA trusted_schema = OFF")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, TILE_LIMIT_BYTES)
    return database


def _tables(path: Path) -> set[str]:
    try:
        with contextlib.closing(_connected(path)) as database:
            found = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return set()
    return {str(name).lower() for (name,) in found}
