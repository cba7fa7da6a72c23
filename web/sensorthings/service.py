"""What the service does with a request, whether it comes alone or in a batch."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.model.access import Operation, Principal
from cim.model.sensing_entities import ENTITIES, Entity, Link
from cim.policy.policy import may, read_context, require
from cim.sensors.entity_bodies import read_draft
from cim.sensors.entity_writing import EntityWriter
from cim.sensors.intake import Intake
from cim.sensors.observation_writing import ObservationWriter
from cim.sensors.posted_observations import posted
from cim.store.audits import record
from cim.store.database import Database
from cim.store.sensing_entities import Seen, open_reaches
from web.sensorthings.address import ROOT, Address, Key, id_of, link_to, parse_address
from web.sensorthings.conformance import service_root
from web.sensorthings.data_arrays import ArrayTaking
from web.sensorthings.observing import Observing
from web.sensorthings.options import asked_of
from web.sensorthings.reading import Reader, missing

_VERBS = {"POST": "create", "PATCH": "change", "PUT": "change", "DELETE": "delete"}
MOST_TRACED = 100


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request, and the address of the service as they see it."""

    principal: Principal
    request_id: str
    root: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: JSON, or bare text for a ``$value``; ``location`` of what was made."""

    status: int
    document: Any = None
    location: str = ""
    text: str | None = None


class SensorThings:
    """The service over one database; one for a process."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database = database
        self._intake = intake
        self.observing = Observing(database, intake)

    async def read(self, sender: Sender, path: str, query: bytes) -> Answer:
        """Answer a GET; all of it sees one state of the database."""
        if not path:
            return Answer(200, service_root(sender.root))
        address = parse_address(path)
        asked = asked_of(query, address.last.entity, is_set=address.is_set)
        context = read_context(sender.principal, sender.request_id)
        async with self._database.reading(context) as connection:
            reaches = await open_reaches(connection, context)
            seen = Seen(reaches, unclaimed=may(sender.principal, Operation.IMPORT))
            reader = Reader(connection, seen, sender.root)
            bare = path.removesuffix("/$ref")
            document = await reader.answer(address, asked, bare if not address.ref else path)
        if address.ref:
            return Answer(200, _references(document, is_set=address.is_set))
        return _inner(address, document) if address.inner else Answer(200, document)

    async def write(self, sender: Sender, method: str, path: str, body: Any) -> Answer:
        """Do a POST, PATCH, PUT or DELETE in a transaction of its own; observations of known datastreams share one."""
        if method == "POST" and path == "CreateObservations":
            keys = await ArrayTaking(self.observing, sender.principal).take(body)
            return Answer(201, [self._told(sender, key) for key in keys])
        address = parse_address(path)
        if method == "POST" and address.is_set and address.last.entity.name == "Observation":
            above = _links_above(address)
            found = None if above is None else posted(body, above)
            if found is not None:
                key = await self.observing.take(sender.principal, found)
                return self._made(sender, ENTITIES["Observation"], key)
        async with self.transaction(sender) as connection:
            answer = await self.write_within(connection, sender, method, path, body)
        self.observing.forget()
        return answer

    def transaction(self, sender: Sender) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction of the writer login."""
        return self._database.writing(sender.request_id)

    async def write_within(
        self, connection: AsyncConnection, sender: Sender, method: str, path: str, body: Any
    ) -> Answer:
        """Do a writing request as part of a transaction that the caller commits."""
        require(sender.principal, Operation.IMPORT)
        address = parse_address(path)
        if address.inner or address.ref:
            raise BadRequest("this address can only be read", where="path", remedy="write to the entity")
        observations = ObservationWriter(connection, self._intake)
        writer = EntityWriter(connection, sender.principal, observations)
        entity = address.last.entity
        if method == "POST":
            answer = await self._create(connection, sender, writer, address, body)
        else:
            key = await self._key(connection, sender, address)
            if method == "DELETE":
                await writer.delete(entity, key)
                answer = Answer(200)
            else:
                draft = read_draft(entity, body, partial=True)
                if method == "PUT":
                    _require_whole(entity, draft.values)
                answer = self._changed(sender, entity, await writer.update(key, draft, whole=method == "PUT"))
        await observations.keep()
        await self._trace(connection, sender, writer, method, address)
        return answer

    async def _create(
        self, connection: AsyncConnection, sender: Sender, writer: EntityWriter, address: Address, body: Any
    ) -> Answer:
        if not address.is_set:
            raise BadRequest("entities are made in sets", where="path", remedy=f"POST to {address.last.entity.plural}")
        parent: tuple[Link, int] | None = None
        filled: frozenset[str] = frozenset()
        if len(address.steps) > 1:
            above = Address(address.steps[:-1])
            link = above.last.entity.links[address.last.link or ""]
            parent = (link, (await self._key(connection, sender, above))[0])
            filled = frozenset({link.inverse})
        draft = read_draft(address.last.entity, body, filled=filled)
        key = await writer.create(draft, parent=parent)
        return self._made(sender, address.last.entity, key)

    async def _key(self, connection: AsyncConnection, sender: Sender, address: Address) -> Key:
        """The key of the one entity an address leads to, as far as the caller sees it."""
        if address.is_set:
            raise BadRequest("this is a set of entities", where="path", remedy="name one by its id")
        if len(address.steps) == 1 and address.last.key is not None:
            return address.last.key
        context = read_context(sender.principal)
        seen = Seen(await open_reaches(connection, context), unclaimed=True)
        found = await Reader(connection, seen, sender.root).key(address)
        if found is None:
            raise missing(address.last)
        return found

    async def _trace(
        self, connection: AsyncConnection, sender: Sender, writer: EntityWriter, method: str, address: Address
    ) -> None:
        """The trace of a change of entities in the audit log; single observations leave none."""
        touched = [link_to(ENTITIES[name], key) for name, key in writer.made if name != "Observation"]
        if not touched:
            return
        await record(
            connection,
            actor=sender.principal.name,
            role=sender.principal.role,
            action=f"sensing {_VERBS[method]}",
            subject=touched[-1],
            request_id=sender.request_id,
            detail={"entities": touched[:MOST_TRACED], "count": len(touched)},
        )

    def _made(self, sender: Sender, entity: Entity, key: Key) -> Answer:
        address = f"{sender.root}/{link_to(entity, key)}"
        return Answer(201, {"@iot.id": id_of(key), "@iot.selfLink": address}, address)

    def _changed(self, sender: Sender, entity: Entity, key: Key) -> Answer:
        return Answer(200, self._made(sender, entity, key).document)

    @staticmethod
    def _told(sender: Sender, key: Key | str) -> str:
        return f"error: {key}" if isinstance(key, str) else f"{sender.root}/{link_to(ENTITIES['Observation'], key)}"


def _links_above(address: Address) -> dict[str, int] | None:
    """The links that the address of a set of observations gives; None where it goes by more than one entity."""
    if len(address.steps) == 2 and address.steps[0].key is not None:
        above = address.steps[0]
        return {above.entity.links["Observations"].inverse: above.key[0]} if above.key else {}
    return {} if len(address.steps) == 1 else None


def _require_whole(entity: Entity, values: Mapping[str, Any]) -> None:
    lacking = [one.name for one in entity.properties.values() if one.required and values.get(one.name) is None]
    if lacking:
        raise BadRequest(
            f"PUT replaces all of a {entity.name}, and this lacks {', '.join(lacking)}",
            where="body",
            remedy="send all of it, or PATCH what is to change (OGC 18-088 clause 10.3)",
        )


def _references(document: Mapping[str, Any], *, is_set: bool) -> dict[str, Any]:
    """An answer with addresses alone."""
    if not is_set:
        return {"@iot.selfLink": document["@iot.selfLink"]}
    listed = [{"@iot.selfLink": one["@iot.selfLink"]} for one in document["value"]]
    return {**{name: value for name, value in document.items() if name != "value"}, "value": listed}


def _inner(address: Address, document: Mapping[str, Any]) -> Answer:
    """A property of an entity, or what lies inside it; 204 where it has no value."""
    names = address.inner
    value: Any = document.get("@iot.id" if names[0] == "id" else names[0])
    for name in names[1:]:
        if not isinstance(value, dict) or name not in value:
            raise NotFound(f"there is no {name[:60]!r} in it", where="path", remedy=f"GET {ROOT} for the addresses")
        value = value[name]
    if value is None:
        return Answer(204)
    if address.value:
        return Answer(200, value if isinstance(value, dict | list) else None, text=_bare(value))
    return Answer(200, {names[-1]: value})


def _bare(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
