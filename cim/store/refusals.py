"""What could not be taken in: kept for thirty days, for the technician who asks why a station's values do not come."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_tables import refusal

MOST_TEXT = 2_000


class Refused(NamedTuple):
    """One refusal: protocol and peer, station and what of it, a stable code, the reason, the frame without secrets."""

    source: str
    subject: str
    code: str
    message: str
    payload: str = ""


async def keep_refusals(connection: AsyncConnection, refused: Sequence[Refused]) -> None:
    """Keep refusals, each text cut to 2 000 characters."""
    if refused:
        rows = [{name: text[:MOST_TEXT].replace("\0", "") for name, text in one._asdict().items()} for one in refused]
        await connection.execute(sa.insert(refusal), rows)


async def refusals_since(
    connection: AsyncConnection, *, subject: str = "", since: datetime | None = None, most: int = 200
) -> list[dict[str, Any]]:
    """The newest refusals, of a station where its code is given."""
    query = sa.select(refusal).order_by(refusal.c.id.desc()).limit(most)
    if subject:
        query = query.where(refusal.c.subject.startswith(subject, autoescape=True))
    if since is not None:
        query = query.where(refusal.c.at >= since)
    return [dict(row) for row in (await connection.execute(query)).mappings()]
