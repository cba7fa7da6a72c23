"""Answers of the 3D Tiles routes: documents and tiles, gzipped where the client takes that, with their ETags."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from cim.model.access import Grade
from cim.policy.policy import Decision
from tiles.compression import compressed
from web.state import Caller

GLB = "model/gltf-binary"
VARY = {"vary": "Accept-Encoding, Authorization, Cookie"}


def is_graded(who: Caller, decision: Decision) -> bool:
    """Whether no shared cache may keep what is answered."""
    return who.principal.role != "anonymous" or decision.collection.grade is not Grade.PUBLIC


def caching(who: Caller, decision: Decision, *, current: bool) -> str:
    """How long an answer may be kept: for good where its address names the state it is of and anyone may see it."""
    if is_graded(who, decision):
        return "private, no-cache"
    return "public, max-age=31536000, immutable" if current else "public, no-cache"


def document_answer(request: Request, document: Mapping[str, Any], kept: str) -> Response:
    """A JSON document whose ETag is that of its text."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    etag = f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'
    return gzipped_answer(request, compressed(text), "application/json", etag, kept)


def gzipped_answer(request: Request, body: bytes, media_type: str, etag: str, kept: str) -> Response:
    """Gzipped bytes as the client takes them, whole whatever range is asked for; 304 where it has them already."""
    headers = {"etag": etag, "cache-control": kept, **VARY}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=media_type, headers=headers)
