"""The viewer: the built page and its assets, nothing from elsewhere."""

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from cim.errors import NotFound
from web.viewer_files import DIST

router = APIRouter(tags=["viewer"], include_in_schema=False)


@router.get("/map")
@router.get("/map/")
@router.get("/query")
async def page() -> Response:
    """The viewer's page; at ``/query`` it opens with the query builder."""
    return _page("index.html")


@router.get("/compare")
async def compare() -> Response:
    """The page that shows states of the city beside each other."""
    return _page("compare.html")


@router.get("/map/{path:path}")
async def asset(path: str) -> Response:
    """A file of the viewer; hashed assets never change."""
    file = (DIST / path).resolve()
    if not file.is_relative_to(DIST.resolve()) or not file.is_file():
        raise NotFound("the viewer has no such file", where=f"/map/{path[:100]}", remedy="reload the page")
    lasting = path.startswith("assets/")
    return FileResponse(
        file, headers={"cache-control": "public, max-age=31536000, immutable" if lasting else "no-cache"}
    )


def _page(name: str) -> Response:
    page = DIST / name
    if not page.is_file():
        raise NotFound("the viewer has not been built", where="/map", remedy="run ./run setup")
    return FileResponse(page, headers={"cache-control": "no-cache"})
