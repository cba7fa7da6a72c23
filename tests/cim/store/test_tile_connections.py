"""Connections that fetch tiles: each fetch is made with the rights of its own caller, whoever came before."""

import pytest

from cim.errors import StoreError
from cim.model.access import Grade, ReadContext
from cim.store.deployment import DatabaseUrls
from cim.store.tile_connections import TileConnections

ANYBODY = ReadContext(((Grade.PUBLIC, None),))
REGIONAL = ReadContext(((Grade.PUBLIC, None), (Grade.INTERNAL, ("510182001",))))
RIGHTS = "SELECT current_setting('cim.openings'), pg_backend_pid()"


async def test_one_connection_serves_callers_of_different_rights(urls: DatabaseUrls) -> None:
    connections = TileConnections(urls.reader_url, size=1)
    seen = [await connections.fetch(RIGHTS, {}, who) for who in (ANYBODY, REGIONAL, REGIONAL, ANYBODY)]
    assert [rights for rights, _ in seen] == [who.setting for who in (ANYBODY, REGIONAL, REGIONAL, ANYBODY)]
    assert len({backend for _, backend in seen}) == 1
    with pytest.raises(StoreError):
        await connections.fetch("SELECT 1 / 0", {}, REGIONAL)
    assert (await connections.fetch(RIGHTS, {}, ANYBODY))[0] == ANYBODY.setting
    await connections.close()
