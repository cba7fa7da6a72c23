"""One import from file to visible version: inspect, map, stage, check, publish, account.

Everything of a layer happens in one transaction: readers see the version before or the version after, whatever is
killed or fails in between.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, CimError, ImportRefused, StoreConflict
from cim.model.access import Grade
from cim.model.collection import CollectionSchema, GeometryType, ImportMode, Version
from cim.model.imports import Finding, ImportReport, RejectedRow, RepairedRow
from cim.store import audits, runs
from cim.store.collection_ddl import index_staging
from cim.store.collection_tables import derived_srids
from cim.store.collections import find_collection
from cim.store.database import Database
from cim.store.regions import take_regions
from cim.store.staging import claim_run, copy_rows, create_staging, duplicate_keys, number_repeated_keys, staging_name
from cim.store.versions import publish
from importers.ahead import Ahead
from importers.copy_rows import HEADER, TRAILER, CopyColumn, content_hashes, rows_payload
from importers.geometry_kinds import family_of, stored_kind
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection
from importers.mapping import Mapping, map_fields
from importers.reference_systems import Way, coordinate_problems, given_crs, way_to_storage
from importers.sandbox import Source, open_source
from importers.shapes import Target
from importers.wire import DERIVED_COLUMNS, REJECTED_COLUMN, REPAIRED_COLUMN, ROW_COLUMN
from layers.catalog import Catalog
from layers.definition import LayerDefinition
from layers.romanise import romanised
from layers.search_index import index_layer

Progress = Callable[[str, int, int], None]
"""Called with the layer, the rows read so far and the rows there are."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What somebody wants imported, and how. ``layer`` defaults to the source layer's name; ``area`` is EWKT."""

    path: Path
    author: str
    role: str
    layer: str | None = None
    mode: ImportMode = ImportMode.REPLACE
    key: str | None = None
    area: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    dry_run: bool = False
    request_id: str = ""


@dataclass(slots=True)
class _Account:
    """What became of the rows so far."""

    read: int = 0
    loaded: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    repaired: list[RepairedRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one source layer becomes one layer of the city."""

    layer: str
    inspection: LayerInspection
    schema: CollectionSchema
    mapping: Mapping
    way: Way | None
    target: Target
    grade: Grade
    definition: LayerDefinition | None


async def import_file(
    database: Database, catalog: Catalog, request: ImportRequest, progress: Progress = lambda *_: None
) -> list[ImportReport]:
    """Import every layer of a file; one report each. A refused layer does not stop the others.

    Raises ImportRefused when the file as a whole cannot be read.
    """
    with open_source(request.path, request.options) as source:
        chosen = _chosen(source, request)
        return [
            await _import_layer(database, catalog, request, source, name, layer, progress) for name, layer in chosen
        ]


def _chosen(source: Source, request: ImportRequest) -> list[tuple[str, LayerInspection]]:
    """Source layers with the ids they get; kinds of geometry are parted where asked."""
    parts = [part for layer in source.inspection.layers for part in _parts(layer, split=request.options.split)]
    if not parts:
        raise ImportRefused("no-layers", "the file has no layer", where=request.path.name, remedy="check the file")
    if request.layer and len(parts) > 1:
        same = [part for part in parts if layer_id(part[0]) == request.layer]
        if len(same) != 1:
            names = ", ".join(name for name, _ in parts)
            raise ImportRefused(
                "many-layers",
                f"the file has {len(parts)} layers ({names}), --layer names one",
                where=request.path.name,
                remedy="leave --layer out; each becomes a layer under its own name",
            )
        parts = same
    ids = [request.layer or layer_id(name) for name, _ in parts]
    counted = [
        name if ids[:place].count(name) == 0 else f"{name}_{ids[:place].count(name) + 1}"
        for place, name in enumerate(ids)
    ]
    return [(name, layer) for name, (_, layer) in zip(counted, parts, strict=True)]


def _parts(layer: LayerInspection, *, split: bool) -> list[tuple[str, LayerInspection]]:
    families = {family_of(kind) for kind in layer.geometry_types} - {None}
    if len(families) < 2 or not split:
        return [(layer.name, layer)]
    parts = []
    for family in sorted(str(name) for name in families):
        kinds = tuple(kind for kind in layer.geometry_types if family_of(kind) == family)
        kind = stored_kind(dict.fromkeys(kinds, 1))
        parts.append((f"{layer.name}_{family}", replace(layer, geometry_type=kind, geometry_types=kinds)))
    return parts


def layer_id(name: str) -> str:
    """A layer id for a source layer's name: lower case, Latin letters, digits and _; Chinese in pinyin."""
    plain = re.sub(r"[^\x00-\x7f]+", lambda found: romanised(found[0])[0], name)
    plain = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"layer_{plain}".rstrip("_"))[:48]


async def _import_layer(
    database: Database,
    catalog: Catalog,
    request: ImportRequest,
    source: Source,
    layer: str,
    inspection: LayerInspection,
    progress: Progress,
) -> ImportReport:
    async with database.writing(request.request_id) as connection:
        run = await runs.open_run(
            connection, layer=layer, author=request.author, source_name=request.path.name, mode=request.mode
        )
    account = _Account()
    try:
        plan, version = await _publish(database, catalog, request, source, layer, inspection, run, account, progress)
    except CimError as error:
        report = _refused(run, layer, error)
        async with database.writing(request.request_id) as connection:
            await runs.close_run(connection, report)
            await _audit(connection, request, report, source.sha256)
        return report
    report = _report(run, plan, version, account, request)
    if version is not None:
        await index_layer(database, plan.definition, layer)
    return report


async def _publish(
    database: Database,
    catalog: Catalog,
    request: ImportRequest,
    source: Source,
    layer: str,
    inspection: LayerInspection,
    run: int,
    account: _Account,
    progress: Progress,
) -> tuple[Plan, Version | None]:
    async with database.writing(request.request_id, timeout_ms=0) as connection:
        await claim_run(connection, run)
        known = await find_collection(connection, layer)
        plan = make_plan(catalog, request, layer, inspection, known.schema if known else None)
        await runs.describe_run(connection, run, **_lineage(plan, source, request))
        await create_staging(connection, plan.schema, run)
        with Ahead(_payloads(source, plan, account, progress)) as payloads:
            await copy_rows(connection, plan.schema, run, payloads)
        if account.loaded == 0 and account.read > 0:
            raise ImportRefused(
                "nothing-left",
                f"every row was rejected, the first because {account.rejected[0].reason}",
                where=layer,
                remedy="correct the file",
            )
        await _check_keys(connection, plan, run)
        version = None
        if not request.dry_run:
            version = await publish(
                connection,
                plan.schema,
                run,
                mode=request.mode,
                grade=plan.grade,
                author=request.author,
                area=request.area,
            )
        report = _report(run, plan, version, account, request)
        if version is not None and plan.definition and plan.definition.region:
            region = plan.definition.region
            await take_regions(connection, plan.schema, region.level, region.code, region.name, region.parent)
        if request.dry_run:
            await connection.rollback()
        else:
            await runs.close_run(connection, report)
            await _audit(connection, request, report, source.sha256)
    return plan, version


def make_plan(
    catalog: Catalog,
    request: ImportRequest,
    layer: str,
    inspection: LayerInspection,
    known: CollectionSchema | None,
) -> Plan:
    """Decide schema, fields, kind of geometry and way to storage; ImportRefused says what stands against it."""
    definition = catalog.layers.get(layer)
    _refuse_problems(inspection)
    geometry = _geometry(inspection, definition, known)
    srid, wkt = inspection.srid, inspection.crs_wkt
    if request.options.crs:
        srid, wkt = given_crs(request.options.crs)
    way = None
    if geometry != "none":
        if srid is None and wkt is None:
            raise ImportRefused(
                "crs-missing",
                "the file does not say which coordinate system it is in",
                where=inspection.name,
                remedy="give it with --crs, for example --crs EPSG:4523 (a missing .prj can be asked for)",
            )
        for problem in coordinate_problems(srid, inspection.bbox):
            if problem.refuses:
                raise ImportRefused(problem.code, problem.message, where=inspection.name, remedy="check --crs")
        way = way_to_storage(srid, wkt)
    mapping = map_fields(inspection, definition, known)
    key = request.key or mapping.key
    fields = tuple(mapped.field for mapped in mapping.fields)
    if key is not None and key not in {item.name for item in fields}:
        raise BadRequest(
            f"there is no field {key!r}", where="--key", remedy=f"use one of {', '.join(f.name for f in fields)}"
        )
    schema = CollectionSchema(layer, geometry, way.srid if way else 4490, fields, key)
    target = Target(geometry, srid, wkt, family_of(inspection.geometry_type))
    grade = definition.grade if definition else Grade.DRAFT
    return Plan(layer, inspection, schema, mapping, way, target, grade, definition)


def _refuse_problems(inspection: LayerInspection) -> None:
    families = {family_of(kind) for kind in inspection.geometry_types}
    if len(families) > 1:
        kinds = ", ".join(inspection.geometry_types)
        raise ImportRefused(
            "mixed-geometry",
            f"the layer mixes {kinds}",
            where=inspection.name,
            remedy="give --split for one layer each",
        )
    if families == {None} and inspection.geometry_types:
        raise ImportRefused(
            "geometry-kind",
            "the layer holds geometry collections, which are neither points, lines nor areas",
            where=inspection.name,
            remedy="have them parted by their owner",
        )
    if not inspection.fields and not inspection.geometry_types:
        raise ImportRefused(
            "nothing-to-load",
            "the layer has neither fields nor geometry",
            where=inspection.name,
            remedy="check the file",
        )
    if inspection.feature_count == 0:
        raise ImportRefused(
            "no-features", "the layer has no features", where=inspection.name, remedy="ask for the file again"
        )
    for problem in inspection.problems:
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=inspection.name, remedy="correct the file")


def _geometry(
    inspection: LayerInspection, definition: LayerDefinition | None, known: CollectionSchema | None
) -> GeometryType:
    """The kind the layer stores; the source's must be of the same family."""
    wanted = known.geometry if known else definition.geometry if definition else None
    if wanted is None or wanted == inspection.geometry_type:
        return inspection.geometry_type if wanted is None else wanted
    same = wanted != "none" and family_of(wanted) == family_of(inspection.geometry_type)
    if not same and wanted != "none":
        raise ImportRefused(
            "geometry-kind",
            f"the file has {inspection.geometry_type}, the layer holds {wanted}",
            where=inspection.name,
            remedy="deliver the right file, or import it as another layer with --layer",
        )
    return wanted


def _payloads(source: Source, plan: Plan, account: _Account, progress: Progress) -> Iterator[bytes | memoryview]:
    """COPY bytes batch by batch, with the account kept as rows pass."""
    yield HEADER
    for batch in source.batches(plan.inspection, plan.target):
        account.read += batch.num_rows
        kept = _accepted(batch, plan, account)
        if kept is not None:
            yield kept
        progress(plan.layer, account.read, plan.inspection.feature_count)
    yield TRAILER


def _accepted(batch: pa.RecordBatch, plan: Plan, account: _Account) -> memoryview | None:
    columns, wrong = plan.mapping.columns(batch)
    rows = batch.column(ROW_COLUMN)
    reasons: dict[int, str] = dict(wrong)
    for index in pc.indices_nonzero(batch.column(REJECTED_COLUMN).is_valid()).to_pylist():
        reasons[index] = batch.column(REJECTED_COLUMN)[index].as_py()
    keys = _keys(plan, columns)
    if keys is not None and keys.null_count:
        for index in pc.indices_nonzero(keys.is_null()).to_pylist():
            reasons.setdefault(index, f"the key {plan.schema.key} is empty")
    account.rejected += [RejectedRow(rows[i].as_py(), reason) for i, reason in sorted(reasons.items())]
    repairs = batch.column(REPAIRED_COLUMN)
    account.repaired += [
        RepairedRow(rows[i].as_py(), repairs[i].as_py())
        for i in pc.indices_nonzero(repairs.is_valid()).to_pylist()
        if i not in reasons
    ]
    shapes = _shape_columns(batch, plan)
    if reasons:
        take = pa.array([i for i in range(batch.num_rows) if i not in reasons], pa.int64())
        columns = [column.take(take) for column in columns]
        shapes = [CopyColumn(shape.kind, shape.values.take(take), shape.srid) for shape in shapes]
        keys = keys.take(take) if keys is not None else None
    count = batch.num_rows - len(reasons)
    if count == 0:
        return None
    payload = _payload(plan, columns, shapes, keys, account.loaded + 1, count)
    account.loaded += count
    return payload


def _shape_columns(batch: pa.RecordBatch, plan: Plan) -> list[CopyColumn]:
    """The stored geometry and what is derived from it, in the order of the table's columns."""
    if plan.schema.geometry == "none":
        return []
    stored = CopyColumn("geometry", batch.column(GEOMETRY_COLUMN), plan.schema.srid)
    derived = derived_srids(plan.schema).values()
    return [stored, *(CopyColumn("geometry", batch.column(DERIVED_COLUMNS[srid]), srid) for srid in derived)]


def _keys(plan: Plan, columns: list[pa.Array]) -> pa.Array | None:
    if plan.schema.key is None:
        return None
    return columns[plan.schema.field_names.index(plan.schema.key)].cast(pa.string())


def _payload(
    plan: Plan, columns: list[pa.Array], shapes: list[CopyColumn], keys: pa.Array | None, first_fid: int, count: int
) -> memoryview:
    fields = [CopyColumn(f.type, column) for f, column in zip(plan.schema.fields, columns, strict=True)]
    hashes = content_hashes([*fields, *shapes[:1]])
    if keys is None:
        keys = pa.array([digest.hex() for digest in hashes.to_pylist()], pa.string())
    system = [
        CopyColumn("bigint", pa.array(range(first_fid, first_fid + count), pa.int64())),
        CopyColumn("text", keys),
        CopyColumn("bytea", hashes),
        CopyColumn("integer", pa.array([1] * count, pa.int32())),
    ]
    return rows_payload([*system, *fields, *shapes])


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


def _lineage(plan: Plan, source: Source, request: ImportRequest) -> dict[str, Any]:
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
            "fields": {mapped.field.name: mapped.source for mapped in plan.mapping.fields},
            "tools": {
                "pyproj": pyproj.__version__,
                "PROJ": pyproj.proj_version_str,
                "GEOS": shapely.geos_version_string,
            },
        },
    }


def _report(run: int, plan: Plan, version: Version | None, account: _Account, request: ImportRequest) -> ImportReport:
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
    if account.rejected and version is not None:
        status = "partial"
    return ImportReport(
        run=run,
        layer=plan.layer,
        version=number,
        read=account.read,
        loaded=account.loaded,
        rejected=tuple(account.rejected),
        skipped=0,
        repaired=tuple(account.repaired),
        status=status,  # type: ignore[arg-type]  # one of the literals above
        findings=tuple(findings),
        message=message,
    )


def _refused(run: int, layer: str, error: CimError) -> ImportReport:
    code = (
        error.code
        if isinstance(error, ImportRefused)
        else "conflict"
        if isinstance(error, StoreConflict)
        else "refused"
    )
    finding = Finding(code, "refuse", 1, str(error))
    return ImportReport(run, layer, None, 0, 0, (), 0, (), "refused", (finding,), str(error))


async def _audit(connection: AsyncConnection, request: ImportRequest, report: ImportReport, sha256: str) -> None:
    await audits.record(
        connection,
        actor=request.author,
        role=request.role,
        action="import",
        subject=report.layer,
        result=report.status,
        request_id=request.request_id,
        detail={"run": report.run, "version": report.version, "source": request.path.name, "sha256": sha256},
    )
