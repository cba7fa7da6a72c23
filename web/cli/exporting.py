"""cim export: the features of a layer as a file for others, with a note of where they come from."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cim.errors import BadRequest
from cim.model.access import Grade, ReadContext
from cim.model.collection import Collection
from cim.model.reference_systems import given_crs
from cim.store import audits
from cim.store.collections import the_collection
from cim.store.database import Database, run
from cim.store.exporting import feature_pages, sources_of
from cim.store.features import FeatureQuery
from importers.export_formats import FORMATS, export_format
from importers.export_workbook import sheet_text
from importers.exports import Exported, ExportOrder, export_srid
from web.cli.exporting_city import city_form, export_city
from web.cli.exporting_scene import FORM as SCENE
from web.cli.exporting_scene import export_scene
from web.cli.opening import ROLE, opened, operator, the_catalog
from web.cli.options import AsJson, DataDir, LayerId
from web.cli.seeding import ARCHIVES, Box, TileOptions, Zooms, export_archive
from web.settings import ServerSettings
from web.writing_files import origin_of, written

MORE_FORMS = "mbtiles, pmtiles, cityjson, cityjsonseq, 3dtiles (a folder)"
EVERYTHING = ReadContext(tuple((grade, None) for grade in Grade), "export", 0)


def export(
    layer: LayerId,
    target: Annotated[Path, typer.Option("--out", help="File to write; its suffix tells the format.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"One of {', '.join(FORMATS)}, {MORE_FORMS}.",
        ),
    ] = None,
    crs: Annotated[str | None, typer.Option(help="System of the coordinates, for example EPSG:4523.")] = None,
    encoding: Annotated[str, typer.Option(help="Of the texts in Shapefile and red-line text.")] = "UTF-8",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    zooms: Zooms = None,
    bbox: Box = None,
    role: Annotated[str, typer.Option("--as", help="Of tiles: the role whose view is written.")] = ROLE,
    gzipped: Annotated[bool, typer.Option("--gzip", help="Leave 3D tiles compressed; the server must say so.")] = False,
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write the current features of a layer as a file, or its tiles as an archive, and where they come from."""
    _check_encoding(encoding)
    if target.suffix.lower() in ARCHIVES or form in {"mbtiles", "pmtiles"}:
        _export_tiles(layer, target, TileOptions(bbox, zooms, role), overwrite, data, as_json)
        return
    if form == SCENE:
        export_scene(layer, target, role, overwrite=overwrite, gzipped=gzipped, data=data, as_json=as_json)
        return
    city = city_form(form, target)
    if city is not None:
        export_city(layer, target, city, overwrite=overwrite, data=data, as_json=as_json)
        return
    chosen = export_format(form, target)

    async def work() -> Exported:
        async with opened(data) as (_, database):
            async with database.reading(EVERYTHING) as connection:
                collection = await the_collection(connection, layer)
                if collection.schema.kind == "model":
                    raise BadRequest(
                        f"{layer} is a building model",
                        where="layer",
                        remedy=f"GET /models/{layer}/export.ifc and /models/{layer}/elements.glb give files of it",
                    )
                srid = export_srid(chosen, collection.schema, _code(crs))
                told = sheet_text(the_catalog(ServerSettings()), collection.schema, origin_of(collection, srid))
                order = ExportOrder(collection.schema, collection.schema.fields, srid, chosen, target, encoding, told)
                query = FeatureQuery(collection, collection.schema.field_names, srid=srid)
                done = await written(order, feature_pages(connection, query), overwrite=overwrite)
            await _record(database, collection, order, done)
        return done

    done = run(work())
    if as_json:
        told = {"files": [str(path) for path in done.files], "features": done.features, "renamed": done.renamed}
        typer.echo(json.dumps({"layer": layer, **told}, ensure_ascii=False))
        return
    typer.echo(f"{layer}: {done.features} features in {', '.join(str(path) for path in done.files)}")
    for old, new in done.renamed.items():
        typer.echo(f"  field {old} is called {new}: a Shapefile has ten bytes for a name")


def _export_tiles(
    layer: str, target: Path, options: TileOptions, overwrite: bool, data: Path | None, as_json: bool
) -> None:
    count = export_archive(layer, target, options, overwrite=overwrite, data=data)
    if as_json:
        typer.echo(json.dumps({"layer": layer, "files": [str(target)], "tiles": count}))
    else:
        typer.echo(f"{layer}: {count} tiles in {target}, {target.stat().st_size / 1e6:.1f} MB")


async def _record(database: Database, collection: Collection, order: ExportOrder, done: Exported) -> None:
    """Note the export in the audit log, and where the features come from beside the file."""
    async with database.writing("cli") as connection:
        sources = await sources_of(connection, collection.id)
        await audits.record(
            connection,
            actor=operator(),
            role=ROLE,
            action="export",
            subject=collection.id,
            detail={"version": collection.version, "file": order.target.name, "features": done.features},
        )
    note: dict[str, Any] = {
        "layer": collection.id,
        "version": collection.version,
        "features": done.features,
        "crs": f"EPSG:{order.srid}",
        "stored_crs": f"EPSG:{collection.schema.srid}",
        "exported_by": operator(),
        "software": "OneMap CIM",
        "renamed_fields": done.renamed,
        "versions": sources,
    }
    beside = order.target.with_name(f"{order.target.name}.lineage.json")
    beside.write_text(json.dumps(note, ensure_ascii=False, indent=1, default=str) + "\n", "utf-8")


def _code(crs: str | None) -> int | None:
    if crs is None:
        return None
    code, _ = given_crs(crs)
    if code is None:
        raise BadRequest(f"{crs!r} has no EPSG code", where="--crs", remedy="name one, for example EPSG:4523")
    return code


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError:
        raise BadRequest(
            f"no encoding is called {encoding!r}", where="--encoding", remedy="for example UTF-8 or GBK"
        ) from None
