"""PMTiles version 3: vector tiles in one file, found through directories along the Hilbert curve.

The directories are read here, within limits that hold for damaged and hostile ones too; the specification is
https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cim.errors import ImportRefused
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
    unpacked,
)

MAGIC, VERSION = b"PMTiles", 3
HEADER = struct.Struct("<7sB11Q4B")
"""Magic, version, offset and length of root, metadata, leaves and tiles, three counts, clustered, then three codes."""
HEADER_BYTES = 127
COMPRESSIONS = {0: "unknown", 1: "none", 2: "gzip", 3: "brotli", 4: "zstd"}
READ_COMPRESSIONS = frozenset({0, 1, 2})
VECTOR_TYPES = frozenset({0, 1})
PICTURES = {2: "PNG", 3: "JPEG", 4: "WebP", 5: "AVIF"}
DEPTH_LIMIT = 4
ENTRIES_LIMIT = 4_000_000
"""Directory entries of all zoom levels together."""


class PmTiles:
    """Reads the features of the highest zoom level of an archive of vector tiles, one layer for each of theirs."""

    name = "PMTiles"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The magic bytes."""
        return head.startswith(MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layers of the tiles; Web Mercator by definition."""
        from importers.tile_features import inspect_tiles  # noqa: PLC0415 - the decoder, for tiles only

        return inspect_tiles(_opened(path), definition=self.name)

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in the order of their last tile."""
        from importers.tile_features import read_tiles  # noqa: PLC0415 - the decoder, for tiles only

        return read_tiles(_opened(path), layer)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a tile, the same one for ``run`` ids in a row, or with a run of 0 a leaf directory, stands."""

    id: int
    run: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Header:
    """The places of an archive's sections, in bytes."""

    root: tuple[int, int]
    leaves: int
    tiles: int


@dataclass(frozen=True, slots=True)
class _Archive:
    """An archive whose directories have been read: the entries of its highest zoom level."""

    path: Path
    zoom: int
    start: int
    entries: tuple[_Entry, ...]

    def tiles(self) -> Iterator[Tile]:
        """The tiles along the Hilbert curve."""
        first = first_id(self.zoom)
        with self.path.open("rb") as file:
            for entry in self.entries:
                content = _section(file, self.start + entry.offset, entry.length, self.path)
                for number in range(max(entry.id, first), entry.id + entry.run):
                    yield Tile(*place_of(number - first, self.zoom), content)


def first_id(zoom: int) -> int:
    """The id of a zoom level's first tile."""
    return ((1 << 2 * zoom) - 1) // 3


def place_of(step: int, zoom: int) -> tuple[int, int]:
    """Column and row of the tile that is a number of steps along the Hilbert curve of a zoom level."""
    x = y = 0
    for level in range(zoom):
        side = 1 << level
        right = (step >> 1) & 1
        down = (step ^ right) & 1
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y = x + side * right, y + side * down
        step >>= 2
    return x, y


def _opened(path: Path) -> _Archive:
    check_archive_size(path)
    with path.open("rb") as file:
        header = _header(file, path)
        entries = _highest(_entries(file, header, path), path)
    if not entries:
        refuse_damaged(path, "the archive has no tiles")
    zoom = _zoom_of(entries[-1].id + entries[-1].run - 1, path)
    check_tile_count(sum(entry.run for entry in entries), path)
    return _Archive(path, zoom, header.tiles, tuple(entries))


def _header(file: BinaryIO, path: Path) -> _Header:
    head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES:
        refuse_damaged(path, "the archive ends within its header")
    _, version, *numbers, _clustered, internal, packed, kind = HEADER.unpack_from(head)
    if version != VERSION:
        _refuse_way(path, f"version {version} of PMTiles is not read, only {VERSION}")
    if kind in PICTURES:
        refuse_pictures(path, PICTURES[kind])
    if kind not in VECTOR_TYPES:
        _refuse_way(path, f"the tiles are of type {kind}, which is not Mapbox Vector Tile")
    for code in (internal, packed):
        if code not in READ_COMPRESSIONS:
            _refuse_way(path, f"the archive is compressed by {COMPRESSIONS.get(code, code)}, only gzip is read")
    root, root_length, _, _, leaves, _, tiles, *_ = numbers
    return _Header((root, root_length), leaves, tiles)


def _entries(file: BinaryIO, header: _Header, path: Path) -> Iterator[_Entry]:
    """The entries of all tiles in the order of their ids."""
    met = 0
    waiting = [(1, iter(_directory(_section(file, *header.root, path), path)))]
    while waiting:
        depth, entries = waiting[-1]
        entry = next(entries, None)
        if entry is None:
            waiting.pop()
            continue
        met += 1
        if met > ENTRIES_LIMIT or depth > DEPTH_LIMIT:
            refuse_damaged(path, f"the directories hold more than {ENTRIES_LIMIT} entries, or {DEPTH_LIMIT} levels")
        if entry.run:
            yield entry
        else:
            leaf = _section(file, header.leaves + entry.offset, entry.length, path)
            waiting.append((depth + 1, iter(_directory(leaf, path))))


def _highest(entries: Iterator[_Entry], path: Path) -> list[_Entry]:
    """The entries of the highest zoom level."""
    found: list[_Entry] = []
    first, last = 0, -1
    for entry in entries:
        if entry.id <= last:
            refuse_damaged(path, "the directories are not in order")
        last = entry.id + entry.run - 1
        start = first_id(_zoom_of(last, path))
        if start > first:
            first, found = start, []
        found.append(entry)
    return found


def _zoom_of(number: int, path: Path) -> int:
    zoom = ((3 * number + 1).bit_length() - 1) // 2
    if zoom > ZOOM_LIMIT:
        refuse_damaged(path, f"the id {number} is of no tile")
    return zoom


def _directory(content: bytes, path: Path) -> list[_Entry]:
    numbers = _varints(unpacked(content, path), path)
    count = next(numbers)
    if count > ENTRIES_LIMIT:
        refuse_damaged(path, f"a directory of {count} entries")
    ids, last = [], 0
    for _ in range(count):
        last += next(numbers)
        ids.append(last)
    runs = [next(numbers) for _ in range(count)]
    lengths = [next(numbers) for _ in range(count)]
    found: list[_Entry] = []
    end = 0
    for number, run, length in zip(ids, runs, lengths, strict=True):
        coded = next(numbers)
        offset = coded - 1 if coded else end
        end = offset + length
        found.append(_Entry(number, run, offset, length))
    return found


def _varints(content: bytes, path: Path) -> Iterator[int]:
    """The numbers of a directory; ImportRefused instead of an end."""
    value, shift = 0, 0
    for byte in content:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value, shift = 0, 0
        elif shift > 63:
            break
    refuse_damaged(path, "a directory ends early, or holds no numbers")


def _section(file: BinaryIO, offset: int, length: int, path: Path) -> bytes:
    """Bytes of the archive; ImportRefused where it does not have them."""
    if not 0 < length <= TILE_LIMIT_BYTES or offset + length > path.stat().st_size:
        refuse_damaged(path, f"{length} bytes at {offset} are not there, or too many for a tile or directory")
    file.seek(offset)
    return file.read(length)


def _refuse_way(path: Path, what: str) -> None:
    raise ImportRefused(
        "unreadable", what, where=path.name, remedy="convert it to version 3 with gzip, for example with `pmtiles`"
    )
