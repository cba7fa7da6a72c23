"""What archives of tiles share: a tile, the archive as a source of them, and the limits within which they are read."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from cim.errors import ImportRefused

ARCHIVE_LIMIT_BYTES = 4 * 1024**3
TILE_LIMIT_BYTES = 32 * 1024**2
TILES_LIMIT = 1_000_000
ZOOM_LIMIT = 30
GZIP_MAGIC, ZLIB_MAGICS = b"\x1f\x8b", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_EITHER_HEADER = 47
"""zlib's window bits that accept a gzip and a zlib header alike."""
_PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WebP"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of the highest zoom level: its column from the west, its row from the north, and its bytes as stored."""

    x: int
    y: int
    content: bytes


class TileSource(Protocol):
    """An opened archive of tiles; ``tiles`` may be asked for more than once."""

    @property
    def path(self) -> Path:
        """The archive."""

    @property
    def zoom(self) -> int:
        """The highest zoom level that has tiles."""

    def tiles(self) -> Iterator[Tile]:
        """The tiles of that level; ImportRefused where the archive is damaged."""


def check_archive_size(path: Path) -> None:
    """Refuse an archive larger than is read."""
    if path.stat().st_size > ARCHIVE_LIMIT_BYTES:
        raise ImportRefused(
            "too-large",
            f"archives of tiles are read up to {ARCHIVE_LIMIT_BYTES // 1024**3} GB",
            where=path.name,
            remedy="cut the archive into smaller areas, or deliver the layers themselves as GeoPackage",
        )


def check_tile_count(count: int, path: Path) -> None:
    """Refuse an archive with more tiles at its highest zoom level than are read."""
    if count > TILES_LIMIT:
        raise ImportRefused(
            "too-large",
            f"archives are read up to {TILES_LIMIT} tiles of the highest zoom level",
            where=path.name,
            remedy="cut the archive into smaller areas, or deliver the layers themselves as GeoPackage",
        )


def unpacked(content: bytes, path: Path, limit: int = TILE_LIMIT_BYTES) -> bytes:
    """Bytes of a tile or directory, unpacked where they are compressed by gzip or zlib.

    ImportRefused where they are damaged or would unpack to more than ``limit`` bytes.
    """
    if content[:2] != GZIP_MAGIC and content[:2] not in ZLIB_MAGICS:
        return content
    packed = zlib.decompressobj(_EITHER_HEADER)
    try:
        plain = packed.decompress(content, limit + 1)
    except zlib.error as error:
        refuse_damaged(path, f"a tile cannot be unpacked: {error}")
    if len(plain) > limit:
        raise ImportRefused(
            "too-large",
            f"a tile unpacks to more than {limit // 1024**2} MB",
            where=path.name,
            remedy="ask the maker of the archive for ordinary tiles, below 1 MB each",
        )
    if not packed.eof:
        refuse_damaged(path, "a compressed tile ends early")
    return plain


def refuse_raster(content: bytes, path: Path) -> None:
    """Refuse a tile that is a picture."""
    kind = next((name for magic, name in _PICTURES.items() if content.startswith(magic)), None)
    if kind is not None:
        refuse_pictures(path, kind)


def refuse_pictures(path: Path, kind: str) -> NoReturn:
    """Raise the refusal of an archive of pictures."""
    raise ImportRefused(
        "raster-tiles",
        f"the tiles are pictures ({kind}), only vector tiles have features",
        where=path.name,
        remedy="deliver the vector data the pictures were drawn from, or an archive of vector tiles (MVT, pbf)",
    )


def refuse_damaged(path: Path, what: str) -> NoReturn:
    """Raise the refusal of a damaged archive."""
    raise ImportRefused("unreadable", what[:200], where=path.name, remedy="ask for the archive again")
