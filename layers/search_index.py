"""Putting the named features of a layer into the search index, with their pinyin."""

from collections.abc import Iterator

from cim.store.collections import lock_layer, the_collection
from cim.store.database import Database
from cim.store.searching import (
    NamedPlace,
    SearchEntry,
    add_entries,
    behind_layers,
    clear_entries,
    mark_indexed,
    model_place,
    named_places,
)
from layers.catalog import Catalog
from layers.definition import LayerDefinition
from layers.romanise import romanised

MODEL_WEIGHT = 10


async def index_behind(database: Database, catalog: Catalog) -> list[str]:
    """Index every layer whose index is older than its version; returns their ids."""
    async with database.writing("search") as connection:
        behind = await behind_layers(connection)
    for layer in behind:
        await index_layer(database, catalog.layers.get(layer), layer)
    return behind


async def index_layer(database: Database, definition: LayerDefinition | None, layer: str) -> None:
    """Index one layer's current version in one transaction: searches find the old entries until it commits."""
    async with database.writing("search") as connection:
        await lock_layer(connection, f"search:{layer}")
        collection = await the_collection(connection, layer)
        await clear_entries(connection, layer)
        if definition and definition.search and collection.schema.geometry != "none":
            async for batch in named_places(connection, collection.schema, _fields(definition)):
                await add_entries(connection, layer, _entries(definition, batch))
        if collection.schema.kind == "model":
            place = await model_place(connection, layer)
            await add_entries(connection, layer, [_model_entry(place)] if place else [])
        await mark_indexed(connection, layer, collection.version)


def _model_entry(place: NamedPlace) -> SearchEntry:
    """A building model is one entry, found by its name, its id and its building code."""
    name, *others = [value for value in place.values if value]
    pinyin, initials = romanised(name)
    text = " ".join([name, *others]).lower()
    return SearchEntry(0, name, " ".join(others), text, pinyin, initials, MODEL_WEIGHT, place.lon, place.lat)


def _fields(definition: LayerDefinition) -> tuple[str, ...]:
    first = definition.title_field or definition.search[0]
    return tuple(dict.fromkeys([first, *definition.search]))


def _entries(definition: LayerDefinition, places: list[NamedPlace]) -> Iterator[SearchEntry]:
    for place in places:
        values = [value.strip() for value in place.values if value and value.strip()]
        if not values:
            continue
        title, others = values[0], values[1:]
        pinyin, initials = romanised(title)
        yield SearchEntry(
            fid=place.fid,
            title=title,
            subtitle=" ".join(others),
            text=" ".join(values).lower(),
            pinyin=pinyin,
            initials=initials,
            weight=definition.search_weight,
            lon=place.lon,
            lat=place.lat,
        )
