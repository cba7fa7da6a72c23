"""``$batch`` in JSON (OData JSON 4.01): several requests in one, with groups that are done whole or not at all.

A request may name what one before it made: ``$id`` at the start of its url, or as an ``@iot.id`` in its body.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, CimError
from cim.sensors.entity_bodies import MOST_NESTING
from web.sensorthings.address import ROOT
from web.sensorthings.service import Answer, Sender, SensorThings

MOST_REQUESTS = 1_000
_METHODS = frozenset({"get", "post", "patch", "put", "delete"})
_VERSION = re.compile(r"^/?(?:sensorthings/)?v1\.1/")
_NAME = re.compile(r"^\$([\w.~-]{1,200})")
Problem = Callable[[CimError, str], Mapping[str, Any]]
"""Makes the document of an error, for a path."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch."""

    id: str
    method: str
    url: str
    body: Any
    group: str | None


class Batch:
    """Does the requests of one batch in their order."""

    def __init__(self, service: SensorThings, sender: Sender, problem: Problem) -> None:
        self._service = service
        self._sender = sender
        self._problem = problem
        self._made: dict[str, tuple[str, Any]] = {}  # address and id, by the id of the request

    async def run(self, body: Any) -> dict[str, Any]:
        """Do all of it; the answers stand in the order of the requests."""
        parts = _parts(body)
        answers: list[dict[str, Any]] = []
        place = 0
        while place < len(parts):
            group = parts[place].group
            end = place + 1
            while group is not None and end < len(parts) and parts[end].group == group:
                end += 1
            chosen = parts[place:end]
            answers += await self._together(chosen) if group is not None else [await self._alone(chosen[0])]
            place = end
        return {"responses": answers}

    async def _alone(self, part: Part) -> dict[str, Any]:
        try:
            path, query, body = self._resolved(part)
            if part.method == "get":
                answer = await self._service.read(self._sender, path, query)
            else:
                answer = await self._service.write(self._sender, part.method.upper(), path, body)
        except CimError as error:
            return self._failed(part, error)
        return self._told(part, answer)

    async def _together(self, parts: list[Part]) -> list[dict[str, Any]]:
        """A group in one transaction; where one of it fails, none of it is done, and the others say so."""
        before = dict(self._made)
        answers = []
        part = parts[0]
        try:
            async with self._service.transaction(self._sender) as connection:
                for part in parts:
                    answers.append(self._told(part, await self._within(connection, part)))
        except CimError as error:
            self._made = before
            return [self._failed(one, error) if one is part else _not_done(one, part) for one in parts]
        self._service.observing.forget()
        return answers

    async def _within(self, connection: AsyncConnection, part: Part) -> Answer:
        path, _, body = self._resolved(part)
        if part.method == "get" or path in ("CreateObservations", "$batch"):
            raise BadRequest(
                "a group holds requests that write entities", where="atomicityGroup", remedy="put others outside of it"
            )
        return await self._service.write_within(connection, self._sender, part.method.upper(), path, body)

    def _resolved(self, part: Part) -> tuple[str, bytes, Any]:
        """Path, query and body with the names of earlier requests replaced by what those made."""
        url = _VERSION.sub("", part.url.removeprefix(self._sender.root).removeprefix(ROOT)).lstrip("/")
        found = _NAME.match(url)
        if found and found[1] in self._made:
            url = self._made[found[1]][0] + url[found.end() :]
        path, _, query = url.partition("?")
        if path == "$batch":
            raise BadRequest("a batch is no part of a batch", where="url", remedy="send its requests here")
        try:
            asked = query.encode("ascii")
        except UnicodeEncodeError:
            raise BadRequest("the query is not encoded", where="url", remedy="encode it as a URL query") from None
        return path, asked, self._named(part.body)

    def _named(self, value: Any, depth: int = 0) -> Any:
        if depth > MOST_NESTING:
            raise BadRequest(f"the body is nested deeper than {MOST_NESTING} levels", where="body")
        if isinstance(value, list):
            return [self._named(one, depth + 1) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._named(inner, depth + 1) for name, inner in value.items()}
        given = found.get("@iot.id")
        if isinstance(given, str) and given[1:] in self._made and given.startswith("$"):
            found["@iot.id"] = self._made[given[1:]][1]
        return found

    def _told(self, part: Part, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = {"id": part.id, "status": answer.status}
        if answer.location:
            found["location"] = answer.location
            path = answer.location.removeprefix(f"{self._sender.root}/")
            self._made[part.id] = (path, answer.document["@iot.id"])
        if answer.document is not None or answer.text is not None:
            found["body"] = answer.document if answer.text is None else answer.text
        if part.group is not None:
            found["atomicityGroup"] = part.group
        return found

    def _failed(self, part: Part, error: CimError) -> dict[str, Any]:
        document = self._problem(error, part.url)
        found = {"id": part.id, "status": document["status"], "body": document}
        return found if part.group is None else {**found, "atomicityGroup": part.group}


def _not_done(part: Part, failed: Part) -> dict[str, Any]:
    detail = f"not done, because {failed.id[:60]!r} of the same group failed"
    body = {"type": "about:blank", "title": "Failed Dependency", "status": 424, "detail": detail}
    return {"id": part.id, "status": 424, "body": body, "atomicityGroup": part.group}


def _parts(body: Any) -> list[Part]:
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise BadRequest("the batch has no list of requests", where="requests", remedy='send {"requests": [...]}')
    if len(requests) > MOST_REQUESTS:
        raise BadRequest(
            f"the batch has {len(requests)} requests, {MOST_REQUESTS} are taken", where="requests", remedy="part it"
        )
    parts = [_part(one, f"requests[{place}]") for place, one in enumerate(requests)]
    if len({part.id for part in parts}) != len(parts):
        raise BadRequest("two requests have one id", where="requests", remedy="give each an id of its own")
    seen: list[str | None] = []
    for part in parts:
        if seen and seen[-1] == part.group:
            continue
        if part.group is not None and part.group in seen:
            raise BadRequest(
                f"the group {part.group[:60]!r} is torn apart", where="atomicityGroup", remedy="let it stand together"
            )
        seen.append(part.group)
    return parts


def _part(value: Any, where: str) -> Part:
    given = value if isinstance(value, dict) else {}
    number, method, url, group = (given.get(name) for name in ("id", "method", "url", "atomicityGroup"))
    if not (isinstance(number, str | int) and isinstance(method, str) and isinstance(url, str)):
        raise BadRequest("a request lacks id, method or url", where=where, remedy="give all three, as texts")
    if method.lower() not in _METHODS or (group is not None and not isinstance(group, str)):
        raise BadRequest(
            f"a request cannot be {method[:20]!r}", where=where, remedy=f"there are {', '.join(sorted(_METHODS))}"
        )
    return Part(str(number), method.lower(), url, given.get("body"), group)
