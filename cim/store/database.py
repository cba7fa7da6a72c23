"""Connections: pools of the reader and the writer login, and transactions that know who is asking.

Every function of the store is async and takes an open connection; ``run`` is the one door from synchronous code
(command line, tests) into it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cim.errors import CimError, StoreUnavailable
from cim.model.access import ReadContext
from cim.store.errors import raise_if_cancelled, store_error
from cim.store.tile_connections import TileConnections

Result = TypeVar("Result")

IDLE_MS, LONG_IDLE_MS = 30_000, 3_600_000
POOL_WAIT_S = 3
ASIDE = 2
LOCK_WAIT_MS = 2_000
WRITE_TIMEOUT_MS = 600_000


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run one coroutine to its end from synchronous code."""
    return asyncio.run(work)


class Database:
    """The two logins of the running server; the owner's login is for migrations only and is not held open.

    Parameters
    ----------
    reader_url, writer_url: SQLAlchemy URLs of the ``cim_reader`` and ``cim_writer`` logins.
    pool_size: connections kept for reading; half as many, at least two, for writing and for tiles. Two more of each
        login are kept aside for health, identity and the catalogue, so that these stay quick when all others are busy.

    """

    def __init__(self, reader_url: str, writer_url: str, *, pool_size: int = 8) -> None:
        self.reader = _engine(reader_url, pool_size, isolation_level="REPEATABLE READ")
        self.writer = _engine(writer_url, max(2, pool_size // 2))
        self.reader_aside = _engine(reader_url, ASIDE, isolation_level="REPEATABLE READ")
        self.writer_aside = _engine(writer_url, ASIDE)
        self.tiles = TileConnections(reader_url, size=max(2, pool_size // 2))
        self.writer_url = writer_url

    async def close(self) -> None:
        """Close every pooled connection."""
        for engine in (self.reader, self.writer, self.reader_aside, self.writer_aside):
            await engine.dispose()
        await self.tiles.close()

    @asynccontextmanager
    async def reading(self, context: ReadContext, *, aside: bool = False) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which row-level security sees the caller's openings; all of it sees one state.

        ``aside`` takes one of the connections kept for health and the catalogue.

        Raises StoreUnavailable when no connection is free within three seconds or the database is away.
        """
        engine = self.reader_aside if aside else self.reader
        async with _translated(), engine.connect() as connection:
            await connection.execute(
                _READ_SETTINGS,
                {
                    "openings": context.setting,
                    "timeout": str(context.timeout_ms),
                    "name": f"cim {context.request_id}"[:63],
                },
            )
            yield connection

    @asynccontextmanager
    async def writing(
        self,
        request_id: str = "",
        *,
        lock_wait_ms: int = LOCK_WAIT_MS,
        timeout_ms: int = WRITE_TIMEOUT_MS,
        aside: bool = False,
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction of the writer login: committed when the block ends, rolled back when it raises.

        ``lock_wait_ms`` bounds each wait for another writer, ``timeout_ms`` each statement (0: unbounded); ``aside``
        takes one of the connections kept for identity. Between statements the block may work for half a minute, or for
        an hour where its statements are unbounded; then the database ends the transaction.
        """
        engine = self.writer_aside if aside else self.writer
        async with _translated(), engine.begin() as connection:
            await connection.execute(
                _WRITE_SETTINGS,
                {
                    "lock": str(lock_wait_ms),
                    "timeout": str(timeout_ms),
                    "idle": str(IDLE_MS if timeout_ms else LONG_IDLE_MS),
                    "name": f"cim {request_id}"[:63],
                },
            )
            yield connection

    @asynccontextmanager
    async def alone(self, task: str) -> AsyncIterator[bool]:
        """Whether this process is the one to do a task that only one process does, for as long as the block runs."""
        async with _translated(), await self._session() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"task:{task}"])
            row = await cursor.fetchone()
            yield bool(row and row[0])

    async def listen(self, channel: str) -> AsyncIterator[str]:
        """Payloads notified on a channel; ends with StoreUnavailable when the connection is lost."""
        async with _translated(), await self._session() as connection:
            await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            async for notice in connection.notifies():
                yield notice.payload

    async def listen_to(self, *channels: str) -> AsyncIterator[tuple[str, str]]:
        """Channels and payloads as they are notified, first an empty pair once all are listened to.

        Ends with StoreUnavailable when the connection is lost; what was notified meanwhile has to be looked up.
        """
        async with _translated(), await self._session() as connection:
            for channel in channels:
                await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            yield "", ""
            async for notice in connection.notifies():
                yield notice.channel, notice.payload

    async def _session(self) -> psycopg.AsyncConnection[Any]:
        """A connection of the writer login outside the pools, for what lasts longer than a transaction."""
        url = sa.make_url(self.writer_url).set(drivername="postgresql").render_as_string(hide_password=False)
        return await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5)


_READ_SETTINGS = sa.text(
    "SELECT set_config('cim.openings', :openings, true), set_config('statement_timeout', :timeout, true),"
    " set_config('application_name', :name, true)"
)
_WRITE_SETTINGS = sa.text(
    "SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', :timeout, true),"
    " set_config('idle_in_transaction_session_timeout', :idle, true), set_config('application_name', :name, true)"
)


def _engine(url: str, pool_size: int, **options: Any) -> AsyncEngine:
    """A pool whose connections are set up as they are opened: a statement cancelled after that would lose one."""
    given = sa.make_url(url).query.get("options", "")
    settings = f"{given} -c jit=off -c idle_in_transaction_session_timeout={IDLE_MS}".lstrip()
    return create_async_engine(
        url,
        **options,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args={"connect_timeout": 5, "prepare_threshold": None, "options": settings},
    )


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Turn what the driver raises into the store's own errors, without SQL or addresses in the text."""
    try:
        yield
    except CimError:
        raise
    except PoolTimeout as error:
        raise StoreUnavailable(
            "the server is busy: no database connection was free within three seconds",
            remedy="try again in a few seconds",
        ) from error
    except DBAPIError as error:
        raise_if_cancelled(error)
        raise store_error(error.orig, lost=error.connection_invalidated) from error
    except psycopg.Error as error:
        raise_if_cancelled(error)
        raise store_error(error) from error
