"""Connections: one reader and one writer pool, and transactions that know who is asking.

Every function of the store is async and takes an open connection; ``run`` is the one door from synchronous code
(command line, tests) into it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cim.errors import CimError, StoreConflict, StoreError, StoreFull, StoreUnavailable
from cim.model.access import ReadContext

Result = TypeVar("Result")

POOL_WAIT_S = 3
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
    pool_size: connections kept for reading; half as many, at least two, for writing.

    """

    def __init__(self, reader_url: str, writer_url: str, *, pool_size: int = 8) -> None:
        self.reader = _engine(reader_url, pool_size, isolation_level="REPEATABLE READ")
        self.writer = _engine(writer_url, max(2, pool_size // 2))
        self.writer_url = writer_url

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.reader.dispose()
        await self.writer.dispose()

    @asynccontextmanager
    async def reading(self, context: ReadContext) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which row-level security sees the caller's openings; all of it sees one state.

        Raises StoreUnavailable when no connection is free within three seconds or the database is away.
        """
        async with _translated(), self.reader.connect() as connection:
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
        self, request_id: str = "", *, lock_wait_ms: int = LOCK_WAIT_MS, timeout_ms: int = WRITE_TIMEOUT_MS
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction of the writer login: committed when the block ends, rolled back when it raises.

        ``lock_wait_ms`` bounds each wait for another writer, ``timeout_ms`` each statement (0: unbounded).
        """
        async with _translated(), self.writer.begin() as connection:
            await connection.execute(
                _WRITE_SETTINGS,
                {
                    "lock": str(lock_wait_ms),
                    "timeout": str(timeout_ms),
                    "name": f"cim {request_id}"[:63],
                },
            )
            yield connection

    async def listen(self, channel: str) -> AsyncIterator[str]:
        """Payloads notified on a channel; ends with StoreUnavailable when the connection is lost."""
        url = sa.make_url(self.writer_url).set(drivername="postgresql")
        async with _translated():
            connection = await psycopg.AsyncConnection.connect(
                url.render_as_string(hide_password=False), autocommit=True
            )
            async with connection:
                await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
                async for notice in connection.notifies():
                    yield notice.payload


_READ_SETTINGS = sa.text(
    "SELECT set_config('cim.openings', :openings, true), set_config('statement_timeout', :timeout, true),"
    " set_config('application_name', :name, true)"
)
_WRITE_SETTINGS = sa.text(
    "SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', :timeout, true),"
    " set_config('application_name', :name, true)"
)


def _engine(url: str, pool_size: int, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        **options,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "prepare_threshold": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def plain_plans(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
            cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
        connection.commit()

    return engine


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
        raise store_error(error.orig, lost=error.connection_invalidated) from error
    except psycopg.Error as error:
        raise store_error(error) from error


def store_error(error: BaseException | None, *, lost: bool = False) -> StoreError:
    """The store's error for one of the driver's, chosen by SQLSTATE."""
    if isinstance(error, pg.LockNotAvailable):
        return StoreConflict("another change of the same data is running", remedy="wait for it to end, then try again")
    if isinstance(error, pg.UniqueViolation):
        return StoreConflict("a feature with this key or name already exists", remedy="use another key")
    if isinstance(error, pg.QueryCanceled):
        return StoreUnavailable("the query took longer than it may", remedy="ask for a smaller area or fewer features")
    if isinstance(error, pg.DiskFull):
        return StoreFull("the database's disk is full; nothing was changed", remedy="free space on the data disk")
    connection_lost = lost or isinstance(error, (pg.OperationalError, OperationalError, OSError))
    if connection_lost:
        return StoreUnavailable("the database cannot be reached", remedy="try again shortly; `cim doctor` tells more")
    state = getattr(error, "sqlstate", None) or "unknown"
    return StoreError(
        f"the database refused the statement (SQLSTATE {state})",
        remedy="report this with the request id; the log has the details",
    )
