"""WFS: features as GML and GeoJSON, axis order, paging, filters, the policy, hostile XML."""

import pytest
import sqlalchemy as sa
from lxml import etree
from publishing import publish_rows, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field
from web.ogc.xml_names import plain_name, xml_name

NS = {
    "wfs": "http://www.opengis.net/wfs/2.0",
    "gml": "http://www.opengis.net/gml/3.2",
    "cim": "urn:onemap-cim:features",
    "ows": "http://www.opengis.net/ows/1.1",
    "xsd": "http://www.w3.org/2001/XMLSchema",
}
FES = "http://www.opengis.net/fes/2.0"


def get(**more: str) -> dict[str, str]:
    asked = {"SERVICE": "WFS", "VERSION": "2.0.0", "REQUEST": "GetFeature", "TYPENAMES": "cim:squares"}
    return {name: value for name, value in (asked | more).items() if value != "-"}


def condition(inner: str) -> str:
    return f'<fes:Filter xmlns:fes="{FES}" xmlns:gml="{NS["gml"]}">{inner}</fes:Filter>'


def comparison(name: str, value: str, field: str = "code", more: str = "") -> str:
    return (
        f"<fes:{name}{more}><fes:ValueReference>{field}</fes:ValueReference>"
        f"<fes:Literal>{value}</fes:Literal></fes:{name}>"
    )


async def codes(served: Served, role: str = "viewer", **more: str) -> list[str]:
    answer = await getattr(served, role).get("/wfs", params=get(**more))
    assert answer.status_code == 200, answer.text
    root = etree.fromstring(answer.content)
    assert int(root.get("numberReturned")) == len(root.findall("wfs:member", NS))
    return [element.text for element in root.iterfind("wfs:member/cim:squares/cim:code", NS)]


async def test_gml_has_the_axis_order_of_its_system(shared: Served) -> None:
    firsts = {}
    for system in (
        "urn:ogc:def:crs:EPSG::4490",
        "EPSG:3857",
        "urn:ogc:def:crs:EPSG::4523",
        "urn:ogc:def:crs:OGC:1.3:CRS84",
    ):
        root = etree.fromstring((await shared.viewer.get("/wfs", params=get(SRSNAME=system, COUNT="1"))).content)
        polygon = root.find(".//gml:Polygon", NS)
        assert polygon.get(f"{{{NS['gml']}}}id")
        places = polygon.findtext(".//gml:posList", namespaces=NS).split()
        firsts[system] = (float(places[0]), float(places[1]))
    assert firsts["urn:ogc:def:crs:EPSG::4490"] == pytest.approx((30.98, 103.96), abs=0.002)
    assert firsts["urn:ogc:def:crs:OGC:1.3:CRS84"] == pytest.approx((103.96, 30.98), abs=0.002)
    northing, easting = firsts["urn:ogc:def:crs:EPSG::4523"]
    assert 3_300_000 < northing < 3_500_000
    assert 35_300_000 < easting < 35_500_000
    assert firsts["EPSG:3857"][0] > firsts["EPSG:3857"][1]


async def test_paging_and_hits(shared: Served) -> None:
    assert await codes(shared, COUNT="2") == ["甲栋", "乙栋"]
    assert await codes(shared, COUNT="2", STARTINDEX="2") == ["丙栋"]
    assert await codes(shared, COUNT="2", STARTINDEX="9") == []
    root = etree.fromstring((await shared.viewer.get("/wfs", params=get(COUNT="2"))).content)
    following = etree.fromstring((await shared.viewer.get(root.get("next"))).content)
    assert following.get("numberReturned") == "1"
    assert following.get("previous")
    assert not following.get("next")
    hits = etree.fromstring((await shared.viewer.get("/wfs", params=get(RESULTTYPE="hits"))).content)
    assert (hits.get("numberMatched"), hits.get("numberReturned"), len(hits)) == ("3", "0", 0)


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        (comparison("PropertyIsEqualTo", "乙栋"), ["乙栋"]),
        (comparison("PropertyIsEqualTo", "乙栋", "cim:code"), ["乙栋"]),
        (comparison("PropertyIsGreaterThan", "10", "height_m"), ["乙栋", "丙栋"]),
        (
            comparison("PropertyIsLike", "*栋", more=' wildCard="*" singleChar="." escapeChar="!"'),
            ["甲栋", "乙栋", "丙栋"],
        ),
        (comparison("PropertyIsLike", "%", more=' wildCard="*" singleChar="." escapeChar="!"'), []),
        (f"<fes:Not>{comparison('PropertyIsEqualTo', '乙栋')}</fes:Not>", ["甲栋", "丙栋"]),
        (
            f"<fes:Or>{comparison('PropertyIsEqualTo', '甲栋')}{comparison('PropertyIsEqualTo', '丙栋')}</fes:Or>",
            ["甲栋", "丙栋"],
        ),
        (
            (
                "<fes:PropertyIsBetween><fes:ValueReference>height_m</fes:ValueReference>"
                "<fes:LowerBoundary><fes:Literal>15</fes:Literal></fes:LowerBoundary>"
                "<fes:UpperBoundary><fes:Literal>25</fes:Literal></fes:UpperBoundary></fes:PropertyIsBetween>"
            ),
            ["乙栋"],
        ),
        ("<fes:PropertyIsNull><fes:ValueReference>code</fes:ValueReference></fes:PropertyIsNull>", []),
        (
            (
                "<fes:BBOX><fes:ValueReference>geom</fes:ValueReference>"
                '<gml:Envelope srsName="urn:ogc:def:crs:EPSG::4490">'
                "<gml:lowerCorner>30.97 103.955</gml:lowerCorner><gml:upperCorner>30.99 103.965</gml:upperCorner>"
                "</gml:Envelope></fes:BBOX>"
            ),
            ["甲栋"],
        ),
        (
            (
                "<fes:Intersects><fes:ValueReference>geom</fes:ValueReference>"
                '<gml:Point srsName="urn:ogc:def:crs:OGC:1.3:CRS84">'
                "<gml:pos>103.9705 30.9805</gml:pos></gml:Point></fes:Intersects>"
            ),
            ["乙栋"],
        ),
        ('<fes:ResourceId rid="squares.3"/><fes:ResourceId rid="squares.1"/>', ["甲栋", "丙栋"]),
    ],
)
async def test_filters(shared: Served, inner: str, found: list[str]) -> None:
    assert await codes(shared, FILTER=condition(inner)) == found


async def test_boxes_ids_and_chosen_properties(shared: Served) -> None:
    assert await codes(shared, BBOX="30.97,103.955,30.99,103.965") == ["甲栋"]
    assert await codes(shared, BBOX="103.955,30.97,103.965,30.99,urn:ogc:def:crs:OGC:1.3:CRS84") == ["甲栋"]
    assert await codes(shared, RESOURCEID="squares.2") == ["乙栋"]
    answer = await shared.viewer.get("/wfs", params=get(PROPERTYNAME="code", OUTPUTFORMAT="application/json"))
    assert answer.json()["features"][0]["properties"] == {"code": "甲栋"}
    by_id = {"STOREDQUERY_ID": "urn:ogc:def:query:OGC-WFS::GetFeatureById", "ID": "squares.2", "TYPENAMES": "-"}
    root = etree.fromstring((await shared.viewer.get("/wfs", params=get(**by_id))).content)
    assert root.tag == f"{{{NS['cim']}}}squares"
    assert root.get(f"{{{NS['gml']}}}id") == "squares.2"
    gone = await shared.viewer.get("/wfs", params=get(**(by_id | {"ID": "squares.99"})))
    assert gone.status_code == 404


async def test_the_policy_holds_in_every_operation(shared: Served) -> None:
    answer = await shared.anonymous.get("/wfs", params={"SERVICE": "WFS", "REQUEST": "GetCapabilities"})
    root = etree.fromstring(answer.content)
    assert [e.text for e in root.iterfind(".//wfs:FeatureType/wfs:Name", NS)] == ["cim:squares"]
    described = await shared.anonymous.get("/wfs", params=get(REQUEST="DescribeFeatureType"))
    names = [e.get("name") for e in etree.fromstring(described.content).iterfind(".//xsd:sequence/xsd:element", NS)]
    assert names == ["code", "geom"]
    for operation in ("DescribeFeatureType", "GetFeature"):
        refused = await shared.anonymous.get("/wfs", params=get(REQUEST=operation, TYPENAMES="cim:hidden"))
        assert refused.status_code == 404
    by_id = {"STOREDQUERY_ID": "urn:ogc:def:query:OGC-WFS::GetFeatureById", "ID": "hidden.1", "TYPENAMES": "-"}
    assert (await shared.anonymous.get("/wfs", params=get(**by_id))).status_code == 404
    secret = get(FILTER=condition(comparison("PropertyIsEqualTo", "10", "height_m")))
    assert (await shared.anonymous.get("/wfs", params=secret)).status_code == 403
    assert "height_m" not in (await shared.anonymous.get("/wfs", params=get())).text
    for operation in ("ListStoredQueries", "DescribeStoredQueries"):
        assert "hidden" not in (await shared.anonymous.get("/wfs", params=get(REQUEST=operation))).text


@pytest.mark.parametrize(
    "changed",
    [
        {"TYPENAMES": "-"},
        {"TYPENAMES": "cim:squares,cim:squares2"},
        {"COUNT": "-1"},
        {"COUNT": "1" * 30},
        {"STARTINDEX": "x"},
        {"BBOX": "nan,0,1,1"},
        {"BBOX": "0,0,1"},
        {"BBOX": "103,30,104,31"},
        {"SRSNAME": "EPSG:2180"},
        {"OUTPUTFORMAT": "shape-zip"},
        {"VERSION": "1.0.0"},
        {"SORTBY": "code"},
        {"RESOURCEID": "squares"},
        {"FILTER": "<not xml"},
        {"FILTER": condition(comparison("PropertyIsEqualTo", "x", "nothing"))},
        {"FILTER": condition(comparison("PropertyIsGreaterThan", "tall", "height_m"))},
        {"FILTER": condition("<fes:During/>")},
        {"FILTER": condition("<fes:Not>" * 200 + comparison("PropertyIsEqualTo", "x") + "</fes:Not>" * 200)},
        {"FILTER": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Filter>&e;</Filter>'},
        {"FILTER": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + condition(comparison("PropertyIsEqualTo", "&a;"))},
    ],
)
async def test_bad_requests_are_told_in_xml(shared: Served, changed: dict[str, str]) -> None:
    answer = await shared.viewer.get("/wfs", params=get(**changed))
    assert 400 <= answer.status_code < 500
    root = etree.fromstring(answer.content)
    assert root.tag == f"{{{NS['ows']}}}ExceptionReport"
    assert "root:" not in answer.text


async def test_chinese_and_odd_field_names(served: Served) -> None:
    assert [xml_name(name) for name in ("名称", "height_m", "a²", "ªx")] == ["名称", "height_m", "a_x00b2_", "_x00aa_x"]
    for name in ("名称", "a²", "ªx", "𠀀字"):
        assert plain_name(f"cim:{xml_name(name)}") == name
        etree.Element(xml_name(name))
    layer = CollectionSchema(
        "odd", "Polygon", 4490, (Field("code", "text"), Field("height_m", "double"), Field("面积²", "double")), "code"
    )
    await publish_rows(served.database, [("甲", 1.0, square(103.95, 30.98))], layer=layer, grade=Grade.PUBLIC)
    async with served.database.writing() as connection:
        await connection.execute(sa.text('UPDATE city.odd SET "面积²" = 12.5'))
    await served.state.live.refresh()
    described = await served.anonymous.get("/wfs", params=get(REQUEST="DescribeFeatureType", TYPENAMES="odd"))
    assert "field 面积²" in described.text
    wanted = condition(comparison("PropertyIsEqualTo", "12.5", "面积_x00b2_"))
    root = etree.fromstring((await served.anonymous.get("/wfs", params=get(TYPENAMES="odd", FILTER=wanted))).content)
    assert root.findtext(".//cim:面积_x00b2_", namespaces=NS) == "12.5"
