"""The audit log: append-only, each entry chained to the one before by SHA-256."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import tables as t


async def record(
    connection: AsyncConnection,
    *,
    actor: str,
    role: str,
    action: str,
    subject: str,
    result: str = "done",
    request_id: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry in the transaction of the act itself, so that act and trace stand or fall together."""
    await connection.execute(
        sa.insert(t.audit).values(
            actor=actor,
            role=role,
            action=action,
            object=subject,
            result=result,
            request_id=request_id,
            detail=dict(detail or {}),
        )
    )


async def first_broken_link(connection: AsyncConnection) -> int | None:
    """The sequence number at which the chain does not hold (changed, missing or reordered entry); None when whole."""
    broken: int | None = await connection.scalar(
        sa.text("""
        SELECT min(seq) FROM (
            SELECT a.seq, a.chain IS DISTINCT FROM cim.audit_link(lag(a.chain) OVER w, a) AS broken,
                   a.seq <> row_number() OVER w AS gap
            FROM cim.audit a WINDOW w AS (ORDER BY a.seq)
        ) AS links WHERE broken OR gap
        """)
    )
    return broken
