"""Versions of a layer: which there are, what changed between two, and going back to one."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cim.model.access import Operation
from cim.policy.policy import Decision, read_context, require
from cim.store import audits
from cim.store.differences import difference
from cim.store.lineage import lineage_of_feature
from cim.store.versions import history, rollback
from web.documents import difference_document, version_document
from web.state import Caller, caller

router = APIRouter(tags=["versions"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"


class Target(BaseModel, extra="forbid"):
    """The version to go back to; 0 is before the first one, an empty layer."""

    version: int = Field(ge=0, le=2**31 - 1)


@router.get("/collections/{layer}/versions", summary="Versions of a layer")
async def versions(layer: str, who: Who) -> dict[str, Any]:
    """All versions, newest first, for those who may import."""
    _importable(layer, who)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await history(connection, layer)
    return {"versions": [version_document(version) for version in found]}


@router.get("/collections/{layer}/diff", summary="What changed between two versions")
async def diff(
    layer: str,
    who: Who,
    older: Annotated[int, Query(alias="from", ge=0)],
    newer: Annotated[int, Query(alias="to", ge=0)],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    f: Literal["json", "geojson"] = "json",
) -> JSONResponse:
    """Counts, and the features added, changed (with the fields that differ) and removed, by key.

    As GeoJSON each has its shape in longitude and latitude: the new one, of a removed feature the last one.
    """
    _importable(layer, who)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        change, found = await difference(connection, layer, older, newer, limit=limit, shapes=f == "geojson")
    if f == "json":
        return JSONResponse(difference_document(layer, older, newer, change, found))
    features = [
        {
            "type": "Feature",
            "id": feature.fid,
            "properties": {"kind": feature.kind, "key": feature.key, "fields": list(feature.fields)},
            "geometry": json.loads(feature.geometry) if feature.geometry else None,
        }
        for feature in found
    ]
    counts = {"added": change.added, "changed": change.changed, "removed": change.removed}
    document = {"type": "FeatureCollection", "features": features, "numberReturned": len(features), **counts}
    return JSONResponse(document, media_type=GEOJSON)


@router.post("/collections/{layer}/rollback", summary="Go back to a version")
async def roll_back(layer: str, target: Target, who: Who) -> dict[str, Any]:
    """Publish a new version that equals an older one; no version is lost by it."""
    _importable(layer, who)
    async with who.state.database.writing(who.request_id) as connection:
        made = await rollback(connection, layer, target.version, author=who.principal.name)
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="rollback",
            subject=layer,
            result="done" if made else "unchanged",
            detail={"to": target.version},
            request_id=who.request_id,
        )
    return {
        "layer": layer,
        "status": "published" if made else "unchanged",
        "version": version_document(made) if made else None,
    }


@router.get("/collections/{layer}/items/{fid}/lineage", summary="Where a feature comes from")
async def lineage(layer: str, fid: int, who: Who) -> dict[str, Any]:
    """The changes a feature's present state goes back to, newest first, with source file, hash, tools and systems."""
    decision = _importable(layer, who)
    async with who.state.database.writing(who.request_id) as connection:
        steps = await lineage_of_feature(connection, decision.collection.id, fid)
    return {"layer": layer, "fid": fid, "steps": steps}


def _importable(layer: str, who: Caller) -> Decision:
    decision = who.decide(layer)
    require(who.principal, Operation.IMPORT, decision.collection.grade)
    return decision
