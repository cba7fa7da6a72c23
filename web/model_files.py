"""Parts of a building model as files: GLB and IFC."""

import asyncio
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge, NotFound
from cim.model.bim import Mesh, Placement
from cim.policy.policy import Decision, read_context
from cim.store.bim_elements import ElementQuery, all_elements
from cim.store.bim_meshes import meshes_of
from cim.store.bim_models import models_by_id
from importers.bim.glb_writing import DrawnElement, glb_bytes
from importers.bim.ifc_writing import IfcOrder, ifc_bytes
from web.elements import ElementFilters, Moment, conditions_of, version_of
from web.state import Caller

MOST_ELEMENTS = 20_000
MOST_MESH_BYTES = 200_000_000
TIMEOUT_MS = 30_000


class FileParameters(ElementFilters, Moment):
    """Which elements of which version a file holds."""


async def glb_of_element(who: Caller, decision: Decision, global_id: str, number: int | None) -> bytes:
    """The shape of one element; NotFound where it has none."""
    where = (sa.column("global_id") == sa.literal(global_id, sa.Text),)
    async with _reading(who) as connection:
        records, meshes = await _shapes(connection, ElementQuery((decision.collection.id,), number, where))
        _, placement = await _head(connection, decision, number)
    if not meshes:
        raise NotFound(f"element {global_id} has no shape", where="f", remedy="ask for f=json")
    return glb_bytes(_drawn(records), meshes, placement, model=decision.collection.id)


async def glb_of(who: Caller, model: str, asked: FileParameters) -> bytes:
    """The elements that meet the conditions, as one GLB."""
    decision = who.model(model)
    where = await conditions_of(who, asked)
    async with who.state.file_turns, _reading(who) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        records, meshes = await _shapes(connection, ElementQuery((model,), number, where))
        _, placement = await _head(connection, decision, number)
        return await asyncio.to_thread(glb_bytes, _drawn(records), meshes, placement, model=model)


async def ifc_of(who: Caller, model: str, asked: FileParameters) -> bytes:
    """The elements that meet the conditions as IFC, below the spatial structure they are in."""
    decision = who.model(model)
    where = await conditions_of(who, asked)
    async with who.state.file_turns, _reading(who) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        records, meshes = await _shapes(connection, ElementQuery((model,), number, where))
        around = ElementQuery((model,), number, (sa.column("kind").in_(("spatial", "group")),))
        frame = await all_elements(connection, around, MOST_ELEMENTS)
        head, placement = await _head(connection, decision, number)
        order = IfcOrder(records, frame, meshes, head, placement)
        return await asyncio.to_thread(ifc_bytes, order)


def _reading(who: Caller) -> Any:
    return who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS))


async def _shapes(connection: AsyncConnection, query: ElementQuery) -> tuple[list[dict[str, Any]], dict[bytes, Mesh]]:
    records = await all_elements(connection, query, MOST_ELEMENTS + 1)
    if len(records) > MOST_ELEMENTS:
        raise AnswerTooLarge(
            f"more than {MOST_ELEMENTS} elements are asked for at once",
            where="filter",
            remedy="ask for a storey or some classes",
        )
    hashes = {bytes(record["mesh"]) for record in records if record["mesh"] is not None}
    return records, await meshes_of(connection, query.models[0], hashes, MOST_MESH_BYTES)


async def _head(
    connection: AsyncConnection, decision: Decision, number: int | None
) -> tuple[dict[str, Any], Placement]:
    held = decision.collection
    (row,) = await models_by_id(connection, {held.id: number or held.version})
    return row.head, row.placement


def _drawn(records: list[dict[str, Any]]) -> list[DrawnElement]:
    return [
        DrawnElement(
            record["global_id"],
            record["class"],
            record["name"],
            record["storey"],
            bytes(record["mesh"]),
            record["matrix"],
        )
        for record in records
        if record["mesh"] is not None and record["matrix"]
    ]
