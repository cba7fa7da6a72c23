"""What tiles draw: b3dm, i3dm, pnts, cmpt, glTF. Magic, versions and lengths are compared with the bytes there are."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from importers.tilesets.documents import json_of
from importers.tilesets.uris import DATA

GZIP = b"\x1f\x8b"
MOST_UNPACKED_BYTES = 512 * 1024**2
MOST_JSON_BYTES = 64 * 1024**2
CMPT_DEPTH = 4
GLB_JSON, GLB_BINARY = b"JSON", b"BIN\x00"
TABLES = {b"b3dm": 28, b"i3dm": 32, b"pnts": 28}
"""Headers of tiles with tables of features, in bytes."""


class BadContent(ValueError):
    """Why a file is no content that can be shown."""


@dataclass(slots=True)
class Contents:
    """What a content is, the files it needs beside it, and what is odd about it.

    ``document`` is its JSON where the content is another tileset, ``name`` its file.
    """

    kind: str
    addresses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    document: Any = None
    name: str = ""


def content_of(file: IO[bytes], size: int) -> Contents:
    """Look into a file, which may be packed by gzip as a whole; BadContent with the reason where it is broken."""
    head = file.read(4)
    if head[:2] == GZIP:
        data = _unpacked(head + file.read(max(size - 4, 0)))
        return _content(io.BytesIO(data[4:]), data[:4], len(data))
    return _content(file, head, size)


def _content(file: IO[bytes], head: bytes, size: int, depth: int = 0) -> Contents:
    if head in TABLES:
        return _tables(file, head, size)
    if head == b"cmpt":
        return _composite(file, size, depth)
    if head == b"glTF":
        return _glb(file, size)
    if head[:3] == b"\xef\xbb\xbf" or head.lstrip()[:1] == b"{":
        return _json(head + file.read(size), size)
    raise BadContent(f"it begins with {head!r}, which is no b3dm, i3dm, pnts, cmpt, glTF or tileset")


def _tables(file: IO[bytes], magic: bytes, size: int) -> Contents:
    kind = magic.decode()
    rest = file.read(TABLES[magic] - 4)
    if len(rest) < TABLES[magic] - 4:
        raise BadContent(f"the header of the {kind} is incomplete")
    version, length, *parts = struct.unpack_from("<6I", rest)
    if version != 1:
        raise BadContent(f"the {kind} is of version {version}, 1 is known")
    if length != size:
        raise BadContent(f"the {kind} announces {length} bytes, the file has {size}")
    left = size - TABLES[magic] - sum(parts)
    if left < 0:
        raise BadContent(f"the tables of the {kind} are longer than the file")
    texts = []
    for text_bytes, binary_bytes in (parts[:2], parts[2:]):
        texts.append(_object(file.read(text_bytes), f"a table of the {kind}") if text_bytes else {})
        file.seek(binary_bytes, io.SEEK_CUR)
    count = {b"b3dm": "BATCH_LENGTH", b"i3dm": "INSTANCES_LENGTH", b"pnts": "POINTS_LENGTH"}[magic]
    number = texts[0].get(count)
    if not isinstance(number, int | dict) and not (magic == b"b3dm" and number is None):
        raise BadContent(f"the feature table of the {kind} lacks {count}")
    if magic == b"pnts":
        return Contents(kind)
    if magic == b"i3dm" and struct.unpack_from("<I", rest, 24)[0] == 0:
        address = file.read(left).rstrip(b"\x00 ").decode("utf-8", errors="replace")
        return Contents(kind, [address])
    if file.read(4) != b"glTF":
        raise BadContent(f"the {kind} holds no binary glTF")
    inner = _glb(file, left, padded=True)
    return Contents(kind, inner.addresses, inner.notes)


def _composite(file: IO[bytes], size: int, depth: int) -> Contents:
    rest = file.read(12)
    if len(rest) < 12 or depth > CMPT_DEPTH:
        raise BadContent("the cmpt is incomplete or nested too deep")
    version, length, count = struct.unpack("<3I", rest)
    if version != 1 or length != size:
        raise BadContent(f"the cmpt is of version {version} and announces {length} bytes, the file has {size}")
    found, left = Contents("cmpt"), size - 16
    for _ in range(count):
        head = file.read(12)
        inner_bytes = struct.unpack_from("<I", head, 8)[0] if len(head) == 12 else 0
        if not 12 <= inner_bytes <= left:
            raise BadContent("a tile in the cmpt is longer than what is left of it")
        data = head + file.read(inner_bytes - 12)
        inner = _content(io.BytesIO(data[4:]), data[:4], inner_bytes, depth + 1)
        found.addresses += inner.addresses
        found.notes += inner.notes
        left -= inner_bytes
    return found


def _glb(file: IO[bytes], size: int, *, padded: bool = False) -> Contents:
    """A binary glTF whose magic is read already; in another tile some bytes may follow it (``padded``)."""
    rest = file.read(8)
    if len(rest) < 8:
        raise BadContent("the header of the glTF is incomplete")
    version, length = struct.unpack("<2I", rest)
    if version == 1:
        return Contents("glb", notes=["glTF 1.0, which today's viewers draw no more"])
    if version != 2:
        raise BadContent(f"the glTF is of version {version}, 2 is known")
    if length > size or (length < size and not (padded and size - length < 8)):
        raise BadContent(f"the glTF announces {length} bytes, there are {size}")
    chunks = list(_chunks(file, length - 12))
    if not chunks or chunks[0][0] != GLB_JSON:
        raise BadContent("the glTF does not begin with its JSON")
    document = _object(chunks[0][1], "the glTF")
    binary = next((bytes_ for kind, _, bytes_ in chunks[1:] if kind == GLB_BINARY), None)
    return Contents("glb", _gltf(document, binary))


def _chunks(file: IO[bytes], left: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, JSON and length of each chunk; the bytes of other chunks are skipped."""
    while left > 0:
        head = file.read(8)
        if len(head) < 8:
            raise BadContent("a chunk of the glTF is cut off")
        (size,), kind = struct.unpack_from("<I", head), head[4:]
        left -= 8 + size
        if left < 0:
            raise BadContent("a chunk of the glTF is longer than the file")
        if kind == GLB_JSON and size > MOST_JSON_BYTES:
            raise BadContent("the JSON of the glTF is too large")
        data = file.read(size) if kind == GLB_JSON else b""
        if kind != GLB_JSON:
            file.seek(size, io.SEEK_CUR)
        yield kind, data, size


def _json(data: bytes, size: int) -> Contents:
    """A tileset, or a glTF as text."""
    if size > 2 * MOST_JSON_BYTES:
        raise BadContent("the JSON is too large")
    try:
        document = json_of(data)
    except ValueError as error:
        raise BadContent(str(error)) from None
    if isinstance(document, dict) and "root" in document:
        return Contents("json", document=document)
    if isinstance(document, dict) and "asset" in document and not {"geometricError"} & document.keys():
        return Contents("gltf", _gltf(document, None))
    return Contents("json", document=document)


def _gltf(document: dict[str, Any], binary: int | None) -> list[str]:
    """The files a glTF needs; BadContent where its buffers or views are not there."""
    asset = document.get("asset")
    if not isinstance(asset, dict) or str(asset.get("version", ""))[:2] != "2.":
        raise BadContent("the glTF does not say that it is of version 2")
    buffers, views, images = (_list(document, name) for name in ("buffers", "bufferViews", "images"))
    for number, buffer in enumerate(buffers):
        length = buffer.get("byteLength")
        inside = "uri" not in buffer and "extensions" not in buffer
        if not isinstance(length, int) or (number == 0 and inside and (binary is None or length > binary + 3)):
            raise BadContent("a buffer of the glTF is not there, or shorter than it says")
    for view in views:
        numbers: list[Any] = [view.get("buffer"), view.get("byteOffset", 0), view.get("byteLength")]
        if not all(isinstance(part, int) and part >= 0 for part in numbers) or numbers[0] >= len(buffers):
            raise BadContent("a bufferView of the glTF names no buffer")
        if numbers[1] + numbers[2] > buffers[numbers[0]]["byteLength"]:
            raise BadContent("a bufferView of the glTF reaches over the end of its buffer")
    uris = [thing["uri"] for thing in (*buffers, *images) if isinstance(thing.get("uri"), str)]
    return [uri for uri in uris if not uri.startswith(DATA)]


def _list(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    things = document.get(name, [])
    if not isinstance(things, list) or not all(isinstance(thing, dict) for thing in things):
        raise BadContent(f"{name} of the glTF is no list of objects")
    return things


def _object(data: bytes, of: str) -> dict[str, Any]:
    if len(data) > MOST_JSON_BYTES:
        raise BadContent(f"the JSON of {of} is too large")
    try:
        found = json_of(data.rstrip(b"\x00 "))
    except ValueError as error:
        raise BadContent(f"{of}: {error}") from None
    if not isinstance(found, dict):
        raise BadContent(f"the JSON of {of} is no object")
    return found


def _unpacked(packed: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            data = file.read(MOST_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadContent("the gzip around it is damaged") from error
    if len(data) > MOST_UNPACKED_BYTES:
        raise BadContent("it would unpack to more than 512 MB")
    return data
