"""One import from file to visible version: inspect, map, stage, check, publish, account.

Everything of a layer happens in one transaction: readers see the version before or the version after, whatever is
killed or fails in between.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import CimError, ImportRefused
from cim.model.collection import Version
from cim.model.imports import ImportReport
from cim.model.scenarios import ScenarioLayer
from cim.store import runs
from cim.store.city_shapes import keep_shapes
from cim.store.collection_ddl import index_staging
from cim.store.collections import find_collection, keep_source_fields
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.geocoding import index_doors
from cim.store.regions import take_regions
from cim.store.scenario_filling import fill_scenario
from cim.store.staging import (
    claim_run,
    copy_rows,
    create_staging,
    duplicate_keys,
    number_repeated_keys,
    staged_values,
    staging_name,
)
from cim.store.versions import publish
from importers.accepting import Account, Progress, copy_payloads
from importers.accounting import audit_import, lineage_of, refused_report, report_of
from importers.ahead import Ahead
from importers.bim.run import import_model
from importers.city.shape_file import shape_payloads
from importers.inspection import LayerInspection
from importers.plan import ImportRequest, Plan, chosen_layers, make_plan
from importers.quality.run import Quality, QualityRefused
from importers.sandbox import Source, open_source
from importers.sensing.columns import DEVICES, OBSERVATIONS
from importers.sensing.device_list import take_devices
from importers.sensing.run import import_sensing
from importers.sensing.series import take_series
from layers.catalog import Catalog
from layers.search_index import index_layer

TAKING = {DEVICES: take_devices, OBSERVATIONS: take_series}
"""What takes in tables that become no layer."""
KEPT_KINDS = frozenset({"raster", "pointcloud", "tileset"})
"""Kinds of layers whose features are files."""
__all__ = ["ImportRequest", "import_file"]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer on its way: what is imported where, and what has been found so far."""

    database: Database
    catalog: Catalog
    request: ImportRequest
    source: Source
    layer: str
    inspection: LayerInspection
    progress: Progress
    quality: Quality
    account: Account
    files: FileStore | None


async def import_file(
    database: Database,
    catalog: Catalog,
    request: ImportRequest,
    progress: Progress = lambda *_: None,
    files: FileStore | None = None,
) -> list[ImportReport]:
    """Import every layer of a file; one report each. A refused layer does not stop the others.

    ``files`` is where rasters, point clouds and sets of tiles are kept; without it they are refused.

    Raises ImportRefused when the file as a whole cannot be read.
    """
    with open_source(request.path, request.options) as source:
        reports = []
        for name, layer in chosen_layers(source, request):
            if name in TAKING:
                report = await import_sensing(database, request, source, name, layer, progress, TAKING[name])
            elif layer.kind == "model":
                driver = source.inspection.driver
                report = await import_model(
                    database, request, source, name, layer, driver=driver, progress=progress, layers=catalog.layers
                )
                if report.version is not None:
                    await index_layer(database, None, name)
            else:
                quality = Quality(catalog.layers.get(name), catalog.codes)
                report = await _import_layer(
                    _Layer(database, catalog, request, source, name, layer, progress, quality, Account(), files)
                )
            reports.append(report)
        return reports


async def _import_layer(job: _Layer) -> ImportReport:
    request = job.request
    async with job.database.writing(request.request_id) as connection:
        run = await runs.open_run(
            connection, layer=job.layer, author=request.author, source_name=request.path.name, mode=request.mode
        )
    try:
        plan, version, filled = await _publish(job, run)
    except CimError as error:
        report = refused_report(run, job.layer, error, job.quality)
        async with job.database.writing(request.request_id) as connection:
            await runs.close_run(connection, report)
            if isinstance(error, QualityRefused):
                await runs.add_faults(connection, run, error.srid, job.quality.fault_rows())
            await audit_import(connection, request, report, job.source.sha256)
        return report
    report = report_of(run, plan, version, job.account, request, job.quality, filled)
    if version is not None:
        await index_layer(job.database, plan.definition, job.layer)
    return report


async def _publish(job: _Layer, run: int) -> tuple[Plan, Version | None, ScenarioLayer | None]:
    request, account, quality = job.request, job.account, job.quality
    async with job.database.writing(request.request_id, timeout_ms=0) as connection:
        await claim_run(connection, run)
        known = await find_collection(connection, job.layer)
        plan = make_plan(job.catalog, request, job.layer, job.inspection, known)
        await runs.describe_run(connection, run, **lineage_of(plan, job.source, request))
        await create_staging(connection, plan.schema, run)
        with Ahead(copy_payloads(job.source, plan, account, quality, job.progress)) as payloads:
            await copy_rows(connection, plan.schema, run, payloads)
        await _check(connection, job, plan, run)
        if plan.schema.kind in KEPT_KINDS and not (request.dry_run or request.scenario):
            await _keep_files(connection, job, run)
        if plan.schema.kind == "city":
            await keep_shapes(connection, job.layer, run, shape_payloads(job.source.shapes))
        job.progress(job.layer, account.read, job.inspection.feature_count)
        version, filled = await _take(connection, request, plan, run)
        if request.fields and not (request.dry_run or request.scenario):
            await keep_source_fields(connection, job.layer, request.fields)
        report = report_of(run, plan, version, account, request, quality, filled)
        if version is not None and plan.definition and plan.definition.region:
            region = plan.definition.region
            await take_regions(connection, plan.schema, region.level, region.code, region.name, region.parent)
        if version is not None and plan.definition and plan.definition.geocoding:
            await index_doors(
                connection, plan.schema, plan.definition.geocoding.street, plan.definition.geocoding.village
            )
        if request.dry_run:
            await connection.rollback()
        else:
            await runs.close_run(connection, report)
            await runs.add_faults(connection, run, plan.schema.srid, quality.fault_rows())
            await audit_import(connection, request, report, job.source.sha256)
    return plan, version, filled


async def _take(
    connection: AsyncConnection, request: ImportRequest, plan: Plan, run: int
) -> tuple[Version | None, ScenarioLayer | None]:
    """Publish the staged rows, or put them into a scenario; neither in a dry run."""
    if request.dry_run:
        return None, None
    if request.scenario is not None:
        filled = await fill_scenario(
            connection,
            plan.schema,
            run,
            request.scenario,
            mode=request.mode,
            author=request.author,
            over=request.over,
        )
        return None, filled
    version = await publish(
        connection,
        plan.schema,
        run,
        mode=request.mode,
        grade=plan.grade,
        author=request.author,
        area=request.area,
    )
    return version, None


async def _keep_files(connection: AsyncConnection, job: _Layer, run: int) -> None:
    """Take the files of staged rows over into the store of files, before a version can name them."""
    if job.files is None:
        raise ImportRefused("no-file-store", "files cannot be kept here", where=job.layer, remedy="use cim import")
    takes = {"pointcloud": job.files.take_cloud, "tileset": job.files.take_tileset}
    take = takes.get(job.inspection.kind, job.files.take_raster)
    for name in await staged_values(connection, run, "file"):
        await asyncio.to_thread(take, job.source.written(name), name)


async def _check(connection: AsyncConnection, job: _Layer, plan: Plan, run: int) -> None:
    """The checks of staged rows, what they set aside, and the keys of what is left."""
    account = job.account
    aside = await job.quality.look_at_layer(connection, plan, run, account.rejected.rows)
    if aside.rejected:
        account.rejected.merge((row.row, row.reason) for row in aside.rejected)
    account.repaired.add((row.row, row.repair) for row in aside.repaired)
    account.skipped += len(aside.repaired)
    account.loaded -= len(aside.rejected) + len(aside.repaired)
    job.quality.refuse(job.layer, plan.schema.srid)
    if account.loaded == 0 and account.read > 0:
        raise ImportRefused(
            "nothing-left",
            f"every row was rejected, the first because {account.rejected[0].reason}",
            where=job.layer,
            remedy="correct the file",
        )
    await _check_keys(connection, plan, run)


async def _check_keys(connection: AsyncConnection, plan: Plan, run: int) -> None:
    """Two features must not share a key; where the content is the key, equal features are told apart by number."""
    if plan.schema.key is None:
        await number_repeated_keys(connection, run)
    try:
        async with connection.begin_nested():
            await index_staging(connection, plan.schema, staging_name(run))
    except CimError:
        raise
    except Exception as error:
        repeated = await duplicate_keys(connection, run)
        if not repeated:
            raise
        examples = ", ".join(f"{key} ({count} times)" for key, count in repeated)
        raise ImportRefused(
            "duplicate-keys",
            f"the key field {plan.schema.key} is not unique: {examples}",
            where=plan.layer,
            remedy="correct the file, or choose another key with --key",
        ) from error
