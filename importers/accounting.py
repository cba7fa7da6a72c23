"""The account of an import: its report, its lineage and its audit row."""

import json
from importlib.metadata import version
from typing import Any

import pyproj
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import CimError, ImportRefused, StoreConflict
from cim.model.collection import Version
from cim.model.imports import Finding, ImportReport
from cim.model.scenarios import ScenarioLayer
from cim.store import audits
from importers.accepting import Account
from importers.coordinate_problems import coordinate_problems
from importers.plan import ImportRequest, Plan
from importers.quality.run import Quality
from importers.sandbox import Source


def lineage_of(plan: Plan, source: Source, request: ImportRequest) -> dict[str, Any]:
    """Where a run's rows come from and how they came: file and hash, reader, systems, operation, fields, tools."""
    way = plan.way
    return {
        "source_layer": plan.inspection.name,
        "source_sha256": source.sha256,
        "driver": source.inspection.driver,
        "options": {
            "crs": request.options.crs,
            "encoding": request.options.encoding,
            "key": request.key,
            "split": request.options.split,
        },
        "lineage": {
            "crs_in": request.options.crs or plan.inspection.crs,
            "crs_evidence": "given by --crs" if request.options.crs else plan.inspection.crs_evidence,
            "crs_out": f"EPSG:{plan.schema.srid}" if way else None,
            "operation": way.operation if way else None,
            "accuracy_m": way.accuracy_m if way else None,
            "encoding": plan.inspection.encoding,
            **({"document": json.loads(plan.inspection.document)} if plan.inspection.document else {}),
            "fields": {mapped.field.name: mapped.source for mapped in plan.mapping.fields},
            "tools": {
                "pyogrio": version("pyogrio"),
                "rasterio": version("rasterio"),
                "pyproj": pyproj.__version__,
                "PROJ": pyproj.proj_version_str,
                "GEOS": shapely.geos_version_string,
            },
        },
    }


def report_of(
    run: int,
    plan: Plan,
    version: Version | None,
    account: Account,
    request: ImportRequest,
    quality: Quality,
    filled: ScenarioLayer | None = None,
) -> ImportReport:
    """The report of a layer that was not refused; one that filled a scenario leaves the layer unchanged."""
    problems = [Finding(p.code, "warn", p.count, p.message) for p in plan.inspection.problems]
    outside = [
        Finding(p.code, "warn", p.count, p.message)
        for p in coordinate_problems(plan.target.source_srid, plan.inspection.bbox)
    ]
    dropped = plan.inspection.feature_count - account.read
    findings = [*problems, *outside, *plan.mapping.findings]
    if dropped > 0 and plan.target.family is None:
        findings.append(Finding("rows-unread", "warn", dropped, "the file announces more rows than it holds"))
    number, status, message = None, "published", ""
    if version is not None:
        number = version.number
        message = f"{version.change.added} added, {version.change.changed} changed, {version.change.removed} removed"
    if version is None:
        status = "unchanged"
        message = "nothing was written (--dry-run)" if request.dry_run else "the layer has this content already"
    if filled is not None:
        change = filled.change
        held = f"{change.added} added, {change.changed} changed, {change.removed} removed"
        message = f"{held} in scenario {request.scenario}; nothing was published"
    if account.rejected and (version is not None or filled is not None):
        status = "partial"
    return ImportReport(
        run=run,
        layer=plan.layer,
        version=number,
        read=account.read,
        loaded=account.loaded,
        rejected=account.rejected,
        skipped=account.skipped,
        repaired=account.repaired,
        status=status,  # type: ignore[arg-type]  # one of the literals above
        findings=tuple(findings),
        message=message,
        checks=quality.results(),
    )


def refused_report(run: int, layer: str, error: CimError, quality: Quality) -> ImportReport:
    """The report of a layer that was refused; nothing of it was loaded."""
    code = (
        error.code
        if isinstance(error, ImportRefused)
        else "conflict"
        if isinstance(error, StoreConflict)
        else "refused"
    )
    finding = Finding(code, "refuse", 1, str(error))
    return ImportReport(run, layer, None, 0, 0, (), 0, (), "refused", (finding,), str(error), quality.results())


async def audit_import(connection: AsyncConnection, request: ImportRequest, report: ImportReport, sha256: str) -> None:
    """Write down who imported what, with which outcome."""
    await audits.record(
        connection,
        actor=request.author,
        role=request.role,
        action="import",
        subject=report.layer,
        result=report.status,
        request_id=request.request_id,
        detail={
            "run": report.run,
            "version": report.version,
            "source": request.path.name,
            "sha256": sha256,
            **({"scenario": request.scenario} if request.scenario else {}),
        },
    )
