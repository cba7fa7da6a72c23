"""How long transactions may pause."""

import asyncio

import pytest
import sqlalchemy as sa

from cim.errors import StoreUnavailable
from cim.store import database as store
from cim.store.database import WRITE_TIMEOUT_MS, Database


async def paused(database: Database, timeout_ms: int) -> str:
    """The limit of pauses that a transaction tells after one of a second."""
    async with database.writing(timeout_ms=timeout_ms) as connection:
        await asyncio.sleep(1)
        return str(await connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")))


async def test_only_unbounded_work_may_pause_for_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "IDLE_MS", 200)
    assert await paused(database, 0) == "1h"
    with pytest.raises(StoreUnavailable):
        await paused(database, WRITE_TIMEOUT_MS)
    assert await paused(database, 0) == "1h"
