"""How long transactions may pause."""

import asyncio

import pytest
import sqlalchemy as sa

from cim.errors import StoreUnavailable
from cim.store import database as store
from cim.store.database import Database


async def test_only_unbounded_work_may_pause_for_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "IDLE_MS", 200)
    async with database.writing(timeout_ms=0) as connection:
        await asyncio.sleep(1)
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    with pytest.raises(StoreUnavailable):
        async with database.writing() as connection:
            await asyncio.sleep(1)
            await connection.execute(sa.text("SELECT 1"))
    async with database.writing() as connection:
        assert await connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "200ms"
