"""Following the links of layer definitions from a feature: each layer is reached on its shortest way, once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.policy.policy import Decision
from cim.store.features import FeatureQuery, page_of_features
from cim.store.linking import Bond, ByPlace, ByValue, linked_fids
from cim.store.paging import with_fids
from cim.store.selection import Selection
from layers.links import Link
from web.feature_entry import feature_entry
from web.items import When, in_its_state
from web.state import Caller


@dataclass(frozen=True, slots=True)
class Reached:
    """Features of a layer that links are followed from, and the layers on the way to them."""

    decision: Decision
    query: FeatureQuery
    fids: Sequence[int]
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk along links: for whom, in which state of the layers, with how many features shown of each group."""

    connection: AsyncConnection
    who: Caller
    when: When
    limit: int

    async def groups(self, start: Reached, depth: int) -> list[dict[str, Any]]:
        """What is linked to a feature within ``depth`` links, the nearest first; groups of nothing are left out."""
        found: list[dict[str, Any]] = []
        seen, frontier = {start.decision.collection.id}, [start]
        for _ in range(depth):
            reached: list[Reached] = []
            for one in frontier:
                for link in self._links(one.decision):
                    if link.layer not in seen:
                        reached += await self._follow(one, link, found)
            seen |= {one.decision.collection.id for one in reached}
            frontier = reached
        return found

    def _links(self, decision: Decision) -> Sequence[Link]:
        definition = self.who.state.catalog.layers.get(decision.collection.id)
        return definition.links if definition else ()

    async def _follow(self, one: Reached, link: Link, found: list[dict[str, Any]]) -> list[Reached]:
        """The features a link leads to, their group added to what is found; nothing where the caller may not look."""
        if link.layer not in self.who.readable_ids():
            return []
        decision = self.who.decide(link.layer)
        bond = _bond(link, one.decision, decision)
        if bond is None:
            return []
        query = FeatureQuery(decision.collection, decision.field_names, decision.regions, limit=self.limit)
        query, _ = await in_its_state(self.connection, self.who, query, self.when)
        source, target = _selections(one.query, query, bond)
        count, fids = await linked_fids(self.connection, source, one.fids, target, bond)
        if not count:
            return []
        shown = replace(query, where=(with_fids(fids[: self.limit]),))
        definition = self.who.state.catalog.layers.get(link.layer)
        path = (*one.path, one.decision.collection.id)
        found.append(
            {
                "layer": link.layer,
                "title": definition.title.model_dump() if definition else {"zh": link.layer, "en": link.layer},
                "relation": link.title.model_dump(),
                "by": link.model_dump(include={"field", "to", "place", "metres"}, exclude_none=True),
                "path": list(path),
                "count": count,
                "followed": len(fids),
                "features": [
                    feature_entry(decision, definition, feature)
                    for feature in await page_of_features(self.connection, shown)
                ],
            }
        )
        return [Reached(decision, query, fids, path)]


def _bond(link: Link, one: Decision, other: Decision) -> Bond | None:
    """How two layers are bound; None where the caller may not see a field, or a layer has come without it or shapes."""
    if link.place is not None:
        located = "none" not in (one.collection.schema.geometry, other.collection.schema.geometry)
        return ByPlace(link.place, link.metres or 0.0) if located else None
    if link.field in one.field_names and link.to in other.field_names:
        return ByValue(str(link.field), str(link.to))
    return None


def _selections(one: FeatureQuery, other: FeatureQuery, bond: Bond) -> tuple[Selection, Selection]:
    names = ((bond.field,), (bond.to,)) if isinstance(bond, ByValue) else ((), ())
    return replace(one.selection, fields=names[0]), replace(other.selection, fields=names[1])
