"""Statistics of a layer: counts and figures by fields, administrative regions and cells of a grid."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.policy.policy import read_context
from cim.store.regions import region_names
from cim.store.statistics import ByField, ByRegion, StatisticsQuery, grouped
from web.items import in_its_state
from web.result_files import MEDIA_TYPES
from web.state import Caller, caller
from web.statistics import KNOWN, Asked, Parameters, statistics_asked
from web.statistics_answer import Names, statistics_csv, statistics_document, statistics_workbook

router = APIRouter(tags=["features"])


@router.get("/collections/{layer}/statistics", summary="Statistics of a layer", response_class=JSONResponse)
async def statistics(
    layer: str, who: Annotated[Caller, Depends(caller)], request: Request, asked: Parameters
) -> Response:
    """How many features meet the conditions, and figures of their fields: of all, or of each group of ``group-by``.

    A feature without a place or outside of all regions is in a group without a value.
    """
    decision = who.decide(layer)
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in KNOWN]
    wanted = statistics_asked(decision, who.state.catalog.layers.get(layer), asked, others)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        query, state = await in_its_state(connection, who, wanted.query, asked)
        groups = await grouped(connection, StatisticsQuery(query.selection, wanted.groupings, wanted.figures))
        names = await _names(connection, who, layer, wanted)
    document = statistics_document(decision, who.state.catalog, wanted, state.number, groups, names)
    if asked.f in (None, "json"):
        return JSONResponse(document, headers={"etag": f'W/"{state.tag}"', "cache-control": "private, no-cache"})
    content = (
        statistics_csv(wanted, groups, names)
        if asked.f == "csv"
        else statistics_workbook(document, wanted, groups, names)
    )
    return _file(who, layer, content, asked.f)


async def _names(connection: AsyncConnection, who: Caller, layer: str, asked: Asked) -> Names:
    found: dict[int, dict[str, Any]] = {}
    for place, grouping in enumerate(asked.groupings):
        if isinstance(grouping, ByField):
            codes = who.state.catalog.code_names(layer, grouping.field)
            if codes:
                found[place] = {code: text.model_dump() for code, text in codes.items()}
        elif isinstance(grouping, ByRegion):
            names = await region_names(connection, grouping.level)
            found[place] = {code: {"zh": name, "en": name} for code, name in names.items()}
    return found


def _file(who: Caller, layer: str, content: bytes, form: str) -> Response:
    definition = who.state.catalog.layers.get(layer)
    name = quote(f"{definition.title.zh if definition else layer}_统计.{form}")
    disposition = f"attachment; filename=\"{layer}-statistics.{form}\"; filename*=UTF-8''{name}"
    return Response(content, media_type=MEDIA_TYPES[form], headers={"content-disposition": disposition})
