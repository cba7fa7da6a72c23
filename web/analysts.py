"""The worker's part in analyses: jobs with progress and an end on request, and reading red lines in the sandbox."""

import asyncio
import json
from typing import Any

import structlog

from cim.analysis.analysis import Analysis
from cim.analysis.registry import the_analysis
from cim.errors import CimError, ImportRefused
from cim.model.access import Principal
from cim.model.analysis import Answer
from cim.store import analysis_jobs as jobs
from cim.store.analysis_jobs import AnalysisJob
from cim.store.collections import all_collections, all_models
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.identities import principal_for_role
from cim.store.redlines import keep_redline
from importers.canaries import require_safe_reading
from importers.importer import ReadOptions
from importers.redline_reading import read_red_line
from layers.catalog import Catalog
from web.analysing import AUDITED, keep_trace, plain_document
from web.analysis_context import analysis_context
from web.problems import unexpected_fault

TELL_EVERY_S = 0.5
_log = structlog.get_logger()


class Dismissed(CimError):
    """Somebody asked for the analysis to stop."""


class _Progress:
    """What an analysis says of itself, from whatever thread; calling it raises once somebody wants an end."""

    def __init__(self) -> None:
        self.done, self.what = 0, ""
        self.dismissed = False

    def __call__(self, done: int, what: str) -> None:
        if self.dismissed:
            raise Dismissed("the analysis was dismissed")
        self.done, self.what = max(0, min(100, done)), what


class Analysts:
    """Runs the jobs of the queue of analyses with the rights of whoever asked."""

    def __init__(self, database: Database, catalog: Catalog, files: FileStore) -> None:
        self._database, self._catalog, self._files = database, catalog, files

    async def analyse(self, job: str) -> None:
        """Run one job to its end; a second start after a crash begins anew."""
        async with self._database.writing(job) as connection:
            if not await jobs.start_job(connection, job):
                return
            found = await jobs.the_job(connection, job)
        progress = _Progress()
        telling = asyncio.create_task(self._tell(job, progress))
        try:
            async with self._database.writing(job) as connection:
                principal = await principal_for_role(connection, found.role, found.author)
            await self._run(found, principal, progress)
        except CimError as error:
            await self._end(job, "dismissed" if progress.dismissed else "failed", str(error))
        except Exception as error:
            _log.exception("analysis failed", job=job, exc_info=error)
            await self._end(job, "failed", "an unexpected fault; the server's log has the details")
            raise
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _run(self, job: AnalysisJob, principal: Principal, progress: _Progress) -> None:
        analysis = the_analysis(job.process)
        inputs = dict(job.inputs)
        async with self._database.writing(job.id) as connection:
            collections = await all_collections(connection)
            models = await all_models(connection)
        context = analysis_context(
            self._database,
            self._catalog,
            collections,
            principal,
            author=job.author,
            inputs=inputs,
            request_id=job.id,
            progress=progress,
            files=self._files,
            models=models,
        )
        answer = await analysis.answer(inputs, context)
        await self._keep(job, analysis, principal, inputs, answer)

    async def _keep(
        self, job: AnalysisJob, analysis: Analysis[Any], principal: Principal, inputs: dict[str, Any], answer: Answer
    ) -> None:
        async with self._database.writing(job.id) as connection:
            await jobs.end_job(connection, job.id, "successful", "", plain_document(answer))
        if analysis.id in AUDITED:
            await keep_trace(self._database, principal, analysis, inputs, answer, job.id)

    async def _tell(self, job: str, progress: _Progress) -> None:
        while True:
            async with self._database.writing(job) as connection:
                progress.dismissed |= await jobs.note_job(connection, job, progress.done, progress.what)
            await asyncio.sleep(TELL_EVERY_S)

    async def _end(self, job: str, status: jobs.JobStatus, message: str) -> None:
        async with self._database.writing(job) as connection:
            await jobs.end_job(connection, job, status, message)

    async def read_redline(self, job: str) -> None:
        """Read a file handed in as a red line; what stands against it becomes the job's message."""
        async with self._database.writing(job) as connection:
            if not await jobs.start_job(connection, job):
                return
            found = await jobs.the_job(connection, job)
        path = self._files.upload_folder(str(found.inputs["folder"])) / str(found.inputs["name"])
        options = ReadOptions(crs=found.inputs.get("crs"))
        try:
            await asyncio.to_thread(require_safe_reading)
            red_line = await asyncio.to_thread(read_red_line, path, options, apart=bool(found.inputs.get("apart")))
        except CimError as error:
            await self._end(job, "failed", _fault(error))
            return
        except Exception as error:
            _log.exception("reading a red line failed", job=job, exc_info=error)
            await self._end(job, "failed", _fault(unexpected_fault()))
            raise
        async with self._database.writing(job) as connection:
            if await jobs.awaited(connection, job):
                redline = await keep_redline(connection, red_line, found.author)
                await jobs.end_job(connection, job, "successful", "", {"redline": redline})


def _fault(error: CimError) -> str:
    code = error.code if isinstance(error, ImportRefused) else "refused"
    return json.dumps(
        {"code": code, "what": error.what, "where": error.where, "remedy": error.remedy}, ensure_ascii=False
    )
