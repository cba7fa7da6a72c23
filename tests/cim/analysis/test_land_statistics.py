"""Statistics of the sample city's land equal sums made from its file."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import geopandas
import pytest

from cim.analysis.context import Context
from cim.analysis.registry import the_analysis
from cim.errors import BadRequest
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved
from cim.store.database import Database

STATISTICS = the_analysis("land-statistics")
SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
View = Callable[..., Awaitable[Context]]


@pytest.fixture(scope="module")
def parcels() -> geopandas.GeoDataFrame:
    return geopandas.read_file(SAMPLES / "land_status.shp", encoding="GBK")


def rows_of(answer: Any, name: str) -> list[dict[str, Any]]:
    table = next(table for table in answer.document()["tables"] if table["id"] == name)
    return list(table["rows"])


async def test_areas_by_village_class_and_tenure(city: Database, view: View, parcels: geopandas.GeoDataFrame) -> None:
    answer = await STATISTICS.answer({"level": "village", "tenure": True}, await view(city))
    keys = [parcels["ZLDWDM"].str[:12], parcels["DLBM"], parcels["QSXZ"]]
    expected = parcels.groupby(keys)[["TBMJ", "KCMJ", "TBDLMJ"]].sum()
    found = rows_of(answer, "classes")
    assert len(found) == len(expected)
    for row in found:
        key = (row["region"], row["code"], row["tenure"].split()[0])
        figures = [row["register_m2"], row["ridge_m2"], row["net_m2"]]
        assert figures == pytest.approx(expected.loc[key].to_list(), abs=0.006)
    assert answer.summary["total_m2"] == pytest.approx(parcels["TBMJ"].sum(), abs=0.006)


async def test_three_classes_hold_everything_and_ridges_are_agricultural(
    city: Database, view: View, parcels: geopandas.GeoDataFrame
) -> None:
    answer = await STATISTICS.answer({"level": "county", "classes": "first"}, await view(city))
    (row,) = rows_of(answer, "three_way")
    parts = [row[name] for name in ("agricultural", "construction", "unused", "unclassified")]
    assert round(sum(parts), 2) == row["total"] == pytest.approx(parcels["TBMJ"].sum(), abs=0.006)
    built = parcels["DLBM"].str[:2].isin(["05", "06", "07", "08", "09"]) | parcels["DLBM"].isin(
        ["1003", "1004", "1107A", "1201"]
    )
    assert row["construction"] == pytest.approx(parcels.loc[built, "TBMJ"].sum(), abs=0.02)
    assert {each["code"] for each in rows_of(answer, "classes")} == set(parcels["DLBM"].str[:2])


async def test_computed_areas_of_one_village(city: Database, view: View, parcels: geopandas.GeoDataFrame) -> None:
    village = parcels["ZLDWDM"].str[:12].iloc[0]
    answer = await STATISTICS.answer({"level": "village", "region": village, "computed": True}, await view(city))
    shapes = parcels.loc[parcels["ZLDWDM"].str[:12] == village].geometry.to_numpy()
    expected = ellipsoidal_areas_m2(moved(shapes, 4523, 4490)).sum()
    assert answer.summary["computed_m2"] == pytest.approx(expected, abs=0.02)


async def test_nothing_for_those_who_may_not_see_the_layer(city: Database, view: View) -> None:
    answer = await STATISTICS.answer({}, await view(city, "anonymous"))
    assert answer.summary["total_m2"] is None
    assert answer.tables == ()
    with pytest.raises(BadRequest, match="Input should be 'county', 'town' or 'village'"):
        await STATISTICS.answer({"level": "street"}, await view(city, "anonymous"))
