"""Making, changing and deleting entities of SensorThings, with the rights and the integrity rules of the standard.

One writer serves one transaction; what it does is done together or not at all, its trace in the audit log included.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.access import Grade, Operation, Principal
from cim.model.sensing_entities import Draft, Entity, Link, Reference
from cim.policy.policy import require
from cim.sensors.entity_bodies import unit_of
from cim.sensors.entity_checks import EntityChecks
from cim.sensors.observation_writing import ObservationWriter
from cim.sensors.places import GEOJSON, shape_of
from cim.sensors.rights import require_import
from cim.store.sensing_entities_deleting import delete_entity
from cim.store.sensing_entities_writing import (
    Claim,
    asset_claim,
    insert_row,
    is_newest_place,
    locked_row,
    note_place,
    place_thing,
    update_row,
)

MOST_MADE = 5_000
Key = tuple[int, datetime | None]
_OWN = {
    "Datastream": {"Thing": "thing", "Sensor": "sensor", "ObservedProperty": "observed_property"},
    "HistoricalLocation": {"Thing": "thing"},
}
"""Links that are a column of the entity itself."""
_MERGED = frozenset({"properties", "unitOfMeasurement"})


class EntityWriter:
    """Writes entities for a principal, in an open transaction of the writer login.

    Parameters
    ----------
    principal: their rights are asked for all that is touched; a link to what they do not see is one to nothing.
    observations: keeps the observations that come along.

    """

    def __init__(self, connection: AsyncConnection, principal: Principal, observations: ObservationWriter) -> None:
        self._connection = connection
        self._principal = principal
        self._checks = EntityChecks(connection, principal)
        self._observations = observations
        self.made: list[tuple[str, Key]] = []

    async def create(self, draft: Draft, *, parent: tuple[Link, int] | None = None) -> Key:
        """Make an entity, with all that is drafted inside it; ``parent`` is the link of the address it is sent to."""
        if len(self.made) >= MOST_MADE:
            raise BadRequest(
                f"more than {MOST_MADE} entities are to be made at once", where=draft.where, remedy="send them in parts"
            )
        if parent is not None and parent[0].inverse:
            draft.links.setdefault(parent[0].inverse, [Reference(parent[1])])
        if draft.entity.name == "Observation":
            key = await self._observe(draft)
        else:
            key = (await self._MAKERS[draft.entity.name](self, draft), None)
        self.made.append((draft.entity.name, key))
        return key

    async def _observe(self, draft: Draft) -> Key:
        stream = await self._number(draft.links["Datastream"][0])
        await self._checks.require_usable("Datastream", stream, draft.where)
        feature = None
        if draft.links.get("FeatureOfInterest"):
            feature = await self._used("FeatureOfInterest", draft.links["FeatureOfInterest"][0], draft.where)
        return await self._observations.add(stream, feature, draft.values)

    async def _number(self, item: Reference | Draft) -> int:
        """The number of a linked entity, made first where it is a draft."""
        return item.id if isinstance(item, Reference) else (await self.create(item))[0]

    async def _used(self, entity: str, item: Reference | Draft, where: str) -> int:
        """The number of a linked entity that the caller sees and may link to."""
        number = await self._number(item)
        if isinstance(item, Reference):
            await self._checks.require_usable(entity, number, where)
        return number

    async def _all_used(self, entity: str, items: Sequence[Reference | Draft], where: str) -> list[int]:
        return [await self._used(entity, item, where) for item in items]

    async def _make_thing(self, draft: Draft) -> int:
        values = dict(draft.values) | await self._grading(draft.values.get("properties"), draft.where)
        number = await insert_row(self._connection, "Thing", values)
        await self._follow(draft, number)
        return number

    async def _grading(self, properties: Any, where: str) -> dict[str, Any]:
        """Grade, region and asset of a Thing as its properties say; internal where they say nothing."""
        given = properties if isinstance(properties, dict) else {}
        found: dict[str, Any] = {}
        asset, grade, region = given.get("asset"), given.get("grade"), given.get("region_code")
        claim = await asset_claim(self._connection, asset) if isinstance(asset, str) else None
        if claim is not None:
            found["asset"] = asset
        else:
            if grade is not None and grade not in set(Grade):
                raise BadRequest(
                    f"there is no grade {str(grade)[:40]!r}",
                    where=f"{where}.properties.grade",
                    remedy=f"there are {', '.join(Grade)}",
                )
            claim = Claim(grade or Grade.INTERNAL, region if isinstance(region, str) else None)
            found |= {"grade": claim.grade, "region_code": claim.region_code}
        require_import(self._principal, [claim], "Thing")
        return found

    async def _make_location(self, draft: Draft) -> int:
        require(self._principal, Operation.IMPORT)
        shape = shape_of(draft.values["encodingType"], draft.values["location"], f"{draft.where}.location")
        number = await insert_row(self._connection, "Location", draft.values, shape)
        await self._follow(draft, number)
        return number

    async def _make_feature(self, draft: Draft) -> int:
        require(self._principal, Operation.IMPORT)
        shape = shape_of(draft.values["encodingType"], draft.values["feature"], f"{draft.where}.feature")
        number = await insert_row(self._connection, "FeatureOfInterest", draft.values, shape)
        await self._follow(draft, number)
        return number

    async def _make_history(self, draft: Draft) -> int:
        thing = await self._used("Thing", draft.links["Thing"][0], draft.where)
        places = await self._all_used("Location", draft.links["Locations"], draft.where)
        at = draft.values["time"]
        if await is_newest_place(self._connection, thing, at):
            return await place_thing(self._connection, thing, places, at)
        return await note_place(self._connection, thing, places, at)

    async def _make_plain(self, draft: Draft) -> int:
        require(self._principal, Operation.IMPORT)
        number = await insert_row(self._connection, draft.entity.name, draft.values)
        await self._follow(draft, number)
        return number

    async def _make_stream(self, draft: Draft) -> int:
        columns = await self._own_links(draft)
        number = await insert_row(self._connection, "Datastream", {**draft.values, **columns})
        await self._follow(draft, number)
        return number

    async def _own_links(self, draft: Draft) -> dict[str, int]:
        """The links of a draft that are columns of its own."""
        own = _OWN.get(draft.entity.name, {})
        return {
            column: await self._used(draft.entity.links[link].target, draft.links[link][0], draft.where)
            for link, column in own.items()
            if draft.links.get(link)
        }

    async def _follow(self, draft: Draft, number: int) -> None:
        """Link an entity that was just made, or is changed, to what its draft names beside its own columns."""
        name = draft.entity.name
        for link, items in draft.links.items():
            if link in _OWN.get(name, {}):
                continue
            if (name, link) == ("Thing", "Locations") and items:
                places = await self._all_used("Location", items, draft.where)
                await place_thing(self._connection, number, places)
            elif (name, link) == ("Location", "Things"):
                for thing in await self._all_used("Thing", items, draft.where):
                    await place_thing(self._connection, thing, [number])
            else:
                await self._turn(draft, draft.entity.links[link], items, number)

    async def _turn(self, draft: Draft, link: Link, items: Sequence[Reference | Draft], number: int) -> None:
        """Make the drafts of a link as belonging to an entity; entities that exist are turned to it."""
        for item in items:
            if isinstance(item, Draft):
                item.links[link.inverse] = [Reference(number)]
                await self.create(item)
                continue
            column = _OWN.get(link.target, {}).get(link.inverse)
            if column is None:
                raise BadRequest(
                    f"{link.name} cannot be set from a {draft.entity.name}",
                    where=draft.where,
                    remedy=f"change the {link.inverse} of each",
                )
            await self._checks.require_changeable(link.target, item.id)
            await update_row(self._connection, link.target, item.id, {column: number})

    async def update(self, key: Key, draft: Draft, *, whole: bool) -> Key:
        """Change an entity: what is given (PATCH), or all of it (``whole``, PUT); links that are not given stay."""
        number, at = key
        if at is not None:
            await self._checks.require_changeable("Datastream", number)
            new = await self._observations.change(number, at, draft, whole=whole)
            self.made.append(("Observation", new))
            return new
        name = draft.entity.name
        await self._checks.require_changeable(name, number)
        row = await locked_row(self._connection, name, number)
        values = draft.values if whole or row is None else {**draft.values, **_merged(draft, row)}
        if whole:
            values = {one.name: values.get(one.name) for one in draft.entity.properties.values() if one.given}
        if "unitOfMeasurement" in values:
            unit_of(values["unitOfMeasurement"], f"{draft.where}.unitOfMeasurement")
        columns = await self._own_links(draft)
        if name == "Thing" and "properties" in values:
            columns |= await self._grading(values["properties"], draft.where)
        shape = self._new_shape(draft, row or {})
        await update_row(self._connection, name, number, {**values, **columns}, shape)
        await self._follow(draft, number)
        self.made.append((name, key))
        return key

    @staticmethod
    def _new_shape(draft: Draft, row: Mapping[str, Any]) -> Any:
        placed = {"Location": "location", "FeatureOfInterest": "feature"}.get(draft.entity.name)
        if placed is None:
            return None
        encoding = draft.values.get("encodingType", row.get("encoding_type", ""))
        if placed not in draft.values:
            if (encoding in GEOJSON) == (row.get("encoding_type") in GEOJSON):
                return None
            draft.values[placed] = row[placed]
        return shape_of(encoding, draft.values[placed], f"{draft.where}.{placed}")

    async def delete(self, entity: Entity, key: Key) -> None:
        """Delete an entity with what hangs on it."""
        number, at = key
        if at is not None:
            await self._checks.require_changeable("Datastream", number)
            await self._observations.remove(number, at)
        else:
            await self._checks.require_changeable(entity.name, number)
            await delete_entity(self._connection, entity.name, number)
        self.made.append((entity.name, key))

    _MAKERS: ClassVar[Mapping[str, Callable[["EntityWriter", Draft], Awaitable[int]]]] = {
        "Thing": _make_thing,
        "Location": _make_location,
        "HistoricalLocation": _make_history,
        "Datastream": _make_stream,
        "Sensor": _make_plain,
        "ObservedProperty": _make_plain,
        "FeatureOfInterest": _make_feature,
    }


def _merged(draft: Draft, row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON objects of a change laid over what is there (RFC 7396); a null takes a member away."""
    columns = {"properties": "properties", "unitOfMeasurement": "unit"}
    return {
        name: merge_patch(row.get(columns[name]), draft.values[name])
        for name in _MERGED & draft.values.keys()
        if isinstance(draft.values[name], dict)
    }


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), value)
    return found
