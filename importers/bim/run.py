"""One import of a building model: from file to visible version, in one transaction."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Protocol

import pyproj
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import CimError, ImportRefused, StoreConflict
from cim.model.access import Grade
from cim.model.bim import Placement
from cim.model.collection import ImportMode, Version
from cim.model.imports import Finding, ImportReport, ImportStatus
from cim.store import runs
from cim.store.bim_buildings import building_code_of, match_building
from cim.store.bim_publishing import ModelSettings, begin_model, publish_model
from cim.store.bim_staging import held_meshes, known_elements
from cim.store.collections import find_collection
from cim.store.database import Database
from cim.store.staging import claim_run
from cim.store.versions import the_version
from importers.accepting import Progress
from importers.accounting import audit_import
from importers.bim.delivery import Delivery, take_delivery
from importers.bim.reader_version import READER_VERSION
from importers.bim.records import Record
from importers.inspection import LayerInspection
from importers.plan import ImportRequest

GRADE = Grade.INTERNAL
"""Of a new model; ``cim publish`` changes it."""


class ModelSource(Protocol):
    """An opened source that holds a model; ``importers.sandbox.Source`` is one."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""

    def model(
        self, layer: LayerInspection, known: Mapping[str, bytes], placement: Placement | None
    ) -> Iterator[Record]:
        """The parts of the model; of elements whose source hash is known the GlobalId alone."""


@dataclass(frozen=True, slots=True)
class _Job:
    database: Database
    request: ImportRequest
    source: ModelSource
    model: str
    inspection: LayerInspection
    driver: str
    progress: Progress
    layers: Collection[str]


async def import_model(
    database: Database,
    request: ImportRequest,
    source: ModelSource,
    model: str,
    inspection: LayerInspection,
    *,
    driver: str = "IFC",
    progress: Progress = lambda *_: None,
    layers: Collection[str] = (),
) -> ImportReport:
    """Import the model of a source as the next version of ``model``; a refused one changes nothing.

    ``layers`` are ids that stand for something else.
    """
    job = _Job(database, request, source, model, inspection, driver, progress, layers)
    async with database.writing(request.request_id) as connection:
        run = await runs.open_run(
            connection, layer=model, author=request.author, source_name=request.path.name, mode=request.mode
        )
    try:
        return await _publish(job, run)
    except CimError as error:
        report = _refused(run, model, error)
        async with database.writing(request.request_id) as connection:
            await runs.close_run(connection, report)
            await audit_import(connection, request, report, source.sha256)
        return report


async def _publish(job: _Job, run: int) -> ImportReport:
    request, model = job.request, job.model
    async with job.database.writing(request.request_id, timeout_ms=0) as connection:
        await claim_run(connection, run)
        _check(job)
        await runs.describe_run(connection, run, **_lineage(job))
        if await _is_there(connection, job):
            count = job.inspection.feature_count
            return await _close(connection, job, _unchanged(run, model, count, "this file is the current version"))
        await begin_model(connection, model, GRADE)
        known = await known_elements(connection, model)
        delivery = Delivery(model, known, await held_meshes(connection, model))
        records = job.source.model(job.inspection, known, request.placement)
        await take_delivery(
            connection, delivery, records, lambda met: job.progress(model, met, job.inspection.feature_count)
        )
        report = await _take(connection, job, run, delivery)
        if request.dry_run:
            await connection.rollback()
            return report
        return await _close(connection, job, report)


async def _take(connection: AsyncConnection, job: _Job, run: int, delivery: Delivery) -> ImportReport:
    """Publish what is staged; in a dry run the transaction is rolled back afterwards."""
    if delivery.loaded == 0 or delivery.head is None:
        reason = f", the first because {delivery.rejected[0].reason}" if delivery.rejected else ""
        raise ImportRefused(
            "nothing-left", f"the model has no element to keep{reason}", where=job.model, remedy="correct the file"
        )
    settings = ModelSettings(job.request.building_code, job.request.cim_level)
    version = await publish_model(connection, job.model, delivery.head, settings, run=run, author=job.request.author)
    building = await _building(connection, job.model)
    return _report(job, run, delivery, version, building)


async def _building(connection: AsyncConnection, model: str) -> Finding:
    """Which building the model is tied to, and how."""
    code = await building_code_of(connection, model)
    if code is not None:
        return Finding("building", "information", 1, f"the model belongs to building {code}")
    found = await match_building(connection, model)
    if found is None:
        text = "no building of the layer buildings covers more than half of the footprint; give --building-code"
        return Finding("building-unknown", "information", 1, text)
    text = f"the model was given to building {found[0]}, which covers {found[1]:.0%} of its footprint"
    return Finding("building-matched", "information", 1, text)


def _check(job: _Job) -> None:
    """What a model cannot be imported with, or as."""
    request = job.request
    if job.model in job.layers:
        raise ImportRefused(
            "kind-of-layer",
            f"{job.model} is a layer, and the file is a building model",
            where=job.inspection.name,
            remedy="import it under another id with --layer",
        )
    for problem in job.inspection.problems:
        if problem.refuses and not (problem.code in PLACED_BY_HAND and request.placement is not None):
            raise ImportRefused(problem.code, problem.message, where=job.inspection.name, remedy="correct the file")
    given = [
        name
        for name, value in (
            ("--scenario", request.scenario),
            ("--key", request.key),
            ("--area", request.area),
            ("--field", request.fields),
            ("--split", request.options.split),
        )
        if value
    ]
    if request.mode is not ImportMode.REPLACE:
        given.append(f"--mode {request.mode}")
    if given:
        raise ImportRefused(
            "not-for-models",
            f"a building model cannot be imported with {', '.join(given)}",
            where=job.model,
            remedy="a delivery is the whole model; leave the option out",
        )


PLACED_BY_HAND = frozenset({"no-placement", "crs-unknown", "outside-area"})
"""Problems of a file that control points cure."""


async def _is_there(connection: AsyncConnection, job: _Job) -> bool:
    """Whether the current version came from these bytes, read the same way, and nothing else is asked for."""
    request = job.request
    held = await find_collection(connection, job.model)
    if held is None or held.version == 0 or held.schema.kind != "model":
        return False
    if request.building_code is not None or request.cim_level is not None:
        return False
    number = (await the_version(connection, job.model, held.version)).run
    run = await runs.the_run(connection, number) if number is not None else None
    return run is not None and run["source_sha256"] == job.source.sha256 and run["options"] == _options(request)


def _options(request: ImportRequest) -> dict[str, Any]:
    placement = request.placement
    return {
        "crs": request.options.crs,
        "height_datum": request.options.height_datum,
        "reader": READER_VERSION,
        "placement": [placement.srid, placement.east_m, placement.north_m, placement.height_m] if placement else None,
    }


def _lineage(job: _Job) -> dict[str, Any]:
    inspection = job.inspection
    return {
        "source_layer": inspection.name,
        "source_sha256": job.source.sha256,
        "driver": job.driver,
        "options": _options(job.request),
        "lineage": {
            "crs_in": inspection.crs,
            "crs_evidence": inspection.crs_evidence,
            "crs_out": "EPSG:4490",
            "height_datum": inspection.height_datum,
            "tools": {
                "ifcopenshell": version_of("ifcopenshell"),
                "pyproj": pyproj.__version__,
                "PROJ": pyproj.proj_version_str,
            },
        },
    }


async def _close(connection: AsyncConnection, job: _Job, report: ImportReport) -> ImportReport:
    await runs.close_run(connection, report)
    await audit_import(connection, job.request, report, job.source.sha256)
    return report


def _report(job: _Job, run: int, delivery: Delivery, version: Version | None, building: Finding) -> ImportReport:
    problems = [Finding(p.code, "warn", p.count, p.message) for p in job.inspection.problems if not p.refuses]
    notes = delivery.head.placement.notes if delivery.head else ()
    placing = [Finding("placement", "information", 1, note) for note in notes]
    status: ImportStatus = "unchanged"
    message = "the model has this content already"
    if version is not None:
        change = version.change
        status = "partial" if delivery.rejected else "published"
        message = f"{change.added} added, {change.changed} changed, {change.removed} removed"
    if job.request.dry_run:
        status, message = "unchanged", f"nothing was written (--dry-run); {message}"
    return ImportReport(
        run=run,
        layer=job.model,
        version=version.number if version is not None and not job.request.dry_run else None,
        read=delivery.read,
        loaded=delivery.loaded,
        rejected=tuple(delivery.rejected),
        skipped=0,
        repaired=(),
        status=status,
        findings=(*problems, *delivery.findings, *placing, building),
        message=message,
    )


def _unchanged(run: int, model: str, count: int, message: str) -> ImportReport:
    return ImportReport(run, model, None, count, count, (), 0, (), "unchanged", (), message)


def _refused(run: int, model: str, error: CimError) -> ImportReport:
    conflict = "conflict" if isinstance(error, StoreConflict) else "refused"
    code = error.code if isinstance(error, ImportRefused) else conflict
    finding = Finding(code, "refuse", 1, str(error))
    return ImportReport(run, model, None, 0, 0, (), 0, (), "refused", (finding,), str(error))
