"""Import runs: opened before anything is read, closed with an exact account, kept for lineage."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.store import tables as t

KEPT_ROWS = 10_000
"""Rejected and repaired rows kept per run; the counts are always exact."""


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
            message=report.message,
            finished_at=sa.func.now(),
        )
    )


async def the_run(connection: AsyncConnection, run: int) -> dict[str, Any] | None:
    """Everything kept about a run: source, hash, driver, options, lineage, account."""
    rows = await connection.execute(sa.select(t.import_run).where(t.import_run.c.id == run))
    row = rows.mappings().first()
    return dict(row) if row else None
