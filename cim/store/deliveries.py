"""Messages about alarms on their way to receivers: made out once, sent at least once, given up at last."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.alarm_tables import alarm_rule, delivery, receiver
from cim.store.tables import event, event_step

AT_ONCE = 1_000
MOST_TRIES = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 3_600.0
_MAKE_OUT = sa.text("""
    WITH mark AS MATERIALIZED (SELECT step FROM sensing.delivery_mark FOR UPDATE),
    new AS MATERIALIZED (
        SELECT s.* FROM cim.event_step s WHERE s.seq > (SELECT step FROM mark) ORDER BY s.seq LIMIT :most
    ), put AS (
        INSERT INTO sensing.delivery (receiver, step)
        SELECT r.id, n.seq FROM new n JOIN cim.event e ON e.code = n.event
        JOIN sensing.receiver r ON r.enabled AND e.grade = ANY (r.grades)
            AND (r.region_code IS NULL OR starts_with(e.region_code, r.region_code))
            AND (r.name = n.receiver OR r.standing AND n.severity = ANY (r.severities))
        WHERE n.action <> 'comment'
        ON CONFLICT DO NOTHING
    )
    UPDATE sensing.delivery_mark SET step = n.last FROM (SELECT max(seq) AS last, count(*) AS count FROM new) n
    WHERE n.count > 0 RETURNING n.count
""")


@dataclass(frozen=True, slots=True)
class Message:
    """One message that is due."""

    id: int
    url: str
    secret: str
    step: int
    alarm: str
    severity: str
    quiet: dict[str, Any] | None
    tries: int


async def make_out(connection: AsyncConnection) -> bool:
    """Make out messages for new steps of alarms; whether there may be more. Receivers get what comes after them."""
    count = await connection.scalar(_MAKE_OUT, {"most": AT_ONCE})
    return bool(count == AT_ONCE)


async def due_messages(connection: AsyncConnection, limit: int) -> list[Message]:
    """Messages whose time has come, the oldest first."""
    quiet = alarm_rule.c.body["quiet"].label("quiet")
    query = (
        sa.select(delivery.c.id, receiver.c.url, receiver.c.secret, delivery.c.step, event.c.code)
        .add_columns(event_step.c.severity, quiet, delivery.c.tries)
        .select_from(delivery)
        .join(receiver, receiver.c.id == delivery.c.receiver)
        .join(event_step, event_step.c.seq == delivery.c.step)
        .join(event, event.c.code == event_step.c.event)
        .outerjoin(alarm_rule, alarm_rule.c.id == event.c.rule)
        .where(delivery.c.state == "waiting", delivery.c.next_at <= sa.func.now(), receiver.c.enabled)
        .order_by(delivery.c.next_at, delivery.c.id)
        .limit(limit)
    )
    return [Message(*row) for row in await connection.execute(query)]


async def delivered(connection: AsyncConnection, number: int) -> None:
    """A receiver has taken a message."""
    done = {"state": "delivered", "done_at": sa.func.now(), "error": "", "tries": delivery.c.tries + 1}
    await connection.execute(sa.update(delivery).where(delivery.c.id == number).values(**done))


async def not_delivered(connection: AsyncConnection, message: Message, error: str) -> None:
    """A try failed: the next comes after twice the time, and after the last of them the message is given up."""
    tries = message.tries + 1
    wait = timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**message.tries))
    values: dict[str, Any] = {"tries": tries, "error": error[:500], "next_at": sa.func.now() + wait}
    if tries >= MOST_TRIES:
        values |= {"state": "dead", "done_at": sa.func.now()}
    await connection.execute(sa.update(delivery).where(delivery.c.id == message.id).values(**values))


async def hold(connection: AsyncConnection, number: int, seconds: float) -> None:
    """Look at a message again later; it does not count as a try."""
    later = sa.func.now() + timedelta(seconds=seconds)
    await connection.execute(sa.update(delivery).where(delivery.c.id == number).values(next_at=later))
