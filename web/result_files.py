"""All that a query finds as one file: written whole in a folder of its own, sent, and gone."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import StreamingResponse

from cim.errors import AnswerTooLarge, BadRequest, StoreUnavailable
from cim.model.access import Grade
from cim.model.collection import Field
from cim.policy.policy import read_context
from cim.store import audits
from cim.store.exporting import FeaturePage, feature_pages
from cim.store.features import FeatureQuery, count_features
from importers.city.writing import CITYJSON
from importers.export_formats import FORMATS, XLSX
from importers.export_workbook import sheet_text
from importers.exports import ExportOrder
from web.city_files import CITY_FORMS, check_city, document_of, write_city_file
from web.items import ItemsParameters, in_its_state, is_plain
from web.looking import State
from web.state import Caller
from web.writing_files import origin_of, written

MOST_FEATURES, MOST_SHEET_ROWS, MOST_CITY_OBJECTS = 200_000, 100_000, 50_000
MOST_SHAPE_BYTES = 512 * 1024 * 1024
WAIT_S = 20
TIMEOUT_MS = 30_000
CHUNK_BYTES = 256 * 1024
MEDIA_TYPES = {
    "gpkg": "application/geopackage+sqlite3",
    "shp": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
    "cityjson": "application/city+json",
    "cityjsonseq": "application/city+json-seq",
}
SUFFIXES = {"shp": ".zip", "cityjson": ".city.json", "cityjsonseq": ".city.jsonl"}
_DEGREES = (4490, 4326)
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|\r\n\t', "_"))


async def result_file(who: Caller, query: FeatureQuery, asked: ItemsParameters, form: str) -> StreamingResponse:
    """The answer that sends everything a query finds as a file of a format, in the order and CRS asked for.

    Raises AnswerTooLarge for more than a file holds, BadRequest for a page of one, StoreUnavailable when other files
    are being written and do not end soon.
    """
    _check(query, asked, form)
    layer = query.collection.id
    async with _turn(who.state.file_turns):
        with who.state.files.passing_folder(MOST_SHAPE_BYTES) as folder:
            target = folder / f"{layer}{SUFFIXES.get(form, f'.{form}')}"
            async with who.state.database.reading(
                read_context(who.principal, who.request_id, TIMEOUT_MS)
            ) as connection:
                query, state = await in_its_state(connection, who, query, asked)
                count = state.feature_count if is_plain(query) else await count_features(connection, query)
                _check_count(count, form)
                if form in CITY_FORMS:
                    await write_city_file(connection, query, form, target, await document_of(who.state.database, layer))
                else:
                    order = _order(who, query, asked, state, form, target)
                    await written(order, _bounded(feature_pages(connection, query)))
            await _record(who, query, state, form, count)
            opened = await asyncio.to_thread(target.open, "rb")
            size = (await asyncio.to_thread(target.stat)).st_size
    definition = who.state.catalog.layers.get(layer)
    title = definition.title.zh if definition else layer
    name = f"{title.translate(_NOT_IN_NAMES)}_v{state.number}{SUFFIXES.get(form, target.suffix)}"
    headers = {
        "content-disposition": f"attachment; filename=\"{target.name}\"; filename*=UTF-8''{quote(name)}",
        "content-length": str(size),
        "cache-control": "private, no-cache",
    }
    return StreamingResponse(_chunks(opened), media_type=MEDIA_TYPES[form], headers=headers)


def _check(query: FeatureQuery, asked: ItemsParameters, form: str) -> None:
    given = sorted(asked.model_fields_set & {"limit", "after"})
    if given:
        raise BadRequest(
            "a file holds everything that is found, not a page",
            where=given[0],
            remedy="leave it out, or ask for f=json",
        )
    if form in CITY_FORMS:
        check_city(query, "crs" in asked.model_fields_set)
    if form == "geojson" and query.srid not in _DEGREES:
        raise BadRequest(
            "GeoJSON is in longitude and latitude", where="crs", remedy="leave crs out, or choose another format"
        )


def _check_count(count: int, form: str) -> None:
    most = {XLSX: MOST_SHEET_ROWS, CITYJSON: MOST_CITY_OBJECTS}.get(form, MOST_FEATURES)
    if count > most:
        raise AnswerTooLarge(
            f"{count} features are found, and a file of {form} holds {most} at most",
            where="f",
            remedy="narrow the filter or the box, or ask the operator for `cim export`",
        )


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WAIT_S):
            await turns.acquire()
    except TimeoutError:
        raise StoreUnavailable(
            "the server is busy: other files are being written", remedy="try again in a minute"
        ) from None
    try:
        yield
    finally:
        turns.release()


def _order(
    who: Caller, query: FeatureQuery, asked: ItemsParameters, state: State, form: str, target: Path
) -> ExportOrder:
    schema = query.collection.schema
    known: dict[str, Field] = {field.name: field for field in schema.fields}
    origin = origin_of(query.collection, query.srid, state.number)
    more = (("情景 scenario", asked.scenario), ("时间 datetime", asked.datetime), ("范围 bbox", asked.bbox))
    origin += [(item, content) for item, content in (*more, ("条件 filter", asked.filter)) if content is not None]
    return ExportOrder(
        schema,
        tuple(known[name] for name in query.fields),
        query.srid,
        FORMATS[form],
        target,
        text=sheet_text(who.state.catalog, schema, origin),
        with_key=False,
    )


async def _bounded(pages: AsyncGenerator[FeaturePage, None]) -> AsyncGenerator[FeaturePage, None]:
    """The pages, as long as their shapes together fit a file."""
    held = 0
    async with aclosing(pages):
        async for page in pages:
            held += sum(len(shape) for shape in page.wkb if shape is not None)
            if held > MOST_SHAPE_BYTES:
                raise AnswerTooLarge(
                    f"the shapes are larger than {MOST_SHAPE_BYTES >> 20} MiB together",
                    where="f",
                    remedy="narrow the filter or the box, or ask the operator for `cim export`",
                )
            yield page


async def _record(who: Caller, query: FeatureQuery, state: State, form: str, count: int) -> None:
    """Note in the audit log that data which is not public has left the house."""
    if query.collection.grade is Grade.PUBLIC:
        return
    async with who.state.database.writing(who.request_id) as connection:
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="export",
            subject=query.collection.id,
            request_id=who.request_id,
            detail={"version": state.number, "format": form, "features": count},
        )


def _chunks(opened: BinaryIO) -> Iterator[bytes]:
    """The content of a file that has no name any more; closing it frees its room on the disk."""
    with opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk
