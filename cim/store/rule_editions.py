"""Editions of sets of rules that staff have made; what is shipped is edition 0 and not kept here."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import tables as t


async def rule_edition(connection: AsyncConnection, name: str, number: int | None) -> tuple[int, str] | None:
    """Number and text of an edition, the newest when no number is given; None where there is none."""
    e = t.rule_edition
    statement = sa.select(e.c.number, e.c.text).where(e.c.name == name)
    if number is not None:
        statement = statement.where(e.c.number == number)
    row = (await connection.execute(statement.order_by(e.c.number.desc()).limit(1))).first()
    return (row.number, row.text) if row else None


async def lock_editions(connection: AsyncConnection, name: str) -> None:
    """Let nobody else keep an edition of a set of rules before this transaction ends."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"rules:{name}", 0))))


async def keep_edition(connection: AsyncConnection, name: str, text: str, author: str, note: str) -> int:
    """Store a checked text as the next edition; returns its number. Needs ``lock_editions``."""
    e = t.rule_edition
    last = await connection.scalar(sa.select(sa.func.max(e.c.number)).where(e.c.name == name))
    number = int(last or 0) + 1
    await connection.execute(sa.insert(e).values(name=name, number=number, text=text, author=author, note=note))
    return number


async def editions(connection: AsyncConnection, name: str) -> list[dict[str, Any]]:
    """All editions of a set of rules, newest first, without their texts."""
    e = t.rule_edition
    rows = await connection.execute(
        sa.select(e.c.number, e.c.author, e.c.note, e.c.created_at).where(e.c.name == name).order_by(e.c.number.desc())
    )
    return [
        {"number": row.number, "author": row.author, "note": row.note, "created_at": _text(row.created_at)}
        for row in rows
    ]


def _text(moment: datetime) -> str:
    return moment.isoformat()
