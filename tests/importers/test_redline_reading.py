"""A red line out of every kind of file, in its own system; what is wrong is refused, never mended."""

import json
import zipfile
from pathlib import Path
from typing import Any

import ezdxf
import geopandas
import numpy as np
import pytest
import shapely

from cim.errors import CimError
from cim.model.redline import RedLine, red_line_document, red_line_from_document
from importers.importer import ReadOptions
from importers.redline_reading import read_red_line
from importers.redline_text import RedLineParcel, format_redline

EAST, NORTH = 35_399_000.0, 3_429_000.0
FIELD = shapely.Polygon(
    [(EAST, NORTH), (EAST + 400, NORTH + 5), (EAST + 410, NORTH + 300), (EAST + 3, NORTH + 290)],
    [[(EAST + 100, NORTH + 100), (EAST + 150, NORTH + 100), (EAST + 150, NORTH + 150), (EAST + 100, NORTH + 150)]],
)
YARD = shapely.box(EAST + 500, NORTH, EAST + 560, NORTH + 80)
AREAS_M2 = [FIELD.area, YARD.area]


def read(path: Path, crs: str | None = None, **more: Any) -> RedLine:
    return read_red_line(path, ReadOptions(crs=crs, trust_file=True), **more)


def refused(path: Path, crs: str | None = None) -> CimError:
    with pytest.raises(CimError) as caught:
        read(path, crs)
    return caught.value


def text(*parcels: RedLineParcel, **header: str) -> str:
    return format_redline(list(parcels), header)


def national(folder: Path, content: str) -> Path:
    path = folder / "红线.txt"
    path.write_text(content, "gbk")
    return path


def frame(**columns: list[Any]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns, geometry=[FIELD, YARD], crs=4523)


def zipped_shapefile(folder: Path) -> Path:
    frame(DKBH=["甲", "乙"], DKMC=["一号", "二号"], DKMJ=[11.5, 0.48]).to_file(folder / "rl.shp", encoding="GBK")
    path = folder / "rl.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in folder.glob("rl.*"):
            if part != path:
                archive.write(part, part.name)
    return path


def drawing(folder: Path, *, close: bool = True) -> Path:
    document = ezdxf.new()
    for shape in (FIELD, YARD):
        points = list(shape.exterior.coords)
        document.modelspace().add_lwpolyline(points[:-1], close=close, dxfattribs={"layer": "红线"})
    path = folder / "rl.dxf"
    document.saveas(path)
    return path


def test_the_national_text(tmp_path: Path) -> None:
    red_line = read(
        national(tmp_path, text(RedLineParcel("1", "一号", FIELD, 11.5, use="0901"), RedLineParcel("2", "二号", YARD)))
    )
    assert (red_line.srid, red_line.name) == (4523, "红线")
    assert "zone 35" in red_line.evidence
    first, second = red_line.parcels
    assert (first.number, first.name, first.use, first.declared_m2) == ("1", "一号", "0901", 115_000.0)
    assert second.declared_m2 == pytest.approx(YARD.area, abs=0.5)
    assert [parcel.shape.area for parcel in red_line.parcels] == pytest.approx(AREAS_M2, abs=0.5)
    assert len(first.shape.interiors) == 1


def test_a_zipped_shapefile_with_zone_before_the_easting(tmp_path: Path) -> None:
    red_line = read(zipped_shapefile(tmp_path))
    assert red_line.srid == 4523
    assert [(parcel.number, parcel.name) for parcel in red_line.parcels] == [("甲", "一号"), ("乙", "二号")]
    assert [parcel.declared_m2 for parcel in red_line.parcels] == [115_000.0, 4_800.0]


@pytest.mark.parametrize(("name", "driver"), [("rl.gpkg", "GPKG"), ("rl.fgb", "FlatGeobuf"), ("rl.kml", "KML")])
def test_other_formats(tmp_path: Path, name: str, driver: str) -> None:
    given = frame(name=["一号", "二号"])
    (given.to_crs(4326) if driver == "KML" else given).to_file(tmp_path / name, driver=driver)
    red_line = read(tmp_path / name)
    assert red_line.srid == (4490 if driver == "KML" else 4523)
    assert sorted(red_line.areas_m2()) == pytest.approx(sorted(AREAS_M2), rel=4e-4)


def test_geojson_in_degrees(tmp_path: Path) -> None:
    frame(parcel_no=["a", "b"]).to_crs(4326).to_file(tmp_path / "rl.geojson", driver="GeoJSON")
    red_line = read(tmp_path / "rl.geojson")
    assert red_line.srid == 4490
    assert [parcel.number for parcel in red_line.parcels] == ["a", "b"]


def test_closed_lines_of_a_drawing_are_areas(tmp_path: Path) -> None:
    red_line = read(drawing(tmp_path), "EPSG:4523")
    assert [parcel.shape.area for parcel in red_line.parcels] == pytest.approx(
        [shapely.Polygon(FIELD.exterior).area, YARD.area]
    )


def test_open_lines_of_a_drawing_are_refused_with_their_ends(tmp_path: Path) -> None:
    error = refused(drawing(tmp_path, close=False), "EPSG:4523")
    assert "open between (35399000.000, 3429000.000)" in error.what
    assert error.where == "parcel 1"


def test_what_the_national_text_may_not_be(tmp_path: Path) -> None:
    whole = text(RedLineParcel("7", "", YARD))
    lines = whole.splitlines()
    open_ring = "\n".join(lines[:-1])
    crossing = text(
        RedLineParcel(
            "8",
            "",
            shapely.Polygon(
                [*YARD.exterior.coords][0:1]
                + [*YARD.exterior.coords][2:3]
                + [*YARD.exterior.coords][1:2]
                + [*YARD.exterior.coords][3:5]
            ),
        )
    )
    cases = {
        open_ring: ("ring 1 begins at X=3429000.000, Y=35399560.000", "7"),
        crossing: ("Self-intersection", "parcel 8"),
        text(RedLineParcel("1", "", YARD), 带号="36"): ("eastings run from", ""),
        text(RedLineParcel("1", "", YARD), RedLineParcel("2", "", YARD)): ("overlaps parcel 2 by 4", "parcel 1"),
        whole.split("[地块坐标]")[0] + "[地块坐标]\n": ("no parcel", ""),
        "": ("", ""),
    }
    for content, (words, where) in cases.items():
        error = refused(national(tmp_path, content))
        assert words in error.what, content
        assert where in error.where
        assert error.remedy


def test_a_file_that_does_not_say_its_system(tmp_path: Path) -> None:
    path = zipped_shapefile(tmp_path)
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bare, "w") as target:
        for name in source.namelist():
            if not name.endswith(".prj"):
                target.writestr(name, source.read(name))
    assert "coordinate system" in refused(bare).what
    assert read(bare, "EPSG:4523").evidence == "given: EPSG:4523"
    assert "zone 36" in refused(bare, "EPSG:4524").what


def test_metres_said_to_be_degrees_and_swapped_axes(tmp_path: Path) -> None:
    metres = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(YARD)}],
    }
    degrees = shapely.box(31.0, 103.9, 31.01, 103.91)
    swapped = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(degrees)}],
    }
    for content, words in ((metres, "in degrees"), (swapped, "latitude stands before longitude")):
        path = tmp_path / "rl.geojson"
        path.write_text(json.dumps(content), "utf-8")
        assert words in refused(path).what


def test_patches_apart_may_overlap(tmp_path: Path) -> None:
    path = national(tmp_path, text(RedLineParcel("1", "", YARD), RedLineParcel("2", "", YARD)))
    assert len(read(path, apart=True).parcels) == 2


def test_a_red_line_as_json_loses_nothing(tmp_path: Path) -> None:
    red_line = read(zipped_shapefile(tmp_path))
    again = red_line_from_document(json.loads(json.dumps(red_line_document(red_line))))
    assert again.digest == red_line.digest
    assert np.array_equal(again.areas_m2(), red_line.areas_m2())
