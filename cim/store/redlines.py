"""Red lines handed in for analysis; each is its author's own."""

import secrets
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.redline import RedLine, RedLineParcel
from cim.store import tables as t


async def keep_redline(connection: AsyncConnection, red_line: RedLine, author: str) -> str:
    """Store a checked red line; returns its id."""
    redline_id = f"rl_{secrets.token_hex(8)}"
    await connection.execute(
        sa.insert(t.redline).values(
            id=redline_id,
            name=red_line.name,
            author=author,
            srid=red_line.srid,
            evidence=red_line.evidence,
            notes=list(red_line.notes),
            parcels=[_described(parcel) for parcel in red_line.parcels],
            shapes=[shapely.to_wkb(parcel.shape) for parcel in red_line.parcels],
            sha256=red_line.digest,
        )
    )
    return redline_id


async def the_redline(connection: AsyncConnection, redline_id: str, author: str | None) -> RedLine:
    """A red line by id, of one author (None: of anybody); NotFound tells how to hand one in."""
    statement = sa.select(t.redline).where(t.redline.c.id == redline_id)
    if author is not None:
        statement = statement.where(t.redline.c.author == author)
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no red line {redline_id[:60]!r} of yours",
            where="area",
            remedy="hand one in with POST /redlines, or give a GeoJSON geometry",
        )
    parcels = tuple(
        RedLineParcel(
            entry["number"], entry["name"], shapely.from_wkb(bytes(shape)), entry["declared_m2"], entry["use"]
        )
        for entry, shape in zip(row["parcels"], row["shapes"], strict=True)
    )
    return RedLine(row["srid"], parcels, row["name"], row["evidence"], tuple(row["notes"]))


async def forget_redline(connection: AsyncConnection, redline_id: str, author: str) -> None:
    """Remove one of an author's red lines."""
    mine = (t.redline.c.id == redline_id) & (t.redline.c.author == author)
    done = await connection.execute(sa.delete(t.redline).where(mine))
    if done.rowcount == 0:
        raise NotFound(f"there is no red line {redline_id[:60]!r} of yours", where="id", remedy="check the id")


def _described(parcel: RedLineParcel) -> dict[str, Any]:
    return {"number": parcel.number, "name": parcel.name, "declared_m2": parcel.declared_m2, "use": parcel.use}
