"""What an analysis is given beside its parameters: the caller's view of the layers, code lists, and a way to report."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.boxes import boxes_over, widened
from cim.errors import BadRequest
from cim.filters.compiler import compile_filter
from cim.filters.scope import FieldScope
from cim.model.analysis import SourceEdition
from cim.model.collection import BoundingBox, Collection
from cim.model.heights import PointHeights
from cim.model.redline import RedLine, moved, to_lonlat
from cim.policy.policy import Decision
from cim.store.meeting_features import features_meeting
from cim.store.selection import Selection
from cim.store.versions import publishing_times, the_version

Shapes = np.ndarray[Any, np.dtype[np.object_]]
ABSENT = 0
"""The version of a layer that was not there."""
Reading = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
HeightReader = Callable[[str, Floats, Floats], Awaitable[PointHeights]]
"""Gives the heights of places (longitudes, latitudes) from a layer of heights, as far as the caller may read it."""
Progress = Callable[[int, str], None]
"""Told how much of a hundred is done, and what is being done; raises when somebody wants an end."""


def no_progress(_done: int, _what: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class CodeNames:
    """What the analyses need of a code list: Chinese names by code, and colours where prescribed."""

    system: str
    edition: str
    names: Mapping[str, str]
    colours: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RollUp:
    """A crosswalk as the analyses need it: the one counterpart of each code, None where there is none."""

    edition: str
    of: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a layer near some areas: shapes in the system asked for, and a list of values for each field."""

    edition: SourceEdition
    fids: np.ndarray[Any, np.dtype[np.int64]]
    keys: Sequence[str]
    columns: Mapping[str, list[Any]]
    shapes: Shapes

    @property
    def present(self) -> bool:
        """Whether there is such a layer that the caller may read."""
        return self.edition.version is not None


@dataclass(frozen=True, slots=True)
class Context:
    """The caller's view of a city.

    ``decisions`` are the layers the caller may read, ``titles`` what people call each layer, ``codes`` the code lists,
    ``roll_ups`` the crosswalks, both by file name; ``field_titles`` what people call each layer's fields and
    ``field_codes`` the code list of those that have one; ``red_line`` finds one the caller may use by its id;
    ``versions`` pins layers to older versions, 0 to not being there; ``published`` keeps when versions were published;
    ``heights`` reads models of heights; ``models`` are the building models the caller may read.
    """

    reading: Reading
    decisions: Mapping[str, Decision]
    titles: Mapping[str, str]
    codes: Mapping[str, CodeNames]
    roll_ups: Mapping[str, RollUp]
    red_line: Callable[[str], Awaitable[RedLine]]
    field_titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    field_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    operator: str = ""
    office: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)
    progress: Progress = no_progress
    heights: HeightReader | None = None
    models: Mapping[str, Decision] = field(default_factory=dict)
    published: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def shown(self, layer: str, name: str, value: Any) -> Any:
        """A field's value as people read it: a code with its name, a day as text."""
        listed = self.field_codes.get(layer, {}).get(name)
        called = self.codes[listed].names.get(str(value)) if listed and value is not None else None
        if called is not None and called != str(value):
            return f"{value} {called}" if str(value)[:1].isdigit() else called
        return value.isoformat() if hasattr(value, "isoformat") else value

    def decision(self, layer: str) -> Decision | None:
        """What the caller may see of a layer; None where there is nothing, or ``versions`` says that there was not."""
        return None if self.versions.get(layer) == ABSENT else self.decisions.get(layer)

    async def edition(self, connection: AsyncConnection, layer: str) -> SourceEdition:
        """The edition of a layer that this analysis reads; without a version where it cannot be read."""
        decision = self.decision(layer)
        title = self.titles.get(layer, layer)
        if decision is None:
            return SourceEdition(layer, title, None, note=f"没有可用的图层“{title}”（未入库，或无权查看）")
        number = self.versions.get(layer, decision.collection.version)
        known = (layer, number)
        if known not in self.published:
            self.published[known] = (await the_version(connection, layer, number)).created_at
        return SourceEdition(layer, title, number, self.published[known])

    async def look_up(self, connection: AsyncConnection, layers: Iterable[str]) -> None:
        """Learn the editions of many layers at once, which are otherwise asked for one by one."""
        held = {layer: self.decision(layer) for layer in layers}
        wanted = {name: self.versions.get(name, of.collection.version) for name, of in held.items() if of is not None}
        self.published.update(await publishing_times(connection, wanted))

    def collection(self, layer: str) -> Collection:
        """A layer that the caller may read; BadRequest where there is none."""
        decision = self.decisions.get(layer)
        if decision is None:
            raise BadRequest(
                f"there is no layer {layer!r} that you may see", where="layer", remedy="GET /collections lists them"
            )
        return decision.collection

    async def features(
        self,
        connection: AsyncConnection,
        layer: str,
        wanted: Sequence[str],
        areas: Shapes,
        srid: int,
        *,
        where: str = "",
        scenario: int | None = None,
        within_m: float = 0.0,
        boxes: list[BoundingBox] | None = None,
        more: tuple[Any, ...] = (),
    ) -> Features:
        """The features of a layer that may meet areas (in the system ``srid``), shapes in that system.

        Fields the layer has not, or the caller may not see, are lists of None. ``where`` is CQL2 over its fields;
        ``within_m`` widens the areas' boxes; ``boxes`` are these (``boxes_over``), where they are known already;
        ``more`` are further conditions that a module of the store gives.
        """
        edition = await self.edition(connection, layer)
        decision = self.decision(layer)
        if decision is None or decision.collection.schema.geometry == "none":
            none = np.zeros(0, dtype=np.int64)
            return Features(edition, none, [], {name: [] for name in wanted}, np.zeros(0, dtype=object))
        known = tuple(name for name in dict.fromkeys(wanted) if name in decision.field_names)
        conditions = (*_conditions(decision, where), *more)
        version = None if edition.version == decision.collection.version else edition.version
        selection = Selection(decision.collection, known, decision.regions, conditions, version, scenario)
        near = widened(boxes if boxes is not None else boxes_over(to_lonlat(areas, srid)), within_m)
        found = await features_meeting(connection, selection, near, srid)
        shapes = moved(shapely.from_wkb(np.array(found.wkb, dtype=object)), found.srid, srid)
        missing: dict[str, list[Any]] = {name: [None] * len(found.keys) for name in wanted if name not in known}
        return Features(edition, found.fids, found.keys, {**found.columns, **missing}, shapes)


def _conditions(decision: Decision, where: str) -> tuple[Any, ...]:
    if not where:
        return ()
    scope = FieldScope(decision.collection.schema, decision.field_names)
    return (compile_filter(where, scope).condition,)
