"""What a request for building elements asks: from query parameters to the query of the store, and its documents."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
import shapely
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.filters.compiler import compile_filter, compile_node
from cim.filters.elements import ElementScope, set_value
from cim.filters.literals import text_literal
from cim.filters.nodes import Geometry, Property, call
from cim.model.redline import to_lonlat
from cim.store import bim_conditions as conditions
from cim.store.as_of import version_at
from cim.store.bim_elements import ElementQuery
from cim.store.redlines import the_redline
from cim.store.versions import the_version
from web.parameters import parse_bbox, parse_crs, parse_datetime
from web.state import Caller

FILTER_SRIDS = frozenset({4490, 4326, 3857})
SCOPE = ElementScope()
GLOBAL_ID_LETTERS = 64


class Place(BaseModel):
    """Where things are."""

    model_config = ConfigDict(populate_by_name=True)
    bbox: str | None = Field(None, description="west,south,east,north in degrees")
    area: str | None = Field(None, max_length=16_384, description="a GeoJSON polygon, or the id of a red line")


class ElementFilters(Place):
    """Which elements; all conditions must hold."""

    class_: str | None = Field(None, alias="class", description="IFC classes, parted by commas: IfcDoor,IfcWindow")
    subclasses: bool = Field(True, description="also classes that are kinds of those named")
    storey: str | None = Field(None, description="a storey's number (1 at the ground), name or GlobalId")
    space: str | None = Field(None, description="the GlobalId of a space the elements are in")
    system: str | None = Field(None, description="the GlobalId of a system the elements belong to")
    material: str | None = Field(None, description="the name of a material")
    kind: Literal["spatial", "space", "group", "element"] | None = Field(None, description="of what kind they are")
    property: list[str] = Field(default_factory=list, description="Set.Name or Name, alone or with =VALUE; repeatable")
    code: str | None = Field(None, description="a classification code or its first pairs: 14-10.20")
    min_height: float | None = Field(None, alias="min-height", allow_inf_nan=False, description="metres")
    max_height: float | None = Field(None, alias="max-height", allow_inf_nan=False, description="metres")
    filter: str | None = Field(None, description='CQL2 over fields and "Set.Name" of properties and quantities')
    filter_lang: Literal["cql2-text", "cql2-json"] = Field("cql2-text", alias="filter-lang")
    filter_crs: str | None = Field(None, alias="filter-crs", description="CRS of the geometries in filter")


class Page(BaseModel):
    """A part of what is found."""

    limit: int = Field(10, ge=1, description="elements a page")
    after: str | None = Field(None, max_length=400, description="where the page before ended; see its next link")


class Moment(BaseModel):
    """Which version of a model is looked at."""

    version: int | None = Field(None, ge=1, le=2**31 - 1, description="an older version of the model")
    datetime: str | None = Field(None, description="the version valid at an instant, or at an interval's end")


class Found(ElementFilters, Page):
    """A page of elements across models."""


class FoundInModel(ElementFilters, Page, Moment):
    """A page of elements of one model."""


class Summed(ElementFilters):
    """Quantities of elements across models."""

    by: Literal["class", "storey", "material"] = Field("class", description="what the sums are grouped by")


class SummedInModel(Summed, Moment):
    """Quantities of elements of one model."""


async def conditions_of(who: Caller, asked: ElementFilters) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions a request makes, on bare columns of elements."""
    found = [*_plain(asked), *conditions.within_box(parse_bbox(asked.bbox))]
    found += conditions.in_heights(asked.min_height, asked.max_height)
    if asked.area is not None:
        found.append(await in_area(who, asked.area))
    if asked.filter is not None:
        srid = parse_crs(asked.filter_crs, FILTER_SRIDS, "filter-crs")
        found.append(compile_filter(asked.filter, SCOPE, asked.filter_lang, srid).condition)
    return tuple(found)


def _plain(asked: ElementFilters) -> Iterator[sa.ColumnElement[bool]]:
    if asked.class_ is not None:
        yield conditions.of_classes(asked.class_, subclasses=asked.subclasses)
    asks: tuple[tuple[str | None, Callable[[str], sa.ColumnElement[bool]]], ...] = (
        (asked.storey, conditions.on_storey),
        (asked.space, partial(conditions.equal_to, "space")),
        (asked.kind, partial(conditions.equal_to, "kind")),
        (asked.system, partial(conditions.among, "systems")),
        (asked.material, partial(conditions.among, "materials")),
        (asked.code, conditions.coded),
        *((each, partial(conditions.with_property, value_of=set_value)) for each in asked.property),
    )
    for text, condition in asks:
        if text is not None:
            text_literal(text)
            yield condition(text)


async def in_area(who: Caller, area: str) -> sa.ColumnElement[bool]:
    """The condition of meeting an area: GeoJSON in longitude and latitude, or the id of a red line of the caller's."""
    shape = _geojson(area) if area.lstrip().startswith("{") else await _red_line(who, area)
    return compile_node(call("s_intersects", (Property("geom"), Geometry(shape))), SCOPE).condition


def _geojson(text: str) -> BaseGeometry:
    try:
        document = json.loads(text)
        shape: BaseGeometry | None = shapely.from_geojson(json.dumps(document.get("geometry", document)))
    except (ValueError, AttributeError, RecursionError, shapely.errors.ShapelyError):
        raise BadRequest("the area is not GeoJSON", where="area", remedy="give a Polygon or a MultiPolygon") from None
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadRequest("the area is no polygon", where="area", remedy="give a Polygon or a MultiPolygon")
    return shape


async def _red_line(who: Caller, redline: str) -> BaseGeometry:
    author = who.principal.name if who.principal.role != "anonymous" else ""
    async with who.state.database.writing(who.request_id) as connection:
        line = await the_redline(connection, redline, author)
    shapes = np.array([parcel.shape for parcel in line.parcels], dtype=object)
    return shapely.union_all(to_lonlat(shapes, line.srid))


async def version_of(connection: AsyncConnection, model: str, current: int, asked: Moment) -> int | None:
    """The older version a request looks at; None for the current one."""
    if asked.version is not None and asked.datetime is not None:
        raise BadRequest("a version and a time are given", where="datetime", remedy="leave one of them out")
    number = asked.version
    if number is None:
        instant = parse_datetime(asked.datetime)
        if instant is None:
            return None
        number = await version_at(connection, model, instant)
        return None if number == current else number
    if number == current:
        return None
    return (await the_version(connection, model, number)).number


def paged(query: ElementQuery, page: Page, most: int) -> ElementQuery:
    """The query of a page, with one element more than it holds, to see whether there is a next one."""
    limit = min(page.limit, most) + 1
    return ElementQuery(query.models, query.version, query.where, limit, _after(page.after))


def after_token(record: dict[str, Any]) -> str:
    """What the next page continues from."""
    text = json.dumps([record["model"], record["global_id"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(token: str | None) -> tuple[str, str] | None:
    if token is None:
        return None
    try:
        model, global_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        text_literal("".join([model, global_id]))
    except (ValueError, TypeError, RecursionError, BadRequest):
        raise BadRequest(
            "this is not where a page of this request ended", where="after", remedy="follow the next link of a page"
        ) from None
    return model, global_id


def feature(record: dict[str, Any]) -> dict[str, Any]:
    """An element as GeoJSON."""
    properties = {name: value for name, value in record.items() if name not in ("geometry", "mesh", "matrix")}
    geometry = json.loads(record["geometry"]) if record["geometry"] else None
    return {"type": "Feature", "id": record["global_id"], "geometry": geometry, "properties": properties}


def checked_global_id(global_id: str) -> str:
    """A GlobalId that could be one; NotFound else."""
    if not global_id.isprintable() or len(global_id) > GLOBAL_ID_LETTERS or not global_id.isascii():
        raise NotFound("there is no such element", where="GlobalId", remedy="GlobalIds have 22 letters")
    return global_id
