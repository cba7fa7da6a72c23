"""What a request for devices asks: from query parameters to the query of the store."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import shapely
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.filters.literals import text_literal
from cim.model.device_kinds import kind_named, placement_named
from cim.model.devices import DeviceState
from cim.store.bim_buildings import BUILDINGS, CODE
from cim.store.devices import DeviceQuery, Threshold, properties_named
from web.parameters import parse_bbox
from web.state import Caller

MOST_WINDOW = timedelta(days=31)
MOST_CORNERS = 10_000
_WINDOW = re.compile(r"(?:PT?)?(\d{1,6})(s|min|m|h|d|)", re.IGNORECASE)
_UNITS_S = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


Sorting = Literal[
    "code", "-code", "name", "-name", "owner", "-owner", "state", "-state", "value", "-value", "at", "-at"
]


class DeviceFilters(BaseModel):
    """Which devices; all conditions must hold."""

    model_config = ConfigDict(populate_by_name=True)
    placement: str | None = Field(
        None, description="placements parted by commas, by code or Chinese name: 市政,traffic"
    )
    kind: str | None = Field(None, description="kinds parted by commas: air,camera")
    region: str | None = Field(None, max_length=12, description="a region's code or its start: 510182")
    owner: str | None = Field(None, max_length=200)
    state: DeviceState | None = Field(None, description="none: no datastream, such as a pole")
    parent: str | None = Field(None, max_length=200, description="the code of what it hangs on")
    bbox: str | None = Field(None, description="west,south,east,north in degrees")
    polygon: str | None = Field(None, max_length=16_384, description="a GeoJSON polygon; a large one is better posted")
    building: str | None = Field(None, max_length=100, description="a building's code")
    model: str | None = Field(None, max_length=100, description="a building model")
    storey: str | None = Field(None, max_length=64, description="the GlobalId of a storey of the model")
    storey_number: int | None = Field(None, ge=-1000, le=1000, description="1 at the ground, -1 below it")
    property: str | None = Field(None, max_length=100, description="code or name of an observed property they have")
    at_least: float | None = Field(None, alias="value>", allow_inf_nan=False, description="value>=75 of the property")
    at_most: float | None = Field(None, alias="value<", allow_inf_nan=False, description="value<=75 of the property")
    window: str | None = Field(
        None, max_length=12, description="how old the value may be: 1h, 30min, 2d, 900 (seconds)"
    )
    on: Literal["latest", "any"] = Field("latest", description="the newest value, or any within the window")
    q: str | None = Field(None, max_length=100, description="part of the name or owner, start of the code, or an alias")


class DevicePage(DeviceFilters):
    """A page of devices, or all of them as CSV."""

    limit: int = Field(10, ge=1, description="devices a page")
    sortby: Sorting = Field(
        "code", description="- before it for descending; value and at are of the newest value of property"
    )
    after: str | None = Field(None, max_length=2_000, description="where the page before ended; see its next link")
    f: Literal["json", "geojson", "csv"] = Field("json", description="csv holds all that are found, not a page")


class PostedFilters(DevicePage):
    """The same as a document, where the polygon is GeoJSON itself and bounds are ``at_least`` and ``at_most``."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    polygon: Any = None


def may_see(who: Caller) -> DeviceQuery:
    """The query of all devices, with the bindings the caller may see."""
    buildings = next((one for one in who.readable() if one.collection.id == BUILDINGS), None)
    models = tuple(decision.collection.id for decision in who.models())
    return DeviceQuery(models, buildings is not None and CODE in buildings.field_names)


async def device_query(connection: AsyncConnection, who: Caller, asked: DeviceFilters) -> DeviceQuery:
    """The query a request makes; BadRequest names the parameter that cannot be used."""
    for text in (asked.owner, asked.parent, asked.building, asked.model, asked.storey, asked.region, asked.q):
        text_literal(text or "")
    if asked.model is not None:
        who.model(asked.model)
    properties = None if asked.property is None else await the_properties(connection, asked.property)
    return replace(
        may_see(who),
        placements=tuple(placement_named(each) for each in _words(asked.placement)),
        kinds=tuple(kind_named(each) for each in _words(asked.kind)),
        owner=asked.owner,
        region=asked.region,
        state=asked.state,
        parent=asked.parent,
        bbox=parse_bbox(asked.bbox),
        area=area_text(asked.polygon),
        building=asked.building,
        model=asked.model,
        storey=asked.storey,
        storey_number=asked.storey_number,
        properties=properties,
        threshold=_threshold(asked, properties),
        text=asked.q,
    )


async def the_properties(connection: AsyncConnection, name: str) -> tuple[int, ...]:
    """The observed properties of a code or name; BadRequest where there is none."""
    text_literal(name)
    found = await properties_named(connection, name)
    if not found:
        raise BadRequest(
            f"nothing called {name[:60]!r} is observed",
            where="property",
            remedy="GET /sensorthings/v1.1/ObservedProperties lists what is",
        )
    return found


def parse_window(text: str | None, name: str = "window") -> timedelta | None:
    """A length of time such as 1h, 30min, 2d, PT15M or seconds; BadRequest above 31 days."""
    if text is None:
        return None
    match = _WINDOW.fullmatch(text.strip())
    length = timedelta(seconds=int(match[1]) * _UNITS_S[match[2].lower()]) if match else timedelta()
    if not timedelta() < length <= MOST_WINDOW:
        raise BadRequest(
            f"{text[:20]!r} is no length of time", where=name, remedy="write 1h, 30min, 2d or seconds, up to 31 days"
        )
    return length


def area_text(value: Any) -> str | None:
    """A polygon as GeoJSON text for the database, from text or a document; BadRequest where it is none."""
    if value is None:
        return None
    try:
        document = json.loads(value) if isinstance(value, str) else value
        shape: Any = shapely.from_geojson(json.dumps(document.get("geometry", document)))
    except (ValueError, AttributeError, TypeError, RecursionError, shapely.errors.ShapelyError):
        shape = None
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise BadRequest("it is no GeoJSON polygon", where="polygon", remedy="give a Polygon or a MultiPolygon")
    corners = shapely.get_coordinates(shape)
    if len(corners) > MOST_CORNERS:
        raise BadRequest(f"it has {len(corners)} corners", where="polygon", remedy=f"give at most {MOST_CORNERS}")
    if not (abs(corners[:, 0]).max() <= 180 and abs(corners[:, 1]).max() <= 90):
        raise BadRequest("it is outside the world", where="polygon", remedy="write longitude, latitude in degrees")
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise BadRequest(f"its boundary is not valid: {reason}", where="polygon", remedy="draw it without crossings")
    return str(shapely.to_geojson(shapely.force_2d(shape)))


def _threshold(asked: DeviceFilters, properties: tuple[int, ...] | None) -> Threshold | None:
    window = parse_window(asked.window)
    if asked.at_least is None and asked.at_most is None:
        if window is None:
            return None
        raise BadRequest("a window is given, but no bound", where="window", remedy="give value>= or value<=")
    if properties is None:
        raise BadRequest(
            "values of different things cannot be compared", where="property", remedy="say of which property: pm25"
        )
    if asked.on == "any" and window is None:
        raise BadRequest("any value, but since when is not said", where="window", remedy="give window=1h")
    return Threshold(properties, asked.at_least, asked.at_most, window, asked.on == "any")


def _words(text: str | None) -> list[str]:
    return [word for word in re.split("[,，、]", text or "") if word.strip()]
