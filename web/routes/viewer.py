"""The viewer: the built pages and their assets, nothing from elsewhere."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cim.errors import NotFound
from web.viewer_files import DIST, built_file, page_file

router = APIRouter(tags=["viewer"], include_in_schema=False)


@router.get("/map")
@router.get("/map/")
@router.get("/query")
async def page() -> Response:
    """The map; at ``/query`` it opens with the query builder."""
    return page_file("index.html", "/map")


@router.get("/review")
async def review_page() -> Response:
    """The compliance review."""
    return page_file("review.html", "/review")


@router.get("/analyses")
async def analyses_page() -> Response:
    """All analyses, and the caller's jobs."""
    return page_file("analyses.html", "/analyses")


@router.get("/compare")
async def compare_page() -> Response:
    """The page that shows states of the city beside each other."""
    return page_file("compare.html", "/compare")


@router.get("/map/{path:path}")
async def asset(path: str, request: Request) -> Response:
    """A file of the viewer, packed where the client takes that; assets with a version in their name never change."""
    file = (DIST / path).resolve()
    if not file.is_relative_to(DIST.resolve()) or not file.is_file():
        raise NotFound("the viewer has no such file", where=f"/map/{path[:100]}", remedy="reload the page")
    lasting = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
    return built_file(file, request.headers.get("accept-encoding", ""), lasting)
