"""A running application as tests see it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from fastapi import FastAPI

from cim.store import identities
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import Catalog
from web.app import create_api
from web.asgi import Front
from web.settings import ServerSettings
from web.state import ServerState
from web.tile_endpoint import TileEndpoint

PASSWORD = "correct horse battery"
"""Of the technician 王工 whom viewer tests log in."""


@dataclass
class Served:
    """A running application and the clients of its roles."""

    api: FastAPI
    database: Database
    state: ServerState
    anonymous: httpx.AsyncClient
    viewer: httpx.AsyncClient
    technician: httpx.AsyncClient
    administrator: httpx.AsyncClient

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A further client."""
        return httpx.AsyncClient(transport=self.anonymous._transport, base_url="http://test", headers=headers)


@asynccontextmanager
async def serving(
    database: Database,
    catalog: Catalog,
    files: FileStore,
    settings: ServerSettings | None = None,
    *,
    follows: bool = False,
) -> AsyncIterator[Served]:
    """The application over a filled database, and a client for every role.

    Only one that ``follows`` brings the search index and the generalised content up to date by itself.
    """
    state = ServerState.build(settings or ServerSettings(), database, catalog, files)
    api = create_api(state, follows=follows)
    app = Front(api, TileEndpoint(state), api.state.metrics)
    keys = {}
    async with database.writing() as connection:
        for role in ("viewer", "technician", "administrator"):
            keys[role] = (await identities.create_key(connection, role))[1]
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 5000), raise_app_exceptions=False)
    clients = {
        role: httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {key}"})
        for role, key in keys.items()
    }
    async with running(api):
        yield Served(api, database, state, httpx.AsyncClient(transport=transport, base_url="http://test"), **clients)


@asynccontextmanager
async def running(api: FastAPI) -> AsyncIterator[None]:
    """Start and stop what the application runs in the background."""
    async with api.router.lifespan_context(api):
        yield


@asynccontextmanager
async def listening(served: Served) -> AsyncIterator[str]:
    """The address of a real server over a running application; it listens before it has started."""
    app = Front(served.api, TileEndpoint(served.state), served.api.state.metrics)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def following(served: Served, path: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a stream of events from a real server over a running application."""
    asked = {"Accept": "text/event-stream", **headers}
    async with (
        listening(served) as address,
        httpx.AsyncClient(base_url=address, timeout=30, headers=asked) as client,
        client.stream("GET", path) as answer,
    ):
        yield answer.aiter_lines()
