"""The red-line text is read as it is handed over, and written so that it is read again as the same."""

import contextlib
import random
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import ImportRefused
from cim.store.collections import the_collection
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.redline import RedLineText
from importers.redline_text import RedLineParcel, format_redline, parse_redline
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

TEXT = """[属性描述]
格式版本号=1.01
坐标系=2000国家大地坐标系
几度分带=3
投影类型=高斯克吕格
计量单位=米
带号=35
精度=0.001
转换参数=,,,,,,
[地块坐标]
10,0.9600,1,彭州市一号地块,面,H48G001001,工业用地,,@
J1,1,3430000.000,35400000.000
J2,1,3430100.000,35400000.000
J3,1,3430100.000,35400100.000
J4,1,3430000.000,35400100.000
J1,1,3430000.000,35400000.000
J5,2,3430040.000,35400040.000
J6,2,3430040.000,35400060.000
J7,2,3430060.000,35400060.000
J8,2,3430060.000,35400040.000
J5,2,3430040.000,35400040.000
4,0.0050,2,二号地块,面,,道路用地,,@
J1,1,3430200.000,35400000.000
J2,1,3430210.000,35400000.000
J3,1,3430200.000,35400010.000
J1,1,3430200.000,35400000.000
"""


def test_a_hand_written_file() -> None:
    red_line = parse_redline(TEXT, "a.txt")
    first, second = red_line.parcels
    assert (first.number, first.name, first.sheet, first.use) == ("1", "彭州市一号地块", "H48G001001", "工业用地")
    assert first.polygon.area == 100 * 100 - 20 * 20
    assert first.polygon.bounds == (35_400_000.0, 3_430_000.0, 35_400_100.0, 3_430_100.0)
    assert (second.polygon.area, second.area_ha) == (50.0, 0.005)
    assert (red_line.unclosed, red_line.miscounted) == (0, 0)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
async def test_an_import_knows_the_system_from_the_header(database: Database, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "红线.txt"
    path.write_bytes(TEXT.encode(encoding))
    request = ImportRequest(path, "test", "technician", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    assert (report.layer, report.loaded) == ("hongxian", 2), report.message
    async with database.writing() as connection:
        collection = await the_collection(connection, "hongxian")
        areas = await connection.execute(sa.text("SELECT name, ST_Area(geom) FROM city.hongxian ORDER BY parcel_no"))
        assert [tuple(row) for row in areas] == [("彭州市一号地块", 9600.0), ("二号地块", 50.0)]
    assert collection.schema.srid == 4523


@pytest.mark.parametrize(
    ("header", "srid"),
    [
        ({"带号": "34"}, 4522),
        ({"坐标系": "1980西安坐标系"}, 2359),
        ({"坐标系": "北京54坐标系", "几度分带": "6", "带号": "18"}, 21418),
        ({"坐标系": "地方坐标系"}, None),
        ({"带号": "99"}, None),
    ],
)
def test_systems_of_the_header(tmp_path: Path, header: dict[str, str], srid: int | None) -> None:
    path = tmp_path / "a.txt"
    path.write_text(format_redline(parse_redline(TEXT, "a").parcels, header), "utf-8")
    (layer,) = RedLineText().inspect(path, ReadOptions())
    assert layer.srid == srid


def test_what_does_not_agree_is_told(tmp_path: Path) -> None:
    text = TEXT.replace("10,0.9600", "12,0.5").replace("J1,1,3430200.000,35400000.000\n", "", 2)
    text = text.replace("J2,1,3430210", "J1,1,3430200.000,35400000.000\nJ2,1,3430210")
    path = tmp_path / "a.txt"
    path.write_text(text, "utf-8")
    (layer,) = RedLineText().inspect(path, ReadOptions())
    assert {problem.code: problem.count for problem in layer.problems} == {
        "ring-unclosed": 1,
        "points-miscounted": 2,
        "area-disagrees": 1,
    }


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[属性描述]\n[地块坐标]\n", "a.txt"),
        ("[地块坐标]\nJ1,1,2,3\n", "a.txt:2"),
        ("[地块坐标]\n4,1,1,n,面,,,,@\nJ1,x,2,3\n", "a.txt:3"),
        ("[地块坐标]\n4,1,1,n,面,,,,@\nJ1,1,2,3\nJ2,1,3,3\n", "a.txt:2"),
        ("坐标\n", "a.txt:1"),
    ],
)
def test_faults_name_their_line(text: str, where: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        parse_redline(text, "a.txt")
    assert refused.value.where == where


coordinate = st.integers(0, 10_000_000).map(lambda millimetres: millimetres / 1000)
word = st.text(alphabet="彭州地块ABC123", max_size=8)


@st.composite
def parcels(draw: st.DrawFn) -> RedLineParcel:
    west, south = 35_400_000 + draw(coordinate), 3_430_000 + draw(coordinate)
    side = draw(st.integers(20, 900))
    hole = [shapely.box(west + 5, south + 5, west + 9, south + 9).exterior] if draw(st.booleans()) else []
    polygon = shapely.Polygon(shapely.box(west, south, west + side, south + side).exterior, hole)
    return RedLineParcel(draw(word), draw(word), polygon, sheet=draw(word), use=draw(word), land_code=draw(word))


@settings(max_examples=60)
@given(st.lists(parcels(), min_size=1, max_size=4))
def test_what_is_written_is_read_again_as_the_same(written: list[RedLineParcel]) -> None:
    red_line = parse_redline(format_redline(written), "a.txt")
    assert (red_line.unclosed, red_line.miscounted) == (0, 0)
    for before, after in zip(written, red_line.parcels, strict=True):
        assert shapely.equals_exact(before.polygon, after.polygon, tolerance=0.00051)
        kept = ("number", "name", "sheet", "use", "land_code", "kind")
        assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]


def test_mutants_end_in_a_reason_or_in_parcels(tmp_path: Path) -> None:
    rng = random.Random(3)
    content = TEXT.encode("gbk")
    for _ in range(60):
        place, length = rng.randrange(len(content)), rng.randrange(1, 40)
        mutant = content[:place] + rng.randbytes(rng.randrange(3)) + content[place + length :]
        path = tmp_path / "a.txt"
        path.write_bytes(mutant)
        with contextlib.suppress(ImportRefused):
            (layer,) = RedLineText().inspect(path, ReadOptions())
            assert sum(batch.num_rows for batch in RedLineText().read(path, layer, ReadOptions())) > 0
