"""How many people are in the zones, by building, and how far that may be wrong.

A building that an edge cuts counts by the share of its footprint inside. A home without a record of people counts with
the people per floor area of the recorded homes of its village.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from cim.analysis.context import Features
from cim.analysis.incident_picture.reader import Reader
from cim.analysis.incident_picture.zones import Zones, areas_m2
from cim.analysis.overlay import Floats
from cim.model.building_uses import HOMES
from cim.store.people_in_zones import SUMS, PeopleGroup, PeopleQuery, densities, people_in_zones

BUILDINGS, POPULATION = "buildings", "population"
HOUSE_FIELDS = ("building_code", "use", "floors", "village_code")
RECORD_FIELDS = (
    *("building_code", "persons", "day_persons", "households"),
    *("age_0_6", "age_7_17", "age_60", "mobility", "village_code"),
)
NEAR_M = 300.0
"""How far from its building a record of people may lie; it is joined by the building's code."""
WHOLE = 1e-6
MOST_OF_ESTIMATE = 2.0
"""An estimate may be wrong from nobody to twice as many."""


@dataclass(frozen=True, slots=True)
class Range:
    """A figure, and how small and how large it may be."""

    value: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class People:
    """Residents by band.

    ``weights`` says how much of each group of buildings lies in each band; ``recorded`` and ``estimated`` are the
    figures of each group, in the order of ``SUMS``. ``visible`` names the figures the caller may see. ``villages`` is
    the code of each group's village. ``reason`` says why nothing is known, empty where something is.
    """

    weights: Floats
    recorded: Floats
    estimated: Floats
    villages: list[str]
    groups: Sequence[PeopleGroup]
    visible: frozenset[str]
    unknown_homes: int = 0
    reason: str = ""
    densities: dict[str, float] = field(default_factory=dict)

    def figure(self, name: str, bands: slice = slice(None)) -> Range | None:
        """A figure over some bands together; None where it is not known."""
        of = name.removeprefix("day_") if name not in self.visible else name
        needed = {name} if name == "day_persons" else {of, *(["day_persons"] if name.startswith("day_") else [])}
        if self.reason or not needed <= self.visible:
            return None
        column = SUMS.index(name)
        share = self.weights[:, bands].sum(axis=1)
        inside, whole = share > 0, share > 1 - WHOLE
        known, guessed = self.recorded[:, column], self.estimated[:, column]
        value = float(share @ (known + guessed))
        most = float((known + MOST_OF_ESTIMATE * guessed)[inside].sum())
        return Range(value, float(known[whole].sum()), max(value, most))

    def counted(self, name: str, bands: slice = slice(None)) -> int:
        """How many buildings there are, each in the innermost band it reaches into: all, or of a kind."""
        first = np.where((self.weights > 0).any(axis=1), (self.weights > 0).argmax(axis=1), -1)
        chosen = np.isin(first, np.arange(self.weights.shape[1])[bands])
        return int(sum(getattr(self.groups[index], name) for index in np.flatnonzero(chosen).tolist()))

    def cut(self, bands: slice = slice(None)) -> int:
        """How many buildings the edges of some bands together cut."""
        share = self.weights[:, bands].sum(axis=1)
        return int(((share > 0) & (share < 1 - WHOLE)).sum())

    def estimate(self, bands: slice = slice(None)) -> float:
        """How many of the persons are estimated."""
        return float(self.weights[:, bands].sum(axis=1) @ self.estimated[:, SUMS.index("persons")])

    def by_village(self) -> dict[str, float]:
        """Persons by the code of the village."""
        column = SUMS.index("persons")
        each = self.weights.sum(axis=1) * (self.recorded + self.estimated)[:, column]
        found: dict[str, float] = {}
        for village, persons in zip(self.villages, each.tolist(), strict=True):
            found[village] = found.get(village, 0.0) + persons
        return found


async def people_of(reader: Reader) -> People:
    """The people in the zones, from the records of ``population`` and the ``buildings``."""
    houses = await reader.known(BUILDINGS, HOUSE_FIELDS)
    records = await reader.known(POPULATION, RECORD_FIELDS)
    for layer, decision in ((BUILDINGS, houses), (POPULATION, records)):
        if decision is None or reader.lacking(layer):
            lack = next(one for (name, _), one in reader.lacks.items() if name == layer)
            return _nothing(reader.zones, f"{lack.title}：{lack.text}")
        if "building_code" not in decision.field_names:
            return _nothing(reader.zones, f"{reader.sources[layer].title}的建筑统一编码无权查看，人口不能落到建筑")
    query = PeopleQuery(
        reader.selection(BUILDINGS, HOUSE_FIELDS),
        reader.selection(POPULATION, RECORD_FIELDS),
        reader.around(NEAR_M),
        reader.zones.circles(),
        HOMES,
    )
    groups = await people_in_zones(reader.connection, query)
    loose = [group.fid for group in groups if group.fid is not None]
    among = sa.column("fid") == sa.func.any(sa.literal(loose, ARRAY(sa.BigInteger)))
    near_edge = await reader.near(BUILDINGS, (), NEAR_M, (among,))
    weights = await asyncio.to_thread(_weights, reader.zones, groups, near_edge)
    groups, weights = _reaching(groups, weights)
    partial = records is not None and records.regions is not None
    estimated, unknown, by_village = await _estimated(reader, query, groups, partial=partial)
    return People(
        weights,
        np.array([[group.sums[name] for name in SUMS] for group in groups]).reshape(-1, len(SUMS)),
        estimated,
        [group.village for group in groups],
        groups,
        frozenset(records.field_names if records else ()),
        unknown,
        densities=by_village,
    )


def _nothing(zones: Zones, reason: str) -> People:
    none = np.zeros((0, len(SUMS)))
    return People(np.zeros((0, len(zones.shapes))), none, none, [], (), frozenset(), reason=reason)


def _weights(zones: Zones, groups: Sequence[PeopleGroup], near_edge: Features) -> Floats:
    """How much of each group lies in each band: of buildings near an edge by the area of their footprint."""
    bands = len(zones.shapes)
    shapes = zones.on_plane(near_edge.shapes)
    whole_m2 = areas_m2(shapes)
    inside_m2 = zones.shares(shapes, areas_m2)
    share = np.divide(inside_m2, whole_m2[:, None], out=np.zeros_like(inside_m2), where=whole_m2[:, None] > 0)
    share[share < WHOLE] = 0.0
    share[share > 1 - WHOLE] = 1.0
    rows = dict(zip(near_edge.fids.tolist(), share, strict=True))
    sure = np.eye(bands + 1)[:, :bands]
    found = [sure[group.first] if group.fid is None else rows.get(group.fid, sure[bands]) for group in groups]
    return np.array(found).reshape(-1, bands)


def _reaching(groups: Sequence[PeopleGroup], weights: Floats) -> tuple[list[PeopleGroup], Floats]:
    """Those groups that lie in the zones at all."""
    kept = np.flatnonzero(weights.sum(axis=1) > 0)
    return [groups[index] for index in kept.tolist()], weights[kept]


async def _estimated(
    reader: Reader, query: PeopleQuery, groups: Sequence[PeopleGroup], *, partial: bool
) -> tuple[Floats, int, dict[str, float]]:
    """The people of homes without a record, how many such homes nothing is known of, and the densities used.

    Densities are persons by m2 of floor area, by village. Where records are seen in part, nothing is estimated.
    """
    found = np.zeros((len(groups), len(SUMS)))
    lacking = sum(group.homes for group in groups)
    if not lacking or partial:
        return found, lacking, {}
    villages = sorted({group.village for group in groups})
    known = await densities(reader.connection, query, villages)
    rates = {name: np.array([sums[one] for one in SUMS]) / floor for name, (floor, sums) in known.items()}
    floor = sum(floor for floor, _ in known.values())
    pooled = None
    if floor:
        pooled = np.array([sum(sums[one] for _, sums in known.values()) for one in SUMS]) / floor
    unknown = 0
    for number, group in enumerate(groups):
        rate = rates.get(group.village, pooled)
        if rate is None:
            unknown += group.homes
        elif group.homes:
            found[number] = rate * group.floor_deg2
    deg2_m2 = _square_degree_m2(reader.zones)
    used = {group.village for group in groups if group.homes}
    return found, unknown, {name: float(rates[name][0]) / deg2_m2 for name in sorted(used & set(rates))}


def _square_degree_m2(zones: Zones) -> float:
    step = 0.01
    corner = zones.plane.metres(np.array([(zones.lon + step, zones.lat), (zones.lon, zones.lat + step)]))
    return float(corner[0, 0] * corner[1, 1]) / step**2
