"""Terrain over HTTP: whom it is given to, what layer.json says, and what is told where there is none."""

import gzip
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from clones import Clones
from publishing import publish_rows, schema, square
from serving import Served, serving
from terrain_meshes import read_mesh, tile_at, tile_box

from cim.model.access import Grade, Operation, Principal, Right
from cim.policy.policy import decide
from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from tiles.terrain import MeshAsked
from web.settings import ServerSettings

SAMPLES = Path(__file__).parents[2] / "data_samples" / "small"
SEAT, MOUNTAINS = (103.9455, 30.9865), (103.85, 31.25)
WITH_NORMALS = "application/vnd.quantized-mesh;extensions=octvertexnormals-metadata,application/octet-stream;q=0.9"


@pytest.fixture(scope="module")
async def imported(clones: Clones, run_folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """A database to clone and its files: the sample's heights, and a layer without any."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=2)
        root = run_folder / f"files-{logins.database}"
        root.mkdir()
        options = ReadOptions(trust_file=True, height_datum="1985")
        request = ImportRequest(SAMPLES / "dem", "test", "administrator", "dem", options=options)
        (report,) = await import_file(database, load_catalog(), request, files=FileStore(root))
        assert report.status == "published", report
        await publish_rows(database, [("甲", 1.0, square(103.95, 30.98))], layer=schema("squares"), grade=Grade.PUBLIC)
        await database.close()
        yield logins.database, root
        shutil.rmtree(root)


@pytest.fixture(params=[-39.5])
async def city(clones: Clones, imported: tuple[str, Path], request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    template, root = imported
    with clones.made(template) as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        settings = ServerSettings(undulation_m=request.param)
        async with serving(database, load_catalog(), FileStore(root), settings) as application:
            yield application


def path(z: int, place: tuple[float, float] = SEAT) -> str:
    x, y = tile_at(z, *place)
    return f"/terrain/dem/{z}/{x}/{y}.terrain"


async def test_terrain_is_for_those_who_may_read_the_heights(city: Served) -> None:
    for client, status in ((city.anonymous, 404), (city.viewer, 404), (city.technician, 200)):
        for asked in ("/terrain/dem/layer.json", path(12), path(0)):
            answer = await client.get(asked)
            assert answer.status_code == status, asked
            if status == 404:
                missing = await client.get(asked.replace("dem", "nothing"))
                assert answer.json()["detail"].replace("dem", "") == missing.json()["detail"].replace("nothing", "")


async def test_layer_json_leads_to_the_ground(city: Served) -> None:
    """As a globe reads it: the address of a tile from the document, and the height of a place in the tile."""
    address = "http://test/terrain/dem/layer.json"
    document = (await city.technician.get(address)).json()
    assert (document["format"], document["scheme"]) == ("quantized-mesh-1.0", "tms")
    assert document["projection"] == "EPSG:4326"
    assert document["extensions"] == ["octvertexnormals"]
    assert len(document["available"]) == document["maxzoom"] + 1 >= 18
    z = document["maxzoom"]
    x, y = tile_at(z, *SEAT)
    template = document["tiles"][0]
    tile = template.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))
    answer = await city.technician.get(str(httpx.URL(address).join(tile)), headers={"accept": WITH_NORMALS})
    assert answer.headers["content-type"] == "application/vnd.quantized-mesh"
    assert answer.headers["content-encoding"] == "gzip"
    mesh = read_mesh(answer.content)
    assert 1 in mesh.extensions
    west, south, east, north = tile_box(z, x, y)
    share = (SEAT[0] - west) / (east - west), (SEAT[1] - south) / (north - south)
    found = mesh.height_at(*(np.array([part]) for part in share))[0]
    (told,) = (await city.technician.get("/identify", params={"lon": SEAT[0], "lat": SEAT[1]})).json()["heights"]
    assert found == pytest.approx(told["height_m"] - 39.5, abs=0.35)


async def test_tiles_are_versioned_and_checked_by_etag(city: Served) -> None:
    plain = await city.technician.get(path(14), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["cache-control"] == "private, no-cache"
    normal = await city.technician.get(path(14), headers={"accept": WITH_NORMALS})
    assert read_mesh(plain.content).extensions == {}
    assert normal.headers["etag"] != plain.headers["etag"]
    again = await city.technician.get(path(14), headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    async with city.database.writing() as connection:
        await connection.execute(sa.text("UPDATE cim.collection SET grade = 'public' WHERE id = 'dem'"))
    await city.state.live.refresh()
    mark = city.state.terrain.mark
    for query, caching in (("", "public, no-cache"), ("?v=1", "public, no-cache"), ("?v=7&u=x", "public, no-cache")):
        assert (await city.anonymous.get(path(14) + query)).headers["cache-control"] == caching
    kept = await city.anonymous.get(f"{path(14)}?v=1&u={mark}")
    assert kept.headers["cache-control"].endswith("immutable")


async def test_a_caller_of_a_region_stands_on_its_images_only(city: Served) -> None:
    """The county's heights lie, by their middle, elsewhere than the seat's."""
    async with city.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '天彭',"
                " ST_MakeEnvelope(103.92, 30.97, 103.97, 31.01, 4490))"
            )
        )
    everyone = Principal("all", "all", (Right(Grade.RESTRICTED, frozenset({Operation.READ})),))
    limited = Principal("town", "town", (Right(Grade.RESTRICTED, frozenset({Operation.READ}), "510182001"),))
    asked = MeshAsked(12, *tile_at(12, *MOUNTAINS))
    highest = []
    for principal in (everyone, limited):
        decision = decide(principal, city.state.live.collections["dem"], "dem")
        tile = await city.state.terrain.tile(principal, decision, asked)
        highest.append(read_mesh(gzip.decompress(tile)).high)
    assert highest[0] > 2000
    assert highest[1] < 560


async def test_an_image_that_ends_is_ground_no_more(city: Served) -> None:
    before = read_mesh((await city.technician.get(path(12, MOUNTAINS))).content)
    async with city.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.dem WHERE image = 'county.tif'"))
    await city.state.live.refresh()
    after = read_mesh((await city.technician.get(path(12, MOUNTAINS))).content)
    assert before.high > 2000
    assert after.high < 560


@pytest.mark.parametrize("city", [None], indirect=True)
async def test_without_an_undulation_nothing_is_shown_that_floats(city: Served) -> None:
    for asked in ("/terrain/dem/layer.json", path(12), path(0)):
        answer = await city.technician.get(asked)
        assert answer.status_code == 409
        problem = answer.json()
        assert "CIM_UNDULATION_M" in problem["remedy"]
        assert "undulation" in problem["detail"]
        assert (await city.viewer.get(asked)).status_code == 404
    async with city.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.dem SET height_datum = 'ellipsoidal'"))
    await city.state.live.refresh()
    mesh = read_mesh((await city.technician.get(path(14))).content)
    assert 500 < mesh.low < mesh.high < 560


async def test_what_is_no_terrain_is_refused(city: Served) -> None:
    for asked, status in (
        ("/terrain/squares/layer.json", 400),
        ("/terrain/squares/3/0/0.terrain", 400),
        ("/terrain/dem/25/0/0.terrain", 400),
        ("/terrain/dem/3/16/0.terrain", 400),
        ("/terrain/dem/3/0/-1.terrain", 400),
        ("/terrain/dem/3/0/9999999999999999999999.terrain", 400),
        ("/terrain/dem/a/0/0.terrain", 400),
    ):
        answer = await city.technician.get(asked)
        assert answer.status_code == status, (asked, answer.text)
    whole = await city.technician.get("/terrain/dem/0/1/0.terrain", headers={"accept-encoding": "gzip"})
    assert read_mesh(whole.content).high < 5000
