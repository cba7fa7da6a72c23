"""Seeding walks exactly the tiles of an area; archives resume after a break and open again as layers."""

import gzip
import sqlite3
from pathlib import Path

import mapbox_vector_tile
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.reader import MmapSource, Reader

from cim.errors import BadRequest
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from tiles.archives import archive_work, finish, work_path
from tiles.grid import tile_square
from tiles.seeding import SeedCount, SeedPlan, Tile, seed

HALF = 20_037_508.342789244
WELL_M = (11_570_000.0, 3_630_000.0)
PLAN = SeedPlan((103.7, 30.9, 104.2, 31.2), 6, 12)
TILEJSON = {
    "name": "井",
    "description": "",
    "attribution": "合成数据",
    "version": "1.0.0",
    "minzoom": 6,
    "maxzoom": 12,
    "bounds": [103.7, 30.9, 104.2, 31.2],
    "center": [103.95, 31.05, 12],
    "vector_layers": [{"id": "wells", "fields": {"code": "String"}}],
}


class Kept:
    """A store in memory."""

    def __init__(self) -> None:
        self.tiles: dict[Tile, bytes] = {}

    def has(self, tile: Tile) -> bool | None:
        return bool(self.tiles[tile]) if tile in self.tiles else None

    def put(self, tile: Tile, data: bytes) -> None:
        self.tiles[tile] = data


async def well(z: int, x: int, y: int) -> bytes:
    """A tile of a layer with a single point."""
    square = tile_square(z, x, y)
    if not (square.west <= WELL_M[0] < square.east and square.south <= WELL_M[1] < square.north):
        return b""
    shape = shapely.Point(
        (WELL_M[0] - square.west) / (square.east - square.west) * 4096,
        (WELL_M[1] - square.south) / (square.north - square.south) * 4096,
    )
    layer = {"name": "wells", "features": [{"geometry": shape, "id": 7, "properties": {"code": "甲"}}]}
    return gzip.compress(mapbox_vector_tile.encode(layer, default_options={"y_coord_down": False}), mtime=0)


def test_a_plan_counts_the_tiles_its_box_touches() -> None:
    assert SeedPlan((-180, -85, 180, 85), 0, 3).count == 1 + 4 + 16 + 64
    assert SeedPlan((103.95, 31.05, 103.95, 31.05), 0, 14).count == 15


@given(st.floats(-179, 178), st.floats(-84, 83), st.floats(0.01, 1.0), st.integers(0, 9), st.integers(0, 9))
async def test_every_tile_that_touches_the_box_is_asked_for_once(
    west: float, south: float, side: float, zoom: int, deeper: int
) -> None:
    plan = SeedPlan((west, south, west + side, south + side), zoom, min(zoom + deeper % 3, 9))
    asked: list[Tile] = []

    async def full(z: int, x: int, y: int) -> bytes:
        asked.append((z, x, y))
        return b"x"

    count = await seed(plan, full, Kept())
    assert len(set(asked)) == len(asked) == plan.count == count.made


async def test_nothing_is_asked_for_below_an_empty_tile() -> None:
    asked: list[Tile] = []

    async def noted(z: int, x: int, y: int) -> bytes:
        asked.append((z, x, y))
        return await well(z, x, y)

    count = await seed(PLAN, noted, Kept())
    assert count.made == 7
    assert count.done == PLAN.count
    assert len(asked) < PLAN.count / 3


@pytest.mark.parametrize("suffix", [".mbtiles", ".pmtiles"])
async def test_an_archive_goes_on_after_a_break_and_opens_as_a_layer(
    database: Database, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"wells{suffix}"
    made: list[Tile] = []

    async def breaking(z: int, x: int, y: int) -> bytes:
        if z == 9:
            raise ConnectionError
        made.append((z, x, y))
        return await well(z, x, y)

    with archive_work(target, "wells 1") as work, pytest.raises(ConnectionError):
        await seed(PLAN, breaking, work)
    assert not target.exists()
    made.clear()
    with archive_work(target, "wells 1") as work:
        count = await seed(PLAN, well, work)
    assert count.kept == 3
    assert count.made == 4
    finish(target, "wells 1", TILEJSON)
    assert not work_path(target).exists()
    request = ImportRequest(target, "test", "technician", "wells", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    assert (report.status, report.loaded) == ("published", 1)


async def test_tiles_of_another_version_are_not_gone_on_with(tmp_path: Path) -> None:
    target = tmp_path / "wells.mbtiles"
    with archive_work(target, "wells 1") as work:
        await seed(PLAN, well, work)
    with archive_work(target, "wells 2") as work:
        count = await seed(PLAN, well, work)
    assert count.kept == 0


async def test_an_archive_is_what_its_format_says(tmp_path: Path) -> None:
    for suffix in (".pmtiles", ".mbtiles"):
        with archive_work(tmp_path / f"wells{suffix}", "wells 1") as work:
            await seed(PLAN, well, work)
        finish(tmp_path / f"wells{suffix}", "wells 1", TILEJSON)
    with (tmp_path / "wells.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
        tile = reader.get(12, *_column_row(12))
    assert (header["min_zoom"], header["max_zoom"], header["clustered"]) == (6, 12, True)
    assert metadata["vector_layers"] == TILEJSON["vector_layers"]
    with sqlite3.connect(tmp_path / "wells.mbtiles") as kept:
        told = dict(kept.execute("SELECT name, value FROM metadata"))
        (count,) = kept.execute("SELECT count(*) FROM tiles").fetchone()
    assert (told["name"], told["format"], told["bounds"].split(",")[0]) == ("井", "pbf", "103.7000000")
    assert count == 7
    decoded = mapbox_vector_tile.decode(gzip.decompress(tile))
    assert decoded["wells"]["features"][0]["properties"] == {"code": "甲"}


def _column_row(zoom: int) -> tuple[int, int]:
    side = 2 * HALF / 2**zoom
    return int((WELL_M[0] + HALF) / side), int((HALF - WELL_M[1]) / side)


async def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="do not exist"):
        SeedPlan(PLAN.bbox, 9, 4)
    with pytest.raises(BadRequest, match="tiles"):
        SeedPlan((-180, -85, 180, 85), 0, 16)
    one, other = (archive_work(tmp_path / "a.pmtiles", "x") for _ in range(2))
    with one, pytest.raises(BadRequest, match="another run"), other:
        pass
    with archive_work(tmp_path / "b.pmtiles", "x") as work:
        empty: SeedCount = await seed(SeedPlan((0, 0, 1, 1), 5, 6), well, work)
    assert empty.made == 0
    with pytest.raises(BadRequest, match="no tile"):
        finish(tmp_path / "b.pmtiles", "x", TILEJSON)
