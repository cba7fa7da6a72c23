"""A running application as tests see it."""

from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from cim.store.database import Database
from web.state import ServerState

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
