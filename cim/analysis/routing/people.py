"""Who is in an area: people by building where they are recorded, by residential floor area where they are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context
from cim.analysis.reaching import features_in, partial
from cim.analysis.routing.telling import missing, remark
from cim.model.analysis import Finding, SourceEdition
from cim.model.building_uses import HOMES
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats, Ints, Shapes

Moment = Literal["day", "night"]
POPULATION, BUILDINGS = "population", "buildings"
M2_A_PERSON = 41.76
"""Housing a person where no record tells: the national mean of the census of 2020, in m2 of floor."""
DAY_SHARE, MOBILITY_SHARE = 0.45, 0.03
"""Of those who live somewhere, how many are there by day, and need help to move, where no record tells."""
LEAST_RECORDS = 10
STOREY_M = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """People by building: where, how many (whole numbers), how many of them need help, and which are estimated."""

    lonlat: Floats
    persons: Ints
    mobility: Ints
    estimated: NDArray[np.bool_]
    sources: Sequence[SourceEdition]
    remarks: Sequence[Finding]
    error: float

    @property
    def total(self) -> int:
        """How many there are."""
        return int(self.persons.sum())


@dataclass(frozen=True, slots=True)
class _Rates:
    """What is known of people who are recorded: persons and their scatter by m2 of floor, shares by day and helped."""

    per_m2: float
    scatter: float
    day: float
    mobility: float
    records: int


async def people_in(connection: AsyncConnection, context: Context, areas: Shapes, moment: Moment) -> People:
    """The people of areas in longitude and latitude, by day or by night."""
    records = await features_in(
        context, connection, POPULATION, ("building_code", "persons", "day_persons", "mobility"), areas, LONLAT_SRID
    )
    houses = await features_in(
        context, connection, BUILDINGS, ("building_code", "use", "floors", "height_m"), areas, LONLAT_SRID
    )
    remarks = [missing(one.edition) for one in (records, houses) if not one.present]
    remarks += [
        remark("layer-partial", "只包括您有权查看的地区", one.edition, layer=one.edition.layer)
        for one in (records, houses)
        if partial(context, one.edition.layer)
    ]
    living = np.array([use in HOMES for use in houses.columns["use"]], dtype=bool)
    floor_m2 = _floor_m2(houses.shapes, houses.columns)
    code_of = {str(code): k for k, code in enumerate(houses.columns["building_code"]) if code}
    persons, by_day, helped = (_whole(records.columns[name]) for name in ("persons", "day_persons", "mobility"))
    at = np.array([code_of.get(str(code), -1) for code in records.columns["building_code"]], dtype=np.int64)
    rates = _rates(persons, by_day, helped, floor_m2[at[at >= 0]], at >= 0)
    unknown = living.copy()
    unknown[at[at >= 0]] = False
    guessed = floor_m2[unknown] * rates.per_m2
    share = rates.day if moment == "day" else 1.0
    error = float(rates.scatter * np.sqrt(unknown.sum()) * share)
    shown = by_day if moment == "day" else persons
    remarks += _told(rates, int(unknown.sum()), float(guessed.sum() * share), error, records.edition)
    middles = shapely.point_on_surface(houses.shapes[unknown])
    return People(
        np.concatenate([shapely.get_coordinates(shapely.point_on_surface(records.shapes)).reshape(-1, 2),
                        shapely.get_coordinates(middles).reshape(-1, 2)]),
        np.concatenate([shown, _rounded(guessed * share)]),
        np.concatenate([np.minimum(helped, shown), _rounded(guessed * rates.mobility)]),
        np.concatenate([np.zeros(len(persons), dtype=bool), np.ones(int(unknown.sum()), dtype=bool)]),
        [records.edition, houses.edition],
        remarks,
        error,
    )  # fmt: skip


def _rates(persons: Ints, by_day: Ints, helped: Ints, floor_m2: Floats, matched: NDArray[np.bool_]) -> _Rates:
    with_floor = floor_m2 > 0
    known, floor = persons[matched][with_floor], floor_m2[with_floor]
    total = int(persons.sum())
    day = float(by_day.sum() / total) if total else DAY_SHARE
    mobility = float(helped.sum() / total) if total else MOBILITY_SHARE
    if len(known) < LEAST_RECORDS:
        return _Rates(1 / M2_A_PERSON, 0.0, day, mobility, 0)
    per_m2 = float(known.sum() / floor.sum())
    return _Rates(per_m2, float(np.std(known - per_m2 * floor)), day, mobility, len(known))


def _told(rates: _Rates, houses: int, guessed: float, error: float, edition: SourceEdition) -> list[Finding]:
    if not houses:
        return []
    if rates.records:
        each_m2 = 1 / rates.per_m2
        how = f"按范围内 {rates.records} 栋有记录住宅的人均 {each_m2:.1f} 平方米推算，误差约 ±{error:.0f} 人"
    else:
        how = f"记录不足，按全国人均住房建筑面积 {M2_A_PERSON} 平方米推算，误差未知"
    text = f"{houses} 栋住宅没有人口记录，约 {guessed:.0f} 人，{how}"
    return [remark("people-estimated", text, edition, layer=POPULATION, measured=round(guessed, 1))]


def _floor_m2(shapes: Shapes, columns: dict[str, list[Any]] | Any) -> Floats:
    """Floor area: footprint times storeys, which follow from the height where they are not known."""
    storeys = [
        float(floors) if floors else max(1.0, round(float(height or 0) / STOREY_M))
        for floors, height in zip(columns["floors"], columns["height_m"], strict=True)
    ]
    return ellipsoidal_areas_m2(shapes) * np.array(storeys) if len(shapes) else np.zeros(0)


def _whole(values: Sequence[Any]) -> Ints:
    return np.array([max(0, int(value or 0)) for value in values], dtype=np.int64)


def _rounded(values: Floats) -> Ints:
    """Whole numbers whose running sums stay within a half of the values' own, so that small parts are not lost."""
    sums = np.rint(np.cumsum(values)).astype(np.int64)
    return np.diff(sums, prepend=0)
