"""Versions of a layer or of a building model by one name: rollback, pruning and comparing of whichever it is."""

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import FeatureDifference, Version, VersionChange
from cim.store import differences, versions
from cim.store.bim_differences import model_difference
from cim.store.bim_versions import prune_model, rollback_model
from cim.store.collections import the_collection


async def rollback(connection: AsyncConnection, layer: str, number: int, *, author: str) -> Version | None:
    """See ``versions.rollback`` and ``bim_versions.rollback_model``."""
    of = rollback_model if await _is_model(connection, layer) else versions.rollback
    return await of(connection, layer, number, author=author)


async def prune(connection: AsyncConnection, layer: str, keep: int) -> int:
    """See ``versions.prune`` and ``bim_versions.prune_model``."""
    of = prune_model if await _is_model(connection, layer) else versions.prune
    return await of(connection, layer, keep)


async def difference(
    connection: AsyncConnection, layer: str, older: int, newer: int
) -> tuple[VersionChange, list[FeatureDifference]]:
    """See ``differences.difference``; the key of a model's element is its GlobalId, it has no fid."""
    if not await _is_model(connection, layer):
        return await differences.difference(connection, layer, older, newer)
    change, found = await model_difference(connection, layer, older, newer)
    return change, [FeatureDifference(one.kind, one.global_id, 0, one.changes) for one in found]


async def _is_model(connection: AsyncConnection, layer: str) -> bool:
    return (await the_collection(connection, layer)).schema.kind == "model"
