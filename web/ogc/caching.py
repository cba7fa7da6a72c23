"""What HTTP caches may keep of an answer that the policy decided."""

import hashlib
from collections.abc import Sequence

from fastapi import Request

from cim.model.access import Grade
from cim.policy.policy import Decision
from web.state import Caller


def caching_headers(
    who: Caller, decisions: Sequence[Decision], asked_version: str | None = None, variant: str = ""
) -> dict[str, str]:
    """ETag, Cache-Control and Vary of an answer made from some layers.

    Immutable only where one public layer is asked for by anonymous under its current version; anything graded is
    never stored by a shared cache. ``variant`` is whatever else the bytes depend on besides the address.
    """
    seen = "|".join(f"{d.collection.id}:{d.collection.version}:{d.policy_class}" for d in decisions)
    etag = hashlib.sha256(f"{seen}|{variant}".encode()).hexdigest()[:20]
    kept = "private, no-cache"
    if who.principal.role == "anonymous" and all(d.collection.grade is Grade.PUBLIC for d in decisions):
        versioned = len(decisions) == 1 and asked_version == str(decisions[0].collection.version)
        kept = "public, max-age=31536000, immutable" if versioned else "public, no-cache"
    return {"etag": f'"{etag}"', "cache-control": kept, "vary": "Accept-Encoding, Authorization, Cookie"}


def of_stand_in(headers: dict[str, str]) -> dict[str, str]:
    """The headers of an answer whose place another will take soon: it is kept by nobody and not known again."""
    return {name: value for name, value in headers.items() if name != "etag"} | {"cache-control": "no-store"}


def is_known(request: Request, headers: dict[str, str]) -> bool:
    """Whether the sender already holds the answer that these headers belong to."""
    return headers["etag"] in request.headers.get("if-none-match", "")
