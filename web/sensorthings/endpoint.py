"""The ASGI application below ``/sensorthings/v1.1``, without the framework: thousands of devices post here."""

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from cim.errors import BadRequest, CimError, StoreError
from cim.sensors.posted_observations import json_of
from web.identity import check_csrf, credential_of
from web.phrases import told
from web.problems import language_of, problem, problem_response, status_of
from web.sensorthings.address import ROOT
from web.sensorthings.batch import Batch
from web.sensorthings.bodies import read_body
from web.sensorthings.service import Answer, Sender, SensorThings
from web.state import ServerState
from web.tile_answer import send_parts

_READING = frozenset({"GET", "HEAD"})
_WRITING = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_JSON = b"application/json;charset=utf-8"
_log = structlog.get_logger()


class SensorThingsEndpoint:
    """Reads a request, has the service do it, and writes the answer; every failure is a problem document."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._service = SensorThings(state.database, state.intake)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        try:
            answer = await self._answer(scope, receive, headers)
        except CimError as error:
            if isinstance(error, StoreError):
                _log.warning("request failed", id=scope.get("request_id", ""), reason=str(error))
            language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
            request_id = scope.get("request_id", "")
            status, fields, body = problem_response(error, path=scope["path"], request_id=request_id, language=language)
            await send_parts(send, int(status), fields, body)
            return
        await _send(send, answer, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Answer:
        method: str = scope["method"]
        sender = await self._sender(scope, headers)
        path = scope["path"].removeprefix(ROOT).strip("/")
        if method in _READING:
            return await self._service.read(sender, _raw_path(scope), scope["query_string"])
        if method not in _WRITING:
            raise BadRequest(f"{method} is not understood", where="method", remedy="use GET, POST, PATCH, PUT, DELETE")
        check_csrf(method, Headers(scope=scope), sender.principal)
        if method == "DELETE":
            return await self._service.write(sender, method, path, None)
        body = json_of(await read_body(receive, headers))
        if method == "POST" and path == "$batch":
            return Answer(200, await Batch(self._service, sender, self._problem_of(sender)).run(body))
        return await self._service.write(sender, method, path, body)

    async def _sender(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Sender:
        authorization, cookie = headers.get(b"authorization"), headers.get(b"cookie")
        credential = credential_of(
            authorization.decode("latin-1") if authorization else None, cookie.decode("latin-1") if cookie else None
        )
        identities = self._state.identities
        principal = identities.remembered(credential) or await identities.principal(credential)
        host = headers.get(b"host", b"localhost").decode("latin-1")
        root = f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '')}{ROOT}"
        return Sender(principal, scope.get("request_id", ""), root)

    @staticmethod
    def _problem_of(sender: Sender) -> Any:
        def make(error: CimError, path: str) -> Mapping[str, Any]:
            what, where, remedy = (told(text, "en") for text in (error.what, error.where, error.remedy))
            return problem(
                status_of(error), what, path=path[:200], request_id=sender.request_id, where=where, remedy=remedy
            )

        return make


def _raw_path(scope: Scope) -> str:
    """The path below the service root as it was sent, so that a slash inside an id is none between parts."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    text = raw.decode("latin-1").partition("?")[0]
    return text.partition(ROOT)[2].strip("/") if ROOT in text else scope["path"].removeprefix(ROOT).strip("/")


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    headers = [(b"cache-control", b"private, no-cache")]
    body = b""
    if answer.text is not None:
        body = answer.text.encode()
        headers.append((b"content-type", b"text/plain;charset=utf-8"))
    elif answer.document is not None:
        body = orjson.dumps(answer.document)
        headers.append((b"content-type", _JSON))
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    await send_parts(send, answer.status, headers, b"" if head else body)
