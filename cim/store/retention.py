"""How long observations are kept: raw ones by the month, roll-ups for ever, refusals for a month."""

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.observations import make_months
from cim.store.sensing_tables import refusal

REFUSAL_DAYS = 30
_DROP = sa.text("SELECT sensing.drop_months(cast(:before AS date))")


async def make_coming_months(connection: AsyncConnection, today: date | None = None) -> None:
    """Make the tables of this month and the next two, so that no reading waits for one."""
    month = (today or datetime.now(UTC).date()).replace(day=1)
    months = [month]
    for _ in range(2):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    await make_months(connection, months)


async def drop_old_months(connection: AsyncConnection, raw_days: int, today: date | None = None) -> list[str]:
    """Drop the months of raw observations that ended more than ``raw_days`` ago; returns the tables that are gone.

    Raw observations are thus kept for ``raw_days`` and up to a month more. Zero days keep them for ever.
    """
    if not raw_days:
        return []
    before = (today or datetime.now(UTC).date()) - timedelta(days=raw_days)
    return list(await connection.scalar(_DROP, {"before": before}) or [])


async def forget_refusals(connection: AsyncConnection) -> int:
    """Delete what was refused more than thirty days ago."""
    old = refusal.c.at < sa.func.now() - timedelta(days=REFUSAL_DAYS)
    return (await connection.execute(sa.delete(refusal).where(old))).rowcount
