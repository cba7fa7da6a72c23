"""Checks of a whole staged layer: what no single row shows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.reference_systems import GEOGRAPHIC
from cim.store import staging
from cim.store.regions import region_shapes
from importers.plan import Plan
from importers.quality import shapes as checks
from importers.quality.editions import best_edition
from importers.quality.faults import Fault, Tally
from layers.codes import CodeList
from layers.quality import Check, QualityRule

OF_POLYGONS: frozenset[Check] = frozenset({"slivers", "overlaps", "gaps", "completeness"})
OF_VALUES: frozenset[Check] = frozenset({"unique", "codes"})
"""Checks that look at values only, so that tables without shapes have them too."""
MARGIN_DEG = 1e-5
"""About a metre: how far a shape may reach over the rim of its region."""
Rows = Callable[[int], int]
"""From a row's number in staging to its row in the file."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A fault of staged rows: the one to set aside (None: of the whole layer), and the fault itself."""

    fid: int | None
    fault: Fault


class LayerChecks:
    """The rules that need all rows of one staged run. Shapes are held in memory.

    ``area_m2`` is what all rows together measure on the ellipsoid.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        plan: Plan,
        run: int,
        rows: Rows,
        area_m2: float,
        codes: Mapping[str, CodeList],
    ) -> None:
        self._connection, self._plan, self._run, self._rows = connection, plan, run, rows
        self._area_m2, self._codes = area_m2, codes
        self._fids: list[int] = []
        self._shapes: checks.Shapes = np.array([], dtype=object)
        self._metres: checks.Shapes = np.array([], dtype=object)
        self._coverage: checks.Coverage | None = None

    async def load(self) -> None:
        """Bring the shapes into memory, where there are any."""
        if self._plan.schema.geometry == "none":
            return
        shapes = []
        async for page in staging.staged_shapes(self._connection, self._run):
            self._fids += page.fids
            shapes.append(await asyncio.to_thread(_from_wkb, page.wkb))
        self._shapes = np.concatenate(shapes) if shapes else self._shapes
        degrees = self._plan.schema.srid == GEOGRAPHIC
        self._metres = await asyncio.to_thread(lambda: checks.in_metres(self._shapes, degrees=degrees))

    async def wrong(self, rule: QualityRule, tally: Tally) -> list[Wrong]:
        """What breaks a rule; the tally gets the number looked at, and a note where the check cannot be made."""
        tally.examined = len(self._fids)
        if rule.check in OF_POLYGONS and "Polygon" not in self._plan.schema.geometry:
            tally.note = "not made: the layer does not hold areas"
            return []
        asked: dict[Check, Callable[[QualityRule, Tally], Awaitable[list[Wrong]]]] = {
            "codes": self._editions,
            "unique": self._unique,
            "inside": self._inside,
            "completeness": self._completeness,
        }
        if rule.check in asked:
            return await asked[rule.check](rule, tally)
        computed: dict[Check, Callable[[QualityRule], Iterator[Wrong]]] = {
            "duplicates": self._duplicates,
            "slivers": self._slivers,
            "overlaps": self._overlaps,
            "gaps": self._gaps,
        }
        return await asyncio.to_thread(lambda: list(computed[rule.check](rule)))

    def _at(self, index: int, message: str, shape: shapely.Geometry | None = None) -> Wrong:
        fid = self._fids[index]
        place = self._shapes[index] if shape is None else self._back(shape)
        return Wrong(fid, Fault(self._rows(fid), message, place))

    def _back(self, shape: shapely.Geometry) -> shapely.Geometry:
        """A shape of the metre plane in storage coordinates, near enough to be found on the map."""
        if self._plan.schema.srid != GEOGRAPHIC:
            return shape
        moved: shapely.Geometry = checks.back_to_degrees(shape, self._shapes)
        return moved

    async def _unique(self, rule: QualityRule, tally: Tally) -> list[Wrong]:
        repeated = await staging.repeated_values(self._connection, self._run, str(rule.field))
        places = {fid: index for index, fid in enumerate(self._fids)}
        found = []
        for value, fids in repeated:
            first = self._rows(fids[0])
            for fid in fids[1:]:
                shape = self._shapes[places[fid]] if fid in places else None
                message = f"{rule.field} {value!r} is already in row {first}"
                found.append(Wrong(fid, Fault(self._rows(fid), message, shape)))
        return found

    async def _editions(self, rule: QualityRule, tally: Tally) -> list[Wrong]:
        field = str(rule.field)
        counts = await staging.value_counts(self._connection, self._run, field)
        tally.examined = sum(counts.values())
        best = best_edition({name: self._codes[name] for name in rule.editions}, counts)
        tally.note = best.note
        places = {fid: index for index, fid in enumerate(self._fids)}
        found = []
        for fid, value in await staging.rows_of_values(self._connection, self._run, field, best.foreign):
            shape = self._shapes[places[fid]] if fid in places else None
            found.append(Wrong(fid, Fault(self._rows(fid), f"{field} is {value!r}, {best.foreign[value]}", shape)))
        return found

    async def _inside(self, rule: QualityRule, tally: Tally) -> list[Wrong]:
        outside = await staging.outside_regions(self._connection, self._plan.schema, self._run, rule.level, MARGIN_DEG)
        if outside is None:
            tally.note = f"not made: the regions of level {rule.level} are not loaded"
            return []
        places = {fid: index for index, fid in enumerate(self._fids)}
        return [self._at(places[fid], f"lies not wholly within the {rule.level}") for fid in outside]

    async def _completeness(self, rule: QualityRule, tally: Tally) -> list[Wrong]:
        regions = await region_shapes(self._connection, rule.level)
        if not regions:
            tally.note = f"not made: the regions of level {rule.level} are not loaded"
            return []
        wanted = float(ellipsoidal_areas_m2(shapely.from_wkb(np.array(regions, dtype=object))).sum())
        here = self._area_m2
        share = here / wanted - 1
        tally.note = f"{here / 1e6:.4f} of {wanted / 1e6:.4f} km2 ({share:+.4%})"
        if abs(share) <= rule.tolerance:
            return []
        return [Wrong(None, Fault(None, f"the areas sum up to {tally.note} of the {rule.level}"))]

    def _duplicates(self, rule: QualityRule) -> Iterator[Wrong]:
        for first, later in checks.duplicates(self._metres):
            yield self._at(later, f"has the same shape as row {self._rows(self._fids[first])}")

    def _slivers(self, rule: QualityRule) -> Iterator[Wrong]:
        for index in np.flatnonzero(checks.slivers(self._metres, rule.least, rule.thinness)):
            yield self._at(int(index), f"is a sliver of {shapely.area(self._metres[index]):.2f} m2")

    def _tiling(self) -> checks.Coverage:
        if self._coverage is None:
            self._coverage = checks.Coverage(self._metres)
        return self._coverage

    def _overlaps(self, rule: QualityRule) -> Iterator[Wrong]:
        for first, second, shared in self._tiling().overlaps(rule.least or 0.0):
            other = self._rows(self._fids[first])
            yield self._at(second, f"overlaps row {other} by {shapely.area(shared):.2f} m2", shared)

    def _gaps(self, rule: QualityRule) -> Iterator[Wrong]:
        for gap in self._tiling().gaps(rule.least or 0.0):
            yield Wrong(None, Fault(None, f"a gap of {shapely.area(gap):.2f} m2", self._back(gap)))


def _from_wkb(wkb: list[bytes]) -> checks.Shapes:
    return np.asarray(shapely.from_wkb(np.array(wkb, dtype=object)), dtype=object)
