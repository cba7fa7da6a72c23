"""Short ways to import, write and compare city models in tests."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cim.model.access import Grade, ReadContext
from cim.model.imports import ImportReport
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.features import FeatureQuery
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from layers.catalog import Catalog
from web.city_files import document_of, write_city_file

NO_CATALOG = Catalog({}, (), {}, {})
EVERYTHING = ReadContext(tuple((grade, None) for grade in Grade), "test", 0)
DIGITS = 6


async def load(database: Database, path: Path, layer: str | None = None, **options: object) -> ImportReport:
    """Import a city model; one report."""
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))  # type: ignore[arg-type]
    (report,) = await import_file(database, NO_CATALOG, request)
    return report


def inspected(path: Path, **options: object) -> LayerInspection:
    """The only layer of a source."""
    with open_source(path, ReadOptions(trust_file=True, **options)) as source:  # type: ignore[arg-type]
        (layer,) = source.inspection.layers
    return layer


async def written(database: Database, layer: str, target: Path, form: str = "cityjson") -> Path:
    """A layer as a file again."""
    document = await document_of(database, layer)
    async with database.reading(EVERYTHING) as connection:
        collection = await the_collection(connection, layer)
        query = FeatureQuery(collection, collection.schema.field_names)
        await write_city_file(connection, query, form, target, document)
    return target


def models(path: Path) -> Iterator[dict[str, Any]]:
    """The documents and features of a file."""
    if path.name.endswith("jsonl"):
        head: dict[str, Any] = {}
        for line in path.read_text("utf-8").split("\n"):
            model = json.loads(line or "{}")
            head = head or model
            if model:
                own = {"appearance": model.get("appearance", {}), "looks of templates": head.get("appearance", {})}
                yield {**head, **model, **own}
    else:
        yield json.loads(path.read_bytes())


def resolved(path: Path) -> dict[str, Any]:
    """Every object of a file by id, with coordinates, materials, textures and templates in the place of numbers."""
    objects: dict[str, Any] = {}
    for model in models(path):
        scale, translate = model["transform"]["scale"], model["transform"]["translate"]
        points = [
            tuple(round(v * s + t, DIGITS) for v, s, t in zip(vertex, scale, translate, strict=True))
            for vertex in model["vertices"]
        ]
        for name, content in model["CityObjects"].items():
            assert name not in objects
            objects[name] = _object(content, points, model)
    return objects


def _object(content: Mapping[str, Any], points: list[Any], model: Mapping[str, Any]) -> dict[str, Any]:
    look, templates = model.get("appearance", {}), model.get("geometry-templates", {})
    templates = {**templates, "looks": model.get("looks of templates", look)}
    out = {name: value for name, value in content.items() if value not in ([], {})}
    out["geometry"] = [_geometry(g, points, look, templates) for g in content.get("geometry", [])]
    if "address" in content:
        out["address"] = [_geometry_of_address(entry, points) for entry in content["address"]]
    return out


def _geometry_of_address(entry: Mapping[str, Any], points: list[Any]) -> dict[str, Any]:
    location = entry.get("location")
    if not location:
        return dict(entry)
    return {**entry, "location": {**location, "boundaries": _at(location["boundaries"], points)}}


def _geometry(
    geometry: Mapping[str, Any], points: list[Any], look: Mapping[str, Any], templates: Mapping[str, Any]
) -> dict[str, Any]:
    out = {**geometry, "boundaries": _at(geometry["boundaries"], points)}
    if "template" in geometry:
        template = templates["templates"][geometry["template"]]
        out["template"] = _geometry(template, templates["vertices-templates"], templates["looks"], {})
    if "material" in geometry:
        out["material"] = {
            theme: {kind: _at(held, look["materials"]) for kind, held in values.items()}
            for theme, values in geometry["material"].items()
        }
    if "texture" in geometry:
        out["texture"] = {theme: _textures(held["values"], look) for theme, held in geometry["texture"].items()}
    return out


def _at(places: Any, held: list[Any]) -> Any:
    if isinstance(places, list):
        return [_at(place, held) for place in places]
    return None if places is None else held[places]


def _textures(values: Any, look: Mapping[str, Any]) -> Any:
    if isinstance(values, list) and values and isinstance(values[0], int):
        return [look["textures"][values[0]], [look["vertices-texture"][place] for place in values[1:]]]
    return [_textures(value, look) for value in values] if isinstance(values, list) else values
