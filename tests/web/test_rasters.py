"""Pictures and terrain over HTTP: what each caller gets, in which style, and what is told when it cannot be had."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import morecantile
import numpy as np
import pyproj
import pytest
import rasterio
import sqlalchemy as sa
from clones import Clones
from PIL import Image
from publishing import publish_rows, schema, square
from serving import Served, serving

from cim.errors import BadRequest
from cim.model.access import Grade, Operation, Principal, Right
from cim.policy.policy import decide
from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from layers.raster_styles import STYLES
from tiles.raster import height_of, raster_window
from tiles.raster_pool import RasterPool
from tiles.terrain_rgb import decode_heights

SAMPLES = Path(__file__).parents[2] / "data_samples" / "small"
SEAT, MOUNTAINS = (103.9455, 30.9865), (103.85, 31.25)
MERCATOR = morecantile.tms.get("WebMercatorQuad")
HEIGHT_STYLES = [name for name, style in STYLES.items() if style.of_heights]


def tile_path(layer: str, z: int, place: tuple[float, float] = SEAT, form: str = "png") -> str:
    tile = MERCATOR.tile(*place, z)
    return f"/rasters/{layer}/{tile.z}/{tile.x}/{tile.y}.{form}"


def decoded(answer: httpx.Response) -> np.ndarray:
    """The pixels of a picture, always with alpha."""
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content)).convert("RGBA")
    return np.moveaxis(np.asarray(picture), -1, 0)


@pytest.fixture(scope="session")
async def imported(clones: Clones, run_folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """A database to clone, and a folder of files to copy: the sample's heights and picture imported, a vector layer."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=2)
        root = run_folder / f"files-{logins.database}"
        root.mkdir()
        for layer, source in (("dem", "dem"), ("orthophoto", "orthophoto.tif")):
            options = ReadOptions(trust_file=True, height_datum="1985" if layer == "dem" else None)
            request = ImportRequest(SAMPLES / source, "test", "administrator", layer, options=options)
            (report,) = await import_file(database, load_catalog(), request, files=FileStore(root))
            assert report.status == "published", report
        await publish_rows(database, [("甲", 1.0, square(103.95, 30.98))], layer=schema("squares"), grade=Grade.PUBLIC)
        await database.close()
        yield logins.database, root
        shutil.rmtree(root)


@pytest.fixture
async def city(clones: Clones, run_folder: Path, imported: tuple[str, Path]) -> AsyncIterator[Served]:
    """The application over the sample's heights (restricted) and picture (internal), and a vector layer (public)."""
    template, held = imported
    with clones.made(template) as logins:
        root = run_folder / f"files-{logins.database}"
        shutil.copytree(held, root)
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        async with serving(database, load_catalog(), FileStore(root)) as application:
            yield application
        shutil.rmtree(root)


async def test_pictures_are_those_the_policy_opens(city: Served) -> None:
    for client, layer, status in (
        (city.anonymous, "orthophoto", 404),
        (city.anonymous, "dem", 404),
        (city.viewer, "orthophoto", 200),
        (city.viewer, "dem", 404),
        (city.technician, "dem", 200),
    ):
        tile = MERCATOR.tile(*SEAT, 14)
        paths = [tile_path(layer, 14), tile_path(layer, 14, form="webp"), f"/rasters/{layer}.json"]
        paths += [f"/collections/{layer}/map/tiles/CGCS2000Quad/14/2691/12921", f"/styles/{layer}.json"]
        if layer == "dem":
            paths += [f"/terrain/dem/rgb/14/{tile.x}/{tile.y}.png", "/terrain/dem.json"]
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code == status, path
            if status == 404:
                missing = await client.get(path.replace(layer, "nothing"))
                assert answer.json()["detail"].replace(layer, "") == missing.json()["detail"].replace("nothing", "")


async def test_the_picture_is_the_image_where_it_lies(city: Served) -> None:
    """Colours of a tile against the file's own at the same ground, at a zoom finer than its cells."""
    tile = MERCATOR.tile(*SEAT, 17)
    picture = decoded(await city.viewer.get(tile_path("orthophoto", 17)))
    bounds = MERCATOR.xy_bounds(tile)
    pixel = (bounds.right - bounds.left) / 256
    to_plane = pyproj.Transformer.from_crs(3857, 4523, always_xy=True)
    with rasterio.open(SAMPLES / "orthophoto.tif") as source:
        image, way = source.read(), ~source.transform
    differences = []
    for row in range(8, 250, 30):
        for column in range(8, 250, 30):
            x, y = to_plane.transform(bounds.left + (column + 0.5) * pixel, bounds.top - (row + 0.5) * pixel)
            j, i = way @ (x, y)
            near = image[:, int(i) - 1 : int(i) + 2, int(j) - 1 : int(j) + 2].astype(int)
            got = picture[:3, row, column].astype(int)
            differences.append(np.maximum(near.min(axis=(1, 2)) - got, got - near.max(axis=(1, 2))).max())
    assert np.median(differences) <= 0
    assert max(differences) <= 24, "JPEG of the kept COG may differ a little"


@pytest.mark.parametrize("style", HEIGHT_STYLES)
async def test_heights_are_drawn_in_every_style(city: Served, style: str) -> None:
    picture = decoded(await city.technician.get(tile_path("dem", 12, MOUNTAINS), params={"style": style}))
    assert picture.shape == (4, 256, 256)
    assert (picture[3] == 255).all()
    assert len(np.unique(picture[:3].reshape(3, -1), axis=1).T) >= (4 if style == "slope" else 60)
    default = decoded(await city.technician.get(tile_path("dem", 12, MOUNTAINS)))
    assert np.array_equal(default, picture) == (style == "shaded-relief")


async def test_terrain_is_the_height_model_to_a_decimetre(city: Served) -> None:
    """A hundred places of a tile in the mountains, at the zoom of the cells and two finer ones."""
    with rasterio.open(SAMPLES / "dem" / "county.tif") as source:
        heights, way = source.read(1), ~source.transform
    rng = np.random.default_rng(7)
    document = (await city.technician.get("/terrain/dem.json")).json()
    assert (document["encoding"], document["tileSize"], document["height_datum"]) == ("mapbox", 256, "EPSG:5737")
    for zoom in (11, 13, document["maxzoom"]):
        tile = MERCATOR.tile(*MOUNTAINS, zoom)
        answer = await city.technician.get(f"/terrain/dem/rgb/{zoom}/{tile.x}/{tile.y}.png")
        found = decode_heights(decoded(answer))
        bounds = MERCATOR.xy_bounds(tile)
        pixel = (bounds.right - bounds.left) / 256
        rows, columns = rng.integers(0, 256, (2, 300))
        to_lonlat = pyproj.Transformer.from_crs(3857, 4490, always_xy=True)
        lon, lat = to_lonlat.transform(bounds.left + (columns + 0.5) * pixel, bounds.top - (rows + 0.5) * pixel)
        c, r = (np.asarray(part) - 0.5 for part in way @ (lon, lat))
        j, i = c.astype(int), r.astype(int)
        u, v = c - j, r - i
        inside = np.flatnonzero(np.min([heights[i + a, j + b] for a in (0, 1) for b in (0, 1)], axis=0) > 0)[:100]
        assert len(inside) == 100
        above = heights[i, j] * (1 - u) + heights[i, j + 1] * u
        below = heights[i + 1, j] * (1 - u) + heights[i + 1, j + 1] * u
        wrong = np.abs(found[rows, columns] - (above * (1 - v) + below * v))
        assert wrong[inside].max() <= 0.1, zoom


async def test_outside_the_data_pictures_are_transparent_and_terrain_is_zero(city: Served) -> None:
    assert not decoded(await city.technician.get("/rasters/dem/5/0/0.png"))[3].any()
    assert not decoded(await city.viewer.get("/rasters/orthophoto/5/0/0.webp"))[3].any()
    assert not decode_heights(decoded(await city.technician.get("/terrain/dem/rgb/5/0/0.png"))).any()


async def test_the_national_grid_shows_the_same_ground(city: Served) -> None:
    level = 15
    side = 180 / 2 ** (level - 1)
    col, row = int((SEAT[0] + 180) / side), int((90 - SEAT[1]) / side)
    path = f"/collections/orthophoto/map/tiles/CGCS2000Quad/{level}/{row}/{col}"
    answer = await city.viewer.get(path, headers={"accept": "image/webp"})
    assert answer.headers["content-type"] == "image/webp"
    picture = decoded(await city.viewer.get(path, params={"f": "png"}))
    west, north = -180 + col * side, 90 - row * side
    middle = (west + side / 2, north - side / 2)
    decision = decide(everyone(), city.state.live.collections["orthophoto"])
    window = await raster_window(
        city.database, city.state.files, everyone(), decision, (west, north - side, west + side, north), 4490, 256, 256
    )
    assert np.array_equal(picture, window)
    x, y = pyproj.Transformer.from_crs(4490, 3857, always_xy=True).transform(*middle)
    half = side * 111_319.49 / 2
    bounds = (x - half, y - half, x + half, y + half)
    other = await raster_window(city.database, city.state.files, everyone(), decision, bounds, 3857, 256, 256)
    close = np.abs(picture[:3, 124:132, 124:132].mean(axis=(1, 2)) - other[:3, 124:132, 124:132].mean(axis=(1, 2)))
    assert close.max() < 12
    for bad in (f"{level}/{row}/99999", "21/0/0", "0/0/0", f"{level}/-1/0"):
        assert (await city.viewer.get(f"/collections/orthophoto/map/tiles/CGCS2000Quad/{bad}")).status_code == 400, bad
    swapped = await city.viewer.get(f"/collections/orthophoto/map/tiles/Nonsense/{level}/{row}/{col}")
    assert swapped.status_code == 404


def everyone() -> Principal:
    """A caller who may read all grades."""
    rights = tuple(Right(grade, frozenset({Operation.READ})) for grade in Grade)
    return Principal("test", "administrator", rights)


async def test_tiles_are_versioned_and_checked_by_etag(city: Served) -> None:
    path = tile_path("orthophoto", 14)
    first = await city.viewer.get(path)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await city.viewer.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    async with city.database.writing() as connection:
        await connection.execute(sa.text("UPDATE cim.collection SET grade = 'public' WHERE id = 'orthophoto'"))
    await city.state.live.refresh()
    assert (await city.anonymous.get(path)).headers["cache-control"] == "public, no-cache"
    assert (await city.anonymous.get(path + "?v=1")).headers["cache-control"].endswith("immutable")
    assert (await city.anonymous.get(path + "?v=7")).headers["cache-control"] == "public, no-cache"
    document = (await city.anonymous.get("/rasters/orthophoto.json")).json()
    assert document["tiles"] == ["http://test/rasters/orthophoto/{z}/{x}/{y}.png?v=1"]
    assert document["maxzoom"] in {16, 17}


async def test_a_new_version_is_drawn_and_an_ended_image_is_gone(city: Served) -> None:
    before = decoded(await city.technician.get(tile_path("dem", 13)))
    async with city.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.dem WHERE image = 'county.tif'"))
    await city.state.live.refresh()
    after = decoded(await city.technician.get(tile_path("dem", 13)))
    assert before[3].all()
    assert not after[3].all()


async def test_a_caller_of_a_region_sees_its_images_only(city: Served) -> None:
    """The county's heights lie, by their middle, elsewhere than the seat's."""
    async with city.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '天彭',"
                " ST_MakeEnvelope(103.92, 30.97, 103.97, 31.01, 4490))"
            )
        )
    right = Right(Grade.RESTRICTED, frozenset({Operation.READ}), "510182001")
    limited = Principal("test", "town", (right,))
    decision = decide(limited, city.state.live.collections["dem"])
    bounds = (103.8, 30.9, 104.1, 31.2)
    seen = await raster_window(city.database, city.state.files, limited, decision, bounds, 4490, 200, 200)
    everything = decide(everyone(), city.state.live.collections["dem"])
    whole = await raster_window(city.database, city.state.files, everyone(), everything, bounds, 4490, 200, 200)
    assert (whole[3] > 0).mean() > 0.7
    assert 0.001 < (seen[3] > 0).mean() < 0.02
    assert await height_of(city.database, city.state.files, limited, decision, *MOUNTAINS) is None
    assert await height_of(city.database, city.state.files, limited, decision, *SEAT) is not None


async def test_identify_tells_the_height_to_those_who_may_know(city: Served) -> None:
    place = {"lon": SEAT[0], "lat": SEAT[1]}
    (told,) = (await city.technician.get("/identify", params=place)).json()["heights"]
    with rasterio.open(SAMPLES / "dem" / "seat.tif") as source:
        x, y = pyproj.Transformer.from_crs(4490, 4523, always_xy=True).transform(*SEAT)
        expected = float(next(source.sample([(x, y)]))[0])
    assert told["height_m"] == pytest.approx(expected, abs=1.0)
    assert (told["layer"], told["height_datum"], told["cell_m"]) == ("dem", "EPSG:5737", pytest.approx(5, abs=0.1))
    assert (await city.viewer.get("/identify", params=place)).json()["heights"] == []
    assert (await city.technician.get("/identify", params={"lon": 10, "lat": 10})).json()["heights"] == []
    only = (await city.technician.get("/identify", params=place | {"layers": "orthophoto"})).json()
    assert only["heights"] == []


async def test_bad_requests_are_problems_that_name_the_remedy(city: Served) -> None:
    tile = MERCATOR.tile(*SEAT, 14)
    for path, words in {
        tile_path("squares", 14): "has no images",
        "/rasters/squares.json": "has no images",
        f"/terrain/orthophoto/rgb/14/{tile.x}/{tile.y}.png": "no heights",
        tile_path("dem", 14) + "?style=natural": "cannot be drawn",
        tile_path("orthophoto", 14) + "?style=slope": "cannot be drawn",
        "/rasters/dem.json?style=x": "cannot be drawn",
        "/styles/dem.json?style=x": "cannot be drawn",
        "/rasters/dem/99/0/0.png": "no zoom",
        "/rasters/dem/3/9/0.png": "does not exist",
        "/rasters/dem/3/0/-1.png": "does not exist",
        f"/rasters/dem/3/0/{'9' * 5000}.png": "",
        "/rasters/dem/a/b/c.webp": "",
    }.items():
        answer = await city.technician.get(path)
        assert answer.status_code == 400, path
        assert words in answer.json()["detail"], path
        assert answer.json()["remedy"], path
    decision = decide(everyone(), city.state.live.collections["dem"])
    for bounds, size in (((0, 0, 0, 1), (9, 9)), ((0, 0, float("nan"), 1), (9, 9)), ((0, 0, 1, 1), (100_000, 9))):
        with pytest.raises(BadRequest):
            await raster_window(city.database, city.state.files, everyone(), decision, bounds, 4490, *size)


async def test_a_missing_file_is_a_clear_problem_without_its_path(city: Served) -> None:
    for path in city.state.files.raster_path("").glob("*.tif"):
        path.unlink()
    answer = await city.technician.get(tile_path("dem", 18, MOUNTAINS))
    assert answer.status_code == 500
    assert "missing or damaged" in answer.json()["detail"]
    assert ".tif" not in answer.text
    assert str(city.state.files.root) not in answer.text


async def test_one_tile_is_made_once_however_many_ask(city: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = RasterPool.run

    async def counted(self: RasterPool, job: object, budget_s: float) -> object:
        made.append(job)
        return await real(self, job, budget_s)  # type: ignore[arg-type]

    monkeypatch.setattr(RasterPool, "run", counted)
    answers = await asyncio.gather(*(city.viewer.get(tile_path("orthophoto", 15)) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(made) == 1


async def test_too_many_jobs_are_refused_and_the_rest_is_done() -> None:
    pool = RasterPool(threads=1, max_jobs=3)
    held = [asyncio.create_task(pool.run(lambda _deadline: 1, 5.0)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Exception, match="busy"):
        await pool.run(lambda _deadline: 2, 5.0)
    assert await asyncio.gather(*held) == [1, 1, 1]
    await asyncio.sleep(0.05)
    assert await pool.run(lambda _deadline: 3, 5.0) == 3


async def test_styles_of_raster_layers_are_pictures_with_legends(city: Served) -> None:
    answer = (await city.technician.get("/styles/dem.json", params={"style": "slope"})).json()
    (drawn,) = answer["layers"]
    assert (drawn["type"], drawn["source"]) == ("raster", "dem")
    assert "source-layer" not in drawn
    assert answer["source"]["type"] == "raster"
    assert "style=slope" in answer["source"]["tiles"][0]
    assert [entry["label"]["zh"] for entry in answer["legend"]][-1].startswith(">25°")
    assert [style["id"] for style in answer["styles"]] == HEIGHT_STYLES
    assert answer["terrain"]["encoding"] == "mapbox"
    assert answer["terrain"]["type"] == "raster-dem"
    picture = (await city.viewer.get("/styles/orthophoto.json")).json()
    assert "terrain" not in picture
    assert [style["id"] for style in picture["styles"]] == ["natural"]
