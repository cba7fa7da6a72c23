"""Receivers of messages about alarms."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound, StoreConflict
from cim.store.alarm_tables import delivery, receiver
from cim.store.tables import event_step


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go, and which: of these severities and grades, in this region. Its secret is never shown again.

    One that is not ``standing`` gets only what is escalated to it by name. Warnings go where ``warnings`` says so, and
    exercises and tests of them only where ``drills`` does too.
    """

    name: str
    url: str
    severities: tuple[str, ...]
    grades: tuple[str, ...]
    region_code: str | None = None
    standing: bool = True
    enabled: bool = True
    warnings: bool = False
    drills: bool = False


async def all_receivers(connection: AsyncConnection) -> list[Receiver]:
    """Every receiver by name."""
    return [_receiver(row) for row in await connection.execute(sa.select(receiver).order_by(receiver.c.name))]


async def refuse_unknown(connection: AsyncConnection, names: Collection[str]) -> None:
    """BadRequest where any of some receivers does not exist."""
    known = (
        set(await connection.scalars(sa.select(receiver.c.name).where(receiver.c.name.in_(names)))) if names else set()
    )
    for name in names:
        if name not in known:
            raise BadRequest(
                f"there is no receiver {name[:40]!r}", where="receiver", remedy="GET /alarms/receivers lists them"
            )


async def add_receiver(connection: AsyncConnection, new: Receiver, secret: str, author: str) -> None:
    """Keep a new receiver; StoreConflict where the name is taken."""
    made = insert(receiver).values(**_values(new), name=new.name, secret=secret, author=author)
    if await connection.scalar(made.on_conflict_do_nothing().returning(receiver.c.id)) is None:
        raise StoreConflict(f"there is a receiver {new.name!r} already", where="name", remedy="choose another name")


async def change_receiver(connection: AsyncConnection, new: Receiver) -> None:
    """Change all of a receiver but its name and secret."""
    changed = sa.update(receiver).where(receiver.c.name == new.name).values(**_values(new))
    if (await connection.execute(changed)).rowcount == 0:
        raise _missing(new.name)


async def remove_receiver(connection: AsyncConnection, name: str) -> None:
    """Remove a receiver with what was on its way to it."""
    if (await connection.execute(sa.delete(receiver).where(receiver.c.name == name))).rowcount == 0:
        raise _missing(name)


async def dead_deliveries(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """Messages that were given up, the newest first."""
    columns = (delivery.c.id, receiver.c.name, delivery.c.step, event_step.c.event, delivery.c.tries)
    query = sa.select(*columns, delivery.c.error, delivery.c.done_at).join(
        receiver, receiver.c.id == delivery.c.receiver
    )
    query = query.join(event_step, event_step.c.seq == delivery.c.step).where(delivery.c.state == "dead")
    rows = (await connection.execute(query.order_by(delivery.c.id.desc()).limit(limit))).mappings()
    return [dict(row) for row in rows]


async def send_again(connection: AsyncConnection, number: int) -> None:
    """Put a message that was given up back among those waiting."""
    again = {"state": "waiting", "tries": 0, "next_at": sa.func.now(), "done_at": None}
    dead = (delivery.c.id == number, delivery.c.state == "dead")
    if (await connection.execute(sa.update(delivery).where(*dead).values(**again))).rowcount == 0:
        raise NotFound(
            f"there is no message {number} that was given up", where="delivery", remedy="GET /alarms/deliveries"
        )


def _values(new: Receiver) -> dict[str, Any]:
    return {
        "url": new.url,
        "severities": list(new.severities),
        "grades": list(new.grades),
        "region_code": new.region_code,
        "standing": new.standing,
        "enabled": new.enabled,
        "warnings": new.warnings,
        "drills": new.drills,
    }


def _receiver(row: Any) -> Receiver:
    same = (row.region_code, row.standing, row.enabled, row.warnings, row.drills)
    return Receiver(row.name, row.url, tuple(row.severities), tuple(row.grades), *same)


def _missing(name: str) -> NotFound:
    return NotFound(f"there is no receiver {name[:40]!r}", where="receiver", remedy="GET /alarms/receivers lists them")
