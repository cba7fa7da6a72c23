"""Find by name, address, code, pinyin or initials."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from cim.errors import BadRequest
from cim.policy.policy import read_context
from cim.store.searching import search as search_store
from layers.romanise import latin_letters
from web.parameters import parse_bbox
from web.state import Caller, caller

router = APIRouter(tags=["search"])
MAX_TERM = 100
MODEL_KIND = "建筑信息模型"


@router.get("/search", summary="Search names, addresses, codes and pinyin")
async def search(
    who: Annotated[Caller, Depends(caller)],
    q: Annotated[str, Query(description="text, code, pinyin or initials")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    bbox: Annotated[str | None, Query(description="west,south,east,north")] = None,
) -> dict[str, Any]:
    """Best matches first. Nothing the caller may not see is found."""
    term = " ".join(q.lower().split())
    if not term or len(term) > MAX_TERM:
        raise BadRequest("the text is empty or too long", where="q", remedy=f"give 1 to {MAX_TERM} characters")
    box = parse_bbox(bbox) or (-180.0, -90.0, 180.0, 90.0)
    # a field that the caller may not see must not be findable either
    layers = [d.collection.id for d in who.readable() if _searchable(who, d.collection.id, set(d.field_names))]
    layers += [decision.collection.id for decision in who.models()]
    async with who.state.database.reading(read_context(who.principal, who.request_id, 3_000)) as connection:
        hits = await search_store(connection, term, latin_letters(term), layers, limit, box)
    return {
        "items": [
            {
                "layer": hit.layer,
                "fid": hit.fid,
                "title": hit.title,
                "subtitle": hit.subtitle,
                "kind": _kind(who, hit.layer),
                "lon": round(hit.lon, 7),
                "lat": round(hit.lat, 7),
                "score": hit.score,
            }
            for hit in hits
        ]
    }


def _searchable(who: Caller, layer: str, visible: set[str]) -> bool:
    definition = who.state.catalog.layers.get(layer)
    return bool(definition and definition.search and visible.issuperset(definition.search))


def _kind(who: Caller, layer: str) -> str:
    if layer in who.state.live.models:
        return MODEL_KIND
    definition = who.state.catalog.layers.get(layer)
    return definition.kind.zh if definition else layer
