"""City objects over HTTP: as CityJSON, and what their shapes are."""

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.model.city_bodies import unpacked
from cim.policy.policy import read_context
from cim.store.city_exporting import StoredObject, city_document, family_tree, stored_objects
from cim.store.city_shapes import shapes_by_hash
from cim.store.database import Database
from cim.store.features import Feature, FeatureQuery
from importers.city.describing import described
from importers.city.writing import CITYJSON, CITYJSONSEQ, CityOrder, write_city
from web.state import Caller

CITY_FORMS = frozenset({CITYJSON, CITYJSONSEQ})
NEEDED = ("object_id", "object_type", "parent", "shape")


def check_city(query: FeatureQuery, crs_given: bool) -> None:
    """BadRequest when a layer has no city objects, or not all of them that CityJSON needs is open to the caller."""
    layer = query.collection.id
    if query.collection.schema.kind != "city":
        raise BadRequest("the layer holds no city objects", where="f", remedy="ask for geojson or gpkg")
    hidden = [name for name in NEEDED if name not in query.fields]
    if hidden:
        raise BadRequest(
            f"CityJSON needs the fields {', '.join(hidden)} of {layer}",
            where="properties",
            remedy="leave properties out; fields that stay hidden are not open to you",
        )
    if crs_given:
        raise BadRequest("CityJSON is in the system it came in", where="crs", remedy="leave crs out")


async def document_of(database: Database, layer: str) -> dict[str, Any]:
    """What the newest file of a layer said of itself."""
    async with database.writing("city document") as connection:
        return await city_document(connection, layer)


async def write_city_file(
    connection: AsyncConnection,
    query: FeatureQuery,
    form: str,
    target: Path,
    document: dict[str, Any],
    *,
    overwrite: bool = False,
) -> int:
    """Write all objects a query finds, in a thread that asks the loop for page after page."""
    order = CityOrder(form, document, await family_tree(connection, query))
    loop = asyncio.get_running_loop()
    opened: list[AsyncGenerator[list[StoredObject], None]] = []

    def pages() -> Iterator[Sequence[StoredObject]]:
        for old in opened:
            asyncio.run_coroutine_threadsafe(old.aclose(), loop).result()
        opened[:] = [stored_objects(connection, query)]
        while page := asyncio.run_coroutine_threadsafe(_next(opened[0]), loop).result():
            yield page

    try:
        return await asyncio.to_thread(write_city, order, pages, target, overwrite=overwrite)
    finally:
        for old in opened:
            await old.aclose()


async def shapes_of(who: Caller, layer: str, feature: Feature) -> list[dict[str, Any]]:
    """The geometries of a city object that was read, with the areas of their surfaces; empty where they are hidden."""
    named = feature.properties.get("shape")
    if not named:
        return []
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        bodies = await shapes_by_hash(connection, layer, [named])
    if named not in bodies:
        return []
    return await asyncio.to_thread(lambda: described(unpacked(bodies[named])))


async def object_as_cityjson(who: Caller, query: FeatureQuery, feature: Feature) -> Any:
    """One object as a CityJSON document of its own."""
    check_city(query, crs_given=False)
    layer = query.collection.id
    document = await document_of(who.state.database, layer)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        only = replace(query, where=(*query.where, sa.column("fid") == feature.fid))
        with tempfile.TemporaryDirectory(prefix="cim-object-") as folder:
            target = Path(folder) / "object"
            if not await write_city_file(connection, only, CITYJSON, target, document):
                raise NotFound(f"layer {layer} has no feature {feature.fid}", where="fid", remedy="see items")
            return json.loads(await asyncio.to_thread(target.read_bytes))


async def _next(pages: AsyncGenerator[list[StoredObject], None]) -> list[StoredObject] | None:
    return await anext(pages, None)
