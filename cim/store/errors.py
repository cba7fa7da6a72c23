"""What the driver raises, as the store's own errors."""

import asyncio

from psycopg import errors as pg
from sqlalchemy.exc import OperationalError

from cim.errors import StoreConflict, StoreError, StoreFull, StoreUnavailable


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


def raise_if_cancelled(error: BaseException) -> None:
    """Go on cancelling the task whose query the driver ended for it: to the caller that is no fault of the database."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
