"""Point clouds become layers of files: points unchanged in LAZ, outlines on the map, contradictions told."""

import re
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pyproj
import pytest
import shapely
import sqlalchemy as sa
from made_clouds import CORNER, written_cloud

from cim.errors import ImportRefused
from cim.model.imports import ImportReport
from cim.store.collections import cloud_files
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.versions import prune
from importers.clouds import points
from importers.clouds.header import header_of
from importers.clouds.keeping import keep_cloud
from importers.clouds.las import CloudFolder, Las, cloud_of
from importers.clouds.places import area_m2
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from layers.kinds import described
from layers.text import Text

NO_CATALOG = Catalog({}, (), {}, {})
SIDE_M, POINTS = 100.0, 20_000


def write(
    path: Path,
    crs: str | None = "EPSG:4544+5737",
    *,
    version: str = "1.4",
    point_format: int = 7,
    corner: tuple[float, float] = CORNER,
    seed: int = 1,
) -> Path:
    """Points on an L of 100 m, the north-east quarter free: ground and buildings, two a square metre, with colours."""
    random = np.random.default_rng(seed)
    xy = random.uniform(0, SIDE_M, (POINTS, 2))
    xy = xy[~(xy > SIDE_M / 2).all(1)]
    z = random.uniform(560, 580, len(xy))
    dimensions = {
        "classification": np.where(random.random(len(xy)) < 0.25, 6, 2).astype(np.uint8),
        "height_above": random.random(len(xy)).astype(np.float32),
    }
    if point_format in {2, 3, 7, 8}:
        dimensions["red"] = random.integers(0, 65_535, len(xy)).astype(np.uint16)
    points = (xy[:, 0], xy[:, 1], z)
    return written_cloud(path, points, crs, corner=corner, point_format=point_format, version=version, **dimensions)


async def load(
    database: Database, files: FileStore | None, path: Path, layer: str | None = None, **options: Any
) -> ImportReport:
    """Import a cloud; one report."""
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))
    (report,) = await import_file(database, NO_CATALOG, request, files=files)
    return report


def inspected(path: Path, **options: Any) -> LayerInspection:
    """The only layer of a file, read without the confined child to be quick."""
    (layer,) = Las().inspect(path, ReadOptions(**options))
    return layer


async def clouds(database: Database, layer: str) -> list[dict[str, Any]]:
    """The rows of a layer of point clouds."""
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text(f'SELECT *, ST_AsBinary(geom) AS outline FROM city."{layer}" ORDER BY name')
        )
        return [dict(row) for row in rows.mappings()]


@pytest.mark.parametrize(("version", "point_format"), [("1.1", 0), ("1.2", 1), ("1.2", 2), ("1.3", 3), ("1.4", 8)])
def test_every_form_of_las_is_packed_without_loss(tmp_path: Path, version: str, point_format: int) -> None:
    path = write(tmp_path / "cloud.las", "EPSG:4544", version=version, point_format=point_format)
    kept = laspy.read(tmp_path / keep_cloud(header_of(path), tmp_path).name)
    original = laspy.read(path)
    assert kept.header.are_points_compressed
    assert np.array_equal(kept.points.array, original.points.array)
    assert (kept.header.scales == original.header.scales).all()
    assert kept.header.parse_crs() == original.header.parse_crs()


async def test_las_is_kept_as_laz_with_its_points(database: Database, files: FileStore, tmp_path: Path) -> None:
    version, point_format = "1.4", 7
    path = write(tmp_path / "点云.las", version=version, point_format=point_format)
    report = await load(database, files, path, "cloud", height_datum="1985")
    assert (report.status, report.version, report.loaded) == ("published", 1, 1), report
    (row,) = await clouds(database, "cloud")
    original = laspy.read(path)
    assert (row["name"], row["points"], row["point_format"]) == ("点云.las", len(original), point_format)
    assert (row["las_version"], row["crs"], row["height_datum"]) == (version, "EPSG:4544", "EPSG:5737")
    assert row["colours"] is True
    assert row["classes"] == ", ".join(f"{n}: {(original.classification == n).sum()}" for n in (2, 6))
    assert (row["z_min_m"], row["z_max_m"]) == pytest.approx((original.z.min(), original.z.max()), abs=0.0006)
    kept_path = files.cloud_path(row["file"])
    assert kept_path.stat().st_size == row["bytes"] < path.stat().st_size
    kept = laspy.read(kept_path)
    assert kept.header.are_points_compressed
    assert np.array_equal(kept.points.array, original.points.array)
    assert kept.header.creation_date == original.header.creation_date
    assert kept.header.parse_crs() == original.header.parse_crs()
    async with database.writing() as connection:
        found = (await connection.execute(sa.text("SELECT kind, srid FROM cim.collection WHERE id = 'cloud'"))).one()
    assert tuple(found) == ("pointcloud", 4490)


async def test_the_outline_is_where_the_points_are(database: Database, files: FileStore, tmp_path: Path) -> None:
    await load(database, files, write(tmp_path / "cloud.laz"), "cloud")
    (row,) = await clouds(database, "cloud")
    to_plane = pyproj.Transformer.from_crs(4490, 4544, always_xy=True)
    outline = shapely.transform(
        shapely.from_wkb(bytes(row["outline"])), lambda xy: np.column_stack(to_plane.transform(xy[:, 0], xy[:, 1]))
    )
    east, north = CORNER
    whole, half = SIDE_M, SIDE_M / 2
    ell = shapely.Polygon([(0, 0), (whole, 0), (whole, half), (half, half), (half, whole), (0, whole)])
    ell = shapely.transform(ell, lambda xy: xy + np.array([east, north]))
    assert outline.intersection(ell).area / outline.union(ell).area > 0.93
    assert row["density_per_m2"] == pytest.approx(row["points"] / ell.area, rel=0.06)


async def test_a_packed_cloud_is_kept_byte_for_byte(database: Database, files: FileStore, tmp_path: Path) -> None:
    path = write(tmp_path / "cloud.laz")
    await load(database, files, path, "cloud")
    assert (await load(database, files, path, "cloud")).status == "unchanged"
    (row,) = await clouds(database, "cloud")
    kept = files.cloud_path(row["file"])
    assert kept.read_bytes() == path.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    write(path, seed=2)
    changed = await load(database, files, path, "cloud")
    assert (changed.version, changed.message) == (2, "0 added, 1 changed, 0 removed")
    stray = files.cloud_path("stray.laz")
    stray.write_bytes(b"LASF")
    async with database.writing() as connection:
        named = await cloud_files(connection)
    assert len(named) == 2
    assert files.remove_clouds_but(named, 3600) == 0
    assert files.remove_clouds_but(named, -1) == 1
    assert {one.name for one in files.cloud_path("").iterdir()} == named
    async with database.writing() as connection:
        assert await prune(connection, "cloud", 1) == 1
        assert await cloud_files(connection) < named


async def test_a_folder_or_zip_of_clouds_is_one_layer(database: Database, files: FileStore, tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    write(folder / "a.las")
    write(folder / "b.laz", corner=(CORNER[0] + SIDE_M, CORNER[1]))
    (folder / "readme.txt").write_text("flown in May")
    report = await load(database, files, folder, "tiles")
    assert (report.status, report.loaded) == ("published", 2), report
    assert [row["name"] for row in await clouds(database, "tiles")] == ["a.las", "b.laz"]
    packed = tmp_path / "tiles.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"tiles/{path.name}")
    assert (await load(database, files, packed, "tiles")).status == "unchanged"
    shutil.copy(write(tmp_path / "plain.las", crs=None), folder / "c.las")
    (mixed,) = CloudFolder().inspect(folder, ReadOptions())
    assert {problem.code for problem in mixed.problems if problem.refuses} == {"crs-missing"}


async def test_a_system_must_be_declared_or_given_and_fit(database: Database, files: FileStore, tmp_path: Path) -> None:
    path = write(tmp_path / "cloud.las", crs=None)
    refused = await load(database, files, path, "cloud")
    assert (refused.status, refused.findings[0].code) == ("refused", "crs-missing")
    for crs, code in (("EPSG:4490", "not-degrees"), ("EPSG:4523", "zone-disagrees")):
        assert code in {problem.code for problem in inspected(path, crs=crs).problems if problem.refuses}
    assert not files.cloud_path("").exists()
    given = await load(database, files, path, "cloud", crs="EPSG:4544")
    assert given.status == "published", given
    assert "height-datum" in {finding.code for finding in given.findings}
    (row,) = await clouds(database, "cloud")
    assert (row["crs"], row["height_datum"]) == ("EPSG:4544", None)
    other = cloud_of(write(tmp_path / "utm.las", "EPSG:32648"), ReadOptions(height_datum="egm96"))
    assert (other.place.crs, other.place.datum) == ("EPSG:32648", "EPSG:5773")
    lon, lat = pyproj.Transformer.from_crs(32648, 4326, always_xy=True).transform(CORNER[0] + 50, CORNER[1] + 50)
    assert other.outline is not None
    assert shapely.distance(other.outline, shapely.Point(lon, lat)) < 1e-5


def test_heights_in_feet_are_told_in_metres_or_not_at_all(tmp_path: Path) -> None:
    declared = write(tmp_path / "feet.las", "EPSG:2994+6360", corner=(640_000.0, 850_000.0))
    cloud = cloud_of(declared, ReadOptions())
    assert cloud.place.height_m == pytest.approx(1200 / 3937)
    bare = write(tmp_path / "bare.las", "EPSG:2994", corner=(640_000.0, 850_000.0))
    layer = inspected(bare)
    assert "height-unit" in {problem.code for problem in layer.problems}
    assert next(field for field in layer.fields if field.name == "z_min_m").nulls == 1
    assert cloud_of(bare, ReadOptions(height_datum="1985")).place.height_m == 1.0


@pytest.mark.parametrize("name", ["cloud.las", "cloud.laz"])
def test_a_damaged_cloud_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    content = write(tmp_path / name).read_bytes()
    nan, inf, nothing = struct.pack("<d", float("nan")), struct.pack("<d", float("inf")), struct.pack("<d", 0.0)
    many = struct.pack("<Q", 2**60)
    faults = {
        "header-cut": (content[:200], "incomplete"),
        "cut": (content[: len(content) * 2 // 3], "disagree|damaged|announces"),
        "records": (content[:100] + b"\xff\xff\xff\x7f" + content[104:], "disagree"),
        "points-at": (content[:96] + b"\xff\xff\xff\x7f" + content[100:], "disagree"),
        "more-records": (content[:243] + b"\xff\xff\xff\x7f" + content[247:], "disagree"),
        "count": (content[:247] + many + content[255:], "disagree|would unpack"),
        "some-more": (content[:247] + struct.pack("<Q", 30_000) + content[255:], "disagree|damaged|announces"),
        "none": (content[:247] + bytes(8) + content[255:], "no points"),
        "scale-nan": (content[:131] + nan + content[139:], "no usable numbers"),
        "scale-zero": (content[:139] + nothing + content[147:], "no usable numbers"),
        "offset": (content[:155] + inf + content[163:], "no usable numbers"),
        "scale-huge": (content[:131] + struct.pack("<d", 1e300) + content[139:], "no usable numbers"),
        "version": (content[:25] + b"\x09" + content[26:], "not read"),
        "waveforms": (content[:104] + bytes([9 | (content[104] & 0x80)]) + content[105:], "waveforms"),
        "point-bytes": (content[:105] + b"\x05\x00" + content[107:], "damaged"),
    }
    for fault, (bad, told) in faults.items():
        path = tmp_path / f"{fault}-{name}"
        path.write_bytes(bad)
        try:
            problems = " ".join(problem.message for problem in inspected(path).problems if problem.refuses)
        except ImportRefused as error:
            problems = error.what
        assert re.search(told, problems), (fault, problems)


async def test_nothing_is_kept_of_what_is_refused_or_tried(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    good = write(tmp_path / "cloud.las")
    request = ImportRequest(good, "test", "administrator", "cloud", options=ReadOptions(trust_file=True), dry_run=True)
    (tried,) = await import_file(database, NO_CATALOG, request, files=files)
    assert (tried.status, tried.loaded) == ("unchanged", 1)
    assert (await load(database, None, good, "cloud")).findings[0].code == "no-file-store"
    folder = tmp_path / "two"
    folder.mkdir()
    shutil.copy(good, folder / "a.las")
    (folder / "b.las").write_bytes(good.read_bytes()[:50_000])
    with pytest.raises(ImportRefused, match="disagree"):
        await load(database, files, folder, "cloud")
    assert not files.cloud_path("").exists()
    async with database.writing() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM cim.collection")) == 0


def test_points_are_walked_in_pieces_and_cells_stay_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "cloud.las")
    whole = points.survey_of(path)
    monkeypatch.setattr(points, "CHUNK_POINTS", 777)
    points._survey.cache_clear()
    assert len(np.unique(whole.cells, axis=0)) == len(whole.cells) <= points.MOST_CELLS
    again = points.survey_of(path)
    assert (again.points, again.classes, again.low, again.high) == (
        whole.points,
        whole.classes,
        whole.low,
        whole.high,
    )
    assert {tuple(cell) for cell in again.cells.tolist()} == {tuple(cell) for cell in whole.cells.tolist()}
    content = bytearray(path.read_bytes())
    for place, value in ((179, CORNER[0] + 0.01), (187, CORNER[0]), (195, CORNER[1] + 0.01), (203, CORNER[1])):
        struct.pack_into("<d", content, place, value)
    liar = tmp_path / "liar.las"
    liar.write_bytes(content)
    told = points.survey_of(liar)
    assert len(told.cells) <= points.MOST_CELLS
    assert told.high == whole.high
    assert "header-box" in {problem.code for problem in inspected(liar).problems}


def test_few_points_around_the_offset_have_one_outline(tmp_path: Path) -> None:
    points = ([-1.0, 1, -1, 1], [-1.0, -1, 1, 1], np.zeros(4))
    written_cloud(tmp_path / "four.las", points, "EPSG:4544", point_format=1, version="1.2")
    read = cloud_of(tmp_path / "four.las", ReadOptions())
    assert read.outline is not None
    assert area_m2(read.outline) == pytest.approx(4, rel=0.01)


REAL = {
    "ahn3_cropped_2.laz": (208_432, None, None, {"crs": "EPSG:28992", "height_datum": "EPSG:5709"}),
    "simple.copc.laz": (1_065, "EPSG:2991", "EPSG:6360", {}),
    "autzen_geo_proj.las": (106, "EPSG:2994", None, {}),
    "file_with_both_wkt_and_geotiff_vlrs.las": (25_408, "EPSG:6880", None, {}),
    "without_srs.las": (10, None, None, {"crs": "EPSG:3946"}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_clouds(real_data: Path, tmp_path: Path, name: str) -> None:
    path, (count, crs, datum, given) = real_data / "tiles3d" / name, REAL[name]
    told = inspected(path)
    assert (told.crs, told.height_datum, told.kind) == (crs, datum, "pointcloud")
    cloud = cloud_of(path, ReadOptions(**given))
    assert (cloud.survey.points, cloud.place.crs) == (count, given.get("crs", crs))
    assert cloud.place.datum == given.get("height_datum", datum)
    assert cloud.outline is not None
    assert cloud.outline.is_valid
    contradiction = [problem.message for problem in told.problems if problem.code == "crs-contradiction"]
    assert bool(contradiction) == name.startswith("file_with_both")
    if contradiction:
        assert "EPSG:6880" in contradiction[0]
        assert "EPSG:32104" in contradiction[0]
    kept = keep_cloud(cloud.header, tmp_path)
    assert kept.name.endswith(".copc.laz") == (".copc" in name)
    assert np.array_equal(laspy.read(tmp_path / kept.name).points.array, laspy.read(path).points.array)


async def test_a_real_copc_stays_copc(database: Database, files: FileStore, real_data: Path) -> None:
    path = real_data / "tiles3d" / "simple.copc.laz"
    report = await load(database, files, path, "cloud")
    assert report.status == "published", report
    (row,) = await clouds(database, "cloud")
    kept = files.cloud_path(row["file"])
    assert kept.read_bytes() == path.read_bytes()
    assert row["z_min_m"] == pytest.approx(406.59 * 1200 / 3937, abs=0.01)
    with laspy.CopcReader.open(kept) as source:
        assert len(source.query(resolution=50)) > 0


def test_what_a_cloud_cannot_do_is_said_with_its_layer() -> None:
    assert "三维" in described(None, "pointcloud").zh
    own = Text(zh="航测点云。", en="Flown points.")
    assert described(own, "pointcloud").en.startswith("Flown points. The flat map shows")
    assert described(own, "vector") == own


def test_a_header_says_when_a_cloud_was_made_only_where_it_can(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "cloud.las").read_bytes())
    for day, year, told in ((60, 2024, "2024-02-29"), (0, 0, None), (1, 1, None), (400, 2024, None)):
        struct.pack_into("<HH", content, 90, day, year)
        path = tmp_path / "dated.las"
        path.write_bytes(content)
        assert header_of(path).made_at == told
