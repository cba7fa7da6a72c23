"""CityGML of both versions: counts of real files, axis order, appearances, links, and XML that means harm."""

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from city_models import inspected, load, resolved, written

from cim.errors import ImportRefused
from cim.store.database import Database
from importers.city.citygml import GmlModel

YOKOSUKA = "plateau_yokosuka_52397519_bldg_6697.gml"
TABLE = [
    (YOKOSUKA, {"Building": 13, "BuildingPart": 2}, "EPSG:6668", "EPSG:6695"),
    ("citygml4j_lod2_buildings_v3.gml", {"Building": 100}, "EPSG:3068", "EPSG:5783"),
    ("Opera-Lyon_CityGML3.0_LOD2.gml", {"Building": 1}, "EPSG:3946", None),
    (
        "Building_LOD3-EPSG25832_v3.gml",
        {"Building": 1, "BuildingRoom": 1, "BuildingFurniture": 1, "TINRelief": 1},
        "EPSG:25832",
        "EPSG:5783",
    ),
    ("Building_LOD1-EPSG25832_v2.gml", {"Building": 1, "TINRelief": 1}, "EPSG:25832", "EPSG:5783"),
    (
        "Building_and_garage_LOD2-EPSG25832_v2.gml",
        {"Building": 1, "BuildingPart": 1, "TINRelief": 1},
        "EPSG:25832",
        "EPSG:5783",
    ),
    ("melbourne_roads_3way_v3.gml", {"Road": 2, "+Section": 3, "+Intersection": 1}, "EPSG:32755", None),
    ("plateau_numazu_fld_6697.gml", {"WaterBody": 3}, "EPSG:6668", "EPSG:6695"),
]
BOXES = {
    YOKOSUKA: (139.737244, 35.258297, 139.740555, 35.261544),
    "citygml4j_lod2_buildings_v3.gml": (0, 0, 96, 98),
    "Opera-Lyon_CityGML3.0_LOD2.gml": (1842810.058, 5175815.902, 1842869.682, 5175863.0),
    "Building_LOD3-EPSG25832_v3.gml": (458868, 5438343, 458892, 5438362),
    "melbourne_roads_3way_v3.gml": (321102.079, 5813636.042, 321259.245, 5814071.23),
    "plateau_numazu_fld_6697.gml": (138.888125, 35.108125, 138.888875, 35.108333),
}
AGAIN = {YOKOSUKA, "Building_LOD3-EPSG25832_v3.gml"}
POLYGONS = {YOKOSUKA: 811, "citygml4j_lod2_buildings_v3.gml": 700, "Opera-Lyon_CityGML3.0_LOD2.gml": 2279}


@pytest.mark.parametrize(("name", "types", "crs", "datum"), TABLE)
async def test_every_object_of_the_file_is_one_of_the_layer(
    real_data: Path, database: Database, tmp_path: Path, name: str, types: dict[str, int], crs: str, datum: str | None
) -> None:
    source = real_data / "city" / name
    layer = inspected(source)
    assert (layer.feature_count, layer.crs, layer.height_datum) == (sum(types.values()), crs, datum)
    if name in BOXES:
        assert layer.bbox == pytest.approx(BOXES[name], abs=1e-6 if datum == "EPSG:6695" else 0.01)
    report = await load(database, source, "town")
    assert (report.loaded, len(report.rejected)) == (sum(types.values()), 0)
    async with database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT object_type FROM city.town"))
        assert Counter(rows.scalars()) == types
    if name not in AGAIN:
        return
    first = await written(database, "town", tmp_path / "a.city.json")
    await load(database, first, "again")
    again = await written(database, "again", tmp_path / "b.city.jsonl", "cityjsonseq")
    assert resolved(again) == resolved(first)


@pytest.mark.parametrize("name", POLYGONS)
def test_every_polygon_is_there_once_or_in_more_shells(real_data: Path, name: str) -> None:
    surfaces = set()
    for family in GmlModel(real_data / "city" / name).families():
        for one in family:
            for geometry in one.content.get("geometry", []):
                flat = geometry["boundaries"] if geometry["type"] == "MultiSurface" else geometry["boundaries"][0]
                surfaces |= {(one.id, geometry["lod"], geometry["type"], str(surface)) for surface in flat}
    assert len(surfaces) == POLYGONS[name]


async def test_attributes_of_the_extension_and_codes_are_kept(real_data: Path, database: Database) -> None:
    await load(database, real_data / "city" / YOKOSUKA, "town")
    async with database.writing() as connection:
        (row,) = (
            await connection.execute(
                sa.text(
                    "SELECT name, usage, storeys_above, height_m, lods, ST_X(ST_Centroid(geom)), attributes::jsonb"
                    " FROM city.town WHERE object_id = 'bldg_787d830e-2534-410a-8a2a-a531efeb2533'"
                )
            )
        ).all()
    assert row[:5] == ("横須賀美術館", "422", 1, 6.0, "0,1,2")
    assert row[5] == pytest.approx(139.739, abs=0.002)
    assert any("uro" in name.lower() or "Attribute" in name or "detail" in name.lower() for name in row[6])


GML = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"
 xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:app="http://www.opengis.net/citygml/appearance/2.0">
 <gml:boundedBy><gml:Envelope srsName="EPSG:4544" srsDimension="3"/></gml:boundedBy>
 <core:cityObjectMember><bldg:Building gml:id="a"><gml:name>{name}</gml:name>{geometry}</bldg:Building>
 </core:cityObjectMember>
 {more}
</core:CityModel>"""
SQUARE = (
    '<gml:Polygon gml:id="p"><gml:exterior><gml:LinearRing gml:id="r"><gml:posList>400000 3430000 5 400010 3430000 5'
    " 400010 3430010 5 400000 3430010 5 400000 3430000 5</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
)


def lod1(content: str) -> str:
    """A surface of LoD 1."""
    return f"<bldg:lod1MultiSurface><gml:MultiSurface>{content}</gml:MultiSurface></bldg:lod1MultiSurface>"


def gml(folder: Path, *, doctype: str = "", name: str = "x", geometry: str = "", more: str = "") -> Path:
    """A file of one building."""
    path = folder / "town.gml"
    path.write_text(GML.format(doctype=doctype, name=name, geometry=geometry, more=more), "utf-8")
    return path


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    ("doctype", "name"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]>', "&l11;"),
        ('<!DOCTYPE a [<!ENTITY leak SYSTEM "file:///etc/passwd">]>', "&leak;"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">', "x"),
        ('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/a"> %p;]>', "x"),
    ],
)
def test_a_document_type_is_refused(tmp_path: Path, doctype: str, name: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        inspected(gml(tmp_path, doctype=doctype, name=name))
    assert refused.value.code in {"xml-doctype", "unreadable"}
    assert "root" not in str(refused.value)


def test_xml_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep = "<bldg:a>" * 100_000 + "</bldg:a>" * 100_000
    with pytest.raises(ImportRefused, match="cannot be read"):
        inspected(gml(tmp_path, more=deep))


@pytest.mark.parametrize(
    "text", ["<", "<core:CityModel", GML.format(doctype="", name="&nothing;", geometry="", more="")]
)
def test_broken_xml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "town.gml"
    path.write_text(text if "CityModel" in text else f"{text}!-- citygml", "utf-8")
    with pytest.raises(ImportRefused):
        inspected(path)


async def test_links_within_the_file_are_followed_and_others_told(database: Database, tmp_path: Path) -> None:
    links = {"b": lod1('<gml:surfaceMember xlink:href="#p"/>'), "c": lod1('<gml:surfaceMember xlink:href="#gone"/>')}
    other = "".join(
        f'<core:cityObjectMember><bldg:Building gml:id="{name}">{link}</bldg:Building></core:cityObjectMember>'
        for name, link in links.items()
    )
    path = gml(tmp_path, geometry=lod1(f"<gml:surfaceMember>{SQUARE}</gml:surfaceMember>"), more=other)
    report = await load(database, path, "town")
    assert report.loaded == 3
    assert ["#gone is not in the file" in row.repair for row in report.repaired] == [True]
    async with database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT object_id, ST_Area(geom) FROM city.town ORDER BY object_id"))
        assert [(row[0], row[1] and round(row[1])) for row in rows] == [("a", 100), ("b", 100), ("c", None)]


async def test_links_in_a_circle_end(database: Database, tmp_path: Path) -> None:
    circle = (
        '<gml:surfaceMember><gml:CompositeSurface gml:id="q"><gml:surfaceMember xlink:href="#q"/>'
        "</gml:CompositeSurface></gml:surfaceMember>"
    )
    report = await load(database, gml(tmp_path, geometry=lod1(circle)), "town")
    assert report.status == "refused"
    assert "circle" in report.message


async def test_coordinates_that_are_none_reject_the_object(database: Database, tmp_path: Path) -> None:
    texts = ["400000 3430000 x", "400000 3430000", "nan nan nan 1 1 1 2 2 2"]
    members = "".join(
        f'<core:cityObjectMember><bldg:Building gml:id="w{n}">'
        + lod1(SQUARE.replace("400000 3430000 5 400010 3430000 5", text))
        + "</bldg:Building></core:cityObjectMember>"
        for n, text in enumerate(texts)
    )
    path = gml(tmp_path, geometry=lod1(f"<gml:surfaceMember>{SQUARE}</gml:surfaceMember>"), more=members)
    report = await load(database, path, "town")
    assert (report.read, report.loaded) == (4, 1)
    assert [row.reason.split(":")[0] for row in report.rejected] == ["w0", "w1", "w2"]


async def test_materials_and_textures_come_out_as_they_went_in(database: Database, tmp_path: Path) -> None:
    look = (
        "<app:appearanceMember><app:Appearance><app:theme>summer</app:theme><app:surfaceDataMember><app:X3DMaterial>"
        "<gml:name>red</gml:name><app:diffuseColor>1 0 0</app:diffuseColor><app:target>#p</app:target>"
        "</app:X3DMaterial></app:surfaceDataMember><app:surfaceDataMember><app:ParameterizedTexture>"
        '<app:imageURI>pictures/wall.png</app:imageURI><app:target uri="#p"><app:TexCoordList>'
        '<app:textureCoordinates ring="#r">0 0 1 0 1 1 0 1 0 0</app:textureCoordinates></app:TexCoordList></app:target>'
        "</app:ParameterizedTexture></app:surfaceDataMember></app:Appearance></app:appearanceMember>"
    )
    path = gml(tmp_path, geometry=lod1(f"<gml:surfaceMember>{SQUARE}</gml:surfaceMember>"), more=look)
    await load(database, path, "town")
    (geometry,) = resolved(await written(database, "town", tmp_path / "out.city.json"))["a"]["geometry"]
    assert geometry["material"] == {"summer": {"values": [{"name": "red", "diffuseColor": [1.0, 0.0, 0.0]}]}}
    wall = {"type": "PNG", "image": "pictures/wall.png"}
    assert geometry["texture"] == {"summer": [[[wall, [[0, 0], [1, 0], [1, 1], [0, 1]]]]]}
