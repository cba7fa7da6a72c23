"""Reading layers around the zones, all on one connection: one transaction sees one state of all of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.block_figures.material import changed_by
from cim.analysis.boxes import boxes_over, widened
from cim.analysis.context import ABSENT, Context, Features
from cim.analysis.incident_picture.parameters import PictureParameters
from cim.analysis.incident_picture.zones import Zones
from cim.errors import BadRequest
from cim.model.analysis import SourceEdition
from cim.model.collection import BoundingBox
from cim.model.redline import LONLAT_SRID
from cim.policy.policy import Decision
from cim.store.as_of import version_at
from cim.store.selection import Selection

MISSING, EMPTY, HIDDEN, PARTIAL = "missing", "empty", "hidden", "partial"


@dataclass(frozen=True, slots=True)
class Lack:
    """What keeps a layer from being told in full: it is missing, empty, has fields hidden, or is seen in part."""

    layer: str
    title: str
    kind: str
    text: str
    edition: str


@dataclass
class Reader:
    """The layers around the zones as the caller may see them; remembers their editions and what they lack."""

    context: Context
    connection: AsyncConnection
    zones: Zones
    scenarios: Mapping[str, int]
    boxes: list[BoundingBox]
    sources: dict[str, SourceEdition] = field(default_factory=dict)
    lacks: dict[tuple[str, str], Lack] = field(default_factory=dict)

    async def near(
        self, layer: str, fields: Sequence[str], within_m: float = 0.0, more: tuple[Any, ...] = ()
    ) -> Features:
        """The features whose boxes may meet the zones, or lie so many metres around them, in longitude and latitude."""
        await self.known(layer, fields)
        return await self.context.features(
            self.connection,
            layer,
            fields,
            self.zones.outer,
            LONLAT_SRID,
            scenario=self.scenarios.get(layer),
            within_m=within_m,
            boxes=self.boxes,
            more=more,
        )

    async def known(self, layer: str, fields: Sequence[str]) -> Decision | None:
        """What the caller may see of a layer, once its edition and lacks are noted."""
        edition = await self.context.edition(self.connection, layer)
        self.sources[layer] = edition
        decision = self.context.decision(layer)
        if decision is None:
            self._note(edition, MISSING, edition.note)
            return None
        hidden = [name for name in fields if name not in decision.field_names]
        if hidden:
            titles = self.context.field_titles.get(layer, {})
            told = "、".join(titles.get(name, name) for name in hidden)
            self._note(edition, HIDDEN, f"字段“{told}”没有或无权查看，相关数字未给出")
        if decision.regions is not None:
            self._note(edition, PARTIAL, "您只能查看该图层的部分辖区，数字只含可见部分")
        if decision.collection.feature_count == 0:
            self._note(edition, EMPTY, "图层中没有任何要素，不等于实地没有")
        return decision

    def _note(self, edition: SourceEdition, kind: str, text: str) -> None:
        self.lacks.setdefault((edition.layer, kind), Lack(edition.layer, edition.title, kind, text, edition.text))

    def lacking(self, layer: str) -> bool:
        """Whether nothing can be said of a layer."""
        return (layer, MISSING) in self.lacks or (layer, EMPTY) in self.lacks

    def selection(self, layer: str, wanted: Sequence[str]) -> Selection:
        """The rows of a layer that is there, with those of the fields that are visible."""
        decision = self.context.decisions[layer]
        known = tuple(name for name in wanted if name in decision.field_names)
        number = self.context.versions.get(layer, decision.collection.version)
        version = None if number == decision.collection.version else number
        return Selection(decision.collection, known, decision.regions, (), version, self.scenarios.get(layer))

    def around(self, by_m: float) -> tuple[BoundingBox, ...]:
        """The boxes over the zones, wider by some metres."""
        return tuple(widened(self.boxes, by_m))


@asynccontextmanager
async def reader_of(
    context: Context, zones: Zones, asked: PictureParameters, layers: Sequence[str]
) -> AsyncIterator[Reader]:
    """A reader while the block runs; whatever is asked through its context reads the same state."""
    async with context.reading() as connection:
        if asked.datetime is not None and asked.scenario is not None:
            raise BadRequest(
                "a scenario stands on a version of its own", where="inputs.datetime", remedy="leave one of them out"
            )
        changed = await changed_by(connection, context, asked.scenario)
        versions = {layer: version for layer, (_, version) in changed.items() if version is not None}
        if asked.datetime is not None:
            known = [layer for layer in layers if layer in context.decisions]
            versions |= {layer: await version_at(connection, layer, asked.datetime) or ABSENT for layer in known}

        @asynccontextmanager
        async def same() -> AsyncIterator[AsyncConnection]:
            yield connection

        own = replace(context, reading=same, versions={**context.versions, **versions})
        await own.look_up(connection, layers)
        scenarios = {layer: number for layer, (number, _) in changed.items()}
        yield Reader(own, connection, zones, scenarios, boxes_over(zones.outer))
