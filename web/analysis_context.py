"""The view of the city that an analysis is given: the caller's layers, the catalogue's names and codes."""

from collections.abc import Mapping
from typing import Any

from cim.analysis.context import CodeNames, Context, Floats, HeightReader, Progress, RollUp, no_progress
from cim.model.access import Principal
from cim.model.collection import Collection
from cim.model.heights import PointHeights
from cim.model.redline import RedLine
from cim.policy.policy import Decision, read_context, readable, readable_models
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.redlines import the_redline
from layers.catalog import Catalog
from layers.codes import CodeList
from layers.crosswalks import Crosswalk
from tiles.raster_points import heights_at

TIMEOUT_MS = 60_000


def analysis_context(
    database: Database,
    catalog: Catalog,
    collections: Mapping[str, Collection],
    principal: Principal,
    *,
    author: str | None,
    inputs: Mapping[str, Any],
    request_id: str = "",
    progress: Progress = no_progress,
    office: str = "",
    files: FileStore | None = None,
    models: Mapping[str, Collection] | None = None,
) -> Context:
    """What the analyses may see and know for a caller.

    ``author`` is whose red lines may be used (None: anybody's); ``data_versions`` of the inputs pin layers to older
    versions. Without ``files`` no heights can be read.
    """
    decisions = {decision.collection.id: decision for decision in readable(principal, collections.values())}
    versions = inputs.get("data_versions")

    async def red_line(redline: str) -> RedLine:
        async with database.writing(request_id) as connection:
            return await the_redline(connection, redline, author)

    return Context(
        reading=lambda: database.reading(read_context(principal, request_id, TIMEOUT_MS)),
        decisions=decisions,
        titles={name: definition.title.zh for name, definition in catalog.layers.items()},
        codes={name: _names(codes) for name, codes in catalog.codes.items()},
        roll_ups={name: _roll_up(walk) for name, walk in catalog.crosswalks.items()},
        red_line=red_line,
        field_titles={
            name: {known.name: known.title.zh for known in definition.fields}
            for name, definition in catalog.layers.items()
        },
        field_codes={
            name: {known.name: known.codes for known in definition.fields if known.codes}
            for name, definition in catalog.layers.items()
        },
        operator=principal.name,
        office=office,
        versions=dict(versions) if isinstance(versions, Mapping) else {},
        progress=progress,
        models={one.collection.id: one for one in readable_models(principal, (models or {}).values())},
        heights=None if files is None else _heights(database, files, principal, decisions),
    )


def _heights(
    database: Database, files: FileStore, principal: Principal, decisions: Mapping[str, Decision]
) -> HeightReader:
    """Reads heights of the layers that the caller may read."""

    async def read(layer: str, lon: Floats, lat: Floats) -> PointHeights:
        return await heights_at(database, files, principal, decisions[layer], lon, lat)

    return read


def _names(codes: CodeList) -> CodeNames:
    names = {code.code: code.name.zh for code in codes.code}
    colours = {code.code: code.colour for code in codes.code if code.colour}
    return CodeNames(codes.system, codes.edition, names, colours)


def _roll_up(walk: Crosswalk) -> RollUp:
    def of(code: str) -> str | None:
        found = walk.roll_up(code)
        return found.to[0] if found and len(found.to) == 1 else None

    return RollUp(walk.edition, of)
