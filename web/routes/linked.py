"""What a feature is linked to: parcel, building, address, people, firms, devices."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from cim.errors import NotFound
from cim.policy.policy import read_context
from cim.store.bim_buildings import CODE
from cim.store.features import FeatureQuery, one_feature
from web.buildings import models_with
from web.feature_entry import feature_entry
from web.items import When, in_its_state
from web.linked import Reached, Walk
from web.state import Caller, caller

router = APIRouter(tags=["features"])
TIMEOUT_MS = 8_000


class LinkedParameters(When):
    """How far links are followed, and how many features of each group are shown."""

    depth: int = Field(1, ge=1, le=3, description="links from the feature to the farthest group")
    limit: int = Field(10, ge=1, le=100, description="features of each group")


@router.get("/collections/{layer}/items/{fid}/linked", summary="What a feature is linked to")
async def linked(
    layer: str, fid: int, who: Annotated[Caller, Depends(caller)], asked: Annotated[LinkedParameters, Query()]
) -> dict[str, Any]:
    """Groups of features of other layers that belong to this one, by the links of the layers' definitions.

    ``count`` is how many there are, ``features`` the first of them. With ``depth`` links are followed on from up to a
    thousand features of a group (``followed``); ``path`` are the layers on the way. ``models`` are the building models
    of the same building code.
    """
    decision = who.decide(layer)
    query = FeatureQuery(decision.collection, decision.field_names, decision.regions)
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        query, _ = await in_its_state(connection, who, query, asked)
        feature = await one_feature(connection, query, fid) if 0 <= fid < 2**63 else None
        if feature is None:
            raise NotFound(f"layer {layer} has no feature {fid}", where="fid", remedy="it may have ended; see items")
        walk = Walk(connection, who, asked, asked.limit)
        groups = await walk.groups(Reached(decision, query, (fid,)), asked.depth)
        models = await models_with(connection, who, feature.properties.get(CODE))
    entry = feature_entry(decision, who.state.catalog.layers.get(layer), feature)
    return {"feature": entry, "depth": asked.depth, "groups": groups, "models": models}
