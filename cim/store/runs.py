"""Import runs: opened before anything is read, closed with an exact account, kept for lineage."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.store import tables as t

KEPT_ROWS = 10_000
"""Rejected and repaired rows kept per run; the counts are always exact."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault as it is kept; ``row`` is 1-based as in the file."""

    rule: str
    action: str
    row: int | None
    message: str
    wkb: bytes | None


async def open_run(connection: AsyncConnection, *, layer: str, author: str, source_name: str, mode: ImportMode) -> int:
    """Record that an import begins; returns its number."""
    created = await connection.scalar(
        sa.insert(t.import_run)
        .values(layer=layer, author=author, source_name=source_name, mode=mode)
        .returning(t.import_run.c.id)
    )
    return int(created or 0)


async def describe_run(connection: AsyncConnection, run: int, **values: Any) -> None:
    """Add what became known of the source: layer, hash, driver, options, lineage."""
    await connection.execute(sa.update(t.import_run).where(t.import_run.c.id == run).values(**values))


async def close_run(connection: AsyncConnection, report: ImportReport) -> None:
    """Write an import's account."""
    await connection.execute(
        sa.update(t.import_run)
        .where(t.import_run.c.id == report.run)
        .values(
            layer=report.layer,
            status=report.status,
            version=report.version,
            read=report.read,
            loaded=report.loaded,
            skipped=report.skipped,
            rejected=[[row.row, row.reason] for row in report.rejected[:KEPT_ROWS]],
            repaired=[[row.row, row.repair] for row in report.repaired[:KEPT_ROWS]],
            findings=[
                {"code": f.code, "severity": f.severity, "count": f.count, "message": f.message}
                for f in report.findings
            ],
            checks=[asdict(check) for check in report.checks],
            message=report.message,
            finished_at=sa.func.clock_timestamp(),  # now() is when this long transaction began
        )
    )


async def add_faults(connection: AsyncConnection, run: int, srid: int, faults: Sequence[FaultRow]) -> None:
    """Keep the faults a delivery was found to have; shapes are WKB in ``srid`` and stored in EPSG:4490."""
    shape = sa.func.ST_Transform(sa.func.ST_GeomFromWKB(sa.bindparam("wkb"), srid), 4490)
    values = [
        {"number": number, "rule": f.rule, "action": f.action, "row": f.row, "message": f.message, "wkb": f.wkb}
        for number, f in enumerate(faults, 1)
    ]
    if values:
        await connection.execute(sa.insert(t.import_fault).values(run=run, geom=shape), values)


async def faults_of(connection: AsyncConnection, run: int, limit: int, after: int = 0) -> list[dict[str, Any]]:
    """Faults of a run by number, with their shapes as GeoJSON text."""
    table = t.import_fault
    rows = await connection.execute(
        sa.select(
            table.c.number,
            table.c.rule,
            table.c.action,
            table.c.row,
            table.c.message,
            sa.func.ST_AsGeoJSON(table.c.geom, 8).label("geometry"),
        )
        .where(table.c.run == run, table.c.number > after)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


async def latest_runs(connection: AsyncConnection, limit: int, layer: str | None = None) -> list[dict[str, Any]]:
    """The newest runs, newest first, with their accounts."""
    query = sa.select(t.import_run).order_by(t.import_run.c.id.desc()).limit(limit)
    if layer is not None:
        query = query.where(t.import_run.c.layer == layer)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def the_run(connection: AsyncConnection, run: int) -> dict[str, Any] | None:
    """Everything kept about a run: source, hash, driver, options, lineage, account."""
    rows = await connection.execute(sa.select(t.import_run).where(t.import_run.c.id == run))
    row = rows.mappings().first()
    return dict(row) if row else None
