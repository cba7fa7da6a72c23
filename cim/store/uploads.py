"""Uploads: files handed in over the web, what was found in them, and how far their import is."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound, StoreConflict
from cim.store import tables as t

UploadStatus = Literal["received", "inspecting", "inspected", "queued", "running", "done", "failed", "cancelled"]
ENDED: frozenset[UploadStatus] = frozenset({"done", "failed", "cancelled"})
STARTABLE: frozenset[UploadStatus] = frozenset({"received", "inspecting", "inspected", "failed", "cancelled", "done"})


async def add_upload(connection: AsyncConnection, **values: Any) -> None:
    """Record a file that was received whole."""
    await connection.execute(sa.insert(t.upload).values(**values))


async def the_upload(connection: AsyncConnection, upload: str) -> dict[str, Any]:
    """Everything known of an upload; NotFound when there is none."""
    row = (await connection.execute(sa.select(t.upload).where(t.upload.c.id == upload))).mappings().first()
    if row is None:
        raise NotFound(f"there is no upload {upload!r}", where="upload", remedy="POST /imports begins one")
    return dict(row)


async def stored_bytes(connection: AsyncConnection, author: str) -> int:
    """What an account's uploads take up together."""
    total = await connection.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(t.upload.c.bytes), 0)).where(t.upload.c.author == author)
    )
    return int(total or 0)


async def start_upload(connection: AsyncConnection, upload: str, options: Mapping[str, Any]) -> None:
    """Queue an upload's import with the options chosen; StoreConflict while one is under way."""
    done = await connection.execute(
        sa.update(t.upload)
        .where(t.upload.c.id == upload, t.upload.c.status.in_(STARTABLE))
        .values(
            status="queued", options=dict(options), progress={}, runs=[], message="", cancel=False, finished_at=None
        )
    )
    if done.rowcount == 0:
        raise StoreConflict("its import is under way", where=upload, remedy="wait for its end, or cancel it")


async def move_upload(connection: AsyncConnection, upload: str, status: UploadStatus, **values: Any) -> None:
    """Bring an upload to a status, with what became known."""
    finished = sa.func.now() if status in ENDED else None
    await connection.execute(
        sa.update(t.upload).where(t.upload.c.id == upload).values(status=status, finished_at=finished, **values)
    )


async def note_progress(connection: AsyncConnection, upload: str, progress: Mapping[str, Any]) -> bool:
    """Record how far an import is; returns whether somebody wants it cancelled."""
    cancel = await connection.scalar(
        sa.update(t.upload).where(t.upload.c.id == upload).values(progress=dict(progress)).returning(t.upload.c.cancel)
    )
    return bool(cancel)


async def ask_to_cancel(connection: AsyncConnection, upload: str) -> None:
    """Have an import stopped; one that only waits is cancelled at once."""
    await connection.execute(sa.update(t.upload).where(t.upload.c.id == upload).values(cancel=True))
    await connection.execute(
        sa.update(t.upload)
        .where(t.upload.c.id == upload, t.upload.c.status.in_(("received", "inspected", "queued")))
        .values(status="cancelled", message="cancelled before it began", finished_at=sa.func.now())
    )


async def remove_upload(connection: AsyncConnection, upload: str) -> bool:
    """Forget an upload that is not under way; False when it is."""
    gone = await connection.execute(
        sa.delete(t.upload).where(
            t.upload.c.id == upload, t.upload.c.status.not_in(("inspecting", "queued", "running"))
        )
    )
    return gone.rowcount > 0


async def remove_ended(connection: AsyncConnection, days: int) -> list[str]:
    """Forget uploads that ended, or were never started, more than ``days`` ago; returns their ids."""
    old = sa.func.coalesce(t.upload.c.finished_at, t.upload.c.created_at) < sa.func.now() - timedelta(days=days)
    idle = t.upload.c.status.not_in(("inspecting", "queued", "running"))
    return list((await connection.execute(sa.delete(t.upload).where(old, idle).returning(t.upload.c.id))).scalars())


async def newest_uploads(connection: AsyncConnection, author: str | None, limit: int) -> list[dict[str, Any]]:
    """Uploads, newest first; of one account or, with None, of all."""
    query = sa.select(t.upload).order_by(t.upload.c.created_at.desc()).limit(limit)
    if author is not None:
        query = query.where(t.upload.c.author == author)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def left_undone(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Uploads under way that no job in the queue stands for any more, with the task each needs."""
    rows = await connection.execute(
        sa.text(
            "SELECT id, CASE WHEN status IN ('queued', 'running') THEN 'import_upload' ELSE 'inspect_upload' END"
            " FROM cim.upload u WHERE status IN ('received', 'inspecting', 'queued', 'running')"
            " AND NOT EXISTS (SELECT FROM jobs.procrastinate_jobs j WHERE j.args ->> 'upload' = u.id"
            " AND j.status IN ('todo', 'doing')) ORDER BY created_at"
        )
    )
    return [(str(row[0]), str(row[1])) for row in rows]
