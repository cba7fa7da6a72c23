"""The one door through which observations come in: those that arrive together are kept together.

Single posts of many devices share transactions, so that the cost of a commit is paid once for all that waited for the
one before. Nobody is told that a reading is kept before it is committed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import CimError, StoreUnavailable
from cim.model.sensing import Kept, Outcome, Reading
from cim.sensors.checking import refusals
from cim.store.database import Database
from cim.store.observations import ReadingColumns, keep_columns, make_months

Judge = Callable[[AsyncConnection, ReadingColumns, Kept], Awaitable[None]]
"""Looks at readings inside the transaction that keeps them, and may write what follows from them."""
MOST_TOGETHER = 20_000
MOST_WAITING = 400_000
"""Readings that may wait; beyond these, callers are told to come again."""


@dataclass(slots=True)
class _Waiting:
    columns: ReadingColumns
    done: "asyncio.Future[Kept]"


class Intake:
    """Keeps readings; one for a process.

    Parameters
    ----------
    database: its writer login keeps them.
    judges: called with what was kept, before the commit; a judge that raises undoes the whole transaction.

    """

    def __init__(self, database: Database, judges: Sequence[Judge] = ()) -> None:
        self._database = database
        self._judges = tuple(judges)
        self._months: set[object] = set()
        self._waiting: list[_Waiting] = []
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    async def keep(self, readings: Sequence[Reading]) -> Kept:
        """Keep readings, and return what became of each once it is committed.

        Raises StoreUnavailable when too many wait already or the database is away; nothing is kept then.
        """
        faults = refusals(readings)
        if not faults:
            return await self.keep_columns(ReadingColumns.of(readings))
        good = [one for place, one in enumerate(readings) if place not in faults]
        kept = await self.keep_columns(ReadingColumns.of(good)) if good else Kept(())
        return _with_faults(len(readings), faults, kept)

    async def keep_columns(self, columns: ReadingColumns) -> Kept:
        """Keep readings that were checked before (``cim.sensors.checking``), given by column."""
        if self._count and self._count + len(columns) > MOST_WAITING:
            raise StoreUnavailable(
                "more observations are waiting than can be kept at once", remedy="send them again in a few seconds"
            )
        waiting = _Waiting(columns, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._count += len(columns)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await waiting.done

    async def keep_within(self, connection: AsyncConnection, columns: ReadingColumns) -> Kept:
        """Keep checked readings as part of the caller's own transaction, with what they belong to."""
        missing = columns.months() - self._months
        if missing:
            await make_months(connection, missing)
        return await self._judged(connection, columns)

    async def _work(self) -> None:
        """Keep what waits until nothing does."""
        try:
            while self._waiting:
                await self._keep_some(self._take())
        finally:
            self._task = None

    def _take(self) -> list[_Waiting]:
        """The first of those waiting that fit into one transaction; at least one."""
        taken, size = 0, 0
        for one in self._waiting:
            if taken and size + len(one.columns) > MOST_TOGETHER:
                break
            taken, size = taken + 1, size + len(one.columns)
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._count -= size
        return group

    async def _keep_some(self, group: list[_Waiting]) -> None:
        """Keep a group in one transaction; where that fails, each of it in its own, so that none fails for another.

        Once one of them finds the database away the rest fails at once, as each try may take seconds.
        """
        error = await self._tried(group)
        if error is not None and len(group) == 1:
            _fail(group, error)
        elif error is not None:
            for place, one in enumerate(group):
                error = await self._tried([one])
                if isinstance(error, StoreUnavailable):
                    _fail(group[place:], error)
                    return
                if error is not None:
                    _fail([one], error)

    async def _tried(self, group: Sequence[_Waiting]) -> CimError | None:
        """Keep a group in one transaction and tell each of it; why the store did not, where it did not."""
        try:
            kept = await self._stored([one.columns for one in group])
        except CimError as error:
            return error
        except BaseException as error:
            _fail(group, error)
            if not isinstance(error, Exception):
                raise
            return None
        for one, outcome in zip(group, kept, strict=True):
            if not one.done.done():
                one.done.set_result(outcome)
        return None

    async def _stored(self, parts: Sequence[ReadingColumns]) -> list[Kept]:
        columns = parts[0] if len(parts) == 1 else _joined(parts)
        await self._make_months(columns)
        async with self._database.writing("intake") as connection:
            kept = await self._judged(connection, columns)
        return [kept] if len(parts) == 1 else _parted(kept, parts)

    async def _judged(self, connection: AsyncConnection, columns: ReadingColumns) -> Kept:
        kept = await keep_columns(connection, columns)
        for judge in self._judges:
            await judge(connection, columns, kept)
        return kept

    async def _make_months(self, columns: ReadingColumns) -> None:
        missing = columns.months() - self._months
        if missing:
            async with self._database.writing("intake") as connection:
                await make_months(connection, missing)
            self._months |= missing

    def forget_months(self) -> None:
        """Months of observations were dropped, and may have to be made again."""
        self._months.clear()


def _fail(group: Sequence[_Waiting], error: BaseException) -> None:
    for one in group:
        with contextlib.suppress(asyncio.InvalidStateError):
            one.done.set_exception(error)


def _joined(parts: Sequence[ReadingColumns]) -> ReadingColumns:
    """The readings of all parts in one, in order; a column that any part has is filled up for the others."""
    whole = ReadingColumns()
    for name in ("ids", "at_us", "values", "flags"):
        getattr(whole, name).extend(value for part in parts for value in getattr(part, name))
    for name in ("until_us", "result_us", "results", "features", "details"):
        if any(getattr(part, name) for part in parts):
            for part in parts:
                getattr(whole, name).extend(getattr(part, name) or [None] * len(part))
    return whole


def _parted(kept: Kept, parts: Sequence[ReadingColumns]) -> list[Kept]:
    """What became of all, by part."""
    newest, start, shares = set(kept.newest), 0, []
    for part in parts:
        end = start + len(part)
        reasons = {place - start: kept.reasons[place] for place in kept.reasons if start <= place < end}
        shares.append(Kept(kept.outcomes[start:end], reasons, tuple(sorted(newest.intersection(part.ids)))))
        start = end
    return shares


def _with_faults(count: int, faults: dict[int, str], kept: Kept) -> Kept:
    """What became of readings of which some were not even tried."""
    places = [place for place in range(count) if place not in faults]
    outcomes = [Outcome.REFUSED] * count
    for place, outcome in zip(places, kept.outcomes, strict=True):
        outcomes[place] = outcome
    reasons = {**faults, **{places[place]: reason for place, reason in kept.reasons.items()}}
    return Kept(tuple(outcomes), reasons, kept.newest)
