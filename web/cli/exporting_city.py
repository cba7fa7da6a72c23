"""cim export of a layer of city objects as CityJSON."""

import json
from pathlib import Path

import typer

from cim.errors import BadRequest
from cim.model.access import Grade, ReadContext
from cim.store import audits
from cim.store.collections import the_collection
from cim.store.database import run
from cim.store.exporting import sources_of
from cim.store.features import FeatureQuery
from web.city_files import CITY_FORMS, document_of, write_city_file
from web.cli.opening import ROLE, opened, operator

EVERYTHING = ReadContext(tuple((grade, None) for grade in Grade), "export", 0)
ENDINGS = {".city.json": "cityjson", ".cityjson": "cityjson", ".city.jsonl": "cityjsonseq", ".cityjsonl": "cityjsonseq"}


def city_form(form: str | None, target: Path) -> str | None:
    """The format of city models that is named, or that the file's name tells; None for any other."""
    if form is not None:
        return form if form in CITY_FORMS else None
    return next((known for ending, known in ENDINGS.items() if target.name.lower().endswith(ending)), None)


def export_city(layer: str, target: Path, form: str, *, overwrite: bool, data: Path | None, as_json: bool) -> None:
    """Write the current objects of a city layer with all their shapes, and beside them where they come from."""

    async def work() -> int:
        async with opened(data) as (_, database):
            document = await document_of(database, layer)
            async with database.reading(EVERYTHING) as connection:
                collection = await the_collection(connection, layer)
                if collection.schema.kind != "city":
                    raise BadRequest("the layer holds no city objects", where=layer, remedy="choose another --format")
                query = FeatureQuery(collection, collection.schema.field_names)
                count = await write_city_file(connection, query, form, target, document, overwrite=overwrite)
            async with database.writing("cli") as connection:
                sources = await sources_of(connection, layer)
                detail = {"version": collection.version, "file": target.name, "features": count}
                await audits.record(
                    connection, actor=operator(), role=ROLE, action="export", subject=layer, detail=detail
                )
        note = {
            "layer": layer,
            "version": collection.version,
            "features": count,
            "exported_by": operator(),
            "software": "OneMap CIM",
            "versions": sources,
        }
        text = json.dumps(note, ensure_ascii=False, indent=1, default=str) + "\n"
        target.with_name(f"{target.name}.lineage.json").write_text(text, "utf-8")
        return count

    count = run(work())
    told = {"layer": layer, "files": [str(target)], "features": count}
    typer.echo(json.dumps(told) if as_json else f"{layer}: {count} objects in {target}")
