"""Answers of layers whose tilesets are files: registered sets of 3D Tiles."""

from fastapi import Request, Response

from cim.errors import BadRequest, NotFound, StoreUnavailable
from cim.policy.policy import Decision
from tiles.registered import joined_document
from web.scene_answers import caching, document_answer
from web.scene_contents import SceneState
from web.state import Caller

FILE_KINDS = frozenset({"tileset", "pointcloud"})
"""Kinds of layers whose tilesets are not made of rows."""


def is_of_files(decision: Decision) -> bool:
    """Whether a layer's tilesets are files."""
    return decision.collection.schema.kind in FILE_KINDS


async def files_tileset(request: Request, who: Caller, decision: Decision, asked: SceneState) -> Response:
    """The tileset that joins the sets of a layer; BadRequest for a state other than the current one."""
    if asked.query:
        raise BadRequest(
            "registered sets of tiles are shown in their current version", where="datetime", remedy="leave it out"
        )
    held = decision.collection
    sets = await who.state.registered.sets(who.principal, decision)
    if not sets and held.schema.kind == "pointcloud":
        raise StoreUnavailable(
            "the tiles of these point clouds are not made yet, or cannot be made",
            where=held.id,
            remedy="try again in some minutes; the worker's log says which cloud cannot be drawn, and why",
        )
    if not sets:
        raise NotFound(f"layer {held.id} has no set of tiles", where="layer", remedy="import some")
    document = joined_document(sets, who.state.undulation, who.state.terrain.mark, held.version)
    return document_answer(request, document, caching(who, decision, current=False))
