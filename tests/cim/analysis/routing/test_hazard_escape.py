"""Ways from geological hazard points to safe shelters: against networkx, and what is said where there is none."""

from pathlib import Path
from typing import Any

import geopandas
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from cim.errors import BadRequest, NotFound

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
WALK_M_S = 4.3 / 3.6
KEEP_AWAY_M = 200.0


@pytest.fixture(scope="module")
def hazards() -> pd.DataFrame:
    return pd.read_csv(SAMPLES / "geohazards.csv")


def degrees(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shapely.box(west, south, east, north)))


def rows_of(answer: Any) -> list[dict[str, Any]]:
    (table,) = answer.tables
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


async def test_every_point_has_its_monitor_and_a_way_to_safety(ask: Any, hazards: pd.DataFrame) -> None:
    answer = await ask("hazard-escape")
    rows = rows_of(answer)
    assert [row["id"] for row in rows] == hazards["id"].tolist()
    assert answer.summary["hazard_points"] == len(hazards)
    assert answer.summary["without_monitor"] == 0
    assert answer.summary["threatened"] == int(hazards["threatened"].sum())
    contacts = pd.read_csv(SAMPLES / "contacts.csv")
    monitors = contacts[contacts.duty == "monitor"].set_index("subject")
    shelters = geopandas.read_file(SAMPLES / "shelters.geojson").set_index("name")
    geod = pyproj.Geod(ellps="GRS80")
    lonlat = {
        place.properties["title"]: place.geometry["coordinates"] for place in answer.places if "fid" in place.properties
    }
    for row in rows:
        assert (row["monitor"], row["phone"]) == (monitors.loc[row["id"], "name"], monitors.loc[row["id"], "phone"])
        assert (row["shelter"] is None) == bool(row["reason"])
        if row["shelter"] is not None:
            place = shelters.loc[row["shelter"]]
            at = shapely.point_on_surface(place.geometry)
            assert row["room"] == place["capacity"]
            assert min(geod.inv(*spot, at.x, at.y)[2] for spot in lonlat.values()) >= KEEP_AWAY_M
    assert answer.summary["with_way"] == sum(row["shelter"] is not None for row in rows) > 40


async def test_the_way_is_the_quickest_by_networkx(ask: Any, roads: geopandas.GeoDataFrame) -> None:
    answer = await ask("hazard-escape", keep_away_m=0)
    graph = nx.Graph()
    for row in roads[roads["class"] != "motorway"].itertuples():
        if not graph.has_edge(row.from_node, row.to_node) or graph[row.from_node][row.to_node]["m"] > row.length_m:
            graph.add_edge(row.from_node, row.to_node, m=row.length_m)
    routes = {p.properties["title"]: p for p in answer.places if p.properties["kind"] == "route"}
    ends = {row.from_node: row.geometry.coords[0] for row in roads.itertuples()}
    ends |= {row.to_node: row.geometry.coords[-1] for row in roads.itertuples()}
    names, places = list(ends), np.array(list(ends.values()))
    checked = 0
    for row in rows_of(answer):
        if row["shelter"] is None:
            continue
        route = routes[f"{row['name']}避险路线"]
        assert row["time_min"] * 60 * WALK_M_S == pytest.approx(row["length_m"], rel=0.01, abs=5)
        line = shapely.geometry.shape(route.geometry)
        if line.geom_type != "LineString" or len(line.coords) < 4:
            continue
        on_way = [names[k] for k in np.flatnonzero(shapely.distance(shapely.points(places), line) < 1e-7).tolist()]
        if len(on_way) < 2:
            continue
        at = {node: line.project(shapely.Point(ends[node])) for node in on_way}
        first, last = min(at, key=at.__getitem__), max(at, key=at.__getitem__)
        between = shapely.ops.substring(line, at[first], at[last])
        metres = pyproj.Geod(ellps="GRS80").geometry_length(between)
        assert metres == pytest.approx(nx.shortest_path_length(graph, first, last, weight="m"), rel=5e-3, abs=2)
        checked += 1
    assert checked > 5


async def test_some_points_by_id_or_area(ask: Any, hazards: pd.DataFrame) -> None:
    two = hazards["id"].tolist()[:2]
    assert [row["id"] for row in rows_of(await ask("hazard-escape", hazards=two))] == two
    first = hazards.iloc[0]
    lon, lat = first["lon"], first["lat"]
    around = degrees(lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4)
    assert [row["id"] for row in rows_of(await ask("hazard-escape", area=around))] == [first["id"]]
    with pytest.raises(NotFound, match="GH-none"):
        await ask("hazard-escape", hazards=["GH-none"])
    with pytest.raises(BadRequest, match="not both"):
        await ask("hazard-escape", hazards=two, area=around)


async def test_what_cannot_be_is_said(ask: Any, hazards: pd.DataFrame) -> None:
    none = await ask("hazard-escape", area=degrees(103.0, 30.0, 103.01, 30.01))
    assert (none.summary["found"], none.summary["reason"]) == (None, "no-hazards")
    by_road = next(row["id"] for row in rows_of(await ask("hazard-escape")) if row["shelter"])
    far = await ask("hazard-escape", hazards=[by_road], keep_away_m=5000, within_km=3)
    assert rows_of(far)[0]["reason"] == "没有满足避让距离的避难场所"
    assert far.findings[-2].rule == "unreachable"
    assert far.summary["slowest_min"] is None
    closed = await ask("hazard-escape", closures=degrees(103, 30, 105, 32))
    assert closed.summary["reason"] == "all-closed"


async def test_who_may_not_read_contacts_gets_no_names(ask: Any) -> None:
    answer = await ask("hazard-escape", role="viewer")
    assert answer.summary["without_monitor"] is None
    assert {row["monitor"] for row in rows_of(answer)} == {None}
    assert "layer-missing" in [finding.rule for finding in answer.findings]
