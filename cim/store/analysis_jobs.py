"""Analyses on their way: what was asked, by whom, how far it is, and the answer."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.store import tables as t

JobStatus = Literal["accepted", "running", "successful", "failed", "dismissed"]
ENDED: tuple[JobStatus, ...] = ("successful", "failed", "dismissed")
MOST_LISTED = 200
INTERNAL = ("read-redline",)
"""Processes of the server's own whose jobs are not listed."""


@dataclass(frozen=True, slots=True)
class AnalysisJob:
    """One job as kept; ``answer`` is there once it was successful."""

    id: str
    process: str
    process_version: str
    inputs: Mapping[str, Any]
    author: str
    role: str
    status: JobStatus
    progress: int
    message: str
    cancel: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    answer: Mapping[str, Any] | None = None


_FACTS = [column for column in t.analysis_job.c if column.name != "answer"]


async def add_job(
    connection: AsyncConnection, process: str, version: str, inputs: Mapping[str, Any], author: str, role: str
) -> str:
    """Record what was asked; returns the job's id."""
    job = f"job_{secrets.token_hex(8)}"
    await connection.execute(
        sa.insert(t.analysis_job).values(
            id=job, process=process, process_version=version, inputs=dict(inputs), author=author, role=role
        )
    )
    return job


async def the_job(
    connection: AsyncConnection, job: str, author: str | None = None, *, with_answer: bool = False
) -> AnalysisJob:
    """A job by id, of one author (None: of anybody); NotFound when there is none."""
    columns = [*_FACTS, t.analysis_job.c.answer] if with_answer else _FACTS
    statement = sa.select(*columns).where(t.analysis_job.c.id == job)
    if author is not None:
        statement = statement.where(t.analysis_job.c.author == author)
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise NotFound(f"there is no job {job[:60]!r} of yours", where="job", remedy="GET /jobs lists your jobs")
    return AnalysisJob(**row)


async def jobs_of(connection: AsyncConnection, author: str | None) -> list[AnalysisJob]:
    """The newest jobs of an author (None: of everybody), newest first."""
    listed = t.analysis_job.c.process.not_in(INTERNAL)
    statement = sa.select(*_FACTS).where(listed).order_by(t.analysis_job.c.created_at.desc()).limit(MOST_LISTED)
    if author is not None:
        statement = statement.where(t.analysis_job.c.author == author)
    return [AnalysisJob(**row) for row in (await connection.execute(statement)).mappings()]


async def start_job(connection: AsyncConnection, job: str) -> bool:
    """Whether the job is to be run now; one that was dismissed or has ended is not."""
    j = t.analysis_job
    done = await connection.execute(
        sa.update(j)
        .where(j.c.id == job, j.c.status.in_(["accepted", "running"]))
        .values(status="running", started_at=sa.func.coalesce(j.c.started_at, sa.func.now()), updated_at=sa.func.now())
    )
    return done.rowcount == 1


async def note_job(connection: AsyncConnection, job: str, progress: int, message: str) -> bool:
    """Keep how far a job is; returns whether somebody wants it to end."""
    j = t.analysis_job
    row = await connection.execute(
        sa.update(j)
        .where(j.c.id == job)
        .values(progress=progress, message=message, updated_at=sa.func.now())
        .returning(j.c.cancel)
    )
    return bool(row.scalar())


async def end_job(
    connection: AsyncConnection, job: str, status: JobStatus, message: str, answer: Mapping[str, Any] | None = None
) -> None:
    """Record how a running job ended; one that was dismissed stays dismissed."""
    j = t.analysis_job
    values: dict[str, Any] = {"status": status, "message": message, "finished_at": sa.func.now()}
    values |= {"answer": dict(answer), "progress": 100} if answer is not None else {}
    await connection.execute(
        sa.update(j).where(j.c.id == job, j.c.status.not_in(ENDED)).values(**values, updated_at=sa.func.now())
    )


async def awaited(connection: AsyncConnection, job: str) -> bool:
    """Whether somebody still waits for a running job; it stays so until the transaction ends."""
    j = t.analysis_job
    statement = sa.select(j.c.id).where(j.c.id == job, j.c.status == "running").with_for_update()
    return await connection.scalar(statement) is not None


async def dismiss_job(connection: AsyncConnection, job: AnalysisJob) -> None:
    """End a job that is on its way, or remove one that has ended."""
    j = t.analysis_job
    if job.status in ENDED:
        await connection.execute(sa.delete(j).where(j.c.id == job.id))
        return
    await connection.execute(
        sa.update(j)
        .where(j.c.id == job.id)
        .values(
            status="dismissed", cancel=True, message="dismissed", finished_at=sa.func.now(), updated_at=sa.func.now()
        )
    )


async def forget_job(connection: AsyncConnection, job: str) -> None:
    """Remove a job whatever its state."""
    await connection.execute(sa.delete(t.analysis_job).where(t.analysis_job.c.id == job))


async def jobs_left_undone(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Id and process of what was asked for and not ended and no job in the queue stands for any more, oldest first."""
    rows = await connection.execute(
        sa.text(
            "SELECT id, process FROM cim.analysis_job a WHERE status IN ('accepted', 'running')"
            " AND NOT EXISTS (SELECT FROM jobs.procrastinate_jobs j WHERE j.args ->> 'job' = a.id"
            " AND j.status IN ('todo', 'doing')) ORDER BY created_at"
        )
    )
    return [(job, process) for job, process in rows]


async def remove_old_jobs(connection: AsyncConnection, days: int) -> None:
    """Forget jobs that ended more than so many days ago, red lines as old, and readings that nobody waits for."""
    before = sa.func.now() - sa.func.make_interval(0, 0, 0, days)
    j, r = t.analysis_job, t.redline
    await connection.execute(sa.delete(j).where(j.c.status.in_(ENDED), j.c.finished_at < before))
    await connection.execute(sa.delete(r).where(r.c.created_at < before))
    an_hour_ago = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 1)
    await connection.execute(sa.delete(j).where(j.c.process.in_(INTERNAL), j.c.created_at < an_hour_ago))
