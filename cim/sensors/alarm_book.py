"""The rules as one process knows them: which datastreams they watch, and which values cannot matter to any of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarms import Geofence, Rule, Threshold
from cim.model.sensing import Kept, Outcome
from cim.store.alarm_rules import Watched, all_rules, edition, highest_datastream, watched
from cim.store.observations import ReadingColumns

JUDGED = ("threshold", "rate", "deviation", "geofence")
"""Kinds of rules that look at values as they come in; silence is found by the clock."""
_CHANGED = frozenset({Outcome.ADDED, Outcome.REVISED})


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules by datastream. The arrays are as long as ``ids``, which is in ascending order.

    A value from ``low`` to ``high`` breaches no threshold of its datastream; ``always`` marks datastreams with rules
    of other kinds. A value outside ``least`` to ``greatest`` is kept with a flag and judged by nobody.
    """

    edition: int
    highest: int
    rules: dict[int, tuple[Rule, ...]]
    areas: Mapping[int, shapely.Geometry]
    ids: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    always: NDArray[np.bool_]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]

    def touched(self, columns: ReadingColumns, kept: Kept) -> "Touched | None":
        """The readings that changed a watched datastream; None where there are none."""
        if not self.ids.size:
            return None
        ids = np.asarray(columns.ids, np.int64)
        rows = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        chosen = self.ids[rows] == ids
        if not chosen.any():
            return None
        chosen &= np.fromiter((one in _CHANGED for one in kept.outcomes), np.bool_, len(ids))
        places = np.flatnonzero(chosen)
        if not places.size:
            return None
        values = np.asarray(columns.values, np.float64)[places]
        row = rows[places]
        normal = np.asarray(columns.flags)[places] == "N"
        with np.errstate(invalid="ignore"):
            normal &= ~((values < self.least[row]) | (values > self.greatest[row]))
            matters = (values < self.low[row]) | (values > self.high[row]) | self.always[row]
        return Touched(places, ids[places], values, normal, matters)


@dataclass(frozen=True, slots=True)
class Touched:
    """Readings of watched datastreams by column: their places among all, and whether a rule may be breached."""

    places: NDArray[np.int64]
    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    normal: NDArray[np.bool_]
    matters: NDArray[np.bool_]


async def read_book(connection: AsyncConnection) -> RuleBook:
    """The rules and what they watch, as this transaction sees them."""
    number, highest = await edition(connection), await highest_datastream(connection)
    rules = {rule.id: rule for rule in await all_rules(connection, kinds=JUDGED, enabled=True)}
    pairs = [pair for pair in await watched(connection, JUDGED) if pair.rule in rules] if rules else []
    return make_book(number, highest, rules, pairs)


def make_book(number: int, highest: int, rules: dict[int, Rule], pairs: Sequence[Watched]) -> RuleBook:
    """A book of rules and the pairs of rule and datastream, which are ordered by datastream."""
    by_stream: dict[int, list[Rule]] = defaultdict(list)
    limits: dict[int, Watched] = {}
    for pair in pairs:
        by_stream[pair.datastream].append(rules[pair.rule])
        limits[pair.datastream] = pair
    known: dict[tuple[int, ...], tuple[Rule, ...]] = {}
    shared = {
        stream: known.setdefault(tuple(rule.id for rule in found), tuple(found)) for stream, found in by_stream.items()
    }
    bands = {key: _band(found) for key, found in known.items()}
    rows = [bands[tuple(rule.id for rule in found)] for found in shared.values()]
    fences = [(rule.id, rule.condition) for rule in rules.values() if isinstance(rule.condition, Geofence)]
    areas = {number: shapely.geometry.shape(fence.area) for number, fence in fences}
    for area in areas.values():
        shapely.prepare(area)
    return RuleBook(
        number,
        highest,
        shared,
        areas,
        np.fromiter(shared, np.int64, len(shared)),
        np.array([row[0] for row in rows], np.float64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.bool_),
        np.array([_or(limits[stream].least, -np.inf) for stream in shared], np.float64),
        np.array([_or(limits[stream].greatest, np.inf) for stream in shared], np.float64),
    )


def _band(rules: Sequence[Rule]) -> tuple[float, float, bool]:
    """The values that breach no threshold, and whether there are rules of other kinds."""
    thresholds = [rule.condition for rule in rules if isinstance(rule.condition, Threshold)]
    low = max((one.below for one in thresholds if one.below is not None), default=-np.inf)
    high = min((one.above for one in thresholds if one.above is not None), default=np.inf)
    return float(low), float(high), len(thresholds) < len(rules)


def _or(value: float | None, instead: float) -> float:
    return instead if value is None else value
