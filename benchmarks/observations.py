"""Observations of 12 000 datastreams: what reading costs when there are few of them and when there are very many.

Two databases of one cluster hold the same datastreams: one with a million observations, one with as many millions as
``--observations`` says (300 for the figures of the product), every five minutes of the newest weeks. Twenty datastreams
of each have a value every ten minutes of a year. Rounds go through both in turn: newest values of all datastreams and
hourly buckets of one over a year, each beside the bare SQL, and 250 000 late readings. At the end all earlier months
are dropped.

The database's own housekeeping is held back: after a fill in an hour it would go through everything during the rounds,
which in a database that fills in a year it has long done. What was filled is on the disk before they begin.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.machine import spread
from cim.garbage import collect_seldom
from cim.model.access import Grade, ReadContext
from cim.model.sensing import Outcome
from cim.sensors.intake import Intake
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins, create_database
from cim.store.database import Database
from cim.store.migrating import migrate
from cim.store.observations import ReadingColumns, make_months, microseconds
from cim.store.retention import drop_old_months
from cim.store.series import buckets, latest_values

DATASTREAMS, YEARLONG = 12_000, 20
STEP_S, YEARLONG_STEP_S = 300, 600
NOW = datetime(2026, 11, 28, tzinfo=UTC)
YEAR_AGO = NOW - timedelta(days=365)
SMALL = 1_000_000
LATE, LATE_BATCH = 250_000, 5_000
FILLED_AT_ONCE = 2
EVERYONE = ReadContext(((Grade.PUBLIC, None),))
Result = TypeVar("Result")
REACH = {
    "latest_s": "< 0.15",
    "hours_of_a_year_s": "< 0.05",
    "late_s": "<= 60",
    "drop_month_s": "< 1",
    "of_small": "<= 1.5",
}
_THINGS = """
WITH probe AS (
    INSERT INTO sensing.sensor (name, encoding_type, metadata) VALUES ('probe', 'text/plain', '""') RETURNING id
), what AS (
    INSERT INTO sensing.observed_property (name, definition) VALUES ('level', 'none') RETURNING id
)
INSERT INTO sensing.thing (name, grade, region_code, reach)
SELECT 'device ' || n, 'public', '5101820' || lpad((n % 13)::text, 2, '0'), 0
FROM generate_series(1, :count) AS n, probe, what
"""
_DATASTREAMS = """
INSERT INTO sensing.datastream (name, thing, sensor, observed_property, observation_type, unit, reach)
SELECT 'datastream ' || t.id, t.id, s.id, p.id, 'OM_Measurement', '{}', 0
FROM sensing.thing t, sensing.sensor s, sensing.observed_property p ORDER BY t.id
"""
_FILL = """
INSERT INTO sensing.observation (datastream_id, phenomenon_time, value, quality)
SELECT d.id, t, d.id + extract(minute FROM t), 'N'
FROM generate_series(cast(:first AS integer), cast(:last AS integer)) AS d (id)
    CROSS JOIN LATERAL generate_series(cast(:since AS timestamptz), cast(:until AS timestamptz) - interval '1 s',
    cast(:step AS interval)) AS t
"""
_READ_THROUGH = "SET LOCAL enable_indexscan = off"
"""A month just filled has no statistics yet, and by its index a hundred million rows take half an hour."""
_HOURS = """
INSERT INTO sensing.hourly (datastream_id, hour, count, total, squares, least, greatest, flagged, others)
SELECT datastream_id, date_trunc('hour', phenomenon_time, 'UTC'), count(*), sum(value), sum(value * value), min(value),
    max(value), 0, 0 FROM sensing.observation WHERE phenomenon_time >= :since AND phenomenon_time < :until GROUP BY 1, 2
ORDER BY 1, 2
"""
_NEWEST = """
INSERT INTO sensing.latest (datastream_id, at, value, received_at, first_at, quality)
SELECT d.id, n.phenomenon_time, n.value, now(), :since, 'N' FROM sensing.datastream d, LATERAL (
    SELECT phenomenon_time, value FROM sensing.observation o WHERE o.datastream_id = d.id
    ORDER BY phenomenon_time DESC LIMIT 1) AS n
"""
_BARE_LATEST = sa.text("SELECT datastream_id, at, value, result, quality, received_at FROM sensing.latest ORDER BY 1")
_BARE_HOURS = sa.text(
    "SELECT hour, count, total, least, greatest FROM sensing.hourly WHERE datastream_id = :id AND hour >= :since"
    " AND hour < :until ORDER BY hour"
)


def measure(county: Path | None, rounds: int, observations: int = 20) -> dict[str, object]:
    """Fill both databases, then interleaved rounds; the county is not used."""
    collect_seldom()
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster(folder / "d") as logins:
            migrate(logins.owner_url)
            with logins.connect_admin("postgres") as admin:
                create_database(admin, "large", template=logins.database)
                admin.execute("ALTER SYSTEM SET autovacuum = off")
                admin.execute("SELECT pg_reload_conf()")
            return asyncio.run(_measure(logins, logins.for_database("large"), rounds, observations * 1_000_000))


async def _measure(small: Logins, large: Logins, rounds: int, count: int) -> dict[str, object]:
    taken: dict[str, dict[str, list[float]]] = {"small": {}, "large": {}}
    async with _opened(small) as few, _opened(large) as many:
        databases = {"small": few, "large": many}
        filled = {"small": await _fill(few, SMALL), "large": await _fill(many, count)}
        with small.connect_admin() as admin:
            admin.execute("CHECKPOINT")
        for number in range(rounds):
            for name, database in databases.items():
                for figure, seconds in (await _round(database, number)).items():
                    taken[name].setdefault(figure, []).append(seconds)
        for name, database in databases.items():
            taken[name]["drop_month_s"] = [await _drop(database)]
    ratios = {figure: _ratio(taken["large"][figure], taken["small"][figure]) for figure in taken["large"]}
    return {
        "what": f"{DATASTREAMS} datastreams, {YEARLONG} of them with ten-minute values of a year",
        "rounds": rounds,
        **{name: {**filled[name], **{key: spread(values) for key, values in taken[name].items()}} for name in taken},
        "of_small": ratios,
        "reach": REACH,
    }


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, others, strict=True))


@asynccontextmanager
async def _opened(logins: Logins) -> AsyncIterator[Database]:
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    try:
        yield database
    finally:
        await database.close()


async def add_datastreams(database: Database, count: int) -> None:
    """Things of regions by turns, with one datastream each."""
    await _run(database, _THINGS, count=count)
    await _run(database, _DATASTREAMS)


async def _fill(database: Database, count: int) -> dict[str, float]:
    """Datastreams and observations up to ``NOW``; how many there are, and how long it took."""
    began = time.perf_counter()
    steps = max(1, (count - YEARLONG * 365 * 86_400 // YEARLONG_STEP_S) // (DATASTREAMS - YEARLONG))
    since = NOW - timedelta(seconds=STEP_S * steps)
    await add_datastreams(database, DATASTREAMS)
    months = _months(min(since, YEAR_AGO), NOW)
    async with database.writing() as connection:
        await make_months(connection, months[:-1])
    turns = asyncio.Semaphore(FILLED_AT_ONCE)
    await asyncio.gather(*(_fill_month(database, turns, since, *month) for month in itertools.pairwise(months)))
    await _run(database, _NEWEST, since=since)
    await _run(
        database, "ANALYZE sensing.observation, sensing.hourly, sensing.latest, sensing.datastream, sensing.thing"
    )
    total = YEARLONG * (NOW - YEAR_AGO).total_seconds() / YEARLONG_STEP_S + steps * (DATASTREAMS - YEARLONG)
    return {"observations": total, "fill_s": time.perf_counter() - began}


async def _fill_month(database: Database, turns: asyncio.Semaphore, since: datetime, *month: date) -> None:
    """The observations of a month, and its hours."""
    first, last = (datetime(one.year, one.month, one.day, tzinfo=UTC) for one in month)
    year = {"since": max(first, YEAR_AGO), "until": min(last, NOW), "step": timedelta(seconds=YEARLONG_STEP_S)}
    start, end = max(first, since), min(last, NOW)
    rest = {"since": start, "until": end, "step": timedelta(seconds=STEP_S)}
    parts = [{"first": 1, "last": YEARLONG, **year}]
    if start < end:
        middle = (YEARLONG + DATASTREAMS) // 2
        parts += [{"first": YEARLONG + 1, "last": middle, **rest}, {"first": middle + 1, "last": DATASTREAMS, **rest}]

    async def fill(*statements: str, **values: Any) -> None:
        async with turns:
            await _run(database, *statements, **values)

    await asyncio.gather(*(fill(_FILL, **part) for part in parts))
    await fill(_READ_THROUGH, _HOURS, since=first, until=last)


def _months(since: datetime, until: datetime) -> list[date]:
    """First days of the months from one moment to another, and of the one after."""
    months = [since.date().replace(day=1)]
    while months[-1] <= until.date():
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return months


async def _run(database: Database, *statements: str, **values: Any) -> None:
    """Statements in one transaction; the values are the last one's."""
    async with database.writing(timeout_ms=0) as connection:
        for statement in statements[:-1]:
            await connection.execute(sa.text(statement))
        await connection.execute(sa.text(statements[-1]), values)


async def _round(database: Database, number: int) -> dict[str, float]:
    """One of each; a datastream of its own for each round."""
    stream = number % YEARLONG + 1
    year = {"id": stream, "since": YEAR_AGO, "until": NOW}
    times = {}
    async with database.reading(EVERYONE) as connection:
        times["latest_s"], found = await _timed(latest_values(connection))
        assert len(found) == DATASTREAMS
        times["hours_of_a_year_s"], hours = await _timed(buckets(connection, stream, YEAR_AGO, NOW, "hour"))
        assert len(hours) == 365 * 24
    async with database.writing() as connection:
        times["bare_latest_s"], _ = await _timed(_rows(connection, _BARE_LATEST))
        times["bare_hours_s"], _ = await _timed(_rows(connection, _BARE_HOURS, **year))
    times["late_s"] = await _late(database, number)
    return times


async def _timed(work: Awaitable[Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    result = await work
    return time.perf_counter() - began, result


async def _rows(connection: AsyncConnection, query: sa.TextClause, **values: Any) -> int:
    return len((await connection.execute(query, values)).all())


async def _late(database: Database, number: int) -> float:
    """Seconds for readings of some hours a month ago to be kept, at a second of the minute that no others have."""
    intake = Intake(database)
    start = microseconds(NOW - timedelta(days=30)) + (number * 2 + 1) * 1_000_000
    began = time.perf_counter()
    for batch in range(LATE // LATE_BATCH):
        ids = [batch * LATE_BATCH % DATASTREAMS + k % 1_000 + 1 for k in range(LATE_BATCH)]
        at = [start + (batch * LATE_BATCH + k) // 1_000 * 60_000_000 for k in range(LATE_BATCH)]
        kept = await intake.keep_columns(ReadingColumns(ids, at, [1.0] * LATE_BATCH, ["N"] * LATE_BATCH))
        assert kept.count(Outcome.REFUSED) == 0
    return time.perf_counter() - began


async def _drop(database: Database) -> float:
    """Seconds to drop all months before this one."""
    async with database.writing(timeout_ms=0) as connection:
        began = time.perf_counter()
        gone = await drop_old_months(connection, 1, date(NOW.year, NOW.month, 1) + timedelta(days=1))
        seconds = time.perf_counter() - began
    assert gone
    return seconds
