"""Receiving an upload: sizes are refused before a byte is read, files arrive whole or not at all."""

import contextlib
import hashlib
import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from cim.errors import BadRequest, StoreFull, TooLarge
from cim.store.files import FileStore
from cim.store.uploads import stored_bytes
from web.state import Caller

CHUNK_BYTES = 1 << 20
MOST_PARTS = 12
NAME_BYTES = 160
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """An upload that arrived whole; ``name`` is the file that stands for it."""

    upload: str
    name: str
    sha256: str
    bytes: int


async def receive(request: Request, who: Caller, most_bytes: int | None = None) -> Received:
    """Store the files of a multipart request as one upload, of at most ``most_bytes`` where a bound is given.

    Raises TooLarge, StoreFull or BadRequest before the body is read where its length already says so; BadRequest when
    the checksum differs.
    """
    await _admit(request, who, most_bytes)
    async with _form(request) as form:
        files = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
        names = [safe_name(part.filename or "") for part in files]
        main = main_name(names)
        upload = secrets.token_urlsafe(12)
        digests = {}
        try:
            for part, name in zip(files, names, strict=True):
                digests[name] = await _save(part, who.state.files, upload, name)
            _compare(form.get("sha256"), digests[main])
        except BaseException:
            who.state.files.remove_upload(upload)
            raise
    size = sum(path.stat().st_size for path in who.state.files.upload_folder(upload).iterdir())
    return Received(upload, main, digests[main], size)


async def _admit(request: Request, who: Caller, most_bytes: int | None) -> None:
    """Refuse by what the headers say: kind, length, quota and room."""
    settings = who.state.settings
    most = min(settings.upload_mb * MB, most_bytes or settings.upload_mb * MB)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadRequest("the request is no multipart form", where="Content-Type", remedy="send the field file")
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise BadRequest("the request does not say its length", where="Content-Length", remedy="send Content-Length")
    length = int(text)
    if length > most:
        raise TooLarge(
            f"the upload has {length / MB:,.0f} MB, {most / MB:,.0f} MB are taken at once",
            where="file",
            remedy="part the file, or have it imported on the server with cim import",
        )
    async with who.state.database.writing(who.request_id) as connection:
        used = await stored_bytes(connection, who.principal.name)
    if used + length > settings.upload_quota_mb * MB:
        raise StoreFull(
            f"your uploads take {used / MB:,.0f} MB of {settings.upload_quota_mb} MB",
            where="quota",
            remedy="remove uploads you no longer need",
        )
    who.state.files.require_room(2 * length)


@contextlib.asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        async with request.form(max_files=MOST_PARTS, max_fields=MOST_PARTS) as form:
            yield form
    except MultiPartException as error:
        raise BadRequest("the form cannot be read", where="body", remedy="send multipart/form-data") from error
    except OSError as error:
        raise StoreFull("the server cannot take the file in now", remedy="try later, or tell its operator") from error


async def _save(part: UploadFile, files: FileStore, upload: str, name: str) -> str:
    digest = hashlib.sha256()
    with files.writing(files.upload_folder(upload) / name) as partial, partial.open("xb") as target:
        while chunk := await part.read(CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _compare(given: object, found: str) -> None:
    if given is None:
        return
    if not isinstance(given, str) or given.strip().lower() != found:
        raise BadRequest(
            f"the file that arrived has the SHA-256 {found}, another was given",
            where="sha256",
            remedy="send the file again",
        )


def safe_name(given: str) -> str:
    """The last part of a file name without what a file system or a terminal could take amiss.

    Raises BadRequest when nothing usable is left.
    """
    last = PurePosixPath(unicodedata.normalize("NFC", given).replace("\\", "/")).name
    name = re.sub(r"[\x00-\x1f\x7f/\u202a-\u202e\u2066-\u2069]", "", last).strip().lstrip(".")
    if not name or len(name.encode()) > NAME_BYTES:
        raise BadRequest("the file has no usable name", where="file", remedy="send it with its name")
    return name


def main_name(names: list[str]) -> str:
    """The file that stands for several: alone, or the .shp among parts of one name. BadRequest otherwise."""
    if not names:
        raise BadRequest("there is no file in the form", where="file", remedy="send it as the field file")
    if len(names) == 1:
        return names[0]
    shapes = [name for name in names if name.lower().endswith(".shp")]
    if len(shapes) != 1 or len({Path(name).stem for name in names}) != 1 or len(set(names)) != len(names):
        raise BadRequest(
            "several files are taken only as the parts of one Shapefile", where="file", remedy="send a zip archive"
        )
    return shapes[0]
