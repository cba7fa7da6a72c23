"""Archives of vector tiles: what was cut by tiles comes back whole, and damaged archives are refused."""

import contextlib
import gzip
import math
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from cim.errors import ImportRefused
from cim.store.database import Database
from importers import mbtiles, tile_features, tile_source
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection
from importers.pmtiles_archive import HEADER, HEADER_BYTES, first_id, place_of
from importers.registry import importer_for
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from importers.shapes import Target
from importers.tile_features import resolution_m
from layers.catalog import Catalog

HALF = math.pi * 6_378_137.0
ZOOM = 14
SIDE = 2 * HALF / 2**ZOOM
WEST, NORTH = 12_924, 6_689
"""A tile of zoom 14 near Pengzhou."""
EXTENT, BUFFER = 4096, 64
Feature = dict[str, Any]
Layers = dict[str, list[Feature]]
Tiles = dict[tuple[int, int], bytes]


def at(x: float, y: float) -> tuple[float, float]:
    """EPSG:3857 of a place given in tiles from the north-west corner of the tile."""
    return (WEST + x) * SIDE - HALF, HALF - (NORTH + y) * SIDE


def polygon(*corners: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon([at(*corner) for corner in corners])


def feature(number: int | None, shape: shapely.Geometry, **values: object) -> Feature:
    return {"geometry": shape, "properties": values} | ({} if number is None else {"id": number})


def gridded(shape: shapely.Geometry, west: float, south: float) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: np.round((xy - (west, south)) / SIDE * EXTENT))


def is_part(piece: Feature, whole: Feature) -> bool:
    """Whether a piece is more than the touch of a tile's edge."""
    dimensions = [shapely.get_dimensions(f["geometry"]) for f in (piece, whole)]
    return not piece["geometry"].is_empty and dimensions[0] == dimensions[1]


def cut(layers: Layers, *, buffer: int = BUFFER, packed: bool = True) -> Tiles:
    """Cut layers into tiles as makers of tiles do: with a buffer, rounded to the grid of each tile."""
    tiles: Tiles = {}
    for x in range(WEST - 1, WEST + 4):
        for y in range(NORTH - 1, NORTH + 4):
            west, south, east, north = x * SIDE - HALF, HALF - (y + 1) * SIDE, (x + 1) * SIDE - HALF, HALF - y * SIDE
            margin = buffer * SIDE / EXTENT
            window = shapely.box(west - margin, south - margin, east + margin, north + margin)
            content = []
            for name, features in layers.items():
                here = [{**f, "geometry": gridded(f["geometry"] & window, west, south)} for f in features]
                here = [f for f, whole in zip(here, features, strict=True) if is_part(f, whole)]
                if here:
                    content.append({"name": name, "features": here})
            if content:
                tile = mapbox_vector_tile.encode(content, default_options={"extents": EXTENT})
                tiles[x, y] = gzip.compress(tile) if packed else tile
    return tiles


def mbtiles_of(path: Path, tiles: Tiles, *, kind: str = "pbf", application_id: int = 0) -> Path:
    with sqlite3.connect(path) as database:
        database.executescript(
            f"PRAGMA application_id = {application_id};"
            "CREATE TABLE metadata (name text, value text);"
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob);"
        )
        database.execute("INSERT INTO metadata VALUES ('format', ?)", (kind,))
        rows = [(ZOOM, x, 2**ZOOM - 1 - y, content) for (x, y), content in tiles.items()]
        rows.append((ZOOM - 1, 0, 0, b"a coarser tile, which is not looked at"))
        database.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    database.close()
    return path


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def directory(entries: Sequence[tuple[int, int, int, int]]) -> bytes:
    """A directory of entries of id, run, offset, length."""
    numbers = [len(entries)]
    numbers += [entry[0] - before[0] for before, entry in zip([(0,), *entries], entries, strict=False)]
    numbers += [entry[1] for entry in entries] + [entry[3] for entry in entries]
    ends = [-1, *(offset + length for _, _, offset, length in entries)]
    numbers += [0 if entry[2] == end else entry[2] + 1 for end, entry in zip(ends, entries, strict=False)]
    return gzip.compress(b"".join(map(varint, numbers)))


def pmtiles_of(path: Path, tiles: Tiles, *, kind: int = 1, leaves: bool = True, runs: int = 1) -> Path:
    steps = {place_of(step, ZOOM): step for step in near_steps()}
    content, entries = b"coarser", [(0, 1, 0, 7)]
    for (x, y), tile in sorted(tiles.items(), key=lambda item: steps[item[0]]):
        entries.append((first_id(ZOOM) + steps[x, y], runs, len(content), len(tile)))
        content += tile
    if leaves:
        half = len(entries) // 2
        parts = [directory(entries[:half]), directory(entries[half:])]
        leaf = b"".join(parts)
        root = directory([(entries[0][0], 0, 0, len(parts[0])), (entries[half][0], 0, len(parts[0]), len(parts[1]))])
    else:
        root, leaf = directory(entries), b""
    start = HEADER_BYTES + len(root)
    places = (HEADER_BYTES, len(root), start, 0, start, len(leaf), start + len(leaf), len(content))
    head = HEADER.pack(b"PMTiles", 3, *places, len(entries), len(entries), len(entries), 1, 2, 2, kind)
    path.write_bytes(head.ljust(HEADER_BYTES, b"\x00") + root + leaf + content)
    return path


def near_steps() -> Iterator[int]:
    """Steps along the Hilbert curve of the tiles that ``cut`` makes, found square by square."""
    wanted = {(x, y) for x in range(WEST - 1, WEST + 4) for y in range(NORTH - 1, NORTH + 4)}
    level = [0]
    for zoom in range(1, ZOOM + 1):
        level = [
            step * 4 + quarter
            for step in level
            for quarter in range(4)
            if place_of(step * 4 + quarter, zoom) in {(x >> ZOOM - zoom, y >> ZOOM - zoom) for x, y in wanted}
        ]
    return iter(level)


WRITERS: dict[str, Callable[[Path, Tiles], Path]] = {"MBTiles": mbtiles_of, "PMTiles": pmtiles_of}

PARCELS = [
    feature(7, polygon((0.2, 0.3), (2.7, 0.41), (2.31, 2.6), (0.55, 2.2)), name="cut", area=12.5, rank=1),
    feature(8, polygon((0.1, 0.1), (0.4, 0.13), (0.3, 0.2)), name="甲", area=3, rank=2),
    feature(9, polygon((2.7, 2.6), (3.0, 2.6), (3.0, 2.9), (2.7, 2.9)), name="at the edge", area=1, rank=3),
]
ROADS = [
    feature(1, shapely.LineString([at(0.3, 0.2), at(1.37, 0.61), at(2.8, 2.9)]), name="long"),
    feature(2, shapely.LineString([at(0.5, 0.5), at(0.6, 0.7)]), name="short", oneway=True),
]
PLACES = [feature(3, shapely.Point(at(1.0, 0.5)), n=1), feature(4, shapely.Point(at(1.01, 1.99)), n=2)]
LAYERS: Layers = {"parcels": PARCELS, "roads": ROADS, "places": PLACES}


def layers_of(path: Path) -> dict[str, LayerInspection]:
    return {layer.name: layer for layer in importer_for(path).inspect(path, ReadOptions())}


def shapes_of(path: Path, layer: LayerInspection, field: str = "mvt_id") -> dict[Any, Any]:
    found = {}
    for batch in importer_for(path).read(path, layer, ReadOptions()):
        for row in batch.to_pylist():
            wkb = row.pop(GEOMETRY_COLUMN)
            found[row[field]] = shapely.from_wkb(wkb) if wkb else None
    return found


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("buffer", [0, BUFFER])
def test_what_tiles_cut_comes_back_whole(tmp_path: Path, name: str, buffer: int) -> None:
    path = WRITERS[name](tmp_path / "a.bin", cut(LAYERS, buffer=buffer))
    assert importer_for(path).name == name
    found = layers_of(path)
    grid = SIDE / EXTENT
    for layer, features in LAYERS.items():
        shapes = shapes_of(path, found[layer])
        assert set(shapes) == {f["id"] for f in features}
        assert found[layer].feature_count == len(features)
        for f in features:
            before, after = f["geometry"], shapes[f["id"]]
            assert after.geom_type == before.geom_type, f
            assert after.is_valid
            assert shapely.hausdorff_distance(before, after) <= 2 * grid
            assert abs(after.area - before.area) <= before.length * grid
            assert abs(after.length - before.length) <= 60 * grid


def test_an_inspection_tells_zoom_resolution_and_joining(tmp_path: Path) -> None:
    found = layers_of(mbtiles_of(tmp_path / "a.mbtiles", cut(LAYERS)))
    parcels = found["parcels"]
    assert (parcels.srid, parcels.geometry_type, parcels.geometry_types) == (3857, "Polygon", ("Polygon",))
    assert "zoom 14" in parcels.crs_evidence
    assert "0.512 m at 31 N" in parcels.crs_evidence
    assert "joined by id" in parcels.crs_evidence
    assert {f.name: f.type for f in parcels.fields} == {
        "name": "text",
        "area": "double",
        "rank": "bigint",
        "mvt_id": "bigint",
    }
    assert {p.code: p.count for p in parcels.problems} == {"tile-resolution": 3, "features-joined": 1}
    assert {f.name: f.type for f in found["roads"].fields}["oneway"] == "boolean"
    assert resolution_m(14, 4096) == pytest.approx(0.512, abs=0.001)
    assert parcels.bbox == pytest.approx(shapely.total_bounds([f["geometry"] for f in PARCELS]), abs=SIDE / EXTENT)


def numbered_in_each_tile(tiles: Tiles) -> Tiles:
    """The same tiles with ids that begin again in each."""
    out = {}
    for place, content in tiles.items():
        message = mapbox_vector_tile.decoder.TileData(gzip.decompress(content)).tile
        for layer in message.layers:
            for number, coded in enumerate(layer.features, start=1):
                coded.id = number
        out[place] = gzip.compress(message.SerializeToString())
    return out


@pytest.mark.parametrize("ids", ["none", "of the tile"])
def test_without_usable_ids_parts_stay_apart_and_do_not_overlap(tmp_path: Path, ids: str) -> None:
    plain = [{k: v for k, v in f.items() if k != "id"} for f in PARCELS]
    tiles = cut({"parcels": plain, "places": [feature(None, shapely.Point(at(1.0, 1.0)), n=1)]})
    if ids == "of the tile":
        tiles = numbered_in_each_tile(tiles)
    path = pmtiles_of(tmp_path / "a.pmtiles", tiles)
    found = layers_of(path)
    assert "features-cut" in {p.code for p in found["parcels"].problems}
    assert "mvt_id" not in {f.name for f in found["parcels"].fields}
    shapes = [
        (row["name"], shapely.from_wkb(row[GEOMETRY_COLUMN]))
        for batch in importer_for(path).read(path, found["parcels"], ReadOptions())
        for row in batch.to_pylist()
    ]
    assert found["parcels"].feature_count == len(shapes) > 3
    parts = [shape for name, shape in shapes if name == "cut"]
    whole = PARCELS[0]["geometry"]
    assert sum(shape.area for shape in parts) == pytest.approx(shapely.union_all(parts).area, rel=1e-9)
    assert abs(shapely.union_all(parts).area - whole.area) <= whole.length * SIDE / EXTENT
    assert found["places"].feature_count == 1


def test_areas_of_any_form_are_joined_without_seams(tmp_path: Path) -> None:
    rng = random.Random(11)
    features = []
    for number in range(1, 60):
        x, y, count = rng.uniform(0.3, 2.7), rng.uniform(0.3, 2.7), rng.randrange(3, 30)
        turns = sorted(rng.uniform(0, 2 * math.pi) for _ in range(count))
        ring = [at(x + rng.uniform(0.1, 0.6) * math.cos(t), y + rng.uniform(0.1, 0.6) * math.sin(t)) for t in turns]
        shape = shapely.Polygon(ring)
        if shape.is_valid:
            features.append(feature(number, shape))
    path = mbtiles_of(tmp_path / "a.mbtiles", cut({"a": features}))
    shapes = shapes_of(path, layers_of(path)["a"])
    for f in features:
        before, after = f["geometry"], shapes[f["id"]]
        assert after.is_valid
        assert abs(after.area - before.area) <= before.length * SIDE / EXTENT
        assert after.symmetric_difference(before).area <= 2 * before.length * SIDE / EXTENT
        assert len(getattr(after, "interiors", ())) == 0


async def test_an_import_keeps_areas_and_ids(database: Database, tmp_path: Path) -> None:
    path = mbtiles_of(tmp_path / "parcels.mbtiles", cut({"parcels": PARCELS}))
    request = ImportRequest(path, "test", "technician", "parcels", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    assert (report.status, report.loaded) == ("published", 3), report.message
    assert {"tile-resolution", "features-joined"} <= {finding.code for finding in report.findings}
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text("SELECT mvt_id, name, ST_Area(ST_Transform(geom, 3857)) FROM city.parcels ORDER BY mvt_id")
        )
        found = [tuple(row) for row in rows]
    assert [row[:2] for row in found] == [(7, "cut"), (8, "甲"), (9, "at the edge")]
    for (_, _, area), f in zip(found, PARCELS, strict=True):
        assert abs(area - f["geometry"].area) <= f["geometry"].length * SIDE / EXTENT


def test_tiles_are_read_uncompressed_and_through_views(tmp_path: Path) -> None:
    path = mbtiles_of(tmp_path / "a.mbtiles", cut({"parcels": PARCELS}, packed=False), application_id=0x4D504258)
    with sqlite3.connect(path) as database:
        database.executescript("ALTER TABLE tiles RENAME TO map; CREATE VIEW tiles AS SELECT * FROM map;")
    database.close()
    assert layers_of(path)["parcels"].feature_count == 3


def test_the_content_of_a_database_decides(tmp_path: Path) -> None:
    path = mbtiles_of(tmp_path / "a.gpkg", cut({"parcels": PARCELS}))
    assert importer_for(path).name == "MBTiles"
    geopackage = mbtiles_of(tmp_path / "b.mbtiles", {}, application_id=0x47504B47)
    assert importer_for(geopackage).name == "GPKG"


@pytest.mark.parametrize("picture", [b"\x89PNG\r\n\x1a\n123", b"\xff\xd8\xff\xe0123", b"RIFF1234WEBPVP8 "])
@pytest.mark.parametrize("name", WRITERS)
def test_pictures_are_refused(tmp_path: Path, name: str, picture: bytes) -> None:
    path = WRITERS[name](tmp_path / "a.bin", {(WEST, NORTH): picture})
    with pytest.raises(ImportRefused, match="pictures") as refused:
        layers_of(path)
    assert refused.value.code == "raster-tiles"
    assert "vector" in refused.value.remedy


def test_declared_pictures_are_refused(tmp_path: Path) -> None:
    for path in (
        mbtiles_of(tmp_path / "a.mbtiles", {(WEST, NORTH): b"x"}, kind="webp"),
        pmtiles_of(tmp_path / "a.pmtiles", {(WEST, NORTH): b"x"}, kind=2),
    ):
        with pytest.raises(ImportRefused) as refused:
            layers_of(path)
        assert refused.value.code == "raster-tiles"


@pytest.mark.parametrize("name", WRITERS)
def test_bombs_are_refused(tmp_path: Path, name: str) -> None:
    bomb = gzip.compress(bytes(200 * 1024**2))
    path = WRITERS[name](tmp_path / "a.bin", {(WEST, NORTH): bomb})
    with pytest.raises(ImportRefused, match="32 MB") as refused:
        layers_of(path)
    assert refused.value.code == "too-large"


def test_one_tile_repeated_for_ever_is_refused(tmp_path: Path) -> None:
    tiles = cut({"parcels": PARCELS[1:2]})
    path = pmtiles_of(tmp_path / "a.pmtiles", tiles, leaves=False, runs=50_000_000)
    with pytest.raises(ImportRefused, match="1000000 tiles"):
        layers_of(path)


def test_limits_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mbtiles_of(tmp_path / "a.mbtiles", cut(LAYERS))
    monkeypatch.setattr(tile_features, "FEATURES_LIMIT", 5)
    with pytest.raises(ImportRefused, match="up to 5 features"):
        layers_of(path)
    monkeypatch.setattr(tile_source, "ARCHIVE_LIMIT_BYTES", 1024)
    with pytest.raises(ImportRefused, match="read up to"):
        layers_of(path)


@pytest.mark.parametrize(
    ("tiles", "says"),
    [
        ({}, "zoom 13|no tiles|damaged"),
        ({(WEST, NORTH): b"\x1f\x8bdamaged"}, "unpacked"),
        ({(WEST, NORTH): gzip.compress(b"x" * 999)[:-20]}, "unpacked|ends early"),
        ({(WEST, NORTH): b"\xff\xff\xff\xff"}, "damaged"),
        ({(WEST, NORTH): b""}, "no feature|not there"),
    ],
)
@pytest.mark.parametrize("name", WRITERS)
def test_damaged_tiles_are_refused(tmp_path: Path, name: str, tiles: Tiles, says: str) -> None:
    path = WRITERS[name](tmp_path / "a.bin", tiles)
    with pytest.raises(ImportRefused, match=says):
        layers_of(path)


def test_coordinates_that_are_no_geometry_are_rows_without_one(tmp_path: Path) -> None:
    tiles = cut({"roads": ROADS})
    message = mapbox_vector_tile.decoder.TileData(gzip.decompress(tiles[WEST, NORTH])).tile
    next(f for f in message.layers[0].features if f.id == 2).geometry[:] = [9, 0]
    tiles[WEST, NORTH] = message.SerializeToString()
    path = mbtiles_of(tmp_path / "a.mbtiles", tiles)
    roads = layers_of(path)["roads"]
    assert ("geometry-unreadable", 1) in {(p.code, p.count) for p in roads.problems}
    shapes = shapes_of(path, roads)
    assert shapes[2] is None
    assert shapes[1].geom_type == "LineString"


def mutant(content: bytes, rng: random.Random) -> bytes:
    place, length = rng.randrange(len(content)), rng.randrange(1, 64)
    match rng.randrange(3):
        case 0:
            return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]
        case 1:
            return content[:place]
    return content[:place] + rng.randbytes(length) + content[place + length :]


def consume(path: Path) -> None:
    for layer in importer_for(path).inspect(path, ReadOptions()):
        rows = sum(batch.num_rows for batch in importer_for(path).read(path, layer, ReadOptions()))
        assert rows == layer.feature_count


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("packed", [True, False])
def test_mutants_end_in_a_reason_or_in_rows(tmp_path: Path, name: str, packed: bool) -> None:
    path = WRITERS[name](tmp_path / "a.bin", cut(LAYERS, packed=packed))
    content, rng = path.read_bytes(), random.Random(name)
    for _ in range(60):
        path.write_bytes(mutant(content, rng))
        begun = time.monotonic()
        with contextlib.suppress(ImportRefused):
            consume(path)
        assert time.monotonic() - begun < 30


def test_an_archive_is_read_in_the_child(tmp_path: Path) -> None:
    for name, write in WRITERS.items():
        path = write(tmp_path / name, cut(LAYERS))
        with open_source(path, ReadOptions(trust_file=True)) as source:
            assert source.inspection.driver == name
            for layer in source.inspection.layers:
                rows = sum(b.num_rows for b in source.batches(layer, Target(layer.geometry_type, 3857, None)))
                assert rows == layer.feature_count


def test_the_database_is_not_written(tmp_path: Path) -> None:
    path = mbtiles_of(tmp_path / "a.mbtiles", cut(LAYERS))
    before = path.read_bytes()
    layers_of(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.mbtiles"]
    with contextlib.closing(mbtiles._connected(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM tiles")
