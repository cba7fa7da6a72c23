"""Map sheets 专题图: the templates, and a sheet of one as PDF or PNG."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cim.errors import BadRequest, TooLarge
from layers.sheet import SheetTemplate
from tiles.sheet_job import SheetForm
from tiles.sheet_scale import SCALES, ZONES
from tiles.sheet_words import DEFAULT_DPI, SheetOrder
from web.parameters import parse_crs
from web.sheets import given_box, ordered_sheet, the_template
from web.state import Caller, caller

router = APIRouter(tags=["sheets"])
Who = Annotated[Caller, Depends(caller)]
MEDIA_TYPES: dict[SheetForm, str] = {"pdf": "application/pdf", "png": "image/png"}
_BOX = "west,south,east,north in degrees"
MAX_BODY_BYTES = 8_000_000


class SheetBody(BaseModel):
    """An order with texts and shapes of its own."""

    model_config = ConfigDict(extra="forbid")
    bbox: list[float] = Field(min_length=4, max_length=4, description=_BOX)
    scale: int | None = None
    crs: str | None = None
    title: str = ""
    texts: dict[str, str] = {}
    overlays: dict[str, Any] | None = Field(None, description="GeoJSON in longitude and latitude, drawn on top")
    f: Literal["pdf", "png"] = "pdf"
    dpi: int = DEFAULT_DPI
    language: Literal["zh", "en"] = "zh"


@router.get("/sheets", summary="Templates of map sheets")
async def sheets(who: Who) -> dict[str, Any]:
    """Each template: its paper, the texts an order may give, its layers and whether the caller may read them.

    ``scales`` are the denominators of the standard scales.
    """
    return {
        "scales": list(SCALES),
        "sheets": [_document(who, template) for template in who.state.catalog.sheets.values()],
    }


@router.get("/sheets/{template}", summary="A map sheet as PDF or PNG", response_class=Response)
async def sheet(
    who: Who,
    template: str,
    bbox: Annotated[str, Query(description=_BOX)],
    scale: Annotated[
        int | None, Query(description="Denominator; the largest standard scale that fits if absent")
    ] = None,
    crs: Annotated[str | None, Query(description="A CGCS2000 three-degree zone, for example EPSG:4544")] = None,
    title: str = "",
    f: Literal["pdf", "png"] = "pdf",
    dpi: int = DEFAULT_DPI,
    language: Literal["zh", "en"] = "zh",
) -> Response:
    """A sheet around the middle of a box."""
    chosen = the_template(who, template)
    order = SheetOrder(chosen, given_box(bbox), scale, _zone(crs), title, None, None, f, dpi, language)
    return await _answer(who, order)


@router.post(
    "/sheets/{template}",
    summary="A map sheet with texts and shapes of one's own",
    response_class=Response,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": SheetBody.model_json_schema()}}}
    },
)
async def sheet_with(who: Who, template: str, request: Request) -> Response:
    """A sheet around the middle of a box, with a red line or other shapes on top and its texts filled in."""
    chosen = the_template(who, template)
    body = await _body(request)
    box = given_box(",".join(map(repr, body.bbox)))
    zone = _zone(body.crs)
    order = SheetOrder(
        chosen, box, body.scale, zone, body.title, body.texts, body.overlays, body.f, body.dpi, body.language
    )
    return await _answer(who, order)


async def _body(request: Request) -> SheetBody:
    """The order in a request, read no further than it may be long."""
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > MAX_BODY_BYTES:
            raise TooLarge(
                f"the order is longer than {MAX_BODY_BYTES // 1_000_000} MB",
                where="body",
                remedy="leave out shapes, or points of them, that the sheet does not show",
            )
    try:
        return SheetBody.model_validate_json(bytes(read))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(first["msg"], where=place or "body", remedy="see /api for the members of an order") from None


def _zone(crs: str | None) -> int | None:
    """The zone a sheet is wanted in, None for that of its middle."""
    return parse_crs(crs, frozenset(ZONES)) if crs else None


def _document(who: Caller, template: SheetTemplate) -> dict[str, Any]:
    titles = {entry.id: who.state.catalog.layers[entry.id].title.model_dump() for entry in template.layer}
    readable = who.readable_ids()
    return {
        "id": template.id,
        "title": template.title.model_dump(),
        "description": template.description.model_dump(),
        "paper": template.paper,
        "orientation": template.orientation,
        "paper_mm": list(template.paper_mm),
        "texts": {name: text.model_dump() for name, text in template.values.items()},
        "layers": [{"id": name, "title": title, "readable": name in readable} for name, title in titles.items()],
        "sheet": f"{who.base}/sheets/{template.id}",
    }


async def _answer(who: Caller, order: SheetOrder) -> Response:
    data = await ordered_sheet(who, order)
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'inline; filename="{order.template.id}.{order.form}"',
    }
    return Response(data, media_type=MEDIA_TYPES[order.form], headers=headers)
