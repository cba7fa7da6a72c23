"""One import of a list of devices or of a series: opened, taken in, closed with an exact account."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from cim.errors import CimError, ImportRefused, StoreConflict
from cim.model.collection import ImportMode
from cim.model.imports import Finding, ImportReport, ImportStatus, RejectedRow, RepairedRow
from cim.store import runs
from cim.store.database import Database
from importers.accepting import Progress
from importers.accounting import audit_import
from importers.inspection import LayerInspection
from importers.plan import ImportRequest
from importers.row_notes import RowNotes
from importers.sandbox import Source
from importers.sensing.columns import DEVICES, OBSERVATIONS
from importers.sensing.moments import zone_named

NAMES = frozenset({DEVICES, OBSERVATIONS})


@dataclass(slots=True)
class SensingAccount:
    """What became of the rows so far; ``set_aside`` are those that were skipped with a reason.

    ``changes`` are the rows that left something other than it was.
    """

    read: int = 0
    loaded: int = 0
    skipped: int = 0
    rejected: RowNotes[RejectedRow] = field(default_factory=lambda: RowNotes(RejectedRow))
    set_aside: RowNotes[RepairedRow] = field(default_factory=lambda: RowNotes(RepairedRow))
    findings: dict[str, tuple[int, str]] = field(default_factory=dict)
    message: str = ""
    changes: int = 0

    def reject(self, row: int, reason: str) -> None:
        """A row that is not loaded, and why."""
        self.rejected.add([(row, reason)])

    def skip(self, row: int, reason: str) -> None:
        """A row that adds nothing, and why."""
        self.skipped += 1
        self.set_aside.add([(row, f"skipped: {reason}")])

    def find(self, code: str, message: str, count: int = 1) -> None:
        """Something of the whole that the reader should know; told once, and counted."""
        held, _ = self.findings.get(code, (0, ""))
        self.findings[code] = (held + count, message)


@dataclass(frozen=True, slots=True)
class SensingJob:
    """An import on its way."""

    database: Database
    request: ImportRequest
    source: Source
    name: str
    inspection: LayerInspection
    progress: Progress
    account: SensingAccount
    run: int = 0

    @property
    def zone(self) -> tzinfo | None:
        """The zone said for moments that have none."""
        return zone_named(self.request.options.timezone)


Taking = Callable[[SensingJob], Awaitable[None]]


async def import_sensing(
    database: Database,
    request: ImportRequest,
    source: Source,
    name: str,
    inspection: LayerInspection,
    progress: Progress,
    taking: Taking,
) -> ImportReport:
    """Take in a table by ``taking``; a refusal becomes a report that says why."""
    async with database.writing(request.request_id) as connection:
        run = await runs.open_run(
            connection, layer=name, author=request.author, source_name=request.path.name, mode=request.mode
        )
    job = SensingJob(database, request, source, name, inspection, progress, SensingAccount(), run)
    try:
        _check(job)
        await taking(job)
        report = _report(job)
    except CimError as error:
        report = _refused(job, error)
    async with database.writing(request.request_id) as connection:
        await runs.describe_run(
            connection,
            run,
            source_layer=inspection.name,
            source_sha256=source.sha256,
            driver=source.inspection.driver,
            options={"crs": request.options.crs, "timezone": request.options.timezone},
        )
        await runs.close_run(connection, report)
        await audit_import(connection, request, report, source.sha256)
    return report


def _check(job: SensingJob) -> None:
    request = job.request
    given = [
        name
        for name, value in (
            ("--scenario", request.scenario),
            ("--key", request.key),
            ("--area", request.area),
            ("--split", request.options.split),
            ("--building-code", request.building_code),
        )
        if value
    ]
    if request.mode not in {ImportMode.REPLACE, ImportMode.UPSERT}:
        given.append(f"--mode {request.mode}")
    if given:
        raise ImportRefused(
            "not-for-sensing",
            f"{job.name} cannot be imported with {', '.join(given)}",
            where=job.name,
            remedy="a list adds and changes, and ends nothing; leave the option out",
        )
    for problem in job.inspection.problems:
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=job.inspection.name, remedy="correct the file")


def _report(job: SensingJob) -> ImportReport:
    account = job.account
    account.rejected.merge(())
    if account.loaded == account.skipped == 0 and account.rejected:
        raise ImportRefused(
            "nothing-left",
            f"every row was rejected, the first because {account.rejected[0].reason}",
            where=job.name,
            remedy="correct the file",
        )
    status: ImportStatus = "unchanged" if account.changes == 0 else "partial" if account.rejected else "published"
    message = account.message
    if job.request.dry_run:
        status, message = "unchanged", f"nothing was written (--dry-run); {message}"
    return ImportReport(
        job.run,
        job.name,
        None,
        account.read,
        account.loaded,
        account.rejected,
        account.skipped,
        account.set_aside,
        status,
        tuple(Finding(code, "warn", count, text) for code, (count, text) in account.findings.items()),
        message,
    )


def _refused(job: SensingJob, error: CimError) -> ImportReport:
    plain = "conflict" if isinstance(error, StoreConflict) else "refused"
    code = error.code if isinstance(error, ImportRefused) else plain
    first = [Finding("row", "warn", 1, f"row {row.row}: {row.reason}") for row in job.account.rejected[:20]]
    finding = Finding(code, "refuse", 1, str(error))
    return ImportReport(job.run, job.name, None, 0, 0, (), 0, (), "refused", (finding, *first), str(error))
