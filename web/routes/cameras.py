"""Cameras: the nearest ones, what one sees, and its stream through this server."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.analysis.visibility.view import Target
from cim.errors import NotFound
from web.cameras import camera_document, found_camera, nearest_document, view_document
from web.parameters import parse_position
from web.state import Caller, caller
from web.video_gateway import MEDIA_TYPES, PLAYLIST, SETTING, Stream
from web.video_streams import handed_on

router = APIRouter(tags=["cameras"])
Who = Annotated[Caller, Depends(caller)]
Code = Annotated[str, Path(max_length=100, description="the camera's code")]
Wanted = Annotated[Target, Query(description="what is looked for: ground 0 m, plate 0.6 m, person 1.6 m high")]


@router.get("/cameras", summary="Cameras around a place")
async def nearest_cameras(
    who: Who,
    lon: Annotated[float, Query()],
    lat: Annotated[float, Query()],
    most: Annotated[int, Query(ge=1, le=50, description="how many at most")] = 10,
    target: Wanted = "person",
) -> dict[str, Any]:
    """The nearest cameras within 5 km, whether each sees the place, and what hides it."""
    parse_position(lon, lat)
    return await nearest_document(who, lon, lat, most, target)


@router.get("/cameras/{gb_code}", summary="One camera")
async def one_camera(gb_code: Code, who: Who) -> dict[str, Any]:
    """The record with the sector the camera looks at, and all that it can be turned to."""
    return await camera_document(who, gb_code)


@router.get("/cameras/{gb_code}/view", summary="What a camera sees", response_class=JSONResponse)
async def view(
    gb_code: Code,
    who: Who,
    target: Wanted = "person",
    turned: Annotated[bool, Query(description="all that it can be turned to")] = False,
) -> JSONResponse:
    """The seen parts of its sector, and the hidden ones with what hides them."""
    document = await view_document(who, gb_code, target, turned)
    return JSONResponse(document, media_type="application/geo+json", headers={"cache-control": "no-cache"})


@router.get("/cameras/{gb_code}/play", summary="Where a camera's stream is played")
async def play(gb_code: Code, who: Who) -> dict[str, Any]:
    """The address of its HLS playlist on this server; 404 where no video gateway is configured."""
    _, camera = await found_camera(who, gb_code)
    stream = _stream(who, camera.code)
    return {
        "gb_code": camera.code,
        "kind": "hls",
        "media_type": MEDIA_TYPES[PLAYLIST],
        "online": camera.online,
        "url": f"{who.base}/cameras/{camera.code}/stream/{stream.playlist.name}",
        "path": f"/cameras/{camera.code}/stream/{stream.playlist.name}",
    }


@router.get("/cameras/{gb_code}/stream/{path:path}", summary="A part of a camera's stream")
async def stream_part(gb_code: Code, path: str, who: Who, request: Request) -> Response:
    """A playlist or segment of the configured gateway; nothing of it is kept here."""
    _, camera = await found_camera(who, gb_code)
    stream = _stream(who, camera.code)
    target = stream.at(path, request.url.query)
    media_type, body = await handed_on(who.state.fetcher, stream, target)
    return Response(body, media_type=media_type, headers={"cache-control": "no-store"})


def _stream(who: Caller, code: str) -> Stream:
    gateway = who.state.video
    if gateway is None:
        raise NotFound(
            "no video gateway is configured", where=SETTING, remedy="ask the administrator to set the gateway's address"
        )
    return gateway.stream(code)
