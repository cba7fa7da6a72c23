"""Statistics against sums made in Python from the same features, and what they must not tell."""

import csv
import io
from collections import defaultdict
from random import Random
from typing import Any

import openpyxl
import pyproj
import pytest
import shapely
import sqlalchemy as sa
from publishing import publish_rows, schema
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field
from cim.store import statistics

PATH = "/collections/lots/statistics"
Lot = tuple[str, float | None, shapely.Geometry | None]
TOWNS = {
    "510182001": shapely.box(103.9, 30.9, 103.93, 31.0),
    "510182002": shapely.Polygon([(103.93, 30.9), (104.0, 30.9), (104.0, 31.0), (103.95, 31.0)]).union(
        shapely.Polygon([(103.93, 30.9), (103.95, 31.0), (103.93, 31.0)])
    ),
    "510182003": shapely.Point(104.05, 30.95).buffer(0.03),
}


def lots() -> list[Lot]:
    """Squares, slanted triangles and bent shapes at random, some without a place, some outside of every town."""
    random = Random(3)
    found: list[Lot] = []
    for _ in range(400):
        x, y, size = 103.89 + random.random() * 0.2, 30.89 + random.random() * 0.12, random.choice([0.0003, 0.004])
        bent = [(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)]
        shape = shapely.Polygon([(round(x + i * size, 7), round(y + j * size, 7)) for i, j in bent])
        value = random.choice([None, 1.5, 2.0, 10.25])
        found.append((random.choice("abc"), value, None if random.random() < 0.03 else shape))
    return found


LOTS = lots()


@pytest.fixture
async def county(served: Served) -> Served:
    """The served layers, a public layer of lots whose number is internal, and three towns."""
    fields = (Field("code", "text"), Field("height_m", "double", Grade.INTERNAL))
    layer = CollectionSchema("lots", "Polygon", 4490, fields)
    rows = [(f"{code}{n}", value, shape and f"SRID=4490;{shape.wkt}") for n, (code, value, shape) in enumerate(LOTS)]
    await publish_rows(served.database, rows, layer=layer)
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.lots SET code = left(code, 1)"))
        for code, shape in TOWNS.items():
            await connection.execute(
                sa.text(
                    "INSERT INTO cim.region (code, level, name, geom) VALUES"
                    " (:code, 'town', :name, ST_GeomFromText(:shape, 4490))"
                ),
                {"code": code, "name": f"镇{code[-1]}", "shape": shape.wkt},
            )
    await served.state.live.refresh()
    served.state.identities.forget()
    return served


async def points(served: Served) -> list[shapely.Point | None]:
    """The representative point of each lot, which only PostGIS knows."""
    async with served.database.writing() as connection:
        rows = await connection.execute(
            sa.text("SELECT ST_AsBinary(ST_PointOnSurface(geom)) FROM city.lots ORDER BY fid")
        )
        return [None if wkb is None else shapely.from_wkb(bytes(wkb)) for wkb in rows.scalars()]


async def ask(served: Served, role: str = "viewer", **asked: str) -> dict[str, Any]:
    answer = await getattr(served, role).get(PATH, params={name.replace("_", "-"): v for name, v in asked.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["count"] == sum(group["count"] for group in found["groups"])
    return found


def by_value(found: dict[str, Any], *figures: str) -> dict[Any, tuple[Any, ...]]:
    return {
        tuple(tuple(value) if isinstance(value, list) else value for value in group["values"]): (
            group["count"],
            *(group[name] for name in figures),
        )
        for group in found["groups"]
    }


async def test_figures_of_fields_are_those_of_python(county: Served) -> None:
    held: dict[str, list[float | None]] = defaultdict(list)
    for code, value, _ in LOTS:
        held[code].append(value)
    found = await ask(county, group_by="code", sum="height_m", mean="height_m", min="height_m", max="height_m")
    expected = {}
    for code, values in held.items():
        some = [value for value in values if value is not None]
        expected[code,] = (len(values), sum(some), pytest.approx(sum(some) / len(some)), min(some), max(some))
    assert by_value(found, "sum_height_m", "mean_height_m", "min_height_m", "max_height_m") == expected
    assert [group["values"][0] for group in found["groups"]] == sorted(held)
    (alone,) = (await ask(county))["groups"]
    assert alone == {"values": [], "names": [], "count": len(LOTS)}
    nulls = await ask(county, group_by="height_m")
    assert nulls["groups"][-1]["values"] == [None]


async def test_regions_hold_the_features_of_their_points(county: Served) -> None:
    expected: dict[Any, int] = defaultdict(int)
    for point in await points(county):
        holding = [code for code, shape in TOWNS.items() if point is not None and shape.intersects(point)]
        expected[min(holding, default=None),] += 1
    found = await ask(county, group_by="region:town")
    assert {key: count for key, (count,) in by_value(found).items()} == expected
    assert set(expected) == {(code,) for code in (*TOWNS, None)}
    named = {group["values"][0]: group["names"][0] for group in found["groups"]}
    assert named["510182001"] == {"zh": "镇1", "en": "镇1"}
    assert named[None] is None
    both = await ask(county, group_by="code,region:town", filter="height_m = 2")
    assert both["count"] == sum(value == 2 for _, value, _ in LOTS)
    assert by_value(await ask(county, group_by="region:village")) == {(None,): (len(LOTS),)}


CELLS = {"grid:0.01deg": (4490, 0.01), "grid:1000m": (4544, 1000), "grid:700": (4544, 700)}


async def test_cells_hold_the_features_of_their_points(county: Served) -> None:
    for word, (srid, size) in CELLS.items():
        way = pyproj.Transformer.from_crs(4490, srid, always_xy=True)
        expected: dict[Any, int] = defaultdict(int)
        for point in await points(county):
            if point is None:
                expected[None,] += 1
                continue
            x, y = way.transform(point.x, point.y)
            expected[(round(x // size * size, 7), round(y // size * size, 7)),] += 1
        found = await ask(county, group_by=word)
        assert {key: count for key, (count,) in by_value(found).items()} == expected
        assert found["group_by"][0]["crs"] == f"EPSG:{srid}"


async def test_hidden_fields_layers_and_regions_are_in_no_statistics(county: Served) -> None:
    for asked in (
        "group-by=height_m",
        "sum=height_m",
        "min=height_m",
        "filter=height_m>1",
        "area=height_m",
        "height_m=2",
    ):
        hidden = await county.anonymous.get(f"{PATH}?{asked}")
        missing = await county.anonymous.get(f"{PATH}?{asked.replace('height_m', 'nonsense')}")
        assert (hidden.status_code, missing.status_code) == (403, 403)
        assert hidden.json()["detail"].replace("height_m", "") == missing.json()["detail"].replace("nonsense", "")
    assert (await county.viewer.get("/collections/hidden/statistics")).status_code == 404
    async with county.database.writing() as connection:
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'anonymous'")
        )
    county.state.identities.forget()
    expected = sum(point is not None and TOWNS["510182001"].intersects(point) for point in await points(county))
    for how in ({}, {"group_by": "code"}, {"group_by": "region:town"}, {"group_by": "grid:0.01deg"}):
        found = await ask(county, "anonymous", **how)
        assert found["count"] == expected
    assert {group["values"][0] for group in (await ask(county, "anonymous", group_by="region:town"))["groups"]} == {
        "510182001"
    }


async def test_statistics_as_tables(county: Served) -> None:
    asked = {"group-by": "region:town,grid:0.1deg", "sum": "height_m"}
    document = (await county.viewer.get(PATH, params=asked)).json()
    answer = await county.viewer.get(PATH, params=asked | {"f": "csv"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0] == ["region_town", "region_town_name", "grid_x", "grid_y", "count", "sum_height_m"]
    assert len(lines) - 1 == len(document["groups"])
    book = openpyxl.load_workbook(io.BytesIO((await county.viewer.get(PATH, params=asked | {"f": "xlsx"})).content))
    header, first, *_ = book["统计"].iter_rows(values_only=True)
    assert header == ("乡镇街道", "乡镇街道（名称）", "网格西南角 x（°）", "网格西南角 y（°）", "数量", "height_m合计")
    assert first[0:2] == ("510182001", "镇1")
    assert first[4] == document["groups"][0]["count"]


async def test_areas_are_in_square_metres(served: Served) -> None:
    path = "/collections/squares/statistics"
    refused = await served.viewer.get(f"{path}?area=height_m")
    assert refused.status_code == 400
    assert "does not state an area" in refused.json()["detail"]
    definition = served.state.catalog.layers["squares"]
    fields = (definition.fields[0], definition.fields[1].model_copy(update={"unit": "hm²"}))
    served.state.catalog.layers["squares"] = definition.model_copy(update={"fields": fields})  # type: ignore[index]
    (group,) = (await served.viewer.get(f"{path}?area=height_m&code=乙栋")).json()["groups"]
    assert group["area_m2"] == 200_000


REFUSED = {
    "group-by=nothing": "group-by",
    "group-by=region:planet": "group-by",
    "group-by=grid:0": "group-by",
    "group-by=grid:1e9": "group-by",
    "group-by=grid:-5m": "group-by",
    "group-by=grid:0.00001deg": "group-by",
    "group-by=code,height_m,region:town,grid:100": "group-by",
    "sum=code": "sum",
    "mean=code": "mean",
    "min=code": "min",
    "filter=code = 1": "filter",
    "bbox=1": "bbox",
    "f=pdf": "f",
    "limit=5": "limit",
}


async def test_what_cannot_be_grouped_is_told(county: Served) -> None:
    for query, where in REFUSED.items():
        answer = await county.viewer.get(f"{PATH}?{query}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["where"] == where
        assert answer.json()["remedy"]


async def test_too_many_groups_are_refused_whole(county: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_GROUPS", 2)
    answer = await county.viewer.get(f"{PATH}?group-by=code")
    assert answer.status_code == 413
    await publish_rows(county.database, [], layer=schema("records", geometry="none"))
    await county.state.live.refresh()
    answer = await county.viewer.get("/collections/records/statistics?group-by=region:town")
    assert "no places" in answer.json()["detail"]
    assert (await county.viewer.get("/collections/records/statistics")).json()["count"] == 0
