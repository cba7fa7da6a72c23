"""An OpenStreetMap extract (.osm.pbf) of any size: places, then the nodes of buildings and roads, then these.

Half of the features are places, a quarter each buildings of four nodes and roads of two. The messages are those of the
format that are needed here, put together without its compiler.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf import (  # type: ignore[import-untyped]  # it brings no types
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

ENTITIES = 8_000
"""What a block holds, as in extracts of the planet."""
_TYPES = {"int32": 5, "sint64": 18, "string": 9, "bytes": 12, "uint32": 13, "sint32": 17, "int64": 3}
_MESSAGES: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "BlobHeader": (("type", 1, "string", False), ("datasize", 3, "int32", False)),
    "Blob": (("raw_size", 2, "int32", False), ("zlib_data", 3, "bytes", False)),
    "HeaderBlock": (("required_features", 4, "string", True),),
    "StringTable": (("s", 1, "bytes", True),),
    "DenseNodes": (
        ("id", 1, "sint64", True),
        ("lat", 8, "sint64", True),
        ("lon", 9, "sint64", True),
        ("keys_vals", 10, "int32", True),
    ),
    "Way": (
        ("id", 1, "int64", False),
        ("keys", 2, "uint32", True),
        ("vals", 3, "uint32", True),
        ("refs", 8, "sint64", True),
    ),
    "PrimitiveGroup": (("dense", 2, "DenseNodes", False), ("ways", 3, "Way", True)),
    "PrimitiveBlock": (("stringtable", 1, "StringTable", False), ("primitivegroup", 2, "PrimitiveGroup", True)),
}
STRINGS = ("", "amenity", "school", "name", "highway", "residential", "building", "yes", "彭州")
CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="osm_extract.proto", package="osm", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            entry = message.field.add(name=field, number=number, label=3 if repeated else 1)
            entry.type = _TYPES.get(kind, 11)
            if kind in _MESSAGES:
                entry.type_name = f".osm.{kind}"
            elif repeated and kind not in {"string", "bytes"}:
                entry.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"osm.{name}")) for name in _MESSAGES}


MESSAGES = _classes()


def write_extract(path: Path, features: int) -> None:
    """Write an extract with so many places, buildings and roads together."""
    places, ways = features // 2, features - features // 2
    buildings = ways // 2
    with path.open("wb") as file:
        header = MESSAGES["HeaderBlock"](required_features=["OsmSchema-V0.6", "DenseNodes"])
        _blob(file, "OSMHeader", header.SerializeToString())
        for first in range(0, places, ENTITIES):
            _nodes(file, [(n, *_place(n)) for n in range(first, min(first + ENTITIES, places))], (1, 2, 3, 8, 0))
        for block in _blocks(_corners(places, ways, buildings)):
            _nodes(file, block, (0,))
        for first in range(0, ways, ENTITIES):
            _ways(file, range(first, min(first + ENTITIES, ways)), places, buildings)


def _place(number: int) -> tuple[int, int]:
    """Longitude and latitude in units of 100 nanodegrees, off the grid: GDAL refuses what packs too well."""
    off = number * 2_654_435_761 % (1 << 32) >> 16
    return 1_000_000_000 + number % 4_000 * 2_000 + off % 997, 260_000_000 + number // 4_000 * 2_000 + off % 991


def _corners(places: int, ways: int, buildings: int) -> Iterator[tuple[int, int, int]]:
    """The nodes of every way; each has four numbers, of which a road uses two."""
    for way in range(ways):
        lon, lat = _place(way)
        for corner, (east, north) in enumerate(CORNERS if way < buildings else CORNERS[:2]):
            yield places + way * 4 + corner, lon + east * 1_000, lat + north * 1_000


def _blocks(nodes: Iterator[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    block: list[tuple[int, int, int]] = []
    for node in nodes:
        block.append(node)
        if len(block) == ENTITIES:
            yield block
            block = []
    if block:
        yield block


def _nodes(file: BinaryIO, nodes: list[tuple[int, int, int]], tags: tuple[int, ...]) -> None:
    group = MESSAGES["PrimitiveGroup"]()
    group.dense.id.extend(_steps([node[0] + 1 for node in nodes]))
    group.dense.lon.extend(_steps([node[1] for node in nodes]))
    group.dense.lat.extend(_steps([node[2] for node in nodes]))
    group.dense.keys_vals.extend(tags * len(nodes))
    _block(file, group)


def _steps(values: list[int]) -> list[int]:
    return [after - before for before, after in zip([0, *values], values, strict=False)]


def _ways(file: BinaryIO, numbers: range, places: int, buildings: int) -> None:
    group = MESSAGES["PrimitiveGroup"]()
    for number in numbers:
        first = places + number * 4 + 1
        if number < buildings:
            group.ways.add(id=number + 1, keys=[6, 3], vals=[7, 8], refs=[first, 1, 1, 1, -3])
        else:
            group.ways.add(id=number + 1, keys=[4, 3], vals=[5, 8], refs=[first, 1])
    _block(file, group)


def _block(file: BinaryIO, group: Any) -> None:
    table = MESSAGES["StringTable"](s=[text.encode() for text in STRINGS])
    _blob(file, "OSMData", MESSAGES["PrimitiveBlock"](stringtable=table, primitivegroup=[group]).SerializeToString())


def _blob(file: BinaryIO, kind: str, content: bytes) -> None:
    blob = MESSAGES["Blob"](raw_size=len(content), zlib_data=zlib.compress(content, 1)).SerializeToString()
    header = MESSAGES["BlobHeader"](type=kind, datasize=len(blob)).SerializeToString()
    file.write(len(header).to_bytes(4, "big") + header + blob)
