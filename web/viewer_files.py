"""Where the built viewer is, its pages, and its files as they are handed out."""

from mimetypes import guess_type
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


def built_file(file: Path, accepted_encodings: str, cache_control: str) -> FileResponse:
    """A file of the build, as the copy the build packed where there is one and the client takes gzip."""
    headers = {"cache-control": cache_control}
    packed = file.with_name(f"{file.name}.gz")
    if not packed.is_file():
        return FileResponse(file, headers=headers)
    headers["vary"] = "Accept-Encoding"
    if "gzip" not in accepted_encodings:
        return FileResponse(file, headers=headers)
    kind = guess_type(file.name)[0] or "application/octet-stream"
    return FileResponse(packed, headers=headers | {"content-encoding": "gzip"}, media_type=kind)
