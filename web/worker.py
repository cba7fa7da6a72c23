"""Working the queue: inspections and imports of uploads, one after another, resumed after a crash."""

import asyncio
import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from procrastinate import App

from cim.errors import CimError, ImportRefused
from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.store import uploads
from cim.store.database import Database
from cim.store.staging import sweep_runs
from importers.canaries import require_safe_reading
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import network_isolation, open_source
from layers.catalog import Catalog
from web.queue import IMPORT, INSPECT, queue_app

STATE_EVERY_S = 0.5
_log = structlog.get_logger()


class Cancelled(ImportRefused):
    """Somebody asked for the import to stop; nothing of it is visible."""

    def __init__(self) -> None:
        super().__init__("cancelled", "the import was cancelled; nothing changed")


class Worker:
    """Takes jobs from the queue until it is stopped. ``files`` is the folder uploads are kept below."""

    def __init__(self, database: Database, catalog: Catalog, writer_url: str, files: Path) -> None:
        self._database, self._catalog, self._files = database, catalog, files
        self.app = queue_app(writer_url)
        self.app.task(name=INSPECT)(self.inspect)
        self.app.task(name=IMPORT)(self.import_)

    async def run(self, *, wait: bool = True) -> None:
        """Work the queue; without ``wait`` only what is in it now. Jobs of a worker that died are taken up again."""
        async with self.app.open_async():
            async with self._database.writing("worker") as connection:
                await sweep_runs(connection)
            await _take_up_stalled(self.app)
            await self.app.run_worker_async(
                concurrency=1, wait=wait, install_signal_handlers=wait, delete_jobs="always"
            )

    async def inspect(self, upload: str) -> None:
        """Look into an upload and keep what was found."""
        async with self._database.writing(upload) as connection:
            entry = await uploads.the_upload(connection, upload)
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
            request = self._request(entry)
            reports = await import_file(self._database, self._catalog, request, progress)
        except CimError as error:
            await self._end(upload, "cancelled" if progress.cancelled else "failed", str(error))
            return
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
        status, message = _outcome(reports, cancelled=progress.cancelled)
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
        options = ReadOptions(trust_file=not network_isolation().isolated)
        with open_source(self._path(entry), options) as source:
            return asdict(source.inspection)

    def _request(self, entry: dict[str, Any]) -> ImportRequest:
        require_safe_reading()
        chosen = entry["options"]
        options = ReadOptions(
            crs=chosen.get("crs"), encoding=chosen.get("encoding"), split=bool(chosen.get("split")), trust_file=False
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
        )

    def _path(self, entry: dict[str, Any]) -> Path:
        return upload_path(self._files, entry["id"], entry["name"])


class _Progress:
    """What an import says of itself, from whatever thread; calling it raises once somebody wants an end."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.cancelled = False

    def __call__(self, layer: str, done: int, total: int) -> None:
        if self.cancelled:
            raise Cancelled
        self.state = {"layer": layer, "done": done, "total": total}


def upload_path(files: Path, upload: str, name: str) -> Path:
    """Where an upload's main file lies."""
    return files / "uploads" / upload / name


def _outcome(reports: list[ImportReport], *, cancelled: bool) -> tuple[uploads.UploadStatus, str]:
    message = "; ".join(f"{report.layer}: {report.status} - {report.message}" for report in reports)
    if cancelled:
        return "cancelled", message
    return ("failed" if all(report.status == "refused" for report in reports) else "done"), message


async def _take_up_stalled(app: App) -> None:
    """Put the jobs of workers that are no more back into the queue: an import may be repeated, it is one transaction."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
        await app.job_manager.retry_job(job)
