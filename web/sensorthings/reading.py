"""Answers to reading: pages of entities with what is expanded, a bounded number of queries for each level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge, NotFound
from cim.filters.odata_compiler import ODataCompiler
from cim.filters.odata_grammar import Options
from cim.filters.odata_writing import options_text
from cim.model.sensing_entities import ENTITIES, Entity, Link
from cim.store.sensing_entities import Rows, Seen, Sql
from cim.store.sensing_entities_reading import (
    Found,
    OrderKey,
    Wanted,
    count_linked,
    count_rows,
    read_linked,
    read_page,
)
from web.sensorthings.address import Address, Key, Step, id_of
from web.sensorthings.documents import chosen_properties, document, key_of_row
from web.sensorthings.options import Asked, page_size, token_of, values_of

MOST_ENTITIES = 50_000
"""Entities in one answer, those that come by expansions included."""
Document = dict[str, Any]


@dataclass(slots=True)
class Page:
    """Entities of a set in their order, with the rows they were made of; ``after`` is where the next page starts."""

    rows: Sequence[Found]
    documents: list[Document]
    after: list[Any] | None
    count: int | None


class Reader:
    """Reads entities for one request, in one transaction.

    Parameters
    ----------
    connection: of ``database.reading``.
    seen: what the caller sees.
    root: the address of the service.

    """

    def __init__(self, connection: AsyncConnection, seen: Seen, root: str) -> None:
        self._connection = connection
        self._seen = seen
        self._root = root
        self._left = MOST_ENTITIES

    async def answer(self, address: Address, asked: Asked, path: str) -> Document:
        """What an address gives; ``path`` is the address itself, which the link to a next page begins with."""
        origin = await self.origin(address)
        if not address.is_set:
            return await self._one(address.last, asked.options, origin)
        page = await self.page(address.last.entity, asked.options, origin, asked.token)
        answer: Document = {}
        if page.count is not None:
            answer["@iot.count"] = page.count
        if page.after is not None:
            answer["@iot.nextLink"] = f"{self._root}/{path}?{_next_query(asked.given, page.after)}"
        answer["value"] = page.documents
        if asked.data_array:
            answer["value"] = data_arrays(page, self._root, asked.options)
        return answer

    async def origin(self, address: Address) -> tuple[str, str, int] | None:
        """The entity, link and number that the last step starts from; NotFound where a step leads nowhere."""
        origin: tuple[str, str, int] | None = None
        for place, step in enumerate(address.steps[:-1]):
            link = address.steps[place + 1].link or ""
            rows = Rows(step.entity, self._seen)
            wanted = Wanted(rows, [rows.key(link).label("number")], _by_id(rows), _restricted(rows, step, origin), 0)
            found = await read_page(self._connection, wanted)
            if not found:
                raise missing(step)
            if found[0]["number"] is None:
                raise missing(address.steps[place + 1])
            origin = (step.entity.name, link, found[0]["number"])
        return origin

    async def key(self, address: Address) -> Key | None:
        """The key of the one entity an address leads to; None where there is none."""
        origin = await self.origin(address)
        rows = Rows(address.last.entity, self._seen)
        columns = [column.label(column.key) for column in rows.ids()]
        wanted = Wanted(rows, columns, _by_id(rows), _restricted(rows, address.last, origin), 0)
        found = await read_page(self._connection, wanted)
        return key_of_row(rows.entity, found[0]) if found else None

    async def _one(self, step: Step, options: Options, origin: tuple[str, str, int] | None) -> Document:
        rows = Rows(step.entity, self._seen)
        where = _restricted(rows, step, origin)
        wanted = self._wanted(rows, options, where)
        wanted.limit = 0
        found = await read_page(self._connection, wanted)
        if not found:
            raise missing(step)
        return (await self._documents(step.entity, found, options))[0]

    async def page(
        self, entity: Entity, options: Options, origin: tuple[str, str, int] | None, token: str | None = None
    ) -> Page:
        """One page of a set."""
        rows = Rows(entity, self._seen)
        where = [rows.led_to(origin[0], origin[1], sa.literal(origin[2], sa.Integer))] if origin else []
        wanted = self._wanted(rows, options, where)
        if token is not None:
            wanted.after = values_of(token, wanted.keys)
        found = await read_page(self._connection, wanted) if wanted.limit or not options.count else []
        page = found[: wanted.limit]
        after = _key_values(page[-1], wanted.keys) if page and len(found) > len(page) else None
        count = await count_rows(self._connection, wanted) if options.count else None
        return Page(page, await self._documents(entity, page, options), after, count)

    def _wanted(self, rows: Rows, options: Options, where: list[sa.ColumnElement[bool]]) -> Wanted:
        entity = rows.entity
        columns: list[Sql] = [column.label(column.key) for column in rows.ids()]
        for name in chosen_properties(entity, options.select):
            columns += rows.shown(name)
        columns += [rows.key(one.path[0]).label(f"link_{one.path[0]}") for one in options.expand]
        if entity.name == "Observation" and options.select is not None:
            columns += [column for name in ("phenomenonTime",) for column in rows.shown(name)]
        if options.filter is not None:
            where = [*where, ODataCompiler(rows).condition(options.filter)]
        compiler = ODataCompiler(rows, "$orderby")
        keys = [key for order in options.orders for key in compiler.order(order)]
        keys += _by_id(rows)
        return Wanted(rows, columns, keys, where, page_size(entity, options.top), options.skip)

    async def _documents(self, entity: Entity, found: Sequence[Found], options: Options) -> list[Document]:
        """Documents of rows, with what is expanded attached."""
        self._left -= len(found)
        if self._left < 0:
            raise AnswerTooLarge(
                f"the answer would hold more than {MOST_ENTITIES} entities",
                where="$expand",
                remedy="expand fewer, or lower $top inside the expansion",
            )
        expanded = {one.path[0] for one in options.expand}
        made = [document(entity, row, self._root, options.select, expanded) for row in found]
        for expansion in options.expand:
            await self._expand(entity, entity.links[expansion.path[0]], expansion.options, found, made)
        return made

    async def _expand(
        self, entity: Entity, link: Link, options: Options, found: Sequence[Found], made: list[Document]
    ) -> None:
        """Attach what a link leads to, to all documents of a level."""
        column = f"link_{link.name}"
        parents = [row[column] for row in found if row[column] is not None]
        target = ENTITIES[link.target]
        rows = Rows(target, self._seen)
        wanted = self._wanted(rows, options, [])
        if not link.many:
            wanted.limit, wanted.offset = 1, 0
        read: Sequence[Found] = []
        if parents:
            read = await read_linked(self._connection, wanted, entity.name, link.name, parents, self._left + 1)
        documents = await self._documents(target, read, options)
        groups: dict[int, list[tuple[Found, Document]]] = {}
        for row, one in zip(read, documents, strict=True):
            groups.setdefault(row["parent"], []).append((row, one))
        counts: Mapping[int, int] = {}
        if link.many and options.count and parents:
            counts = await count_linked(self._connection, wanted, entity.name, link.name, parents)
        for row, holder in zip(found, made, strict=True):
            group = groups.get(row[column], [])
            if not link.many:
                holder[link.name] = group[0][1] if group else None
                continue
            if options.count:
                holder[f"{link.name}@iot.count"] = counts.get(row[column], 0)
            if len(group) > wanted.limit:
                group = group[: wanted.limit]
                if group:
                    after = _key_values(group[-1][0], wanted.keys)
                    holder[f"{link.name}@iot.nextLink"] = self._next_of(entity, row, link, options, after)
            holder[link.name] = [one for _, one in group]

    def _next_of(self, entity: Entity, row: Found, link: Link, options: Options, after: list[Any]) -> str:
        query = _next_query(options_text(options), after)
        address = document(entity, row, self._root, {"@iot.selfLink"}, ())["@iot.selfLink"]
        return f"{address}/{link.name}?{query}"


def _by_id(rows: Rows) -> list[OrderKey]:
    return [OrderKey(column, descending=False, nullable=False) for column in rows.ids()]


def _restricted(rows: Rows, step: Step, origin: tuple[str, str, int] | None) -> list[sa.ColumnElement[bool]]:
    """That a row is the one of a step: by the link from where it started, and by its key."""
    where = []
    if origin is not None:
        where.append(rows.led_to(origin[0], origin[1], sa.literal(origin[2], sa.Integer)))
    if step.key is not None:
        where.append(is_of_key(rows, step.key))
    return where


def is_of_key(rows: Rows, key: Key) -> sa.ColumnElement[bool]:
    """Whether a row is that of a key."""
    number, at = key
    ids = rows.ids()
    return ids[0] == number if at is None else sa.and_(ids[0] == number, ids[1] == at)


def _key_values(row: Found, keys: Sequence[OrderKey]) -> list[Any]:
    return [row[f"key_{place}"] for place in range(len(keys))]


def _next_query(given: Mapping[str, str], after: list[Any]) -> str:
    kept = {name: value for name, value in given.items() if name not in ("$skip", "$skiptoken")}
    return urlencode({**kept, "$skiptoken": token_of(after)}, quote_via=quote, safe="$,()/';:@")


def missing(step: Step) -> NotFound:
    """The answer where an entity is not there or not open to the caller, which cannot be told apart."""
    name = step.entity.name if step.key is None else f"{step.entity.name} {id_of(step.key)}"
    return NotFound(
        f"there is no {name} that you may see",
        where="path",
        remedy=f"see /sensorthings/v1.1/{step.entity.plural}; log in to see more",
    )


def data_arrays(page: Page, root: str, options: Options) -> list[Document]:
    """Observations as arrays, one for each Datastream (OGC 18-088 clause 12)."""
    entity = ENTITIES["Observation"]
    names = ["id", *chosen_properties(entity, None)]
    if options.select is not None:
        names = [name for name in names if name in options.select or (name == "id" and "@iot.id" in options.select)]
    groups: dict[int, list[list[Any]]] = {}
    for row, one in zip(page.rows, page.documents, strict=True):
        key = key_of_row(entity, row)
        values = [id_of(key) if name == "id" else one.get(name) for name in names]
        groups.setdefault(key[0], []).append(values)
    return [
        {
            "Datastream@iot.navigationLink": f"{root}/Datastreams({number})",
            "components": names,
            "dataArray@iot.count": len(rows),
            "dataArray": rows,
        }
        for number, rows in groups.items()
    ]
