"""Connections that only fetch tiles: few, with prepared statements, a time limit, and one round trip a tile.

A connection stays set to the caller it last fetched for, and is set anew before it fetches for one of other rights.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cim.errors import StoreError, StoreUnavailable
from cim.model.access import ReadContext
from cim.store.errors import raise_if_cancelled, store_error

STATEMENT_MS = 4_000
LOCK_WAIT_MS = 1_000
POOL_WAIT_S = 3.0
PREPARED_MOST = 500
_BECOME = "SELECT set_config('cim.openings', %s, false)"


class TileConnections:
    """A pool of the reader login; opened when the first tile is asked for.

    Parameters
    ----------
    reader_url: SQLAlchemy URL of the ``cim_reader`` login.
    size: the most connections held, which bounds the tiles made at the same time.

    """

    def __init__(self, reader_url: str, *, size: int) -> None:
        self.size = size
        self._address = sa.make_url(reader_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None
        self._opening = asyncio.Lock()
        self._callers: WeakKeyDictionary[psycopg.AsyncConnection[Any], str] = WeakKeyDictionary()

    async def fetch(
        self, statement: str, values: Mapping[str, Any], context: ReadContext, *, prepare: bool = True
    ) -> tuple[Any, ...]:
        """The one row of a statement, run as the caller that ``context`` tells of; cancelling cancels the query.

        Raises StoreUnavailable when no connection is free within three seconds, the statement takes longer than four,
        another transaction locks the table for longer than one, or the database is away.
        """
        try:
            pool = await self._opened()
            async with pool.connection() as connection:
                await self._become(connection, context.setting)
                cursor = connection.cursor(binary=True)
                await cursor.execute(statement.encode(), values, prepare=prepare)
                return tuple(await cursor.fetchone() or ())
        except PoolTimeout as error:
            raise StoreUnavailable(
                "the server is busy: no database connection was free within three seconds",
                remedy="try again in a few seconds",
            ) from error
        except psycopg.Error as error:
            raise_if_cancelled(error)
            raise _reading_error(error) from error

    async def _become(self, connection: psycopg.AsyncConnection[Any], setting: str) -> None:
        """Set the connection to a caller's rights, where it is set to others or to none."""
        if self._callers.get(connection) != setting:
            self._callers.pop(connection, None)
            await connection.execute(_BECOME, [setting], prepare=True)
            self._callers[connection] = setting

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()

    async def _opened(self) -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await self._open()
        return self._pool

    async def _open(self) -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
        limits = f"-c jit=off -c statement_timeout={STATEMENT_MS} -c lock_timeout={LOCK_WAIT_MS}"
        pool = AsyncConnectionPool(
            self._address,
            kwargs={"autocommit": True, "connect_timeout": 5, "application_name": "cim tiles", "options": limits},
            configure=_configure,
            min_size=0,
            max_size=self.size,
            timeout=POOL_WAIT_S,
            reconnect_timeout=5,
            num_workers=2,
            open=False,
        )
        await pool.open()
        return pool


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    connection.prepared_max = PREPARED_MOST


def _reading_error(error: psycopg.Error) -> StoreError:
    if isinstance(error, pg.LockNotAvailable):
        return StoreUnavailable("the layer is locked by a change of its structure", remedy="try again in a few seconds")
    return store_error(error)
