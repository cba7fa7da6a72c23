"""Web Map Service 1.3.0, which also understands requests of 1.1.1: pictures of layers for desktops and platforms."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response

from cim.errors import CimError
from cim.store.collection_tables import LONLAT_SRID
from tiles.picture import check_size
from tiles.picture_job import LegendJob, NoteJob, PictureFormat
from tiles.picture_window import GEOGRAPHIC_LIMITS, Window
from web.ogc.caching import caching_headers, is_known, of_stand_in
from web.ogc.faults import OgcFault, message_of, wms_report
from web.ogc.feature_info import FORMATS as INFO_FORMATS
from web.ogc.feature_info import feature_info
from web.ogc.kvp import Parameters
from web.ogc.map_layers import decided_layers, drawable, picture_layer, style_of, title_of, versions_at
from web.ogc.systems import find_system
from web.ogc.wms_capabilities import EXCEPTIONS, FORMATS, Version, capabilities
from web.problems import status_of
from web.state import Caller, caller

router = APIRouter(tags=["WMS"])
MAX_FEATURES_A_LAYER = 50
MAX_LEGENDS = 10
_KINDS: dict[str, PictureFormat] = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
_OPERATIONS = ("GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic")


@router.get("/wms", summary="Web Map Service 1.3.0 and 1.1.1", response_class=Response)
async def wms(request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
    """GetCapabilities, GetMap, GetFeatureInfo and GetLegendGraphic; errors as the request's EXCEPTIONS asks."""
    parameters = Parameters(request.query_params.multi_items())
    version: Version = "1.1.1" if parameters.get("version", parameters.get("wmtver")).startswith("1.1") else "1.3.0"
    try:
        if parameters.get("service", "WMS").upper() != "WMS":
            raise OgcFault("InvalidParameterValue", "this is the WMS", where="SERVICE", remedy="write SERVICE=WMS")
        operation = _operation(parameters)
        if operation == "GetCapabilities":
            content = capabilities(who, drawable(who), version)
            kind = "text/xml" if version == "1.3.0" else "application/vnd.ogc.wms_xml"
            return Response(content, media_type=kind, headers={"cache-control": "private, no-cache"})
        if operation != "GetLegendGraphic" and not parameters.has("wmtver"):
            parameters.need("version")
        if operation == "GetMap":
            return await _map(request, who, parameters, version)
        if operation == "GetFeatureInfo":
            return await _info(who, parameters, version)
        return await _legend(who, parameters)
    except CimError as error:
        return await _fault(who, parameters, version, error)


def _operation(parameters: Parameters) -> str:
    asked = parameters.need("request")
    for name in _OPERATIONS:
        if name.lower() == asked.lower() or (name, asked.lower()) == ("GetMap", "map"):
            return name
    raise OgcFault(
        "OperationNotSupported", f"there is no operation {asked[:60]!r}", where="REQUEST", remedy=", ".join(_OPERATIONS)
    )


async def _map(request: Request, who: Caller, parameters: Parameters, version: Version) -> Response:
    window = _window(parameters, version)
    kind = _format(parameters)
    names = [name for name in parameters.items("layers") if name]
    if not names:
        parameters.need("layers")
    decisions = decided_layers(who, names, "LAYERS")
    _check_styles(parameters)
    versions = await versions_at(who, decisions, parameters.get("time"))
    headers = caching_headers(who, decisions, variant=str(versions))
    if is_known(request, headers):
        return Response(status_code=304, headers=headers)
    if _beyond_the_world(window):
        return await _note(who, parameters, ())
    picture = await who.state.pictures.picture(
        who.principal,
        [picture_layer(who, decision, version) for decision, version in zip(decisions, versions, strict=True)],
        window,
        background=_background(parameters, kind),
        kind=_KINDS[kind],
        request_id=who.request_id,
    )
    return Response(picture.data, media_type=kind, headers=of_stand_in(headers) if picture.stand_in else headers)


async def _info(who: Caller, parameters: Parameters, version: Version) -> Response:
    window = _window(parameters, version)
    names = [name for name in parameters.items("query_layers") if name]
    if not names:
        parameters.need("query_layers")
    column, row = ("i", "j") if version == "1.3.0" else ("x", "y")
    pixel = _pixel(parameters, column, window.width), _pixel(parameters, row, window.height)
    kind = _info_format(parameters)
    count = parameters.whole("feature_count", 1, least=1, most=MAX_FEATURES_A_LAYER)
    decisions = decided_layers(who, names, "QUERY_LAYERS")
    versions = await versions_at(who, decisions, parameters.get("time"))
    return await feature_info(who, decisions, window, pixel, kind, count, versions)


async def _legend(who: Caller, parameters: Parameters) -> Response:
    kind = _format(parameters)
    names = [name for name in (parameters.items("layer") or parameters.items("layers")) if name]
    if not names:
        parameters.need("layer")
    if len(names) > MAX_LEGENDS:
        raise OgcFault(
            "InvalidParameterValue", "too many legends", where="LAYER", remedy=f"name {MAX_LEGENDS} layers at most"
        )
    decisions = decided_layers(who, names, "LAYER")
    language: Literal["zh", "en"] = "en" if parameters.get("language").lower().startswith("en") else "zh"
    groups = tuple((title_of(who, d) if len(decisions) > 1 else "", style_of(who, d).legend) for d in decisions)
    size = None
    if parameters.has("width") and parameters.has("height"):
        size = parameters.whole("width"), parameters.whole("height")
        check_size(*size)
    picture = await who.state.pictures.legend(LegendJob(groups, _KINDS[kind], language, size))
    return Response(picture, media_type=kind, headers=caching_headers(who, decisions))


def _window(parameters: Parameters, version: Version) -> Window:
    width, height = parameters.whole("width"), parameters.whole("height")
    check_size(width, height)
    name = "crs" if version == "1.3.0" or not parameters.has("srs") else "srs"
    system = find_system(parameters.need(name), where=name.upper(), east_first=version == "1.1.1")
    west, south, east, north = system.east_north(parameters.numbers("bbox", 4))
    if not (west < east and south < north):
        order = "north, east" if system.north_first else "east, north"
        raise OgcFault(
            "InvalidParameterValue",
            "the box is empty or upside down",
            where="BBOX",
            remedy=f"the axes of {system.name} are {order}; give both minima first",
        )
    return Window(system.srid, west, south, east, north, width, height)


def _beyond_the_world(window: Window) -> bool:
    """Whether a box in degrees lies where there is nothing to draw: the standard asks for an empty picture."""
    west, south, east, north = GEOGRAPHIC_LIMITS
    outside = window.south >= north or window.north <= south or window.west >= east or window.east <= west
    return window.srid == LONLAT_SRID and outside


def _pixel(parameters: Parameters, name: str, side: int) -> int:
    try:
        return parameters.whole(name, most=side - 1)
    except OgcFault as error:
        if error.code == "MissingParameterValue":
            raise
        raise OgcFault("InvalidPoint", error.what, where=error.where, remedy=error.remedy) from None


def _info_format(parameters: Parameters) -> str:
    try:
        return parameters.one_of("info_format", INFO_FORMATS, INFO_FORMATS[0])
    except OgcFault as error:
        raise OgcFault("InvalidFormat", error.what, where=error.where, remedy=error.remedy) from None


def _format(parameters: Parameters) -> str:
    asked = parameters.get("format", "image/png").split(";")[0].strip().lower()
    if asked not in FORMATS:
        raise OgcFault("InvalidFormat", f"{asked[:60]!r} is not offered", where="FORMAT", remedy=", ".join(FORMATS))
    return asked


def _check_styles(parameters: Parameters) -> None:
    for style in parameters.items("styles"):
        if style not in ("", "default"):
            raise OgcFault(
                "StyleNotDefined", f"there is no style {style[:60]!r}", where="STYLES", remedy="leave STYLES empty"
            )


def _background(parameters: Parameters, kind: str) -> tuple[int, int, int] | None:
    if parameters.get("transparent", "false").lower() == "true" and kind != "image/jpeg":
        return None
    text = parameters.get("bgcolor", "0xFFFFFF").lower().removeprefix("0x").removeprefix("#")
    try:
        value = int(text, 16) if len(text) == 6 else -1
    except ValueError:
        value = -1
    if value < 0:
        raise OgcFault("InvalidParameterValue", "this is not a colour", where="BGCOLOR", remedy="write 0xRRGGBB")
    return (value >> 16, value >> 8 & 255, value & 255)


async def _fault(who: Caller, parameters: Parameters, version: Version, error: CimError) -> Response:
    """The error in a picture where that was asked for and one can be made, else as XML with the true status."""
    asked = parameters.get("exceptions", "XML").lower().rsplit("se_", 1)[-1]
    if asked in ("inimage", "blank") and parameters.get("request").lower() in ("getmap", "map"):
        try:
            return await _note(who, parameters, () if asked == "blank" else _lines(error))
        except CimError:
            pass
    kind = "text/xml" if version == "1.3.0" else EXCEPTIONS["1.1.1"][0]
    return Response(wms_report(error, version), status_of(error), {"cache-control": "no-store"}, kind)


async def _note(who: Caller, parameters: Parameters, lines: tuple[str, ...]) -> Response:
    width, height, kind = parameters.whole("width"), parameters.whole("height"), _format(parameters)
    check_size(width, height)
    job = NoteJob(width, height, lines, _background(parameters, kind), _KINDS[kind])
    picture = await who.state.pictures.note(job)
    return Response(picture, media_type=kind, headers={"cache-control": "no-store"})


def _lines(error: CimError) -> tuple[str, ...]:
    text = message_of(error)
    return tuple(text[at : at + 60] for at in range(0, min(len(text), 300), 60))
