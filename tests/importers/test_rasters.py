"""Rasters become layers of images: pixels unchanged in a COG with overviews, outlines on the map, versions as ever."""

import asyncio
import json
import shutil
import subprocess
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import sqlalchemy as sa

from cim.model.imports import ImportReport
from cim.store.collections import raster_files
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.versions import prune, rollback
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from layers.catalog import Catalog

NO_CATALOG = Catalog({}, (), {}, {})


def write(path: Path, values: np.ndarray, crs: str | None = "EPSG:4544", x: float = 400_000, **profile: object) -> Path:
    """A GeoTIFF of 2 m cells near the seat."""
    bands = values if values.ndim == 3 else values[None]
    shape = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": values.dtype}
    transform = rasterio.Affine(2, 0, x, 0, -2, 3_430_000)
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **profile) as dataset:
        dataset.write(bands)
    return path


def heights(rows: int = 700, columns: int = 900, seed: int = 1) -> np.ndarray:
    """Rough terrain."""
    steps = np.random.default_rng(seed).normal(0, 0.3, (rows, columns))
    return (600 + steps.cumsum(0).cumsum(1) / 50).astype("float32")


async def load(
    database: Database, files: FileStore, path: Path, layer: str | None = None, **options: object
) -> ImportReport:
    """Import a raster; one report."""
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))  # type: ignore[arg-type]
    (report,) = await import_file(database, NO_CATALOG, request, files=files)
    return report


def inspected(path: Path, **options: object) -> LayerInspection:
    """The only layer of a source."""
    with open_source(path, ReadOptions(trust_file=True, **options)) as source:  # type: ignore[arg-type]
        (layer,) = source.inspection.layers
    return layer


async def images(database: Database, layer: str) -> list[dict[str, object]]:
    """The rows of a raster layer."""
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text(f'SELECT *, ST_AsText(geom) AS outline FROM city."{layer}" ORDER BY image')
        )
        return [dict(row) for row in rows.mappings()]


async def test_a_dem_is_kept_as_cog_with_its_pixels(database: Database, files: FileStore, tmp_path: Path) -> None:
    values = heights()
    values[0, :50] = -9999
    path = write(tmp_path / "高程.tif", values, nodata=-9999)
    report = await load(database, files, path, "dem", height_datum="1985")
    assert (report.status, report.version, report.loaded) == ("published", 1, 1)
    (row,) = await images(database, "dem")
    assert (row["width"], row["height"], row["nodata"], row["crs"]) == (900, 700, -9999.0, "EPSG:4544")
    assert row["height_datum"] == "EPSG:5737"
    with rasterio.open(files.raster_path(str(row["file"]))) as kept:
        assert kept.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert kept.overviews(1) == [2]
        assert kept.crs.to_epsg() == 4544
        assert kept.nodata == -9999
        assert np.array_equal(kept.read(1), values)
    assert row["minimum"] == pytest.approx(values[values > -9999].min(), abs=3)
    async with database.writing() as connection:
        kind = await connection.scalar(sa.text("SELECT kind FROM cim.collection WHERE id = 'dem'"))
    assert kind == "raster"


async def test_the_same_image_twice_is_the_same_version_and_a_changed_one_the_next(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    path = write(tmp_path / "dem.tif", heights())
    await load(database, files, path, "dem")
    again = await load(database, files, path, "dem")
    assert again.status == "unchanged"
    write(path, heights(seed=2))
    changed = await load(database, files, path, "dem")
    assert (changed.status, changed.version) == ("published", 2)
    assert changed.message == "0 added, 1 changed, 0 removed"
    async with database.writing() as connection:
        back = await rollback(connection, "dem", 1, author="test")
    assert back is not None
    (row,) = await images(database, "dem")
    with rasterio.open(files.raster_path(str(row["file"]))) as kept:
        assert np.array_equal(kept.read(1), heights())


async def test_files_no_version_names_are_removed_when_old(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    path = write(tmp_path / "dem.tif", heights())
    await load(database, files, path, "dem")
    write(path, heights(seed=2))
    await load(database, files, path, "dem")
    stray = files.raster_path("stray.tif")
    stray.write_bytes(b"II*")
    async with database.writing() as connection:
        named = await raster_files(connection)
    assert len(named) == 2
    assert files.remove_rasters_but(named, 3600) == 0
    assert files.remove_rasters_but(named, -1) == 1
    assert {kept.name for kept in files.raster_path("").iterdir()} == named
    async with database.writing() as connection:
        assert await prune(connection, "dem", 1) == 1
        assert len(await raster_files(connection)) == 1


async def test_a_picture_keeps_its_colours_and_a_classification_its_classes(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    picture = np.random.default_rng(3).integers(0, 255, (3, 600, 600), dtype="uint8")
    await load(database, files, write(tmp_path / "ortho.tif", picture, photometric="RGB"), "ortho")
    (row,) = await images(database, "ortho")
    assert (row["colours"], row["bands"], row["height_datum"]) == ("rgb", 3, None)
    with rasterio.open(files.raster_path(str(row["file"]))) as kept:
        assert np.array_equal(kept.read(), picture)
    classes = np.random.default_rng(4).integers(1, 4, (600, 600), dtype="uint8")
    path = write(tmp_path / "landcover.tif", classes)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 255, 0, 255), 3: (0, 0, 255, 255)})
    await load(database, files, path, "landcover")
    (row,) = await images(database, "landcover")
    with rasterio.open(files.raster_path(str(row["file"]))) as kept:
        assert kept.colormap(1)[2] == (0, 255, 0, 255)
        assert set(np.unique(kept.read(1, out_shape=(300, 300)))) <= {1, 2, 3}


async def test_a_mosaic_is_one_layer_of_several_images(database: Database, files: FileStore, tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    folder.mkdir()
    for number in range(3):
        write(folder / f"sheet_{number}.tif", heights(300, 300, number), x=400_000 + 600 * number)
    (folder / "readme.txt").write_text("made by the survey office")
    report = await load(database, files, folder, "dem")
    assert (report.read, report.loaded) == (3, 3)
    assert [row["image"] for row in await images(database, "dem")] == ["sheet_0.tif", "sheet_1.tif", "sheet_2.tif"]
    packed = tmp_path / "sheets.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"sheets/{path.name}")
    zipped = await load(database, files, packed, "dem")
    assert zipped.status == "unchanged", zipped


async def test_ascii_grids_and_height_tiles(database: Database, files: FileStore, tmp_path: Path) -> None:
    grid = tmp_path / "grid.asc"
    grid.write_text(
        "ncols 3\nnrows 2\nxllcorner 400000\nyllcorner 3430000\ncellsize 5\nNODATA_value -9999\n1 2 3\n4 -9999 6\n"
    )
    assert inspected(grid).crs is None
    refused = await load(database, files, grid, "grid")
    assert (refused.status, refused.findings[0].code) == ("refused", "crs-missing")
    assert (await load(database, files, grid, "grid", crs="EPSG:4544")).status == "published"
    (row,) = await images(database, "grid")
    assert (row["crs"], row["cell_x"], row["minimum"], row["maximum"]) == ("EPSG:4544", 5.0, 1.0, 6.0)
    with rasterio.open(files.raster_path(str(row["file"]))) as kept:
        assert kept.read(1).tolist() == [[1, 2, 3], [4, -9999, 6]]
        assert kept.crs.to_epsg() == 4544

    tile = tmp_path / "N31E103.hgt"
    values = np.arange(1201 * 1201, dtype=">i2").reshape(1201, 1201) % 4000
    tile.write_bytes(values.astype(">i2").tobytes())
    layer = inspected(tile)
    assert (layer.srid, layer.height_datum) == (4326, "EPSG:5773")
    assert layer.bbox == pytest.approx((103, 31, 104, 32), abs=0.001)
    assert (await load(database, files, tile, "hgt")).loaded == 1
    misnamed = tmp_path / "tile.hgt"
    misnamed.write_bytes(tile.read_bytes())
    with pytest.raises(Exception, match="name of a height tile"):
        inspected(misnamed)


async def test_what_has_no_place_no_system_or_broken_pixels_is_refused(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    plain = tmp_path / "photo.tif"
    profile = {"driver": "GTiff", "width": 9, "height": 9, "count": 1, "dtype": "uint8"}
    with warnings.catch_warnings(action="ignore"), rasterio.open(plain, "w", **profile) as dataset:
        dataset.write(np.ones((1, 9, 9), "uint8"))
    report = await load(database, files, plain, "photo", crs="EPSG:4544")
    assert report.findings[0].code == "no-georeference"
    report = await load(database, files, write(tmp_path / "nowhere.tif", heights(9, 9), crs=None), "nowhere")
    assert report.findings[0].code == "crs-missing"
    whole = write(tmp_path / "broken.tif", heights(600, 600), tiled=True, compress="deflate")
    content = bytearray(whole.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 5_000] = np.random.default_rng(5).bytes(5_000)
    whole.write_bytes(content)
    report = await load(database, files, whole, "broken")
    assert report.findings[0].code == "unreadable", report
    assert not (files.root / "rasters").exists()


async def test_an_empty_giant_is_refused_before_it_unpacks(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    giant = tmp_path / "giant.tif"
    profile = {"width": 200_000, "height": 200_000, "count": 1, "dtype": "uint8", "crs": "EPSG:4544"}
    transform = rasterio.Affine(1, 0, 400_000, 0, -1, 3_430_000)
    with rasterio.open(giant, "w", driver="GTiff", transform=transform, tiled=True, SPARSE_OK=True, **profile):
        pass
    with pytest.raises(Exception, match="would be 40 GB"):
        inspected(giant)


async def test_an_image_over_the_date_line_has_an_outline_in_two_parts(
    database: Database, files: FileStore, real_data: Path
) -> None:
    report = await load(database, files, real_data / "raster" / "cog_dateline.tif", "dateline")
    assert report.status == "published"
    (row,) = await images(database, "dateline")
    assert str(row["outline"]).count("((") == 2


@pytest.mark.slow
async def test_real_rasters_are_what_their_readme_says(database: Database, files: FileStore, real_data: Path) -> None:
    expected = {
        "dem.tif": (400, 400, 1, "float32", "EPSG:2056", -9999.0),
        "longyearbyen_shifted_xoff20.tif": (50, 54, 1, "float32", "EPSG:25833", -9999.0),
        "srtm.tiff": (74, 110, 2, "float32", "EPSG:26713", None),
        "hro_colorado_ortho_cog.tif": (383, 232, 3, "uint8", "EPSG:26913", None),
        "usda_naip_512_deflate.tif": (1024, 2048, 4, "uint8", "EPSG:3857", None),
        "RGB.byte.tif": (791, 718, 3, "uint8", "EPSG:32618", 0.0),
        "cog_cmap.tif": (7168, 8704, 1, "uint8", "EPSG:3857", 0.0),
    }
    for number, (name, facts) in enumerate(expected.items()):
        source = real_data / "raster" / name
        report = await load(database, files, source, f"real_{number}")
        assert report.status == "published", (name, report)
        (row,) = await images(database, f"real_{number}")
        names = ("width", "height", "bands", "data_type", "crs", "nodata")
        assert tuple(row[key] for key in names) == facts, name
        with rasterio.open(source) as before, rasterio.open(files.raster_path(str(row["file"]))) as after:
            window = rasterio.windows.Window(0, 0, min(2000, before.width), min(2000, before.height))
            reals = before.dtypes[0] == "float32"
            same = np.array_equal(before.read(window=window), after.read(window=window), equal_nan=reals)
            assert same, name


@pytest.mark.slow
async def test_the_cog_is_valid_by_another_reader(database: Database, files: FileStore, tmp_path: Path) -> None:
    if shutil.which("gdalinfo") is None:
        pytest.skip("gdalinfo is not installed (Debian: gdal-bin)")
    await load(database, files, write(tmp_path / "dem.tif", heights(2000, 2000)), "dem")
    (row,) = await images(database, "dem")
    path = files.raster_path(str(row["file"]))
    told = await asyncio.to_thread(subprocess.run, ["gdalinfo", "-json", path], check=True, capture_output=True)
    document = json.loads(told.stdout)
    assert document["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
    assert [overview["size"] for overview in document["bands"][0]["overviews"]] == [[1000, 1000], [500, 500]]
