"""VCT 3.0 is read as land offices hand it over: shared boundary lines, tables, Chinese texts, systems of the header."""

import contextlib
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import ImportRefused
from cim.store.collections import the_collection
from cim.store.database import Database
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection
from importers.registry import importer_for
from importers.run import ImportRequest, import_file
from importers.vct import Vct
from importers.vct_head import VctHead
from importers.vct_index import LIMIT_BYTES
from layers.catalog import Catalog

Point = tuple[float, float]
X, Y = 35_400_000.0, 3_430_000.0
HEADER = {
    "Datamark": "CNSDTF-VCT",
    "Version": "3.0",
    "CoordinateSystemType": "P",
    "Dim": "2",
    "XAxisDirection": "E",
    "YAxisDirection": "N",
    "XYUnit": "M",
    "Spheroid": "CGCS2000,6378137.0,298.257222101",
    "PrimeMeridian": "Greenwich",
    "Projection": "高斯-克吕格投影",
    "Parameters": "105,1,35500000,0,3,35",
    "ExtentMin": f"{X},{Y}",
    "ExtentMax": f"{X + 200},{Y + 100}",
    "MapScale": "2000",
    "Date": "20231231",
    "Separator": ",",
}
CODES = """1000110000,测量控制点,Point,CLKZD
1000600200,行政区界线,Line,XZQJX
2001010100,地类图斑,Polygon,DLTB
1000119000,注记,Annotation,ZJ"""
TABLES = """CLKZD,2
BSM,Char,18
KZDMC,Char,50
0
XZQJX,1
BSM,Char,18
0
DLTB,7
BSM,Char,18
YSDM,Char,10
DLMC,Char,60
TBMJ,Float,15,2
KCDLBM,Int4
SJNF,Date,8
BZ,Varchar
0
ZJ,1
ZJNR,Char,60
0"""
ATTRIBUTES = """CLKZD
1,5101820001,天彭测站
2,5101820002,丹景山
TableEnd
XZQJX
11,5101821001
TableEnd
DLTB
21,510182A,2001010100,水田,9900.00,3,20231231,
22,510182B,2001010100,果园,10000,,2023/1/5,带塘
23,510182C,2001010100,坑塘水面,100.00,1,,
TableEnd"""


def corners(*offsets: Point) -> list[str]:
    return [f"{X + x:.4f},{Y + y:.4f}" for x, y in offsets]


def block(number: int, code: str, *body: object) -> str:
    return "\n".join([str(number), code, "unknown", *map(str, body), "0", ""])


def line(number: int, code: str, *offsets: Point) -> str:
    return block(number, code, 1, 1, 11, len(offsets), *corners(*offsets))


def area(number: int, ids: Sequence[int], label: Point = (1, 1)) -> str:
    rows = [",".join(map(str, ids[at : at + 8])) for at in range(0, len(ids), 8)]
    return block(number, "2001010100", 100, *corners(label), 21, len(ids), *rows)


POINTS = block(1, "1000110000", 1, 1, *corners((5, 5))) + block(2, "1000110000", 1, *corners((6, 6)))
LINES = "\n".join(
    [
        line(11, "1000600200", (0, 0), (200, 0)),
        line(101, "1099000000", (100, 0), (100, 100)),
        line(102, "1099000000", (100, 100), (0, 100), (0, 0), (100, 0)),
        line(103, "1099000000", (100, 0), (200, 0), (200, 100), (100, 100)),
        line(104, "1099000000", (40, 40), (50, 40), (50, 50), (40, 50), (40, 40)),
    ]
)
AREAS = area(21, [101, 102, 0, -104]) + area(22, [-101, 103]) + area(23, [104])
NOTES = block(31, "1000119000", 1, "彭州市，天彭", *corners((7, 7)))[:-1].replace("\n0", ",30.5\n0") + "\n"


def vct(header: dict[str, str] | None = None, **sections: str) -> str:
    parts = {
        "FeatureCode": CODES,
        "TableStructure": TABLES,
        "Point": POINTS,
        "Line": LINES,
        "Polygon": AREAS,
        "Annotation": NOTES,
        "Attribute": ATTRIBUTES,
    } | sections
    head = "\n".join(f"{key}:{value}" for key, value in (HEADER | (header or {})).items() if value is not None)
    texts = {"Head": head, **parts}
    return "".join(f"{name}Begin\n{text}\n{name}End\n\n" for name, text in texts.items())


def written(folder: Path, text: str, encoding: str = "gbk") -> Path:
    path = folder / "510182.vct"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return path


def inspected(folder: Path, text: str, encoding: str = "gbk") -> dict[str, LayerInspection]:
    return {layer.name: layer for layer in Vct().inspect(written(folder, text, encoding), ReadOptions())}


def rows_of(folder: Path, text: str, name: str) -> pa.Table:
    layer = inspected(folder, text)[name]
    return pa.Table.from_batches(Vct().read(folder / "510182.vct", layer, ReadOptions()))


def shapes_of(table: pa.Table) -> list[shapely.Geometry | None]:
    return list(shapely.from_wkb(table.column(GEOMETRY_COLUMN).to_pylist()))


def counted(layer: LayerInspection) -> dict[str, int]:
    return {problem.code: problem.count for problem in layer.problems}


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
def test_layers_fields_and_systems(tmp_path: Path, encoding: str) -> None:
    layers = inspected(tmp_path, vct(), encoding)
    assert {name: (layer.geometry_type, layer.feature_count) for name, layer in layers.items()} == {
        "CLKZD": ("Point", 2),
        "XZQJX": ("LineString", 1),
        "DLTB": ("Polygon", 3),
        "ZJ": ("Point", 1),
    }
    areas = layers["DLTB"]
    assert {(layer.srid, layer.crs) for layer in layers.values()} == {(4523, "EPSG:4523")}
    assert "Parameters:105,1,35500000,0,3,35" in areas.crs_evidence
    assert [(item.name, item.type) for item in areas.fields] == [
        ("BSM", "text"),
        ("YSDM", "text"),
        ("DLMC", "text"),
        ("TBMJ", "double"),
        ("KCDLBM", "integer"),
        ("SJNF", "date"),
        ("BZ", "text"),
    ]
    assert areas.fields[2].samples == ("水田", "果园", "坑塘水面")
    assert areas.bbox == (X, Y, X + 200, Y + 100)
    assert counted(layers["CLKZD"]) == {"areas-of-lines": 3, "lines-no-layer": 4}
    assert counted(layers["ZJ"]) == {"attributes-missing": 1}
    assert all(layer.loads for layer in layers.values())


def test_areas_of_shared_lines_with_a_hole_have_their_known_sizes(tmp_path: Path) -> None:
    table = rows_of(tmp_path, vct(), "DLTB")
    first, second, third = shapes_of(table)
    assert (first.area, second.area, third.area) == (9_900.0, 10_000.0, 100.0)
    assert all(shape.is_valid for shape in (first, second, third))
    assert len(first.interiors) == 1
    assert shapely.Polygon(first.interiors[0]).equals(third)
    assert first.intersection(second).length == 100.0
    assert table.column("SJNF").to_pylist() == ["2023-12-31", "2023-01-05", None]
    assert table.column("BZ").to_pylist() == [None, "带塘", None]


def test_points_lines_and_annotations(tmp_path: Path) -> None:
    points = rows_of(tmp_path, vct(), "CLKZD")
    assert [(shape.x - X, shape.y - Y) for shape in shapes_of(points)] == [(5.0, 5.0), (6.0, 6.0)]
    assert points.column("KZDMC").to_pylist() == ["天彭测站", "丹景山"]
    assert points.column("YSDM").to_pylist() == ["1000110000"] * 2
    (border,) = shapes_of(rows_of(tmp_path, vct(), "XZQJX"))
    assert border.length == 200.0
    notes = rows_of(tmp_path, vct(), "ZJ")
    assert notes.column("annotation_text").to_pylist() == ["彭州市，天彭"]
    assert notes.column("annotation_angle").to_pylist() == ["30.5"]
    assert shapes_of(notes)[0].x == X + 7


def direct(number: int, *rings: Sequence[Point]) -> str:
    parts = [item for ring in rings for item in (11, len(ring), *corners(*ring))]
    return block(number, "2001010100", 1, *corners((1, 1)), len(rings), *parts)


SQUARE = [(0, 0), (90, 0), (90, 90), (0, 90), (0, 0)]
HOLE = [(10, 10), (80, 10), (80, 80), (10, 80), (10, 10)]
ISLAND = [(20, 20), (70, 20), (70, 70), (20, 70), (20, 20)]
ELSEWHERE = [(100, 0), (110, 0), (110, 10), (100, 10)]


def test_direct_rings_nest_by_where_they_lie(tmp_path: Path) -> None:
    text = vct(Polygon=direct(21, SQUARE) + direct(22, HOLE, SQUARE) + direct(23, ISLAND, SQUARE, ELSEWHERE, HOLE))
    one, two, three = shapes_of(rows_of(tmp_path, text, "DLTB"))
    assert (one.area, two.area) == (8_100.0, 8_100.0 - 4_900.0)
    assert three.geom_type == "MultiPolygon"
    assert three.area == 8_100.0 - 4_900.0 + 2_500.0 + 100.0
    assert inspected(tmp_path, text)["DLTB"].geometry_type == "MultiPolygon"


def test_arcs_and_circles_are_drawn_within_a_centimetre(tmp_path: Path) -> None:
    circle = block(21, "2001010100", 1, *corners((0, 0)), 1, 13, *corners((50, 50)), 20)
    through = block(22, "2001010100", 1, *corners((0, 0)), 1, 12, *corners((70, 50), (50, 70), (30, 50)))
    arc = block(11, "1000600200", 1, 1, 12, *corners((70, 50), (50, 70), (30, 50)))
    text = vct(Polygon=circle + through, Line=arc)
    for shape in shapes_of(rows_of(tmp_path, text, "DLTB"))[:2]:
        assert shape.area == pytest.approx(3.141592653589793 * 400, rel=1e-3)
    (drawn,) = shapes_of(rows_of(tmp_path, text, "XZQJX"))
    assert drawn.length == pytest.approx(3.141592653589793 * 20, rel=1e-3)
    assert shapely.get_coordinates(drawn)[-1].tolist() == [X + 30, Y + 50]


def test_lines_of_several_pieces_and_lines_of_lines(tmp_path: Path) -> None:
    pieces = block(11, "1000600200", 1, 2, 11, 2, *corners((0, 0), (1, 0)), 11, 2, *corners((1, 0), (1, 1)))
    apart = block(12, "1000600200", 1, 2, 11, 2, *corners((0, 0), (1, 0)), 11, 2, *corners((5, 0), (6, 0)))
    made = block(13, "1000600200", 100, 2, "11,-14")
    last = line(14, "1099000000", (9, 9), (1, 1))
    one, two, three = shapes_of(rows_of(tmp_path, vct(Line=pieces + apart + made + last, Polygon=""), "XZQJX"))
    assert (one.length, one.geom_type) == (2.0, "LineString")
    assert (two.length, two.geom_type) == (2.0, "MultiLineString")
    assert shapely.get_coordinates(three)[-1].tolist() == [X + 9, Y + 9]


@pytest.mark.parametrize(
    ("x", "y", "matrix"),
    [("N", "E", (0, 1, 1, 0)), ("E", "S", (1, 0, 0, -1)), ("W", "N", (-1, 0, 0, 1))],
)
def test_axes_are_turned_as_the_header_says(
    tmp_path: Path, x: str, y: str, matrix: tuple[float, float, float, float]
) -> None:
    a, b, c, d = matrix
    before = shapely.Polygon([(X + east, Y + north) for east, north in ISLAND])
    drawn = vct({"XAxisDirection": x, "YAxisDirection": y}, Polygon=direct(21, ISLAND), Attribute="")
    (shape,) = shapes_of(rows_of(tmp_path, drawn, "DLTB"))
    assert shapely.transform(before, lambda xy: xy @ [[a, c], [b, d]]).equals(shape)


@pytest.mark.parametrize(
    ("header", "easting", "srid"),
    [
        ({}, X, 4523),
        ({"Parameters": "105,0,,,,1,35500000,0,3,"}, X, 4523),
        ({"Parameters": "105,1,500000,0,3,35"}, 400_000, 4544),
        ({"Parameters": "117,0,,,,1,500000,0,3,"}, 39_429_645.0, 4527),
        ({"Parameters": "75,1,25500000,0,3,25"}, 25_400_000, 4513),
        ({"Parameters": "135,1,500000,0,3,45"}, 400_000, 4554),
        ({"Parameters": "105,1,18500000,0,6,18"}, 18_400_000, 4496),
        ({"Parameters": "105,1,500000,0,6,18"}, 400_000, 4507),
        ({"CoordinateSystemType": "D", "XYUnit": "D"}, 103.9, 4490),
        ({"CoordinateSystemType": "D", "XYUnit": ""}, 103.9, 4490),
        ({"Spheroid": "2000国家大地坐标系,6378137,298.257222101"}, X, 4523),
        ({"Spheroid": "西安(1980),6378.140,298.257"}, X, None),
        ({"Spheroid": "WGS84,6378137,298.257223563"}, X, None),
        ({"Parameters": "104,1,35500000,0,3,35"}, X, None),
        ({"Parameters": "105,1,36500000,0,3,35"}, X, None),
        ({"Parameters": ""}, X, None),
        ({"CoordinateSystemType": "C"}, X, None),
        ({"XYUnit": "KM"}, X, None),
    ],
)
def test_systems_of_the_header(header: dict[str, str], easting: float, srid: int | None) -> None:
    values = {key.lower(): value for key, value in (HEADER | header).items()}
    found, evidence = VctHead(values).system(easting)
    assert (found, "--crs" in evidence) == (srid, srid is None)


def test_degrees_are_kept(tmp_path: Path) -> None:
    point = block(1, "1000110000", 1, 1, "103.958123456789,30.990000000001")
    header = {"CoordinateSystemType": "D", "XYUnit": "D", "Parameters": ""}
    layer = inspected(tmp_path, vct(header, Point=point, Line="", Polygon=""))["CLKZD"]
    assert layer.srid == 4490
    assert layer.bbox == (103.958123456789, 30.990000000001) * 2


def test_one_table_of_several_codes_is_one_layer_and_of_several_kinds_two(tmp_path: Path) -> None:
    codes = f"{CODES}\n2001010101,图斑二,Polygon,DLTB\n2001010102,图斑线,Line,DLTB"
    second = direct(22, ISLAND).replace("2001010100", "2001010101")
    text = vct(
        FeatureCode=codes,
        Line=line(23, "2001010102", (0, 0), (1, 0)),
        Polygon=direct(21, SQUARE) + second,
        Attribute=ATTRIBUTES + "\nDLTB\n24,a,2001010100,b,1,1,,\nTableEnd",
    )
    layers = inspected(tmp_path, text)
    assert {name: layer.feature_count for name, layer in layers.items() if "DLTB" in name} == {
        "DLTB_polygon": 3,
        "DLTB_line": 1,
    }
    assert counted(layers["DLTB_polygon"])["attributes-without-object"] == 1
    assert rows_of(tmp_path, text, "DLTB_line").column("DLMC").to_pylist() == ["坑塘水面"]


def test_a_table_without_objects_is_a_layer_without_geometry(tmp_path: Path) -> None:
    text = vct(TableStructure=f"{TABLES}\nQSDWDMB,2\nQSDWDM,Char,19\nQSDWMC,Char,60\n0").replace(
        "AttributeEnd", "QSDWDMB\n1,510182,彭州市\n2,510183,邛崃市\nTableEnd\nAttributeEnd"
    )
    layer = inspected(tmp_path, text)["QSDWDMB"]
    assert (layer.geometry_type, layer.feature_count, layer.srid) == ("none", 2, None)
    assert rows_of(tmp_path, text, "QSDWDMB").column("QSDWMC").to_pylist() == ["彭州市", "邛崃市"]
    broken = inspected(tmp_path, text.replace("2,510183", "2,3,4,510183"))["QSDWDMB"]
    assert not broken.loads


@pytest.mark.parametrize(
    ("areas", "shapes", "code", "said"),
    [
        (area(21, [101, 999]), "nyy", "geometry-broken", "there is no line 999"),
        (area(21, [101, 104]), "nyy", "geometry-broken", "do not close a ring"),
        (area(21, []), "nyy", "geometry-broken", "names no line"),
        (area(21, [0]), "nyy", "geometry-broken", "names no line"),
        (direct(21, SQUARE).replace(f"{X + 90:.4f}", "9o", 1), "nyy", "geometry-broken", "no number"),
        (direct(21, SQUARE).replace(f"{X + 90:.4f}", "nan", 1), "nyy", "geometry-broken", "no number"),
        (direct(21, SQUARE[:2]), "nyy", "geometry-broken", "2 corners"),
        (area(21, [101, -102]), "yyy", "ring-signs", "object 21"),
        (area(29, [104]), "yyyn", "attributes-missing", "object 29"),
    ],
)
def test_a_broken_object_is_one_row_without_geometry(
    tmp_path: Path, areas: str, shapes: str, code: str, said: str
) -> None:
    text = vct(Polygon=areas + area(22, [-101, 103]) + area(23, [104]))
    layer = inspected(tmp_path, text)["DLTB"]
    found = shapes_of(rows_of(tmp_path, text, "DLTB"))
    assert "".join("n" if shape is None else "y" for shape in found) == shapes
    assert layer.feature_count == len(shapes)
    (problem,) = [problem for problem in layer.problems if problem.code == code]
    assert problem.count == 1
    assert said in problem.message


def test_rows_that_do_not_fit_their_table_are_not_shifted(tmp_path: Path) -> None:
    text = vct().replace("果园,10000", "果园,园地,10000").replace("23,510182C", "21,510182C")
    table = rows_of(tmp_path, text, "DLTB")
    assert table.column("DLMC").to_pylist() == ["水田", None, None, "坑塘水面"]
    assert [shape is None for shape in shapes_of(table)] == [False, True, False, True]
    assert counted(inspected(tmp_path, text)["DLTB"]) == {
        "attributes-misfit": 1,
        "attributes-missing": 1,
        "attributes-without-object": 1,
    }


@pytest.mark.parametrize(
    ("old", "new", "line_says", "said"),
    [
        ("Version:3.0", "Version:2.0", "Version", "version 2.0"),
        ("Datamark:CNSDTF-VCT\nVersion:3.0", "DataMark:LANDUSE.VCT\nVersion:1.0", "", "version 1.0"),
        ("PolygonEnd\n", "", "AnnotationBegin", "before PolygonEnd"),
        ("PointEnd\n", "", "LineBegin", "before PointEnd"),
        ("TableEnd\nXZQJX", "XZQJX", "XZQJX", "no TableEnd"),
        ("AttributeEnd\n", "", "", "ends within"),
        ("BZ,Varchar\n0\n", "BZ,Varchar\n", "", "field"),
        ("DLTB,7", "DLTB,8", "", "7 fields and says 8"),
        ("11\n5\n", "11\n6\n", "0", "where a coordinate should"),
        ("11\n5\n", "11\n4\n", "", "where 0 should end it"),
        ("11\n5\n", "11\n99999999999\n", "99999999999", "is no number of points"),
        ("11\n5\n", "15\n5\n", "15", "a curve of kind 15"),
        ("\n104\n1099", "\nabc\n1099", "abc", "is no object id"),
        ("\n-104", "\n-1o4", "", "ids of lines"),
        ("XAxisDirection:E", "XAxisDirection:Q", "", "XAxisDirection"),
        ("XAxisDirection:E", "XAxisDirection:N", "", "right angles"),
        ("Separator:,", "Offset:100,0\nSeparator:,", "", "shifts coordinates"),
        ("HeadEnd\n\nFeature", "HeadEnd\nstray\n\nFeature", "stray", "outside any section"),
        ("FeatureCodeBegin", "CommentBegin", "", "no CommentEnd"),
    ],
)
def test_faults_of_structure_name_their_line(tmp_path: Path, old: str, new: str, line_says: str, said: str) -> None:
    text = vct(Polygon=AREAS.replace("0,-104", "0\n-104"))
    assert old in text
    text = text.replace(old, new, 1)
    with pytest.raises(ImportRefused) as refused:
        inspected(tmp_path, text)
    assert said in refused.value.what
    assert refused.value.remedy
    name, _, number = refused.value.where.partition(":")
    assert name == "510182.vct"
    if line_says and "version" not in said:
        assert text.splitlines()[int(number) - 1].startswith(line_says)


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, vct())
    with path.open("r+b") as file:
        file.truncate(LIMIT_BYTES + 1)
    with pytest.raises(ImportRefused) as refused:
        Vct().inspect(path, ReadOptions())
    assert refused.value.code == "file-too-large"


@pytest.mark.parametrize("encoding", ["no-such", "utf-16", "base64"])
def test_an_encoding_that_cannot_be_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        Vct().inspect(written(tmp_path, vct()), ReadOptions(encoding=encoding))
    assert refused.value.code == "encoding"


def test_it_is_known_by_its_header(tmp_path: Path) -> None:
    path = written(tmp_path, "CommentBegin\n说明\nCommentEnd\n" + vct({"Version": "GB/T 17798-2007"}))
    assert importer_for(path).name == "VCT"
    assert len(Vct().inspect(path, ReadOptions())) == 4


async def test_an_import_keeps_areas_and_accounts_for_every_row(database: Database, tmp_path: Path) -> None:
    text = vct(Polygon=AREAS + area(24, [999])).replace("23,510182C", "24,x,2001010100,y,一亩,1,,\n23,510182C")
    request = ImportRequest(written(tmp_path, text), "test", "technician", options=ReadOptions(trust_file=True))
    reports = {report.layer: report for report in await import_file(database, Catalog({}, (), {}, {}), request)}
    assert {name: (report.read, report.loaded, len(report.rejected)) for name, report in reports.items()} == {
        "clkzd": (2, 2, 0),
        "xzqjx": (1, 1, 0),
        "dltb": (4, 3, 1),
        "zj": (1, 1, 0),
    }
    assert [rejected.row for rejected in reports["dltb"].rejected] == [4]
    async with database.writing() as connection:
        collection = await the_collection(connection, "dltb")
        found = await connection.execute(
            sa.text("SELECT dlmc, ST_Area(geom), tbmj, sjnf::text FROM city.dltb ORDER BY bsm")
        )
        assert [tuple(row) for row in found] == [
            ("水田", 9_900.0, 9_900.0, "2023-12-31"),
            ("果园", 10_000.0, 10_000.0, "2023-01-05"),
            ("坑塘水面", 100.0, 100.0, None),
        ]
    assert collection.schema.srid == 4523


@st.composite
def mosaics(draw: st.DrawFn) -> list[shapely.Polygon]:
    """Cells of a grid with corners moved, so neighbours share boundaries; some have a hole that is a cell too."""
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    moved = st.integers(-2_000, 2_000).map(lambda value: value / 1000)
    nodes = {(i, j): (i * 20 + draw(moved), j * 20 + draw(moved)) for i in range(columns + 1) for j in range(rows + 1)}
    cells = []
    for i in range(columns):
        for j in range(rows):
            ring = [nodes[i, j], nodes[i + 1, j], nodes[i + 1, j + 1], nodes[i, j + 1]]
            hole = shapely.box(i * 20 + 8, j * 20 + 8, i * 20 + 12, j * 20 + 12) if draw(st.booleans()) else None
            cells.append(shapely.Polygon(ring, [hole.exterior] if hole else []))
            cells += [hole] if hole else []
    return cells


def indirect(cells: Iterable[shapely.Polygon], rng: random.Random) -> tuple[str, str]:
    """Cells as shared lines, each written once in a direction that chance gives, and the areas made of them."""
    signed: dict[tuple[Point, Point], int] = {}
    lines, areas = [], []
    for number, cell in enumerate(cells, 1):
        ids: list[int] = []
        for ring in (cell.exterior, *cell.interiors):
            ids += [0] if ids else []
            for one, other in pairwise((x, y) for x, y in shapely.get_coordinates(ring).tolist()):
                if (one, other) not in signed:
                    begin, end = (one, other) if rng.random() < 0.5 else (other, one)
                    line_id = 1000 + len(signed)
                    signed[begin, end], signed[end, begin] = line_id, -line_id
                    lines.append(line(line_id, "1099000000", begin, end))
                ids.append(signed[one, other])
        areas.append(area(number, ids))
    return "".join(lines), "".join(areas)


@settings(max_examples=60, deadline=None)
@given(cells=mosaics(), seed=st.integers(0, 99))
def test_areas_written_as_shared_lines_come_back_equal(
    tmp_path_factory: pytest.TempPathFactory, cells: list[shapely.Polygon], seed: int
) -> None:
    lines, areas = indirect(cells, random.Random(seed))
    text = vct(Point="", Line=lines, Polygon=areas, Annotation="", Attribute="")
    folder = tmp_path_factory.mktemp("vct")
    assert not {"ring-signs", "geometry-broken"} & counted(inspected(folder, text)["DLTB"]).keys()
    found = shapes_of(rows_of(folder, text, "DLTB"))
    assert len(found) == len(cells)
    for before, after in zip(cells, found, strict=True):
        moved = shapely.transform(before, lambda xy: xy + np.array([X, Y]))
        assert after is not None
        assert shapely.equals_exact(moved.normalize(), after.normalize(), tolerance=1e-6)


def test_mutants_end_in_a_reason_or_in_rows(tmp_path: Path) -> None:
    rng = random.Random(7)
    content = vct().encode("gbk")
    for number in range(300):
        place, length = rng.randrange(len(content)), rng.randrange(1, 60)
        mutant = content[:place] + rng.randbytes(rng.randrange(3)) + content[place + length :]
        path = tmp_path / f"{number}.vct"
        path.write_bytes(mutant)
        with contextlib.suppress(ImportRefused):
            for layer in Vct().inspect(path, ReadOptions()):
                read = sum(batch.num_rows for batch in Vct().read(path, layer, ReadOptions()))
                assert read == layer.feature_count > 0
