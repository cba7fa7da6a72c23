"""Where the built viewer is, and its pages."""

from pathlib import Path

from fastapi.responses import FileResponse

from cim.errors import NotFound

DIST = Path(__file__).parent / "viewer" / "dist"


def page_file(name: str, path: str) -> FileResponse:
    """A page of the viewer, served at ``path``; NotFound where the viewer has not been built."""
    page = DIST / name
    if not page.is_file():
        raise NotFound("the viewer has not been built", where=path, remedy="run ./run setup")
    return FileResponse(page, headers={"cache-control": "no-cache", "vary": "Accept"})
