"""What a request for items asks: from query parameters to the query of the store, and the links that go on."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.filters.compiler import compile_filter
from cim.filters.literals import day, instant, text_literal
from cim.filters.nodes import Moment
from cim.filters.scope import FieldScope
from cim.filters.simple import equals
from cim.model.collection import CollectionSchema
from cim.policy.policy import Decision
from cim.store.features import Feature, FeatureQuery, SortKey
from web.looking import State, state_of
from web.parameters import parse_bbox, parse_crs, parse_datetime
from web.state import Caller

OWN_SRIDS = frozenset({4490, 3857, 4326})
"""The systems every layer's geometry is given out in, beside its own."""


class When(BaseModel):
    """Which state of a layer is looked at."""

    model_config = ConfigDict(populate_by_name=True)
    datetime: str | None = Field(None, description="an instant or interval: the version valid at it, or at its end")
    scenario: str | None = Field(None, description="a scenario to look at the layer under")


class View(When):
    """Which state of a layer is looked at, and in which CRS."""

    crs: str | None = Field(None, description="CRS of the geometries given out")


class ItemView(View):
    """Which state of one feature is looked at, and in which form."""

    f: Literal["json", "geojson", "cityjson"] | None = Field(
        None, description="cityjson: an object of a city layer with its shapes, as CityJSON"
    )


class Conditions(BaseModel):
    """What features must meet, beside ``name=value`` of fields."""

    model_config = ConfigDict(populate_by_name=True)
    bbox: str | None = Field(None, description="west,south,east,north")
    bbox_crs: str | None = Field(None, alias="bbox-crs", description="CRS of bbox; CRS84 when left out")
    filter: str | None = Field(None, description="CQL2")
    filter_lang: Literal["cql2-text", "cql2-json"] = Field("cql2-text", alias="filter-lang")
    filter_crs: str | None = Field(None, alias="filter-crs", description="CRS of the geometries in filter")


class ItemsParameters(View, Conditions):
    """The parameters of a page of items; others are read as ``name=value`` of a field."""

    limit: int = Field(10, ge=1, description="features a page")
    after: str | None = Field(None, description="where the page before ended; taken from its next link")
    properties: str | None = Field(None, description="the fields given out, parted by commas")
    sortby: str | None = Field(None, description="fields parted by commas, each with + or - before it")
    f: Literal["json", "geojson", "gpkg", "shp", "csv", "xlsx", "cityjson", "cityjsonseq"] | None = Field(
        None, description="json: a page as GeoJSON; all others: everything that is found, as a file"
    )


def names_of(parameters: type[BaseModel]) -> frozenset[str]:
    """The names parameters have in an address."""
    return frozenset(field.alias or name for name, field in parameters.model_fields.items())


KNOWN = names_of(ItemsParameters)
Parameters = Annotated[ItemsParameters, Query()]
Pairs = Sequence[tuple[str, str]]
"""Query parameters in order; one that is given twice is there twice."""


def offered_srids(decision: Decision) -> frozenset[int]:
    """The systems a layer's geometry is given out in, and filters are read in."""
    return OWN_SRIDS | {decision.collection.schema.srid}


def items_query(decision: Decision, asked: ItemsParameters, others: Pairs, most: int) -> FeatureQuery:
    """The query of a page, but for the version: one more feature than the page holds, to see whether there is a next.

    ``others`` are the parameters that are not in ``KNOWN``; ``most`` is the greatest page.
    """
    scope = FieldScope(decision.collection.schema, decision.field_names)
    sort = _sort(asked.sortby, scope)
    fields = decision.field_names if asked.properties is None else _chosen(asked.properties, scope)
    after, position = _after(asked.after, sort, decision.collection.schema)
    return replace(
        found_query(decision, asked, others, fields),
        after=after,
        limit=min(asked.limit, most) + 1,
        srid=parse_crs(asked.crs, offered_srids(decision)) or 4490,
        sort=sort,
        position=position,
    )


def found_query(decision: Decision, asked: Conditions, others: Pairs, fields: tuple[str, ...]) -> FeatureQuery:
    """The query of everything that meets the conditions, with these fields, but for the version."""
    scope = FieldScope(decision.collection.schema, decision.field_names)
    bbox = parse_bbox(asked.bbox, srid=parse_crs(asked.bbox_crs, offered_srids(decision), "bbox-crs"))
    where = _conditions(decision, asked, others, scope)
    return FeatureQuery(decision.collection, fields, decision.regions, bbox=bbox, where=where)


def _conditions(
    decision: Decision, asked: Conditions, others: Pairs, scope: FieldScope
) -> tuple[sa.ColumnElement[bool], ...]:
    found = [equals(name, value, scope).condition for name, value in others]
    if asked.filter is not None:
        srid = parse_crs(asked.filter_crs, offered_srids(decision), "filter-crs")
        found.append(compile_filter(asked.filter, scope, asked.filter_lang, srid).condition)
    return tuple(found)


async def in_its_state(
    connection: AsyncConnection, who: Caller, query: FeatureQuery, view: When
) -> tuple[FeatureQuery, State]:
    """The query of the state that ``datetime`` or ``scenario`` asks for, and that state."""
    state = await state_of(
        connection, query.collection.id, who.readable_ids(), parse_datetime(view.datetime), view.scenario
    )
    return replace(query, version=state.version, scenario=state.scenario), state


def is_plain(query: FeatureQuery) -> bool:
    """Whether a query is of all the layer's current features, so that their number is known."""
    return (query.regions, query.bbox, query.where, query.version, query.scenario) == (None, None, (), None, None)


def page_address(base: str, parameters: Pairs, limit: int, after: str | None) -> str:
    """The address of a page of items, from the parameters of this one."""
    kept = [(name, value) for name, value in parameters if name not in ("limit", "after")]
    return f"{base}?{urlencode([*kept, ('limit', limit), *([('after', after)] if after else [])])}"


def after_token(feature: Feature) -> str:
    """What the next page continues from: the feature's id, below its values where the page is sorted."""
    if not feature.position:
        return str(feature.fid)
    values = [value.isoformat() if hasattr(value, "isoformat") else value for value in feature.position]
    return base64.urlsafe_b64encode(json.dumps([*values, feature.fid]).encode()).decode().rstrip("=")


def _after(token: str | None, sort: tuple[SortKey, ...], schema: CollectionSchema) -> tuple[int, tuple[Any, ...]]:
    try:
        if token is None:
            return 0, ()
        if not sort:
            return _fid(int(token)), ()
        *values, fid = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        kinds = {field.name: field.type for field in schema.fields}
        position = tuple(_sorted_value(kinds[key.field], value) for key, value in zip(sort, values, strict=True))
        return _fid(fid), position
    except (ValueError, TypeError, BadRequest, RecursionError):
        raise BadRequest(
            "this is not where a page of this request ended", where="after", remedy="follow the next link of a page"
        ) from None


def _fid(value: object) -> int:
    if type(value) is int and 0 <= value < 2**63:
        return value
    raise ValueError("no feature id")


def _sorted_value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind in ("date", "timestamp"):
        moment: Moment = day(value) if kind == "date" else instant(value)
        return moment.value
    wanted: dict[str, tuple[type, ...]] = {"text": (str,), "boolean": (bool,), "double": (int, float)}
    if type(value) not in wanted.get(kind, (int,)):
        raise ValueError("not a value of the field")
    limits = {"integer": 2**31, "bigint": 2**63}
    if kind in limits and not -limits[kind] <= value < limits[kind]:
        raise ValueError("not a value of the field")
    if kind == "text":
        text_literal(value)
    return float(value) if kind == "double" else value


def _sort(text: str | None, scope: FieldScope) -> tuple[SortKey, ...]:
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    keys = [SortKey(scope.find(word.lstrip("+-"), "sortby").name, word.startswith("-")) for word in words]
    return tuple({key.field: key for key in reversed(keys)}.values())[::-1]


def _chosen(text: str, scope: FieldScope) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return tuple(dict.fromkeys(scope.find(name, "properties").name for name in names))
