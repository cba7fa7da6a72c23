"""What stands between the SensorThings suite and the server: the suite sends no key, and takes every id for a number.

Requests get the key, and towards the suite each Observation goes by a number in place of its id, which is a text.
Everything else passes as it is.
"""

import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web.cli.up import listen

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
PASSED = ("content-type", "location")
_ID = r"([0-9]+-[0-9]+)"
_TEXT_ID = re.compile(rf"(?<=Observations\()'{_ID}'(?=\))|(?<=\"@iot\.id\":)\"{_ID}\"")
_NUMBER = re.compile(r"(?<=Observations\()[0-9]+(?=\))")


class Numbers:
    """A number for the id of every Observation that was seen."""

    def __init__(self) -> None:
        self._ids: list[str] = []

    def outward(self, text: str) -> str:
        """An answer with numbers for ids."""
        return _TEXT_ID.sub(lambda found: str(self._number(found[1] or found[2])), text)

    def inward(self, path: str) -> str:
        """A path with ids for numbers; a number that was never given stays, and so leads nowhere."""
        return _NUMBER.sub(lambda found: self._id(found[0]), path)

    def moved(self, path: str, answer: str) -> None:
        """Have the number of an Observation stand for the id that its change gave it."""
        before, after = (_TEXT_ID.search(text) for text in (path, answer))
        if before and after:
            self._ids[self._number(before[1]) - 1] = after[1] or after[2]

    def _number(self, name: str) -> int:
        if name not in self._ids:
            self._ids.append(name)
        return self._ids.index(name) + 1

    def _id(self, number: str) -> str:
        return f"'{self._ids[int(number) - 1]}'" if 0 < int(number) <= len(self._ids) else number


@asynccontextmanager
async def go_between(address: str, key: str) -> AsyncIterator[str]:
    """The address of a proxy for a server."""
    numbers = Numbers()
    listener = listen("127.0.0.1", 0)
    client = httpx.AsyncClient(timeout=60)

    async def passed(request: Request) -> Response:
        path = numbers.inward(request.scope["raw_path"].decode())
        headers = {"Host": request.headers["host"], "Authorization": f"Bearer {key}"}
        url = f"{address}{path}?{request.url.query}"
        answer = await client.request(request.method, url, content=await request.body(), headers=headers)
        if request.method == "PATCH" and answer.is_success:
            numbers.moved(path, answer.text)
        fields = {name: numbers.outward(answer.headers[name]) for name in PASSED if name in answer.headers}
        return Response(numbers.outward(answer.text), answer.status_code, fields)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    app = Starlette(routes=[Route("/{path:path}", passed, methods=METHODS)], lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
