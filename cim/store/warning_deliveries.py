"""Messages about warnings on their way to receivers, in the manner of ``cim.store.deliveries``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.alarm_tables import receiver
from cim.store.deliveries import FIRST_WAIT_S, LONGEST_WAIT_S, MOST_TRIES
from cim.store.warning_tables import warning_delivery

SENT_ACTIONS = ("received", "issued", "updated", "cancelled", "expired", "called")
_MAKE_OUT = sa.text("""
    INSERT INTO cim.warning_delivery (receiver, step)
    SELECT r.id, s.seq FROM cim.warning_step s JOIN cim.warning w ON w.code = s.warning
    LEFT JOIN cim.warning_call c ON c.id = s.call
    JOIN sensing.receiver r ON r.enabled AND r.warnings AND (r.drills OR w.status = 'Actual')
        AND coalesce(w.colour, 'yellow') = ANY (r.severities) AND w.grade = ANY (r.grades)
        AND (c.grade IS NULL OR c.grade = ANY (r.grades))
        AND (r.region_code IS NULL OR starts_with(coalesce(c.region_code, w.region_code), r.region_code))
    WHERE s.seq = ANY (:steps) AND s.action = ANY (:actions) AND w.status <> 'Draft'
        AND (s.action <> 'received' OR w.state IN ('active', 'done'))
    ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class WarningMessage:
    """One message that is due."""

    id: int
    receiver: str
    url: str
    secret: str
    step: int
    tries: int


async def make_out_warnings(connection: AsyncConnection, steps: Sequence[int]) -> None:
    """Make out messages for entries of history: never of drafts, and of drills only to who takes those."""
    if steps:
        await connection.execute(_MAKE_OUT, {"steps": list(steps), "actions": list(SENT_ACTIONS)})


async def due_warning_messages(connection: AsyncConnection, limit: int) -> list[WarningMessage]:
    """Messages whose time has come, the oldest first."""
    columns = (receiver.c.name, receiver.c.url, receiver.c.secret, warning_delivery.c.step, warning_delivery.c.tries)
    query = (
        sa.select(warning_delivery.c.id, *columns)
        .join(receiver, receiver.c.id == warning_delivery.c.receiver)
        .where(warning_delivery.c.state == "waiting", warning_delivery.c.next_at <= sa.func.now(), receiver.c.enabled)
        .order_by(warning_delivery.c.next_at, warning_delivery.c.id)
        .limit(limit)
    )
    return [WarningMessage(*row) for row in await connection.execute(query)]


async def warning_delivered(connection: AsyncConnection, message: WarningMessage) -> None:
    """A receiver has taken a message."""
    done = {"state": "delivered", "done_at": sa.func.now(), "error": "", "tries": message.tries + 1}
    await connection.execute(_of(message).values(done))


async def warning_not_delivered(connection: AsyncConnection, message: WarningMessage, error: str) -> bool:
    """A try failed: the next comes after twice the time; whether this was the last."""
    tries = message.tries + 1
    wait = timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**message.tries))
    values: dict[str, Any] = {"tries": tries, "error": error[:500], "next_at": sa.func.now() + wait}
    if tries >= MOST_TRIES:
        values |= {"state": "dead", "done_at": sa.func.now()}
    await connection.execute(_of(message).values(values))
    return tries >= MOST_TRIES


def _of(message: WarningMessage) -> sa.Update:
    return sa.update(warning_delivery).where(warning_delivery.c.id == message.id)
