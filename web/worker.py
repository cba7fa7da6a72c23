"""Working the queues: imports one after another, analyses beside them; resumed after a crash."""

import asyncio
import contextlib
import json
import math
from pathlib import Path
from typing import Any

import structlog

from cim.errors import CimError, ImportRefused
from cim.model.bim import Placement
from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.model.undulation import Undulation
from cim.store import uploads
from cim.store.analysis_jobs import jobs_left_undone, remove_old_jobs
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.staging import sweep_runs
from importers.canaries import require_safe_reading
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source, sweep_jobs
from layers.catalog import Catalog
from web.analysts import Analysts
from web.cloud_tiles import make_cloud_tiles
from web.queue import ANALYSE, ANALYSES, IMPORT, IMPORTS, INSPECT, READ_REDLINE, put, put_analysis, queue_app

STATE_EVERY_S = 0.5
STOP_AFTER_S = 5.0
STALLED_AFTER_S = 30
DRAW_EVERY_S = 10.0
ANALYSES_AT_ONCE = 2
ANALYSIS_DAYS = 90
_log = structlog.get_logger()


class Cancelled(ImportRefused):
    """Somebody asked for the import to stop; nothing of it is visible."""

    def __init__(self) -> None:
        super().__init__("cancelled", "the import was cancelled; nothing changed")


class Worker:
    """Takes jobs from the queue until it is stopped."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        files: FileStore,
        *,
        upload_days: int = 7,
        undulation: Undulation | None = None,
    ) -> None:
        self._database, self._catalog, self._files = database, catalog, files
        self._upload_days = upload_days
        self.undulation = undulation
        self.app = queue_app(database.writer_url)
        self.app.task(name=INSPECT)(self.inspect)
        self.app.task(name=IMPORT)(self.import_)
        self.analysts = Analysts(database, catalog, files)
        self.app.task(name=ANALYSE, queue=ANALYSES)(self.analysts.analyse)
        self.app.task(name=READ_REDLINE, queue=ANALYSES)(self.analysts.read_redline)

    async def run(self, *, wait: bool = True) -> None:
        """Work the queue until a signal ends it; without ``wait`` only what is in it now.

        Jobs of a worker that died are taken up again, at the start and while waiting.
        """
        async with self.app.open_async():
            await self._tidy()
            await self._take_up()
            beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._draw())] if wait else []
            beside.append(asyncio.create_task(self._work(ANALYSES, ANALYSES_AT_ONCE, wait=wait)))
            try:
                await self._work(IMPORTS, 1, wait=wait)
                if not wait:
                    await asyncio.gather(*beside)
                    await make_cloud_tiles(self._database, self._files)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    async def _work(self, queue: str, at_once: int, *, wait: bool) -> None:
        """Work one queue until a signal ends the worker; without ``wait`` only what is in it now, however long.

        What a signal interrupts is taken up again by the next worker.
        """
        await self.app.run_worker_async(
            queues=[queue],
            concurrency=at_once,
            wait=wait,
            install_signal_handlers=wait and queue == IMPORTS,
            delete_jobs="always",
            shutdown_graceful_timeout=STOP_AFTER_S if wait else math.inf,
        )

    async def _tidy(self) -> None:
        """Remove what broken imports and forgotten uploads left."""
        async with self._database.writing("worker") as connection:
            await sweep_runs(connection)
            gone = await uploads.remove_ended(connection, self._upload_days)
            await remove_old_jobs(connection, ANALYSIS_DAYS)
        for upload in gone:
            self._files.remove_upload(upload)
        await asyncio.to_thread(self._files.sweep)
        await asyncio.to_thread(sweep_jobs)

    async def _take_up(self) -> None:
        """Queue again what a dead worker left undone; an import is one transaction and may be repeated."""
        for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            await self.app.job_manager.retry_job(job)
        async with self._database.writing("worker") as connection:
            left = await uploads.left_undone(connection)
            waiting = await jobs_left_undone(connection)
        for upload, task in left:
            await put(self.app, task, upload)
        for analysis, process in waiting:
            await put_analysis(self.app, READ_REDLINE if process == READ_REDLINE else ANALYSE, analysis)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(STALLED_AFTER_S / 3)
            with contextlib.suppress(CimError):
                await self._tidy()
                await self._take_up()

    async def _draw(self) -> None:
        """Make the tiles that point clouds lack, whoever imported them."""
        while True:
            with contextlib.suppress(CimError, OSError):
                await make_cloud_tiles(self._database, self._files)
            await asyncio.sleep(DRAW_EVERY_S)

    async def inspect(self, upload: str) -> None:
        """Look into an upload and keep what was found."""
        async with self._database.writing(upload) as connection:
            entry = await uploads.the_upload(connection, upload)
            if entry["status"] not in {"received", "inspecting"}:
                return
            await uploads.move_upload(connection, upload, "inspecting")
        try:
            document = await asyncio.to_thread(self._inspected, entry)
        except CimError as error:
            await self._end(upload, "failed", str(error))
            return
        async with self._database.writing(upload) as connection:
            await uploads.move_upload(connection, upload, "inspected", inspection=document)

    async def import_(self, upload: str) -> None:
        """Import an upload with the options chosen for it."""
        async with self._database.writing(upload) as connection:
            entry = await uploads.the_upload(connection, upload)
            if entry["status"] not in {"queued", "running"}:
                return
            await uploads.move_upload(connection, upload, "running")
        progress = _Progress()
        telling = asyncio.create_task(self._tell(upload, progress))
        try:
            request = await asyncio.to_thread(self._request, entry)
            reports = await import_file(self._database, self._catalog, request, progress, self._files)
        except CimError as error:
            await self._end(upload, "cancelled" if progress.cancelled else "failed", str(error))
            return
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
        status, message = _outcome(reports)
        await self._end(upload, status, message, runs=[report.run for report in reports])

    async def _tell(self, upload: str, progress: "_Progress") -> None:
        """Keep the database told of the progress, and the import of a wish to cancel."""
        while True:
            async with self._database.writing(upload) as connection:
                progress.cancelled |= await uploads.note_progress(connection, upload, progress.state)
            await asyncio.sleep(STATE_EVERY_S)

    async def _end(self, upload: str, status: uploads.UploadStatus, message: str, **values: Any) -> None:
        _log.info("upload", upload=upload, status=status, message=message)
        async with self._database.writing(upload) as connection:
            await uploads.move_upload(connection, upload, status, message=message, **values)

    def _inspected(self, entry: dict[str, Any]) -> dict[str, Any]:
        require_safe_reading()
        with open_source(self._path(entry), ReadOptions()) as source:
            document: dict[str, Any] = json.loads(source.inspection.to_json())
            return document

    def _request(self, entry: dict[str, Any]) -> ImportRequest:
        require_safe_reading()
        chosen = entry["options"]
        options = ReadOptions(
            crs=chosen.get("crs"),
            encoding=chosen.get("encoding"),
            split=bool(chosen.get("split")),
            height_datum=chosen.get("height_datum"),
            place=_place(chosen.get("place")),
            timezone=chosen.get("timezone"),
        )
        return ImportRequest(
            self._path(entry),
            entry["author"],
            entry["role"],
            chosen.get("layer"),
            ImportMode(chosen.get("mode", ImportMode.REPLACE)),
            chosen.get("key"),
            options=options,
            request_id=entry["id"],
            fields=chosen.get("fields") or {},
            building_code=chosen.get("building_code"),
            cim_level=chosen.get("cim_level"),
            placement=_placement(chosen.get("placement")),
        )

    def _path(self, entry: dict[str, Any]) -> Path:
        return self._files.upload_folder(str(entry["id"])) / str(entry["name"])


def _place(given: list[float] | None) -> tuple[float, float, float, float] | None:
    return (given[0], given[1], given[2], given[3]) if given else None


def _placement(given: dict[str, Any] | None) -> Placement | None:
    return Placement(**given, wkt=None, evidence="control-points") if given else None


class _Progress:
    """What an import says of itself, from whatever thread; calling it raises once somebody wants an end."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.cancelled = False

    def __call__(self, layer: str, done: int, total: int) -> None:
        if self.cancelled:
            raise Cancelled
        self.state = {"layer": layer, "done": done, "total": total}


def _outcome(reports: list[ImportReport]) -> tuple[uploads.UploadStatus, str]:
    """How an upload ended: what was asked to stop too late for a layer is said as it is."""
    message = "; ".join(f"{report.layer}: {report.status} - {report.message}" for report in reports)
    if any(finding.code == "cancelled" for report in reports for finding in report.findings):
        return "cancelled", message
    return ("failed" if all(report.status == "refused" for report in reports) else "done"), message
